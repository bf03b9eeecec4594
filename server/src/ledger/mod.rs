//! The quorum ledger: intake, store, replication, reading, receipts.
//!
//! ```text
//! clients ─ intake ─ prepare ─┐                      ┌─ receive ◄─ routes ◄─ peers' messages
//!                             └► driver (one a log) ◄┘
//!                                 │ store (Postgres)
//!                                 ▼
//!                               board ─► peers (push, heads, fetch), read, receipts, figures
//! ```
//! `driver` is the only writer of a log and says nothing outside before COMMIT; `board` is what
//! everybody else looks at.

mod board;
mod columns;
mod driver;
mod entry;
mod figures;
mod intake;
mod journal;
mod opened;
mod peers;
mod prepare;
mod ranges;
mod read;
mod receipts;
mod receive;
mod refused;
mod routes;
mod scribe;
mod scrub;
mod signing;
mod start;
mod store;
mod tree;
mod watermark;
mod wire;

use std::sync::Arc;

use domain::cloud::{Cloud, PerCloud};
use domain::event::{EventId, Region, Slot};
use domain::log::{Hash, LogId, TilePath};
use domain::quarantine::Form;
use domain::receipt::Receipt;
use sqlx::PgPool;
use tokio::sync::watch;

pub use entry::Shown;
pub use figures::{CloudFigures, Figures};
pub use intake::{Accepted, BATCH_PAYLOAD_BYTES_MAX, SUBMISSIONS_MAX, Submission, SubmitError};
pub use opened::{Opened, OpenedEntry, OpenedLine, OpenedNote};
pub use read::{BadCursor, Covering, EventCursor, EventFilter, PAGE_ROWS_MAX, Record, RecordPage};
pub use receipts::NoReceipt;
pub use scrub::{Check, CheckError, Finding, LogProgress, Outcome, ScrubStatus, check};
pub use start::start;
pub use watermark::{LogView, Watermarks};

use crate::keys::{CloudKeys, Roster};
use crate::peer::Channel;
use intake::Door;
use receipts::Notary;
use receive::Receiver;
use store::Store;

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

/// The face of the ledger. Cheap to share; all waiting is asynchronous.
#[derive(Debug)]
pub struct Ledger {
    setup: Setup,
    door: Door,
    receiver: Arc<Receiver>,
    notary: Notary,
    scrub: Arc<scrub::Scrub>,
}

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
    pub const fn log_id(&self, origin: Cloud) -> LogId {
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
        self.receiver.board().watermarks.subscribe()
    }

    /// Records events: one answer each, in order, once they are durable here. At most
    /// [`SUBMISSIONS_MAX`] at a time, and no more payload than [`BATCH_PAYLOAD_BYTES_MAX`] but for
    /// the last of them.
    pub async fn submit(&self, submissions: Vec<Submission>) -> Vec<Result<Accepted, SubmitError>> {
        self.door.submit(submissions).await
    }

    /// Waits until the slot is FINAL here. Cancel by dropping.
    pub async fn until_final(&self, slot: Slot) {
        let mut watermarks = self.watermarks();
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
        filter: &EventFilter,
        cursor: Option<EventCursor>,
        limit: u32,
    ) -> Result<RecordPage, sqlx::Error> {
        let marks = *self.receiver.board().watermarks.borrow();
        read::list(&self.setup.pool, &marks, filter, cursor, limit).await
    }

    /// Every slot that holds this id: one, or one per origin that accepted it.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn find(&self, event_id: EventId) -> Result<Vec<Record>, sqlx::Error> {
        read::find(&self.setup.pool, event_id).await
    }

    /// # Errors
    /// The database cannot be reached.
    pub async fn at(&self, slot: Slot) -> Result<Option<Record>, sqlx::Error> {
        let log = LogId { origin: slot.origin, epoch: slot.epoch };
        let end = slot.sequence.saturating_add(1);
        let mut records = self.store(log).range(slot.sequence, end).await?;
        Ok(records.pop())
    }

    /// Events with this hash, or whose hash begins with these bytes if they are among the newest.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn by_hash(&self, prefix: &[u8]) -> Result<Vec<Record>, sqlx::Error> {
        read::by_hash(&self.setup.pool, prefix).await
    }

    /// Entries `start..end` of a log, at most [`PAGE_ROWS_MAX`].
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn range(
        &self,
        log: LogId,
        start: u64,
        end: u64,
    ) -> Result<Vec<Record>, sqlx::Error> {
        let end = end.min(start.saturating_add(u64::from(PAGE_ROWS_MAX)));
        self.store(log).range(start, end).await
    }

    /// When each cloud's signature first covered each slot, as learnt here.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn coverings(
        &self,
        slots: &[Slot],
    ) -> Result<Vec<PerCloud<Option<Covering>>>, sqlx::Error> {
        read::coverings(&self.setup.pool, slots).await
    }

    /// The finality receipt of a FINAL event.
    ///
    /// # Errors
    /// Not final yet, or the database cannot be read.
    pub async fn receipt(&self, record: &Record) -> Result<Receipt, NoReceipt> {
        self.notary.receipt(record).await
    }

    /// The newest checkpoint of a log under which the quorum stands (or else the newest stored):
    /// a C2SP signed note. `None` for an empty or unknown log.
    #[must_use]
    pub fn checkpoint(&self, log: LogId) -> Option<String> {
        (self.log_id(log.origin) == log).then(|| self.notary.checkpoint(log)).flatten()
    }

    /// The first `width` hashes of a tile, or `None` if the log is shorter.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn tile(
        &self,
        log: LogId,
        path: TilePath,
        width: usize,
    ) -> Result<Option<Vec<Hash>>, sqlx::Error> {
        tree::tile_hashes(&self.setup.pool, log, path, width).await
    }

    /// What the first page shows of this node's work.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let board = self.receiver.board();
        let marks = *board.watermarks.borrow();
        board.figures.read(self.setup.cloud, &marks)
    }

    /// Puts this node's load (0 to 1) into the heads that it sends to its peers.
    pub fn report_load(&self, load: f64) {
        self.receiver.board().figures.set_own_load(load);
    }

    /// The share of the intake queue that is taken, 0 to 1.
    #[must_use]
    pub fn queue_fill(&self) -> f64 {
        self.door.fill()
    }

    /// What the scrub has checked, found and repaired since this node started.
    #[must_use]
    pub fn scrub_status(&self) -> ScrubStatus {
        self.scrub.status()
    }

    /// Checks every log from its beginning, and waits until that is done. Cancel by dropping.
    pub async fn scrub_now(&self) {
        self.scrub.pass_now().await;
    }

    /// Reads held bytes again, for a person: at most `entries_max` entries.
    #[must_use]
    pub fn open_held(&self, form: Form, place: &str, bytes: &[u8], entries_max: usize) -> Opened {
        opened::open(self.receiver.signing(), form, place, bytes, entries_max)
    }

    /// The routes under `/peer/v1` that other clouds call.
    pub fn peer_routes(&self) -> axum::Router {
        routes::routes(Arc::clone(&self.receiver), Arc::clone(&self.setup.channel))
    }

    fn store(&self, log: LogId) -> Store {
        Store::new(self.setup.pool.clone(), log)
    }
}
