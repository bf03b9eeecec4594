//! From an uncertain month to a penalty rate: a ladder's step for each value of one normal draw.
//!
//! A region's latency moves by `exp(σ z)`, a provider is down for a lognormal share of the month.
//! Each step of a ladder then is an interval of z, so its probability is exact and a draw of it is
//! one comparison.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::economics::EconomicsError;
use crate::economics::latency::Latency;
use crate::economics::probability::normal_below;
use crate::economics::quantity::{Change, Share, float, not_negative, positive};
use crate::economics::sla::Ladder;

/// The downtime of a provider in a month: a lognormal share of the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Downtime {
    ln_median: f64,
    sigma: f64,
}

impl Downtime {
    /// # Errors
    /// The median is not above 0, or sigma is negative.
    pub fn new(median: f64, sigma: f64) -> Result<Self, EconomicsError> {
        let ln_median = libm::log(positive("the median downtime", median)?);
        Ok(Downtime { ln_median, sigma: not_negative("the sigma of downtime", sigma)? })
    }
}

/// Rates in rising order of z: the first holds up to and including the first edge, the last
/// beyond all edges.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    edges: Vec<f64>,
    rates: Vec<Share>,
}

impl Steps {
    /// One rate, whatever happens.
    #[must_use]
    pub fn certain(rate: Share) -> Self {
        Steps { edges: Vec::new(), rates: vec![rate] }
    }

    /// What a latency promise costs: the attainment `P(X · (1 + g) · exp(σ z) ≤ T)` falls with z,
    /// so each step of its ladder ends where X has room for no more; of a lognormal X, the attainment
    /// is `Φ((ln T − mu − ln(1 + g) − σ z) / sigma)`. `sigma_shift` is σ, the uncertainty of the
    /// region's latency.
    ///
    /// # Errors
    /// The threshold is not above 0, or σ is negative.
    pub fn of_latency(
        ladder: &Ladder,
        latency: &Latency,
        threshold_s: f64,
        shift: Change,
        sigma_shift: f64,
    ) -> Result<Self, EconomicsError> {
        let threshold = positive("the promised latency", threshold_s)?;
        let sigma_shift = not_negative("the sigma of a latency shift", sigma_shift)?;
        Ok(Steps::of(ladder, |target| reach(latency.room(threshold, shift, target), sigma_shift)))
    }

    /// What downtime costs: the uptime `1 − median · exp(σ z)` meets its ladder.
    #[must_use]
    pub fn of_downtime(ladder: &Ladder, downtime: Downtime) -> Self {
        Steps::of(ladder, |target| {
            let allowed = 1.0 - float(target);
            reach(libm::log(allowed.max(0.0)) - downtime.ln_median, downtime.sigma)
        })
    }

    fn of(ladder: &Ladder, edge: impl Fn(Decimal) -> f64) -> Self {
        let mut steps = Steps { edges: Vec::new(), rates: Vec::new() };
        for (bound, rate) in ladder.shares() {
            if !bound.is_zero() {
                steps.edges.push(edge(bound));
            }
            steps.rates.push(rate);
        }
        if steps.rates.is_empty() { Steps::certain(Share::ZERO) } else { steps }
    }

    /// The bounds between the rates, in units of z.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    #[must_use]
    pub fn rates(&self) -> &[Share] {
        &self.rates
    }

    /// How likely each rate is.
    #[must_use]
    pub fn probabilities(&self) -> Vec<f64> {
        let reached = self.edges.iter().map(|edge| normal_below(*edge)).chain([1.0]);
        let mut before = 0.0;
        reached.map(|upto| upto - std::mem::replace(&mut before, upto)).collect()
    }

    /// The rate at a value of z.
    #[must_use]
    pub fn rate_at(&self, z: f64) -> Share {
        let step = self.edges.iter().filter(|edge| z > **edge).count();
        self.rates[step]
    }
}

/// The z up to which `distance − σ z ≥ 0`; without uncertainty that is all or none.
fn reach(distance: f64, sigma: f64) -> f64 {
    if sigma > 0.0 {
        distance / sigma
    } else if distance >= 0.0 {
        f64::INFINITY
    } else {
        f64::NEG_INFINITY
    }
}

/// What is owed on two promises at once: never more than everything.
#[must_use]
pub fn both(latency: Share, uptime: Share) -> Share {
    let sum = latency.get() + uptime.get();
    Share::new("the penalty rate", sum).unwrap_or(Share::ONE)
}

/// The rates that a latency and an uptime promise lead to together, each with its probability;
/// equal rates are one.
#[must_use]
pub fn joint(latency: &Steps, uptime: &Steps) -> Vec<(f64, Share)> {
    let mut rates: BTreeMap<Share, f64> = BTreeMap::new();
    for (p_latency, latency) in latency.probabilities().iter().zip(latency.rates()) {
        for (p_uptime, uptime) in uptime.probabilities().iter().zip(uptime.rates()) {
            *rates.entry(both(*latency, *uptime)).or_default() += p_latency * p_uptime;
        }
    }
    rates.into_iter().map(|(rate, probability)| (probability, rate)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::SlaBand;
    use crate::economics::latency::Lognormal;
    use crate::economics::quantity::decimal;
    use crate::usage::Latencies;

    fn ladder() -> Ladder {
        let band = |(min, credit): (&str, &str)| SlaBand {
            min_uptime_pct: decimal(min),
            credit: decimal(credit),
        };
        Ladder::new(&[("99", "0"), ("95", "0.05"), ("0", "0.1")].map(band)).expect("a ladder")
    }

    fn share(text: &str) -> Share {
        Share::new("a share", decimal(text)).expect("a share")
    }

    #[test]
    fn without_uncertainty_the_month_is_certain() {
        let law = Lognormal::from_percentiles(0.5, 1.0).expect("a law").into();
        for (threshold, rate) in [(1.0001, "0"), (0.9, "0.05"), (0.6, "0.1")] {
            let steps = Steps::of_latency(&ladder(), &law, threshold, Change::NONE, 0.0);
            let steps = steps.expect("steps");
            let certain: Vec<f64> =
                steps.rates().iter().map(|r| f64::from(u8::from(*r == share(rate)))).collect();
            assert_eq!(steps.probabilities(), certain, "{threshold}");
        }
    }

    #[test]
    fn a_latency_that_never_varies_within_a_region_still_moves_with_it() {
        let constant = Lognormal::from_percentiles(0.5, 0.5).expect("a law").into();
        let steps = Steps::of_latency(&ladder(), &constant, 0.5, Change::NONE, 0.2);
        // Kept for z ≤ 0, broken by every request above.
        assert_eq!(steps.expect("steps").probabilities(), [0.5, 0.0, 0.5]);
    }

    #[test]
    fn of_metered_latencies_each_step_ends_where_its_share_of_requests_is_late() {
        let mut latencies = Latencies::default();
        (0..95).for_each(|_| latencies.record_us(500_000));
        (0..5).for_each(|_| latencies.record_us(30_000_000));
        let metered = Latency::metered(latencies).expect("requests");
        let steps = Steps::of_latency(&ladder(), &metered, 1.0, Change::NONE, 0.2);
        let steps = steps.expect("steps");
        // One in twenty hangs: 99 % are in time only where thirty seconds become one; the other 95 %
        // have room to double.
        let [stalled, usual] = steps.edges() else { panic!("two edges") };
        assert!((stalled - libm::log(1.0 / 30.0) / 0.2).abs() < 0.2, "{stalled}");
        assert!((usual - libm::log(2.0) / 0.2).abs() < 0.2, "{usual}");
        assert_eq!(steps.rate_at(0.0), share("0.05"));
    }

    #[test]
    fn two_promises_never_owe_more_than_everything_and_equal_rates_are_one() {
        assert_eq!(both(share("0.1"), Share::ONE), Share::ONE);
        let downtime = Downtime::new(4e-4, 1.2).expect("a downtime");
        let steps = Steps::of_downtime(&ladder(), downtime);
        let joint = joint(&steps, &steps);
        let rates: Vec<Share> = joint.iter().map(|(_, rate)| *rate).collect();
        assert_eq!(rates, ["0", "0.05", "0.1", "0.15", "0.2"].map(share));
        let all: f64 = joint.iter().map(|(probability, _)| probability).sum();
        assert!((all - 1.0).abs() < 1e-15);
    }

    #[test]
    fn without_a_ladder_nothing_is_owed_whatever_happens() {
        let downtime = Downtime::new(4e-4, 1.2).expect("a downtime");
        let steps = Steps::of_downtime(&Ladder::default(), downtime);
        assert_eq!(steps, Steps::certain(Share::ZERO));
        assert_eq!(steps.rate_at(9.0), Share::ZERO);
    }
}
