//! Peak EWMA (F3): a rise counts at once, a fall little by little. A cloud that turned slow is
//! noticed with the first sample, and trusted again with many.

use libm::exp;

use super::damping::passed;

/// A smoothed figure, in the samples' unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeakEwma {
    tau_ms: f64,
    last: Option<(u64, f64)>,
}

impl PeakEwma {
    #[must_use]
    pub const fn new(tau_ms: f64) -> Self {
        PeakEwma { tau_ms, last: None }
    }

    /// Takes a sample and returns the figure.
    pub fn take(&mut self, at_ms: u64, sample: f64) -> f64 {
        let value = match self.last {
            None => sample,
            Some((_, value)) if sample >= value => sample,
            Some((before_ms, value)) => {
                let kept = exp(-passed(before_ms, at_ms) / self.tau_ms);
                value * kept + sample * (1.0 - kept)
            }
        };
        self.last = Some((at_ms, value));
        value
    }

    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.last.map(|(_, value)| value)
    }
}
