//! What a deployment begins with.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cloud::PerCloud;
use crate::json;
use crate::key::PublicKey;
use crate::log::Hash;
use crate::quorum::Mode;

const GENESIS_LABEL: &[u8] = b"ternion/genesis/v1\n";

/// The two keys that outsiders verify, of one cloud in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EpochKeys {
    /// Signs the events and checkpoints of the cloud's own log.
    pub log: PublicKey,
    /// Cosigns the checkpoints of all logs.
    pub cosigner: PublicKey,
}

/// Name, mode and keys of every cloud's first epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Genesis {
    pub deployment: String,
    pub mode: Mode,
    pub clouds: PerCloud<EpochKeys>,
    /// The fourth cosigner's key; counts where the mode says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<PublicKey>,
}

impl Genesis {
    /// Pinned in every cloud's configuration: SHA-256(label ‖ RFC 8785 bytes).
    #[must_use]
    pub fn hash(&self) -> Hash {
        labelled_hash(GENESIS_LABEL, self)
    }
}

/// Shapes of texts, numbers and lists, which always serialize.
pub(super) fn labelled_hash(label: &[u8], value: &impl Serialize) -> Hash {
    let value = serde_json::to_value(value).unwrap_or_default();
    let mut hasher = Sha256::new();
    hasher.update(label);
    hasher.update(json::canonical(&value));
    Hash(hasher.finalize().into())
}
