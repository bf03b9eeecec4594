//! The trail of a price: every event that a tenant's price of today rests on, each with its
//! receipt, in one file that an auditor takes home and checks without asking anybody.
//!
//! ```text
//! price.put ─► list price ─┐
//! tenant.put ─► tier ──────┤
//! proposal.apply ─► own share of it ─► what is charged
//!     ▲ proposal.approve, by as many as the policy of then asks for
//!     ▲ proposal.open, proposal.modify: the facts and the reason
//! ```
//! What a version needed is not read from the file: [`Book`] derives it from the events, as every
//! cloud does. So an application without its approvals is found, however well it is signed. That
//! nothing was decided later no file can prove, and a step says so.

mod charged;
mod read;
mod tell;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::book::{Book, Case};
use super::controls::Subject;
use crate::clock::Timestamp;
use crate::event::{EventId, TenantId};
use crate::json::{self, JsonError};
use crate::policy::Policy;
use crate::receipt::{Receipt, Step, StepState, Verification};

use read::Events;

/// The `format` of trails that this code writes and reads.
pub const TRAIL_FORMAT: &str = "ternion/price-trail/v1";
/// Of this and later versions, which say for themselves what they cannot read.
pub const TRAIL_FORMATS: &str = "ternion/price-trail/";
/// As many receipts as [`EVENTS_MAX`] with the longest usual payloads.
pub const TRAIL_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A price that moves every fortnight for ten years, with two approvals each time.
pub const EVENTS_MAX: usize = 1_000;

const SELF_CONSISTENT: &str = "Self-consistent: the price follows from these events, but the signers \
    are not identified. Bring the deployment's policy file to know whose keys these are.";
/// One tenant's price, from the day of the file back to its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trail {
    pub format: String,
    pub tenant_id: TenantId,
    /// As of when it was written.
    pub at: Timestamp,
    /// In the order of the events' clocks.
    pub receipts: Vec<Receipt>,
}

/// The bytes are no trail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTrail {
    #[error("not JSON: {0}")]
    Json(#[from] JsonError),
    #[error("not a price trail: {0}")]
    Shape(String),
    #[error("the format is \"{0}\"; this program reads \"{TRAIL_FORMAT}\"")]
    Format(String),
    #[error("it holds {0} events; at most {EVENTS_MAX} are read")]
    TooMany(usize),
}

impl Trail {
    #[must_use]
    pub fn new(tenant_id: TenantId, at: Timestamp, mut receipts: Vec<Receipt>) -> Self {
        receipts.sort_by_key(|receipt| (receipt.event.logical_clock, receipt.slot));
        Trail { format: TRAIL_FORMAT.to_owned(), tenant_id, at, receipts }
    }

    /// # Errors
    /// Not JSON, not a trail, of another format, or with more events than are read.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadTrail> {
        let value = json::parse_strict(bytes)?;
        if let Some(format) = value.get("format").and_then(serde_json::Value::as_str)
            && format != TRAIL_FORMAT
        {
            return Err(BadTrail::Format(format.to_owned()));
        }
        let trail: Trail =
            serde_json::from_value(value).map_err(|error| BadTrail::Shape(error.to_string()))?;
        let events = trail.receipts.len();
        if events > EVENTS_MAX { Err(BadTrail::TooMany(events)) } else { Ok(trail) }
    }

    /// Checks every receipt, and derives the price from what they hold. Never fails: what is wrong
    /// is in the steps.
    #[must_use]
    pub fn verify(&self, policy: Option<&Policy>) -> Verification {
        let (events, mut steps) = Events::read(&self.receipts, policy);
        let book = Book::of(events.told.clone());
        steps.extend(tell::policies(&book));
        steps.extend(tell::versions(&book, &self.tenant_id));
        steps.extend(tell::lists(&book));
        steps.extend(tell::without_effect(&book, &self.tenant_id));
        steps.extend(tell::without_proposal(&book, &events));
        let sound = steps.iter().all(|step| step.state != StepState::Invalid);
        let prices = charged::prices(&book, &events, &self.tenant_id, self.at);
        steps.extend(prices.into_iter().map(|step| if sound { step } else { unfounded(step) }));
        steps.push(tell::later(self));
        let version = book.version_of(&Subject::Tenant(self.tenant_id.clone()));
        let valid = format!(
            "Valid: version {version} of the price of {} follows from these events, all final under \
             your policy file, with every approval that it needed. Compare the version with the one \
             that the clouds serve.",
            self.tenant_id
        );
        Verification::of(steps, SELF_CONSISTENT, &valid)
    }
}

/// A price that would follow, did all above it hold.
fn unfounded(price: Step) -> Step {
    if price.state == StepState::Invalid {
        return price;
    }
    let result = format!("not to be relied on, since a step above does not hold: {}", price.result);
    Step { state: StepState::NotChecked, result, ..price }
}

/// The events about proposals that a tenant's price rests on: of what was applied to it, of the
/// list prices of its tier that were agreed to, of the policies that these were judged by, and who
/// stood in for whom.
#[must_use]
pub fn rests_on(book: &Book, tenant: &TenantId, tier: &str) -> Vec<EventId> {
    let is_of_it = |case: &Case| match case.subject() {
        Subject::Tenant(of) => of == *tenant,
        Subject::ListPrice(of) => of.tier == tier,
        Subject::Policy => true,
        Subject::Routing => false,
    };
    let counts = |case: &&Case| case.result_version.is_some() && is_of_it(case);
    let cases = book.cases().filter(counts).flat_map(|case| case.steps.iter());
    let mut events: Vec<EventId> = cases.map(|step| step.event_id).collect();
    for delegation in book.delegations() {
        events.push(delegation.id);
        events.extend(delegation.withdrawn_by);
    }
    events.sort_unstable_by_key(|EventId(id): &EventId| *id);
    events.dedup();
    events
}

/// What the file is called that holds it.
#[must_use]
pub fn file_name(tenant: &TenantId) -> String {
    format!("price-trail-{tenant}.json")
}

/// The application that made a version, with the proposal's version that it applied.
fn applied(case: &Case, event: EventId) -> Option<(&super::book::Step, u32, crate::log::Hash)> {
    case.steps.iter().find_map(|step| match step.kind {
        super::book::StepKind::Applied { version, hash, .. } if step.event_id == event => {
            Some((step, version, hash))
        }
        _ => None,
    })
}

/// A short name of a proposal, for titles.
fn short(id: Uuid) -> String {
    id.to_string().chars().take(8).collect()
}
