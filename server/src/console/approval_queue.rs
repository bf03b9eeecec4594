//! What waits for people: the queue by class, some of it at once, and who approves in whose stead.

use std::cmp::Reverse;

use app::backend::{
    ApprovalsQuery, ApprovalsView, DeadRow, DelegationRow, ProposalRow, ReceiverRow, SteadView,
    TogetherRow, TogetherView, Viewer,
};
use domain::access::Action;
use domain::clock::Timestamp;
use domain::pricing::book::{Case, Delegation, Risk, TOGETHER_MAX};
use uuid::Uuid;

use super::Console;
use super::approvals::row;
use crate::problem::Problem;
use crate::projection::Catalog;
use crate::webhook::Standing;

/// Decided proposals that the page lists; the others stand in the ledger.
const CLOSED_MAX: usize = 20;

impl Console {
    /// What waits for people, and what was decided lately.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn approvals(
        &self,
        query: &ApprovalsQuery,
        viewer: &Viewer,
    ) -> Result<ApprovalsView, Problem> {
        let now = crate::now();
        let receivers = self.webhooks.standing(now).await?;
        let catalog = self.projection.catalog();
        let book = catalog.book();
        let (open, mut closed): (Vec<&Case>, Vec<&Case>) =
            book.cases().partition(|case| case.standing(now).is_open());
        let waiting = u64::try_from(open.len()).unwrap_or(u64::MAX);
        closed.sort_by_key(|case| Reverse(case.steps.last().map(|step| step.at)));
        closed.truncate(CLOSED_MAX);
        let mut open = self.drifting(&catalog, open, now).await?;
        open.retain(|row| is_wanted(query, row));
        let closed = closed.into_iter().map(|case| row(&catalog, case, now, &case.changed));
        Ok(ApprovalsView {
            at: now,
            killed: book.is_killed(),
            waiting,
            open,
            closed: closed.collect(),
            stead: stead(&catalog, viewer, now),
            receivers: receivers.into_iter().map(receiver_row).collect(),
        })
    }

    /// Rows of what is open, with what changed under each: low risk first, and within a class the one that
    /// is due first.
    async fn drifting(
        &self,
        catalog: &Catalog,
        mut open: Vec<&Case>,
        now: Timestamp,
    ) -> Result<Vec<ProposalRow>, Problem> {
        open.sort_by_key(|case| (catalog.book().risk(case), case.current().edition.expires_at));
        let drifts = self.optimizer.drifts(&open).await?;
        let drift = |case: &Case| drifts.get(&case.id).map(Vec::as_slice).unwrap_or_default();
        Ok(open.into_iter().map(|case| row(catalog, case, now, drift(case))).collect())
    }

    /// Some proposals, each with why it cannot be approved together with others.
    ///
    /// # Errors
    /// The usage cannot be read.
    pub async fn together(&self, ids: &[String], viewer: &Viewer) -> Result<TogetherView, Problem> {
        let now = crate::now();
        let catalog = self.projection.catalog();
        let case_of = |id: &String| id.parse::<Uuid>().ok().and_then(|id| catalog.book().case(id));
        let ids = &ids[..ids.len().min(TOGETHER_MAX)];
        let cases: Vec<&Case> = ids.iter().filter_map(case_of).collect();
        let drifts = self.optimizer.drifts(&cases).await?;
        let item = |id: &String| {
            let Some(case) = case_of(id) else { return unknown(id) };
            let drift = drifts.get(&case.id).unwrap_or(&case.changed);
            let row = row(&catalog, case, now, drift);
            let refusal = refusal(case, &row, viewer);
            let voted = has_voted(case, viewer);
            TogetherRow { row: Some(row), id: id.clone(), refusal, voted }
        };
        Ok(TogetherView { at: now, items: ids.iter().map(item).collect() })
    }
}

fn unknown(id: &str) -> TogetherRow {
    let refusal = Some("It is not known here.".to_owned());
    TogetherRow { row: None, id: id.to_owned(), refusal, voted: false }
}

fn is_wanted(query: &ApprovalsQuery, row: &ProposalRow) -> bool {
    let of_class = query.class.is_none_or(|class| class == row.risk);
    let part = query.q.as_deref().unwrap_or_default().trim().to_lowercase();
    let texts = [&row.about, &row.requester, &row.reason, &row.title];
    let as_asked = query.changed.is_none_or(|changed| changed == row.has_drifted());
    of_class
        && as_asked
        && (part.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&part)))
}

/// Why the viewer cannot approve it in one act with others, as far as the page can tell.
fn refusal(case: &Case, row: &ProposalRow, viewer: &Viewer) -> Option<String> {
    let authors = [case.requester(), &case.current().author];
    if !row.state.is_open() {
        Some("It is decided already.".to_owned())
    } else if row.has_drifted() {
        let what = row.changed.join("; ");
        Some(format!("What it rests on has changed ({what}): open it, and make a new version."))
    } else if row.risk == Risk::High {
        Some("It puts more at stake: it is approved by itself.".to_owned())
    } else if authors.into_iter().any(|author| author.0 == viewer.email) {
        Some("You proposed or last changed it.".to_owned())
    } else if has_voted(case, viewer) {
        Some("You have approved it.".to_owned())
    } else {
        None
    }
}

/// For themself or for another, or another for them.
fn has_voted(case: &Case, viewer: &Viewer) -> bool {
    case.votes().any(|vote| vote.person.0 == viewer.email || vote.by.0 == viewer.email)
}

fn stead(catalog: &Catalog, viewer: &Viewer, now: Timestamp) -> SteadView {
    let open: Vec<&Delegation> =
        catalog.book().delegations().filter(|it| !it.is_over(now)).collect();
    let rows = |own: &dyn Fn(&Delegation) -> bool| -> Vec<DelegationRow> {
        open.iter().filter(|it| own(it)).map(|it| delegation_row(it, now)).collect()
    };
    let may_stand_in = catalog
        .users()
        .map(|user| &user.value)
        .filter(|user| user.active && user.role.may(Action::Propose) && user.login != viewer.email);
    let people = if viewer.may(Action::Approve) {
        may_stand_in.map(|user| user.login.clone()).collect()
    } else {
        Vec::new()
    };
    SteadView {
        given: rows(&|it| it.person.0 == viewer.email),
        taken: rows(&|it| it.delegate.0 == viewer.email),
        people,
    }
}

fn receiver_row(it: Standing) -> ReceiverRow {
    let dead = it.latest_dead.into_iter().map(|dead| DeadRow {
        kind: dead.kind,
        happened_at: dead.happened_at,
        problem: dead.problem,
    });
    ReceiverRow {
        name: it.name,
        place: it.place,
        waiting: it.waiting,
        delivered: it.delivered,
        delivered_at: it.delivered_at,
        problem: it.problem,
        dead: it.dead,
        latest_dead: dead.collect(),
    }
}

fn delegation_row(it: &Delegation, now: Timestamp) -> DelegationRow {
    DelegationRow {
        id: it.id.to_string(),
        person: it.person.to_string(),
        delegate: it.delegate.to_string(),
        from: it.from,
        until: it.until,
        reason: it.reason.clone(),
        holds: it.holds_at(now),
    }
}
