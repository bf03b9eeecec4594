//! Slows guessing down: how many attempts a key may make, in bounded memory.
//!
//! The generic cell rate algorithm (ITU-T I.371): a key owes time for each attempt, and may owe at
//! most a burst's worth. Time is an argument.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Most keys remembered: about a megabyte. An attacker with more addresses than this makes us
/// forget the oldest debts, never run out of memory.
pub(super) const KEYS_MAX: usize = 10_000;

/// So many attempts at once, then one each `refill`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) burst: u32,
    pub(super) refill: Duration,
}

#[derive(Debug)]
pub(super) struct Throttle<K> {
    rule: Rule,
    /// When each key's debt is paid off.
    debts: HashMap<K, Instant>,
}

impl<K: Clone + Eq + Hash> Throttle<K> {
    pub(super) fn new(rule: Rule) -> Self {
        Throttle { rule, debts: HashMap::new() }
    }

    /// Takes one attempt, or says how long to wait for the next.
    pub(super) fn take(&mut self, key: &K, now: Instant) -> Result<(), Duration> {
        let paid_off = self.debts.get(key).map_or(now, |at| (*at).max(now)) + self.rule.refill;
        let most = now + self.rule.refill * self.rule.burst;
        if paid_off > most {
            return Err(paid_off - most);
        }
        self.make_room(key, now);
        self.debts.insert(key.clone(), paid_off);
        Ok(())
    }

    /// An attempt that succeeded was no guess.
    pub(super) fn give_back(&mut self, key: &K) {
        if let Some(paid_off) = self.debts.get_mut(key)
            && let Some(earlier) = paid_off.checked_sub(self.rule.refill)
        {
            *paid_off = earlier;
        }
    }

    /// Forgets keys that owe nothing.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.debts.retain(|_, paid_off| *paid_off > now);
    }

    fn make_room(&mut self, key: &K, now: Instant) {
        if self.debts.len() < KEYS_MAX || self.debts.contains_key(key) {
            return;
        }
        self.sweep(now);
        if self.debts.len() < KEYS_MAX {
            return;
        }
        let least = self.debts.iter().min_by_key(|(_, paid_off)| **paid_off);
        if let Some(key) = least.map(|(key, _)| key.clone()) {
            self.debts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { burst: 3, refill: Duration::from_secs(10) };

    #[test]
    fn a_burst_passes_and_then_one_attempt_a_refill() {
        let (mut throttle, start) = (Throttle::new(RULE), Instant::now());
        for _ in 0..3 {
            assert_eq!(throttle.take(&"a", start), Ok(()));
        }
        assert_eq!(throttle.take(&"a", start), Err(Duration::from_secs(10)));
        assert_eq!(throttle.take(&"b", start), Ok(()), "another key owes nothing");
        let later = start + Duration::from_secs(10);
        assert_eq!(throttle.take(&"a", later), Ok(()));
        assert_eq!(throttle.take(&"a", later), Err(Duration::from_secs(10)));
    }

    #[test]
    fn a_success_is_not_counted() {
        let (mut throttle, start) = (Throttle::new(RULE), Instant::now());
        for _ in 0..100 {
            assert_eq!(throttle.take(&"a", start), Ok(()));
            throttle.give_back(&"a");
        }
    }

    #[test]
    fn memory_is_bounded_and_debts_end() {
        let (mut throttle, start) = (Throttle::new(RULE), Instant::now());
        for key in 0..KEYS_MAX + 100 {
            assert_eq!(throttle.take(&key, start), Ok(()));
        }
        assert_eq!(throttle.debts.len(), KEYS_MAX);
        throttle.sweep(start + Duration::from_secs(10));
        assert!(throttle.debts.is_empty());
    }
}
