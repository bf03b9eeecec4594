//! Where an event stands: its place in its origin's log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::log::{Hash, Leaf};

/// A place in a log: one cloud's n-th entry of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    pub origin: Cloud,
    pub epoch: u32,
    pub sequence: u64,
}

impl Slot {
    /// Thirteen bytes: the cloud's code, epoch and sequence, big-endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 13] {
        let mut bytes = [0; 13];
        bytes[0] = self.origin.code();
        bytes[1..5].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[5..].copy_from_slice(&self.sequence.to_be_bytes());
        bytes
    }

    /// Reads `gcp/1/204`, and no other spelling of it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Slot> {
        let mut parts = text.split('/');
        let slot = Slot {
            origin: parts.next()?.parse().ok()?,
            epoch: parts.next()?.parse().ok()?,
            sequence: parts.next()?.parse().ok()?,
        };
        (slot.to_string() == text).then_some(slot)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}", self.origin, self.epoch, self.sequence)
    }
}

/// The log entry of a slot: 45 bytes, `slot ‖ event hash`.
#[must_use]
pub fn entry_bytes(slot: Slot, hash: Hash) -> [u8; 45] {
    let mut entry = [0; 45];
    entry[..13].copy_from_slice(&slot.to_bytes());
    entry[13..].copy_from_slice(&hash.0);
    entry
}

/// SHA-256(0x00 ‖ slot ‖ event hash).
#[must_use]
pub fn leaf(slot: Slot, hash: Hash) -> Leaf {
    Leaf::of(&entry_bytes(slot, hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_slot_reads_back(epoch: u32, sequence: u64, which in 0usize..3) {
            let slot = Slot { origin: Cloud::ALL[which], epoch, sequence };
            prop_assert_eq!(Slot::parse(&slot.to_string()), Some(slot));
        }
    }

    #[test]
    fn a_slot_has_one_spelling() {
        for text in ["GCP/1/2", "gcp/01/2", "gcp/1/+2", "gcp/1/2/", "gcp/1", "", "gcp/1/2 "] {
            assert_eq!(Slot::parse(text), None, "{text}");
        }
    }
}
