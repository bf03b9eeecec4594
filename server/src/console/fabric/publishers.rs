//! Providers of DNS in the words of the page Fabric.

use app::backend::{FabricPublisher, PublishProblem};

use super::super::Console;
use crate::fabric::{OnDrift, Publisher};

impl Console {
    pub(super) fn publishers(&self) -> Vec<FabricPublisher> {
        let is_stated = self.fabric.capacity_without(None).is_some();
        let publishers = self.fabric.publishers().iter();
        publishers.map(|one| publisher(one, is_stated)).collect()
    }
}

fn publisher(one: &Publisher, is_capacity_stated: bool) -> FabricPublisher {
    let standing = one.standing();
    let writer = standing.writer.map(|(token, cloud)| {
        let by = cloud.map_or_else(String::new, |cloud| format!("by {cloud}, "));
        format!("Last written {by}under token {token}.")
    });
    FabricPublisher {
        publisher: one.name().to_owned(),
        place: one.place(),
        dry_run: one.is_dry_run(),
        applies: one.on_drift() == OnDrift::Apply,
        ignores_capacity: is_capacity_stated && !one.deals_by_weight(),
        writer,
        waiting: standing.waiting,
        drift: standing.drift,
        problem: standing.problem.map(|because| PublishProblem {
            because,
            refused: standing.refused,
            next_try_at: standing.next_try_at,
        }),
        half_written: standing.half_written,
        read_at: standing.read_at,
        wrote_at: standing.wrote_at,
    }
}
