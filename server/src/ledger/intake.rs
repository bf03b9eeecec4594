//! What a client asks to record, and what it is told.

use domain::clock::Timestamp;
use domain::event::{EventId, Payload, Region, Slot, TenantId};
use domain::log::Hash;

/// Most events that one request may carry: a group commit's worth, so that one request cannot
/// hold the writer for longer than a batch.
pub const SUBMISSIONS_MAX: usize = 1_000;

/// What a client asks to record: fields that are valid by type. Whether the tenant exists and the
/// kind's rules hold is the caller's check.
#[derive(Clone, Debug)]
pub struct Submission {
    pub tenant_id: TenantId,
    pub payload: Payload,
    /// Made here (UUID version 7) when the client gives none.
    pub event_id: Option<EventId>,
    /// This node's region when the client gives none.
    pub region: Option<Region>,
    /// Now, when the client gives none.
    pub created_at: Option<Timestamp>,
}

/// Recorded: durable in this cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub event_id: EventId,
    pub slot: Slot,
    pub hash: Hash,
    pub created_at: Timestamp,
    /// The same event was recorded before; this is its record.
    pub repeat: bool,
}

/// Not recorded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// The id is taken by an event with other fields.
    #[error("event {event_id} is already recorded at {slot} with other fields")]
    Conflict { event_id: EventId, slot: Slot },
    /// The queue is full; nothing was recorded.
    #[error("the intake queue is full")]
    Busy,
    /// The database did not take it. Whether it is durable is unknown; sending the same event id
    /// again tells.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The node is going down; nothing was recorded.
    #[error("this node is stopping")]
    Stopping,
}
