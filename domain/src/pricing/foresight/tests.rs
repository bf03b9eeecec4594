//! What breaks a threshold, what is proposed against it, and that no guardrail is passed.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::*;
use crate::catalog::{
    PolicySwitch, ProposalApply, ProposalApprove, ProposalReject, ScenarioSave, SwitchName, Unmoved,
};
use crate::clock::{DAY_MS, LogicalClock};
use crate::cloud::{Cloud, PerCloud};
use crate::economics::exact::MarginLaw;
use crate::economics::quantity::{decimal, float};
use crate::economics::study::PlaceUsage;
use crate::event::{EventId, Slot};
use crate::fabric::shares::Shares;
use crate::pricing::approval::Actor;
use crate::pricing::book::{Needs, Standing, Told, What};
use crate::pricing::guardrail::Rule as Bound;
use crate::pricing::margin::window;
use crate::pricing::policy::{Foresight, Limits, Policy};
use crate::pricing::recommend::{BeyondCap, Standing as Stands};

const NOW_MS: i64 = 1_800_000_000_000;

fn tenant(id: &str) -> TenantId {
    TenantId::try_from(id.to_owned()).expect("an id")
}

fn place(id: &str, provider: &str, cost: &str) -> PlaceUsage {
    PlaceUsage::of(tenant(id), provider, decimal(cost))
}

fn inputs(usage: Vec<PlaceUsage>) -> Inputs {
    Inputs::of(usage, Timestamp::from_unix_ms(NOW_MS))
}

fn figures(cost: &str) -> Figures {
    Figures {
        tier: "pro".into(),
        days: 30,
        requests: 10,
        tokens_k: Decimal::ONE_THOUSAND,
        revenue_usd: Decimal::ONE_HUNDRED,
        list_usd: Decimal::ONE_HUNDRED,
        beyond: None,
        cost_usd: decimal(cost),
        penalty_rate: Share::ZERO,
        seconds_per_request: None,
        cost_jumps_per_year: None,
        better_tier: None,
    }
}

/// Tenants with their provider and what a hundred dollars of revenue cost there.
fn run(book: &Book, places: &[(&str, &str, &str)], kept: &[ScenarioSave], run: u64) -> Foresaw {
    run_at(NOW_MS, Room::default(), book, places, kept, run)
}

fn run_at(
    now_ms: i64,
    room: Room,
    book: &Book,
    places: &[(&str, &str, &str)],
    kept: &[ScenarioSave],
    run: u64,
) -> Foresaw {
    let usage = places.iter().map(|(id, provider, cost)| place(id, provider, cost));
    let inputs = inputs(usage.collect());
    let mut sums = BTreeMap::<&str, Decimal>::new();
    for (id, _, cost) in places {
        *sums.entry(id).or_default() += decimal(cost);
    }
    let figures: BTreeMap<TenantId, Figures> =
        sums.iter().map(|(id, cost)| (tenant(id), figures(&cost.to_string()))).collect();
    let about = About { tier: "pro", cloud: Cloud::Gcp, active: true };
    let known = figures.iter().map(|(id, figures)| (id.clone(), Known { about, figures }));
    let tenants = known.collect();
    let now = Timestamp::from_unix_ms(now_ms);
    let window = window(now, 30);
    let view = View { book, inputs: &inputs, tenants: &tenants, window, room, run, now };
    let asks = asks(&book.policy().1.foresight, &inputs, kept);
    let name = |subject: &Subject| match subject {
        Subject::Tenant(id) => Uuid::from_u128(u128::from(run) << 64 | id.as_str().len() as u128),
        Subject::Policy | Subject::Routing | Subject::ListPrice(_) => {
            Uuid::from_u128(u128::from(run) << 64)
        }
    };
    foresee::<EconomicsError>(&view, &asks, &Simulation::run, &name).expect("it is foreseen")
}

fn told(id: u128, at_ms: i64, by: Option<&str>, what: What) -> Told {
    Told {
        event_id: EventId(Uuid::from_u128(id)),
        clock: LogicalClock { ms: u64::try_from(at_ms).expect("after 1970"), counter: 0 },
        slot: Slot { origin: Cloud::Gcp, epoch: 1, sequence: u64::try_from(id).expect("small") },
        by: by.map(|login| Actor(login.to_owned())),
        what,
    }
}

fn price_of(open: &ProposalOpen) -> Decimal {
    match &open.edition.content {
        Content::Controls { controls, .. } => controls.price_of_list,
        other => panic!("a price, and not {other:?}"),
    }
}

/// Without traffic that could be moved.
const ONE_PROVIDER: [(&str, &str, &str); 2] = [("falls", "azure", "57"), ("stands", "azure", "30")];

#[test]
fn who_falls_is_named_with_figures_before_and_after_and_who_stands_is_not() {
    let found = run(&Book::default(), &ONE_PROVIDER, &[], 7);
    let [openai, latency] = found.scenarios.as_slice() else { panic!("{:?}", found.scenarios) };
    assert_eq!(openai.shock.name, "OpenAI raises cost 30 %");
    assert_eq!((openai.under_water, openai.fell), (1, 1));
    let fallen = &openai.tenants[0];
    assert_eq!(fallen.tenant_id, tenant("falls"));
    assert!(fallen.exact && fallen.now.below_floor < 0.2 && fallen.stressed.below_floor > 0.8);
    assert!(openai.broken.iter().any(|it| it.threshold == Threshold::Tenant && it.by() > 0.3));
    // No tier is promised a latency: later answers cost nothing.
    assert_eq!((latency.fell, latency.broken.len()), (0, 0));

    let [open] = found.openings.as_slice() else { panic!("{:?}", found.openings) };
    assert_eq!(fallen.proposal_id, Some(open.proposal_id));
    assert_eq!((open.grounds, price_of(open)), (Grounds::Foresight, decimal("1.08")));
    let foresight = open.foresight.as_ref().expect("what is foreseen");
    assert_eq!((foresight.run, &foresight.shock), (7, &openai.shock));
    let levels = [foresight.now, foresight.after, foresight.stressed].map(|it| it.below_floor);
    assert!(levels[0] < levels[1] && levels[1] < levels[2], "{levels:?}");
    // The same can be asked again.
    let request = &foresight.request;
    assert_eq!(request.scenarios[0].changes, openai.shock.changes);
    assert_eq!(
        (request.draws, request.prices_as_of),
        (2_000, Some(Timestamp::from_unix_ms(NOW_MS)))
    );
    assert!(open.edition.reason.contains("at 108 % of the list price"), "{}", open.edition.reason);
    // More would be needed than one step: the guardrails say which of them bound.
    let guarded = foresight.guarded.as_ref().expect("a price has a trail");
    assert_eq!((guarded.price_of_list, guarded.binding), (decimal("1.08"), Some(Bound::MaxStep)));
    assert!(guarded.target_of_list > decimal("1.08"), "{guarded:?}");
    assert_eq!(guarded.trail, [Bound::MaxStep]);
}

#[test]
fn what_is_asked_again_within_the_hour_is_the_same_question_and_is_not_proposed_anew() {
    let (early, late) = (NOW_MS + 60_000, NOW_MS + 59 * 60_000);
    let asked = |now_ms, book: &Book| run_at(now_ms, Room::default(), book, &ONE_PROVIDER, &[], 1);
    let (first, second) = (asked(early, &Book::default()), asked(late, &Book::default()));
    assert_eq!(first.scenarios, second.scenarios);
    let request =
        |found: &Foresaw| found.openings[0].foresight.as_ref().map(|it| it.request.clone());
    assert_eq!(request(&first), request(&second));
    let hour = Timestamp::from_unix_ms(NOW_MS);
    assert_eq!(window(Timestamp::from_unix_ms(late), 30).1, hour);
    assert_eq!(request(&first).expect("a request").to, Some(hour));
    let open = What::Open(Box::new(first.openings[0].clone()));
    let again = asked(late, &Book::of(vec![told(1, early, None, open)]));
    assert!(again.openings.is_empty());
    let before = request(&asked(NOW_MS - 1, &Book::default())).expect("a request").to;
    assert!(before.is_some_and(|to| to < hour), "another hour is another question");
}

#[test]
fn a_stress_that_everybody_bears_breaks_nothing() {
    let found = run(&Book::default(), &[("a", "azure", "30"), ("b", "azure", "35")], &[], 1);
    assert!(found.openings.is_empty());
    let calm = |it: &Foreseen| it.broken.is_empty() && it.tenants.is_empty() && it.under_water == 0;
    assert!(found.scenarios.iter().all(calm), "{:?}", found.scenarios);
}

#[test]
fn who_is_under_water_already_is_counted_and_left_to_the_optimizer() {
    let found = run(&Book::default(), &[("low", "azure", "75")], &[], 1);
    let first = &found.scenarios[0];
    assert_eq!((first.under_water, first.fell), (1, 0));
    assert!(found.openings.is_empty());
    let of = |threshold| first.already.iter().find(|it| it.threshold == threshold);
    let tenant = of(Threshold::Tenant).expect("it is so now");
    assert!(tenant.is > 0.9 && tenant.max == share("0.5"), "{tenant:?}");
    assert!(of(Threshold::Portfolio).is_some_and(|it| it.is > 0.9 && it.max == share("0.25")));
}

#[test]
fn a_smaller_rise_is_met_by_the_smallest_price_that_keeps_above_water() {
    let rise = serde_json::json!({ "scenarios": [{ "name": "x", "changes": { "cost": { "azure": "0.12" } } }] });
    let kept = ScenarioSave {
        scenario_id: Uuid::from_u128(9),
        version: 2,
        name: "A little dearer".into(),
        notes: String::new(),
        request: rise,
        standing: true,
    };
    let mut policy = Policy::default();
    policy.foresight.scenarios.provider_cost = false;
    let book = Book::of(in_force(policy));
    let found = run(&book, &[("falls", "azure", "60")], std::slice::from_ref(&kept), 1);
    let foreseen = found.scenarios.last().expect("the kept one");
    assert_eq!(
        (foreseen.shock.scenario_id, foreseen.shock.version),
        (Some(kept.scenario_id), Some(2))
    );
    let open = &found.openings[0];
    let after = open.foresight.as_ref().expect("foreseen").after.below_floor;
    assert!(after <= 0.5 && after > 0.48, "just above water: {after}");
    assert!(price_of(open) < decimal("1.08"), "{}", price_of(open));
    let idle = ScenarioSave { standing: false, ..kept };
    assert!(run(&book, &[("falls", "azure", "60")], &[idle], 1).openings.is_empty());
}

/// That policy, approved and applied.
fn in_force(policy: Policy) -> Vec<Told> {
    let content = Content::Policy { policy: Box::new(policy) };
    let hash = content.hash();
    let proposal_id = Uuid::from_u128(77);
    let at = NOW_MS - 40 * DAY_MS;
    let edition =
        edition(&Book::default(), content, "x".into(), None, None, Timestamp::from_unix_ms(at));
    let open = ProposalOpen { proposal_id, grounds: Grounds::Person, edition, foresight: None };
    let approve =
        || What::Approve(ProposalApprove { proposal_id, version: 1, hash, on_behalf_of: None });
    let apply = ProposalApply { proposal_id, version: 1, hash, result_version: 1 };
    vec![
        told(901, at, Some("a"), What::Open(Box::new(open))),
        told(902, at + 1, Some("b"), approve()),
        told(903, at + 2, Some("c"), approve()),
        told(904, at + 3, None, What::Apply(apply)),
    ]
}

#[test]
fn nobody_is_asked_twice_while_one_is_open_or_soon_after_it_was_refused() {
    let first = run(&Book::default(), &ONE_PROVIDER, &[], 1);
    let open = first.openings[0].clone();
    let (id, hash) = (open.proposal_id, open.edition.content.hash());
    let opened = told(1, NOW_MS - 1_000, None, What::Open(Box::new(open)));
    let again = run(&Book::of(vec![opened.clone()]), &ONE_PROVIDER, &[], 2);
    assert!(again.openings.is_empty());
    assert_eq!(again.scenarios[0].tenants[0].proposal_id, Some(id), "the open one is named");
    let reject = ProposalReject { proposal_id: id, version: 1, hash, reason: "no".into() };
    let refused = told(2, NOW_MS - 500, Some("a"), What::Reject(reject));
    let again = run(&Book::of(vec![opened, refused]), &ONE_PROVIDER, &[], 3);
    assert!(again.openings.is_empty() && again.scenarios[0].tenants[0].proposal_id.is_none());
}

#[test]
fn with_autonomy_on_people_decide_all_the_same_and_every_order_of_events_says_so() {
    let open = run(&Book::default(), &ONE_PROVIDER, &[], 1).openings[0].clone();
    let (id, hash) = (open.proposal_id, open.edition.content.hash());
    let on = |tenant_id| {
        let switch = SwitchName::AutoPricing;
        What::Switch(PolicySwitch { switch, tenant_id, on: true, reason: "x".into() })
    };
    let apply = ProposalApply { proposal_id: id, version: 1, hash, result_version: 1 };
    let approve = ProposalApprove { proposal_id: id, version: 1, hash, on_behalf_of: None };
    let all = vec![
        told(1, NOW_MS - 9, Some("a"), on(None)),
        told(2, NOW_MS - 8, Some("a"), on(Some(tenant("falls")))),
        told(3, NOW_MS - 7, None, What::Open(Box::new(open))),
        told(4, NOW_MS - 6, None, What::Apply(apply)),
        told(5, NOW_MS - 5, Some("a"), What::Approve(approve)),
    ];
    let before = Book::of(all[..4].to_vec());
    let case = before.case(id).expect("a case");
    assert!(before.is_automatic(&tenant("falls")));
    assert_eq!(before.needs(case, case.current(), case.opened_at), Needs::Persons(1));
    assert_eq!(before.chain(&tenant("falls")), None, "an application without approvals is none");
    let whole = Book::of(all.clone());
    assert_eq!(
        whole.case(id).expect("a case").standing(Timestamp::from_unix_ms(NOW_MS)),
        Standing::Applied
    );
    let mut turned = all;
    for _ in 0..turned.len() {
        turned.rotate_left(1);
        assert_eq!(Book::of(turned.clone()), whole);
        let mut back = turned.clone();
        back.reverse();
        assert_eq!(Book::of(back), whole);
    }
}

#[test]
fn a_person_cannot_speak_on_grounds_of_foresight() {
    let open = run(&Book::default(), &ONE_PROVIDER, &[], 1).openings[0].clone();
    let by_person = told(1, NOW_MS, Some("a"), What::Open(Box::new(open)));
    assert_eq!(Book::of(vec![by_person]).cases().count(), 0);
}

#[test]
fn traffic_moves_away_from_a_dearer_cloud_no_further_than_policy_lets_it() {
    let found = run(&Book::default(), &THREE_CLOUDS, &[], 1);
    let routing = found.scenarios[0].routing.as_ref().expect("traffic moves");
    let open = found.openings.iter().find(|it| it.proposal_id == routing.proposal_id);
    let open = open.expect("a proposal");
    let Content::Routing { shares } = &open.edition.content else { panic!("shares") };
    assert_eq!(shares.check(), Ok(()));
    let azure = shares.0.get(&Cloud::Azure).map_or(Decimal::ZERO, |share| share.get());
    let present = Decimal::ONE / Decimal::from(3);
    assert!(azure < present && azure >= present - decimal("0.2"), "{azure}");
    let moved = ((present - azure) * Decimal::ONE_HUNDRED).round_dp(1).normalize();
    let said = format!("with {moved} % of the traffic moved elsewhere");
    assert!(open.edition.reason.contains(&said), "{} and not {said}", open.edition.reason);
    let foresight = open.foresight.as_ref().expect("what is foreseen");
    assert!(foresight.after.below_floor < foresight.stressed.below_floor);
    assert_eq!(foresight.request.scenarios.len(), 2);
    assert_eq!(foresight.request.check(), Ok(()));

    let mut policy = Policy::default();
    policy.foresight.traffic_step_max = Share::ZERO;
    let held = run(&Book::of(in_force(policy)), &THREE_CLOUDS, &[], 2);
    assert!(held.scenarios.iter().all(|it| it.routing.is_none()));
}

/// Three clouds, each with a third of the traffic.
const THREE_CLOUDS: [(&str, &str, &str); 3] =
    [("a", "azure", "66"), ("a", "bedrock", "58"), ("a", "vertex", "58")];

#[test]
fn no_cloud_is_given_more_than_it_can_take_and_where_nobody_can_it_is_said() {
    let room = |gcp, aws| {
        let capacity = PerCloud { gcp: Some(gcp), aws: Some(aws), azure: Some(1_000.0) };
        Room { demand_per_s: 1_000.0, capacity }
    };
    let asked = |room| run_at(NOW_MS, room, &Book::default(), &THREE_CLOUDS, &[], 1);
    // Four fifths of 450 a second are 36 % of the traffic.
    let found = asked(room(450.0, 900.0));
    let routing = found.scenarios[0].routing.as_ref().expect("traffic moves");
    assert!(routing.shares.0[&Cloud::Gcp] <= share("0.36"), "{routing:?}");
    assert_eq!(routing.at_most[&Cloud::Gcp], share("0.36"));
    let open = found.openings.iter().find(|it| it.proposal_id == routing.proposal_id);
    let reason = &open.expect("a proposal").edition.reason;
    assert!(reason.contains("clouds get at most: gcp 36 %, aws 72 %, azure 80 %."), "{reason}");

    let full = asked(room(300.0, 300.0));
    let first = &full.scenarios[0];
    assert_eq!((&first.routing, first.unmoved), (&None, Some(Unmoved::NoRoom)));
}

#[test]
fn shares_rest_after_they_were_applied_and_until_when_is_said() {
    let mut shares = Shares(Cloud::ALL.map(|cloud| (cloud, share("0.3"))).into());
    shares.0.insert(Cloud::Azure, share("0.4"));
    let applied_at = |days: i64| {
        let at_ms = NOW_MS - days * DAY_MS;
        let content = Content::Routing { shares: shares.clone() };
        let hash = content.hash();
        let (proposal_id, at) = (Uuid::from_u128(55), Timestamp::from_unix_ms(at_ms));
        let edition = edition(&Book::default(), content, "x".into(), None, None, at);
        let open = ProposalOpen { proposal_id, grounds: Grounds::Person, edition, foresight: None };
        let approve =
            || What::Approve(ProposalApprove { proposal_id, version: 1, hash, on_behalf_of: None });
        let apply = ProposalApply { proposal_id, version: 1, hash, result_version: 1 };
        Book::of(vec![
            told(801, at_ms - 9, Some("a"), What::Open(Box::new(open))),
            told(802, at_ms - 8, Some("b"), approve()),
            told(803, at_ms - 7, Some("c"), approve()),
            told(804, at_ms, None, What::Apply(apply)),
        ])
    };
    let young = applied_at(13);
    assert_eq!(young.shares().version(), 1, "the shares are in force");
    let resting = run(&young, &THREE_CLOUDS, &[], 1);
    let until = Timestamp::from_unix_ms(NOW_MS + DAY_MS);
    assert_eq!(resting.scenarios[0].unmoved, Some(Unmoved::Resting { until }));
    assert!(resting.scenarios.iter().all(|it| it.routing.is_none()));
    let rested = run(&applied_at(14), &THREE_CLOUDS, &[], 1);
    assert_eq!(rested.scenarios[0].unmoved, None);
    assert!(rested.scenarios[0].routing.is_some());
}

#[test]
fn traffic_stays_where_only_a_tenant_falls_and_the_portfolio_bears_it() {
    let found = run(&Book::default(), &[("falls", "azure", "57"), ("b", "bedrock", "45")], &[], 1);
    let openai = &found.scenarios[0];
    let [broken] = openai.broken.as_slice() else { panic!("{:?}", openai.broken) };
    assert_eq!((broken.threshold, openai.fell), (Threshold::Tenant, 1));
    // It would help: less would be below the floor.
    assert!(openai.stressed.expect("the portfolio").below_floor > 0.02, "{openai:?}");
    assert_eq!(openai.routing, None);
    let is_price = |open: &ProposalOpen| matches!(open.edition.content, Content::Controls { .. });
    assert!(found.openings.iter().all(is_price) && found.openings.len() == 1);
}

/// Kept under that number, and asked on schedule.
fn kept(id: u128, request: serde_json::Value) -> ScenarioSave {
    ScenarioSave {
        scenario_id: Uuid::from_u128(id),
        version: 1,
        name: format!("Kept {id}"),
        notes: String::new(),
        request,
        standing: true,
    }
}

#[test]
fn a_kept_scenario_without_an_answer_says_why_and_the_others_are_asked() {
    let dearer = |assumptions: serde_json::Value| {
        let changes = serde_json::json!({ "cost": { "azure": "0.4" } });
        let scenarios = [serde_json::json!({ "name": "x", "changes": changes })];
        serde_json::json!({ "scenarios": scenarios, "assumptions": assumptions })
    };
    let absurd = kept(1, dearer(serde_json::json!({ "costSigma": -1.0 })));
    let sound = kept(2, dearer(serde_json::json!({})));
    let found = run(&Book::default(), &ONE_PROVIDER, &[absurd, sound], 1);
    let [openai, _, absurd, sound] = found.scenarios.as_slice() else {
        panic!("{:?}", found.scenarios)
    };
    assert_eq!((openai.fell, sound.fell), (1, 1));
    assert_eq!((&absurd.now, &absurd.stressed, absurd.fell), (&None, &None, 0));
    let [why] = absurd.left_out.as_slice() else { panic!("{:?}", absurd.left_out) };
    assert!(why.contains("the sigma of costs is -1"), "{why}");
    // The harder one is what is proposed against.
    let foresight = found.openings[0].foresight.as_ref().expect("what is foreseen");
    assert_eq!(foresight.shock.name, "Kept 2");
}

#[test]
fn what_is_kept_beyond_ten_is_not_asked_and_is_counted() {
    let mut foresight = Policy::default().foresight;
    let all: Vec<_> = (1..=12).map(|id| kept(id, serde_json::json!({}))).collect();
    let asked = asks(&foresight, &inputs(vec![place("a", "azure", "30")]), &all);
    assert_eq!(asked.iter().filter(|ask| ask.is_kept()).count(), KEPT_MAX);
    assert_eq!((unasked(&foresight, &all), unasked(&foresight, &all[..KEPT_MAX])), (2, 0));
    foresight.scenarios.kept = false;
    assert_eq!(unasked(&foresight, &all), 0, "none is asked on purpose");
}

#[test]
fn many_places_are_drawn_less_often_and_never_too_seldom() {
    let foresight = Foresight { draws: 20_000, ..Policy::default().foresight };
    let of = |places: usize| draws(&foresight, &inputs(vec![place("a", "azure", "30"); places]));
    assert_eq!((of(0), of(500), of(5_000), of(200_000)), (20_000, 20_000, 2_000, 100));
}

#[test]
fn moving_to_where_it_is_dearer_still_is_not_proposed() {
    let found = run(&Book::default(), &[("a", "azure", "57"), ("b", "bedrock", "90")], &[], 1);
    assert!(found.scenarios.iter().all(|it| it.routing.is_none()), "{:?}", found.scenarios);
}

#[test]
fn the_kill_switch_a_contract_and_a_cool_down_hold_a_price() {
    let risk = Risk::Law(MarginLaw::new(0.75, 0.1, &[(1.0, Share::ZERO)]).expect("a law"));
    let threat = Threat { risk: &risk, floor: share("0.35"), max: share("0.5") };
    let bound =
        |stands: Stands| match price::answer(&Limits::default(), &stands, &figures("58"), &threat)
            .expect("an answer")
        {
            Answer::Held(rule) => rule,
            Answer::Move { .. } => panic!("it is held"),
        };
    assert_eq!(bound(Stands { kill_switch: true, ..stands("1", "1") }), Bound::KillSwitch);
    assert_eq!(bound(Stands { contract_locked: true, ..stands("1", "1") }), Bound::ContractLock);
    assert_eq!(bound(Stands { days_since_change: 13, ..stands("1", "1") }), Bound::Cooldown);
    assert_eq!(bound(stands("1.15", "1")), Bound::MaxCumulative);
}

#[test]
fn a_price_is_foreseen_by_what_it_moves_of_the_revenue() {
    let risk = Risk::Law(MarginLaw::new(0.68, 0.1, &[(1.0, Share::ZERO)]).expect("a law"));
    let threat = Threat { risk: &risk, floor: share("0.35"), max: share("0.5") };
    let beyond = |usd: i64| {
        let list_usd = Decimal::from(usd);
        let beyond = (usd > 0).then_some(BeyondCap { list_usd, revenue_usd: list_usd });
        let figures = Figures { beyond, ..figures("40") };
        price::answer(&Limits::default(), &stands("1", "1"), &figures, &threat).expect("an answer")
    };
    let target = |answer: Answer| match answer {
        Answer::Move { guarded, after } => (guarded.target_of_list - Decimal::ONE, after),
        Answer::Held(rule) => panic!("{rule:?} holds it"),
    };
    let ((all, _), (half, after)) = (target(beyond(0)), target(beyond(50)));
    // Half of the revenue moves, so the price has to move twice as far, to its tick.
    assert!(half > all && (half - all - all).abs() <= decimal("0.002"), "{half} and {all}");
    assert!(after.below_floor < threat.below(1.0));
    assert_eq!(beyond(100), Answer::Held(Bound::MarginFloorInfeasible), "nothing would move");
}

fn share(text: &str) -> Share {
    Share::new("a share", decimal(text)).expect("a share")
}

fn stands(current: &str, anchor: &str) -> Stands {
    Stands {
        controls: Controls { price_of_list: decimal(current), ..Controls::STANDARD },
        anchor_of_list: decimal(anchor),
        days_since_change: u32::MAX,
        contract_locked: false,
        kill_switch: false,
        automatic: false,
    }
}

proptest! {
    #[test]
    fn no_price_passes_a_guardrail_and_none_smaller_would_do(
        ratio in 0.3..1.4f64, sigma in 0.01..0.4f64,
        current in 800..1_300i64, anchor in 800..1_300i64,
        step in 1..20i64, cumulative in 1..40i64, tick in 1..20i64,
        days in 0..30u32, locked in any::<bool>(), killed in any::<bool>(),
    ) {
        let law = MarginLaw::new(ratio, sigma, &[(1.0, Share::ZERO)]).expect("a law");
        let risk = Risk::Law(law);
        let threat = Threat { risk: &risk, floor: share("0.35"), max: share("0.5") };
        prop_assume!(threat.below(1.0) > 0.5);
        // A price that is out of its period already is brought back into it, however far that is.
        prop_assume!((current - anchor).abs() * 100 <= cumulative * anchor);
        let limits = Limits {
            step_max: Decimal::new(step, 2),
            cumulative_max: Decimal::new(cumulative, 2),
            tick_of_list: Decimal::new(tick, 3),
            ..Limits::default()
        };
        let stands = Stands {
            days_since_change: days, contract_locked: locked, kill_switch: killed,
            ..stands(&Decimal::new(current, 3).to_string(), &Decimal::new(anchor, 3).to_string())
        };
        let was = stands.controls.price_of_list;
        // Margins of now are well above the floor: only the stress asks for more.
        let found = price::answer(&limits, &stands, &figures("40"), &threat).expect("an answer");
        if let Answer::Move { guarded, after } = found {
            let is = guarded.price_of_list;
            prop_assert!(!locked && !killed && days >= limits.cooldown_days);
            prop_assert!(is > was && is - was <= limits.step_max * was);
            let from_anchor = (is - stands.anchor_of_list).abs();
            prop_assert!(from_anchor <= limits.cumulative_max * stands.anchor_of_list);
            prop_assert!(is <= limits.ceiling_of_list && is >= limits.floor_of_list);
            prop_assert!((is % limits.tick_of_list).is_zero() || is == was);
            prop_assert!(after.below_floor <= threat.below(1.0));
            if after.below_floor <= 0.5 {
                let lower = float((is - limits.tick_of_list) / was);
                prop_assert!(lower <= 1.0 || threat.below(lower) > 0.5, "a smaller one would do");
            }
        }
    }
}

#[test]
fn the_rule_of_a_tenant_says_its_floor() {
    let mut policy = Policy::default();
    let limits = Limits { margin_min: share("0.2"), ..Limits::default() };
    let rule = Rule { name: "pro".into(), tier: Some("pro".into()), cloud: None, limits };
    policy.rules.push(rule);
    // At 57 + 30 % the margin is about 26 %: above its own floor.
    let found = run(&Book::of(in_force(policy)), &ONE_PROVIDER, &[], 1);
    assert!(found.openings.is_empty());
    assert_eq!(found.scenarios[0].fell, 0);
}
