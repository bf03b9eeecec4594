//! How long an answer may be kept (F11), and how long a wrong one can live (F14).

use serde::{Deserialize, Serialize};

/// Seconds: what DNS counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    pub min_s: u32,
    pub max_s: u32,
}

impl Default for Limits {
    /// At most the time in which three probes can fail; at least what resolvers respect.
    fn default() -> Self {
        Limits { min_s: 2, max_s: 6 }
    }
}

/// The earliest possible change of any cloud, within limits (F11).
#[must_use]
pub fn ttl_s(next_change_ms: impl IntoIterator<Item = u64>, limits: Limits) -> u32 {
    let soonest_s = next_change_ms.into_iter().min().map_or(u64::MAX, |ms| ms / 1_000);
    u32::try_from(soonest_s).unwrap_or(u32::MAX).clamp(limits.min_s, limits.max_s)
}

/// The parts of the longest time between a cloud's death and the last client's move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    pub down: u32,
    pub interval_s: f64,
    pub timeout_s: f64,
    pub verdict_s: f64,
    pub publish_s: f64,
    pub ttl_s: f64,
}

impl Bound {
    /// Until an observer says down.
    #[must_use]
    pub fn detect_s(&self) -> f64 {
        f64::from(self.down) * self.interval_s + self.timeout_s
    }

    /// Until the last client has moved.
    #[must_use]
    pub fn last_client_moves_s(&self) -> f64 {
        self.detect_s() + self.verdict_s + self.publish_s + self.ttl_s
    }
}
