//! Shares that people decided on, within what the clouds can take.
//!
//! A cloud keeps of its share what it has room for, alike in every region. The rest goes on as answers
//! without shares do: to whoever serves the region, then to the next by round trip. Those to whom people
//! gave nothing come after all to whom they gave something. A share of a cloud without a stated capacity
//! stays as it is.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{Capacity, LEAST_SHARE, TARGET_UTILIZATION, distances};
use crate::cloud::{Cloud, PerCloud};
use crate::fabric::selector::RegionChoice;
use crate::fabric::spill::{Flow, spill, utilization};

/// Farther than anything on earth, and nearer than a cloud that is not healthy.
const NO_SHARE_MS: f64 = 10_000.0;

/// A share that asks a cloud for more than it is planned to take. Requests a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Over {
    pub cloud: Cloud,
    pub asked_per_s: f64,
    /// What answers leave it with: at most the target, while another has room.
    pub takes_per_s: f64,
    pub capacity_per_s: f64,
}

impl fmt::Display for Over {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Over { cloud, asked_per_s, takes_per_s, capacity_per_s } = self;
        write!(
            out,
            "{cloud}'s share is {asked_per_s:.0} requests a second, and with a capacity of \
             {capacity_per_s:.0} it takes {takes_per_s:.0}: the rest goes to other clouds"
        )
    }
}

/// Whose share is more than it is planned to take, of a demand in requests a second. `capacity`: of
/// those that may serve.
#[must_use]
pub fn over(shares: &PerCloud<f64>, demand_per_s: f64, capacity: &Capacity) -> Vec<Over> {
    let room = capacity.iter().filter_map(|(cloud, most)| Some((cloud, (*most)?)));
    let room: BTreeMap<Cloud, f64> = room.collect();
    let kept = Kept::of(shares, demand_per_s, &room);
    let over = room.iter().filter(|(cloud, _)| kept.part(**cloud) < 1.0 - LEAST_SHARE);
    let over = over.map(|(cloud, capacity_per_s)| {
        let asked_per_s = shares.get(*cloud) * demand_per_s;
        let takes_per_s = asked_per_s.min(capacity_per_s * kept.target_util);
        Over { cloud: *cloud, asked_per_s, takes_per_s, capacity_per_s: *capacity_per_s }
    });
    over.collect()
}

/// The shares in which everything is dealt where regions are not told apart. `room`: how much of
/// everything a cloud can take; what one cannot goes to the next in this order.
#[must_use]
pub fn within(
    shares: &PerCloud<f64>,
    room: &BTreeMap<Cloud, f64>,
    order: &[Cloud],
) -> PerCloud<f64> {
    let places = (0_u32..).zip(order).map(|(place, cloud)| (*cloud, f64::from(place)));
    let places = places.filter(|(cloud, _)| room.contains_key(cloud)).collect();
    let world = |value| BTreeMap::from([(String::new(), value)]);
    let order = BTreeMap::from([(String::new(), later(shares, places))]);
    let flow = into(shares, &world(1.0), room, &order);
    let stays = shares.map(|cloud, share| if room.contains_key(&cloud) { 0.0 } else { *share });
    let of_world = flow.flow.get("").and_then(|flow| dealt(&stays, flow));
    of_world.unwrap_or(*shares)
}

/// By region: what each cloud keeps of its share, and what it takes of the others'.
pub(super) fn into_room(
    regions: &BTreeMap<String, RegionChoice>,
    shares: &PerCloud<f64>,
    demand: &BTreeMap<String, f64>,
    room: &BTreeMap<Cloud, f64>,
) -> Flow {
    let order = |region: &String| {
        let far = distances(regions.get(region)?, room);
        Some((region.clone(), later(shares, far)))
    };
    into(shares, demand, room, &demand.keys().filter_map(order).collect())
}

/// The shares of what found a place; what found none is dealt like it. `stays`: shares that are in no
/// plan. `None`: nothing found a place.
pub(super) fn dealt(stays: &PerCloud<f64>, flow: &BTreeMap<Cloud, f64>) -> Option<PerCloud<f64>> {
    let found: f64 = flow.values().sum();
    let planned = 1.0 - stays.iter().map(|(_, share)| share).sum::<f64>();
    let part = |cloud| planned * flow.get(&cloud).map_or(0.0, |per_s| per_s / found);
    (found > 0.0).then(|| stays.map(|cloud, share| share + part(cloud)))
}

fn into(
    shares: &PerCloud<f64>,
    demand: &BTreeMap<String, f64>,
    room: &BTreeMap<Cloud, f64>,
    order: &BTreeMap<String, BTreeMap<Cloud, f64>>,
) -> Flow {
    let kept = Kept::of(shares, demand.values().sum(), room);
    let moves = |cloud: &Cloud| shares.get(*cloud) * (1.0 - kept.part(*cloud));
    let moved: f64 = room.keys().map(moves).sum();
    let rest = demand.iter().map(|(region, per_s)| (region.clone(), per_s * moved)).collect();
    // What is left was cut to the target already.
    let mut flow = spill(&rest, &kept.left, order, 1.0);
    flow.target_util = kept.target_util;
    for (region, to) in &mut flow.flow {
        let per_s = demand.get(region).copied().unwrap_or_default();
        for (cloud, taken) in to {
            *taken += per_s * shares.get(*cloud) * kept.part(*cloud);
        }
    }
    flow
}

/// Whoever has no share comes after all who have one.
fn later(shares: &PerCloud<f64>, mut far: BTreeMap<Cloud, f64>) -> BTreeMap<Cloud, f64> {
    for (cloud, ms) in &mut far {
        if *shares.get(*cloud) <= 0.0 {
            *ms += NO_SHARE_MS;
        }
    }
    far
}

/// What the clouds keep of their own shares.
struct Kept {
    target_util: f64,
    /// 1: all of its share.
    parts: BTreeMap<Cloud, f64>,
    /// Room that is left then.
    left: BTreeMap<Cloud, f64>,
}

impl Kept {
    fn of(shares: &PerCloud<f64>, all: f64, room: &BTreeMap<Cloud, f64>) -> Self {
        let asked = |cloud: Cloud| shares.get(cloud) * all;
        let wanted = room.keys().map(|cloud| asked(*cloud)).sum();
        let target_util = utilization(wanted, room.values().sum(), TARGET_UTILIZATION);
        let most = room.iter().map(|(cloud, most)| (*cloud, asked(*cloud), most * target_util));
        let part = |asked: f64, most: f64| if asked > most { most / asked } else { 1.0 };
        let parts = most.clone().map(|(cloud, asked, most)| (cloud, part(asked, most)));
        let left = most.clone().map(|(cloud, asked, most)| (cloud, (most - asked).max(0.0)));
        Kept { target_util, parts: parts.collect(), left: left.collect() }
    }

    fn part(&self, cloud: Cloud) -> f64 {
        self.parts.get(&cloud).copied().unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests;
