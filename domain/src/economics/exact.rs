//! The distribution of a tenant's margin in closed form: no draws, no noise.
//!
//! `margin = 1 − A·X − R`: the cost as a share of revenue is lognormal (or, with price jumps, one of
//! several lognormals), the penalty rate takes a few values, and both are independent. Usage cancels
//! out. Quantiles are roots of the distribution; for one cost law and one rate they are a formula.

use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::probability::{normal_above, normal_density, normal_quantile};
use crate::economics::quantity::{Share, not_negative, within};
use crate::economics::volatility::{Jumps, horizon};

/// How far the logarithm of a cost strays where nobody has measured it: an assumption.
pub const COST_SIGMA: f64 = 0.1;
/// Counts of jumps that are less likely than this are one last state.
const JUMP_TAIL: f64 = 1e-12;
/// More jumps within a horizon are no jumps but a walk. Models change price once in nine years.
const JUMPS_EXPECTED_MAX: f64 = 20.0;
/// With twenty expected, more than this many come with less than 10⁻²⁰.
const JUMP_STATES_MAX: usize = 90;
/// Newton's steps, of which a handful suffice; halvings take over where they lead astray.
const STEPS_MAX: usize = 200;

/// One lognormal law of the cost share: `exp(ln_ratio + sigma·Z)`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CostState {
    probability: f64,
    ln_ratio: f64,
    sigma: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct PenaltyState {
    probability: f64,
    rate: f64,
}

/// How a margin is distributed.
#[derive(Clone, Debug, PartialEq)]
pub struct MarginLaw {
    costs: Vec<CostState>,
    penalties: Vec<PenaltyState>,
}

/// What a distribution says at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarginQuantiles {
    pub p5: f64,
    pub p50: f64,
    pub p95: f64,
    pub mean: f64,
    /// `P(margin < floor)`.
    pub below_floor: f64,
}

impl MarginLaw {
    /// `cost_ratio` is A, cost over price; `X = exp(σZ − σ²/2)` has mean 1. `penalties` are the
    /// rates with their probabilities (see [`crate::economics::penalty::joint`]).
    ///
    /// # Errors
    /// A negative ratio or sigma, or no penalty state at all.
    pub fn new(
        cost_ratio: f64,
        cost_sigma: f64,
        penalties: &[(f64, Share)],
    ) -> Result<Self, EconomicsError> {
        let ratio = not_negative("the cost ratio", cost_ratio)?;
        let sigma = not_negative("the sigma of costs", cost_sigma)?;
        if penalties.is_empty() {
            return Err(EconomicsError::TooFew { what: "penalty states", count: 0, min: 1 });
        }
        let ln_ratio = libm::log(ratio) - sigma * sigma / 2.0;
        let state = |(probability, rate): &(f64, Share)| PenaltyState {
            probability: *probability,
            rate: rate.to_float(),
        };
        Ok(MarginLaw {
            costs: vec![CostState { probability: 1.0, ln_ratio, sigma }],
            penalties: penalties.iter().map(state).collect(),
        })
    }

    /// The same with a cost that may jump within so many years: given N jumps the cost share is
    /// lognormal again, with `N·m` added to its logarithm and `N·s²` to its variance.
    ///
    /// # Errors
    /// See [`Jumps::check`]; or the horizon is beyond 50 years or expects more than 20 jumps.
    pub fn with_jumps(&self, jumps: &Jumps, years: f64) -> Result<Self, EconomicsError> {
        let jumps = jumps.check()?;
        let expected = jumps.per_year * horizon(years)?;
        let most = JUMPS_EXPECTED_MAX;
        let counts = jump_counts(within("the jumps to expect", expected, 0.0, most, "0 to 20")?);
        let after = |cost: &CostState, probability: f64, count: f64| CostState {
            probability: cost.probability * probability,
            ln_ratio: cost.ln_ratio + count * jumps.mean,
            sigma: (cost.sigma * cost.sigma + count * jumps.deviation * jumps.deviation).sqrt(),
        };
        let costs = self.costs.iter().flat_map(|cost| {
            counts.iter().map(move |(probability, count)| after(cost, *probability, *count))
        });
        Ok(MarginLaw { costs: costs.collect(), penalties: self.penalties.clone() })
    }

    /// The law after a slider has moved: the cost share times one factor, what is owed times
    /// another. What is owed is not capped again: "penalties × 2" means twice what was owed.
    #[must_use]
    pub fn scaled(&self, cost: f64, penalty: f64) -> Self {
        let shift = libm::log(cost);
        let costs = self.costs.iter();
        let penalties = self.penalties.iter();
        MarginLaw {
            costs: costs.map(|c| CostState { ln_ratio: c.ln_ratio + shift, ..*c }).collect(),
            penalties: penalties.map(|p| PenaltyState { rate: p.rate * penalty, ..*p }).collect(),
        }
    }

    /// `1 − E[A·X] − E[R]`.
    #[must_use]
    pub fn mean(&self) -> f64 {
        1.0 - self.mean_cost() - self.mean_penalty()
    }

    /// `E[R]`, the expected penalty rate.
    #[must_use]
    pub fn mean_penalty(&self) -> f64 {
        self.penalties.iter().map(|state| state.probability * state.rate).sum()
    }

    /// `√(Var(A·X) + Var(R))`.
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        let (mean_cost, mean_penalty) = (self.mean_cost(), self.mean_penalty());
        let square = |x: f64| x * x;
        let costs = self.costs.iter().map(|cost| {
            let own = square(cost.mean()) * libm::expm1(square(cost.sigma));
            cost.probability * (own + square(cost.mean() - mean_cost))
        });
        let penalties = self.penalties.iter();
        let penalties = penalties.map(|p| p.probability * square(p.rate - mean_penalty));
        (costs.sum::<f64>() + penalties.sum::<f64>()).sqrt()
    }

    /// `P(margin < x) = Σ π [1 if 1 − r − x ≤ 0, else 1 − Φ((ln(1 − r − x) − ln A + σ²/2) / σ)]`.
    #[must_use]
    pub fn below(&self, x: f64) -> f64 {
        self.below_and_density(x).0
    }

    /// The density of the margin at x.
    #[must_use]
    pub fn density(&self, x: f64) -> f64 {
        self.below_and_density(x).1
    }

    fn below_and_density(&self, x: f64) -> (f64, f64) {
        self.states().fold((0.0, 0.0), |(below, density), (cost, penalty, weight)| {
            let (own_below, own_density) = cost.above_and_density(1.0 - penalty.rate - x);
            (below + weight * own_below, density + weight * own_density)
        })
    }

    /// The margin below which it falls with probability q, from 0 to 1.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        // A low margin is a high cost.
        let z = -normal_quantile(q);
        let own = self.states().map(|(cost, penalty, _)| 1.0 - penalty.rate - cost.at(z));
        let (low, high) = own.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low < high && low.is_finite() { self.root(q, low, high, z) } else { low }
    }

    /// The quantiles that screens show.
    #[must_use]
    pub fn quantiles(&self, floor: f64) -> MarginQuantiles {
        MarginQuantiles {
            p5: self.quantile(0.05),
            p50: self.quantile(0.5),
            p95: self.quantile(0.95),
            mean: self.mean(),
            below_floor: self.below(floor),
        }
    }

    /// `√(q (1 − q) / n) / density`: how far the quantile of a sample of n draws strays.
    #[must_use]
    pub fn quantile_standard_error(&self, q: f64, draws: f64) -> f64 {
        (q * (1.0 - q) / draws).sqrt() / self.density(self.quantile(q))
    }

    /// Newton's method within bounds that hold the root, from where it would be if the penalty rate
    /// were its mean; a step that leaves the bounds halves instead.
    fn root(&self, q: f64, low: f64, high: f64, z: f64) -> f64 {
        let (mut low, mut high) = (low, high);
        let usual = self.costs.iter().map(|cost| cost.probability * cost.at(z)).sum::<f64>();
        let mut x = (1.0 - self.mean_penalty() - usual).clamp(low, high);
        for _ in 0..STEPS_MAX {
            let (below, density) = self.below_and_density(x);
            let miss = below - q;
            if miss < 0.0 {
                low = x;
            } else {
                high = x;
            }
            let newton = x - miss / density;
            let next =
                if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
            if (next - x).abs() <= 2.0 * f64::EPSILON * x.abs().max(f64::EPSILON) {
                return next;
            }
            x = next;
        }
        x
    }

    fn mean_cost(&self) -> f64 {
        self.costs.iter().map(|cost| cost.probability * cost.mean()).sum()
    }

    fn states(&self) -> impl Iterator<Item = (&CostState, &PenaltyState, f64)> {
        self.costs.iter().flat_map(|cost| {
            let weigh = move |penalty: &PenaltyState| cost.probability * penalty.probability;
            self.penalties.iter().map(move |penalty| (cost, penalty, weigh(penalty)))
        })
    }
}

impl CostState {
    fn mean(&self) -> f64 {
        libm::exp(self.ln_ratio + self.sigma * self.sigma / 2.0)
    }

    /// The cost share at a value of the normal draw.
    fn at(&self, z: f64) -> f64 {
        if self.sigma > 0.0 {
            return libm::exp(self.ln_ratio + self.sigma * z);
        }
        libm::exp(self.ln_ratio)
    }

    /// The probability that the cost share is above what is left of revenue, and the density there.
    fn above_and_density(&self, left: f64) -> (f64, f64) {
        let certain = |is: bool| if is { (1.0, 0.0) } else { (0.0, 0.0) };
        if self.sigma <= 0.0 || self.ln_ratio == f64::NEG_INFINITY {
            return certain(libm::exp(self.ln_ratio) > left);
        }
        if left <= 0.0 {
            return certain(true);
        }
        let z = (libm::log(left) - self.ln_ratio) / self.sigma;
        (normal_above(z), normal_density(z) / (self.sigma * left))
    }
}

/// How likely each count of jumps is; the last stands for all that are more.
fn jump_counts(mean: f64) -> Vec<(f64, f64)> {
    let mut counts = Vec::new();
    let (mut term, mut rest, mut count) = (libm::exp(-mean), 1.0, 0.0);
    for _ in 0..JUMP_STATES_MAX {
        if rest <= JUMP_TAIL {
            break;
        }
        counts.push((term, count));
        rest -= term;
        count += 1.0;
        term *= mean / count;
    }
    if let Some((last, _)) = counts.last_mut() {
        *last += rest;
    }
    counts
}

/// The profit of tenants who share one provider's cost, at its q-quantile:
/// `Σ u (p (1 − k) − c·X₁₋q)`. Costs that move together do not diversify, so the sum's quantile is
/// the sum of quantiles (comonotone).
#[must_use]
pub fn comonotone_profit_usd(tenants: &[SharedCost], cost_sigma: f64, q: f64) -> f64 {
    let factor = libm::exp(-cost_sigma * normal_quantile(q) - cost_sigma * cost_sigma / 2.0);
    let profit = |tenant: &SharedCost| {
        let kept = tenant.price_usd_per_k * tenant.penalty_rate.rest().to_float();
        tenant.usage_k * (kept - tenant.cost_usd_per_k * factor)
    };
    tenants.iter().map(profit).sum()
}

/// A tenant whose cost moves with that of others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SharedCost {
    pub usage_k: f64,
    pub price_usd_per_k: f64,
    pub cost_usd_per_k: f64,
    pub penalty_rate: Share,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;
    use proptest::prelude::*;

    fn share(text: &str) -> Share {
        Share::new("a share", decimal(text)).expect("a share")
    }

    fn law(ratio: f64, sigma: f64) -> MarginLaw {
        let penalties = [(0.7, share("0")), (0.2, share("0.1")), (0.1, share("0.35"))];
        MarginLaw::new(ratio, sigma, &penalties).expect("a law")
    }

    #[test]
    fn a_cost_that_never_varies_leaves_the_steps_of_the_penalty() {
        let law = law(0.5, 0.0);
        assert!((law.below(0.2) - 0.1).abs() < 1e-15, "0.15 is below 0.2");
        assert!((law.quantile(0.05) - 0.15).abs() < 1e-12);
        assert!((law.quantile(0.2) - 0.4).abs() < 1e-12);
        assert!((law.quantile(0.5) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_costs_nothing_leaves_everything_but_the_penalty() {
        let law = law(0.0, 0.3);
        assert!((law.mean() - 0.945).abs() < 1e-15);
        assert!((law.quantile(0.5) - 1.0).abs() < 1e-12);
        assert!((law.below(0.9) - 0.1).abs() < 1e-15, "0.9 is not strictly below 0.9");
    }

    #[test]
    fn a_slider_is_the_law_of_the_moved_inputs() {
        let moved = law(0.5 * 1.3, 0.3);
        let slid = law(0.5, 0.3).scaled(1.3, 1.0);
        for x in [-0.5, 0.0, 0.35, 0.8] {
            assert!((moved.below(x) - slid.below(x)).abs() < 1e-14);
        }
    }

    #[test]
    fn jumps_keep_the_mean_that_their_process_has() {
        let jumps = Jumps { per_year: 0.5, share_up: 0.4, mean: -0.1, deviation: 0.5 };
        let law = law(0.5, 0.2).with_jumps(&jumps, 1.5).expect("a law");
        let expected = 0.5 * jumps.expected_factor(1.5).expect("a factor");
        assert!((law.mean_cost() - expected).abs() < 1e-9);
        let total: f64 = law.costs.iter().map(|cost| cost.probability).sum();
        assert!((total - 1.0).abs() < 1e-14);
    }

    #[test]
    fn absurd_laws_are_refused() {
        assert!(MarginLaw::new(-0.1, 0.2, &[(1.0, Share::ZERO)]).is_err());
        assert!(MarginLaw::new(0.5, f64::NAN, &[(1.0, Share::ZERO)]).is_err());
        assert!(MarginLaw::new(0.5, 0.2, &[]).is_err());
        let walk = Jumps { per_year: 100.0, ..Jumps::default() };
        assert!(law(0.5, 0.2).with_jumps(&walk, 1.0).is_err());
    }

    proptest! {
        #[test]
        fn a_quantile_is_the_root_of_the_distribution(
            ratio in 0.01..2.0f64, sigma in 0.01..1.5f64, q in 0.001..0.999f64,
        ) {
            let law = law(ratio, sigma);
            prop_assert!((law.below(law.quantile(q)) - q).abs() < 1e-12);
        }

        #[test]
        fn quantiles_rise(ratio in 0.01..2.0f64, sigma in 0.01..1.5f64, q in 0.01..0.98f64) {
            let law = law(ratio, sigma);
            prop_assert!(law.quantile(q) <= law.quantile(q + 0.01));
        }
    }
}
