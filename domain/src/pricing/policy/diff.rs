//! What changed between two policies, by the names of their fields: for programs, which look for a
//! field by its name. People read [`told`], to whom a rule that is added is one thing and not
//! twenty numbers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::{Change, Policy, Rule, changes};

const NOT_THERE: &str = "not there";

/// One number or name that is another now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Such as `rules / everybody / limits / step max`.
    pub field: String,
    /// Absent: it was not there.
    pub was: Option<String>,
    /// Absent: it is gone.
    pub is: Option<String>,
}

/// All that differs, in the order of the fields' names.
#[must_use]
pub fn differences(was: &Policy, is: &Policy) -> Vec<Difference> {
    let (was, is) = (flat(was), flat(is));
    let fields: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let difference = |field: &String| {
        let (was, is) = (was.get(field).cloned(), is.get(field).cloned());
        (was != is).then(|| Difference { field: field.clone(), was, is })
    };
    fields.into_iter().filter_map(difference).collect()
}

/// What differs, in words: of a rule that is added, as which other it is and but for what; of all
/// else each number.
#[must_use]
pub fn told(was: &Policy, is: &Policy) -> Vec<Change> {
    let has = |policy: &Policy, rule: &Rule| policy.named(&rule.name).is_some();
    let added: Vec<&Rule> = is.rules.iter().filter(|rule| !has(was, rule)).collect();
    let gone: Vec<&Rule> = was.rules.iter().filter(|rule| !has(is, rule)).collect();
    let mut told: Vec<Change> = added
        .iter()
        .map(|rule| row(rule, NOT_THERE.to_owned(), format!("added, {}", likened(was, rule))))
        .collect();
    let left = "in force".to_owned();
    told.extend(gone.iter().map(|rule| row(rule, left.clone(), "left out".to_owned())));
    let whole: Vec<String> = added.iter().chain(&gone).map(|rule| title(rule)).collect();
    let is_told = |change: &Change| whole.iter().any(|of| in_rule(&change.what, of).is_some());
    told.extend(changes(was, is).into_iter().filter(|change| !is_told(change)));
    told
}

fn title(rule: &Rule) -> String {
    format!("Rule “{}”", rule.name)
}

fn row(rule: &Rule, was: String, is: String) -> Change {
    Change { what: title(rule), was, is }
}

/// `largest step` of `Rule “pro”: largest step`.
fn in_rule<'a>(what: &'a str, title: &str) -> Option<&'a str> {
    what.strip_prefix(title)?.strip_prefix(": ")
}

/// `as rule “everybody” but for: for tier pro; at once up to 6 %`, of the one that is most like it.
fn likened(was: &Policy, rule: &Rule) -> String {
    let compared = was.rules.iter().map(|like| {
        // Both under one name, each the only one: what is left are its own numbers.
        let alone = |limits: &Rule, whom: &Rule| Policy {
            rules: vec![Rule { name: rule.name.clone(), limits: limits.limits, ..whom.clone() }],
            ..was.clone()
        };
        (like, changes(&alone(like, like), &alone(rule, rule)))
    });
    let Some((like, differs)) = compared.min_by_key(|(_, differs)| differs.len()) else {
        return "with numbers of its own".to_owned();
    };
    let own = title(rule);
    let but: Vec<String> = differs
        .into_iter()
        .map(|Change { what, is, .. }| format!("{} {is}", in_rule(&what, &own).unwrap_or(&what)))
        .collect();
    if but.is_empty() {
        return format!("as rule “{}”", like.name);
    }
    format!("as rule “{}” but for: {}", like.name, but.join("; "))
}

fn flat(policy: &Policy) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    // What changed in a part that was the standard one is told by its fields all the same.
    walk(String::new(), &policy.whole(), &mut fields);
    fields
}

fn walk(path: String, value: &Value, fields: &mut BTreeMap<String, String>) {
    let below = |name: &str| {
        if path.is_empty() { words(name) } else { format!("{path} / {}", words(name)) }
    };
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(name, value)| walk(below(name), value, fields));
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                // Rules have names; steps of a quorum have places.
                let name = item.get("name").and_then(Value::as_str);
                let name = name.map_or_else(|| (at + 1).to_string(), str::to_owned);
                let path = if path.is_empty() { name } else { format!("{path} / {name}") };
                walk(path, item, fields);
            }
        }
        Value::String(text) => drop(fields.insert(path, text.clone())),
        other => drop(fields.insert(path, other.to_string())),
    }
}

/// `stepMax` is `step max`.
fn words(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn a_rule_that_is_added_is_one_thing_told_by_the_one_it_is_like() {
        let was = Policy::default();
        let mut is = was.clone();
        let mut rule = was.rules[0].clone();
        rule.name = "pro".to_owned();
        rule.tier = Some("pro".to_owned());
        rule.limits.step_max = Decimal::new(6, 2);
        is.rules.push(rule);
        let found = told(&was, &is);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].what.as_str(), found[0].was.as_str()), ("Rule “pro”", NOT_THERE));
        let words = &found[0].is;
        assert!(words.starts_with("added, as rule “everybody” but for: for tier pro; "), "{words}");
        assert!(words.ends_with("6 %") && words.matches("; ").count() == 1, "{words}");
        let back = told(&is, &was);
        assert_eq!(back.len(), 1, "{back:?}");
        assert_eq!(back[0].is, "left out");
    }

    #[test]
    fn a_number_that_is_another_is_told_beside_a_rule_that_is_added() {
        let was = Policy::default();
        let mut is = Policy { expiry_days: was.expiry_days + 1, ..was.clone() };
        assert_eq!(told(&was, &is), changes(&was, &is));
        let copy = Rule { name: "copy".to_owned(), ..was.rules[0].clone() };
        is.rules.push(copy);
        let found = told(&was, &is);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].is, "added, as rule “everybody”");
    }
}
