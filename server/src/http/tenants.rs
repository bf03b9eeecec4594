//! Tenants, tiers and prices: what decisions have put in force, and the forms of their pages.

mod change;
mod form;
mod list_guard;
mod list_price;
mod wrongs;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::Action;
use domain::catalog::{TenantPut, TierPut};
use domain::event::{EventId, Slot, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) use list_guard::{refuse_unagreed, refuse_unagreed_choice};

use super::Shared;
use super::ask::{Asked, Named};
use crate::identity::Principal;
use crate::problem::Problem;
use crate::projection::{Current, Entity, Version};

const ITEMS: usize = 100;
const ITEMS_MAX: usize = 1_000;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/tenants", get(list).post(change::put::<TenantPut>))
        .route("/v1/tenants/{tenant_id}", get(one).post(change::named_tenant))
        .route("/v1/tenants/{tenant_id}/versions", get(versions))
        .route("/v1/tiers", get(tiers).post(change::put::<TierPut>))
        .route("/v1/prices", get(prices).post(list_price::put))
        .route("/v1/prices/preview", get(list_price::preview))
        .route("/v1/prices/versions", get(list_price::versions))
        .route("/tenants/act", post(form::act))
        .route("/tenants/price/act", post(list_price::act))
}

/// A value in force, and the decision that put it there.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InForce<'a, T> {
    #[serde(flatten)]
    value: &'a T,
    decision: Decision,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Decision {
    event_id: EventId,
    slot: Slot,
}

impl<'a, T> From<&'a Current<T>> for InForce<'a, T> {
    fn from(current: &'a Current<T>) -> Self {
        let decision = Decision { event_id: current.event_id, slot: current.slot };
        InForce { value: &current.value, decision }
    }
}

fn page<T: Serialize>(items: &[T], next_cursor: Option<&str>) -> Json<Value> {
    Json(json!({ "items": items, "nextCursor": next_cursor }))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    cursor: Option<String>,
    limit: Option<usize>,
}

async fn list(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(place): Asked<Place>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadTenants)?;
    let limit = place.limit.unwrap_or(ITEMS);
    if !(1..=ITEMS_MAX).contains(&limit) {
        return Err(Problem::malformed(format!("limit must be 1 to {ITEMS_MAX}.")));
    }
    let cursor = place.cursor.map(TenantId::try_from).transpose();
    let cursor =
        cursor.map_err(|_| Problem::malformed("The cursor is not one that a page gave."))?;
    let catalog = shared.projection.catalog();
    // One more than asked for tells whether there is a next page.
    let mut found = catalog.tenants_after(cursor.as_ref(), limit + 1);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|tenant| tenant.value.tenant_id.to_string());
    let items: Vec<InForce<'_, TenantPut>> = found.into_iter().map(InForce::from).collect();
    Ok(page(&items, next.as_deref()))
}

async fn one(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    principal.require(Action::ReadTenants)?;
    let catalog = shared.projection.catalog();
    let tenant = TenantId::try_from(id.clone()).ok();
    let found = tenant.and_then(|tenant| catalog.tenant(&tenant).map(InForce::from));
    let found = found.ok_or_else(|| unknown(&id))?;
    let tag = format!("\"{}\"", found.decision.event_id);
    Ok(([(header::ETAG, tag)], Json(found)).into_response())
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("No tenant \"{id}\" is known here."))
}

/// Everything that was decided about a tenant, the version in force first.
async fn versions(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadTenants)?;
    let found = shared.projection.versions(Entity::Tenant, &id).await;
    let found = found.map_err(|cause| Problem::database(&cause))?;
    if found.is_empty() {
        return Err(unknown(&id));
    }
    let item = |version: &Version| {
        let Version { event_id, slot, logical_clock, body } = version;
        let decision = Decision { event_id: *event_id, slot: *slot };
        json!({ "tenant": body, "logicalClock": logical_clock, "decision": decision })
    };
    Ok(page(&found.iter().map(item).collect::<Vec<_>>(), None))
}

async fn tiers(State(shared): State<Shared>, principal: Principal) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadTenants)?;
    let catalog = shared.projection.catalog();
    let items: Vec<_> = catalog.tiers().map(InForce::from).collect();
    Ok(page(&items, None))
}

async fn prices(
    State(shared): State<Shared>,
    principal: Principal,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadTenants)?;
    let catalog = shared.projection.catalog();
    let items: Vec<_> = catalog.prices().map(InForce::from).collect();
    Ok(page(&items, None))
}
