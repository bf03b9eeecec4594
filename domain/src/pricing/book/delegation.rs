//! Who approves in whose stead, and when: dates, and who took what back.
//!
//! A vote counts by the delegations of its own moment. Two questions follow from that:
//!
//! - **Whoever executes, and whoever votes on an execution,** objects to a vote that was given in
//!   somebody's stead after they had taken that back ([`Stead::holds`]): its clock is later than
//!   that of a withdrawal which is FINAL in their own view. Once that is known it stays so.
//! - **What was applied** stays applied, as after a rejection: a withdrawal that becomes final
//!   later comes too late for it, whatever its clock. So an application that is FINAL asks only
//!   whether the vote was ever one's to give ([`Stead::bears`]), and the book does not depend on
//!   the order in which events are learnt.

use crate::clock::{LogicalClock, Timestamp};
use crate::event::{EventId, Slot};
use crate::pricing::approval::{Actor, Delegations, Vote};

use super::{Told, What};

/// One person's word that another approves in their stead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    pub id: EventId,
    /// Who is away.
    pub person: Actor,
    /// Who approves in their stead.
    pub delegate: Actor,
    /// Not before it was told.
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: String,
    pub told_at: Timestamp,
    pub withdrawn_at: Option<Timestamp>,
    /// The event that took it back: the first to say so.
    pub withdrawn_by: Option<EventId>,
    order: (LogicalClock, Slot),
    withdrawn: Option<(LogicalClock, Slot)>,
}

impl Delegation {
    /// Does it hold at a time, as far as is known?
    #[must_use]
    pub fn holds_at(&self, at: Timestamp) -> bool {
        self.lasts(at) && self.withdrawn.is_none()
    }

    /// Is it over for good?
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.withdrawn.is_some() || now >= self.until
    }

    fn lasts(&self, at: Timestamp) -> bool {
        (self.from..self.until).contains(&at)
    }

    /// Had it been given when that was said?
    fn was_given(&self, one: &Told) -> bool {
        self.order < one.order() && self.lasts(one.at())
    }

    fn was_taken_back(&self, one: &Told) -> bool {
        self.withdrawn.is_some_and(|withdrawn| withdrawn < one.order())
    }

    fn is_for(&self, vote: &Vote) -> bool {
        self.person == vote.person && self.delegate == vote.by
    }

    /// `None`: no person's, to themself, or over before it was told.
    fn of(one: &Told) -> Option<Self> {
        let What::Delegate(said) = &one.what else { return None };
        let person = one.by.clone()?;
        let delegate = Actor(said.to.clone());
        let from = said.from.max(one.at());
        (person != delegate && from < said.until).then(|| Delegation {
            id: one.event_id,
            person,
            delegate,
            from,
            until: said.until,
            reason: said.reason.clone(),
            told_at: one.at(),
            withdrawn_at: None,
            withdrawn_by: None,
            order: one.order(),
            withdrawn: None,
        })
    }
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stead(Vec<Delegation>);

impl Stead {
    /// `told` in order. Only who gave a delegation takes it back.
    pub(super) fn of(told: &[Told]) -> Self {
        let mut all: Vec<Delegation> = told.iter().filter_map(Delegation::of).collect();
        for one in told {
            let (What::Withdraw(said), Some(by)) = (&one.what, &one.by) else { continue };
            let about = |it: &&mut Delegation| {
                it.id == said.delegation_id && it.person == *by && it.withdrawn.is_none()
            };
            if let Some(it) = all.iter_mut().find(about) {
                (it.withdrawn, it.withdrawn_at) = (Some(one.order()), Some(one.at()));
                it.withdrawn_by = Some(one.event_id);
            }
        }
        Stead(all)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Delegation> {
        self.0.iter()
    }

    /// Those that held when that was said.
    pub(super) fn at(&self, one: &Told) -> Delegations {
        let held = self.0.iter().filter(|it| it.was_given(one) && !it.was_taken_back(one));
        held.map(|it| (it.person.clone(), it.delegate.clone())).collect()
    }

    /// Those that hold at a time, as far as is known.
    pub(super) fn now(&self, now: Timestamp) -> Delegations {
        let hold = self.0.iter().filter(|it| it.holds_at(now));
        hold.map(|it| (it.person.clone(), it.delegate.clone())).collect()
    }

    /// Was the vote ever one's to give? Once so, always so, whatever else becomes known.
    pub(super) fn bears(&self, vote: &Vote, one: &Told) -> bool {
        vote.is_own() || self.0.iter().any(|it| it.is_for(vote) && it.was_given(one))
    }

    /// The same, and it had not been taken back by then, as far as is known. A withdrawal that is
    /// known stays known.
    pub(super) fn holds(&self, vote: &Vote, one: &Told) -> bool {
        let held = |it: &Delegation| it.was_given(one) && !it.was_taken_back(one);
        vote.is_own() || self.0.iter().any(|it| it.is_for(vote) && held(it))
    }
}
