//! What the pages Optimizer and Approvals show.

use domain::clock::Timestamp;
use domain::pricing::book::{Risk, Standing};
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
    /// Who stopped everything, while it is stopped.
    pub stop: Option<SwitchRow>,
    /// Who said last whether prices may move by themselves.
    pub automatic_word: Option<SwitchRow>,
    /// Every word on a switch, the newest first, as many as the page shows.
    pub switches: Vec<SwitchRow>,
    pub policy_version: u64,
    pub window_days: u32,
    /// When that window ends: with the last whole hour.
    pub window_to: String,
    /// The margins beyond which a band begins, for everybody: below and above.
    pub edges: [String; 2],
    /// What a rehearsal begins with: of the rule for everybody.
    pub rehearsal: RehearsalForm,
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

/// A switch that somebody moved: what is so since then, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SwitchRow {
    /// Such as "Automatic prices of acme turned on".
    pub what: String,
    pub at: Timestamp,
    pub by: String,
    pub reason: String,
    /// Who gave that reason, where it was somebody else or later.
    pub reason_by: Option<String>,
    pub event_id: String,
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

/// How a margin is distributed: shares of the revenue, as texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarginSpread {
    pub p5: String,
    pub p50: String,
    pub p95: String,
    /// How likely it is below the floor.
    pub below_floor: String,
}

/// A day of a trend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarginDay {
    /// `2026-11-25`.
    pub day: String,
    /// As a share of the revenue.
    pub margin: f64,
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantMargin {
    pub tenant_id: String,
    pub name: String,
    pub tier: String,
    pub margin: String,
    /// At the price in force; absent where nothing is brought in.
    pub spread: Option<MarginSpread>,
    /// The margin of each day with usage, the first first.
    pub trend: Vec<MarginDay>,
    pub band: MarginBand,
    pub revenue: String,
    pub cost: String,
    /// What is owed where service levels were missed, at the rate of the same days.
    pub penalties: String,
    /// `104 %` of the list price.
    pub price: String,
    pub automatic: bool,
    /// Who said so last; none: nobody, so it is off.
    pub automatic_word: Option<SwitchRow>,
    /// The page Scenarios with a lever for this tenant's price, moved as is recommended.
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
    /// What the guardrails did with the target price.
    pub trail: Option<GuardTrail>,
    /// Action, expected value, deviation, score; the best first.
    pub actions: Vec<[String; 4]>,
    /// The page Scenarios with this tenant's price moved so.
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

/// What of the queue is asked for; it stands in the address, so that it can be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalsQuery {
    pub class: Option<Risk>,
    /// Those whose facts have changed, or those whose facts have not.
    pub changed: Option<bool>,
    /// Part of whom it is about, from whom it is, or why.
    pub q: Option<String>,
}

/// The page Approvals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalsView {
    pub at: Timestamp,
    pub killed: bool,
    /// All that waits, whatever was asked for.
    pub waiting: u64,
    /// Of the class and text that were asked for: nobody looked whether their facts have changed.
    pub not_looked_at: u64,
    /// Of what was asked for: low risk first, and within a class the one that is due first.
    pub open: Vec<ProposalRow>,
    /// What was decided lately, the newest first.
    pub closed: Vec<ProposalRow>,
    pub stead: SteadView,
    /// Programs that are told by this cloud.
    pub receivers: Vec<ReceiverRow>,
}

/// A program of others that is told what needs people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiverRow {
    pub name: String,
    /// Its address without what may be a secret.
    pub place: String,
    pub waiting: u64,
    pub delivered: u64,
    pub delivered_at: Option<Timestamp>,
    /// Why the last attempt failed, where something waits.
    pub problem: Option<String>,
    /// What was given up lately.
    pub dead: u64,
    /// The newest of them: what, when, and why.
    pub latest_dead: Vec<DeadRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadRow {
    pub kind: String,
    pub happened_at: Timestamp,
    pub problem: String,
}

/// Who approves in whose stead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SteadView {
    /// The viewer's own that are not over.
    pub given: Vec<DelegationRow>,
    /// Those of others who have the viewer approve.
    pub taken: Vec<DelegationRow>,
    /// Who could stand in for the viewer.
    pub people: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DelegationRow {
    /// The id of the event that says so.
    pub id: String,
    pub person: String,
    pub delegate: String,
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: String,
    pub holds: bool,
}

/// Some proposals of low risk that one person approves in one act, or what became of that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TogetherView {
    pub at: Timestamp,
    pub items: Vec<TogetherRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TogetherRow {
    /// Absent: no such proposal is final here.
    pub row: Option<ProposalRow>,
    pub id: String,
    /// Why it cannot be approved so.
    pub refusal: Option<String>,
    /// Whether a vote that the viewer gave is final here.
    pub voted: bool,
}

/// What a rehearsal is asked: of the rule for everybody, in percent of the list price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsalForm {
    pub days: String,
    pub seed: String,
    pub auto_max: String,
    pub step_max: String,
    pub cumulative_max: String,
    pub cooldown_days: String,
    pub margin_min: String,
    /// The proposal whose policy is played; blank: the one in force.
    #[serde(default)]
    pub proposal: String,
}

/// What a rehearsal came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedView {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Of the policy that is in force; absent: of another one.
    pub policy_version: Option<u64>,
    pub seed: String,
    /// What, and how often or how much.
    pub counts: Vec<[String; 2]>,
    /// The bounds that a change broke.
    pub broken: Vec<String>,
    /// Days that were looked at.
    pub days: u32,
    /// Why these are too few to say that no bound was broken, and what to do.
    pub too_few: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposalRow {
    pub id: String,
    /// A tenant's id, "policy", "routing", or what has a list price.
    pub about: String,
    /// `Price 100 % → 108 %`.
    pub title: String,
    /// `+8 %`, of a price.
    pub change: Option<String>,
    pub risk: Risk,
    /// Of the version in hand: what an approval binds to.
    pub hash: String,
    /// Absent where it moves no price, or too little is known of the tenant.
    pub effect: Option<EffectRow>,
    pub reason: String,
    pub requester: String,
    pub opened_at: Timestamp,
    pub expires_at: Timestamp,
    pub approvals: u32,
    /// Absent: not known here yet.
    pub quorum: Option<u32>,
    pub state: Standing,
    /// What it rests on and is no longer as it was, a sentence each: as it stands nobody approves it.
    /// Absent: nobody looked.
    pub changed: Option<Vec<String>>,
    pub version: u32,
}

impl ProposalRow {
    /// It waits, and what it rests on is no longer so.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        self.state.is_open() && self.changed.as_ref().is_some_and(|changed| !changed.is_empty())
    }

    /// It is known whether what it rests on is still so, or that no longer matters.
    #[must_use]
    pub fn is_looked_at(&self) -> bool {
        !self.state.is_open() || self.changed.is_some()
    }
}

/// What a price would do, before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectRow {
    /// The median margin.
    pub margin: [String; 2],
    /// How likely the margin is below the policy's floor.
    pub below_floor: [String; 2],
    /// `+$120.00`: what the tenant pays more in 30 days; absent where its usage is not known.
    pub bill: Option<String>,
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
    /// What about a list price is odd, in sentences.
    pub odd: Vec<String>,
    /// What the decision rests on.
    pub facts: Vec<FactRow>,
    /// Why it could not be looked at whether the facts are still so; absent: it was.
    pub unseen: Option<String>,
    /// How the price stands to each bound of its rule, whoever proposed it.
    pub bounds: Vec<BoundRow>,
    /// `up to ±15 %: 1; beyond: 2`: who must agree to a price, by the size of its change.
    pub persons: String,
    /// What the guardrails said, where the optimizer proposed.
    pub trail: Option<GuardTrail>,
    pub rule: Option<String>,
    /// How it fares since it was applied.
    pub watch: Option<WatchView>,
    /// The page on which its policy is rehearsed, where it is one.
    pub rehearse: Option<String>,
    /// The next one of the queue that the viewer may decide about: its id, and what it is about.
    pub next: Option<[String; 2]>,
    /// Who agreed, and who gave the vote where that was a delegate.
    pub approvers: Vec<String>,
    /// May the viewer approve it for themself now?
    pub may_approve: bool,
    /// People in whose stead the viewer may approve it now.
    pub in_stead_of: Vec<String>,
    /// Why the viewer may not, or may do no more; absent: nothing is kept from them.
    pub why_not: Option<String>,
    pub steps: Vec<StepRow>,
    /// Where the form for another version begins; absent for a policy.
    pub form: Option<ControlsForm>,
    pub result_version: Option<u64>,
    pub simulate: Option<String>,
    /// What it foresees, on grounds of foresight.
    pub foreseen: Option<ForeseenWhy>,
    /// Where even what is proposed does not bring the risk down to what the policy bears.
    pub missed: Option<String>,
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

/// A bound, and how a price stands to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoundRow {
    pub rule: String,
    pub numbers: String,
    /// `within`, or `beyond, so 2 persons must agree`.
    pub verdict: String,
    pub beyond: bool,
}

/// What the guardrails did with a price that was aimed at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardTrail {
    pub aim: String,
    /// In the order in which they are asked.
    pub moves: Vec<GuardMove>,
    pub outcome: String,
}

/// A rule that moved the price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardMove {
    pub rule: String,
    /// Blank, where the bounds of then are not known here.
    pub came: String,
    pub left: String,
    pub binds: bool,
}

/// A change that was applied, watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchView {
    pub sentence: String,
    /// It fell short by more than the policy bears.
    pub broke: bool,
    /// Of the shortfall that is borne: `40 %`. Absent: nothing is known yet.
    pub used: Option<String>,
}

/// A price by hand that is looked at before it is proposed, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoundsAsk {
    pub tenant: String,
    /// In percent of the list price.
    pub price: String,
}

/// How it would stand to the policy. Nothing is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoundsView {
    /// `acme: 100 % → 108 % of the list price (+8 %)`.
    pub title: String,
    pub bounds: Vec<BoundRow>,
    /// As of a proposal.
    pub persons: String,
    pub rule: Option<String>,
}
