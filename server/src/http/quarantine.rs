//! The quarantine over HTTP: what is held, its bytes, and the two decisions about it.

mod form;
mod list;

use app::backend::HeldDetail;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::access::Action;
use domain::event::Slot;
use domain::quarantine::{BadHeldId, HeldId};
use serde::{Deserialize, Serialize};

use super::ask::{Asked, Named, Whole, json as read_json, shape};
use super::events::record::{Wish, http_status, record_one, recorded, until_in_force, would_take};
use super::events::view::Recorded;
use super::tenants::refuse_unagreed_choice;
use super::{Services, Shared};
use crate::console::{Act, Plan};
use crate::identity::Principal;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/quarantine", get(list::list))
        .route("/v1/quarantine/export", get(list::export))
        .route("/v1/quarantine/{held_id}", get(one))
        .route("/v1/quarantine/{held_id}/bytes", get(bytes))
        .route("/v1/quarantine/{held_id}/release", post(release))
        .route("/v1/quarantine/{held_id}/reject", post(reject))
        .route("/quarantine/act", post(form::act))
}

fn held_id(text: &str) -> Result<HeldId, Problem> {
    text.parse().map_err(|error: BadHeldId| Problem::not_found(error.to_string()))
}

/// One held thing, with what is kept of its bytes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    #[serde(flatten)]
    detail: HeldDetail,
    /// Base64; absent for those who may not read payloads, and for what stands in the logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

async fn one(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    principal.require(Action::ReadLedger)?;
    let (id, may_read) = (held_id(&id)?, principal.role.may(Action::ReadPayload));
    let detail = shared.console.held_detail(&id, may_read).await?;
    let kept = match id {
        HeldId::Input(id) if may_read => shared.quarantine.item(id).await?,
        _ => None,
    };
    let bytes = kept.map(|(_, bytes)| BASE64.encode(bytes));
    Ok(Json(Held { detail, bytes }).into_response())
}

/// What is kept of the bytes, as they came.
async fn bytes(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    principal.require(Action::ReadPayload)?;
    let gone = || Problem::not_found(format!("No bytes are held under {id} at this cloud."));
    let HeldId::Input(uuid) = held_id(&id)? else { return Err(gone()) };
    let (_, bytes) = shared.quarantine.item(uuid).await?.ok_or_else(gone)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"held-{uuid}.bin\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    reason: String,
    /// For an id in conflict: the place whose contents count.
    slot: Option<Slot>,
    /// For a range: the number of the entry, counted from 0.
    entry: Option<u64>,
}

async fn release(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::DecideQuarantine)?;
    let Release { reason, slot, entry } = shape(read_json(&body)?)?;
    let slot = slot.map(|slot| slot.to_string());
    let choice = slot.or_else(|| entry.map(|entry| entry.to_string()));
    let decided = decide(&shared, &principal, &id, &Act::Release { choice }, &reason, wish).await?;
    Ok(decided.into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reject {
    reason: String,
}

async fn reject(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::DecideQuarantine)?;
    let Reject { reason } = shape(read_json(&body)?)?;
    let decided = decide(&shared, &principal, &id, &Act::Reject, &reason, wish).await?;
    Ok(decided.into_response())
}

/// What a decision became.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided {
    /// The decision's event; absent where only an earlier release was finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Recorded>,
    /// The new event, if an input was released.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Recorded>,
    #[serde(skip)]
    status: StatusCode,
}

impl IntoResponse for Decided {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

/// It stays held: sent by whoever releases it, it would be refused as well.
fn not_taken(problem: Problem) -> Problem {
    let detail =
        format!("It stays held, since it would be refused if you sent it. {}", problem.detail);
    Problem { detail, ..problem }
}

/// Records what an act amounts to: the decision, then what it releases.
async fn decide(
    shared: &Services,
    principal: &Principal,
    id: &str,
    act: &Act,
    reason: &str,
    wish: Wish,
) -> Result<Decided, Problem> {
    let Plan { decision, released } = shared.console.plan(&held_id(id)?, act, reason).await?;
    if let Act::Release { choice: Some(choice) } = act
        && let Some(slot) = Slot::parse(choice)
        && let Some(chosen) = shared.ledger.at(slot).await?
    {
        let (payload, catalog) = (chosen.event.payload.bytes(), shared.projection.catalog());
        refuse_unagreed_choice(payload, &catalog, crate::now()).map_err(not_taken)?;
    }
    if let Some(released) = &released {
        would_take(shared, principal, released.clone()).map_err(not_taken)?;
    }
    let mut accepted = [None, None];
    for (event, accepted) in [decision, released].into_iter().zip(&mut accepted) {
        if let Some(event) = event {
            *accepted = Some(record_one(shared, principal, event).await?);
        }
    }
    if let Some((_, last)) = accepted.iter().flatten().last() {
        until_in_force(shared, last.slot, wish).await;
        shared.quarantine.refresh().await?;
    }
    let mut status = StatusCode::CREATED;
    let mut answers = Vec::new();
    for one in accepted {
        answers.push(match one {
            Some((tenant, accepted)) => {
                let answer = recorded(shared, tenant, accepted, wish, principal).await;
                if http_status(&answer, wish) == StatusCode::ACCEPTED {
                    status = StatusCode::ACCEPTED;
                }
                Some(answer)
            }
            None => None,
        });
    }
    let (event, decision) = (answers.pop().flatten(), answers.pop().flatten());
    Ok(Decided { decision, event, status })
}
