//! How a tenant's margin is distributed at a price: exact, with the cost straying as is assumed,
//! the service level of the days that were seen, and no provider's price jumping.

use rust_decimal::Decimal;

use super::approval::Facts;
use super::edition::{COST, MARGIN};
use crate::economics::exact::{COST_SIGMA, MarginLaw, MarginQuantiles};
use crate::economics::quantity::{Share, float};

/// At a price, of usage that costs such a share of the list price. `None`: the price is 0 or the
/// cost below it.
#[must_use]
pub fn margins(
    cost_of_list: Decimal,
    price_of_list: Decimal,
    owed: Share,
    floor: Share,
) -> Option<MarginQuantiles> {
    let ratio = float(cost_of_list.checked_div(price_of_list)?);
    let law = MarginLaw::new(ratio, COST_SIGMA, &[(1.0, owed)]).ok()?;
    Some(law.quantiles(floor.to_float()))
}

/// Before and after a move of the price, on the facts that it is decided on.
#[must_use]
pub fn moved(
    facts: &Facts,
    before: Decimal,
    after: Decimal,
    floor: Share,
) -> Option<[MarginQuantiles; 2]> {
    let (margin, cost) = (*facts.get(MARGIN)?, *facts.get(COST)?);
    // What the facts leave unsaid: rounding may take it below 0.
    let owed = Decimal::ONE.checked_sub(margin)?.checked_sub(cost.checked_div(before)?)?;
    let owed = Share::new("what is owed", owed.clamp(Decimal::ZERO, Decimal::ONE)).ok()?;
    Some([margins(cost, before, owed, floor)?, margins(cost, after, owed, floor)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    fn share(text: &str) -> Share {
        Share::new("a share", decimal(text)).expect("a share")
    }

    #[test]
    fn a_higher_price_raises_the_median_and_lowers_the_chance_to_fall_below_the_floor() {
        let facts =
            Facts::from([(MARGIN.to_owned(), decimal("0.3")), (COST.to_owned(), decimal("0.65"))]);
        let [before, after] =
            moved(&facts, decimal("1"), decimal("1.1"), share("0.35")).expect("a law");
        // The median of a lognormal of mean 0.65 is 0.65·exp(−0.1²/2); 5 % are owed.
        assert!((before.p50 - (0.95 - 0.65 * (-0.005f64).exp())).abs() < 1e-12);
        assert!((before.mean - 0.3).abs() < 1e-12);
        assert!(before.below_floor > 0.7 && after.below_floor < before.below_floor);
        assert!(after.p5 > before.p5 && after.p50 > before.p50 && after.p95 > before.p95);
    }

    #[test]
    fn without_a_price_or_without_facts_there_is_no_law() {
        assert_eq!(margins(decimal("0.5"), Decimal::ZERO, Share::ZERO, share("0.35")), None);
        assert_eq!(moved(&Facts::new(), decimal("1"), decimal("1.1"), share("0.35")), None);
    }
}
