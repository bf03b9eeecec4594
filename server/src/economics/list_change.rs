//! What a list price is held against, by the decisions that are FINAL here, and how many decide on
//! it.

use domain::catalog::PricePut;
use domain::clock::Timestamp;
use domain::pricing::approval::Facts;
use domain::pricing::list_change::{Beside, Product, Versions, persons};
use domain::pricing::policy::{Limits, Policy, Rule};

use crate::projection::Catalog;

/// What a list price is held against.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Against {
    /// Other prices of the same product.
    pub(crate) beside: Beside,
    /// Is there anybody whose bill it could move?
    pub(crate) has_tenants: bool,
}

impl Against {
    pub(crate) fn of(catalog: &Catalog, price: &PricePut, now: Timestamp) -> Self {
        let days = limits(catalog.book().policy().1, &price.tier).cumulative_days;
        let none = Versions::default();
        let versions = catalog.price_versions(&Product::from(price)).unwrap_or(&none);
        Against {
            beside: Beside::of(versions, price, now, days),
            has_tenants: has_tenants(catalog, price, now),
        }
    }

    /// How many decide on it: more than one, and it is proposed.
    pub(crate) fn persons(&self, catalog: &Catalog, price: &PricePut) -> u32 {
        if !self.has_tenants {
            return 1;
        }
        persons(&self.beside.facts(), price, &catalog.book().policy().1.quorum)
    }
}

/// A price for the past is charged to whoever was in the tier then; one to come to whoever is in it. Who
/// is not active now may be so again while it counts.
fn has_tenants(catalog: &Catalog, price: &PricePut, now: Timestamp) -> bool {
    if price.effective_from <= now {
        return catalog.was_ever_used(&price.tier);
    }
    let mut tenants = catalog.tenants_after(None, catalog.tenant_count()).into_iter();
    tenants.any(|tenant| tenant.value.tier == price.tier)
}

/// What a proposal of it rests on.
pub(crate) fn facts_now(catalog: &Catalog, price: &PricePut, now: Timestamp) -> Facts {
    Against::of(catalog, price, now).beside.facts()
}

/// The bounds of a tier whichever cloud serves it: those that a rule has for it, or for everybody.
pub(super) fn limits(policy: &Policy, tier: &str) -> Limits {
    let of_tier = |rule: &&Rule| rule.tier.as_deref() == Some(tier) && rule.cloud.is_none();
    let rule = policy.rules.iter().find(of_tier).or_else(|| policy.everybody());
    rule.map(|rule| rule.limits).unwrap_or_default()
}
