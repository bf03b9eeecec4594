//! What a simulation says: figures, each with how sure it is.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::bridge::LeverBridge;
use super::inputs::{Inputs, Provenance};
use super::request::{Asked, Assumptions, Request};
use crate::economics::EconomicsError;
use crate::economics::basic::Statement;
use crate::economics::break_even::UnitMargin;
use crate::economics::draw::GENERATOR;
use crate::economics::exact::MarginQuantiles;
use crate::economics::quantity::Share;
use crate::economics::sample::{Histogram, Quantile, Sorted, share_standard_error};
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{PortfolioOutcome, Spread};
use crate::economics::tornado::Tornado;
use crate::event::TenantId;

const BINS: usize = 60;

/// The body of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub generator: String,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    pub name: String,
    pub changes: Scenario,
    pub results: Results,
    /// From the base's profit to this one's, all inputs at their usual values.
    pub bridge: LeverBridge,
}

/// A figure that was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    pub value: f64,
    pub standard_error: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Distribution {
    pub p5: Figure,
    pub p50: Figure,
    pub p95: Figure,
    pub mean: Figure,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below_floor: Option<Figure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
}

/// One scenario, or the base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    #[serde(flatten)]
    pub statement: Statement,
    pub profit_usd: Decimal,
    /// Absent without revenue.
    pub margin: Option<Decimal>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakEven {
    /// By how much costs may rise before the margin reaches the floor; negative: must fall. Absent
    /// without cost, without revenue, and where no cost is low enough.
    pub cost_change: Option<Decimal>,
    pub sentence: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

impl Answer {
    /// Puts together what was drawn; the scenarios in the order of the request.
    ///
    /// # Errors
    /// See [`Inputs::provenance`].
    pub fn new(
        inputs: &Inputs,
        request: &Request,
        base: Results,
        scenarios: Vec<Compared>,
    ) -> Result<Self, EconomicsError> {
        let provenance = inputs.provenance(request)?;
        Ok(Answer {
            generator: GENERATOR.to_owned(),
            seed: request.seed.to_string(),
            draws: request.draws,
            floor: request.floor,
            warnings: warnings(&provenance, request),
            provenance,
            assumptions: request.assumptions.clone(),
            base,
            scenarios,
        })
    }
}

impl Compared {
    /// # Errors
    /// What the bridge between base and scenario cannot state.
    pub fn new(
        inputs: &Inputs,
        request: &Request,
        asked: &Asked,
        results: Results,
    ) -> Result<Self, EconomicsError> {
        Ok(Compared {
            name: asked.name.trim().to_owned(),
            changes: asked.changes.clone(),
            results,
            bridge: LeverBridge::new(inputs, request, &asked.changes)?,
        })
    }
}

impl Figure {
    fn quantile(quantile: &Quantile) -> Self {
        let standard_error = Some(quantile.standard_error());
        Figure { value: quantile.value, standard_error }
    }
}

impl Distribution {
    pub(super) fn new(spread: &Spread) -> Self {
        Distribution {
            p5: Figure::quantile(&spread.p5),
            p50: Figure::quantile(&spread.p50),
            p95: Figure::quantile(&spread.p95),
            mean: Figure { value: spread.mean.value, standard_error: spread.mean.standard_error },
            below_floor: None,
            histogram: None,
        }
    }

    pub(super) fn with_histogram(self, sorted: &Sorted) -> Self {
        Distribution { histogram: Some(sorted.histogram(BINS)), ..self }
    }
}

impl From<Statement> for Totals {
    fn from(statement: Statement) -> Self {
        Totals { profit_usd: statement.profit_usd(), margin: statement.margin(), statement }
    }
}

pub(super) fn margin(portfolio: &PortfolioOutcome, draws: usize) -> Option<Distribution> {
    let (margin, sorted) = portfolio.margin.as_ref()?;
    let below = margin.below_floor;
    let standard_error = Some(share_standard_error(below, draws as f64));
    let below_floor = Some(Figure { value: below, standard_error });
    let distribution = Distribution::new(&margin.spread).with_histogram(sorted);
    Some(Distribution { below_floor, ..distribution })
}

pub(super) fn break_even(total: &Statement, floor: Share) -> Result<BreakEven, EconomicsError> {
    let owed = total.penalty_usd().checked_div(total.revenue_usd()).unwrap_or_default();
    let owed = Share::new("the penalty rate", owed)?;
    let unit = UnitMargin::new(total.cost_usd(), total.revenue_usd(), owed, floor)?;
    let cost_change = unit.cost_change().map(|change| change.round_dp(6));
    let floor = (floor.get() * Decimal::ONE_HUNDRED).normalize();
    let none = |sentence: String| Ok(BreakEven { cost_change: None, sentence });
    let change = match cost_change {
        _ if total.revenue_usd().is_zero() => {
            return none("Without revenue there is no margin.".to_owned());
        }
        None => return none("Without cost no rise matters.".to_owned()),
        // What is owed already takes more than the floor leaves.
        Some(change) if change <= Decimal::NEGATIVE_ONE => {
            return none(format!("No cost is low enough for a margin of {floor} %."));
        }
        Some(change) => change,
    };
    let size = percent(change.abs());
    let sentence = if size.is_zero() {
        format!("The margin is {floor} %: costs have no room left.")
    } else if change.is_sign_negative() {
        format!("Costs must fall {size} % before the margin reaches {floor} %.")
    } else {
        format!("Costs can rise {size} % before the margin reaches {floor} %.")
    };
    Ok(BreakEven { cost_change: Some(change), sentence })
}

/// In percent: whole ones from 10 on, one decimal below.
fn percent(share: Decimal) -> Decimal {
    let percent = share * Decimal::ONE_HUNDRED;
    percent.round_dp(u32::from(percent < Decimal::TEN)).normalize()
}

fn warnings(provenance: &Provenance, request: &Request) -> Vec<String> {
    let mut warnings = Vec::new();
    let excluded = provenance.sources.excluded.len();
    if excluded > 0 {
        let models = if excluded == 1 { "model has" } else { "models have" };
        warnings.push(format!(
            "{excluded} {models} no price, a provider's or a tier's: usage of it is left out of \
             every figure."
        ));
    }
    let moves_price =
        |it: &Asked| !it.changes.price.is_empty() || !it.changes.tenant_price.is_empty();
    if request.scenarios.iter().any(moves_price) {
        let elasticity = request.assumptions.elasticity;
        warnings.push(format!(
            "How usage answers to a price is an assumption: an elasticity of {elasticity}."
        ));
    }
    if request.scenarios.iter().any(|asked| !asked.changes.routing.is_empty()) {
        warnings.push(
            "What a tenant's traffic costs at a provider that it has not used is what all usage \
             there costs on average."
                .to_owned(),
        );
    }
    let rows = provenance.sources.inexact_rows;
    if rows > 0 {
        warnings.push(format!(
            "{rows} rows of usage were costed at ordinary rates: an hour's sum does not tell which \
             requests were long or off-peak."
        ));
    }
    if provenance.latency.values().any(|latency| latency.assumed) {
        warnings.push("Some places' requests stated no latency: theirs is assumed.".to_owned());
    }
    warnings
}
