//! The demonstration's sample business: eight tenants, four tiers, six models and their prices.
//!
//! Companies are invented. Provider prices are the public list prices of November 2026 and the
//! SLA ladders follow the public ones of Amazon Bedrock and Google Cloud, so that figures in the
//! demonstration have a real order of magnitude.

use domain::billing::Period;
use domain::catalog::{
    BillingCredit, CostPut, Known, PricePut, RoutingLatency, Sla, SlaBand, TenantPut, TierPut,
    Usage,
};
use domain::clock::{DAY_MS, HOUR_MS, Timestamp};
use domain::cloud::Cloud;
use domain::economics::token_cost::{ProviderPrice, Rates};
use domain::event::{Region, TenantId};
use rust_decimal::Decimal;

/// 1 January 2026, 00:00 UTC: since when the sample prices apply.
const PRICES_SINCE_MS: i64 = 1_767_225_600_000;

/// One sample tenant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Company {
    pub id: &'static str,
    pub name: &'static str,
    pub tier: &'static str,
    pub cloud: Cloud,
    pub region: &'static str,
    /// Indices into [`MODELS`] of what it uses, the favourite first.
    pub models: [usize; 2],
}

/// Ordered by traffic: the first is the largest customer.
pub(super) const COMPANIES: [Company; 8] = [
    company("acme-labs", "Acme Labs", "enterprise", Cloud::Gcp, "us-central1", [0, 1]),
    company("northwind", "Northwind Traders", "enterprise", Cloud::Aws, "us-east-1", [2, 3]),
    company("helios-ai", "Helios AI", "pro", Cloud::Azure, "westeurope", [4, 5]),
    company("fenwick", "Fenwick & Sons", "pro", Cloud::Gcp, "europe-west1", [0, 4]),
    company("meridian", "Meridian Health", "enterprise", Cloud::Azure, "eastus", [5, 4]),
    company("quanta", "Quanta Research", "starter", Cloud::Aws, "eu-west-1", [3, 2]),
    company("juniper", "Juniper Studio", "starter", Cloud::Gcp, "asia-southeast1", [0, 5]),
    company("solace", "Solace", "free", Cloud::Aws, "us-west-2", [3, 0]),
];

const fn company(
    id: &'static str,
    name: &'static str,
    tier: &'static str,
    cloud: Cloud,
    region: &'static str,
    models: [usize; 2],
) -> Company {
    Company { id, name, tier, cloud, region, models }
}

/// One model as a provider sells it. Cents of a US dollar a million tokens would be too coarse:
/// prices are in thousandths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    pub provider: &'static str,
    pub name: &'static str,
    input_mils: i64,
    output_mils: i64,
    cached_mils: i64,
    /// Median time to the first token and for each token after it, milliseconds.
    pub first_token_ms: f64,
    pub next_token_ms: f64,
}

pub(super) const MODELS: [Model; 6] = [
    model("vertex", "gemini-2.5-flash", [300, 2_500, 30], 340.0, 4.5),
    model("vertex", "gemini-2.5-pro", [1_250, 10_000, 125], 900.0, 8.0),
    model("bedrock", "amazon.nova-pro", [800, 3_200, 200], 480.0, 7.0),
    model("bedrock", "amazon.nova-lite", [60, 240, 15], 300.0, 4.0),
    model("azure", "gpt-4o", [2_500, 10_000, 1_250], 520.0, 9.0),
    model("azure", "gpt-4o-mini", [150, 600, 75], 380.0, 6.0),
];

const fn model(
    provider: &'static str,
    name: &'static str,
    [input_mils, output_mils, cached_mils]: [i64; 3],
    first_token_ms: f64,
    next_token_ms: f64,
) -> Model {
    Model { provider, name, input_mils, output_mils, cached_mils, first_token_ms, next_token_ms }
}

/// One tier: its SLA ladder, and what is charged for each dollar of provider cost.
struct Tier {
    id: &'static str,
    name: &'static str,
    /// Hundredths.
    markup: i64,
    /// Least uptime in hundredths of a percent, credit in percent.
    bands: &'static [(i64, i64)],
    latency_p99_ms: Option<u64>,
}

const TIERS: [Tier; 4] = [
    Tier { id: "free", name: "Free", markup: 105, bands: &[(0, 0)], latency_p99_ms: None },
    Tier {
        id: "starter",
        name: "Starter",
        markup: 220,
        bands: &[(9_900, 0), (9_500, 10), (0, 25)],
        latency_p99_ms: None,
    },
    Tier {
        id: "pro",
        name: "Pro",
        markup: 180,
        bands: &[(9_990, 0), (9_900, 10), (9_500, 25), (0, 50)],
        latency_p99_ms: Some(12_000),
    },
    Tier {
        id: "enterprise",
        name: "Enterprise",
        markup: 150,
        bands: &[(9_995, 0), (9_990, 10), (9_900, 25), (9_500, 50), (0, 100)],
        latency_p99_ms: Some(8_000),
    },
];

/// The eight tenants.
#[must_use]
pub fn tenants() -> Vec<Known> {
    COMPANIES.iter().filter_map(|company| Some(Known::TenantPut(tenant(company)?))).collect()
}

/// `None` cannot happen: a test reads every name.
fn tenant(company: &Company) -> Option<TenantPut> {
    Some(TenantPut {
        tenant_id: TenantId::try_from(company.id.to_owned()).ok()?,
        name: company.name.to_owned(),
        tier: company.tier.to_owned(),
        cloud: company.cloud,
        region: Region::try_from(company.region.to_owned()).ok()?,
        active: true,
    })
}

/// The four tiers with their SLA terms.
#[must_use]
pub fn tiers() -> Vec<Known> {
    let band = |(uptime, credit): &(i64, i64)| SlaBand {
        min_uptime_pct: Decimal::new(*uptime, 2).normalize(),
        credit: Decimal::new(*credit, 2).normalize(),
    };
    let put = |tier: &Tier| TierPut {
        tier: tier.id.to_owned(),
        name: tier.name.to_owned(),
        sla: Sla {
            bands: tier.bands.iter().map(band).collect(),
            latency_p99_ms: tier.latency_p99_ms,
        },
    };
    TIERS.iter().map(put).map(Known::TierPut).collect()
}

/// The price of every model in every tier: the provider's list price and the tier's markup.
#[must_use]
pub fn prices() -> Vec<Known> {
    let pairs = TIERS.iter().flat_map(|tier| MODELS.iter().map(move |model| (tier, model)));
    pairs.map(|(tier, model)| Known::PricePut(price(tier, model))).collect()
}

/// What the providers take: their list prices.
#[must_use]
pub fn costs() -> Vec<Known> {
    MODELS.iter().map(|model| Known::CostPut(cost(model))).collect()
}

fn cost(model: &Model) -> CostPut {
    // Thousandths of a dollar a million tokens.
    let listed = |mils: i64| Decimal::new(mils, 9).normalize();
    let rates = Rates {
        input_usd_per_token: listed(model.input_mils),
        output_usd_per_token: listed(model.output_mils),
        cached_usd_per_token: Some(listed(model.cached_mils)),
    };
    CostPut {
        provider: model.provider.to_owned(),
        model: model.name.to_owned(),
        region: None,
        price: ProviderPrice { rates, long_context: None, off_peak: None },
        as_of: Timestamp::from_unix_ms(PRICES_SINCE_MS),
    }
}

fn price(tier: &Tier, model: &Model) -> PricePut {
    // Thousandths of a dollar times hundredths.
    let charged = |mils: i64| Decimal::new(mils * tier.markup, 5).normalize();
    PricePut {
        tier: tier.id.to_owned(),
        provider: model.provider.to_owned(),
        model: model.name.to_owned(),
        input_usd_per_million: charged(model.input_mils),
        output_usd_per_million: charged(model.output_mils),
        cached_usd_per_million: Some(charged(model.cached_mils)),
        effective_from: Timestamp::from_unix_ms(PRICES_SINCE_MS),
        reason: None,
        withdrawn: false,
        proposal_id: None,
    }
}

/// The month before the one of `now`, in which the sample tenants used something already.
fn last_month(now: Timestamp) -> Period {
    Period::of(Timestamp::from_unix_ms(Period::of(now).start().unix_ms() - DAY_MS))
}

/// Every third day of last month, four requests of each tenant: enough for a statement that can be
/// checked by hand. Helios' service level was missed: one of its forty requests failed.
#[must_use]
pub fn usage_of_last_month(now: Timestamp) -> Vec<(TenantId, Known)> {
    let month = last_month(now);
    let days = (1..=28).step_by(3).flat_map(|day| (0..4).map(move |turn| (day, turn)));
    let all = COMPANIES.iter().flat_map(|company| days.clone().map(move |at| (company, at)));
    let usage = |(company, (day, turn)): (&Company, (u8, u8))| {
        let tenant = TenantId::try_from(company.id.to_owned()).ok()?;
        Some((tenant, Known::Usage(past_usage(company, month, day, turn))))
    };
    all.filter_map(usage).collect()
}

fn past_usage(company: &Company, month: Period, day: u8, turn: u8) -> Usage {
    let model = &MODELS[company.models[usize::from(turn == 3)]];
    let ok = !(company.id == "helios-ai" && day == 13 && turn == 2);
    let hour = 8 + 3 * i64::from(turn);
    let at = month.day(day).start().unix_ms() + hour * HOUR_MS;
    Usage {
        provider: model.provider.to_owned(),
        model: model.name.to_owned(),
        region: company.region.to_owned(),
        input_tokens: 60_000 + 1_000 * u64::from(day) + 250 * u64::from(turn),
        output_tokens: if ok { 6_000 + 40 * u64::from(day) } else { 0 },
        cached_tokens: (turn == 1).then_some(20_000),
        latency_ms: Some(model.first_token_ms),
        ok: Some(ok),
        requested_at: Timestamp::from_unix_ms(at),
    }
}

/// Somebody was generous last month.
#[must_use]
pub fn credits(now: Timestamp) -> Vec<Known> {
    let tenant = TenantId::try_from("acme-labs".to_owned());
    let credit = |tenant_id| {
        Known::BillingCredit(BillingCredit {
            tenant_id,
            amount_usd: Decimal::new(75, 2),
            reason: "Goodwill for slow answers on the 16th".to_owned(),
            period: Some(last_month(now)),
        })
    };
    tenant.ok().map(credit).into_iter().collect()
}

/// Round trips between two clouds' sites and client regions, milliseconds. Means of ICMP probes
/// between virtual machines, April 2022 (GitHub `skyplane-project/skyplane`, commit f1628c9d950f,
/// profiles/latency.csv, Apache-2.0). Of the third cloud's site that list has none: the fabric guesses
/// those by distance, and says so.
const ROUND_TRIPS: [(&str, f64, f64); 9] = [
    ("gcp:us-west1", 36.448, 63.107),
    ("aws:eu-west-1", 106.643, 84.936),
    ("aws:ca-central-1", 30.149, 14.142),
    ("aws:eu-north-1", 126.39, 110.108),
    ("azure:japaneast", 145.212, 157.929),
    ("gcp:southamerica-west1", 150.486, 121.379),
    ("azure:centralindia", 235.675, 197.105),
    ("aws:af-south-1", 255.805, 219.702),
    ("gcp:australia-southeast1", 154.281, 199.388),
];

/// Somebody measured.
#[must_use]
pub fn round_trips() -> Vec<Known> {
    let trip = |from: &str, to: &str, rtt_ms| {
        let (from, to) = (from.to_owned(), to.to_owned());
        Known::RoutingLatency(RoutingLatency { from, to, rtt_ms })
    };
    let both = ROUND_TRIPS.iter().flat_map(|(region, central, east)| {
        [trip("gcp:us-central1", region, *central), trip("aws:us-east-1", region, *east)]
    });
    both.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_understands_every_decision_of_the_story() {
        let story: Vec<Known> = [tiers(), prices(), costs(), tenants(), round_trips()].concat();
        let prices = (TIERS.len() + 1) * MODELS.len();
        let trips = 2 * ROUND_TRIPS.len();
        assert_eq!(story.len(), TIERS.len() + prices + COMPANIES.len() + trips);
        for known in story {
            assert_eq!(Known::read(&known.to_payload()), Ok(Some(known)));
        }
    }

    #[test]
    fn last_month_is_told_the_same_all_month_long_and_reads_as_it_was_told() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (first, later) = (at("2027-01-01T00:00:00Z"), at("2027-01-31T23:59:59Z"));
        let mut told = credits(first);
        assert_eq!(told, credits(later));
        let usage = usage_of_last_month(first);
        assert_eq!(usage, usage_of_last_month(later));
        told.extend(usage.into_iter().map(|(_, known)| known));
        assert_eq!(told.len(), 1 + COMPANIES.len() * 40);
        let failed =
            |known: &&Known| matches!(known, Known::Usage(usage) if usage.ok == Some(false));
        assert_eq!(told.iter().filter(failed).count(), 1);
        for known in told {
            assert_eq!(Known::read(&known.to_payload()), Ok(Some(known)));
        }
    }

    #[test]
    fn every_company_has_a_tier_and_models_that_exist() {
        for company in COMPANIES {
            assert!(TIERS.iter().any(|tier| tier.id == company.tier), "{}", company.id);
            assert!(company.models.iter().all(|model| *model < MODELS.len()), "{}", company.id);
        }
    }

    #[test]
    fn a_price_is_the_list_price_and_the_markup() {
        let price = price(&TIERS[2], &MODELS[4]);
        assert_eq!(price.input_usd_per_million.to_string(), "4.5");
        assert_eq!(price.output_usd_per_million.to_string(), "18");
    }
}
