//! Starting: reads what is durable, puts the parts together, runs them until the node stops.

use std::sync::{Arc, Mutex};

use domain::clock::HybridClock;
use domain::cloud::{Cloud, PerCloud};
use domain::log::{Head, LogId};
use domain::quorum::Replica;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::driver::{Driver, State, Work};
use super::intake::{Door, Gatherer};
use super::journal::Journal;
use super::peers::Talk;
use super::prepare::Maker;
use super::ranges::Ranges;
use super::receipts::Notary;
use super::receive::{LogDoors, Receiver};
use super::signing::{SignedHead, Signing, Verifier};
use super::store::{Durable, Store};
use super::watermark::LogView;
use super::{Ledger, Setup, StartError, read, scribe, scrub};

/// Batches that wait for the writer: one, prepared while the last is stored.
const BATCHES_WAITING: usize = 1;
/// Ranges that wait for a copy's writer: one from each peer.
const RANGES_WAITING: usize = 2;
/// Verified heads that wait for a driver.
const HEADS_WAITING: usize = 256;

/// A log as read from the database.
struct Opened {
    log: LogId,
    store: Store,
    replica: Replica,
    stored: Option<SignedHead>,
}

/// What all parts share.
struct Parts {
    setup: Setup,
    signing: Arc<Signing>,
    board: Arc<Board>,
    clock: Arc<Mutex<HybridClock>>,
    /// What the scrub has found, also before the node ran.
    book: Arc<scrub::Book>,
}

/// Reads what is durable, then runs intake and replication until `stop`.
///
/// # Errors
/// The database cannot be read, or what it holds is not a log.
pub async fn start(
    setup: Setup,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<Ledger>, StartError> {
    let book = Arc::new(scrub::Book::default());
    let opened = PerCloud {
        gcp: open(&setup, Cloud::Gcp, &book).await?,
        aws: open(&setup, Cloud::Aws, &book).await?,
        azure: open(&setup, Cloud::Azure, &book).await?,
    };
    let clock = resume_clock(&setup).await?;
    let (to_scribe, signatures) = mpsc::unbounded_channel();
    let board =
        Arc::new(Board::new(opened.map(|_, log| log.view()), Journal::default(), to_scribe));
    for (_, log) in opened.iter() {
        log.stored.iter().for_each(|signed| board.stored(signed));
    }
    let signing = Signing::new(setup.cloud, &setup.roster, Arc::clone(&setup.keys), &setup.epochs);
    let clock = Arc::new(Mutex::new(clock));
    let parts = Parts { setup, signing: Arc::new(signing), board, clock, book };
    tasks.spawn(scribe::write_down(parts.setup.pool.clone(), signatures, stop.clone()));
    Ok(parts.assemble(&opened, stop, tasks))
}

/// Ours goes on after what we recorded; of the others' we take only what is not ahead of time.
async fn resume_clock(setup: &Setup) -> Result<HybridClock, StartError> {
    let mut clock = HybridClock::resume(read::newest_clock(&setup.pool, setup.cloud).await?);
    let wall_ms = u64::try_from(crate::now().unix_ms()).unwrap_or(0);
    for peer in setup.cloud.peers() {
        clock.observe(read::newest_clock(&setup.pool, peer).await?, wall_ms);
    }
    Ok(clock)
}

async fn open(setup: &Setup, origin: Cloud, book: &scrub::Book) -> Result<Opened, StartError> {
    let log = LogId { origin, epoch: *setup.epochs.get(origin) };
    let store = Store::new(setup.pool.clone(), log);
    let durable = open_or_mend(setup, &store, log, book).await?;
    let head = durable.appender.head();
    let replica = Replica::resume(log, setup.cloud, durable.appender, &durable.signed);
    let stored = if head == Head::empty() { None } else { store.signed_of_size(head.size).await? };
    Ok(Opened { log, store, replica, stored })
}

/// A right edge that is damaged, or a head that is behind what this cloud signed, is repaired
/// from the others first: going on from there would fill places a second time.
async fn open_or_mend(
    setup: &Setup,
    store: &Store,
    log: LogId,
    book: &scrub::Book,
) -> Result<Durable, StartError> {
    let is_behind = |durable: &Durable| durable.appender.size() < *durable.signed.get(setup.cloud);
    match store.open().await {
        Ok(durable) if !is_behind(&durable) => return Ok(durable),
        Err(cause @ StartError::Database(_)) => return Err(cause),
        Err(cause) => tracing::error!(%log, %cause, "repairing it before the node starts"),
        Ok(_) => tracing::error!(%log, "the stored head is behind what this cloud signed"),
    }
    let verifier = Verifier::of_roster(&setup.roster, &setup.epochs);
    scrub::mend(&setup.pool, log, &verifier, &setup.channel, book).await?;
    store.open().await
}

impl Opened {
    fn view(&self) -> LogView {
        LogView {
            log: self.log,
            head: self.replica.head(),
            final_size: self.replica.final_size(),
            replicated_size: self.replica.replicated_size(),
            signed: *self.replica.signed(),
        }
    }
}

impl Parts {
    fn assemble(
        self,
        opened: &PerCloud<Opened>,
        stop: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) -> Arc<Ledger> {
        let me = self.setup.cloud;
        let (closed, is_closed) = watch::channel(false);
        let doors = opened.map(|_, log| self.drive(log, closed.clone(), stop, tasks));
        let (board, clock) = (Arc::clone(&self.board), Arc::clone(&self.clock));
        let quarantine = Arc::clone(&self.setup.channel.quarantine);
        let signing = Arc::clone(&self.signing);
        let receiver = Receiver::new(me, signing, board, clock, quarantine, doors.clone());
        let receiver = Arc::new(receiver);
        let (door, requests) = Door::open(is_closed.clone());
        let own = doors.get(me).clone();
        let maker = self.maker(&own.ranges.store);
        let gatherer = Gatherer { requests, maker, batches: own.work, closed: is_closed };
        spawn(tasks, stop, gatherer.run());
        spawn(tasks, stop, count_every_second(Arc::clone(&self.board)));
        self.talk(&receiver, &doors, stop, tasks);
        let scrub = self.scrub();
        tasks.spawn(Arc::clone(&scrub).run(stop.clone()));
        let notary = Notary {
            pool: self.setup.pool.clone(),
            board: self.board,
            signing: self.signing,
            roster: Arc::clone(&self.setup.roster),
        };
        Arc::new(Ledger { setup: self.setup, door, receiver, notary, scrub })
    }

    fn drive(
        &self,
        opened: &Opened,
        closed: watch::Sender<bool>,
        stop: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) -> LogDoors {
        let (me, log) = (self.setup.cloud, opened.log);
        let waiting = if log.origin == me { BATCHES_WAITING } else { RANGES_WAITING };
        let (work, works) = mpsc::channel::<Work>(waiting);
        let (heard, heads) = mpsc::channel(HEADS_WAITING);
        let driver = Driver {
            me,
            log,
            replica: opened.replica.clone(),
            store: opened.store.clone(),
            signing: Arc::clone(&self.signing),
            board: Arc::clone(&self.board),
            quarantine: Arc::clone(&self.setup.channel.quarantine),
            work: works,
            heard: heads,
            closed,
            state: State::default(),
        };
        tasks.spawn(driver.run(stop.clone()));
        let ranges = Ranges {
            me,
            log,
            store: opened.store.clone(),
            signing: Arc::clone(&self.signing),
            board: Arc::clone(&self.board),
        };
        LogDoors { log, work, heard, ranges }
    }

    fn scrub(&self) -> Arc<scrub::Scrub> {
        Arc::new(scrub::Scrub::new(
            self.setup.pool.clone(),
            Arc::clone(&self.signing.verifier),
            Arc::clone(&self.setup.channel),
            Arc::clone(&self.board),
            Arc::clone(&self.book),
        ))
    }

    fn maker(&self, store: &Store) -> Maker {
        Maker {
            me: self.setup.cloud,
            region: self.setup.region.clone(),
            keys: Arc::clone(&self.setup.keys),
            clock: Arc::clone(&self.clock),
            store: store.clone(),
        }
    }

    fn talk(
        &self,
        receiver: &Arc<Receiver>,
        doors: &PerCloud<LogDoors>,
        stop: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) {
        let me = self.setup.cloud;
        let talk = Talk {
            channel: Arc::clone(&self.setup.channel),
            receiver: Arc::clone(receiver),
            stop: stop.clone(),
        };
        for peer in me.peers() {
            tasks.spawn(talk.clone().push(peer, doors.get(me).ranges.clone()));
            tasks.spawn(talk.clone().exchange_heads(peer));
            tasks.spawn(talk.clone().fetch(doors.get(peer).log));
        }
    }
}

fn spawn(
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let stop = stop.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = task => {}
        }
    });
}

async fn count_every_second(board: Arc<Board>) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let marks = *board.watermarks.borrow();
        board.figures.tick(&marks);
    }
}
