//! A proof made from a Bitcoin transaction and its block, for any OpenTimestamps program to check.

use crate::anchor::bitcoin::{Branch, Sha256d, Transaction};
use crate::anchor::ots::Branch as Leading;
use crate::anchor::ots::{Attestation, FileHash, MESSAGE_BYTES_MAX, Op, Proof, Timestamp};
use crate::log::Hash;

/// There is no proof of this digest by this transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Uncomposable {
    #[error("the transaction does not contain the digest")]
    NotInTransaction,
    #[error(
        "the transaction has {0} bytes without witnesses; OpenTimestamps reads {MESSAGE_BYTES_MAX}"
    )]
    TooLong(usize),
    #[error("the branch does not fit a block")]
    Branch,
}

/// digest → transaction → its id → Merkle branch → header of the block at `height`.
///
/// # Errors
/// The transaction does not carry the digest, is too long, or the branch leads nowhere. Whether
/// the root is that of a real block only its header shows.
pub fn compose(
    digest: Hash,
    transaction: &Transaction,
    branch: &Branch,
    height: u64,
) -> Result<Proof, Uncomposable> {
    let bytes = transaction.stripped();
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(Uncomposable::TooLong(bytes.len()));
    }
    branch.root(transaction.id()).ok_or(Uncomposable::Branch)?;
    let mut ops = Vec::new();
    let (before, after) = around(bytes, &digest.0).ok_or(Uncomposable::NotInTransaction)?;
    // Neither is empty: a version stands before every output, a lock time behind.
    ops.push(Op::Prepend(before.to_vec()));
    ops.push(Op::Append(after.to_vec()));
    ops.extend([Op::Sha256, Op::Sha256]);
    for (Sha256d(sibling), is_left) in branch.sides() {
        let sibling = sibling.to_vec();
        ops.push(if is_left { Op::Prepend(sibling) } else { Op::Append(sibling) });
        ops.extend([Op::Sha256, Op::Sha256]);
    }
    let end = Timestamp(vec![Leading::Attested(Attestation::Bitcoin { height })]);
    let chain = |then, op| Timestamp(vec![Leading::Then(op, then)]);
    let timestamp = ops.into_iter().rev().fold(end, chain);
    Ok(Proof { hash: FileHash::Sha256, digest: digest.0.to_vec(), timestamp })
}

/// What stands before and behind the first occurrence, both non-empty.
fn around<'a>(bytes: &'a [u8], part: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(part.len()).position(|window| window == part)?;
    let (before, after) = (&bytes[..at], &bytes[at + part.len()..]);
    (!before.is_empty() && !after.is_empty()).then_some((before, after))
}
