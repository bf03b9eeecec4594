//! The laws of counts: how many of n requests miss a promise, how many are in flight.
//!
//! Source of the densities: Loader, "Fast and accurate computation of binomial probabilities"
//! (2000). Differences of large logarithms would lose the digits that a tail consists of.

use std::f64::consts::PI;

/// `P(X > k)` for X binomial with n trials of probability p.
#[must_use]
pub fn binomial_above(k: u64, n: u64, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let odds = p / (1.0 - p);
    let (count, trials) = (real(k) + 1.0, real(n));
    if count > trials * p {
        let rising = |x: f64| (trials - x) / (x + 1.0) * odds;
        return sum_falling(binomial_density(count, trials, p), count, trials, 1.0, rising);
    }
    let falling = |x: f64| x / (trials - x + 1.0) / odds;
    let below =
        sum_falling(binomial_density(count - 1.0, trials, p), count - 1.0, 0.0, -1.0, falling);
    (1.0 - below).max(0.0)
}

/// `P(X ≤ k)` for X Poisson with that mean.
#[must_use]
pub fn poisson_below(k: u64, mean: f64) -> f64 {
    poisson_sums(mean).take_while(|(count, _)| *count <= k).last().map_or(0.0, |(_, sum)| sum)
}

/// The smallest c with `P(X ≤ c) ≥ q`, for X Poisson with that mean.
#[must_use]
pub fn poisson_quantile(q: f64, mean: f64) -> u64 {
    let mut reached = 0;
    for (count, sum) in poisson_sums(mean) {
        reached = count;
        if sum >= q {
            break;
        }
    }
    reached
}

/// Counts upwards with the probability of at most that many, as far as it changes. It begins so
/// far below the mean that what is left out is less than 10⁻²³.
fn poisson_sums(mean: f64) -> impl Iterator<Item = (u64, f64)> {
    let width = SPREAD * mean.sqrt() + SPREAD;
    let start = (mean - width).max(0.0).floor();
    let end = (mean + width + SPREAD).ceil();
    let mut term = poisson_density(start, mean);
    let mut sum = 0.0;
    (whole(start)..=whole(end)).map(move |count| {
        sum += term;
        term *= mean / (real(count) + 1.0);
        (count, sum)
    })
}

/// Ten standard deviations and ten more: beyond, a Poisson law has less than 10⁻²³.
const SPREAD: f64 = 10.0;

/// Adds terms that shrink by `factor(x)` from step to step, until they no longer count.
fn sum_falling(first: f64, from: f64, to: f64, step: f64, factor: impl Fn(f64) -> f64) -> f64 {
    let (mut x, mut term, mut sum) = (from, first, first);
    while (to - x) * step > 0.0 && term > sum * f64::EPSILON / 8.0 {
        term *= factor(x);
        sum += term;
        x += step;
    }
    sum
}

fn binomial_density(x: f64, n: f64, p: f64) -> f64 {
    if x <= 0.0 {
        return libm::exp(n * libm::log1p(-p));
    }
    if x >= n {
        return libm::exp(n * libm::log(p));
    }
    let (q, rest) = (1.0 - p, n - x);
    let exponent = stirling_error(n)
        - stirling_error(x)
        - stirling_error(rest)
        - deviance(x, n * p)
        - deviance(rest, n * q);
    libm::exp(exponent) * (n / (2.0 * PI * x * rest)).sqrt()
}

fn poisson_density(x: f64, mean: f64) -> f64 {
    if mean <= 0.0 || x <= 0.0 {
        return if x <= 0.0 { libm::exp(-mean) } else { 0.0 };
    }
    libm::exp(-stirling_error(x) - deviance(x, mean)) / (2.0 * PI * x).sqrt()
}

/// `ln(n!) − ln(√(2πn) (n/e)ⁿ)`, for whole n: what Stirling's formula misses.
fn stirling_error(n: f64) -> f64 {
    const SMALL: [f64; 16] = [
        0.0,
        0.081_061_466_795_327_26,
        0.041_340_695_955_409_3,
        0.027_677_925_684_998_34,
        0.020_790_672_103_765_093,
        0.016_644_691_189_821_193,
        0.013_876_128_823_070_748,
        0.011_896_709_945_891_77,
        0.010_411_265_261_972_096,
        0.009_255_462_182_712_733,
        0.008_330_563_433_362_87,
        0.007_573_675_487_951_841,
        0.006_942_840_107_209_53,
        0.006_408_994_188_004_207,
        0.005_951_370_112_758_847_5,
        0.005_554_733_551_962_801,
    ];
    if n < 16.0 {
        return usize::try_from(whole(n)).ok().and_then(|at| SMALL.get(at)).copied().unwrap_or(0.0);
    }
    let square = n * n;
    let tail = 1.0 / 1680.0 - 1.0 / 1188.0 / square;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - tail / square) / square) / square) / n
}

/// `x ln(x/m) + m − x`, without cancellation where x is near m.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * libm::log(x / m) + m - x;
    }
    let v = (x - m) / (x + m);
    let mut sum = (x - m) * v;
    let mut power = 2.0 * x * v;
    // v² is below 0.01, so nothing changes after a dozen terms.
    for odd in (3u32..40).step_by(2) {
        power *= v * v;
        sum += power / f64::from(odd);
    }
    sum
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
const fn real(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number from 0 on; the cast saturates"
)]
const fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-12 * expected, "{found} {expected}");
    }

    #[test]
    fn small_binomial_tails_are_the_sums_of_their_definition() {
        // C(5,3)·.3³·.7² + C(5,4)·.3⁴·.7 + .3⁵
        near(binomial_above(2, 5, 0.3), 0.1323 + 0.02835 + 0.00243);
        near(binomial_above(0, 5, 0.3), 1.0 - 0.16807);
        near(binomial_above(4, 5, 0.3), 0.00243);
        assert_eq!(binomial_above(5, 5, 0.3).to_bits(), 0.0f64.to_bits());
        assert_eq!(binomial_above(0, 5, 1.0).to_bits(), 1.0f64.to_bits());
        assert_eq!(binomial_above(0, 5, 0.0).to_bits(), 0.0f64.to_bits());
    }

    #[test]
    fn the_tails_on_both_sides_of_the_mean_fit_together() {
        // P(X > k) of p is 1 − P(Y > n−k−1) of 1−p.
        for k in [90, 99, 100, 101, 110] {
            let above = binomial_above(k, 1_000_000, 1e-4);
            let mirrored = binomial_above(1_000_000 - k - 1, 1_000_000, 1.0 - 1e-4);
            assert!((above + mirrored - 1.0).abs() < 1e-10, "{k}: {above} {mirrored}");
        }
    }

    #[test]
    fn a_poisson_count_is_the_smallest_that_reaches_its_share() {
        near(poisson_below(0, 2.0), libm::exp(-2.0));
        near(poisson_below(2, 2.0), 5.0 * libm::exp(-2.0));
        assert_eq!(poisson_quantile(0.5, 2.0), 2);
        assert_eq!(poisson_quantile(0.99, 0.0), 0);
        let large = poisson_quantile(0.5, 1e6);
        assert_eq!(large, 1_000_000);
    }
}
