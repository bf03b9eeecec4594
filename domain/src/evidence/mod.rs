//! Evidence that a cloud broke the rules, which a stranger verifies without asking anybody.
//!
//! A record blames one key, and shows two things that its holder signed and that no honest holder
//! signs together, or one that no honest holder signs at all:
//!
//! * two heads of one log that cannot both belong to one append-only log ([`Fork`]), signed by the
//!   log's origin or by a cosigner;
//! * a head over an entry that breaks the log's rules ([`BadEntry`]).
//!
//! Nobody can be framed. Both signatures must hold under the blamed key, and what is shown must
//! follow from the signed roots by collision resistance alone. So a bad *event signature* is no
//! evidence: leaves cover slot and event hash and not that signature, so whoever passes an entry
//! on could exchange it. For the same reason bytes that do not lead to a signed root prove
//! nothing: anybody can write such bytes.

mod accused;
mod bytes;
mod entry;
mod fork;
mod verify;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use accused::Accused;
pub use bytes::Bytes;
pub use entry::{BadEntry, Fault, ShownPayload};
pub use fork::{Fork, NoFork, Prefix, against_signers_of};
pub use verify::Proven;

use crate::json::{self, JsonError};
use crate::key::NoteKey;
use crate::log::Hash;

/// The `format` of records that this code writes and reads.
pub const EVIDENCE_FORMAT: &str = "ternion/evidence/v1";

/// Two notes and a proof are a few kilobytes, an entry with the largest payload 100. A bad entry
/// may be larger than a good one; what does not fit here is refused and not proven.
pub const EVIDENCE_BYTES_MAX: usize = 256 * 1024;

/// What a record proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An origin signed two histories of its own log.
    Equivocation,
    /// A cosigner confirmed two histories of another cloud's log.
    DoubleCosignature,
    /// An origin signed a root over an entry that breaks the log's rules.
    BadEntry,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Equivocation, Kind::DoubleCosignature, Kind::BadEntry];

    /// As in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Equivocation => "equivocation",
            Kind::DoubleCosignature => "double_cosignature",
            Kind::BadEntry => "bad_entry",
        }
    }

    /// The inverse of [`Kind::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One record. Nothing in it is checked until [`Evidence::verify`] or [`Evidence::prove`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    Equivocation(Fork),
    DoubleCosignature(Fork),
    BadEntry(BadEntry),
}

/// The bytes are not a record of evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    #[error("longer than {EVIDENCE_BYTES_MAX} bytes")]
    TooLong,
    #[error("not JSON: {0}")]
    Json(#[from] JsonError),
    #[error("not evidence: {0}")]
    Shape(String),
    #[error("the format is \"{0}\"; this program reads \"{EVIDENCE_FORMAT}\"")]
    Format(String),
}

impl Evidence {
    /// # Errors
    /// Too long, not JSON, not a record, or of another format.
    pub fn parse(text: &[u8]) -> Result<Self, EvidenceError> {
        if text.len() > EVIDENCE_BYTES_MAX {
            return Err(EvidenceError::TooLong);
        }
        let mut value = json::parse_strict(text)?;
        let format = value.as_object_mut().and_then(|object| object.remove("format"));
        match format.as_ref().and_then(Value::as_str) {
            Some(EVIDENCE_FORMAT) => {}
            Some(other) => return Err(EvidenceError::Format(other.to_owned())),
            None => return Err(EvidenceError::Shape("there is no format".to_owned())),
        }
        serde_json::from_value(value).map_err(|error| EvidenceError::Shape(error.to_string()))
    }

    /// The record as JSON, format included.
    #[must_use]
    pub fn to_value(&self) -> Value {
        // Shapes of texts, whole numbers and lists, which always serialize.
        let mut value = serde_json::to_value(self).unwrap_or_default();
        value["format"] = Value::from(EVIDENCE_FORMAT);
        value
    }

    /// The RFC 8785 bytes of the record.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        json::canonical(&self.to_value())
    }

    /// SHA-256 of the canonical bytes: one record has one id, wherever it was found.
    #[must_use]
    pub fn id(&self) -> Hash {
        Hash(Sha256::digest(self.canonical()).into())
    }

    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Evidence::Equivocation(_) => Kind::Equivocation,
            Evidence::DoubleCosignature(_) => Kind::DoubleCosignature,
            Evidence::BadEntry(_) => Kind::BadEntry,
        }
    }

    /// The key that is blamed.
    #[must_use]
    pub const fn key(&self) -> &NoteKey {
        match self {
            Evidence::Equivocation(fork) | Evidence::DoubleCosignature(fork) => &fork.key,
            Evidence::BadEntry(bad) => &bad.key,
        }
    }
}

#[cfg(test)]
mod tests;
