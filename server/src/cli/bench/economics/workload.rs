//! The workload "M5": a thousand tenants, five uncertain inputs, one scenario of three sliders.

use std::collections::BTreeMap;

use domain::catalog::SlaBand;
use domain::economics::EconomicsError;
use domain::economics::draw::Seed;
use domain::economics::latency::Lognormal;
use domain::economics::penalty::Downtime;
use domain::economics::quantity::{Change, Share};
use domain::economics::scenario::Scenario;
use domain::economics::simulation::{
    Dependence, Input, Outcome, Plan, Portfolio, PortfolioOutcome, Promises, Simulation, Slider,
    Spread, Tenant, Uncertainty,
};
use domain::economics::sla::Ladder;
use domain::economics::tornado::Tornado;
use domain::event::TenantId;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::cli::csv::{Record, Table};
use crate::economics::Stopped;

/// The margin that tenants are counted below.
pub(super) const FLOOR: f64 = 0.35;
/// Tenants whose figures the reference states one by one.
const STATED: usize = 5;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Who shares draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
pub(super) enum Workload {
    #[value(name = "A")]
    A,
    #[value(name = "B")]
    B,
}

/// The figures, by the names of the reference's `expected.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Results {
    #[serde(skip)]
    pub(super) tenants: usize,
    port_profit: [f64; 3],
    port_profit_mean: f64,
    port_margin: Option<[f64; 3]>,
    /// Exact, so without an error of sampling.
    mq_first5: [Vec<f64>; 3],
    pq_first5: [Vec<f64>; 3],
    p_below_first5: Vec<f64>,
    mean_p_below: f64,
    #[serde(rename = "oat_portfolio_profit_base_then_z0hi_z0lo_...")]
    one_at_a_time: Vec<f64>,
    #[serde(
        rename = "spearman_order_z0p012_z1t0123_z2r012_z3p012_z4t0123",
        skip_serializing_if = "Vec::is_empty"
    )]
    spearman: Vec<f64>,
}

pub(super) fn portfolio(text: &str) -> Result<Portfolio, Failure> {
    let table = Table::parse(text)?;
    let read = |record: Record<'_>| {
        tenant(&record).map_err(|reason| format!("line {}: {reason}", record.line()))
    };
    let tenants = table.records().map(read).collect::<Result<Vec<_>, _>>()?;
    let promises = Promises {
        attainment: ladder(&[("99", "0"), ("95", "0.05"), ("0", "0.1")])?,
        uptime: ladder(&[("99.9", "0"), ("99", "0.1"), ("95", "0.25"), ("0", "1")])?,
    };
    let tiers = tenants.iter().map(|tenant| (tenant.tier.clone(), promises.clone())).collect();
    Ok(Portfolio::new(tenants, tiers)?)
}

fn tenant(record: &Record<'_>) -> Result<Tenant, String> {
    let (median, sigma) = (record.parse("lat_p50")?, record.parse("lat_sigma")?);
    let id = TenantId::try_from(record.get("id")?.to_owned());
    Ok(Tenant {
        tenant: id.map_err(|reason| format!("id {reason}"))?,
        tier: record.get("tier")?.to_owned(),
        provider: record.get("provider")?.to_owned(),
        region: record.get("region")?.to_owned(),
        usage_k: record.parse("usage_k")?,
        price_usd_per_k: record.parse("price")?,
        cost_usd_per_k: record.parse("cost")?,
        cost_sigma: record.parse("sigma_cost")?,
        usage_sigma: record.parse("sigma_usage")?,
        latency: Lognormal::from_median(median, sigma).map_err(|error| error.to_string())?,
        promised_s: record.parse("lat_T")?,
        elasticity: record.parse("e0")?,
    })
}

fn ladder(bands: &[(&str, &str)]) -> Result<Ladder, Failure> {
    let band = |(min, credit): &(&str, &str)| -> Result<SlaBand, rust_decimal::Error> {
        Ok(SlaBand { min_uptime_pct: min.parse()?, credit: credit.parse()? })
    };
    Ok(Ladder::new(&bands.iter().map(band).collect::<Result<Vec<_>, _>>()?)?)
}

/// From tenants in memory to what can be drawn.
pub(super) fn simulation(
    portfolio: &Portfolio,
    workload: Workload,
    seed: Seed,
    draws: usize,
) -> Result<Simulation, Stopped> {
    let dependence = match workload {
        Workload::A => Dependence::INDEPENDENT,
        Workload::B => Dependence::SHARED,
    };
    let uncertainty = Uncertainty {
        latency_sigma: 0.25,
        downtime: Downtime::new(4e-4, 1.2)?,
        elasticity_sigma: 0.4,
        jumps: BTreeMap::new(),
        horizon_years: 0.25,
        dependence,
    };
    let floor = Share::new("the floor", Decimal::new(35, 2))?;
    let plan = Plan { seed, draws, floor };
    Ok(Simulation::new(portfolio, &uncertainty, &scenario(portfolio)?, plan)?)
}

/// Costs +30 %, latencies +20 %, prices +5 %, everywhere.
fn scenario(portfolio: &Portfolio) -> Result<Scenario, EconomicsError> {
    let each = |name: fn(&Tenant) -> &String, percent: i64| -> Result<_, EconomicsError> {
        let change = Change::new("a slider", Decimal::new(percent, 2))?;
        Ok(portfolio.tenants().iter().map(|tenant| (name(tenant).clone(), change)).collect())
    };
    Ok(Scenario {
        cost: each(|tenant| &tenant.provider, 30)?,
        latency: each(|tenant| &tenant.region, 20)?,
        price: each(|tenant| &tenant.tier, 5)?,
        latency_penalty: BTreeMap::new(),
    })
}

/// All figures that the workload asks for.
pub(super) fn results(simulation: &Simulation) -> Result<Results, Stopped> {
    let outcome = crate::economics::run(simulation, |_, _| true)?;
    let draws = outcome.sums.draws(&Slider::default())?;
    let spearman = correlations(simulation, draws.margin.as_deref().unwrap_or_default());
    let portfolio = draws.outcome()?;
    // The reference asks for every tenant's tornado as well.
    let tornados = (0..simulation.tenants()).filter_map(|at| simulation.tenant_tornado(at));
    std::hint::black_box(tornados.map(|tornado| tornado.base).sum::<f64>());
    Ok(figures(&outcome, &portfolio, &simulation.tornado(), spearman))
}

/// Of each shared series, in the order of inputs and names.
fn correlations(simulation: &Simulation, margins: &[f64]) -> Vec<f64> {
    let mut found = simulation.rank_correlations(margins);
    found.sort_by_key(|(factor, _)| (factor.input, factor.name.clone()));
    found.into_iter().map(|(_, correlation)| correlation.unwrap_or(0.0)).collect()
}

fn figures(
    outcome: &Outcome,
    portfolio: &PortfolioOutcome,
    tornado: &Tornado,
    spearman: Vec<f64>,
) -> Results {
    let three = |spread: &Spread| [spread.p5.value, spread.p50.value, spread.p95.value];
    let margins: Vec<_> = outcome.tenants.iter().filter_map(|tenant| tenant.margin).collect();
    let first = &margins[..margins.len().min(STATED)];
    let profits = outcome.tenants.iter().take(STATED).map(|tenant| three(&tenant.profit_usd));
    let profits: Vec<[f64; 3]> = profits.collect();
    let below = margins.iter().map(|margin| margin.below_floor);
    Results {
        tenants: outcome.tenants.len(),
        port_profit: three(&portfolio.profit_usd),
        port_profit_mean: portfolio.profit_usd.mean.value,
        port_margin: portfolio.margin.as_ref().map(|(margin, _)| three(&margin.spread)),
        mq_first5: [
            first.iter().map(|margin| margin.p5).collect(),
            first.iter().map(|margin| margin.p50).collect(),
            first.iter().map(|margin| margin.p95).collect(),
        ],
        pq_first5: [0, 1, 2].map(|at| profits.iter().map(|spread| spread[at]).collect()),
        p_below_first5: first.iter().map(|margin| margin.below_floor).collect(),
        mean_p_below: below.sum::<f64>() / margins.len().max(1) as f64,
        one_at_a_time: one_at_a_time(tornado),
        spearman,
    }
}

fn one_at_a_time(tornado: &Tornado) -> Vec<f64> {
    let bar = |input: Input| tornado.bars.iter().find(|bar| bar.name == input.name());
    let bars = Input::TORNADO.into_iter().filter_map(bar);
    [tornado.base].into_iter().chain(bars.flat_map(|bar| [bar.high, bar.low])).collect()
}
