//! The forms of the page Keys: what browsers without scripts send, and those with.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::Redirect;
use domain::access::Action;
use domain::cloud::Cloud;
use domain::epoch::Reason;
use serde::Deserialize;

use super::super::Shared;
use super::{Begin, acts, record_of};
use crate::http::back::read_form;
use crate::identity::{Principal, query_value};
use crate::problem::Problem;

const PAGE: &str = "/ledger/keys";

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
    form: Result<Form<Wanted>, FormRejection>,
) -> Result<Redirect, Problem> {
    principal.require(Action::ManageKeys)?;
    let wanted = read_form(form)?;
    let back = |problem: &str| Redirect::to(&format!("{PAGE}?problem={}", query_value(problem)));
    if wanted.confirmed.is_none() {
        return Ok(back("not_confirmed"));
    }
    match done(&shared, &principal, wanted).await {
        Ok(()) => Ok(Redirect::to(PAGE)),
        Err(problem) if problem.status < 500 || problem.code == "busy" => Ok(back(problem.code)),
        Err(problem) => Err(problem),
    }
}

async fn done(shared: &Shared, principal: &Principal, wanted: Wanted) -> Result<(), Problem> {
    let Wanted { act, reason: words, why, epoch, record, cloud, .. } = wanted;
    match act {
        Verb::Begin => {
            let reason = why.ok_or_else(|| missing("why"))?;
            let begin = Begin { reason, comment: words, epoch };
            acts::begin(shared, principal, &begin).await.map(drop)
        }
        Verb::Agree => {
            let record = record_of(&record.ok_or_else(|| missing("record"))?)?;
            acts::agree(shared, principal, record, &words).await.map(drop)
        }
        Verb::Gone => {
            let cloud = cloud.ok_or_else(|| missing("cloud"))?;
            acts::declare_gone(shared, principal, cloud, &words).await.map(drop)
        }
    }
}

fn missing(field: &str) -> Problem {
    Problem::malformed(format!("The form lacks the field {field}."))
}
