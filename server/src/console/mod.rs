//! What the screens ask of the server, answered from the ledger and its projections.
//!
//! [`Console::for_viewer`] gives the [`app::backend::Backend`] of one request: every answer of it
//! asks `domain::access` first. What needs no viewer (the state that the stream repeats every
//! second, rows for it) stands on [`Console`] itself.

mod approval_acts;
mod approval_queue;
mod approvals;
mod attention;
mod audit;
mod audit_alarm;
mod billing;
mod contracts;
mod damage;
mod detail;
mod events;
mod evidence;
mod fabric;
mod facts;
mod figures;
mod foresight;
mod guardrails;
mod kept;
mod keys;
mod list_price;
mod list_proposal;
pub mod load;
mod optimizer;
mod policy;
mod quarantine;
mod recorded;
mod recorder;
mod reference;
mod rehearsal;
mod rows;
mod scenarios;
mod search;
mod simulate;
mod state;
mod switches;
mod tenants;
mod tiers;
mod viewer;
mod watched;

use std::sync::Arc;

use app::backend::{BackendHandle, CloudAddress, DemonstrationLogin, Deployment, Theme, Viewer};
use domain::cloud::PerCloud;

pub use quarantine::{Act, Plan};
pub use recorder::LedgerRecorder;
pub(crate) use scenarios::Sought;

use crate::anchor::Anchors;
use crate::config::Config;
use crate::economics::Economics;
use crate::evidence::Evidences;
use crate::fabric::Fabric;
use crate::lab::{self, Lab};
use crate::ledger::Ledger;
use crate::optimizer::Optimizer;
use crate::problem::Problem;
use crate::projection::Projection;
use crate::quarantine::Quarantine;
use crate::snapshot::Snapshots;
use crate::webhook::Webhooks;

/// The face of the console: one a node, made of the faces that it asks.
#[derive(Debug)]
pub struct Console {
    pub ledger: Arc<Ledger>,
    pub projection: Arc<Projection>,
    pub quarantine: Arc<Quarantine>,
    pub evidences: Arc<Evidences>,
    pub snapshots: Arc<Snapshots>,
    pub anchors: Arc<Anchors>,
    pub economics: Arc<Economics>,
    pub optimizer: Arc<Optimizer>,
    pub webhooks: Arc<Webhooks>,
    pub fabric: Arc<Fabric>,
    pub deployment: Deployment,
    /// The demonstration's supervisor, where there is one.
    pub lab: Option<Lab>,
}

impl Console {
    /// The back end of one request. `request_id` stands in its problems.
    #[must_use]
    pub fn for_viewer(
        self: &Arc<Self>,
        viewer: Option<Viewer>,
        theme: Theme,
        request_id: Option<String>,
    ) -> BackendHandle {
        Arc::new(viewer::ViewerConsole { console: self.clone(), viewer, theme, request_id })
    }

    fn lab(&self) -> Result<&Lab, Problem> {
        self.lab.as_ref().ok_or_else(lab::absent)
    }
}

/// The deployment as screens describe it. `logins` are for the demonstration's sign-in page.
#[must_use]
pub fn deployment(config: &Config, logins: Vec<DemonstrationLogin>) -> Deployment {
    let own =
        || CloudAddress { region: config.region.as_str().to_owned(), url: config.url.clone() };
    let clouds = PerCloud::from_fn(|cloud| match config.peers.get(cloud) {
        Some(peer) if cloud != config.cloud => {
            CloudAddress { region: peer.region.as_str().to_owned(), url: peer.url.clone() }
        }
        _ => own(),
    });
    Deployment {
        name: config.deployment.clone(),
        cloud: config.cloud,
        clouds,
        demonstration: config.demonstration,
        demonstration_logins: if config.demonstration { logins } else { Vec::new() },
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
