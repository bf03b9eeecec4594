//! What is typed comes to the policy that it says, and what cannot be is told by its field.

use super::*;

fn typed(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn lines(was: &Policy, is: &Policy) -> Vec<String> {
    let line = |one: Change| format!("{} | {} | {}", one.what, one.was, one.is);
    changes(was, is).into_iter().map(line).collect()
}

#[test]
fn a_form_that_nobody_touched_is_the_policy_in_force() {
    let policy = Policy::default();
    let all = policy.fields().into_iter().map(|field| (field.path, field.text)).collect();
    assert_eq!(policy.fitting(&all).expect("as it is"), policy);
    assert_eq!(policy.fitting(&BTreeMap::new()).expect("as it is"), policy);
}

#[test]
fn every_number_of_the_policy_is_a_field_or_said_why_not() {
    let policy = Policy::default();
    let mut leaves = Vec::new();
    walk(String::new(), &policy.whole(), &mut leaves);
    let fields: Vec<String> = policy.fields().into_iter().map(|field| field.path).collect();
    // The name and whom of a rule are set with the rule; a last step has no bound; the seed is a program's.
    let others = ["rules.0.name", "quorum.1.upTo", "foresight.seed"];
    leaves.retain(|leaf| !fields.contains(leaf) && !others.contains(&leaf.as_str()));
    assert_eq!(leaves, Vec::<String>::new());
}

fn walk(path: String, value: &Value, leaves: &mut Vec<String>) {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(all) => all.iter().for_each(|(name, value)| walk(below(name), value, leaves)),
        Value::Array(all) => {
            all.iter()
                .enumerate()
                .for_each(|(at, value)| walk(below(&at.to_string()), value, leaves));
        }
        _ => leaves.push(path),
    }
}

#[test]
fn percent_days_choices_and_switches_are_read_as_people_type_them() {
    let was = Policy::default();
    let is = was
        .fitting(&typed(&[
            ("rules.0.limits.stepMax", "6 %"),
            ("rules.0.limits.cooldownDays", "21"),
            ("rules.0.limits.tickOfList", "0.5"),
            ("watch.answer", "rollBack"),
            ("foresight.on", "no"),
            ("assumptions.elasticity", "−0.9"),
            ("assumptions.price.churnProbability", "3"),
            ("expiryDays", " "),
        ]))
        .expect("a policy");
    let said = lines(&was, &is);
    assert_eq!(
        said,
        [
            "Rule “everybody”: Change at once, up to | 8 % | 6 %",
            "Rule “everybody”: Rest after a change | 14 days | 21 days",
            "Rule “everybody”: Prices are multiples of, of the list | 0.1 % | 0.5 %",
            "After a change: The answer | propose to take it back | take it back at once",
            "Foresight: Stresses are asked by themselves | yes | no",
            "Assumptions: Change of usage for a change of price | -1.4 | -0.9",
            "Assumptions: Price: leaves with | 2 % | 3 %",
        ]
    );
    assert_eq!(lines(&is, &is), Vec::<String>::new());
}

#[test]
fn steps_of_who_must_agree_are_changed_added_and_left_out() {
    let was = Policy::default();
    let with = |fields: &[(&str, &str)]| was.fitting(&typed(fields));
    let three =
        with(&[("quorum.new.upTo", "5"), ("quorum.new.persons", "1"), ("quorum.1.persons", "3")]);
    assert_eq!(
        lines(&was, &three.expect("three steps")),
        [
            "Who must agree: to a price | up to 15 %: 1 person; beyond: 2 persons | up to 5 %: 1 person; up to 15 %: 1 person; beyond: 3 persons"
        ]
    );
    let one = with(&[("quorum.0.remove", "yes")]).expect("one step");
    assert_eq!(one.quorum.steps().len(), 1);
    let half = with(&[("quorum.new.upTo", "30")]).expect_err("no persons");
    assert_eq!(half[0].path, "quorum.new.persons");
    let falls = with(&[("quorum.0.persons", "5")]).expect_err("larger ones need fewer");
    assert!(falls[0].problem.contains("the quorum"), "{falls:?}");
}

#[test]
fn a_rule_is_added_with_everybodys_limits_and_left_out_again() {
    let was = Policy::default();
    let new = [("rule.name", "pro"), ("rule.tier", "pro"), ("rule.cloud", "")];
    let two = was.fitting(&typed(&new)).expect("two rules");
    assert_eq!(two.rules[1].limits, was.rules[0].limits);
    assert!(lines(&was, &two).contains(&"Rule “pro”: for | not there | tier pro".to_owned()));
    let stricter = two.fitting(&typed(&[("rules.1.limits.autoMax", "1")])).expect("changed");
    assert_eq!(
        lines(&two, &stricter),
        ["Rule “pro”: Change that applies by itself, up to | 5 % | 1 %"]
    );
    assert_eq!(stricter.fitting(&typed(&[("rules.1.remove", "yes")])).expect("gone"), was);
    let last = was.fitting(&typed(&[("rules.0.remove", "yes")])).expect_err("nobody has a rule");
    assert!(last[0].problem.contains("rules"), "{last:?}");
    for (fields, path) in [
        (vec![("rule.tier", "pro")], "rule.name"),
        (vec![("rule.name", "everybody"), ("rule.tier", "pro")], "rule.name"),
        (vec![("rule.name", "x"), ("rule.cloud", "ibm")], "rule.cloud"),
    ] {
        assert_eq!(was.fitting(&typed(&fields)).expect_err(path)[0].path, path);
    }
    // Nothing chooses between the two.
    let crossing = [("rule.name", "aws"), ("rule.cloud", "aws")];
    assert!(
        two.fitting(&typed(&crossing)).expect_err("ambiguous")[0].problem.contains("two rules")
    );
}

#[test]
fn what_cannot_be_is_told_by_its_field() {
    let policy = Policy::default();
    for (path, text, says) in [
        ("rules.0.limits.stepMax", "much", "no number"),
        ("rules.0.limits.stepMax", "-3", "0 to 1"),
        ("rules.0.limits.marginMin", "150", "share"),
        ("rules.0.limits.floorOfList", "200", "ceiling"),
        ("rules.0.limits.cooldownDays", "1.5", "whole"),
        ("rules.0.limits.thresholds.lowLeave", "20", ""),
        ("policyPersons", "0", "1 to 20"),
        ("watch.days", "40", "window"),
        ("watch.answer", "shrug", "choices"),
        ("foresight.on", "perhaps", "neither yes nor no"),
        ("assumptions.elasticity", "NaN", "no number"),
        ("assumptions.price.acceptProbability", "101", ""),
    ] {
        let unfit = policy.fitting(&typed(&[(path, text)])).expect_err(path);
        assert_eq!((unfit.len(), unfit[0].path.as_str()), (1, path), "{unfit:?}");
        assert!(unfit[0].problem.contains(says), "{unfit:?}");
    }
    // Beside a field that fits.
    let both = typed(&[("expiryDays", "9"), ("policyPersons", "99")]);
    assert_eq!(policy.fitting(&both).expect_err("too many")[0].path, "policyPersons");
}

#[test]
fn what_is_no_field_is_left_aside() {
    let policy = Policy::default();
    let junk =
        typed(&[("form", "policy"), ("rules.9.remove", "yes"), ("a.b.c", "1"), ("version", "3")]);
    assert_eq!(policy.fitting(&junk).expect("as it is"), policy);
}

#[test]
fn what_was_typed_over_a_version_of_before_takes_nothing_back_that_was_changed_since() {
    let before = Policy::default();
    // The whole form as it was, with one number that somebody typed.
    let mut form: BTreeMap<String, String> =
        before.fields().into_iter().map(|field| (field.path, field.text)).collect();
    form.insert("rules.0.limits.stepMax".to_owned(), "6".to_owned());
    // Meanwhile another rule came first, and the expiry is another.
    let mut now = before.clone();
    let narrower =
        Rule { name: "pro".to_owned(), tier: Some("pro".to_owned()), ..now.rules[0].clone() };
    now.rules.insert(0, narrower);
    now.expiry_days = 9;
    let carried = now.carried_from(&before, &form);
    assert_eq!(carried, typed(&[("rules.1.limits.stepMax", "6")]));
    let wanted = now.fitting(&carried).expect("a policy");
    assert_eq!(lines(&now, &wanted), ["Rule “everybody”: Change at once, up to | 8 % | 6 %"]);
    let gone = Policy { rules: now.rules[1..].to_vec(), ..now.clone() };
    assert_eq!(
        gone.carried_from(&now, &typed(&[("rules.0.limits.stepMax", "3")])),
        BTreeMap::new()
    );
}
