//! What no door lets through: a list price that others have to agree to first, whoever sends it and
//! however, and what only the clouds say in one.

use axum::http::StatusCode;
use domain::catalog::{Known, PricePut};
use domain::clock::Timestamp;
use serde_json::Value;

use crate::economics::Against;
use crate::problem::Problem;
use crate::projection::Catalog;

/// Of any payload, before it is recorded for somebody. By what is FINAL here.
pub(in crate::http) fn refuse_unagreed(
    payload: &[u8],
    catalog: &Catalog,
    now: Timestamp,
) -> Result<(), Problem> {
    let Ok(value) = serde_json::from_slice::<Value>(payload) else { return Ok(()) };
    match Known::read(&value) {
        Ok(Some(Known::PricePut(price))) => refuse_price(&price, catalog, now).map_err(of_payload),
        _ => Ok(()),
    }
}

/// Of the contents that somebody chooses among several under one id. What people agreed to stands.
pub(in crate::http) fn refuse_unagreed_choice(
    payload: &[u8],
    catalog: &Catalog,
    now: Timestamp,
) -> Result<(), Problem> {
    let Ok(value) = serde_json::from_slice::<Value>(payload) else { return Ok(()) };
    let Ok(Some(Known::PricePut(price))) = Known::read(&value) else { return Ok(()) };
    let agreed = catalog.book().list_prices().any(|(_, applied)| applied.value == price);
    if agreed { Ok(()) } else { refuse_price(&price, catalog, now) }
}

fn of_payload(mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        error.field = format!("/payload{}", error.field);
    }
    problem
}

fn refuse_price(price: &PricePut, catalog: &Catalog, now: Timestamp) -> Result<(), Problem> {
    if price.proposal_id.is_some() {
        let problem = Problem::invalid("The clouds say themselves which proposal was agreed to.");
        return Err(problem.field("/proposalId", "must be left out"));
    }
    let PricePut { tier, provider, model, effective_from: from, .. } = price;
    let there = catalog.price_at(tier, provider, model, *from);
    let there = there.map(|there| &there.value).filter(|there| there.effective_from == *from);
    if price.withdrawn {
        not_begun(price, there, now)?;
    }
    let is_agreed = there.is_some_and(|there| there.proposal_id.is_some());
    if is_agreed && price.reason.is_none() {
        let problem = Problem::invalid("Several people agreed to the price that it replaces.");
        return Err(problem.field("/reason", "must say why it does not stay"));
    }
    let Some(then) = charged_then(price, catalog) else { return Ok(()) };
    let against = Against::of(catalog, &then, now);
    let is_change = !against.beside.is_first() && !against.beside.goes_on(&then);
    if is_change && catalog.book().is_killed() {
        return Err(stopped());
    }
    match against.persons(catalog, &then) {
        0 | 1 => Ok(()),
        persons => Err(unagreed(persons)),
    }
}

/// What would be charged from its beginning on: of one that is withdrawn, what counts before it; absent:
/// nothing.
fn charged_then(price: &PricePut, catalog: &Catalog) -> Option<PricePut> {
    if !price.withdrawn {
        return Some(price.clone());
    }
    let PricePut { tier, provider, model, effective_from, .. } = price;
    let moment_before = Timestamp::from_unix_ms(effective_from.unix_ms().saturating_sub(1));
    let before = catalog.price_at(tier, provider, model, moment_before)?;
    Some(PricePut { effective_from: *effective_from, ..before.value.clone() })
}

fn stopped() -> Problem {
    let detail = "The kill switch is on, so no list price that counts is changed. Nothing was recorded. \
                  Propose it, and it waits until the switch is off; or send it again then.";
    Problem::new(StatusCode::CONFLICT, "kill_switch", "Price changes are stopped", detail)
}

fn unagreed(persons: u32) -> Problem {
    let detail = format!(
        "It moves bills so far that {persons} people have to agree, beside whoever wants it. Nothing was \
         recorded. Propose it: by POST /v1/proposals with {{\"listPrice\": …, \"reason\": …}}, or on the page \
         /optimizer/tiers/price."
    );
    let title = "Others have to agree to it first";
    Problem::new(StatusCode::CONFLICT, "approval_needed", title, detail)
}

/// Only a price that is there and has not begun is withdrawn: what was used under one is charged by it.
fn not_begun(price: &PricePut, there: Option<&PricePut>, now: Timestamp) -> Result<(), Problem> {
    let PricePut { provider, model, effective_from: from, .. } = price;
    if *from <= now {
        let detail = format!("It counts since {from}. Set another price instead.");
        let (code, title) = ("has_begun", "That price has begun");
        let problem = Problem::new(StatusCode::CONFLICT, code, title, detail);
        return Err(problem.field("/effectiveFrom", "is past"));
    }
    if there.is_some() {
        return Ok(());
    }
    let problem = Problem::invalid(format!("No price of {provider}/{model} begins then."));
    Err(problem.field("/effectiveFrom", "is when no price of it begins"))
}
