//! Why an act about a proposal came to nothing, as problems with codes of their own.

use axum::http::StatusCode;
use domain::clock::Timestamp;
use domain::pricing::approval::{Drift, Refusal};
use domain::pricing::book::{Book, Case, Standing, Step, StepKind};
use domain::pricing::controls::Subject;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::delegations::not_delegate;
use crate::economics::SimulateError;
use crate::optimizer::{FactsError, OptimizerError, RunError, not_looked_at as why_not_looked_at};
use crate::problem::Problem;

fn conflict(code: &'static str, title: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, title, detail)
}

/// It takes no more of this: who closed it, or what, and when.
pub(super) fn closed(book: &Book, case: &Case, standing: Standing) -> Problem {
    let other = superseder(book, case).filter(|_| standing == Standing::Superseded);
    let (code, detail) = match standing {
        Standing::Pending | Standing::Approved => {
            ("closed", "It cannot be decided about just now.".to_owned())
        }
        Standing::Applied => {
            ("applied", format!("{} Take it back by a rollback.", applied_words(case)))
        }
        Standing::Rejected => ("rejected", format!("{} Propose it anew.", rejected_words(case))),
        Standing::Expired => {
            let until = case.current().edition.expires_at;
            (
                "expired",
                format!("It waited until {} and has expired. Propose it anew.", moment(until)),
            )
        }
        Standing::Stale => ("facts_changed", stale_words(case)),
        Standing::Superseded => {
            let which = other.map_or_else(String::new, |(id, at)| {
                format!(" at {}: the proposal {id}", moment(at))
            });
            let detail =
                format!("Another change of the same took its place{which}. Propose it anew.");
            ("superseded", detail)
        }
    };
    let problem = conflict(code, "The proposal is closed", detail)
        .field("/state", format!("is {} now", standing.name()));
    problem.proposal(other.map_or(case.id, |(id, _)| id))
}

/// What was put in force upon the version that the proposal would have replaced, and when.
fn superseder(book: &Book, case: &Case) -> Option<(Uuid, Timestamp)> {
    let base = usize::try_from(case.current().edition.base_version).ok()?;
    match case.subject() {
        Subject::Policy => book.policies().iter().nth(base).map(|it| (it.proposal_id, it.at)),
        Subject::Routing => book.shares().iter().nth(base).map(|it| (it.proposal_id, it.at)),
        Subject::Tenant(tenant) => {
            book.chain(&tenant)?.iter().nth(base).map(|it| (it.proposal_id, it.at))
        }
        Subject::ListPrice(product) => {
            book.list_chain(&product)?.iter().nth(base).map(|it| (it.proposal_id, it.at))
        }
    }
}

/// `2026-11-25 14:03:07 UTC`.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let second = text.split('.').next().unwrap_or_default().trim_end_matches('Z');
    format!("{} UTC", second.replace('T', " "))
}

/// One is open about the same: whose it is, since when, and where.
pub(super) fn already_open(there: &Case) -> Problem {
    let (id, by) = (there.id, there.requester());
    let detail = format!(
        "{by} opened the proposal {id} about the same at {}, and it is open. Decide about it, or modify it.",
        moment(there.opened_at)
    );
    conflict("already_open", "One is open already", detail)
        .field("/proposalId", id.to_string())
        .proposal(id)
}

/// Nobody can say whether what it rests on is still so, so nobody approves it.
pub(super) fn not_looked_at(why: &str) -> Problem {
    let detail = format!(
        "Whether what it rests on is still so was not looked at: {why}. Until it can be, nobody approves it; \
         it can be rejected."
    );
    conflict("not_looked_at", "Its facts were not looked at", detail)
}

/// The step that counted and is of that kind.
fn step_of(case: &Case, is_it: impl Fn(&Step) -> bool) -> Option<&Step> {
    case.steps.iter().find(|step| step.refused.is_none() && is_it(step))
}

fn applied_words(case: &Case) -> String {
    let by = case.applied_by();
    let applied = step_of(case, |step| Some(step.event_id) == by);
    let approvers: Vec<String> = case.approvers().map(ToString::to_string).collect();
    let who = if approvers.is_empty() {
        String::new()
    } else {
        format!(", approved by {}", approvers.join(" and "))
    };
    match applied {
        Some(step) => format!("It was applied already, at {}{who}.", moment(step.at)),
        None => format!("It is applied already{who}."),
    }
}

fn rejected_words(case: &Case) -> String {
    let rejected = step_of(case, |step| matches!(step.kind, StepKind::Rejected { .. }));
    let Some(step) = rejected else { return "Somebody has rejected it.".to_owned() };
    let who = step.by.as_ref().map_or_else(|| "Somebody".to_owned(), ToString::to_string);
    format!("{who} rejected it already, at {}.", moment(step.at))
}

fn stale_words(case: &Case) -> String {
    let found = step_of(case, |step| step.kind == StepKind::Stale);
    let at = found.map(|step| format!(", as was found at {}", moment(step.at))).unwrap_or_default();
    format!("What it rested on has changed{at}, so nothing was executed. Propose it anew.")
}

pub(super) fn version_changed(case: &Case) -> Problem {
    let current = case.current();
    let detail = format!(
        "{} changed it since you looked: version {}, made at {}, is in hand. Look at it first.",
        current.author,
        current.version,
        moment(current.at)
    );
    not_in_hand(case, "The proposal was changed", detail)
}

/// A version and a hash that never belonged to this proposal were not changed by anybody.
pub(super) fn no_such_version(case: &Case, asked: u32) -> Problem {
    let current = case.current();
    let detail = format!(
        "Version {asked} with that hash was never made. Version {}, made by {} at {}, is in hand. Look at \
         it first.",
        current.version,
        current.author,
        moment(current.at)
    );
    not_in_hand(case, "There is no such version", detail)
}

fn not_in_hand(case: &Case, title: &'static str, detail: String) -> Problem {
    let current = case.current();
    conflict("version_changed", title, detail)
        .field("/version", format!("is {} now", current.version))
        .field("/hash", format!("is {} now", current.hash))
        .proposal(case.id)
}

/// Nothing was executed, and this is why.
pub(super) fn facts_changed(changed: &[Drift]) -> Problem {
    let told: Vec<String> = changed.iter().map(sentence).collect();
    let detail = format!(
        "What it rests on has changed, so nothing was executed: {}. Make a new version of it, which rests on \
         the facts of now, or reject it.",
        told.join("; ")
    );
    let problem = conflict("facts_changed", "The facts changed", detail);
    changed.iter().fold(problem, |problem, drift| {
        problem.field(format!("/facts/{}", drift.fact), sentence(drift))
    })
}

fn sentence(drift: &Drift) -> String {
    let is_share = matches!(drift.fact.as_str(), "margin" | "costOfList");
    let percent = |share: &Decimal| (*share * Decimal::ONE_HUNDRED).round_dp(2).normalize();
    let told = |number: &Decimal| {
        if is_share { format!("{} %", percent(number)) } else { number.to_string() }
    };
    match (&drift.then, &drift.now) {
        (Some(then), Some(now)) => {
            format!("{} was {} and is {}", drift.fact, told(then), told(now))
        }
        (Some(then), None) => format!("{} was {} and is gone", drift.fact, told(then)),
        (None, Some(now)) => format!("{} is {} and was not there", drift.fact, told(now)),
        (None, None) => format!("{} changed", drift.fact),
    }
}

pub(super) fn refused(book: &Book, refusal: &Refusal, case: &Case) -> Problem {
    match refusal {
        Refusal::Closed(_) => match case.standing(crate::now()) {
            // Closed for the machine, and its end not yet told.
            standing if standing.is_open() => closed(book, case, Standing::Approved),
            standing => closed(book, case, standing),
        },
        Refusal::VersionChanged(_) => version_changed(case),
        Refusal::SelfApproval => Problem::new(
            StatusCode::FORBIDDEN,
            "four_eyes",
            "Somebody else must approve this",
            "Who proposed or last changed it does not approve it, for themself or for anybody, nor does \
             anybody in their stead. Ask another admin.",
        ),
        Refusal::Duplicate => conflict(
            "already_approved",
            "You have approved this",
            "One person has one vote, for themself or through a delegate, and this one is given already. \
             It waits for others, or to be applied.",
        ),
        Refusal::ReasonRequired => {
            Problem::invalid("A rejection says why.").field("/reason", "must not be blank")
        }
        Refusal::Stale => facts_changed(&case.changed),
        Refusal::NotDelegate { .. } => not_delegate(format!("{refusal} now.")),
        Refusal::NotApproved { .. } | Refusal::NotExecuting => {
            conflict("not_now", "Not just now", format!("{refusal}."))
        }
    }
}

impl From<OptimizerError> for Problem {
    fn from(error: OptimizerError) -> Problem {
        match error {
            OptimizerError::Figures(SimulateError::TooMuchUsage { .. }) => {
                not_looked_at(&why_not_looked_at(&error))
            }
            OptimizerError::Figures(cause) => cause.into(),
            OptimizerError::Database(cause) => Problem::database(&cause),
            OptimizerError::Grant(cause) if cause.is_retryable() => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "no_quorum",
                "The clouds cannot decide just now",
                "Fewer than two clouds answer. Nothing was done; try again in a moment.",
            )
            .retry_after(2)
            .internal(cause),
            other => Problem::fault(other),
        }
    }
}

impl From<FactsError> for Problem {
    fn from(error: FactsError) -> Problem {
        let detail = format!("{error}.");
        match error {
            FactsError::UnknownTenant(_) => {
                Problem::invalid(detail).field("/tenantId", "must be a tenant that is known")
            }
            FactsError::Inactive(_) => {
                let detail = format!("{detail} An admin makes it active on its page first.");
                conflict("tenant_inactive", "The tenant is not active", detail)
                    .field("/tenantId", "is not active")
            }
            FactsError::Optimizer(cause) => cause.into(),
        }
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Problem {
        let detail = format!("{error}.");
        match error {
            RunError::Elsewhere { .. } => conflict("running_elsewhere", "It runs already", detail),
            RunError::NothingToSay => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "no_usage",
                "Nothing to look at",
                "No usage of the policy's window has both a provider price and a tier price.",
            ),
            RunError::Economics(cause) => crate::economics::absurd(&cause),
            RunError::Optimizer(cause) => cause.into(),
        }
    }
}
