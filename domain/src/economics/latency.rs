//! From latencies to the probability that a promise is broken.
//!
//! A lognormal law fits the middle of what providers show; stalls of tens of seconds break it.
//! So there are three forms: the law alone, the law with stalls, and what was measured.
//! Latencies are in seconds, shifts relative: +20 % of latency is far more than +20 % of breaches.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::probability::{Z_99, binomial_above, normal_above, normal_quantile};
use crate::economics::quantity::{Change, Share, not_negative, positive, probability, refuse};
use crate::economics::sample::{Sorted, real};

/// Requests of a month in one promise; more are counted in another way than one by one.
const REQUESTS_MAX: u64 = 1_000_000_000_000;

/// A lognormal latency: `ln X` is normal with mean `mu` and standard deviation `sigma`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lognormal {
    mu: f64,
    sigma: f64,
}

impl Lognormal {
    /// From the median and the 99th percentile: `mu = ln p50`, `sigma = ln(p99 / p50) / z₉₉`.
    ///
    /// # Errors
    /// Not above 0, or the 99th percentile is below the median.
    pub fn from_percentiles(p50_s: f64, p99_s: f64) -> Result<Self, EconomicsError> {
        let (p50, p99) = (positive("the median latency", p50_s)?, positive("the p99", p99_s)?);
        if p99 < p50 {
            let problem = "is below the median latency";
            return Err(EconomicsError::Inconsistent { what: "the p99", problem });
        }
        Ok(Lognormal { mu: libm::log(p50), sigma: libm::log(p99 / p50) / Z_99 })
    }

    /// From the mean and the ratio of the 99th percentile to the median, where requests were summed
    /// and their percentiles are not known: `p50 = mean / exp(sigma² / 2)`.
    ///
    /// # Errors
    /// The mean is not above 0, or the ratio is below 1.
    pub fn from_mean(mean_s: f64, p99_over_p50: f64) -> Result<Self, EconomicsError> {
        let law = Lognormal::from_percentiles(1.0, p99_over_p50)?;
        let mu = libm::log(positive("the mean latency", mean_s)?) - law.sigma * law.sigma / 2.0;
        Ok(Lognormal { mu, sigma: law.sigma })
    }

    /// From the median and the standard deviation of the logarithm.
    ///
    /// # Errors
    /// The median is not above 0, or sigma is negative.
    pub fn from_median(p50_s: f64, sigma: f64) -> Result<Self, EconomicsError> {
        let mu = libm::log(positive("the median latency", p50_s)?);
        Ok(Lognormal { mu, sigma: not_negative("the sigma of a latency", sigma)? })
    }

    #[must_use]
    pub const fn mu(&self) -> f64 {
        self.mu
    }

    #[must_use]
    pub const fn sigma(&self) -> f64 {
        self.sigma
    }

    /// `P(X · (1 + g) > T) = 1 − Φ((ln T − mu − ln(1 + g)) / sigma)`.
    #[must_use]
    pub fn breach(&self, threshold_s: f64, shift: Change) -> f64 {
        let distance = libm::log(threshold_s) - self.mu - libm::log(shift.to_factor());
        if self.sigma > 0.0 {
            return normal_above(distance / self.sigma);
        }
        if distance < 0.0 { 1.0 } else { 0.0 }
    }

    /// `p50 · (1 + g) · exp(sigma · z_q)`: the latency that a share q of requests stays below.
    #[must_use]
    pub fn quantile_s(&self, q: f64, shift: Change) -> f64 {
        shift.to_factor() * self.unshifted_s(q)
    }

    /// `g* = T / (p50 · exp(sigma · z_a)) − 1`: the shift at which the attainment just reaches
    /// its target. Negative: it is missed already.
    #[must_use]
    pub fn headroom(&self, threshold_s: f64, target: Share) -> f64 {
        threshold_s / self.unshifted_s(target.to_float()) - 1.0
    }

    fn unshifted_s(&self, q: f64) -> f64 {
        if self.sigma > 0.0 {
            return libm::exp(self.mu + self.sigma * normal_quantile(q));
        }
        libm::exp(self.mu)
    }
}

/// Requests that hang: how likely one is, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stalls {
    pub probability: f64,
    pub stall_s: f64,
}

/// How long requests take.
#[derive(Clone, Debug, PartialEq)]
pub enum Latency {
    Lognormal(Lognormal),
    /// A lognormal law, and with some probability a stall instead.
    Stalling(Lognormal, Stalls),
    /// What was measured, in seconds: no law at all.
    Measured(Sorted),
}

impl Latency {
    /// # Errors
    /// The probability is none, or the stall is negative.
    pub fn stalling(law: Lognormal, stalls: Stalls) -> Result<Self, EconomicsError> {
        probability("the probability of a stall", stalls.probability)?;
        not_negative("the length of a stall", stalls.stall_s)?;
        Ok(Latency::Stalling(law, stalls))
    }

    /// The probability that a request takes longer than promised after a shift. Stalls do not
    /// shift: they are timeouts, not load. With stalls: `(1 − π)·breach + π·[stall > T]`.
    ///
    /// # Errors
    /// The threshold is not above 0.
    pub fn breach(&self, threshold_s: f64, shift: Change) -> Result<f64, EconomicsError> {
        let threshold = positive("the promised latency", threshold_s)?;
        Ok(match self {
            Latency::Lognormal(law) => law.breach(threshold, shift),
            Latency::Stalling(law, stalls) => {
                let stalled = if stalls.stall_s > threshold { stalls.probability } else { 0.0 };
                (1.0 - stalls.probability) * law.breach(threshold, shift) + stalled
            }
            Latency::Measured(sample) => {
                let limit = threshold / shift.to_factor();
                let within = sample.values().partition_point(|latency| *latency <= limit);
                let all = sample.values().len();
                real(all - within) / real(all)
            }
        })
    }
}

/// A promise that a share of a month's requests stays within a latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    pub target: Share,
    pub requests: u64,
}

impl Promise {
    /// `P(X > (1 − a)·n)` for X binomial with n requests, each of which breaks the promise with
    /// this probability. How many may break it is counted in whole requests, from decimals.
    ///
    /// # Errors
    /// The breach is no probability, or there are more than a million million requests.
    pub fn miss(&self, breach: f64) -> Result<f64, EconomicsError> {
        let breach = probability("the probability of a breach", breach)?;
        if self.requests > REQUESTS_MAX {
            return Err(refuse(
                "the requests of a month",
                &self.requests,
                "a million million or less",
            ));
        }
        let allowed = (self.target.rest().get() * Decimal::from(self.requests)).floor();
        // A share of at most 10¹² requests fits.
        let allowed = allowed.to_u64().unwrap_or(self.requests);
        Ok(binomial_above(allowed, self.requests, breach))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    fn change(text: &str) -> Change {
        Change::new("the shift", decimal(text)).expect("a change")
    }

    #[test]
    fn a_latency_that_never_varies_breaks_a_promise_always_or_never() {
        let constant = Lognormal::from_percentiles(0.5, 0.5).expect("a law");
        for (threshold, breach) in [(0.4, 1.0), (0.5, 0.0), (0.6, 0.0)] {
            assert_eq!(constant.breach(threshold, Change::NONE).to_bits(), f64::to_bits(breach));
        }
        assert!((constant.quantile_s(0.99, change("0.2")) - 0.6).abs() < 1e-12);
        assert!(Lognormal::from_percentiles(0.5, 0.4).is_err());
    }

    #[test]
    fn a_mean_and_a_tail_give_the_law_that_has_them() {
        let law = Lognormal::from_mean(0.9, 3.0).expect("a law");
        let mean = libm::exp(law.mu() + law.sigma() * law.sigma() / 2.0);
        assert!((mean - 0.9).abs() < 1e-12, "{mean}");
        let tail = law.quantile_s(0.99, Change::NONE) / law.quantile_s(0.5, Change::NONE);
        assert!((tail - 3.0).abs() < 1e-9, "{tail}");
        assert!(Lognormal::from_mean(0.0, 3.0).is_err() && Lognormal::from_mean(1.0, 0.9).is_err());
    }

    #[test]
    fn measured_latencies_count_what_is_longer_after_the_shift() {
        let sample = Sorted::new(vec![0.3, 0.4, 0.5, 30.0]).expect("a sample");
        let measured = Latency::Measured(sample);
        assert_eq!(measured.breach(0.5, Change::NONE), Ok(0.25));
        assert_eq!(measured.breach(0.5, change("0.2")), Ok(0.5));
        assert!(measured.breach(0.0, Change::NONE).is_err());
    }

    #[test]
    fn the_allowed_breaches_are_counted_from_decimals() {
        // (1 − 0.9)·10 is 0.999… in binary: one breach of ten is allowed all the same.
        let target = Share::new("the target", decimal("0.9")).expect("a share");
        let miss = Promise { target, requests: 10 }.miss(0.1).expect("a probability");
        let at_most_one = libm::pow(0.9, 10.0) + libm::pow(0.9, 9.0);
        assert!((miss - (1.0 - at_most_one)).abs() < 1e-12, "{miss}");
    }

    #[test]
    fn a_promise_of_every_request_is_missed_by_one_breach() {
        let miss = Promise { target: Share::ONE, requests: 2 }.miss(0.5).expect("a probability");
        assert!((miss - 0.75).abs() < 1e-12);
        assert!(Promise { target: Share::ONE, requests: u64::MAX }.miss(0.5).is_err());
        assert!(Promise { target: Share::ONE, requests: 2 }.miss(f64::NAN).is_err());
    }
}
