//! Clouds as tests have them: whole ones but for their public face, in this process, each on a
//! database of its own, talking over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::backend::{BackendHandle, CloudAddress, Deployment, Theme, Viewer};
use domain::access::Role;
use domain::cloud::{Cloud, PerCloud};
use domain::event::{EventId, Payload, Region, TenantId};
use domain::key::SigningKey;
use serde_json::Value;
use server::console::{Console, LedgerRecorder};
use server::grant::{self, Grants};
use server::identity::{Identity, Settings};
use server::keys::{CloudKeys, Roster};
use server::ledger::{self, Accepted, Ledger, Setup, Submission};
use server::peer::Channel;
use server::projection::{self, Projection};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cluster::{self, TestDatabase};

const DEPLOYMENT: &str = "test.ternion.example";
const EPOCHS: PerCloud<u32> = PerCloud { gcp: 1, aws: 1, azure: 1 };
/// Longest that a test waits for what must happen; generous, since tests share two cores.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Three clouds, of which some run.
pub struct Clouds {
    pub databases: PerCloud<Arc<TestDatabase>>,
    pub roster: Arc<Roster>,
    pub keys: PerCloud<Arc<CloudKeys>>,
    addresses: PerCloud<SocketAddr>,
    /// Held from the beginning, so that no other test takes the port before the first start.
    listeners: PerCloud<Option<TcpListener>>,
    client: reqwest::Client,
}

/// One running cloud. Dropped, it ends as in a power cut: every task where it stands.
pub struct RunningCloud {
    pub ledger: Arc<Ledger>,
    pub grants: Arc<Grants>,
    pub projection: Arc<Projection>,
    pub console: Arc<Console>,
    pub identity: Arc<Identity>,
    pub database: Arc<TestDatabase>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

fn keys_of(cloud: Cloud) -> CloudKeys {
    let seed = |role: u8| SigningKey::from_seed([cloud.code() * 16 + role; 32]);
    CloudKeys { log: seed(1), cosigner: seed(2), transport: seed(3) }
}

async fn database() -> Arc<TestDatabase> {
    Arc::new(cluster::database().await)
}

impl Clouds {
    /// Databases, keys and addresses; nothing runs yet.
    pub async fn prepare() -> Clouds {
        let mut listeners = PerCloud::default();
        for cloud in Cloud::ALL {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            *listeners.get_mut(cloud) = Some(listener);
        }
        let address = |_, listener: &Option<TcpListener>| {
            listener.as_ref().expect("held").local_addr().expect("bound")
        };
        let keys = PerCloud::from_fn(keys_of);
        let roster =
            Roster { deployment: DEPLOYMENT.to_owned(), keys: keys.map(|_, keys| keys.public()) };
        Clouds {
            databases: PerCloud {
                gcp: database().await,
                aws: database().await,
                azure: database().await,
            },
            roster: Arc::new(roster),
            keys: keys.map(|_, keys| Arc::new(keys.clone())),
            addresses: listeners.map(address),
            listeners,
            client: server::peer::client().expect("a client"),
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
        let setup = self.setup(cloud, pool.clone(), writers);
        let channel = setup.channel.clone();
        let (keys, roster) = (setup.keys.clone(), setup.roster.clone());
        let ledger = ledger::start(setup, &stop, &mut tasks).await.expect("the ledger starts");
        let voting = grant::Setup {
            ledger: ledger.clone(),
            keys,
            roster,
            pool: pool.clone(),
            channel: channel.clone(),
        };
        let grants = grant::start(voting, &stop, &mut tasks);
        let projection = projection::start(ledger.clone(), pool.clone(), &stop, &mut tasks).await;
        let projection = projection.expect("the projection starts");
        let identity = identity(cloud, pool, &ledger);
        let routes = ledger.peer_routes().merge(grants.peer_routes());
        let routes = routes.merge(identity.peer_routes(channel.clone()));
        let (listener, stopped) = (self.listener(cloud).await, stop.clone().cancelled_owned());
        tasks.spawn(identity.clone().run(stop.clone()));
        tasks.spawn(identity.clone().exchange(channel, stop.clone()));
        tasks.spawn(async move {
            let served = axum::serve(listener, routes).with_graceful_shutdown(stopped).await;
            served.expect("the peers' routes are served");
        });
        let deployment = deployment(cloud);
        let console = Console::new(ledger.clone(), projection.clone(), deployment, None);
        let database = Arc::clone(self.databases.get(cloud));
        RunningCloud { ledger, grants, projection, console, identity, database, stop, tasks }
    }

    async fn listener(&mut self, cloud: Cloud) -> TcpListener {
        match self.listeners.get_mut(cloud).take() {
            Some(listener) => listener,
            None => TcpListener::bind(self.addresses.get(cloud)).await.expect("our port again"),
        }
    }

    fn setup(&self, cloud: Cloud, pool: PgPool, writers: PgPool) -> Setup {
        let keys = self.keys.get(cloud).clone();
        let channel = Channel {
            me: cloud,
            roster: self.roster.clone(),
            keys: keys.clone(),
            urls: self.addresses.map(|_, address| Some(format!("http://{address}"))),
            client: self.client.clone(),
        };
        Setup {
            cloud,
            region: region(),
            roster: self.roster.clone(),
            keys,
            epochs: EPOCHS,
            pool,
            writers,
            channel: Arc::new(channel),
        }
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
        stop.cancel();
        drop((ledger, grants, projection, console, identity));
        let ended = async { while tasks.join_next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, ended).await.expect("every task ends when asked");
    }
}
