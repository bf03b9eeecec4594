//! Metered usage against prices: what each tenant brought in and cost, by provider and region, and
//! what could not be priced.

use std::collections::{BTreeMap, BTreeSet};

use domain::catalog::PricePut;
use domain::clock::Timestamp;
use domain::economics::EconomicsError;
use domain::economics::study::{Excluded, Reason, Served};
use domain::economics::token_cost::{ModelKey, PriceMap};
use domain::event::TenantId;
use domain::usage::Latencies;
use rust_decimal::Decimal;

use super::beyond::Beyond;
use crate::projection::{Catalog, UsageRow};

/// A tenant at a provider in a region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) tenant: TenantId,
    pub(super) provider: String,
    pub(super) region: String,
}

/// What was used there, priced.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Priced {
    pub(super) tier: String,
    pub(super) tokens: Decimal,
    pub(super) revenue_usd: Decimal,
    pub(super) cost_usd: Decimal,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub(super) places: BTreeMap<Place, Priced>,
    /// Requests of what could be priced.
    pub(super) served: BTreeMap<TenantId, Served>,
    /// Wherever something was used.
    pub(super) regions: BTreeSet<String>,
    /// How long requests that did not fail took, by provider and region.
    pub(super) latencies: BTreeMap<(String, String), Latencies>,
    excluded: BTreeMap<(Reason, String, String), Excluded>,
    pub(super) rows: usize,
    /// Costs that a row of an hour cannot tell exactly (long contexts, off-peak half hours).
    pub(super) inexact_rows: usize,
    pub(super) first_hour: Option<Timestamp>,
    pub(super) last_hour: Option<Timestamp>,
}

impl Books {
    pub(super) fn take(
        &mut self,
        row: &UsageRow,
        catalog: &Catalog,
        prices: &PriceMap,
        at: Timestamp,
        beyond: &Beyond,
    ) -> Result<(), EconomicsError> {
        let (key, sum) = (&row.key, &row.sum);
        self.rows += 1;
        self.first_hour = Some(self.first_hour.map_or(key.hour, |first| first.min(key.hour)));
        self.last_hour = Some(self.last_hour.map_or(key.hour, |last| last.max(key.hour)));
        self.regions.insert(key.region.clone());
        let Some(tenant) = catalog.tenant(&key.tenant_id) else {
            self.exclude(Reason::UnknownTenant, row);
            return Ok(());
        };
        let cost = match prices.costs([(key, sum)]) {
            Ok(costs) => costs.into_iter().next(),
            Err(EconomicsError::Unpriced(_)) => None,
            Err(other) => return Err(other),
        };
        let Some(cost) = cost else {
            self.exclude(Reason::NoProviderPrice, row);
            return Ok(());
        };
        let Some(list) = at_list_prices(row, catalog, &tenant.value.tier, at)? else {
            self.exclude(Reason::NoTierPrice, row);
            return Ok(());
        };
        let revenue = beyond.earned(list, catalog, key)?.usd;
        self.inexact_rows += usize::from(!cost.exact);
        self.served.entry(key.tenant_id.clone()).or_default().add(sum.requests, sum.failed);
        let place = Place {
            tenant: key.tenant_id.clone(),
            provider: key.provider.clone(),
            region: key.region.clone(),
        };
        let priced = self.places.entry(place).or_default();
        priced.tier.clone_from(&tenant.value.tier);
        priced.tokens += Decimal::from(sum.input_tokens) + Decimal::from(sum.output_tokens);
        priced.revenue_usd = added(priced.revenue_usd, revenue)?;
        priced.cost_usd = added(priced.cost_usd, cost.cost_usd)?;
        Ok(())
    }

    fn exclude(&mut self, reason: Reason, row: &UsageRow) {
        let (provider, model) = (row.key.provider.clone(), row.key.model.clone());
        let new = || Excluded {
            reason,
            provider: provider.clone(),
            model: model.clone(),
            tenants: BTreeSet::new(),
            requests: 0,
            input_tokens: 0,
            output_tokens: 0,
        };
        let kept = self.excluded.entry((reason, provider.clone(), model.clone()));
        let kept = kept.or_insert_with(new);
        kept.tenants.insert(row.key.tenant_id.clone());
        kept.requests = kept.requests.saturating_add(row.sum.requests);
        kept.input_tokens = kept.input_tokens.saturating_add(row.sum.input_tokens);
        kept.output_tokens = kept.output_tokens.saturating_add(row.sum.output_tokens);
    }

    pub(super) fn excluded(&self) -> Vec<Excluded> {
        self.excluded.values().cloned().collect()
    }

    /// The models without a provider price, once each.
    pub(super) fn unpriced(&self) -> Vec<ModelKey> {
        let unpriced =
            self.excluded.keys().filter(|(reason, ..)| *reason == Reason::NoProviderPrice);
        unpriced
            .map(|(_, provider, model)| ModelKey {
                provider: provider.clone(),
                model: model.clone(),
            })
            .collect()
    }
}

/// What the row costs in a tier, at the list prices of a day. `None`: the tier has no price for it.
pub(super) fn at_list_prices(
    row: &UsageRow,
    catalog: &Catalog,
    tier: &str,
    at: Timestamp,
) -> Result<Option<Decimal>, EconomicsError> {
    let price = catalog.price_at(tier, &row.key.provider, &row.key.model, at);
    price.map(|price| at_price(row, &price.value)).transpose()
}

/// What the row costs at a list price.
pub(super) fn at_price(row: &UsageRow, price: &PricePut) -> Result<Decimal, EconomicsError> {
    let cached_rate = price.cached_usd_per_million.unwrap_or(price.input_usd_per_million);
    let fresh = row.sum.input_tokens.saturating_sub(row.sum.cached_tokens);
    let parts = [
        (fresh, price.input_usd_per_million),
        (row.sum.cached_tokens, cached_rate),
        (row.sum.output_tokens, price.output_usd_per_million),
    ];
    let sum = parts.into_iter().try_fold(Decimal::ZERO, |sum, (tokens, rate)| {
        let part = (Decimal::from(tokens) / Decimal::from(1_000_000)).checked_mul(rate)?;
        sum.checked_add(part)
    });
    sum.ok_or(EconomicsError::Overflow { what: "the revenue" })
}

pub(super) fn added(sum: Decimal, more: Decimal) -> Result<Decimal, EconomicsError> {
    sum.checked_add(more).ok_or(EconomicsError::Overflow { what: "a sum of dollars" })
}
