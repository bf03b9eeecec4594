//! Random draws that are a function of their names: seed, stream, draw and input.
//!
//! No draw depends on another having been made, so scenarios share draws, tenants can be drawn in
//! any order and on any number of threads, and server and browser agree to the bit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::economics::EconomicsError;
use crate::economics::probability::{Loop, normal_quantile, normal_quantiles, widely};
use crate::economics::quantity::refuse;

/// What stands on the screen and in exports beside every figure that was sampled.
pub const GENERATOR: &str =
    "SplitMix64 by counter, keyed by seed, stream, draw and input; normal by AS 241";

/// What one starts from: the same seed gives the same draws, everywhere. In JSON a string, since
/// a browser's numbers end at 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seed(pub u64);

impl fmt::Display for Seed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromStr for Seed {
    type Err = EconomicsError;

    fn from_str(text: &str) -> Result<Self, EconomicsError> {
        let wanted = "a whole number from 0 to 18446744073709551615";
        text.parse().map(Seed).map_err(|_| refuse("the seed", &text, wanted))
    }
}

impl TryFrom<String> for Seed {
    type Error = EconomicsError;

    fn try_from(text: String) -> Result<Self, EconomicsError> {
        text.parse()
    }
}

impl From<Seed> for String {
    fn from(seed: Seed) -> String {
        seed.to_string()
    }
}

/// The golden ratio in 64 bits: SplitMix64's step.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A sequence of random numbers in which each can be asked for by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream(u64);

impl Stream {
    /// The plain SplitMix64 sequence of a seed (Steele, Lea and Flood 2014), for comparison with
    /// other implementations: number k is `mix(seed + (k + 1)·0x9E3779B97F4A7C15)`.
    #[must_use]
    pub const fn reference(seed: Seed) -> Self {
        Stream(seed.0)
    }

    /// The stream that belongs to a name under a seed, such as a tenant's. By name and not by
    /// number, so that a tenant's draws do not change when others come or go.
    #[must_use]
    pub fn named(seed: Seed, kind: &str, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.0.to_be_bytes());
        // The kind cannot hold a zero byte, so no two pairs of kind and name read alike.
        hash.update(kind.as_bytes());
        hash.update([0]);
        hash.update(name.as_bytes());
        let digest = hash.finalize();
        Stream(digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }

    /// 64 random bits.
    #[must_use]
    pub const fn bits(self, place: u64) -> u64 {
        mix(self.state(place))
    }

    /// A uniform number strictly between 0 and 1: `(⌊bits / 2¹¹⌋ + ½) · 2⁻⁵³`.
    #[must_use]
    pub fn uniform(self, place: u64) -> f64 {
        unit(self.bits(place))
    }

    const fn state(self, place: u64) -> u64 {
        self.0.wrapping_add(place.wrapping_add(1).wrapping_mul(STEP))
    }

    /// A standard normal number: `Φ⁻¹` of the uniform one.
    #[must_use]
    pub fn normal(self, place: u64) -> f64 {
        normal_quantile(self.uniform(place))
    }

    /// The uniform numbers of one input, draw after draw.
    pub fn fill_uniform(self, input: u64, inputs: u64, out: &mut [f64]) {
        // One addition from draw to draw, in place of the multiplication that finds any of them.
        widely(Uniforms { state: self.state(input), step: inputs.wrapping_mul(STEP), out });
    }

    /// The normal numbers of one input, draw after draw: those of [`Stream::normal`], in less time.
    pub fn fill_normal(self, input: u64, inputs: u64, out: &mut [f64]) {
        self.fill_uniform(input, inputs, out);
        normal_quantiles(out);
    }
}

/// Uniform numbers from a state on, a step apart.
struct Uniforms<'a> {
    state: u64,
    step: u64,
    out: &'a mut [f64],
}

impl Loop for Uniforms<'_> {
    #[inline(always)]
    fn run(self) {
        let Uniforms { mut state, step, out } = self;
        for number in out {
            *number = unit(mix(state));
            state = state.wrapping_add(step);
        }
    }
}

const TWO_TO_MINUS_53: f64 = 1.0 / 9_007_199_254_740_992.0;
const LAST_BELOW_ONE: f64 = 1.0 - 2.0 * TWO_TO_MINUS_53;
/// 2⁵² and 2⁸⁴, and their bits: what is added to the bits is added to the number, and 2³² of it.
const TWO_TO_52: f64 = 4_503_599_627_370_496.0;
const TWO_TO_84: f64 = TWO_TO_52 * 4_294_967_296.0;
const BITS_OF_52: u64 = TWO_TO_52.to_bits();
const BITS_OF_84: u64 = TWO_TO_84.to_bits();

/// The place of an input of a draw, where each draw has so many inputs.
#[must_use]
pub const fn place(draw: u64, inputs: u64, input: u64) -> u64 {
    draw.wrapping_mul(inputs).wrapping_add(input)
}

#[inline(always)]
fn unit(bits: u64) -> f64 {
    let top = bits >> 11;
    // The two halves as numbers, beside powers of two that then cancel exactly: no processor before
    // AVX-512, and no browser, converts several integers of 64 bits at once.
    let high = f64::from_bits(BITS_OF_84 | top >> 32) - (TWO_TO_84 + TWO_TO_52);
    let low = f64::from_bits(BITS_OF_52 | top & 0xffff_ffff);
    let number = (high + low + 0.5) * TWO_TO_MINUS_53;
    // The very last value would round up to 1, whose quantile is infinite.
    if number < LAST_BELOW_ONE { number } else { LAST_BELOW_ONE }
}

#[inline(always)]
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::sample::{Sorted, mean, variance};
    use proptest::prelude::*;

    /// As a processor converts integers, which this is to be to the bit.
    fn converted(bits: u64) -> f64 {
        let top = (bits >> 11).min((1 << 53) - 2).cast_signed();
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let top = top as f64;
        (top + 0.5) * TWO_TO_MINUS_53
    }

    proptest! {
        #[test]
        fn a_number_of_two_halves_is_that_of_the_whole(bits: u64, edge in 0_u32..64, beside in 0_u64..9) {
            let edge = (1_u64 << edge).wrapping_add(beside << 11).wrapping_sub(4 << 11);
            for bits in [bits, edge, u64::MAX - (beside << 11), beside << 11] {
                prop_assert_eq!(unit(bits).to_bits(), converted(bits).to_bits());
                prop_assert!((f64::MIN_POSITIVE..1.0).contains(&unit(bits)));
            }
        }
    }

    /// The known answer of the authors' own program.
    #[test]
    fn the_reference_stream_is_splitmix64() {
        let stream = Stream::reference(Seed(1_234_567));
        let first: Vec<u64> = (0..3).map(|place| stream.bits(place)).collect();
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn streams_differ_by_seed_kind_and_name() {
        let streams = [
            Stream::named(Seed(1), "tenant", "a"),
            Stream::named(Seed(2), "tenant", "a"),
            Stream::named(Seed(1), "tier", "a"),
            Stream::named(Seed(1), "tenant", "b"),
        ];
        for (at, stream) in streams.iter().enumerate() {
            assert!(!streams[..at].contains(stream), "{at}");
        }
    }

    #[test]
    fn normal_draws_of_a_named_stream_are_standard_and_do_not_follow_their_neighbours() {
        let stream = Stream::named(Seed(7), "tenant", "tn-0001");
        let draws: Vec<f64> = (0..20_000).map(|place| stream.normal(place)).collect();
        assert!(mean(&draws).expect("draws").abs() < 4.0 / 20_000f64.sqrt());
        assert!((variance(&draws).expect("draws") - 1.0).abs() < 4.0 * (2.0f64 / 20_000.0).sqrt());
        let products: Vec<f64> = draws.windows(2).map(|pair| pair[0] * pair[1]).collect();
        assert!(mean(&products).expect("products").abs() < 4.0 / 20_000f64.sqrt());
        let sorted = Sorted::new(draws).expect("draws");
        assert!((sorted.quantile(0.95) - 1.644_853_6).abs() < 0.06);
    }

    #[test]
    fn numbers_drawn_together_are_those_drawn_one_by_one() {
        let stream = Stream::named(Seed(7), "tenant", "tn-0001");
        let mut together = vec![0.0; 5_000];
        stream.fill_normal(3, 8, &mut together);
        for (draw, number) in (0..).zip(&together) {
            let alone = stream.normal(place(draw, 8, 3));
            assert_eq!(number.to_bits(), alone.to_bits(), "{draw}");
        }
    }

    #[test]
    fn a_seed_keeps_all_its_digits_in_json() {
        let seed: Seed = serde_json::from_str("\"18446744073709551615\"").expect("a seed");
        assert_eq!(seed, Seed(u64::MAX));
        assert_eq!(serde_json::to_string(&seed).expect("json"), "\"18446744073709551615\"");
        assert!(serde_json::from_str::<Seed>("\"-1\"").is_err());
    }
}
