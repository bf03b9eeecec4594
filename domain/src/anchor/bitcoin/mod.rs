//! Bitcoin: headers and their work, transactions, Merkle branches. Enough to follow a digest from
//! a transaction into a block, and no more: consensus is the node's to judge.

mod block;
mod header;
mod merkle;
mod network;
mod target;
mod transaction;
mod verify;

use std::fmt;

pub use block::{BLOCK_BYTES_MAX, Block};
pub use header::{HEADER_BYTES, Header};
pub use merkle::{BRANCH_HASHES_MAX, Branch};
pub use network::Network;
pub use target::Target;
pub use transaction::{OutPoint, Output, TRANSACTION_BYTES_MAX, Transaction};
pub use verify::KnownHeader;
pub(super) use verify::{belongs_to_the_chain, has_its_work};

use crate::anchor::hash::sha256d;

/// A double SHA-256: what names a block or a transaction. Bitcoin shows it from its last byte to
/// its first; so does this, while the bytes are in the order in which they are hashed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256d(pub [u8; 32]);

impl Sha256d {
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Sha256d(sha256d(bytes))
    }
}

impl fmt::Display for Sha256d {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0;
        shown.reverse();
        out.write_str(&hex::encode(shown))
    }
}

impl fmt::Debug for Sha256d {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sha256d({self})")
    }
}
