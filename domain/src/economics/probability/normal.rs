//! The standard normal law: its distribution in both tails, its density, its quantiles.

use std::f64::consts::{PI, SQRT_2};

/// `Φ(x)`, the probability below x.
#[must_use]
pub fn normal_below(x: f64) -> f64 {
    0.5 * libm::erfc(-x / SQRT_2)
}

/// `1 − Φ(x)`, the probability above x, to full relative precision far out in the tail.
#[must_use]
pub fn normal_above(x: f64) -> f64 {
    0.5 * libm::erfc(x / SQRT_2)
}

/// `φ(x)`.
#[must_use]
pub fn normal_density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt()
}

/// `Φ⁻¹(p)`: the number below which a standard normal variable falls with probability p. 0 gives
/// −∞, 1 gives +∞.
///
/// Source: Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
/// Statistics 37 (1988), PPND16; accurate to about one part in 10¹⁶.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    let from_middle = p - 0.5;
    if from_middle.abs() <= CENTRE {
        return central_quantile(from_middle);
    }
    let tail = if from_middle < 0.0 { p } else { 1.0 - p };
    let distance = tail_quantile(tail);
    if from_middle < 0.0 { -distance } else { distance }
}

/// Up to this distance from one half, no logarithm is needed.
pub(super) const CENTRE: f64 = 0.425;

/// The quantile of `0.5 + from_middle`, within [`CENTRE`].
#[inline(always)]
pub(super) fn central_quantile(from_middle: f64) -> f64 {
    let r = CENTRE * CENTRE - from_middle * from_middle;
    from_middle * ratio(r, &CENTRE_OVER, &CENTRE_UNDER)
}

/// The distance from 0 beyond which the law has this probability, for less than 0.075.
fn tail_quantile(tail: f64) -> f64 {
    if tail <= 0.0 {
        return f64::INFINITY;
    }
    let r = (-libm::log(tail)).sqrt();
    if r <= 5.0 { near_tail(r) } else { ratio(r - 5.0, &FAR_OVER, &FAR_UNDER) }
}

/// [`tail_quantile`] up to 5, from `√(−ln tail)`.
#[inline(always)]
pub(super) fn near_tail(r: f64) -> f64 {
    ratio(r - 1.6, &TAIL_OVER, &TAIL_UNDER)
}

/// Two polynomials of degree seven, highest coefficient first, one over the other.
#[inline(always)]
fn ratio(r: f64, over: &[f64; 8], under: &[f64; 8]) -> f64 {
    let (mut numerator, mut denominator) = (over[0], under[0]);
    for at in 1..8 {
        numerator = numerator * r + over[at];
        denominator = denominator * r + under[at];
    }
    numerator / denominator
}

const CENTRE_OVER: [f64; 8] = [
    2_509.080_928_730_122_7,
    33_430.575_583_588_13,
    67_265.770_927_008_7,
    45_921.953_931_549_87,
    13_731.693_765_509_46,
    1_971.590_950_306_551_3,
    133.141_667_891_784_38,
    3.387_132_872_796_366_5,
];
const CENTRE_UNDER: [f64; 8] = [
    5_226.495_278_852_854,
    28_729.085_735_721_943,
    39_307.895_800_092_71,
    21_213.794_301_586_597,
    5_394.196_021_424_751,
    687.187_007_492_057_9,
    42.313_330_701_600_91,
    1.0,
];
const TAIL_OVER: [f64; 8] = [
    0.000_774_545_014_278_341_4,
    0.022_723_844_989_269_184,
    0.241_780_725_177_450_6,
    1.270_458_252_452_368_4,
    3.647_848_324_763_204_5,
    5.769_497_221_460_691,
    4.630_337_846_156_546,
    1.423_437_110_749_683_5,
];
const TAIL_UNDER: [f64; 8] = [
    1.050_750_071_644_416_9e-9,
    0.000_547_593_808_499_534_5,
    0.015_198_666_563_616_457,
    0.148_103_976_427_480_08,
    0.689_767_334_985_1,
    1.676_384_830_183_803_8,
    2.053_191_626_637_759,
    1.0,
];
const FAR_OVER: [f64; 8] = [
    2.010_334_399_292_288_1e-7,
    2.711_555_568_743_487_6e-5,
    0.001_242_660_947_388_078_4,
    0.026_532_189_526_576_124,
    0.296_560_571_828_504_87,
    1.784_826_539_917_291_3,
    5.463_784_911_164_114,
    6.657_904_643_501_103,
];
const FAR_UNDER: [f64; 8] = [
    2.044_263_103_389_939_7e-15,
    1.421_511_758_316_446e-7,
    1.846_318_317_510_054_8e-5,
    0.000_786_869_131_145_613_3,
    0.014_875_361_290_850_615,
    0.136_929_880_922_735_8,
    0.599_832_206_555_888,
    1.0,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By Newton's method on another library's `erfc`.
    #[test]
    fn known_quantiles_come_back_to_the_last_digits() {
        for (p, z) in [
            (0.5, 0.0),
            (0.95, 1.644_853_626_951_472_7),
            (0.99, 2.326_347_874_040_841),
            (0.001, -3.090_232_306_167_813_5),
            (1e-20, -9.262_340_089_798_408),
            (1e-300, -37.047_096_299_361_2),
        ] {
            assert!((normal_quantile(p) - z).abs() <= 1e-14 * (1.0 + z.abs()), "{p}");
        }
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }

    /// Mills' ratio: φ(x)/x · (1 − 1/x² + 3/x⁴ − …) bounds the tail from both sides.
    #[test]
    fn the_far_tail_keeps_its_relative_precision() {
        for x in [10.0, 20.0, 36.0f64] {
            let upper = normal_density(x) / x;
            let ratio = normal_above(x) / upper;
            let square = x * x;
            assert!(ratio < 1.0 && ratio > 1.0 - 1.0 / square, "{x}: {ratio}");
        }
    }

    proptest! {
        #[test]
        fn a_quantile_undoes_the_distribution(z in -8.0..8.0f64) {
            let back = if z < 0.0 {
                normal_quantile(normal_below(z))
            } else {
                -normal_quantile(normal_above(z))
            };
            prop_assert!((back - z).abs() <= 1e-14 * (1.0 + z.abs()), "{z} {back}");
        }
    }
}
