//! The task that keeps the projections up with finality.

use std::sync::Arc;
use std::time::Duration;

use domain::log::LogId;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::apply::{
    Applied, Books, CHUNK_ENTRIES, apply, are_partial, are_unaware, begin_log, settle,
};
use super::{Projection, ProjectionError};
use crate::ledger::Watermarks;

/// Between rounds. Under traffic finality moves hundreds of times a second; ten rounds a second
/// cost the database little, and a decision is in force before its maker looks up.
const PAUSE: Duration = Duration::from_millis(100);
/// After a failure: the database is away, or an entry waits for repair.
const RETRY: Duration = Duration::from_secs(1);

/// Follows until `stop`, or until the ledger is gone.
pub(super) async fn run(
    projection: Arc<Projection>,
    mut watermarks: watch::Receiver<Watermarks>,
    stop: CancellationToken,
) {
    if let Err(error) = settle(&projection.pool).await {
        tracing::error!(%error, "the billing ledger waits for the next entries");
    }
    if let Err(error) = projection.complete(&stop).await {
        tracing::error!(%error, "a table that came with this version waits for the next start");
    }
    loop {
        let marks = watermarks.borrow_and_update().clone();
        let pause = match projection.catch_up(&marks, &stop).await {
            Ok(()) => PAUSE,
            Err(error) => {
                tracing::error!(%error, "the projections do not advance; trying again");
                watermarks.mark_changed();
                RETRY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = watermarks.changed() => if changed.is_err() { return },
        }
    }
}

impl Projection {
    /// Applies everything below the watermarks, chunk by chunk.
    ///
    /// # Errors
    /// The database cannot be reached, or an entry is damaged. What was applied stays applied.
    pub async fn catch_up(
        &self,
        marks: &Watermarks,
        stop: &CancellationToken,
    ) -> Result<(), ProjectionError> {
        self.leave_out_disputed(marks, stop).await?;
        for view in marks.views() {
            while !stop.is_cancelled() && self.projected(view.log) < view.final_size {
                self.advance(view.log, view.final_size).await?;
            }
        }
        Ok(())
    }

    /// An earlier version of the program derived fewer tables: all are derived again, and until then
    /// everybody reads what was there.
    async fn complete(&self, stop: &CancellationToken) -> Result<(), ProjectionError> {
        if are_partial(&self.pool).await? {
            tracing::warn!("tables have come with this version: deriving the projections again");
            self.derive_again_until(stop).await?;
        }
        Ok(())
    }

    /// What two branches have certified is without effect. When that is found out later, what had
    /// its effect already is taken back by deriving everything again without it.
    async fn leave_out_disputed(
        &self,
        marks: &Watermarks,
        stop: &CancellationToken,
    ) -> Result<(), ProjectionError> {
        if marks.views().any(|view| view.disputed.is_some()) && are_unaware(&self.pool).await? {
            tracing::warn!("entries are disputed: deriving the projections without them");
            self.derive_again_until(stop).await?;
        }
        Ok(())
    }

    /// Long logs take minutes, for which no stop waits: left midway the transaction is rolled back,
    /// and the next start finds everything as it was.
    async fn derive_again_until(&self, stop: &CancellationToken) -> Result<(), ProjectionError> {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            derived = self.derive_again() => derived,
        }
    }

    fn projected(&self, log: LogId) -> u64 {
        self.position.borrow().get(&log).copied().unwrap_or(0)
    }

    /// One chunk. The position is told last: whoever waits for it finds the effects in force.
    async fn advance(&self, log: LogId, final_size: u64) -> Result<(), ProjectionError> {
        let from = self.projected(log);
        if from == 0 {
            begin_log(&self.pool, log).await?;
        }
        let to = final_size.min(from + CHUNK_ENTRIES);
        let books = if to == final_size { Books::Now } else { Books::Later };
        match apply(&self.pool, log, from, to, books).await? {
            Applied::Moved { decisions, conflicts } => {
                // After a failed refresh the position stays, the next apply finds the log
                // elsewhere, and everything is read again.
                if decisions {
                    self.refresh_catalog().await?;
                }
                if conflicts {
                    self.refresh_conflicts().await?;
                }
                self.position.send_modify(|sizes| {
                    sizes.insert(log, to);
                });
                Ok(())
            }
            // Another server on this database was quicker, or a rebuild began.
            Applied::Elsewhere => self.refresh().await,
        }
    }
}
