//! The optimizer runs by itself once an interval, and the standing stresses are asked as often as the
//! policy says, each on one cloud.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::cloud::Cloud;
use tokio_util::sync::CancellationToken;

use super::{Optimizer, OptimizerError, RunError};

/// How late a run may begin.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Clouds look in turn, so that they seldom propose the same run at once.
const TURN: Duration = Duration::from_secs(5);
/// What failed or had nothing to say is tried again so much later: each attempt sums up a month of
/// usage and may take a turn, and the other kind of run is to have one in between.
const AGAIN_AFTER: Duration = Duration::from_secs(600);

impl Optimizer {
    pub(super) async fn keep_schedule(self: Arc<Self>, every: Duration, stop: CancellationToken) {
        let mut not_before = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY + self.my_turn()) => {}
            }
            if Instant::now() < not_before || !self.is_due(every) {
                continue;
            }
            match self.run().await {
                Ok(report) => {
                    let (run, opened) = (report.run.run, report.run.opened);
                    tracing::info!(run, opened, "the optimizer ran");
                }
                Err(RunError::NothingToSay | RunError::Elsewhere { .. }) => {}
                Err(cause) => {
                    tracing::warn!(%cause, "the optimizer's run waits");
                    // Without two clouds no turn was taken, and none is in the other's way.
                    if !matches!(cause, RunError::Optimizer(OptimizerError::Grant(_))) {
                        not_before = Instant::now() + AGAIN_AFTER;
                    }
                }
            }
        }
    }

    /// The first time `first_after` this cloud began: there is little to foresee before there is usage.
    pub(super) async fn keep_foresight(
        self: Arc<Self>,
        first_after: Duration,
        stop: CancellationToken,
    ) {
        let (first_at, mut not_before) = (Instant::now() + first_after, Instant::now());
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY + self.my_turn()) => {}
            }
            if Instant::now() < not_before || !self.foresight_is_due(first_at) {
                continue;
            }
            match self.foresee().await {
                Ok(report) => {
                    let broken = report.run.scenarios.iter().filter(|it| !it.broken.is_empty());
                    let (run, broken, opened) = (report.run.run, broken.count(), report.run.opened);
                    tracing::info!(run, broken, opened, "the standing stresses were asked");
                }
                // Noticed before anything is summed up, and over in seconds.
                Err(RunError::Elsewhere { .. }) => {}
                Err(RunError::NothingToSay) => not_before = Instant::now() + AGAIN_AFTER,
                Err(cause) => {
                    tracing::warn!(%cause, "the standing stresses wait");
                    not_before = Instant::now() + AGAIN_AFTER;
                }
            }
        }
    }

    fn my_turn(&self) -> Duration {
        let before = Cloud::ALL.into_iter().take_while(|cloud| *cloud != self.me).count();
        TURN * u32::try_from(before).unwrap_or(0)
    }

    /// Was the last run that is FINAL here long enough ago?
    fn is_due(&self, every: Duration) -> bool {
        let catalog = self.projection.catalog();
        is_past(catalog.run().map_or(0, |run| run.logical_clock.ms), every)
    }

    /// `first_at` holds where none is known yet.
    fn foresight_is_due(&self, first_at: Instant) -> bool {
        let catalog = self.projection.catalog();
        let foresight = catalog.book().policy().1.foresight;
        let every = Duration::from_secs(3_600) * foresight.every_hours;
        let due = match catalog.foresight() {
            Some(run) => is_past(run.logical_clock.ms, every),
            None => Instant::now() >= first_at,
        };
        foresight.on && due
    }
}

fn is_past(last_ms: u64, every: Duration) -> bool {
    let now_ms = u64::try_from(crate::now().unix_ms()).unwrap_or(0);
    u128::from(now_ms.saturating_sub(last_ms)) >= every.as_millis()
}
