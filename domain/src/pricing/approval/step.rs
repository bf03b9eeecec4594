//! The transitions of a proposal.

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::pricing::approval::{
    Actor, ContentHash, Delegations, Drift, Effect, Execution, Facts, Input, Proposal, Recorded,
    Refusal, State, Vote,
};

/// One step. Expiry is looked at before the input is.
#[must_use]
pub fn step(
    mut proposal: Proposal,
    delegations: &Delegations,
    at: Timestamp,
    input: Input,
) -> (Proposal, Vec<Effect>) {
    let mut effects = Vec::new();
    if proposal.state.is_open() && at >= proposal.expires_at {
        enter(&mut proposal, State::Expired, &mut effects);
    }
    let taken = match input {
        Input::Approve { by, on_behalf_of, seen } => {
            approve(&mut proposal, delegations, by, on_behalf_of, seen, &mut effects)
        }
        Input::Reject { by, reason } => reject(&mut proposal, by, reason, &mut effects),
        Input::Edit { by, content, facts } => edit(&mut proposal, by, content, facts, &mut effects),
        Input::Apply { facts } => apply(&mut proposal, &facts, &mut effects),
        Input::Executed(execution) => executed(&mut proposal, execution, &mut effects),
        Input::Resolve { by, happened } => resolve(&mut proposal, by, happened, &mut effects),
        Input::Tick => Ok(()),
    };
    if let Err(refusal) = taken {
        effects.push(Effect::Refuse(refusal));
    }
    (proposal, effects)
}

fn enter(proposal: &mut Proposal, state: State, effects: &mut Vec<Effect>) {
    proposal.state = state;
    effects.push(Effect::Record(Recorded::Entered(state)));
}

fn must_be_open(proposal: &Proposal) -> Result<(), Refusal> {
    if proposal.state.is_open() { Ok(()) } else { Err(Refusal::Closed(proposal.state)) }
}

fn approve(
    proposal: &mut Proposal,
    delegations: &Delegations,
    by: Actor,
    on_behalf_of: Option<Actor>,
    seen: (u32, ContentHash),
    effects: &mut Vec<Effect>,
) -> Result<(), Refusal> {
    must_be_open(proposal)?;
    let person = on_behalf_of.unwrap_or_else(|| by.clone());
    let vote = Vote { person, by };
    if !vote.is_own() && !delegations.contains(&(vote.person.clone(), vote.by.clone())) {
        let Vote { person: principal, by } = vote;
        return Err(Refusal::NotDelegate { by, principal });
    }
    let authors = [Some(&proposal.requester), proposal.editor.as_ref()];
    if authors.into_iter().flatten().any(|author| vote.involves(author)) {
        return Err(Refusal::SelfApproval);
    }
    let voted = |earlier: &Vote| earlier.involves(&vote.person) || earlier.involves(&vote.by);
    if proposal.votes.iter().any(voted) {
        return Err(Refusal::Duplicate);
    }
    if seen != (proposal.version, proposal.content) {
        return Err(Refusal::VersionChanged(proposal.version));
    }
    proposal.votes.push(vote.clone());
    effects.push(Effect::Record(Recorded::Vote(vote)));
    if proposal.state == State::Pending && has_quorum(proposal) {
        enter(proposal, State::Approved, effects);
    }
    Ok(())
}

/// Votes are of distinct persons, so their number is that of persons.
fn has_quorum(proposal: &Proposal) -> bool {
    u32::try_from(proposal.votes.len()).is_ok_and(|votes| votes >= proposal.quorum)
}

fn reject(
    proposal: &mut Proposal,
    by: Actor,
    reason: String,
    effects: &mut Vec<Effect>,
) -> Result<(), Refusal> {
    must_be_open(proposal)?;
    if reason.trim().is_empty() {
        return Err(Refusal::ReasonRequired);
    }
    proposal.state = State::Rejected;
    effects.push(Effect::Record(Recorded::Rejected { by, reason }));
    Ok(())
}

fn edit(
    proposal: &mut Proposal,
    by: Actor,
    content: ContentHash,
    facts: Facts,
    effects: &mut Vec<Effect>,
) -> Result<(), Refusal> {
    must_be_open(proposal)?;
    proposal.version = proposal.version.saturating_add(1);
    proposal.content = content;
    proposal.facts = facts;
    proposal.editor = Some(by.clone());
    proposal.votes.clear();
    proposal.state = State::Pending;
    effects.push(Effect::Record(Recorded::Edited { by, version: proposal.version }));
    Ok(())
}

fn apply(proposal: &mut Proposal, facts: &Facts, effects: &mut Vec<Effect>) -> Result<(), Refusal> {
    must_be_open(proposal)?;
    if proposal.state == State::Pending {
        let (votes, quorum) = (proposal.votes.len(), proposal.quorum);
        return Err(Refusal::NotApproved { votes, quorum });
    }
    let drifts = drifts(&proposal.facts, facts);
    if !drifts.is_empty() {
        proposal.state = State::Stale;
        effects.push(Effect::Record(Recorded::Stale(drifts)));
        return Err(Refusal::Stale);
    }
    enter(proposal, State::Executing, effects);
    effects.push(Effect::Execute { version: proposal.version, content: proposal.content });
    Ok(())
}

/// What changed, appeared or vanished.
fn drifts(then: &Facts, now: &Facts) -> Vec<Drift> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let drift = |fact: &String| {
        let (then, now) = (then.get(fact).copied(), now.get(fact).copied());
        (then != now).then(|| Drift { fact: fact.clone(), then, now })
    };
    names.into_iter().filter_map(drift).collect()
}

fn executed(
    proposal: &mut Proposal,
    execution: Execution,
    effects: &mut Vec<Effect>,
) -> Result<(), Refusal> {
    if proposal.state != State::Executing {
        return Err(Refusal::NotExecuting);
    }
    let state = match execution {
        Execution::Done => State::Applied,
        Execution::NotDone => State::Approved,
        Execution::Unknown => State::Unknown,
    };
    enter(proposal, state, effects);
    Ok(())
}

fn resolve(
    proposal: &mut Proposal,
    by: Actor,
    happened: bool,
    effects: &mut Vec<Effect>,
) -> Result<(), Refusal> {
    if proposal.state != State::Unknown {
        return Err(Refusal::NotExecuting);
    }
    proposal.state = if happened { State::Applied } else { State::Approved };
    effects.push(Effect::Record(Recorded::Resolved { by, happened }));
    Ok(())
}
