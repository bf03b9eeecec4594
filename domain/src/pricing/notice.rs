//! What people outside the screens are told of a proposal: that it needs them, and how it ended.
//!
//! Each notice follows from the events of the proposal, so that it can be found again after a
//! restart, and has an id of its own, so that it is told once. The cloud that recorded its event
//! tells it; that a proposal expired no event says, and whoever recorded its opening tells that.

use serde::{Deserialize, Serialize};

use super::book::{Book, Case, Needs, Standing, Step, StepKind};
use crate::clock::Timestamp;
use crate::cloud::Cloud;
use crate::event::EventId;
use crate::log::Hash;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NoticeKind {
    /// Opened, and nobody has to agree.
    #[serde(rename = "proposal.opened")]
    Opened,
    /// A version waits for people.
    #[serde(rename = "proposal.needs_approval")]
    NeedsApproval,
    #[serde(rename = "proposal.rejected")]
    Rejected,
    #[serde(rename = "proposal.expired")]
    Expired,
    /// The facts changed, and nothing was executed.
    #[serde(rename = "proposal.failed")]
    Failed,
    #[serde(rename = "proposal.applied")]
    Applied,
    /// What was in force before is in force again.
    #[serde(rename = "proposal.rolled_back")]
    RolledBack,
}

impl NoticeKind {
    pub const ALL: [NoticeKind; 7] = [
        NoticeKind::Opened,
        NoticeKind::NeedsApproval,
        NoticeKind::Rejected,
        NoticeKind::Expired,
        NoticeKind::Failed,
        NoticeKind::Applied,
        NoticeKind::RolledBack,
    ];

    /// As programs are told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            NoticeKind::Opened => "proposal.opened",
            NoticeKind::NeedsApproval => "proposal.needs_approval",
            NoticeKind::Rejected => "proposal.rejected",
            NoticeKind::Expired => "proposal.expired",
            NoticeKind::Failed => "proposal.failed",
            NoticeKind::Applied => "proposal.applied",
            NoticeKind::RolledBack => "proposal.rolled_back",
        }
    }
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub kind: NoticeKind,
    pub at: Timestamp,
    /// Who tells it.
    pub origin: Cloud,
    /// The event that says so; absent where time did.
    pub event_id: Option<EventId>,
    /// The version of the proposal that it is about, with its hash.
    pub version: u32,
    pub hash: Hash,
}

impl Notice {
    /// The same whoever finds it, and without a full stop. `case`: that it is about.
    #[must_use]
    pub fn id(&self, case: &Case) -> String {
        let kind = self.kind.name().replace('.', "_");
        match self.event_id {
            Some(event) => format!("{kind}_{event}"),
            // Another version has an end of its own.
            None => format!("{kind}_{}_{}", case.id, self.version),
        }
    }
}

/// All that there is to tell of a proposal by now, the first first.
#[must_use]
pub fn notices(book: &Book, case: &Case, now: Timestamp) -> Vec<Notice> {
    let applied_by = case.applied_by();
    let applied_at = case.steps.iter().position(|step| Some(step.event_id) == applied_by);
    let counted = case.steps.iter().enumerate().filter(|(_, step)| step.refused.is_none());
    let mut found: Vec<Notice> = counted
        .filter_map(|(at, step)| {
            let is_over = applied_at.is_some_and(|applied| at > applied);
            of_step(book, case, step, is_over)
        })
        .collect();
    let opened = case.steps.iter().find(|step| step.kind == StepKind::Opened);
    if let Some(opened) = opened.filter(|_| case.standing(now) == Standing::Expired) {
        let current = case.current();
        found.push(Notice {
            kind: NoticeKind::Expired,
            at: current.edition.expires_at,
            origin: opened.origin,
            event_id: None,
            version: current.version,
            hash: current.hash,
        });
    }
    found
}

/// `is_over`: it had been applied by then, so nobody has to agree to another version.
fn of_step(book: &Book, case: &Case, step: &Step, is_over: bool) -> Option<Notice> {
    let current = case.current();
    let (kind, version, hash) = match &step.kind {
        StepKind::Opened if !is_over => of_version(book, case, 1)?,
        StepKind::Modified { version } if !is_over => of_version(book, case, *version)?,
        StepKind::Rejected { .. } => (NoticeKind::Rejected, current.version, current.hash),
        StepKind::Stale => (NoticeKind::Failed, current.version, current.hash),
        StepKind::Applied { version, hash, .. } if case.applied_by() == Some(step.event_id) => {
            let back = case.grounds.takes_back();
            let kind = if back { NoticeKind::RolledBack } else { NoticeKind::Applied };
            (kind, *version, *hash)
        }
        // One more has agreed; or it has no effect.
        StepKind::Opened
        | StepKind::Modified { .. }
        | StepKind::Approved { .. }
        | StepKind::Applied { .. } => return None,
    };
    let (at, origin, event_id) = (step.at, step.origin, Some(step.event_id));
    Some(Notice { kind, at, origin, event_id, version, hash })
}

/// Whether people must agree to a version. `None`: what it rests on is not known here yet.
fn of_version(book: &Book, case: &Case, version: u32) -> Option<(NoticeKind, u32, Hash)> {
    let numbered = case.versions.iter().find(|it| it.version == version)?;
    let kind = match book.needs(case, numbered, numbered.at) {
        Needs::Unknown => return None,
        Needs::Nobody | Needs::Persons(0) => NoticeKind::Opened,
        Needs::Persons(_) => NoticeKind::NeedsApproval,
    };
    Some((kind, numbered.version, numbered.hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_called_the_same_in_json_and_in_its_id() {
        for kind in NoticeKind::ALL {
            let json = serde_json::to_value(kind).expect("serializes");
            assert_eq!(json, kind.name());
        }
    }
}
