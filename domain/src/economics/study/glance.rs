//! What follows a finger: a slider's figures from draws that were made before it moved.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::answer::{BreakEven, Distribution, Results, TenantResult, break_even, margin};
use super::model::Model;
use super::request::Request;
use crate::economics::EconomicsError;
use crate::economics::basic::Statement;
use crate::economics::quantity::float;
use crate::economics::roll_up;
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{Outcome, Slider};
use crate::event::TenantId;

/// Rows of a list that a person reads.
pub const FALLING_MAX: usize = 12;

/// The figures that change while a slider moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Glance {
    pub profit_usd: Distribution,
    /// Absent without revenue.
    pub margin: Option<Distribution>,
    /// Those likeliest to be below the floor, at most [`FALLING_MAX`].
    pub falling: Vec<Falling>,
    /// How many are below it more likely than not.
    pub fallen: usize,
    /// How many have a margin at all.
    pub tenants: usize,
    pub break_even: BreakEven,
}

/// A tenant's place whose margin may be below the floor. Exact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Falling {
    pub tenant_id: TenantId,
    pub provider: String,
    pub region: String,
    /// Absent where the base has no such place, or no revenue there.
    pub base_p50: Option<f64>,
    pub p50: f64,
    pub below_floor: f64,
}

/// More likely than not.
const LIKELY: f64 = 0.5;

impl Model {
    /// What the draws of this model say when only provider costs move on from its scenario to
    /// another. `None`: something else moves as well, or they move further than sums per draw are
    /// stretched, and draws are needed.
    ///
    /// # Errors
    /// A figure is beyond what numbers can hold.
    pub fn glance(
        &self,
        drawn: (&Scenario, &Outcome, &Results),
        base: &Results,
        to: &Scenario,
        request: &Request,
    ) -> Result<Option<Glance>, EconomicsError> {
        let (from, outcome, results) = drawn;
        let Some(slider) = costs_only(from, to) else { return Ok(None) };
        let portfolio = outcome.sums.outcome(&slider)?;
        let mut below: Vec<(usize, f64)> = Vec::new();
        for (at, share) in self.simulation().below_floor(&slider)?.into_iter().enumerate() {
            below.extend(share.map(|share| (at, share)));
        }
        let (tenants, fallen) =
            (below.len(), below.iter().filter(|(_, share)| *share > LIKELY).count());
        below.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        below.truncate(FALLING_MAX);
        let falling = below.into_iter().map(|it| self.falling(it, &slider, base));
        Ok(Some(Glance {
            profit_usd: Distribution::new(&portfolio.profit_usd)
                .with_histogram(&portfolio.profits_usd),
            margin: margin(&portfolio, request.draws),
            falling: falling.collect::<Result<_, _>>()?,
            fallen,
            tenants,
            break_even: break_even(&moved(results, from, to)?, request.floor)?,
        }))
    }

    fn falling(
        &self,
        (at, below_floor): (usize, f64),
        slider: &Slider,
        base: &Results,
    ) -> Result<Falling, EconomicsError> {
        let law = self.simulation().margin_law_at(at, slider)?;
        let place = &self.usage()[at];
        let same = |it: &&TenantResult| {
            (&it.tenant_id, &it.provider, &it.region)
                == (&place.tenant_id, &place.provider, &place.region)
        };
        let before = base.tenants.iter().find(same).and_then(|it| it.margin.as_ref());
        Ok(Falling {
            tenant_id: place.tenant_id.clone(),
            provider: place.provider.clone(),
            region: place.region.clone(),
            base_p50: before.map(|margin| margin.p50),
            p50: law.map_or(f64::NAN, |law| law.quantile(0.5)),
            below_floor,
        })
    }
}

/// The factors from one scenario's costs to another's, if they differ in nothing else, and as far as
/// a slider goes.
fn costs_only(from: &Scenario, to: &Scenario) -> Option<Slider> {
    let at_rest = |scenario: &Scenario| Scenario { cost: BTreeMap::new(), ..scenario.clone() };
    if at_rest(from) != at_rest(to) {
        return None;
    }
    let providers = from.cost.keys().chain(to.cost.keys());
    let cost = providers.map(|provider| (provider.clone(), factor(provider, from, to))).collect();
    let slider = Slider { cost, ..Slider::default() };
    slider.check().is_ok().then_some(slider)
}

fn factor(provider: &str, from: &Scenario, to: &Scenario) -> f64 {
    let [from, to] = [from, to].map(|scenario| float(scenario.cost_of(provider).factor()));
    to / from
}

/// The drawn statement with its costs moved on.
fn moved(results: &Results, from: &Scenario, to: &Scenario) -> Result<Statement, EconomicsError> {
    let overflow = || EconomicsError::Overflow { what: "a statement" };
    let statement = |(provider, totals): (&String, &super::Totals)| {
        let was = totals.statement;
        let factor = |scenario: &Scenario| -> Decimal { scenario.cost_of(provider).factor() };
        let cost = was.cost_usd().checked_div(factor(from));
        let cost = cost.and_then(|cost| cost.checked_mul(factor(to))).ok_or_else(overflow)?;
        Statement::new(was.revenue_usd(), cost, was.penalty_usd())
    };
    let statements = results.by_provider.iter().map(statement);
    roll_up::total(&statements.collect::<Result<Vec<_>, _>>()?)
}
