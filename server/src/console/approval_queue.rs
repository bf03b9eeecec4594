//! What waits for people: the queue by class, some of it at once, and who approves in whose stead.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use app::backend::{
    ApprovalsQuery, ApprovalsView, DeadRow, DelegationRow, ProposalRow, ReceiverRow, SteadView,
    TogetherRow, TogetherView, Viewer,
};
use domain::access::Action;
use domain::clock::Timestamp;
use domain::pricing::approval::Drift;
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
        open.retain(|row| is_about(query, row));
        let not_looked_at = open.iter().filter(|row| !row.is_looked_at()).count();
        open.retain(|row| is_as_asked(query, row));
        let closed =
            closed.into_iter().map(|case| row(&catalog, case, now, Some(&case.changed), None));
        Ok(ApprovalsView {
            at: now,
            killed: book.is_killed(),
            waiting,
            not_looked_at: u64::try_from(not_looked_at).unwrap_or(u64::MAX),
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
        let row = |case: &Case| {
            let drift = drifts.get(&case.id).map(Vec::as_slice);
            let figures = self.optimizer.figures_at_hand(case);
            row(catalog, case, now, drift, figures.as_ref())
        };
        Ok(open.into_iter().map(row).collect())
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
            let figures = self.optimizer.figures_at_hand(case);
            let figures = figures.as_ref().filter(|_| case.standing(now).is_open());
            let row = row(&catalog, case, now, drift_of(case, &drifts, now), figures);
            let refusal = refusal(case, &row, viewer);
            let voted = has_voted(case, viewer);
            TogetherRow { row: Some(row), id: id.clone(), refusal, voted }
        };
        Ok(TogetherView { at: now, items: ids.iter().map(item).collect() })
    }
}

/// What changed under it: as it is now, or as it was when it was decided. `None`: nobody looked.
fn drift_of<'a>(
    case: &'a Case,
    drifts: &'a BTreeMap<Uuid, Vec<Drift>>,
    now: Timestamp,
) -> Option<&'a [Drift]> {
    let then = (!case.standing(now).is_open()).then_some(&case.changed);
    drifts.get(&case.id).or(then).map(Vec::as_slice)
}

fn unknown(id: &str) -> TogetherRow {
    let refusal = Some("It is not known here.".to_owned());
    TogetherRow { row: None, id: id.to_owned(), refusal, voted: false }
}

/// Of the class that is asked for, and with the text.
fn is_about(query: &ApprovalsQuery, row: &ProposalRow) -> bool {
    let of_class = query.class.is_none_or(|class| class == row.risk);
    let part = query.q.as_deref().unwrap_or_default().trim().to_lowercase();
    let texts = [&row.about, &row.requester, &row.reason, &row.title];
    of_class && (part.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&part)))
}

/// Changed or as proposed, whichever is asked for. What nobody looked at is neither.
fn is_as_asked(query: &ApprovalsQuery, row: &ProposalRow) -> bool {
    query.changed.is_none_or(|changed| row.is_looked_at() && changed == row.has_drifted())
}

/// Why the viewer cannot approve it in one act with others, as far as the page can tell.
fn refusal(case: &Case, row: &ProposalRow, viewer: &Viewer) -> Option<String> {
    let authors = [case.requester(), &case.current().author];
    if !row.state.is_open() {
        Some("It is decided already.".to_owned())
    } else if row.has_drifted() {
        let what = row.changed.as_deref().unwrap_or_default().join("; ");
        Some(format!("What it rests on has changed ({what}): open it, and make a new version."))
    } else if !row.is_looked_at() {
        Some(
            "Whether what it rests on is still so was not looked at: open it to see why."
                .to_owned(),
        )
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

#[cfg(test)]
mod tests {
    use domain::pricing::book::Standing;

    use super::*;

    fn waits(changed: Option<Vec<String>>) -> ProposalRow {
        ProposalRow {
            id: "0192".to_owned(),
            about: "acme".to_owned(),
            title: "Price 100 % → 105 %".to_owned(),
            change: None,
            risk: Risk::Low,
            hash: String::new(),
            effect: None,
            reason: "costs rose".to_owned(),
            requester: "ann".to_owned(),
            opened_at: Timestamp::from_unix_ms(0),
            expires_at: Timestamp::from_unix_ms(1),
            approvals: 0,
            quorum: Some(1),
            state: Standing::Pending,
            changed,
            version: 1,
        }
    }

    #[test]
    fn a_row_beyond_what_is_read_says_so_and_is_neither_changed_nor_as_proposed() {
        let drifted = waits(Some(vec!["Margin: 30 % → 20 %".to_owned()]));
        let rows = [waits(None), waits(Some(Vec::new())), drifted];
        assert_eq!(rows.each_ref().map(ProposalRow::is_looked_at), [false, true, true]);
        let listed = |changed| {
            let query = ApprovalsQuery { changed, ..ApprovalsQuery::default() };
            rows.each_ref().map(|row| is_as_asked(&query, row))
        };
        assert_eq!(listed(None), [true, true, true]);
        assert_eq!(listed(Some(false)), [false, true, false]);
        assert_eq!(listed(Some(true)), [false, false, true]);
        // What was decided is looked at by nobody.
        assert!(ProposalRow { state: Standing::Applied, ..waits(None) }.is_looked_at());
    }
}
