//! A cloud's word on a snapshot.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{KindError, SNAPSHOT_ATTEST, refuse};
use crate::log::Hash;
use crate::snapshot::{MANIFEST_FORMAT, Manifest};

/// What the recording cloud came to, from its own database. Whose word it is says the log that it
/// stands in: no cloud can attest for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotAttest {
    /// Of the manifest below.
    pub hash: Hash,
    pub manifest: Manifest,
}

impl SnapshotAttest {
    #[must_use]
    pub fn of(manifest: Manifest) -> Self {
        SnapshotAttest { hash: manifest.hash(), manifest }
    }

    /// The attestation in a payload, if it is one. What it says is for the caller to compare.
    #[must_use]
    pub fn in_payload(payload: &Value) -> Option<Self> {
        let mut fields = payload.as_object()?.clone();
        let kind = fields.remove("kind")?;
        let read = serde_json::from_value(Value::Object(fields)).ok()?;
        (kind == SNAPSHOT_ATTEST).then_some(read)
    }

    pub(super) fn check(&self) -> Result<(), KindError> {
        if self.manifest.format != MANIFEST_FORMAT {
            return refuse("/manifest/format", format!("must be {MANIFEST_FORMAT}"));
        }
        if self.manifest.number == 0 {
            return refuse("/manifest/number", "counts from 1");
        }
        if self.manifest.hash() != self.hash {
            return refuse("/hash", "is not the SHA-256 of the manifest's RFC 8785 bytes");
        }
        Ok(())
    }
}
