//! Audit snapshots of this cloud: where to cut is decided by all, what it comes to is derived here.
//!
//! ```text
//! take ─► grants (snapshot/chain, version n) ─► chain ─► derive ─► store ─► attest ─► the ledger
//!            ▲ judge: no cut that forgets                  │                              │
//!            └ schedule: every month                       └ projections aside            ▼
//!                                                              standing ◄─ projection ◄─ FINAL
//! ```
//! The n-th version of one grant says where the n-th snapshot is cut. Every cloud derives the
//! manifest from its own database, and says so in an event of its own log. Two equal hashes make it
//! agreed; where one differs, `differ` asks the other cloud for its rows and names the first.

mod attest;
mod chain;
mod derive;
mod differ;
mod judge;
mod recheck;
mod schedule;
mod sections;
mod store;
mod worry;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::grant::{BadName, Resource};
use domain::log::Hash;
use domain::snapshot::agreement::{Difference, Standing};
use domain::snapshot::section::SectionName;
use domain::snapshot::{BadCut, Manifest, Period, Plan};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::grant::{GrantError, Grants};
use crate::ledger::Ledger;
use crate::peer::{Channel, PeerError};
use crate::projection::{Aside, Catalog, Projection, ProjectionError, Schema};

pub use differ::{FirstDifference, peer_routes};
pub use judge::CutJudge;
pub use recheck::{Recheck, RecheckState, Rechecked};
pub use store::Derived;
pub use worry::Worry;

/// A cloud that is outvoted derives again, from the first entry, so long after it spoke: time for
/// people to look at what differs, and for the scrub to find why. It does so at once when somebody had
/// it derive the snapshot again, and that came to something else than it said.
pub const MEND_AFTER: Duration = Duration::from_secs(600);

/// What snapshots are built from.
#[derive(Debug)]
pub struct Setup {
    pub deployment: String,
    pub ledger: Arc<Ledger>,
    pub grants: Arc<Grants>,
    pub projection: Arc<Projection>,
    pub channel: Arc<Channel>,
    pub pool: PgPool,
    /// [`MEND_AFTER`].
    pub mend_after: Duration,
}

/// A snapshot was not taken, or cannot be told of.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error(transparent)]
    Cut(#[from] BadCut),
    #[error(transparent)]
    Grant(#[from] GrantError),
    #[error("other snapshots were decided in its place, one after the other; try again")]
    Crowded,
    #[error("the database cannot be reached: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error(
        "the stored {what} of {log} is not what two clouds have signed for; the scrub repairs it"
    )]
    Damaged { log: String, what: &'static str },
    #[error("there is no snapshot number {number}, or this cloud has not derived it yet")]
    Unknown { number: u64 },
    #[error("the tables of snapshot {number} are not here: a later one was derived since")]
    Moved { number: u64 },
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("{0}")]
    Name(#[from] BadName),
}

impl SnapshotError {
    /// Does the database not hold what was signed?
    const fn is_damage(&self) -> bool {
        matches!(
            self,
            SnapshotError::Damaged { .. }
                | SnapshotError::Projection(ProjectionError::Damaged { .. })
        )
    }
}

/// A decided snapshot as this cloud sees it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub number: u64,
    pub plan: Plan,
    /// What this cloud came to; absent while it derives.
    pub own: Option<Derived>,
    /// The manifest of each cloud's last word.
    pub said: Vec<(Cloud, Said)>,
    pub standing: Standing,
}

/// A cloud's word on a snapshot.
#[derive(Clone, Debug)]
pub struct Said {
    pub hash: Hash,
    pub manifest: Manifest,
    /// When its event was recorded.
    pub at: Timestamp,
    /// That event.
    pub event_id: domain::event::EventId,
    /// Where it parts from what this cloud came to.
    pub difference: Option<Difference>,
}

/// How far this cloud's derivation is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is being derived.
    #[default]
    Idle,
    /// Waits until the cut's entries are final here.
    Waiting { number: u64 },
    /// Applies entries.
    Entries { number: u64, done: u64, total: u64 },
    /// Hashes rows.
    Rows { number: u64, section: SectionName, done: u64 },
    /// It did not work out, and is tried again.
    Failed { number: u64, why: String },
}

/// The face of snapshots: one a node.
#[derive(Debug)]
pub struct Snapshots {
    deployment: String,
    me: Cloud,
    ledger: Arc<Ledger>,
    grants: Arc<Grants>,
    projection: Arc<Projection>,
    channel: Arc<Channel>,
    pool: PgPool,
    resource: Resource,
    mend_after: Duration,
    aside: Aside,
    progress: ArcSwap<Progress>,
    /// Counts what happened here.
    steps: AtomicU64,
    rechecks: recheck::Rechecks,
    /// The snapshot that a recheck has shown to be wrong here: it is not waited for.
    wrong: AtomicU64,
    /// There may be something to derive.
    wake: Notify,
}

/// Derives, attests and keeps the schedule until `stop`.
///
/// # Errors
/// None: the chain's name is a good one.
pub fn start(
    setup: Setup,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<Snapshots>, SnapshotError> {
    let Setup { deployment, ledger, grants, projection, channel, pool, mend_after } = setup;
    let snapshots = Arc::new(Snapshots {
        deployment,
        me: ledger.cloud(),
        resource: Plan::resource()?,
        mend_after,
        aside: Aside::new(pool.clone(), Schema::Snapshot),
        rechecks: recheck::Rechecks::default(),
        wrong: AtomicU64::new(0),
        progress: ArcSwap::default(),
        steps: AtomicU64::new(0),
        wake: Notify::new(),
        ledger,
        grants,
        projection,
        channel,
        pool,
    });
    tasks.spawn(Arc::clone(&snapshots).derive_on(stop.clone()));
    tasks.spawn(Arc::clone(&snapshots).keep_schedule(stop.clone()));
    tasks.spawn(Arc::clone(&snapshots).recheck_on(stop.clone()));
    Ok(snapshots)
}

impl Snapshots {
    /// Every decided snapshot, the newest first.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn list(&self) -> Result<Vec<Snapshot>, SnapshotError> {
        let mut own = store::all(&self.pool).await?;
        let chain = self.chain().await?;
        let seen = chain.into_iter().rev().map(|(number, plan)| {
            let own = own.remove(&number);
            self.see(number, plan, own)
        });
        Ok(seen.collect())
    }

    /// The snapshot of a period.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn of_period(&self, period: Period) -> Result<Option<Snapshot>, SnapshotError> {
        let chain = self.chain().await?;
        let Some((number, plan)) = chain.into_iter().find(|(_, plan)| plan.period == period) else {
            return Ok(None);
        };
        let own = store::get(&self.pool, number).await?;
        Ok(Some(self.see(number, plan, own)))
    }

    /// How far this cloud's derivation is.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        self.progress.load_full()
    }

    /// Counts what happened about snapshots here: whoever shows them asks again.
    #[must_use]
    pub fn changes(&self) -> u64 {
        let said = self.projection.catalog().attestation_count() as u64;
        self.steps.load(Ordering::Relaxed) + said
    }

    fn tell(&self, progress: Progress) {
        self.progress.store(Arc::new(progress));
        self.stepped();
    }

    fn stepped(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    fn see(&self, number: u64, plan: Plan, own: Option<Derived>) -> Snapshot {
        let catalog = self.projection.catalog();
        let attested = catalog.attestations(number);
        let standing = standing_of(&catalog, number);
        let said = attested.into_iter().map(|(cloud, current)| {
            let manifest = current.value.manifest.clone();
            let ours = own.as_ref().map(|own| &own.manifest);
            let difference =
                ours.and_then(|ours| domain::snapshot::agreement::difference(ours, &manifest));
            let at = Timestamp::from_unix_ms(
                i64::try_from(current.logical_clock.ms).unwrap_or(i64::MAX),
            );
            let event_id = current.event_id;
            (cloud, Said { hash: current.value.hash, manifest, at, event_id, difference })
        });
        Snapshot { number, plan, said: said.collect(), own, standing }
    }
}

/// How the clouds' words on a snapshot stand.
fn standing_of(catalog: &Catalog, number: u64) -> Standing {
    let said = catalog.attestations(number).into_iter();
    Standing::of(&said.map(|(cloud, said)| (cloud, said.value.hash)).collect())
}
