//! A tenant under a scenario, worked out as far as no draw is needed.

use crate::economics::EconomicsError;
use crate::economics::exact::MarginLaw;
use crate::economics::penalty::{Steps, both, joint};
use crate::economics::probability::normal_below;
use crate::economics::quantity::{Share, float};
use crate::economics::scenario::Scenario;
use crate::economics::simulation::factor::Source;
use crate::economics::simulation::portfolio::{Promises, Tenant};
use crate::economics::simulation::uncertainty::{Input, Uncertainty};

/// `unit cost = c·exp(σc z₀ − σc²/2)`, `usage = exp(ln u + e₀ ln(1+δ) − σu²/2 + σu z₁ + σe ln(1+δ) z₄)`,
/// `rate = min(1, latency step(z₂) + downtime step(z₃))`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Position {
    pub(super) group: usize,
    pub(super) sources: Sources,
    /// The series of the provider's price jumps.
    pub(super) jumps: Option<usize>,
    /// After the scenario's change, in US dollars a thousand tokens.
    pub(super) price: f64,
    pub(super) cost: f64,
    pub(super) cost_sigma: f64,
    pub(super) usage_ln: f64,
    pub(super) usage_sigma: f64,
    /// `σe · ln(1 + δ)`: 0 where our price did not change.
    pub(super) elasticity_weight: f64,
    pub(super) penalty: Penalty,
    /// Exact. `None` without revenue.
    pub(super) margin: Option<MarginLaw>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sources {
    pub(super) cost: Source,
    pub(super) usage: Source,
    pub(super) latency: Source,
    pub(super) downtime: Source,
    pub(super) elasticity: Source,
}

/// What is owed at two uniform draws: a table with a row for each latency step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Penalty {
    latency: Steps,
    downtime: Steps,
    pub(super) latency_bounds: Vec<f64>,
    pub(super) downtime_bounds: Vec<f64>,
    pub(super) rates: Vec<f64>,
}

/// Normal draws of the five inputs of a tornado.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) cost: f64,
    pub(super) usage: f64,
    pub(super) latency: f64,
    pub(super) downtime: f64,
    pub(super) elasticity: f64,
}

/// Revenue, cost and what is owed, in US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Amounts {
    pub(super) revenue: f64,
    pub(super) cost: f64,
    pub(super) penalty: f64,
}

impl Amounts {
    pub(super) fn profit(&self) -> f64 {
        self.revenue - self.cost - self.penalty
    }
}

/// What places a tenant in a simulation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) group: usize,
    pub(super) sources: Sources,
    pub(super) jumps: Option<usize>,
}

impl Position {
    pub(super) fn new(
        tenant: &Tenant,
        promises: &Promises,
        scenario: &Scenario,
        uncertainty: &Uncertainty,
        place: Place,
    ) -> Result<Self, EconomicsError> {
        let factor = float(scenario.price_factor(&tenant.tier, tenant.payer.as_str()));
        let change_ln = libm::log(factor);
        let price = tenant.price_usd_per_k * factor;
        let cost = tenant.cost_usd_per_k * scenario.cost_of(&tenant.provider).to_factor();
        let latency = match scenario.latency_penalty_of(&tenant.tier) {
            Some(rate) => Steps::certain(rate),
            None => Steps::of_latency(
                &promises.attainment,
                &tenant.latency,
                tenant.promised_s,
                scenario.latency_of(&tenant.region),
                uncertainty.latency_sigma,
            )?,
        };
        let downtime = Steps::of_downtime(&promises.uptime, uncertainty.downtime);
        let usage_k = tenant.usage_k * scenario.usage_of(&tenant.tier).to_factor();
        let earns = price > 0.0 && tenant.usage_k > 0.0;
        let margin = || margin_law(tenant, cost / price, &joint(&latency, &downtime), uncertainty);
        let margin = earns.then(margin).transpose()?;
        let drift = tenant.usage_sigma * tenant.usage_sigma / 2.0;
        Ok(Position {
            group: place.group,
            sources: place.sources,
            jumps: place.jumps,
            price,
            cost,
            cost_sigma: tenant.cost_sigma,
            usage_ln: libm::log(usage_k) + tenant.elasticity * change_ln - drift,
            usage_sigma: tenant.usage_sigma,
            elasticity_weight: uncertainty.elasticity_sigma * change_ln,
            penalty: Penalty::new(latency, downtime),
            margin,
        })
    }

    /// The outcome at one point of the inputs, no price jumping.
    pub(super) fn at(&self, z: Point) -> Amounts {
        let sigma = self.cost_sigma;
        let unit_cost = self.cost * libm::exp(sigma * z.cost - sigma * sigma / 2.0);
        let response = self.elasticity_weight * z.elasticity;
        let usage = libm::exp(self.usage_ln + self.usage_sigma * z.usage + response);
        let revenue = self.price * usage;
        let rate = self.penalty.rate_at(z.latency, z.downtime).to_float();
        Amounts { revenue, cost: unit_cost * usage, penalty: revenue * rate }
    }
}

fn margin_law(
    tenant: &Tenant,
    cost_ratio: f64,
    penalties: &[(f64, Share)],
    uncertainty: &Uncertainty,
) -> Result<MarginLaw, EconomicsError> {
    let law = MarginLaw::new(cost_ratio, tenant.cost_sigma, penalties)?;
    match uncertainty.jumps.get(&tenant.provider) {
        Some(jumps) => law.with_jumps(jumps, uncertainty.horizon_years),
        None => Ok(law),
    }
}

impl Point {
    /// From the inputs of [`Input::TORNADO`], in their order; what is missing is usual.
    pub(super) fn of(z: &[f64]) -> Self {
        let z = |input: Input| z.get(input as usize).copied().unwrap_or(0.0);
        Point {
            cost: z(Input::Cost),
            usage: z(Input::Usage),
            latency: z(Input::Latency),
            downtime: z(Input::Downtime),
            elasticity: z(Input::Elasticity),
        }
    }
}

impl Penalty {
    fn new(latency: Steps, downtime: Steps) -> Self {
        let uniform = |steps: &Steps| steps.edges().iter().map(|z| normal_below(*z)).collect();
        let row = |rate: &Share| {
            let rate = *rate;
            downtime.rates().iter().map(move |other| float(both(rate, *other).get()))
        };
        let rates = latency.rates().iter().flat_map(row).collect();
        Penalty {
            latency_bounds: uniform(&latency),
            downtime_bounds: uniform(&downtime),
            rates,
            latency,
            downtime,
        }
    }

    fn rate_at(&self, latency: f64, downtime: f64) -> Share {
        both(self.latency.rate_at(latency), self.downtime.rate_at(downtime))
    }
}
