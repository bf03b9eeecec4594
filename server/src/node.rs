//! Composition: builds every service of one cloud and runs it; graceful stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::keys::{CloudKeys, KeyError, Roster, RosterError};
use crate::postgres::{Database, DatabaseError};

/// Requests in progress get this long after a stop; open streams would hold it for ever.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Roster(#[from] RosterError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("cannot listen on {at}: {cause}")]
    Listen { at: SocketAddr, cause: std::io::Error },
}

/// Runs one cloud until `stop`, then finishes what is in progress and closes the database.
///
/// # Errors
/// Keys, peers, database or addresses cannot be used; nothing is left running then.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), NodeError> {
    let keys = CloudKeys::load_or_make(&config.key_folder())?;
    let _roster = Arc::new(Roster::of(&config, &keys)?);
    let listeners = listen(&config.listen).await?;
    let database = Database::open(&config).await?;
    tracing::info!(cloud = %config.cloud, url = config.url, "up");
    let router = Router::new()
        .route("/livez", get(|| async { "live" }))
        .route("/readyz", get(ready))
        .with_state(database.pool.clone());
    serve(listeners, &router, &stop).await;
    database.close().await;
    Ok(())
}

/// Takes every address before any work is done, so that a taken port is told at once.
async fn listen(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, NodeError> {
    let mut listeners = Vec::new();
    for at in addresses {
        let listener = TcpListener::bind(at).await;
        listeners.push(listener.map_err(|cause| NodeError::Listen { at: *at, cause })?);
    }
    Ok(listeners)
}

async fn serve(listeners: Vec<TcpListener>, router: &Router, stop: &CancellationToken) {
    let mut servers = JoinSet::new();
    for listener in listeners {
        let drained = stop.clone().cancelled_owned();
        let server = axum::serve(listener, router.clone()).with_graceful_shutdown(drained);
        servers.spawn(server.into_future());
    }
    stop.cancelled().await;
    let drain = async { while servers.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_MAX, drain).await.is_err() {
        tracing::warn!("requests were cut off: they did not end within {DRAIN_MAX:?}");
    }
}

async fn ready(State(pool): State<PgPool>) -> (StatusCode, &'static str) {
    match sqlx::query("SELECT 1").execute(&pool).await {
        Ok(_) => (StatusCode::OK, "ready"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached"),
    }
}
