//! Many tenants, many draws: distributions of profit and portfolio margin, which have no closed
//! form.
//!
//! A [`Simulation`] is a [`Portfolio`] under a scenario, worked out as far as no draw is needed. Its
//! tenants are drawn block by block ([`Run`]), and of each block only summaries and sums per draw
//! are kept: memory grows with tenants plus draws, never with their product. [`DrawSums`] then
//! answer sliders at once. A single tenant's margin needs no draws: [`Simulation::margin_law`] is
//! exact.
//!
//! Draws depend on seed, name, draw and input alone (see [`crate::economics::draw`]), so two
//! scenarios of one seed share their draws, and their difference is not drowned in noise.

mod block;
mod factor;
mod portfolio;
mod position;
mod run;
mod sums;
mod uncertainty;

use crate::economics::EconomicsError;
use crate::economics::draw::Seed;
use crate::economics::exact::MarginLaw;
use crate::economics::quantity::{Share, count};
use crate::economics::scenario::Scenario;
use crate::economics::tornado::{Lever, Tornado, rank_correlation};

pub use block::{Block, MarginSpread, Spread, TENANTS_PER_BLOCK, TenantDraws, TenantOutcome};
pub use factor::Factor;
pub use portfolio::{Group, Portfolio, Promises, TENANTS_MAX, Tenant};
pub use run::{Outcome, Progress, Run};
pub use sums::{DrawSums, PortfolioDraws, PortfolioOutcome, Slider};
pub use uncertainty::{Dependence, Input, Sharing, Uncertainty};

use block::Drawing;
use factor::Factors;
use position::{Place, Point, Position, Sources};

/// Beyond, the standard error is a thousandth of the deviation and the model's own error rules.
pub const DRAWS_MAX: usize = 1_000_000;
/// Fewer have no 5 % quantile worth a name.
pub const DRAWS_MIN: usize = 100;
/// Numbers held at once, in sums and in shared series: 64 MB.
pub const CELLS_MAX: usize = 8_000_000;
/// Draws of all tenants together: minutes of work, not hours.
pub const TENANT_DRAWS_MAX: usize = 1_000_000_000;
/// A tornado moves each input to its 10 % and 90 % quantile.
pub const TORNADO_Z: f64 = 1.2816;

/// How a simulation is to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub seed: Seed,
    pub draws: usize,
    /// The margin below which a tenant is under water.
    pub floor: Share,
}

/// A portfolio under a scenario, ready to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulation {
    positions: Vec<Position>,
    factors: Factors,
    groups: Vec<Group>,
    draws: usize,
    floor: f64,
}

impl Simulation {
    /// # Errors
    /// Too many or too few draws; a scenario that changes what the portfolio does not have; a
    /// number outside what its field can mean.
    pub fn new(
        portfolio: &Portfolio,
        uncertainty: &Uncertainty,
        scenario: &Scenario,
        plan: Plan,
    ) -> Result<Self, EconomicsError> {
        uncertainty.check()?;
        scenario.check(&portfolio.known())?;
        scenario.check_undivided()?;
        let groups = portfolio.groups();
        check_size(portfolio, groups.len(), plan.draws)?;
        let mut factors = Factors::default();
        let mut positions = Vec::with_capacity(portfolio.tenants().len());
        for tenant in portfolio.tenants() {
            let place = place(tenant, uncertainty, &groups, &mut factors, plan);
            let promises = portfolio.promises(&tenant.tier)?;
            positions.push(Position::new(tenant, promises, scenario, uncertainty, place)?);
        }
        let floor = plan.floor.to_float();
        Ok(Simulation { positions, factors, groups, draws: plan.draws, floor })
    }

    /// Begins to draw.
    #[must_use]
    pub fn start(&self) -> Run<&Self> {
        Run::new(self)
    }

    /// Draws everything, one block after another.
    ///
    /// # Errors
    /// See [`Run::advance`].
    pub fn run(&self) -> Result<Outcome, EconomicsError> {
        let mut run = self.start();
        while !run.advance()?.is_complete() {}
        run.finish()
    }

    #[must_use]
    pub const fn blocks(&self) -> usize {
        self.positions.len().div_ceil(TENANTS_PER_BLOCK)
    }

    /// Draws one block, from 0 to [`Simulation::blocks`]; one beyond is empty. Needs no other.
    ///
    /// # Errors
    /// A draw leads beyond what numbers can hold.
    pub fn block(&self, index: usize) -> Result<Block, EconomicsError> {
        let first = index.saturating_mul(TENANTS_PER_BLOCK);
        let positions = self.positions.iter().skip(first).take(TENANTS_PER_BLOCK);
        let mut drawing = Drawing::new(self);
        let mut block = Block { index, tenants: Vec::new(), groups: Default::default() };
        for position in positions {
            let group = block.groups.entry(position.group);
            let group = group.or_insert_with(|| block::GroupDraws::zero(self.draws));
            block.tenants.push(drawing.tenant(position, group)?);
        }
        Ok(block)
    }

    /// The draws of one tenant, by its place in the portfolio. `None` if there is no such tenant.
    #[must_use]
    pub fn tenant_draws(&self, tenant: usize) -> Option<TenantDraws> {
        Some(Drawing::new(self).tenant_draws(self.positions.get(tenant)?))
    }

    /// What these tenants brought in, cost and were owed together, draw by draw, by their places in
    /// the portfolio. US dollars. For what is one tenant in several places, whose margin has no law.
    #[must_use]
    pub fn amounts_of(&self, tenants: &[usize]) -> Vec<[f64; 3]> {
        let mut drawing = Drawing::new(self);
        let mut sums = block::GroupDraws::zero(self.draws);
        for position in tenants.iter().filter_map(|at| self.positions.get(*at)) {
            drawing.add(position, &mut sums);
        }
        let draws = sums.revenue.iter().zip(&sums.cost).zip(&sums.penalty);
        draws.map(|((revenue, cost), penalty)| [*revenue, *cost, *penalty]).collect()
    }

    /// The exact distribution of a tenant's margin, by its place in the portfolio. `None` without
    /// revenue, or if there is no such tenant.
    #[must_use]
    pub fn margin_law(&self, tenant: usize) -> Option<&MarginLaw> {
        self.positions.get(tenant)?.margin.as_ref()
    }

    /// [`Simulation::margin_law`] with the sliders where they stand.
    ///
    /// # Errors
    /// See [`Slider::check`].
    pub fn margin_law_at(
        &self,
        tenant: usize,
        slider: &Slider,
    ) -> Result<Option<MarginLaw>, EconomicsError> {
        slider.check()?;
        let position = self.positions.get(tenant);
        Ok(position.and_then(|position| {
            let weight = slider.weights(&self.groups[position.group]);
            let law = position.margin.as_ref()?;
            Some(law.scaled(weight.cost / weight.price, weight.penalty))
        }))
    }

    /// `P(margin < floor)` of every tenant with the sliders where they stand, exactly; absent
    /// without revenue.
    ///
    /// # Errors
    /// See [`Slider::check`].
    pub fn below_floor(&self, slider: &Slider) -> Result<Vec<Option<f64>>, EconomicsError> {
        slider.check()?;
        let weights: Vec<_> = self.groups.iter().map(|group| slider.weights(group)).collect();
        let below = |position: &Position| {
            let weight = weights[position.group];
            let law = position.margin.as_ref()?;
            Some(law.scaled(weight.cost / weight.price, weight.penalty).below(self.floor))
        };
        Ok(self.positions.iter().map(below).collect())
    }

    /// The portfolio's profit with one input of all tenants at its 10 % and 90 % quantile.
    #[must_use]
    pub fn tornado(&self) -> Tornado {
        Tornado::one_at_a_time(&levers(), |z| {
            let point = Point::of(z);
            self.positions.iter().map(|position| position.at(point).profit()).sum()
        })
    }

    /// A tenant's margin with one input at its 10 % and 90 % quantile. `None` without revenue, or
    /// if there is no such tenant.
    #[must_use]
    pub fn tenant_tornado(&self, tenant: usize) -> Option<Tornado> {
        let position = self.positions.get(tenant).filter(|position| position.margin.is_some())?;
        Some(Tornado::one_at_a_time(&levers(), |z| {
            let amounts = position.at(Point::of(z));
            amounts.profit() / amounts.revenue
        }))
    }

    /// The series that tenants share, in the order in which they were first needed.
    #[must_use]
    pub fn factors(&self) -> &[Factor] {
        &self.factors.series
    }

    /// Spearman's correlation of each shared series with a result per draw, such as the
    /// portfolio's margin. For downtime and latency, of their uniform draws: ranks are the same.
    #[must_use]
    pub fn rank_correlations(&self, result: &[f64]) -> Vec<(&Factor, Option<f64>)> {
        let correlation = |factor: &Factor| rank_correlation(&factor.draws, result);
        self.factors().iter().map(|factor| (factor, correlation(factor))).collect()
    }

    /// The pairs of provider and region, in the order of the sums.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    #[must_use]
    pub const fn tenants(&self) -> usize {
        self.positions.len()
    }

    #[must_use]
    pub const fn draws(&self) -> usize {
        self.draws
    }

    const fn floor(&self) -> f64 {
        self.floor
    }

    fn factor(&self, at: usize) -> &[f64] {
        &self.factors.series[at].draws
    }
}

fn check_size(portfolio: &Portfolio, groups: usize, draws: usize) -> Result<(), EconomicsError> {
    let tenants = portfolio.tenants().len();
    let reason = "more change the answer less than the model's own error";
    count("draws", draws, DRAWS_MIN, DRAWS_MAX, reason)?;
    let work = tenants.saturating_mul(draws);
    count("draws of all tenants", work, 0, TENANT_DRAWS_MAX, "they would take hours")?;
    let known = portfolio.known();
    // Each draw holds three sums a group, and at most three series a provider, region or tier.
    let names = known.providers.len() + known.regions.len() + known.tiers.len();
    let cells = draws.saturating_mul(3 * groups + 3 * names);
    count("sums and series times draws", cells, 0, CELLS_MAX, "they are held in memory")
}

fn place(
    tenant: &Tenant,
    uncertainty: &Uncertainty,
    groups: &[Group],
    factors: &mut Factors,
    plan: Plan,
) -> Place {
    let drawn = (plan.seed, plan.draws);
    let mut source = |input| factors.source(tenant, input, &uncertainty.dependence, drawn);
    let sources = Sources {
        cost: source(Input::Cost),
        usage: source(Input::Usage),
        latency: source(Input::Latency),
        downtime: source(Input::Downtime),
        elasticity: source(Input::Elasticity),
    };
    let here = |group: &&Group| group.provider == tenant.provider && group.region == tenant.region;
    // Every tenant's pair is among the groups; they were made from the tenants.
    let group = groups.iter().position(|group| here(&group)).unwrap_or_default();
    Place { group, sources, jumps: factors.jumps(tenant, uncertainty, drawn) }
}

fn levers() -> [Lever<'static>; 5] {
    let lever =
        |input: Input| Lever { name: input.name(), base: 0.0, low: -TORNADO_Z, high: TORNADO_Z };
    Input::TORNADO.map(lever)
}
