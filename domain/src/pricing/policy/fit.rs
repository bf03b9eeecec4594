//! Does what was typed make a policy? Every field that is wrong is told by its path, with its own
//! words, and fields that contradict each other name each other.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::field::Unfit;
use super::{Limits, Policy, Rule};
use crate::economics::EconomicsError;

/// Fields that must fit each other, in the order in which they must not fall where there are more
/// than two. By the ends of their paths: what stands before is the same for each.
const RELATED: [&[&str]; 4] = [
    &["floorOfList", "ceilingOfList"],
    &["thresholds.lowEnter", "thresholds.lowLeave", "thresholds.highLeave", "thresholds.highEnter"],
    &["acceptProbability", "churnProbability"],
    &["watch.days", "windowDays"],
];

type Typed = BTreeMap<String, String>;

impl Policy {
    /// This policy with what was typed, by path; blank or absent: as it is. `quorum.new.upTo` and
    /// `quorum.new.persons` add a step, `quorum.0.remove` and `rules.0.remove` leave one
    /// out, and `rule.name` with `rule.tier` and `rule.cloud` adds a rule with the limits that hold
    /// for everybody. What no policy has is left aside.
    ///
    /// # Errors
    /// Every field that makes it no policy that may be, in the order of their paths; one without a
    /// path where several do so together.
    pub fn fitting(&self, typed: &Typed) -> Result<Policy, Vec<Unfit>> {
        // Whatever else an address or a form says costs nothing.
        let typed = &self.carried_from(self, typed);
        let found = self.with(typed).and_then(|policy| match policy.check() {
            Ok(()) => Ok(policy),
            Err(error) => Err(several(&error)),
        });
        found.map_err(|first| {
            let unfit = self.unfit(typed);
            if unfit.is_empty() { vec![first] } else { unfit }
        })
    }

    /// Every field of this policy that makes it none that may be, as a path within it. Empty: it
    /// may be.
    #[must_use]
    pub fn faults(&self) -> Vec<Unfit> {
        let Err(error) = self.check() else { return Vec::new() };
        let standard = |rule: &Rule| Rule { limits: Limits::default(), ..rule.clone() };
        // The same rules and steps, with numbers that may be.
        let base = Policy {
            rules: self.rules.iter().map(standard).collect(),
            quorum: self.quorum.clone(),
            ..Policy::default()
        };
        if let Err(error) = base.check() {
            return vec![Unfit { path: "rules".to_owned(), ..several(&error) }];
        }
        let fields = self.fields().into_iter();
        let numbers = fields.filter(|field| !field.path.starts_with("quorum."));
        let numbers: Typed = numbers.map(|field| (field.path, field.text)).collect();
        let typed = base.carried_from(&base, &numbers);
        let unfit = base.unfit(&typed);
        if unfit.is_empty() { vec![several(&error)] } else { unfit }
    }

    /// Every field of `typed` that is wrong by itself, or beside those that it must fit.
    fn unfit(&self, typed: &Typed) -> Vec<Unfit> {
        let is_number = |path: &&String| {
            !["quorum.", "rule."].iter().any(|start| path.starts_with(start))
                && !path.ends_with(".remove")
        };
        let mut unfit = self.unfit_steps(typed);
        for path in typed.keys().filter(is_number) {
            if let Err(Alone::Wrong(wrong)) = self.alone(typed, &[path]) {
                unfit.push(wrong);
            }
        }
        let wrong: BTreeSet<String> = unfit.iter().map(|unfit| unfit.path.clone()).collect();
        let reads = |path: &String| typed.contains_key(path) && !wrong.contains(path);
        for path in typed.keys().filter(is_number).filter(|path| reads(path)) {
            let mates = mates(path);
            let known = mates.iter().filter(|mate| reads(mate));
            let together: Vec<&String> = [path].into_iter().chain(known).collect();
            if let Err(Alone::BesideOthers(problem)) = self.alone(typed, &together)
                && let Some(other) = self.other(typed, path, &mates)
            {
                unfit.push(Unfit { path: path.clone(), problem, other: Some(other) });
            }
        }
        unfit.extend(self.unfit_rules(typed));
        unfit.sort_by(|a, b| a.path.cmp(&b.path));
        unfit
    }

    /// Is it a policy with these of the typed fields?
    fn alone(&self, typed: &Typed, paths: &[&String]) -> Result<(), Alone> {
        let only: Typed = paths
            .iter()
            .filter_map(|path| Some(((*path).clone(), typed.get(*path)?.clone())))
            .collect();
        let path = paths.first().map_or_else(String::new, |path| (*path).clone());
        match self.with(&only).map_err(Alone::Wrong)?.check() {
            Ok(()) => Ok(()),
            Err(EconomicsError::Inconsistent { what, problem }) if !mates(&path).is_empty() => {
                Err(Alone::BesideOthers(format!("{what} {problem}")))
            }
            Err(error) => Err(Alone::Wrong(Unfit { path, ..several(&error) })),
        }
    }

    /// Which of its mates a field does not fit, each as it is typed or in force. Of one mate it is
    /// that one; of several in order, one on the wrong side of it. `None`: others do not fit each
    /// other.
    fn other(&self, typed: &Typed, path: &str, mates: &[String]) -> Option<String> {
        if let [only] = mates {
            return Some(only.clone());
        }
        let fields = self.fields();
        let value = |path: &str| {
            let in_force = || Some(fields.iter().find(|field| field.path == path)?.text.as_str());
            percent_of(typed.get(path).map(String::as_str).or_else(in_force)?)
        };
        let order = related(path)?.1;
        let place = |path: &str| order.iter().position(|name| path.ends_with(name));
        let (own, at) = (value(path)?, place(path)?);
        let clashes = |mate: &&String| {
            let theirs = place(mate).zip(value(mate));
            theirs.is_some_and(|(there, value)| if there > at { own > value } else { own < value })
        };
        mates.iter().find(clashes).cloned()
    }

    /// Steps of who must agree are one whole: each number by itself, and then all of them.
    fn unfit_steps(&self, typed: &Typed) -> Vec<Unfit> {
        let steps: Typed = typed
            .iter()
            .filter(|(path, _)| path.starts_with("quorum."))
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect();
        let unread: Vec<Unfit> =
            steps.iter().filter_map(|(path, text)| unread(path, text)).collect();
        if unread.is_empty() {
            self.quorum_with(&steps).err().into_iter().collect()
        } else {
            unread
        }
    }

    fn unfit_rules(&self, typed: &Typed) -> Option<Unfit> {
        let rules: Typed = typed
            .iter()
            .filter(|(path, _)| path.starts_with("rule.") || path.ends_with(".remove"))
            .filter(|(path, _)| !path.starts_with("quorum."))
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect();
        let first = rules.keys().next()?.clone();
        match self.with(&rules) {
            Err(unfit) => Some(unfit),
            Ok(policy) => {
                policy.check().err().map(|error| Unfit { path: first, ..several(&error) })
            }
        }
    }
}

/// Why it is none with one field alone.
enum Alone {
    Wrong(Unfit),
    /// It may fit where others are otherwise, too.
    BesideOthers(String),
}

fn percent_of(text: &str) -> Option<Decimal> {
    text.trim_end_matches('%').trim().parse().ok()
}

fn several(error: &EconomicsError) -> Unfit {
    Unfit { path: String::new(), problem: error.to_string(), other: None }
}

/// A number of a step that is none.
fn unread(path: &str, text: &str) -> Option<Unfit> {
    let problem = super::field::unread_step(path, text)?;
    Some(Unfit { path: path.to_owned(), problem, other: None })
}

/// What stands before the name of a field that must fit others, and those names.
fn related(path: &str) -> Option<(&str, &'static [&'static str])> {
    RELATED.into_iter().find_map(|names| {
        let before = names.iter().find_map(|name| path.strip_suffix(name))?;
        (before.is_empty() || before.ends_with('.')).then_some((before, names))
    })
}

/// The paths of those that a field must fit.
fn mates(path: &str) -> Vec<String> {
    let Some((before, names)) = related(path) else { return Vec::new() };
    let all = names.iter().map(|name| format!("{before}{name}"));
    all.filter(|mate| mate != path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(typed: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
        let typed = typed.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        let unfit = Policy::default().fitting(&typed.collect()).expect_err("no policy");
        unfit.into_iter().map(|unfit| (unfit.path, unfit.other)).collect()
    }

    fn paths(typed: &[(&str, &str)]) -> Vec<String> {
        told(typed).into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn every_field_that_is_wrong_is_told_and_none_that_fits() {
        assert_eq!(
            paths(&[
                ("rules.0.limits.stepMax", "much"),
                ("rules.0.limits.marginMin", "150"),
                ("policyPersons", "99"),
                ("expiryDays", "9"),
                ("watch.answer", "shrug"),
                ("quorum.0.persons", "many"),
                ("rule.tier", "pro"),
            ]),
            [
                "policyPersons",
                "quorum.0.persons",
                "rule.name",
                "rules.0.limits.marginMin",
                "rules.0.limits.stepMax",
                "watch.answer"
            ]
        );
    }

    #[test]
    fn fields_that_contradict_each_other_name_each_other() {
        let (floor, ceiling) = ("rules.0.limits.floorOfList", "rules.0.limits.ceilingOfList");
        let pair = |a: &str, b: &str| (a.to_owned(), Some(b.to_owned()));
        assert_eq!(told(&[(floor, "200")]), [pair(floor, ceiling)], "the ceiling is in force");
        assert_eq!(
            told(&[(floor, "90"), (ceiling, "80")]),
            [pair(ceiling, floor), pair(floor, ceiling)]
        );
        assert_eq!(told(&[("watch.days", "40")]), [pair("watch.days", "windowDays")]);
        let (accept, churn) =
            ("assumptions.price.acceptProbability", "assumptions.price.churnProbability");
        assert_eq!(told(&[(accept, "99")]), [pair(accept, churn)]);
        let (low, high) =
            ("rules.0.limits.thresholds.lowLeave", "rules.0.limits.thresholds.highLeave");
        assert_eq!(told(&[(low, "99")]), [pair(low, high)]);
        // Of four that must rise, those that do are left alone.
        let enter = "rules.0.limits.thresholds.lowEnter";
        assert_eq!(told(&[(low, "99"), (enter, "10")]), [pair(low, high)]);
        // Beside something else that is wrong, two that fit each other are left alone.
        assert_eq!(paths(&[(floor, "200"), (ceiling, "300"), ("expiryDays", "0")]), ["expiryDays"]);
        // A mate that is no number is what is wrong, and not the other.
        assert_eq!(paths(&[(floor, "90"), (ceiling, "high")]), [ceiling]);
    }

    #[test]
    fn a_whole_policy_is_told_by_all_its_faults() {
        let mut policy = Policy { policy_persons: 0, expiry_days: 900, ..Policy::default() };
        assert_eq!(Policy::default().faults(), []);
        policy.rules[0].limits.floor_of_list = Decimal::TWO;
        policy.rules[0].limits.step_max = Decimal::TWO;
        policy.watch.days = policy.window_days;
        let told: Vec<(String, bool)> =
            policy.faults().into_iter().map(|unfit| (unfit.path, unfit.other.is_some())).collect();
        let names = [
            ("expiryDays", false),
            ("policyPersons", false),
            ("rules.0.limits.floorOfList", true),
            ("rules.0.limits.stepMax", false),
            ("watch.days", true),
        ];
        assert_eq!(told, names.map(|(path, other)| (path.to_owned(), other)));
        policy.rules.clear();
        assert_eq!(policy.faults()[0].path, "rules");
    }
}
