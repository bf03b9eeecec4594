//! Payload kinds that the product understands, and their validation.
//!
//! A payload is any JSON object. One whose `kind` is listed here is also checked, since the
//! product acts on it: `usage` is metered, the others are decisions that projections follow.
//! Unknown kinds are stored as they are.

mod anchor;
mod billing;
mod delegation;
mod foresight;
mod held;
mod key;
mod planning;
mod pricing;
mod routing;
mod rules;
mod snapshot;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::access::{Action, Role};
use crate::clock::Timestamp;
use crate::cloud::Cloud;
use crate::event::{Region, TenantId};
use crate::grant::{self, Resource, Version};

pub use anchor::{AnchorFailed, AnchorFinal};
pub use billing::{BillingClose, BillingCredit, CREDIT_USD_MAX, INVOICES_MAX, Invoice};
pub use delegation::{ApprovalDelegate, ApprovalWithdraw, DELEGATION_DAYS_MAX};
pub(crate) use foresight::stated;
pub use foresight::{
    Broken, FALLEN_MAX, Fallen, Foreseen, ForesightRun, Forewarning, Guarded, Rerouted, Shock,
    Threshold, Unmoved,
};
pub use held::{ConflictResolve, QuarantineReject, QuarantineRelease};
pub use key::{KeyAgree, KeyBegin, KeyGone};
pub use planning::{CostPut, LatencyPut, NOTES_CHARS_MAX, ScenarioPromote, ScenarioSave};
pub use pricing::{
    Edition, Grounds, OptimizerRecommend, OptimizerRun, PolicySwitch, ProposalApply,
    ProposalApprove, ProposalModify, ProposalOpen, ProposalReject, ProposalStale, SwitchName,
};
pub use routing::{
    REGIONS_MAX, RoutingDrain, RoutingLatency, RoutingMove, RoutingStanding, RoutingSwitch,
};
use rules::check_usage;
pub use snapshot::SnapshotAttest;

/// Longest name of a provider, model, person or thing.
pub const NAME_CHARS_MAX: usize = 200;
/// Longest reason that somebody gives for a decision: a paragraph.
pub const REASON_CHARS_MAX: usize = 500;

/// One inference that a tenant is charged for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub provider: String,
    pub model: String,
    pub region: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    pub requested_at: Timestamp,
}

/// A tenant, whole: each such event replaces the tenant's earlier state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantPut {
    pub tenant_id: TenantId,
    pub name: String,
    /// The id of a tier.
    pub tier: String,
    /// The cloud that serves this tenant first.
    pub cloud: Cloud,
    pub region: Region,
    #[serde(default = "yes")]
    pub active: bool,
}

/// A tier with its SLA terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TierPut {
    pub tier: String,
    pub name: String,
    pub sla: Sla,
}

/// What we owe when a month's uptime falls short: a ladder of credits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sla {
    /// From the best band to the worst: `minUptimePct` strictly falling, the last 0.
    pub bands: Vec<SlaBand>,
    /// Promised 99th percentile of latency, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_p99_ms: Option<u64>,
}

/// The share of the month's charges that is credited at or above an uptime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlaBand {
    pub min_uptime_pct: Decimal,
    /// 0 to 1.
    pub credit: Decimal,
}

/// The price of a model for a tier, from a time on. US dollars a million tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PricePut {
    pub tier: String,
    pub provider: String,
    pub model: String,
    pub input_usd_per_million: Decimal,
    pub output_usd_per_million: Decimal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_usd_per_million: Option<Decimal>,
    pub effective_from: Timestamp,
    /// Why it was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A price to come that is not to begin: what counts before it goes on. Without effect once it has begun.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// The proposal that people agreed to. Set by the clouds, never taken from a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal_id: Option<Uuid>,
}

impl PricePut {
    /// # Errors
    /// A name that is none, a negative price, or a reason that is blank or too long.
    pub fn check(&self) -> Result<(), KindError> {
        first(self.wrongs())
    }
}

/// A person who signs in, or a program with tokens. Verifiers of passwords and tokens never
/// stand in an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserPut {
    /// An e-mail address, or a program's name.
    pub login: String,
    pub name: String,
    pub role: Role,
    #[serde(default = "yes")]
    pub active: bool,
}

/// What two of the three clouds have voted for, where exactly one may win. Recorded by the clouds
/// themselves; the votes are the proof (`domain::grant`), not this event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantDecided {
    pub resource: Resource,
    pub version: Version,
    pub value: grant::Value,
}

const fn yes() -> bool {
    true
}

/// A payload that the product acts on.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    Usage(Usage),
    TenantPut(TenantPut),
    TierPut(TierPut),
    PricePut(PricePut),
    UserPut(UserPut),
    GrantDecided(GrantDecided),
    QuarantineRelease(QuarantineRelease),
    QuarantineReject(QuarantineReject),
    ConflictResolve(ConflictResolve),
    CostPut(CostPut),
    LatencyPut(LatencyPut),
    ScenarioSave(ScenarioSave),
    ScenarioPromote(ScenarioPromote),
    KeyBegin(KeyBegin),
    KeyAgree(KeyAgree),
    KeyGone(KeyGone),
    SnapshotAttest(Box<SnapshotAttest>),
    BillingCredit(BillingCredit),
    BillingClose(BillingClose),
    AnchorFinal(AnchorFinal),
    AnchorFailed(AnchorFailed),
    RoutingSwitch(Box<RoutingSwitch>),
    RoutingDrain(RoutingDrain),
    RoutingLatency(RoutingLatency),
    ProposalOpen(Box<ProposalOpen>),
    ProposalApprove(ProposalApprove),
    ProposalReject(ProposalReject),
    ProposalModify(Box<ProposalModify>),
    ProposalApply(ProposalApply),
    ProposalStale(ProposalStale),
    PolicySwitch(PolicySwitch),
    ApprovalDelegate(ApprovalDelegate),
    ApprovalWithdraw(ApprovalWithdraw),
    OptimizerRecommend(Box<OptimizerRecommend>),
    OptimizerRun(OptimizerRun),
    ForesightRun(Box<ForesightRun>),
}

/// A field of a known kind breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct KindError {
    /// Path inside the payload, such as `/sla/bands`.
    pub field: String,
    pub reason: String,
}

/// Prefixes of kinds that are the product's own decisions. They may not be sent by an ingest
/// token, and under these prefixes only known kinds exist.
const DECISION_PREFIXES: [&str; 22] = [
    "tenant.",
    "tier.",
    "price.",
    "user.",
    "key.",
    "routing.",
    "snapshot.",
    "policy.",
    "grant.",
    "epoch.",
    "payload.",
    "quarantine.",
    "conflict.",
    "anchor.",
    "cost.",
    "latency.",
    SCENARIO,
    BILLING,
    PROPOSAL,
    APPROVAL,
    OPTIMIZER,
    FORESIGHT,
];

/// The prefix of what people who plan decide: scenarios are kept and promoted, and change nothing.
const SCENARIO: &str = "scenario.";

/// The prefix of what is decided about the billing ledger.
const BILLING: &str = "billing.";

/// The prefix of proposals and what becomes of them.
const PROPOSAL: &str = "proposal.";
const PROPOSAL_APPROVE: &str = "proposal.approve";
const PROPOSAL_REJECT: &str = "proposal.reject";
const PROPOSAL_APPLY: &str = "proposal.apply";
const PROPOSAL_STALE: &str = "proposal.stale";
/// The prefix of who approves in whose stead.
const APPROVAL: &str = "approval.";
const POLICY_SWITCH: &str = "policy.switch";
/// The prefix of what the optimizer finds by itself.
const OPTIMIZER: &str = "optimizer.";
/// The prefix of what standing stresses came to.
const FORESIGHT: &str = "foresight.";

const GRANT_DECIDED: &str = "grant.decided";
const SNAPSHOT_ATTEST: &str = "snapshot.attest";
/// The kinds of [`AnchorFinal`] and [`AnchorFailed`].
const ANCHOR_FINAL: &str = "anchor.final";
const ANCHOR_FAILED: &str = "anchor.failed";
const ROUTING_SWITCH: &str = "routing.switch";
/// The kind of [`RoutingDrain`].
const ROUTING_DRAIN: &str = "routing.drain";
/// The kind of [`ConflictResolve`].
pub const CONFLICT_RESOLVE: &str = "conflict.resolve";

/// The field of a decision that names who made it: a login. Set by the server that recorded the
/// decision for a person, never taken from a client.
pub const DECIDED_BY: &str = "decidedBy";

/// Is this kind one of the product's own decisions?
#[must_use]
pub fn is_decision(kind: &str) -> bool {
    DECISION_PREFIXES.iter().any(|prefix| kind.starts_with(prefix))
}

/// Who may record this kind of decision?
#[must_use]
pub fn decides_by(kind: &str) -> Action {
    if kind.starts_with(SCENARIO) {
        Action::EditScenarios
    } else if kind.starts_with(BILLING) {
        Action::EditBilling
    } else if kind == ROUTING_DRAIN {
        Action::DrainCloud
    } else if [PROPOSAL_APPROVE, PROPOSAL_REJECT].contains(&kind) || kind.starts_with(APPROVAL) {
        Action::Approve
    } else if kind.starts_with(PROPOSAL) {
        Action::Propose
    } else if kind == POLICY_SWITCH {
        Action::SetAutonomy
    } else {
        Action::SubmitDecision
    }
}

/// Is this kind recorded by the clouds themselves, and by nobody else?
#[must_use]
pub fn is_recorded_by_clouds(kind: &str) -> bool {
    let kinds = [
        GRANT_DECIDED,
        SNAPSHOT_ATTEST,
        ANCHOR_FINAL,
        ANCHOR_FAILED,
        ROUTING_SWITCH,
        PROPOSAL_APPLY,
        PROPOSAL_STALE,
    ];
    kinds.contains(&kind) || kind.starts_with(OPTIMIZER) || kind.starts_with(FORESIGHT)
}

/// The `kind` of a payload, if it names one.
#[must_use]
pub fn kind_of(payload: &Value) -> Option<&str> {
    payload.get("kind").and_then(Value::as_str)
}

impl Known {
    /// Reads and checks a payload. `Ok(None)`: a kind that the product does not act on.
    ///
    /// # Errors
    /// A field of a known kind is missing, of the wrong type, unknown, or out of range; or the
    /// kind stands under a decision prefix and is not known.
    pub fn read(payload: &Value) -> Result<Option<Known>, KindError> {
        let Some(kind) = kind_of(payload) else { return Ok(None) };
        let known = match kind {
            "usage" => Known::Usage(parse(payload)?),
            "tenant.put" => Known::TenantPut(parse(payload)?),
            "tier.put" => Known::TierPut(parse(payload)?),
            "price.put" => Known::PricePut(parse(payload)?),
            "user.put" => Known::UserPut(parse(payload)?),
            GRANT_DECIDED => Known::GrantDecided(parse(payload)?),
            "quarantine.release" => Known::QuarantineRelease(parse(payload)?),
            "quarantine.reject" => Known::QuarantineReject(parse(payload)?),
            CONFLICT_RESOLVE => Known::ConflictResolve(parse(payload)?),
            "cost.put" => Known::CostPut(parse(payload)?),
            "latency.put" => Known::LatencyPut(parse(payload)?),
            "scenario.save" => Known::ScenarioSave(parse(payload)?),
            "scenario.promote" => Known::ScenarioPromote(parse(payload)?),
            "key.begin" => Known::KeyBegin(parse(payload)?),
            "key.agree" => Known::KeyAgree(parse(payload)?),
            "key.gone" => Known::KeyGone(parse(payload)?),
            SNAPSHOT_ATTEST => Known::SnapshotAttest(Box::new(parse(payload)?)),
            "billing.credit" => Known::BillingCredit(parse(payload)?),
            "billing.close" => Known::BillingClose(parse(payload)?),
            ANCHOR_FINAL => Known::AnchorFinal(parse(payload)?),
            ANCHOR_FAILED => Known::AnchorFailed(parse(payload)?),
            ROUTING_SWITCH => Known::RoutingSwitch(Box::new(parse(payload)?)),
            ROUTING_DRAIN => Known::RoutingDrain(parse(payload)?),
            "routing.latency" => Known::RoutingLatency(parse(payload)?),
            "proposal.open" => Known::ProposalOpen(Box::new(parse(payload)?)),
            PROPOSAL_APPROVE => Known::ProposalApprove(parse(payload)?),
            PROPOSAL_REJECT => Known::ProposalReject(parse(payload)?),
            "proposal.modify" => Known::ProposalModify(Box::new(parse(payload)?)),
            PROPOSAL_APPLY => Known::ProposalApply(parse(payload)?),
            PROPOSAL_STALE => Known::ProposalStale(parse(payload)?),
            POLICY_SWITCH => Known::PolicySwitch(parse(payload)?),
            "approval.delegate" => Known::ApprovalDelegate(parse(payload)?),
            "approval.withdraw" => Known::ApprovalWithdraw(parse(payload)?),
            "optimizer.recommend" => Known::OptimizerRecommend(Box::new(parse(payload)?)),
            "optimizer.run" => Known::OptimizerRun(parse(payload)?),
            "foresight.run" => Known::ForesightRun(Box::new(parse(payload)?)),
            other if is_decision(other) => {
                let reason = format!("\"{other}\" is not a kind of decision that exists");
                return Err(KindError { field: "/kind".to_owned(), reason });
            }
            _ => return Ok(None),
        };
        known.check()?;
        check_decider(payload)?;
        Ok(Some(known))
    }

    fn check(&self) -> Result<(), KindError> {
        match self {
            Known::Usage(usage) => check_usage(usage),
            Known::TenantPut(tenant) => first(tenant.wrongs()),
            Known::TierPut(tier) => first(tier.wrongs()),
            Known::PricePut(price) => price.check(),
            Known::UserPut(user) => {
                name("/login", &user.login)?;
                name("/name", &user.name)
            }
            // Their types say it all.
            Known::GrantDecided(_) | Known::OptimizerRun(_) => Ok(()),
            Known::QuarantineRelease(release) => reason(&release.reason),
            Known::QuarantineReject(reject) => reason(&reject.reason),
            Known::ConflictResolve(resolve) => reason(&resolve.reason),
            Known::CostPut(cost) => cost.check(),
            Known::LatencyPut(latency) => latency.check(),
            Known::ScenarioSave(scenario) => scenario.check(),
            Known::ScenarioPromote(promotion) => promotion.check(),
            Known::KeyBegin(begin) => begin.check(),
            Known::KeyAgree(agree) => reason(&agree.reason),
            Known::KeyGone(gone) => reason(&gone.reason),
            Known::SnapshotAttest(attest) => attest.check(),
            Known::BillingCredit(credit) => credit.check(),
            Known::BillingClose(close) => close.check(),
            Known::AnchorFinal(told) => told.check(),
            Known::AnchorFailed(told) => told.check(),
            Known::RoutingSwitch(switch) => switch.check(),
            Known::RoutingDrain(drain) => drain.check(),
            Known::RoutingLatency(latency) => latency.check(),
            Known::ProposalOpen(open) => open.check(),
            Known::ProposalApprove(approve) => approve.check(),
            Known::ProposalReject(reject) => reject.check(),
            Known::ProposalModify(modify) => modify.check(),
            Known::ProposalApply(apply) => apply.check(),
            Known::ProposalStale(stale) => stale.check(),
            Known::PolicySwitch(switch) => switch.check(),
            Known::ApprovalDelegate(delegate) => delegate.check(),
            Known::ApprovalWithdraw(withdraw) => withdraw.check(),
            Known::OptimizerRecommend(advice) => advice.check(),
            Known::ForesightRun(run) => run.check(),
        }
    }

    /// The payload of this decision.
    #[must_use]
    pub fn to_payload(&self) -> Value {
        let (kind, body) = match self {
            Known::Usage(body) => ("usage", serde_json::to_value(body)),
            Known::TenantPut(body) => ("tenant.put", serde_json::to_value(body)),
            Known::TierPut(body) => ("tier.put", serde_json::to_value(body)),
            Known::PricePut(body) => ("price.put", serde_json::to_value(body)),
            Known::UserPut(body) => ("user.put", serde_json::to_value(body)),
            Known::GrantDecided(body) => (GRANT_DECIDED, serde_json::to_value(body)),
            Known::QuarantineRelease(body) => ("quarantine.release", serde_json::to_value(body)),
            Known::QuarantineReject(body) => ("quarantine.reject", serde_json::to_value(body)),
            Known::ConflictResolve(body) => (CONFLICT_RESOLVE, serde_json::to_value(body)),
            Known::CostPut(body) => ("cost.put", serde_json::to_value(body)),
            Known::LatencyPut(body) => ("latency.put", serde_json::to_value(body)),
            Known::ScenarioSave(body) => ("scenario.save", serde_json::to_value(body)),
            Known::ScenarioPromote(body) => ("scenario.promote", serde_json::to_value(body)),
            Known::KeyBegin(body) => ("key.begin", serde_json::to_value(body)),
            Known::KeyAgree(body) => ("key.agree", serde_json::to_value(body)),
            Known::KeyGone(body) => ("key.gone", serde_json::to_value(body)),
            Known::SnapshotAttest(body) => (SNAPSHOT_ATTEST, serde_json::to_value(body)),
            Known::BillingCredit(body) => ("billing.credit", serde_json::to_value(body)),
            Known::BillingClose(body) => ("billing.close", serde_json::to_value(body)),
            Known::AnchorFinal(body) => (ANCHOR_FINAL, serde_json::to_value(body)),
            Known::AnchorFailed(body) => (ANCHOR_FAILED, serde_json::to_value(body)),
            Known::RoutingSwitch(body) => (ROUTING_SWITCH, serde_json::to_value(body)),
            Known::RoutingDrain(body) => (ROUTING_DRAIN, serde_json::to_value(body)),
            Known::RoutingLatency(body) => ("routing.latency", serde_json::to_value(body)),
            Known::ProposalOpen(body) => ("proposal.open", serde_json::to_value(body)),
            Known::ProposalApprove(body) => (PROPOSAL_APPROVE, serde_json::to_value(body)),
            Known::ProposalReject(body) => (PROPOSAL_REJECT, serde_json::to_value(body)),
            Known::ProposalModify(body) => ("proposal.modify", serde_json::to_value(body)),
            Known::ProposalApply(body) => (PROPOSAL_APPLY, serde_json::to_value(body)),
            Known::ProposalStale(body) => (PROPOSAL_STALE, serde_json::to_value(body)),
            Known::PolicySwitch(body) => (POLICY_SWITCH, serde_json::to_value(body)),
            Known::ApprovalDelegate(body) => ("approval.delegate", serde_json::to_value(body)),
            Known::ApprovalWithdraw(body) => ("approval.withdraw", serde_json::to_value(body)),
            Known::OptimizerRecommend(body) => ("optimizer.recommend", serde_json::to_value(body)),
            Known::OptimizerRun(body) => ("optimizer.run", serde_json::to_value(body)),
            Known::ForesightRun(body) => ("foresight.run", serde_json::to_value(body)),
        };
        // These structs have string keys and finite numbers only, so they always serialize.
        let mut value = body.unwrap_or_default();
        value["kind"] = Value::from(kind);
        value
    }
}

fn parse<T: serde::de::DeserializeOwned>(payload: &Value) -> Result<T, KindError> {
    let mut body = payload.clone();
    if let Some(object) = body.as_object_mut() {
        object.remove("kind");
        object.remove(DECIDED_BY);
    }
    serde_json::from_value(body).map_err(|error| {
        let text = error.to_string();
        // serde names the field in backquotes; the path helps a caller find it.
        let field = text.split('`').nth(1).map_or_else(String::new, |name| format!("/{name}"));
        KindError { field, reason: text }
    })
}

fn check_decider(payload: &Value) -> Result<(), KindError> {
    match payload.get(DECIDED_BY) {
        None => Ok(()),
        Some(Value::String(login)) => name("/decidedBy", login),
        Some(_) => refuse("/decidedBy", "must be a login"),
    }
}

fn refuse(field: &str, reason: impl Into<String>) -> Result<(), KindError> {
    Err(KindError { field: field.to_owned(), reason: reason.into() })
}

fn first(wrongs: Vec<KindError>) -> Result<(), KindError> {
    wrongs.into_iter().next().map_or(Ok(()), Err)
}

fn name(field: &str, text: &str) -> Result<(), KindError> {
    printable(field, text, NAME_CHARS_MAX)
}

/// Blank is no reason.
fn reason(text: &str) -> Result<(), KindError> {
    words("/reason", text)
}

fn words(field: &str, text: &str) -> Result<(), KindError> {
    printable(field, text.trim(), REASON_CHARS_MAX)
}

fn printable(field: &str, text: &str, chars_max: usize) -> Result<(), KindError> {
    let length = text.chars().count();
    if length == 0 || length > chars_max || text.chars().any(char::is_control) {
        return refuse(field, format!("must be 1 to {chars_max} printable characters"));
    }
    Ok(())
}

fn id(field: &str, text: &str) -> Result<(), KindError> {
    match TenantId::try_from(text.to_owned()) {
        Ok(_) => Ok(()),
        Err(error) => refuse(field, error.to_string()),
    }
}

#[cfg(test)]
mod tests;
