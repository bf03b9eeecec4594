//! What the pages Optimizer and Approvals show.

use domain::clock::Timestamp;
use domain::pricing::book::Standing;
use serde::{Deserialize, Serialize};

use super::foresight::{ForeseenWhy, ForesightView};

/// The page Optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OptimizerView {
    pub at: Timestamp,
    pub killed: bool,
    /// Changes within bounds apply by themselves, where a tenant's own switch is on too.
    pub automatic: bool,
    /// Of the switch that was moved last, why.
    pub switch_reason: Option<String>,
    pub policy_version: u64,
    pub window_days: u32,
    /// Sentences of the rule for everybody.
    pub bounds: Vec<String>,
    pub run: Option<RunRow>,
    pub foresight: ForesightView,
    /// The lowest margin first.
    pub tenants: Vec<TenantMargin>,
    /// Tenants with usage that has no price.
    pub unpriced: Vec<String>,
    pub recommendations: Vec<RecommendationRow>,
    /// What was applied, the newest first.
    pub history: Vec<AppliedRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRow {
    pub number: u64,
    pub at: Timestamp,
    pub by: String,
    pub event_id: String,
    pub sentence: String,
}

/// Where a margin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MarginBand {
    Below,
    Within,
    Above,
    /// Nothing is brought in.
    Absent,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantMargin {
    pub tenant_id: String,
    pub name: String,
    pub tier: String,
    pub margin: String,
    pub band: MarginBand,
    pub revenue: String,
    pub cost: String,
    /// What is owed where service levels were missed, at the rate of the same days.
    pub penalties: String,
    /// `104 %` of the list price.
    pub price: String,
    pub automatic: bool,
    /// The page Scenarios with the tier's price moved as is recommended.
    pub simulate: String,
    /// The open proposal about it.
    pub proposal_id: Option<String>,
}

/// What the optimizer said last of a tenant, where it said more than that all is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecommendationRow {
    pub tenant_id: String,
    pub name: String,
    pub at: Timestamp,
    pub event_id: String,
    /// What is recommended, in a sentence.
    pub title: String,
    /// The inputs and the rules that fired, a sentence each.
    pub why: Vec<String>,
    /// What the guardrails did with the target price, step by step.
    pub trail: Vec<String>,
    /// Action, expected value, deviation, score; the best first.
    pub actions: Vec<[String; 4]>,
    pub simulate: String,
    pub proposal_id: Option<String>,
}

/// A version of a tenant's controls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedRow {
    pub tenant_id: String,
    pub version: u64,
    pub at: Timestamp,
    pub before: String,
    pub after: String,
    /// Who or what brought it about.
    pub grounds: String,
    /// Predicted margin then, and the margin now, where this version is in force.
    pub effect: Option<String>,
    pub proposal_id: String,
    pub event_id: String,
    pub can_be_taken_back: bool,
}

/// The page Approvals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalsView {
    pub at: Timestamp,
    pub killed: bool,
    /// The one that is due first first.
    pub open: Vec<ProposalRow>,
    /// What was decided lately, the newest first.
    pub closed: Vec<ProposalRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposalRow {
    pub id: String,
    /// A tenant's id, or "policy".
    pub about: String,
    /// `Price 100 % → 108 %`.
    pub title: String,
    /// `+8 %`, of a price.
    pub change: Option<String>,
    pub reason: String,
    pub requester: String,
    pub opened_at: Timestamp,
    pub expires_at: Timestamp,
    pub approvals: u32,
    /// Absent: not known here yet.
    pub quorum: Option<u32>,
    pub state: Standing,
    pub version: u32,
}

/// One proposal with everything that a decision needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposalDetail {
    pub at: Timestamp,
    pub row: ProposalRow,
    pub hash: String,
    pub killed: bool,
    /// What, before, after, change.
    pub money: Vec<[String; 4]>,
    /// What the decision rests on.
    pub facts: Vec<FactRow>,
    /// What the guardrails said, where the optimizer proposed.
    pub trail: Vec<String>,
    pub rule: Option<String>,
    pub approvers: Vec<String>,
    pub steps: Vec<StepRow>,
    /// Where the form for another version begins; absent for a policy.
    pub form: Option<ControlsForm>,
    pub result_version: Option<u64>,
    pub simulate: Option<String>,
    /// What it foresees, on grounds of foresight.
    pub foreseen: Option<ForeseenWhy>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FactRow {
    pub name: String,
    pub then: String,
    pub now: String,
    pub changed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRow {
    pub event_id: String,
    pub at: Timestamp,
    pub by: String,
    pub what: String,
    /// Why it changed nothing.
    pub refused: Option<String>,
}

/// What a form begins with, in percent of the list price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlsForm {
    pub tenant_id: String,
    pub price: String,
    pub overage: String,
    pub concurrency: String,
    pub token_cap: String,
}
