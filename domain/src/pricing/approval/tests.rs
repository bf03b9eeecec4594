//! What people try, what machines do twice, and what must never happen in any order.

use super::*;
use crate::economics::quantity::decimal;
use proptest::prelude::*;

fn actor(name: &str) -> Actor {
    Actor(name.to_owned())
}

fn content(version: u32) -> ContentHash {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&version.to_be_bytes());
    ContentHash(hash)
}

fn facts(margin: &str) -> Facts {
    Facts::from([("margin".to_owned(), decimal(margin))])
}

fn proposal(quorum: u32) -> Proposal {
    Proposal::new(actor("ann"), content(1), facts("0.4"), quorum, Timestamp::from_unix_ms(100))
}

fn approve(by: &str, on_behalf_of: Option<&str>, version: u32) -> Input {
    Input::Approve {
        by: actor(by),
        on_behalf_of: on_behalf_of.map(actor),
        seen: (version, content(version)),
    }
}

fn take(proposal: Proposal, input: Input) -> (Proposal, Vec<Effect>) {
    let delegations = Delegations::from([
        (actor("bob"), actor("dee")),
        (actor("ann"), actor("eve")),
        (actor("cid"), actor("ann")),
    ]);
    step(proposal, &delegations, Timestamp::from_unix_ms(1), input)
}

fn refusal(proposal: &Proposal, input: Input) -> Option<Refusal> {
    let (after, effects) = take(proposal.clone(), input);
    let refusal = effects.into_iter().find_map(|effect| match effect {
        Effect::Refuse(refusal) => Some(refusal),
        _ => None,
    });
    assert!(refusal.is_none() || after == *proposal, "what is refused changes nothing");
    refusal
}

#[test]
fn the_requester_counts_neither_through_a_delegate_nor_as_one() {
    let proposal = proposal(2);
    assert_eq!(refusal(&proposal, approve("ann", None, 1)), Some(Refusal::SelfApproval));
    assert_eq!(refusal(&proposal, approve("eve", Some("ann"), 1)), Some(Refusal::SelfApproval));
    assert_eq!(refusal(&proposal, approve("ann", Some("cid"), 1)), Some(Refusal::SelfApproval));
    assert_eq!(refusal(&proposal, approve("dee", Some("bob"), 1)), None);
    let posing = refusal(&proposal, approve("eve", Some("bob"), 1));
    assert!(matches!(posing, Some(Refusal::NotDelegate { .. })));
}

#[test]
fn the_last_editor_is_a_requester_too() {
    let edit = Input::Edit { by: actor("bob"), content: content(2), facts: facts("0.4") };
    let (edited, _) = take(proposal(1), edit);
    assert_eq!(refusal(&edited, approve("bob", None, 2)), Some(Refusal::SelfApproval));
    assert_eq!(refusal(&edited, approve("ann", None, 2)), Some(Refusal::SelfApproval));
    assert_eq!(refusal(&edited, approve("cid", None, 2)), None);
}

#[test]
fn a_vote_for_another_content_of_the_same_number_does_not_count() {
    let seen = (1, content(9));
    let input = Input::Approve { by: actor("bob"), on_behalf_of: None, seen };
    assert_eq!(refusal(&proposal(1), input), Some(Refusal::VersionChanged(1)));
}

#[test]
fn what_changed_since_the_decision_is_named_and_nothing_is_executed() {
    let (approved, _) = take(proposal(1), approve("bob", None, 1));
    let mut now = facts("0.3");
    now.insert("cost".to_owned(), decimal("2"));
    let (stale, effects) = take(approved, Input::Apply { facts: now });
    assert_eq!(stale.state, State::Stale);
    let drift = |fact: &str, then: Option<&str>, now: Option<&str>| Drift {
        fact: fact.to_owned(),
        then: then.map(decimal),
        now: now.map(decimal),
    };
    let drifts = vec![drift("cost", None, Some("2")), drift("margin", Some("0.4"), Some("0.3"))];
    assert_eq!(effects, [Effect::Record(Recorded::Stale(drifts)), Effect::Refuse(Refusal::Stale)]);
}

#[test]
fn an_unknown_outcome_waits_for_a_person_and_is_not_tried_again() {
    let (approved, _) = take(proposal(1), approve("bob", None, 1));
    let apply = || Input::Apply { facts: facts("0.4") };
    let (executing, effects) = take(approved, apply());
    assert!(effects.contains(&Effect::Execute { version: 1, content: content(1) }));
    assert_eq!(refusal(&executing, apply()), Some(Refusal::Closed(State::Executing)));
    let (unknown, _) = take(executing, Input::Executed(Execution::Unknown));
    assert_eq!(refusal(&unknown, apply()), Some(Refusal::Closed(State::Unknown)));
    // Not even time ends it: it may have happened.
    let (unknown, _) = step(unknown, &Delegations::new(), Timestamp::from_unix_ms(1000), apply());
    assert_eq!(unknown.state, State::Unknown);
    let resolve = |happened| Input::Resolve { by: actor("bob"), happened };
    assert_eq!(take(unknown.clone(), resolve(true)).0.state, State::Applied);
    assert_eq!(take(unknown, resolve(false)).0.state, State::Approved);
}

#[test]
fn an_execution_that_certainly_did_not_happen_may_be_tried_again() {
    let (approved, _) = take(proposal(1), approve("bob", None, 1));
    let (executing, _) = take(approved, Input::Apply { facts: facts("0.4") });
    let (again, _) = take(executing, Input::Executed(Execution::NotDone));
    assert_eq!(again.state, State::Approved);
    let not_executing = refusal(&again, Input::Executed(Execution::Done));
    assert_eq!(not_executing, Some(Refusal::NotExecuting));
}

#[test]
fn what_is_due_expires_without_anybody_acting_and_once() {
    let tick = |proposal, ms| {
        step(proposal, &Delegations::new(), Timestamp::from_unix_ms(ms), Input::Tick)
    };
    let (waiting, effects) = tick(proposal(1), 99);
    assert_eq!((waiting.state, effects.len()), (State::Pending, 0));
    let (expired, effects) = tick(waiting, 100);
    assert_eq!(effects, [Effect::Record(Recorded::Entered(State::Expired))]);
    assert_eq!(tick(expired, 101).1, []);
}

#[test]
fn larger_changes_need_more_persons() {
    let step = |up_to: Option<&str>, persons| QuorumStep { up_to: up_to.map(decimal), persons };
    let quorum = Quorum::new(vec![step(Some("0.1"), 1), step(None, 2)]).expect("a quorum");
    assert_eq!(quorum.persons(decimal("-0.1")), 1);
    assert_eq!(quorum.persons(decimal("0.11")), 2);
    assert!(Quorum::new(vec![step(Some("0.1"), 1)]).is_err());
    assert!(Quorum::new(vec![step(Some("0.1"), 2), step(None, 1)]).is_err());
    assert!(Quorum::new(vec![step(None, 0)]).is_err());
}

fn any_input() -> impl Strategy<Value = Input> {
    let name = || prop::sample::select(vec!["ann", "bob", "cid", "dee", "eve"]);
    let margin = || prop::sample::select(vec!["0.4", "0.3"]);
    prop_oneof![
        4 => (name(), prop::option::of(name()), 1..4u32)
            .prop_map(|(by, whose, version)| approve(by, whose, version)),
        1 => (name(), prop::sample::select(vec!["", "no"]))
            .prop_map(|(by, reason)| Input::Reject { by: actor(by), reason: reason.to_owned() }),
        1 => (name(), 1..4u32, margin()).prop_map(|(by, version, margin)| Input::Edit {
            by: actor(by), content: content(version), facts: facts(margin),
        }),
        3 => margin().prop_map(|margin| Input::Apply { facts: facts(margin) }),
        2 => prop::sample::select(vec![Execution::Done, Execution::NotDone, Execution::Unknown])
            .prop_map(Input::Executed),
        1 => any::<bool>().prop_map(|happened| Input::Resolve { by: actor("bob"), happened }),
        1 => Just(Input::Tick),
    ]
}

proptest! {
    #[test]
    fn whatever_people_do_an_execution_has_its_quorum_of_others_and_happens_once(
        inputs in prop::collection::vec((any_input(), 0..120i64), 1..40),
        quorum in 1..3u32,
    ) {
        let delegations = Delegations::from([(actor("bob"), actor("dee"))]);
        let mut proposal = proposal(quorum);
        let mut at_ms = 0;
        for (input, wait_ms) in inputs {
            let before = proposal.clone();
            at_ms += wait_ms / 10;
            let now = match &input {
                Input::Apply { facts } => Some(facts.clone()),
                _ => None,
            };
            let at = Timestamp::from_unix_ms(at_ms);
            let (after, effects) = step(proposal, &delegations, at, input);
            let executes = effects.iter().any(|effect| matches!(effect, Effect::Execute { .. }));
            prop_assert_eq!(executes, before.state == State::Approved && after.state == State::Executing);
            if executes {
                prop_assert!(at < before.expires_at);
                prop_assert_eq!(now.as_ref(), Some(&before.facts));
                prop_assert!(before.votes.len() >= quorum as usize);
            }
            let mut persons: Vec<&Actor> =
                after.votes.iter().flat_map(|vote| [&vote.person, &vote.by]).collect();
            prop_assert!(!persons.contains(&&after.requester));
            prop_assert!(after.editor.as_ref().is_none_or(|editor| !persons.contains(&editor)));
            let delegated = after.votes.iter().filter(|vote| vote.person != vote.by).count();
            persons.sort();
            persons.dedup();
            prop_assert_eq!(persons.len(), after.votes.len() + delegated);
            let ended = [State::Applied, State::Rejected, State::Expired, State::Stale];
            prop_assert!(!ended.contains(&before.state) || after.state == before.state);
            proposal = after;
        }
    }
}
