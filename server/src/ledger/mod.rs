//! The quorum ledger: intake, store, replication, reading, receipts.
//!
//! `intake` is what clients hand in; `watermark` how far each log is final; `read` what screens
//! and programs ask. Everything else is inside.

mod intake;
mod read;
mod watermark;

use std::sync::Arc;

use domain::cloud::{Cloud, PerCloud};
use domain::event::{EventId, Region, Slot};
use domain::log::{Hash, LogId, TilePath};
use domain::receipt::Receipt;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use intake::{Accepted, SUBMISSIONS_MAX, Submission, SubmitError};
pub use read::{
    BadCursor, Covering, EventCursor, EventFilter, PAGE_ROWS_MAX, Record, RecordPage,
};
pub use watermark::{LogView, Watermarks};

use crate::keys::{CloudKeys, Roster};
use crate::peer::Channel;

/// What the ledger is built from.
#[derive(Debug)]
pub struct Setup {
    pub cloud: Cloud,
    pub region: Region,
    pub roster: Arc<Roster>,
    pub keys: Arc<CloudKeys>,
    pub epochs: PerCloud<u32>,
    pub pool: PgPool,
    pub channel: Arc<Channel>,
}

/// Why the ledger does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the ledger cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the stored log {log} does not lead to its own head: {what}")]
    Damaged { log: LogId, what: String },
}

/// No receipt for this event.
#[derive(Debug, thiserror::Error)]
pub enum NoReceipt {
    #[error("{0} is not final yet")]
    NotFinal(Slot),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("the stored log does not lead to its signed root: {0}")]
    Damaged(String),
}

/// The face of the ledger. Cheap to share; all waiting is asynchronous.
#[derive(Debug)]
pub struct Ledger {
    setup: Setup,
    watermarks: watch::Receiver<Watermarks>,
}

/// Reads what is durable, then runs intake and replication until `stop`.
///
/// # Errors
/// The database cannot be read, or what it holds is not a log.
#[expect(clippy::unused_async, clippy::todo, reason = "face first")]
pub async fn start(
    _setup: Setup,
    _stop: &CancellationToken,
    _tasks: &mut JoinSet<()>,
) -> Result<Arc<Ledger>, StartError> {
    todo!()
}

#[expect(clippy::unused_async, clippy::todo, reason = "face first")]
impl Ledger {
    #[must_use]
    pub const fn cloud(&self) -> Cloud {
        self.setup.cloud
    }

    #[must_use]
    pub const fn region(&self) -> &Region {
        &self.setup.region
    }

    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.setup.roster
    }

    #[must_use]
    pub const fn epochs(&self) -> &PerCloud<u32> {
        &self.setup.epochs
    }

    #[must_use]
    pub fn log_id(&self, origin: Cloud) -> LogId {
        LogId { origin, epoch: *self.setup.epochs.get(origin) }
    }

    /// The deployment's C2SP policy file.
    #[must_use]
    pub fn policy(&self) -> domain::policy::Policy {
        self.setup.roster.policy(&self.setup.epochs)
    }

    /// Follows finality. `borrow()` for now, `changed()` for the next.
    #[must_use]
    pub fn watermarks(&self) -> watch::Receiver<Watermarks> {
        self.watermarks.clone()
    }

    /// Records events: one answer each, in order, once they are durable here. At most
    /// [`SUBMISSIONS_MAX`] at a time.
    pub async fn submit(
        &self,
        _submissions: Vec<Submission>,
    ) -> Vec<Result<Accepted, SubmitError>> {
        todo!()
    }

    /// Waits until the slot is FINAL here. Cancel by dropping.
    pub async fn until_final(&self, slot: Slot) {
        let mut watermarks = self.watermarks.clone();
        // An error means the ledger stopped; then the slot never becomes final here.
        if watermarks.wait_for(|marks| marks.is_final(slot)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// A page of events in the order of the logical clock, newest first.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn list(
        &self,
        _filter: &EventFilter,
        _cursor: Option<EventCursor>,
        _limit: u32,
    ) -> Result<RecordPage, sqlx::Error> {
        todo!()
    }

    /// Every slot that holds this id: one, or one per origin that accepted it.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn find(&self, _event_id: EventId) -> Result<Vec<Record>, sqlx::Error> {
        todo!()
    }

    /// # Errors
    /// The database cannot be reached.
    pub async fn at(&self, _slot: Slot) -> Result<Option<Record>, sqlx::Error> {
        todo!()
    }

    /// Events whose hash begins with these bytes (at least four), newest first, at most 20.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn by_hash(&self, _prefix: &[u8]) -> Result<Vec<Record>, sqlx::Error> {
        todo!()
    }

    /// Entries `start..end` of a log, at most [`PAGE_ROWS_MAX`].
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn range(
        &self,
        _log: LogId,
        _start: u64,
        _end: u64,
    ) -> Result<Vec<Record>, sqlx::Error> {
        todo!()
    }

    /// When each cloud's signature first covered each slot, as learnt here.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn coverings(
        &self,
        _slots: &[Slot],
    ) -> Result<Vec<PerCloud<Option<Covering>>>, sqlx::Error> {
        todo!()
    }

    /// The finality receipt of a FINAL event.
    ///
    /// # Errors
    /// Not final yet, or the database cannot be read.
    pub async fn receipt(&self, _record: &Record) -> Result<Receipt, NoReceipt> {
        todo!()
    }

    /// The newest checkpoint of a log with all signatures known here: a C2SP signed note.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn checkpoint(&self, _log: LogId) -> Result<Option<String>, sqlx::Error> {
        todo!()
    }

    /// The first `width` hashes of a tile, or `None` if the log is shorter.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn tile(
        &self,
        _log: LogId,
        _path: TilePath,
        _width: usize,
    ) -> Result<Option<Vec<Hash>>, sqlx::Error> {
        todo!()
    }

    /// What the first page shows of this node's work.
    #[must_use]
    pub fn figures(&self) -> Figures {
        todo!()
    }

    /// Puts this node's load (0 to 1) into the heads that it sends to its peers.
    pub fn report_load(&self, _load: f64) {
        todo!()
    }

    /// The share of the intake queue that is taken, 0 to 1.
    #[must_use]
    pub fn queue_fill(&self) -> f64 {
        todo!()
    }

    /// The routes under `/peer/v1` that other clouds call.
    pub fn peer_routes(self: &Arc<Self>) -> axum::Router {
        todo!()
    }
}

/// Figures over a sliding window, and what is known of each cloud.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    pub window_s: u32,
    /// All origins.
    pub final_per_s: f64,
    /// From acceptance here to FINAL here, over events that this cloud accepted in the window.
    pub time_to_final_p50_ms: Option<f64>,
    pub time_to_final_p99_ms: Option<f64>,
    /// Final events per second, oldest first, one point each [`Figures::step_ms`].
    pub series: Vec<(domain::clock::Timestamp, f64)>,
    pub step_ms: u32,
    pub clouds: PerCloud<CloudFigures>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CloudFigures {
    /// Entries of all three logs, stored here, that this cloud has not signed for.
    pub behind: u64,
    /// One sample a second, oldest first.
    pub behind_history: Vec<u64>,
    /// Median time from our append to this cloud's cosignature.
    pub confirms_p50_ms: Option<f64>,
    /// As the cloud itself reports.
    pub load: Option<f64>,
    pub heard_at: Option<domain::clock::Timestamp>,
    /// Whether the last message to it was answered.
    pub reachable: Option<bool>,
}
