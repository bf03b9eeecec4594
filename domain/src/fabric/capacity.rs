//! What each cloud can take, who is sent where because of it, and what would find no place (F8).
//!
//! Whoever serves a region takes what it can; the rest goes to the next by round trip. Where people
//! decided on shares, each cloud takes of its own what it can, and the rest goes on likewise
//! ([`shared`]). Loads do not count here: they would have it swing.

mod shared;

use std::collections::BTreeMap;

use crate::cloud::{Cloud, PerCloud};
use crate::fabric::score::Status;
use crate::fabric::selector::RegionChoice;
use crate::fabric::shares::among;
use crate::fabric::spill::{Flow, spill};

pub use shared::{Over, over, within};

/// A cloud is not planned to be fuller than this while another has room.
pub const TARGET_UTILIZATION: f64 = 0.8;
/// Between two that are as near, the one that serves.
const TIE_MS: f64 = 1e-6;
/// A cloud that is not healthy comes after all that are: farther than anything on earth.
const UNHEALTHY_MS: f64 = 100_000.0;
/// Less of a region is what rounding leaves.
const LEAST_SHARE: f64 = 0.001;
/// Likewise, of what finds no place.
const LEAST_SHED_PER_S: f64 = 1e-6;

/// Requests a second. A cloud without a stated capacity takes part in no plan.
pub type Capacity = PerCloud<Option<f64>>;

/// Who takes how much of the demand. `shares`: those that people decided on, as far as they can be
/// kept. `without`: as if that cloud were gone.
///
/// What is served by a cloud without a stated capacity stays there, and is in no sum. A cloud that is
/// not healthy takes something only where the healthy ones, filled up, do not suffice, unless people
/// gave it a share.
#[must_use]
pub fn plan(
    regions: &BTreeMap<String, RegionChoice>,
    shares: Option<&PerCloud<f64>>,
    demand: &BTreeMap<String, f64>,
    capacity: &Capacity,
    without: Option<Cloud>,
) -> Flow {
    let statuses = statuses(regions);
    let shares = shares.and_then(|shares| among(shares, |cloud| Some(cloud) != without));
    let has_share = |cloud: Cloud| shares.is_some_and(|shares| *shares.get(cloud) > 0.0);
    let room = Cloud::ALL.into_iter().filter(|cloud| Some(*cloud) != without);
    let room = room.filter(|cloud| statuses.contains_key(cloud) || has_share(*cloud));
    let room: BTreeMap<Cloud, f64> =
        room.filter_map(|cloud| Some((cloud, (*capacity.get(cloud))?))).collect();
    let best = statuses.values().min();
    let mut first = room.clone();
    first.retain(|cloud, _| statuses.get(cloud) == best || has_share(*cloud));
    let moving = moving(regions, demand, capacity, without);
    let into = |room: &BTreeMap<Cloud, f64>| match &shares {
        Some(shares) => shared::into_room(regions, shares, demand, room),
        None => into_room(regions, &moving, room),
    };
    let flow = into(&first);
    let is_shed = flow.shed.values().any(|shed| *shed > LEAST_SHED_PER_S);
    if is_shed && first.len() < room.len() { into(&room) } else { flow }
}

/// The demand without what stays with a cloud whose capacity nobody has stated.
fn moving(
    regions: &BTreeMap<String, RegionChoice>,
    demand: &BTreeMap<String, f64>,
    capacity: &Capacity,
    without: Option<Cloud>,
) -> BTreeMap<String, f64> {
    let stays = |choice: &RegionChoice| {
        let mut may = choice.ranked.iter().filter(|one| Some(one.cloud) != without);
        let serves = may.clone().find(|one| one.cloud == choice.pick).or_else(|| may.next());
        serves.is_some_and(|one| capacity.get(one.cloud).is_none())
    };
    let mut demand = demand.clone();
    demand.retain(|region, _| !regions.get(region).is_some_and(stays));
    demand
}

fn into_room(
    regions: &BTreeMap<String, RegionChoice>,
    demand: &BTreeMap<String, f64>,
    room: &BTreeMap<Cloud, f64>,
) -> Flow {
    let order = |region: &String| Some((region.clone(), distances(regions.get(region)?, room)));
    let order = demand.keys().filter_map(order).collect();
    spill(demand, room, &order, TARGET_UTILIZATION)
}

/// Of those that somebody may be sent to: room of others is no room.
fn statuses(regions: &BTreeMap<String, RegionChoice>) -> BTreeMap<Cloud, Status> {
    let ranked = regions.values().flat_map(|choice| &choice.ranked);
    ranked.map(|one| (one.cloud, one.status)).collect()
}

/// Of each region that cannot be dealt as it is meant to, to the one that serves it or by `shares`: the
/// shares in which its networks are dealt instead. What finds no place is dealt like the rest, since
/// everybody is answered.
#[must_use]
pub fn spills(
    regions: &BTreeMap<String, RegionChoice>,
    shares: Option<&PerCloud<f64>>,
    demand: &BTreeMap<String, f64>,
    capacity: &Capacity,
) -> BTreeMap<String, PerCloud<f64>> {
    let mut spills = BTreeMap::new();
    for (region, flow) in plan(regions, shares, demand, capacity, None).flow {
        let Some(choice) = regions.get(&region) else { continue };
        let all_to = |pick: Cloud| PerCloud::from_fn(|cloud| if cloud == pick { 1.0 } else { 0.0 });
        let meant = shares.copied().unwrap_or_else(|| all_to(choice.pick));
        let stays = |cloud| shares.is_some() && capacity.get(cloud).is_none();
        let stays = meant.map(|cloud, share| if stays(cloud) { *share } else { 0.0 });
        let dealt = shared::dealt(&stays, &flow);
        let dealt = dealt.filter(|dealt| differs(dealt, &meant));
        spills.extend(dealt.map(|dealt| (region, dealt)));
    }
    spills
}

/// By more than rounding leaves?
pub(super) fn differs(dealt: &PerCloud<f64>, meant: &PerCloud<f64>) -> bool {
    let is_near = |(cloud, share): (Cloud, &f64)| (share - meant.get(cloud)).abs() <= LEAST_SHARE;
    !dealt.iter().all(is_near)
}

/// How much of everything that is expected each cloud can take: 1 is all of it. Absent: nobody has
/// stated what it can take, or what is expected.
#[must_use]
pub fn of_all(demand: &BTreeMap<String, f64>, capacity: &Capacity) -> PerCloud<Option<f64>> {
    let all: f64 = demand.values().sum();
    capacity.map(|_, most| most.filter(|_| all > 0.0).map(|most| most / all))
}

/// In milliseconds, with whoever serves first.
fn distances(choice: &RegionChoice, room: &BTreeMap<Cloud, f64>) -> BTreeMap<Cloud, f64> {
    let may = || choice.ranked.iter().filter(|one| room.contains_key(&one.cloud));
    let best = may().next().map(|one| one.status);
    // Not `collect`, which sorts first: 4 kB of code for each such place in a browser.
    let mut far: BTreeMap<Cloud, f64> = BTreeMap::new();
    far.extend(may().map(|one| {
        let late = if Some(one.status) == best { 0.0 } else { UNHEALTHY_MS };
        (one.cloud, choice.rtt_ms.get(one.cloud) + late)
    }));
    let first = may().find(|one| one.cloud == choice.pick).or_else(|| may().next());
    let least = far.values().copied().fold(f64::INFINITY, f64::min);
    far.extend(first.map(|first| (first.cloud, least - TIE_MS)));
    far
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::selector::{Selection, Selector, Settings};

    fn selection(drained: Option<Cloud>) -> Selection {
        let mut selector = Selector::new(Cloud::Gcp, Settings::default());
        let far = |gcp, aws, azure| PerCloud { gcp, aws, azure };
        let regions = [("eu", far(100.0, 80.0, 10.0)), ("na", far(10.0, 30.0, 100.0))];
        let regions = regions.map(|(name, rtt_ms)| (name.to_owned(), rtt_ms));
        selector.set_regions(&BTreeMap::from(regions));
        selector.hear(Cloud::Aws, selector.report(), 0);
        selector.preview(&PerCloud::from_fn(|cloud| Some(cloud) == drained), 0)
    }

    #[test]
    fn a_lost_cloud_spills_to_the_next_best_and_what_finds_no_place_is_named() {
        let demand = BTreeMap::from([("eu".to_owned(), 300.0), ("na".to_owned(), 300.0)]);
        let capacity = PerCloud { gcp: Some(400.0), aws: Some(100.0), azure: Some(400.0) };
        let whole = plan(&selection(None).regions, None, &demand, &capacity, None);
        assert!((whole.flow["eu"][&Cloud::Azure] - 300.0).abs() < 1e-9);
        assert!(whole.shed.values().all(|shed| *shed < 1e-9), "{whole:?}");
        let lost = plan(&selection(None).regions, None, &demand, &capacity, Some(Cloud::Azure));
        assert!((lost.flow["na"][&Cloud::Gcp] - 300.0).abs() < 1e-9);
        assert!((lost.shed["eu"] - 100.0).abs() < 1e-9, "{lost:?}");
        let drained = plan(&selection(Some(Cloud::Azure)).regions, None, &demand, &capacity, None);
        assert_eq!(drained.shed, lost.shed, "a drained cloud has no room either");
    }

    #[test]
    fn only_what_one_cloud_cannot_take_is_dealt_to_the_next_by_round_trip() {
        let demand = BTreeMap::from([("eu".to_owned(), 300.0), ("na".to_owned(), 300.0)]);
        let capacity = PerCloud { gcp: Some(300.0), aws: Some(400.0), azure: Some(400.0) };
        let spills = spills(&selection(None).regions, None, &demand, &capacity);
        let [(region, shares)] = Vec::from_iter(&spills)[..] else { panic!("{spills:?}") };
        assert_eq!(region, "na", "azure takes all of eu");
        assert!((shares.gcp - 0.8).abs() < 1e-9 && (shares.aws - 0.2).abs() < 1e-9, "{shares:?}");
        let roomy = capacity.map(|_, _| Some(1_000.0));
        assert!(super::spills(&selection(None).regions, None, &demand, &roomy).is_empty());
        let none = PerCloud::default();
        assert!(super::spills(&selection(None).regions, None, &demand, &none).is_empty());
    }

    #[test]
    fn a_region_for_which_its_cloud_has_no_room_left_is_served_by_another() {
        let mut regions = selection(None).regions;
        let near = regions["na"].clone();
        let far = |gcp, aws| PerCloud { gcp, aws, azure: 300.0 };
        regions.insert("sa".to_owned(), RegionChoice { rtt_ms: far(50.0, 60.0), ..near });
        let demand = BTreeMap::from([("na".to_owned(), 320.0), ("sa".to_owned(), 60.0)]);
        let capacity = PerCloud { gcp: Some(400.0), aws: Some(400.0), azure: Some(400.0) };
        let spills = spills(&regions, None, &demand, &capacity);
        let [(region, shares)] = Vec::from_iter(&spills)[..] else { panic!("{spills:?}") };
        assert_eq!(region, "sa", "gcp is full with na");
        assert!(shares.gcp < 1e-9 && (shares.aws - 1.0).abs() < 1e-9, "{shares:?}");
    }

    #[test]
    fn what_is_served_without_a_stated_capacity_stays_there() {
        let demand = BTreeMap::from([("eu".to_owned(), 300.0), ("na".to_owned(), 300.0)]);
        let capacity = PerCloud { gcp: None, aws: Some(100.0), azure: Some(300.0) };
        let spills = spills(&selection(None).regions, None, &demand, &capacity);
        // gcp serves na, whatever it can take; azure keeps the most of eu that it can.
        assert!(!spills.contains_key("na"), "{spills:?}");
        assert!(spills.get("eu").is_none_or(|shares| shares.azure > 0.7), "{spills:?}");
    }

    #[test]
    fn a_degraded_cloud_takes_only_what_the_healthy_ones_filled_up_cannot() {
        let mut regions = selection(None).regions;
        for choice in regions.values_mut() {
            for one in &mut choice.ranked {
                if one.cloud == Cloud::Aws {
                    one.status = Status::Degraded;
                }
            }
        }
        let demand = |per_s| BTreeMap::from([("na".to_owned(), per_s)]);
        let capacity = PerCloud { gcp: Some(100.0), aws: Some(400.0), azure: Some(100.0) };
        let enough = spills(&regions, None, &demand(190.0), &capacity);
        assert!(enough["na"].aws < 1e-9, "{enough:?}");
        let too_much = spills(&regions, None, &demand(300.0), &capacity);
        assert!(too_much["na"].aws > 0.1, "{too_much:?}");
    }

    #[test]
    fn everybody_is_answered_even_where_there_is_no_room() {
        let demand = BTreeMap::from([("na".to_owned(), 900.0)]);
        let capacity = PerCloud { gcp: Some(100.0), aws: Some(300.0), azure: None };
        let spills = spills(&selection(None).regions, None, &demand, &capacity);
        let shares = spills["na"];
        assert!((shares.gcp - 0.25).abs() < 1e-9 && (shares.aws - 0.75).abs() < 1e-9);
    }
}
