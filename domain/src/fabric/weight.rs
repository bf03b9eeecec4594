//! Shares of traffic, and clients that stay where they are.

use std::collections::BTreeMap;

use libm::{exp, log};
use sha2::{Digest as _, Sha256};

use crate::cloud::Cloud;

/// Shares by score and capacity (F9), summing to 1. A temperature of 0 gives all to the first of the
/// best; a cloud without capacity gets nothing.
#[must_use]
pub fn softmin(
    scores: &BTreeMap<Cloud, f64>,
    capacity: &BTreeMap<Cloud, f64>,
    temperature_ms: f64,
) -> BTreeMap<Cloud, f64> {
    let best = scores.iter().min_by(|one, other| one.1.total_cmp(other.1));
    let Some((best, best_ms)) = best.map(|(cloud, score)| (*cloud, *score)) else {
        return BTreeMap::new();
    };
    if temperature_ms <= 0.0 {
        let share = |cloud: &Cloud| if *cloud == best { 1.0 } else { 0.0 };
        return scores.keys().map(|cloud| (*cloud, share(cloud))).collect();
    }
    let raw = scores.iter().map(|(cloud, score)| {
        let room = capacity.get(cloud).copied().unwrap_or(0.0);
        (*cloud, room * exp(-(score - best_ms) / temperature_ms))
    });
    // Not `collect`, which sorts first: 4 kB of code for each such place in a browser.
    let mut weights: BTreeMap<Cloud, f64> = BTreeMap::new();
    weights.extend(raw);
    let sum: f64 = weights.values().sum();
    if sum > 0.0 {
        weights.values_mut().for_each(|weight| *weight /= sum);
    }
    weights
}

/// The cloud of a client, by weighted rendezvous hashing (F10): when a cloud leaves, only its own
/// clients move. `key` is the client's network, such as `198.51.100.0/24`.
#[must_use]
pub fn rendezvous(key: &str, weights: &BTreeMap<Cloud, f64>) -> Option<Cloud> {
    let mut best = None;
    for (cloud, weight) in weights {
        if *weight <= 0.0 {
            continue;
        }
        let score = -weight / log(unit(key, *cloud));
        if best.is_none_or(|(_, highest)| score > highest) {
            best = Some((*cloud, score));
        }
    }
    best.map(|(cloud, _)| cloud)
}

/// A number in (0, 1) that is always the same for a key and a cloud.
#[expect(clippy::cast_precision_loss, reason = "the formula takes the nearest double")]
fn unit(key: &str, cloud: Cloud) -> f64 {
    const TWO_64: f64 = 18_446_744_073_709_551_616.0;
    let digest: [u8; 32] = Sha256::digest(format!("{key}|{cloud}")).into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    // The largest hashes round to 1, whose logarithm divides by 0.
    ((u64::from_be_bytes(first) as f64 + 0.5) / TWO_64).min(1.0 - f64::EPSILON / 2.0)
}
