//! The plain formula, which everything else refines: what came in, what it cost, what was owed.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::quantity::{Share, amount, checked};

/// A period's usage at one cost, one price and one penalty rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Thousands of tokens.
    pub usage_k: Decimal,
    /// What the provider takes, in US dollars a thousand tokens.
    pub cost_usd_per_k: Decimal,
    /// What the tenant pays, in US dollars a thousand tokens.
    pub price_usd_per_k: Decimal,
    /// Share of the revenue that is owed as SLA credit.
    pub penalty_rate: Share,
}

impl Input {
    /// `cost = provider cost · usage; revenue = price · usage; penalty = revenue · penalty rate`.
    ///
    /// # Errors
    /// An amount is negative or beyond a quadrillion, or a product does not fit a decimal.
    pub fn statement(&self) -> Result<Statement, EconomicsError> {
        let usage = amount("the usage", self.usage_k)?;
        let cost = amount("the provider cost", self.cost_usd_per_k)?;
        let price = amount("the price", self.price_usd_per_k)?;
        let revenue = checked("the revenue", price.checked_mul(usage))?;
        let cost = checked("the cost", cost.checked_mul(usage))?;
        let penalty = checked("the penalty", revenue.checked_mul(self.penalty_rate.get()))?;
        Statement::new(revenue, cost, penalty)
    }
}

/// Revenue, cost and penalty of a tenant, a group or everything. US dollars, none negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    revenue_usd: Decimal,
    cost_usd: Decimal,
    penalty_usd: Decimal,
}

impl Statement {
    /// # Errors
    /// One of them is negative or beyond a quadrillion dollars.
    pub fn new(
        revenue_usd: Decimal,
        cost_usd: Decimal,
        penalty_usd: Decimal,
    ) -> Result<Self, EconomicsError> {
        Ok(Statement {
            revenue_usd: amount("the revenue", revenue_usd)?,
            cost_usd: amount("the cost", cost_usd)?,
            penalty_usd: amount("the penalty", penalty_usd)?,
        })
    }

    #[must_use]
    pub const fn revenue_usd(&self) -> Decimal {
        self.revenue_usd
    }

    #[must_use]
    pub const fn cost_usd(&self) -> Decimal {
        self.cost_usd
    }

    #[must_use]
    pub const fn penalty_usd(&self) -> Decimal {
        self.penalty_usd
    }

    /// `revenue − cost − penalty`.
    #[must_use]
    pub fn profit_usd(&self) -> Decimal {
        self.revenue_usd - self.cost_usd - self.penalty_usd
    }

    /// `(revenue − cost − penalty) / revenue`. Without revenue there is no margin: `None`, and
    /// the same where the quotient has no decimal form.
    #[must_use]
    pub fn margin(&self) -> Option<Decimal> {
        self.profit_usd().checked_div(self.revenue_usd)
    }

    /// Both together: margins of groups come from sums, never from averages of margins.
    ///
    /// # Errors
    /// A sum is beyond a quadrillion dollars.
    pub fn plus(&self, other: &Statement) -> Result<Statement, EconomicsError> {
        Statement::new(
            self.revenue_usd + other.revenue_usd,
            self.cost_usd + other.cost_usd,
            self.penalty_usd + other.penalty_usd,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    fn input(price_usd_per_k: Decimal) -> Input {
        Input {
            usage_k: decimal("120000"),
            cost_usd_per_k: decimal("0.0025"),
            price_usd_per_k,
            penalty_rate: Share::ZERO,
        }
    }

    #[test]
    fn what_is_given_away_has_a_loss_and_no_margin() {
        let free = input(Decimal::ZERO).statement().expect("a statement");
        assert_eq!(free.profit_usd(), decimal("-300"));
        assert_eq!(free.margin(), None);
    }

    #[test]
    fn a_negative_price_and_a_product_beyond_reason_are_refused() {
        assert!(matches!(
            input(decimal("-0.006")).statement(),
            Err(EconomicsError::OutOfRange { what: "the price", .. })
        ));
        let absurd =
            Input { usage_k: decimal("1000000000000000"), ..input(decimal("1000000000000000")) };
        assert_eq!(absurd.statement(), Err(EconomicsError::Overflow { what: "the revenue" }));
    }
}
