//! The task that drives one log: feeds `domain::quorum::Replica`, performs its effects.
//!
//! One driver a log, and nothing else writes that log. What it says outside (answers, notes,
//! watermarks) it says after the COMMIT that makes it true. After a write whose outcome is
//! unknown it asks the database before it goes on, so the happy path is also the recovery path.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use domain::cloud::Cloud;
use domain::event::{Envelope, Slot};
use domain::log::{Hash, Head, Leaf, LogId};
use domain::quorum::{Effect, Input, Refusal, Replica, Signer, Staged};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::intake::SubmitError;
use super::logs::view_of;
use super::prepare::Prepared;
use super::signing::{SignedHead, Signing};
use super::store::{Append, AppendError, Store};
use super::wire::RangeAnswer;
use super::{refused, tree};
use crate::quarantine::Quarantine;

/// Between attempts to reach a database that is away.
const RETRY_WAIT: Duration = Duration::from_millis(250);

/// A range of a log that this cloud copies. Its entries satisfy the log rules that one entry can break,
/// and the origin signed its head.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) start: u64,
    pub(super) entries: Vec<Envelope>,
    pub(super) signed: SignedHead,
    /// `Err`: never to be taken.
    pub(super) reply: oneshot::Sender<Result<RangeAnswer, Refusal>>,
}

/// Signed heads that are kept until they have been compared with ours. Those that agree go at
/// once, and of those ahead of us the machine itself keeps a few.
const SIGNED_HEADS_MAX: usize = 64;

/// Word about a log from outside it.
#[derive(Debug)]
pub(super) enum Control {
    /// Our own log ends here: proposes nothing more and gives the intake's queue away.
    HandOver(oneshot::Sender<HandedOver>),
    /// An epoch record ends the log; answered with what we hold of it.
    Close(Head, oneshot::Sender<Head>),
    /// There is evidence against the log, and these entries are in doubt.
    Freeze(Option<(u64, u64)>),
    /// Our own log is, or is no longer, an old copy of itself.
    Recover(bool),
}

/// Where our own log ended, and the queue that the next one goes on with.
#[derive(Debug)]
pub(super) struct HandedOver {
    pub(super) closing: Head,
    pub(super) intake: mpsc::Receiver<Prepared>,
}

/// The origin signed a head that does not belong to our tree.
#[derive(Clone, Debug)]
pub(super) struct Conflict {
    pub(super) theirs: SignedHead,
    /// Our root at that size.
    pub(super) ours: Hash,
}

#[derive(Debug)]
pub(super) struct Driver {
    pub(super) me: Cloud,
    pub(super) log: LogId,
    pub(super) replica: Replica,
    /// Leaves of the same cloud's earlier logs.
    pub(super) before: u64,
    /// Entries that stand on two certified branches.
    pub(super) disputed: Option<(u64, u64)>,
    pub(super) store: Store,
    pub(super) signing: Arc<Signing>,
    pub(super) board: Arc<Board>,
    pub(super) quarantine: Arc<Quarantine>,
    /// What clients want recorded: for our own log, as long as it has not ended.
    pub(super) intake: Option<mpsc::Receiver<Prepared>>,
    /// What others hold of the log.
    pub(super) offers: mpsc::Receiver<Offered>,
    /// Entries of the epoch before, to be recorded before any other.
    pub(super) reissued: VecDeque<Vec<Envelope>>,
    /// Heads that have been signed, verified.
    pub(super) heard: mpsc::Receiver<SignedHead>,
    pub(super) control: mpsc::Receiver<Control>,
    /// Told to the door: our own log takes nothing just now.
    pub(super) closed: watch::Sender<bool>,
    pub(super) conflicts: mpsc::Sender<Conflict>,
    /// Heads that have not been compared with ours yet.
    pub(super) signed_heads: BTreeMap<Head, SignedHead>,
    pub(super) state: State,
}

/// What a driver is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Ready,
    /// An append is under way.
    Writing,
}

/// The next batch of clients' events; never, where there is no intake.
async fn next_batch(intake: &mut Option<mpsc::Receiver<Prepared>>) -> Option<Prepared> {
    match intake {
        Some(intake) => intake.recv().await,
        None => std::future::pending().await,
    }
}

impl Driver {
    /// Runs until `stop`, and finishes the append that is under way then.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        self.publish();
        if !self.recovers() {
            self.close_door(false); // the epoch before may have ended behind a closed one
        }
        while let Some(entries) = self.reissued.pop_front() {
            self.propose(Prepared::reissued(entries), &stop).await;
        }
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(control) = self.control.recv() => self.obey(control).await,
                Some(signed) = self.heard.recv() => self.hear(&signed).await,
                Some(batch) = next_batch(&mut self.intake), if !self.recovers() => {
                    self.propose(batch, &stop).await;
                }
                Some(offered) = self.offers.recv() => self.offer(offered, &stop).await,
            }
        }
    }

    async fn obey(&mut self, control: Control) {
        match control {
            Control::HandOver(reply) => {
                let Some(intake) = self.intake.take() else { return };
                let closing = self.replica.head();
                self.replica.step(Input::Close(closing));
                drop(reply.send(HandedOver { closing, intake })); // gone only when the node stops
            }
            Control::Close(closing, reply) => {
                self.replica.step(Input::Close(closing));
                let _ = reply.send(self.replica.head()); // not everybody waits
            }
            Control::Freeze(disputed) => self.freeze(disputed).await,
            Control::Recover(recovering) => {
                self.replica.step(Input::Recover(recovering));
                self.close_door(recovering);
            }
        }
        self.publish();
    }

    /// Counts at once, and outlives a restart as soon as the database takes it; the evidence that
    /// stands there says the same.
    async fn freeze(&mut self, disputed: Option<(u64, u64)>) {
        self.replica.step(Input::Freeze);
        self.disputed = match (self.disputed, disputed) {
            (Some((from, to)), Some((more_from, more_to))) => {
                Some((from.min(more_from), to.max(more_to)))
            }
            (known, new) => known.or(new),
        };
        if let Err(cause) = self.store.freeze(self.disputed).await {
            tracing::error!(log = %self.log, %cause, "that the log is frozen could not be stored");
        }
    }

    async fn propose(&mut self, mut batch: Prepared, stop: &CancellationToken) {
        let first = self.slot(self.replica.head().size);
        if batch.entries.is_empty() {
            batch.accepted(first, &[]); // repeats only
            return;
        }
        let leaves = self.leaves(&batch.entries, first.sequence);
        let effects = self.replica.step(Input::Propose(leaves));
        let refused = effects.iter().find_map(refusal).unwrap_or(Refusal::Busy);
        let Some(staged) = staged(effects) else {
            batch.fail(&match refused {
                Refusal::Frozen => SubmitError::Frozen,
                refused => SubmitError::Unavailable(refused.to_string()),
            });
            return;
        };
        let signed = self.signing.sign_own(self.log, staged.to);
        let entries = Arc::new(std::mem::take(&mut batch.entries));
        let (events, oldest) = (entries.len(), batch.oldest);
        let mut clients = Some(batch);
        let durable =
            self.persist(&staged, Arc::clone(&entries), &signed, &mut clients, stop).await;
        if durable.is_ok() {
            self.board.journal.push(staged.from.size, Arc::clone(&entries), signed.clone());
            self.board.figures.stored(staged.to.size, events, oldest);
            self.settle(&signed).await;
        }
        match (clients, durable) {
            (Some(clients), Ok(())) => clients.accepted(first, &entries),
            (Some(mut clients), Err(cause)) => clients.fail(&cause),
            (None, _) => {}
        }
    }

    async fn offer(&mut self, offered: Offered, stop: &CancellationToken) {
        let Offered { start, entries, signed, reply } = offered;
        let leaves = self.leaves(&entries, start);
        self.keep_signed(&signed);
        let effects = self.replica.step(Input::Offer { start, leaves, head: signed.head });
        let answer = match effects.iter().find_map(refusal) {
            Some(refusal) => answer_refusal(refusal),
            None => Ok(match staged(effects.clone()) {
                Some(staged) => self.take(&staged, entries, &signed, stop).await,
                None if self.perform(effects).await.released => self.confirmation(),
                // Another branch, or not comparable just now: nothing is confirmed.
                None => RangeAnswer::Busy,
            }),
        };
        drop(reply.send(answer)); // a peer that has gone asks again
    }

    async fn take(
        &mut self,
        staged: &Staged,
        mut entries: Vec<Envelope>,
        signed: &SignedHead,
        stop: &CancellationToken,
    ) -> RangeAnswer {
        entries.drain(..staged.skipped.min(entries.len()));
        // Of what came along, only the origin's signatures are ours to store with the entries.
        let mut origin_signed = signed.clone();
        origin_signed.lines.retain(|signer, _| *signer == self.log.origin);
        let cosigned = if self.log.origin == self.me {
            origin_signed // our own log taken back: its lines are ours
        } else {
            self.signing.cosign(origin_signed)
        };
        match self.persist(staged, Arc::new(entries), &cosigned, &mut None, stop).await {
            Ok(()) => {
                self.settle(&cosigned).await;
                self.hear(signed).await;
                self.confirmation()
            }
            Err(_) => RangeAnswer::Busy,
        }
    }

    /// Makes a staged range durable; meanwhile listens. `Err`: surely not durable, or the node
    /// stops. Clients are not kept waiting for a database that is away.
    async fn persist(
        &mut self,
        staged: &Staged,
        entries: Arc<Vec<Envelope>>,
        signed: &SignedHead,
        clients: &mut Option<Prepared>,
        stop: &CancellationToken,
    ) -> Result<(), SubmitError> {
        let (store, from, tiles) = (self.store.clone(), staged.from, staged.tiles.clone());
        let to = signed.clone();
        self.state = State::Writing;
        let mut writing = std::pin::pin!(async move {
            store.append(&Append { from, entries: &entries, tiles: &tiles, signed: &to }).await
        });
        let written = loop {
            tokio::select! {
                written = &mut writing => break written,
                Some(heard) = self.heard.recv() => self.hear(&heard).await,
            }
        };
        self.state = State::Ready;
        match written {
            Ok(()) => Ok(()),
            Err(cause) => self.find_out(staged, &cause, clients, stop).await,
        }
    }

    /// The write's outcome is unknown: waits until the database can tell.
    async fn find_out(
        &mut self,
        staged: &Staged,
        cause: &AppendError,
        clients: &mut Option<Prepared>,
        stop: &CancellationToken,
    ) -> Result<(), SubmitError> {
        tracing::error!(log = %self.log, %cause, "an append failed; asking what is durable");
        let unavailable = SubmitError::Unavailable(cause.to_string());
        self.close_door(true);
        let durable = loop {
            match self.store.head().await {
                Ok(head) => break head,
                Err(cause) => tracing::warn!(log = %self.log, %cause, "the database is away"),
            }
            clients.iter_mut().for_each(|clients| clients.fail(&unavailable));
            tokio::select! {
                () = stop.cancelled() => return Err(unavailable),
                () = tokio::time::sleep(RETRY_WAIT) => {}
            }
        };
        self.close_door(false);
        tracing::info!(log = %self.log, size = durable.size, "the database answers again");
        if durable == staged.to {
            return Ok(());
        }
        self.replica.step(Input::StoreFailed);
        if durable != staged.from {
            self.reload(durable).await;
        }
        Err(unavailable)
    }

    /// Only our own log has clients.
    fn close_door(&self, closed: bool) {
        if self.log.origin == self.me && self.intake.is_some() {
            self.closed.send_replace(closed);
        }
    }

    const fn recovers(&self) -> bool {
        self.replica.standing().recovering
    }

    /// Peers hold a head of our own log, with our own signatures, that is beyond ours: either an
    /// append of ours arrived late in the database, or the database is an old copy.
    async fn face_longer_log(&mut self, theirs: Head) {
        match self.store.head().await {
            Ok(durable) if durable.size >= theirs.size => self.reload(durable).await,
            Ok(durable) => {
                tracing::error!(
                    log = %self.log, ours = durable.size, theirs = theirs.size,
                    "this database is an old copy of our own log: what it lacks is taken back from \
                     the other clouds, and then a new epoch begins"
                );
                metrics::counter!("ternion_ledger_restored_total").increment(1);
                self.replica.step(Input::Recover(true));
                self.close_door(true);
            }
            // The peers' next heads ask again.
            Err(cause) => tracing::warn!(log = %self.log, %cause, "our head cannot be read"),
        }
    }

    /// The stored head is neither where we left it nor where we meant it to be: an earlier append
    /// of ours arrived late, or another program writes this database. What is stored counts.
    async fn reload(&mut self, durable: Head) {
        if durable.size < self.replica.head().size {
            // Following it would fill places a second time, which is what a forger does.
            tracing::error!(
                log = %self.log, size = durable.size, ours = self.replica.head().size,
                "the stored head went back; the log waits until the scrub has repaired it"
            );
            return;
        }
        tracing::error!(log = %self.log, size = durable.size, "the stored head moved by itself");
        match self.store.open().await {
            Ok(stored) => {
                let (known, standing) = (stored.signed, *self.replica.standing());
                self.replica =
                    Replica::resume(self.log, self.me, standing, stored.appender, &known);
            }
            // The next append fails in the same way, and comes here again.
            Err(cause) => tracing::error!(log = %self.log, %cause, "the log cannot be read again"),
        }
        match self.store.signed_of_size(self.replica.head().size).await {
            Ok(signed) => signed.iter().for_each(|signed| self.board.stored(signed)),
            Err(cause) => tracing::error!(log = %self.log, %cause, "a head cannot be read again"),
        }
        self.publish();
    }

    /// The staged range is durable: says so.
    async fn settle(&mut self, signed: &SignedHead) {
        let effects = self.replica.step(Input::Stored);
        self.board.stored(signed);
        self.perform(effects).await;
        self.publish();
    }

    /// Counts the signatures of a verified head.
    async fn hear(&mut self, signed: &SignedHead) {
        let own = self.log.origin == self.me && self.intake.is_some();
        let may_be_behind = self.state == State::Ready && !self.recovers();
        if own && may_be_behind && signed.head.size > self.replica.head().size {
            self.face_longer_log(signed.head).await;
        }
        self.keep_signed(signed);
        let others: Vec<Signer> =
            signed.lines.keys().copied().filter(|signer| *signer != self.me).collect();
        for by in others {
            let effects = self.replica.step(Input::Signed { by, head: signed.head });
            self.perform(effects).await;
        }
        // Only what stands for our own tree may ever be shown as a signature on it.
        let mut held = signed.clone();
        let agrees = |signer: Signer| self.replica.agrees(signer, signed.head);
        held.lines.retain(|signer, _| *signer != self.me && agrees(*signer));
        if !held.lines.is_empty() {
            self.signed_heads.remove(&signed.head);
            // A head without its origin's signature is one that every peer must refuse.
            let origin = Signer::from(self.log.origin);
            let lines = signed.lines.get(&origin).map(|lines| (origin, lines.clone()));
            held.lines.extend(lines);
            if self.board.learn(&held) {
                drop(self.board.scribe.send(held)); // the scribe ends only with the node
            }
        }
        self.publish();
    }

    /// Kept until it is compared: what conflicts with our tree is evidence only with its
    /// signatures.
    fn keep_signed(&mut self, signed: &SignedHead) {
        self.signed_heads.insert(signed.head, signed.clone());
        if self.signed_heads.len() > SIGNED_HEADS_MAX {
            self.signed_heads.pop_last();
        }
    }

    async fn perform(&mut self, effects: Vec<Effect>) -> Performed {
        let mut performed = Performed::default();
        let mut queue = effects;
        while let Some(effect) = queue.pop() {
            match effect {
                Effect::CompareRoot { by, head } => {
                    if let Some(ours) = self.our_root(head).await {
                        queue.extend(self.replica.step(Input::OurRoot { by, head, ours }));
                    }
                }
                Effect::Conflict { by, theirs, ours } => self.conflict(by, theirs, ours),
                Effect::Release(_) => performed.released = true,
                // Finality is published from the machine's state; storing and refusing are
                // handled where they are asked for.
                Effect::Final(_) | Effect::Replicated(_) | Effect::Refuse(_) | Effect::Store(_) => {
                }
            }
        }
        performed
    }

    fn conflict(&mut self, by: Signer, theirs: Head, ours: Hash) {
        // Once it is frozen, peers go on telling the same every second.
        if !self.replica.standing().frozen {
            tracing::error!(
                log = %self.log, %by, size = theirs.size, theirs = %theirs.root, %ours,
                "two roots are signed for one size"
            );
        }
        metrics::counter!("ternion_ledger_conflicts_total").increment(1);
        if let Some(theirs) = self.signed_heads.remove(&theirs) {
            let size = self.replica.head().size;
            self.quarantine.hold(refused::fork(&self.signing, &theirs, size));
            // A full queue loses nothing: the peers' next heads report it again after a restart.
            drop(self.conflicts.try_send(Conflict { theirs, ours }));
        }
    }

    async fn our_root(&self, head: Head) -> Option<Hash> {
        if let Some(root) = self.board.recent_root(self.log, head.size) {
            return Some(root);
        }
        if self.state == State::Writing {
            // An append holds a connection meanwhile; old heads can wait for the peers' next ones.
            return None;
        }
        match tree::root_at(self.store.pool(), self.log, head.size).await {
            Ok(root) => root,
            // Not compared now; the peers' next heads ask again.
            Err(cause) => {
                tracing::warn!(log = %self.log, %cause, "a root could not be read");
                None
            }
        }
    }

    fn confirmation(&self) -> RangeAnswer {
        match self.board.stored_head(self.log) {
            Some(signed) => RangeAnswer::Confirmed { note: self.signing.note(&signed) },
            None => RangeAnswer::Have { size: 0 },
        }
    }

    fn publish(&self) {
        self.board.publish(view_of(&self.replica, self.before, self.disputed));
    }

    const fn slot(&self, sequence: u64) -> Slot {
        Slot { origin: self.log.origin, epoch: self.log.epoch, sequence }
    }

    fn leaves(&self, entries: &[Envelope], start: u64) -> Vec<Leaf> {
        (start..).zip(entries).map(|(at, entry)| entry.leaf(self.log.epoch, at)).collect()
    }
}

/// What came of some effects.
#[derive(Clone, Copy, Debug, Default)]
struct Performed {
    /// Our signature on what we hold may be shown.
    released: bool,
}

fn staged(effects: Vec<Effect>) -> Option<Staged> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Store(staged) => Some(staged),
        _ => None,
    })
}

fn refusal(effect: &Effect) -> Option<Refusal> {
    match effect {
        Effect::Refuse(refusal) => Some(*refusal),
        _ => None,
    }
}

fn answer_refusal(refusal: Refusal) -> Result<RangeAnswer, Refusal> {
    match refusal {
        Refusal::Busy => Ok(RangeAnswer::Busy),
        Refusal::Gap { have, .. } => Ok(RangeAnswer::Have { size: have }),
        other => Err(other),
    }
}
