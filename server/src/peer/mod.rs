//! Signed messages between clouds: the one channel on which a cloud hears another.
//!
//! Every message is signed by its sender's transport key over sender, receiver, path and body;
//! every answer over the message that it answers. Both are verified strictly against the pinned
//! roster, so neither can be replayed to another cloud, path or question. A replay to the same
//! cloud and path is harmless: what peers ask of each other is idempotent.

mod receive;
mod refused;
mod signature;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use domain::cloud::{Cloud, PerCloud};
use domain::key::Signature;
use reqwest::header::HeaderMap;

pub use receive::{Answer, Letter};
use signature::{answer_is_signed, sign_message};

use crate::keys::{CloudKeys, Roster};
use crate::quarantine::Quarantine;

/// Who sends: a cloud's name.
pub const FROM_HEADER: &str = "x-ternion-from";
/// The sender's transport signature, base64.
pub const SIGNATURE_HEADER: &str = "x-ternion-signature";
/// Largest message or answer. A range of the ledger is cut at 4 MiB of payload, or one batch.
pub const PEER_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The one path whose answers are secrets: verifiers of passwords and tokens.
pub const CREDENTIALS_PATH: &str = "/peer/v1/credentials";
/// Where evidence is told.
pub const EVIDENCE_PATH: &str = "/peer/v1/evidence";
/// After this a peer counts as out of reach for the message at hand.
const CALL_WAIT: Duration = Duration::from_secs(5);
/// Between clouds a connection takes two round trips of at most some hundred milliseconds.
const CONNECT_WAIT: Duration = Duration::from_secs(2);
/// Most characters of a refusal that are worth a log line.
const REFUSAL_CHARS_MAX: usize = 300;

/// The way to the other clouds.
#[derive(Debug)]
pub struct Channel {
    pub me: Cloud,
    pub roster: Arc<Roster>,
    pub keys: Arc<CloudKeys>,
    /// Where each peer listens, such as `http://127.0.0.1:3001`.
    pub urls: PerCloud<Option<String>>,
    pub client: reqwest::Client,
    /// Where badly signed messages and answers are held.
    pub quarantine: Arc<Quarantine>,
}

/// A message was not delivered or not understood.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    #[error("{0} has no address in the configuration")]
    NoAddress(Cloud),
    #[error("{cloud} cannot be reached: {cause}")]
    Unreachable { cloud: Cloud, cause: String },
    #[error("{cloud} answered {status}: {detail}")]
    Refused { cloud: Cloud, status: u16, detail: String },
    #[error("the answer of {cloud} is not signed by it")]
    BadSignature { cloud: Cloud },
    #[error("the answer of {cloud} cannot be read: {cause}")]
    Malformed { cloud: Cloud, cause: String },
}

/// An HTTP client for peers: it keeps connections open, and goes through no proxy.
///
/// # Errors
/// The TLS of this machine cannot be set up.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Fails only when a provider is installed already, which serves as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true);
    // A peer must not aim our signed messages at others.
    client.redirect(reqwest::redirect::Policy::none()).connect_timeout(CONNECT_WAIT).build()
}

impl Channel {
    /// Sends a message and returns the verified answer.
    ///
    /// # Errors
    /// The peer has no address, cannot be reached, refuses, or the answer is not its own.
    pub async fn call(&self, to: Cloud, path: &str, body: Vec<u8>) -> Result<Bytes, PeerError> {
        let url = self.urls.get(to).as_ref().ok_or(PeerError::NoAddress(to))?;
        let signature = sign_message(&self.keys.transport, self.me, to, path, &body);
        let response = self
            .client
            .post(format!("{url}{path}"))
            .header(FROM_HEADER, self.me.name())
            .header(SIGNATURE_HEADER, signature.to_string())
            .timeout(CALL_WAIT)
            .body(body)
            .send()
            .await
            .map_err(|cause| unreachable(to, &cause))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = bounded(to, response).await?;
        if status != StatusCode::OK {
            return Err(refused(to, status, &answer));
        }
        let key = &self.roster.get(to).transport;
        let made = read_signature(&headers);
        if made.is_some_and(|made| answer_is_signed(key, &signature, &answer, &made)) {
            return Ok(answer);
        }
        if let Some(made) = made {
            self.hold_answer(to, path, answer, &signature, &made);
        }
        Err(PeerError::BadSignature { cloud: to })
    }
}

/// The body, as far as a peer's answer may reach.
async fn bounded(from: Cloud, mut response: reqwest::Response) -> Result<Bytes, PeerError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|cause| unreachable(from, &cause))? {
        if body.len() + chunk.len() > PEER_BODY_BYTES_MAX {
            let cause = format!("it is longer than {PEER_BODY_BYTES_MAX} bytes");
            return Err(PeerError::Malformed { cloud: from, cause });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

fn read_signature(headers: &HeaderMap) -> Option<Signature> {
    let text = headers.get(SIGNATURE_HEADER)?.to_str().ok()?;
    serde_json::from_value(text.into()).ok()
}

fn unreachable(cloud: Cloud, cause: &reqwest::Error) -> PeerError {
    let cause = if cause.is_timeout() {
        format!("no answer in {} s", CALL_WAIT.as_secs())
    } else {
        cause.to_string()
    };
    PeerError::Unreachable { cloud, cause }
}

fn refused(cloud: Cloud, status: StatusCode, answer: &[u8]) -> PeerError {
    let detail = String::from_utf8_lossy(answer).chars().take(REFUSAL_CHARS_MAX).collect();
    PeerError::Refused { cloud, status: status.as_u16(), detail }
}
