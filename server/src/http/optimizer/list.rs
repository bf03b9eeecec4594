//! Proposals, many or one, and the queue of those that wait for people.

use std::cmp::Reverse;

use axum::Json;
use axum::extract::State;
use domain::access::Action;
use domain::event::TenantId;
use domain::pricing::approval::Drift;
use domain::pricing::book::{Book, Case, Risk, Standing};
use domain::pricing::controls::Subject;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shown::Shown;
use super::{acts, proposal_id};
use crate::http::Shared;
use crate::http::ask::{Asked, Named};
use crate::identity::Principal;
use crate::problem::Problem;

const ITEMS: usize = 100;
const ITEMS_MAX: usize = 1_000;

/// Where proposals stand, as one asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Pending,
    Approved,
    Applied,
    Rejected,
    Expired,
    Stale,
    Superseded,
}

impl Wanted {
    const fn standing(self) -> Standing {
        match self {
            Wanted::Pending => Standing::Pending,
            Wanted::Approved => Standing::Approved,
            Wanted::Applied => Standing::Applied,
            Wanted::Rejected => Standing::Rejected,
            Wanted::Expired => Standing::Expired,
            Wanted::Stale => Standing::Stale,
            Wanted::Superseded => Standing::Superseded,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    tenant: Option<TenantId>,
    standing: Option<Wanted>,
    class: Option<Risk>,
    limit: Option<usize>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueFilters {
    tenant: Option<TenantId>,
    standing: Option<Wanted>,
    class: Option<Risk>,
    /// Those whose facts have changed, or those whose facts have not.
    drifted: Option<bool>,
    limit: Option<usize>,
}

impl Filters {
    fn limit(&self) -> Result<usize, Problem> {
        let limit = self.limit.unwrap_or(ITEMS);
        if (1..=ITEMS_MAX).contains(&limit) {
            return Ok(limit);
        }
        Err(Problem::malformed(format!("limit must be 1 to {ITEMS_MAX}.")))
    }

    /// The newest first.
    fn chosen<'a>(&self, book: &'a Book) -> Vec<Shown<'a>> {
        let now = crate::now();
        let about = self.tenant.clone().map(Subject::Tenant);
        let of_tenant = |case: &Case| about.as_ref().is_none_or(|about| case.subject() == *about);
        let in_state = |case: &Case| {
            self.standing.is_none_or(|wanted| wanted.standing() == case.standing(now))
        };
        let shown = book.cases().filter(|case| of_tenant(case) && in_state(case));
        let shown = shown.map(|case| Shown { book, case, now });
        let mut shown: Vec<Shown<'a>> =
            shown.filter(|it| self.class.is_none_or(|class| it.class() == class)).collect();
        shown.sort_by_key(|shown| Reverse(shown.case.opened_at));
        shown
    }
}

fn page(items: &[Value]) -> Json<Value> {
    Json(json!({ "items": items, "nextCursor": null }))
}

/// The newest first.
pub(super) async fn proposals(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(filters): Asked<Filters>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadPricing)?;
    let limit = filters.limit()?;
    let catalog = shared.projection.catalog();
    let chosen = filters.chosen(catalog.book());
    Ok(page(&chosen.iter().take(limit).map(Shown::row).collect::<Vec<_>>()))
}

/// What waits for people, the oldest first, each with what changed under it.
pub(super) async fn approvals(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(asked): Asked<QueueFilters>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadPricing)?;
    let QueueFilters { tenant, standing, class, drifted, limit } = asked;
    let filters = Filters { tenant, standing, class, limit };
    let limit = filters.limit()?;
    let catalog = shared.projection.catalog();
    let mut open = filters.chosen(catalog.book());
    open.retain(Shown::is_open);
    // Of more than a page holds the newest are shown.
    if drifted.is_none() {
        open.truncate(limit);
    }
    open.reverse();
    let cases: Vec<&Case> = open.iter().map(|shown| shown.case).collect();
    let drifts = shared.optimizer.drifts(&cases).await?;
    let drift_of = |shown: &Shown<'_>| drifts.get(&shown.case.id).map(Vec::as_slice);
    let not_looked_at = open.iter().filter(|shown| drift_of(shown).is_none()).count();
    let wanted = open.iter().filter(|shown| is_asked(drifted, drift_of(shown)));
    let items = wanted.map(|shown| told(shown.row(), drift_of(shown)));
    let Json(mut answer) = page(&items.take(limit).collect::<Vec<_>>());
    answer["notLookedAt"] = json!(not_looked_at);
    Ok(Json(answer))
}

/// What nobody looked at is neither drifted nor not; `notLookedAt` counts it.
fn is_asked(drifted: Option<bool>, drift: Option<&[Drift]>) -> bool {
    drifted.is_none_or(|wanted| drift.is_some_and(|drift| drift.is_empty() != wanted))
}

/// `drifted` is null where nobody looked: too many before it wait, or the usage is too much to read.
fn told(mut row: Value, drift: Option<&[Drift]>) -> Value {
    row["drifted"] = json!(drift.map(|drift| !drift.is_empty()));
    row["drift"] = json!(drift.unwrap_or_default());
    row
}

pub(super) async fn proposal(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadPricing)?;
    let id = proposal_id(&id)?;
    let whole = acts::shown(&shared, id)?;
    let catalog = shared.projection.catalog();
    let case = catalog.book().case(id).filter(|case| case.standing(crate::now()).is_open());
    let Some(case) = case else { return Ok(Json(whole)) };
    Ok(Json(match shared.optimizer.look(case).await?.drift {
        Ok(drift) => told(whole, Some(&drift)),
        Err(why) => {
            let mut whole = told(whole, None);
            whole["notLookedAt"] = json!(why);
            whole
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_and_what_nobody_looked_at_is_not_said_to_be_as_it_was() {
        let drift = [Drift { fact: "margin".to_owned(), then: None, now: None }];
        let drifted = told(json!({}), Some(&drift));
        assert_eq!(
            (&drifted["drifted"], &drifted["drift"][0]["fact"]),
            (&json!(true), &json!("margin"))
        );
        assert_eq!(told(json!({}), Some(&[])), json!({ "drifted": false, "drift": [] }));
        assert_eq!(told(json!({}), None), json!({ "drifted": null, "drift": [] }));
    }

    #[test]
    fn what_nobody_looked_at_is_listed_only_where_nothing_is_asked_about_drift() {
        let drift = [Drift { fact: "margin".to_owned(), then: None, now: None }];
        let listed = |drift| [None, Some(true), Some(false)].map(|asked| is_asked(asked, drift));
        assert_eq!(listed(None), [true, false, false]);
        assert_eq!(listed(Some(&drift[..])), [true, true, false]);
        assert_eq!(listed(Some(&[])), [true, false, true]);
    }
}
