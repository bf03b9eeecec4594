//! Who may act for all three clouds for a time.
//!
//! A lease is a grant whose value names holder and end; renewing it is the next version. Clocks
//! only decide when a change of holder is *tried*. What keeps two holders apart where it matters
//! is the version: whoever is written to refuses a lower one than it has seen.

use serde::{Deserialize, Serialize};

use super::value::Value;
use crate::clock::{REMOTE_AHEAD_MS_MAX, Timestamp};
use crate::cloud::Cloud;

/// A cloud waits this much longer than a lease lasts before it takes it over: clocks may differ by
/// as much as the ledger lets them.
pub const LEASE_SKEW_MS: i64 = REMOTE_AHEAD_MS_MAX;
/// Longest lease: a day. What claims to last longer is not waited for.
pub const LEASE_TTL_MS_MAX: i64 = 86_400_000;

/// The value of a lease's grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lease {
    pub holder: Cloud,
    /// By the holder's clock. After this it does not act.
    pub expires_at: Timestamp,
}

/// What a cloud that wants a lease does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseMove {
    /// Propose itself as the holder of the next version.
    Propose,
    /// Look again then, or when a newer version is learnt.
    Wait { until: Timestamp },
}

impl Lease {
    /// The lease in a decided value. `None`: nobody's, since it says something else.
    #[must_use]
    pub fn read(value: &Value) -> Option<Lease> {
        serde_json::from_value(value.to_json()).ok()
    }

    /// # Panics
    /// Never: two short strings make an object within every limit.
    #[must_use]
    #[expect(clippy::expect_used, reason = "two short strings make an object within every limit")]
    pub fn to_value(self) -> Value {
        let json = serde_json::json!({ "holder": self.holder, "expiresAt": self.expires_at });
        Value::from_json(&json).expect("a small object")
    }

    /// What `me` does, at `now`, about the newest version that it knows. A holder renews when half
    /// of `ttl_ms` is left.
    #[must_use]
    pub fn next_move(newest: Option<Lease>, me: Cloud, ttl_ms: i64, now: Timestamp) -> LeaseMove {
        let Some(newest) = newest else { return LeaseMove::Propose };
        let (ends_ms, now_ms) = (newest.expires_at.unix_ms(), now.unix_ms());
        let until_ms = if newest.holder == me {
            ends_ms.saturating_sub(ttl_ms / 2)
        } else {
            ends_ms.saturating_add(LEASE_SKEW_MS)
        };
        if now_ms >= until_ms || ends_ms.saturating_sub(now_ms) > LEASE_TTL_MS_MAX + LEASE_SKEW_MS {
            return LeaseMove::Propose;
        }
        LeaseMove::Wait { until: Timestamp::from_unix_ms(until_ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_815_266_902;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(NOW + ms)
    }

    fn next(holder: Cloud, ends_ms: i64) -> LeaseMove {
        let newest = Lease { holder, expires_at: at(ends_ms) };
        Lease::next_move(Some(newest), Cloud::Aws, 10_000, at(0))
    }

    #[test]
    fn a_lease_reads_back_from_its_value() {
        let lease = Lease { holder: Cloud::Aws, expires_at: at(0) };
        assert_eq!(Lease::read(&lease.to_value()), Some(lease));
        let other = Value::from_json(&serde_json::json!({ "holder": "aws" })).expect("a value");
        assert_eq!(Lease::read(&other), None);
    }

    #[test]
    fn what_nobody_holds_is_proposed_for_at_once() {
        assert_eq!(Lease::next_move(None, Cloud::Aws, 10_000, at(0)), LeaseMove::Propose);
    }

    #[test]
    fn the_holder_renews_halfway_and_others_wait_for_the_end_and_the_skew_of_clocks() {
        assert_eq!(next(Cloud::Aws, 5_000), LeaseMove::Propose);
        assert_eq!(next(Cloud::Aws, 5_001), LeaseMove::Wait { until: at(1) });
        assert_eq!(next(Cloud::Gcp, -LEASE_SKEW_MS), LeaseMove::Propose);
        assert_eq!(next(Cloud::Gcp, 1 - LEASE_SKEW_MS), LeaseMove::Wait { until: at(1) });
    }

    #[test]
    fn a_lease_without_end_is_not_waited_for() {
        let longest = LEASE_TTL_MS_MAX + LEASE_SKEW_MS;
        assert!(matches!(next(Cloud::Gcp, longest), LeaseMove::Wait { .. }));
        assert_eq!(next(Cloud::Gcp, longest + 1), LeaseMove::Propose);
    }
}
