//! Tiers with their list prices, for the screen.

use std::collections::{BTreeMap, BTreeSet};

use app::backend::{BandText, ModelName, PriceAsk, PriceRow, TierView, TiersView, When};
use domain::catalog::{PricePut, SlaBand};
use domain::clock::Timestamp;
use domain::pricing::listing::are_alike;
use rust_decimal::Decimal;

use super::Console;
use super::tenants::{price_text, tier_names};
use crate::projection::{Catalog, Current};

impl Console {
    pub(super) fn tiers(&self) -> TiersView {
        let catalog = self.projection.catalog();
        let now = crate::now();
        let mut tenants: BTreeMap<&str, u64> = BTreeMap::new();
        let all = catalog.tenants_after(None, catalog.tenant_count());
        for tenant in &all {
            *tenants.entry(tenant.value.tier.as_str()).or_default() += 1;
        }
        let names = tier_names(&catalog);
        let tier = |name: app::backend::TierName| {
            let count = tenants.get(name.tier.as_str()).copied().unwrap_or_default();
            view(&catalog, name.tier, name.name, count, now)
        };
        TiersView {
            at: now,
            tiers: names.into_iter().map(tier).collect(),
            models: models(&catalog),
        }
    }
}

fn view(catalog: &Catalog, tier: String, name: String, tenants: u64, now: Timestamp) -> TierView {
    let terms = catalog.tier(&tier);
    let bands = terms.map(|terms| terms.value.sla.bands.iter().map(band).collect());
    TierView {
        seen: terms.map(|terms| terms.event_id.to_string()),
        bands: bands.unwrap_or_default(),
        latency_p99_ms: terms.and_then(|terms| terms.value.sla.latency_p99_ms),
        tenants,
        prices: prices(catalog, &tier, now),
        tier,
        name,
    }
}

fn band(band: &SlaBand) -> BandText {
    let credit = (band.credit * Decimal::ONE_HUNDRED).normalize();
    BandText { uptime: band.min_uptime_pct.normalize().to_string(), credit: credit.to_string() }
}

/// By provider and model, of each the earliest first.
fn prices(catalog: &Catalog, tier: &str, now: Timestamp) -> Vec<PriceRow> {
    let of_tier = catalog.prices().filter(|price| price.value.tier == tier);
    of_tier.map(|price| row(catalog, price, now)).collect()
}

fn row(catalog: &Catalog, price: &Current<PricePut>, now: Timestamp) -> PriceRow {
    let PricePut { tier, provider, model, effective_from, .. } = &price.value;
    let in_force = catalog.price_at(tier, provider, model, now);
    let when = if *effective_from > now {
        When::Coming
    } else if in_force.is_some_and(|current| current.value.effective_from == *effective_from) {
        When::Now
    } else {
        When::Past
    };
    let before = Timestamp::from_unix_ms(effective_from.unix_ms().saturating_sub(1));
    let before = catalog.price_at(tier, provider, model, before);
    let before = before.filter(|_| when == When::Coming).map(|before| &before.value);
    // A first price that is withdrawn has none that goes on.
    let withdraw = Some(withdrawal(before.unwrap_or(&price.value), *effective_from));
    let goes_on = before.is_some_and(|before| are_alike(before, &price.value));
    PriceRow {
        goes_on,
        withdraw: withdraw.filter(|_| when == When::Coming && !goes_on),
        reason: price.value.reason.clone(),
        proposal: price.value.proposal_id.map(|id| id.to_string()),
        provider: provider.clone(),
        model: model.clone(),
        price: price_text(&price.value, Decimal::ONE),
        from: *effective_from,
        when,
        event_id: price.event_id.to_string(),
    }
}

/// The price before, from when another was to begin.
fn withdrawal(before: &PricePut, from: Timestamp) -> PriceAsk {
    let usd = |usd: Decimal| usd.normalize().to_string();
    PriceAsk {
        tier: before.tier.clone(),
        provider: before.provider.clone(),
        model: before.model.clone(),
        input: usd(before.input_usd_per_million),
        output: usd(before.output_usd_per_million),
        cached: before.cached_usd_per_million.map(usd).unwrap_or_default(),
        from: from.to_string(),
        withdraw: "yes".to_owned(),
    }
}

/// What is sold or bought somewhere.
pub(super) fn models(catalog: &Catalog) -> Vec<ModelName> {
    let sold = catalog.prices().map(|price| (&price.value.provider, &price.value.model));
    let bought = catalog.costs().map(|(key, ..)| (&key.provider, &key.model));
    let names: BTreeSet<(&String, &String)> = sold.chain(bought).collect();
    let name = |(provider, model): (&String, &String)| ModelName {
        provider: provider.clone(),
        model: model.clone(),
    };
    names.into_iter().map(name).collect()
}
