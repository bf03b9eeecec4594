//! Traffic divided anew: every tenant's usage at the providers that a scenario names.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::inputs::PlaceUsage;
use crate::economics::EconomicsError;
use crate::economics::quantity::{Share, checked};

/// Tokens and what they cost.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    tokens: Decimal,
    revenue_usd: Decimal,
    cost_usd: Decimal,
}

impl Sum {
    fn add(&mut self, place: &PlaceUsage) -> Result<(), EconomicsError> {
        let sum = |sum: Decimal, more| checked("a sum of usage", sum.checked_add(more));
        self.tokens = sum(self.tokens, place.tokens)?;
        self.revenue_usd = sum(self.revenue_usd, place.revenue_usd)?;
        self.cost_usd = sum(self.cost_usd, place.cost_usd)?;
        Ok(())
    }

    fn cost_per_token(&self) -> Option<Decimal> {
        self.cost_usd.checked_div(self.tokens)
    }
}

/// Each tenant in each region keeps its tokens and its revenue; the shares say which providers serve
/// them. A token costs what this tenant's cost there so far, or else what all usage at that provider
/// cost on average: of models that a tenant has not used there, nothing is known.
///
/// # Errors
/// A provider without usage, whose cost nobody knows; or a sum that is too large.
pub(super) fn routed(
    usage: &[PlaceUsage],
    shares: &BTreeMap<String, Share>,
) -> Result<Vec<PlaceUsage>, EconomicsError> {
    let mut providers: BTreeMap<&str, Sum> = BTreeMap::new();
    let mut tenants: BTreeMap<(&str, &str), (&PlaceUsage, Sum)> = BTreeMap::new();
    let mut own: BTreeMap<(&str, &str, &str), Sum> = BTreeMap::new();
    for place in usage {
        let (tenant, region) = (place.tenant_id.as_str(), place.region.as_str());
        providers.entry(&place.provider).or_default().add(place)?;
        tenants.entry((tenant, region)).or_insert((place, Sum::default())).1.add(place)?;
        own.entry((tenant, region, &place.provider)).or_default().add(place)?;
    }
    let mut divided = Vec::new();
    for ((tenant, region), (like, sum)) in tenants {
        for (provider, share) in shares.iter().filter(|(_, share)| **share > Share::ZERO) {
            let own = own.get(&(tenant, region, provider.as_str())).and_then(Sum::cost_per_token);
            let usual = || providers.get(provider.as_str()).and_then(Sum::cost_per_token);
            let unit = own.or_else(usual).ok_or_else(|| EconomicsError::Unknown {
                what: "provider",
                name: provider.clone(),
            })?;
            let part = |whole: Decimal| whole.checked_mul(share.get());
            let tokens = checked("a share of usage", part(sum.tokens))?;
            divided.push(PlaceUsage {
                provider: provider.clone(),
                tokens,
                revenue_usd: checked("a share of revenue", part(sum.revenue_usd))?,
                cost_usd: checked("a share of cost", tokens.checked_mul(unit))?,
                ..like.clone()
            });
        }
    }
    Ok(divided)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;
    use crate::event::TenantId;

    fn place(tenant: &str, provider: &str, tokens: &str, cost: &str) -> PlaceUsage {
        PlaceUsage {
            tenant_id: TenantId::try_from(tenant.to_owned()).expect("an id"),
            tier: "pro".into(),
            provider: provider.into(),
            region: "eu".into(),
            tokens: decimal(tokens),
            revenue_usd: decimal("10"),
            cost_usd: decimal(cost),
        }
    }

    fn shares(pairs: &[(&str, &str)]) -> BTreeMap<String, Share> {
        let share = |text| Share::new("a share", decimal(text)).expect("a share");
        pairs.iter().map(|(name, text)| ((*name).to_owned(), share(text))).collect()
    }

    #[test]
    fn tokens_and_revenue_stay_and_each_part_costs_what_it_costs_there() {
        let usage = [place("a", "openai", "1000", "4"), place("b", "aws", "3000", "3")];
        let divided = routed(&usage, &shares(&[("aws", "0.25"), ("openai", "0.75")]));
        let divided = divided.expect("known providers");
        let sum = |of: fn(&PlaceUsage) -> Decimal| divided.iter().map(of).sum::<Decimal>();
        assert_eq!(sum(|place| place.tokens), decimal("4000"));
        assert_eq!(sum(|place| place.revenue_usd), decimal("20"));
        let cost = |tenant: &str, provider: &str| {
            let here = |place: &&PlaceUsage| {
                place.tenant_id.as_str() == tenant && place.provider == provider
            };
            divided.iter().find(here).expect("a part").cost_usd
        };
        // b has no cost of its own at openai: four dollars a thousand, as all usage there.
        assert_eq!(cost("b", "openai"), decimal("9"));
        assert_eq!(cost("a", "openai"), decimal("3"));
        assert_eq!(cost("a", "aws"), decimal("0.25"));
    }

    #[test]
    fn a_provider_of_which_nothing_is_known_is_named() {
        let error = routed(&[place("a", "openai", "1", "1")], &shares(&[("groq", "1")]));
        assert!(error.expect_err("unknown").to_string().contains("groq"));
    }
}
