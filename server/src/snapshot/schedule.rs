//! Every month gets its snapshot by itself, and the newest is derived again every day.

use std::sync::Arc;
use std::time::Duration;

use domain::snapshot::Period;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{SnapshotError, Snapshots, store};

/// How late after a month's end its snapshot may begin. All three clouds look; whoever is first
/// proposes, and the others find it decided.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How long what was changed behind the program's back can go unnoticed outside the log's entries,
/// which the scrub reads all the time.
const RECHECK_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// The first one after a start: not while the node is still catching up.
const RECHECK_FIRST: Duration = Duration::from_secs(15 * 60);

impl Snapshots {
    pub(super) async fn keep_schedule(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut recheck_at = Instant::now() + RECHECK_FIRST;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(cause) = self.take_what_is_due().await {
                tracing::warn!(%cause, "the month's snapshot is not decided yet");
            }
            if Instant::now() >= recheck_at {
                match self.newest_derived().await {
                    // Somebody else's recheck that runs just now does as well.
                    Ok(newest) => drop(newest.map(|number| self.begin_recheck(number))),
                    Err(cause) => tracing::warn!(%cause, "the daily recheck is left out"),
                }
                recheck_at = Instant::now() + RECHECK_EVERY;
            }
        }
    }

    /// The month that ended last, if something was recorded in it.
    async fn take_what_is_due(&self) -> Result<(), SnapshotError> {
        let period = Period::last_month(crate::now());
        let chain = self.chain().await?;
        let is_taken = chain.iter().any(|(_, plan)| plan.period == period);
        if !is_taken && self.recorded_before(period).await? {
            self.take(period).await?;
        }
        Ok(())
    }

    /// The newest snapshot that this cloud has come to.
    async fn newest_derived(&self) -> Result<Option<u64>, SnapshotError> {
        let mut chain = self.chain().await?;
        while let Some((number, _)) = chain.pop() {
            if store::get(&self.pool, number).await?.is_some() {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Does any log begin before the period's end?
    async fn recorded_before(&self, period: Period) -> Result<bool, SnapshotError> {
        let end_ms = u64::try_from(period.end().unix_ms()).unwrap_or(0);
        let marks = self.ledger.watermarks().borrow().clone();
        for view in marks.views().filter(|view| view.final_size > 0) {
            let first = self.ledger.range(view.log, 0, 1).await?;
            if first.first().is_some_and(|entry| entry.event.logical_clock.ms < end_ms) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When the next snapshot begins by itself.
    #[must_use]
    pub fn next_due(&self) -> domain::clock::Timestamp {
        Period::month_of(crate::now()).end()
    }
}
