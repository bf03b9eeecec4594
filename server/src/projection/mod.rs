//! Projections: what the FINAL events of the three logs add up to.
//!
//! Every cloud derives the same tables, in whatever order it learns of the events, and can derive
//! them again from the logs ([`rebuild`]). One task follows the ledger's watermarks; it is the
//! only writer of the tables of `migrations/0002_projection.sql`.
//!
//! `entry` reads what of the ledger has effects, `effect` is the pure rule of what counts,
//! `ruling` which decision stands about what is held, `apply` writes one chunk exactly once,
//! `follow` drives; `catalog`, `usage`, `conflict` and `history` answer questions.

mod apply;
mod catalog;
mod conflict;
mod digest;
mod effect;
mod entry;
mod follow;
mod history;
mod rebuild;
mod ruling;
mod usage;

use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::cloud::PerCloud;
use domain::event::Slot;
use domain::log::LogId;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use catalog::{Catalog, Current};
pub use conflict::{
    CONFLICTS_PAGE_MAX, Chosen, Conflict, ConflictBefore, ConflictFilter, Resolved,
};
pub use digest::Digests;
pub use effect::Entity;
pub use history::Version;
pub use rebuild::{Progress, rebuild};
pub use usage::{BadUsageCursor, USAGE_PAGE_MAX, UsageCursor, UsageFilter, UsagePage, UsageRow};

use crate::ledger::{Ledger, Watermarks};

/// Why a projection does not advance.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    #[error("the projection's tables cannot be read or written: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored entry is not what a cloud would have signed for. Nothing is derived from it;
    /// `ternion fsck` names it.
    #[error("entry {slot} of the stored log {what}")]
    Damaged { slot: Slot, what: &'static str },
}

/// The face of the projections. Cheap to share.
#[derive(Debug)]
pub struct Projection {
    pool: PgPool,
    epochs: PerCloud<u32>,
    catalog: ArcSwap<Catalog>,
    conflicts: conflict::Counts,
    /// How far each log of the current epochs has been projected.
    position: watch::Sender<PerCloud<u64>>,
}

/// Reads what was projected before, then follows the ledger until `stop`.
///
/// # Errors
/// The database cannot be read.
pub async fn start(
    ledger: Arc<Ledger>,
    pool: PgPool,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<Projection>, ProjectionError> {
    follow_watermarks(*ledger.epochs(), ledger.watermarks(), pool, stop, tasks).await
}

/// As [`start`], from anything that says how far the logs are final.
///
/// # Errors
/// The database cannot be read.
pub async fn follow_watermarks(
    epochs: PerCloud<u32>,
    watermarks: watch::Receiver<Watermarks>,
    pool: PgPool,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<Projection>, ProjectionError> {
    let projection = Arc::new(Projection::open(pool, epochs).await?);
    tasks.spawn(follow::run(projection.clone(), watermarks, stop.clone()));
    Ok(projection)
}

impl Projection {
    /// What was projected before, without following.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn open(pool: PgPool, epochs: PerCloud<u32>) -> Result<Self, ProjectionError> {
        apply::begin_logs(&pool, &logs(&epochs)).await?;
        let projection = Projection {
            pool,
            epochs,
            catalog: ArcSwap::default(),
            conflicts: conflict::Counts::default(),
            position: watch::Sender::new(PerCloud::default()),
        };
        projection.refresh().await?;
        Ok(projection)
    }

    /// What decisions have put in force, as of now. A snapshot: it does not change in your hands.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// How far each log has been projected; `changed()` for the next.
    #[must_use]
    pub fn position(&self) -> watch::Receiver<PerCloud<u64>> {
        self.position.subscribe()
    }

    /// Waits until the effects of the slot's event are in force here. Cancel by dropping.
    pub async fn until_projected(&self, slot: Slot) {
        let mut position = self.position.subscribe();
        let log = self.log_id(slot);
        let waited = position.wait_for(|sizes| match log {
            Some(log) => *sizes.get(log.origin) > slot.sequence,
            // An older epoch: closed and projected before this node started.
            None => true,
        });
        // An error means the projection is gone; it lives as long as `self`.
        drop(waited.await);
    }

    /// How many event ids are in conflict and nobody has decided about.
    #[must_use]
    pub fn conflict_count(&self) -> u64 {
        self.conflicts.open()
    }

    fn log_id(&self, slot: Slot) -> Option<LogId> {
        let current = *self.epochs.get(slot.origin) == slot.epoch;
        current.then_some(LogId { origin: slot.origin, epoch: slot.epoch })
    }

    /// Takes over what the tables say, wherever it came from. Positions last: whoever waits for
    /// one finds its effects in the catalog.
    async fn refresh(&self) -> Result<(), ProjectionError> {
        let positions = apply::positions(&self.pool, &self.epochs).await?;
        self.refresh_catalog().await?;
        self.refresh_conflicts().await?;
        self.position.send_replace(positions);
        Ok(())
    }

    async fn refresh_catalog(&self) -> Result<(), ProjectionError> {
        self.catalog.store(Arc::new(Catalog::load(&self.pool).await?));
        Ok(())
    }

    async fn refresh_conflicts(&self) -> Result<(), ProjectionError> {
        self.conflicts.read(&self.pool).await?;
        Ok(())
    }
}

fn logs(epochs: &PerCloud<u32>) -> [LogId; 3] {
    domain::cloud::Cloud::ALL.map(|origin| LogId { origin, epoch: *epochs.get(origin) })
}
