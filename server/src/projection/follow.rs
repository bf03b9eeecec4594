//! The task that keeps the projections up with finality.

use std::sync::Arc;
use std::time::Duration;

use domain::cloud::Cloud;
use domain::log::LogId;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::apply::{Applied, CHUNK_ENTRIES, apply};
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
    loop {
        let marks = *watermarks.borrow_and_update();
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
        for origin in Cloud::ALL {
            let view = marks.log(origin);
            while !stop.is_cancelled() && *self.position.borrow().get(origin) < view.final_size {
                self.advance(view.log, view.final_size).await?;
            }
        }
        Ok(())
    }

    /// One chunk. The position is told last: whoever waits for it finds the effects in force.
    async fn advance(&self, log: LogId, final_size: u64) -> Result<(), ProjectionError> {
        let from = *self.position.borrow().get(log.origin);
        let to = final_size.min(from + CHUNK_ENTRIES);
        match apply(&self.pool, log, from, to).await? {
            Applied::Moved { decisions, conflicts } => {
                // After a failed refresh the position stays, the next apply finds the log
                // elsewhere, and everything is read again.
                if decisions {
                    self.refresh_catalog().await?;
                }
                if conflicts {
                    self.refresh_conflicts().await?;
                }
                self.position.send_modify(|sizes| *sizes.get_mut(log.origin) = to);
                Ok(())
            }
            // Another server on this database was quicker, or a rebuild began.
            Applied::Elsewhere => self.refresh().await,
        }
    }
}
