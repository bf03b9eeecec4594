//! Events in JSON, as every program sees them.

use app::backend::EventRow;
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::event::{EventId, Slot, TenantId};
use domain::finality::{Finality, Signed};
use domain::log::Hash;
use serde::Serialize;

use crate::ledger::Watermarks;

/// What one cloud can prove of an event, in the words that every program sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Confirmations {
    #[serde(flatten)]
    pub signed: Signed,
    pub hash: Hash,
    pub quorum_reached: bool,
    pub status: Finality,
    pub replicated: bool,
}

impl Confirmations {
    pub(super) fn of(marks: &Watermarks, slot: Slot, hash: Hash, held: bool) -> Self {
        let signed = marks.signed(slot);
        let status = if held { Finality::Quarantined } else { marks.finality(slot) };
        let quorum_reached = marks.is_final(slot);
        Confirmations { replicated: signed.replicated(), signed, hash, quorum_reached, status }
    }
}

/// Where to ask on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::http) struct Links {
    #[serde(rename = "self")]
    pub own: String,
    pub confirmations: String,
    pub receipt: String,
}

impl Links {
    pub(super) fn of(event_id: &str) -> Self {
        let own = format!("/v1/events/{event_id}");
        Links {
            confirmations: format!("{own}/confirmations"),
            receipt: format!("{own}/receipt"),
            own,
        }
    }
}

/// The answer to a submission.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Recorded {
    pub event_id: EventId,
    pub tenant_id: TenantId,
    pub status: Finality,
    pub hash: Hash,
    pub origin_cloud: Cloud,
    pub slot: Slot,
    pub created_at: Timestamp,
    pub signed: Signed,
    pub quorum_reached: bool,
    pub replicated: bool,
    /// The same event was recorded before; this is its record.
    pub repeat: bool,
    /// Present if `wait=final` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmations: Option<Confirmations>,
    /// Present if `receipt=true` was asked for and the event is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<domain::receipt::Receipt>,
    pub links: Links,
    /// What about a decision is odd; it is recorded all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Caution>,
    /// In a batch: the status that the event alone would have had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
}

/// Something odd about a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::http) struct Caution {
    /// A stable name for programs.
    pub code: &'static str,
    pub detail: String,
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    pub event_id: String,
    pub tenant_id: String,
    pub kind: Option<String>,
    pub status: Finality,
    pub hash: String,
    pub origin_cloud: Cloud,
    pub slot: Slot,
    pub signed: Signed,
    pub quorum_reached: bool,
    pub replicated: bool,
    pub created_at: Timestamp,
    /// When the origin accepted it, by its logical clock.
    pub accepted_at: Timestamp,
    pub time_to_final_ms: Option<i64>,
}

impl From<EventRow> for Summary {
    fn from(row: EventRow) -> Self {
        Summary {
            slot: Slot { origin: row.origin, epoch: row.epoch, sequence: row.sequence },
            quorum_reached: row.status != Finality::Pending,
            replicated: row.signed.replicated(),
            event_id: row.event_id,
            tenant_id: row.tenant_id,
            kind: row.kind,
            status: row.status,
            hash: row.hash,
            origin_cloud: row.origin,
            signed: row.signed,
            created_at: row.created_at,
            accepted_at: row.accepted_at,
            time_to_final_ms: row.time_to_final_ms,
        }
    }
}
