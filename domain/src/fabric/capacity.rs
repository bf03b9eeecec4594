//! What each cloud can take, and what would find no place: as things stand, and without one cloud
//! (F8 over the scores of a selection).

use std::collections::BTreeMap;

use crate::cloud::{Cloud, PerCloud};
use crate::fabric::selector::Selection;
use crate::fabric::spill::{Flow, spill};

/// A cloud is not planned to be fuller than this while another has room.
pub const TARGET_UTILIZATION: f64 = 0.8;

/// Requests a second. A cloud without a stated capacity takes part in no plan.
pub type Capacity = PerCloud<Option<f64>>;

/// Who would take how much of the demand, by the scores of this selection. `without`: as if that
/// cloud were gone.
#[must_use]
pub fn plan(
    selection: &Selection,
    demand: &BTreeMap<String, f64>,
    capacity: &Capacity,
    without: Option<Cloud>,
) -> Flow {
    let room = Cloud::ALL.into_iter().filter(|cloud| Some(*cloud) != without);
    let room: BTreeMap<Cloud, f64> =
        room.filter_map(|cloud| Some((cloud, (*capacity.get(cloud))?))).collect();
    let scores = demand.keys().filter_map(|region| {
        let ranked = &selection.regions.get(region)?.ranked;
        let may = ranked.iter().filter(|one| room.contains_key(&one.cloud));
        Some((region.clone(), may.map(|one| (one.cloud, one.score_ms)).collect()))
    });
    spill(demand, &may_serve(&room, selection), &scores.collect(), TARGET_UTILIZATION)
}

/// Room of clouds that nobody may be sent to is no room.
fn may_serve(room: &BTreeMap<Cloud, f64>, selection: &Selection) -> BTreeMap<Cloud, f64> {
    let serves = |cloud: Cloud| {
        selection.regions.values().any(|choice| choice.ranked.iter().any(|one| one.cloud == cloud))
    };
    room.iter().filter(|(cloud, _)| serves(**cloud)).map(|(cloud, most)| (*cloud, *most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::selector::{Selector, Settings};

    fn selection(drained: Option<Cloud>) -> Selection {
        let mut selector = Selector::new(Cloud::Gcp, Settings::default());
        let far = |gcp, aws, azure| PerCloud { gcp, aws, azure };
        let regions = [("eu", far(100.0, 80.0, 10.0)), ("na", far(10.0, 30.0, 100.0))];
        let regions = regions.map(|(name, rtt_ms)| (name.to_owned(), rtt_ms));
        selector.set_regions(&BTreeMap::from(regions));
        selector.preview(&PerCloud::from_fn(|cloud| Some(cloud) == drained), 0)
    }

    #[test]
    fn a_lost_cloud_spills_to_the_next_best_and_what_finds_no_place_is_named() {
        let demand = BTreeMap::from([("eu".to_owned(), 300.0), ("na".to_owned(), 300.0)]);
        let capacity = PerCloud { gcp: Some(400.0), aws: Some(100.0), azure: Some(400.0) };
        let whole = plan(&selection(None), &demand, &capacity, None);
        assert!((whole.flow["eu"][&Cloud::Azure] - 300.0).abs() < 1e-9);
        assert!(whole.shed.values().all(|shed| *shed < 1e-9), "{whole:?}");
        let lost = plan(&selection(None), &demand, &capacity, Some(Cloud::Azure));
        assert!((lost.flow["na"][&Cloud::Gcp] - 300.0).abs() < 1e-9);
        assert!((lost.shed["eu"] - 100.0).abs() < 1e-9, "{lost:?}");
        let drained = plan(&selection(Some(Cloud::Azure)), &demand, &capacity, None);
        assert_eq!(drained.shed, lost.shed, "a drained cloud has no room either");
    }
}
