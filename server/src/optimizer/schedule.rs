//! The optimizer runs by itself once an interval, on one cloud.

use std::sync::Arc;
use std::time::Duration;

use domain::cloud::Cloud;
use tokio_util::sync::CancellationToken;

use super::{Optimizer, RunError};

/// How late a run may begin.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Clouds look in turn, so that they seldom propose the same run at once.
const TURN: Duration = Duration::from_secs(5);

impl Optimizer {
    pub(super) async fn keep_schedule(self: Arc<Self>, every: Duration, stop: CancellationToken) {
        let before = Cloud::ALL.into_iter().take_while(|cloud| *cloud != self.me).count();
        let turn = TURN * u32::try_from(before).unwrap_or(0);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY + turn) => {}
            }
            if !self.is_due(every) {
                continue;
            }
            match self.run().await {
                Ok(report) => {
                    let (run, opened) = (report.run.run, report.run.opened);
                    tracing::info!(run, opened, "the optimizer ran");
                }
                Err(RunError::NothingToSay | RunError::Elsewhere { .. }) => {}
                Err(cause) => tracing::warn!(%cause, "the optimizer's run waits"),
            }
        }
    }

    /// Was the last run that is FINAL here long enough ago?
    fn is_due(&self, every: Duration) -> bool {
        let catalog = self.projection.catalog();
        let last_ms = catalog.run().map_or(0, |run| run.logical_clock.ms);
        let now_ms = u64::try_from(crate::now().unix_ms()).unwrap_or(0);
        u128::from(now_ms.saturating_sub(last_ms)) >= every.as_millis()
    }
}
