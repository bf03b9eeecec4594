//! One link: takes connections and carries their bytes, as long as nothing is broken.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::Setting;

/// A cloud keeps a handful open to each peer; more is a fault of its own.
const CONNECTIONS_MAX: usize = 256;
/// Read at once: most messages between clouds in one piece, a range of 4 MiB in some dozen.
const CHUNK_BYTES: usize = 256 * 1024;
/// Under way on a slow link: beyond it the sender waits, as for a full pipe.
const LATE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// When the system has no room for a connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Carries what arrives at `listener` to `to`. Dropped, it closes every connection.
pub(super) async fn run(listener: TcpListener, to: SocketAddr, setting: watch::Receiver<Setting>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let near = match listener.accept().await {
            Ok((near, _)) => near,
            Err(error) => {
                tracing::warn!(%error, "a link takes no connection just now");
                sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let setting = setting.clone();
        connections.spawn(async move {
            // A connection that breaks ends here; both sides see it for themselves.
            let _ = carry(near, to, setting).await;
            drop(permit);
        });
    }
}

/// One connection, until it ends or the link is cut.
async fn carry(
    near: TcpStream,
    to: SocketAddr,
    setting: watch::Receiver<Setting>,
) -> io::Result<()> {
    let mut cut = setting.clone();
    tokio::select! {
        biased;
        _ = cut.wait_for(Setting::is_cut) => Ok(()),
        outcome = join(near, to, setting) => outcome,
    }
}

async fn join(
    near: TcpStream,
    to: SocketAddr,
    mut setting: watch::Receiver<Setting>,
) -> io::Result<()> {
    until_heard(&mut setting).await;
    let far = TcpStream::connect(to).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    let there = pump(from_near, to_far, setting.clone());
    let back = pump(from_far, to_near, setting);
    tokio::try_join!(there, back).map(drop)
}

/// Waits while the link is a black hole. Without its supervisor it is open.
async fn until_heard(setting: &mut watch::Receiver<Setting>) {
    let _ = setting.wait_for(|setting| !setting.is_silent()).await;
}

/// Bytes on their way over a slow link, and when each piece arrives.
#[derive(Debug, Default)]
struct Late {
    pieces: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
}

impl Late {
    fn send(&mut self, delay: Duration, piece: &[u8]) {
        // A delay that was shortened lets nothing overtake.
        let due = Instant::now() + delay;
        let due = self.pieces.back().map_or(due, |(last, _)| due.max(*last));
        self.pieces.push_back((due, piece.to_vec()));
        self.bytes += piece.len();
    }

    async fn arrives(&self) {
        match self.pieces.front() {
            Some((due, _)) => sleep_until(*due).await,
            None => std::future::pending().await,
        }
    }

    fn take(&mut self) -> Vec<u8> {
        let piece = self.pieces.pop_front().map_or_else(Vec::new, |(_, piece)| piece);
        self.bytes -= piece.len();
        piece
    }
}

/// One direction of a connection, to its end.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut setting: watch::Receiver<Setting>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut late = Late::default();
    let mut flows = true;
    while flows || !late.pieces.is_empty() {
        tokio::select! {
            read = from.read(&mut chunk), if flows && late.bytes < LATE_BYTES_MAX => {
                let piece = &chunk[..read?];
                flows = !piece.is_empty();
                until_heard(&mut setting).await;
                let delay = setting.borrow().delay;
                if delay.is_zero() && late.pieces.is_empty() {
                    to.write_all(piece).await?;
                } else if flows {
                    late.send(delay, piece);
                }
            }
            () = late.arrives() => {
                until_heard(&mut setting).await;
                to.write_all(&late.take()).await?;
            }
        }
    }
    to.shutdown().await
}
