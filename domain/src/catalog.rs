//! Payload kinds that the product understands, and their validation.
//!
//! A payload is any JSON object. One whose `kind` is listed here is also checked, since the
//! product acts on it: `usage` is metered, the others are decisions that projections follow.
//! Unknown kinds are stored as they are.

mod anchor;
mod billing;
mod held;
mod key;
mod planning;
mod routing;
mod rules;
mod snapshot;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::{Action, Role};
use crate::clock::Timestamp;
use crate::cloud::Cloud;
use crate::event::{Region, TenantId};
use crate::grant::{self, Resource, Version};

pub use anchor::{AnchorFailed, AnchorFinal};
pub use billing::{BillingClose, BillingCredit, CREDIT_USD_MAX, INVOICES_MAX, Invoice};
pub use held::{ConflictResolve, QuarantineReject, QuarantineRelease};
pub use key::{KeyAgree, KeyBegin, KeyGone};
pub use planning::{CostPut, NOTES_CHARS_MAX, ScenarioPromote, ScenarioSave};
pub use routing::{
    REGIONS_MAX, RoutingDrain, RoutingLatency, RoutingMove, RoutingStanding, RoutingSwitch,
};
use rules::{check_price, check_tier, check_usage};
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
const DECISION_PREFIXES: [&str; 17] = [
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
    SCENARIO,
    BILLING,
];

/// The prefix of what people who plan decide: scenarios are kept and promoted, and change nothing.
const SCENARIO: &str = "scenario.";

/// The prefix of what is decided about the billing ledger.
const BILLING: &str = "billing.";

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
    } else {
        Action::SubmitDecision
    }
}

/// Is this kind recorded by the clouds themselves, and by nobody else?
#[must_use]
pub fn is_recorded_by_clouds(kind: &str) -> bool {
    [GRANT_DECIDED, SNAPSHOT_ATTEST, ANCHOR_FINAL, ANCHOR_FAILED, ROUTING_SWITCH].contains(&kind)
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
            Known::TenantPut(tenant) => {
                name("/name", &tenant.name)?;
                id("/tier", &tenant.tier)
            }
            Known::TierPut(tier) => check_tier(tier),
            Known::PricePut(price) => check_price(price),
            Known::UserPut(user) => {
                name("/login", &user.login)?;
                name("/name", &user.name)
            }
            // Its types say it all.
            Known::GrantDecided(_) => Ok(()),
            Known::QuarantineRelease(release) => reason(&release.reason),
            Known::QuarantineReject(reject) => reason(&reject.reason),
            Known::ConflictResolve(resolve) => reason(&resolve.reason),
            Known::CostPut(cost) => cost.check(),
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
mod tests {
    use super::*;
    use crate::event::Slot;
    use serde_json::json;

    fn usage() -> Value {
        json!({
            "kind": "usage", "provider": "azure", "model": "gpt-4o", "region": "eu",
            "inputTokens": 374, "outputTokens": 44, "requestedAt": "2026-11-22T12:00:00Z",
            "workload": "conv"
        })
    }

    #[test]
    fn a_usage_payload_may_carry_more_than_is_metered() {
        assert!(matches!(Known::read(&usage()), Ok(Some(Known::Usage(_)))));
    }

    #[test]
    fn wrong_fields_are_named() {
        let mut late = usage();
        late["latencyMs"] = json!(-1);
        assert_eq!(Known::read(&late).expect_err("negative").field, "/latencyMs");
        let mut missing = usage();
        missing.as_object_mut().expect("object").remove("model");
        assert_eq!(Known::read(&missing).expect_err("missing").field, "/model");
        let unknown =
            json!({"kind": "user.put", "login": "a", "name": "A", "role": "admin", "x": 1});
        assert_eq!(Known::read(&unknown).expect_err("unknown").field, "/x");
    }

    #[test]
    fn other_kinds_are_left_alone_and_misspelt_decisions_are_not() {
        assert_eq!(Known::read(&json!({"kind": "weather", "x": 1})), Ok(None));
        assert_eq!(Known::read(&json!({"x": 1})), Ok(None));
        assert!(Known::read(&json!({"kind": "tenant.putt"})).is_err());
    }

    #[test]
    fn a_decision_reads_back_from_its_payload() {
        let tier = Known::TierPut(TierPut {
            tier: "pro".into(),
            name: "Pro".into(),
            sla: Sla {
                bands: vec![
                    SlaBand { min_uptime_pct: Decimal::new(999, 1), credit: Decimal::ZERO },
                    SlaBand { min_uptime_pct: Decimal::ZERO, credit: Decimal::new(1, 1) },
                ],
                latency_p99_ms: None,
            },
        });
        assert_eq!(Known::read(&tier.to_payload()), Ok(Some(tier)));
    }

    #[test]
    fn a_decided_grant_reads_back_and_a_version_that_cannot_be_is_refused() {
        let payload = |version: u64| {
            json!({"kind": "grant.decided", "resource": "price/pro", "version": version,
                "value": {"input": "0.36"}})
        };
        let read = Known::read(&payload(7)).expect("valid").expect("known");
        assert_eq!(read.to_payload(), payload(7));
        assert!(is_recorded_by_clouds("grant.decided") && !is_recorded_by_clouds("user.put"));
        assert!(Known::read(&payload(0)).is_err());
    }

    #[test]
    fn a_decision_about_held_things_needs_a_reason_and_reads_back() {
        let resolve = json!({
            "kind": "conflict.resolve", "tenantId": "acme", "reason": "the invoice says so",
            "eventId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b",
            "slot": {"origin": "aws", "epoch": 1, "sequence": 7}
        });
        let read = Known::read(&resolve).expect("valid").expect("known");
        assert_eq!(read.to_payload(), resolve);
        let Known::ConflictResolve(read) = read else { panic!("{read:?}") };
        assert_eq!(read.slot, Slot::parse("aws/1/7"));
        for reason in [json!(""), json!(" "), json!("a\nb"), json!("r".repeat(501)), json!(7)] {
            let mut wrong = resolve.clone();
            wrong["reason"] = reason;
            assert!(Known::read(&wrong).is_err(), "{wrong}");
        }
        let reject = json!({"kind": "quarantine.reject", "reason": "forged",
            "itemId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b"});
        assert!(matches!(Known::read(&reject), Ok(Some(Known::QuarantineReject(_)))));
        assert!(is_decision("quarantine.release") && is_decision("conflict.resolve"));
    }

    #[test]
    fn a_decision_about_keys_says_why_and_no_person_says_that_a_log_was_restored() {
        let begin = |reason: &str, comment: &str| {
            json!({"kind": "key.begin", "origin": "gcp", "epoch": 2, "reason": reason,
                "comment": comment})
        };
        let read = Known::read(&begin("keyStolen", "a laptop was lost")).expect("valid");
        assert_eq!(read.expect("known").to_payload(), begin("keyStolen", "a laptop was lost"));
        assert_eq!(Known::read(&begin("restored", "x")).expect_err("ours").field, "/reason");
        assert_eq!(Known::read(&begin("rotation", " ")).expect_err("blank").field, "/comment");
        let gone = json!({"kind": "key.gone", "cloud": "aws", "reason": ""});
        assert_eq!(Known::read(&gone).expect_err("no reason").field, "/reason");
    }

    #[test]
    fn a_decision_may_say_who_made_it() {
        let mut user = json!({"kind": "user.put", "login": "a", "name": "A", "role": "admin"});
        user["decidedBy"] = json!("b@ternion.example");
        assert!(matches!(Known::read(&user), Ok(Some(Known::UserPut(_)))));
        user["decidedBy"] = json!(7);
        assert_eq!(Known::read(&user).expect_err("no login").field, "/decidedBy");
    }

    #[test]
    fn an_sla_ladder_that_does_not_fall_is_refused() {
        let band = |min: &str| json!({"minUptimePct": min, "credit": "0.1"});
        let tier = |bands: Value| json!({"kind": "tier.put", "tier": "pro", "name": "Pro", "sla": {"bands": bands}});
        assert!(Known::read(&tier(json!([band("99"), band("99.9"), band("0")]))).is_err());
        assert!(Known::read(&tier(json!([band("99.9"), band("95")]))).is_err());
        assert!(Known::read(&tier(json!([band("99.9"), band("0")]))).is_ok());
    }
}
