//! `snapshot.json`: the snapshot and its anchors in one look.
//!
//! What it says can be computed from the other files, and is, but for two things that are the packing
//! cloud's word: which clouds attested another hash ([`SnapshotFile::differing`]), and which anchors
//! are final ([`AnchorEntry::anchored`]), since a proof does not say how deep its block lies.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::anchor::Publisher;
use crate::clock::Timestamp;
use crate::cloud::Cloud;
use crate::json::{self, JsonError};
use crate::log::Hash;
use crate::snapshot::Period;

/// The `format` of the files that this code writes and reads.
pub const SNAPSHOT_FORMAT: &str = "ternion/snapshot/v1";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotFile {
    pub format: String,
    pub deployment: String,
    pub number: u64,
    pub period: Period,
    /// SHA-256 of `manifest.json`.
    pub hash: Hash,
    /// Is it anchored outside: was at least one proof read back and found final?
    pub anchored: bool,
    /// The earliest time that a final proof gives.
    pub anchored_at: Option<Timestamp>,
    /// The clouds that attest this hash, each by a final event of its own log.
    pub agreed_by: Vec<Cloud>,
    /// The clouds whose last word was another hash, as the packing cloud says.
    pub differing: Vec<Cloud>,
    pub anchors: Vec<AnchorEntry>,
}

/// One anchor that has a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnchorEntry {
    pub publisher: Publisher,
    /// Is it final, as the packing cloud says: as deep in the chain as was asked for, or stamped?
    pub anchored: bool,
    /// The block's or the authority's time.
    pub anchored_at: Option<Timestamp>,
    /// The block's hash, or the stamp's serial number.
    pub place: Option<String>,
    pub height: Option<u64>,
    pub files: Vec<String>,
}

/// The bytes are not such a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSnapshotFile {
    #[error("not JSON: {0}")]
    Json(#[from] JsonError),
    #[error("not what a bundle says of its snapshot: {0}")]
    Shape(String),
    #[error("the format is \"{0}\"; this program reads \"{SNAPSHOT_FORMAT}\"")]
    Format(String),
    #[error("it is not written as RFC 8785 has it")]
    NotCanonical,
}

impl SnapshotFile {
    /// # Errors
    /// Not such a file, of another format, or written otherwise than it is written.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadSnapshotFile> {
        let value = json::parse_strict(bytes)?;
        if let Some(format) = value.get("format").and_then(Value::as_str)
            && format != SNAPSHOT_FORMAT
        {
            return Err(BadSnapshotFile::Format(format.to_owned()));
        }
        if json::canonical(&value) != bytes {
            return Err(BadSnapshotFile::NotCanonical);
        }
        serde_json::from_value(value).map_err(|cause| BadSnapshotFile::Shape(cause.to_string()))
    }

    /// RFC 8785.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts, numbers and lists of them always serialize.
        json::canonical(&serde_json::to_value(self).unwrap_or_default())
    }

    /// The earliest of the final anchors.
    pub(super) fn earliest(anchors: &[AnchorEntry]) -> Option<Timestamp> {
        anchors.iter().filter(|one| one.anchored).filter_map(|one| one.anchored_at).min()
    }
}
