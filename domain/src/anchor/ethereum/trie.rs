//! Merkle-Patricia tries of numbered values: transactions, receipts, withdrawals of a block.
//!
//! The key of a value is the RLP of its number. A node is the RLP of two items (a stretch of key
//! and what follows) or of seventeen (one a nibble, and a value); a node of 32 bytes and more is
//! stood for by its hash, a shorter one stands in its parent itself.

use crate::anchor::ethereum::rlp::{self, Item, encode_bytes, encode_list, encode_number};
use crate::anchor::ethereum::{Keccak256, TRANSACTION_BYTES_MAX};

/// A key has nine bytes at most, thus eighteen nibbles, each of which can be a node.
pub const PROOF_NODES_MAX: usize = 19;
/// A node holds one value at most, and little beside it.
const NODE_BYTES_MAX: usize = TRANSACTION_BYTES_MAX + 1024;
const HASH_BYTES: usize = 32;
const BRANCH_ITEMS: usize = 17;

/// Flags in the first nibble of a stretch of key.
const IS_ODD: u8 = 1;
const IS_LEAF: u8 = 2;

/// The proof does not lead to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    #[error("more than {PROOF_NODES_MAX} nodes")]
    TooLong,
    #[error("node {0} is missing")]
    Missing(usize),
    #[error("node {0} has another hash than the one above it states")]
    Hash(usize),
    #[error("node {0} is not a node")]
    Node(usize),
    #[error("the way of this number ends at node {0} without a value")]
    Absent(usize),
    #[error("nodes follow after the value")]
    Unused,
}

fn nibbles(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect()
}

fn key(number: u64) -> Vec<u8> {
    nibbles(&encode_number(number))
}

/// The root of the trie of these values, in order.
#[must_use]
pub fn root(values: &[impl AsRef<[u8]>]) -> Keccak256 {
    Keccak256::of(&build(values, None).0)
}

/// The nodes on the way from the root to one value. `None` if there is none of that number.
#[must_use]
pub fn prove(values: &[impl AsRef<[u8]>], number: u64) -> Option<Vec<Vec<u8>>> {
    usize::try_from(number).ok().filter(|number| *number < values.len())?;
    Some(build(values, Some(key(number))).1)
}

/// The encoded root, and the nodes on the way to `wanted`.
fn build(values: &[impl AsRef<[u8]>], wanted: Option<Vec<u8>>) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut entries: Vec<_> = (0..).map(key).zip(values.iter().map(AsRef::as_ref)).collect();
    entries.sort_unstable();
    let mut builder = Builder { wanted, proof: Vec::new() };
    let root = builder.node(&entries, 0);
    let mut proof = builder.proof;
    if proof.last() != Some(&root) {
        proof.push(root.clone());
    }
    proof.reverse();
    (root, proof)
}

type Entry<'a> = (Vec<u8>, &'a [u8]);

struct Builder {
    wanted: Option<Vec<u8>>,
    /// From below upward, and only nodes that have a hash.
    proof: Vec<Vec<u8>>,
}

impl Builder {
    /// The node of entries whose keys are equal in their first `depth` nibbles. They are sorted,
    /// and no key is the beginning of another: such is RLP.
    fn node(&mut self, entries: &[Entry<'_>], depth: usize) -> Vec<u8> {
        let (Some((first, value)), Some((last, _))) = (entries.first(), entries.last()) else {
            return encode_bytes(&[]);
        };
        let shared = first[depth..].iter().zip(&last[depth..]).take_while(|(a, b)| a == b).count();
        let stretch = &first[depth..depth + shared];
        let items = if entries.len() == 1 {
            vec![encode_bytes(&pack(stretch, IS_LEAF)), encode_bytes(value)]
        } else if shared > 0 {
            let below = self.node(entries, depth + shared);
            vec![encode_bytes(&pack(stretch, 0)), reference(below)]
        } else {
            self.branch(entries, depth)
        };
        let node = encode_list(&items);
        let is_on_the_way = |(key, _): &Entry<'_>| Some(key) == self.wanted.as_ref();
        if node.len() >= HASH_BYTES && entries.iter().any(is_on_the_way) {
            self.proof.push(node.clone());
        }
        node
    }

    fn branch(&mut self, entries: &[Entry<'_>], depth: usize) -> Vec<Vec<u8>> {
        let mut items = vec![encode_bytes(&[]); BRANCH_ITEMS];
        for below in entries.chunk_by(|(a, _), (b, _)| a.get(depth) == b.get(depth)) {
            let nibble = below.first().and_then(|(key, _)| key.get(depth));
            if let Some(item) = nibble.and_then(|nibble| items.get_mut(usize::from(*nibble))) {
                *item = reference(self.node(below, depth + 1));
            }
        }
        items
    }
}

fn reference(node: Vec<u8>) -> Vec<u8> {
    if node.len() < HASH_BYTES { node } else { encode_bytes(&Keccak256::of(&node).0) }
}

/// A stretch of key in bytes, with what it is in the first nibble.
fn pack(stretch: &[u8], flags: u8) -> Vec<u8> {
    let (first, rest) = match stretch {
        [odd, rest @ ..] if stretch.len() % 2 == 1 => ((flags | IS_ODD) << 4 | odd, rest),
        even => (flags << 4, even),
    };
    std::iter::once(first).chain(rest.chunks(2).map(|pair| pair[0] << 4 | pair[1])).collect()
}

/// The inverse of [`pack`]: the stretch, and whether a value follows.
fn unpack(bytes: &[u8]) -> Option<(Vec<u8>, bool)> {
    let all = nibbles(bytes);
    let (flags, stretch) = match all.as_slice() {
        [flags, stretch @ ..] if flags & IS_ODD != 0 => (*flags, stretch),
        [flags, 0, stretch @ ..] => (*flags, stretch),
        _ => return None,
    };
    (flags <= IS_LEAF | IS_ODD).then(|| (stretch.to_vec(), flags & IS_LEAF != 0))
}

/// The value that `proof` shows to stand under `number` in the trie of this root.
///
/// # Errors
/// At which node the way ends.
pub fn proven(root: Keccak256, number: u64, proof: &[Vec<u8>]) -> Result<&[u8], ProofFault> {
    if proof.len() > PROOF_NODES_MAX {
        return Err(ProofFault::TooLong);
    }
    let key = key(number);
    let mut left = key.as_slice();
    let mut expected = root;
    for (at, node) in proof.iter().enumerate() {
        if Keccak256::of(node) != expected {
            return Err(ProofFault::Hash(at));
        }
        let items = rlp::list(node, NODE_BYTES_MAX).map_err(|_| ProofFault::Node(at))?;
        match follow(items, &mut left).ok_or(ProofFault::Node(at))? {
            Next::Hash(hash) => expected = hash,
            Next::Nothing => return Err(ProofFault::Absent(at)),
            Next::Value(_) if at + 1 < proof.len() => return Err(ProofFault::Unused),
            Next::Value(value) => return Ok(value),
        }
    }
    Err(ProofFault::Missing(proof.len()))
}

enum Next<'a> {
    Hash(Keccak256),
    Value(&'a [u8]),
    Nothing,
}

/// Goes on from one node, through those that stand within it. `None` if it is no node.
fn follow<'a>(mut items: Vec<Item<'a>>, left: &mut &[u8]) -> Option<Next<'a>> {
    loop {
        let next = match items.as_slice() {
            [stretch, next] => {
                let (stretch, is_leaf) = unpack(stretch.bytes()?)?;
                let Some(rest) = left.strip_prefix(stretch.as_slice()) else {
                    return Some(Next::Nothing);
                };
                *left = rest;
                if is_leaf {
                    let value = next.bytes()?;
                    return Some(if rest.is_empty() { Next::Value(value) } else { Next::Nothing });
                }
                // Every node takes a part of the key, or there would be no end to them.
                (!stretch.is_empty()).then_some(*next)?
            }
            branch if branch.len() == BRANCH_ITEMS => {
                let Some((nibble, rest)) = left.split_first() else {
                    let value = branch.last()?.bytes()?;
                    return Some(if value.is_empty() { Next::Nothing } else { Next::Value(value) });
                };
                *left = rest;
                *branch.get(usize::from(*nibble))?
            }
            _ => return None,
        };
        match next {
            Item::Bytes([]) => return Some(Next::Nothing),
            Item::Bytes(_) => return Some(Next::Hash(Keccak256(next.array()?))),
            Item::List(inside) => items = rlp::items(inside).ok()?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_trie_of_nothing_has_the_root_that_every_empty_block_has() {
        assert_eq!(
            root(&[[0_u8; 0]; 0]).to_string(),
            "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
        );
    }

    proptest! {
        /// Short values stand within their parents, long ones do not; 128 and 256 are where keys
        /// become longer.
        #[test]
        fn every_value_is_proven_and_no_other(
            count in 1_u64..300, bytes in 1_usize..60, pick: prop::sample::Index
        ) {
            let values: Vec<Vec<u8>> = (0..count).map(|n| vec![n as u8 | 1; bytes]).collect();
            let number = pick.index(values.len()) as u64;
            let proof = prove(&values, number).expect("in range");
            let root = root(&values);
            prop_assert_eq!(proven(root, number, &proof), Ok(values[number as usize].as_slice()));
            prop_assert!(proven(root, count, &proof).is_err());
            prop_assert!(proven(root, number, &proof[1..]).is_err());
            prop_assert_eq!(prove(&values, count), None);
            let longer = [proof, vec![vec![0xc0]]].concat();
            prop_assert_eq!(proven(root, number, &longer), Err(ProofFault::Unused));
        }

        #[test]
        fn nodes_of_any_bytes_never_panic(
            nodes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..70), 1..4)
        ) {
            prop_assert!(proven(Keccak256::of(&nodes[0]), 3, &nodes).is_err());
        }
    }
}
