//! Response-rate limiting: a stranger who writes another's address on questions must not have us
//! flood that other.
//!
//! A bucket for each network of senders, in a table of fixed size: what it forgets, it forgets in the
//! sender's favour. Each socket has its own, so that no two threads share anything; a limit is
//! therefore up to so many times what it says.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::time::Instant;

/// Answers a second to one network of senders. A resolver that respects the TTL needs a handful.
const PER_SECOND: f64 = 200.0;
/// Answers at once after a silence.
const BURST: f64 = 400.0;
/// Every second answer that is withheld is a short one instead, that says: ask by TCP.
const SLIP: u32 = 2;
/// Networks that are remembered.
const BUCKETS: usize = 4_096;

/// What to do with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    Send,
    /// Only its head, with the sign that more is to be had by TCP.
    Slip,
    Drop,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    network: u64,
    tokens: f64,
    at: Instant,
    withheld: u32,
}

#[derive(Debug)]
pub(super) struct Limiter {
    buckets: Vec<Option<Bucket>>,
    /// Nobody outside can choose networks that share a place.
    hasher: RandomState,
}

impl Limiter {
    pub(super) fn new() -> Self {
        Limiter { buckets: vec![None; BUCKETS], hasher: RandomState::new() }
    }

    pub(super) fn rule(&mut self, from: IpAddr, now: Instant) -> Ruling {
        // Nobody outside this machine can write such an address on a packet that arrives.
        if from.is_loopback() {
            return Ruling::Send;
        }
        let network = network(from);
        let place = usize::try_from(self.hasher.hash_one(network) % BUCKETS as u64).unwrap_or(0);
        let held = self.buckets[place].filter(|bucket| bucket.network == network);
        let full = Bucket { network, tokens: BURST, at: now, withheld: 0 };
        let mut bucket = held.unwrap_or(full);
        let passed_s = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + passed_s * PER_SECOND).min(BURST);
        bucket.at = now;
        let ruling = if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            Ruling::Send
        } else {
            bucket.withheld = bucket.withheld.wrapping_add(1);
            if bucket.withheld.is_multiple_of(SLIP) { Ruling::Slip } else { Ruling::Drop }
        };
        self.buckets[place] = Some(bucket);
        ruling
    }
}

/// /24 and /56: what one customer of an access network has.
fn network(from: IpAddr) -> u64 {
    match from {
        IpAddr::V4(address) => u64::from(address.to_bits() >> 8),
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 72).unwrap_or(0) | 1 << 63,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_gets_its_share_and_a_sign_and_its_neighbour_everything() {
        let mut limiter = Limiter::new();
        let start = Instant::now();
        let victim: IpAddr = "192.0.2.7".parse().expect("an address");
        let mut seen = [0_u32; 3];
        for _ in 0..1_000 {
            match limiter.rule(victim, start) {
                Ruling::Send => seen[0] += 1,
                Ruling::Slip => seen[1] += 1,
                Ruling::Drop => seen[2] += 1,
            }
        }
        assert_eq!(seen, [400, 300, 300]);
        let later = start + Duration::from_secs(1);
        let sent = (0..1_000).filter(|_| limiter.rule(victim, later) == Ruling::Send).count();
        assert_eq!(sent, 200);
        let neighbour: IpAddr = "198.51.100.1".parse().expect("an address");
        assert_eq!(limiter.rule(neighbour, later), Ruling::Send);
    }

    #[test]
    fn this_machine_is_not_limited() {
        let (mut limiter, now) = (Limiter::new(), Instant::now());
        let here: IpAddr = "127.0.0.1".parse().expect("an address");
        assert!((0..10_000).all(|_| limiter.rule(here, now) == Ruling::Send));
    }
}
