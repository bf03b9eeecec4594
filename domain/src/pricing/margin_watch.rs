//! When a margin asks for action: thresholds with hysteresis, and a dwell before a word is said.
//!
//! A Schmitt trigger: the band is left at another value than it is entered, so a margin that
//! flutters around 0.35 is not suggested an upgrade every day.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;

/// Where a tenant's margin is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Band {
    Low,
    #[default]
    Normal,
    High,
}

/// The bounds of the bands, as margins, and how often in a row a new band must be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Thresholds {
    /// Below: low.
    pub low_enter: Decimal,
    /// At or above: no longer low.
    pub low_leave: Decimal,
    /// At or below: no longer high.
    pub high_leave: Decimal,
    /// Above: high.
    pub high_enter: Decimal,
    pub dwell: u32,
}

impl Thresholds {
    /// 0.35 and 0.40, 0.70 and 0.75: the product's own.
    #[must_use]
    pub fn standard(dwell: u32) -> Self {
        Thresholds {
            low_enter: Decimal::new(35, 2),
            low_leave: Decimal::new(40, 2),
            high_leave: Decimal::new(70, 2),
            high_enter: Decimal::new(75, 2),
            dwell,
        }
    }

    /// # Errors
    /// The bounds do not rise in the order of the fields, or the dwell is 0.
    pub fn check(self) -> Result<Self, EconomicsError> {
        let bounds = [self.low_enter, self.low_leave, self.high_leave, self.high_enter];
        if bounds.windows(2).all(|pair| pair[0] <= pair[1]) && self.dwell > 0 {
            return Ok(self);
        }
        let problem = "must rise from low to high, with a dwell of at least 1";
        Err(EconomicsError::Inconsistent { what: "the margin thresholds", problem })
    }

    fn asked(&self, band: Band, margin: Decimal) -> Band {
        let low_until = if band == Band::Low { self.low_leave } else { self.low_enter };
        let high =
            if band == Band::High { margin > self.high_leave } else { margin > self.high_enter };
        if margin < low_until {
            Band::Low
        } else if high {
            Band::High
        } else {
            Band::Normal
        }
    }
}

/// What entering a band suggests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recommendation {
    SuggestTierUpgrade,
    ConsiderPriceOptimisation,
}

impl Recommendation {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Recommendation::SuggestTierUpgrade => "suggest_tier_upgrade",
            Recommendation::ConsiderPriceOptimisation => "consider_price_optimisation",
        }
    }

    const fn on_entering(band: Band) -> Option<Self> {
        match band {
            Band::Low => Some(Recommendation::SuggestTierUpgrade),
            Band::Normal => None,
            Band::High => Some(Recommendation::ConsiderPriceOptimisation),
        }
    }
}

/// A tenant's band, and how often in a row another one was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarginWatch {
    band: Band,
    asked: Option<(Band, u32)>,
}

impl MarginWatch {
    #[must_use]
    pub const fn band(&self) -> Band {
        self.band
    }

    /// After one more observation. A margin that is absent changes nothing. A recommendation is
    /// made on entering a band, and not again while it lasts.
    #[must_use]
    pub fn observe(
        self,
        thresholds: &Thresholds,
        margin: Option<Decimal>,
    ) -> (Self, Option<Recommendation>) {
        let Some(margin) = margin else { return (self, None) };
        let asked = thresholds.asked(self.band, margin);
        if asked == self.band {
            return (MarginWatch { asked: None, ..self }, None);
        }
        let times = match self.asked {
            Some((band, times)) if band == asked => times.saturating_add(1),
            _ => 1,
        };
        if times < thresholds.dwell {
            return (MarginWatch { asked: Some((asked, times)), ..self }, None);
        }
        (MarginWatch { band: asked, asked: None }, Recommendation::on_entering(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    #[test]
    fn asking_for_one_band_and_then_another_starts_the_count_again() {
        let thresholds = Thresholds::standard(2).check().expect("thresholds");
        let mut watch = MarginWatch::default();
        for margin in ["0.3", "0.8", "0.3", "0.8"] {
            watch = watch.observe(&thresholds, Some(decimal(margin))).0;
            assert_eq!(watch.band(), Band::Normal, "{margin}");
        }
        let (watch, fired) = watch.observe(&thresholds, Some(decimal("0.8")));
        assert_eq!(
            (watch.band(), fired),
            (Band::High, Some(Recommendation::ConsiderPriceOptimisation))
        );
    }

    #[test]
    fn bounds_that_cross_are_refused() {
        let crossed = Thresholds { low_leave: decimal("0.3"), ..Thresholds::standard(1) };
        assert!(crossed.check().is_err());
        assert!(Thresholds::standard(0).check().is_err());
    }
}
