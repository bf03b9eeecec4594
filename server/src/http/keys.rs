//! Keys over HTTP: whose count from when to when, and the three acts of people about them.

mod acts;
mod form;

use app::backend::KeysView;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::Action;
use domain::cloud::Cloud;
use domain::epoch::Reason;
use domain::log::Hash;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::ask::{Named, Whole, json as read_json, shape};
use super::events::record::Wish;
use super::events::view::Recorded;
use crate::identity::Principal;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/keys", get(list))
        .route("/v1/epochs", post(begin))
        .route("/v1/epochs/gone", post(gone))
        .route("/v1/epochs/{record}/agree", post(agree))
        .route("/keys/act", post(form::act))
}

async fn list(State(shared): State<Shared>, principal: Principal) -> Result<Response, Problem> {
    principal.require(Action::ReadLedger)?;
    let view: KeysView = shared.console.keys_view();
    Ok(Json(view).into_response())
}

/// What somebody wants of this cloud's own log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    reason: Reason,
    /// In the words of who does it.
    comment: String,
    /// The epoch that is to begin: with it, a repeat begins no second one.
    epoch: Option<u32>,
}

/// What a decision about keys became.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyDecided {
    origin: Cloud,
    /// The epoch that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u32>,
    /// Who has said that a cloud is gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    declared_by: Vec<String>,
    /// What happens now, in a sentence.
    next: String,
    /// The decision's event; absent while this cloud records nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Recorded>,
    #[serde(skip)]
    status: StatusCode,
}

impl IntoResponse for KeyDecided {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

async fn begin(
    State(shared): State<Shared>,
    principal: Principal,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::ManageKeys)?;
    let wanted: Begin = shape(read_json(&body)?)?;
    Ok(acts::begin(&shared, &principal, &wanted).await?.into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Agree {
    reason: String,
}

async fn agree(
    State(shared): State<Shared>,
    principal: Principal,
    Named(record): Named<String>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::ManageKeys)?;
    let Agree { reason } = shape(read_json(&body)?)?;
    Ok(acts::agree(&shared, &principal, record_of(&record)?, &reason).await?.into_response())
}

fn record_of(text: &str) -> Result<Hash, Problem> {
    Hash::from_hex(text)
        .ok_or_else(|| Problem::malformed(format!("\"{text}\" is not 64 hex digits.")))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GoneForGood {
    cloud: Cloud,
    reason: String,
}

async fn gone(
    State(shared): State<Shared>,
    principal: Principal,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::ManageKeys)?;
    let GoneForGood { cloud, reason } = shape(read_json(&body)?)?;
    Ok(acts::declare_gone(&shared, &principal, cloud, &reason).await?.into_response())
}

/// Nobody waits for finality here: what an epoch becomes is read at `/v1/keys`.
fn at_once() -> Wish {
    Wish::default()
}
