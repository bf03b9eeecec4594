//! What could be done for a tenant's margin, and what each is worth: expected value less risk.
//!
//! Three exclusive outcomes: the tenant accepts, leaves, or nothing changes.

use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::quantity::{count, probability, within};

/// Fifty years.
const MONTHS_MAX: u32 = 600;
/// There are five kinds.
const ACTIONS_MAX: usize = 100;

/// An action and how it may go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Action {
    pub name: String,
    pub accept_probability: f64,
    /// What acceptance adds to the monthly profit, in US dollars.
    pub gain_usd_per_month: f64,
    /// The probability that the tenant leaves because of it.
    pub churn_probability: f64,
    /// What it costs once, whatever comes.
    pub cost_usd: f64,
}

/// How the future is weighed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outlook {
    /// What the tenant leaves us now, which churn would lose.
    pub profit_usd_per_month: f64,
    pub months: u32,
    /// Monthly discount rate.
    pub discount: f64,
    /// How many dollars of expected value a dollar of deviation weighs.
    pub risk_aversion: f64,
}

/// What an action is worth, in US dollars of today.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Worth {
    pub name: String,
    pub expected_usd: f64,
    pub deviation_usd: f64,
    /// `expected − risk aversion · deviation`.
    pub score_usd: f64,
}

impl Outlook {
    /// # Errors
    /// A number outside what the field can mean.
    pub fn check(self) -> Result<Self, EconomicsError> {
        let (large, wanted) = (1e12, "between minus and plus a million million");
        within("the monthly profit", self.profit_usd_per_month, -large, large, wanted)?;
        within("the months", self.months.into(), 1.0, MONTHS_MAX.into(), "1 to 600")?;
        within("the monthly discount", self.discount, 0.0, 1.0, "0 to 1")?;
        within("the risk aversion", self.risk_aversion, 0.0, 100.0, "0 to 100")?;
        Ok(self)
    }

    /// `(1 − (1 + d)^−H) / d`, or H where nothing is discounted: what a dollar a month is worth.
    #[must_use]
    pub fn annuity(&self) -> f64 {
        let months = f64::from(self.months);
        if self.discount > 0.0 {
            -libm::expm1(-months * libm::log1p(self.discount)) / self.discount
        } else {
            months
        }
    }

    /// `EV = pₐ Δπ A − p_c π₀ A − cost`, its deviation by the law of three points, and the score.
    ///
    /// # Errors
    /// Probabilities outside 0 to 1 or above 1 together.
    pub fn worth(&self, action: &Action) -> Result<Worth, EconomicsError> {
        let accept = probability("the probability of acceptance", action.accept_probability)?;
        let churn = probability("the probability of churn", action.churn_probability)?;
        if accept + churn > 1.0 {
            let problem = "exclude each other and are above 1 together";
            return Err(EconomicsError::Inconsistent { what: "acceptance and churn", problem });
        }
        let annuity = self.annuity();
        let gain = action.gain_usd_per_month * annuity;
        let loss = -self.profit_usd_per_month * annuity;
        let mean = accept * gain + churn * loss;
        let square = |x: f64| x * x;
        let nothing = 1.0 - accept - churn;
        let variance =
            accept * square(gain - mean) + churn * square(loss - mean) + nothing * square(mean);
        let (expected_usd, deviation_usd) = (mean - action.cost_usd, variance.sqrt());
        let score_usd = expected_usd - self.risk_aversion * deviation_usd;
        Ok(Worth { name: action.name.clone(), expected_usd, deviation_usd, score_usd })
    }

    /// What each action is worth, in their order.
    ///
    /// # Errors
    /// Too many; or see [`Outlook::worth`].
    pub fn weigh(&self, actions: &[Action]) -> Result<Vec<Worth>, EconomicsError> {
        count("actions", actions.len(), 0, ACTIONS_MAX, "there are five kinds")?;
        actions.iter().map(|action| self.worth(action)).collect()
    }
}

/// The action with the highest score, the first of equals. `None`: no action beats doing nothing.
#[must_use]
pub fn best(worths: &[Worth]) -> Option<&Worth> {
    let worthy = worths.iter().filter(|worth| worth.score_usd > 0.0);
    worthy.reduce(|best, next| if next.score_usd > best.score_usd { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(accept_probability: f64, churn_probability: f64) -> Action {
        Action {
            name: "overage".into(),
            accept_probability,
            gain_usd_per_month: 100.0,
            churn_probability,
            cost_usd: 0.0,
        }
    }

    #[test]
    fn what_is_certain_has_no_deviation_and_the_first_of_equals_is_best() {
        let outlook =
            Outlook { profit_usd_per_month: 800.0, months: 12, discount: 0.0, risk_aversion: 1.0 };
        let worths = outlook.weigh(&[action(1.0, 0.0), action(1.0, 0.0)]).expect("worths");
        assert_eq!((worths[0].expected_usd, worths[0].deviation_usd), (1200.0, 0.0));
        assert!(std::ptr::eq(best(&worths).expect("one"), &worths[0]));
        assert_eq!(best(&[]), None);
        assert!(outlook.worth(&action(0.9, 0.2)).is_err());
        assert!(Outlook { months: 0, ..outlook }.check().is_err());
    }
}
