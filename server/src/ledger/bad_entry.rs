//! An entry that breaks a log rule under a head that its origin signed: what proves it.
//!
//! A range is evidence only if its entries lead to the signed root from what is stored here, so
//! that nobody else can put bad entries into an origin's mouth.

use std::collections::HashMap;

use domain::event::{Event, Slot, leaf};
use domain::evidence::BadEntry;
use domain::log::plan::{self, Node};
use domain::log::proof::root_from_inclusion;
use domain::log::{Hash, LogId, node_hash};
use domain::note::Note;
use sqlx::PgPool;

use super::signing::Signing;
use super::tree;
use super::wire::WireRange;

/// The stored tree up to `start`, and the leaves of a range upon it, which is not stored.
struct Grown {
    start: u64,
    leaves: Vec<Hash>,
}

/// Evidence of the entry at place `at` of the range; `None` if it proves nothing.
pub(super) async fn prove(
    pool: &PgPool,
    signing: &Signing,
    range: &WireRange,
    at: usize,
) -> Result<Option<BadEntry>, sqlx::Error> {
    let log = range.log;
    let events: Option<Vec<Event>> =
        range.entries.iter().map(|entry| entry.unchecked(log.origin)).collect();
    let (Some(events), Some(signed)) = (events, signing.verify(log, &range.note)) else {
        return Ok(None);
    };
    let size = signed.head.size;
    if range.start.checked_add(events.len() as u64) != Some(size) {
        return Ok(None);
    }
    let slot = |at: usize| slot(log, range.start + at as u64); // below the size
    let index = range.start + at as u64;
    let (Some(event), Some(plan)) = (events.get(at), plan::inclusion(index, size)) else {
        return Ok(None);
    };
    let leaves = events.iter().enumerate().map(|(at, event)| leaf(slot(at), event.hash()).0);
    let grown = Grown { start: range.start, leaves: leaves.collect() };
    let stored = plan.nodes().flat_map(|node| grown.stored_in(node));
    let stored: HashMap<Node, Hash> = tree::nodes(pool, log, range.start, stored).await?;
    let Some(proof) = plan.assemble(|node| grown.hash(node, &stored)) else { return Ok(None) };
    let root = root_from_inclusion(leaf(slot(at), event.hash()), index, size, &proof);
    let (note, key) = (Note::parse(&range.note).ok(), signing.verifier.log_key(log));
    let proven = root == Some(signed.head.root);
    Ok(note
        .zip(key)
        .filter(|_| proven)
        .map(|(note, key)| BadEntry::of_event(&key, &note, slot(at), event, proof)))
}

const fn slot(log: LogId, sequence: u64) -> Slot {
    Slot { origin: log.origin, epoch: log.epoch, sequence }
}

const fn children(node: Node) -> Option<[Node; 2]> {
    match node.height.checked_sub(1) {
        Some(height) => Some([
            Node { height, index: node.index * 2 },
            Node { height, index: node.index * 2 + 1 },
        ]),
        None => None,
    }
}

impl Grown {
    const fn is_stored(&self, node: Node) -> bool {
        node.first_leaf() + node.leaf_count() <= self.start
    }

    /// The largest parts of a node that are stored.
    fn stored_in(&self, node: Node) -> Vec<Node> {
        if self.is_stored(node) {
            return vec![node];
        }
        if node.first_leaf() >= self.start {
            return Vec::new();
        }
        let parts = children(node).into_iter().flatten();
        parts.flat_map(|part| self.stored_in(part)).collect()
    }

    fn hash(&self, node: Node, stored: &HashMap<Node, Hash>) -> Option<Hash> {
        if self.is_stored(node) {
            return stored.get(&node).copied();
        }
        let Some([left, right]) = children(node) else {
            let at = usize::try_from(node.index.checked_sub(self.start)?).ok()?;
            return self.leaves.get(at).copied();
        };
        Some(node_hash(self.hash(left, stored)?, self.hash(right, stored)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::log::{Appender, Leaf};

    #[test]
    fn proofs_cross_from_the_stored_tree_into_the_range() {
        let leaves: Vec<Hash> = (0..23).map(|at| Leaf::of(&[at]).0).collect();
        let tree = |leaves: &[Hash]| {
            let mut tree = Appender::default();
            leaves.iter().for_each(|leaf| tree.append(Leaf(*leaf), |_| {}));
            tree.head()
        };
        for start in 0..23_usize {
            let grown = Grown { start: start as u64, leaves: leaves[start..].to_vec() };
            for index in start..23 {
                let plan = plan::inclusion(index as u64, 23).expect("within");
                let stored = plan.nodes().flat_map(|node| grown.stored_in(node));
                let read = |node: Node| {
                    let first = usize::try_from(node.first_leaf()).expect("small");
                    let count = usize::try_from(node.leaf_count()).expect("small");
                    assert!(first + count <= start, "only what is stored is read");
                    (node, tree(&leaves[first..first + count]).root)
                };
                let stored: HashMap<Node, Hash> = stored.map(read).collect();
                let proof = plan.assemble(|node| grown.hash(node, &stored)).expect("all nodes");
                let root = root_from_inclusion(Leaf(leaves[index]), index as u64, 23, &proof);
                assert_eq!(root, Some(tree(&leaves).root), "{start} {index}");
            }
        }
    }
}
