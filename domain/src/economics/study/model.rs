//! One scenario of a study, ready to be drawn, and what its draws come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::answer::{Distribution, Results, TenantResult, Totals, break_even, margin};
use super::inputs::{Inputs, PlaceUsage};
use super::request::Request;
use super::routed::routed;
use crate::economics::EconomicsError;
use crate::economics::basic::Statement;
use crate::economics::exact::MarginLaw;
use crate::economics::roll_up;
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{Outcome, Simulation, Slider};

/// A scenario upon the inputs, worked out as far as no draw is needed.
#[derive(Clone, Debug)]
pub struct Model {
    /// In the order of the simulation's tenants.
    usage: Vec<PlaceUsage>,
    /// Without the routing, which has been applied to the usage.
    changes: Scenario,
    simulation: Arc<Simulation>,
}

impl Model {
    /// # Errors
    /// The scenario changes what does not exist, or a number is outside what its field can mean.
    pub fn new(
        inputs: &Inputs,
        request: &Request,
        scenario: &Scenario,
    ) -> Result<Self, EconomicsError> {
        let assumptions = &request.assumptions;
        let mut portfolio = inputs.portfolio(&inputs.usage, assumptions)?;
        scenario.check(&inputs.known())?;
        let mut usage = inputs.usage.clone();
        if !scenario.routing.is_empty() {
            usage = routed(&usage, &scenario.routing)?;
            portfolio = inputs.portfolio(&usage, assumptions)?;
        }
        let mut changes = Scenario { routing: BTreeMap::new(), ..scenario.clone() };
        // A provider that gets no traffic any more has no cost that could change.
        let known = portfolio.known();
        changes.cost.retain(|provider, _| known.providers.contains(provider.as_str()));
        let uncertainty = inputs.uncertainty(assumptions)?;
        let simulation = Simulation::new(&portfolio, &uncertainty, &changes, request.plan())?;
        Ok(Model { usage, changes, simulation: Arc::new(simulation) })
    }

    #[must_use]
    pub const fn simulation(&self) -> &Arc<Simulation> {
        &self.simulation
    }

    pub(super) fn usage(&self) -> &[PlaceUsage] {
        &self.usage
    }

    /// # Errors
    /// A sum is too large to be stated.
    pub fn results(&self, outcome: &Outcome, request: &Request) -> Result<Results, EconomicsError> {
        let portfolio = outcome.sums.outcome(&Slider::default())?;
        let statements = self.statements()?;
        let by = |name: fn(&PlaceUsage) -> &String| {
            let keyed = self.usage.iter().map(name).cloned().zip(&statements);
            let groups = roll_up::by(keyed)?.into_iter();
            Ok::<_, EconomicsError>(groups.map(|(name, sum)| (name, Totals::from(sum))).collect())
        };
        let total = roll_up::total(&statements)?;
        let tenants = self.usage.iter().zip(&outcome.tenants).zip(&statements);
        let tenants = tenants.map(|((place, drawn), statement)| TenantResult {
            tenant_id: place.tenant_id.clone(),
            tier: place.tier.clone(),
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
            tornado: self.simulation.tornado(),
            statement: total.into(),
            by_tier: by(|place| &place.tier)?,
            by_provider: by(|place| &place.provider)?,
            by_region: by(|place| &place.region)?,
            break_even: break_even(&total, request.floor)?,
            tenants: tenants.collect(),
        })
    }

    /// Of each place: usage, prices and costs as the scenario changes them, and the penalty to be
    /// expected.
    fn statements(&self) -> Result<Vec<Statement>, EconomicsError> {
        self.usage.iter().enumerate().map(|(at, place)| self.statement(at, place)).collect()
    }

    fn statement(&self, at: usize, place: &PlaceUsage) -> Result<Statement, EconomicsError> {
        let changes = &self.changes;
        let more = changes.usage_of(&place.tier).factor();
        let times = |usd: Decimal, factor: Decimal| {
            let product = usd.checked_mul(more).and_then(|usd| usd.checked_mul(factor));
            product.ok_or(EconomicsError::Overflow { what: "a statement" })
        };
        let price = changes.price_factor(&place.tier, place.tenant_id.as_str());
        let revenue = times(place.revenue_usd, price)?;
        let cost = times(place.cost_usd, changes.cost_of(&place.provider).factor())?;
        let rate = self.simulation.margin_law(at).map_or(0.0, MarginLaw::mean_penalty);
        let overflow = EconomicsError::Overflow { what: "a statement" };
        let owed = Decimal::try_from(rate).ok().and_then(|rate| revenue.checked_mul(rate));
        Statement::new(revenue, cost, owed.ok_or(overflow)?)
    }
}
