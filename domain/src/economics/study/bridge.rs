//! What each kind of change moves, over all orders in which they could have come.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::inputs::Inputs;
use super::model::Model;
use super::request::Request;
use crate::economics::EconomicsError;
use crate::economics::bridge::{Bridge, Moved};
use crate::economics::scenario::Scenario;
use crate::economics::simulation::DRAWS_MIN;

/// Dollars are exact to a millionth in a bridge between two float profits.
const PROFIT_DECIMALS: u32 = 6;

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lever {
    Cost,
    Latency,
    Price,
    LatencyPenalty,
    Usage,
    Routing,
}

/// From the base's profit to a scenario's, all inputs at their usual values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeverBridge {
    /// The kinds that the scenario moves, in the order of the parts.
    pub levers: Vec<Lever>,
    #[serde(flatten)]
    pub bridge: Bridge,
}

impl Lever {
    pub const ALL: [Lever; 6] = [
        Lever::Cost,
        Lever::Latency,
        Lever::Price,
        Lever::LatencyPenalty,
        Lever::Usage,
        Lever::Routing,
    ];

    fn is_moved(self, scenario: &Scenario) -> bool {
        match self {
            Lever::Cost => !scenario.cost.is_empty(),
            Lever::Latency => !scenario.latency.is_empty(),
            Lever::Price => !scenario.price.is_empty() || !scenario.tenant_price.is_empty(),
            Lever::LatencyPenalty => !scenario.latency_penalty.is_empty(),
            Lever::Usage => !scenario.usage.is_empty(),
            Lever::Routing => !scenario.routing.is_empty(),
        }
    }

    fn put(self, from: &Scenario, to: &mut Scenario) {
        match self {
            Lever::Cost => to.cost.clone_from(&from.cost),
            Lever::Latency => to.latency.clone_from(&from.latency),
            Lever::Price => {
                to.price.clone_from(&from.price);
                to.tenant_price.clone_from(&from.tenant_price);
            }
            Lever::LatencyPenalty => to.latency_penalty.clone_from(&from.latency_penalty),
            Lever::Usage => to.usage.clone_from(&from.usage),
            Lever::Routing => to.routing.clone_from(&from.routing),
        }
    }
}

impl LeverBridge {
    pub(super) fn new(
        inputs: &Inputs,
        request: &Request,
        scenario: &Scenario,
    ) -> Result<Self, EconomicsError> {
        let moved: Vec<_> = Lever::ALL.into_iter().filter(|it| it.is_moved(scenario)).collect();
        // Usual values need no draws, but a simulation has at least so many.
        let few = Request { draws: DRAWS_MIN, ..request.clone() };
        let profit = |levers: Moved| {
            let mut only = Scenario::default();
            let standing = moved.iter().enumerate().filter(|(at, _)| levers.has(*at));
            standing.for_each(|(_, lever)| lever.put(scenario, &mut only));
            let model = Model::new(inputs, &few, &only)?;
            let profit = Decimal::try_from(model.simulation().tornado().base).ok();
            let overflow = EconomicsError::Overflow { what: "the profit" };
            profit.map(|profit| profit.round_dp(PROFIT_DECIMALS)).ok_or(overflow)
        };
        // A bridge has a lever; one that nothing moves has the part 0.
        let levers = if moved.is_empty() { vec![Lever::Cost] } else { moved.clone() };
        let bridge = Bridge::shapley(levers.len(), profit)?;
        Ok(LeverBridge { levers, bridge })
    }
}
