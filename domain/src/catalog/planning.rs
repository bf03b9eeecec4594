//! Kinds that what-ifs stand on: what providers take, how long they were seen to take, and scenarios
//! that are kept.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{KindError, id, name, reason, refuse};
use crate::clock::Timestamp;
use crate::cloud::Cloud;
use crate::economics::quantity::{Change, Share};
use crate::economics::token_cost::{ProviderPrice, Rates};
use crate::usage::Latencies;

/// Longest note beside a scenario: a page.
pub const NOTES_CHARS_MAX: usize = 4_000;
/// A dollar a token is a thousand times the dearest model: the unit is wrong.
const USD_PER_TOKEN_MAX: Decimal = Decimal::ONE;

/// What a provider takes for a model, as a price map said on a day. Maps of other days are kept:
/// they say how prices move, and what a what-if of an earlier day would have found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CostPut {
    pub provider: String,
    pub model: String,
    /// Absent: wherever no regional price is put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub price: ProviderPrice,
    /// When the map said so, which is not when the provider changed it.
    pub as_of: Timestamp,
}

/// How long a provider's requests took, as somebody recorded it. Samples of other days are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LatencyPut {
    pub provider: String,
    /// Absent: they stand for the provider wherever no others do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Who recorded them, and where they are to be had.
    pub source: String,
    /// When they were recorded.
    pub as_of: Timestamp,
    /// Pairs of microseconds from which on, and requests.
    pub took: Latencies,
}

/// A version of a scenario. What it asks is stored as it was asked, so that it can be asked again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScenarioSave {
    pub scenario_id: Uuid,
    /// Counted from 1.
    pub version: u32,
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// A body of `POST /v1/economics/simulate`.
    pub request: Value,
    /// The foresight loop asks its first scenario on schedule.
    #[serde(default, skip_serializing_if = "is_off")]
    pub standing: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_off(on: &bool) -> bool {
    !*on
}

/// A version of a scenario becomes a proposal. It changes nothing by itself: routing and prices
/// have policies and approvals of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScenarioPromote {
    pub scenario_id: Uuid,
    pub version: u32,
    pub reason: String,
    /// Shares of the traffic, which sum to 1; empty: routing stays.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub routing_weights: BTreeMap<Cloud, Share>,
    /// By tier; empty: prices stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub price_changes: BTreeMap<String, Change>,
    /// By tenant, upon what its tier's price does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tenant_price_changes: BTreeMap<String, Change>,
}

impl CostPut {
    pub(super) fn check(&self) -> Result<(), KindError> {
        name("/provider", &self.provider)?;
        name("/model", &self.model)?;
        self.region.as_deref().map_or(Ok(()), |region| name("/region", region))?;
        rates("/price/rates", &self.price.rates)?;
        let long = self.price.long_context.as_ref();
        long.map_or(Ok(()), |long| rates("/price/longContext", long))?;
        let off_peak = self.price.off_peak.as_ref();
        off_peak.map_or(Ok(()), |off_peak| rates("/price/offPeak/rates", &off_peak.rates))
    }
}

fn rates(field: &str, rates: &Rates) -> Result<(), KindError> {
    let all = [
        ("inputUsdPerToken", Some(rates.input_usd_per_token)),
        ("outputUsdPerToken", Some(rates.output_usd_per_token)),
        ("cachedUsdPerToken", rates.cached_usd_per_token),
    ];
    for (each, value) in all {
        let allowed = Decimal::ZERO..=USD_PER_TOKEN_MAX;
        if value.is_some_and(|value| !allowed.contains(&value)) {
            return refuse(&format!("{field}/{each}"), "must be 0 to 1 US dollar a token");
        }
    }
    Ok(())
}

impl LatencyPut {
    pub(super) fn check(&self) -> Result<(), KindError> {
        name("/provider", &self.provider)?;
        self.region.as_deref().map_or(Ok(()), |region| name("/region", region))?;
        name("/source", &self.source)?;
        if self.took.is_empty() { refuse("/took", "must hold a request") } else { Ok(()) }
    }
}

impl ScenarioSave {
    pub(super) fn check(&self) -> Result<(), KindError> {
        name("/name", &self.name)?;
        let lines_end = |letter: char| letter != '\n';
        if self.notes.chars().any(|letter| lines_end(letter) && letter.is_control()) {
            return refuse("/notes", "must be text without control characters");
        }
        if self.notes.chars().count() > NOTES_CHARS_MAX {
            return refuse("/notes", format!("must be at most {NOTES_CHARS_MAX} characters"));
        }
        numbered(self.version)?;
        if self.request.is_object() { Ok(()) } else { refuse("/request", "must be an object") }
    }
}

impl ScenarioPromote {
    pub(super) fn check(&self) -> Result<(), KindError> {
        numbered(self.version)?;
        reason(&self.reason)?;
        self.price_changes.keys().try_for_each(|tier| id("/priceChanges", tier))?;
        let mut tenants = self.tenant_price_changes.keys();
        tenants.try_for_each(|tenant| id("/tenantPriceChanges", tenant))?;
        let moves_no_price = self.price_changes.is_empty() && self.tenant_price_changes.is_empty();
        if self.routing_weights.is_empty() && moves_no_price {
            return refuse("/routingWeights", "or priceChanges must say what is proposed");
        }
        let sum: Decimal = self.routing_weights.values().map(|share| share.get()).sum();
        if !self.routing_weights.is_empty() && sum != Decimal::ONE {
            return refuse("/routingWeights", format!("must sum to 1, not {sum}"));
        }
        Ok(())
    }
}

fn numbered(version: u32) -> Result<(), KindError> {
    if version == 0 { refuse("/version", "counts from 1") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Known;
    use super::*;

    #[test]
    fn a_providers_price_reads_back_and_an_absurd_one_is_refused_by_its_field() {
        let cost = |input: &str| {
            json!({"kind": "cost.put", "provider": "azure", "model": "gpt-4o",
                "asOf": "2026-11-12T00:00:00.000Z",
                "price": {"rates": {"inputUsdPerToken": input, "outputUsdPerToken": "0.00001"}}})
        };
        let read = Known::read(&cost("0.0000025")).expect("valid").expect("known");
        assert_eq!(read.to_payload(), cost("0.0000025"));
        for absurd in ["-0.1", "2.5"] {
            let error = Known::read(&cost(absurd)).expect_err("absurd");
            assert_eq!(error.field, "/price/rates/inputUsdPerToken");
        }
    }

    #[test]
    fn recorded_latencies_read_back_and_what_no_counting_gave_is_refused() {
        let put = |took: Value| {
            json!({"kind": "latency.put", "provider": "azure", "source": "ours, by hand",
                "asOf": "2026-11-12T00:00:00.000Z", "took": took})
        };
        let whole = put(json!([[1024, 2], [29_360_128, 1]]));
        let read = Known::read(&whole).expect("valid").expect("known");
        assert_eq!(read.to_payload(), whole);
        assert_eq!(Known::read(&put(json!([]))).expect_err("nothing").field, "/took");
        for wrong in [json!([[1025, 1]]), json!([[1024, 0]]), json!({"1024": 1})] {
            assert!(Known::read(&put(wrong)).is_err());
        }
    }

    #[test]
    fn a_promotion_proposes_something_whose_weights_are_whole() {
        let promote = |weights: Value, prices: Value| {
            Known::read(&json!({"kind": "scenario.promote", "version": 1, "reason": "cheaper",
                "scenarioId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b",
                "routingWeights": weights, "priceChanges": prices}))
        };
        assert!(promote(json!({"gcp": "0.6", "aws": "0.4"}), json!({})).is_ok());
        assert!(promote(json!({}), json!({"pro": "0.05"})).is_ok());
        assert!(promote(json!({"gcp": "0.6"}), json!({})).is_err());
        assert!(promote(json!({}), json!({})).is_err());
        let own = json!({"kind": "scenario.promote", "version": 1, "reason": "thin",
            "scenarioId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b",
            "tenantPriceChanges": {"juniper": "0.08"}});
        let read = Known::read(&own).expect("valid").expect("known");
        assert_eq!(read.to_payload()["tenantPriceChanges"], own["tenantPriceChanges"]);
    }
}
