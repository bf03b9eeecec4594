//! What a sample says: quantiles with their errors, means, shares below a floor, histograms.
//!
//! Quantiles are of type 7 (Hyndman and Fan 1996), the default of numpy and R. Sums run in the
//! order of the values, so that their bits do not depend on who adds.

use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::quantity::count;

/// A sample larger than this is not made here: ten million draws are 80 MB.
pub const SAMPLE_MAX: usize = 10_000_000;
/// Within so many standard errors lies the truth with 95 %.
pub const Z_95_TWO_SIDED: f64 = 1.96;

/// Finite values in rising order, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Sorted(Vec<f64>);

/// Sorts as [`f64::total_cmp`] does, by way of integers: in two thirds of the time.
fn sort(values: &mut [f64]) {
    let mut keys: Vec<i64> =
        values.iter().map(|value| key(value.to_bits().cast_signed())).collect();
    keys.sort_unstable();
    for (value, sorted) in values.iter_mut().zip(keys) {
        *value = f64::from_bits(key(sorted).cast_unsigned());
    }
}

/// The integers of negative numbers fall where the numbers rise: turns them, and back again.
const fn key(bits: i64) -> i64 {
    bits ^ (((bits >> 63).cast_unsigned()) >> 1).cast_signed()
}

fn check(values: &[f64]) -> Result<(), EconomicsError> {
    count("values of a sample", values.len(), 1, SAMPLE_MAX, "they are held in memory")?;
    if values.iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    let problem = "holds a value that is no finite number";
    Err(EconomicsError::Inconsistent { what: "a sample", problem })
}

/// Some quantiles with their bounds, as [`Sorted::quantile_with_error`] has them, in a third of the
/// time: the few order statistics that they need are put in their places, and no others.
///
/// # Errors
/// See [`Sorted::new`].
pub fn quantiles_with_errors<const N: usize>(
    values: &[f64],
    qs: [f64; N],
) -> Result<[Quantile; N], EconomicsError> {
    check(values)?;
    let mut keys: Vec<i64> =
        values.iter().map(|value| key(value.to_bits().cast_signed())).collect();
    let places = qs.map(|q| Places::of(keys.len(), q));
    let mut wanted: Vec<usize> = places.iter().flat_map(Places::all).collect();
    wanted.sort_unstable();
    wanted.dedup();
    select(&mut keys, 0, &wanted);
    Ok(places.map(|places| places.read(|at| f64::from_bits(key(keys[at]).cast_unsigned()))))
}

/// Puts the keys of these places, counted from `first`, where they stand in sorted order.
fn select(keys: &mut [i64], first: usize, wanted: &[usize]) {
    let middle = wanted.len() / 2;
    let Some(place) = wanted.get(middle) else { return };
    let (below, _, above) = keys.select_nth_unstable(place - first);
    select(below, first, &wanted[..middle]);
    select(above, place + 1, &wanted[middle + 1..]);
}

/// Where in a sorted sample a quantile and its bounds stand.
#[derive(Clone, Copy, Debug)]
struct Places {
    here: usize,
    next: usize,
    fraction: f64,
    low: usize,
    high: usize,
}

impl Places {
    /// Of at least one value.
    fn of(len: usize, q: f64) -> Self {
        let last = len - 1;
        let h = real(last) * q.clamp(0.0, 1.0);
        let here = whole(h.floor()).min(last);
        let n = real(len);
        let spread = Z_95_TWO_SIDED * (n * q * (1.0 - q)).sqrt();
        let ranked = |rank: f64| whole(rank.clamp(1.0, n)) - 1;
        Places {
            here,
            next: (here + 1).min(last),
            fraction: h - h.floor(),
            low: ranked((n * q - spread).floor()),
            high: ranked((n * q + spread).ceil()),
        }
    }

    const fn all(&self) -> [usize; 4] {
        [self.here, self.next, self.low, self.high]
    }

    fn value(&self, at: impl Fn(usize) -> f64) -> f64 {
        let (here, next) = (at(self.here), at(self.next));
        // Rounding may not lead past the next value: quantiles rise with q.
        (here + self.fraction * (next - here)).min(next)
    }

    fn read(&self, at: impl Fn(usize) -> f64) -> Quantile {
        Quantile { value: self.value(&at), low: at(self.low), high: at(self.high) }
    }
}

/// A quantile with what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantile {
    pub value: f64,
    /// Bounds that hold the true quantile with 95 %, from order statistics.
    pub low: f64,
    pub high: f64,
}

/// The mean with what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mean {
    pub value: f64,
    /// `√(Σ(x − mean)² / (n − 1))`. `None` for one value.
    pub standard_deviation: Option<f64>,
    /// `sd / √n`.
    pub standard_error: Option<f64>,
}

impl Quantile {
    /// A quarter of the 95 % interval, near enough: `(high − low) / (2 · 1.96)`.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        (self.high - self.low) / (2.0 * Z_95_TWO_SIDED)
    }
}

impl Sorted {
    /// # Errors
    /// No values, more than ten million, or one that is no finite number.
    pub fn new(mut values: Vec<f64>) -> Result<Self, EconomicsError> {
        check(&values)?;
        sort(&mut values);
        Ok(Sorted(values))
    }

    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// `h = (n − 1)·q; x[⌊h⌋] + (h − ⌊h⌋)·(x[⌊h⌋+1] − x[⌊h⌋])`, for q from 0 to 1.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        Places::of(self.0.len(), q).value(|place| self.0[place])
    }

    /// The quantile with its 95 % bounds: the order statistics number `⌊nq − 1.96 √(nq(1−q))⌋`
    /// and `⌈nq + 1.96 √(nq(1−q))⌉`, counted from 1 and held within the sample.
    #[must_use]
    pub fn quantile_with_error(&self, q: f64) -> Quantile {
        Places::of(self.0.len(), q).read(|place| self.0[place])
    }

    /// The share of values STRICTLY below the floor.
    #[must_use]
    pub fn share_below(&self, floor: f64) -> f64 {
        real(self.0.partition_point(|value| *value < floor)) / real(self.0.len())
    }

    /// The mean of the `⌊q·n⌋` smallest: how bad it is when it is bad. `None` if that is no value.
    #[must_use]
    pub fn expected_shortfall(&self, q: f64) -> Option<f64> {
        let worst = whole((q * real(self.0.len())).floor()).min(self.0.len());
        (worst > 0).then(|| self.0[..worst].iter().sum::<f64>() / real(worst))
    }

    /// How many values lie in each of so many equal bins from the smallest to the largest value.
    #[must_use]
    pub fn histogram(&self, bins: usize) -> Histogram {
        let (low, high) = (self.0[0], self.0[self.0.len() - 1]);
        let bins = bins.clamp(1, HISTOGRAM_BINS_MAX);
        let width = (high - low) / real(bins);
        let edge = |at: usize| if at == bins { high } else { low + width * real(at) };
        let below = |at: usize| match at {
            0 => 0,
            _ if at == bins => self.0.len(),
            _ => self.0.partition_point(|value| *value < edge(at)),
        };
        let counts = (0..bins).map(|at| below(at + 1).saturating_sub(below(at))).collect();
        Histogram { low, high, counts }
    }
}

/// A chart is narrower than this many bars.
pub const HISTOGRAM_BINS_MAX: usize = 400;

/// Counts of equal bins between two bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Histogram {
    pub low: f64,
    pub high: f64,
    pub counts: Vec<usize>,
}

impl Mean {
    /// The mean of a sample, its standard deviation (n − 1 below) and its standard error.
    /// `None` for no values.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Mean> {
        let value = mean(values)?;
        let standard_deviation = variance(values).map(f64::sqrt);
        let standard_error = standard_deviation.map(|sd| sd / real(values.len()).sqrt());
        Some(Mean { value, standard_deviation, standard_error })
    }
}

/// `√(p (1 − p) / n)`: how far a share of n draws strays.
#[must_use]
pub fn share_standard_error(share: f64, draws: f64) -> f64 {
    (share * (1.0 - share) / draws).sqrt()
}

/// The sum over the count. `None` for no values.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / real(values.len()))
}

/// `Σ(x − mean)² / (n − 1)`. `None` for fewer than two values.
#[must_use]
pub fn variance(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    Some(squares / real(values.len() - 1))
}

#[expect(clippy::cast_precision_loss, reason = "samples have fewer than 2^53 values")]
pub(crate) const fn real(count: usize) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number from 0 on; the cast saturates"
)]
const fn whole(value: f64) -> usize {
    value as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn selected_quantiles_are_those_of_the_sorted_sample_to_the_bit(
            values in prop::collection::vec(-1e6..1e6f64, 1..300),
        ) {
            let sorted = Sorted::new(values.clone()).expect("a sample");
            let qs = [0.05, 0.5, 0.95, 0.0, 1.0];
            let selected = quantiles_with_errors(&values, qs).expect("a sample");
            prop_assert_eq!(selected, qs.map(|q| sorted.quantile_with_error(q)));
        }
    }

    #[test]
    fn what_is_no_sample_has_no_selected_quantiles() {
        assert!(quantiles_with_errors(&[], [0.5]).is_err());
        assert!(quantiles_with_errors(&[1.0, f64::NAN], [0.5]).is_err());
    }

    fn sorted(values: &[f64]) -> Sorted {
        Sorted::new(values.to_vec()).expect("a sample")
    }

    #[test]
    fn one_value_is_every_quantile_and_has_no_error() {
        let one = sorted(&[0.4]);
        for q in [0.0, 0.05, 0.5, 1.0] {
            let quantile = one.quantile_with_error(q);
            assert_eq!((quantile.value, quantile.standard_error()), (0.4, 0.0));
        }
        assert_eq!(one.expected_shortfall(0.05), None);
        assert_eq!(variance(&[0.4]), None);
    }

    #[test]
    fn negative_numbers_and_zeros_are_sorted_too() {
        let mut values = vec![0.0, -1.5, 2.0, -0.0, -1e-300, 1e300, -1e300];
        let mut expected = values.clone();
        expected.sort_by(f64::total_cmp);
        sort(&mut values);
        assert_eq!(
            values.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
            expected.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn no_values_and_values_that_are_no_numbers_are_refused() {
        assert!(Sorted::new(vec![]).is_err());
        assert!(Sorted::new(vec![0.1, f64::NAN]).is_err());
        assert!(Sorted::new(vec![0.1, f64::INFINITY]).is_err());
    }

    #[test]
    fn a_histogram_counts_every_value_once() {
        let sample = sorted(&[0.0, 0.1, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(sample.histogram(4).counts, [2, 1, 1, 2]);
        assert_eq!(sorted(&[0.3; 7]).histogram(4).counts, [0, 0, 0, 7]);
        assert_eq!(sample.histogram(0).counts, [6]);
    }

    proptest! {
        #[test]
        fn quantiles_rise_with_their_share_and_stay_within_their_bounds(
            values in prop::collection::vec(-1e6..1e6f64, 1..200),
            q in 0.0..1.0f64,
            more in 0.0..1.0f64,
        ) {
            let sample = sorted(&values);
            let higher = q + (1.0 - q) * more;
            prop_assert!(sample.quantile(q) <= sample.quantile(higher));
            let quantile = sample.quantile_with_error(q);
            prop_assert!(quantile.low <= quantile.high);
            prop_assert!(sample.quantile(0.0) <= quantile.value);
            prop_assert!(quantile.value <= sample.quantile(1.0));
            let total: usize = sample.histogram(17).counts.iter().sum();
            prop_assert_eq!(total, values.len());
        }

        #[test]
        fn a_floor_splits_a_sample_at_its_share(
            values in prop::collection::vec(-1.0..1.0f64, 1..200),
            floor in -1.0..1.0f64,
        ) {
            let below = values.iter().filter(|value| **value < floor).count();
            prop_assert_eq!(sorted(&values).share_below(floor), real(below) / real(values.len()));
        }
    }
}
