//! What people decided about shares of the traffic: each change with who decided it, and the proposal
//! that waits.

use domain::clock::Timestamp;
use domain::fabric::shares::Shares;
use domain::pricing::book::{Applied, Book, Case};
use domain::pricing::controls::{Content, Subject};
use serde_json::{Value, json};

/// A change of the shares that became final.
#[derive(Clone, Debug)]
pub struct SharesChange<'a> {
    pub version: u64,
    pub before: Shares,
    pub applied: &'a Applied<Shares>,
    /// The proposal that it came of.
    pub case: Option<&'a Case>,
}

/// The newest first.
pub fn changes(book: &Book) -> impl Iterator<Item = SharesChange<'_>> {
    let chain = book.shares();
    let last = chain.version();
    let versions = (0..last).map(move |back| last - back);
    versions.zip(chain.iter().rev()).map(move |(version, applied)| SharesChange {
        version,
        before: chain.shares(version - 1).unwrap_or_default(),
        applied,
        case: book.case(applied.proposal_id),
    })
}

/// The open proposal about shares: while there is one, no other is taken.
#[must_use]
pub fn waiting(book: &Book, now: Timestamp) -> Option<(&Case, &Shares)> {
    let case = book.open_about(&Subject::Routing, now)?;
    match &case.current().edition.content {
        Content::Routing { shares } => Some((case, shares)),
        Content::Controls { .. } | Content::Policy { .. } | Content::ListPrice { .. } => None,
    }
}

impl SharesChange<'_> {
    /// As programs are told.
    #[must_use]
    pub fn told(&self) -> Value {
        let approved: Vec<_> = self.case.iter().flat_map(|case| case.votes()).collect();
        json!({
            "version": self.version, "at": self.applied.at, "eventId": self.applied.event_id,
            "proposalId": self.applied.proposal_id, "grounds": self.applied.grounds,
            "before": self.before, "after": self.applied.value,
            "proposedBy": self.case.map(Case::requester), "approvedBy": approved,
            "reason": self.case.map(|case| &case.current().edition.reason),
        })
    }
}

/// As programs are told.
#[must_use]
pub fn told_waiting((case, shares): (&Case, &Shares)) -> Value {
    json!({
        "proposalId": case.id, "shares": shares, "grounds": case.grounds,
        "proposedBy": case.requester(), "openedAt": case.opened_at,
    })
}
