//! The record that ends one epoch of a cloud's log and begins the next.

use serde::{Deserialize, Serialize};

use super::genesis::{EpochKeys, labelled_hash};
use crate::clock::Timestamp;
use crate::cloud::{Cloud, PerCloud};
use crate::key::{PublicKey, Sign, Signature};
use crate::log::{Hash, Head, LogId};
use crate::quorum::Mode;

/// The `format` of epoch records that this code writes and reads.
pub const EPOCH_FORMAT: &str = "ternion/epoch/v1";
const RECORD_LABEL: &[u8] = b"ternion/epoch/v1\n";
const APPROVAL_LABEL: &[u8] = b"ternion/epoch-approval/v1\n";
/// Logs of others for which a record says how far the old key cosigned: the current ones.
pub const COSIGNED_MAX: usize = 2;

/// Why an epoch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Keys are changed while nothing is wrong.
    Rotation,
    /// The cloud's database was an old copy of itself: what it lacked came from its peers.
    Restored,
    /// The old key is gone.
    KeyLost,
    /// Somebody else may hold the old key: what it signs beyond the closing counts for nothing.
    KeyStolen,
    /// There is evidence against the log, or a signed entry breaks its rules.
    Faulty,
}

impl Reason {
    /// May the old key have been used by others, so that what it said elsewhere must not count?
    #[must_use]
    pub const fn revokes(self) -> bool {
        matches!(self, Reason::KeyStolen | Reason::Faulty)
    }

    /// Is the old key's own signature part of what makes the record hold?
    #[must_use]
    pub const fn needs_old_key(self) -> bool {
        matches!(self, Reason::Rotation | Reason::Restored)
    }

    /// In words, to stand after "because".
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Reason::Rotation => "its keys were rotated",
            Reason::Restored => "its database was restored from an old copy",
            Reason::KeyLost => "its key was lost",
            Reason::KeyStolen => "its key may be in other hands",
            Reason::Faulty => "there is evidence against its log",
        }
    }
}

/// How far the cloud's old cosigner key had cosigned another cloud's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cosigned {
    pub log: LogId,
    pub head: Head,
}

/// A cloud that cannot be asked any more. What only it and the origin held may be lost, so two
/// people stand for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gone {
    pub cloud: Cloud,
    /// The logins of two different operators.
    pub declared_by: [String; 2],
}

/// Ends epoch `epoch - 1` of `origin`'s log, and begins `epoch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EpochRecord {
    pub format: String,
    /// Of the deployment: [`Genesis::hash`](super::Genesis::hash).
    pub genesis: Hash,
    pub origin: Cloud,
    /// At least 2: the first epoch is the genesis'.
    pub epoch: u32,
    pub mode: Mode,
    pub keys: EpochKeys,
    /// The last head of the old epoch's log. Nothing beyond it ever counts.
    pub closing: Head,
    /// Up to where the old cosigner key counts in the other clouds' current logs.
    pub cosigned: Vec<Cosigned>,
    pub reason: Reason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
    pub stated_at: Timestamp,
}

/// One cloud's word for a record: it holds the old log up to the closing and nothing beyond, and
/// will take nothing beyond.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    pub by: Cloud,
    /// The epoch of the log key that signed.
    pub key_epoch: u32,
    pub signature: Signature,
}

/// A record with the approvals that are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedEpoch {
    pub record: EpochRecord,
    pub approvals: Vec<Approval>,
}

impl EpochRecord {
    /// The log that it begins.
    #[must_use]
    pub const fn begins(&self) -> LogId {
        LogId { origin: self.origin, epoch: self.epoch }
    }

    /// The log that it ends.
    #[must_use]
    pub const fn ends(&self) -> LogId {
        LogId { origin: self.origin, epoch: self.epoch.saturating_sub(1) }
    }

    /// SHA-256(label ‖ RFC 8785 bytes): what approvals are over.
    #[must_use]
    pub fn hash(&self) -> Hash {
        labelled_hash(RECORD_LABEL, self)
    }

    /// Signs for it with a cloud's log key of `key_epoch`.
    #[must_use]
    pub fn approve(&self, by: Cloud, key_epoch: u32, key: &dyn Sign) -> Approval {
        Approval { by, key_epoch, signature: key.sign(&approval_message(self.hash())) }
    }

    /// Do these clouds' words suffice?
    ///
    /// A rotation needs the old key and one other cloud. A restored cloud asks both others, since
    /// either may alone hold what it lost. Without a trustworthy old key it takes both others.
    #[must_use]
    pub fn holds_by(&self, approved: &PerCloud<bool>) -> bool {
        let others = self.origin.peers();
        let by_old_key = *approved.get(self.origin);
        let by = |cloud: Cloud| *approved.get(cloud);
        match (self.reason, &self.gone) {
            (Reason::Rotation, _) => by_old_key && others.into_iter().any(by),
            (Reason::Restored, Some(gone)) => {
                by_old_key && others.into_iter().any(|cloud| cloud != gone.cloud && by(cloud))
            }
            (Reason::Restored, None) => by_old_key && others.into_iter().all(by),
            (Reason::KeyLost | Reason::KeyStolen | Reason::Faulty, _) => others.into_iter().all(by),
        }
    }
}

impl Approval {
    #[must_use]
    pub fn is_valid(&self, record: Hash, key: &PublicKey) -> bool {
        key.verify(&approval_message(record), &self.signature)
    }
}

fn approval_message(record: Hash) -> Vec<u8> {
    let mut message = APPROVAL_LABEL.to_vec();
    message.extend_from_slice(&record.0);
    message
}
