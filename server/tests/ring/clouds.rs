//! Clouds as tests have them: whole ones but for their public face, in this process, each on a
//! database of its own, talking over real sockets.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use app::backend::{BackendHandle, CloudAddress, Deployment, Theme, Viewer};
use domain::access::Role;
use domain::cloud::{Cloud, PerCloud};
use domain::event::{EventId, Payload, Region, TenantId};
use domain::fabric::score::Policy;
use domain::grant::Family;
use domain::key::{PublicKey, SigningKey};
use domain::pricing::foresight::Room;
use domain::quorum::Mode;
use serde_json::Value;
use server::anchor::publish::Publish;
use server::anchor::{self, Anchors};
use server::config::Limits;
use server::console::{Console, LedgerRecorder};
use server::economics::Economics;
use server::evidence::{self, Evidences};
use server::fabric::{self, Fabric, Plan, Publisher};
use server::grant::{self, Grants};
use server::identity::{Identity, Settings};
use server::keys::{CloudKeys, External, Keyring, Roster};
use server::ledger::{self, Accepted, Ledger, Setup, StartError, Submission};
use server::optimizer::{self, Optimizer, PriceJudge};
use server::peer::Channel;
use server::projection::{self, Projection};
use server::quarantine::{self, Quarantine};
use server::snapshot::{self, CutJudge, Snapshots};
use server::webhook;
use sqlx::PgPool;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::cluster::{self, TestDatabase};

pub const DEPLOYMENT: &str = "test.ternion.example";
/// Longest that a test waits for what must happen; generous, since tests share two cores.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// More connections than any test opens at once.
const BACKLOG: u32 = 1_024;

/// Three clouds, of which some run.
pub struct Clouds {
    pub databases: PerCloud<Arc<TestDatabase>>,
    pub roster: Arc<Roster>,
    pub keys: PerCloud<Arc<CloudKeys>>,
    /// Who makes and holds a cloud's later keys, if not files.
    pub signers: PerCloud<Option<Arc<External>>>,
    /// Later keys, and what each cloud remembers outside its database.
    pub folders: PerCloud<TempFolder>,
    addresses: PerCloud<SocketAddr>,
    /// Bound from the beginning, so that no other test takes the port before the first start, and
    /// not listening: who asks a cloud that does not run is refused.
    sockets: PerCloud<Option<TcpSocket>>,
    client: reqwest::Client,
    pub limits: Limits,
    pub witness_url: Option<String>,
    /// How long a cloud that is outvoted about a snapshot waits before it derives it again.
    pub mend_after: Duration,
    /// Where each cloud publishes hashes.
    pub publishers: PerCloud<Vec<Arc<dyn Publish>>>,
    /// Where each cloud keeps DNS records in step.
    pub records: PerCloud<Vec<Arc<Publisher>>>,
    /// What DNS answers for each cloud.
    pub addresses_of_clients: PerCloud<Vec<IpAddr>>,
    /// Where each cloud answers DNS.
    pub dns_listen: PerCloud<Vec<SocketAddr>>,
}

/// One running cloud. Dropped, it ends as in a power cut: every task where it stands.
pub struct RunningCloud {
    pub ledger: Arc<Ledger>,
    pub grants: Arc<Grants>,
    pub projection: Arc<Projection>,
    pub quarantine: Arc<Quarantine>,
    pub evidences: Arc<Evidences>,
    pub snapshots: Arc<Snapshots>,
    pub anchors: Arc<Anchors>,
    pub fabric: Arc<Fabric>,
    pub console: Arc<Console>,
    pub optimizer: Arc<Optimizer>,
    pub identity: Arc<Identity>,
    pub database: Arc<TestDatabase>,
    /// Let go by a test that failed, too: what answers DNS waits in threads of its own, which would
    /// keep the test from ending.
    stop: DropGuard,
    tasks: JoinSet<()>,
}

/// The keys of each cloud: for whoever plays one that does not keep the rules.
pub fn keys_of(cloud: Cloud) -> CloudKeys {
    let seed = |role: u8| SigningKey::from_seed([cloud.code() * 16 + role; 32]);
    CloudKeys { log: seed(1).into(), cosigner: seed(2).into(), transport: seed(3) }
}

/// A folder that goes with its owner.
pub struct TempFolder(pub PathBuf);

impl TempFolder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("ternion-ring-{}", Uuid::now_v7()));
        std::fs::create_dir_all(&path).expect("a folder");
        TempFolder(path)
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A socket on a free port.
fn bound() -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("a port that is taken again after a restart");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    socket
}

async fn database() -> Arc<TestDatabase> {
    Arc::new(cluster::database().await)
}

impl Clouds {
    /// Databases, keys and addresses; nothing runs yet.
    pub async fn prepare() -> Clouds {
        Clouds::prepare_in(Mode::default(), None).await
    }

    /// The same in a mode of the test's choice, with the witness's key where it counts one.
    pub async fn prepare_in(mode: Mode, witness: Option<PublicKey>) -> Clouds {
        let sockets = PerCloud::from_fn(|_| Some(bound()));
        let address = |_, socket: &Option<TcpSocket>| {
            socket.as_ref().expect("held").local_addr().expect("bound")
        };
        let keys = PerCloud::from_fn(keys_of);
        let roster = Roster {
            deployment: DEPLOYMENT.to_owned(),
            mode,
            keys: keys.map(|_, keys| keys.public()),
            witness,
        };
        Clouds {
            databases: PerCloud {
                gcp: database().await,
                aws: database().await,
                azure: database().await,
            },
            roster: Arc::new(roster),
            keys: keys.map(|_, keys| Arc::new(keys.clone())),
            signers: PerCloud::default(),
            folders: PerCloud::from_fn(|_| TempFolder::new()),
            addresses: sockets.map(address),
            sockets,
            client: server::peer::client().expect("a client"),
            limits: Limits::default(),
            witness_url: None,
            mend_after: snapshot::MEND_AFTER,
            publishers: PerCloud::default(),
            records: PerCloud::default(),
            addresses_of_clients: PerCloud::default(),
            dns_listen: PerCloud::default(),
        }
    }

    /// Starts a cloud on what its database holds.
    pub async fn start(&mut self, cloud: Cloud) -> RunningCloud {
        let database = self.databases.get(cloud);
        let (pool, writers) = (database.pool.clone(), database.writers.clone());
        self.start_on(cloud, pool, writers).await
    }

    /// Starts a cloud on pools of the test's choice.
    pub async fn start_on(&mut self, cloud: Cloud, pool: PgPool, writers: PgPool) -> RunningCloud {
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let quarantine = quarantine::start(pool.clone(), &stop, &mut tasks).await;
        let quarantine = quarantine.expect("the quarantine starts");
        let setup = self.setup(cloud, pool.clone(), writers, &quarantine);
        let channel = setup.channel.clone();
        let keys = setup.keys.clone();
        let ledger = ledger::start(setup, &stop, &mut tasks).await.expect("the ledger starts");
        let evidences = Evidences::open(pool.clone(), ledger.registers()).await;
        let evidences = evidences.expect("the evidence is readable");
        evidence::follow(&evidences, &ledger, &channel, &stop, &mut tasks);
        let projection = projection::start(ledger.clone(), pool.clone(), &stop, &mut tasks).await;
        let projection = projection.expect("the projection starts");
        let prices = |family| Arc::new(PriceJudge { family, projection: projection.clone() });
        let voting = grant::Setup {
            ledger: ledger.clone(),
            keys,
            pool: pool.clone(),
            channel: channel.clone(),
            judges: vec![
                Arc::new(CutJudge { ledger: ledger.clone() }),
                prices(Family::Price),
                prices(Family::Policy),
            ],
        };
        let grants = grant::start(voting, &stop, &mut tasks);
        let economics = Arc::new(Economics::new(projection.clone()));
        let pricing = optimizer::Setup {
            ledger: ledger.clone(),
            grants: grants.clone(),
            projection: projection.clone(),
            economics: economics.clone(),
            room: Room::default(),
            every: None,
        };
        let optimizer = optimizer::start(pricing, &stop, &mut tasks);
        let auditing = snapshot::Setup {
            deployment: DEPLOYMENT.to_owned(),
            ledger: ledger.clone(),
            grants: grants.clone(),
            projection: projection.clone(),
            channel: channel.clone(),
            pool: pool.clone(),
            mend_after: self.mend_after,
        };
        let snapshots = snapshot::start(auditing, &stop, &mut tasks).expect("snapshots start");
        let routing = fabric::Setup {
            plan: Plan {
                dns_listen: self.dns_listen.get(cloud).clone(),
                ..nobody_is_probed(self.addresses_of_clients.clone())
            },
            ledger: ledger.clone(),
            grants: grants.clone(),
            projection: projection.clone(),
            channel: channel.clone(),
            publishers: self.records.get(cloud).clone(),
        };
        let fabric = fabric::start(routing, &stop, &mut tasks).expect("no address is taken");
        let identity = identity(cloud, pool, &ledger);
        let routes = ledger.peer_routes().merge(grants.peer_routes()).merge(fabric.peer_routes());
        let against = evidence::peer_routes(evidences.clone(), ledger.clone(), channel.clone());
        let audit = snapshot::peer_routes(snapshots.clone(), channel.clone());
        let routes =
            routes.merge(identity.peer_routes(channel.clone())).merge(against).merge(audit);
        let (listener, stopped) = (self.listener(cloud).await, stop.clone().cancelled_owned());
        tasks.spawn(identity.clone().run(stop.clone()));
        tasks.spawn(identity.clone().exchange(channel, stop.clone()));
        tasks.spawn(async move {
            let served = axum::serve(listener, routes).with_graceful_shutdown(stopped).await;
            served.expect("the peers' routes are served");
        });
        let publishing = anchor::Setup {
            ledger: ledger.clone(),
            grants: grants.clone(),
            pool: self.databases.get(cloud).pool.clone(),
            clients: self.publishers.get(cloud).clone(),
            clock: anchor::Clock::default(),
        };
        let anchors = anchor::start(publishing, &stop, &mut tasks);
        tasks.spawn(anchors.clone().follow(snapshots.clone(), stop.clone()));
        let telling = webhook::Setup {
            me: cloud,
            projection: projection.clone(),
            pool: self.databases.get(cloud).pool.clone(),
            receivers: Vec::new(),
            url: "http://127.0.0.1".to_owned(),
        };
        let webhooks = webhook::start(telling, &stop, &mut tasks);
        let console = Arc::new(Console {
            ledger: ledger.clone(),
            projection: projection.clone(),
            quarantine: quarantine.clone(),
            evidences: evidences.clone(),
            snapshots: snapshots.clone(),
            anchors: anchors.clone(),
            economics,
            optimizer: optimizer.clone(),
            webhooks,
            fabric: fabric.clone(),
            deployment: deployment(cloud),
            lab: None,
        });
        let database = Arc::clone(self.databases.get(cloud));
        RunningCloud {
            ledger,
            grants,
            projection,
            quarantine,
            evidences,
            snapshots,
            anchors,
            fabric,
            console,
            optimizer,
            identity,
            database,
            stop: stop.drop_guard(),
            tasks,
        }
    }

    /// Why that cloud does not start.
    pub async fn refuses_to_start(&self, cloud: Cloud) -> StartError {
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let database = self.databases.get(cloud);
        let (pool, writers) = (database.pool.clone(), database.writers.clone());
        let quarantine = quarantine::start(pool.clone(), &stop, &mut tasks).await;
        let setup = self.setup(cloud, pool, writers, &quarantine.expect("the quarantine starts"));
        ledger::start(setup, &stop, &mut tasks).await.expect_err("it must not start")
    }

    async fn listener(&mut self, cloud: Cloud) -> TcpListener {
        match self.sockets.get_mut(cloud).take() {
            Some(socket) => socket.listen(BACKLOG).expect("our port"),
            None => TcpListener::bind(self.addresses.get(cloud)).await.expect("our port again"),
        }
    }

    /// How that cloud speaks to the others.
    pub fn channel(&self, cloud: Cloud, quarantine: &Arc<Quarantine>) -> Channel {
        Channel {
            me: cloud,
            roster: self.roster.clone(),
            keys: self.keys.get(cloud).clone(),
            urls: self.addresses.map(|_, address| Some(format!("http://{address}"))),
            client: self.client.clone(),
            quarantine: quarantine.clone(),
        }
    }

    /// All keys of that cloud.
    pub fn keyring(&self, cloud: Cloud) -> Arc<Keyring> {
        let (folder, first) = (&self.folders.get(cloud).0, self.keys.get(cloud));
        let signer = self.signers.get(cloud).clone();
        Arc::new(Keyring::open(folder, first, signer).expect("keys"))
    }

    fn setup(
        &self,
        cloud: Cloud,
        pool: PgPool,
        writers: PgPool,
        quarantine: &Arc<Quarantine>,
    ) -> Setup {
        Setup {
            cloud,
            region: region(),
            roster: self.roster.clone(),
            keys: self.keyring(cloud),
            limits: self.limits.clone(),
            pool,
            writers,
            channel: Arc::new(self.channel(cloud, quarantine)),
            witness_url: self.witness_url.clone(),
        }
    }
}

/// These clouds probe nobody: none has an address for clients.
fn nobody_is_probed(addresses: PerCloud<Vec<IpAddr>>) -> Plan {
    Plan {
        policy: Policy::Balanced,
        name: "api.ternion.example".to_owned(),
        zone: "ternion.example".to_owned(),
        endpoints: PerCloud::default(),
        addresses,
        sites: PerCloud::default(),
        networks: Vec::new(),
        demand: BTreeMap::new(),
        capacity: PerCloud::default(),
        dns_listen: Vec::new(),
    }
}

fn identity(cloud: Cloud, pool: PgPool, ledger: &Arc<Ledger>) -> Arc<Identity> {
    let settings = Settings { cloud, demonstration: false, secure_cookies: false };
    let recorder = Arc::new(LedgerRecorder::new(ledger.clone()));
    Identity::new(pool, settings, recorder)
}

fn region() -> Region {
    Region::try_from("eu-west1".to_owned()).expect("valid")
}

fn deployment(cloud: Cloud) -> Deployment {
    let address = |_| CloudAddress { region: "eu-west1".to_owned(), url: String::new() };
    Deployment {
        name: DEPLOYMENT.to_owned(),
        cloud,
        clouds: PerCloud::from_fn(address),
        demonstration: false,
        demonstration_logins: Vec::new(),
        version: "test".to_owned(),
    }
}

impl RunningCloud {
    /// Records one event here.
    pub async fn submit(&self, id: Option<Uuid>, payload: &Value) -> Accepted {
        let submission = Submission {
            tenant_id: TenantId::platform(),
            payload: Payload::from_value(payload).expect("a payload"),
            event_id: id.map(EventId),
            region: None,
            created_at: None,
        };
        let mut answers = self.ledger.submit(vec![submission]).await;
        answers.remove(0).expect("recorded")
    }

    /// Waits until the event's effects are in force here.
    pub async fn until_projected(&self, accepted: &Accepted) {
        let projected = self.projection.until_projected(accepted.slot);
        tokio::time::timeout(PATIENCE, projected).await.expect("final and projected in time");
    }

    /// The screens as somebody of this role sees them.
    pub fn screens(&self, role: Role) -> BackendHandle {
        let viewer = Viewer { name: "V".to_owned(), email: "v@example".to_owned(), role };
        self.console.for_viewer(Some(viewer), Theme::System, Some("request-1".to_owned()))
    }

    /// Ends its tasks as a process ends: what is under way is finished.
    pub async fn stop(self) {
        let RunningCloud { ledger, grants, projection, console, identity, stop, mut tasks, .. } =
            self;
        drop(stop);
        drop((ledger, grants, projection, console, identity));
        let ended = async { while tasks.join_next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, ended).await.expect("every task ends when asked");
    }
}
