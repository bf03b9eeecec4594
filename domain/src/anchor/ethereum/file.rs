//! The proof of an anchor on Ethereum as a file: everything that a stranger with a node needs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::anchor::ethereum::{Inclusion, KnownBlock, verify};
use crate::anchor::publisher::commitment;
use crate::json::{self, JsonError};
use crate::log::Hash;
use crate::receipt::Verification;

/// The `format` of the files that this code writes and reads.
pub const PROOF_FORMAT: &str = "ternion/ethereum-proof/v1";

/// One transaction, the way from it to its block's header, and what the node said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProofFile {
    pub format: String,
    /// What was anchored. The calldata is the tag and this.
    pub hash: Hash,
    pub chain_id: u64,
    /// The raw transaction, hex.
    #[serde(with = "hex::serde")]
    pub transaction: Vec<u8>,
    /// Its place in the block.
    pub index: u64,
    /// Nodes of the transaction trie, from the root down.
    pub proof: Vec<HexBytes>,
    /// The RLP of the block's header.
    #[serde(with = "hex::serde")]
    pub header: Vec<u8>,
    /// The node's receipt: convenient (gas, sender), and nothing that the proof rests on.
    pub receipt: Value,
}

/// Bytes that are hex in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HexBytes(#[serde(with = "hex::serde")] pub Vec<u8>);

/// The bytes are not such a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFileError {
    #[error("not JSON: {0}")]
    Json(#[from] JsonError),
    #[error("not an Ethereum proof: {0}")]
    Shape(String),
    #[error("the format is \"{0}\"; this program reads \"{PROOF_FORMAT}\"")]
    Format(String),
}

impl ProofFile {
    /// # Errors
    /// Not JSON, not such a proof, or of another format.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFileError> {
        let value = json::parse_strict(bytes)?;
        if let Some(format) = value.get("format").and_then(Value::as_str)
            && format != PROOF_FORMAT
        {
            return Err(ProofFileError::Format(format.to_owned()));
        }
        serde_json::from_value(value).map_err(|error| ProofFileError::Shape(error.to_string()))
    }

    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings, numbers and lists of them always serialize.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    #[must_use]
    pub fn inclusion(&self) -> Inclusion {
        Inclusion {
            transaction: self.transaction.clone(),
            index: self.index,
            proof: self.proof.iter().map(|node| node.0.clone()).collect(),
            header: self.header.clone(),
        }
    }

    /// Checks every step, for the hash and the network that the file names.
    #[must_use]
    pub fn verify(&self, block: Option<&KnownBlock>) -> Verification {
        verify(&self.inclusion(), &commitment(self.hash), self.chain_id, block)
    }
}
