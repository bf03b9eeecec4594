//! What a scenario changes: costs by provider, latencies by region, usage, prices, penalties, and
//! where the traffic goes.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::quantity::{Change, Share, count, refuse};

/// More changes than this are another portfolio, not a scenario.
const CHANGES_MAX: usize = 1_000;

/// Shocks upon a base; what is not named stays as it is. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scenario {
    /// "OpenAI raises cost 30 %": by provider.
    pub cost: BTreeMap<String, Change>,
    /// "EU latency rises 20 %": by region.
    pub latency: BTreeMap<String, Change>,
    /// Our own prices, by tier.
    pub price: BTreeMap<String, Change>,
    /// One tenant's price, by its id, upon whatever its tier's does. Left out where there is none: what
    /// was hashed before there were any keeps its hash.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tenant_price: BTreeMap<String, Change>,
    /// How much is used, by tier.
    pub usage: BTreeMap<String, Change>,
    /// "SLA penalties trigger": by tier, the rate that is owed on latency for certain, in place of
    /// what the latency would lead to.
    pub latency_penalty: BTreeMap<String, Share>,
    /// Where every tenant's traffic goes: shares by provider, which sum to 1. Empty: where it went.
    /// A portfolio is divided anew before it is drawn (see `study`).
    pub routing: BTreeMap<String, Share>,
}

impl Scenario {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_still(&self) -> bool {
        *self == Scenario::default()
    }

    /// How much it changes.
    #[must_use]
    pub fn count(&self) -> usize {
        let changes = [&self.cost, &self.latency, &self.price, &self.tenant_price, &self.usage];
        let changes = changes.map(BTreeMap::len);
        let shares = [&self.latency_penalty, &self.routing].map(BTreeMap::len);
        changes.iter().chain(&shares).sum()
    }

    #[must_use]
    pub fn cost_of(&self, provider: &str) -> Change {
        self.cost.get(provider).copied().unwrap_or_default()
    }

    #[must_use]
    pub fn latency_of(&self, region: &str) -> Change {
        self.latency.get(region).copied().unwrap_or_default()
    }

    /// What a tenant's price is multiplied by: its tier's change and its own, one upon the other. Where
    /// only one of them moves, that one's factor, to the digit.
    #[must_use]
    pub fn price_factor(&self, tier: &str, tenant: &str) -> Decimal {
        let of_tier = self.price.get(tier).map(|change| change.factor());
        let own = self.tenant_price.get(tenant).map(|change| change.factor());
        match (of_tier, own) {
            // Each is at most 101: their product is far from what decimals hold.
            (Some(of_tier), Some(own)) => of_tier * own,
            (factor, None) | (None, factor) => factor.unwrap_or(Decimal::ONE),
        }
    }

    #[must_use]
    pub fn usage_of(&self, tier: &str) -> Change {
        self.usage.get(tier).copied().unwrap_or_default()
    }

    #[must_use]
    pub fn latency_penalty_of(&self, tier: &str) -> Option<Share> {
        self.latency_penalty.get(tier).copied()
    }

    /// Whether everything that is changed exists: a misspelt provider would change nothing, and
    /// nobody would see it.
    ///
    /// # Errors
    /// A name is not among those given, or there are more than a thousand changes.
    pub fn check(&self, known: &Known<'_>) -> Result<(), EconomicsError> {
        count("changes of a scenario", self.count(), 0, CHANGES_MAX, "that is another portfolio")?;
        all_known("provider", self.cost.keys(), &known.providers)?;
        all_known("region", self.latency.keys(), &known.regions)?;
        all_known("tier", self.price.keys(), &known.tiers)?;
        all_known("tenant", self.tenant_price.keys(), &known.tenants)?;
        all_known("tier", self.usage.keys(), &known.tiers)?;
        all_known("tier", self.latency_penalty.keys(), &known.tiers)?;
        all_known("provider", self.routing.keys(), &known.providers)?;
        self.check_routing()
    }

    /// Leaves out what is changed of things that do not exist, and names it, such as `cost.opnai`. A
    /// division of the traffic that names one of them falls as a whole.
    pub fn fit(&mut self, known: &Known<'_>) -> Vec<String> {
        let mut left_out = Vec::new();
        let mut keep = |kind: &str, name: &String, known: &BTreeSet<&str>| {
            let is_known = known.contains(name.as_str());
            if !is_known {
                left_out.push(format!("{kind}.{name}"));
            }
            is_known
        };
        self.cost.retain(|name, _| keep("cost", name, &known.providers));
        self.latency.retain(|name, _| keep("latency", name, &known.regions));
        self.price.retain(|name, _| keep("price", name, &known.tiers));
        self.tenant_price.retain(|name, _| keep("tenant-price", name, &known.tenants));
        self.usage.retain(|name, _| keep("usage", name, &known.tiers));
        self.latency_penalty.retain(|name, _| keep("owed", name, &known.tiers));
        let shares = self.routing.len();
        self.routing.retain(|name, _| keep("route", name, &known.providers));
        if self.routing.len() < shares {
            self.routing.clear();
        }
        left_out
    }

    fn check_routing(&self) -> Result<(), EconomicsError> {
        let sum: Decimal = self.routing.values().map(|share| share.get()).sum();
        if self.routing.is_empty() || sum == Decimal::ONE {
            return Ok(());
        }
        Err(refuse("the sum of the shares of traffic", &sum.normalize(), "1"))
    }

    /// For what changes each tenant where it is, and divides no traffic.
    ///
    /// # Errors
    /// The scenario divides it.
    pub(super) fn check_undivided(&self) -> Result<(), EconomicsError> {
        if self.routing.is_empty() {
            return Ok(());
        }
        let problem = "must have been applied to the usage before";
        Err(EconomicsError::Inconsistent { what: "the routing of a scenario", problem })
    }
}

/// The names that a portfolio knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known<'a> {
    pub providers: BTreeSet<&'a str>,
    pub regions: BTreeSet<&'a str>,
    pub tiers: BTreeSet<&'a str>,
    /// Those with usage.
    pub tenants: BTreeSet<&'a str>,
}

fn all_known<'a>(
    what: &'static str,
    mut names: impl Iterator<Item = &'a String>,
    known: &BTreeSet<&str>,
) -> Result<(), EconomicsError> {
    match names.find(|name| !known.contains(name.as_str())) {
        Some(name) => Err(EconomicsError::Unknown { what, name: name.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    #[test]
    fn a_misspelt_provider_is_refused_by_name() {
        let mut scenario = Scenario::default();
        let change = Change::new("the cost", decimal("0.3")).expect("a change");
        scenario.cost.insert("opnai".into(), change);
        let known = Known { providers: BTreeSet::from(["openai"]), ..Known::default() };
        let error = scenario.check(&known).expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "there is no provider called \"opnai\"; add it, or correct the name"
        );
        assert_eq!(scenario.cost_of("openai"), Change::NONE);
    }

    #[test]
    fn what_does_not_exist_is_left_out_and_named_and_the_rest_holds() {
        let change = Change::new("the cost", decimal("0.3")).expect("a change");
        let half = Share::new("the share", decimal("0.5")).expect("a share");
        let mut scenario = Scenario {
            cost: [("azure".into(), change), ("gone".into(), change)].into(),
            price: [("pro".into(), change)].into(),
            routing: [("azure".into(), half), ("gone".into(), half)].into(),
            ..Scenario::default()
        };
        let known = Known {
            providers: BTreeSet::from(["azure"]),
            tiers: BTreeSet::from(["pro"]),
            ..Known::default()
        };
        assert_eq!(scenario.fit(&known), ["cost.gone", "route.gone"]);
        assert_eq!((scenario.cost.len(), scenario.price.len()), (1, 1));
        assert!(scenario.routing.is_empty());
        assert_eq!(scenario.check(&known), Ok(()));
    }

    #[test]
    fn a_tenants_change_of_price_stands_upon_its_tiers_and_alone_is_taken_to_the_digit() {
        let text = r#"{"price":{"pro":"0.10"},"tenantPrice":{"acme":"-0.2","solo":"0.080"}}"#;
        let scenario: Scenario = serde_json::from_str(text).expect("a scenario");
        let factor = |tier, tenant| scenario.price_factor(tier, tenant).to_string();
        assert_eq!(factor("pro", "other"), "1.10");
        assert_eq!(factor("gift", "solo"), "1.080");
        assert_eq!(scenario.price_factor("pro", "acme"), decimal("0.88"));
        assert_eq!(factor("gift", "other"), "1");
        assert_eq!((scenario.count(), scenario.is_still()), (3, false));
    }

    #[test]
    fn a_tenant_that_nobody_knows_is_refused_and_one_without_usage_is_left_out() {
        let text = r#"{"tenantPrice":{"acme":"0.1","gone":"0.1"}}"#;
        let mut scenario: Scenario = serde_json::from_str(text).expect("a scenario");
        let known = Known { tenants: BTreeSet::from(["acme"]), ..Known::default() };
        let error = scenario.check(&known).expect_err("unknown").to_string();
        assert!(error.contains("no tenant called \"gone\""), "{error}");
        assert_eq!(scenario.fit(&known), ["tenant-price.gone"]);
        assert_eq!(scenario.check(&known), Ok(()));
    }

    #[test]
    fn without_a_tenants_price_a_scenario_is_written_as_it_always_was() {
        let text = serde_json::to_string(&Scenario::default()).expect("json");
        let was =
            r#"{"cost":{},"latency":{},"price":{},"usage":{},"latencyPenalty":{},"routing":{}}"#;
        assert_eq!(text, was);
        let absurd = r#"{"tenantPrice":{"acme":"-1"}}"#;
        assert!(serde_json::from_str::<Scenario>(absurd).is_err(), "as of a tier");
    }

    #[test]
    fn a_scenario_reads_back_from_json_and_refuses_what_it_does_not_know() {
        let text = r#"{"cost":{"azure":"0.3"},"latencyPenalty":{"pro":"0.1"}}"#;
        let scenario: Scenario = serde_json::from_str(text).expect("a scenario");
        assert_eq!(scenario.cost_of("azure").factor(), decimal("1.3"));
        let again = serde_json::to_string(&scenario).expect("json");
        assert_eq!(serde_json::from_str::<Scenario>(&again).expect("a scenario"), scenario);
        assert!(serde_json::from_str::<Scenario>(r#"{"costs":{}}"#).is_err());
        assert!(serde_json::from_str::<Scenario>(r#"{"cost":{"azure":"-1"}}"#).is_err());
    }
}
