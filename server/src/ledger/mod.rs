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
//! everybody else looks at. `logs` holds the drivers; `epochs` ends logs and begins new ones.

mod bad_entry;
mod board;
mod columns;
mod conflict;
mod driver;
mod entry;
mod epochs;
mod figures;
mod insider;
mod intake;
mod journal;
mod logs;
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
mod told;
mod tree;
mod watermark;
mod wire;
mod witness;

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::epoch::{EpochRecord, Reason, Register};
use domain::event::{EventId, Region, Slot};
use domain::log::{Appender, Hash, LogId, TilePath, plan};
use domain::quarantine::Form;
use domain::receipt::Receipt;
use sqlx::PgPool;
use tokio::sync::{mpsc, watch};

pub use conflict::{ForkFound, Found};
pub use entry::Shown;
pub use epochs::{BeginError, EpochRequest, LostError, PeerWord, replace_lost_keys};
pub use figures::{CloudFigures, Figures};
pub use insider::{Branch, Fork, Insider, InsiderError, Reaction};
pub use intake::{Accepted, BATCH_EVENTS_MAX, BATCH_PAYLOAD_BYTES_MAX, Submission, SubmitError};
pub use opened::{Opened, OpenedEntry, OpenedLine, OpenedNote};
pub use read::{BadCursor, Covering, EventCursor, EventFilter, PAGE_ROWS_MAX, Record, RecordPage};
pub use receipts::NoReceipt;
pub use scrub::{
    Acknowledged, Check, CheckError, Finding, LogProgress, Outcome, ScrubStatus, check,
};
pub use start::start;
pub use watermark::{LogView, Watermarks};

use crate::config::Limits;
use crate::keys::{Keyring, Roster};
use crate::peer::Channel;
use epochs::{Epochs, Memory, Restorer};
use intake::Door;
use logs::Logs;
use receipts::Notary;
use receive::Receiver;
use store::Store;

/// What the ledger is built from.
#[derive(Debug)]
pub struct Setup {
    pub cloud: Cloud,
    pub region: Region,
    pub roster: Arc<Roster>,
    pub keys: Arc<Keyring>,
    pub limits: Limits,
    /// For reading, and for the scrub's repairs.
    pub pool: PgPool,
    /// For what the drivers write and look up on their way: no read makes them wait.
    pub writers: PgPool,
    pub channel: Arc<Channel>,
    /// Where the fourth cosigner is, in the mode that counts it.
    pub witness_url: Option<String>,
}

impl Setup {
    fn memory(&self) -> Memory {
        Memory::in_folder(self.keys.folder())
    }
}

/// Why the ledger does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the ledger cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the stored log {log} does not lead to its own head: {what}")]
    Damaged { log: LogId, what: String },
    #[error(
        "a stored epoch record does not hold under the keys of the configuration: {0}. Compare \
         the peers' keys with what `ternion keygen` prints there"
    )]
    Epochs(String),
    #[error(
        "the keys of {0} are not in the key folder, so this cloud cannot go on with its log. \
         Restore them from the backup. If they are lost, prepare a new epoch with `ternion epoch \
         lost`, start the node, and have an admin at each of the other two clouds agree \
         (docs/operations.md, Lost keys)"
    )]
    Keys(LogId),
    #[error(
        "{0} is signed by other keys than those in the key folder: the folder was lost or replaced. \
         Restore it from the backup. If the keys are lost, put their public halves in their place \
         and prepare a new epoch with `ternion epoch lost` (docs/operations.md, Lost keys)"
    )]
    OtherKeys(LogId),
}

/// The face of the ledger. Cheap to share; all waiting is asynchronous.
#[derive(Debug)]
pub struct Ledger {
    logs: Arc<Logs>,
    door: Door,
    receiver: Arc<Receiver>,
    notary: Notary,
    scrub: Arc<scrub::Scrub>,
    epochs: Arc<Epochs>,
    restorer: Arc<Restorer>,
    found: Mutex<Option<mpsc::Receiver<Found>>>,
}

impl Ledger {
    fn setup(&self) -> &Setup {
        &self.logs.setup
    }

    #[must_use]
    pub fn cloud(&self) -> Cloud {
        self.setup().cloud
    }

    #[must_use]
    pub fn region(&self) -> &Region {
        &self.setup().region
    }

    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.setup().roster
    }

    /// Whose keys count from when to when.
    #[must_use]
    pub fn register(&self) -> Arc<Register> {
        self.logs.register.load_full()
    }

    /// The same, as it changes.
    #[must_use]
    pub fn registers(&self) -> Arc<ArcSwap<Register>> {
        Arc::clone(&self.logs.register)
    }

    /// What is found against clouds, for whoever keeps evidence: once.
    #[must_use]
    pub fn take_found(&self) -> Option<mpsc::Receiver<Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// There is evidence against the log's origin: nothing more of it is signed here.
    pub async fn freeze(&self, log: LogId) {
        conflict::freeze(&self.logs, log, None).await;
    }

    /// The log in which that cloud records now.
    #[must_use]
    pub fn log_id(&self, origin: Cloud) -> LogId {
        self.logs.board.watermarks.borrow().log(origin).log
    }

    /// Ends this cloud's log and begins the next, with new keys. It holds when the others approve.
    ///
    /// # Errors
    /// The epoch before still waits for approval, or new keys cannot be made.
    pub async fn begin_epoch(&self, reason: Reason) -> Result<LogId, BeginError> {
        self.epochs.begin(reason, None, None).await
    }

    /// The same, unless another epoch than `wanted` would begin: who asks twice begins one.
    ///
    /// # Errors
    /// As [`Ledger::begin_epoch`], and if another one has begun meanwhile.
    pub async fn begin_this_epoch(
        &self,
        wanted: LogId,
        reason: Reason,
    ) -> Result<LogId, BeginError> {
        self.epochs.begin(reason, None, Some(wanted)).await
    }

    /// The epoch that [`Ledger::begin_epoch`] would begin now.
    ///
    /// # Errors
    /// None, for now.
    pub fn next_epoch(&self, reason: Reason) -> Result<LogId, BeginError> {
        self.epochs.next(reason)
    }

    /// What the others last said to this cloud's own new epoch while it waits.
    #[must_use]
    pub fn epoch_answers(&self) -> PerCloud<Option<PeerWord>> {
        self.epochs.answers.all()
    }

    /// Another number: something about epochs, requests or declarations is otherwise than before.
    #[must_use]
    pub fn epoch_changes(&self) -> u64 {
        self.epochs.answers.changes()
    }

    /// New epochs of others that wait for one of this cloud's people to agree, and those that were
    /// agreed to and do not hold yet.
    #[must_use]
    pub fn epoch_requests(&self) -> Vec<EpochRequest> {
        self.epochs.requests()
    }

    /// One of this cloud's people agrees to a record. `None`: there is no such request.
    #[must_use]
    pub fn agree_to_epoch(&self, record: Hash) -> Option<EpochRecord> {
        self.epochs.agree(record)
    }

    /// One of this cloud's people says that a peer is gone for good, so that a restored log need
    /// not wait for it. Returns who has said so; it takes two.
    #[must_use]
    pub fn declare_gone(&self, peer: Cloud, by: &str) -> Vec<String> {
        self.restorer.declare_gone(peer, by)
    }

    /// Who has said so of which peer since this node started.
    #[must_use]
    pub fn declared_gone(&self) -> PerCloud<Vec<String>> {
        self.restorer.declared()
    }

    /// Is this cloud's database an old copy, whose log is being taken back?
    #[must_use]
    pub fn is_recovering(&self) -> bool {
        self.receiver.board().watermarks.borrow().log(self.cloud()).recovering
    }

    /// The deployment's C2SP policy file.
    #[must_use]
    pub fn policy(&self) -> domain::policy::Policy {
        self.logs.register.load().policy()
    }

    /// Follows finality. `borrow()` for now, `changed()` for the next.
    #[must_use]
    pub fn watermarks(&self) -> watch::Receiver<Watermarks> {
        self.receiver.board().watermarks.subscribe()
    }

    /// Most events of one [`Ledger::submit`]: a group commit's worth, so that one client cannot
    /// hold the writer for longer than a batch.
    #[must_use]
    pub fn submissions_max(&self) -> usize {
        self.setup().limits.batch_events
    }

    /// Records events: one answer each, in order, once they are durable here. At most
    /// [`Ledger::submissions_max`] at a time, and no more payload than
    /// [`BATCH_PAYLOAD_BYTES_MAX`] but for the last of them.
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
        let marks = self.receiver.board().watermarks.borrow().clone();
        read::list(&self.setup().pool, &marks, filter, cursor, limit).await
    }

    /// Every slot that holds this id: one, or one per origin that accepted it.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn find(&self, event_id: EventId) -> Result<Vec<Record>, sqlx::Error> {
        read::find(&self.setup().pool, event_id).await
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
        read::by_hash(&self.setup().pool, prefix).await
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
        read::coverings(&self.setup().pool, slots).await
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
        self.notary.checkpoint(log)
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
        tree::tile_hashes(&self.setup().pool, log, path, width).await
    }

    /// The root of a log's first `size` entries, from the stored tree. `None`: fewer are stored.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn root_at(&self, log: LogId, size: u64) -> Result<Option<Hash>, sqlx::Error> {
        tree::root_at(&self.setup().pool, log, size).await
    }

    /// The stored tree's right edge at `size`, to go on from. `None`: fewer entries are stored.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn appender_at(
        &self,
        log: LogId,
        size: u64,
    ) -> Result<Option<Appender>, sqlx::Error> {
        tree::appender(&self.setup().pool, log, size).await
    }

    /// The way from the leaf at `index` to the root of the log's first `size` entries. `None`: fewer
    /// entries are stored, or the leaf is not among them.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn inclusion(
        &self,
        log: LogId,
        index: u64,
        size: u64,
    ) -> Result<Option<Vec<Hash>>, sqlx::Error> {
        match plan::inclusion(index, size) {
            Some(plan) => tree::assemble(&self.setup().pool, log, size, &plan).await,
            None => Ok(None),
        }
    }

    /// The proof that the log of size `new` continues that of size `old`. `None`: fewer entries
    /// are stored, or there is nothing to prove.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn consistency(
        &self,
        log: LogId,
        old: u64,
        new: u64,
    ) -> Result<Option<Vec<Hash>>, sqlx::Error> {
        match plan::consistency(old, new) {
            Some(plan) => tree::assemble(&self.setup().pool, log, new, &plan).await,
            None => Ok(None),
        }
    }

    /// What the first page shows of this node's work.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let board = self.receiver.board();
        let marks = board.watermarks.borrow().clone();
        board.figures.read(self.cloud(), &marks)
    }

    /// Puts this node's load (0 to 1) into the heads that it sends to its peers.
    pub fn report_load(&self, load: f64) {
        self.receiver.board().figures.set_own_load(load);
    }

    /// Does this cloud record anything just now? Not while its database takes nothing, nor before
    /// it is known not to be an old copy of itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let marks = self.receiver.board().watermarks.borrow();
        self.door.is_open() && !marks.log(self.cloud()).recovering
    }

    /// The share of the intake queue that is taken, 0 to 1.
    #[must_use]
    pub fn queue_fill(&self) -> f64 {
        self.door.fill()
    }

    /// Connections to the database that are open, everybody's and the writers'.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.setup().pool.size() + self.setup().writers.size()
    }

    /// What the scrub has checked, found and repaired since this node started.
    #[must_use]
    pub fn scrub_status(&self) -> ScrubStatus {
        self.scrub.status()
    }

    /// Somebody has seen what was repaired until then: it is no longer news. Findings that nothing
    /// could repair stay. `until` is never later than now: nobody has seen what is to come.
    pub fn acknowledge_repairs(&self, by: &str, until: Timestamp) {
        let at = crate::now();
        tracing::info!(by, %until, "repairs acknowledged");
        self.scrub.acknowledge(Acknowledged { by: by.to_owned(), until: until.min(at), at });
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
        let (receiver, epochs) = (Arc::clone(&self.receiver), Arc::clone(&self.epochs));
        routes::routes(receiver, epochs, Arc::clone(&self.setup().channel))
    }

    fn store(&self, log: LogId) -> Store {
        Store::new(self.setup().pool.clone(), log)
    }
}
