//! What became of an anchor, as the events that tell of it.
//!
//! Recorded by the clouds themselves, each for what it has read back. The proof is what counts
//! ([`crate::anchor`]); these events change nothing.

use serde::{Deserialize, Serialize};

use super::{KindError, name, words};
use crate::anchor::Publisher;
use crate::clock::Timestamp;
use crate::log::Hash;

/// A hash was read back from where it was published, and compared, and is as deep as was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnchorFinal {
    pub hash: Hash,
    /// What it is the hash of: `2026-10`.
    pub period: String,
    pub publisher: Publisher,
    /// The block's hash, or the stamp's serial number.
    pub place: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// The block's or the authority's time.
    pub time: Timestamp,
}

/// A hash cannot be published just now, and somebody should see to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnchorFailed {
    pub hash: Hash,
    pub period: String,
    pub publisher: Publisher,
    pub reason: String,
}

impl AnchorFinal {
    pub(super) fn check(&self) -> Result<(), KindError> {
        name("/period", &self.period)?;
        name("/place", &self.place)
    }
}

impl AnchorFailed {
    pub(super) fn check(&self) -> Result<(), KindError> {
        name("/period", &self.period)?;
        words("/reason", &self.reason)
    }
}
