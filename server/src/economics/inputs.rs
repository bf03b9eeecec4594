//! From books to what is studied, with the day of every input.

use std::collections::{BTreeMap, BTreeSet};

use domain::clock::Timestamp;
use domain::economics::EconomicsError;
use domain::economics::quantity::float;
use domain::economics::study::{Inputs, PlaceUsage, Sampled, Sources, TierPromise, Timed};
use domain::economics::token_cost::PriceMap;
use domain::economics::volatility::Jumps;
use domain::usage::Latencies;

use super::usage::{Books, Place, Priced};
use crate::projection::Catalog;

/// The providers' prices as known at a time: of each model the newest that is not newer.
pub(super) fn price_map(catalog: &Catalog, at: Timestamp) -> PriceMap {
    let newest = |dated: &BTreeMap<Timestamp, _>| dated.range(..=at).next_back().map(|(at, _)| *at);
    let as_of = catalog.costs().filter_map(|(_, _, dated)| newest(dated)).max();
    let mut map = PriceMap::new(as_of.unwrap_or(at));
    for (model, region, dated) in catalog.costs() {
        if let Some((_, cost)) = dated.range(..=at).next_back() {
            map.set(model.clone(), region.map(str::to_owned), cost.value.price);
        }
    }
    map
}

pub(super) fn inputs(
    books: Books,
    catalog: &Catalog,
    prices: &PriceMap,
    at: Timestamp,
) -> Result<Inputs, EconomicsError> {
    let sources = Sources {
        usage_rows: books.rows,
        usage_from: books.first_hour,
        usage_through: books.last_hour,
        price_map_as_of: prices.as_of,
        prices_as_of: at,
        inexact_rows: books.inexact_rows,
        jumps: jumps(catalog, at)?,
        excluded: books.excluded(),
    };
    let latency_mean_s = latency_mean_s(&books);
    let places = books.places.into_iter().filter(|(_, priced)| !priced.tokens.is_zero());
    let usage: Vec<_> = places.map(usage).collect();
    let tiers = usage.iter().map(|place| (place.tier.clone(), promise(catalog, &place.tier)));
    let latencies = books.latencies.into_iter();
    let latencies = latencies.map(|((provider, region), took)| Timed { provider, region, took });
    Ok(Inputs {
        tiers: tiers.collect(),
        latency_mean_s,
        latencies: latencies.collect(),
        samples: samples(catalog, at, &usage),
        served: books.served,
        usage,
        sources,
    })
}

/// From the counts and not from the sums of usage, which failed requests are in as well.
fn latency_mean_s(books: &Books) -> BTreeMap<String, Option<f64>> {
    let mean_s = |region: &String| {
        let mut all = Latencies::default();
        let here = books.latencies.iter().filter(|((_, at), _)| at == region);
        here.for_each(|(_, took)| all.merge(took));
        (region.clone(), all.mean_s())
    };
    books.regions.iter().map(mean_s).collect()
}

/// Recorded latencies as known at a time, of providers that are used.
fn samples(catalog: &Catalog, at: Timestamp, usage: &[PlaceUsage]) -> Vec<Sampled> {
    let used: BTreeSet<&str> = usage.iter().map(|place| place.provider.as_str()).collect();
    let known = catalog.samples_at(at).map(|sample| &sample.value);
    let of_used = known.filter(|it| used.contains(it.provider.as_str()));
    let sampled = of_used.map(|it| Sampled {
        provider: it.provider.clone(),
        region: it.region.clone(),
        source: it.source.clone(),
        as_of: it.as_of,
        took: it.took.clone(),
    });
    sampled.collect()
}

fn usage((place, priced): (Place, Priced)) -> PlaceUsage {
    PlaceUsage {
        tenant_id: place.tenant,
        tier: priced.tier,
        provider: place.provider,
        region: place.region,
        tokens: priced.tokens,
        revenue_usd: priced.revenue_usd,
        cost_usd: priced.cost_usd,
    }
}

fn promise(catalog: &Catalog, tier: &str) -> TierPromise {
    catalog.tier(tier).map_or_else(TierPromise::default, |tier| TierPromise {
        latency_p99_ms: tier.value.sla.latency_p99_ms,
        uptime: tier.value.sla.bands.clone(),
    })
}

/// How often and how far each provider's prices have jumped until then. A provider whose maps are
/// of one day has no history.
pub(super) fn jumps(
    catalog: &Catalog,
    at: Timestamp,
) -> Result<BTreeMap<String, Jumps>, EconomicsError> {
    let mut histories: BTreeMap<&str, Vec<Vec<(i64, f64)>>> = BTreeMap::new();
    for (model, _, dated) in catalog.costs() {
        let known = dated.range(..=at).map(|(as_of, cost)| {
            (as_of.unix_ms(), float(cost.value.price.rates.input_usd_per_token))
        });
        // What is given away has no relative change.
        let paid = known.filter(|(_, price)| *price > 0.0).collect();
        histories.entry(&model.provider).or_default().push(paid);
    }
    let mut jumps = BTreeMap::new();
    for (provider, histories) in histories {
        if let Some(fitted) = Jumps::of_histories(&histories)? {
            jumps.insert(provider.to_owned(), fitted);
        }
    }
    Ok(jumps)
}
