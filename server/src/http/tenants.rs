//! Tenants, tiers and prices: what decisions have put in force.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use domain::access::Action;
use domain::catalog::{Known, TenantPut};
use domain::event::{EventId, Slot, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Shared;
use super::ask::{Asked, Named, Whole, json as read_json, shape};
use super::events::record::{Wish, decide};
use crate::identity::Principal;
use crate::problem::Problem;
use crate::projection::Current;

const ITEMS: usize = 100;
const ITEMS_MAX: usize = 1_000;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/tenants", get(list).post(put))
        .route("/v1/tenants/{tenant_id}", get(one).post(put_named))
        .route("/v1/tiers", get(tiers))
        .route("/v1/prices", get(prices))
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
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadTenants)?;
    let catalog = shared.projection.catalog();
    let tenant = TenantId::try_from(id.clone()).ok();
    let found = tenant.and_then(|tenant| catalog.tenant(&tenant).map(InForce::from));
    let found =
        found.ok_or_else(|| Problem::not_found(format!("No tenant \"{id}\" is known here.")))?;
    serde_json::to_value(found).map(Json).map_err(Problem::fault)
}

/// A tenant, whole. Takes effect on every cloud once the decision is final.
async fn put(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::EditTenants)?;
    let tenant: TenantPut = shape(read_json(&body)?)?;
    decide(&shared, &principal, &Known::TenantPut(tenant), wish).await
}

/// As above; the path names the tenant, so the body need not.
async fn put_named(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::EditTenants)?;
    let mut body = read_json(&body)?;
    if let Some(fields) = body.as_object_mut() {
        let named = fields.entry("tenantId").or_insert_with(|| Value::from(id.clone()));
        if *named != id {
            let problem = Problem::invalid("The body is about another tenant than the address.");
            return Err(problem.field("/tenantId", format!("must be \"{id}\" or left out")));
        }
    }
    let tenant: TenantPut = shape(body)?;
    decide(&shared, &principal, &Known::TenantPut(tenant), wish).await
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
