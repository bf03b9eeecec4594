//! Audit snapshots, as they cross the wire.

use domain::anchor::Publisher;
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::snapshot::agreement::Difference;
use domain::snapshot::section::{Section, SectionName};
use domain::snapshot::{LogPart, Period, Previous};
use serde::{Deserialize, Serialize};

/// Every snapshot, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditView {
    pub at: Timestamp,
    pub cloud: Cloud,
    pub items: Vec<SnapshotRow>,
    /// When the clouds take the next one by themselves.
    pub next_due: Timestamp,
    /// The month that is over and has none yet.
    pub missing: Option<Period>,
    /// What a snapshot of the state of now would be called.
    pub today: Period,
}

/// How a snapshot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotState {
    /// This cloud is still deriving it, and no two others agree.
    Deriving,
    /// Fewer than two clouds have said what they came to.
    Waiting,
    /// Two clouds or three came to the same hash, and none to another.
    Agreed,
    /// Two clouds came to the same hash, and the third to another.
    Outvoted,
    /// Those that spoke came to different ones.
    Disagreed,
}

/// One snapshot in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotRow {
    pub number: u64,
    pub period: Period,
    pub state: SnapshotState,
    /// Entries of all logs up to the cut.
    pub entries: u64,
    /// The agreed hash, or else what this cloud came to; hex.
    pub hash: Option<String>,
    /// Has that cloud attested this hash? Absent: it has not spoken.
    pub said: PerCloud<Option<bool>>,
    /// How far its hash is with each publisher, configured or not.
    pub anchored: Vec<AnchorMark>,
}

/// How far a snapshot is with one publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchorMark {
    pub publisher: Publisher,
    pub far: AnchorFar,
}

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AnchorFar {
    /// The answering cloud is not configured for it.
    Nowhere,
    /// Once two clouds agree.
    Waits,
    Queued,
    Submitted,
    InBlock,
    Final,
    Failed,
}

/// A snapshot, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotDetail {
    pub at: Timestamp,
    pub cloud: Cloud,
    pub row: SnapshotRow,
    /// Absent while this cloud derives.
    pub own: Option<OwnSnapshot>,
    pub words: Vec<CloudWord>,
    pub progress: Option<SnapshotProgress>,
    pub recheck: Option<RecheckView>,
    /// Where the answering cloud publishes, in words; none: nothing is anchored outside.
    pub places: Vec<PublishPlace>,
    pub anchors: Vec<AnchorLine>,
}

/// A publisher that is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishPlace {
    pub publisher: Publisher,
    pub place: String,
}

/// What became of the snapshot's hash at one publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchorLine {
    pub id: String,
    pub publisher: Publisher,
    pub stage: AnchorStage,
    /// What is wrong just now, if anything.
    pub trouble: Option<String>,
    /// Files of the proof, as far as there is one.
    pub files: Vec<String>,
    /// Public pages about its block: whose, and where.
    pub explorers: Vec<(String, String)>,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "stage")]
pub enum AnchorStage {
    Queued,
    Submitted,
    /// Read back from a block; blocks above it are still few.
    InBlock {
        place: String,
        height: Option<u64>,
        time: Timestamp,
        confirmations: u64,
    },
    /// Read back, compared, and as deep as asked for.
    Final {
        place: String,
        height: Option<u64>,
        time: Timestamp,
    },
    /// Tried again when due.
    Failed {
        why: String,
    },
}

/// What the answering cloud came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnSnapshot {
    pub hash: String,
    pub derived_at: Timestamp,
    /// The manifest's RFC 8785 text: the reader's browser hashes it again.
    pub manifest: String,
    pub previous: Option<Previous>,
    pub cut: Vec<LogPart>,
    pub sections: Vec<SectionView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SectionView {
    pub name: SectionName,
    pub section: Section,
}

/// One cloud's attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudWord {
    pub cloud: Cloud,
    pub hash: String,
    pub at: Timestamp,
    pub event_id: String,
    /// Where it parts from what the answering cloud came to.
    pub differs_in: Option<Difference>,
    /// The first row there, if the reader may see rows and that cloud answers.
    pub first_row: Option<RowPair>,
}

/// One row as two clouds have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowPair {
    /// Counted from 0 within its part.
    pub row: u64,
    /// Absent where there is no such row.
    pub here: Option<String>,
    pub there: Option<String>,
}

/// How far a derivation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "step")]
pub enum SnapshotProgress {
    /// The cut's entries are not all final here yet.
    Waiting,
    Entries {
        done: u64,
        total: u64,
    },
    Rows {
        section: SectionName,
        done: u64,
    },
    Failed {
        why: String,
    },
}

/// The snapshot derived again from the first entry on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum RecheckView {
    Running {
        progress: Option<SnapshotProgress>,
    },
    Done {
        at: Timestamp,
        hash: String,
        differs_in: Option<Difference>,
        /// What was found changed and put right, in sentences.
        mended: Vec<String>,
        /// More of the kind, or all where the reader may not see rows.
        mended_more: u64,
        /// Why tables that differ are not put right yet.
        not_mended: Option<String>,
    },
    Failed {
        at: Timestamp,
        why: String,
    },
}
