//! Tenants who leave when the price rises: what the price earns over months, and what churn it bears.
//!
//! The logistic link is our choice: it keeps the churn within 0 and 1, and its one parameter can
//! be fitted. Until it is, it is an assumption, and screens mark it so.

use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::probability::rising_root;
use crate::economics::quantity::{Change, float, not_negative, probability, within};

/// Fifty years: far beyond any plan for a price.
const MONTHS_MAX: u32 = 600;
/// Beyond, the response is a cliff and the exponential overflows.
const BETA_MAX: f64 = 100.0;

/// A tenant's month and how it answers to a price change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retention {
    /// The probability that the tenant leaves in a month at today's price.
    pub monthly_churn: f64,
    /// How much the log-odds of leaving rise for a price that doubles.
    pub beta: f64,
    pub price_usd_per_month: f64,
    pub cost_usd_per_month: f64,
    pub months: u32,
    /// Monthly discount rate.
    pub discount: f64,
}

impl Retention {
    /// # Errors
    /// A number outside what the field can mean.
    pub fn check(self) -> Result<Self, EconomicsError> {
        probability("the monthly churn", self.monthly_churn)?;
        within("the churn response", self.beta, -BETA_MAX, BETA_MAX, "between -100 and 100")?;
        not_negative("the monthly price", self.price_usd_per_month)?;
        not_negative("the monthly cost", self.cost_usd_per_month)?;
        within("the months", f64::from(self.months), 1.0, f64::from(MONTHS_MAX), "1 to 600")?;
        within("the monthly discount", self.discount, 0.0, 1.0, "0 to 1")?;
        Ok(self)
    }

    /// `logit(c₁) = logit(c₀) + β·g`.
    #[must_use]
    pub fn churn_after(&self, change: Change) -> f64 {
        let stays = (1.0 - self.monthly_churn) * libm::exp(-self.beta * growth(change));
        let leaves = self.monthly_churn;
        if leaves == 0.0 { 0.0 } else { leaves / (leaves + stays) }
    }

    /// `Σ_{m<H} cm · ((1 − c) / (1 + d))^m` with `cm = p (1 + g) − cost`: what the months earn at
    /// a churn, in US dollars of today.
    #[must_use]
    pub fn value_usd(&self, change: Change, churn: f64) -> f64 {
        let kept = (1.0 - churn) / (1.0 + self.discount);
        let mut weight = 1.0;
        let mut months = 0.0;
        for _ in 0..self.months {
            months += weight;
            weight *= kept;
        }
        self.contribution_usd(change) * months
    }

    /// `1 − 1 / (1 + g)`: the share of tenants that may leave at once before revenue falls.
    #[must_use]
    pub fn break_even_revenue(&self, change: Change) -> f64 {
        1.0 - 1.0 / change.to_factor()
    }

    /// `g·p / (p (1 + g) − cost)`: the share that may leave at once before profit falls. `None`:
    /// a month leaves nothing.
    #[must_use]
    pub fn break_even_profit(&self, change: Change) -> Option<f64> {
        let left = self.contribution_usd(change);
        (left != 0.0).then(|| growth(change) * self.price_usd_per_month / left)
    }

    /// The monthly churn at which the changed price is worth what today's is. `None`: none
    /// between 0 and 1 is.
    #[must_use]
    pub fn break_even_churn(&self, change: Change) -> Option<f64> {
        let today = self.value_usd(Change::NONE, self.monthly_churn);
        let gap = |churn: f64| today - self.value_usd(change, churn);
        let (at_none, at_all) = (gap(0.0), gap(1.0));
        if at_none * at_all >= 0.0 {
            return None;
        }
        let sign = at_all.signum();
        Some(rising_root(0.0, 1.0, |churn| sign * gap(churn)))
    }

    fn contribution_usd(&self, change: Change) -> f64 {
        self.price_usd_per_month * change.to_factor() - self.cost_usd_per_month
    }
}

fn growth(change: Change) -> f64 {
    float(change.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    fn tenant() -> Retention {
        Retention {
            monthly_churn: 0.02,
            beta: 8.0,
            price_usd_per_month: 99.0,
            cost_usd_per_month: 40.0,
            months: 12,
            discount: 0.008,
        }
    }

    #[test]
    fn without_a_change_the_break_even_churn_is_todays() {
        let churn = tenant().break_even_churn(Change::NONE).expect("a churn");
        assert!((churn - 0.02).abs() < 1e-12, "{churn}");
        assert!((tenant().churn_after(Change::NONE) - 0.02).abs() < 1e-15);
    }

    #[test]
    fn nobody_leaves_who_never_would_and_everybody_who_always_does() {
        let rise = Change::new("the price", decimal("0.5")).expect("a change");
        let never = Retention { monthly_churn: 0.0, ..tenant() };
        assert_eq!(never.churn_after(rise).to_bits(), 0.0f64.to_bits());
        let always = Retention { monthly_churn: 1.0, ..tenant() };
        assert_eq!(always.churn_after(rise).to_bits(), 1.0f64.to_bits());
    }

    #[test]
    fn a_price_below_cost_breaks_even_at_no_churn() {
        let dear = Retention { cost_usd_per_month: 99.0, ..tenant() };
        assert_eq!(dear.break_even_profit(Change::NONE), None);
        assert_eq!(dear.break_even_churn(Change::NONE), None);
        assert!(Retention { months: 601, ..tenant() }.check().is_err());
        assert!(Retention { monthly_churn: f64::NAN, ..tenant() }.check().is_err());
    }
}
