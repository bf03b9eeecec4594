//! Anchors: which hashes are published where, how far that is, and their proofs.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::Action;
use domain::anchor::Publisher;
use domain::anchor::state::Stage;
use domain::clock::Timestamp;
use domain::snapshot::Period;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Shared;
use super::ask::{Asked, Named, Whole, json as read_json, shape};
use crate::anchor::{ANCHORS_PAGE_MAX, QueueError, Stored};
use crate::identity::Principal;
use crate::problem::Problem;

const ITEMS: u32 = 100;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/anchors", get(list))
        .route("/v1/anchors/{anchor_id}", get(one))
        .route("/v1/anchors/{anchor_id}/proof", get(proof))
        .route("/v1/snapshots/{period}/anchors", post(queue))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// `<queued at>~<id>` of the last item of the page before.
    cursor: Option<String>,
    limit: Option<u32>,
}

async fn list(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(place): Asked<Place>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadLedger)?;
    let limit = place.limit.unwrap_or(ITEMS);
    if !(1..=ANCHORS_PAGE_MAX).contains(&limit) {
        return Err(Problem::malformed(format!("limit must be 1 to {ANCHORS_PAGE_MAX}.")));
    }
    let before = place.cursor.as_deref().map(read_cursor).transpose()?;
    let items = shared.anchors.list(before, limit).await?;
    let next = items.last().filter(|_| items.len() == limit as usize);
    let next = next.map(|last| format!("{}~{}", last.queued_at, last.id));
    let places = shared.anchors.places().into_iter();
    let places = places.map(|(by, place)| json!({ "publisher": by, "place": place }));
    let items: Vec<Value> = items.iter().map(shown).collect();
    let places: Vec<Value> = places.collect();
    Ok(Json(json!({ "items": items, "nextCursor": next, "publishers": places })))
}

fn read_cursor(text: &str) -> Result<(Timestamp, Uuid), Problem> {
    let read = || {
        let (at, id) = text.split_once('~')?;
        Some((at.parse().ok()?, id.parse().ok()?))
    };
    read().ok_or_else(|| {
        Problem::malformed(format!(
            "\"{text}\" is not a cursor; use the one that the last page gave."
        ))
    })
}

async fn one(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<Uuid>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadLedger)?;
    let stored = found(&shared, id).await?;
    let mut whole = shown(&stored);
    let trace = stored.anchor.trace().iter();
    whole["trace"] = trace.map(|mark| json!({ "at": mark.at, "what": mark.what })).collect();
    whole["files"] = stored.proof().iter().map(|part| part.name).collect();
    Ok(Json(whole))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    file: Option<String>,
}

/// One file of the proof; the stamp or the `.ots` itself where none is named.
async fn proof(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<Uuid>,
    Asked(Part { file }): Asked<Part>,
) -> Result<Response, Problem> {
    principal.require(Action::ReadLedger)?;
    let stored = found(&shared, id).await?;
    let parts = stored.proof();
    let is_main =
        |name: &str| name.ends_with(".ots") || name.ends_with(".tsr") || name.ends_with(".json");
    let wanted = |name: &str| file.as_deref().map_or_else(|| is_main(name), |file| file == name);
    let part = parts.into_iter().find(|part| wanted(part.name)).ok_or_else(|| {
        Problem::not_found("There is no such file of this anchor's proof, or no proof yet.")
    })?;
    let name = format!("attachment; filename=\"{}\"", part.name);
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, part.bytes).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    publisher: Publisher,
}

/// Publishes an agreed snapshot. Asked again, it is the same anchor.
async fn queue(
    State(shared): State<Shared>,
    principal: Principal,
    Named(period): Named<String>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::TakeSnapshot)?;
    let Wish { publisher } = shape(read_json(&body)?)?;
    let period: Period = period
        .parse()
        .map_err(|cause: domain::snapshot::BadPeriod| Problem::not_found(cause.to_string()))?;
    let snapshot = shared.snapshots.of_period(period).await.map_err(super::snapshots::refused)?;
    let snapshot =
        snapshot.ok_or_else(|| Problem::not_found(format!("There is no snapshot of {period}.")))?;
    let hash = snapshot.standing.agreed().ok_or_else(|| {
        Problem::conflict(
            "No two clouds agree on this snapshot yet. What is not agreed is not anchored.",
        )
    })?;
    let stored = shared.anchors.queue(hash, &period.to_string(), publisher).await;
    let stored = stored.map_err(|cause| match cause {
        QueueError::Database(cause) => cause.into(),
        QueueError::NotConfigured(_) | QueueError::Period => {
            let detail = cause.to_string();
            Problem::invalid("Not anchored there.").field("/publisher", detail)
        }
    })?;
    Ok((StatusCode::CREATED, Json(shown(&stored))).into_response())
}

async fn found(shared: &Shared, id: Uuid) -> Result<Stored, Problem> {
    let stored = shared.anchors.get(id).await?;
    stored.ok_or_else(|| Problem::not_found(format!("There is no anchor {id} at this cloud.")))
}

fn shown(stored: &Stored) -> Value {
    let stage = stored.anchor.stage();
    let (place, confirmations, problem) = match stage {
        Stage::Queued | Stage::Submitted => (None, None, None),
        Stage::InBlock { place, confirmations } => (Some(place), Some(*confirmations), None),
        Stage::Final { place } => (Some(place), None, None),
        Stage::Failed { refusal } => (None, None, Some(refusal.words.clone())),
    };
    let trouble = stored.anchor.trouble().map(|trouble| trouble.words.clone());
    json!({
        "id": stored.id, "hash": stored.subject, "period": stored.period,
        "publisher": stored.publisher, "state": stage.name(),
        "anchored": matches!(stage, Stage::Final { .. }),
        "anchoredAt": place.filter(|_| stored.anchor.is_final()).map(|place| place.time),
        "place": place, "confirmations": confirmations, "problem": problem.or(trouble),
        "queuedAt": stored.queued_at, "dueAt": stored.anchor.due_at(),
    })
}
