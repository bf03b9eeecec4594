//! The two forms of a held thing's page: what browsers without scripts send, and those with.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::Redirect;
use domain::access::Action;
use serde::Deserialize;

use super::super::Shared;
use super::super::events::record::Wish;
use super::{decide, held_id};
use crate::console::Act;
use crate::http::back::read_form;
use crate::identity::{Principal, query_value};
use crate::problem::Problem;

/// Two clouds that can talk confirm within a second: long enough to show what became of it.
const WAIT_MS: u64 = 5_000;

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    id: String,
    act: Verb,
    #[serde(default)]
    reason: String,
    choice: Option<String>,
    /// The box that says "I have compared"; absent when it is not ticked.
    confirmed: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Release,
    Reject,
}

/// Back to the page, which says what is in force now or what was wrong.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    form: Result<Form<Wanted>, FormRejection>,
) -> Result<Redirect, Problem> {
    principal.require(Action::DecideQuarantine)?;
    let Wanted { id, act, reason, choice, confirmed } = read_form(form)?;
    let page = format!("/ledger/quarantine/{}", held_id(&id)?);
    let back = |problem: &str| Redirect::to(&format!("{page}?problem={}", query_value(problem)));
    if confirmed.is_none() {
        return Ok(back("not_confirmed"));
    }
    let act = match act {
        Verb::Release => Act::Release { choice },
        Verb::Reject => Act::Reject,
    };
    let wish = Wish::final_within(WAIT_MS);
    match decide(&shared, &principal, &id, &act, reason.trim(), wish).await {
        Ok(_) => Ok(Redirect::to(&page)),
        Err(problem) if problem.status < 500 => Ok(back(problem.code)),
        Err(problem) => Err(problem),
    }
}
