//! One row as it stands in a database that somebody may have edited: nothing about it is trusted.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::{LogicalClock, Timestamp};
use crate::cloud::Cloud;
use crate::event::{Envelope, Event, EventId, Payload, Region, Salt, TenantId, signature_is_valid};
use crate::key::{PublicKey, Signature};
use crate::log::Hash;

/// A column of an event's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Field {
    EventId,
    TenantId,
    LogicalClock,
    Region,
    CreatedAt,
    Payload,
    Salt,
    Hash,
    Signature,
    Kind,
}

impl Field {
    pub const ALL: [Field; 10] = [
        Field::EventId,
        Field::TenantId,
        Field::LogicalClock,
        Field::Region,
        Field::CreatedAt,
        Field::Payload,
        Field::Salt,
        Field::Hash,
        Field::Signature,
        Field::Kind,
    ];

    /// The column's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Field::EventId => "event_id",
            Field::TenantId => "tenant_id",
            Field::LogicalClock => "logical_clock",
            Field::Region => "region",
            Field::CreatedAt => "created_at",
            Field::Payload => "payload",
            Field::Salt => "salt",
            Field::Hash => "hash",
            Field::Signature => "signature",
            Field::Kind => "kind",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The columns as they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    pub sequence: u64,
    pub event_id: Uuid,
    pub tenant_id: String,
    pub logical_clock: i64,
    pub region: String,
    /// Microseconds since 1970, as Postgres keeps it; `None` for its `infinity`.
    pub created_at_us: Option<i64>,
    pub payload: Vec<u8>,
    pub salt: Vec<u8>,
    pub hash: Vec<u8>,
    pub signature: Vec<u8>,
    pub kind: Option<String>,
}

impl StoredRow {
    /// The row that an entry makes.
    #[must_use]
    pub fn of(sequence: u64, entry: &Envelope) -> Self {
        let event = entry.event();
        let mut row = StoredRow {
            sequence,
            event_id: event.event_id.0,
            tenant_id: event.tenant_id.as_str().to_owned(),
            logical_clock: event.logical_clock.packed(),
            region: event.region.as_str().to_owned(),
            created_at_us: event.created_at.unix_ms().checked_mul(1_000),
            payload: event.payload.bytes().to_vec(),
            salt: event.salt.0.to_vec(),
            hash: entry.hash().0.to_vec(),
            signature: entry.signature().0.to_vec(),
            kind: None,
        };
        row.kind = row.kind_of_payload();
        row
    }

    /// The contents, for hashing. `None`: a column holds what this program never writes.
    #[must_use]
    pub fn event(&self, origin: Cloud) -> Option<Event> {
        let logical_clock = LogicalClock::from_packed(self.logical_clock);
        let created_us = self.created_at_us.filter(|us| us % 1_000 == 0)?;
        let created_at = Timestamp::from_unix_ms(created_us / 1_000);
        Some(Event {
            event_id: EventId(self.event_id),
            tenant_id: TenantId::try_from(self.tenant_id.clone()).ok()?,
            logical_clock: Some(logical_clock).filter(|c| c.packed() == self.logical_clock)?,
            region: Region::try_from(self.region.clone()).ok()?,
            created_at,
            origin_cloud: origin,
            payload: Payload::unchecked(self.payload.clone()),
            salt: Salt(self.salt.as_slice().try_into().ok()?),
        })
    }

    /// What the column `kind` should say.
    #[must_use]
    pub fn kind_of_payload(&self) -> Option<String> {
        Payload::from_canonical(self.payload.clone())?.kind().map(str::to_owned)
    }

    #[must_use]
    pub fn signature_holds(&self, hash: Hash, keys: &[PublicKey]) -> bool {
        let signature = self.signature.as_slice().try_into().ok().map(Signature);
        let holds = |signature| keys.iter().any(|key| signature_is_valid(hash, &signature, key));
        signature.is_some_and(holds)
    }

    /// The columns in which two rows differ.
    #[must_use]
    pub fn differences(&self, other: &StoredRow) -> Vec<Field> {
        Field::ALL.into_iter().filter(|field| self.bytes(*field) != other.bytes(*field)).collect()
    }

    /// A column's bytes, for keeping what was found.
    #[must_use]
    pub fn bytes(&self, field: Field) -> Option<Vec<u8>> {
        Some(match field {
            Field::EventId => self.event_id.as_bytes().to_vec(),
            Field::TenantId => self.tenant_id.clone().into_bytes(),
            Field::LogicalClock => self.logical_clock.to_string().into_bytes(),
            Field::Region => self.region.clone().into_bytes(),
            Field::CreatedAt => self.created_text().into_bytes(),
            Field::Payload => self.payload.clone(),
            Field::Salt => self.salt.clone(),
            Field::Hash => self.hash.clone(),
            Field::Signature => self.signature.clone(),
            Field::Kind => return self.kind.clone().map(String::into_bytes),
        })
    }

    /// A column for a reader who may not be allowed to see payloads: payload and salt by their
    /// digest only.
    #[must_use]
    pub fn text(&self, field: Field) -> String {
        match field {
            Field::EventId => self.event_id.to_string(),
            Field::TenantId => self.tenant_id.clone(),
            Field::LogicalClock => LogicalClock::from_packed(self.logical_clock).to_string(),
            Field::Region => self.region.clone(),
            Field::CreatedAt => self.created_text(),
            Field::Payload => digest(&self.payload),
            Field::Salt => digest(&self.salt),
            Field::Hash => hex::encode(&self.hash),
            Field::Signature => BASE64.encode(&self.signature),
            Field::Kind => self.kind.clone().unwrap_or_else(|| "none".to_owned()),
        }
    }

    fn created_text(&self) -> String {
        match self.created_at_us {
            Some(us) if us % 1_000 == 0 => Timestamp::from_unix_ms(us / 1_000).to_string(),
            Some(us) => format!("{us} microseconds since 1970"),
            None => "infinity".to_owned(),
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(bytes));
    format!("{} bytes, SHA-256 {}…", bytes.len(), &digest[..12])
}
