//! What a list price is held against, by the decisions that are FINAL here, and how many decide on
//! it.

use domain::catalog::PricePut;
use domain::clock::{DAY_MS, Timestamp};
use domain::pricing::approval::Facts;
use domain::pricing::list_change::{facts, persons};
use domain::pricing::policy::{Limits, Policy, Rule};

use crate::projection::Catalog;

/// Other prices of the same product.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Against {
    /// What counts until its beginning; of a time that is past, what was charged from then on.
    pub(crate) before: Option<PricePut>,
    /// What counted the policy's period before.
    pub(crate) earlier: Option<PricePut>,
    /// Is there anybody in the tier whose bill it could move?
    pub(crate) has_tenants: bool,
}

impl Against {
    pub(crate) fn of(catalog: &Catalog, price: &PricePut, now: Timestamp) -> Self {
        let PricePut { tier, provider, model, effective_from: from, .. } = price;
        let at = |at: Timestamp| {
            catalog.price_at(tier, provider, model, at).map(|found| found.value.clone())
        };
        let days = limits(catalog.book().policy().1, tier).cumulative_days;
        let charged = at(*from).filter(|_| *from <= now);
        // Who is not active now may be so again while it counts.
        let mut tenants = catalog.tenants_after(None, catalog.tenant_count()).into_iter();
        Against {
            before: charged.or_else(|| at(ms_before(*from, 1))),
            earlier: at(ms_before(*from, i64::from(days) * DAY_MS)),
            has_tenants: tenants.any(|tenant| tenant.value.tier == *tier),
        }
    }
}

/// How many decide on a list price now: more than one, and it is proposed.
pub(crate) fn persons_now(catalog: &Catalog, price: &PricePut, now: Timestamp) -> u32 {
    let against = Against::of(catalog, price, now);
    if !against.has_tenants {
        return 1;
    }
    let held_against = facts(against.before.as_ref(), against.earlier.as_ref());
    persons(&held_against, price, &catalog.book().policy().1.quorum)
}

/// What a proposal of it rests on.
pub(crate) fn facts_now(catalog: &Catalog, price: &PricePut, now: Timestamp) -> Facts {
    let against = Against::of(catalog, price, now);
    facts(against.before.as_ref(), against.earlier.as_ref())
}

/// The bounds of a tier whichever cloud serves it: those that a rule has for it, or for everybody.
pub(super) fn limits(policy: &Policy, tier: &str) -> Limits {
    let of_tier = |rule: &&Rule| rule.tier.as_deref() == Some(tier) && rule.cloud.is_none();
    let rule = policy.rules.iter().find(of_tier).or_else(|| policy.everybody());
    rule.map(|rule| rule.limits).unwrap_or_default()
}

fn ms_before(at: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(at.unix_ms().saturating_sub(ms))
}
