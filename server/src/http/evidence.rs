//! `GET /v1/evidence`: what is proven against clouds, for whoever wants to verify it elsewhere.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use domain::access::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::ask::{Asked, Named};
use crate::identity::Principal;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/v1/evidence", get(list)).route("/v1/evidence/{evidence_id}", get(one))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    cursor: Option<String>,
    limit: Option<u32>,
}

async fn list(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(place): Asked<Place>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadLedger)?;
    let page = shared.console.evidence_page(place.cursor.as_deref(), place.limit).await?;
    Ok(Json(json!({ "items": page.items, "nextCursor": page.next_cursor })))
}

/// The record alone, as `ternion verify` reads it.
async fn one(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    principal.require(Action::ReadLedger)?;
    let may_read = principal.role.may(Action::ReadPayload);
    let detail = shared.console.evidence_record(&id, may_read).await?;
    let record = detail
        .record
        .ok_or_else(|| Problem::forbidden(principal.role.refusal(Action::ReadPayload)))?;
    let name = format!("inline; filename=\"evidence-{:.16}.json\"", detail.row.id);
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, record).into_response())
}
