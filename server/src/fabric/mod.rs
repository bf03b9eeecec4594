//! Where clients are sent: every cloud probes every cloud, two of three decide who is up, each
//! answers for itself, and one records what changed.
//!
//! ```text
//! probe ──► domain::fabric::Selector ◄── exchange (reports of peers, signed)
//!                     │ drive: four times a second, and at once when something changes
//!                     ▼
//!          the selection ──► dns (answers), state and explain (HTTP), metrics
//!                     │
//!                  record ──► grant routing/selection ──► routing.switch in the ledger
//!                                                              │
//!          drains, round trips, switches ◄── projection ◄──────┘
//! ```
//! Answers never wait for the ledger: a dead cloud is left out at once, and recorded then. What is
//! recorded is what all clouds go on from: [`Selector::adopt`].
//!
//! Known limits. Regions of clients come from the configuration, not from a database of addresses, and
//! so does what is expected of them.

mod decided;
mod dns;
mod drive;
mod exchange;
mod explain;
mod glance;
mod place;
mod probe;
pub mod publish;
mod record;
mod regions;
mod state;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::capacity::Capacity;
use domain::fabric::network::Network;
use domain::fabric::score::Policy;
use domain::fabric::selector::{Report, Selection, Selector, Settings};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use decided::{SharesChange, changes, waiting};
pub use dns::DnsError;
pub use explain::{Client, ExplainError, Now, Then};
pub(crate) use explain::{bucket, dealing, dealt};
pub use glance::{Glance, Switched};
pub use publish::{OnDrift, PublishError, Publisher};
pub use regions::{Source, Trip};
pub(crate) use state::networks_moved;

use crate::config::Config;
use crate::grant::Grants;
use crate::peer::Channel;
use crate::projection::Projection;

/// What the fabric is told before it starts.
#[derive(Clone, Debug)]
pub struct Plan {
    pub policy: Policy,
    /// The name that clients resolve.
    pub name: String,
    pub zone: String,
    /// Where each cloud is probed.
    pub endpoints: PerCloud<Option<String>>,
    /// What DNS answers for each cloud.
    pub addresses: PerCloud<Vec<IpAddr>>,
    pub sites: PerCloud<Option<String>>,
    pub networks: Vec<(Network, String)>,
    pub dns_listen: Vec<SocketAddr>,
    /// Requests a second that are expected from each client region, and that each cloud can take.
    pub demand: BTreeMap<String, f64>,
    pub capacity: Capacity,
}

impl Plan {
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Plan {
            policy: config.fabric.policy,
            name: config.service_name(),
            zone: config.zone(),
            endpoints: config.endpoints(),
            addresses: config.fabric.addresses(),
            sites: config.sites(),
            networks: config.fabric.networks(),
            dns_listen: config.dns_listen.clone(),
            demand: config.fabric.demand(),
            capacity: config.fabric.capacity(),
        }
    }
}

/// What the fabric is built from.
#[derive(Debug)]
pub struct Setup {
    pub plan: Plan,
    pub ledger: Arc<crate::ledger::Ledger>,
    pub grants: Arc<Grants>,
    pub projection: Arc<Projection>,
    pub channel: Arc<Channel>,
    /// Of [`publish::publishers`].
    pub publishers: Vec<Arc<Publisher>>,
}

/// The face of the fabric: one a node.
#[derive(Debug)]
pub struct Fabric {
    me: Cloud,
    plan: Plan,
    ledger: Arc<crate::ledger::Ledger>,
    grants: Arc<Grants>,
    projection: Arc<Projection>,
    channel: Arc<Channel>,
    publishers: Vec<Arc<Publisher>>,
    selector: Mutex<Selector>,
    /// The selector's clock begins here.
    began: Instant,
    /// Tells this run of the node from the one before it.
    run: i64,
    /// Reports that were told in this run.
    told_count: AtomicU64,
    places: exchange::Places,
    latest: ArcSwap<Latest>,
    /// The round trips that the selector was told, and where each is known from.
    trips: ArcSwap<regions::Matrix>,
    /// What this node sees has changed.
    changed: Notify,
    /// The same, for each peer that is to hear it.
    news: PerCloud<Notify>,
    answers: dns::Answers,
}

/// The last evaluation, and what the peers told.
#[derive(Clone, Debug)]
pub struct Latest {
    pub at: Timestamp,
    pub selection: Selection,
    /// With how old they are, in milliseconds.
    pub heard: PerCloud<Option<(u64, Report)>>,
}

/// Probes, hears, selects, records and answers until `stop`.
///
/// # Errors
/// An address of the DNS authority cannot be taken, or TLS cannot be set up.
pub fn start(
    setup: Setup,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<Fabric>, DnsError> {
    let me = setup.ledger.cloud();
    let (demand, capacity) = (setup.plan.demand.clone(), setup.plan.capacity);
    let selector = Selector::new(me, Settings::of(setup.plan.policy));
    let mut selector = selector.with_capacity(demand, capacity);
    let selection = selector.evaluate(0);
    let latest = Latest { at: crate::now(), selection, heard: selector.heard(0) };
    let answers = dns::Answers::new(me, &setup.plan, &latest.selection)?;
    let fabric = Arc::new(Fabric {
        me,
        plan: setup.plan,
        ledger: setup.ledger,
        grants: setup.grants,
        projection: setup.projection,
        channel: setup.channel,
        publishers: setup.publishers,
        selector: Mutex::new(selector),
        began: Instant::now(),
        run: crate::now().unix_ms(),
        told_count: AtomicU64::new(0),
        places: exchange::Places::default(),
        latest: ArcSwap::from_pointee(latest),
        trips: ArcSwap::default(),
        changed: Notify::new(),
        news: PerCloud::from_fn(|_| Notify::new()),
        answers,
    });
    fabric.answers.serve(&fabric.plan.dns_listen, stop, tasks)?;
    let client = probe::client()?;
    for target in Cloud::ALL {
        tasks.spawn(Arc::clone(&fabric).probe(target, client.clone(), stop.clone()));
    }
    for peer in me.peers() {
        tasks.spawn(Arc::clone(&fabric).tell(peer, stop.clone()));
    }
    tasks.spawn(Arc::clone(&fabric).drive(stop.clone()));
    tasks.spawn(Arc::clone(&fabric).record(stop.clone()));
    for publisher in &fabric.publishers {
        tasks.spawn(Arc::clone(publisher).keep(Arc::clone(&fabric), stop.clone()));
    }
    Ok(fabric)
}

impl Fabric {
    /// The routes under `/peer/v1/fabric` that other clouds call.
    pub fn peer_routes(self: &Arc<Self>) -> axum::Router {
        exchange::routes(Arc::clone(self), Arc::clone(&self.channel))
    }

    /// How the deployment is, as this node sees it: `normal`, `degraded`, `critical`, `panic`, or
    /// `fail_static` where this node hears no majority.
    #[must_use]
    pub fn mode(&self) -> domain::fabric::verdict::Mode {
        self.latest.load().selection.mode
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Nothing panics while it is held; were it so, the node stops anyway.
    fn with_selector<T>(&self, act: impl FnOnce(&mut Selector, u64) -> T) -> T {
        let mut selector = self.selector.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut selector, self.now_ms())
    }
}
