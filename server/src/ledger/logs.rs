//! The logs that this node drives: one driver each, opened when the node starts or an epoch
//! begins.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use domain::cloud::{Cloud, PerCloud};
use domain::epoch::Register;
use domain::event::Envelope;
use domain::log::{Head, LogId};
use domain::quorum::{Input, Replica, Standing};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::conflict::Found;
use super::driver::{Conflict, Control, Driver, HandedOver, Offered, State};
use super::prepare::Prepared;
use super::ranges::Ranges;
use super::signing::{SignedHead, Signing, Verifier};
use super::store::{Durable, Store};
use super::told::Told;
use super::watermark::LogView;
use super::{Setup, StartError, scrub};

/// Ranges that wait for a copy's writer: one from each peer.
const RANGES_WAITING: usize = 2;
/// Verified heads that wait for a driver.
const HEADS_WAITING: usize = 256;
/// Word from outside the log that waits for a driver.
const CONTROLS_WAITING: usize = 16;
/// Drivers that wait to be run.
const DRIVERS_WAITING: usize = 16;
/// Conflicts that wait for a judgement; each is reported again by the next restart.
const CONFLICTS_WAITING: usize = 64;
/// What waits to be kept as evidence; each is found again.
const FOUND_WAITING: usize = 64;
/// Entries that are recorded again in one batch.
const REISSUED_AT_ONCE: u64 = 1_000;

/// The doors of one log's driver.
#[derive(Clone, Debug)]
pub(super) struct LogDoors {
    pub(super) offers: mpsc::Sender<Offered>,
    pub(super) heard: mpsc::Sender<SignedHead>,
    pub(super) control: mpsc::Sender<Control>,
    pub(super) ranges: Ranges,
}

/// A log as read from the database.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) log: LogId,
    store: Store,
    replica: Replica,
    before: u64,
    disputed: Option<(u64, u64)>,
    stored: Option<SignedHead>,
    /// Entries of the epoch before that nobody certified: recorded again here, first of all.
    reissued: Vec<Vec<Envelope>>,
}

/// What every driver needs, and the doors of those that run.
#[derive(Debug)]
pub(super) struct Logs {
    pub(super) setup: Setup,
    pub(super) register: Arc<ArcSwap<Register>>,
    pub(super) signing: Arc<Signing>,
    pub(super) board: Arc<Board>,
    /// What the scrub has found, also before the node ran.
    pub(super) book: Arc<scrub::Book>,
    /// Told to the intake: our own log takes nothing just now.
    closed: watch::Sender<bool>,
    doors: RwLock<BTreeMap<LogId, LogDoors>>,
    drivers: mpsc::Sender<Driver>,
    /// Two roots that are signed for one size, to whoever judges what follows.
    conflicts: mpsc::Sender<Conflict>,
    /// To whoever keeps evidence.
    pub(super) found: mpsc::Sender<Found>,
    /// Tells of each log that is opened.
    opened: watch::Sender<Vec<LogId>>,
}

/// The other ends of what [`Logs`] sends.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) to_run: mpsc::Receiver<Driver>,
    pub(super) to_judge: mpsc::Receiver<Conflict>,
    pub(super) to_keep: mpsc::Receiver<Found>,
}

impl Logs {
    pub(super) fn new(
        setup: Setup,
        register: Arc<ArcSwap<Register>>,
        signing: Arc<Signing>,
        board: Arc<Board>,
        book: Arc<scrub::Book>,
        closed: watch::Sender<bool>,
    ) -> (Arc<Self>, Ends) {
        let (drivers, to_run) = mpsc::channel(DRIVERS_WAITING);
        let (conflicts, to_judge) = mpsc::channel(CONFLICTS_WAITING);
        let (found, to_keep) = mpsc::channel(FOUND_WAITING);
        let (doors, opened) = (RwLock::default(), watch::Sender::default());
        let logs = Logs {
            setup,
            register,
            signing,
            board,
            book,
            closed,
            doors,
            drivers,
            conflicts,
            found,
            opened,
        };
        (Arc::new(logs), Ends { to_run, to_judge, to_keep })
    }

    pub(super) fn doors(&self, log: LogId) -> Option<LogDoors> {
        self.doors.read().unwrap_or_else(PoisonError::into_inner).get(&log).cloned()
    }

    /// The logs that are open, as they come.
    pub(super) fn opened(&self) -> watch::Receiver<Vec<LogId>> {
        self.opened.subscribe()
    }

    /// The logs that peers are told of: those that go on, and those that not all have yet.
    pub(super) fn told(&self) -> Vec<LogId> {
        let marks = self.board.watermarks.borrow().clone();
        marks.views().filter(|view| !view.is_settled()).map(|view| view.log).collect()
    }

    /// The log in which this cloud records.
    pub(super) fn own(&self) -> LogId {
        self.board.watermarks.borrow().log(self.setup.cloud).log
    }

    /// Publishes an opened log and has its driver run. The one in which we record takes what
    /// clients want recorded.
    pub(super) async fn drive(&self, opened: Opened, intake: Option<mpsc::Receiver<Prepared>>) {
        let (me, log) = (self.setup.cloud, opened.log);
        self.board.open(opened.view());
        opened.stored.iter().for_each(|signed| self.board.stored(signed));
        let (offers, ranges) = mpsc::channel(RANGES_WAITING);
        let (heard, heads) = mpsc::channel(HEADS_WAITING);
        let (control, controls) = mpsc::channel(CONTROLS_WAITING);
        let driver = Driver {
            me,
            log,
            replica: opened.replica,
            before: opened.before,
            disputed: opened.disputed,
            store: opened.store,
            signing: Arc::clone(&self.signing),
            board: Arc::clone(&self.board),
            quarantine: Arc::clone(&self.setup.channel.quarantine),
            intake,
            offers: ranges,
            reissued: opened.reissued.into(),
            heard: heads,
            control: controls,
            closed: self.closed.clone(),
            conflicts: self.conflicts.clone(),
            signed_heads: BTreeMap::new(),
            told: Told::default(),
            state: State::Ready,
        };
        let doors = LogDoors { offers, heard, control, ranges: self.ranges(log) };
        self.doors.write().unwrap_or_else(PoisonError::into_inner).insert(log, doors);
        // The runner ends only with the node.
        drop(self.drivers.send(driver).await);
        self.opened.send_modify(|logs| logs.push(log));
    }

    fn ranges(&self, log: LogId) -> Ranges {
        let store = Store::new(self.setup.pool.clone(), log);
        let (signing, board) = (Arc::clone(&self.signing), Arc::clone(&self.board));
        Ranges { me: self.setup.cloud, log, store, signing, board }
    }

    /// Takes the intake's queue from our own log's driver, which proposes nothing more, and tells
    /// where the log ends. `None`: the node stops.
    pub(super) async fn hand_over(&self, log: LogId) -> Option<HandedOver> {
        let (reply, answer) = oneshot::channel();
        self.doors(log)?.control.send(Control::HandOver(reply)).await.ok()?;
        answer.await.ok()
    }

    /// An epoch record has ended this log.
    pub(super) async fn close(&self, log: LogId, closing: Head) {
        let _ = self.closed_at(log, closing).await;
    }

    /// Closes our copy of a log, and tells what we hold of it then. `None`: it is not open here, or
    /// the node stops.
    pub(super) async fn closed_at(&self, log: LogId, closing: Head) -> Option<Head> {
        let (reply, answer) = oneshot::channel();
        self.doors(log)?.control.send(Control::Close(closing, reply)).await.ok()?;
        answer.await.ok()
    }

    /// Our own log is, or is no longer, an old copy of itself.
    pub(super) async fn recover(&self, log: LogId, recovering: bool) {
        if let Some(doors) = self.doors(log) {
            // The driver ends only with the node.
            drop(doors.control.send(Control::Recover(recovering)).await);
        }
    }

    /// The newest epoch of each cloud that is known to hold.
    pub(super) fn epochs_known(&self) -> PerCloud<u32> {
        let register = self.register.load();
        PerCloud::from_fn(|cloud| register.newest_approved(cloud).epoch)
    }
}

/// Runs drivers until `stop`; a panic of one of them is a panic here.
pub(super) async fn run_drivers(mut to_run: mpsc::Receiver<Driver>, stop: CancellationToken) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            Some(driver) = to_run.recv() => { running.spawn(driver.run(stop.clone())); }
            Some(ended) = running.join_next() => {
                if let Err(cause) = ended && let Ok(panic) = cause.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
            () = stop.cancelled() => break,
        }
    }
    while running.join_next().await.is_some() {}
}

/// Reads what is durable of a log; what is damaged at its right edge is repaired first.
pub(super) async fn open(
    setup: &Setup,
    register: &Register,
    verifier: &Verifier,
    log: LogId,
    book: &scrub::Book,
) -> Result<Opened, StartError> {
    let store = Store::new(setup.writers.clone(), log);
    let durable = open_or_mend(setup, &store, log, verifier, book).await?;
    let head = durable.appender.head();
    let standing = Standing {
        mode: register.epoch(log).map_or_else(Default::default, |epoch| epoch.mode),
        closing: register.closing(log),
        frozen: durable.frozen,
        recovering: false,
    };
    let Durable { appender, signed, disputed, .. } = durable;
    let replica = Replica::resume(log, setup.cloud, standing, appender, &signed);
    let stored = if head == Head::empty() { None } else { store.signed_of_size(head.size).await? };
    let reissued = if log.origin == setup.cloud && register.current(log.origin) == log {
        uncertified(setup, register, log).await?
    } else {
        Vec::new()
    };
    let before = register.leaves_before(log);
    Ok(Opened { log, store, replica, before, disputed, stored, reissued })
}

/// Entries of our own last epoch beyond its closing that this epoch does not hold yet.
async fn uncertified(
    setup: &Setup,
    register: &Register,
    log: LogId,
) -> Result<Vec<Vec<Envelope>>, StartError> {
    let before = LogId { epoch: log.epoch.saturating_sub(1), ..log };
    let Some(closing) = register.closing(before) else { return Ok(Vec::new()) };
    let (old, new) = (Store::new(setup.pool.clone(), before), Store::new(setup.pool.clone(), log));
    let (mut batches, mut at) = (Vec::new(), closing.size);
    loop {
        let records = old.range(at, at.saturating_add(REISSUED_AT_ONCE)).await?;
        if records.is_empty() {
            return Ok(batches);
        }
        at += records.len() as u64;
        let ids: Vec<_> = records.iter().map(|record| record.event.event_id).collect();
        let taken = new.recorded(&ids).await?;
        let is_taken = |id| {
            let in_new =
                |slot: &domain::event::Slot| slot.epoch == log.epoch && slot.origin == log.origin;
            taken.iter().any(|record| record.event.event_id == id && in_new(&record.slot))
        };
        let entries = records.into_iter().filter(|record| !is_taken(record.event.event_id));
        let entries: Vec<Envelope> =
            entries.map(|record| Envelope::received(record.event, record.signature)).collect();
        if !entries.is_empty() {
            batches.push(entries);
        }
    }
}

/// A right edge that is damaged, or a head that is behind what this cloud signed, is repaired
/// from the others first: going on from there would fill places a second time.
async fn open_or_mend(
    setup: &Setup,
    store: &Store,
    log: LogId,
    verifier: &Verifier,
    book: &scrub::Book,
) -> Result<Durable, StartError> {
    let signed_by_us = |durable: &Durable| *durable.signed.clouds.get(setup.cloud);
    let is_behind = |durable: &Durable| durable.appender.size() < signed_by_us(durable);
    match store.open().await {
        Ok(durable) if !is_behind(&durable) => return Ok(durable),
        Err(cause @ StartError::Database(_)) => return Err(cause),
        Err(cause) => tracing::error!(%log, %cause, "repairing it before the node starts"),
        Ok(_) => tracing::error!(%log, "the stored head is behind what this cloud signed"),
    }
    scrub::mend(&setup.pool, log, verifier, &setup.channel, book).await?;
    store.open().await
}

impl Opened {
    pub(super) fn view(&self) -> LogView {
        view_of(&self.replica, self.before, self.disputed)
    }

    pub(super) fn size(&self) -> u64 {
        self.replica.head().size
    }

    /// The newest head, as it is stored.
    pub(super) const fn stored(&self) -> Option<&SignedHead> {
        self.stored.as_ref()
    }

    /// Our own log begins as an old copy of itself, until peers have been heard.
    pub(super) fn recover(&mut self) {
        self.replica.step(Input::Recover(true));
    }
}

/// What others see of a log.
pub(super) fn view_of(replica: &Replica, before: u64, disputed: Option<(u64, u64)>) -> LogView {
    let standing = replica.standing();
    LogView {
        log: replica.log(),
        mode: standing.mode,
        head: replica.head(),
        final_size: replica.final_size(),
        replicated_size: replica.replicated_size(),
        signed: *replica.signed(),
        before,
        closing: standing.closing,
        frozen: standing.frozen,
        disputed,
        recovering: standing.recovering,
    }
}

/// The logs that must be driven when the node starts: those in which clouds record, and those of
/// ended epochs.
pub(super) fn to_open(register: &Register) -> Vec<LogId> {
    Cloud::ALL.into_iter().flat_map(|origin| register.of(origin)).map(|epoch| epoch.log).collect()
}
