//! Serves connections: so many at a time and no more, none that keeps its words to itself, and at
//! a stop until the last request in progress is answered.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use hyper_util::service::TowerToHyperService;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::config::Limits;

/// A request's head is here by then, the first as every later one of a kept connection, or the
/// connection ends (hyper's own advice). A proxy in front gives its idle connections up sooner.
const HEAD_WAIT: Duration = Duration::from_secs(30);
/// Connections beside those that are worked for: kept by browsers and peers for their next
/// request, probes, and clients that are being refused.
const IDLE_MAX: usize = 1_024;
/// Open files that are no client's connection: Postgres, peers, logs, keys.
const OTHER_FILES_MAX: u64 = 256;
/// Requests in progress get this long after a stop.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// How connections are treated. Cheap to share.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    head_wait: Duration,
}

impl Gate {
    /// Room for everything that may be asked at a time, as far as this process may open files.
    pub(crate) fn of(limits: &Limits) -> Self {
        let asked = limits.requests + limits.waiters + limits.streams;
        let places = allowed(asked + IDLE_MAX);
        Gate { places: Arc::new(Semaphore::new(places)), head_wait: HEAD_WAIT }
    }
}

/// Raises this process's limit of open files where that is too low for so many connections; says
/// how many it leaves.
fn allowed(connections: usize) -> usize {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHER_FILES_MAX);
    let Ok((mut files, most)) = getrlimit(Resource::RLIMIT_NOFILE) else { return connections };
    let raised = needed.min(most);
    if raised > files && setrlimit(Resource::RLIMIT_NOFILE, raised, most).is_ok() {
        files = raised;
    }
    if files >= needed {
        return connections;
    }
    let left = usize::try_from(files.saturating_sub(OTHER_FILES_MAX)).unwrap_or(connections).max(1);
    tracing::warn!(
        files,
        connections = left,
        "this process may open too few files for all connections that the limits allow: raise \
         its limit (ulimit -n, LimitNOFILE)"
    );
    left
}

/// Serves until `stop`, then until the last request in progress is answered.
pub(crate) async fn serve(
    listeners: Vec<TcpListener>,
    router: &Router,
    gate: &Gate,
    stop: &CancellationToken,
) {
    let mut servers = JoinSet::new();
    for listener in listeners {
        servers.spawn(accept(listener, router.clone(), gate.clone(), stop.clone()));
    }
    stop.cancelled().await;
    let drain = async { while servers.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_MAX, drain).await.is_err() {
        tracing::warn!("requests were cut off: they did not end within {DRAIN_MAX:?}");
    }
}

/// Who finds no place waits in the system's queue until a connection ends.
async fn accept(mut listener: TcpListener, router: Router, gate: Gate, stop: CancellationToken) {
    let connections = GracefulShutdown::new();
    let mut stopped = pin!(stop.cancelled());
    loop {
        let coming = async {
            let place = Arc::clone(&gate.places).acquire_owned().await;
            (place, Listener::accept(&mut listener).await)
        };
        let (place, (stream, from)) = tokio::select! {
            () = &mut stopped => break,
            coming = coming => coming,
        };
        let connection = connections.watch(connection(stream, from, &router, gate.head_wait));
        tokio::spawn(async move {
            let _held_to_its_end = place;
            if let Err(cause) = connection.await {
                tracing::debug!(%from, %cause, "a connection ended early");
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// One connection, whose requests know where they come from.
fn connection(
    stream: TcpStream,
    from: SocketAddr,
    router: &Router,
    head_wait: Duration,
) -> impl GracefulConnection<Error = hyper::Error> + Send + use<> {
    let named = router.clone().map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(from));
        request.map(Body::new)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_wait)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(named))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn who_keeps_its_words_to_itself_loses_its_place_to_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let at = listener.local_addr().expect("bound");
        let router = Router::new().route(
            "/",
            get(|ConnectInfo(from): ConnectInfo<SocketAddr>| async move { from.ip().to_string() }),
        );
        let gate =
            Gate { places: Arc::new(Semaphore::new(1)), head_wait: Duration::from_millis(200) };
        let stop = CancellationToken::new();
        let (gate_too, stop_too) = (gate.clone(), stop.clone());
        let server =
            tokio::spawn(async move { serve(vec![listener], &router, &gate_too, &stop_too).await });

        let mut slow = TcpStream::connect(at).await.expect("connected");
        slow.write_all(b"GET / HTTP/1.1\r\nHost: ternion\r\nX-Slow: ").await.expect("sent");
        while gate.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let mut next = TcpStream::connect(at).await.expect("queued");
        let request = b"GET / HTTP/1.1\r\nHost: ternion\r\nConnection: close\r\n\r\n";
        next.write_all(request).await.expect("sent");
        let (mut ended, mut answer) = (Vec::new(), String::new());
        let both = async {
            slow.read_to_end(&mut ended).await.expect("closed by the server");
            next.read_to_string(&mut answer).await.expect("answered");
        };
        tokio::time::timeout(HEAD_WAIT, both).await.expect("the slow one is ended");
        assert!(!ended.starts_with(b"HTTP/1.1 200"), "{ended:?}");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("127.0.0.1"), "{answer}");
        stop.cancel();
        server.await.expect("it stops when asked");
    }
}
