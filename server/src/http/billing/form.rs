//! The forms of the page Billing: what browsers without scripts send, and those with.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::Redirect;
use domain::access::Action;
use domain::billing::Period;
use domain::event::TenantId;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::super::Shared;
use super::{NewCredit, acts};
use crate::http::back::{EFFECT_MS, read_form};
use crate::http::events::record::{Wish, until_in_force};
use crate::identity::{Principal, query_value};
use crate::problem::Problem;

const PAGE: &str = "/billing";
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    act: Verb,
    period: Option<Period>,
    /// The tenant that is credited.
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    reason: String,
    /// The box that says what was checked; absent when it is not ticked.
    confirmed: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Credit,
    Close,
}

/// Back to the page, which says what is so now or what was wrong.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    form: Result<Form<Wanted>, FormRejection>,
) -> Result<Redirect, Problem> {
    principal.require(Action::EditBilling)?;
    let wanted = read_form(form)?;
    let mut page = format!("{PAGE}?");
    if let Some(period) = wanted.period {
        page.push_str(&format!("period={period}&"));
    }
    if !wanted.tenant.is_empty() {
        page.push_str(&format!("tenant={}&", query_value(&wanted.tenant)));
    }
    let back = |problem: &str| Redirect::to(&format!("{page}problem={}", query_value(problem)));
    if wanted.act == Verb::Close && wanted.confirmed.is_none() {
        return Ok(back("not_confirmed"));
    }
    match done(&shared, &principal, wanted).await {
        Ok(()) => Ok(Redirect::to(page.trim_end_matches(['?', '&']))),
        Err(problem) if problem.status < 500 || problem.code == "busy" => {
            let field = problem.errors.first().map(|error| error.field.trim_start_matches('/'));
            Ok(back(field.unwrap_or(problem.code)))
        }
        Err(problem) => Err(problem),
    }
}

async fn done(shared: &Shared, principal: &Principal, wanted: Wanted) -> Result<(), Problem> {
    let Wanted { act, period, tenant, amount, reason, confirmed: _ } = wanted;
    let wish = Wish::final_within(EFFECT_MS);
    let slots = match act {
        Verb::Credit => {
            let tenant_id = TenantId::try_from(tenant);
            let tenant_id = tenant_id.map_err(|error| wrong("/tenantId", &error.to_string()))?;
            let amount = amount.trim().parse::<Decimal>();
            let amount_usd = amount.map_err(|error| wrong("/amountUsd", &error.to_string()))?;
            let credit = NewCredit { tenant_id, amount_usd, reason, period, event_id: None };
            vec![acts::credit(shared, principal, credit).await?.1.slot]
        }
        Verb::Close => {
            let period = period.ok_or_else(|| wrong("/period", "is missing"))?;
            let closed = acts::close(shared, principal, period).await?;
            closed.accepted.into_iter().map(|(_, accepted)| accepted.slot).collect()
        }
    };
    if let Some(last) = slots.last() {
        until_in_force(shared, *last, wish).await;
    }
    Ok(())
}

fn wrong(field: &str, why: &str) -> Problem {
    Problem::invalid(format!("The form has a mistake: {why}.")).field(field, why.to_owned())
}
