//! Kinds of the optimizer: what was found, what is proposed, what people said, what was applied.
//!
//! What they come to is `pricing::book`, the same on every cloud from the same events.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Forewarning, KindError, id, name, reason, refuse};
use crate::clock::Timestamp;
use crate::cloud::Cloud;
use crate::event::TenantId;
use crate::log::Hash;
use crate::pricing::approval::{Actor, Drift, Facts};
use crate::pricing::controls::Content;
use crate::pricing::recommend::Advice;

/// Facts that a decision rests on: a handful.
const FACTS_MAX: usize = 30;
/// A proposal waits for a year at most.
const VERSION_MAX: u64 = 1 << 53;

/// Why there is a proposal, which says who must agree to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Grounds {
    /// A person proposes.
    Person,
    /// The optimizer proposes, and people decide.
    Engine,
    /// The optimizer proposes within what policy lets through by itself, with autonomy on.
    Automatic,
    /// A person takes back the last change.
    Rollback,
    /// The margin since the last change fell short of what it promised: the optimizer takes it back,
    /// by itself where policy says so.
    Shortfall,
    /// A standing stress would break a threshold: what would meet it is proposed before it comes true,
    /// and people decide.
    Foresight,
}

impl Grounds {
    /// Does it put back what was in force before? It then rests on nothing but that version.
    #[must_use]
    pub const fn takes_back(self) -> bool {
        matches!(self, Grounds::Rollback | Grounds::Shortfall)
    }
}

/// A version of a proposal: what it would put in force, and what that rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Edition {
    pub content: Content,
    /// The version of what it replaces; 0: nothing was decided yet.
    pub base_version: u64,
    /// The version of the policy that it was judged by.
    pub policy_version: u64,
    /// The rule of that policy that holds for the tenant; absent for the policy itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    pub facts: Facts,
    pub expires_at: Timestamp,
    pub reason: String,
}

/// Something is proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProposalOpen {
    pub proposal_id: Uuid,
    pub grounds: Grounds,
    pub edition: Edition,
    /// What is foreseen, on grounds of foresight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foresight: Option<Box<Forewarning>>,
}

/// A person agrees to a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProposalApprove {
    pub proposal_id: Uuid,
    pub version: u32,
    pub hash: Hash,
    /// The login of whoever is away, where a delegate agrees in their stead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Actor>,
}

/// A person refuses it, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProposalReject {
    pub proposal_id: Uuid,
    pub version: u32,
    pub hash: Hash,
    pub reason: String,
}

/// A person makes another version of the one that they saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProposalModify {
    pub proposal_id: Uuid,
    pub version: u32,
    pub hash: Hash,
    pub edition: Edition,
}

/// It is in force from this event's clock on. Recorded by the cloud that won the grant of the
/// version; without the approvals that it needs it has no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProposalApply {
    pub proposal_id: Uuid,
    pub version: u32,
    pub hash: Hash,
    /// The version that it becomes of what it replaces.
    pub result_version: u64,
}

/// The facts changed, and nothing was executed. Recorded by a cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProposalStale {
    pub proposal_id: Uuid,
    pub version: u32,
    pub hash: Hash,
    pub changed: Vec<Drift>,
}

/// What people switch at once, without a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SwitchName {
    /// Changes within bounds apply by themselves.
    AutoPricing,
    /// Nothing is applied at all.
    KillSwitch,
}

/// A switch is on or off from this event on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySwitch {
    pub switch: SwitchName,
    /// Absent: for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    pub on: bool,
    pub reason: String,
}

/// What the optimizer says of a tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptimizerRecommend {
    pub run: u64,
    pub tenant_id: TenantId,
    pub policy_version: u64,
    pub advice: Advice,
    /// The proposal that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal_id: Option<Uuid>,
}

/// A run of the optimizer, done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptimizerRun {
    pub run: u64,
    pub by: Cloud,
    pub usage_from: Timestamp,
    pub usage_to: Timestamp,
    pub policy_version: u64,
    pub tenants: u64,
    pub below: u64,
    pub above: u64,
    pub recommended: u64,
    pub opened: u64,
    /// Tenants with usage that lacks a price on either side.
    pub unpriced: u64,
}

impl Edition {
    fn check(&self, field: &str) -> Result<(), KindError> {
        if self.facts.len() > FACTS_MAX {
            return refuse(&format!("{field}/facts"), format!("must be at most {FACTS_MAX}"));
        }
        version(&format!("{field}/baseVersion"), self.base_version)?;
        version(&format!("{field}/policyVersion"), self.policy_version)?;
        self.rule.as_deref().map_or(Ok(()), |rule| name(&format!("{field}/rule"), rule))?;
        reason(&self.reason)?;
        self.content.check().or_else(|wrong| refuse(&format!("{field}/content"), wrong.to_string()))
    }
}

fn version(field: &str, version: u64) -> Result<(), KindError> {
    if version <= VERSION_MAX { Ok(()) } else { refuse(field, "must be at most 2^53") }
}

impl ProposalOpen {
    pub(super) fn check(&self) -> Result<(), KindError> {
        if (self.grounds == Grounds::Foresight) != self.foresight.is_some() {
            return refuse("/foresight", "stands on grounds of foresight, and only there");
        }
        self.foresight.as_ref().map_or(Ok(()), |foresight| foresight.check())?;
        self.edition.check("/edition")
    }
}

impl ProposalModify {
    pub(super) fn check(&self) -> Result<(), KindError> {
        self.edition.check("/edition")
    }
}

impl ProposalApprove {
    pub(super) fn check(&self) -> Result<(), KindError> {
        self.on_behalf_of.as_ref().map_or(Ok(()), |person| name("/onBehalfOf", &person.0))
    }
}

impl ProposalReject {
    pub(super) fn check(&self) -> Result<(), KindError> {
        reason(&self.reason)
    }
}

impl ProposalApply {
    pub(super) fn check(&self) -> Result<(), KindError> {
        if self.result_version == 0 {
            return refuse("/resultVersion", "counts from 1");
        }
        version("/resultVersion", self.result_version)
    }
}

impl ProposalStale {
    pub(super) fn check(&self) -> Result<(), KindError> {
        if self.changed.len() <= FACTS_MAX { Ok(()) } else { refuse("/changed", "is too long") }
    }
}

impl PolicySwitch {
    pub(super) fn check(&self) -> Result<(), KindError> {
        if self.switch == SwitchName::KillSwitch && self.tenant_id.is_some() {
            return refuse("/tenantId", "must be left out: the kill switch is for all");
        }
        reason(&self.reason)
    }
}

impl OptimizerRecommend {
    pub(super) fn check(&self) -> Result<(), KindError> {
        id("/advice/tier", &self.advice.figures.tier)?;
        let money = [self.advice.figures.revenue_usd, self.advice.figures.cost_usd];
        if money.iter().any(|usd| *usd < Decimal::ZERO) {
            return refuse("/advice/figures", "must be amounts of 0 or more");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Known, is_recorded_by_clouds};

    fn open(price: &str, reason: &str) -> Value {
        json!({"kind": "proposal.open", "grounds": "person",
            "proposalId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b",
            "edition": {
                "content": {"what": "controls", "tenantId": "acme",
                    "controls": {"priceOfList": price}},
                "baseVersion": 0, "policyVersion": 0, "rule": "everybody",
                "facts": {"margin": "0.31"}, "expiresAt": "2026-12-01T00:00:00.000Z",
                "reason": reason}})
    }

    #[test]
    fn a_proposal_reads_back_and_a_price_of_nothing_is_refused_by_its_field() {
        let read = Known::read(&open("1.05", "below the floor")).expect("valid").expect("known");
        assert_eq!(read.to_payload(), open("1.05", "below the floor"));
        for absurd in ["0", "-1"] {
            let error = Known::read(&open(absurd, "x")).expect_err("absurd");
            assert_eq!(error.field, "/edition/content");
        }
        assert_eq!(Known::read(&open("1.05", " ")).expect_err("blank").field, "/reason");
    }

    #[test]
    fn grounds_of_foresight_have_what_is_foreseen_beside_them_and_others_do_not() {
        let mut bare = open("1.05", "x");
        bare["grounds"] = json!("foresight");
        assert_eq!(Known::read(&bare).expect_err("bare").field, "/foresight");
        let level = json!({ "belowFloor": 0.6, "p50": 0.3 });
        let request = serde_json::to_value(crate::economics::study::Request::default());
        let mut whole = bare;
        whole["foresight"] = json!({ "run": 1, "priceMapAsOf": "2026-11-12T00:00:00.000Z",
            "shock": { "name": "dearer", "changes": crate::economics::scenario::Scenario::default() },
            "request": request.expect("json"), "now": level, "stressed": level, "after": level });
        let read = Known::read(&whole).expect("valid").expect("known");
        assert_eq!(read.to_payload(), whole);
        whole["grounds"] = json!("engine");
        assert_eq!(Known::read(&whole).expect_err("of an engine").field, "/foresight");
    }

    #[test]
    fn only_clouds_apply_and_only_people_switch() {
        assert!(is_recorded_by_clouds("proposal.apply") && is_recorded_by_clouds("proposal.stale"));
        assert!(is_recorded_by_clouds("optimizer.run"));
        assert!(
            !is_recorded_by_clouds("proposal.approve") && !is_recorded_by_clouds("policy.switch")
        );
        let kill = json!({"kind": "policy.switch", "switch": "killSwitch", "on": true,
            "reason": "x", "tenantId": "acme"});
        assert_eq!(Known::read(&kill).expect_err("one tenant").field, "/tenantId");
    }

    #[test]
    fn an_unknown_field_of_a_policy_is_refused() {
        let mut proposal = open("1.05", "x");
        proposal["edition"]["content"] = json!({"what": "policy", "policy": {"stepMax": "0.2"}});
        assert!(Known::read(&proposal).is_err());
    }
}
