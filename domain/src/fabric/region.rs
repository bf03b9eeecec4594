//! The best cloud for each client region by round trip and load (F13).

use std::collections::BTreeMap;

use crate::cloud::{Cloud, PerCloud};
use crate::fabric::score::{Candidate, Policy, Scored, Status, rank};

/// Round trips from each client region to each cloud, milliseconds.
pub type Matrix = BTreeMap<String, PerCloud<f64>>;

/// What a choice by region comes to, and what one cloud for all would.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub picks: BTreeMap<String, Cloud>,
    /// Mean round trip, each region counted once.
    pub mean_ms: f64,
    /// The same, if the best single cloud served everybody.
    pub mean_ms_of_one_cloud: f64,
}

/// `None`: there is no region. All clouds are taken as healthy.
#[must_use]
pub fn choose(policy: Policy, matrix: &Matrix, loads: &PerCloud<f64>) -> Option<Choice> {
    if matrix.is_empty() {
        return None;
    }
    let mut picks = BTreeMap::new();
    let mut sum_ms = 0.0;
    for (region, rtts) in matrix {
        let best = ranked(policy, rtts, loads).first().map(|best| best.cloud)?;
        sum_ms += rtts.get(best);
        picks.insert(region.clone(), best);
    }
    let of_one = |cloud| matrix.values().map(|rtts| rtts.get(cloud)).sum::<f64>();
    let best_one = Cloud::ALL.into_iter().map(of_one).fold(f64::INFINITY, f64::min);
    #[expect(clippy::cast_precision_loss, reason = "some hundreds of regions")]
    let regions = matrix.len() as f64;
    Some(Choice { picks, mean_ms: sum_ms / regions, mean_ms_of_one_cloud: best_one / regions })
}

fn ranked(policy: Policy, rtts: &PerCloud<f64>, loads: &PerCloud<f64>) -> Vec<Scored> {
    let candidates = Cloud::ALL.map(|cloud| Candidate {
        cloud,
        status: Status::Healthy,
        load: *loads.get(cloud),
        latency_ms: *rtts.get(cloud),
    });
    rank(policy, &candidates)
}
