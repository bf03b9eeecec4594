//! The two acts: an amount is waived, a month is closed. Each is an event, and takes effect on
//! every cloud once it is final.

use domain::billing::Period;
use domain::catalog::{BillingCredit, Invoice, Known};
use domain::event::TenantId;
use serde_json::json;

use super::NewCredit;
use crate::http::Services;
use crate::http::events::record::record_one;
use crate::identity::Principal;
use crate::ledger::Accepted;
use crate::problem::Problem;

pub(super) async fn credit(
    shared: &Services,
    principal: &Principal,
    wanted: NewCredit,
) -> Result<(TenantId, Accepted), Problem> {
    let NewCredit { tenant_id, amount_usd, reason, period, event_id } = wanted;
    let reason = reason.trim().to_owned();
    let credit = BillingCredit { tenant_id, amount_usd, reason, period };
    refuse_wrong(shared, &credit)?;
    let repeats = match event_id {
        Some(id) => !shared.ledger.find(id).await?.is_empty(),
        None => false,
    };
    if let Some(period) = period.filter(|_| !repeats) {
        refuse_closed(shared, period).await?;
    }
    let payload = Known::BillingCredit(credit).to_payload();
    let mut event = json!({ "tenantId": TenantId::platform(), "payload": payload });
    if let Some(id) = event_id {
        event["eventId"] = json!(id);
    }
    record_one(shared, principal, event).await.map_err(of_body)
}

/// Names all that is wrong at once.
fn refuse_wrong(shared: &Services, credit: &BillingCredit) -> Result<(), Problem> {
    let mut problem = Problem::invalid("The credit is not one that can be recorded; see `errors`.");
    if shared.projection.catalog().tenant(&credit.tenant_id).is_none() {
        problem = problem.field("/tenantId", "must be a tenant that is known");
    }
    for wrong in credit.faults() {
        problem = problem.field(wrong.field, wrong.reason);
    }
    if problem.errors.is_empty() { Ok(()) } else { Err(problem) }
}

/// The fields of the decision are those of the body.
fn of_body(mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        if let Some(field) = error.field.strip_prefix("/payload") {
            error.field = field.to_owned();
        }
    }
    problem
}

async fn refuse_closed(shared: &Services, period: Period) -> Result<(), Problem> {
    if shared.projection.closing(period).await?.is_none() {
        return Ok(());
    }
    let detail = format!("{period} is closed: what was invoiced for it stays. Name an open month.");
    Err(Problem::conflict(detail).field("/period", "is closed"))
}

/// What closing a month recorded.
pub(super) struct Closed {
    pub(super) invoices: Vec<Invoice>,
    pub(super) accepted: Vec<(TenantId, Accepted)>,
}

/// Closes a month that is over with the invoices as this cloud derives them now. If two close one
/// month at two clouds, the first by clock stands, on every cloud.
pub(super) async fn close(
    shared: &Services,
    principal: &Principal,
    period: Period,
) -> Result<Closed, Problem> {
    if crate::now() < period.end() {
        let detail = format!("{period} is not over yet (UTC). A month is closed once it is.");
        return Err(Problem::invalid(detail).field("/period", "is not over"));
    }
    refuse_closed(shared, period).await?;
    let closings = shared.projection.closings(period).await?;
    if closings.is_empty() {
        let problem = Problem::invalid(format!("Nothing was used or credited in {period}."));
        return Err(problem.field("/period", "has nothing to invoice"));
    }
    let mut closed = Closed { invoices: Vec::new(), accepted: Vec::new() };
    for close in closings {
        closed.invoices.extend(close.invoices.iter().cloned());
        let payload = Known::BillingClose(close).to_payload();
        let event = json!({ "tenantId": TenantId::platform(), "payload": payload });
        closed.accepted.push(record_one(shared, principal, event).await?);
    }
    Ok(closed)
}
