//! The draws of a few tenants: the inner loops, and what they leave behind.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::economics::EconomicsError;
use crate::economics::exact::MarginQuantiles;
use crate::economics::probability::exponentials;
use crate::economics::sample::{Mean, Quantile, Sorted, quantiles_with_errors};
use crate::economics::simulation::Simulation;
use crate::economics::simulation::factor::{Source, fill};
use crate::economics::simulation::position::{Penalty, Position};
use crate::economics::simulation::uncertainty::Input;

/// The step in which a simulation advances: some ten milliseconds of work, so that a caller can
/// show progress and stop. Sums run within a block and then over blocks; another size would give
/// other bits.
pub const TENANTS_PER_BLOCK: usize = 32;

/// What a sample of a quantity says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    pub p5: Quantile,
    pub p50: Quantile,
    pub p95: Quantile,
    pub mean: Mean,
}

/// What a sample of margins says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MarginSpread {
    #[serde(flatten)]
    pub spread: Spread,
    /// The share of draws strictly below the floor.
    pub below_floor: f64,
}

/// What is known of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantOutcome {
    /// Exact. Absent without revenue.
    pub margin: Option<MarginQuantiles>,
    /// Drawn.
    pub profit_usd: Spread,
}

/// One tenant, draw by draw: for a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantDraws {
    /// Absent without revenue.
    pub margin: Option<Vec<f64>>,
    pub profit_usd: Vec<f64>,
}

/// Per draw, what the tenants of a group brought in, cost and were owed. US dollars.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct GroupDraws {
    pub(super) revenue: Vec<f64>,
    pub(super) cost: Vec<f64>,
    pub(super) penalty: Vec<f64>,
}

/// The finished draws of [`TENANTS_PER_BLOCK`] tenants.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub(super) index: usize,
    pub(super) tenants: Vec<TenantOutcome>,
    /// By number of the group.
    pub(super) groups: BTreeMap<usize, GroupDraws>,
}

impl Spread {
    /// Without the sorted sample: where nobody draws a histogram of it.
    ///
    /// # Errors
    /// See [`Sorted::new`].
    fn alone(values: &[f64]) -> Result<Self, EconomicsError> {
        let none = EconomicsError::TooFew { what: "values of a sample", count: 0, min: 1 };
        let mean = Mean::of(values).ok_or(none)?;
        let [p5, p50, p95] = quantiles_with_errors(values, [0.05, 0.5, 0.95])?;
        Ok(Spread { p5, p50, p95, mean })
    }

    /// # Errors
    /// See [`Sorted::new`].
    pub fn of(values: Vec<f64>) -> Result<(Self, Sorted), EconomicsError> {
        // Summed in the order of the draws, before they are sorted.
        let none = EconomicsError::TooFew { what: "values of a sample", count: 0, min: 1 };
        let mean = Mean::of(&values).ok_or(none)?;
        let sorted = Sorted::new(values)?;
        let spread = Spread {
            p5: sorted.quantile_with_error(0.05),
            p50: sorted.quantile_with_error(0.5),
            p95: sorted.quantile_with_error(0.95),
            mean,
        };
        Ok((spread, sorted))
    }
}

impl MarginSpread {
    /// # Errors
    /// See [`Sorted::new`].
    pub fn of(margins: Vec<f64>, floor: f64) -> Result<(Self, Sorted), EconomicsError> {
        let (spread, sorted) = Spread::of(margins)?;
        Ok((MarginSpread { spread, below_floor: sorted.share_below(floor) }, sorted))
    }
}

impl GroupDraws {
    pub(super) fn zero(draws: usize) -> Self {
        GroupDraws { revenue: vec![0.0; draws], cost: vec![0.0; draws], penalty: vec![0.0; draws] }
    }

    pub(super) fn add(&mut self, other: &GroupDraws) {
        for (sums, more) in [
            (&mut self.revenue, &other.revenue),
            (&mut self.cost, &other.cost),
            (&mut self.penalty, &other.penalty),
        ] {
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum += more;
            }
        }
    }
}

/// One tenant's draws, in buffers that the next tenant uses again.
pub(super) struct Drawing<'a> {
    simulation: &'a Simulation,
    own: Vec<f64>,
    other: Vec<f64>,
    usage: Vec<f64>,
    unit_cost: Vec<f64>,
    rate: Vec<f64>,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(simulation: &'a Simulation) -> Self {
        let buffer = || vec![0.0; simulation.draws()];
        Drawing {
            simulation,
            own: buffer(),
            other: buffer(),
            usage: buffer(),
            unit_cost: buffer(),
            rate: buffer(),
        }
    }

    /// Draws a tenant, adds it to its group, and says what is known of it.
    pub(super) fn tenant(
        &mut self,
        position: &Position,
        group: &mut GroupDraws,
    ) -> Result<TenantOutcome, EconomicsError> {
        self.draw(position);
        let profit_usd = Spread::alone(&self.profits(position, group))?;
        let floor = self.simulation.floor();
        let margin = position.margin.as_ref().map(|law| law.quantiles(floor));
        Ok(TenantOutcome { margin, profit_usd })
    }

    /// Draws a tenant and adds it to these sums.
    pub(super) fn add(&mut self, position: &Position, sums: &mut GroupDraws) {
        self.draw(position);
        drop(self.profits(position, sums));
    }

    pub(super) fn tenant_draws(&mut self, position: &Position) -> TenantDraws {
        self.draw(position);
        let mut alone = GroupDraws::zero(self.simulation.draws());
        TenantDraws {
            margin: position.margin.is_some().then(|| self.margins(position)),
            profit_usd: self.profits(position, &mut alone),
        }
    }

    fn draw(&mut self, position: &Position) {
        self.draw_usage(position);
        self.draw_unit_cost(position);
        self.draw_rate(position);
    }

    /// `exp(usage_ln + σu z₁ + w z₄)`.
    fn draw_usage(&mut self, position: &Position) {
        self.usage.fill(position.usage_ln);
        let simulation = self.simulation;
        for (weight, source, input) in [
            (position.usage_sigma, position.sources.usage, Input::Usage),
            (position.elasticity_weight, position.sources.elasticity, Input::Elasticity),
        ] {
            if weight != 0.0 {
                let draws = series(simulation, source, input, &mut self.own);
                for (usage, z) in self.usage.iter_mut().zip(draws) {
                    *usage += weight * z;
                }
            }
        }
        exponentials(&mut self.usage);
    }

    /// `c · exp(σc z₀ − σc²/2)`, and the provider's jumps.
    fn draw_unit_cost(&mut self, position: &Position) {
        let sigma = position.cost_sigma;
        if sigma > 0.0 {
            let draws = series(self.simulation, position.sources.cost, Input::Cost, &mut self.own);
            for (cost, z) in self.unit_cost.iter_mut().zip(draws) {
                *cost = sigma * z - sigma * sigma / 2.0;
            }
            exponentials(&mut self.unit_cost);
        } else {
            self.unit_cost.fill(1.0);
        }
        for cost in &mut self.unit_cost {
            *cost *= position.cost;
        }
        if let Some(jumps) = position.jumps {
            for (cost, jump) in self.unit_cost.iter_mut().zip(self.simulation.factor(jumps)) {
                *cost *= jump;
            }
        }
    }

    /// The step of each ladder at its draw, looked up in the table of both.
    fn draw_rate(&mut self, position: &Position) {
        let Penalty { latency_bounds, downtime_bounds, rates, .. } = &position.penalty;
        if let [only] = rates.as_slice() {
            self.rate.fill(*only);
            return;
        }
        let sources = position.sources;
        let simulation = self.simulation;
        let latency = series(simulation, sources.latency, Input::Latency, &mut self.own);
        let downtime = series(simulation, sources.downtime, Input::Downtime, &mut self.other);
        let columns = downtime_bounds.len() + 1;
        for ((rate, latency), downtime) in self.rate.iter_mut().zip(latency).zip(downtime) {
            let row = passed(latency_bounds, *latency);
            let column = passed(downtime_bounds, *downtime);
            *rate = rates[row * columns + column];
        }
    }

    /// `1 − c/p − rate`: usage cancels out.
    fn margins(&self, position: &Position) -> Vec<f64> {
        let per_price = 1.0 / position.price;
        let draws = self.unit_cost.iter().zip(&self.rate);
        draws.map(|(cost, rate)| 1.0 - cost * per_price - rate).collect()
    }

    fn profits(&self, position: &Position, group: &mut GroupDraws) -> Vec<f64> {
        let inputs = self.usage.iter().zip(&self.unit_cost).zip(&self.rate);
        let sums = group.revenue.iter_mut().zip(&mut group.cost).zip(&mut group.penalty);
        let draws = inputs.zip(sums);
        draws
            .map(|(((usage, unit_cost), rate), ((revenue_sum, cost_sum), penalty_sum))| {
                let revenue = position.price * usage;
                let (cost, penalty) = (unit_cost * usage, revenue * rate);
                *revenue_sum += revenue;
                *cost_sum += cost;
                *penalty_sum += penalty;
                revenue - cost - penalty
            })
            .collect()
    }
}

/// The draws of an input: the shared series, or the tenant's own drawn into the buffer.
fn series<'b>(
    simulation: &'b Simulation,
    source: Source,
    input: Input,
    buffer: &'b mut [f64],
) -> &'b [f64] {
    match source {
        Source::Shared(at) => simulation.factor(at),
        Source::Own(stream) => {
            fill(stream, input, buffer);
            buffer
        }
    }
}

/// How many of the rising bounds a draw has passed.
fn passed(bounds: &[f64], uniform: f64) -> usize {
    bounds.iter().map(|bound| usize::from(uniform > *bound)).sum()
}
