//! Ethereum: from calldata through a transaction and the trie of its block to the block's hash.
//!
//! Since the merge a header has no proof of work: whoever makes one up finds it equal to its own
//! hash. That a block is in the chain only somebody with a node can say.

mod file;
mod header;
pub mod rlp;
mod transaction;
pub mod trie;
mod verify;

use std::fmt;

pub use file::{HexBytes, PROOF_FORMAT, ProofFile, ProofFileError};
pub use header::{HEADER_BYTES_MAX, Header};
pub use transaction::{Call, TRANSACTION_BYTES_MAX, Transaction};
pub use verify::{Inclusion, KnownBlock, verify};

use crate::anchor::hash::keccak256;

/// What names a block or a transaction, and what holds a trie together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Keccak256(pub [u8; 32]);

impl Keccak256 {
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Keccak256(keccak256(bytes))
    }
}

impl fmt::Display for Keccak256 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "0x{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Keccak256 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Keccak256({self})")
    }
}
