//! Who is away, who votes for them, and what that never brings about.

use super::*;

fn refusal(world: &World, id: Uuid, vote: EventId) -> Option<Refusal> {
    world.book().case(id).expect("a proposal").refusal_of(vote).cloned()
}

fn large(world: &mut World, by: &str) -> Uuid {
    world.open(Some(by), Grounds::Person, content(price("1.3")))
}

#[test]
fn a_delegate_gives_the_vote_of_whoever_is_away_and_it_is_told_who_gave_it() {
    let mut world = World::default();
    let id = large(&mut world, "cid");
    let posing = world.approve_for("bo", Some("ann"), id);
    assert!(matches!(refusal(&world, id, posing), Some(Refusal::NotDelegate { .. })));
    world.delegate("ann", "bo", 48);
    let vote = world.approve_for("bo", Some("ann"), id);
    assert_eq!(refusal(&world, id, vote), None);
    world.approve("dee", id);
    assert_eq!(world.standing(id), Standing::Approved);
    let book = world.book();
    let case = book.case(id).expect("it");
    let first = case.votes().next().expect("a vote").clone();
    assert_eq!(first, Vote { person: Actor("ann".into()), by: Actor("bo".into()) });
    let in_stead_of = Some(Actor("ann".into()));
    assert!(case.steps.iter().any(
        |step| step.kind == StepKind::Approved { version: 1, in_stead_of: in_stead_of.clone() }
    ));
    world.apply(id);
    assert_eq!(world.book().controls(&acme()), price("1.3"));
}

#[test]
fn neither_who_proposed_nor_who_edited_votes_through_anybody_or_for_anybody() {
    let mut world = World::default();
    world.delegate("ann", "bo", 48);
    world.delegate("bo", "cid", 48);
    // Proposed by the one who is away, and then by the delegate.
    for by in ["ann", "bo"] {
        let id = large(&mut world, by);
        let vote = world.approve_for("bo", Some("ann"), id);
        assert_eq!(refusal(&world, id, vote), Some(Refusal::SelfApproval), "{by}");
    }
    let id = large(&mut world, "dee");
    world.modify("ann", id, content(price("1.2")));
    let vote = world.approve_for("bo", Some("ann"), id);
    assert_eq!(refusal(&world, id, vote), Some(Refusal::SelfApproval));
    // An application that a cloud records all the same has no effect.
    world.approve("eve", id);
    world.apply(id);
    assert_eq!(world.book().controls(&acme()), Controls::STANDARD);
}

#[test]
fn one_person_has_one_vote_through_whomever_they_or_others_give_it() {
    let mut world = World::default();
    for (person, delegate) in [("ann", "bo"), ("ann", "cid"), ("dee", "bo")] {
        world.delegate(person, delegate, 48);
    }
    let id = large(&mut world, "eve");
    world.approve_for("bo", Some("ann"), id);
    // The other delegate, the same for another, for themself, and whoever is away after all.
    for (by, person) in [("cid", Some("ann")), ("bo", Some("dee")), ("bo", None), ("ann", None)] {
        let vote = world.approve_for(by, person, id);
        assert_eq!(refusal(&world, id, vote), Some(Refusal::Duplicate), "{by} for {person:?}");
    }
    assert_eq!(world.standing(id), Standing::Pending);
}

#[test]
fn a_delegate_has_no_delegates() {
    let mut world = World::default();
    world.delegate("ann", "bo", 48);
    world.delegate("bo", "cid", 48);
    let id = large(&mut world, "dee");
    let vote = world.approve_for("cid", Some("ann"), id);
    assert!(matches!(refusal(&world, id, vote), Some(Refusal::NotDelegate { .. })));
    let own = world.approve_for("cid", Some("bo"), id);
    assert_eq!(refusal(&world, id, own), None);
}

#[test]
fn a_delegation_holds_from_when_it_is_told_to_its_end_and_not_to_oneself() {
    let mut world = World::default();
    let id = large(&mut world, "dee");
    world.delegate("ann", "ann", 48);
    world.delegate("ann", "bo", 2);
    assert_eq!(world.book().delegations().count(), 1);
    world.ms += 2 * HOUR_MS;
    let late = world.approve_for("bo", Some("ann"), id);
    assert!(matches!(refusal(&world, id, late), Some(Refusal::NotDelegate { .. })));
    assert_eq!(world.book().delegations_at(world.now()), Delegations::new());
    // What is told afterwards does not reach back.
    let (from, until) = (Timestamp::from_unix_ms(0), world.now());
    let until = Timestamp::from_unix_ms(until.unix_ms() + WEEK_MS / 7);
    let (to, reason) = ("bo".to_owned(), "away".to_owned());
    world.tell(Some("ann"), What::Delegate(ApprovalDelegate { to, from, until, reason }));
    assert!(matches!(refusal(&world, id, late), Some(Refusal::NotDelegate { .. })));
    let vote = world.approve_for("bo", Some("ann"), id);
    assert_eq!(refusal(&world, id, vote), None);
}

#[test]
fn who_gave_it_takes_it_back_and_nobody_else() {
    let mut world = World::default();
    let id = large(&mut world, "dee");
    let delegation = world.delegate("ann", "bo", 48);
    world.withdraw("bo", delegation);
    assert_eq!(world.book().delegations_at(world.now()).len(), 1);
    let vote = world.approve_for("bo", Some("ann"), id);
    world.withdraw("ann", delegation);
    // What was given before stays given.
    assert_eq!(refusal(&world, id, vote), None);
    let other = large(&mut world, "dee");
    let late = world.approve_for("bo", Some("ann"), other);
    assert!(matches!(refusal(&world, other, late), Some(Refusal::NotDelegate { .. })));
}

#[test]
fn a_withdrawal_that_is_learnt_late_stops_what_waits_and_not_what_was_applied() {
    let mut world = World::default();
    let delegation = world.delegate("ann", "bo", 48);
    let before = world.ms;
    let id = world.open(Some("dee"), Grounds::Person, content(price("1.1")));
    world.approve_for("bo", Some("ann"), id);
    let mut waits = world.clone();
    world.apply(id);
    for world in [&mut waits, &mut world] {
        world.withdraw("ann", delegation);
        let late = world.told.last_mut().expect("told");
        late.clock = LogicalClock { ms: before, counter: 1 };
    }
    assert_eq!(waits.standing(id), Standing::Pending);
    let book = waits.book();
    let case = book.case(id).expect("it");
    assert!(!book.is_ready(case, waits.now()));
    // It would count had it been applied, and nobody lets it be now.
    assert!(book.is_authorised(case, 1, case.current().hash));
    assert!(!book.is_authorised_still(case, 1, case.current().hash));
    assert_eq!(world.standing(id), Standing::Applied);
}

#[test]
fn a_vote_long_after_a_withdrawal_is_objected_to_by_whoever_knows_and_what_was_applied_stays() {
    let mut cut_off = World::default();
    let id = cut_off.open(Some("dee"), Grounds::Person, content(price("1.1")));
    let delegation = cut_off.delegate("ann", "bo", 48);
    let mut knows = cut_off.clone();
    knows.withdraw("ann", delegation);
    let withdrawal = knows.told.last().expect("told").clone();
    // An hour later, where the withdrawal is not known.
    cut_off.ms += HOUR_MS;
    cut_off.approve_for("bo", Some("ann"), id);
    let vote = cut_off.told.last().expect("told").clone();
    knows.ms = cut_off.ms;
    knows.told.push(vote);
    let judged = |world: &World| {
        let book = world.book();
        let case = book.case(id).expect("it");
        let (version, hash) = (case.current().version, case.current().hash);
        (book.is_ready(case, world.now()), book.is_authorised_still(case, version, hash))
    };
    assert_eq!(judged(&cut_off), (true, true));
    assert_eq!(judged(&knows), (false, false));
    // Whoever is away may have voted since.
    let mut back = knows.clone();
    back.approve("ann", id);
    assert_eq!(judged(&back), (true, true));
    // It was applied before that became known, and is the same for all who know all.
    cut_off.apply(id);
    cut_off.told.push(withdrawal);
    assert_eq!(cut_off.standing(id), Standing::Applied);
    let mut reversed = cut_off.told.clone();
    reversed.reverse();
    assert_eq!(Book::of(reversed), cut_off.book());
}
