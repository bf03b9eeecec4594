//! One run of the server: start, wait until it answers, stop.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection as _, PgConnection};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::EmbeddedError;
use super::account::Account;
use super::binaries::Binaries;
use super::log;
use super::place::Place;
use crate::logging::Tail;

/// Recovery after a crash replays up to `postgres.wal_max_mb`: seconds on any disk, but a busy
/// machine gets time.
const READY_MAX: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(40);
/// Each step of stopping: fast shutdown, then immediate, then by force. Recovery at the next
/// start makes all three safe.
const STOP_STEPS: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(20)),
    (Signal::SIGQUIT, Duration::from_secs(5)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];

/// How to start the server, again and again.
#[derive(Clone, Debug)]
pub(super) struct Command {
    program: PathBuf,
    cluster: PathBuf,
    log: PathBuf,
    account: Account,
    pub tail: Tail,
}

impl Command {
    pub fn new(place: &Place, binaries: &Binaries, account: Account) -> Self {
        Command {
            program: binaries.program("postgres"),
            cluster: place.cluster(),
            log: place.log(),
            account,
            tail: Tail::default(),
        }
    }

    /// Starts the server. It leads a process group of its own, so that Ctrl-C at the terminal
    /// reaches this program only, which then stops it in order.
    pub fn spawn(&self) -> io::Result<Server> {
        self.tail.clear();
        let mut command = tokio::process::Command::from(self.account.command(&self.program));
        command.arg("-D").arg(&self.cluster).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let Some(output) = child.stderr.take() {
            tokio::spawn(log::follow(output, self.log.clone(), self.tail.clone()));
        }
        Ok(Server(child))
    }
}

/// A started server. Dropped while running, it is asked to stop.
#[derive(Debug)]
pub(super) struct Server(Child);

impl Server {
    pub fn pid(&self) -> Option<u32> {
        self.0.id()
    }

    /// Waits for its end. May be cancelled.
    pub async fn ended(&mut self) -> String {
        match self.0.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Waits until it takes connections.
    pub async fn ready(&mut self, place: &Place, tail: &Tail) -> Result<(), EmbeddedError> {
        let options = place.options("postgres");
        let deadline = Instant::now() + READY_MAX;
        loop {
            if let Ok(Some(status)) = self.0.try_wait() {
                // Its last lines are still on their way through the pipe.
                sleep(POLL).await;
                let program = format!("postgres ({status})");
                return Err(EmbeddedError::of_output(&program, tail.text(), place));
            }
            if let Ok(Ok(session)) = timeout(POLL * 50, PgConnection::connect_with(&options)).await
            {
                let _ = session.close().await;
                return Ok(());
            }
            if Instant::now() > deadline {
                let seconds = READY_MAX.as_secs();
                return Err(EmbeddedError::Silent { seconds, output: tail.text() });
            }
            sleep(POLL).await;
        }
    }

    pub async fn stop(mut self) {
        for (signal, limit) in STOP_STEPS {
            self.signal(signal);
            if timeout(limit, self.ended()).await.is_ok() {
                return;
            }
            tracing::warn!(%signal, seconds = limit.as_secs(), "Postgres does not stop");
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = self.0.id().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid {
            // Fails only when it has just ended; the child is not reaped yet, so the id is its.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::SIGINT);
    }
}
