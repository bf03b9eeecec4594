//! How long requests took lately: the latency that this node reports of itself.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

/// Some seconds of ordinary traffic; enough for a steady 95th percentile.
const SAMPLES: usize = 512;

/// The last requests' times.
#[derive(Debug, Default)]
pub struct Recent(Mutex<VecDeque<Duration>>);

impl Recent {
    pub(super) fn add(&self, took: Duration) {
        // A poisoned list is still a list of times.
        let mut samples = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if samples.len() == SAMPLES {
            samples.pop_front();
        }
        samples.push_back(took);
    }

    /// 95 of 100 were not slower, milliseconds; 0 before the first.
    pub(super) fn p95_ms(&self) -> f64 {
        let samples = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut sorted: Vec<Duration> = samples.iter().copied().collect();
        drop(samples);
        sorted.sort_unstable();
        // Nearest rank: the smallest time that 95 of 100 do not exceed.
        let rank = (sorted.len() * 95).div_ceil(100);
        let time = sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default();
        time.as_secs_f64() * 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_95th_percentile_is_of_the_last_samples_only() {
        let recent = Recent::default();
        assert!(recent.p95_ms().abs() < f64::EPSILON);
        recent.add(Duration::from_secs(9));
        for ms in 0..SAMPLES as u64 {
            recent.add(Duration::from_millis(ms % 100));
        }
        assert!((94.0..=96.0).contains(&recent.p95_ms()), "{}", recent.p95_ms());
    }
}
