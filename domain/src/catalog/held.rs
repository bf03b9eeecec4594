//! Decisions about what is held without effect.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::{EventId, Slot, TenantId};

/// A held input is recorded again as a new event. The first decision about an item stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuarantineRelease {
    pub item_id: Uuid,
    pub reason: String,
    /// The event that the held contents became.
    pub new_event_id: EventId,
}

/// A held input stays without effect for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuarantineReject {
    pub item_id: Uuid,
    pub reason: String,
}

/// Which of the contents that several origins recorded under one id counts. The first resolution
/// by clock and slot stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConflictResolve {
    pub tenant_id: TenantId,
    pub event_id: EventId,
    /// The place whose contents count; none: nothing under this id ever does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    pub reason: String,
}
