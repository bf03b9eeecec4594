//! `/v1/scrub`: what checking the stored ledger has found here, how far it is, and who has seen it.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::Action;
use domain::clock::Timestamp;
use serde::Deserialize;

use super::Shared;
use super::ask::{Whole, json as read_json, shape};
use crate::http::back::read_form;
use crate::identity::Principal;
use crate::ledger::ScrubStatus;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/scrub", get(status))
        .route("/v1/scrub/acknowledge", post(acknowledge))
        .route("/scrub/acknowledge", post(form))
}

async fn status(
    State(shared): State<Shared>,
    principal: Principal,
) -> Result<Json<ScrubStatus>, Problem> {
    principal.require(Action::ReadLedger)?;
    Ok(Json(shared.ledger.scrub_status()))
}

/// Up to which repair, that one included.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    until: Timestamp,
}

async fn acknowledge(
    State(shared): State<Shared>,
    principal: Principal,
    Whole(body): Whole,
) -> Result<Json<ScrubStatus>, Problem> {
    principal.require(Action::AcknowledgeRepairs)?;
    let Seen { until } = shape(read_json(&body)?)?;
    shared.ledger.acknowledge_repairs(&principal.login, until);
    Ok(Json(shared.ledger.scrub_status()))
}

/// The button of the overview, for browsers without scripts and those with.
async fn form(
    State(shared): State<Shared>,
    principal: Principal,
    form: Result<Form<Seen>, FormRejection>,
) -> Result<Redirect, Problem> {
    principal.require(Action::AcknowledgeRepairs)?;
    let Seen { until } = read_form(form)?;
    shared.ledger.acknowledge_repairs(&principal.login, until);
    Ok(Redirect::to("/"))
}
