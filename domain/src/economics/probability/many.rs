//! `exp`, `ln` and `Φ⁻¹` of many numbers at once: the bits of one at a time, in a third of the time.
//!
//! The formulas are those of FreeBSD's `msun`, which `libm` follows too, here without a branch, so
//! that the compiler does several numbers in one step, with the widest registers that the processor
//! turns out to have. It never fuses a product with a sum, so registers do not change a bit. What
//! lies outside the usual range is left to `libm`.

use super::normal::{CENTRE, central_quantile, near_tail, normal_quantile};
use super::wide::{Loop, widely};

/// Few enough to stay in the processor's nearest cache.
const LANES: usize = 128;

/// Replaces numbers by their exponentials.
pub(crate) fn exponentials(values: &mut [f64]) {
    widely(Exponentials(values));
}

/// Replaces probabilities by the normal law's quantiles.
pub(crate) fn normal_quantiles(values: &mut [f64]) {
    widely(Quantiles(values));
}

struct Exponentials<'a>(&'a mut [f64]);

impl Loop for Exponentials<'_> {
    #[inline(always)]
    fn run(self) {
        for chunk in self.0.chunks_mut(LANES) {
            let usual = all(chunk, |value| value.abs() < EXP_USUAL);
            for value in chunk {
                *value = if usual { usual_exp(*value) } else { libm::exp(*value) };
            }
        }
    }
}

struct Quantiles<'a>(&'a mut [f64]);

impl Loop for Quantiles<'_> {
    #[inline(always)]
    fn run(self) {
        let mut bench =
            Bench { probabilities: [0.5; LANES], places: [0; LANES], tails: [0.5; LANES] };
        for chunk in self.0.chunks_mut(LANES) {
            bench.quantiles(chunk);
        }
    }
}

/// Without stopping at the first that is not: several are looked at in one step.
#[inline(always)]
fn all(values: &[f64], holds: impl Fn(f64) -> bool) -> bool {
    values.iter().fold(true, |all, value| all & holds(*value))
}

/// What one chunk of quantiles needs besides.
struct Bench {
    probabilities: [f64; LANES],
    /// Of those that need a logarithm: where they stand, and the tail beyond them.
    places: [u8; LANES],
    tails: [f64; LANES],
}

impl Bench {
    /// Replaces [`LANES`] probabilities, or fewer, by their quantiles.
    #[inline(always)]
    fn quantiles(&mut self, chunk: &mut [f64]) {
        let Bench { probabilities, places, tails } = self;
        let probabilities = &mut probabilities[..chunk.len()];
        probabilities.copy_from_slice(chunk);
        // Six of seven need no logarithm; the others are wrong for a moment.
        for value in chunk.iter_mut() {
            *value = central_quantile(*value - 0.5);
        }
        let mut count = 0;
        for (place, probability) in (0..).zip(probabilities.iter()) {
            // There are no more than lanes, which the compiler sees so.
            places[count % LANES] = place;
            count += usize::from((probability - 0.5).abs() > CENTRE);
        }
        let (places, tails) = (&places[..count], &mut tails[..count]);
        for (tail, place) in tails.iter_mut().zip(places) {
            let probability = probabilities[usize::from(*place)];
            *tail = if probability < 0.5 { probability } else { 1.0 - probability };
        }
        let usual = all(tails, |tail| tail > TAIL_USUAL);
        for tail in tails.iter_mut() {
            *tail =
                if usual { near_tail((-usual_ln(*tail)).sqrt()) } else { -normal_quantile(*tail) };
        }
        for (place, distance) in places.iter().zip(tails) {
            let place = usize::from(*place);
            chunk[place] = if probabilities[place] < 0.5 { -*distance } else { *distance };
        }
    }
}

/// Below, in absolute value, neither over- nor underflows, by far.
const EXP_USUAL: f64 = 700.0;
/// `exp(−25)` is 1.4·10⁻¹¹; further out the quantile is another ratio's.
const TAIL_USUAL: f64 = 1.5e-11;

const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
const PER_LN2: f64 = f64::from_bits(0x3ff7_1547_652b_82fe);
/// Of `x (eˣ + 1) / (eˣ − 1)` in powers of x² from the second on, near 0.
const EXP: [f64; 5] = [
    f64::from_bits(0x3fc5_5555_5555_553e),
    f64::from_bits(0xbf66_c16c_16be_bd93),
    f64::from_bits(0x3f11_566a_af25_de2c),
    f64::from_bits(0xbebb_bd41_c5d2_6bf1),
    f64::from_bits(0x3e66_3769_72be_a4d0),
];

/// From here on k is 1 or more, about half of ln 2, and from there on it is counted, about one and a
/// half: the formulas compare high words alone.
const ONE_TWO: f64 = f64::from_bits(0x3fd6_2e43_0000_0000);
const SOME_TWOS: f64 = f64::from_bits(0x3ff0_a2b2_0000_0000);
/// Below, the square is lost beside 1.
const EXP_TINY: f64 = f64::from_bits(0x3e30_0001_0000_0000);

/// `eˣ = 2ᵏ·eʳ`, below [`EXP_USUAL`].
#[inline(always)]
fn usual_exp(x: f64) -> f64 {
    let counted = (PER_LN2 * x + 0.5_f64.copysign(x)) as i32;
    let one = if x < 0.0 { -1 } else { 1 };
    let few = if x.abs() < ONE_TWO { 0 } else { one };
    let halves = if x.abs() < SOME_TWOS { few } else { counted };
    let twos = f64::from(halves);
    let (high, low) = (x - twos * LN2_HIGH, twos * LN2_LOW);
    let r = high - low;
    let square = r * r;
    let [a, b, c, d, e] = EXP;
    let t = r - square * (a + square * (b + square * (c + square * (d + square * e))));
    let power = 1.0 + (r * t / (2.0 - t) - low + high);
    let whole = power * f64::from_bits(((i64::from(halves) + 1023) << 52).cast_unsigned());
    if x.abs() < EXP_TINY { 1.0 + x } else { whole }
}

/// Of `ln(1 + f) − f + f²/2` over s, in powers of s² from the first on, with s = f / (2 + f).
const LN: [f64; 7] = [
    f64::from_bits(0x3fe5_5555_5555_5593),
    f64::from_bits(0x3fd9_9999_9997_fa04),
    f64::from_bits(0x3fd2_4924_9422_9359),
    f64::from_bits(0x3fcc_71c5_1d8e_78af),
    f64::from_bits(0x3fc7_4664_96cb_03de),
    f64::from_bits(0x3fc3_9a09_d078_c69f),
    f64::from_bits(0x3fc2_f112_df3e_5244),
];
/// The high word of √½, and what is added so that the exponent counts from there.
const ROOT_HALF: u64 = 0x3fe6_a09e;
const ONE: u64 = 0x3ff0_0000;

/// `ln x = k ln 2 + ln(1 + f)` of a positive number that is neither subnormal nor infinite.
#[inline(always)]
fn usual_ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let shifted = (bits >> 32) + (ONE - ROOT_HALF);
    #[expect(clippy::cast_possible_truncation, reason = "an exponent has eleven bits")]
    let twos = f64::from((shifted >> 20) as i32 - 0x3ff);
    let high = (shifted & 0x000f_ffff) + ROOT_HALF;
    let f = f64::from_bits(high << 32 | bits & 0xffff_ffff) - 1.0;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let [a, b, c, d, e, g, h] = LN;
    let even = w * (b + w * (d + w * g));
    let odd = z * (a + w * (c + w * (e + w * h)));
    let rest = odd + even;
    s * (half_square + rest) + twos * LN2_LOW - half_square + f + twos * LN2_HIGH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(left: f64, right: f64) -> bool {
        left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan())
    }

    /// Alone and all together: one that is unusual decides how its neighbours are done.
    fn as_one_by_one(values: &[f64], all: fn(&mut [f64]), one: fn(f64) -> f64) {
        let mut together = values.to_vec();
        all(&mut together);
        for (value, together) in values.iter().zip(together) {
            let mut alone = [*value];
            all(&mut alone);
            let expected = one(*value);
            assert!(same(alone[0], expected) && same(together, expected), "{value:e}");
        }
    }

    #[test]
    fn what_is_unusual_is_as_one_by_one() {
        let tiny = [0.0, -0.0, 1e-300, 5e-324, -3e-9, 2.775e-16];
        let huge = [709.0, -745.0, 800.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let edges = [ONE_TWO, SOME_TWOS, EXP_TINY].map(f64::to_bits);
        let edges = edges.into_iter().flat_map(|bits| (bits - 3..bits + 3).map(f64::from_bits));
        let edges: Vec<f64> = edges.flat_map(|edge| [edge, -edge]).collect();
        as_one_by_one(&tiny, exponentials, libm::exp);
        as_one_by_one(&huge, exponentials, libm::exp);
        as_one_by_one(&edges, exponentials, libm::exp);
        let usual = [0.075, 0.925, 0.5, 1e-9, 0.074_999_9, 0.925_000_1];
        as_one_by_one(&usual, normal_quantiles, normal_quantile);
        let unusual = [0.0, 1.0, 1e-300, 1e-12, 1.0 - 1e-12, f64::NAN];
        as_one_by_one(&unusual, normal_quantiles, normal_quantile);
    }

    proptest! {
        #[test]
        fn exponentials_have_the_bits_of_one_alone(
            values in prop::collection::vec(
                prop_oneof![
                    -3.0..3.0f64,
                    -699.0..699.0f64,
                    -1e-7..1e-7f64,
                    (0x3fd6_2e42_0000_0000..0x3fd6_2e44_0000_0000u64).prop_map(f64::from_bits),
                    (0x3ff0_a2b1_0000_0000..0x3ff0_a2b3_0000_0000u64).prop_map(f64::from_bits),
                    (0x3e2f_ffff_0000_0000..0x3e30_0002_0000_0000u64).prop_map(f64::from_bits),
                ],
                1..400,
            ),
        ) {
            let expected: Vec<f64> = values.iter().map(|value| libm::exp(*value)).collect();
            let mut together = values;
            exponentials(&mut together);
            prop_assert!(together.iter().zip(&expected).all(|(left, right)| same(*left, *right)));
        }

        #[test]
        fn quantiles_have_the_bits_of_one_alone(
            values in prop::collection::vec(
                prop_oneof![0.0..1.0f64, 1e-13..0.08f64, 0.92..1.0f64], 1..400,
            ),
        ) {
            let expected: Vec<f64> = values.iter().map(|p| normal_quantile(*p)).collect();
            let mut together = values;
            normal_quantiles(&mut together);
            prop_assert!(together.iter().zip(&expected).all(|(left, right)| same(*left, *right)));
        }

        #[test]
        fn logarithms_have_the_bits_of_one_alone(
            x in prop_oneof![1e-300..1.0f64, 0.5..2.0f64, 1.0..1e300f64],
        ) {
            prop_assert!(same(usual_ln(x), libm::log(x)), "{x}");
        }
    }
}
