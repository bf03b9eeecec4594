//! The hash functions of other people's proofs.

use sha2::{Digest, Sha256};
use sha3::Keccak256;

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 of SHA-256, Bitcoin's hash.
pub(super) fn sha256d(bytes: &[u8]) -> [u8; 32] {
    sha256(&sha256(bytes))
}

/// Keccak-256 as Ethereum has it, which is not SHA3-256: the padding differs.
pub(super) fn keccak256(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}
