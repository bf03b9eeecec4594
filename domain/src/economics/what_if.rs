//! A scenario upon metered usage: what each tenant would have brought in, cost and been owed.
//!
//! Point values in decimals, without uncertainty; `simulation` has that. How demand answers to a
//! price is `demand`'s question.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::economics::EconomicsError;
use crate::economics::basic::Statement;
use crate::economics::latency::Lognormal;
use crate::economics::quantity::{Share, amount, checked, positive};
use crate::economics::scenario::{Known, Scenario};
use crate::economics::sla::Ladder;
use crate::event::TenantId;

/// What a tenant used in a period, priced at what its provider takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantUsage {
    pub tenant: TenantId,
    pub tier: String,
    pub provider: String,
    pub region: String,
    /// Thousands of tokens, input and output.
    pub usage_k: Decimal,
    pub cost_usd: Decimal,
}

/// What a tier pays, and what it is promised.
#[derive(Clone, Debug, PartialEq)]
pub struct TierTerms {
    pub price_usd_per_k: Decimal,
    /// The share of revenue that is owed at an attainment. Empty: nothing is promised.
    pub attainment: Ladder,
}

/// What a period's usage meets: tiers, and the latency of regions.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    pub tiers: BTreeMap<String, TierTerms>,
    pub latency: BTreeMap<String, Lognormal>,
    /// The latency that attainment is counted against.
    pub threshold_s: f64,
}

/// The statement of one tenant under a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantStatement<'a> {
    pub usage: &'a TenantUsage,
    pub statement: Statement,
}

impl Terms {
    /// One statement a tenant, in their order:
    /// `revenue = usage (1 + Δusage) · price (1 + Δprice)` (a tenant's own change upon its tier's), `cost = cost (1 + Δusage) (1 + Δcost)`,
    /// `penalty = revenue · rate`, where the rate is the ladder's at the attainment
    /// `1 − P(latency (1 + g) > T)`, or the scenario's own.
    ///
    /// # Errors
    /// A tier or region without terms; a scenario that changes what does not exist; an amount
    /// that is negative or beyond a quadrillion.
    pub fn apply<'a>(
        &self,
        usage: &'a [TenantUsage],
        scenario: &Scenario,
    ) -> Result<Vec<TenantStatement<'a>>, EconomicsError> {
        positive("the promised latency", self.threshold_s)?;
        scenario.check(&self.known(usage))?;
        scenario.check_undivided()?;
        let attained = self.attainments(scenario);
        let statement = |usage: &'a TenantUsage| {
            let statement = self.statement(usage, scenario, &attained)?;
            Ok(TenantStatement { usage, statement })
        };
        usage.iter().map(statement).collect()
    }

    fn known<'a>(&'a self, usage: &'a [TenantUsage]) -> Known<'a> {
        Known {
            providers: usage.iter().map(|usage| usage.provider.as_str()).collect(),
            regions: self.latency.keys().map(String::as_str).collect(),
            tiers: self.tiers.keys().map(String::as_str).collect(),
            tenants: usage.iter().map(|usage| usage.tenant.as_str()).collect(),
        }
    }

    /// By region, the share of requests within the threshold.
    fn attainments(&self, scenario: &Scenario) -> BTreeMap<&str, f64> {
        let attained = |region: &str, law: &Lognormal| {
            1.0 - law.breach(self.threshold_s, scenario.latency_of(region))
        };
        let regions = self.latency.iter().map(|(region, law)| (region.as_str(), law));
        regions.map(|(region, law)| (region, attained(region, law))).collect()
    }

    fn statement(
        &self,
        usage: &TenantUsage,
        scenario: &Scenario,
        attained: &BTreeMap<&str, f64>,
    ) -> Result<Statement, EconomicsError> {
        let tier = self.tiers.get(&usage.tier).ok_or_else(|| unknown("tier", &usage.tier))?;
        let price = amount("the price", tier.price_usd_per_k)?;
        let factor = scenario.price_factor(&usage.tier, usage.tenant.as_str());
        let price = price.checked_mul(factor);
        let more = scenario.usage_of(&usage.tier).factor();
        let usage_k = amount("the usage", usage.usage_k)?.checked_mul(more);
        let revenue = price.zip(usage_k).and_then(|(price, usage)| price.checked_mul(usage));
        let revenue = checked("the revenue", revenue)?;
        let cost = amount("the cost", usage.cost_usd)?;
        let dearer = scenario.cost_of(&usage.provider).factor();
        let cost = cost.checked_mul(more).and_then(|cost| cost.checked_mul(dearer));
        let rate = match scenario.latency_penalty_of(&usage.tier) {
            Some(rate) => rate,
            None => latency_penalty(tier, &usage.region, attained)?,
        };
        let penalty = revenue.checked_mul(rate.get());
        Statement::new(revenue, checked("the cost", cost)?, checked("the penalty", penalty)?)
    }
}

fn latency_penalty(
    tier: &TierTerms,
    region: &str,
    attained: &BTreeMap<&str, f64>,
) -> Result<Share, EconomicsError> {
    let attainment = attained.get(region).ok_or_else(|| unknown("region", region))?;
    Ok(tier.attainment.credit_predicted(*attainment))
}

fn unknown(what: &'static str, name: &str) -> EconomicsError {
    EconomicsError::Unknown { what, name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    fn usage(tier: &str, region: &str) -> TenantUsage {
        TenantUsage {
            tenant: TenantId::platform(),
            tier: tier.into(),
            provider: "azure".into(),
            region: region.into(),
            usage_k: decimal("1000"),
            cost_usd: decimal("2.5"),
        }
    }

    fn terms() -> Terms {
        let tier = TierTerms { price_usd_per_k: decimal("0.006"), attainment: Ladder::default() };
        Terms {
            tiers: BTreeMap::from([("pro".to_owned(), tier)]),
            latency: BTreeMap::from([(
                "eu".to_owned(),
                Lognormal::from_percentiles(0.6, 1.0).expect("a law"),
            )]),
            threshold_s: 1.2,
        }
    }

    #[test]
    fn a_tier_or_region_without_terms_is_named() {
        let base = Scenario::default();
        for (usage, name) in [(usage("gold", "eu"), "gold"), (usage("pro", "mars"), "mars")] {
            let error = terms().apply(&[usage], &base).expect_err("unknown").to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn one_tenants_price_moves_that_tenant_and_nobody_else() {
        let other = TenantId::try_from("acme".to_owned()).expect("an id");
        let usage = [usage("pro", "eu"), TenantUsage { tenant: other, ..usage("pro", "eu") }];
        let statements = |text: &str| {
            let scenario: Scenario = serde_json::from_str(text).expect("a scenario");
            let statements = terms().apply(&usage, &scenario).expect("statements");
            statements.iter().map(|it| it.statement.revenue_usd()).collect::<Vec<_>>()
        };
        let revenue = statements(r#"{"tenantPrice":{"acme":"0.1"}}"#);
        assert_eq!(revenue, [decimal("6"), decimal("6.6")]);
        let both = statements(r#"{"price":{"pro":"0.5"},"tenantPrice":{"acme":"0.1"}}"#);
        assert_eq!(both, [decimal("9"), decimal("9.9")]);
    }

    #[test]
    fn prices_and_costs_change_by_their_factors_and_usage_stays() {
        let text =
            r#"{"cost":{"azure":"0.3"},"price":{"pro":"0.1"},"latencyPenalty":{"pro":"0.05"}}"#;
        let scenario: Scenario = serde_json::from_str(text).expect("a scenario");
        let usage = [usage("pro", "eu")];
        let statements = terms().apply(&usage, &scenario).expect("statements");
        let expected = Statement::new(decimal("6.6"), decimal("3.25"), decimal("0.33"));
        assert_eq!(statements[0].statement, expected.expect("a statement"));
    }
}
