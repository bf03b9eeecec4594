//! What is simulated: tenants, and what their tiers are promised.

use std::collections::{BTreeMap, BTreeSet};

use crate::economics::EconomicsError;
use crate::economics::latency::Latency;
use crate::economics::quantity::{count, not_negative, positive, within};
use crate::economics::scenario::Known;
use crate::economics::sla::Ladder;
use crate::event::TenantId;

/// Each tenant keeps a few hundred bytes of results.
pub const TENANTS_MAX: usize = 100_000;
/// A deviation of a logarithm above this says nothing: the 95 % range spans seventeen orders.
const SIGMA_MAX: f64 = 10.0;

/// A tenant's period and how uncertain it is. A tenant who uses several providers or regions is
/// several of these, with ids of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// Draws are keyed by it.
    pub tenant: TenantId,
    /// Whose price it is, where a scenario moves one tenant's: the same for each of its places.
    pub payer: TenantId,
    pub tier: String,
    pub provider: String,
    pub region: String,
    /// Thousands of tokens in the period.
    pub usage_k: f64,
    /// 0: given away. It then has costs and no margin.
    pub price_usd_per_k: f64,
    pub cost_usd_per_k: f64,
    /// Deviation of the logarithm of the unit cost.
    pub cost_sigma: f64,
    /// Deviation of the logarithm of the usage.
    pub usage_sigma: f64,
    /// How long this tenant's requests take.
    pub latency: Latency,
    /// The latency that attainment is counted against, in seconds.
    pub promised_s: f64,
    /// How usage answers to our price: an assumption until it is measured.
    pub elasticity: f64,
}

impl Tenant {
    fn check(&self) -> Result<(), EconomicsError> {
        not_negative("the usage of a tenant", self.usage_k)?;
        not_negative("the price of a tenant", self.price_usd_per_k)?;
        not_negative("the cost of a tenant", self.cost_usd_per_k)?;
        within("the sigma of costs", self.cost_sigma, 0.0, SIGMA_MAX, "0 to 10")?;
        within("the sigma of usage", self.usage_sigma, 0.0, SIGMA_MAX, "0 to 10")?;
        within("the elasticity", self.elasticity, -20.0, 20.0, "between -20 and 20")?;
        positive("the promised latency", self.promised_s)?;
        Ok(())
    }
}

/// What a tier is promised: credits as shares of the period's revenue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promises {
    /// By the share of requests within the promised latency.
    pub attainment: Ladder,
    /// By the share of the time that the provider is up.
    pub uptime: Ladder,
}

/// Tenants with distinct ids, at least one, and the promises of all their tiers.
#[derive(Clone, Debug, PartialEq)]
pub struct Portfolio {
    tenants: Vec<Tenant>,
    promises: BTreeMap<String, Promises>,
}

impl Portfolio {
    /// # Errors
    /// No tenants or too many; one id twice; a tier without promises (those may be empty, and are
    /// stated all the same); a number outside what its field can mean.
    pub fn new(
        tenants: Vec<Tenant>,
        promises: BTreeMap<String, Promises>,
    ) -> Result<Self, EconomicsError> {
        let reason = "each keeps results in memory";
        count("tenants of a portfolio", tenants.len(), 1, TENANTS_MAX, reason)?;
        let mut ids = BTreeSet::new();
        for tenant in &tenants {
            tenant.check()?;
            if !promises.contains_key(&tenant.tier) {
                return Err(EconomicsError::Unknown { what: "tier", name: tenant.tier.clone() });
            }
            if !ids.insert(&tenant.tenant) {
                // Their draws would be the same, as if they always moved together.
                let problem = "has one tenant twice";
                return Err(EconomicsError::Inconsistent { what: "the portfolio", problem });
            }
        }
        Ok(Portfolio { tenants, promises })
    }

    #[must_use]
    pub fn tenants(&self) -> &[Tenant] {
        &self.tenants
    }

    pub(super) fn promises(&self, tier: &str) -> Result<&Promises, EconomicsError> {
        let unknown = || EconomicsError::Unknown { what: "tier", name: tier.to_owned() };
        self.promises.get(tier).ok_or_else(unknown)
    }

    /// The names that a scenario may change.
    pub(in crate::economics) fn known(&self) -> Known<'_> {
        let names = |name: fn(&Tenant) -> &str| self.tenants.iter().map(name).collect();
        Known {
            providers: names(|tenant| &tenant.provider),
            regions: names(|tenant| &tenant.region),
            tiers: self.promises.keys().map(String::as_str).collect(),
            tenants: names(|tenant| tenant.payer.as_str()),
        }
    }

    /// The pairs of provider and region that occur, in order: the groups whose sums are kept.
    pub(super) fn groups(&self) -> Vec<Group> {
        let group = |tenant: &Tenant| Group {
            provider: tenant.provider.clone(),
            region: tenant.region.clone(),
        };
        let groups: BTreeSet<Group> = self.tenants.iter().map(group).collect();
        groups.into_iter().collect()
    }
}

/// A provider in a region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    pub provider: String,
    pub region: String,
}
