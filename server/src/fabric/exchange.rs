//! Reports travel: each cloud tells each other what it sees, once a second and at once when it
//! changes, over the signed channel. The answer is the other's report.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Router};
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::selector::Report;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::Fabric;
use crate::peer::{Answer, Channel, Letter};
use crate::problem::Problem;

const PATH: &str = "/peer/v1/fabric/report";
/// Three may be lost before a cloud counts as silent (`Settings::silence_ms`).
const EVERY: Duration = Duration::from_secs(1);
/// Older news are worth nothing: the next report is better.
const PATIENCE: Duration = Duration::from_secs(1);

/// A report with its place among those of its sender, so that a late or repeated one is not taken
/// for the newest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// When the sender began, by its clock.
    run: i64,
    number: u64,
    report: Report,
}

/// The place of the newest report of each peer.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<PerCloud<(i64, u64)>>);

impl Places {
    /// Is this one newer than all before it? A sender that began anew counts from the beginning.
    fn take(&self, from: Cloud, told: &Told) -> bool {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.get_mut(from);
        let is_new = told.run != place.0 || told.number > place.1;
        if is_new {
            *place = (told.run, told.number);
        }
        is_new
    }
}

pub(super) fn routes(fabric: Arc<Fabric>, channel: Arc<Channel>) -> Router {
    Router::new().route(PATH, post(hear)).layer(Extension(channel)).with_state(fabric)
}

async fn hear(State(fabric): State<Arc<Fabric>>, letter: Letter) -> Result<Answer, Problem> {
    let told: Told = serde_json::from_slice(&letter.body)
        .map_err(|cause| Problem::malformed(format!("This is no report: {cause}.")))?;
    fabric.take(letter.from, &told);
    let own = serde_json::to_vec(&fabric.told()).map_err(Problem::fault)?;
    Ok(letter.answer(own))
}

impl Fabric {
    /// Tells one peer until `stop`.
    pub(super) async fn tell(self: Arc<Self>, peer: Cloud, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
                () = self.news.get(peer).notified() => {}
            }
            let Ok(body) = serde_json::to_vec(&self.told()) else { continue };
            let call = tokio::time::timeout(PATIENCE, self.channel.call(peer, PATH, body));
            match call.await {
                Ok(Ok(answer)) => {
                    if let Ok(told) = serde_json::from_slice::<Told>(&answer) {
                        self.take(peer, &told);
                    }
                }
                Ok(Err(cause)) => tracing::trace!(%peer, %cause, "a report was not delivered"),
                Err(_) => tracing::trace!(%peer, "a report was not answered"),
            }
        }
    }

    fn told(&self) -> Told {
        let report = self.with_selector(|selector, _| selector.report());
        Told { run: self.run, number: self.told_count.fetch_add(1, Ordering::Relaxed) + 1, report }
    }

    fn take(&self, from: Cloud, told: &Told) {
        if !self.places.take(from, told) {
            return;
        }
        let news = self.with_selector(|selector, now_ms| {
            let before = selector.votes(now_ms);
            selector.hear(from, told.report, now_ms);
            before != selector.votes(now_ms)
        });
        if news {
            self.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::fabric::selector::{Selector, Settings};

    use super::*;

    #[test]
    fn a_late_or_repeated_report_is_passed_over_and_a_new_run_is_heard() {
        let report = Selector::new(Cloud::Aws, Settings::default()).report();
        let told = |run, number| Told { run, number, report };
        let places = Places::default();
        assert!(places.take(Cloud::Aws, &told(5, 1)));
        assert!(places.take(Cloud::Aws, &told(5, 3)));
        assert!(!places.take(Cloud::Aws, &told(5, 3)) && !places.take(Cloud::Aws, &told(5, 2)));
        assert!(places.take(Cloud::Aws, &told(9, 1)));
        assert!(places.take(Cloud::Aws, &told(2, 1)), "begun anew, by a clock that went back");
        assert!(places.take(Cloud::Azure, &told(5, 1)));
    }
}
