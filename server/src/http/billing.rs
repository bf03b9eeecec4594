//! The billing ledger over HTTP: entries, balances, and the two acts of people about it.

mod acts;
mod export;
mod form;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::Action;
use domain::billing::{Account, Period};
use domain::event::{EventId, TenantId};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::ask::{Asked, Whole, json as read_json, shape, shape_of};
use super::events::record::{Wish, http_status, recorded, until_in_force};
use super::place::Place;
use crate::identity::Principal;
use crate::problem::Problem;
use crate::projection::{BILLING_PAGE_MAX, BillingCursor, BillingFilter};

const ROWS: u32 = 100;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/ledger", get(list))
        .route("/v1/ledger/balances", get(balances))
        .route("/v1/ledger/export", get(export::export))
        .route("/v1/ledger/credits", post(credit))
        .route("/v1/ledger/close", post(close))
        .route("/billing/act", post(form::act))
}

fn limited(limit: Option<u32>) -> Result<u32, Problem> {
    let limit = limit.unwrap_or(ROWS);
    if (1..=BILLING_PAGE_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::malformed(format!("limit must be 1 to {BILLING_PAGE_MAX}.")))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filters {
    tenant: Option<TenantId>,
    period: Option<Period>,
    account: Option<Account>,
    cursor: Option<String>,
    limit: Option<u32>,
}

async fn list(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(filters): Asked<Filters>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadBilling)?;
    let limit = limited(filters.limit)?;
    let cursor = filters.cursor.as_deref().map(str::parse::<BillingCursor>).transpose();
    let cursor = cursor.map_err(|error| Problem::malformed(error.to_string()))?;
    let Filters { tenant, period, account, .. } = filters;
    let filter = BillingFilter { tenant, period, account };
    let page = shared.projection.billing_page(&filter, cursor.as_ref(), limit).await?;
    let next = page.next.map(|cursor| cursor.to_string());
    Ok(Json(json!({ "items": page.items, "nextCursor": next })))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfMonth {
    period: Option<Period>,
    tenant: Option<TenantId>,
    cursor: Option<TenantId>,
    limit: Option<u32>,
}

/// Balances by tenant, the trial balance, and what is missing from both.
async fn balances(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(asked): Asked<OfMonth>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadBilling)?;
    let (limit, period, tenant) = (limited(asked.limit)?, asked.period, asked.tenant.as_ref());
    let books = &shared.projection;
    // One more than asked for tells whether there is a next page.
    let cursor = asked.cursor.as_ref();
    let mut items = books.tenant_balances(period, tenant, cursor, limit + 1).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|last| last.tenant_id.clone());
    let accounts = books.account_balances(period).await?;
    let debit: Decimal = accounts.iter().map(|account| account.debit_usd).sum();
    let credit: Decimal = accounts.iter().map(|account| account.credit_usd).sum();
    let closing = match period {
        Some(period) => books.closing(period).await?,
        None => None,
    };
    Ok(Json(json!({
        "period": period, "closing": closing, "items": items, "nextCursor": next,
        "accounts": accounts, "debitUsd": debit, "creditUsd": credit, "balanced": debit == credit,
        "unpriced": books.unpriced(period, tenant).await?
    })))
}

/// What a client says of a credit.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewCredit {
    tenant_id: TenantId,
    amount_usd: Decimal,
    reason: String,
    period: Option<Period>,
    /// A repeat with the same id is the same credit.
    event_id: Option<EventId>,
}

async fn credit(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::EditBilling)?;
    let required = ["tenantId", "amountUsd", "reason"];
    let wanted: NewCredit = shape_of(read_json(&body)?, &required)?;
    let seat = wish.seat(place)?;
    let (tenant, accepted) = acts::credit(&shared, &principal, wanted).await?;
    until_in_force(&shared, accepted.slot, wish).await;
    drop(seat);
    let decision = recorded(&shared, tenant, accepted, wish, &principal).await;
    Ok((http_status(&decision, wish), Json(json!({ "decision": decision }))).into_response())
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    period: Period,
}

async fn close(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::EditBilling)?;
    let Close { period } = shape(read_json(&body)?)?;
    let seat = wish.seat(place)?;
    let closed = acts::close(&shared, &principal, period).await?;
    let (mut decisions, mut status) = (Vec::new(), StatusCode::CREATED);
    for (tenant, accepted) in closed.accepted {
        until_in_force(&shared, accepted.slot, wish).await;
        let decision = recorded(&shared, tenant, accepted, wish, &principal).await;
        if http_status(&decision, wish) == StatusCode::ACCEPTED {
            status = StatusCode::ACCEPTED;
        }
        decisions.push(decision);
    }
    drop(seat);
    let invoices = closed.invoices;
    let body = json!({ "period": period, "invoices": invoices, "decisions": decisions });
    Ok((status, Json(body)).into_response())
}
