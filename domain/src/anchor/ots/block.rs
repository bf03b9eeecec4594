//! A block of Bitcoin as a file: its header, and how a digest leads to it, for people and for
//! programs that do not read OpenTimestamps.

use serde::{Deserialize, Serialize};

use crate::anchor::bitcoin::{Header, Sha256d};
use crate::anchor::ots::{Proof, Way};
use crate::json;

/// The `format` of the files that this code writes and reads.
pub const BLOCK_FORMAT: &str = "ternion/bitcoin-block/v1";
/// A block has room for fewer than 2^17 transactions; calendars add no level.
const BRANCH_MAX: usize = 64;

/// Hashes as Bitcoin shows them, from their last byte to their first. `height`, `hash` and
/// `header_hex` are spelled as block explorers' files are, so that `--bitcoin-header` reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockFile {
    pub format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    pub hash: String,
    pub header_hex: String,
    /// Without witnesses, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// From the transaction's own sibling upward.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branch: Vec<Sibling>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sibling {
    pub hash: String,
    pub side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Left,
    Right,
}

/// What such a file says, read but not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchoringBlock {
    pub header: Header,
    pub height: Option<u64>,
    pub way: Option<Way>,
}

/// The bytes are not such a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a block of Bitcoin: {0}")]
pub struct BadBlockFile(pub String);

impl BlockFile {
    /// What leads from the proof's digest to this header.
    #[must_use]
    pub fn of(proof: &Proof, header: &Header, height: Option<u64>) -> Self {
        let way = proof.way_to(header, height);
        let side = |(hash, is_left): &(Sha256d, bool)| Sibling {
            hash: hash.to_string(),
            side: if *is_left { Side::Left } else { Side::Right },
        };
        let branch = way.iter().flat_map(|way| way.siblings.iter().map(side)).collect();
        let transaction = way.map(|way| way.transaction);
        BlockFile {
            format: BLOCK_FORMAT.to_owned(),
            height,
            hash: header.hash().to_string(),
            header_hex: hex::encode(header.to_bytes()),
            transaction_id: transaction.as_ref().map(|bytes| Sha256d::of(bytes).to_string()),
            transaction: transaction.map(hex::encode),
            branch,
        }
    }

    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts, numbers and lists of them always serialize.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// # Errors
    /// Not such a file, or it contradicts itself.
    pub fn parse(bytes: &[u8]) -> Result<AnchoringBlock, BadBlockFile> {
        let fail = |cause: String| BadBlockFile(cause);
        let value = json::parse_strict(bytes).map_err(|cause| fail(cause.to_string()))?;
        let file: BlockFile =
            serde_json::from_value(value).map_err(|cause| fail(cause.to_string()))?;
        if file.format != BLOCK_FORMAT {
            return Err(fail(format!("the format is \"{}\"", file.format)));
        }
        let header = hex::decode(&file.header_hex).map_err(|cause| fail(cause.to_string()))?;
        let header = Header::parse(&header).map_err(|cause| fail(cause.to_string()))?;
        if header.hash().to_string() != file.hash {
            return Err(fail(format!("its header's hash is {}", header.hash())));
        }
        Ok(AnchoringBlock { header, height: file.height, way: file.way()? })
    }

    fn way(&self) -> Result<Option<Way>, BadBlockFile> {
        let fail = |cause: &str| BadBlockFile(cause.to_owned());
        let (transaction, id) = match (&self.transaction, &self.transaction_id) {
            (Some(transaction), Some(id)) => (transaction, id),
            (None, None) if self.branch.is_empty() => return Ok(None),
            _ => return Err(fail("transaction, its id and its branch belong together")),
        };
        if self.branch.len() > BRANCH_MAX {
            return Err(fail("its branch is too long for any block"));
        }
        let transaction = hex::decode(transaction).map_err(|_| fail("transaction is not hex"))?;
        if Sha256d::of(&transaction).to_string() != *id {
            return Err(fail("transaction_id is not the transaction's"));
        }
        let sibling = |one: &Sibling| {
            let mut hash: [u8; 32] = hex::decode(&one.hash).ok()?.try_into().ok()?;
            hash.reverse();
            Some((Sha256d(hash), one.side == Side::Left))
        };
        let siblings: Option<Vec<_>> = self.branch.iter().map(sibling).collect();
        let siblings = siblings.ok_or_else(|| fail("a hash of its branch is not 64 hex digits"))?;
        Ok(Some(Way { transaction, siblings }))
    }
}
