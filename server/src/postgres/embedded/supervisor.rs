//! Keeps the server running while this process lives, and stops it in order.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::EmbeddedError;
use super::place::Place;
use super::server::{Command, Server};

/// The wait before a restart doubles from the first to the last: a server that dies at once must
/// not take the machine with it.
const BACK_OFF_FIRST: Duration = Duration::from_millis(500);
const BACK_OFF_LAST: Duration = Duration::from_secs(30);
/// Having run this long, the next death counts as the first.
const STEADY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Supervisor {
    /// Cancels supervision when dropped; the task then stops the server.
    stop: DropGuard,
    pid: watch::Receiver<Option<u32>>,
    task: JoinHandle<()>,
}

impl Supervisor {
    /// Starts the server, waits until it answers, then watches over it.
    pub async fn start(place: Place, command: Command) -> Result<Self, EmbeddedError> {
        let mut server =
            command.spawn().map_err(|cause| EmbeddedError::io(&place.cluster(), cause))?;
        if let Err(error) = server.ready(&place, &command.tail).await {
            server.stop().await;
            return Err(error);
        }
        let (pid_sender, pid) = watch::channel(server.pid());
        let stop = CancellationToken::new();
        let task = tokio::spawn(watch_over(server, command, place, pid_sender, stop.clone()));
        Ok(Supervisor { stop: stop.drop_guard(), pid, task })
    }

    pub fn pid(&self) -> Option<u32> {
        *self.pid.borrow()
    }

    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "supervising Postgres failed");
        }
    }
}

/// `_place` carries the lock, which must outlive the server.
async fn watch_over(
    server: Server,
    command: Command,
    _place: Place,
    pid: watch::Sender<Option<u32>>,
    stop: CancellationToken,
) {
    let mut running = Some(server);
    let mut back_off = BACK_OFF_FIRST;
    loop {
        let Some(mut server) = running.take() else {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(back_off) => {}
            }
            back_off = (back_off * 2).min(BACK_OFF_LAST);
            running = respawn(&command);
            pid.send_replace(running.as_ref().and_then(Server::pid));
            continue;
        };
        let since = Instant::now();
        let status = tokio::select! {
            () = stop.cancelled() => return server.stop().await,
            status = server.ended() => status,
        };
        pid.send_replace(None);
        if since.elapsed() > STEADY {
            back_off = BACK_OFF_FIRST;
        }
        let last_words = command.tail.last_line();
        tracing::error!(%status, last_words, wait_ms = back_off.as_millis(), "Postgres ended");
    }
}

fn respawn(command: &Command) -> Option<Server> {
    match command.spawn() {
        Ok(server) => {
            tracing::warn!(pid = server.pid(), "Postgres is starting again");
            Some(server)
        }
        Err(error) => {
            tracing::error!(%error, "Postgres cannot be started");
            None
        }
    }
}
