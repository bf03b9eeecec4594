//! What a simulation says: figures, each with how sure it is.

use std::collections::BTreeMap;

use domain::economics::EconomicsError;
use domain::economics::basic::Statement;
use domain::economics::break_even::UnitMargin;
use domain::economics::bridge::Bridge;
use domain::economics::exact::{MarginLaw, MarginQuantiles};
use domain::economics::quantity::Share;
use domain::economics::roll_up;
use domain::economics::sample::{Histogram, Quantile, Sorted, share_standard_error};
use domain::economics::scenario::Scenario;
use domain::economics::simulation::{Outcome, PortfolioOutcome, Simulation, Slider, Spread};
use domain::economics::tornado::Tornado;
use domain::event::TenantId;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::Serialize;

use super::inputs::{Inputs, Provenance};
use super::request::{Assumptions, Request};
use super::usage::{Place, Priced};

const BINS: usize = 60;

/// The body of the answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub generator: &'static str,
    pub seed: String,
    pub draws: usize,
    pub floor: Share,
    pub provenance: Provenance,
    pub assumptions: Assumptions,
    /// What a reader must know before believing a figure.
    pub warnings: Vec<String>,
    pub base: Results,
    pub scenarios: Vec<Compared>,
}

/// A scenario beside the base, on the same draws.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    pub name: String,
    pub changes: Scenario,
    pub results: Results,
    /// From the base's profit to this one's, all inputs at their usual values.
    pub bridge: LeverBridge,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeverBridge {
    pub levers: [&'static str; 4],
    #[serde(flatten)]
    pub bridge: Bridge,
}

/// A figure that was drawn.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    pub value: f64,
    pub standard_error: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Distribution {
    pub p5: Figure,
    pub p50: Figure,
    pub p95: Figure,
    pub mean: Figure,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below_floor: Option<Figure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
}

/// One scenario, or the base.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    pub profit_usd: Distribution,
    /// Absent without revenue.
    pub margin: Option<Distribution>,
    pub tornado: Tornado,
    /// As metered and priced, with the penalties to be expected; demand does not answer here.
    pub statement: Totals,
    pub by_tier: BTreeMap<String, Totals>,
    pub by_provider: BTreeMap<String, Totals>,
    pub by_region: BTreeMap<String, Totals>,
    pub break_even: BreakEven,
    pub tenants: Vec<TenantResult>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    #[serde(flatten)]
    pub statement: Statement,
    pub profit_usd: Decimal,
    /// Absent without revenue.
    pub margin: Option<Decimal>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakEven {
    /// By how much costs may rise before the margin reaches the floor. Absent without cost.
    pub cost_change: Option<Decimal>,
    pub sentence: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantResult {
    pub tenant_id: TenantId,
    pub tier: String,
    pub provider: String,
    pub region: String,
    /// Exact, so without a standard error. Absent without revenue.
    pub margin: Option<MarginQuantiles>,
    pub profit_usd: Distribution,
    pub statement: Totals,
}

impl Figure {
    fn quantile(quantile: &Quantile) -> Self {
        let standard_error = Some(quantile.standard_error());
        Figure { value: quantile.value, standard_error }
    }
}

impl Distribution {
    fn new(spread: &Spread) -> Self {
        Distribution {
            p5: Figure::quantile(&spread.p5),
            p50: Figure::quantile(&spread.p50),
            p95: Figure::quantile(&spread.p95),
            mean: Figure { value: spread.mean.value, standard_error: spread.mean.standard_error },
            below_floor: None,
            histogram: None,
        }
    }

    fn with_histogram(self, sorted: &Sorted) -> Self {
        Distribution { histogram: Some(sorted.histogram(BINS)), ..self }
    }
}

impl From<Statement> for Totals {
    fn from(statement: Statement) -> Self {
        Totals { profit_usd: statement.profit_usd(), margin: statement.margin(), statement }
    }
}

impl Results {
    pub(super) fn new(
        inputs: &Inputs,
        simulation: &Simulation,
        outcome: &Outcome,
        scenario: &Scenario,
        request: &Request,
    ) -> Result<Self, EconomicsError> {
        let portfolio = outcome.sums.outcome(&Slider::default())?;
        let statements = statements(inputs, simulation, scenario)?;
        let by = |name: fn(&(Place, Priced)) -> &String| {
            let keyed = inputs.places.iter().map(name).cloned().zip(&statements);
            let groups = roll_up::by(keyed)?.into_iter();
            Ok::<_, EconomicsError>(groups.map(|(name, sum)| (name, sum.into())).collect())
        };
        let total = roll_up::total(&statements)?;
        let tenants = inputs.places.iter().zip(&outcome.tenants).zip(&statements);
        let tenants = tenants.map(|(((place, priced), drawn), statement)| TenantResult {
            tenant_id: place.tenant.clone(),
            tier: priced.tier.clone(),
            provider: place.provider.clone(),
            region: place.region.clone(),
            margin: drawn.margin,
            profit_usd: Distribution::new(&drawn.profit_usd),
            statement: (*statement).into(),
        });
        Ok(Results {
            profit_usd: Distribution::new(&portfolio.profit_usd)
                .with_histogram(&portfolio.profits_usd),
            margin: margin(&portfolio, request.draws),
            tornado: simulation.tornado(),
            statement: total.into(),
            by_tier: by(|(_, priced)| &priced.tier)?,
            by_provider: by(|(place, _)| &place.provider)?,
            by_region: by(|(place, _)| &place.region)?,
            break_even: break_even(&total, request.floor)?,
            tenants: tenants.collect(),
        })
    }
}

fn margin(portfolio: &PortfolioOutcome, draws: usize) -> Option<Distribution> {
    let (margin, sorted) = portfolio.margin.as_ref()?;
    let below = margin.below_floor;
    let standard_error = Some(share_standard_error(below, draws as f64));
    let below_floor = Some(Figure { value: below, standard_error });
    let distribution = Distribution::new(&margin.spread).with_histogram(sorted);
    Some(Distribution { below_floor, ..distribution })
}

/// Of each place: prices and costs as the scenario changes them, and the penalty to be expected.
fn statements(
    inputs: &Inputs,
    simulation: &Simulation,
    scenario: &Scenario,
) -> Result<Vec<Statement>, EconomicsError> {
    let overflow = || EconomicsError::Overflow { what: "a statement" };
    let statement = |(at, (place, priced)): (usize, &(Place, Priced))| {
        let price = scenario.price_of(&priced.tier).factor();
        let cost = scenario.cost_of(&place.provider).factor();
        let revenue = priced.revenue_usd.checked_mul(price).ok_or_else(overflow)?;
        let cost = priced.cost_usd.checked_mul(cost).ok_or_else(overflow)?;
        let rate = simulation.margin_law(at).map_or(0.0, MarginLaw::mean_penalty);
        let rate = Decimal::try_from(rate).map_err(|_| overflow())?;
        Statement::new(revenue, cost, revenue.checked_mul(rate).ok_or_else(overflow)?)
    };
    inputs.places.iter().enumerate().map(statement).collect()
}

fn break_even(total: &Statement, floor: Share) -> Result<BreakEven, EconomicsError> {
    let owed = total.penalty_usd().checked_div(total.revenue_usd()).unwrap_or_default();
    let owed = Share::new("the penalty rate", owed)?;
    let unit = UnitMargin::new(total.cost_usd(), total.revenue_usd(), owed, floor)?;
    let cost_change = unit.cost_change().map(|change| change.round_dp(6));
    let floor = floor.get();
    let percent = |change: Decimal| (change.abs().to_f64().unwrap_or(f64::NAN) * 100.0).round();
    let sentence = match cost_change {
        _ if total.revenue_usd().is_zero() => "Without revenue there is no margin.".to_owned(),
        None => "Without cost no rise matters.".to_owned(),
        Some(change) if change.is_sign_negative() => {
            let percent = percent(change);
            format!("Costs must fall {percent} % before the margin reaches {floor}.")
        }
        Some(change) => {
            format!("Costs can rise {} % before the margin reaches {floor}.", percent(change))
        }
    };
    Ok(BreakEven { cost_change, sentence })
}
