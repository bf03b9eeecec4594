//! What is studied: metered usage at its prices, what tiers are promised, and the day of every input.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::latencies::{RegionLatency, Sampled, Timed};
use super::penalties::Served;
use super::request::{Assumptions, Request};
use crate::catalog::SlaBand;
use crate::clock::Timestamp;
use crate::economics::EconomicsError;
use crate::economics::latency::Latency;
use crate::economics::quantity::{amount, float};
use crate::economics::scenario::Known;
use crate::economics::simulation::{Portfolio, Promises, Tenant, Uncertainty};
use crate::economics::sla::Ladder;
use crate::economics::volatility::Jumps;
use crate::event::TenantId;

/// Who is promised no latency is never late: a day.
const UNPROMISED_S: f64 = 86_400.0;

/// All that a what-if begins with. Plain numbers: a browser fetches them once and asks them often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    /// Of each tenant at each provider in each region, in that order.
    pub usage: Vec<PlaceUsage>,
    pub tiers: BTreeMap<String, TierPromise>,
    /// By region, the mean seconds of requests that did not fail; absent where they stated none.
    pub latency_mean_s: BTreeMap<String, Option<f64>>,
    /// The requests that did not fail and stated how long they took.
    #[serde(default)]
    pub latencies: Vec<Timed>,
    /// Recorded samples, for where no requests were timed.
    #[serde(default)]
    pub samples: Vec<Sampled>,
    /// The requests of the usage that is priced, for the penalties that were recorded.
    #[serde(default)]
    pub served: BTreeMap<TenantId, Served>,
    pub sources: Sources,
}

/// What a tenant used at a provider in a region, priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceUsage {
    pub tenant_id: TenantId,
    pub tier: String,
    pub provider: String,
    pub region: String,
    /// Input and output.
    pub tokens: Decimal,
    pub revenue_usd: Decimal,
    pub cost_usd: Decimal,
}

/// What a tier is promised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TierPromise {
    pub latency_p99_ms: Option<u64>,
    /// The share of revenue that is credited at an uptime.
    pub uptime: Vec<SlaBand>,
}

/// Where the figures come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sources {
    pub usage_rows: usize,
    /// The first and the last hour of usage.
    pub usage_from: Option<Timestamp>,
    pub usage_through: Option<Timestamp>,
    /// The newest day of the price maps that costs were taken from, and the day they are taken for.
    pub price_map_as_of: Timestamp,
    pub prices_as_of: Timestamp,
    /// Rows whose provider price depends on what an hour's sum no longer knows.
    pub inexact_rows: usize,
    /// How prices of each provider have jumped, by their history.
    pub jumps: BTreeMap<String, Jumps>,
    /// Usage that has no part in any figure.
    pub excluded: Vec<Excluded>,
}

/// The sources, and what was assumed where they say nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    #[serde(flatten)]
    pub sources: Sources,
    /// By region, and in it by provider: measured, fitted or assumed.
    pub latency: BTreeMap<String, RegionLatency>,
}

/// Why usage has no part in any figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// No price map that is old enough names the model.
    NoProviderPrice,
    /// The tenant's tier has no price for the model.
    NoTierPrice,
    UnknownTenant,
}

/// Usage that was left out, and never counted as cost 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Excluded {
    pub reason: Reason,
    pub provider: String,
    pub model: String,
    pub tenants: BTreeSet<TenantId>,
    pub requests: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
}

#[cfg(test)]
impl Inputs {
    /// Usage of one tier that is promised nothing, and of which no latency is known.
    pub(crate) fn of(usage: Vec<PlaceUsage>, at: Timestamp) -> Self {
        Inputs {
            tiers: [("pro".to_owned(), TierPromise::default())].into(),
            latency_mean_s: BTreeMap::new(),
            latencies: Vec::new(),
            samples: Vec::new(),
            served: BTreeMap::new(),
            sources: Sources {
                usage_rows: usage.len(),
                usage_from: None,
                usage_through: None,
                price_map_as_of: at,
                prices_as_of: at,
                inexact_rows: 0,
                jumps: BTreeMap::new(),
                excluded: Vec::new(),
            },
            usage,
        }
    }
}

#[cfg(test)]
impl PlaceUsage {
    /// A hundred dollars of revenue in the EU, and what it cost.
    pub(crate) fn of(tenant_id: TenantId, provider: &str, cost_usd: Decimal) -> Self {
        PlaceUsage {
            tenant_id,
            tier: "pro".into(),
            provider: provider.into(),
            region: "eu".into(),
            tokens: Decimal::from(1_000_000),
            revenue_usd: Decimal::ONE_HUNDRED,
            cost_usd,
        }
    }
}

impl Inputs {
    /// What scenarios may change.
    #[must_use]
    pub fn known(&self) -> Known<'_> {
        Known {
            providers: self.usage.iter().map(|place| place.provider.as_str()).collect(),
            regions: self.usage.iter().map(|place| place.region.as_str()).collect(),
            tiers: self.tiers.keys().map(String::as_str).collect(),
            tenants: self.usage.iter().map(|place| place.tenant_id.as_str()).collect(),
        }
    }

    /// # Errors
    /// An assumption about latencies is none.
    pub fn provenance(&self, request: &Request) -> Result<Provenance, EconomicsError> {
        let latency = self.latency_by_region(request)?;
        Ok(Provenance { sources: self.sources.clone(), latency })
    }

    /// The usage, wherever it is now, as tenants that can be drawn.
    pub(super) fn portfolio(
        &self,
        usage: &[PlaceUsage],
        assumptions: &Assumptions,
    ) -> Result<Portfolio, EconomicsError> {
        let mut latencies = BTreeMap::new();
        for place in usage {
            let here = (place.provider.as_str(), place.region.as_str());
            if let Entry::Vacant(free) = latencies.entry(here) {
                free.insert(self.latency(here.0, here.1, assumptions)?.0);
            }
        }
        let tenants = usage.iter().map(|place| {
            let here = (place.provider.as_str(), place.region.as_str());
            let unknown = || EconomicsError::Unknown { what: "region", name: place.region.clone() };
            let latency = latencies.get(&here).cloned().ok_or_else(unknown)?;
            self.tenant(place, latency, assumptions)
        });
        let promised = |(tier, promise): (&String, &TierPromise)| {
            let late = promise.latency_p99_ms.is_some();
            let attainment = if late { assumptions.attainment()? } else { Ladder::default() };
            let uptime = Ladder::new(&promise.uptime)?;
            Ok((tier.clone(), Promises { attainment, uptime }))
        };
        let promises = self.tiers.iter().map(promised).collect::<Result<_, EconomicsError>>()?;
        Portfolio::new(tenants.collect::<Result<_, _>>()?, promises)
    }

    fn tenant(
        &self,
        place: &PlaceUsage,
        latency: Latency,
        assumptions: &Assumptions,
    ) -> Result<Tenant, EconomicsError> {
        let usage_k = amount("the usage", place.tokens)? / Decimal::ONE_THOUSAND;
        let per_k = |usd: Decimal| usd.checked_div(usage_k).map(float);
        let nothing = EconomicsError::Inconsistent { what: "usage", problem: "has no tokens" };
        let (price, cost) = per_k(place.revenue_usd).zip(per_k(place.cost_usd)).ok_or(nothing)?;
        let promised_ms = self.tiers.get(&place.tier).and_then(|tier| tier.latency_p99_ms);
        Ok(Tenant {
            tenant: place.draws_name()?,
            payer: place.tenant_id.clone(),
            tier: place.tier.clone(),
            provider: place.provider.clone(),
            region: place.region.clone(),
            usage_k: float(usage_k),
            price_usd_per_k: price,
            cost_usd_per_k: cost,
            cost_sigma: assumptions.cost_sigma,
            usage_sigma: assumptions.usage_sigma,
            latency,
            promised_s: promised_ms.map_or(UNPROMISED_S, |ms| ms as f64 / 1e3),
            elasticity: assumptions.elasticity,
        })
    }

    /// Without a horizon no price jumps.
    pub(super) fn uncertainty(
        &self,
        assumptions: &Assumptions,
    ) -> Result<Uncertainty, EconomicsError> {
        let jumps = if assumptions.horizon_years > 0.0 {
            self.sources.jumps.clone()
        } else {
            BTreeMap::new()
        };
        Ok(Uncertainty {
            latency_sigma: assumptions.latency_sigma,
            downtime: assumptions.downtime()?,
            elasticity_sigma: assumptions.elasticity_sigma,
            jumps,
            horizon_years: assumptions.horizon_years,
            dependence: assumptions.dependence(),
        })
    }
}

impl PlaceUsage {
    /// Draws are keyed by a name of the place, which does not change when others come or go.
    fn draws_name(&self) -> Result<TenantId, EconomicsError> {
        let mut hash = Sha256::new();
        for part in [self.tenant_id.as_str(), &self.provider, &self.region] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let name = hex::encode(&hash.finalize()[..16]);
        let problem = "has no name that draws can be keyed by";
        TenantId::try_from(name)
            .map_err(|_| EconomicsError::Inconsistent { what: "a tenant's place", problem })
    }
}
