//! The revenue optimizer on one cloud: it looks at every tenant, proposes, and carries out what is
//! approved.
//!
//! ```text
//! usage, prices ─► economics::figures ─► domain::pricing::look ─► optimizer.recommend
//!                                                │
//!                     people ──► proposal.* ◄────┤         one runner of either kind:
//!                                   │            │         grant lease/optimizer-run
//!            standing stresses ─► domain::pricing::foresight ─► foresight.run
//!                                   │
//!                                   │ FINAL
//!                      domain::pricing::book (the same on every cloud)
//!                                   │ approved, facts unchanged
//!                                execute ─► grant price/<tenant> n ─► proposal.apply ─► controls
//!                                                                         └► enact ─► price.put
//! ```
//! Every cloud carries out. The grant of the version decides which application is the n-th, and what
//! is recorded is a function of what was decided, so that a cloud which stops between the two is
//! finished by the next one to look, and nothing is applied twice. A voter asks for the approvals
//! itself (`judge`): two clouds have seen them before a price moves.

mod enact;
mod execute;
mod facts;
mod foresight;
mod judge;
mod queue;
mod rehearse;
mod run;
mod schedule;
mod staff;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use domain::catalog::Known;
use domain::cloud::Cloud;
use domain::event::{EventId, Payload, TenantId};
use domain::grant::{BadName, Family, Resource};
use domain::pricing::controls::Subject;
use domain::pricing::foresight::Room;
use domain::pricing::list_change::Product;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use facts::{FactsError, Look};
pub(crate) use facts::{about, not_looked_at};
pub use foresight::ForesightReport;
pub use judge::PriceJudge;
pub use rehearse::{REHEARSED_DAYS, REHEARSED_SEED, Rehearsed, rehearsed_days};
pub use run::{RunError, RunReport};
pub use staff::{Unstaffed, unstaffed};

use crate::economics::{Economics, SimulateError};
use crate::grant::{GrantError, Grants};
use crate::ledger::{Accepted, Ledger, Submission, SubmitError};
use crate::projection::Projection;

/// The policy's resource within its family.
const POLICY: &str = "pricing";
/// The shares of the traffic, in the same family.
const ROUTING: &str = "routing-shares";
const EVENT_LABEL: &[u8] = b"ternion/optimizer-event/v1\n";

/// How often it runs by itself: usage of a month moves little in less.
pub const RUN_EVERY: Duration = Duration::from_secs(60 * 60);

/// What the optimizer is built from.
#[derive(Debug)]
pub struct Setup {
    pub ledger: Arc<Ledger>,
    pub grants: Arc<Grants>,
    pub projection: Arc<Projection>,
    pub economics: Arc<Economics>,
    /// What the clouds can take, as the configuration states it.
    pub room: Room,
    /// Absent: it runs only when it is asked to.
    pub every: Option<Duration>,
}

/// The face of the optimizer: one a node.
#[derive(Debug)]
pub struct Optimizer {
    me: Cloud,
    ledger: Arc<Ledger>,
    grants: Arc<Grants>,
    projection: Arc<Projection>,
    economics: Arc<Economics>,
    room: Room,
    at_hand: queue::AtHand,
    /// One at a time: a rehearsal takes a processor.
    rehearsing: Arc<Semaphore>,
}

/// Runs on schedule and carries out until `stop`.
pub fn start(setup: Setup, stop: &CancellationToken, tasks: &mut JoinSet<()>) -> Arc<Optimizer> {
    let optimizer = Arc::new(Optimizer {
        me: setup.ledger.cloud(),
        ledger: setup.ledger,
        grants: setup.grants,
        projection: setup.projection,
        economics: setup.economics,
        room: setup.room,
        at_hand: queue::AtHand::default(),
        rehearsing: Arc::new(Semaphore::new(1)),
    });
    tasks.spawn(Arc::clone(&optimizer).execute(stop.clone()));
    if let Some(every) = setup.every {
        tasks.spawn(Arc::clone(&optimizer).keep_schedule(every, stop.clone()));
        tasks.spawn(Arc::clone(&optimizer).keep_foresight(every, stop.clone()));
    }
    optimizer
}

/// Why something of the optimizer did not come about.
#[derive(Debug, thiserror::Error)]
pub enum OptimizerError {
    #[error(transparent)]
    Grant(#[from] GrantError),
    #[error("it cannot be recorded: {0}")]
    Submit(#[from] SubmitError),
    #[error("what is to be recorded is no payload: {0}")]
    Payload(String),
    #[error("the usage cannot be summed up: {0}")]
    Figures(#[from] SimulateError),
    #[error("the ledger cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the ledger gave no answer")]
    Silent,
}

impl Optimizer {
    /// Records something that this cloud says by itself.
    async fn tell(&self, what: &Known, id: Option<EventId>) -> Result<Accepted, OptimizerError> {
        let payload = Payload::from_value(&what.to_payload());
        let payload = payload.map_err(|error| OptimizerError::Payload(error.to_string()))?;
        let submission = Submission {
            tenant_id: TenantId::platform(),
            payload,
            event_id: id,
            region: None,
            created_at: None,
        };
        let answer = self.ledger.submit(vec![submission]).await.pop();
        Ok(answer.ok_or(OptimizerError::Silent)??)
    }
}

/// What versions of the subject are granted as.
fn resource(subject: &Subject) -> Result<Resource, BadName> {
    match subject {
        Subject::Tenant(tenant) => Resource::new(Family::Price, tenant.as_str()),
        Subject::Policy => Resource::new(Family::Policy, POLICY),
        Subject::Routing => Resource::new(Family::Policy, ROUTING),
        Subject::ListPrice(product) => Resource::new(Family::Policy, list_name(product)),
    }
}

/// Models have names that no resource may have: by a hash.
fn list_name(Product { tier, provider, model }: &Product) -> String {
    let EventId(name) = event_id(&["list", tier, provider, model]);
    format!("list-price-{}", name.simple())
}

/// The same whoever records it again.
fn event_id(parts: &[&str]) -> EventId {
    let mut hasher = Sha256::new();
    hasher.update(EVENT_LABEL);
    for part in parts {
        hasher.update(part);
        hasher.update(b"\n");
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    EventId(uuid_of(bytes))
}

fn uuid_of(bytes: [u8; 16]) -> Uuid {
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
