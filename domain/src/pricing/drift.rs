//! After a change: does the realised margin stay where it was predicted? If not, roll back.
//!
//! Source: Page's one-sided CUSUM (1954): small shortfalls add up, single outliers do not.

use serde::{Deserialize, Serialize};

use super::approval::Facts;
use super::edition::{COST, MARGIN};
use super::policy::Watch;
use crate::economics::quantity::float;
use rust_decimal::Decimal;

/// What was predicted and how much falling short is borne. Margins, as shares of revenue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prediction {
    pub margin: f64,
    /// k: a shortfall that counts as noise, each time.
    pub slack: f64,
    /// h: the sum of shortfalls beyond which the change is rolled back.
    pub limit: f64,
}

/// The sum of what fell short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shortfall(f64);

impl Shortfall {
    /// `S = max(0, S + (predicted − realised − k))`. In floating point and in this order: at a sum
    /// of exactly h, the last bit decides. A margin that is absent changes nothing.
    #[must_use]
    pub fn after(self, prediction: &Prediction, realised: Option<f64>) -> Self {
        let Some(realised) = realised else { return self };
        let shortfall = self.0 + (prediction.margin - realised - prediction.slack);
        Shortfall(shortfall.max(0.0))
    }

    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// `S > h`: roll back.
    #[must_use]
    pub fn breaks(self, prediction: &Prediction) -> bool {
        self.0 > prediction.limit
    }
}

/// The margin that a move of the price promised, on the facts that it was decided on: the same costs
/// and penalties at the other price. Prices are shares of the list price.
#[must_use]
pub fn promised(facts: &Facts, before: Decimal, after: Decimal) -> Option<f64> {
    let (margin, cost) = (facts.get(MARGIN)?, facts.get(COST)?);
    let saved = cost.checked_div(before)?.checked_sub(cost.checked_div(after)?)?;
    margin.checked_add(saved).map(float)
}

/// How a change of price fares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fared {
    pub promised: f64,
    /// On average over the days.
    pub realised: f64,
    pub days: u32,
    pub shortfall: Shortfall,
    /// It fell short by more than policy bears.
    pub broke: bool,
}

/// Watches the margins of whole days since the change, the first first. `None`: there is none yet.
#[must_use]
pub fn fared(watch: &Watch, promised: f64, realised: &[f64]) -> Option<Fared> {
    let prediction = Prediction { margin: promised, slack: watch.slack, limit: watch.limit };
    let start = Shortfall::default();
    let shortfall = realised.iter().fold(start, |sum, day| sum.after(&prediction, Some(*day)));
    let days = u32::try_from(realised.len()).unwrap_or(u32::MAX);
    (days > 0).then(|| Fared {
        promised,
        realised: realised.iter().sum::<f64>() / f64::from(days),
        days,
        shortfall,
        broke: shortfall.breaks(&prediction),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_month_is_borne_and_a_lasting_shortfall_is_not() {
        let prediction = Prediction { margin: 0.5, slack: 0.01, limit: 0.05 };
        let watch = |realised: &[f64]| {
            let start = Shortfall::default();
            realised.iter().fold(start, |sum, margin| sum.after(&prediction, Some(*margin)))
        };
        assert!(!watch(&[0.45, 0.52, 0.52, 0.51]).breaks(&prediction));
        assert!(watch(&[0.47, 0.47, 0.47]).breaks(&prediction));
        let sum = watch(&[0.47]);
        assert_eq!(sum.after(&prediction, None), sum);
    }

    #[test]
    fn a_promise_is_the_margin_at_the_other_price_and_the_same_penalties() {
        let number = |text: &str| text.parse().expect("a decimal");
        // 1 − 0.7 / 1 − 0.05 of penalties is 0.25; at 1.25 it is 1 − 0.56 − 0.05.
        let facts =
            Facts::from([(MARGIN.to_owned(), number("0.25")), (COST.to_owned(), number("0.7"))]);
        let promised = promised(&facts, number("1"), number("1.25")).expect("a promise");
        assert!((promised - 0.39).abs() < 1e-12, "{promised}");
        let watch = Watch::default();
        assert_eq!(fared(&watch, promised, &[]), None);
        let kept = fared(&watch, promised, &[0.39, 0.385, 0.38, 0.40]).expect("four days");
        assert!(!kept.broke && (kept.realised - 0.38875).abs() < 1e-12, "{kept:?}");
        let broken = fared(&watch, promised, &[0.35, 0.36, 0.35]).expect("three days");
        assert!(broken.broke && broken.days == 3, "{broken:?}");
    }
}
