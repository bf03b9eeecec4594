//! Three ledgers on three databases that talk over real HTTP: a deployment without its consoles.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::cloud::{Cloud, PerCloud};
use domain::event::{EventId, Payload, Region, TenantId};
use domain::key::SigningKey;
use server::keys::{CloudKeys, Roster};
use server::ledger::{self, Accepted, Ledger, Setup, Submission, SubmitError, Watermarks};
use server::peer::Channel;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cluster::{TestDatabase, database};

/// Longest that a test waits for what must happen; generous, since tests share two cores.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running ledger.
pub struct Node {
    pub ledger: Arc<Ledger>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

pub struct Deployment {
    pub databases: PerCloud<TestDatabase>,
    pub roster: Arc<Roster>,
    keys: PerCloud<Arc<CloudKeys>>,
    addresses: PerCloud<SocketAddr>,
    pub nodes: PerCloud<Option<Node>>,
}

impl Deployment {
    /// Databases, keys and addresses; nothing runs yet.
    pub async fn new() -> Self {
        let databases =
            PerCloud { gcp: database().await, aws: database().await, azure: database().await };
        let keys = PerCloud::from_fn(|cloud| Arc::new(keys_of(cloud)));
        let roster = Roster {
            deployment: "ring.example".to_owned(),
            keys: keys.map(|_, keys| keys.public()),
        };
        let addresses = PerCloud { gcp: free().await, aws: free().await, azure: free().await };
        Deployment {
            databases,
            roster: Arc::new(roster),
            keys,
            addresses,
            nodes: PerCloud::default(),
        }
    }

    /// All three clouds, running.
    pub async fn running() -> Self {
        let mut deployment = Deployment::new().await;
        for cloud in Cloud::ALL {
            deployment.start(cloud).await;
        }
        deployment
    }

    pub async fn start(&mut self, cloud: Cloud) {
        let pool = self.databases.get(cloud).pool.clone();
        self.start_on(cloud, pool).await;
    }

    /// Starts a cloud on a pool of the test's choice.
    pub async fn start_on(&mut self, cloud: Cloud, pool: PgPool) {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let quarantine = server::quarantine::start(pool.clone(), &stop, &mut tasks).await;
        let channel = Channel {
            me: cloud,
            roster: Arc::clone(&self.roster),
            keys: Arc::clone(self.keys.get(cloud)),
            urls: self.addresses.map(|_, address| Some(format!("http://{address}"))),
            client: server::peer::client().expect("a client"),
            quarantine: quarantine.expect("the quarantine starts"),
        };
        let setup = Setup {
            cloud,
            region: Region::try_from("ring-1".to_owned()).expect("a region"),
            roster: Arc::clone(&self.roster),
            keys: Arc::clone(self.keys.get(cloud)),
            epochs: PerCloud::from_fn(|_| 1),
            pool,
            channel: Arc::new(channel),
        };
        let ledger = ledger::start(setup, &stop, &mut tasks).await.expect("the ledger starts");
        let listener = TcpListener::bind(self.addresses.get(cloud)).await.expect("our port");
        let (routes, ended) = (ledger.peer_routes(), stop.clone());
        tasks.spawn(async move {
            let serving = axum::serve(listener, routes);
            serving.with_graceful_shutdown(async move { ended.cancelled().await }).await.ok();
        });
        *self.nodes.get_mut(cloud) = Some(Node { ledger, stop, tasks });
    }

    /// Stops a cloud as a process stops: what is under way is finished.
    pub async fn stop(&mut self, cloud: Cloud) {
        if let Some(mut node) = self.nodes.get_mut(cloud).take() {
            node.stop.cancel();
            let end = async { while node.tasks.join_next().await.is_some() {} };
            tokio::time::timeout(PATIENCE, end).await.expect("every task ends");
        }
    }

    /// Stops a cloud as a power cut does: every task is dropped where it stands.
    pub fn kill(&mut self, cloud: Cloud) {
        drop(self.nodes.get_mut(cloud).take());
    }

    pub fn ledger(&self, cloud: Cloud) -> &Arc<Ledger> {
        &self.nodes.get(cloud).as_ref().expect("this cloud runs").ledger
    }

    pub fn marks(&self, cloud: Cloud) -> Watermarks {
        *self.ledger(cloud).watermarks().borrow()
    }

    /// Waits until that cloud's view satisfies `is_so`.
    pub async fn until(&self, cloud: Cloud, what: &str, is_so: impl Fn(&Watermarks) -> bool) {
        let mut marks = self.ledger(cloud).watermarks();
        let waiting = marks.wait_for(|marks| is_so(marks));
        let outcome = tokio::time::timeout(PATIENCE, waiting).await.map(|seen| seen.is_ok());
        assert_eq!(outcome, Ok(true), "{cloud} never saw: {what}; it sees {:?}", self.marks(cloud));
    }

    /// Waits until every running cloud holds `size` entries of each of these logs under one root.
    pub async fn until_equal(&self, sizes: PerCloud<u64>) {
        for cloud in Cloud::ALL.into_iter().filter(|cloud| self.nodes.get(*cloud).is_some()) {
            let has_all = |marks: &Watermarks| {
                sizes.iter().all(|(origin, size)| marks.log(origin).head.size == *size)
            };
            self.until(cloud, &format!("sizes {sizes:?}"), has_all).await;
        }
        let roots: Vec<_> = Cloud::ALL
            .into_iter()
            .filter(|cloud| self.nodes.get(*cloud).is_some())
            .map(|cloud| self.marks(cloud).0.map(|_, view| view.head.root))
            .collect();
        assert!(roots.windows(2).all(|pair| pair[0] == pair[1]), "the roots differ: {roots:?}");
    }

    /// Records `count` events at one cloud, in calls of at most 100.
    pub async fn record(&self, cloud: Cloud, count: usize) -> Vec<Accepted> {
        let mut recorded = Vec::new();
        while recorded.len() < count {
            let call = (recorded.len()..count.min(recorded.len() + 100)).map(submission).collect();
            let answers = self.ledger(cloud).submit(call).await;
            recorded.extend(answers.into_iter().map(|answer| answer.expect("recorded")));
        }
        recorded
    }
}

fn keys_of(cloud: Cloud) -> CloudKeys {
    let key = |role: u8| SigningKey::from_seed([16 * cloud.code() + role; 32]);
    CloudKeys { log: key(1), cosigner: key(2), transport: key(3) }
}

/// A port that was free a moment ago.
async fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    listener.local_addr().expect("an address")
}

pub fn submission(number: usize) -> Submission {
    let value = serde_json::json!({ "number": number });
    Submission {
        tenant_id: TenantId::platform(),
        payload: Payload::from_value(&value).expect("an object"),
        event_id: None,
        region: None,
        created_at: None,
    }
}

pub fn with_id(id: u128, number: usize) -> Submission {
    Submission { event_id: Some(EventId(uuid::Uuid::from_u128(id))), ..submission(number) }
}

pub async fn submit_one(ledger: &Ledger, one: Submission) -> Result<Accepted, SubmitError> {
    ledger.submit(vec![one]).await.pop().expect("one answer for one submission")
}
