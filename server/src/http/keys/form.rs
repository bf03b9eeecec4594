//! The forms of the page Keys: what browsers without scripts send, and those with.

use axum::extract::State;
use axum::response::Redirect;
use domain::access::Action;
use domain::cloud::Cloud;
use domain::epoch::Reason;
use domain::event::EventId;
use serde::Deserialize;

use super::super::Shared;
use super::{Begin, acts, record_of};
use crate::http::back::{Sent, Word, done, in_form};
use crate::identity::Principal;
use crate::problem::Problem;

const PAGE: &str = "/ledger/keys";

/// What the forms call otherwise than events do.
const FIELDS: [(&str, &str); 1] = [("comment", "reason")];

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    act: Verb,
    /// In the words of who does it.
    #[serde(default)]
    reason: String,
    /// The box that says what was checked; absent when it is not ticked.
    confirmed: Option<String>,
    /// To begin: why, and which epoch.
    why: Option<Reason>,
    epoch: Option<u32>,
    /// To agree: the record's hash.
    record: Option<String>,
    /// To declare gone.
    cloud: Option<Cloud>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Begin,
    Agree,
    Gone,
}

/// Back to the page, which says what is so now or what was wrong.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    Sent { wanted, typed }: Sent<Wanted>,
) -> Result<Redirect, Problem> {
    principal.require(Action::ManageKeys)?;
    if wanted.confirmed.is_none() {
        return Ok(typed.not_confirmed(&shared, PAGE).await);
    }
    match recorded(&shared, &principal, wanted).await {
        Ok(event) => Ok(done(PAGE, event)),
        Err(problem) => {
            let name = |field: &str| in_form(field, &FIELDS);
            typed.refused(&shared, PAGE, problem, Word::Code, name).await
        }
    }
}

/// The decision's event; a cloud that records nothing just now records none.
async fn recorded(
    shared: &Shared,
    principal: &Principal,
    wanted: Wanted,
) -> Result<Option<EventId>, Problem> {
    let Wanted { act, reason: words, why, epoch, record, cloud, .. } = wanted;
    let decided = match act {
        Verb::Begin => {
            let reason = why.ok_or_else(|| missing("why"))?;
            let begin = Begin { reason, comment: words, epoch };
            acts::begin(shared, principal, &begin).await?
        }
        Verb::Agree => {
            let record = record_of(&record.ok_or_else(|| missing("record"))?)?;
            acts::agree(shared, principal, record, &words).await?
        }
        Verb::Gone => {
            let cloud = cloud.ok_or_else(|| missing("cloud"))?;
            acts::declare_gone(shared, principal, cloud, &words).await?
        }
    };
    Ok(decided.decision.map(|decision| decision.event_id))
}

fn missing(field: &str) -> Problem {
    Problem::malformed(format!("The form lacks the field {field}."))
}
