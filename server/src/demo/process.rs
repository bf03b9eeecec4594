//! The three processes: one task each, which alone starts, pauses and stops its cloud.

pub(super) mod output;

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use app::backend::{LabCloud, ProcessState};
use domain::cloud::{Cloud, PerCloud};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::place::Place;
use super::says::{Crash, LOG_NAME, say};
use crate::logging::Tail;
use output::Output;

/// A graceful stop finishes requests and writes Postgres's checkpoint; then force.
const STOP_MAX: Duration = Duration::from_secs(20);
const PROBE_EVERY: Duration = Duration::from_millis(150);
const PROBE_MAX: Duration = Duration::from_secs(2);
/// The wait before a crashed cloud starts again doubles from the first to the last.
const BACK_OFF_FIRST: Duration = Duration::from_secs(1);
const BACK_OFF_LAST: Duration = Duration::from_secs(30);
/// Having run this long, the next crash counts as the first.
const STEADY: Duration = Duration::from_secs(60);
/// Acts of the lab that wait for their turn.
const ACTS_MAX: usize = 16;

/// What can be done to a cloud's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProcessAct {
    Stop,
    Start,
    Pause,
}

/// How the first start of a cloud went.
#[derive(Clone, Debug)]
pub(super) enum FirstStart {
    Ready,
    /// It ended before it was ready; its last lines.
    Failed(String),
    Stopped,
}

/// The supervisor's handle on the three processes.
#[derive(Debug)]
pub(super) struct Fleet {
    handles: PerCloud<Handle>,
}

#[derive(Debug)]
struct Handle {
    acts: mpsc::Sender<(ProcessAct, oneshot::Sender<()>)>,
    state: watch::Receiver<LabCloud>,
    first_start: watch::Receiver<Option<FirstStart>>,
}

impl Fleet {
    /// Starts all three; they run until `end`.
    pub fn start(
        place: &Place,
        verbose: bool,
        end: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let handles = PerCloud::from_fn(|cloud| {
            let (acts, acts_receiver) = mpsc::channel(ACTS_MAX);
            let (state_sender, state) = watch::channel(state_now(ProcessState::Starting, None));
            let (first_sender, first_start) = watch::channel(None);
            let keeper = Keeper {
                cloud,
                folder: place.folders.get(cloud).clone(),
                url: place.urls.get(cloud).clone(),
                state: state_sender,
                first_start: first_sender,
                output: Output {
                    name: cloud.name(),
                    log: place.folders.get(cloud).join(LOG_NAME),
                    verbose,
                    tail: Tail::default(),
                },
            };
            tasks.spawn(keeper.keep(acts_receiver, end.clone()));
            Handle { acts, state, first_start }
        });
        Fleet { handles }
    }

    pub fn states(&self) -> PerCloud<LabCloud> {
        self.handles.map(|_, handle| handle.state.borrow().clone())
    }

    /// Has a cloud stopped, started or paused; returns once that has begun.
    pub async fn act(&self, cloud: Cloud, act: ProcessAct) {
        let (begun, wait) = oneshot::channel();
        if self.handles.get(cloud).acts.send((act, begun)).await.is_ok() {
            // An error means that everything is ending.
            let _ = wait.await;
        }
    }

    /// Resolves when the cloud was ready once, or will not be.
    pub fn first_start(&self, cloud: Cloud) -> impl Future<Output = FirstStart> + use<> {
        let mut first_start = self.handles.get(cloud).first_start.clone();
        async move {
            match first_start.wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone().unwrap_or(FirstStart::Stopped),
                Err(_) => FirstStart::Stopped,
            }
        }
    }
}

/// What one task knows of its cloud.
struct Keeper {
    cloud: Cloud,
    folder: PathBuf,
    url: String,
    state: watch::Sender<LabCloud>,
    first_start: watch::Sender<Option<FirstStart>>,
    output: Output,
}

/// What happens next to a running process.
enum Next {
    Ended(String),
    Act(ProcessAct, oneshot::Sender<()>),
    Ready,
    End,
}

type Acts = mpsc::Receiver<(ProcessAct, oneshot::Sender<()>)>;

impl Keeper {
    async fn keep(self, mut acts: Acts, end: CancellationToken) {
        let mut back_off = BACK_OFF_FIRST;
        loop {
            let since = Instant::now();
            let crashed = match self.spawn() {
                Ok(child) => self.attend(child, &mut acts, &end).await,
                Err(error) => {
                    tracing::error!(cloud = %self.cloud, %error, "cannot be started");
                    Some(error.to_string())
                }
            };
            if end.is_cancelled() {
                return self.note(ProcessState::Stopped, None);
            }
            if since.elapsed() > STEADY {
                back_off = BACK_OFF_FIRST;
            }
            let until = crashed.as_deref().map(|status| self.tell_crash(status, back_off));
            back_off =
                if until.is_some() { (back_off * 2).min(BACK_OFF_LAST) } else { BACK_OFF_FIRST };
            self.note(ProcessState::Stopped, None);
            if !self.rest(until, &mut acts, &end).await {
                return;
            }
            self.note(ProcessState::Starting, None);
        }
    }

    /// Waits while the cloud is down: until asked to start it, or, after a crash, `until`.
    /// False: everything ends.
    async fn rest(&self, until: Option<Instant>, acts: &mut Acts, end: &CancellationToken) -> bool {
        let mut until = until;
        loop {
            let time = async {
                match until {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = end.cancelled() => return false,
                () = time => return true,
                act = acts.recv() => match act {
                    None => return false,
                    Some((ProcessAct::Start, begun)) => {
                        self.note(ProcessState::Starting, None);
                        let _ = begun.send(());
                        return true;
                    }
                    // Asked to stay down: no restart by itself any more.
                    Some((ProcessAct::Stop | ProcessAct::Pause, begun)) => {
                        until = None;
                        let _ = begun.send(());
                    }
                },
            }
        }
    }

    /// When it starts again.
    fn tell_crash(&self, status: &str, again_in: Duration) -> Instant {
        let (cloud, lines, log) = (self.cloud, self.output.tail.text(), &self.output.log);
        say(&Crash { cloud, status, lines: &lines, log, again_in }.line());
        Instant::now() + again_in
    }

    fn spawn(&self) -> io::Result<Child> {
        self.output.tail.clear();
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").arg("--config").arg(self.folder.join("ternion.toml"));
        command.arg("--exit-with-parent").process_group(0).kill_on_drop(true);
        // What configures this process must not configure all three: least of all one database.
        let settings = std::env::vars_os().map(|(name, _)| name).filter(|name| {
            let name = name.to_string_lossy();
            name == "DATABASE_URL" || (name.starts_with("TERNION_") && name != "TERNION_LOG_FILTER")
        });
        for name in settings {
            command.env_remove(name);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(self.output.clone().follow(stderr));
        }
        self.note(ProcessState::Starting, child.id());
        Ok(child)
    }

    /// From start to end of one process. If it ended by itself and shall start again: how.
    async fn attend(
        &self,
        mut child: Child,
        acts: &mut Acts,
        end: &CancellationToken,
    ) -> Option<String> {
        // Waiting for the child would close its standard input, which says that we are gone.
        let _lifeline = child.stdin.take();
        let mut ready = Box::pin(until_ready(&self.url));
        let mut probing = true;
        let mut paused = false;
        loop {
            let next = tokio::select! {
                status = child.wait() => Next::Ended(describe(status)),
                () = end.cancelled() => Next::End,
                () = &mut ready, if probing && !paused => Next::Ready,
                act = acts.recv() => act.map_or(Next::End, |(act, begun)| Next::Act(act, begun)),
            };
            match next {
                Next::Ended(status) => return Some(self.ended(status).await),
                Next::Ready => {
                    probing = false;
                    self.is_ready(&child);
                }
                Next::Act(ProcessAct::Pause, begun) => {
                    paused = true;
                    signal(&child, Signal::SIGSTOP);
                    self.note(ProcessState::Paused, child.id());
                    say(&format!("{} frozen", self.cloud));
                    let _ = begun.send(());
                }
                Next::Act(ProcessAct::Start, begun) => {
                    if paused {
                        paused = false;
                        signal(&child, Signal::SIGCONT);
                        let now =
                            if probing { ProcessState::Starting } else { ProcessState::Running };
                        self.note(now, child.id());
                        say(&format!("{} goes on", self.cloud));
                    }
                    let _ = begun.send(());
                }
                Next::Act(ProcessAct::Stop, begun) => {
                    self.note(ProcessState::Stopping, child.id());
                    let _ = begun.send(());
                    self.stop(child).await;
                    say(&format!("{} stopped", self.cloud));
                    return None;
                }
                Next::End => {
                    self.note(ProcessState::Stopping, child.id());
                    self.stop(child).await;
                    return None;
                }
            }
        }
    }

    /// Its first start is announced with its address; later ones here.
    fn is_ready(&self, child: &Child) {
        self.note(ProcessState::Running, child.id());
        if self.first_start.borrow().is_some() {
            say(&format!("{} started", self.cloud));
        }
        self.first(FirstStart::Ready);
    }

    async fn ended(&self, status: String) -> String {
        // Its last lines are still on their way through the pipe.
        sleep(Duration::from_millis(50)).await;
        tracing::error!(cloud = %self.cloud, status, "ended by itself");
        self.first(FirstStart::Failed(self.output.tail.text()));
        status
    }

    async fn stop(&self, mut child: Child) {
        // A paused process hears nothing but this.
        signal(&child, Signal::SIGCONT);
        signal(&child, Signal::SIGTERM);
        if tokio::time::timeout(STOP_MAX, child.wait()).await.is_err() {
            tracing::warn!(cloud = %self.cloud, "did not stop in {STOP_MAX:?}; killed");
            let _ = child.kill().await;
        }
    }

    fn note(&self, process: ProcessState, pid: Option<u32>) {
        self.state.send_replace(state_now(process, pid));
    }

    fn first(&self, outcome: FirstStart) {
        self.first_start.send_if_modified(|first| {
            let new = first.is_none();
            first.get_or_insert(outcome);
            new
        });
    }
}

/// From now on. What the cloud says of itself is asked elsewhere.
fn state_now(process: ProcessState, pid: Option<u32>) -> LabCloud {
    LabCloud { process, pid, since: crate::now(), view: None }
}

fn describe(status: io::Result<std::process::ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}

fn signal(child: &Child, signal: Signal) {
    // The child is not reaped while we hold it, so the id is still its own.
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Asks `/readyz` until it says yes.
async fn until_ready(url: &str) {
    let client = reqwest::Client::builder().no_proxy().timeout(PROBE_MAX).build();
    let Ok(client) = client else { return std::future::pending().await };
    let address = format!("{url}/readyz");
    loop {
        let answer = client.get(&address).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        sleep(PROBE_EVERY).await;
    }
}
