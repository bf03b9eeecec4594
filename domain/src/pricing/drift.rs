//! After a change: does the realised margin stay where it was predicted? If not, roll back.
//!
//! Source: Page's one-sided CUSUM (1954): small shortfalls add up, single outliers do not.

use serde::{Deserialize, Serialize};

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
}
