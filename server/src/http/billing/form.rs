//! The forms of the page Billing: what browsers without scripts send, and those with.

use axum::extract::State;
use axum::response::Redirect;
use domain::access::Action;
use domain::billing::Period;
use domain::event::{EventId, TenantId};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::super::Shared;
use super::{NewCredit, acts};
use crate::http::back::{EFFECT_MS, Sent, Word, done, in_form, with};
use crate::http::events::record::{Wish, until_in_force};
use crate::identity::Principal;
use crate::problem::Problem;

const PAGE: &str = "/billing";

/// What the forms call otherwise than events do.
const FIELDS: [(&str, &str); 2] = [("tenantId", "tenant"), ("amountUsd", "amount")];

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
    Sent { wanted, typed }: Sent<Wanted>,
) -> Result<Redirect, Problem> {
    principal.require(Action::EditBilling)?;
    let of_all = wanted.period.map_or_else(|| PAGE.to_owned(), |it| format!("{PAGE}?period={it}"));
    let page = match wanted.tenant.as_str() {
        "" => of_all.clone(),
        tenant => with(&of_all, &[("tenant", tenant.to_owned())]),
    };
    if wanted.act == Verb::Close && wanted.confirmed.is_none() {
        return Ok(typed.not_confirmed(&shared, &page).await);
    }
    match recorded(&shared, &principal, wanted).await {
        Ok(event) => Ok(done(&page, event)),
        Err(problem) => {
            let name = |field: &str| in_form(field, &FIELDS);
            // Where nobody has that id, there is no page of theirs that the form could stand on.
            let nobody = problem.errors.iter().any(|error| error.field == "/tenantId");
            let page = if nobody { of_all } else { page };
            typed.refused(&shared, &page, problem, Word::Field, name).await
        }
    }
}

async fn recorded(
    shared: &Shared,
    principal: &Principal,
    wanted: Wanted,
) -> Result<Option<EventId>, Problem> {
    let Wanted { act, period, tenant, amount, reason, confirmed: _ } = wanted;
    let wish = Wish::final_within(EFFECT_MS);
    let accepted = match act {
        Verb::Credit => {
            let tenant_id = TenantId::try_from(tenant);
            let tenant_id = tenant_id.map_err(|error| wrong("/tenantId", &error.to_string()))?;
            let amount = amount.trim().parse::<Decimal>();
            let amount_usd = amount.map_err(|error| wrong("/amountUsd", &error.to_string()))?;
            let credit = NewCredit { tenant_id, amount_usd, reason, period, event_id: None };
            vec![acts::credit(shared, principal, credit).await?.1]
        }
        Verb::Close => {
            let period = period.ok_or_else(|| wrong("/period", "is missing"))?;
            let closed = acts::close(shared, principal, period).await?;
            closed.accepted.into_iter().map(|(_, accepted)| accepted).collect()
        }
    };
    let last = accepted.last();
    if let Some(last) = last {
        until_in_force(shared, last.slot, wish).await;
    }
    Ok(last.map(|last| last.event_id))
}

fn wrong(field: &str, why: &str) -> Problem {
    Problem::invalid(format!("The form has a mistake: {why}.")).field(field, why.to_owned())
}
