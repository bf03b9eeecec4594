//! Shares that fit, that do not, and what becomes of the rest.

use super::*;
use crate::fabric::capacity::{plan, spills};
use crate::fabric::score::Status;
use crate::fabric::selector::{Reading, Selector, Settings};

type Regions = BTreeMap<String, RegionChoice>;

/// Azure serves eu and gcp na; aws is the second of both.
fn selector(me: Cloud) -> Selector {
    let mut selector = Selector::new(me, Settings::default());
    let far = |gcp, aws, azure| PerCloud { gcp, aws, azure };
    let regions = [("eu", far(100.0, 80.0, 10.0)), ("na", far(10.0, 30.0, 100.0))];
    selector.set_regions(&regions.map(|(name, rtt_ms)| (name.to_owned(), rtt_ms)).into());
    selector.hear(me.peers()[0], selector.report(), 0);
    selector
}

fn regions() -> Regions {
    selector(Cloud::Gcp).evaluate(0).regions
}

fn demand() -> BTreeMap<String, f64> {
    BTreeMap::from([("eu".to_owned(), 300.0), ("na".to_owned(), 300.0)])
}

const fn stated(gcp: f64, aws: f64, azure: f64) -> Capacity {
    PerCloud { gcp: Some(gcp), aws: Some(aws), azure: Some(azure) }
}

const MOSTLY_GCP: PerCloud<f64> = PerCloud { gcp: 0.7, aws: 0.3, azure: 0.0 };

fn dealt_in(capacity: &Capacity) -> BTreeMap<String, PerCloud<f64>> {
    spills(&regions(), Some(&MOSTLY_GCP), &demand(), capacity)
}

#[track_caller]
fn is_near(found: &PerCloud<f64>, gcp: f64, aws: f64, azure: f64) {
    let wanted = PerCloud { gcp, aws, azure };
    let near = |(cloud, share): (Cloud, &f64)| (share - wanted.get(cloud)).abs() < 1e-9;
    assert!(found.iter().all(near), "{found:?} is not {wanted:?}");
}

#[test]
fn shares_that_find_room_are_dealt_as_people_decided() {
    assert_eq!(dealt_in(&stated(525.0, 400.0, 400.0)), BTreeMap::new(), "420 is 80 % of 525");
    assert_eq!(dealt_in(&Capacity::default()), BTreeMap::new(), "nobody has stated what they take");
    let none = spills(&regions(), Some(&MOSTLY_GCP), &BTreeMap::new(), &stated(1.0, 1.0, 1.0));
    assert_eq!(none, BTreeMap::new(), "nobody has stated what is expected");
}

/// 0.7 of 600 is 420, and gcp is planned to take 320 of 400.
#[test]
fn what_a_share_has_no_room_for_goes_to_the_next_that_has_a_share() {
    let dealt = dealt_in(&stated(400.0, 400.0, 400.0));
    let kept = 320.0 / 600.0;
    is_near(&dealt["eu"], kept, 1.0 - kept, 0.0);
    is_near(&dealt["na"], kept, 1.0 - kept, 0.0);
    let flow = plan(&regions(), Some(&MOSTLY_GCP), &demand(), &stated(400.0, 400.0, 400.0), None);
    let takes = |cloud| flow.flow.values().map(|to| to[&cloud]).sum::<f64>();
    assert!((takes(Cloud::Gcp) - 320.0).abs() < 1e-9 && (takes(Cloud::Aws) - 280.0).abs() < 1e-9);
}

/// Aws has room for 20 more, by round trip na's; the rest goes to whom people gave nothing.
#[test]
fn whoever_has_no_share_takes_what_those_who_have_one_cannot() {
    let dealt = dealt_in(&stated(400.0, 250.0, 400.0));
    let (kept, rest) = (320.0 / 600.0, 50.0 / 300.0);
    is_near(&dealt["eu"], kept, 0.3, rest);
    is_near(&dealt["na"], kept, 0.3 + 20.0 / 300.0, 30.0 / 300.0);
}

#[test]
fn where_nobody_has_room_left_everybody_is_answered_and_the_rest_is_named() {
    let tight = stated(100.0, 100.0, 100.0);
    let flow = plan(&regions(), Some(&MOSTLY_GCP), &demand(), &tight, None);
    assert!((flow.target_util - 1.0).abs() < 1e-12);
    assert!((flow.shed["eu"] - 100.0).abs() < 1e-9 && (flow.shed["na"] - 200.0).abs() < 1e-9);
    let dealt = dealt_in(&tight);
    is_near(&dealt["eu"], 0.25, 0.25, 0.5);
    is_near(&dealt["na"], 0.5, 0.5, 0.0);
}

#[test]
fn a_share_of_a_cloud_without_a_stated_capacity_stays_as_it_is() {
    let shares = PerCloud { gcp: 0.6, aws: 0.4, azure: 0.0 };
    let capacity = Capacity { gcp: None, aws: Some(100.0), azure: Some(400.0) };
    let dealt = spills(&regions(), Some(&shares), &demand(), &capacity);
    is_near(&dealt["eu"], 0.6, 80.0 / 600.0, 160.0 / 600.0);
    is_near(&dealt["na"], 0.6, 80.0 / 600.0, 160.0 / 600.0);
}

#[test]
fn a_lost_cloud_leaves_its_share_to_the_others_within_their_room() {
    let shares = PerCloud { gcp: 0.2, aws: 0.6, azure: 0.2 };
    let capacity = stated(400.0, 400.0, 400.0);
    let lost = plan(&regions(), Some(&shares), &demand(), &capacity, Some(Cloud::Azure));
    let takes = |cloud| lost.flow.values().filter_map(|to| to.get(&cloud)).sum::<f64>();
    // A quarter and three quarters of 600, of which aws takes 80 % of 400.
    assert!((takes(Cloud::Gcp) - 280.0).abs() < 1e-9 && (takes(Cloud::Aws) - 320.0).abs() < 1e-9);
    let alone = PerCloud { gcp: 0.0, aws: 0.0, azure: 1.0 };
    let lost = plan(&regions(), Some(&alone), &demand(), &capacity, Some(Cloud::Azure));
    let decided = plan(&regions(), None, &demand(), &capacity, Some(Cloud::Azure));
    assert_eq!(lost, decided, "nobody of them is left, so distance decides");
}

#[test]
fn a_degraded_cloud_keeps_its_share_and_takes_others_only_when_the_healthy_ones_are_full() {
    let mut regions = regions();
    let scored = regions.values_mut().flat_map(|choice| &mut choice.ranked);
    for one in scored.filter(|one| one.cloud == Cloud::Aws) {
        one.status = Status::Degraded;
    }
    let of_na = |per_s| BTreeMap::from([("na".to_owned(), per_s)]);
    let all_gcp = PerCloud { gcp: 1.0, aws: 0.0, azure: 0.0 };
    let capacity = stated(100.0, 400.0, 100.0);
    let enough = spills(&regions, Some(&all_gcp), &of_na(190.0), &capacity);
    is_near(&enough["na"], 0.5, 0.0, 0.5);
    let too_much = spills(&regions, Some(&all_gcp), &of_na(300.0), &capacity);
    is_near(&too_much["na"], 80.0 / 300.0, 140.0 / 300.0, 80.0 / 300.0);
    let halves = PerCloud { gcp: 0.5, aws: 0.5, azure: 0.0 };
    let kept = spills(&regions, Some(&halves), &of_na(150.0), &capacity);
    assert_eq!(kept, BTreeMap::new(), "75 of 100, and 75 of 400");
}

#[test]
fn every_node_deals_a_network_alike_whatever_load_it_measured() {
    let networks: Vec<String> = (0..400).map(|number| format!("10.2.{number}.0/24")).collect();
    let dealt = |me: Cloud, load: f64| {
        let capacity = stated(400.0, 250.0, 400.0);
        let mut selector = selector(me).with_capacity(demand(), capacity);
        let reading = Reading { status: Status::Healthy, load, latency_ms: 5.0, rtt_ms: 9.0 };
        selector.probe(Cloud::Azure, Some(reading), 0);
        selector.set_shares(Some(MOSTLY_GCP));
        let selection = selector.evaluate(0);
        assert_eq!(selection.over(&demand(), &capacity)[0].cloud, Cloud::Gcp);
        let serving = networks.iter().map(|network| selection.serving("eu", network));
        serving.collect::<Option<Vec<Cloud>>>().expect("everybody is answered")
    };
    let first = dealt(Cloud::Gcp, 0.0);
    let to_gcp = first.iter().filter(|cloud| **cloud == Cloud::Gcp).count();
    assert!((180..=246).contains(&to_gcp), "{to_gcp} of 400, where 213 are meant and not 280");
    assert!(first.contains(&Cloud::Azure), "whoever has no share takes the rest");
    for (me, load) in [(Cloud::Aws, 0.3), (Cloud::Azure, 0.6)] {
        assert_eq!(dealt(me, load), first, "{me}");
    }
}

#[test]
fn a_share_that_asks_too_much_is_told_with_its_numbers() {
    let capacity = stated(400.0, 400.0, 400.0);
    let found = over(&MOSTLY_GCP, 600.0, &capacity);
    let [one] = found[..] else { panic!("{found:?}") };
    assert_eq!(one.cloud, Cloud::Gcp);
    assert_eq!(
        one.to_string(),
        "gcp's share is 420 requests a second, and with a capacity of 400 it takes 320: the rest goes \
         to other clouds"
    );
    assert_eq!(over(&MOSTLY_GCP, 400.0, &capacity), [], "280 of 320");
    assert_eq!(over(&MOSTLY_GCP, 600.0, &Capacity::default()), []);
}

#[test]
fn where_regions_are_not_told_apart_the_rest_goes_on_in_order() {
    let all_gcp = PerCloud { gcp: 1.0, aws: 0.0, azure: 0.0 };
    let room = BTreeMap::from(Cloud::ALL.map(|cloud| (cloud, 0.6)));
    is_near(&within(&all_gcp, &room, &Cloud::ALL), 0.48, 0.48, 0.04);
    let other = [Cloud::Gcp, Cloud::Azure, Cloud::Aws];
    is_near(&within(&all_gcp, &room, &other), 0.48, 0.04, 0.48);
    let unstated = BTreeMap::from([(Cloud::Aws, 0.1)]);
    is_near(&within(&all_gcp, &unstated, &Cloud::ALL), 1.0, 0.0, 0.0);
}
