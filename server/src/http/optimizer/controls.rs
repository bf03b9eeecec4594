//! `GET /v1/tenants/{id}/controls`: what the platform applies to a tenant, from FINAL decisions only
//! and so the same on every cloud.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::event::TenantId;
use domain::pricing::controls::Controls;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::tenant;
use crate::http::ask::{Asked, Named};
use crate::http::place::Place;
use crate::http::{Services, Shared};
use crate::identity::Principal;
use crate::problem::Problem;

/// Longest that a poll is kept, if it names no time of its own.
const WAIT_MS: u64 = 25_000;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Poll {
    /// The version that is known: answered once there is a later one, or the time is up.
    wait_version: Option<u64>,
    timeout_ms: Option<u64>,
}

pub(super) async fn controls(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    place: Place,
    Asked(poll): Asked<Poll>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    principal.require(Action::ReadTenants)?;
    let tenant = tenant(&shared, &id)?;
    if let Some(known) = poll.wait_version {
        let seat = place.seat()?;
        let longest =
            Duration::from_millis(poll.timeout_ms.unwrap_or(WAIT_MS).min(shared.limits.wait_ms));
        drop(tokio::time::timeout(longest, until_after(&shared, &tenant, known)).await);
        drop(seat);
    }
    let body = now(&shared, &tenant);
    let text = serde_json::to_vec(&body).map_err(Problem::fault)?;
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..16]));
    let asked = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let etag = HeaderValue::from_str(&tag).map_err(Problem::fault)?;
    if asked == Some(tag.as_str()) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    Ok(([(header::ETAG, etag)], Json(body)).into_response())
}

async fn until_after(shared: &Services, tenant: &TenantId, known: u64) {
    let mut position = shared.projection.position();
    loop {
        position.mark_unchanged();
        let catalog = shared.projection.catalog();
        if catalog.book().chain(tenant).is_some_and(|chain| chain.version() > known) {
            return;
        }
        tokio::select! {
            changed = position.changed() => if changed.is_err() { return },
            () = shared.stop.cancelled() => return,
        }
    }
}

fn now(shared: &Services, tenant: &TenantId) -> Value {
    let catalog = shared.projection.catalog();
    let chain = catalog.book().chain(tenant);
    let last = chain.and_then(domain::pricing::book::Chain::last);
    let controls = last.map_or(Controls::STANDARD, |applied| applied.value);
    let overage = controls.overage_of_list.map(|of_list| json!({ "ofList": of_list }));
    json!({
        "tenantId": tenant,
        "version": chain.map_or(0, domain::pricing::book::Chain::version),
        "since": last.map(|applied| applied.at),
        "price": {
            "ofList": controls.price_of_list, "currency": "USD",
            "models": models(shared, tenant, controls.price_of_list)
        },
        "overage": overage, "concurrency": controls.concurrency, "tokenCap": controls.token_cap,
        "decision": last.map(|applied| {
            json!({ "eventId": applied.event_id, "proposalId": applied.proposal_id })
        })
    })
}

/// What a million tokens of each model cost this tenant now: the tier's list price times its own.
fn models(shared: &Services, tenant: &TenantId, of_list: Decimal) -> Vec<Value> {
    let catalog = shared.projection.catalog();
    let Some(known) = catalog.tenant(tenant) else { return Vec::new() };
    let (tier, at) = (&known.value.tier, crate::now());
    let products: std::collections::BTreeSet<(&str, &str)> = catalog
        .prices()
        .filter(|price| price.value.tier == *tier)
        .map(|price| (price.value.provider.as_str(), price.value.model.as_str()))
        .collect();
    let own = |list: Decimal| list.checked_mul(of_list).map(|usd| usd.normalize());
    let priced = products.into_iter().filter_map(|(provider, model)| {
        let price = &catalog.price_at(tier, provider, model, at)?.value;
        Some(json!({
            "provider": provider, "model": model,
            "inputUsdPerMillion": own(price.input_usd_per_million),
            "outputUsdPerMillion": own(price.output_usd_per_million),
            "cachedUsdPerMillion": price.cached_usd_per_million.and_then(own)
        }))
    });
    priced.collect()
}
