//! A proposal that waits for people: versions, votes, expiry, execution exactly once.
//!
//! [`step`] is the whole machine: state and input in, state and effects out. The caller records and
//! executes effects and feeds back what became of them.
//!
//! - Approvals bind to a version and the hash of its content; an edit makes a new version and voids
//!   them.
//! - Four eyes: neither the requester nor the last editor counts, for themself, for another, or
//!   through a delegate. One vote a person; [`are_there`] says so of votes in any order.
//! - Any rejection is final, and says why.
//! - On execution the money facts are looked at again. If they changed, nothing is executed, and
//!   the proposal says what changed.
//! - A change whose outcome is unknown is never tried again by itself.
//!
//! Sources: approval flows of GitHub environments, PostHog, Flagsmith (issue 4465: an edit after an
//! approval), Pricefx (delegation).

mod step;
mod vote;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::economics::EconomicsError;
use crate::economics::quantity::count;

pub use step::step;
pub use vote::{Vote, are_there};

/// The content of a proposal by its hash: SHA-256 of its canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(pub [u8; 32]);

/// A person or a program, by login.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(pub String);

impl fmt::Display for Actor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What the decision rests on: the live price's version, margin, cost and whatever else would
/// make it another decision. A fact by name.
pub type Facts = BTreeMap<String, Decimal>;

/// Who may act for whom: whoever is away, and their delegate. One may have several, and act for
/// several.
pub type Delegations = BTreeSet<(Actor, Actor)>;

/// Who changed what, and how many must agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    pub version: u32,
    pub content: ContentHash,
    pub requester: Actor,
    /// Who edited last, if anybody did.
    pub editor: Option<Actor>,
    /// On this version, in order.
    pub votes: Vec<Vote>,
    /// Persons who must agree.
    pub quorum: u32,
    /// From this instant on it is expired.
    pub expires_at: Timestamp,
    pub facts: Facts,
    pub state: State,
}

/// How far a proposal has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Pending,
    Approved,
    /// Handed out for execution; its outcome is awaited.
    Executing,
    Applied,
    /// Handed out, and nobody knows whether it happened. A person must say.
    Unknown,
    Rejected,
    Expired,
    /// The facts changed before it was executed.
    Stale,
}

impl State {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Approved => "approved",
            State::Executing => "executing",
            State::Applied => "applied",
            State::Unknown => "unknown",
            State::Rejected => "rejected",
            State::Expired => "expired",
            State::Stale => "stale",
        }
    }

    /// May people still act on it?
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, State::Pending | State::Approved)
    }
}

impl Proposal {
    /// The first version. A program that proposes has no vote either.
    #[must_use]
    pub const fn new(
        requester: Actor,
        content: ContentHash,
        facts: Facts,
        quorum: u32,
        expires_at: Timestamp,
    ) -> Self {
        Proposal {
            version: 1,
            content,
            requester,
            editor: None,
            votes: Vec::new(),
            quorum,
            expires_at,
            facts,
            state: State::Pending,
        }
    }
}

/// What somebody does, or what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Approve {
        by: Actor,
        /// Whose delegate `by` is, if not acting for themself.
        on_behalf_of: Option<Actor>,
        /// The version and content that they saw.
        seen: (u32, ContentHash),
    },
    Reject {
        by: Actor,
        reason: String,
    },
    /// A new content, resting on the facts of now.
    Edit {
        by: Actor,
        content: ContentHash,
        facts: Facts,
    },
    /// Execute it, if the facts are still those that were decided on.
    Apply {
        facts: Facts,
    },
    /// What became of an execution.
    Executed(Execution),
    /// A person has found out what became of an execution whose outcome was unknown.
    Resolve {
        by: Actor,
        happened: bool,
    },
    /// Nothing but time: what is due expires.
    Tick,
}

/// What became of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    Done,
    /// It certainly did not happen, and may be tried again.
    NotDone,
    Unknown,
}

/// What the caller must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Record that the proposal is in this state now; every step is a ledger event.
    Record(Recorded),
    /// Execute this version. It is asked for once; a repeat would carry the same version and
    /// content.
    Execute { version: u32, content: ContentHash },
    /// Tell who asked why it was not done. The input changed nothing.
    Refuse(Refusal),
}

/// What is recorded of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    Vote(Vote),
    Edited {
        by: Actor,
        version: u32,
    },
    Rejected {
        by: Actor,
        reason: String,
    },
    Resolved {
        by: Actor,
        happened: bool,
    },
    /// The facts that changed.
    Stale(Vec<Drift>),
    /// Approved, executing, applied, not done, unknown, expired: nobody's act but the machine's.
    Entered(State),
}

/// A fact that is no longer what was decided on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drift {
    pub fact: String,
    pub then: Option<Decimal>,
    pub now: Option<Decimal>,
}

/// Why an input changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the proposal is {} and takes no more of this", .0.name())]
    Closed(State),
    #[error("who requested or last edited a proposal does not approve it, nor does a delegate")]
    SelfApproval,
    #[error("one person has one vote, for themself or as a delegate")]
    Duplicate,
    #[error("{by} is not the delegate of {principal}")]
    NotDelegate { by: Actor, principal: Actor },
    #[error("the proposal was changed since it was looked at; look at version {0}")]
    VersionChanged(u32),
    #[error("a rejection says why")]
    ReasonRequired,
    #[error("{votes} of {quorum} approvals are there")]
    NotApproved { votes: usize, quorum: u32 },
    #[error("the facts changed; nothing was executed")]
    Stale,
    #[error("nothing is being executed")]
    NotExecuting,
}

/// How many must agree, by the size of the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<QuorumStep>", into = "Vec<QuorumStep>")]
pub struct Quorum(Vec<QuorumStep>);

/// Changes up to and including this need so many persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuorumStep {
    /// Relative, either way; absent: all larger ones.
    pub up_to: Option<Decimal>,
    pub persons: u32,
}

/// Nobody staffs more steps or asks more persons.
const QUORUM_STEPS_MAX: usize = 10;
const PERSONS_MAX: u32 = 20;

impl Quorum {
    /// # Errors
    /// No steps; bounds that do not rise to a last step without one; a larger change that needs
    /// fewer persons; no person at all, or more than 20.
    pub fn new(steps: Vec<QuorumStep>) -> Result<Self, EconomicsError> {
        count("steps of a quorum", steps.len(), 1, QUORUM_STEPS_MAX, "nobody staffs more")?;
        let bounds = |pair: &[QuorumStep]| {
            let end = pair[1].up_to;
            pair[0].up_to.is_some_and(|bound| end.is_none_or(|end| bound < end))
                && pair[0].persons <= pair[1].persons
        };
        let persons = |step: &QuorumStep| (1..=PERSONS_MAX).contains(&step.persons);
        let open = steps.last().is_some_and(|step| step.up_to.is_none());
        if steps.windows(2).all(bounds) && steps.iter().all(persons) && open {
            return Ok(Quorum(steps));
        }
        let problem = "must rise to a last step without bound, with 1 to 20 persons";
        Err(EconomicsError::Inconsistent { what: "the quorum", problem })
    }

    /// Steps that stand in the program.
    pub(super) const fn of_fixed_steps(steps: Vec<QuorumStep>) -> Self {
        Quorum(steps)
    }

    /// From the smallest change on.
    #[must_use]
    pub fn steps(&self) -> &[QuorumStep] {
        &self.0
    }

    /// The persons that a relative change needs.
    #[must_use]
    pub fn persons(&self, change: Decimal) -> u32 {
        let size = change.abs();
        let step = self.0.iter().find(|step| step.up_to.is_none_or(|bound| size <= bound));
        // The last step has no bound, so one is always found.
        step.map_or(PERSONS_MAX, |step| step.persons)
    }
}

impl TryFrom<Vec<QuorumStep>> for Quorum {
    type Error = EconomicsError;

    fn try_from(steps: Vec<QuorumStep>) -> Result<Self, EconomicsError> {
        Quorum::new(steps)
    }
}

impl From<Quorum> for Vec<QuorumStep> {
    fn from(quorum: Quorum) -> Self {
        quorum.0
    }
}

#[cfg(test)]
mod tests;
