//! Why two scenarios share their draws, and how many draws a difference needs.
//!
//! Source: Hammersley and Morton 1956 (antithetic variates); common random numbers are in every
//! text on simulation. Mirrored draws may RAISE the variance of an extreme quantile: they are for
//! means.

use crate::economics::EconomicsError;
use crate::economics::quantity::{not_negative, positive, within};
use crate::economics::sample::Z_95_TWO_SIDED;

/// Two estimates of one kind, A and B, as they vary from run to run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    deviation_a: f64,
    deviation_b: f64,
    correlation: f64,
}

impl Pair {
    /// # Errors
    /// A negative deviation, or a correlation outside −1 to 1.
    pub fn new(
        deviation_a: f64,
        deviation_b: f64,
        correlation: f64,
    ) -> Result<Self, EconomicsError> {
        Ok(Pair {
            deviation_a: not_negative("the deviation of A", deviation_a)?,
            deviation_b: not_negative("the deviation of B", deviation_b)?,
            correlation: within("the correlation", correlation, -1.0, 1.0, "from -1 to 1")?,
        })
    }

    /// `σa² + σb²`: the variance of A − B with draws of their own.
    #[must_use]
    pub fn variance_apart(&self) -> f64 {
        self.deviation_a * self.deviation_a + self.deviation_b * self.deviation_b
    }

    /// `σa² + σb² − 2ρ σa σb`: the variance of A − B with the same draws.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.variance_apart() - 2.0 * self.correlation * self.deviation_a * self.deviation_b
    }

    /// How many times fewer draws the same precision needs. `None`: the difference does not vary.
    #[must_use]
    pub fn reduction(&self) -> Option<f64> {
        let variance = self.variance();
        (variance > 0.0).then(|| self.variance_apart() / variance)
    }

    /// `⌈(1.96 σ / h)²⌉`: the draws after which the difference is known to ±h with 95 %.
    ///
    /// # Errors
    /// The half width is not above 0.
    pub fn draws_needed(&self, half_width: f64) -> Result<f64, EconomicsError> {
        let half_width = positive("the half width", half_width)?;
        let deviation = self.variance().max(0.0).sqrt();
        let ratio = Z_95_TWO_SIDED * deviation / half_width;
        Ok((ratio * ratio).ceil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_that_does_not_vary_needs_no_draws() {
        let same = Pair::new(2.0, 2.0, 1.0).expect("a pair");
        assert_eq!(same.variance().to_bits(), 0.0f64.to_bits());
        assert_eq!(same.reduction(), None);
        assert_eq!(same.draws_needed(0.1).expect("draws").to_bits(), 0.0f64.to_bits());
        assert!(same.draws_needed(0.0).is_err());
        assert!(Pair::new(1.0, 1.0, 1.01).is_err());
    }
}
