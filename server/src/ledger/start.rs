//! Starting: reads what is durable, puts the parts together, runs them until the node stops.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use domain::clock::HybridClock;
use domain::cloud::PerCloud;
use domain::epoch::Register;
use domain::log::LogId;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::driver::{Conflict, Driver};
use super::epochs::{self, EpochStore, Epochs, LastHead, Remembered, Restorer};
use super::intake::{BatchLimits, Door, Gatherer};
use super::logs::{self, Logs, Opened};
use super::peers::Talk;
use super::prepare::{Maker, Prepared};
use super::receipts::Notary;
use super::receive::Receiver;
use super::signing::{Signing, Verifier};
use super::store::Store;
use super::watermark::Watermarks;
use super::witness::Petitioner;
use super::{Ledger, Setup, StartError, conflict, read, scribe, scrub};

/// Batches that wait for the writer: one, prepared while the last is stored.
const BATCHES_WAITING: usize = 1;

/// What is known before anything runs.
struct Known {
    register: Arc<ArcSwap<Register>>,
    verifier: Arc<Verifier>,
    opened: Vec<Opened>,
    clock: HybridClock,
    /// What the scrub has found, also before the node ran.
    book: Arc<scrub::Book>,
    remembered: Remembered,
    /// We remember more of our own log than the database holds, or it is another database.
    suspects: bool,
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
    let known = Known::read(&setup).await?;
    Ok(known.assemble(setup, stop, tasks).await)
}

impl Known {
    async fn read(setup: &Setup) -> Result<Self, StartError> {
        let genesis = setup.roster.genesis();
        let (mut register, proposed) =
            epochs::load(&setup.pool, genesis, Some(setup.cloud)).await?;
        if let Some(record) = proposed {
            register.propose(epochs::own_proposal(&setup.keys, record))?;
        }
        keys_fit(setup, &register)?;
        let shared = Arc::new(ArcSwap::from_pointee(register.clone()));
        let verifier = Arc::new(Verifier::of_register(Arc::clone(&shared)));
        let book = Arc::new(scrub::Book::default());
        let mut opened = Vec::new();
        for log in logs::to_open(&register) {
            opened.push(logs::open(setup, &register, &verifier, log, &book).await?);
        }
        let own = register.current(setup.cloud);
        signed_by_us(&opened, &verifier, own)?;
        let clock = resume_clock(setup).await?;
        let database = epochs::database_of(&setup.pool).await?;
        let last = setup.memory().read();
        let held = opened.iter().find(|opened| opened.log == own).map_or(0, Opened::size);
        let suspects = last.as_ref().is_some_and(|last| is_older(own, held, &database, last));
        let remembered = Remembered { begun: last.map_or(0, |last| last.epoch), database };
        Ok(Known { register: shared, verifier, opened, clock, book, remembered, suspects })
    }

    async fn assemble(
        self,
        setup: Setup,
        stop: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) -> Arc<Ledger> {
        let (me, pool) = (setup.cloud, setup.pool.clone());
        let (to_scribe, signatures) = mpsc::unbounded_channel();
        let marks = self.marks();
        let board = Arc::new(Board::new(me, marks, to_scribe));
        let writers = setup.writers.clone();
        tasks.spawn(scribe::write_down(writers, Arc::clone(&board), signatures, stop.clone()));
        let signing = Signing::new(me, Arc::clone(&setup.keys), Arc::clone(&self.verifier));
        let signing = Arc::new(signing);
        let (closed, is_closed) = watch::channel(false);
        let limits = &setup.limits;
        let (door, requests) = Door::open(limits.intake_events, is_closed.clone());
        let wait = Duration::from_millis(limits.batch_ms);
        let batch = BatchLimits { events: limits.batch_events, wait };
        let (batches, intake) = mpsc::channel::<Prepared>(BATCHES_WAITING);
        let clock = Arc::new(Mutex::new(self.clock));
        let own = self.register.load().current(me);
        let maker = Maker {
            me,
            region: setup.region.clone(),
            keys: Arc::clone(&setup.keys),
            board: Arc::clone(&board),
            clock: Arc::clone(&clock),
            store: Store::new(setup.writers.clone(), own),
        };
        spawn(tasks, stop, Gatherer { requests, maker, batches, closed: is_closed, batch }.run());
        spawn(tasks, stop, count_every_second(Arc::clone(&board)));
        let database = self.remembered.database.clone();
        let memory = setup.memory().follow(me, Arc::clone(&board), database, stop.clone());
        tasks.spawn(memory);
        let (logs, ends) = Logs::new(
            setup,
            Arc::clone(&self.register),
            Arc::clone(&signing),
            board,
            self.book,
            closed,
        );
        drive_all(&logs, self.opened, own, intake, (ends.to_run, ends.to_judge), stop, tasks).await;
        let receiver = Arc::new(Receiver::new(Arc::clone(&logs), clock));
        let (epochs, restorer) = begin_epochs(
            &logs,
            &receiver,
            self.register,
            (self.suspects, self.remembered),
            stop,
            tasks,
        );
        talk(&logs, &receiver, &epochs, stop, tasks);
        let scrub = scrub_of(&logs);
        tasks.spawn(Arc::clone(&scrub).run(stop.clone()));
        let notary = Notary { pool, board: Arc::clone(&logs.board), signing };
        let found = Mutex::new(Some(ends.to_keep));
        Arc::new(Ledger { logs, door, receiver, notary, scrub, epochs, restorer, found })
    }

    /// Before anything runs: the views as they were read, our own not yet open for entries.
    fn marks(&self) -> Watermarks {
        let register = self.register.load();
        let view = |log: LogId| {
            let opened = self.opened.iter().find(|opened| opened.log == log);
            opened.map(Opened::view)
        };
        let earlier: BTreeMap<_, _> =
            register.logs().filter_map(|log| Some((log, view(log)?))).collect();
        let mut earlier = earlier;
        let current = PerCloud::from_fn(|cloud| {
            let log = register.current(cloud);
            let view = earlier.remove(&log);
            view.unwrap_or_else(|| super::watermark::LogView::empty(log))
        });
        Watermarks::new(current, earlier)
    }
}

/// Without the keys of its current epoch a cloud cannot go on with it.
fn keys_fit(setup: &Setup, register: &Register) -> Result<(), StartError> {
    let own = register.current(setup.cloud);
    let held = setup.keys.pair(own.epoch).map(|pair| pair.public());
    if held == register.epoch(own).map(|epoch| epoch.keys) {
        Ok(())
    } else {
        Err(StartError::Keys(own))
    }
}

/// Where other keys have signed, ours would begin a second history.
fn signed_by_us(opened: &[Opened], verifier: &Verifier, own: LogId) -> Result<(), StartError> {
    let stored = opened.iter().find(|opened| opened.log == own).and_then(Opened::stored);
    let Some(stored) = stored else { return Ok(()) };
    let lines = stored.lines.get(&own.origin.into());
    let holds = |lines: &String| verifier.lines_hold(own, stored.head, own.origin.into(), lines);
    if lines.is_none_or(holds) { Ok(()) } else { Err(StartError::OtherKeys(own)) }
}

/// Does the database hold less of our own log than we remember, or is it another one?
fn is_older(own: LogId, held: u64, database: &str, last: &LastHead) -> bool {
    let less = (own.epoch, held) < (last.epoch, last.size);
    let other = last.database != database && !last.database.is_empty() && !database.is_empty();
    if less || other {
        tracing::warn!(
            log = %own, held, remembered = last.size, other_database = other,
            "this database may be an old copy: nothing is recorded until the peers were heard"
        );
    }
    less || other
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

async fn drive_all(
    logs: &Arc<Logs>,
    opened: Vec<Opened>,
    own: LogId,
    intake: mpsc::Receiver<Prepared>,
    (to_run, to_judge): (mpsc::Receiver<Driver>, mpsc::Receiver<Conflict>),
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) {
    tasks.spawn(logs::run_drivers(to_run, stop.clone()));
    spawn(tasks, stop, conflict::judge(Arc::clone(logs), to_judge));
    let mut intake = Some(intake);
    for mut opened in opened {
        let is_own = opened.log == own;
        if is_own {
            opened.recover();
        }
        logs.drive(opened, intake.take_if(|_| is_own)).await;
    }
}

fn begin_epochs(
    logs: &Arc<Logs>,
    receiver: &Arc<Receiver>,
    register: Arc<ArcSwap<Register>>,
    (suspects, remembered): (bool, Remembered),
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> (Arc<Epochs>, Arc<Restorer>) {
    let (keys, store) = (Arc::clone(&logs.setup.keys), EpochStore(logs.setup.pool.clone()));
    let epochs = Arc::new(Epochs::new(register, keys, store, Arc::clone(logs), remembered));
    tasks.spawn(Arc::clone(&epochs).run(stop.clone()));
    let restorer = Restorer::new(Arc::clone(&epochs), Arc::clone(receiver), suspects);
    let restorer = Arc::new(restorer);
    tasks.spawn(Arc::clone(&restorer).run(stop.clone()));
    (epochs, restorer)
}

fn scrub_of(logs: &Logs) -> Arc<scrub::Scrub> {
    Arc::new(scrub::Scrub::new(
        logs.setup.pool.clone(),
        Arc::clone(&logs.signing.verifier),
        Arc::clone(&logs.setup.channel),
        Arc::clone(&logs.board),
        Arc::clone(&logs.book),
    ))
}

fn talk(
    logs: &Arc<Logs>,
    receiver: &Arc<Receiver>,
    epochs: &Arc<Epochs>,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) {
    let talk = Talk {
        channel: Arc::clone(&logs.setup.channel),
        receiver: Arc::clone(receiver),
        logs: Arc::clone(logs),
        epochs: Arc::clone(epochs),
        stop: stop.clone(),
    };
    for peer in logs.setup.cloud.peers() {
        tasks.spawn(talk.clone().push(peer));
        tasks.spawn(talk.clone().exchange_heads(peer));
    }
    tasks.spawn(talk.fetch());
    if let Some(url) = logs.setup.witness_url.clone() {
        tasks.spawn(Petitioner::new(Arc::clone(logs), url).run(stop.clone()));
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
        let marks = board.watermarks.borrow().clone();
        board.figures.tick(&marks);
    }
}
