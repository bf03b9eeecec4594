//! Epochs at run time: begins our own, approves those of others, learns of all.
//!
//! Beginning an epoch interrupts nothing: our log ends where it stands, the next one takes the
//! intake's queue at once, and its entries become final when the record has its approvals. What was
//! proposed is durable before anybody is asked, and is pursued until it holds.

mod answers;
mod approve;
mod lost;
mod memory;
mod restore;
mod store;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::cloud::{Cloud, PerCloud};
use domain::epoch::{
    Applied, Approval, Cosigned, EPOCH_FORMAT, EpochError, EpochRecord, Gone, Reason, Register,
    SignedEpoch,
};
use domain::log::{Hash, Head, LogId};
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use answers::PeerWord;
pub use approve::EpochRequest;
pub use lost::{LostError, replace_lost_keys};
pub(super) use memory::{LastHead, Memory, database_of};
pub(super) use restore::Restorer;
pub(super) use store::{EpochStore, load};

use super::driver::HandedOver;
use super::logs::{self, Logs};
use super::prepare::Prepared;
use super::store::Store;
use super::watermark::LogView;
use super::wire::{APPROVE_PATH, ApprovalAnswer, ApprovalQuestion, decode_answer, encode};
use super::{StartError, tree};
use crate::keys::{KeyError, Keyring};
use answers::Answers;

/// Between two rounds of asking for approvals.
const ASK_EVERY: Duration = Duration::from_millis(300);
/// Between attempts to reach a database that is away.
const RETRY_WAIT: Duration = Duration::from_millis(250);
/// What peers were sent is confirmed within a second; one that is behind gets some more.
const CONFIRM_MAX: Duration = Duration::from_secs(10);

/// No new epoch was begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    #[error("{0} still waits for its approvals; a cloud begins one epoch at a time")]
    Unfinished(LogId),
    #[error("this cloud's database is an old copy: what it lacks is taken back first")]
    Recovering,
    #[error("{0} has begun meanwhile")]
    Begun(LogId),
    #[error("the new keys cannot be made: {0}")]
    Keys(#[from] KeyError),
    #[error("the record does not fit: {0}")]
    Record(#[from] EpochError),
    #[error("the database cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    #[error("this node is stopping")]
    Stopping,
}

/// The register of this node, and what it does about it.
#[derive(Debug)]
pub(super) struct Epochs {
    pub(super) me: Cloud,
    pub(super) register: Arc<ArcSwap<Register>>,
    pub(super) keys: Arc<Keyring>,
    pub(super) store: EpochStore,
    pub(super) logs: Arc<Logs>,
    /// One change of the register at a time.
    turn: tokio::sync::Mutex<()>,
    /// Records of others that wait for one of our people to agree.
    requests: Mutex<BTreeMap<Hash, EpochRequest>>,
    /// There is something to ask approvals for.
    wake: Notify,
    /// What others say to our own record.
    pub(in crate::ledger) answers: Answers,
    remembered: Remembered,
}

/// What was known outside the database when this node started.
#[derive(Clone, Debug, Default)]
pub(super) struct Remembered {
    /// The newest epoch of ours: in it something may be signed that the database has forgotten.
    pub(super) begun: u32,
    /// Which database this is.
    pub(super) database: String,
}

impl Epochs {
    pub(super) fn new(
        register: Arc<ArcSwap<Register>>,
        keys: Arc<Keyring>,
        store: EpochStore,
        logs: Arc<Logs>,
        remembered: Remembered,
    ) -> Self {
        let (turn, requests, wake) =
            (tokio::sync::Mutex::default(), Mutex::default(), Notify::new());
        let (me, answers) = (logs.setup.cloud, Answers::default());
        Epochs { me, register, keys, store, logs, turn, requests, wake, answers, remembered }
    }

    /// The newest epoch of each cloud that is known to hold.
    pub(super) fn known(&self) -> PerCloud<u32> {
        self.logs.epochs_known()
    }

    /// Every record that holds, as sent to peers.
    pub(super) fn records(&self) -> Vec<String> {
        let register = self.register.load();
        // Shapes of texts, numbers and lists always serialize.
        register.records().filter_map(|signed| serde_json::to_string(signed).ok()).collect()
    }

    /// The epoch of our own log that could begin now.
    pub(super) fn next(&self, reason: Reason) -> Result<LogId, BeginError> {
        let register = self.register.load_full();
        let old = register.current(self.me);
        if !register.epoch(old).is_some_and(|epoch| epoch.approved) {
            return Err(BeginError::Unfinished(old));
        }
        let recovering = self.logs.board.watermarks.borrow().log(self.me).recovering;
        if recovering && reason != Reason::Restored {
            return Err(BeginError::Recovering);
        }
        Ok(LogId { epoch: old.epoch + 1, ..old })
    }

    /// Ends our own log and begins the next, with new keys; `wanted`, if one is named.
    pub(super) async fn begin(
        &self,
        reason: Reason,
        gone: Option<Gone>,
        wanted: Option<LogId>,
    ) -> Result<LogId, BeginError> {
        let _turn = self.turn.lock().await;
        let next = self.next(reason)?;
        if wanted.is_some_and(|wanted| wanted != next) {
            return Err(BeginError::Begun(self.register.load().current(self.me)));
        }
        let record = self.draft(next, reason, gone)?;
        let old = record.ends();
        let HandedOver { closing, intake } =
            self.logs.hand_over(old).await.ok_or(BeginError::Stopping)?;
        let closing = self.closing(old, closing, reason).await;
        self.propose(EpochRecord { closing, ..record }, intake).await;
        self.wake.notify_one();
        Ok(next)
    }

    /// The record of a new epoch of ours, but for where the old one ends.
    fn draft(
        &self,
        next: LogId,
        reason: Reason,
        gone: Option<Gone>,
    ) -> Result<EpochRecord, BeginError> {
        let register = self.register.load_full();
        let marks = self.logs.board.watermarks.borrow().clone();
        let keys = self.keys.make(next.epoch)?.public();
        let pin = |peer: Cloud| {
            let view = marks.log(peer);
            Cosigned { log: view.log, head: view.head }
        };
        let record = EpochRecord {
            format: EPOCH_FORMAT.to_owned(),
            genesis: register.genesis_hash(),
            origin: self.me,
            epoch: next.epoch,
            mode: register.genesis().mode,
            keys,
            closing: Head::empty(),
            cosigned: self.me.peers().map(pin).to_vec(),
            reason,
            gone,
            stated_at: crate::now(),
        };
        register.check(&record)?;
        Ok(record)
    }

    /// Where our log ends: where it stands, or, where the others follow it no further, at the last
    /// entry that is final. What lies beyond is recorded again in the next epoch.
    async fn closing(&self, old: LogId, ours: Head, reason: Reason) -> Head {
        if reason.needs_old_key() {
            return ours;
        }
        self.until_confirmed(old, ours.size).await;
        let marks = self.logs.board.watermarks.borrow().clone();
        let size = marks.view(old).map_or(0, |view| view.final_size);
        if size == 0 {
            return Head::empty();
        }
        loop {
            match tree::root_at(&self.logs.setup.pool, old, size).await {
                Ok(Some(root)) => return Head { size, root },
                Ok(None) => tracing::error!(%old, size, "entries of our own log are missing"),
                Err(cause) => tracing::warn!(%old, %cause, "the database is away"),
            }
            sleep(RETRY_WAIT).await; // the intake waits: there is no log to record in
        }
    }

    /// A peer that holds an entry whose confirmation is still on its way could never agree that the
    /// log ends before it: who can be reached is waited for.
    async fn until_confirmed(&self, log: LogId, size: u64) {
        let reachable = self.logs.board.figures.reachable();
        let peers = self.me.peers().into_iter();
        let asked: Vec<Cloud> = peers.filter(|peer| *reachable.get(*peer) == Some(true)).collect();
        let mut marks = self.logs.board.watermarks.subscribe();
        let confirmed = marks.wait_for(|marks| {
            let all = |view: &LogView| {
                view.frozen || asked.iter().all(|peer| *view.signed.clouds.get(*peer) >= size)
            };
            marks.view(log).is_none_or(all)
        });
        if tokio::time::timeout(CONFIRM_MAX, confirmed).await.is_err() {
            tracing::warn!(%log, size, "not all of the log is confirmed; it ends where it is final");
        }
    }

    /// Durable first, then in force here: the new log takes the intake's queue.
    async fn propose(&self, record: EpochRecord, intake: mpsc::Receiver<Prepared>) {
        while let Err(cause) = self.store.vote(&record).await {
            tracing::warn!(log = %record.begins(), %cause, "an epoch waits for the database");
            sleep(RETRY_WAIT).await;
        }
        let signed = own_proposal(&self.keys, record);
        let (log, ended) = (signed.record.begins(), signed.record.ends());
        tracing::info!(%log, closing = signed.record.closing.size, reason = ?signed.record.reason,
            "a new epoch of our own log begins");
        let mut register = Register::clone(&self.register.load());
        if let Err(cause) = register.propose(signed.clone()) {
            tracing::error!(%log, %cause, "our own epoch record does not fit");
        }
        self.register.store(Arc::new(register));
        self.answers.changed();
        self.logs.close(ended, signed.record.closing).await;
        if log.epoch <= self.remembered.begun {
            // Its places may be filled: it is begun again only to be ended.
            tracing::warn!(%log, "this epoch was begun before, and this database has forgotten it");
            return self.open_to_recover(log, intake).await;
        }
        self.logs.setup.memory().begin(log.epoch, &self.remembered.database);
        self.open(log, Some(intake), false).await;
    }

    /// A log of ours that this database has forgotten: it takes nothing until all that others hold
    /// of it is here, and then it is ended.
    async fn open_to_recover(&self, log: LogId, intake: mpsc::Receiver<Prepared>) {
        self.open(log, Some(intake), true).await;
        self.logs.recover(log, true).await; // clients are told
    }

    /// Opens a log as soon as the database lets us.
    async fn open(&self, log: LogId, intake: Option<mpsc::Receiver<Prepared>>, recovers: bool) {
        let (setup, verifier) = (&self.logs.setup, &self.logs.signing.verifier);
        let mut opened = loop {
            let register = self.register.load_full();
            match logs::open(setup, &register, verifier, log, &self.logs.book).await {
                Ok(opened) => break opened,
                Err(cause) => tracing::error!(%log, %cause, "a log cannot be opened yet"),
            }
            sleep(RETRY_WAIT).await;
        };
        if recovers {
            opened.recover();
        }
        if log.origin == self.me {
            self.logs.board.journal.clear();
            self.logs.board.figures.begin_log();
        }
        self.logs.drive(opened, intake).await;
    }

    /// Takes in records that somebody sent; each is verified by itself.
    pub(super) async fn learn(&self, records: &[String]) {
        for text in records {
            match serde_json::from_str::<SignedEpoch>(text) {
                Ok(signed) => self.take(signed).await,
                Err(cause) => tracing::warn!(%cause, "an epoch record cannot be read"),
            }
        }
    }

    async fn take(&self, signed: SignedEpoch) {
        let _turn = self.turn.lock().await;
        let mut register = Register::clone(&self.register.load());
        let record = signed.record.clone();
        let log = record.begins();
        match register.apply(signed) {
            Ok(Applied::Known) => {}
            Ok(Applied::MoreApprovals) => self.keep(&mut register, log).await,
            Ok(Applied::Begun) => {
                self.keep(&mut register, log).await;
                self.follow(&record).await;
            }
            Err(cause) => tracing::error!(%log, %cause, "an epoch record does not hold"),
        }
    }

    /// Durable before it counts.
    async fn keep(&self, register: &mut Register, log: LogId) {
        let Some(signed) = register.epoch(log).and_then(|epoch| epoch.opened_by.clone()) else {
            return;
        };
        while let Err(cause) = self.store.put(&signed).await {
            tracing::warn!(%log, %cause, "an epoch record waits for the database");
            sleep(RETRY_WAIT).await;
        }
        self.register.store(Arc::new(register.clone()));
        self.answers.clear();
        self.forget_request(signed.record.hash());
    }

    /// A new epoch holds that we did not propose ourselves.
    async fn follow(&self, record: &EpochRecord) {
        let (log, ended) = (record.begins(), record.ends());
        tracing::info!(%log, closing = record.closing.size, reason = ?record.reason, "a new epoch");
        if record.origin != self.me {
            self.logs.close(ended, record.closing).await;
            return self.open(log, None, false).await;
        }
        // Others know an epoch of ours that we do not: this database is older than it.
        tracing::error!(%log, "this database is an old copy: it lacks an epoch of its own log");
        let Some(HandedOver { intake, .. }) = self.logs.hand_over(ended).await else { return };
        self.logs.close(ended, record.closing).await;
        self.open_to_recover(log, intake).await;
    }

    /// Pursues our own record until it holds, as long as the node runs.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.run_on() => {}
        }
    }

    async fn run_on(&self) {
        loop {
            let register = self.register.load_full();
            let own = register.epoch(register.current(self.me));
            match own.filter(|epoch| !epoch.approved).and_then(|epoch| epoch.opened_by.clone()) {
                Some(signed) => {
                    self.gather(signed).await;
                    sleep(ASK_EVERY).await;
                }
                None => self.wake.notified().await,
            }
        }
    }

    /// One round of asking both peers.
    async fn gather(&self, mut signed: SignedEpoch) {
        let closing = self.closing_note(&signed.record).await;
        let Ok(text) = serde_json::to_string(&signed) else { return };
        for peer in self.me.peers() {
            let question = ApprovalQuestion { signed: text.clone(), closing: closing.clone() };
            let word = match self.ask(peer, &question).await {
                Ok(approval) => {
                    signed.approvals.push(approval);
                    PeerWord::Approves
                }
                Err(word) => word,
            };
            if self.answers.note(peer, word.clone()) {
                tracing::info!(%peer, answer = ?word, "asked to approve our new epoch");
            }
        }
        let approved = self.register.load().approved(&signed);
        if signed.record.holds_by(&approved) {
            tracing::info!(log = %signed.record.begins(), ?approved, "our new epoch is approved");
            self.take(signed).await;
        }
    }

    async fn ask(&self, peer: Cloud, question: &ApprovalQuestion) -> Result<Approval, PeerWord> {
        let channel = &self.logs.setup.channel;
        let answer = channel.call(peer, APPROVE_PATH, encode(question)).await;
        let answer = answer.and_then(|body| decode_answer(peer, &body));
        match answer.map_err(|cause| PeerWord::Silent(cause.to_string()))? {
            ApprovalAnswer::Approved(text) => serde_json::from_str(&text).map_err(|cause| {
                PeerWord::Refuses(format!("what it signed is unreadable: {cause}"))
            }),
            ApprovalAnswer::Later { reason } => Err(PeerWord::Waits(reason)),
            ApprovalAnswer::Refused { reason } => Err(PeerWord::Refuses(reason)),
        }
    }

    async fn closing_note(&self, record: &EpochRecord) -> String {
        let store = Store::new(self.logs.setup.pool.clone(), record.ends());
        let signed = store.signed_of_size(record.closing.size).await.ok().flatten();
        signed.map(|signed| self.logs.signing.note(&signed)).unwrap_or_default()
    }

    fn forget_request(&self, record: Hash) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).remove(&record);
    }
}

/// Our own record with our own word for it, where the old key is here to give it.
pub(super) fn own_proposal(keys: &Keyring, record: EpochRecord) -> SignedEpoch {
    let (by, ended) = (record.origin, record.ends().epoch);
    let approval = keys.pair(ended).map(|pair| record.approve(by, ended, &pair.log));
    SignedEpoch { approvals: approval.into_iter().collect(), record }
}

impl From<EpochError> for StartError {
    fn from(cause: EpochError) -> Self {
        StartError::Epochs(cause.to_string())
    }
}
