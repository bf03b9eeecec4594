//! Whose keys count from when to when, as it crosses the wire.

use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::epoch::{Gone, Reason};
use domain::key::KeyRole;
use serde::{Deserialize, Serialize};

/// All keys of the deployment as the answering cloud knows them, and what waits for its people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysView {
    pub at: Timestamp,
    /// The cloud that answers: its own epochs are begun here, and others' agreed to.
    pub cloud: Cloud,
    /// Hash of what the deployment began with, in hex: pinned in every configuration.
    pub genesis: String,
    pub clouds: PerCloud<CloudKeys>,
    /// New epochs of other clouds that need the word of one of this cloud's people.
    pub requests: Vec<KeyRequest>,
    /// This cloud's log is being taken back from the others: its database was an old copy.
    pub recovering: bool,
    /// Clouds that were said to be gone for good, by fewer people than it takes or just now.
    pub gone: Vec<GoneWord>,
}

/// The keys of one cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudKeys {
    /// Stands in the configurations, and does not change with epochs.
    pub transport: KeyLine,
    /// Newest first; never empty.
    pub epochs: Vec<EpochLine>,
}

/// One public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyLine {
    pub role: KeyRole,
    /// Base64 of the 32 bytes, as `ternion keygen` prints it.
    pub public_key: String,
    /// SHA-256 of the 32 bytes, in hex.
    pub fingerprint: String,
    /// The four bytes that name it under signed notes, in hex. Absent: it signs none.
    pub key_id: Option<String>,
}

/// What has become of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EpochState {
    /// Its keys count, and its log goes on.
    Current,
    /// Begun here, and not approved yet: what is recorded in it stays PENDING.
    Waiting,
    /// Ended. Its keys count for ever, up to where it ended.
    Closed,
    /// Ended because its keys are in doubt: of what they signed elsewhere nothing counts any more.
    Revoked,
}

/// One epoch of one cloud's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EpochLine {
    pub epoch: u32,
    pub state: EpochState,
    pub log_key: KeyLine,
    pub cosigner_key: KeyLine,
    /// When the record that began it was stated; absent for the first epoch.
    pub since: Option<Timestamp>,
    /// Entries of its log: up to where it ended, or so far.
    pub size: u64,
    /// The root at that size, in hex.
    pub root: String,
    /// Why the epoch before it ended; absent for the first.
    pub reason: Option<Reason>,
    pub approved_by: Vec<Cloud>,
    /// What the others say to it while it waits.
    pub answers: Vec<PeerAnswer>,
    /// Hash of the record that began it, in hex; absent for the first.
    pub record: Option<String>,
    pub gone: Option<Gone>,
}

/// What another cloud last said when it was asked to approve a new epoch of this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerAnswer {
    pub cloud: Cloud,
    pub answer: Answered,
    /// Why not, in its words.
    pub why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answered {
    Approves,
    /// It would, and something is missing, such as the word of one of its people.
    Waits,
    Refuses,
    /// It cannot be reached.
    Silent,
}

/// A new epoch of another cloud whose old key cannot speak for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyRequest {
    /// Hash of the record, in hex: what is agreed to.
    pub record: String,
    pub origin: Cloud,
    pub epoch: u32,
    pub reason: Reason,
    /// Entries of the old log that go on counting.
    pub closing_size: u64,
    pub closing_root: String,
    /// Entries of it that this cloud holds.
    pub held: u64,
    pub log_key: KeyLine,
    pub cosigner_key: KeyLine,
    pub stated_at: Timestamp,
    pub asked_at: Timestamp,
    /// One of this cloud's people has agreed; the other cloud's word is missing still.
    pub agreed: bool,
}

/// Who has said that a cloud is gone for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GoneWord {
    pub cloud: Cloud,
    pub declared_by: Vec<String>,
}
