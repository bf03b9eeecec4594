//! Who goes where when capacity is short (F8): near first, and what finds no place is named.
//!
//! A failover that sends everybody to the nearest cloud takes that one down too. Here no cloud is
//! filled above its target before the others are.

use std::collections::BTreeMap;

use crate::cloud::Cloud;

/// Amounts are of one unit throughout, such as requests a second.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// The share of capacity that is used at most: the target, or more if demand asks for it.
    pub target_util: f64,
    pub flow: BTreeMap<String, BTreeMap<Cloud, f64>>,
    /// What finds no place.
    pub shed: BTreeMap<String, f64>,
}

/// `scores`: for each region those clouds that may serve it, in milliseconds.
#[must_use]
pub fn spill(
    demand: &BTreeMap<String, f64>,
    capacity: &BTreeMap<Cloud, f64>,
    scores: &BTreeMap<String, BTreeMap<Cloud, f64>>,
    target_util: f64,
) -> Flow {
    let (wanted, there) = (demand.values().sum(), capacity.values().sum());
    let target_util = utilization(wanted, there, target_util);
    let mut left: BTreeMap<Cloud, f64> =
        capacity.iter().map(|(cloud, most)| (*cloud, most * target_util)).collect();
    let mut needed = demand.clone();
    let none = || capacity.keys().map(|cloud| (*cloud, 0.0)).collect();
    let mut flow: BTreeMap<String, BTreeMap<Cloud, f64>> =
        demand.keys().map(|region| (region.clone(), none())).collect();
    for (_, region, cloud) in walk(scores) {
        let (Some(need), Some(room)) = (needed.get_mut(region), left.get_mut(&cloud)) else {
            continue;
        };
        let taken = need.min(*room);
        (*need, *room) = (*need - taken, *room - taken);
        if let Some(to) = flow.get_mut(region).and_then(|to| to.get_mut(&cloud)) {
            *to += taken;
        }
    }
    Flow { target_util, flow, shed: needed }
}

/// The target, or as much as demand asks for, up to all that is there.
pub(super) fn utilization(wanted: f64, there: f64, target: f64) -> f64 {
    if there > 0.0 && wanted > target * there { (wanted / there).min(1.0) } else { target }
}

/// Every pair by ascending score; ties by region, then by the clouds' order.
fn walk(scores: &BTreeMap<String, BTreeMap<Cloud, f64>>) -> Vec<(f64, &str, Cloud)> {
    let pairs = scores.iter().flat_map(|(region, clouds)| {
        clouds.iter().map(move |(cloud, score)| (*score, region.as_str(), *cloud))
    });
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_by(|one, other| one.0.total_cmp(&other.0));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_place_is_shed_and_nothing_is_lost_or_invented() {
        let demand = BTreeMap::from([("eu".to_owned(), 900.0), ("na".to_owned(), 600.0)]);
        let capacity = BTreeMap::from([(Cloud::Gcp, 1_000.0)]);
        let score = |ms| BTreeMap::from([(Cloud::Gcp, ms)]);
        let scores =
            BTreeMap::from([("eu".to_owned(), score(90.0)), ("na".to_owned(), score(30.0))]);
        let found = spill(&demand, &capacity, &scores, 0.8);
        assert!((found.target_util - 1.0).abs() < 1e-12);
        assert!((found.flow["na"][&Cloud::Gcp] - 600.0).abs() < 1e-9);
        assert!((found.flow["eu"][&Cloud::Gcp] - 400.0).abs() < 1e-9);
        assert!((found.shed["eu"] - 500.0).abs() < 1e-9);
    }
}
