//! How usage answers to price: constant elasticity, the best price, and what a rise may lose.
//!
//! No elasticity is known of a new tenant. Whoever shows a figure that rests on one marks it as
//! an assumption. Source of the rule: the inverse elasticity (Lerner) condition.

use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::quantity::{Share, not_negative, positive, within};

/// Elasticities that were ever measured for such goods lie far within.
const ELASTICITY_MAX: f64 = 20.0;

/// Usage at a price, and how it answers: `q(p) = q₀ (p / p₀)^e`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Demand {
    /// Thousands of tokens at today's price.
    pub usage_k: f64,
    /// Today's price, in US dollars a thousand tokens.
    pub price_usd_per_k: f64,
    /// Relative change of usage for a relative change of price; negative as a rule.
    pub elasticity: f64,
}

/// What a unit costs us, whatever its price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnitCost {
    pub cost_usd_per_k: f64,
    /// Share of the revenue that is owed as SLA credit.
    pub penalty_rate: Share,
}

impl UnitCost {
    /// `p (1 − k) − c`: what a thousand tokens leave at that price.
    #[must_use]
    pub fn contribution_usd_per_k(&self, price_usd_per_k: f64) -> f64 {
        price_usd_per_k * self.penalty_rate.rest().to_float() - self.cost_usd_per_k
    }
}

impl Demand {
    /// # Errors
    /// Negative usage, a price that is not above 0, or an elasticity beyond ±20.
    pub fn check(self) -> Result<Self, EconomicsError> {
        not_negative("the usage", self.usage_k)?;
        positive("the price", self.price_usd_per_k)?;
        let wanted = "between -20 and 20";
        within("the elasticity", self.elasticity, -ELASTICITY_MAX, ELASTICITY_MAX, wanted)?;
        Ok(self)
    }

    /// Thousands of tokens at another price.
    #[must_use]
    pub fn usage_k_at(&self, price_usd_per_k: f64) -> f64 {
        self.usage_k * libm::pow(price_usd_per_k / self.price_usd_per_k, self.elasticity)
    }

    /// `q(p) · p`, in US dollars.
    #[must_use]
    pub fn revenue_usd_at(&self, price_usd_per_k: f64) -> f64 {
        self.usage_k_at(price_usd_per_k) * price_usd_per_k
    }

    /// `q(p) · (p (1 − k) − c)`, in US dollars.
    #[must_use]
    pub fn profit_usd_at(&self, price_usd_per_k: f64, cost: &UnitCost) -> f64 {
        self.usage_k_at(price_usd_per_k) * cost.contribution_usd_per_k(price_usd_per_k)
    }

    /// `p* = c·e / ((1 + e)(1 − k))`, the price of the highest profit. `None`: usage answers so
    /// little (e ≥ −1), or so much is owed, that no price is the best.
    #[must_use]
    pub fn best_price_usd_per_k(&self, cost: &UnitCost) -> Option<f64> {
        let kept = cost.penalty_rate.rest().to_float();
        let responds = self.elasticity < -1.0 && kept > 0.0;
        responds.then(|| cost.cost_usd_per_k * self.elasticity / ((1.0 + self.elasticity) * kept))
    }

    /// The best price within bounds; the ceiling where profit grows with the price without end.
    #[must_use]
    pub fn best_price_within(&self, cost: &UnitCost, bounds: &Bounds) -> f64 {
        self.best_price_usd_per_k(cost)
            .unwrap_or(bounds.ceiling_usd_per_k)
            .clamp(bounds.floor_usd_per_k, bounds.ceiling_usd_per_k)
    }

    /// `e = ((q₁ − q₀) / q̄) / ((p₁ − p₀) / p̄)`, the elasticity as two observations show it.
    /// `None` where the price or the usage stayed at nothing to compare.
    #[must_use]
    pub fn midpoint_elasticity(&self, price_usd_per_k: f64) -> Option<f64> {
        let (q0, q1) = (self.usage_k, self.usage_k_at(price_usd_per_k));
        let (p0, p1) = (self.price_usd_per_k, price_usd_per_k);
        let relative = |from: f64, to: f64| (to - from) / ((to + from) / 2.0);
        let elasticity = relative(q0, q1) / relative(p0, p1);
        elasticity.is_finite().then_some(elasticity)
    }
}

/// The prices that policy allows, in US dollars a thousand tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    floor_usd_per_k: f64,
    ceiling_usd_per_k: f64,
}

impl Bounds {
    /// # Errors
    /// A negative bound, or a floor above the ceiling.
    pub fn new(floor_usd_per_k: f64, ceiling_usd_per_k: f64) -> Result<Self, EconomicsError> {
        not_negative("the price floor", floor_usd_per_k)?;
        not_negative("the price ceiling", ceiling_usd_per_k)?;
        if floor_usd_per_k > ceiling_usd_per_k {
            let problem = "is above the price ceiling";
            return Err(EconomicsError::Inconsistent { what: "the price floor", problem });
        }
        Ok(Bounds { floor_usd_per_k, ceiling_usd_per_k })
    }
}

/// `(p₁ − p₀)(1 − k) / (p₁ (1 − k) − c)`: the share of usage that a rise may lose before it pays
/// less than before (for a cut: minus the share that must be won). `None`: nothing is left of a
/// unit at the new price.
#[must_use]
pub fn break_even_loss(old_usd_per_k: f64, new_usd_per_k: f64, cost: &UnitCost) -> Option<f64> {
    let kept = cost.penalty_rate.rest().to_float();
    let left = cost.contribution_usd_per_k(new_usd_per_k);
    (left != 0.0).then(|| (new_usd_per_k - old_usd_per_k) * kept / left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cost(cost_usd_per_k: f64) -> UnitCost {
        UnitCost { cost_usd_per_k, penalty_rate: Share::ZERO }
    }

    fn demand(elasticity: f64) -> Demand {
        Demand { usage_k: 1000.0, price_usd_per_k: 0.006, elasticity }
    }

    #[test]
    fn a_price_that_did_not_change_shows_no_elasticity() {
        assert_eq!(demand(-1.5).midpoint_elasticity(0.006), None);
        assert_eq!(Demand { usage_k: 0.0, ..demand(-1.5) }.midpoint_elasticity(0.007), None);
    }

    #[test]
    fn absurd_inputs_are_refused() {
        assert!(demand(-21.0).check().is_err());
        assert!(Demand { usage_k: -1.0, ..demand(-1.0) }.check().is_err());
        assert!(Demand { price_usd_per_k: 0.0, ..demand(-1.0) }.check().is_err());
        assert!(Bounds::new(0.02, 0.01).is_err());
        assert_eq!(break_even_loss(0.006, 0.007, &cost(0.007)), None);
    }

    proptest! {
        #[test]
        fn no_price_beside_the_best_one_earns_more(
            elasticity in -6.0..-1.05f64, c in 0.001..0.01f64, aside in 0.5..2.0f64,
        ) {
            let demand = demand(elasticity);
            let best = demand.best_price_usd_per_k(&cost(c)).expect("usage responds");
            let most = demand.profit_usd_at(best, &cost(c));
            prop_assert!(demand.profit_usd_at(best * aside, &cost(c)) <= most * (1.0 + 1e-12));
        }
    }
}
