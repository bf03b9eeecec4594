//! How much of the traffic each cloud can take: its stated capacity beside the stated demand.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};

use super::traffic::SHARE_DECIMALS;
use crate::cloud::Cloud;
use crate::economics::quantity::Share;
use crate::fabric::capacity::{Capacity, TARGET_UTILIZATION};

/// What the deployment states, in requests a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Room {
    /// Of all client regions together, each at its busiest.
    pub demand_per_s: f64,
    pub capacity: Capacity,
}

/// The largest share of the traffic that each cloud may be given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Most(
    /// Absent: not enough is stated to know.
    Option<BTreeMap<Cloud, Share>>,
);

impl Most {
    /// As full as a plan of capacity makes a cloud and no fuller, in whole percents.
    pub(super) fn of(room: &Room) -> Self {
        let share = |cloud: Cloud| {
            let taken_per_s = (*room.capacity.get(cloud))? * TARGET_UTILIZATION;
            let share = Decimal::try_from(taken_per_s / room.demand_per_s).unwrap_or(Decimal::ONE);
            let share = share.clamp(Decimal::ZERO, Decimal::ONE);
            let whole = share.round_dp_with_strategy(SHARE_DECIMALS, RoundingStrategy::ToZero);
            Some((cloud, Share::try_from(whole.normalize()).ok()?))
        };
        let stated: BTreeMap<Cloud, Share> = Cloud::ALL.into_iter().filter_map(share).collect();
        let is_known = room.demand_per_s > 0.0 && !stated.is_empty();
        Most(is_known.then_some(stated))
    }

    /// Of a cloud with this share of the traffic. What it has beyond what it can take goes to
    /// others. One without a stated capacity takes part in no plan: it keeps what it has, and is
    /// given nothing beside others with one.
    pub(super) fn of_cloud(&self, cloud: Cloud, present: Decimal) -> Decimal {
        let Some(stated) = &self.0 else { return Decimal::ONE };
        stated.get(&cloud).map_or(present, |share| share.get())
    }

    /// As it is told: nothing where there is no bound.
    pub(super) fn stated(&self) -> BTreeMap<Cloud, Share> {
        self.0.clone().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::PerCloud;
    use crate::economics::quantity::decimal;

    #[test]
    fn a_cloud_is_given_what_fills_it_to_the_target_and_one_without_a_capacity_nothing_more() {
        let capacity = PerCloud { gcp: Some(100.0), aws: Some(1_000.0), azure: None };
        let most = Most::of(&Room { demand_per_s: 300.0, capacity });
        let of = |cloud, present: &str| most.of_cloud(cloud, decimal(present));
        // 80 of 300 requests a second are 26.67 %.
        assert_eq!(of(Cloud::Gcp, "0.1"), decimal("0.26"));
        assert_eq!(of(Cloud::Gcp, "0.4"), decimal("0.26"), "what it has no room for goes");
        assert_eq!(
            (of(Cloud::Aws, "0.1"), of(Cloud::Azure, "0.1")),
            (Decimal::ONE, decimal("0.1"))
        );
    }

    #[test]
    fn without_a_stated_demand_or_capacity_there_is_no_bound() {
        let capacity = PerCloud { gcp: Some(100.0), ..PerCloud::default() };
        let unknown =
            [Room { demand_per_s: 0.0, capacity }, Room { demand_per_s: 9.0, ..Room::default() }];
        for room in unknown {
            let most = Most::of(&room);
            assert_eq!(most.of_cloud(Cloud::Gcp, Decimal::ZERO), Decimal::ONE);
            assert!(most.stated().is_empty());
        }
    }
}
