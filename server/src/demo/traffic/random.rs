//! Random numbers from a seed, and the distributions that traffic follows.

/// SplitMix64 (Steele, Lea, Flood, 2014): small, fast, and good enough for sample data.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        // The upper 53 bits are all that an f64 holds exactly.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// The gap between two arrivals of a Poisson process, in the unit of 1 / `rate`.
    pub fn exponential(&mut self, rate: f64) -> f64 {
        -(1.0 - self.uniform()).ln() / rate
    }

    /// `median · e^(sigma · z)`, z standard normal (Box–Muller).
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let angle = std::f64::consts::TAU * self.uniform();
        median * (sigma * radius * angle.cos()).exp()
    }

    /// An index below `count`, the n-th with weight n^-`exponent` (Zipf).
    pub fn zipf(&mut self, count: usize, exponent: f64) -> usize {
        let weight = |rank: usize| (rank as f64 + 1.0).powf(-exponent);
        let total: f64 = (0..count).map(weight).sum();
        let mut left = self.uniform() * total;
        for rank in 0..count {
            left -= weight(rank);
            if left < 0.0 {
                return rank;
            }
        }
        count.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 20_000;

    #[test]
    fn gaps_have_the_mean_of_their_rate() {
        let mut random = Random::new(1);
        let mean = (0..DRAWS).map(|_| random.exponential(20.0)).sum::<f64>() / DRAWS as f64;
        assert!((mean - 0.05).abs() < 0.002, "{mean}");
    }

    #[test]
    fn half_of_log_normal_draws_are_below_the_median() {
        let mut random = Random::new(2);
        let below = (0..DRAWS).filter(|_| random.log_normal(600.0, 1.2) < 600.0).count();
        assert!(below.abs_diff(DRAWS / 2) < DRAWS / 50, "{below}");
    }

    #[test]
    fn the_first_of_zipf_comes_most_often_and_the_last_still_comes() {
        let mut random = Random::new(3);
        let mut counts = [0; 8];
        for _ in 0..DRAWS {
            counts[random.zipf(8, 1.1)] += 1;
        }
        assert!(counts.windows(2).all(|pair| pair[0] > pair[1]), "{counts:?}");
        assert!(counts[7] > DRAWS / 100, "{counts:?}");
    }

    #[test]
    fn a_seed_replays() {
        let draws = |seed| {
            let mut random = Random::new(seed);
            std::array::from_fn::<u64, 8, _>(|_| random.next())
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }
}
