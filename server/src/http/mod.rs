//! The public face of one cloud: small routers by noun, behind one edge.
//!
//! From outside in: security headers; the edge (request id, log line, metrics, one shape of
//! errors); panics; who is asking; how many at a time and for how long. Peers' messages pass the
//! edge only: they are signed, have limits of their own, and must not wait behind clients.

mod alone;
mod anchors;
mod ask;
mod asking;
pub mod assets;
mod away;
mod back;
mod billing;
mod bundle;
mod csv;
mod drill;
mod economics;
mod edge;
mod events;
mod evidence;
mod fabric;
mod grants;
mod health;
mod keys;
mod lab;
mod logs;
pub mod measure;
pub mod openapi;
mod optimizer;
mod pages;
mod place;
mod quarantine;
mod recent;
mod scenarios;
mod scrub;
pub mod security;
mod snapshots;
mod stream;
mod tenants;
mod tile_path;
mod usage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use metrics_exporter_prometheus::PrometheusHandle;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::ConfigError;
use tower_http::timeout::RequestBodyDeadlineLayer;

pub use edge::{REQUEST_ID, RequestId};

pub(crate) use assets::engine_files;

use crate::anchor::Anchors;
use crate::config::Limits;
use crate::console::Console;
use crate::economics::Economics;
use crate::evidence::Evidences;
use crate::fabric::Fabric;
use crate::grant::Grants;
use crate::identity::{self, Identity};
use crate::lab::Lab;
use crate::ledger::{Ledger, Record};
use crate::optimizer::Optimizer;
use crate::projection::Projection;
use crate::quarantine::Quarantine;
use crate::snapshot::Snapshots;

/// A request's body is here by then, or what was waiting for it gives up: the largest one at
/// 200 kB a second.
const BODY_WAIT: Duration = Duration::from_secs(45);

/// What the public face is built from.
#[derive(Debug)]
pub struct Setup {
    pub ledger: Arc<Ledger>,
    pub grants: Arc<Grants>,
    pub projection: Arc<Projection>,
    pub quarantine: Arc<Quarantine>,
    pub identity: Arc<Identity>,
    pub console: Arc<Console>,
    pub evidences: Arc<Evidences>,
    pub snapshots: Arc<Snapshots>,
    pub anchors: Arc<Anchors>,
    pub economics: Arc<Economics>,
    pub optimizer: Arc<Optimizer>,
    pub fabric: Arc<Fabric>,
    pub pool: PgPool,
    pub limits: Limits,
    /// The demonstration's supervisor, where there is one.
    pub lab: Option<Lab>,
    /// Reached by https only.
    pub https: bool,
    /// What other clouds call, signed.
    pub peers: Router,
    /// Of [`measure::install`].
    pub metrics: PrometheusHandle,
    /// Ends streams and waits, so that a graceful stop need not wait for them.
    pub stop: CancellationToken,
}

/// What handlers share.
#[derive(Debug)]
struct Services {
    ledger: Arc<Ledger>,
    grants: Arc<Grants>,
    projection: Arc<Projection>,
    quarantine: Arc<Quarantine>,
    identity: Arc<Identity>,
    console: Arc<Console>,
    evidences: Arc<Evidences>,
    snapshots: Arc<Snapshots>,
    anchors: Arc<Anchors>,
    economics: Arc<Economics>,
    optimizer: Arc<Optimizer>,
    fabric: Arc<Fabric>,
    pool: PgPool,
    limits: Limits,
    lab: Option<Lab>,
    metrics: PrometheusHandle,
    stop: CancellationToken,
    places: place::Places,
    recent: recent::Recent,
    database: health::DatabaseCheck,
    viewers: stream::Viewers,
    started: Instant,
}

type Shared = Arc<Services>;

impl Services {
    /// Is this entry without effect because its id is in conflict?
    async fn is_held(&self, record: &Record) -> Result<bool, sqlx::Error> {
        let event = &record.event;
        let conflict = self.projection.conflict(&event.tenant_id, event.event_id).await?;
        Ok(conflict.is_some_and(|conflict| conflict.holds(event.payload.bytes())))
    }
}

/// Every route of this cloud. Background work ends with the setup's `stop`.
///
/// # Errors
/// The cross-site rules cannot be built.
pub fn router(setup: Setup, tasks: &mut JoinSet<()>) -> Result<Router, ConfigError> {
    let https = setup.https;
    let peers = setup.peers;
    let viewers = stream::Viewers::new(setup.limits.streams);
    let shared = Arc::new(Services {
        places: place::Places::of(&setup.limits),
        recent: recent::Recent::default(),
        database: health::DatabaseCheck::default(),
        viewers,
        started: Instant::now(),
        economics: setup.economics,
        optimizer: setup.optimizer,
        ledger: setup.ledger,
        grants: setup.grants,
        projection: setup.projection,
        quarantine: setup.quarantine,
        identity: setup.identity,
        console: setup.console,
        evidences: setup.evidences,
        snapshots: setup.snapshots,
        anchors: setup.anchors,
        fabric: setup.fabric,
        pool: setup.pool,
        limits: setup.limits,
        lab: setup.lab,
        metrics: setup.metrics,
        stop: setup.stop,
    });
    tasks.spawn(stream::broadcast(Arc::clone(&shared)));
    let app = guarded(&shared)?
        .merge(health::routes().with_state(Arc::clone(&shared)))
        .merge(assets::routes())
        .merge(asking::routes())
        .merge(peers)
        .layer(CatchPanicLayer::custom(edge::panicked))
        .layer(from_fn_with_state(Arc::clone(&shared), edge::attend))
        .layer(RequestBodyDeadlineLayer::new(BODY_WAIT));
    Ok(security::headers(app, https))
}

/// What people and programs ask: behind the guard and the limits.
fn guarded(shared: &Shared) -> Result<Router, ConfigError> {
    let routes = Router::new()
        .merge(billing::routes())
        .merge(anchors::routes())
        .merge(bundle::routes())
        .merge(drill::routes())
        .merge(economics::routes())
        .merge(events::routes())
        .merge(evidence::routes())
        .merge(fabric::routes())
        .merge(grants::routes())
        .merge(keys::routes())
        .merge(logs::routes())
        .merge(optimizer::routes())
        .merge(quarantine::routes())
        .merge(scenarios::routes())
        .merge(scrub::routes())
        .merge(snapshots::routes())
        .merge(tenants::routes())
        .merge(usage::routes())
        .merge(lab::routes())
        .merge(openapi::routes())
        .merge(pages::routes())
        .layer(from_fn_with_state(Arc::clone(shared), edge::end_in_time))
        .layer(from_fn_with_state(Arc::clone(shared), place::admit))
        .merge(stream::routes())
        .layer(DefaultBodyLimit::max(shared.limits.body_bytes))
        .with_state(Arc::clone(shared));
    let routes = routes.merge(identity::routes(&shared.identity));
    let routes = routes.layer(from_fn(edge::note_who));
    security::refuse_cross_site(shared.identity.guard(routes), &[])
}
