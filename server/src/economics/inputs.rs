//! From books to a portfolio: what can be simulated, with the day of every input.

use std::collections::BTreeMap;

use domain::clock::Timestamp;
use domain::economics::EconomicsError;
use domain::economics::latency::Lognormal;
use domain::economics::quantity::float;
use domain::economics::simulation::{Portfolio, Promises, Tenant, Uncertainty};
use domain::economics::sla::Ladder;
use domain::economics::token_cost::PriceMap;
use domain::economics::volatility::Jumps;
use domain::event::TenantId;
use rust_decimal::Decimal;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::request::{Assumptions, Request};
use super::usage::{Books, Excluded, Place, Priced};
use crate::projection::Catalog;

/// Who is promised no latency is never late: a day.
const UNPROMISED_S: f64 = 86_400.0;

/// Where the figures come from.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    pub usage_rows: usize,
    /// The first and the last hour of usage.
    pub usage_from: Option<Timestamp>,
    pub usage_through: Option<Timestamp>,
    /// The newest and the oldest day of the price maps that costs were taken from.
    pub price_map_as_of: Timestamp,
    pub prices_as_of: Timestamp,
    /// Rows whose provider price depends on what an hour's sum no longer knows.
    pub inexact_rows: usize,
    /// How prices of each provider have jumped, by their history.
    pub jumps: BTreeMap<String, Jumps>,
    /// By region; `assumed` where requests stated none.
    pub latency: BTreeMap<String, Latency>,
    /// Usage that has no part in any figure.
    pub excluded: Vec<Excluded>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    pub mean_s: f64,
    pub assumed: bool,
}

/// What is simulated.
#[derive(Clone, Debug)]
pub(super) struct Inputs {
    pub(super) portfolio: Portfolio,
    pub(super) uncertainty: Uncertainty,
    /// In the order of the portfolio.
    pub(super) places: Vec<(Place, Priced)>,
    pub(super) provenance: Provenance,
}

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

impl Inputs {
    pub(super) fn new(
        books: Books,
        catalog: &Catalog,
        prices: &PriceMap,
        request: &Request,
        at: Timestamp,
    ) -> Result<Self, EconomicsError> {
        let assumptions = &request.assumptions;
        let latency = latencies(&books, assumptions);
        let jumps = jumps(catalog, at, assumptions.horizon_years)?;
        let excluded = books.excluded();
        let places: Vec<_> =
            books.places.into_iter().filter(|(_, priced)| !priced.tokens.is_zero()).collect();
        let tenants = places
            .iter()
            .map(|(place, priced)| tenant(place, priced, catalog, &latency, assumptions))
            .collect::<Result<Vec<_>, _>>()?;
        let portfolio = Portfolio::new(tenants, promises(&places, catalog, assumptions)?)?;
        let uncertainty = Uncertainty {
            latency_sigma: assumptions.latency_sigma,
            downtime: assumptions.downtime()?,
            elasticity_sigma: assumptions.elasticity_sigma,
            jumps: jumps.clone(),
            horizon_years: assumptions.horizon_years,
            dependence: assumptions.dependence(),
        };
        let provenance = Provenance {
            usage_rows: books.rows,
            usage_from: books.first_hour,
            usage_through: books.last_hour,
            price_map_as_of: prices.as_of,
            prices_as_of: at,
            inexact_rows: books.inexact_rows,
            jumps,
            latency,
            excluded,
        };
        Ok(Inputs { portfolio, uncertainty, places, provenance })
    }
}

fn tenant(
    place: &Place,
    priced: &Priced,
    catalog: &Catalog,
    latency: &BTreeMap<String, Latency>,
    assumptions: &Assumptions,
) -> Result<Tenant, EconomicsError> {
    let usage_k = priced.tokens / Decimal::ONE_THOUSAND;
    let promised_ms = catalog.tier(&priced.tier).and_then(|tier| tier.value.sla.latency_p99_ms);
    let mean_s = latency.get(&place.region).map_or(assumptions.latency_mean_s, |it| it.mean_s);
    Ok(Tenant {
        tenant: draws_name(place)?,
        tier: priced.tier.clone(),
        provider: place.provider.clone(),
        region: place.region.clone(),
        usage_k: float(usage_k),
        price_usd_per_k: float(priced.revenue_usd / usage_k),
        cost_usd_per_k: float(priced.cost_usd / usage_k),
        cost_sigma: assumptions.cost_sigma,
        usage_sigma: assumptions.usage_sigma,
        latency: Lognormal::from_mean(mean_s, assumptions.latency_p99_over_p50)?,
        promised_s: promised_ms.map_or(UNPROMISED_S, |ms| ms as f64 / 1e3),
        elasticity: assumptions.elasticity,
    })
}

/// Draws are keyed by a name of the place, which does not change when others come or go.
fn draws_name(place: &Place) -> Result<TenantId, EconomicsError> {
    let mut hash = Sha256::new();
    for part in [place.tenant.as_str(), &place.provider, &place.region] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let name = hex::encode(&hash.finalize()[..16]);
    let problem = "has no name that draws can be keyed by";
    TenantId::try_from(name)
        .map_err(|_| EconomicsError::Inconsistent { what: "a tenant's place", problem })
}

fn promises(
    places: &[(Place, Priced)],
    catalog: &Catalog,
    assumptions: &Assumptions,
) -> Result<BTreeMap<String, Promises>, EconomicsError> {
    let promised = |(_, priced): &(Place, Priced)| {
        let sla = catalog.tier(&priced.tier).map(|tier| &tier.value.sla);
        let uptime = sla.map_or(Ok(Ladder::default()), |sla| Ladder::new(&sla.bands))?;
        let late = sla.is_some_and(|sla| sla.latency_p99_ms.is_some());
        let attainment = if late { assumptions.attainment()? } else { Ladder::default() };
        Ok((priced.tier.clone(), Promises { attainment, uptime }))
    };
    places.iter().map(promised).collect()
}

fn latencies(books: &Books, assumptions: &Assumptions) -> BTreeMap<String, Latency> {
    let latency = |mean_s: Option<f64>| Latency {
        mean_s: mean_s.unwrap_or(assumptions.latency_mean_s),
        assumed: mean_s.is_none(),
    };
    let regions = books.timed.iter();
    regions.map(|(region, timed)| (region.clone(), latency(timed.mean_s()))).collect()
}

/// How often and how far each provider's prices have jumped until then. Without a horizon nothing
/// jumps; a provider whose maps are of one day has no history.
fn jumps(
    catalog: &Catalog,
    at: Timestamp,
    horizon_years: f64,
) -> Result<BTreeMap<String, Jumps>, EconomicsError> {
    let mut histories: BTreeMap<&str, Vec<Vec<(i64, f64)>>> = BTreeMap::new();
    for (model, _, dated) in catalog.costs().filter(|_| horizon_years > 0.0) {
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
