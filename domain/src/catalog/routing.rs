//! Where clients are sent: what the clouds decided together, what people decided, what was measured.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{KindError, name, reason, refuse};
use crate::cloud::{Cloud, PerCloud};
use crate::fabric::hysteresis::Why;
use crate::fabric::score::Policy;
use crate::fabric::selector::Level;
use crate::fabric::verdict::{Mode, View};
use crate::grant::Version;

/// Half the way around the earth takes a third of that; the rest is queues.
const RTT_MS_MAX: f64 = 60_000.0;
/// Client regions of one deployment: more than all clouds together have.
pub const REGIONS_MAX: usize = 2_000;
/// Shares are kept to a thousandth, three of them a region.
const SHARES_ROUNDED: f64 = 0.002;

/// Traffic moves, or the mode changes. Recorded by the one cloud that won its version, whole: each
/// switch says who serves every region from then on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoutingSwitch {
    /// Of the grant `routing/selection`.
    pub version: Version,
    pub by: Cloud,
    pub mode: Mode,
    pub down: BTreeSet<Cloud>,
    pub policy: Policy,
    /// What each observer said; absent: it was silent.
    pub votes: PerCloud<Option<View>>,
    pub clouds: PerCloud<RoutingStanding>,
    /// What changed; none: only the mode or who is down did.
    pub moves: Vec<RoutingMove>,
    /// Who serves each client region from now on.
    pub picks: BTreeMap<String, Cloud>,
    /// Of regions that one cloud cannot take alone: the shares in which they are dealt from now on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spills: BTreeMap<String, PerCloud<f64>>,
}

/// What spoke for or against a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoutingStanding {
    pub load: f64,
    /// Points of flap damping.
    pub damping: f64,
    pub held_out: bool,
    pub drained: bool,
}

/// One client region goes to another cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoutingMove {
    pub region: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Cloud>,
    pub to: Cloud,
    pub why: Why,
    pub level: Level,
    /// Milliseconds, of those that could serve.
    pub scores: BTreeMap<Cloud, f64>,
    /// What a challenger had to score below, where there was an incumbent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_ms: Option<f64>,
}

/// A person takes a cloud out of service, or puts it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoutingDrain {
    pub cloud: Cloud,
    pub drained: bool,
    pub reason: String,
}

/// A round trip between two places, as somebody measured it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoutingLatency {
    /// A region, such as `aws:eu-west-1`: of clients, or where one of our clouds is.
    pub from: String,
    pub to: String,
    pub rtt_ms: f64,
}

impl RoutingSwitch {
    pub(super) fn check(&self) -> Result<(), KindError> {
        if self.picks.len() > REGIONS_MAX {
            return refuse("/picks", format!("must be at most {REGIONS_MAX} regions"));
        }
        let moved = self.moves.iter().map(|one| &one.region);
        let is_share = |(_, share): (Cloud, &f64)| (0.0..=1.0).contains(share);
        for (region, shares) in &self.spills {
            let sum: f64 = shares.iter().map(|(_, share)| share).sum();
            let known = self.picks.contains_key(region);
            if !known || !shares.iter().all(is_share) || (sum - 1.0).abs() > SHARES_ROUNDED {
                return refuse(
                    "/spills",
                    "must be shares of known regions that sum to 1".to_owned(),
                );
            }
        }
        self.picks.keys().chain(moved).try_for_each(|region| name("/picks", region))
    }
}

impl RoutingDrain {
    pub(super) fn check(&self) -> Result<(), KindError> {
        reason(&self.reason)
    }
}

impl RoutingLatency {
    pub(super) fn check(&self) -> Result<(), KindError> {
        name("/from", &self.from)?;
        name("/to", &self.to)?;
        if (0.0..=RTT_MS_MAX).contains(&self.rtt_ms) {
            return Ok(());
        }
        refuse("/rttMs", format!("must be 0 to {RTT_MS_MAX}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Known, is_recorded_by_clouds};

    #[test]
    fn a_switch_reads_back_and_only_clouds_record_one() {
        let standing = json!({"load": 0.1, "damping": 0.0, "heldOut": false, "drained": false});
        let view = json!({"gcp": "up", "aws": "up", "azure": "down"});
        let switch = json!({
            "kind": "routing.switch", "version": 3, "by": "gcp", "mode": "degraded",
            "down": ["azure"], "policy": "balanced",
            "votes": {"gcp": view, "aws": view, "azure": null},
            "clouds": {"gcp": standing, "aws": standing, "azure": standing},
            "moves": [{"region": "eu", "from": "azure", "to": "aws", "why": "incumbentOut",
                "level": "rules", "scores": {"gcp": 90.5, "aws": 20.25}}],
            "picks": {"eu": "aws"}
        });
        let read = Known::read(&switch).expect("valid").expect("known");
        assert_eq!(read.to_payload(), switch);
        let mut spilled = switch.clone();
        spilled["spills"] = json!({"eu": {"gcp": 0.25, "aws": 0.75, "azure": 0.0}});
        let read = Known::read(&spilled).expect("valid").expect("known");
        assert_eq!(read.to_payload(), spilled);
        for wrong in [
            json!({"na": {"gcp": 0.0, "aws": 1.0, "azure": 0.0}}),
            json!({"eu": {"gcp": 0.5, "aws": 0.75, "azure": 0.0}}),
            json!({"eu": {"gcp": -0.5, "aws": 1.5, "azure": 0.0}}),
        ] {
            spilled["spills"] = wrong;
            assert!(Known::read(&spilled).is_err(), "{spilled}");
        }
        assert!(is_recorded_by_clouds("routing.switch"));
        assert!(!is_recorded_by_clouds("routing.drain"));
    }

    #[test]
    fn a_drain_needs_a_reason_and_a_round_trip_must_be_one() {
        let drain = |reason: &str| json!({"kind": "routing.drain", "cloud": "aws", "drained": true, "reason": reason});
        assert!(Known::read(&drain("maintenance")).is_ok());
        assert_eq!(Known::read(&drain(" ")).expect_err("blank").field, "/reason");
        let trip = |rtt_ms: f64| {
            json!({"kind": "routing.latency", "from": "aws:eu-west-1", "to": "gcp:us-east4",
                "rttMs": rtt_ms})
        };
        assert!(Known::read(&trip(81.4)).is_ok());
        assert_eq!(Known::read(&trip(-1.0)).expect_err("negative").field, "/rttMs");
    }
}
