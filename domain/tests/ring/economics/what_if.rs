//! Family 25, from end to end: a recorded hour of requests is metered, priced and put through
//! scenarios.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use serde::Deserialize;

use domain::catalog::{SlaBand, Usage};
use domain::economics::basic::Statement;
use domain::economics::latency::Lognormal;
use domain::economics::quantity::float;
use domain::economics::roll_up;
use domain::economics::scenario::Scenario;
use domain::economics::sla::Ladder;
use domain::economics::token_cost::{ModelKey, PriceMap, ProviderPrice, Rates};
use domain::economics::what_if::{TenantStatement, TenantUsage, Terms, TierTerms};
use domain::event::TenantId;
use domain::usage::{Meter, UsageKey, UsageSum};

use super::{change, decimal, floats, share};
use crate::vectors::{self, Check};

#[derive(Deserialize)]
struct WhatIfIn {
    provider_price: BTreeMap<String, PriceIn>,
    tier_price_per_k: BTreeMap<String, Decimal>,
    latency: BTreeMap<String, LatencyIn>,
    threshold: f64,
}

#[derive(Deserialize)]
struct PriceIn {
    p_in: Decimal,
    p_out: Decimal,
}

#[derive(Deserialize)]
struct LatencyIn {
    p50: f64,
    p99: f64,
}

#[derive(Deserialize)]
struct WhatIfOut {
    tokens: BTreeMap<String, TokensOut>,
    scenarios: BTreeMap<String, ScenarioOut>,
}

#[derive(Deserialize)]
struct TokensOut {
    requests: i64,
    context: i64,
    generated: i64,
}

#[derive(Deserialize)]
struct ScenarioOut {
    total: StatementOut,
    by_tier: BTreeMap<String, StatementOut>,
    by_cloud: BTreeMap<String, StatementOut>,
    by_region: BTreeMap<String, StatementOut>,
    tenants: BTreeMap<String, StatementOut>,
    below_035: Vec<String>,
    above_075: Vec<String>,
}

#[derive(Deserialize)]
struct StatementOut {
    revenue: f64,
    cost: f64,
    penalty: f64,
    margin: Option<f64>,
}

/// Who a tenant is: tier, cloud, region.
type Tenants = BTreeMap<String, [String; 3]>;

const MODEL: &str = "priced";

/// The folder of real input; absent in a fresh clone.
fn data() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("TERNION_DATA").map_or_else(beside, PathBuf::from);
    let folder = folder.join("economics");
    if folder.is_dir() {
        return Some(folder);
    }
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: 25_whatif_end_to_end: {} is missing; set TERNION_DATA",
        folder.display()
    );
    None
}

/// The rows of a comma-separated file without quotes, after its heading.
fn rows<const N: usize>(path: &Path) -> Vec<[String; N]> {
    let text = std::fs::read_to_string(path).expect("a file that can be read");
    let row = |line: &str| {
        let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        cells.try_into().unwrap_or_else(|_| panic!("{}: {line}", path.display()))
    };
    text.lines().skip(1).map(row).collect()
}

fn tenants(folder: &Path) -> Tenants {
    let rows = rows::<4>(&folder.join("azure2023_tenants.csv")).into_iter();
    rows.map(|[tenant, tier, cloud, region]| (tenant, [tier, cloud, region])).collect()
}

/// Every recorded request through the meter.
fn metered(folder: &Path, tenants: &Tenants) -> Vec<(UsageKey, UsageSum)> {
    let mut meter = Meter::default();
    for [at, _, input, output, tenant] in rows::<5>(&folder.join("azure2023_requests.csv")) {
        let [_, cloud, region] = &tenants[&tenant];
        let at = format!("{}Z", at.replace(' ', "T"));
        let usage = Usage {
            provider: cloud.clone(),
            model: MODEL.to_owned(),
            region: region.clone(),
            input_tokens: input.parse().expect("tokens"),
            output_tokens: output.parse().expect("tokens"),
            cached_tokens: None,
            latency_ms: None,
            ok: None,
            requested_at: at.parse().expect("a time"),
        };
        meter.record(&TenantId::try_from(tenant).expect("an id"), &usage);
    }
    meter.into_rows().collect()
}

fn price_map(given: &WhatIfIn) -> PriceMap {
    let mut map = PriceMap::new("2023-11-16T00:00:00Z".parse().expect("a time"));
    for (provider, price) in &given.provider_price {
        let rates = Rates {
            input_usd_per_token: price.p_in,
            output_usd_per_token: price.p_out,
            cached_usd_per_token: None,
        };
        let key = ModelKey { provider: provider.clone(), model: MODEL.to_owned() };
        map.set(key, None, ProviderPrice { rates, long_context: None, off_peak: None });
    }
    map
}

/// One line a tenant: all hours together, at what its provider takes.
fn usage(rows: &[(UsageKey, UsageSum)], map: &PriceMap, tenants: &Tenants) -> Vec<TenantUsage> {
    let costs = map.costs(rows.iter().map(|(key, sum)| (key, sum))).expect("all priced");
    let mut lines: BTreeMap<TenantId, TenantUsage> = BTreeMap::new();
    for ((key, sum), cost) in rows.iter().zip(costs) {
        assert!(cost.exact, "rates without hours or long contexts are exact");
        let [tier, cloud, region] = &tenants[key.tenant_id.as_str()];
        let line = lines.entry(key.tenant_id.clone()).or_insert_with(|| TenantUsage {
            tenant: key.tenant_id.clone(),
            tier: tier.clone(),
            provider: cloud.clone(),
            region: region.clone(),
            usage_k: Decimal::ZERO,
            cost_usd: Decimal::ZERO,
        });
        let tokens = Decimal::from(sum.input_tokens + sum.output_tokens);
        line.usage_k += tokens / Decimal::ONE_THOUSAND;
        line.cost_usd += cost.cost_usd;
    }
    lines.into_values().collect()
}

/// Only pro and enterprise are promised a latency.
fn terms(given: &WhatIfIn) -> Terms {
    let band = |(min, credit): (&str, &str)| SlaBand {
        min_uptime_pct: decimal(min),
        credit: decimal(credit),
    };
    let promised = Ladder::new(&[("99", "0"), ("95", "0.05"), ("0", "0.1")].map(band));
    let promised = promised.expect("a ladder");
    let tier = |(name, price): (&String, &Decimal)| {
        let has_promise = name == "pro" || name == "enterprise";
        let attainment = if has_promise { promised.clone() } else { Ladder::default() };
        (name.clone(), TierTerms { price_usd_per_k: *price, attainment })
    };
    let law = |law: &LatencyIn| Lognormal::from_percentiles(law.p50, law.p99).expect("a law");
    Terms {
        tiers: given.tier_price_per_k.iter().map(tier).collect(),
        latency: given.latency.iter().map(|(region, l)| (region.clone(), law(l))).collect(),
        threshold_s: given.threshold,
    }
}

fn scenario(name: &str) -> Scenario {
    let mut scenario = Scenario::default();
    match name {
        "base" => {}
        "cost_up" => {
            scenario.cost.insert("Azure".into(), change(decimal("0.3")));
        }
        "eu_latency" => {
            scenario.latency.insert("eu".into(), change(decimal("0.2")));
        }
        "sla_trigger" => {
            for tier in ["pro", "enterprise"] {
                scenario.latency_penalty.insert(tier.into(), share(decimal("0.1")));
            }
        }
        other => panic!("an unknown scenario {other}"),
    }
    scenario
}

fn check_statement(check: &Check, what: &str, found: &Statement, expected: &StatementOut) {
    check.near(&format!("{what} revenue"), float(found.revenue_usd()), expected.revenue);
    check.near(&format!("{what} cost"), float(found.cost_usd()), expected.cost);
    check.near(&format!("{what} penalty"), float(found.penalty_usd()), expected.penalty);
    check.near_if_any(&format!("{what} margin"), floats(found.margin()), expected.margin);
}

fn check_groups(
    check: &Check,
    statements: &[TenantStatement<'_>],
    key: fn(&TenantUsage) -> &str,
    expected: &BTreeMap<String, StatementOut>,
) {
    let keyed = statements.iter().map(|line| (key(line.usage), &line.statement));
    let found = roll_up::by(keyed).expect("sums");
    check.same("groups", &found.len(), &expected.len());
    for (name, expected) in expected {
        check_statement(check, name, &found[name.as_str()], expected);
    }
}

fn check_scenario(
    check: &Check,
    name: &str,
    statements: &[TenantStatement<'_>],
    out: &ScenarioOut,
) {
    let total = roll_up::total(statements.iter().map(|line| &line.statement)).expect("a sum");
    check_statement(check, name, &total, &out.total);
    check_groups(check, statements, |line| &line.tier, &out.by_tier);
    check_groups(check, statements, |line| &line.provider, &out.by_cloud);
    check_groups(check, statements, |line| &line.region, &out.by_region);
    check_groups(check, statements, |line| line.tenant.as_str(), &out.tenants);
    let named = |keep: &dyn Fn(&Statement) -> bool| {
        let lines = statements.iter().filter(|line| keep(&line.statement));
        lines.map(|line| line.usage.tenant.to_string()).collect::<Vec<String>>()
    };
    let floor = share(decimal("0.35"));
    let below = named(&|statement| roll_up::is_below(statement, floor));
    check.same("below the floor", &below, &out.below_035);
    let ceiling = decimal("0.75");
    let above = named(&|statement| statement.margin().is_some_and(|margin| margin > ceiling));
    check.same("above 0.75", &above, &out.above_075);
}

#[test]
fn a_recorded_hour_gives_the_statements_of_every_scenario() {
    let Some(folder) = data() else { return };
    vectors::each("25_whatif_end_to_end", |check, given: WhatIfIn, out: WhatIfOut| {
        let tenants = tenants(&folder);
        let rows = metered(&folder, &tenants);
        for (tenant, expected) in &out.tokens {
            let own = rows.iter().filter(|(key, _)| key.tenant_id.as_str() == tenant);
            let sums = own.fold([0; 3], |[requests, context, generated], (_, sum)| {
                [requests + sum.requests, context + sum.input_tokens, generated + sum.output_tokens]
            });
            let expected = [expected.requests, expected.context, expected.generated];
            check.same(tenant, &sums, &expected);
        }
        let usage = usage(&rows, &price_map(&given), &tenants);
        let terms = terms(&given);
        for (name, expected) in &out.scenarios {
            let statements = terms.apply(&usage, &scenario(name)).expect("statements");
            check_scenario(check, name, &statements, expected);
        }
    });
}
