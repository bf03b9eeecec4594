//! The witness over HTTP, as C2SP tlog-witness says, and a little beside it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::epoch::SignedEpoch;
use domain::log::LogId;
use domain::witness::{ADD_CHECKPOINT_PATH, Refusal, SIZE_TYPE, SUBMISSION_BYTES_MAX, Submission};
use serde_json::{Value, json};

use super::{NotSigned, Witness};

/// Where a witness is told of a new epoch's record, which the format does not know.
pub(crate) const ADD_EPOCH_PATH: &str = "/add-epoch";

pub(super) fn routes(witness: Arc<Witness>) -> Router {
    Router::new()
        .route(ADD_CHECKPOINT_PATH, post(add_checkpoint))
        .route(ADD_EPOCH_PATH, post(add_epoch))
        .route("/v1/logs/{origin}/{epoch}/checkpoint", get(checkpoint))
        .route("/health", get(health))
        .layer(DefaultBodyLimit::max(SUBMISSION_BYTES_MAX))
        .with_state(witness)
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    let submission = str::from_utf8(&body).map_err(|cause| cause.to_string());
    let submission = submission
        .and_then(|text| Submission::parse(text).map_err(|cause| cause.to_string()))
        .map_err(NotSigned::Malformed);
    let signed = match submission {
        Ok(submission) => witness.add_checkpoint(&submission).await,
        Err(cause) => Err(cause),
    };
    signed.map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}

impl IntoResponse for NotSigned {
    fn into_response(self) -> Response {
        let status = match &self {
            NotSigned::Malformed(_) | NotSigned::Refused(Refusal::Shrinks) => {
                StatusCode::BAD_REQUEST
            }
            NotSigned::UnknownLog => StatusCode::NOT_FOUND,
            NotSigned::NotTheLogs | NotSigned::Closed(_) => StatusCode::FORBIDDEN,
            NotSigned::Refused(Refusal::Proof) => StatusCode::UNPROCESSABLE_ENTITY,
            NotSigned::Refused(Refusal::Conflict { signed }) => {
                let body = format!("{signed}\n");
                let kind = [(header::CONTENT_TYPE, SIZE_TYPE)];
                return (StatusCode::CONFLICT, kind, body).into_response();
            }
            NotSigned::Memory(cause) => {
                tracing::error!(%cause, "a checkpoint is not signed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        (status, format!("{self}\n")).into_response()
    }
}

async fn add_epoch(
    State(witness): State<Arc<Witness>>,
    Json(signed): Json<SignedEpoch>,
) -> Response {
    match witness.add_epoch(signed).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{why}\n")).into_response(),
    }
}

/// The last note that was signed: whoever holds another history has its proof here.
async fn checkpoint(
    State(witness): State<Arc<Witness>>,
    Path((origin, epoch)): Path<(String, u32)>,
) -> Response {
    let log = origin.parse().ok().map(|origin| LogId { origin, epoch });
    let note = match log {
        Some(log) => witness.note(log).await,
        None => None,
    };
    note.map_or_else(|| StatusCode::NOT_FOUND.into_response(), IntoResponse::into_response)
}

async fn health(State(witness): State<Arc<Witness>>) -> Json<Value> {
    let logs: Vec<Value> = witness
        .heads()
        .await
        .into_iter()
        .map(|(log, head)| json!({ "log": log.to_string(), "size": head.size, "root": head.root }))
        .collect();
    Json(json!({ "status": "ok", "key": witness.vkey.to_string(), "logs": logs }))
}
