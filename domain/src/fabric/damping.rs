//! A cloud that comes and goes is held out for a while (F7; the shape of RFC 2439).

use libm::exp2;
use serde::{Deserialize, Serialize};

/// How much a fall costs, and how fast it is forgotten. Points without unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Added with each fall.
    pub penalty: f64,
    pub half_life_ms: f64,
    /// Above it a cloud is held out.
    pub suppress: f64,
    /// Below it a cloud is let in again.
    pub reuse: f64,
    /// More is not remembered: it bounds how long a cloud can be held out.
    pub cap: f64,
}

impl Default for Rule {
    fn default() -> Self {
        let half_life_ms = 60_000.0;
        Rule { penalty: 1_000.0, half_life_ms, suppress: 2_000.0, reuse: 750.0, cap: 8_000.0 }
    }
}

/// One cloud's record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Damping {
    rule: Rule,
    points: f64,
    at_ms: u64,
    held: bool,
}

impl Damping {
    #[must_use]
    pub const fn new(rule: Rule) -> Self {
        Damping { rule, points: 0.0, at_ms: 0, held: false }
    }

    /// The cloud fell just now.
    pub fn fall(&mut self, now_ms: u64) {
        self.pass(now_ms);
        self.points = (self.points + self.rule.penalty).min(self.rule.cap);
        self.judge();
    }

    /// Time passes. A clock that went back lets none pass.
    pub fn pass(&mut self, now_ms: u64) {
        let passed_ms = passed(self.at_ms, now_ms);
        self.points *= exp2(-passed_ms / self.rule.half_life_ms);
        self.at_ms = self.at_ms.max(now_ms);
        self.judge();
    }

    const fn judge(&mut self) {
        if self.points > self.rule.suppress {
            self.held = true;
        } else if self.points < self.rule.reuse {
            self.held = false;
        }
    }

    #[must_use]
    pub const fn points(&self) -> f64 {
        self.points
    }

    /// Kept out although its probes may pass.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds between two looks stay below 2^53")]
pub(super) const fn passed(from_ms: u64, to_ms: u64) -> f64 {
    to_ms.saturating_sub(from_ms) as f64
}
