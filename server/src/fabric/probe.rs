//! Probes: `GET /health` of every cloud, this one too, the way that clients go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::cloud::Cloud;
use domain::fabric::score::Status;
use domain::fabric::selector::Reading;
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Fabric;

/// Three of them take a cloud down (`domain::fabric::health::Thresholds`).
pub(super) const EVERY: Duration = Duration::from_secs(2);
/// Who takes longer is down for clients too.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);
/// A healthy answer has some hundred bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What a probe reads of `/health`.
#[derive(Deserialize)]
struct Health {
    status: Status,
    load: f64,
    latency: f64,
}

/// No proxy, no redirect: what is measured is the cloud itself.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).timeout(TIMEOUT);
    client.redirect(reqwest::redirect::Policy::none()).build()
}

impl Fabric {
    /// Probes one cloud until `stop`.
    pub(super) async fn probe(
        self: Arc<Self>,
        target: Cloud,
        client: reqwest::Client,
        stop: CancellationToken,
    ) {
        let Some(url) = self.plan.endpoints.get(target).clone() else { return };
        let url = format!("{url}/health");
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let answer = tokio::select! {
                () = stop.cancelled() => return,
                answer = read(&client, &url) => answer,
            };
            count(target, answer.as_ref());
            if self.with_selector(|selector, now_ms| selector.probe(target, answer, now_ms)) {
                let seen = if answer.is_some() { "up" } else { "down" };
                tracing::info!(%target, seen, "a cloud is seen differently from here");
                self.changed.notify_one();
                self.news.iter().for_each(|(_, news)| news.notify_one());
            }
        }
    }
}

fn count(target: Cloud, answer: Option<&Reading>) {
    let outcome = if answer.is_some() { "passed" } else { "failed" };
    metrics::counter!("ternion_fabric_probes_total", "target" => target.name(), "outcome" => outcome)
        .increment(1);
    if let Some(reading) = answer {
        metrics::gauge!("ternion_fabric_rtt_ms", "target" => target.name()).set(reading.rtt_ms);
    }
}

/// `None`: no answer in time, or none that says how the cloud is, or one that says unhealthy.
async fn read(client: &reqwest::Client, url: &str) -> Option<Reading> {
    let began = Instant::now();
    let mut response = client.get(url).send().await.ok()?;
    if !response.status().is_success() {
        return None;
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > BODY_BYTES_MAX {
            return None;
        }
    }
    let rtt_ms = began.elapsed().as_secs_f64() * 1e3;
    reading(&body, rtt_ms)
}

fn reading(body: &[u8], rtt_ms: f64) -> Option<Reading> {
    let Health { status, load, latency } = serde_json::from_slice(body).ok()?;
    let said = load.is_finite() && latency.is_finite() && latency >= 0.0;
    (said && status != Status::Unhealthy).then_some(Reading {
        status,
        load: load.clamp(0.0, 1.0),
        latency_ms: latency,
        rtt_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_say_how_a_cloud_is_is_no_answer() {
        let read = |text: &str| reading(text.as_bytes(), 3.0);
        let healthy = read(r#"{"status":"healthy","load":0.25,"latency":4.5,"more":[1]}"#);
        let expected =
            Reading { status: Status::Healthy, load: 0.25, latency_ms: 4.5, rtt_ms: 3.0 };
        assert_eq!(healthy, Some(expected));
        assert_eq!(read(r#"{"status":"unhealthy","load":0.0,"latency":1.0}"#), None);
        assert_eq!(read(r#"{"status":"fine","load":0.0,"latency":1.0}"#), None);
        assert_eq!(read(r#"{"status":"healthy","load":0.0,"latency":-1.0}"#), None);
        assert_eq!(read("<html>"), None);
    }
}
