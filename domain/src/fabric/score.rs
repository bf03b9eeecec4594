//! How good a cloud is for a client, in milliseconds: lower is better (F1, F2).

use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;

/// Mean time of service of one request, which turns load into waiting time (F2).
pub const SERVICE_MS: f64 = 20.0;
/// Above this the waiting time of the formula has no meaning any more, only a size.
const LOAD_MAX: f64 = 0.98;

/// What a cloud says of itself at `/health`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    #[default]
    Healthy,
    /// It serves, and would rather not.
    Degraded,
    Unhealthy,
}

/// The rule by which clouds are ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// `latency + load`, healthy clouds only (F1). Load is a share and latency milliseconds, so load
    /// decides between near equals only.
    Basic,
    /// `latency + 20 ms · ρ/(1−ρ)` (F2): the wait in a queue of that load. A degraded cloud comes
    /// after every healthy one.
    #[default]
    Balanced,
}

impl Policy {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Policy::Basic => "basic",
            Policy::Balanced => "balanced",
        }
    }

    /// May a cloud of this status be chosen?
    #[must_use]
    pub const fn takes(self, status: Status) -> bool {
        matches!((self, status), (_, Status::Healthy) | (Policy::Balanced, Status::Degraded))
    }

    /// Milliseconds. `latency_ms` is the client's round trip, or what stands for it.
    #[must_use]
    pub fn score(self, latency_ms: f64, load: f64) -> f64 {
        latency_ms + self.load_ms(load)
    }

    /// The part of the score that is due to load.
    #[must_use]
    pub fn load_ms(self, load: f64) -> f64 {
        match self {
            Policy::Basic => load,
            Policy::Balanced => {
                let busy = load.clamp(0.0, LOAD_MAX);
                SERVICE_MS * busy / (1.0 - busy)
            }
        }
    }
}

/// A cloud to be ranked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    pub cloud: Cloud,
    pub status: Status,
    /// 0 to 1.
    pub load: f64,
    pub latency_ms: f64,
}

/// A cloud in its place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scored {
    pub cloud: Cloud,
    pub score_ms: f64,
    pub status: Status,
}

/// Those that may be chosen, the best first. Equal scores keep the order in which they were given.
#[must_use]
pub fn rank(policy: Policy, candidates: &[Candidate]) -> Vec<Scored> {
    let eligible = candidates.iter().filter(|candidate| policy.takes(candidate.status));
    let mut ranked: Vec<Scored> = eligible
        .map(|candidate| Scored {
            cloud: candidate.cloud,
            score_ms: policy.score(candidate.latency_ms, candidate.load),
            status: candidate.status,
        })
        .collect();
    let place = |one: &Scored| (one.status == Status::Degraded, one.score_ms);
    ranked.sort_by(|one, other| {
        let ((one_last, one), (other_last, other)) = (place(one), place(other));
        one_last.cmp(&other_last).then(one.total_cmp(&other))
    });
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degraded_cloud_is_last_in_balanced_and_absent_in_basic() {
        let of = |cloud, status, latency_ms| Candidate { cloud, status, load: 0.0, latency_ms };
        let given = [
            of(Cloud::Gcp, Status::Degraded, 1.0),
            of(Cloud::Aws, Status::Healthy, 90.0),
            of(Cloud::Azure, Status::Unhealthy, 1.0),
        ];
        let clouds = |policy| rank(policy, &given).iter().map(|one| one.cloud).collect::<Vec<_>>();
        assert_eq!(clouds(Policy::Balanced), [Cloud::Aws, Cloud::Gcp]);
        assert_eq!(clouds(Policy::Basic), [Cloud::Aws]);
    }

    #[test]
    fn a_load_beyond_all_measure_is_large_and_finite() {
        assert!((Policy::Balanced.load_ms(1.0) - 980.0).abs() < 1e-9);
        assert!(Policy::Balanced.load_ms(-1.0).abs() < 1e-9);
    }
}
