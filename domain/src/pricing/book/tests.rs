//! What people, the optimizer and clouds may do in any order, and what no order brings about.

use super::*;
use crate::catalog::Edition;
use crate::cloud::Cloud;
use crate::economics::quantity::decimal;
use crate::pricing::approval::{Drift, Facts, Refusal, are_there};
use proptest::prelude::*;
use rust_decimal::Decimal;

const HOUR_MS: u64 = 3_600_000;
/// Proposals of these tests last a week.
const WEEK_MS: i64 = 7 * DAY_MS;

/// A ledger in hand: what was recorded, and what time it is.
#[derive(Clone, Default)]
struct World {
    told: Vec<Told>,
    ms: u64,
}

fn acme() -> TenantId {
    TenantId::try_from("acme".to_owned()).expect("a tenant")
}

fn price(text: &str) -> Controls {
    Controls { price_of_list: decimal(text), ..Controls::STANDARD }
}

fn content(controls: Controls) -> Content {
    Content::Controls { tenant_id: acme(), controls }
}

impl World {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(i64::try_from(self.ms).expect("small"))
    }

    fn book(&self) -> Book {
        Book::of(self.told.clone())
    }

    fn tell(&mut self, by: Option<&str>, what: What) -> EventId {
        self.ms += 1;
        let sequence = self.told.len() as u64;
        let event_id = EventId(Uuid::from_u128(u128::from(sequence) + 1));
        let origin = Cloud::ALL[self.told.len() % 3];
        self.told.push(Told {
            event_id,
            clock: LogicalClock { ms: self.ms, counter: 0 },
            slot: Slot { origin, epoch: 1, sequence },
            by: by.map(|by| Actor(by.to_owned())),
            what,
        });
        event_id
    }

    fn edition(&self, content: Content) -> Edition {
        let book = self.book();
        let base_version = book.version_of(&content.subject());
        Edition {
            rule: Some("everybody".to_owned()),
            content,
            base_version,
            policy_version: book.policy().0,
            facts: Facts::new(),
            expires_at: Timestamp::from_unix_ms(self.now().unix_ms() + WEEK_MS),
            reason: "the margin is low".to_owned(),
        }
    }

    fn open(&mut self, by: Option<&str>, grounds: Grounds, content: Content) -> Uuid {
        let proposal_id = Uuid::from_u128(1_000 + self.told.len() as u128);
        let edition = self.edition(content);
        self.tell(
            by,
            What::Open(Box::new(ProposalOpen { proposal_id, grounds, edition, foresight: None })),
        );
        proposal_id
    }

    fn seen(&self, id: Uuid) -> (u32, Hash) {
        let book = self.book();
        let current = book.case(id).expect("a proposal").current();
        (current.version, current.hash)
    }

    fn approve(&mut self, by: &str, proposal_id: Uuid) -> EventId {
        self.approve_for(by, None, proposal_id)
    }

    fn approve_for(&mut self, by: &str, person: Option<&str>, proposal_id: Uuid) -> EventId {
        let (version, hash) = self.seen(proposal_id);
        let on_behalf_of = person.map(|person| Actor(person.to_owned()));
        let approve = ProposalApprove { proposal_id, version, hash, on_behalf_of };
        self.tell(Some(by), What::Approve(approve))
    }

    /// From now on, for so many hours.
    fn delegate(&mut self, by: &str, to: &str, hours: u64) -> EventId {
        let from = self.now();
        let until_ms = from.unix_ms() + i64::try_from(hours * HOUR_MS).expect("small");
        let until = Timestamp::from_unix_ms(until_ms);
        let (to, reason) = (to.to_owned(), "away".to_owned());
        self.tell(Some(by), What::Delegate(ApprovalDelegate { to, from, until, reason }))
    }

    fn withdraw(&mut self, by: &str, delegation_id: EventId) -> EventId {
        let withdraw = ApprovalWithdraw { delegation_id, reason: "back".to_owned() };
        self.tell(Some(by), What::Withdraw(withdraw))
    }

    fn reject(&mut self, by: &str, proposal_id: Uuid, reason: &str) -> EventId {
        let ((version, hash), reason) = (self.seen(proposal_id), reason.to_owned());
        self.tell(Some(by), What::Reject(ProposalReject { proposal_id, version, hash, reason }))
    }

    fn modify(&mut self, by: &str, proposal_id: Uuid, content: Content) -> EventId {
        let ((version, hash), edition) = (self.seen(proposal_id), self.edition(content));
        let modify = ProposalModify { proposal_id, version, hash, edition };
        self.tell(Some(by), What::Modify(Box::new(modify)))
    }

    /// Whether it may or not.
    fn apply(&mut self, proposal_id: Uuid) -> EventId {
        let (version, hash) = self.seen(proposal_id);
        let book = self.book();
        let case = book.case(proposal_id).expect("a proposal");
        let result_version = case.current().edition.base_version + 1;
        let apply = ProposalApply { proposal_id, version, hash, result_version };
        self.tell(None, What::Apply(apply))
    }

    fn standing(&self, id: Uuid) -> Standing {
        self.book().case(id).expect("a proposal").standing(self.now())
    }

    /// As a cloud does: only what is approved and next.
    fn apply_if_ready(&mut self, id: Uuid) {
        let book = self.book();
        let case = book.case(id).expect("a proposal");
        let soon = Timestamp::from_unix_ms(self.now().unix_ms() + 1);
        if book.is_ready(case, soon) {
            self.apply(id);
        }
    }
}

#[test]
fn a_price_needs_one_person_who_did_not_propose_it_and_takes_effect_once_applied() {
    let mut world = World::default();
    let id = world.open(Some("ann"), Grounds::Person, content(price("1.1")));
    let own = world.approve("ann", id);
    assert_eq!(world.book().case(id).expect("it").refusal_of(own), Some(&Refusal::SelfApproval));
    assert_eq!(world.standing(id), Standing::Pending);
    world.apply(id);
    assert_eq!(world.book().controls(&acme()), Controls::STANDARD);
    world.approve("bob", id);
    // The application that was recorded too early counts from now on: what it needs is there.
    assert_eq!(world.standing(id), Standing::Applied);
    assert_eq!(world.book().controls(&acme()), price("1.1"));
}

#[test]
fn a_large_change_a_first_overage_limits_and_the_policy_need_two() {
    let overage = Controls { overage_of_list: Some(decimal("1.2")), ..price("1") };
    let capped = Controls { token_cap: Some(1_000), ..price("1") };
    let policy = Content::Policy { policy: Box::default() };
    for content in [content(price("1.16")), content(overage), content(capped), policy] {
        let mut world = World::default();
        let id = world.open(None, Grounds::Engine, content);
        world.approve("ann", id);
        world.apply(id);
        assert_eq!(world.standing(id), Standing::Pending);
        world.approve("ann", id);
        assert_eq!(world.standing(id), Standing::Pending);
        world.approve("bob", id);
        assert_eq!(world.standing(id), Standing::Applied);
    }
}

#[test]
fn a_policy_that_was_applied_says_how_many_agree_to_the_next() {
    let mut world = World::default();
    let stricter = Policy { policy_persons: 3, ..Policy::default() };
    let stricter = Content::Policy { policy: Box::new(stricter) };
    let id = world.open(Some("ann"), Grounds::Person, stricter);
    for by in ["bob", "cid"] {
        world.approve(by, id);
    }
    world.apply(id);
    assert_eq!(world.book().policy().0, 1);
    let back = Content::Policy { policy: Box::default() };
    let id = world.open(Some("ann"), Grounds::Person, back);
    for by in ["bob", "cid"] {
        world.approve(by, id);
    }
    assert_eq!(world.standing(id), Standing::Pending);
    world.approve("dee", id);
    world.apply(id);
    assert_eq!((world.book().policy().0, world.standing(id)), (2, Standing::Applied));
}

#[test]
fn another_version_voids_approvals_and_its_editor_does_not_vote() {
    let mut world = World::default();
    let id = world.open(None, Grounds::Engine, content(price("1.05")));
    let stale_tab = world.seen(id);
    world.approve("ann", id);
    world.modify("bob", id, content(price("1.06")));
    assert_eq!((world.standing(id), world.seen(id).0), (Standing::Pending, 2));
    let (version, hash) = stale_tab;
    let approve = ProposalApprove { proposal_id: id, version, hash, on_behalf_of: None };
    let late = world.tell(Some("cid"), What::Approve(approve));
    let own = world.approve("bob", id);
    let book = world.book();
    let case = book.case(id).expect("it");
    assert_eq!(case.refusal_of(late), Some(&Refusal::VersionChanged(2)));
    assert_eq!(case.refusal_of(own), Some(&Refusal::SelfApproval));
    world.approve("ann", id);
    world.apply(id);
    assert_eq!(world.book().controls(&acme()), price("1.06"));
}

#[test]
fn a_rejection_needs_a_reason_and_is_final() {
    let mut world = World::default();
    let id = world.open(None, Grounds::Engine, content(price("1.05")));
    let blank = world.reject("ann", id, "  ");
    assert_eq!(
        world.book().case(id).expect("it").refusal_of(blank),
        Some(&Refusal::ReasonRequired)
    );
    world.reject("ann", id, "not before the renewal");
    world.approve("bob", id);
    assert_eq!(world.standing(id), Standing::Rejected);
}

#[test]
fn what_is_late_expires_what_is_stale_closes_and_what_was_overtaken_says_so() {
    let mut world = World::default();
    let late = world.open(None, Grounds::Engine, content(price("1.05")));
    world.ms += 8 * 24 * HOUR_MS;
    let vote = world.approve("ann", late);
    assert_eq!(world.standing(late), Standing::Expired);
    assert!(world.book().case(late).expect("it").refusal_of(vote).is_some());
    let (first, second) = (
        world.open(None, Grounds::Engine, content(price("1.05"))),
        world.open(Some("bob"), Grounds::Person, content(price("1.04"))),
    );
    world.approve("ann", first);
    world.apply(first);
    assert_eq!(world.standing(second), Standing::Superseded);
    let third = world.open(None, Grounds::Engine, content(price("1.1")));
    let (version, hash) = world.seen(third);
    let changed = vec![Drift { fact: "margin".into(), then: None, now: None }];
    world.tell(None, What::Stale(ProposalStale { proposal_id: third, version, hash, changed }));
    assert_eq!(world.standing(third), Standing::Stale);
    assert_eq!(world.book().case(third).expect("it").changed.len(), 1);
}

#[test]
fn a_rollback_is_one_person_s_act_back_to_what_was_and_is_not_itself_taken_back() {
    let mut world = World::default();
    let id = world.open(Some("ann"), Grounds::Person, content(price("1.1")));
    world.approve("bob", id);
    world.apply(id);
    let elsewhere = world.open(Some("ann"), Grounds::Rollback, content(price("0.9")));
    assert_eq!(world.standing(elsewhere), Standing::Pending);
    let back = world.open(Some("ann"), Grounds::Rollback, content(price("1")));
    assert_eq!(world.standing(back), Standing::Approved);
    world.apply(back);
    assert_eq!(world.book().controls(&acme()), Controls::STANDARD);
    assert_eq!(world.book().chain(&acme()).expect("a chain").version(), 2);
    let again = world.open(Some("ann"), Grounds::Rollback, content(price("1.1")));
    assert_eq!(world.standing(again), Standing::Pending);
}

#[test]
fn nobody_opens_for_the_optimizer_and_the_optimizer_not_for_people() {
    for (by, grounds) in [
        (Some("ann"), Grounds::Automatic),
        (Some("ann"), Grounds::Engine),
        (None, Grounds::Person),
        (None, Grounds::Rollback),
    ] {
        let mut world = World::default();
        let id = world.open(by, grounds, content(price("1.03")));
        assert_eq!(world.book().case(id), None, "{grounds:?}");
    }
}

#[test]
fn autonomy_needs_both_switches_and_the_kill_switch_ends_it() {
    let mut world = World::default();
    let mut switch = |switch, tenant_id: Option<TenantId>, on| {
        let reason = "trial".to_owned();
        world.tell(Some("ann"), What::Switch(PolicySwitch { switch, tenant_id, on, reason }));
        let book = world.book();
        (book.is_automatic(&acme()), book.is_killed())
    };
    assert_eq!(switch(SwitchName::AutoPricing, None, true), (false, false));
    assert_eq!(switch(SwitchName::AutoPricing, Some(acme()), true), (true, false));
    assert_eq!(switch(SwitchName::KillSwitch, None, true), (false, true));
    assert_eq!(switch(SwitchName::KillSwitch, None, false), (true, false));
}

/// What somebody may do next.
#[derive(Clone, Debug)]
enum Act {
    Wait {
        hours: u64,
    },
    Propose {
        by: usize,
        thousandths: i64,
    },
    Engine {
        automatic: bool,
        thousandths: i64,
    },
    Approve {
        by: usize,
        which: usize,
    },
    /// In the other's stead, whether they may or not.
    ApproveFor {
        by: usize,
        person: usize,
        which: usize,
    },
    Delegate {
        by: usize,
        to: usize,
        hours: u64,
    },
    /// Takes the newest back, whoever gave it.
    Withdraw {
        by: usize,
    },
    Reject {
        by: usize,
        which: usize,
    },
    Modify {
        by: usize,
        which: usize,
        thousandths: i64,
    },
    /// As a cloud does.
    Execute {
        which: usize,
    },
    /// As no honest cloud does.
    Force {
        which: usize,
    },
}

fn any_act(forced: bool) -> impl Strategy<Value = Act> {
    let (by, which, price) = (|| 0..4usize, || 0..12usize, || 600..1_700i64);
    // Mostly small ones, which may apply by themselves.
    let near = || prop_oneof![3 => 950..1_060i64, 1 => price()];
    prop_oneof![
        3 => (1..400u64).prop_map(|hours| Act::Wait { hours }),
        2 => (by(), price()).prop_map(|(by, thousandths)| Act::Propose { by, thousandths }),
        4 => (any::<bool>(), near())
            .prop_map(|(automatic, thousandths)| Act::Engine { automatic, thousandths }),
        5 => (by(), which()).prop_map(|(by, which)| Act::Approve { by, which }),
        3 => (by(), by(), which())
            .prop_map(|(by, person, which)| Act::ApproveFor { by, person, which }),
        2 => (by(), by(), 1..900u64)
            .prop_map(|(by, to, hours)| Act::Delegate { by, to, hours }),
        1 => by().prop_map(|by| Act::Withdraw { by }),
        1 => (by(), which()).prop_map(|(by, which)| Act::Reject { by, which }),
        1 => (by(), which(), price())
            .prop_map(|(by, which, thousandths)| Act::Modify { by, which, thousandths }),
        6 => which().prop_map(|which| Act::Execute { which }),
        2 => which().prop_map(move |which| {
            if forced { Act::Force { which } } else { Act::Execute { which } }
        }),
    ]
}

const PEOPLE: [&str; 4] = ["ann", "bob", "cid", "dee"];

fn play(acts: Vec<Act>) -> World {
    let mut world = World { ms: 1_000 * HOUR_MS, ..World::default() };
    let (mut open, mut given) = (Vec::<Uuid>::new(), Vec::<EventId>::new());
    let of_list = |thousandths| {
        content(Controls { price_of_list: Decimal::new(thousandths, 3), ..Controls::STANDARD })
    };
    for act in acts {
        // The newest proposals are where something happens.
        let pick = |which: usize| open.iter().rev().nth(which % open.len().clamp(1, 3)).copied();
        match act {
            Act::Wait { hours } => world.ms += hours * HOUR_MS,
            Act::Propose { by, thousandths } => {
                open.push(world.open(Some(PEOPLE[by]), Grounds::Person, of_list(thousandths)));
            }
            Act::Engine { automatic, thousandths } => {
                let grounds = if automatic { Grounds::Automatic } else { Grounds::Engine };
                let id = world.open(None, grounds, of_list(thousandths));
                open.push(id);
                if automatic {
                    world.apply_if_ready(id);
                }
            }
            Act::Approve { by, which } => {
                pick(which).into_iter().for_each(|id| {
                    world.approve(PEOPLE[by], id);
                });
            }
            Act::ApproveFor { by, person, which } => {
                pick(which).into_iter().for_each(|id| {
                    world.approve_for(PEOPLE[by], Some(PEOPLE[person]), id);
                });
            }
            Act::Delegate { by, to, hours } => {
                given.push(world.delegate(PEOPLE[by], PEOPLE[to], hours));
            }
            Act::Withdraw { by } => {
                given.last().copied().into_iter().for_each(|id| {
                    world.withdraw(PEOPLE[by], id);
                });
            }
            Act::Reject { by, which } => {
                pick(which).into_iter().for_each(|id| {
                    world.reject(PEOPLE[by], id, "no");
                });
            }
            Act::Modify { by, which, thousandths } => {
                if let Some(id) = pick(which) {
                    world.modify(PEOPLE[by], id, of_list(thousandths));
                }
            }
            Act::Execute { which } => {
                pick(which).into_iter().for_each(|id| world.apply_if_ready(id));
            }
            Act::Force { which } => {
                pick(which).into_iter().for_each(|id| {
                    world.apply(id);
                });
            }
        }
    }
    world
}

/// Had that person said, before this was said, that the other votes for them now?
fn was_given(world: &World, person: &Actor, by: &Actor, one: &Told) -> bool {
    world.told.iter().any(|said| match &said.what {
        What::Delegate(it) => {
            said.by.as_ref() == Some(person)
                && it.to == by.0
                && said.clock < one.clock
                && (it.from..it.until).contains(&one.at())
        }
        _ => false,
    })
}

/// Who agreed to that version of a proposal and had no part in it: what was said, not what the book
/// makes of it.
fn strangers_for(world: &World, case: &Case, numbered: &Numbered) -> BTreeSet<Vote> {
    let authors = [case.requester(), &numbered.author];
    let votes = world.told.iter().filter_map(|one| match &one.what {
        What::Approve(it)
            if it.hash == numbered.hash
                && it.proposal_id == case.id
                && it.version == numbered.version =>
        {
            let by = one.by.clone()?;
            let person = it.on_behalf_of.clone().unwrap_or_else(|| by.clone());
            let may = person == by || was_given(world, &person, &by, one);
            may.then_some(Vote { person, by })
        }
        _ => None,
    });
    votes.filter(|vote| !authors.iter().any(|it| vote.involves(it))).collect()
}

/// Every change that nobody agreed to is within the bounds of the policy, whatever came before, and
/// was proposed as one that may be applied without people.
fn keeps_bounds(world: &World, book: &Book) -> Result<(), TestCaseError> {
    let Some(chain) = book.chain(&acme()) else { return Ok(()) };
    let limits = Policy::default().rules[0].limits;
    for case in book.cases() {
        let Some(version) = case.result_version else { continue };
        let (_, _, numbered) = case.application(version).expect("its application");
        if !strangers_for(world, case, numbered).is_empty() {
            continue;
        }
        let applied = chain.get(version).expect("it is in force, or was");
        let before = chain.controls(version - 1).expect("before").price_of_list;
        let is = applied.value.price_of_list;
        let earlier = || chain.iter().take(usize::try_from(version - 1).expect("few"));
        let start = days_before(applied.at, limits.cumulative_days);
        let anchor = earlier().filter(|it| it.at <= start).last();
        let anchor = anchor.map_or(Decimal::ONE, |it| it.value.price_of_list);
        let rested = days_before(applied.at, limits.cooldown_days);
        prop_assert_eq!((case.grounds, numbered.version), (Grounds::Automatic, 1));
        prop_assert!((is - before).abs() <= limits.auto_max.min(limits.step_max) * before);
        prop_assert!((is - anchor).abs() <= limits.cumulative_max * anchor);
        prop_assert!(is >= limits.floor_of_list && is <= limits.ceiling_of_list);
        let mut before = Decimal::ONE;
        for it in earlier() {
            prop_assert!(it.value.price_of_list == before || it.at <= rested);
            before = it.value.price_of_list;
        }
    }
    Ok(())
}

/// Every version that was applied had its approvals, by others than its authors.
fn has_approvals(world: &World, book: &Book) -> Result<(), TestCaseError> {
    for case in book.cases().filter(|case| case.result_version.is_some()) {
        let (told, _, numbered) =
            case.application(case.result_version.expect("applied")).expect("its application");
        match book.needs(case, numbered, told.at()) {
            Needs::Unknown => prop_assert!(false, "applied without a known need"),
            Needs::Nobody => prop_assert_eq!(case.grounds, Grounds::Automatic),
            Needs::Persons(persons) => {
                let votes = strangers_for(world, case, numbered);
                prop_assert!(persons >= 1 && are_there(&votes, persons as usize));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_sequence_of_acts_breaks_a_bound_or_executes_without_its_approvals(
        acts in prop::collection::vec(any_act(true), 1..60),
    ) {
        let world = play(acts);
        let book = world.book();
        keeps_bounds(&world, &book)?;
        has_approvals(&world, &book)?;
    }

    #[test]
    fn what_events_come_to_does_not_depend_on_the_order_in_which_they_are_learnt(
        acts in prop::collection::vec(any_act(true), 1..40),
        seed in any::<u64>(),
    ) {
        let world = play(acts);
        let mut shuffled = world.told.clone();
        // A shuffle by a key that depends on the seed.
        shuffled.sort_by_key(|one| one.slot.sequence.wrapping_add(1).wrapping_mul(seed | 1));
        prop_assert_eq!(Book::of(shuffled), world.book());
    }

    #[test]
    fn what_was_applied_on_some_of_the_events_stays_applied_on_all(
        acts in prop::collection::vec(any_act(false), 1..40),
        known in prop::collection::vec(any::<bool>(), 120),
    ) {
        let world = play(acts);
        let some = world.told.iter().zip(known.iter().cycle());
        let some = some.filter(|(_, known)| **known).map(|(told, _)| told.clone()).collect();
        let (some, all) = (Book::of(some), world.book());
        if let Some(chain) = some.chain(&acme()) {
            let whole = all.chain(&acme()).expect("a chain");
            for (less, more) in chain.iter().zip(whole.iter()) {
                prop_assert_eq!(less.event_id, more.event_id);
            }
            prop_assert!(chain.version() <= whole.version());
        }
    }
}

#[test]
fn small_changes_do_apply_by_themselves_until_the_period_is_spent() {
    let mut world = World { ms: 10_000 * HOUR_MS, ..World::default() };
    let mut automatic = |wanted: &str, days: u64| {
        let id = world.open(None, Grounds::Automatic, content(price(wanted)));
        world.apply_if_ready(id);
        let standing = world.standing(id);
        world.ms += days * 24 * HOUR_MS;
        standing
    };
    assert_eq!(automatic("1.05", 14), Standing::Applied);
    assert_eq!(automatic("1.102", 14), Standing::Applied);
    // 15.7 % above the price of thirty days before: it waits for a person.
    assert_eq!(automatic("1.157", 14), Standing::Pending);
    assert_eq!(automatic("1.12", 1), Standing::Applied);
    // A day after a change there is no other.
    assert_eq!(automatic("1.13", 1), Standing::Pending);
}

mod delegation;
mod list_price;
mod measure;
mod notice;
mod stake;
