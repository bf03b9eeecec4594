//! Three real ledgers in this process, on three databases, talking over real sockets.

use std::sync::Arc;
use std::time::Duration;

use app::backend::{BackendHandle, CloudAddress, Deployment, Theme, Viewer};
use domain::access::Role;
use domain::cloud::{Cloud, PerCloud};
use domain::event::{EventId, Payload, Region, TenantId};
use domain::key::SigningKey;
use serde_json::Value;
use server::console::{Console, LedgerRecorder};
use server::evidence::Evidences;
use server::identity::{Identity, Settings};
use server::keys::{CloudKeys, Roster};
use server::ledger::{self, Accepted, Ledger, Setup, Submission};
use server::peer::Channel;
use server::projection::{self, Projection};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cluster::{self, TestDatabase};

pub const DEPLOYMENT: &str = "test.ternion.example";
const EPOCHS: PerCloud<u32> = PerCloud { gcp: 1, aws: 1, azure: 1 };
/// Three clouds on a busy machine of two cores.
const PATIENCE: Duration = Duration::from_secs(30);

/// Three clouds, of which some run.
pub struct Clouds {
    roster: Arc<Roster>,
    keys: PerCloud<Arc<CloudKeys>>,
    urls: PerCloud<Option<String>>,
    client: reqwest::Client,
    listeners: PerCloud<Option<TcpListener>>,
}

/// One running cloud; it stops when it is dropped.
pub struct RunningCloud {
    pub ledger: Arc<Ledger>,
    pub projection: Arc<Projection>,
    pub evidences: Arc<Evidences>,
    pub console: Arc<Console>,
    pub identity: Arc<Identity>,
    pub database: TestDatabase,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// Planted: a test signs with them what their clouds never would.
pub fn keys_of(cloud: Cloud) -> CloudKeys {
    let seed = |role: u8| SigningKey::from_seed([cloud.code() * 16 + role; 32]);
    CloudKeys { log: seed(1), cosigner: seed(2), transport: seed(3) }
}

impl Clouds {
    /// Keys and addresses; nothing runs yet.
    pub async fn prepare() -> Clouds {
        // A second test of this process finds it installed: that is no failure.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut listeners = PerCloud::default();
        let mut urls = PerCloud::default();
        for cloud in Cloud::ALL {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("bound");
            *urls.get_mut(cloud) = Some(format!("http://{address}"));
            *listeners.get_mut(cloud) = Some(listener);
        }
        let keys = PerCloud::from_fn(keys_of);
        let roster =
            Roster { deployment: DEPLOYMENT.to_owned(), keys: keys.map(|_, keys| keys.public()) };
        Clouds {
            roster: Arc::new(roster),
            keys: keys.map(|_, keys| Arc::new(keys.clone())),
            urls,
            client: reqwest::Client::new(),
            listeners,
        }
    }

    /// Starts a cloud on an empty database. Once only: its port goes with it.
    pub async fn start(&mut self, cloud: Cloud) -> RunningCloud {
        let database = cluster::database().await;
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let setup = self.setup(cloud, &database);
        let channel = setup.channel.clone();
        let evidences = Evidences::open(database.pool.clone(), self.roster.clone(), EPOCHS).await;
        let evidences = evidences.expect("the evidence is readable");
        let ledger = ledger::start(setup, &stop, &mut tasks).await.expect("the ledger starts");
        let projection =
            projection::start(ledger.clone(), database.pool.clone(), &stop, &mut tasks).await;
        let projection = projection.expect("the projection starts");
        let listener = self.listeners.get_mut(cloud).take().expect("started once");
        let identity = identity(cloud, &database, &ledger);
        let routes = ledger.peer_routes().merge(identity.peer_routes(channel.clone()));
        let stopped = stop.clone().cancelled_owned();
        tasks.spawn(identity.clone().run(stop.clone()));
        tasks.spawn(identity.clone().exchange(channel, stop.clone()));
        tasks.spawn(async move {
            let served = axum::serve(listener, routes).with_graceful_shutdown(stopped).await;
            served.expect("the peers' routes are served");
        });
        let deployment = deployment(cloud);
        let console =
            Console::new(ledger.clone(), projection.clone(), evidences.clone(), deployment, None);
        RunningCloud { ledger, projection, evidences, console, identity, database, stop, tasks }
    }

    fn setup(&self, cloud: Cloud, database: &TestDatabase) -> Setup {
        let keys = self.keys.get(cloud).clone();
        let channel = Channel {
            me: cloud,
            roster: self.roster.clone(),
            keys: keys.clone(),
            urls: self.urls.clone(),
            client: self.client.clone(),
        };
        Setup {
            cloud,
            region: region(),
            roster: self.roster.clone(),
            keys,
            epochs: EPOCHS,
            pool: database.pool.clone(),
            channel: Arc::new(channel),
        }
    }
}

fn identity(cloud: Cloud, database: &TestDatabase, ledger: &Arc<Ledger>) -> Arc<Identity> {
    let settings = Settings { cloud, demonstration: false, secure_cookies: false };
    let recorder = Arc::new(LedgerRecorder::new(ledger.clone()));
    Identity::new(database.pool.clone(), settings, recorder)
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

    /// Ends its tasks, and gives what they leave behind.
    pub async fn stop(self) -> TestDatabase {
        let RunningCloud {
            ledger, projection, console, identity, database, stop, mut tasks, ..
        } = self;
        stop.cancel();
        // The ledger's scribe ends when nobody can give it signatures any more.
        drop((ledger, projection, console, identity));
        let ended = async { while tasks.join_next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, ended).await.expect("every task ends when asked");
        database
    }
}
