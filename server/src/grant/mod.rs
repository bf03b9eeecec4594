//! Where exactly one may win, the clouds vote: leases, versions of prices and policies, who
//! executes an approval, where a snapshot is cut.
//!
//! ```text
//! decide ─ campaign ─► voters: voting here, routes ◄─ peers' questions
//!             │            │ one vote, one statement, durable before it is told
//!             ▼            ▼
//!          exchange ──► store (grant_vote, grant_decision) ──► record ─► the ledger, as any event
//! ```
//! The rules are `domain::grant`: a single-decree Paxos for each (resource, version). From now on,
//! wherever one winner is needed:
//!
//! ```text
//! let decision = grants.decide(&resource, version, &value).await?;
//! if *decision.value() == value { /* ours won, here and everywhere, for ever */ }
//! ```
//! What is guarded by a grant remembers the greatest version that it has seen and refuses a lower
//! one: the version is the fencing token.
//!
//! A database that was brought back from an old copy has forgotten votes: see `returning`.
//!
//! Known limits. An old copy that nobody can tell from the newest (nothing was recorded since, and
//! the database says that it is the same) could vote twice; its votes convict it. Proofs under keys
//! that are in doubt stand where they were stored; a cloud that lacks them does not take them over.
//! A cloud that wants to can keep others from deciding, by ever higher ballots.

mod campaign;
mod exchange;
mod judge;
mod lease;
mod record;
mod returning;
mod routes;
mod store;
mod voting;
mod wire;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use domain::cloud::Cloud;
use domain::grant::{
    BadDecision, BadName, Decision, Family, GrantId, LEASE_TTL_MS_MAX, Resource, Value, Version,
    Voters,
};
use sqlx::PgPool;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use judge::Judge;
pub use lease::LeaseClaim;
pub use store::Listed;

use crate::keys::Keyring;
use crate::ledger::Ledger;
use crate::peer::{Channel, PeerError};
use store::Store;

/// Most decisions of one page.
pub const GRANTS_PAGE_MAX: u32 = 1_000;
/// Shortest lease: renewing takes two rounds between clouds, and each renewal is an event.
const LEASE_TTL_MS_MIN: i64 = 1_000;
/// Decisions that wait to be told to a slow peer. It asks for what is dropped.
const NEWS_WAITING: usize = 64;

/// What grants are built from.
#[derive(Debug)]
pub struct Setup {
    pub ledger: Arc<Ledger>,
    pub keys: Arc<Keyring>,
    pub pool: PgPool,
    pub channel: Arc<Channel>,
    /// Who looks at values before this cloud accepts them.
    pub judges: Vec<Arc<dyn Judge>>,
}

/// Why nothing was decided, as far as known here.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    #[error("{0} is not open yet: the version before it is not decided. Propose that one first")]
    TooEarly(GrantId),
    #[error(
        "{0} is not decided: fewer than two clouds have voted in time. It may be decided yet; \
         asking again tells"
    )]
    NoQuorum(GrantId),
    #[error(
        "this cloud does not vote just now: its database takes nothing, is an old copy, or its \
         peers have not yet said what was open when it was put back"
    )]
    Closed,
    #[error(
        "this cloud leaves {0} to the others: it may have voted on it and forgotten how. Ask \
         another cloud, or again once it is decided"
    )]
    Left(GrantId),
    #[error("too many proposals for {0} at one time")]
    Crowded(GrantId),
    #[error("the database cannot be reached: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("votes that were verified do not make a decision: {0}")]
    Proof(#[from] BadDecision),
    #[error(transparent)]
    Name(#[from] BadName),
    #[error("a lease lasts {LEASE_TTL_MS_MIN} to {LEASE_TTL_MS_MAX} ms")]
    LeaseTime,
}

impl GrantError {
    /// Does asking again make sense?
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            GrantError::NoQuorum(_)
            | GrantError::Closed
            | GrantError::Crowded(_)
            | GrantError::Database(_)
            | GrantError::Peer(_) => true,
            GrantError::TooEarly(_)
            | GrantError::Left(_)
            | GrantError::Proof(_)
            | GrantError::Name(_)
            | GrantError::LeaseTime => false,
        }
    }
}

/// The face of grants: one a node.
#[derive(Debug)]
pub struct Grants {
    me: Cloud,
    ledger: Arc<Ledger>,
    keys: Arc<Keyring>,
    channel: Arc<Channel>,
    judges: Vec<Arc<dyn Judge>>,
    store: Store,
    /// To the peers.
    news: broadcast::Sender<Arc<Decision>>,
    /// Something was decided that may not be recorded yet.
    to_record: Notify,
    /// The newest epoch in which this cloud is known to vote again.
    returned: AtomicU32,
    /// Counts what this node came to know.
    newest: watch::Sender<u64>,
}

/// Votes, learns and records until `stop`.
pub fn start(setup: Setup, stop: &CancellationToken, tasks: &mut JoinSet<()>) -> Arc<Grants> {
    let me = setup.ledger.cloud();
    let grants = Arc::new(Grants {
        me,
        store: Store { me, pool: setup.pool, ledger: Arc::clone(&setup.ledger) },
        ledger: setup.ledger,
        keys: setup.keys,
        channel: setup.channel,
        judges: setup.judges,
        news: broadcast::Sender::new(NEWS_WAITING),
        to_record: Notify::new(),
        returned: AtomicU32::new(0),
        newest: watch::Sender::new(0),
    });
    for peer in me.peers() {
        let news = grants.news.subscribe();
        tasks.spawn(Arc::clone(&grants).follow(peer, news, stop.clone()));
    }
    tasks.spawn(Arc::clone(&grants).record(stop.clone()));
    tasks.spawn(Arc::clone(&grants).return_on(stop.clone()));
    grants
}

impl Grants {
    /// Who may vote now.
    fn voters(&self) -> Voters {
        Voters::of_register(&self.ledger.register())
    }

    /// Proposes `value` for a version of a resource, and returns the winner once there is one:
    /// this value or, if another was faster, that one. Whoever asks, wherever and whenever, gets
    /// the same. Takes two rounds between clouds; a version that is decided is answered at once.
    ///
    /// Safe to repeat after any error. Cancel by dropping: what was begun may be decided still.
    ///
    /// # Errors
    /// The version before is not decided where the resource asks for sequence; fewer than two
    /// clouds can be reached; or the database takes nothing.
    pub async fn decide(
        &self,
        resource: &Resource,
        version: Version,
        value: &Value,
    ) -> Result<Decision, GrantError> {
        let grant = GrantId { resource: resource.clone(), version };
        if let Some(known) = self.store.decision(&grant).await? {
            return Ok(known);
        }
        let began = Instant::now();
        let decision = self.campaign(&grant, value.clone()).await?;
        let decision = self.keep(decision).await?;
        self.announce(&decision);
        let outcome = if decision.value() == value { "won" } else { "lost" };
        let family = resource.family().name();
        metrics::counter!("ternion_grant_decided_total", "family" => family, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("ternion_grant_decide_seconds").record(began.elapsed().as_secs_f64());
        Ok(decision)
    }

    /// The greatest version of a resource that is known here to be decided. Another cloud may know
    /// a greater one for some seconds.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn latest(&self, resource: &Resource) -> Result<Option<Decision>, GrantError> {
        Ok(self.store.latest(resource).await?)
    }

    /// Every decided version of a resource that is known here, in order.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn decisions(&self, resource: &Resource) -> Result<Vec<Decision>, GrantError> {
        Ok(self.store.decisions(resource).await?)
    }

    /// Wakes whoever waits whenever a decision comes to be known here. Subscribe first, then read.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Claims the lease `lease/<name>` for this cloud, `ttl` at a time: takes it when it is free,
    /// renews it while it is held, and lets go when the claim is dropped. Each renewal is a version
    /// and an event, so think in minutes rather than seconds.
    ///
    /// # Errors
    /// The name is none that a resource may have, or `ttl` is not from a second to a day.
    pub fn lease(self: &Arc<Self>, name: &str, ttl: Duration) -> Result<LeaseClaim, GrantError> {
        let resource = Resource::new(Family::Lease, name)?;
        let ttl_ms = i64::try_from(ttl.as_millis()).map_err(|_| GrantError::LeaseTime)?;
        if !(LEASE_TTL_MS_MIN..=LEASE_TTL_MS_MAX).contains(&ttl_ms) {
            return Err(GrantError::LeaseTime);
        }
        Ok(self.claim(resource, ttl_ms))
    }

    /// Decisions that are known here, the newest known first, below `before` if given.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn page(
        &self,
        of: Option<&Resource>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Listed>, sqlx::Error> {
        self.store.page(of, before, limit).await
    }

    /// The routes under `/peer/v1/grants` that other clouds call.
    pub fn peer_routes(self: &Arc<Self>) -> axum::Router {
        routes::routes(Arc::clone(self), Arc::clone(&self.channel))
    }
}
