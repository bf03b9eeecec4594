//! What a screen asks: the last evaluation as it is, what a drain would come to, and the switches.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::catalog::{Known, RoutingSwitch};
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::event::{EventId, Slot};
use domain::fabric::capacity::{self, Over};
use domain::fabric::distance::Place;
use domain::fabric::selector::Selection;
use domain::fabric::shares::Shares;
use domain::fabric::spill::Flow;
use domain::fabric::ttl::Bound;

use super::regions::Trip;
use super::{Fabric, Latest, Plan, explain, place};
use crate::projection::{Entity, SWITCH_KEY, Version};

/// A switch as it was recorded, and where.
#[derive(Clone, Debug)]
pub struct Switched {
    pub at: Timestamp,
    pub event_id: EventId,
    pub slot: Slot,
    pub switch: RoutingSwitch,
}

impl Switched {
    /// `None`: of another version of this program.
    pub(super) fn read(version: &Version) -> Option<Self> {
        let Ok(Some(Known::RoutingSwitch(switch))) = Known::read(&version.body) else {
            return None;
        };
        let at = explain::time_of(version);
        let (event_id, slot) = (version.event_id, version.slot);
        Some(Switched { at, event_id, slot, switch: *switch })
    }
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct Glance {
    pub me: Cloud,
    pub latest: Arc<Latest>,
    pub trips: Arc<BTreeMap<String, PerCloud<Trip>>>,
    pub bound: Bound,
}

impl Fabric {
    #[must_use]
    pub fn glance(&self) -> Glance {
        Glance {
            me: self.me,
            latest: self.latest.load_full(),
            trips: self.trips.load_full(),
            bound: self.bound_of_answers(),
        }
    }

    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where a region or a cloud's site is.
    #[must_use]
    pub fn place_of(&self, region: &str) -> Option<Place> {
        place::of(region)
    }

    /// What would be selected, were this cloud drained or put back, and the others as they are.
    #[must_use]
    pub fn preview(&self, cloud: Cloud, drained: bool) -> Selection {
        self.with_selector(|selector, now_ms| {
            let catalog = self.projection.catalog();
            let mut drains = PerCloud::from_fn(|cloud| {
                catalog.drain(cloud).is_some_and(|drain| drain.value.drained)
            });
            *drains.get_mut(cloud) = drained;
            selector.preview(&drains, now_ms)
        })
    }

    /// Who would take how much, were this cloud gone. `None`: no demand or no capacity is stated.
    #[must_use]
    pub fn capacity_without(&self, cloud: Option<Cloud>) -> Option<Flow> {
        let Plan { demand, capacity, .. } = &self.plan;
        let stated = !demand.is_empty() && capacity.iter().any(|(_, most)| most.is_some());
        let selection = &self.latest.load().selection;
        let Selection { regions, shares, .. } = selection;
        stated.then(|| capacity::plan(regions, shares.as_ref(), demand, capacity, cloud))
    }

    /// What would be selected, were these shares decided on, and all else as it is.
    #[must_use]
    pub fn preview_shares(&self, shares: &Shares) -> Selection {
        self.with_selector(|selector, now_ms| selector.preview_shares(shares.wished(), now_ms))
    }

    /// Whose shares of a selection ask for more than they are planned to take.
    #[must_use]
    pub fn over(&self, selection: &Selection) -> Vec<Over> {
        selection.over(&self.plan.demand, &self.plan.capacity)
    }

    /// The newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn switches(&self, most: usize) -> Result<Vec<Switched>, sqlx::Error> {
        let versions = self.projection.versions(Entity::Switch, SWITCH_KEY).await?;
        Ok(versions.iter().filter_map(Switched::read).take(most).collect())
    }
}
