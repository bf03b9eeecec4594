//! What changed between two policies, by the names of their fields: for programs, which look for a field
//! by its name. People read [`super::changes`].

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::Policy;

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
