//! The task that writes down what was refused, many at a time, and keeps the count of what is held.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::store::{self, Written};
use super::{Arrived, Missed, Quarantine, WAITING_MAX};

/// How often inputs that found no place are written down, and decisions made elsewhere noticed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Between attempts while the database is away.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// What is to be written down together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) arrived: Vec<Arrived>,
    pub(super) missed: Missed,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.arrived.is_empty() && self.missed.is_empty()
    }
}

/// Runs until `stop`, and writes down what is there by then.
pub(super) async fn run(
    quarantine: Arc<Quarantine>,
    mut queue: mpsc::Receiver<Arrived>,
    stop: CancellationToken,
) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut arrived = Vec::new();
    loop {
        let stopped = tokio::select! {
            biased;
            () = stop.cancelled() => true,
            _ = queue.recv_many(&mut arrived, WAITING_MAX) => false,
            _ = looks.tick() => false,
        };
        if stopped {
            queue.close();
            while queue.recv_many(&mut arrived, WAITING_MAX).await > 0 {}
        }
        let batch =
            Batch { arrived: std::mem::take(&mut arrived), missed: quarantine.take_missed() };
        quarantine.write_down(&batch, &stop).await;
        if stopped {
            return;
        }
    }
}

impl Quarantine {
    /// Tries until it is written down, but only once more after a stop.
    async fn write_down(&self, batch: &Batch, stop: &CancellationToken) {
        loop {
            let last = stop.is_cancelled();
            let Err(cause) = self.write(batch).await else { return };
            tracing::warn!(%cause, inputs = batch.arrived.len(), "what is held cannot be written down");
            if last {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(RETRY_WAIT) => {}
            }
        }
    }

    async fn write(&self, batch: &Batch) -> Result<(), sqlx::Error> {
        if !batch.is_empty() {
            let Written { not_kept } = store::write(&self.pool, batch).await?;
            metrics::counter!("ternion_quarantine_not_kept_total").increment(not_kept);
        }
        self.refresh().await
    }
}
