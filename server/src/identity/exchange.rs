//! Credentials travel: each cloud asks the other two, every few seconds, what changed.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Router};
use domain::cloud::Cloud;
use tokio_util::sync::CancellationToken;

use super::Identity;
use super::credential::{CREDENTIALS_MAX, Changes, Cursor};
use crate::peer::{Answer, CREDENTIALS_PATH, Channel, Letter, PeerError};
use crate::problem::Problem;

/// How late a new password or a revocation may be at another cloud, while both are well.
const PAUSE: Duration = Duration::from_secs(2);

/// A peer's credentials were not taken over.
#[derive(Debug, thiserror::Error)]
enum ExchangeError {
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("the message cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    #[error("the database cannot be reached: {0}")]
    Database(#[from] sqlx::Error),
}

impl Identity {
    /// The route on which other clouds ask. Only they are heard: the channel checks who signed.
    pub fn peer_routes(self: &Arc<Self>, channel: Arc<Channel>) -> Router {
        Router::new()
            .route(CREDENTIALS_PATH, post(tell))
            .layer(Extension(channel))
            .with_state(Arc::clone(self))
    }

    /// Learns from both peers until `stop`.
    pub async fn exchange(self: Arc<Self>, channel: Arc<Channel>, stop: CancellationToken) {
        let [one, other] = channel.me.peers();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow_peer(&channel, one) => {}
            () = self.follow_peer(&channel, other) => {}
        }
    }

    /// Never ends.
    async fn follow_peer(&self, channel: &Channel, peer: Cloud) {
        // From the beginning at every start: credentials are few, and taking them again is free.
        let mut cursor = Cursor::default();
        loop {
            match self.learn(channel, peer, cursor).await {
                Ok(Changes { credentials, cursor: next }) => {
                    cursor = next;
                    if credentials.len() == CREDENTIALS_MAX {
                        continue;
                    }
                }
                Err(cause) => tracing::debug!(%peer, %cause, "credentials wait"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn learn(
        &self,
        channel: &Channel,
        peer: Cloud,
        cursor: Cursor,
    ) -> Result<Changes, ExchangeError> {
        let answer = channel.call(peer, CREDENTIALS_PATH, serde_json::to_vec(&cursor)?).await?;
        let changes: Changes = serde_json::from_slice(&answer)?;
        let taken = self.merge_credentials(&changes.credentials).await?;
        if taken > 0 {
            tracing::info!(%peer, taken, "took over credentials");
        }
        Ok(changes)
    }
}

async fn tell(State(identity): State<Arc<Identity>>, letter: Letter) -> Result<Answer, Problem> {
    let cursor = serde_json::from_slice(&letter.body)
        .map_err(|cause| Problem::malformed(format!("The cursor cannot be read: {cause}.")))?;
    let changes = identity.credentials_since(cursor).await?;
    let body = serde_json::to_vec(&changes)
        .map_err(|cause| Problem::malformed("The credentials cannot be told.").internal(cause))?;
    Ok(letter.answer(body))
}
