//! `GET /v1/scrub`: what checking the stored ledger has found here, and how far it is.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use domain::access::Action;

use super::Shared;
use crate::identity::Principal;
use crate::ledger::ScrubStatus;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/v1/scrub", get(status))
}

async fn status(
    State(shared): State<Shared>,
    principal: Principal,
) -> Result<Json<ScrubStatus>, Problem> {
    principal.require(Action::ReadLedger)?;
    Ok(Json(shared.ledger.scrub_status()))
}
