//! What has to change so that what is there is what is wanted; and drift: what somebody else has
//! changed since we wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Something at a provider, with a name of its own there.
pub trait Entry: Clone + PartialEq + fmt::Display {
    /// Entries with one key are versions of one thing.
    fn key(&self) -> String;
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    Create(T),
    Change { from: T, to: T },
    Delete(T),
}

impl<T: Entry> Step<T> {
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Step::Create(entry) | Step::Delete(entry) | Step::Change { to: entry, .. } => {
                entry.key()
            }
        }
    }
}

impl<T> Step<T> {
    /// The same step with other entries, if each has one.
    pub fn other<U>(&self, of: impl Fn(&T) -> Option<U>) -> Option<Step<U>> {
        Some(match self {
            Step::Create(to) => Step::Create(of(to)?),
            Step::Change { from, to } => Step::Change { from: of(from)?, to: of(to)? },
            Step::Delete(from) => Step::Delete(of(from)?),
        })
    }
}

/// As in a diff: `+`, `-`, `~`.
impl<T: Entry> fmt::Display for Step<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Create(entry) => write!(out, "+ {entry}"),
            Step::Delete(entry) => write!(out, "- {entry}"),
            Step::Change { from, to } => write!(out, "~ {from} → {to}"),
        }
    }
}

fn by_key<T: Entry>(entries: &[T]) -> BTreeMap<String, &T> {
    entries.iter().map(|entry| (entry.key(), entry)).collect()
}

/// The steps from what is there to what is wanted, deletions last: at no moment is a name without a
/// record that is to have one.
#[must_use]
pub fn steps<T: Entry>(there: &[T], wanted: &[T]) -> Vec<Step<T>> {
    let (there, wanted) = (by_key(there), by_key(wanted));
    let mut steps = Vec::new();
    for (key, to) in &wanted {
        match there.get(key) {
            None => steps.push(Step::Create((*to).clone())),
            Some(from) if from != to => {
                steps.push(Step::Change { from: (*from).clone(), to: (*to).clone() });
            }
            Some(_) => {}
        }
    }
    let gone = there.iter().filter(|(key, _)| !wanted.contains_key(*key));
    steps.extend(gone.map(|(_, entry)| Step::Delete((*entry).clone())));
    steps
}

/// What somebody has changed since this was written: as steps from what we wrote to what is there.
#[must_use]
pub fn drift<T: Entry>(written: &[T], there: &[T]) -> Vec<Step<T>> {
    steps(written, there)
}

/// The steps that touch nothing of what somebody else has changed: for who only reports drift.
#[must_use]
pub fn beside<T: Entry>(steps: Vec<Step<T>>, drift: &[Step<T>]) -> Vec<Step<T>> {
    let touched: BTreeSet<String> = drift.iter().map(Step::key).collect();
    steps.into_iter().filter(|step| !touched.contains(&step.key())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Pair(&'static str, u8);

    impl fmt::Display for Pair {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(out, "{}={}", self.0, self.1)
        }
    }

    impl Entry for Pair {
        fn key(&self) -> String {
            self.0.to_owned()
        }
    }

    fn text(steps: &[Step<Pair>]) -> Vec<String> {
        steps.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn steps_lead_from_what_is_there_to_what_is_wanted_and_deletions_come_last() {
        let found = steps(&[Pair("a", 1), Pair("b", 1)], &[Pair("b", 2), Pair("c", 3)]);
        assert_eq!(text(&found), ["~ b=1 → b=2", "+ c=3", "- a=1"]);
        assert_eq!(steps(&[Pair("a", 1)], &[Pair("a", 1)]), []);
    }

    #[test]
    fn what_was_changed_by_hand_is_named_and_left_alone_while_the_rest_goes_on() {
        let written = [Pair("a", 1), Pair("b", 1)];
        let there = [Pair("a", 9), Pair("b", 1)];
        let drift = drift(&written, &there);
        assert_eq!(text(&drift), ["~ a=1 → a=9"]);
        let wanted = [Pair("a", 0), Pair("b", 0)];
        assert_eq!(text(&beside(steps(&there, &wanted), &drift)), ["~ b=1 → b=0"]);
    }
}
