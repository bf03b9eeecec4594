//! From latencies to the probability that a promise is broken.
//!
//! A lognormal law fits the middle of what providers show; stalls of tens of seconds break it.
//! So there are four forms: the law alone, the law with stalls, what was measured, and what was
//! metered, which is measured up to its buckets.
//! Latencies are in seconds, shifts relative: +20 % of latency is far more than +20 % of breaches.

use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::probability::{Z_99, binomial_above, normal_above, normal_quantile};
use crate::economics::quantity::{
    Change, Share, float, not_negative, positive, probability, refuse,
};
use crate::economics::sample::{Sorted, real};
use crate::usage::Latencies;

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

    /// The logarithm of how far latencies may rise, a shift included already, until a share of them
    /// no longer stays within the threshold.
    fn room(&self, threshold_s: f64, shift: Change, share: f64) -> f64 {
        let room = libm::log(threshold_s) - self.mu - libm::log(shift.to_factor());
        let needed = if self.sigma > 0.0 { self.sigma * normal_quantile(share) } else { 0.0 };
        room - needed
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
    /// What was metered, in buckets. Shared: all tenants at a place have the same.
    Metered(Arc<Latencies>),
}

impl From<Lognormal> for Latency {
    fn from(law: Lognormal) -> Self {
        Latency::Lognormal(law)
    }
}

impl Latency {
    /// # Errors
    /// The probability is none, or the stall is negative.
    pub fn stalling(law: Lognormal, stalls: Stalls) -> Result<Self, EconomicsError> {
        probability("the probability of a stall", stalls.probability)?;
        not_negative("the length of a stall", stalls.stall_s)?;
        Ok(Latency::Stalling(law, stalls))
    }

    /// # Errors
    /// There are no requests.
    pub fn metered(latencies: Latencies) -> Result<Self, EconomicsError> {
        if latencies.is_empty() {
            return Err(EconomicsError::TooFew { what: "timed requests", count: 0, min: 1 });
        }
        Ok(Latency::Metered(Arc::new(latencies)))
    }

    /// The probability that a request takes longer than promised after a shift. Stalls beside a law
    /// do not shift: they are timeouts, not load. With them: `(1 − π)·breach + π·[stall > T]`. What
    /// was measured or metered shifts as a whole, and what hung in it too: nothing in it says which
    /// requests those are.
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
            Latency::Metered(latencies) => {
                let all = latencies.requests();
                let late = all - latencies.within_s(threshold / shift.to_factor());
                late as f64 / all as f64
            }
        })
    }

    /// How far a region's latency may rise, as the logarithm of a factor, until fewer than a share
    /// of requests are in time: what [`Latency::breach`] says, the other way round. Below 0: they
    /// are fewer already. The share is above 0.
    #[must_use]
    pub(in crate::economics) fn room(
        &self,
        threshold_s: f64,
        shift: Change,
        share: Decimal,
    ) -> f64 {
        let measured = |slowest_s: Option<f64>| match slowest_s {
            Some(slowest_s) if slowest_s > 0.0 => {
                libm::log(threshold_s / slowest_s) - libm::log(shift.to_factor())
            }
            _ => f64::INFINITY,
        };
        match self {
            Latency::Lognormal(law) => law.room(threshold_s, shift, float(share)),
            Latency::Stalling(law, stalls) => {
                match stalls.share_of_law(threshold_s, float(share)) {
                    share if share > 1.0 => f64::NEG_INFINITY,
                    share if share > 0.0 => law.room(threshold_s, shift, share),
                    _ => f64::INFINITY,
                }
            }
            Latency::Measured(sample) => {
                let rank = needed(share, sample.values().len() as u64);
                let at = usize::try_from(rank).unwrap_or(usize::MAX).saturating_sub(1);
                measured(sample.values().get(at).copied())
            }
            Latency::Metered(latencies) => {
                measured(latencies.ranked_s(needed(share, latencies.requests())))
            }
        }
    }
}

impl Stalls {
    /// How many of the requests that do not stall must be in time, so that this share of all is.
    fn share_of_law(&self, threshold_s: f64, share: f64) -> f64 {
        let in_time = if self.stall_s > threshold_s { 0.0 } else { self.probability };
        let (missing, rest) = (share - in_time, 1.0 - self.probability);
        // All stall: they are in time, or none is.
        if rest > 0.0 { missing / rest } else { missing * f64::INFINITY }
    }

    /// The latency that a share q of requests stays within, if those that do not stall follow a law:
    /// the law's before any stall, the stall itself, or the law's again where its tail is longer.
    pub(in crate::economics) fn quantile_s(&self, law: &Lognormal, q: f64) -> f64 {
        let rest = 1.0 - self.probability;
        let of_law = |share: f64| match share {
            share if share <= 0.0 => 0.0,
            share if share < 1.0 => law.quantile_s(share, Change::NONE),
            _ => f64::INFINITY,
        };
        let (before, after) = (of_law(q / rest), of_law((q - self.probability) / rest));
        before.min(after.max(self.stall_s))
    }
}

/// How many of so many requests a share is, at least; in decimals, as contracts reckon.
fn needed(share: Decimal, requests: u64) -> u64 {
    let needed = share.checked_mul(Decimal::from(requests)).map(|part| part.ceil());
    needed.and_then(|needed| needed.to_u64()).unwrap_or(requests)
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
    use proptest::prelude::*;

    use super::*;
    use crate::economics::quantity::decimal;
    use crate::usage::{Bucket, RELATIVE_ERROR};

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

    /// Whether at this factor the share of requests is in time.
    fn keeps(latency: &Latency, threshold_s: f64, factor: f64, share: Decimal) -> bool {
        let shift = Decimal::try_from(factor - 1.0).expect("a decimal");
        let shift = Change::new("the shift", shift).expect("a change");
        let late = latency.breach(threshold_s, shift).expect("a breach");
        late <= 1.0 - float(share) + 1e-12
    }

    fn metered(all_s: &[f64]) -> Latencies {
        let mut latencies = Latencies::default();
        all_s.iter().for_each(|s| latencies.record_us((s * 1e6) as u64));
        latencies
    }

    proptest! {
        #[test]
        fn room_is_how_far_a_breach_may_move(
            all_s in prop::collection::vec(0.02_f64..90.0, 1..80),
            share in 1_i64..=100, threshold_s in 0.05_f64..60.0,
            (p50, tail, stalled, stall_s) in (0.1_f64..5.0, 1.0_f64..6.0, 0.0_f64..0.2, 1.0_f64..60.0),
        ) {
            let share = Decimal::new(share, 2);
            let law = Lognormal::from_percentiles(p50, p50 * tail).expect("a law");
            let stalls = Stalls { probability: stalled, stall_s };
            for latency in [
                Latency::metered(metered(&all_s)).expect("some"),
                Latency::Measured(Sorted::new(all_s.clone()).expect("a sample")),
                Latency::Lognormal(law),
                Latency::stalling(law, stalls).expect("a latency"),
            ] {
                let reach = libm::exp(latency.room(threshold_s, Change::NONE, share));
                for (nudge, kept) in [(0.999, true), (1.001, false)] {
                    let factor = reach * nudge;
                    // Beyond, no shift is one that a lever has.
                    if factor > 1e-6 && factor < 100.0 {
                        prop_assert_eq!(keeps(&latency, threshold_s, factor, share), kept,
                            "{:?} at {}", latency, factor);
                    }
                }
            }
        }

        #[test]
        fn with_stalls_as_many_are_later_than_a_quantile_as_are_left(
            (p50, tail, stalled, stall_s) in (0.1_f64..5.0, 1.1_f64..6.0, 0.0_f64..0.6, 1.0_f64..60.0),
            q in 0.01_f64..0.999,
        ) {
            let law = Lognormal::from_percentiles(p50, p50 * tail).expect("a law");
            let stalls = Stalls { probability: stalled, stall_s };
            let at_s = stalls.quantile_s(&law, q);
            let latency = Latency::stalling(law, stalls).expect("a latency");
            let late = |nudge: f64| latency.breach(at_s * nudge, Change::NONE).expect("a breach");
            let (at_most, at_least) = (late(1.0 + 1e-9), late(1.0 - 1e-9));
            prop_assert!(at_most <= 1.0 - q + 1e-6, "{} are later than {} s", at_most, at_s);
            prop_assert!(at_least >= 1.0 - q - 1e-6, "{} are later than {} s", at_least, at_s);
        }

        #[test]
        fn what_is_metered_breaks_a_promise_as_what_was_measured_does_but_for_its_buckets(
            all_s in prop::collection::vec(0.02_f64..90.0, 1..80), threshold_s in 0.05_f64..60.0,
        ) {
            let counted = Latency::metered(metered(&all_s)).expect("some");
            let exact = Latency::Measured(Sorted::new(all_s).expect("a sample"));
            let breach = |of: &Latency, at: f64| of.breach(at, Change::NONE).expect("a breach");
            let found = breach(&counted, threshold_s);
            let error = 1.0 + RELATIVE_ERROR + 1e-3;
            prop_assert!(found <= breach(&exact, threshold_s / error));
            prop_assert!(found >= breach(&exact, threshold_s * error));
        }
    }

    #[test]
    fn at_the_very_edge_a_promise_is_kept_and_no_room_is_left() {
        // Doubles and eighths are exact in binary: nothing is rounded to this side of the edge or that.
        let constant = Lognormal::from_percentiles(0.5, 0.5).expect("a law");
        let stalls = Stalls { probability: 0.25, stall_s: 60.0 };
        let sample = Sorted::new(vec![0.25, 0.5]).expect("a sample");
        let middle_s = Bucket::of_us(500_000).middle_s();
        for (latency, edge_s, share, late) in [
            (Latency::Lognormal(constant), 0.5, "1", 0.0),
            (Latency::stalling(constant, stalls).expect("a latency"), 0.5, "0.75", 0.25),
            (Latency::Measured(sample), 0.5, "1", 0.0),
            (Latency::metered(metered(&[0.25, 0.5])).expect("some"), middle_s, "1", 0.0),
        ] {
            for (times, shift) in [(1.0, Change::NONE), (2.0, change("1"))] {
                let edge_s = edge_s * times;
                let room = |threshold_s| latency.room(threshold_s, shift, decimal(share));
                assert_eq!(latency.breach(edge_s, shift), Ok(late), "{latency:?}");
                assert_eq!(room(edge_s).to_bits(), f64::to_bits(0.0), "{latency:?}");
                let short_s = edge_s * 0.875;
                assert!(latency.breach(short_s, shift).expect("a breach") > late, "{latency:?}");
                assert!(room(short_s) < 0.0, "{latency:?}");
            }
        }
    }

    #[test]
    fn of_fifty_requests_of_which_three_hang_the_slowest_hundredth_hangs() {
        let law = Lognormal::from_percentiles(0.5, 1.5).expect("a law");
        let p99 =
            |probability: f64, stall_s: f64| Stalls { probability, stall_s }.quantile_s(&law, 0.99);
        assert_eq!(p99(0.06, 30.0).to_bits(), f64::to_bits(30.0));
        assert_eq!(p99(0.0, 30.0).to_bits(), law.quantile_s(0.99, Change::NONE).to_bits());
        // Fewer than a hundredth hang: the slowest of the law count for more, and none of them hangs.
        assert!(p99(0.005, 30.0) > 1.5 && p99(0.005, 30.0) < 3.0, "{}", p99(0.005, 30.0));
        // Who hangs for less than the law's own tail is not among the slowest.
        assert!(p99(0.06, 1.0) > 1.4 && p99(0.06, 1.0) < 1.5, "{}", p99(0.06, 1.0));
        assert_eq!(p99(1.0, 30.0).to_bits(), f64::to_bits(30.0));
    }

    #[test]
    fn shares_of_requests_are_counted_in_decimals() {
        // 0.07 · 100 is 7.000000000000001 in binary: seven are enough all the same.
        assert_eq!((needed(decimal("0.07"), 100), needed(decimal("0.99"), 150)), (7, 149));
        assert!(Latency::metered(Latencies::default()).is_err());
    }

    #[test]
    fn stalls_beyond_a_promise_leave_less_room_and_more_than_it_allows_leave_none() {
        let law = Lognormal::from_percentiles(0.5, 1.5).expect("a law");
        let room = |probability: f64| {
            let stalls = Stalls { probability, stall_s: 30.0 };
            let latency = Latency::stalling(law, stalls).expect("a latency");
            latency.room(2.0, Change::NONE, decimal("0.99"))
        };
        assert!(room(0.005) < room(0.0));
        assert_eq!(room(0.0).to_bits(), law.room(2.0, Change::NONE, 0.99).to_bits());
        assert_eq!(room(0.02), f64::NEG_INFINITY);
        assert_eq!(room(1.0), f64::NEG_INFINITY);
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
