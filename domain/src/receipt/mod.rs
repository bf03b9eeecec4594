//! The finality receipt: what an outsider needs to check one event, and the check itself.
//!
//! A receipt brings proofs, not trust. The keys that count come from the verifier's policy file;
//! without one the verdict can only be "self-consistent".

mod keys;
mod later;
mod steps;
pub mod tlog_proof;
mod verify;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use uuid::Uuid;

pub(crate) use steps::{line_result, step};
pub use verify::{Step, StepState, Verdict, Verification, verify};

use crate::clock::{LogicalClock, Timestamp};
use crate::cloud::Cloud;
use crate::event::{Event, EventId, Payload, Region, Salt, Slot, TenantId, entry_bytes};
use crate::json::{self, JsonError};
use crate::key::{NoteKey, Signature};
use crate::log::Hash;

/// The `format` of receipts that this code writes and reads.
pub const RECEIPT_FORMAT: &str = "ternion/receipt/v1";

/// One event with its proof of inclusion under a cosigned checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receipt {
    #[serde(deserialize_with = "format_of_ours")]
    pub format: String,
    pub event: ReceiptEvent,
    pub slot: Slot,
    /// Sibling hashes from the leaf to the root.
    pub proof: Vec<Hash>,
    /// C2SP signed note.
    pub checkpoint: String,
    /// The keys that made the signatures, as C2SP vkeys: a convenience, not evidence.
    pub keys: Vec<NoteKey>,
}

/// The envelope's nine fields, and the salt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptEvent {
    pub event_id: Uuid,
    pub tenant_id: TenantId,
    pub logical_clock: LogicalClock,
    pub region: Region,
    pub created_at: Timestamp,
    pub origin_cloud: Cloud,
    /// Absent when erased or withheld; `payloadHash` then stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// 32 hex digits; absent with the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    pub payload_hash: Hash,
    pub hash: Hash,
    pub signature: Signature,
}

/// The bytes are not a receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    #[error("not JSON: {0}")]
    Json(#[from] JsonError),
    #[error("not a receipt: {0}")]
    Shape(String),
    #[error("the format is \"{0}\"; this program reads \"{RECEIPT_FORMAT}\"")]
    Format(String),
}

/// Receipts stand in other files too, and nobody may take one of another version for what this
/// program reads.
fn format_of_ours<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let format = String::deserialize(from)?;
    if format == RECEIPT_FORMAT {
        Ok(format)
    } else {
        Err(de::Error::custom(ReceiptError::Format(format)))
    }
}

impl Receipt {
    /// # Errors
    /// Not JSON, not a receipt, or of another format.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let value = json::parse_strict(bytes)?;
        if let Some(format) = value.get("format").and_then(Value::as_str)
            && format != RECEIPT_FORMAT
        {
            return Err(ReceiptError::Format(format.to_owned()));
        }
        serde_json::from_value(value).map_err(|error| ReceiptError::Shape(error.to_string()))
    }

    /// The C2SP tlog-proof form, which holds the same proof for other people's tools. Its
    /// `extra` carries the slot and event hash, from which a verifier makes the entry.
    #[must_use]
    pub fn to_tlog_proof(&self) -> String {
        let mut text = String::from("c2sp.org/tlog-proof@v1\n");
        let entry = entry_bytes(self.slot, self.event.hash);
        text.push_str(&format!("extra {}\n", BASE64.encode(entry)));
        text.push_str(&format!("index {}\n", self.slot.sequence));
        for hash in &self.proof {
            text.push_str(&BASE64.encode(hash.0));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// The whole event; `None` without payload and salt, or if they are not what they must be.
    fn to_event(&self) -> Option<Event> {
        let salt = hex::decode(self.event.salt.as_ref()?).ok()?;
        let payload = Payload::from_value(self.event.payload.as_ref()?).ok()?;
        Some(self.event_with(payload, Salt(salt.try_into().ok()?)))
    }

    /// The RFC 8785 text that the event hash is over. It needs no payload, only its hash.
    pub(crate) fn metadata(&self) -> String {
        let shell = self.event_with(Payload::unchecked(Vec::new()), Salt([0; 16]));
        shell.metadata(self.event.payload_hash)
    }

    fn event_with(&self, payload: Payload, salt: Salt) -> Event {
        Event {
            event_id: EventId(self.event.event_id),
            tenant_id: self.event.tenant_id.clone(),
            logical_clock: self.event.logical_clock,
            region: self.event.region.clone(),
            created_at: self.event.created_at,
            origin_cloud: self.event.origin_cloud,
            payload,
            salt,
        }
    }
}
