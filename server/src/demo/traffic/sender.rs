//! Sending the sample traffic: small batches, each to its tenants' cloud, or to the next that is up.

use std::collections::VecDeque;
use std::time::Duration;

use domain::cloud::{Cloud, PerCloud};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::shape::Shape;

/// The demonstration's program that submits usage.
const TOKEN: &str = "demo-ingest";
/// A batch goes when it has this many events, or this old ones.
const BATCH_EVENTS: usize = 10;
const BATCH_AGE: Duration = Duration::from_millis(400);
/// What waits while its clouds are away; beyond it the oldest go, since a demonstration need not
/// catch up for hours.
const WAITING_EVENTS_MAX: usize = 400;
/// A cloud that did not answer is not asked again for so long.
const AVOID: Duration = Duration::from_secs(3);
const AVOID_MAX: Duration = Duration::from_secs(30);
/// A paused cloud accepts connections and never answers.
const ANSWER_MAX: Duration = Duration::from_secs(4);

/// Runs until dropped.
pub(super) async fn send(mut shape: Shape, urls: PerCloud<String>, mut on: watch::Receiver<bool>) {
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_MAX).build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "there will be no sample traffic");
            return;
        }
    };
    let mut queues = PerCloud::<Queue>::default();
    let mut gates = PerCloud::from_fn(|_| Gate { closed_until: Instant::now() });
    loop {
        // An error means that the supervisor ends.
        if on.wait_for(|on| *on).await.is_err() {
            return;
        }
        sleep(shape.gap(crate::now())).await;
        let inference = shape.inference(crate::now());
        queues.get_mut(inference.company.cloud).push(inference.to_event());
        for cloud in Cloud::ALL {
            if queues.get(cloud).is_due() {
                queues.get_mut(cloud).flush(cloud, &client, &urls, &mut gates).await;
            }
        }
    }
}

/// Events that wait for their batch.
#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Value>,
    oldest: Option<Instant>,
}

impl Queue {
    fn push(&mut self, event: Value) {
        if self.events.len() == WAITING_EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(event);
        self.oldest.get_or_insert_with(Instant::now);
    }

    fn is_due(&self) -> bool {
        let old = self.oldest.is_some_and(|since| since.elapsed() >= BATCH_AGE);
        self.events.len() >= BATCH_EVENTS || old
    }

    /// Sends to the home cloud, or to the next one that takes it. What nobody took waits; the
    /// event ids make sending it again harmless.
    async fn flush(
        &mut self,
        home: Cloud,
        client: &reqwest::Client,
        urls: &PerCloud<String>,
        gates: &mut PerCloud<Gate>,
    ) {
        let batch: Vec<&Value> = self.events.iter().collect();
        for cloud in [home].into_iter().chain(home.peers()) {
            let gate = gates.get_mut(cloud);
            if !gate.is_open() {
                continue;
            }
            match post(client, urls.get(cloud), &batch).await {
                Ok(()) => {
                    self.events.clear();
                    self.oldest = None;
                    return;
                }
                Err(wait) => gate.close(cloud, wait),
            }
        }
        // Nobody: try again after a pause, not with every new event.
        self.oldest = Some(Instant::now());
        let soonest = gates.iter().map(|(_, gate)| gate.closed_until).min();
        if let Some(at) = soonest {
            sleep_until(at).await;
        }
    }
}

/// Whether a cloud may be asked.
#[derive(Clone, Copy, Debug)]
struct Gate {
    closed_until: Instant,
}

impl Gate {
    fn is_open(&self) -> bool {
        Instant::now() >= self.closed_until
    }

    fn close(&mut self, cloud: Cloud, wait: Refusal) {
        let wait = match wait {
            Refusal::Busy(wait) => wait.min(AVOID_MAX),
            Refusal::Unreachable | Refusal::Unknown => AVOID,
            Refusal::Other(status) => {
                tracing::warn!(%cloud, %status, "sample traffic is refused");
                AVOID_MAX
            }
        };
        self.closed_until = Instant::now() + wait;
    }
}

#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// 429 or 503, with the wait it asks for.
    Busy(Duration),
    Unreachable,
    /// This cloud has not heard of the demonstration's users yet: the story has just begun.
    Unknown,
    Other(StatusCode),
}

async fn post(client: &reqwest::Client, url: &str, batch: &[&Value]) -> Result<(), Refusal> {
    let request = client.post(format!("{url}/v1/events")).bearer_auth(TOKEN).json(batch);
    let answer = request.send().await.map_err(|_| Refusal::Unreachable)?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(2);
        return Err(Refusal::Busy(Duration::from_secs(seconds)));
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(Refusal::Unknown);
    }
    Err(Refusal::Other(status))
}
