//! TCP: for answers that were cut short, and for clients that were told to come this way.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Desk, Via};

/// Open connections of one address; beyond it new ones are closed at once.
const CONNECTIONS_MAX: usize = 256;
/// A question is here by then, or the connection ends (RFC 7766 asks for seconds).
const IDLE_MAX: Duration = Duration::from_secs(10);
/// Questions of one connection.
const QUESTIONS_MAX: usize = 1_000;

pub(super) fn bind(at: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(at)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Answers until `stop`.
pub(super) async fn serve(listener: TcpListener, desk: Desk, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, from)) = accepted else {
            // Out of files, most likely: they come back as connections end.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (desk, stop) = (desk.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                // It ended, however: there is nobody left to tell.
                _ = talk(stream, from, &desk) => {}
            }
            drop(place);
        });
    }
}

async fn talk(mut stream: TcpStream, from: SocketAddr, desk: &Desk) -> io::Result<()> {
    let counter =
        metrics::counter!("ternion_dns_questions_total", "via" => "tcp", "outcome" => "answered");
    let mut answer = Vec::new();
    for _ in 0..QUESTIONS_MAX {
        let length = timeout(IDLE_MAX, stream.read_u16()).await??;
        let mut question = vec![0; usize::from(length)];
        timeout(IDLE_MAX, stream.read_exact(&mut question)).await??;
        if !desk.answer(&question, from.ip(), Via::Tcp, &mut answer) {
            return Ok(());
        }
        let Ok(length) = u16::try_from(answer.len()) else { return Ok(()) };
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend_from_slice(&answer);
        timeout(IDLE_MAX, stream.write_all(&framed)).await??;
        counter.increment(1);
    }
    Ok(())
}
