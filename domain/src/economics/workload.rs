//! The workload "M5", for which other implementations state their figures: a thousand tenants, five
//! uncertain inputs, one scenario of three sliders. Natively and in a browser's engine the same.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::catalog::SlaBand;
use crate::economics::EconomicsError;
use crate::economics::draw::Seed;
use crate::economics::latency::Lognormal;
use crate::economics::penalty::Downtime;
use crate::economics::quantity::{Change, Share};
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{
    Dependence, Input, Outcome, Plan, Portfolio, PortfolioOutcome, Promises, Simulation, Slider,
    Spread, Tenant, Uncertainty,
};
use crate::economics::sla::Ladder;
use crate::economics::tornado::Tornado;
use crate::event::TenantId;

/// The margin that tenants are counted below.
pub const FLOOR: f64 = 0.35;
/// Tenants whose figures the reference states one by one.
const STATED: usize = 5;

/// Who shares draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Workload {
    A,
    B,
}

/// The figures, by the names of the reference's `expected.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    #[serde(skip)]
    pub tenants: usize,
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
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    spearman: Vec<f64>,
}

/// A line of the workload's tenants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub id: String,
    pub tier: String,
    pub provider: String,
    pub region: String,
    pub usage_k: f64,
    pub price: f64,
    pub cost: f64,
    pub sigma_cost: f64,
    pub sigma_usage: f64,
    pub lat_p50: f64,
    pub lat_sigma: f64,
    #[serde(rename = "lat_T")]
    pub lat_t: f64,
    pub e0: f64,
}

/// The tenants under the workload's promises.
///
/// # Errors
/// A line is absurd.
pub fn portfolio(rows: Vec<Row>) -> Result<Portfolio, EconomicsError> {
    let tenants = rows.into_iter().map(tenant).collect::<Result<Vec<_>, _>>()?;
    let promises = Promises {
        attainment: ladder(&[(990, 0), (950, 5), (0, 10)])?,
        uptime: ladder(&[(999, 0), (990, 10), (950, 25), (0, 100)])?,
    };
    let tiers = tenants.iter().map(|tenant| (tenant.tier.clone(), promises.clone())).collect();
    Portfolio::new(tenants, tiers)
}

fn tenant(row: Row) -> Result<Tenant, EconomicsError> {
    let problem = "is no id";
    let id = TenantId::try_from(row.id)
        .map_err(|_| EconomicsError::Inconsistent { what: "a tenant's name", problem })?;
    Ok(Tenant {
        payer: id.clone(),
        tenant: id,
        tier: row.tier,
        provider: row.provider,
        region: row.region,
        usage_k: row.usage_k,
        price_usd_per_k: row.price,
        cost_usd_per_k: row.cost,
        cost_sigma: row.sigma_cost,
        usage_sigma: row.sigma_usage,
        latency: Lognormal::from_median(row.lat_p50, row.lat_sigma)?.into(),
        promised_s: row.lat_t,
        elasticity: row.e0,
    })
}

/// Least attainment in tenths of a percent, credit in percent.
fn ladder(bands: &[(i64, i64)]) -> Result<Ladder, EconomicsError> {
    let band = |(min, credit): &(i64, i64)| SlaBand {
        min_uptime_pct: Decimal::new(*min, 1),
        credit: Decimal::new(*credit, 2),
    };
    Ladder::new(&bands.iter().map(band).collect::<Vec<_>>())
}

/// From tenants in memory to what can be drawn.
///
/// # Errors
/// See [`Simulation::new`].
pub fn simulation(
    portfolio: &Portfolio,
    workload: Workload,
    seed: Seed,
    draws: usize,
) -> Result<Simulation, EconomicsError> {
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
    Simulation::new(portfolio, &uncertainty, &scenario(portfolio)?, plan)
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
        ..Scenario::default()
    })
}

/// All figures that the workload asks for, with whoever draws.
///
/// # Errors
/// What `draw` refuses.
pub fn results<E: From<EconomicsError>>(
    simulation: &Simulation,
    draw: impl Fn(&Simulation) -> Result<Outcome, E>,
) -> Result<Results, E> {
    let outcome = draw(simulation)?;
    let draws = outcome.sums.draws(&Slider::default())?;
    let spearman = correlations(simulation, draws.margin.as_deref().unwrap_or_default());
    let portfolio = draws.outcome()?;
    // The reference asks for every tenant's tornado as well.
    let tornados = (0..simulation.tenants()).filter_map(|at| simulation.tenant_tornado(at));
    std::hint::black_box(tornados.map(|tornado| tornado.base).sum::<f64>());
    Ok(figures(&outcome, &portfolio, &simulation.tornado(), spearman))
}

/// The exact margins of all tenants: a sum of medians keeps them from being optimized away.
#[must_use]
pub fn exact_margins(simulation: &Simulation) -> f64 {
    let laws = (0..simulation.tenants()).filter_map(|at| simulation.margin_law(at));
    laws.map(|law| law.quantiles(FLOOR).p50).sum()
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
