//! Append-only logs: RFC 6962 Merkle trees in C2SP tiles, under signed checkpoints.
//!
//! One log per (origin, epoch). [`Appender`] grows a tree in constant memory, [`plan`] says which
//! stored nodes a root or proof needs, [`proof`] verifies, [`Checkpoint`] is what clouds sign.

mod appender;
mod checkpoint;
pub mod plan;
pub mod proof;
mod tile;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

pub use appender::Appender;
pub(crate) use appender::fold_complete;
pub use checkpoint::{Checkpoint, CheckpointError};
pub use tile::{TILE_HEIGHT, TILE_WIDTH, Tile, TilePath, node_from_tile};

use crate::cloud::Cloud;

/// A SHA-256 digest. Lower-case hex in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Hash> {
        bytes.try_into().ok().map(Hash)
    }

    /// Reads 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Hash> {
        hex::decode(text).ok().and_then(|bytes| Hash::from_slice(&bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Hash({self})")
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        Hash::from_hex(&text).ok_or_else(|| serde::de::Error::custom("a hash is 64 hex digits"))
    }
}

/// The hash of a log entry: SHA-256(0x00 ‖ entry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Leaf(pub Hash);

impl Leaf {
    #[must_use]
    pub fn of(entry: &[u8]) -> Leaf {
        let mut hasher = Sha256::new();
        hasher.update([0x00]);
        hasher.update(entry);
        Leaf(Hash(hasher.finalize().into()))
    }
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x01]);
    hasher.update(left.0);
    hasher.update(right.0);
    Hash(hasher.finalize().into())
}

/// The root of a tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Hash(Sha256::digest(b"").into())
}

/// Which log: a cloud's, in one epoch. A new epoch begins a new log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogId {
    pub origin: Cloud,
    pub epoch: u32,
}

impl LogId {
    /// The checkpoint's origin line, and the name under which the log's key signs.
    #[must_use]
    pub fn name(self, deployment: &str) -> String {
        format!("{deployment}/{}/{}", self.origin, self.epoch)
    }

    /// The inverse of [`LogId::name`]: the deployment, and which of its logs. `None` unless it is
    /// spelt exactly so.
    #[must_use]
    pub fn of_name(name: &str) -> Option<(&str, LogId)> {
        let (rest, epoch) = name.rsplit_once('/')?;
        let (deployment, origin) = rest.rsplit_once('/')?;
        let log = LogId { origin: origin.parse().ok()?, epoch: epoch.parse().ok()? };
        (log.name(deployment) == name && !deployment.is_empty()).then_some((deployment, log))
    }

    /// Reads `gcp/1`. `None` unless it is spelt exactly so.
    #[must_use]
    pub fn parse(text: &str) -> Option<LogId> {
        let (origin, epoch) = text.split_once('/')?;
        let log = LogId { origin: origin.parse().ok()?, epoch: epoch.parse().ok()? };
        (log.to_string() == text).then_some(log)
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.origin, self.epoch)
    }
}

/// A tree's size and root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    pub size: u64,
    pub root: Hash,
}

impl Head {
    #[must_use]
    pub fn empty() -> Self {
        Head { size: 0, root: empty_root() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logs_name_reads_back_and_no_other_spelling_does() {
        let log = LogId { origin: Cloud::Aws, epoch: 12 };
        let name = log.name("demo.example");
        assert_eq!(LogId::of_name(&name), Some(("demo.example", log)));
        for other in ["demo.example/AWS/1", "demo.example/aws/01", "/aws/1", "aws/1", "d/ibm/1"] {
            assert_eq!(LogId::of_name(other), None, "{other}");
        }
        assert_eq!(LogId::parse("aws/12"), Some(log));
        for other in ["AWS/12", "aws/012", "aws/", "aws", "aws/12/3", "ibm/1"] {
            assert_eq!(LogId::parse(other), None, "{other}");
        }
    }
}
