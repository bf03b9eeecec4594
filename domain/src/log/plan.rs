//! Which stored nodes a root or a proof needs. Reading them is the caller's business, so the
//! same plan serves a database, tiles over HTTP, and memory.

use crate::log::{Hash, empty_root, node_hash};

/// A complete subtree: its height (0: a leaf) and its place among those of that height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    pub height: u8,
    pub index: u64,
}

impl Node {
    #[must_use]
    pub const fn first_leaf(self) -> u64 {
        self.index << self.height
    }

    #[must_use]
    pub const fn leaf_count(self) -> u64 {
        1 << self.height
    }
}

/// A list of hashes, each the fold of complete subtrees from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    hashes: Vec<Vec<Node>>,
}

impl Plan {
    /// Every node to read.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + '_ {
        self.hashes.iter().flatten().copied()
    }

    /// Folds what `read` gives. `None` if it lacks a node.
    pub fn assemble(&self, mut read: impl FnMut(Node) -> Option<Hash>) -> Option<Vec<Hash>> {
        self.hashes.iter().map(|nodes| fold(nodes, &mut read)).collect()
    }
}

fn fold(nodes: &[Node], read: &mut impl FnMut(Node) -> Option<Hash>) -> Option<Hash> {
    let Some((last, before)) = nodes.split_last() else { return Some(empty_root()) };
    let mut hash = read(*last)?;
    for node in before.iter().rev() {
        hash = node_hash(read(*node)?, hash);
    }
    Some(hash)
}

/// The root of the first `size` leaves.
#[must_use]
pub fn root(size: u64) -> Plan {
    Plan { hashes: vec![cover(0, size)] }
}

/// The inclusion proof of a leaf (RFC 6962, section 2.1.1), leaf's sibling first. `None` unless
/// `index < size`.
#[must_use]
pub fn inclusion(index: u64, size: u64) -> Option<Plan> {
    if index >= size {
        return None;
    }
    let (mut low, mut high) = (0, size);
    let mut from_root = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            from_root.push(cover(middle, high));
            high = middle;
        } else {
            from_root.push(cover(low, middle));
            low = middle;
        }
    }
    from_root.reverse();
    Some(Plan { hashes: from_root })
}

/// The consistency proof from `old` to `new` leaves (RFC 6962, section 2.1.2). `None` unless
/// `0 < old <= new`.
#[must_use]
pub fn consistency(old: u64, new: u64) -> Option<Plan> {
    if old == 0 || old > new {
        return None;
    }
    let (mut low, mut high) = (0, new);
    let mut from_root = Vec::new();
    while high != old {
        let middle = low + split(high - low);
        if old <= middle {
            from_root.push(cover(middle, high));
            high = middle;
        } else {
            from_root.push(cover(low, middle));
            low = middle;
        }
    }
    if low > 0 {
        from_root.push(cover(low, high));
    }
    from_root.reverse();
    Some(Plan { hashes: from_root })
}

/// The largest power of two below `n`; `n` is at least 2.
const fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The complete subtrees that make up leaves `low..high`, left to right. `low` is a multiple of
/// every power of two up to the largest subtree, as ranges of RFC 6962 trees are.
fn cover(low: u64, high: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let (mut at, mut rest) = (low, high - low);
    while rest > 0 {
        let height = rest.ilog2();
        // ilog2 of a u64 is below 64.
        nodes.push(Node { height: height as u8, index: at >> height });
        at += 1 << height;
        rest -= 1 << height;
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_of_any_size_have_a_plan() {
        assert_eq!([2, 3, 4, 5, 8, 9].map(split), [1, 2, 2, 4, 4, 8]);
        let proof = inclusion(0, u64::MAX).expect("in range");
        assert_eq!(proof.hashes.len(), 64);
        assert!(consistency(1 << 63, u64::MAX).is_some());
        assert_eq!(root(u64::MAX).nodes().count(), 64);
    }

    #[test]
    fn places_outside_the_tree_have_no_plan() {
        assert_eq!(inclusion(5, 5), None);
        assert_eq!(consistency(0, 5), None);
        assert_eq!(consistency(6, 5), None);
    }
}
