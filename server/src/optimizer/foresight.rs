//! Foresight: the standing stresses are drawn over fresh usage and prices, what they come to is said,
//! and what would meet them is proposed. People decide about all of it.
//!
//! One cloud at a time does so, and not while tenants are looked at (`turn`).

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::catalog::{ForesightRun, Known};
use domain::clock::Timestamp;
use domain::economics::study::Inputs;
use domain::event::{EventId, Slot, TenantId};
use domain::pricing::controls::Subject;
use domain::pricing::foresight::{
    Foresaw, Known as KnownTenant, Room, View, asks, draws, foresee, unasked,
};
use domain::pricing::margin::window;
use serde::Serialize;
use uuid::Uuid;

use super::{Optimizer, OptimizerError, RunError, about, event_id};
use crate::economics::{Cores, Draw, Found, SimulateError, Window};
use crate::projection::Catalog;

/// What a run of the standing stresses came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForesightReport {
    #[serde(flatten)]
    pub run: ForesightRun,
    /// The event that says so.
    pub event_id: EventId,
    #[serde(skip)]
    pub slot: Slot,
}

/// What is looked at.
struct Scene {
    inputs: Inputs,
    found: Found,
    /// Whole hours.
    from: Timestamp,
    to: Timestamp,
    room: Room,
    now: Timestamp,
}

impl Optimizer {
    /// Asks the standing stresses now, if nothing else runs.
    ///
    /// # Errors
    /// Another run of either kind is under way, fewer than two clouds can be reached, all cores are
    /// busy, or there is no usage with prices.
    pub async fn foresee(&self) -> Result<ForesightReport, RunError> {
        // Before a month of usage is summed up for nothing, and again after it: that takes time.
        self.next_turn().await?;
        let scene = self.scene(crate::now()).await?;
        let cores = self.economics.cores().map_err(OptimizerError::from)?;
        let turn = self.next_turn().await?;
        let run = self.take_turn(turn).await?;
        // Proposals of every run before are known here, and what was decided about them as well as
        // anybody can know it.
        let catalog = self.projection.catalog();
        let (foresaw, scene) = drawn(cores, run, Arc::clone(&catalog), scene).await?;
        self.say_foreseen(run, &catalog, &scene, foresaw).await
    }

    async fn scene(&self, now: Timestamp) -> Result<Scene, RunError> {
        let days = self.projection.catalog().book().policy().1.window_days;
        let (from, to) = window(now, days);
        let window = Window { from: Some(from), to: Some(to), prices_as_of: Some(to) };
        let inputs = match self.economics.inputs(window, now).await {
            Err(SimulateError::NoUsage | SimulateError::NothingPriced { .. }) => {
                return Err(RunError::NothingToSay);
            }
            other => other.map_err(OptimizerError::from)?,
        };
        let found = self.economics.figures(None, days, to).await.map_err(OptimizerError::from)?;
        Ok(Scene { inputs, found, from, to, room: self.room, now })
    }

    async fn say_foreseen(
        &self,
        run: u64,
        catalog: &Catalog,
        scene: &Scene,
        foresaw: Foresaw,
    ) -> Result<ForesightReport, RunError> {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let opened = count(foresaw.openings.len());
        for open in foresaw.openings {
            let parts = ["foresight-open", &run.to_string(), &open.proposal_id.to_string()];
            self.tell(&Known::ProposalOpen(Box::new(open)), Some(event_id(&parts))).await?;
        }
        let (policy_version, policy) = catalog.book().policy();
        let kept = catalog.scenarios().map(|saved| &saved.current.value);
        let done = ForesightRun {
            run,
            by: self.me,
            policy_version,
            usage_from: scene.from,
            usage_to: scene.to,
            price_map_as_of: scene.inputs.sources.price_map_as_of,
            seed: policy.foresight.seed,
            draws: draws(&policy.foresight, &scene.inputs),
            floor: policy.margin_floor(),
            tenants: count(scene.found.tenants.len()),
            scenarios: foresaw.scenarios,
            unasked: u32::try_from(unasked(&policy.foresight, kept)).unwrap_or(u32::MAX),
            opened,
        };
        let id = event_id(&["foresight", &run.to_string()]);
        let accepted = self.tell(&Known::ForesightRun(Box::new(done.clone())), Some(id)).await?;
        metrics::counter!("ternion_foresight_runs_total").increment(1);
        metrics::counter!("ternion_foresight_opened_total").increment(opened);
        Ok(ForesightReport { run: done, event_id: accepted.event_id, slot: accepted.slot })
    }
}

/// On all cores, away from what answers requests. Hands the scene back.
async fn drawn(
    cores: Cores,
    run: u64,
    catalog: Arc<Catalog>,
    scene: Scene,
) -> Result<(Foresaw, Scene), OptimizerError> {
    let work = move |draw: &Draw<'_>| {
        let book = catalog.book();
        let kept = catalog.scenarios().map(|saved| &saved.current.value);
        let asks = asks(&book.policy().1.foresight, &scene.inputs, kept);
        let tenants: BTreeMap<TenantId, KnownTenant<'_>> = scene
            .found
            .tenants
            .iter()
            .filter_map(|(tenant, found)| {
                let about = about(&catalog, &Subject::Tenant(tenant.clone()))?;
                Some((tenant.clone(), KnownTenant { about, figures: &found.figures }))
            })
            .collect();
        let view = View {
            book,
            inputs: &scene.inputs,
            tenants: &tenants,
            window: (scene.from, scene.to),
            room: scene.room,
            run,
            now: scene.now,
        };
        let foresaw = foresee(&view, &asks, &draw, &|about| proposal_id(run, about))?;
        drop(tenants);
        Ok((foresaw, scene))
    };
    Ok(cores.draw(work).await?)
}

/// The same whoever says it again.
fn proposal_id(run: u64, about: &Subject) -> Uuid {
    let about = match about {
        Subject::Tenant(tenant) => format!("tenant {tenant}"),
        Subject::Policy => "policy".to_owned(),
        Subject::Routing => "routing".to_owned(),
        Subject::ListPrice(product) => format!("list price of {product}"),
    };
    event_id(&["foresight-proposal", &run.to_string(), &about]).0
}
