//! The turn of the selector: what was seen, heard, decided and recorded goes in; the selection comes
//! out, and is answered at once.

use std::sync::Arc;
use std::time::Duration;

use domain::cloud::PerCloud;
use domain::fabric::selector::Selection;
use domain::fabric::verdict::Mode;
use domain::grant::Version;
use tokio_util::sync::CancellationToken;

use super::{Fabric, Latest, regions};
use crate::projection::Catalog;

/// A report that runs out is noticed this late at most.
const EVERY: Duration = Duration::from_millis(250);

/// What of the catalogue the selector was last told.
#[derive(Default)]
struct Known {
    catalog: Option<Arc<Catalog>>,
    version: Option<Version>,
}

impl Fabric {
    /// Evaluates until `stop`.
    pub(super) async fn drive(self: Arc<Self>, stop: CancellationToken) {
        let mut known = Known::default();
        loop {
            self.turn(&mut known);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    fn turn(&self, known: &mut Known) {
        self.learn(known);
        let (selection, heard) = self
            .with_selector(|selector, now_ms| (selector.evaluate(now_ms), selector.heard(now_ms)));
        let before = self.latest.load();
        if before.selection.mode != selection.mode {
            let (was, is) = (before.selection.mode.name(), selection.mode.name());
            tracing::info!(was, is, "the mode of the deployment, as seen from here");
        }
        show(&selection);
        self.answers.set(&selection, self.version());
        self.latest.store(Arc::new(Latest { at: crate::now(), selection, heard }));
    }

    /// The number of the last switch.
    fn version(&self) -> u64 {
        self.projection.catalog().switch().map_or(0, |switch| switch.value.version.number())
    }

    /// Tells the selector what became final since the last turn.
    fn learn(&self, known: &mut Known) {
        let catalog = self.projection.catalog();
        if known.catalog.as_ref().is_some_and(|before| Arc::ptr_eq(before, &catalog)) {
            return;
        }
        self.set_regions(&catalog);
        let drained = PerCloud::from_fn(|cloud| {
            catalog.drain(cloud).is_some_and(|drain| drain.value.drained)
        });
        let shares = catalog.book().shares().current().wished();
        let switch = catalog.switch().map(|switch| &switch.value);
        let switch = switch.filter(|switch| known.version != Some(switch.version));
        self.with_selector(|selector, _| {
            selector.drain(&drained);
            selector.set_shares(shares);
            if let Some(switch) = switch {
                selector.adopt(&switch.picks);
            }
        });
        known.version = switch.map(|switch| switch.version).or(known.version);
        known.catalog = Some(catalog);
    }

    fn set_regions(&self, catalog: &Catalog) {
        let named: Vec<String> =
            self.plan.networks.iter().map(|(_, region)| region.clone()).collect();
        let matrix = regions::matrix(catalog.latencies(), &self.plan.sites, &named);
        let round_trips = regions::round_trips(&matrix);
        self.with_selector(|selector, _| selector.set_regions(&round_trips));
        self.trips.store(Arc::new(matrix));
    }
}

fn show(selection: &Selection) {
    for mode in Mode::ALL {
        let is = f64::from(u8::from(selection.mode == mode));
        metrics::gauge!("ternion_fabric_mode", "mode" => mode.name()).set(is);
    }
    for (cloud, standing) in selection.clouds.iter() {
        let gauge = |name: &'static str| metrics::gauge!(name, "target" => cloud.name());
        gauge("ternion_fabric_down").set(f64::from(u8::from(standing.down)));
        gauge("ternion_fabric_drained").set(f64::from(u8::from(standing.drained)));
        gauge("ternion_fabric_damping").set(standing.damping);
        let serves = selection.regions.values().filter(|choice| choice.pick == cloud).count();
        gauge("ternion_fabric_regions").set(f64::from(u32::try_from(serves).unwrap_or(u32::MAX)));
    }
    metrics::gauge!("ternion_fabric_ttl_seconds").set(f64::from(selection.ttl_s));
}
