//! The routing mix as a lever: what a division of traffic costs, how often it is late, and the
//! cheapest one within a budget of breaches.
//!
//! Source of the inverse-square weights: OpenRouter's provider routing. Failover assumes that
//! providers fail independently.

use serde::Serialize;

use crate::economics::EconomicsError;
use crate::economics::latency::Lognormal;
use crate::economics::probability::rising_root;
use crate::economics::quantity::{Change, count, not_negative, positive, probability};

/// Every pair is tried; nobody routes to more.
const ROUTES_MAX: usize = 64;
/// How far weights may miss 1 in sum: what rounding to nine places leaves.
const WEIGHT_SLACK: f64 = 1e-9;

/// One provider that traffic can go to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Route {
    pub cost_usd_per_k: f64,
    pub latency: Lognormal,
    /// The probability that it answers at all.
    pub availability: f64,
}

/// The providers that traffic can be divided between.
#[derive(Clone, Debug, PartialEq)]
pub struct Routes(Vec<Route>);

/// A division of traffic that costs least, and what it costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cheapest {
    pub weights: Vec<f64>,
    pub cost_usd_per_k: f64,
}

impl Routes {
    /// # Errors
    /// None or too many; a cost that is not above 0; an availability that is no probability.
    pub fn new(routes: Vec<Route>) -> Result<Self, EconomicsError> {
        count("routes", routes.len(), 1, ROUTES_MAX, "every pair of them is tried")?;
        for route in &routes {
            positive("the cost of a route", route.cost_usd_per_k)?;
            probability("the availability of a route", route.availability)?;
        }
        Ok(Routes(routes))
    }

    /// The traffic, divided so.
    ///
    /// # Errors
    /// Not one weight for each route, a negative one, or a sum that is not 1.
    pub fn divide(&self, weights: Vec<f64>) -> Result<Mix<'_>, EconomicsError> {
        if weights.len() != self.0.len() {
            let problem = "must be one for each route";
            return Err(EconomicsError::Inconsistent { what: "weights of routes", problem });
        }
        for weight in &weights {
            not_negative("the weight of a route", *weight)?;
        }
        if (weights.iter().sum::<f64>() - 1.0).abs() > WEIGHT_SLACK {
            let problem = "must add up to 1";
            return Err(EconomicsError::Inconsistent { what: "weights of routes", problem });
        }
        Ok(Mix { routes: &self.0, weights })
    }

    /// `w ∝ 1 / cost²`: cheap providers get most of the traffic, dear ones stay warm.
    #[must_use]
    pub fn inverse_square(&self) -> Vec<f64> {
        let raw: Vec<f64> = self
            .0
            .iter()
            .map(|route| 1.0 / (route.cost_usd_per_k * route.cost_usd_per_k))
            .collect();
        let sum: f64 = raw.iter().sum();
        raw.into_iter().map(|weight| weight / sum).collect()
    }

    /// The probability, for each route, that a request takes longer than that.
    #[must_use]
    pub fn breaches(&self, threshold_s: f64) -> Vec<f64> {
        self.0.iter().map(|route| route.latency.breach(threshold_s, Change::NONE)).collect()
    }

    /// `1 − Π (1 − a)`: the probability that at least one answers.
    #[must_use]
    pub fn availability_with_failover(&self) -> f64 {
        1.0 - self.0.iter().map(|route| 1.0 - route.availability).product::<f64>()
    }

    /// The cheapest mix that is late with at most the budgeted probability: minimise `Σ w c` with
    /// `Σ w b ≤ B`, `Σ w = 1`, `w ≥ 0`. `None`: no mix is.
    ///
    /// A linear program with two constraints is solved at a corner, and a corner has at most two
    /// routes: one within the budget alone, or two of which one is and that use it up.
    #[must_use]
    pub fn cheapest(&self, threshold_s: f64, breach_budget: f64) -> Option<Cheapest> {
        let breaches = self.breaches(threshold_s);
        let mut best: Option<Corner> = None;
        for prompt in (0..self.0.len()).filter(|at| breaches[*at] <= breach_budget) {
            let alone = Corner::new(&self.0, prompt, prompt, 0.0);
            let late = (0..self.0.len()).filter(|at| breaches[*at] > breach_budget);
            let mixed = late.map(|late| {
                let room = breach_budget - breaches[prompt];
                Corner::new(&self.0, prompt, late, room / (breaches[late] - breaches[prompt]))
            });
            for corner in std::iter::once(alone).chain(mixed) {
                if best.as_ref().is_none_or(|best| corner.cost < best.cost) {
                    best = Some(corner);
                }
            }
        }
        best.map(|corner| corner.spread(self.0.len()))
    }
}

/// Two routes and the weight of the second.
struct Corner {
    first: usize,
    second: usize,
    weight: f64,
    cost: f64,
}

impl Corner {
    fn new(routes: &[Route], first: usize, second: usize, weight: f64) -> Self {
        let cost =
            (1.0 - weight) * routes[first].cost_usd_per_k + weight * routes[second].cost_usd_per_k;
        Corner { first, second, weight, cost }
    }

    fn spread(&self, routes: usize) -> Cheapest {
        let mut weights = vec![0.0; routes];
        weights[self.first] += 1.0 - self.weight;
        weights[self.second] += self.weight;
        Cheapest { weights, cost_usd_per_k: self.cost }
    }
}

/// Traffic divided between routes.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix<'a> {
    routes: &'a [Route],
    weights: Vec<f64>,
}

impl Mix<'_> {
    /// `Σ w c`, in US dollars a thousand tokens.
    #[must_use]
    pub fn cost_usd_per_k(&self) -> f64 {
        self.weigh(|route| route.cost_usd_per_k)
    }

    /// `Σ w b`: the probability that a request takes longer than that.
    #[must_use]
    pub fn breach(&self, threshold_s: f64) -> f64 {
        self.weigh(|route| route.latency.breach(threshold_s, Change::NONE))
    }

    /// `Σ w a`: the probability of an answer where nobody tries a second provider.
    #[must_use]
    pub fn availability(&self) -> f64 {
        self.weigh(|route| route.availability)
    }

    /// The latency that a share q of all requests stays below: the root of `Σ w F(x) = q`. It is
    /// not the weighted mean of the routes' quantiles.
    #[must_use]
    pub fn latency_quantile_s(&self, q: f64) -> f64 {
        let used = self.routes.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0.0);
        let own = used.map(|(route, _)| route.latency.quantile_s(q, Change::NONE));
        let (low, high) = own.fold((f64::INFINITY, 0.0f64), |(low, high), latency| {
            (low.min(latency), high.max(latency))
        });
        rising_root(low, high, |latency| 1.0 - self.breach(latency) - q)
    }

    fn weigh(&self, value: impl Fn(&Route) -> f64) -> f64 {
        self.routes.iter().zip(&self.weights).map(|(route, weight)| weight * value(route)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn route(cost_usd_per_k: f64, p50_s: f64, p99_s: f64) -> Route {
        let latency = Lognormal::from_percentiles(p50_s, p99_s).expect("a law");
        Route { cost_usd_per_k, latency, availability: 0.99 }
    }

    #[test]
    fn a_budget_that_nobody_keeps_has_no_mix() {
        let slow = Routes::new(vec![route(1.0, 2.0, 3.0), route(2.0, 2.0, 4.0)]).expect("routes");
        assert_eq!(slow.cheapest(1.0, 0.01), None);
    }

    #[test]
    fn one_route_is_its_own_mix() {
        let one = Routes::new(vec![route(1.0, 0.2, 0.4)]).expect("routes");
        assert_eq!(one.cheapest(1.0, 0.01).expect("a mix").weights, [1.0]);
        let mix = one.divide(vec![1.0]).expect("a mix");
        assert!((mix.latency_quantile_s(0.99) - 0.4).abs() < 1e-12);
    }

    #[test]
    fn weights_that_do_not_fit_are_refused() {
        let two = Routes::new(vec![route(1.0, 0.2, 0.4), route(2.0, 0.1, 0.3)]).expect("routes");
        for weights in [vec![1.0], vec![0.5, 0.6], vec![1.5, -0.5], vec![f64::NAN, 0.5]] {
            assert!(two.divide(weights.clone()).is_err(), "{weights:?}");
        }
        assert!(Routes::new(vec![]).is_err());
        assert!(Routes::new(vec![route(0.0, 0.2, 0.4)]).is_err());
    }

    proptest! {
        #[test]
        fn no_mix_within_the_budget_is_cheaper_than_the_cheapest(
            shapes in prop::collection::vec((0.1..5.0f64, 0.1..1.0f64, 1.1..4.0f64), 1..6),
            parts in prop::collection::vec(0.001..1.0f64, 6),
            budget in 0.0001..0.2f64,
        ) {
            let routes: Vec<Route> =
                shapes.iter().map(|(cost, p50, ratio)| route(*cost, *p50, p50 * ratio)).collect();
            let routes = Routes::new(routes).expect("routes");
            let sum: f64 = parts.iter().take(shapes.len()).sum();
            let weights = parts.iter().take(shapes.len()).map(|part| part / sum).collect();
            let mix = routes.divide(weights).expect("a mix");
            let best = routes.cheapest(1.0, budget);
            if mix.breach(1.0) <= budget {
                let best = best.clone().expect("some mix keeps the budget");
                prop_assert!(best.cost_usd_per_k <= mix.cost_usd_per_k() + 1e-12);
            }
            if let Some(best) = best {
                let mix = routes.divide(best.weights).expect("a mix");
                prop_assert!(mix.breach(1.0) <= budget + 1e-12);
            }
        }
    }
}
