//! How much happened: a run in which nothing goes wrong proves nothing.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    pub fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    pub fn add(&mut self, what: &'static str, many: u64) {
        *self.0.entry(what).or_default() += many;
    }

    /// What happened of these.
    pub fn only(&self, these: &[&'static str]) -> Tally {
        Tally(these.iter().map(|what| (*what, self.of(what))).collect())
    }

    pub fn of(&self, what: &'static str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        for (what, many) in other.0 {
            self.add(what, many);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, many)| writeln!(out, "  {many:>10} {what}"))
    }
}
