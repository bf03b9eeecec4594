//! Which lever changed the profit by how much: a bridge from base to scenario that sums exactly.
//!
//! The sequential bridge moves one lever after another, so each step depends on the order. The
//! Shapley bridge is the mean over all orders and depends on none (Shapley 1953; in accounting,
//! price-volume-mix without a residual).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::basic::Input;
use crate::economics::quantity::{checked, count};

/// Each lever doubles the valuations: 256 for eight.
pub const LEVERS_MAX: usize = 8;
/// Parts are stated to a millionth of a millionth of a dollar, so that a third can be stated.
const BRIDGE_DECIMALS: u32 = 12;

/// From one profit to another. `from + Σ parts = to`, to the last digit. US dollars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bridge {
    pub from_usd: Decimal,
    pub to_usd: Decimal,
    /// In the order of the levers.
    pub parts_usd: Vec<Decimal>,
}

/// Which levers stand where the scenario puts them; the others stand where they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved(usize);

impl Moved {
    #[must_use]
    pub const fn has(self, lever: usize) -> bool {
        self.0 >> lever & 1 == 1
    }

    const fn with(self, lever: usize) -> Moved {
        Moved(self.0 | 1 << lever)
    }

    const fn count(self) -> usize {
        self.0.count_ones() as usize
    }
}

impl Bridge {
    /// Moves the levers one after another, in their order.
    ///
    /// # Errors
    /// No levers or more than eight; or what the valuation refuses.
    pub fn sequential(
        levers: usize,
        profit_usd: impl Fn(Moved) -> Result<Decimal, EconomicsError>,
    ) -> Result<Self, EconomicsError> {
        count("levers of a bridge", levers, 1, LEVERS_MAX, "each doubles the work")?;
        let mut moved = Moved(0);
        let from = profit_usd(moved)?;
        let (mut before, mut parts) = (from, Vec::with_capacity(levers));
        for lever in 0..levers {
            moved = moved.with(lever);
            let after = profit_usd(moved)?;
            parts.push(checked("a step of a bridge", after.checked_sub(before))?);
            before = after;
        }
        Ok(Bridge::closing(from, before, &parts))
    }

    /// The mean of the steps over all orders of the levers:
    /// `φᵢ = Σ_S |S|! (n − |S| − 1)! / n! · (v(S ∪ i) − v(S))`.
    ///
    /// # Errors
    /// No levers or more than eight; or what the valuation refuses.
    pub fn shapley(
        levers: usize,
        profit_usd: impl Fn(Moved) -> Result<Decimal, EconomicsError>,
    ) -> Result<Self, EconomicsError> {
        count("levers of a bridge", levers, 1, LEVERS_MAX, "each doubles the work")?;
        let subsets = (0..1 << levers).map(|set| profit_usd(Moved(set)));
        let profits = subsets.collect::<Result<Vec<_>, _>>()?;
        let orders = factorial(levers);
        let part = |lever: usize| {
            let without = (0..profits.len()).map(Moved).filter(|set| !set.has(lever));
            let sum = without.into_iter().try_fold(Decimal::ZERO, |sum, set| {
                let step = profits[set.with(lever).0].checked_sub(profits[set.0])?;
                let orders = factorial(set.count()) * factorial(levers - set.count() - 1);
                sum.checked_add(step.checked_mul(orders)?)
            });
            checked("a part of a bridge", sum.map(|sum| sum / orders))
        };
        let parts = (0..levers).map(part).collect::<Result<Vec<_>, _>>()?;
        Ok(Bridge::closing(profits[0], profits[profits.len() - 1], &parts))
    }

    /// Rounds, and gives what rounding left over to the largest part.
    fn closing(from: Decimal, to: Decimal, parts: &[Decimal]) -> Self {
        let (from_usd, to_usd) = (from.round_dp(BRIDGE_DECIMALS), to.round_dp(BRIDGE_DECIMALS));
        let mut parts_usd: Vec<Decimal> =
            parts.iter().map(|part| part.round_dp(BRIDGE_DECIMALS)).collect();
        let left_over = to_usd - from_usd - parts_usd.iter().sum::<Decimal>();
        if let Some(largest) = parts_usd.iter_mut().max_by_key(|part| part.abs()) {
            *largest += left_over;
        }
        Bridge { from_usd, to_usd, parts_usd }
    }
}

fn factorial(n: usize) -> Decimal {
    (1..=n).map(Decimal::from).product()
}

/// The levers of the plain formula, in the order in which the sequential bridge moves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum BasicLever {
    Usage,
    Price,
    Cost,
    Penalty,
}

impl BasicLever {
    pub const ALL: [BasicLever; 4] =
        [BasicLever::Usage, BasicLever::Price, BasicLever::Cost, BasicLever::Penalty];
}

/// `profit = u (p (1 − k) − c)` with some of the inputs of the scenario and the rest of the base: the
/// valuation for a bridge over [`BasicLever::ALL`].
///
/// # Errors
/// See [`Input::statement`].
pub fn basic_profit(
    base: &Input,
    scenario: &Input,
    moved: Moved,
) -> Result<Decimal, EconomicsError> {
    let pick = |lever: BasicLever| if moved.has(lever as usize) { scenario } else { base };
    let input = Input {
        usage_k: pick(BasicLever::Usage).usage_k,
        price_usd_per_k: pick(BasicLever::Price).price_usd_per_k,
        cost_usd_per_k: pick(BasicLever::Cost).cost_usd_per_k,
        penalty_rate: pick(BasicLever::Penalty).penalty_rate,
    };
    Ok(input.statement()?.profit_usd())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::{Share, decimal};
    use proptest::prelude::*;

    #[test]
    fn a_lever_that_did_not_move_has_no_part() {
        let profit = |moved: Moved| Ok(if moved.has(1) { decimal("-2") } else { decimal("1") });
        let bridge = Bridge::shapley(3, profit).expect("a bridge");
        assert_eq!(bridge.parts_usd, [decimal("0"), decimal("-3"), decimal("0")]);
    }

    #[test]
    fn what_two_levers_do_together_is_shared_and_a_third_is_stated() {
        let together =
            |moved: Moved| Ok(if moved.count() == 3 { Decimal::ONE } else { Decimal::ZERO });
        let bridge = Bridge::shapley(3, together).expect("a bridge");
        assert_eq!(bridge.parts_usd.iter().sum::<Decimal>(), Decimal::ONE);
        assert_eq!(bridge.parts_usd[1], decimal("0.333333333333"));
        let last = Bridge::sequential(3, together).expect("a bridge");
        assert_eq!(last.parts_usd, [Decimal::ZERO, Decimal::ZERO, Decimal::ONE]);
    }

    #[test]
    fn a_bridge_of_nothing_or_of_too_much_is_refused() {
        let nothing = |_| Ok(Decimal::ZERO);
        assert!(Bridge::shapley(0, nothing).is_err());
        assert!(Bridge::shapley(LEVERS_MAX + 1, nothing).is_err());
        assert!(Bridge::sequential(0, nothing).is_err());
    }

    fn input() -> impl Strategy<Value = Input> {
        let amounts = (0..=1_000_000_000i64, 0..=1_000_000i64, 0..=1_000_000i64, 0..=1000i64);
        amounts.prop_map(|(usage, cost, price, penalty)| Input {
            usage_k: Decimal::new(usage, 3),
            cost_usd_per_k: Decimal::new(cost, 7),
            price_usd_per_k: Decimal::new(price, 7),
            penalty_rate: Share::new("the rate", Decimal::new(penalty, 3)).expect("a share"),
        })
    }

    proptest! {
        #[test]
        fn both_bridges_sum_exactly(base in input(), scenario in input()) {
            let profit = |moved: Moved| basic_profit(&base, &scenario, moved);
            for bridge in [Bridge::sequential(4, profit), Bridge::shapley(4, profit)] {
                let bridge = bridge.expect("a bridge");
                let sum: Decimal = bridge.parts_usd.iter().sum();
                prop_assert_eq!(bridge.from_usd + sum, bridge.to_usd);
                let unrounded = basic_profit(&base, &scenario, Moved(15)).expect("a profit");
                prop_assert_eq!(bridge.to_usd, unrounded.round_dp(BRIDGE_DECIMALS));
            }
        }

        #[test]
        fn the_shapley_part_is_the_mean_over_all_orders(base in input(), scenario in input()) {
            let profit = |moved| basic_profit(&base, &scenario, moved);
            let bridge = Bridge::shapley(4, profit).expect("a bridge");
            let orders = orders(4);
            for lever in 0..4 {
                let steps = orders.iter().map(|order| {
                    let before = order.iter().take_while(|other| **other != lever);
                    let before = before.fold(Moved(0), |moved, other| moved.with(*other));
                    profit(before.with(lever)).expect("a profit") - profit(before).expect("a profit")
                });
                let mean = steps.sum::<Decimal>() / Decimal::from(orders.len());
                let miss = (mean - bridge.parts_usd[lever]).abs();
                prop_assert!(miss <= decimal("0.00000000001"), "{} {}", lever, miss);
            }
        }
    }

    fn orders(n: usize) -> Vec<Vec<usize>> {
        if n == 0 {
            return vec![vec![]];
        }
        let shorter = orders(n - 1);
        shorter
            .iter()
            .flat_map(|order| {
                (0..n).map(move |at| {
                    let mut longer = order.clone();
                    longer.insert(at, n - 1);
                    longer
                })
            })
            .collect()
    }
}
