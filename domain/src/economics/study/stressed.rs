//! A scenario as far as thresholds are held against it: how likely the portfolio's and each tenant's
//! margin is below a floor.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::inputs::Inputs;
use super::model::Model;
use super::request::Request;
use crate::economics::EconomicsError;
use crate::economics::exact::MarginLaw;
use crate::economics::sample::Sorted;
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{Outcome, Simulation, Slider};
use crate::event::TenantId;

/// Where a margin is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Level {
    /// `P(margin < floor)`.
    pub below_floor: f64,
    /// As likely above as below it.
    pub p50: f64,
}

/// How a tenant's margin is distributed, wherever its traffic is served.
#[derive(Clone, Debug, PartialEq)]
pub enum Risk {
    /// Of a tenant in one place. Exact.
    Law(MarginLaw),
    /// Of a tenant in several: per draw, its cost and what it is owed, as shares of its revenue. Their
    /// sum has no law.
    Drawn(Vec<[f64; 2]>),
}

/// A portfolio under a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Stressed {
    /// At the request's floor. Absent without revenue.
    pub portfolio: Option<Level>,
    /// Those with revenue.
    pub tenants: BTreeMap<TenantId, Risk>,
}

impl Risk {
    /// `P(margin < floor)` with the price times `factor`: costs weigh so much less, and what is owed
    /// is a share of revenue whatever the price. Falls with the factor.
    #[must_use]
    pub fn below(&self, floor: f64, factor: f64) -> f64 {
        match self {
            Risk::Law(law) => law.scaled(1.0 / factor, 1.0).below(floor),
            Risk::Drawn(draws) => {
                let below = draws.iter().filter(|draw| margin(draw, factor) < floor);
                below.count() as f64 / draws.len().max(1) as f64
            }
        }
    }

    /// With the price times `factor`.
    ///
    /// # Errors
    /// The draws are no numbers.
    pub fn level(&self, floor: f64, factor: f64) -> Result<Level, EconomicsError> {
        let p50 = match self {
            Risk::Law(law) => law.scaled(1.0 / factor, 1.0).quantile(0.5),
            Risk::Drawn(draws) => {
                let margins = draws.iter().map(|draw| margin(draw, factor)).collect();
                Sorted::new(margins)?.quantile(0.5)
            }
        };
        Ok(Level { below_floor: self.below(floor, factor), p50 })
    }

    /// Has it no sampling error?
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        matches!(self, Risk::Law(_))
    }
}

fn margin([cost, owed]: &[f64; 2], factor: f64) -> f64 {
    1.0 - cost / factor - owed
}

impl Stressed {
    /// Draws a scenario, with whoever draws.
    ///
    /// # Errors
    /// The scenario is absurd, or what `draw` refuses.
    pub fn of<E: From<EconomicsError>>(
        inputs: &Inputs,
        request: &Request,
        changes: &Scenario,
        draw: impl Fn(&Simulation) -> Result<Outcome, E>,
    ) -> Result<Self, E> {
        let model = Model::new(inputs, request, changes)?;
        let outcome = draw(model.simulation())?;
        let portfolio = outcome.sums.outcome(&Slider::default())?;
        let portfolio = portfolio.margin.map(|(margin, _)| Level {
            below_floor: margin.below_floor,
            p50: margin.spread.p50.value,
        });
        Ok(Stressed { portfolio, tenants: risks(&model) })
    }
}

fn risks(model: &Model) -> BTreeMap<TenantId, Risk> {
    let mut places: BTreeMap<&TenantId, Vec<usize>> = BTreeMap::new();
    for (at, place) in model.usage().iter().enumerate() {
        places.entry(&place.tenant_id).or_default().push(at);
    }
    let simulation = model.simulation();
    let risk = |places: &[usize]| match places {
        [only] => simulation.margin_law(*only).cloned().map(Risk::Law),
        several => {
            let drawn = simulation.amounts_of(several).into_iter();
            let share = |[revenue, cost, owed]: [f64; 3]| {
                (revenue > 0.0).then(|| [cost / revenue, owed / revenue])
            };
            // In every draw or in none: a tenant earns or does not.
            drawn.map(share).collect::<Option<Vec<_>>>().map(Risk::Drawn)
        }
    };
    let risks = places.into_iter().filter_map(|(tenant, at)| Some((tenant.clone(), risk(&at)?)));
    risks.collect()
}

#[cfg(test)]
mod tests {
    use super::super::PlaceUsage;
    use super::*;
    use crate::clock::Timestamp;
    use crate::economics::quantity::{Change, decimal};

    fn place(tenant: &str, provider: &str, cost: &str) -> PlaceUsage {
        let tenant = TenantId::try_from(tenant.to_owned()).expect("an id");
        PlaceUsage::of(tenant, provider, decimal(cost))
    }

    fn inputs(usage: Vec<PlaceUsage>) -> Inputs {
        Inputs::of(usage, Timestamp::from_unix_ms(0))
    }

    fn stressed(inputs: &Inputs, changes: &Scenario) -> Stressed {
        let request = Request { draws: 4_000, ..Request::default() };
        Stressed::of(inputs, &request, changes, Simulation::run).expect("it is drawn")
    }

    fn risk<'a>(of: &'a Stressed, tenant: &str) -> &'a Risk {
        &of.tenants[&TenantId::try_from(tenant.to_owned()).expect("an id")]
    }

    #[test]
    fn one_place_has_a_law_and_several_are_drawn_close_to_what_a_law_would_say() {
        // b's two places are one law twice: at one provider costs move together.
        let twice = inputs(vec![
            place("a", "azure", "60"),
            place("b", "azure", "60"),
            PlaceUsage { region: "us".into(), ..place("b", "azure", "60") },
        ]);
        let found = stressed(&twice, &Scenario::default());
        let (a, b) = (risk(&found, "a"), risk(&found, "b"));
        assert!(a.is_exact() && !b.is_exact());
        for factor in [0.9, 1.0, 1.1] {
            let (law, drawn) = (a.below(0.35, factor), b.below(0.35, factor));
            assert!((law - drawn).abs() < 0.03, "{factor}: {law} and {drawn}");
        }
        let (law, drawn) = (a.level(0.35, 1.0).expect("a"), b.level(0.35, 1.0).expect("b"));
        assert!((law.p50 - drawn.p50).abs() < 0.01, "{law:?} {drawn:?}");
    }

    #[test]
    fn a_dearer_provider_pushes_only_those_who_are_there() {
        let both = inputs(vec![place("a", "azure", "55"), place("b", "bedrock", "55")]);
        let rise = Change::new("the cost", decimal("0.3")).expect("a change");
        let changes = Scenario { cost: [("azure".into(), rise)].into(), ..Scenario::default() };
        let (now, then) = (stressed(&both, &Scenario::default()), stressed(&both, &changes));
        let below = |of: &Stressed, who: &str| risk(of, who).below(0.35, 1.0);
        assert!(below(&now, "a") < 0.1 && below(&then, "a") > 0.7);
        assert_eq!(below(&now, "b").to_bits(), below(&then, "b").to_bits());
        let portfolio = |of: &Stressed| of.portfolio.expect("a margin").below_floor;
        assert!(portfolio(&then) > portfolio(&now));
    }

    #[test]
    fn a_higher_price_never_makes_a_floor_likelier_to_break() {
        let one = inputs(vec![place("a", "azure", "70")]);
        let found = stressed(&one, &Scenario::default());
        let below = (8..15).map(|tenths| risk(&found, "a").below(0.35, f64::from(tenths) / 10.0));
        let below: Vec<f64> = below.collect();
        assert!(below.windows(2).all(|pair| pair[0] >= pair[1]), "{below:?}");
    }
}
