//! Anchors of one cloud among three that run: its clients, a clock that jumps, and crashes.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::anchor::Publisher;
use domain::anchor::state::{Anchor, Attempt, Rules, Sighting, Stage};
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::log::Hash;
use serde_json::Value;
use server::anchor::publish::{Fault, Publish, Wish};
use server::anchor::{self, Anchors, Clock, Setup, Stored};
use sha2::{Digest as _, Sha256};
use sqlx::{PgPool, Row as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clouds::PATIENCE;
use crate::three::Deployment;

/// Between looks at what is due: the clock jumps, and nobody wakes a sleeper.
const PAUSE: Duration = Duration::from_millis(20);
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;

/// One cloud's anchors. Dropped, they end as in a power cut.
pub struct Desk {
    pub anchors: Arc<Anchors>,
    pub pool: PgPool,
    ahead_ms: Arc<AtomicI64>,
    tasks: JoinSet<()>,
}

/// A hash of its own for each test.
pub fn subject(text: &str) -> Hash {
    Hash(Sha256::digest(text).into())
}

impl Desk {
    pub fn open(clouds: &Deployment, cloud: Cloud, client: Arc<dyn Publish>) -> Self {
        Desk::open_at(clouds, cloud, client, Arc::default())
    }

    fn open_at(
        clouds: &Deployment,
        cloud: Cloud,
        client: Arc<dyn Publish>,
        ahead_ms: Arc<AtomicI64>,
    ) -> Self {
        let ahead = Arc::clone(&ahead_ms);
        let clock = Clock::new(move || {
            let now = server::now().unix_ms() + ahead.load(Ordering::Relaxed);
            Timestamp::from_unix_ms(now)
        });
        let pool = clouds.databases.get(cloud).pool.clone();
        let setup = Setup {
            ledger: Arc::clone(clouds.ledger(cloud)),
            grants: Arc::clone(clouds.grants(cloud)),
            pool: pool.clone(),
            clients: vec![client],
            clock,
        };
        let mut tasks = JoinSet::new();
        let stop = CancellationToken::new();
        let anchors = anchor::start_with_pause(setup, PAUSE, &stop, &mut tasks);
        Desk { anchors, pool, ahead_ms, tasks }
    }

    /// Ends everything where it stands, and starts again from what is stored.
    pub async fn crash(
        mut self,
        clouds: &Deployment,
        cloud: Cloud,
        client: Arc<dyn Publish>,
    ) -> Self {
        self.tasks.shutdown().await;
        Desk::open_at(clouds, cloud, client, self.ahead_ms)
    }

    pub fn later(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub async fn queue(&self, subject: Hash, publisher: Publisher) -> Uuid {
        self.anchors.queue(subject, "2026-10", publisher).await.expect("queued").id
    }

    pub async fn get(&self, id: Uuid) -> Stored {
        self.anchors.get(id).await.expect("readable").expect("there")
    }

    /// Waits until it is so.
    pub async fn until(&self, id: Uuid, what: &str, is_so: impl Fn(&Stored) -> bool) -> Stored {
        let looking = async {
            loop {
                let stored = self.get(id).await;
                if is_so(&stored) {
                    return stored;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        match tokio::time::timeout(PATIENCE * 2, looking).await {
            Ok(stored) => stored,
            Err(_) => panic!("never: {what}; it is {:#?}", shown(&self.get(id).await)),
        }
    }

    pub async fn until_stage(&self, id: Uuid, stage: &str) -> Stored {
        self.until(id, stage, |stored| stored.anchor.stage().name() == stage).await
    }

    /// The same, where the clock jumps over every pause of the rules and never further.
    pub async fn hurry_until(
        &self,
        id: Uuid,
        what: &str,
        is_so: impl Fn(&Stored) -> bool,
    ) -> Stored {
        let looking = async {
            loop {
                let stored = self.get(id).await;
                if is_so(&stored) {
                    return stored;
                }
                let now_ms = server::now().unix_ms() + self.ahead_ms.load(Ordering::Relaxed);
                self.later((stored.anchor.due_at().unix_ms() - now_ms).max(0));
                tokio::time::sleep(PAUSE * 3).await;
            }
        };
        match tokio::time::timeout(PATIENCE * 4, looking).await {
            Ok(stored) => stored,
            Err(_) => panic!("never: {what}; it is {:#?}", shown(&self.get(id).await)),
        }
    }

    pub async fn hurry_until_stage(&self, id: Uuid, stage: &str) -> Stored {
        self.hurry_until(id, stage, |stored| stored.anchor.stage().name() == stage).await
    }

    /// Events of the ledger that tell of anchors, oldest first.
    pub async fn told(&self) -> Vec<Value> {
        let rows = sqlx::query("SELECT payload FROM ledger_event ORDER BY logical_clock")
            .fetch_all(&self.pool)
            .await;
        let payloads = rows.expect("readable").into_iter().filter_map(|row| {
            let payload: Vec<u8> = row.try_get("payload").ok()?;
            serde_json::from_slice::<Value>(&payload).ok()
        });
        payloads
            .filter(|payload| {
                payload["kind"].as_str().is_some_and(|kind| kind.starts_with("anchor."))
            })
            .collect()
    }
}

/// What a person needs to see of an anchor that did not come as far as it should.
pub fn shown(stored: &Stored) -> (Stage, Option<String>, Vec<String>) {
    let trace = stored.anchor.trace().iter();
    let trouble = stored.anchor.trouble().map(|trouble| trouble.words.clone());
    let stage = stored.anchor.stage().clone();
    (stage, trouble, trace.map(|mark| format!("{} {}", mark.at, mark.what)).collect())
}

/// How often the trace says so.
pub fn count(stored: &Stored, what: &str) -> usize {
    stored.anchor.trace().iter().filter(|mark| mark.what.contains(what)).count()
}

pub fn reason(stored: &Stored) -> String {
    match stored.anchor.stage() {
        Stage::Failed { refusal } => refusal.to_string(),
        other => panic!("it has not failed: {other:?}"),
    }
}

/// Where the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaks {
    /// Stored, and not sent.
    BeforeSending,
    /// Sent, and nobody has noted it.
    AfterSending,
}

/// A client whose process stands still at a point, so that it can be ended there. Everything else
/// is the real one's.
#[derive(Debug)]
pub struct Breaking {
    pub inner: Arc<dyn Publish>,
    pub at: Breaks,
    /// How often it came to that point.
    pub came: AtomicUsize,
}

impl Breaking {
    pub fn new(inner: Arc<dyn Publish>, at: Breaks) -> Arc<Self> {
        Arc::new(Breaking { inner, at, came: AtomicUsize::new(0) })
    }

    pub async fn until_there(&self) {
        let looking = async {
            while self.came.load(Ordering::Relaxed) == 0 {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.expect("it comes to that point");
    }

    async fn stand_still<T>(&self) -> T {
        self.came.fetch_add(1, Ordering::Relaxed);
        pending().await
    }
}

#[async_trait]
impl Publish for Breaking {
    fn publisher(&self) -> Publisher {
        self.inner.publisher()
    }

    fn rules(&self) -> Rules {
        self.inner.rules()
    }

    fn place(&self) -> String {
        self.inner.place()
    }

    fn budget(&self) -> Option<u64> {
        self.inner.budget()
    }

    async fn make(&self, wish: Wish<'_>) -> Result<Attempt, Fault> {
        self.inner.make(wish).await
    }

    async fn send(&self, subject: Hash, attempt: &Attempt) -> Result<Option<Vec<u8>>, Fault> {
        if self.at == Breaks::BeforeSending {
            return self.stand_still().await;
        }
        self.inner.send(subject, attempt).await?;
        self.stand_still().await
    }

    async fn look(&self, subject: Hash, anchor: &Anchor) -> Result<Sighting, Fault> {
        self.inner.look(subject, anchor).await
    }

    async fn check(&self) -> Result<String, Fault> {
        self.inner.check().await
    }
}
