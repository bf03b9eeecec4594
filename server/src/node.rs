//! Composition: builds every service of one cloud and runs it; graceful stop.

pub(crate) mod serve;
mod story;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use domain::cloud::Cloud;
use domain::grant::Family;
use domain::pricing::foresight::Room;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::anchor::{self, Anchors, Clock, SetupError};
use crate::config::Config;
use crate::console::{self, Console, LedgerRecorder};
use crate::economics::Economics;
use crate::evidence::{self, Evidences};
use crate::fabric::{self, DnsError, Fabric, Plan, PublishError};
use crate::grant::{self, Grants, Judge};
use crate::http;
use crate::identity::{Identity, Recorder, Settings, demonstration};
use crate::keys::{CloudKeys, KeyError, Keyring, Roster, RosterError};
use crate::lab::Lab;
use crate::ledger::{self, Ledger};
use crate::optimizer::{self, Optimizer, PriceJudge};
use crate::peer::{self, Channel};
use crate::postgres::{Database, DatabaseError};
use crate::projection::{self, Projection, ProjectionError};
use crate::quarantine;
use crate::snapshot::{self, CutJudge, SnapshotError, Snapshots};
use crate::webhook::{self, WebhookError, Webhooks};
use serve::Gate;

/// Background work gets this long after the last request: an append that is under way is finished.
const FINISH_MAX: Duration = Duration::from_secs(10);

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Roster(#[from] RosterError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Ledger(#[from] ledger::StartError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error("what is held cannot be read: {0}")]
    Quarantine(sqlx::Error),
    #[error("the evidence cannot be read: {0}")]
    Evidence(sqlx::Error),
    #[error(transparent)]
    Snapshots(#[from] SnapshotError),
    #[error(transparent)]
    Demonstration(#[from] demonstration::SeedError),
    #[error("TLS cannot be set up on this machine: {0}")]
    Client(#[from] reqwest::Error),
    #[error("the cross-site rules cannot be built: {0}")]
    CrossSite(#[from] tower_http::csrf::ConfigError),
    #[error("metrics cannot be set up: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    #[error("anchors cannot be published: {0}")]
    Anchor(#[from] SetupError),
    #[error(transparent)]
    Fabric(#[from] DnsError),
    #[error("records cannot be published: {0}")]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    #[error("a part of this node broke: {0}")]
    Broken(String),
    #[error("cannot listen on {at}: {cause}")]
    Listen { at: SocketAddr, cause: std::io::Error },
}

/// Runs one cloud until `stop`, then finishes what is in progress and closes the database.
///
/// # Errors
/// Keys, peers, database or addresses cannot be used; nothing is left running then.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), NodeError> {
    let metrics = http::measure::install()?;
    let signer = config.external_signer();
    let keys = CloudKeys::load_or_make(&config.key_folder(), signer.as_ref())?;
    let ring = Keyring::open(&config.key_folder(), &keys, signer)?;
    let roster = Roster::of(&config, &keys)?;
    let listeners = listen(&config.listen).await?;
    let database = Database::open(&config).await?;
    let outcome =
        serve_with(&config, (keys, ring), roster, &database, metrics, listeners, &stop).await;
    database.close().await;
    outcome
}

async fn serve_with(
    config: &Config,
    keys: (CloudKeys, Keyring),
    roster: Roster,
    database: &Database,
    metrics: PrometheusHandle,
    listeners: Vec<TcpListener>,
    stop: &CancellationToken,
) -> Result<(), NodeError> {
    let node = Node::start(config, keys, roster, database).await?;
    let (router, Node { mut tasks, background, .. }) =
        node.routes(config, database, metrics, stop)?;
    tracing::info!(cloud = %config.cloud, url = config.url, "up");
    let gate = Gate::of(&config.limits);
    let broken = tokio::select! {
        () = serve::serve(listeners, &router, &gate, stop) => None,
        broken = first_panic(&mut tasks) => Some(broken),
    };
    // A node without one of its parts must not look alive.
    stop.cancel();
    background.cancel();
    let finish = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(FINISH_MAX, finish).await.is_err() {
        tracing::warn!("background work was cut off: it did not end within {FINISH_MAX:?}");
    }
    broken.map_or(Ok(()), |part| Err(NodeError::Broken(part)))
}

/// Waits for a part that ends by a panic. Parts that end by themselves (a story that is told) may.
async fn first_panic(tasks: &mut JoinSet<()>) -> String {
    while let Some(ended) = tasks.join_next().await {
        if let Err(panic) = ended {
            return panic.to_string();
        }
    }
    std::future::pending().await
}

/// The services of one cloud.
struct Node {
    channel: Arc<Channel>,
    ledger: Arc<Ledger>,
    grants: Arc<Grants>,
    projection: Arc<Projection>,
    evidences: Arc<Evidences>,
    snapshots: Arc<Snapshots>,
    anchors: Arc<Anchors>,
    fabric: Arc<Fabric>,
    economics: Arc<Economics>,
    optimizer: Arc<Optimizer>,
    webhooks: Arc<Webhooks>,
    identity: Arc<Identity>,
    /// Ends the background work, after the last request.
    background: CancellationToken,
    tasks: JoinSet<()>,
}

impl Node {
    async fn start(
        config: &Config,
        (keys, ring): (CloudKeys, Keyring),
        roster: Roster,
        database: &Database,
    ) -> Result<Node, NodeError> {
        let (background, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let (keys, ring, roster) = (Arc::new(keys), Arc::new(ring), Arc::new(roster));
        let quarantine = quarantine::start(database.pool.clone(), &background, &mut tasks).await;
        let quarantine = quarantine.map_err(NodeError::Quarantine)?;
        let channel = Arc::new(Channel {
            me: config.cloud,
            roster: Arc::clone(&roster),
            keys,
            urls: config.urls(),
            client: peer::client()?,
            quarantine,
        });
        let setup = ledger::Setup {
            cloud: config.cloud,
            region: config.region.clone(),
            roster,
            keys: Arc::clone(&ring),
            limits: config.limits.clone(),
            pool: database.pool.clone(),
            writers: database.writers.clone(),
            channel: Arc::clone(&channel),
            witness_url: config.witness.as_ref().map(|witness| witness.url.clone()),
        };
        let ledger = ledger::start(setup, &background, &mut tasks).await?;
        let evidences = Evidences::open(database.pool.clone(), ledger.registers()).await;
        let evidences = evidences.map_err(NodeError::Evidence)?;
        evidence::follow(&evidences, &ledger, &channel, &background, &mut tasks);
        let pool = database.pool.clone();
        let projection =
            projection::start(Arc::clone(&ledger), pool, &background, &mut tasks).await?;
        let grants = {
            let voting = voting((&ledger, &projection, &channel), ring, database);
            grant::start(voting, &background, &mut tasks)
        };
        let (snapshots, anchors) = {
            let of = (&ledger, &grants, &projection, &channel);
            audit(config, database, of, &background, &mut tasks)?
        };
        let fabric = {
            let of = (&ledger, &grants, &projection, &channel);
            fabric::start(routing(config, of)?, &background, &mut tasks)?
        };
        let (economics, optimizer) =
            pricing(config, (&ledger, &grants, &projection), &background, &mut tasks);
        let webhooks = telling(config, (&projection, database), &background, &mut tasks)?;
        let (recorder, identity) = people(config, database, &ledger).await?;
        let node = Node {
            channel,
            ledger,
            grants,
            projection,
            evidences,
            snapshots,
            anchors,
            fabric,
            economics,
            optimizer,
            webhooks,
            identity,
            background,
            tasks,
        };
        Ok(node.with_background_work(config, recorder))
    }

    fn with_background_work(mut self, config: &Config, recorder: Arc<LedgerRecorder>) -> Node {
        let stop = || self.background.clone();
        self.tasks.spawn(console::load::run(Arc::clone(&self.ledger), stop()));
        self.tasks.spawn(Arc::clone(&self.identity).run(stop()));
        let channel = Arc::clone(&self.channel);
        self.tasks.spawn(Arc::clone(&self.identity).exchange(channel, stop()));
        // One cloud tells the story; the others hear it.
        if config.demonstration && config.cloud == Cloud::Gcp {
            let ledger = Arc::clone(&self.ledger);
            let snapshots = Arc::clone(&self.snapshots);
            self.tasks.spawn(story::tell(config.clone(), recorder, ledger, snapshots, stop()));
        }
        self
    }

    /// Every route, and the node to hold on to while they are served.
    fn routes(
        mut self,
        config: &Config,
        database: &Database,
        metrics: PrometheusHandle,
        stop: &CancellationToken,
    ) -> Result<(Router, Node), NodeError> {
        let lab = lab(config, &self.channel);
        let logins = demonstration::logins();
        let economics = Arc::clone(&self.economics);
        let console = Arc::new(Console {
            ledger: Arc::clone(&self.ledger),
            projection: Arc::clone(&self.projection),
            quarantine: Arc::clone(&self.channel.quarantine),
            evidences: Arc::clone(&self.evidences),
            snapshots: Arc::clone(&self.snapshots),
            anchors: Arc::clone(&self.anchors),
            economics: Arc::clone(&economics),
            optimizer: Arc::clone(&self.optimizer),
            webhooks: Arc::clone(&self.webhooks),
            fabric: Arc::clone(&self.fabric),
            deployment: console::deployment(config, logins),
            lab: lab.clone(),
        });
        let credentials = self.identity.peer_routes(Arc::clone(&self.channel));
        let (evidences, ledger) = (Arc::clone(&self.evidences), Arc::clone(&self.ledger));
        let against = evidence::peer_routes(evidences, ledger, Arc::clone(&self.channel));
        let peers = self.ledger.peer_routes().merge(self.grants.peer_routes());
        let audit = Arc::clone(&self.snapshots);
        let audit = snapshot::peer_routes(audit, Arc::clone(&self.channel));
        let peers = peers.merge(credentials).merge(against).merge(audit);
        let peers = peers.merge(self.fabric.peer_routes());
        let setup = http::Setup {
            ledger: Arc::clone(&self.ledger),
            grants: Arc::clone(&self.grants),
            projection: Arc::clone(&self.projection),
            quarantine: Arc::clone(&self.channel.quarantine),
            identity: Arc::clone(&self.identity),
            console,
            evidences: Arc::clone(&self.evidences),
            snapshots: Arc::clone(&self.snapshots),
            anchors: Arc::clone(&self.anchors),
            economics,
            optimizer: Arc::clone(&self.optimizer),
            fabric: Arc::clone(&self.fabric),
            pool: database.pool.clone(),
            limits: config.limits.clone(),
            lab,
            https: config.url.starts_with("https:"),
            peers,
            metrics,
            stop: stop.clone(),
        };
        let router = http::router(setup, &mut self.tasks)?;
        Ok((router, self))
    }
}

fn voting(
    (ledger, projection, channel): (&Arc<Ledger>, &Arc<Projection>, &Arc<Channel>),
    keys: Arc<Keyring>,
    database: &Database,
) -> grant::Setup {
    grant::Setup {
        ledger: Arc::clone(ledger),
        keys,
        pool: database.pool.clone(),
        channel: Arc::clone(channel),
        judges: judges(ledger, projection),
    }
}

/// What people decide is recorded in their name; who they are is asked first.
async fn people(
    config: &Config,
    database: &Database,
    ledger: &Arc<Ledger>,
) -> Result<(Arc<LedgerRecorder>, Arc<Identity>), NodeError> {
    let recorder = Arc::new(LedgerRecorder::new(Arc::clone(ledger)));
    let identity = identity(config, database, Arc::clone(&recorder) as _).await?;
    Ok((recorder, identity))
}

fn telling(
    config: &Config,
    (projection, database): (&Arc<Projection>, &Database),
    background: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<Webhooks>, WebhookError> {
    let setup = webhook::Setup {
        me: config.cloud,
        projection: Arc::clone(projection),
        pool: database.pool.clone(),
        receivers: webhook::receivers(&config.webhook)?,
        url: config.url.clone(),
    };
    Ok(webhook::start(setup, background, tasks))
}

/// Who looks at what the clouds vote on.
fn judges(ledger: &Arc<Ledger>, projection: &Arc<Projection>) -> Vec<Arc<dyn Judge>> {
    let prices = |family| Arc::new(PriceJudge { family, projection: Arc::clone(projection) });
    vec![
        Arc::new(CutJudge { ledger: Arc::clone(ledger) }),
        prices(Family::Price),
        prices(Family::Policy),
    ]
}

fn pricing(
    config: &Config,
    (ledger, grants, projection): (&Arc<Ledger>, &Arc<Grants>, &Arc<Projection>),
    background: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> (Arc<Economics>, Arc<Optimizer>) {
    let economics = Arc::new(Economics::new(Arc::clone(projection)));
    let demand_per_s = config.fabric.demand().values().sum();
    let setup = optimizer::Setup {
        ledger: Arc::clone(ledger),
        grants: Arc::clone(grants),
        projection: Arc::clone(projection),
        economics: Arc::clone(&economics),
        room: Room { demand_per_s, capacity: config.fabric.capacity() },
        every: Some(optimizer::RUN_EVERY),
    };
    (economics, optimizer::start(setup, background, tasks))
}

/// Snapshots, and their way to publishers outside.
fn audit(
    config: &Config,
    database: &Database,
    (ledger, grants, projection, channel): (
        &Arc<Ledger>,
        &Arc<Grants>,
        &Arc<Projection>,
        &Arc<Channel>,
    ),
    background: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<(Arc<Snapshots>, Arc<Anchors>), NodeError> {
    let publishing = anchor::Setup {
        ledger: Arc::clone(ledger),
        grants: Arc::clone(grants),
        pool: database.pool.clone(),
        clients: anchor::publishers(&config.anchor)?,
        clock: Clock::default(),
    };
    let anchors = anchor::start(publishing, background, tasks);
    say_where(&anchors);
    let auditing = snapshot::Setup {
        deployment: config.deployment.clone(),
        ledger: Arc::clone(ledger),
        grants: Arc::clone(grants),
        projection: Arc::clone(projection),
        channel: Arc::clone(channel),
        pool: database.pool.clone(),
        mend_after: snapshot::MEND_AFTER,
    };
    let snapshots = snapshot::start(auditing, background, tasks)?;
    tasks.spawn(Arc::clone(&anchors).follow(Arc::clone(&snapshots), background.clone()));
    Ok((snapshots, anchors))
}

fn routing(
    config: &Config,
    (ledger, grants, projection, channel): (
        &Arc<Ledger>,
        &Arc<Grants>,
        &Arc<Projection>,
        &Arc<Channel>,
    ),
) -> Result<fabric::Setup, PublishError> {
    Ok(fabric::Setup {
        plan: Plan::of(config),
        ledger: Arc::clone(ledger),
        grants: Arc::clone(grants),
        projection: Arc::clone(projection),
        channel: Arc::clone(channel),
        publishers: fabric::publish::publishers(config)?,
    })
}

/// Nobody shall believe that something is anchored outside which is not.
fn say_where(anchors: &Anchors) {
    for (publisher, place) in anchors.places() {
        tracing::info!(%publisher, place, "hashes can be anchored there");
    }
    if anchors.places().is_empty() {
        tracing::info!("not anchored externally: no publisher is configured");
    }
}

async fn identity(
    config: &Config,
    database: &Database,
    recorder: Arc<dyn Recorder>,
) -> Result<Arc<Identity>, NodeError> {
    if config.demonstration {
        demonstration::seed_credentials(&database.pool).await?;
    }
    let settings = Settings {
        cloud: config.cloud,
        demonstration: config.demonstration,
        secure_cookies: config.url.starts_with("https:"),
    };
    Ok(Identity::new(database.pool.clone(), settings, recorder))
}

fn lab(config: &Config, channel: &Channel) -> Option<Lab> {
    let (url, secret) = (config.lab_url.clone()?, config.lab_secret.clone()?);
    config.demonstration.then(|| Lab { url, secret, client: channel.client.clone() })
}

/// Takes every address before any work is done, so that a taken port is told at once.
async fn listen(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, NodeError> {
    let mut listeners = Vec::new();
    for at in addresses {
        let listener = TcpListener::bind(at).await;
        listeners.push(listener.map_err(|cause| NodeError::Listen { at: *at, cause })?);
    }
    Ok(listeners)
}
