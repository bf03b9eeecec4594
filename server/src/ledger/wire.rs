//! What the clouds say to each other about logs, in postcard form.

use domain::cloud::{Cloud, PerCloud};
use domain::log::LogId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::entry::WireEntry;
use crate::peer::PeerError;

pub(super) const APPEND_PATH: &str = "/peer/v1/append";
pub(super) const ENTRIES_PATH: &str = "/peer/v1/entries";
pub(super) const COPY_PATH: &str = "/peer/v1/copy";
pub(super) const HEADS_PATH: &str = "/peer/v1/heads";
pub(super) const EPOCHS_PATH: &str = "/peer/v1/epochs";
pub(super) const APPROVE_PATH: &str = "/peer/v1/epochs/approve";

/// Most entries of one range.
pub(super) const RANGE_ENTRIES_MAX: usize = 4_096;
/// A range is cut at the last checkpoint within this much payload, or after its first batch.
pub(super) const RANGE_PAYLOAD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Entries `start..checkpoint.size` of a log under the origin's signed checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireRange {
    pub(super) log: LogId,
    pub(super) start: u64,
    pub(super) entries: Vec<WireEntry>,
    /// Signed note: the checkpoint after the last entry, and every signature on it that the
    /// sender knows, the origin's among them.
    pub(super) note: String,
    /// Other clouds' newest signed checkpoints of this log, so that all learn of finality soon.
    pub(super) others: Vec<String>,
}

/// The answer to a range.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum RangeAnswer {
    /// Held durably; the note carries the answering cloud's cosignature.
    Confirmed { note: String },
    /// The answering cloud holds this many entries: continue there.
    Have { size: u64 },
    /// Ask again in a moment.
    Busy,
    /// Never to be taken.
    Refused { reason: String },
    /// The answering cloud has not heard of that log's epoch yet.
    Unknown,
}

/// Asks for the range that begins at `start`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EntriesQuestion {
    pub(super) log: LogId,
    pub(super) start: u64,
}

/// The answer to [`EntriesQuestion`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum EntriesAnswer {
    Range(WireRange),
    /// Nothing is held beyond that.
    Nothing,
}

/// Most entries of one [`CopyQuestion`]: 2 MiB of payload.
pub(super) const COPY_ENTRIES_MAX: usize = 32;

/// Asks for a part of the answering cloud's copy, to repair one's own. Nothing in the answer is
/// signed: whoever asks verifies it against a cosigned root.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum CopyQuestion {
    Hashes { log: LogId, level: u8, index: u64, width: u16 },
    Entries { log: LogId, sequences: Vec<u64> },
}

/// The answer to [`CopyQuestion`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum CopyAnswer {
    Hashes(Vec<[u8; 32]>),
    /// What is held of the entries asked for.
    Entries(Vec<(u64, WireEntry)>),
    Nothing,
}

/// What a cloud holds, said once a second in both directions.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Heads {
    /// 0 to 1.
    pub(super) load: Option<f64>,
    pub(super) logs: Vec<WireHead>,
    /// The newest epoch of each cloud that the sender knows to hold.
    pub(super) epochs: PerCloud<u32>,
}

/// One log as the sender holds it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireHead {
    pub(super) log: LogId,
    /// Signed note with the origin's signature and the sender's cosignature; empty for an empty
    /// log, which nobody signs.
    pub(super) note: String,
    /// Signed notes of others' newest checkpoints.
    pub(super) others: Vec<String>,
}

/// The answer to an empty message on [`EPOCHS_PATH`]: every epoch record that holds, each as JSON,
/// in an order in which they can be applied.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EpochRecords(pub(super) Vec<String>);

/// Asks for approval of the sender's own next epoch.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ApprovalQuestion {
    /// [`domain::epoch::SignedEpoch`] as JSON.
    pub(super) signed: String,
    /// Signed note of the head at which the old log ends; empty if it has no entries.
    pub(super) closing: String,
}

/// The answer to [`ApprovalQuestion`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ApprovalAnswer {
    /// [`domain::epoch::Approval`] as JSON.
    Approved(String),
    /// Not now: this cloud must catch up first, or one of its people must agree.
    Later { reason: String },
    /// Never.
    Refused { reason: String },
}

/// Postcard never fails on these shapes: no maps, no unsized sequences.
pub(super) fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    postcard::to_stdvec(message).unwrap_or_default()
}

pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, postcard::Error> {
    postcard::from_bytes(body)
}

pub(super) fn decode_answer<T: DeserializeOwned>(
    cloud: Cloud,
    body: &[u8],
) -> Result<T, PeerError> {
    decode(body).map_err(|cause| PeerError::Malformed { cloud, cause: cause.to_string() })
}
