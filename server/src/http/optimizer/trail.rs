//! `GET /v1/tenants/{id}/controls/trail`: a price from today back to its evidence, in one file.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::clock::Timestamp;
use domain::event::{EventId, TenantId};
use domain::pricing::trail::{EVENTS_MAX, TRAIL_BYTES_MAX, Trail, file_name, rests_on};
use domain::receipt::Receipt;

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
    let events = events(&shared, &tenant, at);
    if events.len() > EVENTS_MAX {
        return Err(too_long(&tenant, events.len()));
    }
    let mut receipts = Vec::with_capacity(events.len());
    for event in events {
        receipts.push(of_event(&shared, event, &principal).await?);
    }
    let trail = Trail::new(tenant.clone(), at, receipts);
    let body = serde_json::to_vec(&trail).map_err(Problem::fault)?;
    if body.len() > TRAIL_BYTES_MAX {
        return Err(too_long(&tenant, trail.receipts.len()));
    }
    let name = format!("inline; filename=\"{}\"", file_name(&tenant));
    let kind = (header::CONTENT_TYPE, "application/json".to_owned());
    Ok(([kind, (header::CONTENT_DISPOSITION, name)], body).into_response())
}

/// Two clouds may have recorded it at once, and somebody else an event of this id for another tenant:
/// the platform's own is meant, by whichever cloud it is final first.
async fn of_event(
    shared: &Services,
    event: EventId,
    principal: &Principal,
) -> Result<Receipt, Problem> {
    let platform = TenantId::platform();
    let mut last = None;
    for record in shared.ledger.find(event).await? {
        if record.event.tenant_id == platform {
            match receipt_of(shared, &record, principal).await {
                Ok(receipt) => return Ok(receipt),
                Err(problem) => last = Some(problem),
            }
        }
    }
    Err(last.unwrap_or_else(|| {
        Problem::fault(format!("the event {} of a price in force has no row here", event.0))
    }))
}

/// What the tenant's price rests on now: its tier, the tier's list prices, and what was decided.
fn events(shared: &Services, tenant: &TenantId, now: Timestamp) -> Vec<EventId> {
    let catalog = shared.projection.catalog();
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
