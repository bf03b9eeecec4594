//! What the foresight loop says: what each standing stress would do, and what a proposal foresees.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{KindError, name, refuse};
use crate::clock::Timestamp;
use crate::cloud::Cloud;
use crate::economics::draw::Seed;
use crate::economics::quantity::{Share, float};
use crate::economics::scenario::Scenario;
use crate::economics::study::{Level, Request};
use crate::event::TenantId;
use crate::fabric::shares::Shares;
use crate::pricing::guardrail::Rule;

/// The three of the product and ten kept ones; with room.
const SCENARIOS_MAX: usize = 20;
/// Tenants that a run names for each scenario; the others are counted.
pub const FALLEN_MAX: usize = 6;

/// A stress that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shock {
    pub name: String,
    /// Where it is a kept scenario: its id and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    pub changes: Scenario,
}

/// What is held against a probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Threshold {
    /// The portfolio's `P(margin < floor)`.
    Portfolio,
    /// That of a tenant which is above water now.
    Tenant,
}

/// A threshold that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Broken {
    pub threshold: Threshold,
    /// The probability; of tenants, the worst one's.
    pub is: f64,
    pub max: Share,
}

impl Broken {
    /// By how much.
    #[must_use]
    pub fn by(&self) -> f64 {
        self.is - float(self.max.get())
    }
}

/// A tenant that a stress pushes under water.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fallen {
    pub tenant_id: TenantId,
    /// Its own margin floor.
    pub floor: Share,
    pub now: Level,
    pub stressed: Level,
    /// Without a sampling error: it is served in one place.
    pub exact: bool,
    /// What held its price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Rule>,
    /// The proposal that is open about it, opened by this run or before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal_id: Option<Uuid>,
}

/// The traffic that is proposed to move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rerouted {
    pub shares: Shares,
    /// What each cloud has now: the shares in force, or else what the usage shows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub present: BTreeMap<Cloud, Share>,
    /// The largest share that a cloud is given, by its stated capacity and the stated demand; none
    /// where these are not stated.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at_most: BTreeMap<Cloud, Share>,
    /// What the clouds serve of the proposed shares, where one of them has no room for all of its own:
    /// the rest goes on to the others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub served: BTreeMap<Cloud, Share>,
    /// The portfolio under the stress with them, as they are served.
    pub after: Level,
    pub proposal_id: Uuid,
}

/// Why no traffic is proposed to move against the stress that it would be moved against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Unmoved {
    /// Shares were applied lately, and rest as prices do after a change.
    Resting { until: Timestamp },
    /// No cloud that it could go to can take more, by its stated capacity and the stated demand.
    NoRoom,
}

/// What a stress would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Foreseen {
    pub shock: Shock,
    /// The portfolio. Absent without revenue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Level>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stressed: Option<Level>,
    /// Tenants that are under water in it, and those of them that are not now.
    pub under_water: u64,
    pub fell: u64,
    /// Who fell, the likeliest first, at most [`FALLEN_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<Fallen>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<Broken>,
    /// Thresholds that are broken now, before the stress, with the probability of now; of tenants, the
    /// worst one's of those that are under water under it too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub already: Vec<Broken>,
    /// What of it this usage does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Rerouted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmoved: Option<Unmoved>,
}

/// A run of the standing stresses, done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForesightRun {
    pub run: u64,
    pub by: Cloud,
    pub policy_version: u64,
    pub usage_from: Timestamp,
    pub usage_to: Timestamp,
    pub price_map_as_of: Timestamp,
    pub seed: Seed,
    pub draws: u32,
    /// The portfolio's.
    pub floor: Share,
    pub tenants: u64,
    pub scenarios: Vec<Foreseen>,
    /// Kept scenarios that are marked as standing ones, and were not asked: too many are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unasked: u32,
    pub opened: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What the guardrails made of the price that would meet a stress. Shares of the list price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guarded {
    pub target_of_list: Decimal,
    pub price_of_list: Decimal,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Rule>,
    /// Every rule that moved the target, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trail: Vec<Rule>,
}

/// What a proposal of the foresight loop foresees: the stress, as it was asked, and what it would do
/// without and with what is proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Forewarning {
    pub run: u64,
    pub shock: Shock,
    /// A body of `POST /v1/economics/simulate` that asks the same again.
    pub request: Request,
    pub price_map_as_of: Timestamp,
    /// Of whom or what the proposal is about.
    pub now: Level,
    pub stressed: Level,
    /// Under the same stress, with what is proposed.
    pub after: Level,
    /// Of a price alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guarded: Option<Guarded>,
}

impl Shock {
    fn check(&self, field: &str) -> Result<(), KindError> {
        name(&format!("{field}/name"), &self.name)?;
        if self.scenario_id.is_some() == self.version.is_some() {
            return Ok(());
        }
        refuse(&format!("{field}/version"), "stands beside a scenarioId, and only there")
    }
}

impl Forewarning {
    pub(super) fn check(&self) -> Result<(), KindError> {
        self.shock.check("/foresight/shock")?;
        for (field, level) in
            [("now", self.now), ("stressed", self.stressed), ("after", self.after)]
        {
            probable(&format!("/foresight/{field}/belowFloor"), level)?;
        }
        let wrong = |error: crate::economics::EconomicsError| {
            refuse("/foresight/request", error.to_string())
        };
        self.request.check().or_else(wrong)
    }
}

impl ForesightRun {
    pub(super) fn check(&self) -> Result<(), KindError> {
        if self.scenarios.len() > SCENARIOS_MAX {
            return refuse("/scenarios", format!("must be at most {SCENARIOS_MAX}"));
        }
        for foreseen in &self.scenarios {
            foreseen.shock.check("/scenarios/shock")?;
            if foreseen.tenants.len() > FALLEN_MAX {
                return refuse("/scenarios/tenants", format!("must be at most {FALLEN_MAX}"));
            }
            for level in foreseen.now.iter().chain(&foreseen.stressed) {
                probable("/scenarios/belowFloor", *level)?;
            }
        }
        Ok(())
    }
}

fn probable(field: &str, level: Level) -> Result<(), KindError> {
    if (0.0..=1.0).contains(&level.below_floor) {
        return Ok(());
    }
    refuse(field, "must be a probability from 0 to 1")
}

/// Four places: what is drawn is not known better.
pub(crate) fn stated(level: Level) -> Level {
    let four = |value: f64| {
        let text = format!("{value:.4}");
        text.parse::<Decimal>().map_or(value, float)
    };
    Level { below_floor: four(level.below_floor), p50: four(level.p50) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Known, is_decision, is_recorded_by_clouds};

    fn run() -> Value {
        json!({
            "kind": "foresight.run", "run": 3, "by": "aws", "policyVersion": 0,
            "usageFrom": "2026-10-27T12:00:00.000Z", "usageTo": "2026-11-26T12:00:00.000Z",
            "priceMapAsOf": "2026-11-12T00:00:00.000Z", "seed": "1", "draws": 2000, "floor": "0.35",
            "tenants": 1, "opened": 1,
            "scenarios": [{
                "shock": { "name": "OpenAI raises cost 30 %", "changes": {
                    "cost": { "azure": "0.3" }, "latency": {}, "price": {}, "usage": {},
                    "latencyPenalty": {}, "routing": {} } },
                "now": { "belowFloor": 0.01, "p50": 0.42 },
                "stressed": { "belowFloor": 0.61, "p50": 0.31 },
                "underWater": 1, "fell": 1,
                "tenants": [{ "tenantId": "acme", "floor": "0.35",
                    "now": { "belowFloor": 0.02, "p50": 0.41 },
                    "stressed": { "belowFloor": 0.87, "p50": 0.27 }, "exact": true,
                    "proposalId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b" }],
                "broken": [{ "threshold": "portfolio", "is": 0.61, "max": "0.25" }]
            }]
        })
    }

    #[test]
    fn a_run_reads_back_and_is_recorded_by_clouds_alone() {
        let read = Known::read(&run()).expect("valid").expect("known");
        assert_eq!(read.to_payload(), run());
        let mut more = run();
        more["unasked"] = json!(2);
        let first = &mut more["scenarios"][0];
        first["already"] = json!([{ "threshold": "tenant", "is": 0.7, "max": "0.5" }]);
        first["routing"] = json!({ "shares": { "aws": "0.6", "azure": "0.4" },
            "present": { "aws": "0.55", "azure": "0.45" }, "atMost": { "aws": "0.5", "azure": "0.9" },
            "served": { "aws": "0.5", "azure": "0.5" }, "after": { "belowFloor": 0.4, "p50": 0.37 },
            "proposalId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2c" });
        first["unmoved"] = json!({ "why": "resting", "until": "2026-12-01T00:00:00.000Z" });
        let said = Known::read(&more).expect("valid").expect("known");
        assert_eq!(said.to_payload(), more);
        let Known::ForesightRun(read) = read else { panic!("a run") };
        assert!((read.scenarios[0].broken[0].by() - 0.36).abs() < 1e-12);
        assert!(is_decision("foresight.run") && is_recorded_by_clouds("foresight.run"));
    }

    #[test]
    fn what_is_no_probability_is_refused_by_its_field() {
        let mut absurd = run();
        absurd["scenarios"][0]["stressed"]["belowFloor"] = json!(1.5);
        assert_eq!(Known::read(&absurd).expect_err("absurd").field, "/scenarios/belowFloor");
        let mut half = run();
        half["scenarios"][0]["shock"]["version"] = json!(1);
        assert_eq!(Known::read(&half).expect_err("no id").field, "/scenarios/shock/version");
    }
}
