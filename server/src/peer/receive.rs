//! The receiving side: a handler that takes a [`Letter`] hears only what a cloud really signed.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::cloud::Cloud;
use domain::key::Signature;

use super::signature::{message_is_signed, sign_answer};
use super::{Channel, FROM_HEADER, PEER_BODY_BYTES_MAX, SIGNATURE_HEADER, read_signature};
use crate::problem::Problem;

/// A peer sends a whole message at once; who drips it is none.
const READ_WAIT: Duration = Duration::from_secs(10);

/// A verified message of another cloud. Takes the [`Channel`] from the request's extensions.
#[derive(Debug)]
pub struct Letter {
    pub from: Cloud,
    pub body: Bytes,
    signature: Signature,
    channel: Arc<Channel>,
}

impl Letter {
    /// Signs an answer to this message.
    #[must_use]
    pub fn answer(&self, body: Vec<u8>) -> Answer {
        let signature = sign_answer(&self.channel.keys.transport, &self.signature, &body);
        Answer { body, signature }
    }
}

/// A signed answer.
#[derive(Debug)]
pub struct Answer {
    body: Vec<u8>,
    signature: Signature,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        // Base64 is always a valid header value.
        if let Ok(value) = HeaderValue::from_str(&self.signature.to_string()) {
            response.headers_mut().insert(SIGNATURE_HEADER, value);
        }
        response
    }
}

impl<S: Send + Sync> FromRequest<S> for Letter {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let channel = request.extensions().get::<Arc<Channel>>().cloned().ok_or_else(unready)?;
        let path = request.uri().path().to_owned();
        let from = sender(&request, channel.me)?;
        let signature = read_signature(request.headers()).ok_or_else(unsigned)?;
        let reading = axum::body::to_bytes(request.into_body(), PEER_BODY_BYTES_MAX);
        let body = tokio::time::timeout(READ_WAIT, reading)
            .await
            .map_err(|_| Problem::malformed("The body did not arrive in time."))?
            .map_err(|cause| Problem::malformed(format!("The body cannot be read: {cause}.")))?;
        let key = &channel.roster.get(from).transport;
        if !message_is_signed(key, from, channel.me, &path, &body, &signature) {
            channel.hold_message(from, &path, body, &signature);
            return Err(unsigned());
        }
        Ok(Letter { from, body, signature, channel })
    }
}

fn sender(request: &Request, me: Cloud) -> Result<Cloud, Problem> {
    let named = request.headers().get(FROM_HEADER).and_then(|value| value.to_str().ok());
    match named.and_then(|name| name.parse().ok()) {
        Some(cloud) if cloud != me => Ok(cloud),
        _ => Err(unsigned()),
    }
}

fn unsigned() -> Problem {
    let detail =
        "This path hears only the other clouds of the deployment, by their transport keys.";
    Problem::new(StatusCode::UNAUTHORIZED, "not_a_peer", "Not signed by a peer", detail)
}

fn unready() -> Problem {
    let detail = "The node is starting. Try again in a moment.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "starting", "Not ready", detail).retry_after(1)
}
