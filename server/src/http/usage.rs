//! `GET /v1/usage`: metered usage of final events, by tenant, hour, provider, model and region.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use domain::access::Action;
use domain::clock::Timestamp;
use domain::event::TenantId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::ask::Asked;
use crate::identity::Principal;
use crate::problem::Problem;
use crate::projection::{USAGE_PAGE_MAX, UsageCursor, UsageFilter};

const ROWS: u32 = 100;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/v1/usage", get(list))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filters {
    tenant: Option<TenantId>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    provider: Option<String>,
    model: Option<String>,
    region: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

async fn list(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(filters): Asked<Filters>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadUsage)?;
    let limit = filters.limit.unwrap_or(ROWS);
    if !(1..=USAGE_PAGE_MAX).contains(&limit) {
        return Err(Problem::malformed(format!("limit must be 1 to {USAGE_PAGE_MAX}.")));
    }
    let cursor = filters.cursor.as_deref().map(str::parse::<UsageCursor>).transpose();
    let cursor = cursor.map_err(|error| Problem::malformed(error.to_string()))?;
    let filter = UsageFilter {
        tenant: filters.tenant,
        provider: filters.provider,
        model: filters.model,
        region: filters.region,
        from: filters.from,
        to: filters.to,
    };
    let page = shared.projection.usage_page(&filter, cursor.as_ref(), limit).await?;
    let next = page.next.map(|cursor| cursor.to_string());
    Ok(Json(json!({ "items": page.items, "nextCursor": next })))
}
