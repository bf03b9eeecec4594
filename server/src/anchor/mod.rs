//! Anchors: hashes of snapshots, published where others keep them, and read back.
//!
//! ```text
//! queue ─► store (anchor) ─► drive: one task a publisher
//!                              │ domain::anchor::state says what is next
//!                              ├─► choice: which cloud, which transaction (grants)
//!                              ├─► publish: Ethereum, Bitcoin, calendars, an authority
//!                              └─► tell: final and failed are events of the ledger
//! ```
//! `follow` queues what two clouds agree on. What goes in is a hash and a period's name; what comes out is a state, and the proof's files.
//! Paid publishers are used by one cloud at a time; receipts of calendars and authorities are free,
//! so each cloud that is configured for them gets its own. Every cloud reads back for itself.

mod choice;
mod drive;
mod figures;
mod follow;
pub mod publish;
mod setup;
mod store;
mod tell;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::anchor::Publisher;
use domain::anchor::explorer::ExplorerPage;
use domain::anchor::state::Anchor;
use domain::clock::Timestamp;
use domain::log::Hash;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use setup::{SetupError, publishers};
pub use store::{ANCHORS_PAGE_MAX, Stored};

use crate::grant::Grants;
use crate::ledger::Ledger;
use choice::Choice;
use drive::Driver;
use publish::Publish;
use store::Store;
use tell::{Teller, id_of};

/// Between looks at what is due.
const PAUSE: Duration = Duration::from_secs(15);
/// Longest name of a period.
pub const PERIOD_CHARS_MAX: usize = 40;

/// Where the time comes from: the wall clock, but for tests.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Clock(Arc::new(now))
    }

    fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock::new(crate::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Clock({})", self.now())
    }
}

/// What anchors are built from.
#[derive(Debug)]
pub struct Setup {
    pub ledger: Arc<Ledger>,
    pub grants: Arc<Grants>,
    pub pool: PgPool,
    pub clients: Vec<Arc<dyn Publish>>,
    pub clock: Clock,
}

/// Why a hash is not queued.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("this cloud is not configured for {0}: nothing is anchored there")]
    NotConfigured(Publisher),
    #[error("a period's name must be 1 to {PERIOD_CHARS_MAX} printable characters")]
    Period,
    #[error("the database cannot be reached: {0}")]
    Database(#[from] sqlx::Error),
}

/// One file of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofPart {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// The face of anchors: one a node.
#[derive(Debug)]
pub struct Anchors {
    store: Store,
    clients: BTreeMap<Publisher, Arc<dyn Publish>>,
    wakes: BTreeMap<Publisher, Arc<Notify>>,
    clock: Clock,
}

/// Drives what is open until `stop`.
pub fn start(setup: Setup, stop: &CancellationToken, tasks: &mut JoinSet<()>) -> Arc<Anchors> {
    start_with_pause(setup, PAUSE, stop, tasks)
}

/// The same, looking at what is due more often: for tests, whose clocks jump.
pub fn start_with_pause(
    setup: Setup,
    pause: Duration,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Arc<Anchors> {
    let store = Store { pool: setup.pool };
    let mut anchors = Anchors {
        store: store.clone(),
        clients: BTreeMap::new(),
        wakes: BTreeMap::new(),
        clock: setup.clock.clone(),
    };
    for client in setup.clients {
        let (publisher, wake) = (client.publisher(), Arc::new(Notify::new()));
        anchors.clients.insert(publisher, Arc::clone(&client));
        anchors.wakes.insert(publisher, Arc::clone(&wake));
        let driver = Driver {
            client,
            store: store.clone(),
            choice: Choice::new(Arc::clone(&setup.grants), publisher),
            teller: Teller { ledger: Arc::clone(&setup.ledger) },
            clock: setup.clock.clone(),
            pause,
            wake,
        };
        tasks.spawn(driver.run(stop.clone()));
    }
    Arc::new(anchors)
}

impl Anchors {
    /// Where this cloud publishes: the publisher, and where that is, in words. Empty: nothing is
    /// anchored outside.
    #[must_use]
    pub fn places(&self) -> Vec<(Publisher, String)> {
        self.clients.iter().map(|(publisher, client)| (*publisher, client.place())).collect()
    }

    /// Where people can look at a block that a publisher of this cloud names.
    #[must_use]
    pub fn explorers(&self, publisher: Publisher, height: u64) -> Vec<ExplorerPage> {
        self.clients.get(&publisher).map(|client| client.explorers(height)).unwrap_or_default()
    }

    /// Publishes a hash. Asked again, it is the same anchor.
    ///
    /// # Errors
    /// This cloud is not configured for it, the name is none, or the database cannot be reached.
    pub async fn queue(
        &self,
        subject: Hash,
        period: &str,
        publisher: Publisher,
    ) -> Result<Stored, QueueError> {
        if !self.clients.contains_key(&publisher) {
            return Err(QueueError::NotConfigured(publisher));
        }
        let count = period.chars().count();
        if !(1..=PERIOD_CHARS_MAX).contains(&count) || period.chars().any(char::is_control) {
            return Err(QueueError::Period);
        }
        let now = self.clock.now();
        let new = Stored {
            id: id_of(subject, publisher),
            subject,
            period: period.to_owned(),
            publisher,
            anchor: Anchor::queued(now),
            chain: None,
            queued_at: now,
            recorded: 0,
            changes: 0,
        };
        let stored = self.store.add(&new).await?;
        self.wake(publisher);
        Ok(stored)
    }

    /// The newest first, below `before` if given.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn list(
        &self,
        before: Option<(Timestamp, Uuid)>,
        limit: u32,
    ) -> Result<Vec<Stored>, sqlx::Error> {
        self.store.page(before, limit).await
    }

    /// # Errors
    /// The database cannot be reached.
    pub async fn get(&self, id: Uuid) -> Result<Option<Stored>, sqlx::Error> {
        self.store.get(id).await
    }

    /// Looks at what is due now, and not when the pause is over.
    pub fn wake(&self, publisher: Publisher) {
        if let Some(wake) = self.wakes.get(&publisher) {
            wake.notify_one();
        }
    }
}

impl Stored {
    /// The files of the proof, as far as there is one: what is not final may still grow.
    #[must_use]
    pub fn proof(&self) -> Vec<ProofPart> {
        let part = |name, bytes: &[u8]| ProofPart { name, bytes: bytes.to_vec() };
        let proof = self.anchor.proof().or_else(|| self.anchor.receipt());
        let Some(proof) = proof else { return Vec::new() };
        match self.publisher {
            Publisher::Ethereum => vec![part("ethereum.json", proof)],
            Publisher::Bitcoin => vec![part("bitcoin.ots", proof)],
            Publisher::OpenTimestamps => vec![part("root.ots", proof)],
            Publisher::Rfc3161 => {
                let request = self.anchor.attempts().last();
                let request = request.map(|attempt| part("root.tsq", &attempt.bytes));
                let chain = self.chain.as_deref().map(|chain| part("authority.pem", chain));
                let stamp = Some(part("root.tsr", proof));
                [request, stamp, chain].into_iter().flatten().collect()
            }
        }
    }
}
