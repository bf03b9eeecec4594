//! What two clouds agree on is published by itself, wherever this cloud is configured to.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Anchors;
use crate::snapshot::{SnapshotError, Snapshots};

/// How late an agreed snapshot may be queued.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Anchors {
    /// Queues every agreed snapshot with every publisher, once, until `stop`.
    pub async fn follow(self: Arc<Self>, snapshots: Arc<Snapshots>, stop: CancellationToken) {
        if self.clients.is_empty() {
            return; // nothing is anchored outside, and everybody is told so
        }
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let changes = snapshots.changes();
            if looked == Some(changes) {
                continue;
            }
            match self.queue_what_is_agreed(&snapshots).await {
                Ok(()) => looked = Some(changes),
                Err(cause) => tracing::warn!(%cause, "agreed snapshots wait to be queued"),
            }
        }
    }

    async fn queue_what_is_agreed(&self, snapshots: &Snapshots) -> Result<(), SnapshotError> {
        for snapshot in snapshots.list().await? {
            let Some(hash) = snapshot.standing.agreed() else { continue };
            let period = snapshot.plan.period.to_string();
            for publisher in self.clients.keys() {
                if let Err(cause) = self.queue(hash, &period, *publisher).await {
                    tracing::warn!(%period, %publisher, %cause, "a snapshot is not queued");
                }
            }
        }
        Ok(())
    }

    /// What was queued of a hash, by publisher.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn of_subject(
        &self,
        subject: domain::log::Hash,
    ) -> Result<Vec<super::Stored>, sqlx::Error> {
        let mut found = Vec::new();
        for publisher in domain::anchor::Publisher::ALL {
            found.extend(self.store.get(super::id_of(subject, publisher)).await?);
        }
        Ok(found)
    }
}
