//! The policy of prices, as it crosses the wire. Numbers are text, as they are read and typed.

use domain::clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::TierName;

/// The policy in force, how it came to that, and another one where one is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    pub at: Timestamp,
    /// 0: the standard one.
    pub version: u64,
    /// So many must agree to another one, whoever proposes it not counted.
    pub persons: u32,
    pub parts: Vec<PolicyPart>,
    pub contracts: Vec<ContractRow>,
    /// For whom a rule may be.
    pub tiers: Vec<TierName>,
    pub asked: Option<PolicyAsked>,
    /// Proposals of another one: id, and what they would do.
    pub waiting: Vec<[String; 2]>,
    /// The newest first, without the standard one.
    pub history: Vec<PolicyVersion>,
}

/// Fields that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyPart {
    pub title: String,
    pub hint: String,
    /// The rule whose fields they are; none: they hold for all.
    pub rule: Option<RuleHead>,
    pub fields: Vec<PolicyField>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleHead {
    /// Among the rules.
    pub place: usize,
    pub whom: String,
    /// The one for everybody stays.
    pub may_go: bool,
    /// It is marked to go.
    pub goes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyField {
    pub path: String,
    /// With its unit.
    pub label: String,
    /// What was typed, or what is in force.
    pub text: String,
    /// What is in force, with its unit, where another was typed.
    pub in_force: Option<String>,
    /// What may be chosen, with its words; empty: it is typed.
    pub choices: Vec<[String; 2]>,
    /// Why what was typed cannot be.
    pub problem: Option<String>,
    /// It is what the reader is led to.
    pub is_first_wrong: bool,
}

/// Another policy, asked about and not proposed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyAsked {
    /// What others have changed since the form was shown: what, from, to.
    pub meanwhile: Vec<[String; 3]>,
    /// What it would change: what, from, to.
    pub changes: Vec<[String; 3]>,
    /// Why there can be no such policy: every field that is wrong.
    pub problems: Vec<PolicyProblem>,
    /// What was typed and is another than in force, to be sent with the proposal.
    pub typed: Vec<[String; 2]>,
    /// The address of its rehearsal.
    pub rehearse: String,
}

/// A field that makes it no policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyProblem {
    /// Empty: several together.
    pub path: String,
    pub label: String,
    pub problem: String,
    /// The one that it contradicts: its path and label.
    pub other: Option<[String; 2]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractRow {
    pub tenant: String,
    pub until: Timestamp,
}

/// A version that is or was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyVersion {
    pub version: u64,
    pub at: Timestamp,
    pub proposal_id: String,
    /// What, from, to.
    pub changes: Vec<[String; 3]>,
}
