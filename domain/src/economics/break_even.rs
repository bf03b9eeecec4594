//! How far an input may move before the margin reaches its floor, in closed form.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::economics::EconomicsError;
use crate::economics::quantity::{Share, amount};

/// A unit's cost, price and penalty, and the margin that must remain. Decimal, since the answers
/// are prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitMargin {
    cost_usd_per_k: Decimal,
    price_usd_per_k: Decimal,
    penalty_rate: Share,
    floor: Share,
}

/// A plan with a fee, included usage and overage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeePlan {
    pub fee_usd: Decimal,
    pub included_k: Decimal,
    pub overage_usd_per_k: Decimal,
}

/// The usage at which a plan's margin falls to its floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum UsageLimit {
    /// Thousands of tokens.
    At(Decimal),
    /// More usage never brings the margin down to the floor.
    Never,
}

impl UnitMargin {
    /// # Errors
    /// A negative amount.
    pub fn new(
        cost_usd_per_k: Decimal,
        price_usd_per_k: Decimal,
        penalty_rate: Share,
        floor: Share,
    ) -> Result<Self, EconomicsError> {
        amount("the provider cost", cost_usd_per_k)?;
        amount("the price", price_usd_per_k)?;
        Ok(UnitMargin { cost_usd_per_k, price_usd_per_k, penalty_rate, floor })
    }

    /// `(1 − f − k) p / c − 1`: by how much the provider may raise its cost ("32 %"). Negative:
    /// the margin is below its floor already. `None`: without cost no rise matters.
    #[must_use]
    pub fn cost_change(&self) -> Option<Decimal> {
        let bearable = self.kept().checked_mul(self.price_usd_per_k)?;
        bearable.checked_div(self.cost_usd_per_k)?.checked_sub(Decimal::ONE)
    }

    /// `c / (1 − f − k)`: the lowest price that keeps the floor. `None`: no price does.
    #[must_use]
    pub fn price_usd_per_k(&self) -> Option<Decimal> {
        let kept = self.kept();
        (kept > Decimal::ZERO).then(|| self.cost_usd_per_k.checked_div(kept)).flatten()
    }

    /// `1 − c / p − f`: the largest penalty rate that keeps the floor. `None` without a price.
    #[must_use]
    pub fn penalty_rate(&self) -> Option<Decimal> {
        let cost_share = self.cost_usd_per_k.checked_div(self.price_usd_per_k)?;
        self.floor.rest().get().checked_sub(cost_share)
    }

    /// What is left of a dollar of revenue for cost: `1 − f − k`.
    fn kept(&self) -> Decimal {
        self.floor.rest().get() - self.penalty_rate.get()
    }
}

impl FeePlan {
    /// The largest usage with a margin of at least f, where `revenue = F + o · max(0, u − I)` and
    /// `cost = c · u`. Within the included usage `F (1 − f) / c`; beyond it, where overage pays
    /// less than its cost, `(F (1 − f) − o (1 − f) I) / (c − o (1 − f))`.
    ///
    /// # Errors
    /// A negative amount, or one beyond decimals.
    pub fn usage_limit(
        &self,
        cost_usd_per_k: Decimal,
        floor: Share,
    ) -> Result<UsageLimit, EconomicsError> {
        let fee = amount("the fee", self.fee_usd)?;
        let included = amount("the included usage", self.included_k)?;
        let overage = amount("the overage price", self.overage_usd_per_k)?;
        let cost = amount("the provider cost", cost_usd_per_k)?;
        let limit = usage_limit(fee, included, overage, cost, floor.rest().get());
        limit.ok_or(EconomicsError::Overflow { what: "the usage limit" })
    }
}

/// `None`: a step does not fit decimals.
fn usage_limit(
    fee: Decimal,
    included: Decimal,
    overage: Decimal,
    cost: Decimal,
    kept: Decimal,
) -> Option<UsageLimit> {
    let kept_fee = fee.checked_mul(kept)?;
    if kept_fee < cost.checked_mul(included)? {
        // The margin reaches its floor before the included usage is used up.
        return Some(UsageLimit::At(kept_fee.checked_div(cost)?));
    }
    let kept_overage = overage.checked_mul(kept)?;
    let gap = cost.checked_sub(kept_overage)?;
    if gap <= Decimal::ZERO {
        return Some(UsageLimit::Never);
    }
    let room = kept_fee.checked_sub(kept_overage.checked_mul(included)?)?;
    Some(UsageLimit::At(room.checked_div(gap)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    fn share(text: &str) -> Share {
        Share::new("a share", decimal(text)).expect("a share")
    }

    fn unit(cost: &str, price: &str, penalty: &str) -> UnitMargin {
        let (cost, price) = (decimal(cost), decimal(price));
        UnitMargin::new(cost, price, share(penalty), share("0.35")).expect("a unit")
    }

    #[test]
    fn without_cost_or_price_there_is_no_break_even() {
        assert_eq!(unit("0", "0.006", "0").cost_change(), None);
        assert_eq!(unit("0.002", "0", "0").penalty_rate(), None);
        assert_eq!(unit("0.002", "0.006", "0.65").price_usd_per_k(), None);
    }

    #[test]
    fn the_floor_holds_exactly_at_the_break_even_price() {
        let unit = unit("0.0026", "0.006", "0.1");
        let price = unit.price_usd_per_k().expect("a price");
        let margin = Decimal::ONE - decimal("0.0026") / price - decimal("0.1");
        assert_eq!(margin.round_dp(20), decimal("0.35"));
    }

    #[test]
    fn a_plan_that_gives_away_too_much_falls_within_its_included_usage() {
        let plan = FeePlan {
            fee_usd: decimal("100"),
            included_k: decimal("100000"),
            overage_usd_per_k: decimal("0.001"),
        };
        let limit = plan.usage_limit(decimal("0.002"), share("0.35")).expect("a limit");
        assert_eq!(limit, UsageLimit::At(decimal("32500")));
        let free = plan.usage_limit(Decimal::ZERO, share("0.35")).expect("a limit");
        assert_eq!(free, UsageLimit::Never);
    }
}
