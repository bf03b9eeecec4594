//! Evidence against clouds, as it crosses the wire.

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::evidence::Kind;
use domain::key::KeyRole;
use domain::log::LogId;
use serde::{Deserialize, Serialize};

/// What is proven against a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accusation {
    pub cloud: Cloud,
    pub kind: Kind,
    /// How many records prove it.
    pub count: u64,
}

impl Accusation {
    /// Which of its keys signed what no honest holder signs.
    #[must_use]
    pub const fn role(&self) -> KeyRole {
        match self.kind {
            Kind::Equivocation | Kind::BadEntry => KeyRole::Log,
            Kind::DoubleCosignature => KeyRole::Cosigner,
        }
    }

    /// `AWS signed two histories of its log.`
    #[must_use]
    pub fn sentence(&self) -> String {
        let did = match self.kind {
            Kind::Equivocation => "signed two histories of its log",
            Kind::DoubleCosignature => "confirmed two histories of another cloud’s log",
            Kind::BadEntry => "signed an entry that breaks the rules of its log",
        };
        format!("{} {did}.", self.cloud.title())
    }
}

/// One record in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceRow {
    /// SHA-256 of the record, in hex.
    pub id: String,
    pub kind: Kind,
    /// Who is to blame, by which of its keys.
    pub cloud: Cloud,
    pub role: KeyRole,
    /// The key as a C2SP vkey.
    pub key: String,
    /// The log that was signed.
    pub log: LogId,
    /// Two tree sizes, the smaller first; of a bad entry its index and the tree's size.
    pub sizes: [u64; 2],
    pub found_at: Timestamp,
    /// The cloud that sent it. Absent: found by the viewing node.
    pub source: Option<Cloud>,
    /// The blamed key still counts here.
    pub in_use: bool,
    /// `Proven: gcp's log key signed two different histories of gcp/1.`
    pub sentence: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidencePage {
    /// Newest first.
    pub items: Vec<EvidenceRow>,
    pub next_cursor: Option<String>,
    pub at: Timestamp,
}

/// One record with what is needed to verify it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceDetail {
    pub row: EvidenceRow,
    /// The record (`domain::evidence::Evidence` as JSON). Absent for who may not read payloads,
    /// if it carries one.
    pub record: Option<String>,
    /// The pinned keys that this server judged it by, as a policy file.
    pub policy: String,
}
