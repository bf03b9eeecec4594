//! Which rule holds for whom, what is refused, and how a change reads.

use super::*;
use crate::economics::quantity::decimal;
use proptest::prelude::*;

fn rule(name: &str, tier: Option<&str>, cloud: Option<Cloud>) -> Rule {
    let limits = Limits::default();
    Rule { name: name.to_owned(), tier: tier.map(str::to_owned), cloud, limits }
}

fn policy(more: Vec<Rule>) -> Policy {
    let mut policy = Policy::default();
    policy.rules.extend(more);
    policy
}

#[test]
fn the_product_s_own_policy_is_sound_and_reads_back() {
    let policy = Policy::default();
    policy.check().expect("sound");
    let text = serde_json::to_string(&policy).expect("text");
    assert_eq!(serde_json::from_str::<Policy>(&text).expect("a policy"), policy);
    assert_eq!(policy.quorum.persons(decimal("0.15")), 1);
    assert_eq!(policy.quorum.persons(decimal("-0.1501")), 2);
}

#[test]
fn the_rule_that_names_most_holds() {
    let policy = policy(vec![
        rule("pro", Some("pro"), None),
        rule("pro on aws", Some("pro"), Some(Cloud::Aws)),
    ]);
    policy.check().expect("sound");
    let name = |tier, cloud| policy.rule(tier, cloud).expect("a rule").name.as_str();
    assert_eq!(name("pro", Cloud::Aws), "pro on aws");
    assert_eq!(name("pro", Cloud::Gcp), "pro");
    assert_eq!(name("free", Cloud::Aws), "everybody");
}

#[test]
fn two_rules_between_which_nothing_chooses_are_refused() {
    let crossing = vec![rule("pro", Some("pro"), None), rule("aws", None, Some(Cloud::Aws))];
    assert!(policy(crossing).check().is_err());
    assert!(policy(vec![rule("again", None, None)]).check().is_err());
    let apart = vec![rule("pro", Some("pro"), None), rule("free", Some("free"), None)];
    assert!(policy(apart).check().is_ok());
    let mut nobody = Policy::default();
    nobody.rules[0].tier = Some("pro".to_owned());
    assert!(nobody.check().is_err());
}

#[test]
fn a_number_out_of_its_range_is_refused_by_its_name() {
    let with = |change: fn(&mut Policy)| {
        let mut policy = Policy::default();
        change(&mut policy);
        policy.check().expect_err("out of range").to_string()
    };
    assert!(with(|it| it.rules[0].limits.step_max = decimal("-0.1")).contains("the largest step"));
    assert!(with(|it| it.policy_persons = 0).contains("the approvals of a policy"));
    assert!(with(|it| it.expiry_days = 0).contains("the expiry"));
    assert!(with(|it| it.rules[0].limits.floor_of_list = decimal("2")).contains("ceiling"));
    assert!(with(|it| it.assumptions.price.churn_probability = 0.5).contains("churn"));
    assert!(with(|it| it.rules[0].limits.tick_of_list = Decimal::ZERO).contains("the tick"));
}

#[test]
fn a_change_reads_as_field_before_and_after() {
    let was = Policy::default();
    let mut is = was.clone();
    is.rules[0].limits.step_max = decimal("0.06");
    is.rules.push(rule("pro", Some("pro"), None));
    let found = differences(&was, &is);
    let first = found.iter().find(|one| one.field.ends_with("everybody / limits / step max"));
    let first = first.expect("the step");
    assert_eq!((first.was.as_deref(), first.is.as_deref()), (Some("0.08"), Some("0.06")));
    assert!(found.iter().any(|one| one.field == "rules / pro / tier" && one.was.is_none()));
    assert_eq!(differences(&was, &was), []);
}

#[test]
fn a_policy_of_before_foresight_reads_as_it_did_and_keeps_its_bytes() {
    let before = serde_json::to_value(Policy::default()).expect("json");
    assert!(before.get("foresight").is_none() && before.get("watch").is_none());
    let read: Policy = serde_json::from_value(before.clone()).expect("a policy");
    assert_eq!(read.foresight, Foresight::default());
    assert_eq!(serde_json::to_value(&read).expect("json"), before);
    let mut other = read;
    other.foresight.every_hours = 12;
    let written = serde_json::to_value(&other).expect("json");
    assert_eq!(written["foresight"]["everyHours"], 12);
    assert_eq!(serde_json::from_value::<Policy>(written).expect("a policy"), other);
}

#[test]
fn what_changed_of_foresight_is_told_by_its_fields_and_absurd_numbers_are_refused() {
    let was = Policy::default();
    let mut is = was.clone();
    is.foresight.scenarios.eu_latency = false;
    is.foresight.below_floor_max = Share::new("x", decimal("0.1")).expect("a share");
    let found = differences(&was, &is);
    let told: Vec<(&str, Option<&str>, Option<&str>)> = found
        .iter()
        .map(|one| (one.field.as_str(), one.was.as_deref(), one.is.as_deref()))
        .collect();
    let expected = [
        ("foresight / below floor max", Some("0.25"), Some("0.1")),
        ("foresight / scenarios / eu latency", Some("true"), Some("false")),
    ];
    assert_eq!(told, expected);
    for absurd in [
        Foresight { every_hours: 0, ..Foresight::default() },
        Foresight { draws: 99, ..Foresight::default() },
        Foresight { draws: 1_000_000, ..Foresight::default() },
    ] {
        let policy = Policy { foresight: absurd, ..Policy::default() };
        assert!(policy.check().expect_err("absurd").to_string().contains("of foresight"));
    }
}

proptest! {
    #[test]
    fn in_a_policy_that_is_sound_every_tenant_has_exactly_one_rule(
        scopes in prop::collection::vec(
            (prop::option::of(0..3usize), prop::option::of(0..3usize)), 0..6,
        ),
    ) {
        let tiers = ["free", "pro", "max"];
        let more = scopes.iter().enumerate().map(|(at, (tier, cloud))| {
            rule(&format!("r{at}"), tier.map(|at| tiers[at]), cloud.map(|at| Cloud::ALL[at]))
        });
        let policy = policy(more.collect());
        if policy.check().is_ok() {
            for tier in tiers {
                for cloud in Cloud::ALL {
                    let found: Vec<&Rule> =
                        policy.rules.iter().filter(|rule| rule.matches(tier, cloud)).collect();
                    let most = found.iter().map(|rule| rule.names()).max();
                    let holding = found.iter().filter(|rule| Some(rule.names()) == most).count();
                    prop_assert_eq!(holding, 1);
                }
            }
        }
    }
}

#[test]
fn a_policy_is_shown_with_its_standard_parts_and_stored_without_them() {
    let policy = Policy::default();
    let stored = serde_json::to_value(&policy).expect("serializes");
    assert!(stored.get("watch").is_none() && stored.get("foresight").is_none());
    let whole = policy.whole();
    assert_eq!(
        (&whole["watch"]["days"], &whole["foresight"]["everyHours"]),
        (&28.into(), &6.into())
    );
    // Sent back as it was shown it is the same policy, and has the same stored form.
    let back: Policy = serde_json::from_value(whole).expect("a policy");
    assert_eq!(serde_json::to_value(&back).expect("serializes"), stored);
}
