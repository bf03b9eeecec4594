//! Projections: what the FINAL events of the three logs add up to.
//!
//! Every cloud derives the same tables, in whatever order it learns of the events, and can derive
//! them again from the logs ([`rebuild`]). One task follows the ledger's watermarks; it is the
//! only writer of the tables of `migrations/0002_projection.sql`, `0010_billing.sql` and
//! `0013_usage_latency.sql`.
//!
//! `entry` reads what of the ledger has effects, `effect` is the pure rule of what counts, `key` what
//! names an entity, `ruling` which decision stands about what is held, `apply` writes one chunk exactly
//! once, `follow` drives, `billing` derives the billing ledger from what is projected; `catalog`,
//! `usage`, `latency`, `conflict` and `history` answer questions. `aside` derives the same tables up to
//! a cut, for audit snapshots, and `compare` finds rows that somebody changed.

mod apply;
mod aside;
mod billing;
mod catalog;
mod compare;
mod conflict;
mod digest;
mod effect;
mod entity;
mod entry;
mod follow;
mod history;
mod key;
mod latency;
mod rebuild;
mod ruling;
mod usage;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::event::Slot;
use domain::log::LogId;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use aside::{Aside, AsideReader, Schema};
pub use billing::{
    AccountBalance, BILLING_PAGE_MAX, BadBillingCursor, BillingCursor, BillingFilter, BillingPage,
    BillingRow, Closing, Corrections, TenantBalance, UnpricedModel, rows as billing_rows,
};
pub use catalog::{Catalog, Current, Saved};
pub use compare::{FieldDiffers, How, RowDiffers, TablesDiffer};
pub use conflict::{
    CONFLICTS_PAGE_MAX, Chosen, Conflict, ConflictBefore, ConflictFilter, Resolved,
};
pub use digest::Digests;
pub use effect::{FORESIGHT_KEY, RUN_KEY, SWITCH_KEY};
pub use entity::Entity;
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
    catalog: ArcSwap<Catalog>,
    conflicts: conflict::Counts,
    /// How far each log has been projected.
    position: watch::Sender<Positions>,
}

/// How far each log has been projected; one that is not there stands at its beginning.
pub type Positions = BTreeMap<LogId, u64>;

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
    follow_watermarks(ledger.watermarks(), pool, stop, tasks).await
}

/// As [`start`], from anything that says how far the logs are final.
///
/// # Errors
/// The database cannot be read.
pub async fn follow_watermarks(
    watermarks: watch::Receiver<Watermarks>,
    pool: PgPool,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<Projection>, ProjectionError> {
    let projection = Arc::new(Projection::open(pool).await?);
    tasks.spawn(follow::run(projection.clone(), watermarks, stop.clone()));
    Ok(projection)
}

impl Projection {
    /// What was projected before, without following.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn open(pool: PgPool) -> Result<Self, ProjectionError> {
        let projection = Projection {
            pool,
            catalog: ArcSwap::default(),
            conflicts: conflict::Counts::default(),
            position: watch::Sender::default(),
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
    pub fn position(&self) -> watch::Receiver<Positions> {
        self.position.subscribe()
    }

    /// Waits until the effects of the slot's event are in force here. Cancel by dropping.
    pub async fn until_projected(&self, slot: Slot) {
        let mut position = self.position.subscribe();
        let waited = position.wait_for(|sizes| has_reached(sizes, slot));
        // An error means the projection is gone; it lives as long as `self`.
        drop(waited.await);
    }

    /// Are the effects of the slot's event in force here?
    #[must_use]
    pub fn is_projected(&self, slot: Slot) -> bool {
        has_reached(&self.position.borrow(), slot)
    }

    /// How many event ids are in conflict and nobody has decided about.
    #[must_use]
    pub fn conflict_count(&self) -> u64 {
        self.conflicts.open()
    }

    /// Takes over what the tables say, wherever it came from. Positions last: whoever waits for
    /// one finds its effects in the catalog.
    async fn refresh(&self) -> Result<(), ProjectionError> {
        let positions = apply::positions(&self.pool).await?;
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

fn has_reached(sizes: &Positions, slot: Slot) -> bool {
    let log = LogId { origin: slot.origin, epoch: slot.epoch };
    sizes.get(&log).is_some_and(|size| *size > slot.sequence)
}
