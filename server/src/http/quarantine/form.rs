//! The two forms of a held thing's page: what browsers without scripts send, and those with.

use axum::extract::State;
use axum::response::Redirect;
use domain::access::Action;
use serde::Deserialize;

use super::super::Shared;
use super::super::events::record::Wish;
use super::{decide, held_id};
use crate::console::Act;
use crate::http::back::{Sent, Word, done};
use crate::identity::Principal;
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
    Sent { wanted, typed }: Sent<Wanted>,
) -> Result<Redirect, Problem> {
    principal.require(Action::DecideQuarantine)?;
    let Wanted { id, act, reason, choice, confirmed } = wanted;
    let page = format!("/ledger/quarantine/{}", held_id(&id)?);
    if confirmed.is_none() {
        return Ok(typed.not_confirmed(&shared, &page).await);
    }
    let act = match act {
        Verb::Release => Act::Release { choice },
        Verb::Reject => Act::Reject,
    };
    let wish = Wish::final_within(WAIT_MS);
    match decide(&shared, &principal, &id, &act, reason.trim(), wish).await {
        Ok(decided) => Ok(done(&page, decided.decision.map(|decision| decision.event_id))),
        Err(problem) => typed.refused(&shared, &page, problem, Word::Code, str::to_owned).await,
    }
}
