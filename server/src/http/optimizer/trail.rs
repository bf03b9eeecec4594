//! `GET /v1/tenants/{id}/controls/trail`: a price from today back to its evidence, in one file.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::event::{EventId, TenantId};
use domain::pricing::trail::{EVENTS_MAX, Trail, file_name, rests_on};

use super::tenant;
use crate::http::ask::Named;
use crate::http::events::one::receipt_of;
use crate::http::{Services, Shared};
use crate::identity::Principal;
use crate::problem::Problem;

pub(super) async fn trail(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    principal.require(Action::ReadPricing)?;
    // Without its payloads a trail shows nothing.
    principal.require(Action::ReadPayload)?;
    let tenant = tenant(&shared, &id)?;
    let at = crate::now();
    let events = events(&shared, &tenant);
    if events.len() > EVENTS_MAX {
        return Err(too_long(&tenant, events.len()));
    }
    let mut receipts = Vec::with_capacity(events.len());
    for event in events {
        let records = shared.ledger.find(event).await?;
        let record = records.first().ok_or_else(|| {
            Problem::fault(format!("the event {} of a price in force has no row here", event.0))
        })?;
        receipts.push(receipt_of(&shared, record, &principal).await?);
    }
    let name = format!("inline; filename=\"{}\"", file_name(&tenant));
    let trail = Trail::new(tenant, at, receipts);
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(trail)).into_response())
}

/// What the tenant's price rests on now: its tier, the tier's list prices, and what was decided.
fn events(shared: &Services, tenant: &TenantId) -> Vec<EventId> {
    let (catalog, now) = (shared.projection.catalog(), crate::now());
    let Some(known) = catalog.tenant(tenant) else { return Vec::new() };
    let mut events = rests_on(catalog.book(), tenant, &known.value.tier);
    events.push(known.event_id);
    let of_tier = catalog.prices().filter(|price| price.value.tier == known.value.tier);
    let in_force = of_tier.filter_map(|price| {
        let price = &price.value;
        catalog.price_at(&price.tier, &price.provider, &price.model, now)
    });
    events.extend(in_force.map(|price| price.event_id));
    events.sort_unstable_by_key(|event| event.0);
    events.dedup();
    events
}

fn too_long(tenant: &TenantId, events: usize) -> Problem {
    let detail = format!(
        "The price of {tenant} rests on {events} events, and a trail holds {EVENTS_MAX}. Take the \
         receipts of single events instead: GET /v1/events/{{id}}/receipt."
    );
    Problem::new(StatusCode::CONFLICT, "trail_too_long", "The trail is too long for a file", detail)
}
