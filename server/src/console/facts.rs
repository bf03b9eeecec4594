//! The facts that a proposal rests on, then and now, with names and units.

use std::collections::BTreeSet;

use app::backend::FactRow;
use domain::pricing::approval::{Drift, Facts};
use domain::pricing::margin;
use rust_decimal::Decimal;

use super::approvals::percent;
use super::figures::dollars;

/// Before a tier's id, in the name of the fact that the tenant is in it.
const TIER: &str = "tier ";
const ABSENT: &str = "none";

/// All of them: money first, then whom it is about, then versions.
pub(super) fn rows(then: &Facts, drift: &[Drift]) -> Vec<FactRow> {
    let now = moved(then, drift);
    let named = |(fact, name, write): Named| {
        let ends = [then, &now].map(|facts| facts.get(fact).copied());
        let texts = ends.map(|it| it.map(write));
        // What moved by less than is written is written in full.
        let is_hidden = ends[0] != ends[1] && texts[0] == texts[1];
        row(name, if is_hidden { ends.map(|it| it.map(percent)) } else { texts })
    };
    let mut rows: Vec<FactRow> = MONEY.into_iter().filter_map(named).collect();
    rows.extend(tier(then, &now));
    rows.extend(STANDING.into_iter().filter_map(named));
    rows.extend(unnamed(then, &now));
    rows
}

/// `Cost, as a share of the list price: 55.56 % → 62 %`, of each that changed.
pub(super) fn changed(then: &Facts, drift: &[Drift]) -> Vec<String> {
    let rows = rows(then, drift).into_iter().filter(|row| row.changed);
    rows.map(|row| format!("{}: {} → {}", row.name, row.then, row.now)).collect()
}

type Named = (&'static str, &'static str, fn(Decimal) -> String);

const MONEY: [Named; 15] = [
    ("margin", "Margin, recorded penalties", margin::told),
    ("costOfList", "Cost, as a share of the list price", percent),
    ("beyondCap", "Beyond the cap, at the overage price", percent),
    ("listInput", "List price before, input", dollars),
    ("listOutput", "List price before, output", dollars),
    ("listCached", "List price before, cached input", dollars),
    ("standsInput", "List price that would be replaced, input", dollars),
    ("standsOutput", "List price that would be replaced, output", dollars),
    ("standsCached", "List price that would be replaced, cached input", dollars),
    ("earlierInput", "List price the policy’s period before, input", dollars),
    ("earlierOutput", "List price the policy’s period before, output", dollars),
    ("earlierCached", "List price the policy’s period before, cached input", dollars),
    ("recordedInput", "List price as recorded before the policy’s period, input", dollars),
    ("recordedOutput", "List price as recorded before the policy’s period, output", dollars),
    ("recordedCached", "List price as recorded before the policy’s period, cached input", dollars),
];
const STANDING: [Named; 3] = [
    ("tenantActive", "The tenant is active", yes_or_no),
    ("version", "Version of what it replaces", version),
    ("policyVersion", "Version of the policy", version),
];

fn row(name: &str, [then, now]: [Option<String>; 2]) -> Option<FactRow> {
    if then.is_none() && now.is_none() {
        return None;
    }
    let changed = then != now;
    let [then, now] = [then, now].map(|it| it.unwrap_or_else(|| ABSENT.to_owned()));
    Some(FactRow { name: name.to_owned(), then, now, changed })
}

/// A tier is named by a fact of its own: moving to another is one gone and one come.
fn tier(then: &Facts, now: &Facts) -> Option<FactRow> {
    let of =
        |facts: &Facts| facts.keys().find_map(|fact| fact.strip_prefix(TIER)).map(str::to_owned);
    row("Tier of the tenant", [of(then), of(now)])
}

/// What a later version may have recorded: under its own name, as it was written.
fn unnamed(then: &Facts, now: &Facts) -> Vec<FactRow> {
    let is_known = |fact: &str| {
        let mut named = MONEY.iter().chain(&STANDING);
        fact.starts_with(TIER) || named.any(|(known, ..)| *known == fact)
    };
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let others = names.into_iter().filter(|fact| !is_known(fact));
    let text = |facts: &Facts, fact: &str| facts.get(fact).map(ToString::to_string);
    others.filter_map(|fact| row(fact, [text(then, fact), text(now, fact)])).collect()
}

fn moved(then: &Facts, drift: &[Drift]) -> Facts {
    let mut now = then.clone();
    for one in drift {
        match one.now {
            Some(is) => drop(now.insert(one.fact.clone(), is)),
            None => drop(now.remove(&one.fact)),
        }
    }
    now
}

fn yes_or_no(is_so: Decimal) -> String {
    if is_so.is_zero() { "no" } else { "yes" }.to_owned()
}

fn version(number: Decimal) -> String {
    if number.is_zero() { "0, none was decided".to_owned() } else { number.normalize().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(of: &[(&str, &str)]) -> Facts {
        let fact =
            |(name, text): &(&str, &str)| ((*name).to_owned(), text.parse().expect("a decimal"));
        of.iter().map(fact).collect()
    }

    fn drift(fact: &str, then: Option<&str>, now: Option<&str>) -> Drift {
        let number = |text: &str| text.parse().expect("a decimal");
        Drift { fact: fact.to_owned(), then: then.map(number), now: now.map(number) }
    }

    #[test]
    fn facts_have_names_and_units_and_versions_and_tiers_are_words() {
        let then = facts(&[
            ("costOfList", "0.5556"),
            ("margin", "0.4444"),
            ("policyVersion", "0"),
            ("tenantActive", "1"),
            ("tier pro", "1"),
            ("version", "3"),
        ]);
        let told: Vec<[String; 2]> =
            rows(&then, &[]).into_iter().map(|row| [row.name, row.now]).collect();
        assert_eq!(
            told,
            [
                ["Margin, recorded penalties", "44.4 %"],
                ["Cost, as a share of the list price", "55.56 %"],
                ["Tier of the tenant", "pro"],
                ["The tenant is active", "yes"],
                ["Version of what it replaces", "3"],
                ["Version of the policy", "0, none was decided"],
            ]
        );
        assert_eq!(rows(&facts(&[("version", "0")]), &[]).len(), 1, "no tier, no money");
    }

    #[test]
    fn another_tier_is_one_change_and_what_is_gone_is_none() {
        let then = facts(&[("margin", "0.3"), ("tier pro", "1")]);
        let moved = [
            drift("tier pro", Some("1"), None),
            drift("tier starter", None, Some("1")),
            drift("margin", Some("0.3"), None),
        ];
        assert_eq!(
            changed(&then, &moved),
            ["Margin, recorded penalties: 30.0 % → none", "Tier of the tenant: pro → starter"]
        );
        assert!(changed(&then, &[]).is_empty());
        let little = drift("margin", Some("0.3"), Some("0.3004"));
        let told = changed(&then, &[little]);
        assert_eq!(told, ["Margin, recorded penalties: 30 % → 30.04 %"], "no change is hidden");
    }
}
