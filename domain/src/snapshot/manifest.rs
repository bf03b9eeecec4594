//! The manifest: everything that a snapshot's hash is over.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::section::{Section, SectionName};
use super::{Cut, Period};
use crate::json;
use crate::log::{Hash, Head, LogId};

/// Which rules a manifest was made by. Others get another name.
pub const MANIFEST_FORMAT: &str = "ternion-snapshot/1";

/// What every cloud derives for itself from a [`super::Plan`] and its own database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    pub format: String,
    pub deployment: String,
    pub number: u64,
    pub period: Period,
    /// The snapshot before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// In the order of clouds and epochs.
    pub cut: Vec<LogPart>,
    pub events: Section,
    pub usage: Section,
    pub ledger: Section,
}

/// The snapshot that this one continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Previous {
    pub number: u64,
    pub hash: Hash,
}

/// One log up to the cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogPart {
    /// Such as `gcp/1`.
    pub log: String,
    /// Its size in the snapshot before.
    pub from: u64,
    pub size: u64,
    /// RFC 6962, of the first `size` entries: two clouds have signed for it.
    pub root: Hash,
}

impl LogPart {
    #[must_use]
    pub const fn head(&self) -> Head {
        Head { size: self.size, root: self.root }
    }
}

impl Manifest {
    /// RFC 8785.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        // Its keys are texts and its numbers are counts, so it always serializes.
        json::canonical(&serde_json::to_value(self).unwrap_or_default())
    }

    /// **The snapshot's hash**: SHA-256 of [`Manifest::bytes`].
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash(Sha256::digest(self.bytes()).into())
    }

    #[must_use]
    pub const fn section(&self, name: SectionName) -> &Section {
        match name {
            SectionName::Events => &self.events,
            SectionName::Usage => &self.usage,
            SectionName::Ledger => &self.ledger,
        }
    }

    #[must_use]
    pub fn log(&self, log: LogId) -> Option<&LogPart> {
        let name = log.to_string();
        self.cut.iter().find(|part| part.log == name)
    }

    /// Where it ends, as it was voted for.
    #[must_use]
    pub fn cut(&self) -> Cut {
        let size = |part: &LogPart| Some((LogId::parse(&part.log)?, part.size));
        Cut::new(self.cut.iter().filter_map(size))
    }
}
