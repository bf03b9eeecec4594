//! Tenants, tiers and list prices, as they cross the wire. Numbers are text, as they are read.

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use serde::{Deserialize, Serialize};

use super::list_price::PriceAsk;

/// Which tenants are asked for; without anything, all of them, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TenantsQuery {
    /// A part of an id or of a name.
    pub q: Option<String>,
    pub tier: Option<String>,
    pub cursor: Option<String>,
}

/// One page of tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantsView {
    pub at: Timestamp,
    pub rows: Vec<TenantRow>,
    pub tiers: Vec<TierName>,
    /// How many there are, whatever was asked for.
    pub all: u64,
    pub next_cursor: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantRow {
    pub form: TenantForm,
    /// In percent of the list price.
    pub price: String,
    pub fixed_until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TierName {
    pub tier: String,
    pub name: String,
}

/// What people set of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantForm {
    pub tenant_id: String,
    pub name: String,
    pub tier: String,
    pub cloud: Cloud,
    pub region: String,
    pub active: bool,
}

/// A tenant, what it pays, and how it came to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantDetail {
    pub at: Timestamp,
    pub form: TenantForm,
    /// The event that put this version in force.
    pub seen: String,
    pub tiers: Vec<TierName>,
    pub terms: TermsView,
    pub prices: Vec<PaidRow>,
    /// The newest first.
    pub history: Vec<VersionRow>,
}

/// What was agreed with a tenant beyond its tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TermsView {
    /// In percent of the list price.
    pub price: String,
    pub overage: Option<String>,
    pub concurrency: Option<String>,
    pub token_cap: Option<String>,
    /// 0: nothing was decided, and the list counts.
    pub version: u64,
    pub since: Option<Timestamp>,
    /// The contract fixes the price until then.
    pub fixed_until: Option<Timestamp>,
    /// So many must agree to a contract, whoever proposes it not counted.
    pub persons: u32,
    /// A policy is proposed: until that is decided, no contract can be.
    pub policy_waits: Option<PolicyWaits>,
    /// A proposal about its price or limits that waits.
    pub proposal_waits: Option<String>,
}

/// The proposal of the policy that is open: one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyWaits {
    pub proposal_id: String,
    /// What of it waits, and for whom.
    pub sentence: String,
    /// It is about this tenant's own contract.
    pub own: bool,
}

/// What a tenant pays for a model now, US dollars a million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaidRow {
    pub provider: String,
    pub model: String,
    pub list: PriceText,
    pub paid: PriceText,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceText {
    pub input: String,
    pub output: String,
    /// Absent: cached tokens cost what others do.
    pub cached: Option<String>,
}

/// A version that was put in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionRow {
    pub at: Timestamp,
    /// A login; absent: a program that stands for nobody.
    pub by: Option<String>,
    pub event_id: String,
    /// What it changed, a sentence each.
    pub changes: Vec<String>,
}

/// All tiers with their list prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TiersView {
    pub at: Timestamp,
    pub tiers: Vec<TierView>,
    /// Providers and models that have a price or cost somewhere, to choose from.
    pub models: Vec<ModelName>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelName {
    pub provider: String,
    pub model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TierView {
    pub tier: String,
    pub name: String,
    /// The event that put this version in force. Absent: there are prices for a tier that was never
    /// described.
    pub seen: Option<String>,
    pub bands: Vec<BandText>,
    pub latency_p99_ms: Option<u64>,
    pub tenants: u64,
    pub prices: Vec<PriceRow>,
}

/// A step of a ladder of credits, in percent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BandText {
    pub uptime: String,
    pub credit: String,
}

/// A list price and from when it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceRow {
    pub provider: String,
    pub model: String,
    pub price: PriceText,
    pub from: Timestamp,
    pub when: When,
    pub event_id: String,
    /// It is to come and charges what is charged before it: it was withdrawn, and that goes on.
    pub goes_on: bool,
    /// Why it was changed.
    pub reason: Option<String>,
    /// The proposal that people agreed to.
    pub proposal: Option<String>,
    /// What withdraws it, while it is to come.
    pub withdraw: Option<PriceAsk>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    Past,
    Now,
    Coming,
}
