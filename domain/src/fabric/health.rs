//! Up or down, by counting probes (F5): one lost probe moves nobody, and neither does one that
//! passes.
//!
//! The counting is gdnsd's (`src/plugins/mon.c`, BSD-2-Clause; its rules, not its text): isolated
//! failures add up until there were `ok` successes in a row.

use serde::{Deserialize, Serialize};

/// How many probes in a row change a state, and how often is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Thresholds {
    /// Successes in a row that bring a cloud up.
    pub up: u8,
    /// Successes in a row that make earlier failures forgotten.
    pub ok: u8,
    /// Failures that take a cloud down.
    pub down: u8,
    pub interval_ms: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { up: 3, ok: 2, down: 3, interval_ms: 2_000 }
    }
}

/// What one observer holds of one cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    /// Never probed. It is served: a node that starts must not take everybody down.
    #[default]
    Unknown,
    Up,
    Down,
}

impl Seen {
    #[must_use]
    pub const fn is_down(self) -> bool {
        matches!(self, Seen::Down)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Seen::Unknown => "unknown",
            Seen::Up => "up",
            Seen::Down => "down",
        }
    }
}

/// The state machine of one observer for one cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    thresholds: Thresholds,
    seen: Seen,
    failures: u8,
    successes: u8,
}

impl Health {
    #[must_use]
    pub const fn new(thresholds: Thresholds, seen: Seen) -> Self {
        Health { thresholds, seen, failures: 0, successes: 0 }
    }

    #[must_use]
    pub const fn seen(&self) -> Seen {
        self.seen
    }

    /// Failures that count at the moment: 1 of 3 is a warning.
    #[must_use]
    pub const fn failures(&self) -> u8 {
        self.failures
    }

    /// Takes one probe. True: the state is another one now.
    pub fn probe(&mut self, passed: bool) -> bool {
        let before = self.seen;
        match (self.seen, passed) {
            (Seen::Unknown, true) => self.turn(Seen::Up),
            (Seen::Up, true) if self.failures > 0 => {
                self.successes = self.successes.saturating_add(1);
                if self.successes >= self.thresholds.ok {
                    self.turn(Seen::Up);
                }
            }
            (Seen::Up, true) => {}
            (Seen::Up | Seen::Unknown, false) => {
                self.successes = 0;
                self.failures = self.failures.saturating_add(1);
                if self.failures >= self.thresholds.down {
                    self.turn(Seen::Down);
                }
            }
            (Seen::Down, true) => {
                self.successes = self.successes.saturating_add(1);
                if self.successes >= self.thresholds.up {
                    self.turn(Seen::Up);
                }
            }
            (Seen::Down, false) => self.successes = 0,
        }
        before != self.seen
    }

    fn turn(&mut self, seen: Seen) {
        (self.seen, self.failures, self.successes) = (seen, 0, 0);
    }

    /// Before this much time has passed the state cannot change.
    #[must_use]
    pub fn next_change_ms(&self) -> u64 {
        let probes = match self.seen {
            Seen::Down => self.thresholds.up.saturating_sub(self.successes),
            Seen::Up | Seen::Unknown => self.thresholds.down.saturating_sub(self.failures),
        };
        u64::from(probes) * u64::from(self.thresholds.interval_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloud_that_was_never_probed_is_served_and_takes_three_failures_like_any_other() {
        let mut health = Health::new(Thresholds::default(), Seen::Unknown);
        assert!(!health.probe(false) && !health.probe(false));
        assert_eq!(health.seen(), Seen::Unknown);
        assert!(health.probe(false));
        assert_eq!(health.seen(), Seen::Down);
        assert_eq!(health.next_change_ms(), 6_000);
    }

    #[test]
    fn the_first_probe_that_passes_says_up() {
        let mut health = Health::new(Thresholds::default(), Seen::Unknown);
        assert!(health.probe(true));
        assert_eq!((health.seen(), health.next_change_ms()), (Seen::Up, 6_000));
    }
}
