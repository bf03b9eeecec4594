//! One proposal with all that was said of it: its versions, its votes, where it stands.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::delegation::Stead;
use super::needs::Needs;
use super::{ENGINE, Told, What};
use crate::catalog::{Edition, Forewarning, Grounds, ProposalApply};
use crate::clock::Timestamp;
use crate::cloud::Cloud;
use crate::event::EventId;
use crate::log::Hash;
use crate::pricing::approval::{
    Actor, ContentHash, Drift, Effect, Input, Proposal, Refusal, State, Vote, are_there, step,
};
use crate::pricing::controls::Subject;

/// A version of a proposal.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    pub version: u32,
    pub hash: Hash,
    pub edition: Edition,
    pub author: Actor,
    pub at: Timestamp,
    pub event_id: EventId,
}

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    Pending,
    /// All that it needs is there.
    Approved,
    /// In force, or was until something replaced it.
    Applied,
    Rejected,
    Expired,
    /// The facts changed before it was executed.
    Stale,
    /// Another proposal about the same took its place.
    Superseded,
}

impl Standing {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Standing::Pending => "pending",
            Standing::Approved => "approved",
            Standing::Applied => "applied",
            Standing::Rejected => "rejected",
            Standing::Expired => "expired",
            Standing::Stale => "stale",
            Standing::Superseded => "superseded",
        }
    }

    /// May people still act on it?
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Standing::Pending | Standing::Approved)
    }
}

/// Something that was said of it, for its history.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub event_id: EventId,
    pub at: Timestamp,
    /// The cloud that recorded it.
    pub origin: Cloud,
    /// Absent: a cloud.
    pub by: Option<Actor>,
    pub kind: StepKind,
    /// Why it changed nothing.
    pub refused: Option<Refusal>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    Opened,
    /// `in_stead_of`: who was away, where a delegate approved.
    Approved {
        version: u32,
        in_stead_of: Option<Actor>,
    },
    Rejected {
        reason: String,
    },
    Modified {
        version: u32,
    },
    /// That version of the proposal became that version of what it is about.
    Applied {
        version: u32,
        hash: Hash,
        result_version: u64,
    },
    Stale,
}

/// A proposal.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub id: Uuid,
    pub grounds: Grounds,
    /// What is foreseen, on grounds of foresight.
    pub foresight: Option<Box<Forewarning>>,
    pub opened_at: Timestamp,
    /// Its versions that were accepted, the first first. Never empty.
    pub versions: Vec<Numbered>,
    pub steps: Vec<Step>,
    /// The facts that changed, if it is stale.
    pub changed: Vec<Drift>,
    /// The version that it became of what it replaces.
    pub result_version: Option<u64>,
    told: Vec<Told>,
    /// Every version that was ever proposed, accepted or not.
    tree: Vec<Numbered>,
    machine: Proposal,
    superseded: bool,
}

impl Case {
    /// `told` in order. `None`: it was never opened, or opened by whom it cannot be.
    pub(super) fn of(id: Uuid, told: Vec<Told>) -> Option<Self> {
        let (opening, open) = told.iter().find_map(|one| match &one.what {
            What::Open(open) => Some((one, open)),
            _ => None,
        })?;
        let by_person = matches!(open.grounds, Grounds::Person | Grounds::Rollback);
        if by_person != opening.by.is_some() {
            return None;
        }
        let requester = opening.by.clone().unwrap_or_else(|| Actor(ENGINE.to_owned()));
        let first = numbered(1, &open.edition, requester.clone(), opening);
        let machine = Proposal::new(
            requester,
            content(first.hash),
            first.edition.facts.clone(),
            u32::MAX,
            first.edition.expires_at,
        );
        let mut case = Case {
            id,
            grounds: open.grounds,
            foresight: open.foresight.clone(),
            opened_at: opening.at(),
            versions: vec![first.clone()],
            steps: Vec::new(),
            changed: Vec::new(),
            result_version: None,
            tree: vec![first],
            machine,
            superseded: false,
            told: Vec::new(),
        };
        case.grow(&told);
        case.told = told;
        Some(case)
    }

    /// Versions made of versions, whichever of them came to be the one in hand.
    fn grow(&mut self, told: &[Told]) {
        for one in told {
            let (What::Modify(modify), Some(by)) = (&one.what, &one.by) else { continue };
            let about = self.subject();
            let seen = self.tree.iter().any(|it| is(it, modify.version, modify.hash));
            if seen && modify.edition.content.subject() == about {
                let version = modify.version.saturating_add(1);
                self.tree.push(numbered(version, &modify.edition, by.clone(), one));
            }
        }
    }

    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.versions[0].edition.content.subject()
    }

    /// The version in hand.
    #[must_use]
    pub fn current(&self) -> &Numbered {
        // `versions` begins with the first and only grows.
        self.versions.last().unwrap_or(&self.versions[0])
    }

    #[must_use]
    pub const fn requester(&self) -> &Actor {
        &self.machine.requester
    }

    /// The state machine as all events leave it.
    #[must_use]
    pub const fn machine(&self) -> &Proposal {
        &self.machine
    }

    /// Who has agreed to the version in hand, in order.
    pub fn approvers(&self) -> impl Iterator<Item = &Actor> {
        self.votes().map(|vote| &vote.person)
    }

    /// The same with who gave each vote: the person, or their delegate.
    pub fn votes(&self) -> impl Iterator<Item = &Vote> {
        self.machine.votes.iter()
    }

    /// How many persons have agreed to the version in hand.
    #[must_use]
    pub fn agreed(&self) -> u32 {
        u32::try_from(self.machine.votes.len()).unwrap_or(u32::MAX)
    }

    /// How many must agree to it. Absent: what it rests on is not known here yet.
    #[must_use]
    pub fn quorum(&self) -> Option<u32> {
        Some(self.machine.quorum).filter(|quorum| *quorum != u32::MAX)
    }

    /// Where it stands at a time.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        if self.result_version.is_some() {
            return Standing::Applied;
        }
        match self.machine.state {
            State::Rejected => Standing::Rejected,
            State::Expired => Standing::Expired,
            State::Stale => Standing::Stale,
            State::Pending
            | State::Approved
            | State::Executing
            | State::Applied
            | State::Unknown => self.open_standing(now),
        }
    }

    fn open_standing(&self, now: Timestamp) -> Standing {
        if self.superseded {
            Standing::Superseded
        } else if now >= self.machine.expires_at {
            Standing::Expired
        } else if self.machine.state == State::Approved {
            Standing::Approved
        } else {
            Standing::Pending
        }
    }

    /// Why what an event says changed nothing.
    #[must_use]
    pub fn refusal_of(&self, event: EventId) -> Option<&Refusal> {
        let step = self.steps.iter().find(|step| step.event_id == event)?;
        step.refused.as_ref()
    }

    /// A version that was ever proposed, accepted or not.
    #[must_use]
    pub fn version_of(&self, version: u32, hash: Hash) -> Option<&Numbered> {
        self.tree.iter().find(|it| is(it, version, hash))
    }

    /// What that version replaces the version of.
    #[must_use]
    pub fn base_of(&self, version: u32, hash: Hash) -> Option<u64> {
        self.version_of(version, hash).map(|numbered| numbered.edition.base_version)
    }

    /// The recorded application that would make it this version, and what it applies.
    pub(super) fn application(
        &self,
        result_version: u64,
    ) -> Option<(&Told, &ProposalApply, &Numbered)> {
        self.told.iter().find_map(|one| {
            let What::Apply(apply) = &one.what else { return None };
            let numbered = self.version_of(apply.version, apply.hash)?;
            let counts = apply.result_version == result_version && one.by.is_none();
            counts.then_some((one, apply, numbered))
        })
    }

    /// Have so many persons agreed to that version who may? `counts`: may this vote be given in
    /// that person's stead?
    pub(super) fn has_approvals(
        &self,
        numbered: &Numbered,
        persons: u32,
        counts: impl Fn(&Vote, &Told) -> bool,
    ) -> bool {
        let votes: BTreeSet<Vote> = self
            .told
            .iter()
            .filter_map(|one| {
                let What::Approve(approve) = &one.what else { return None };
                let by = one.by.clone()?;
                let person = approve.on_behalf_of.clone().unwrap_or_else(|| by.clone());
                let vote = Vote { person, by };
                let may = !vote.involves(self.requester()) && !vote.involves(&numbered.author);
                let is_of_it = is(numbered, approve.version, approve.hash)
                    && one.at() < numbered.edition.expires_at;
                (may && is_of_it && counts(&vote, one)).then_some(vote)
            })
            .collect();
        are_there(&votes, persons as usize)
    }

    /// The event that made it what is in force, or was until something replaced it.
    #[must_use]
    pub fn applied_by(&self) -> Option<EventId> {
        let (told, ..) = self.application(self.result_version?)?;
        Some(told.event_id)
    }

    /// Plays what was said through the state machine.
    pub(super) fn run(&mut self, needs: impl Fn(&Case, &Numbered) -> Needs, stead: &Stead) {
        let told = std::mem::take(&mut self.told);
        self.adopt(needs(self, &self.versions[0]));
        for one in &told {
            let kind = match &one.what {
                What::Open(_) => StepKind::Opened,
                What::Approve(it) => {
                    let in_stead_of = it.on_behalf_of.clone();
                    StepKind::Approved { version: it.version, in_stead_of }
                }
                What::Reject(it) => StepKind::Rejected { reason: it.reason.clone() },
                What::Modify(it) => StepKind::Modified { version: it.version.saturating_add(1) },
                What::Apply(it) => {
                    let (version, hash) = (it.version, it.hash);
                    StepKind::Applied { version, hash, result_version: it.result_version }
                }
                What::Stale(_) => StepKind::Stale,
                What::Switch(_) | What::Delegate(_) | What::Withdraw(_) => continue,
            };
            let refused = self.take(one, stead).err();
            if refused.is_none() && matches!(kind, StepKind::Modified { .. }) {
                self.adopt(needs(self, self.current()));
            }
            let (event_id, at, by) = (one.event_id, one.at(), one.by.clone());
            let origin = one.slot.origin;
            self.steps.push(Step { event_id, at, origin, by, kind, refused });
        }
        self.told = told;
    }

    fn adopt(&mut self, needs: Needs) {
        self.machine.quorum = match needs {
            Needs::Unknown => u32::MAX,
            Needs::Nobody => 0,
            Needs::Persons(persons) => persons,
        };
        if needs == Needs::Nobody {
            self.machine.state = State::Approved;
        }
    }

    fn take(&mut self, one: &Told, stead: &Stead) -> Result<(), Refusal> {
        let by = || one.by.clone().unwrap_or_else(|| Actor(ENGINE.to_owned()));
        let input = match &one.what {
            // Whether it counts is asked of the whole chain of versions.
            What::Open(_)
            | What::Apply(_)
            | What::Switch(_)
            | What::Delegate(_)
            | What::Withdraw(_) => return Ok(()),
            What::Approve(it) => {
                let seen = (it.version, content(it.hash));
                Input::Approve { by: by(), on_behalf_of: it.on_behalf_of.clone(), seen }
            }
            What::Reject(it) => Input::Reject { by: by(), reason: it.reason.clone() },
            What::Modify(it) => return self.modify(one, it.version, it.hash, stead),
            What::Stale(it) => return self.become_stale(it.version, it.hash, &it.changed),
        };
        self.step(one, input, stead)
    }

    fn step(&mut self, one: &Told, input: Input, stead: &Stead) -> Result<(), Refusal> {
        let (machine, effects) = step(self.machine.clone(), &stead.at(one), one.at(), input);
        self.machine = machine;
        let refusal = effects.into_iter().find_map(|effect| match effect {
            Effect::Refuse(refusal) => Some(refusal),
            _ => None,
        });
        refusal.map_or(Ok(()), Err)
    }

    fn modify(
        &mut self,
        one: &Told,
        version: u32,
        hash: Hash,
        stead: &Stead,
    ) -> Result<(), Refusal> {
        if !is(self.current(), version, hash) {
            return Err(Refusal::VersionChanged(self.current().version));
        }
        let made = self.tree.iter().find(|it| it.event_id == one.event_id).cloned();
        let Some(made) = made else { return Err(Refusal::VersionChanged(version)) };
        let (by, facts) = (made.author.clone(), made.edition.facts.clone());
        self.step(one, Input::Edit { by, content: content(made.hash), facts }, stead)?;
        self.machine.expires_at = made.edition.expires_at;
        self.versions.push(made);
        Ok(())
    }

    fn become_stale(&mut self, version: u32, hash: Hash, changed: &[Drift]) -> Result<(), Refusal> {
        if !is(self.current(), version, hash) {
            return Err(Refusal::VersionChanged(self.current().version));
        }
        if !self.machine.state.is_open() {
            return Err(Refusal::Closed(self.machine.state));
        }
        self.machine.state = State::Stale;
        self.changed = changed.to_vec();
        Ok(())
    }

    /// What the chain of versions says of it.
    pub(super) fn close(&mut self, result: Option<u64>, chain_version: u64) {
        self.result_version = result;
        let base = self.current().edition.base_version;
        self.superseded = result.is_none() && base < chain_version;
    }
}

fn is(numbered: &Numbered, version: u32, hash: Hash) -> bool {
    numbered.version == version && numbered.hash == hash
}

fn content(hash: Hash) -> ContentHash {
    ContentHash(hash.0)
}

fn numbered(version: u32, edition: &Edition, author: Actor, one: &Told) -> Numbered {
    let hash = edition.content.hash();
    let (at, event_id) = (one.at(), one.event_id);
    Numbered { version, hash, edition: edition.clone(), author, at, event_id }
}
