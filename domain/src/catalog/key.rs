//! Decisions about keys, as the events that tell of them.
//!
//! What is in force is what epoch records say ([`crate::epoch`]), and these events change nothing.
//! They say who wanted it and why, for whoever reads the ledger later.

use serde::{Deserialize, Serialize};

use super::{KindError, refuse, words};
use crate::cloud::Cloud;
use crate::epoch::Reason;
use crate::log::Hash;

/// Somebody ends an epoch of a cloud's own log and begins the next, with new keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyBegin {
    pub origin: Cloud,
    /// The epoch that begins.
    pub epoch: u32,
    pub reason: Reason,
    /// In the words of who did it.
    pub comment: String,
}

/// Somebody agrees, for their cloud, to a new epoch of another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyAgree {
    pub origin: Cloud,
    pub epoch: u32,
    /// Hash of the record: what was agreed to.
    pub record: Hash,
    pub reason: String,
}

/// Somebody says that a cloud will never come back. It takes two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyGone {
    pub cloud: Cloud,
    pub reason: String,
}

impl KeyBegin {
    pub(super) fn check(&self) -> Result<(), KindError> {
        if self.reason == Reason::Restored {
            return refuse("/reason", "is found by the cloud itself, and not given by people");
        }
        words("/comment", &self.comment)
    }
}
