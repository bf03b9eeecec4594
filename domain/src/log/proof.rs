//! Verifying inclusion and consistency proofs (RFC 9162, sections 2.1.3.2 and 2.1.4.2).

use crate::log::{Hash, Head, Leaf, node_hash};

/// A tree of 2^63 leaves has proofs of 63 hashes; anything longer is an attack on the reader.
pub const PROOF_HASHES_MAX: usize = 64;

/// The root that a leaf at `index` leads to by way of `proof`, in a tree of `size` leaves.
/// `None` if the proof has the wrong length for that place.
#[must_use]
pub fn root_from_inclusion(leaf: Leaf, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if index >= size || proof.len() > PROOF_HASHES_MAX {
        return None;
    }
    let (mut place, mut last) = (index, size - 1);
    let mut hash = leaf.0;
    for &sibling in proof {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Does the tree `new` extend the tree `old`?
#[must_use]
pub fn is_consistent(old: Head, new: Head, proof: &[Hash]) -> bool {
    if old.size > new.size || proof.len() > PROOF_HASHES_MAX {
        return false;
    }
    if old.size == new.size {
        return proof.is_empty() && old.root == new.root;
    }
    if old.size == 0 {
        return proof.is_empty() && old == Head::empty();
    }
    roots_from_consistency(old, new.size, proof) == Some((old.root, new.root))
}

fn roots_from_consistency(old: Head, new_size: u64, proof: &[Hash]) -> Option<(Hash, Hash)> {
    let (mut place, mut last) = (old.size - 1, new_size - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    // When the old tree is a complete subtree of the new one, its root is the starting point and
    // the proof leaves it out.
    let (first, rest) =
        if old.size.is_power_of_two() { (old.root, proof) } else { split_first(proof)? };
    let (mut old_root, mut new_root) = (first, first);
    for &hash in rest {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            old_root = node_hash(hash, old_root);
            new_root = node_hash(hash, new_root);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new_root = node_hash(new_root, hash);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((old_root, new_root))
}

fn split_first(proof: &[Hash]) -> Option<(Hash, &[Hash])> {
    proof.split_first().map(|(first, rest)| (*first, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::appender::fold_complete;
    use crate::log::{Appender, plan};
    use proptest::prelude::*;

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|n| Leaf::of(&n.to_be_bytes()).0).collect()
    }

    fn head(leaves: &[Hash]) -> Head {
        let mut appender = Appender::default();
        for leaf in leaves {
            appender.append(Leaf(*leaf), |_| {});
        }
        appender.head()
    }

    fn read(leaves: &[Hash], plan: &plan::Plan) -> Vec<Hash> {
        plan.assemble(|node| {
            let first = usize::try_from(node.first_leaf()).ok()?;
            let count = usize::try_from(node.leaf_count()).ok()?;
            leaves.get(first..first + count).map(fold_complete)
        })
        .expect("all leaves are there")
    }

    #[test]
    fn every_tree_extends_the_empty_one_and_nothing_else_of_size_zero() {
        let three = head(&leaves(3));
        assert!(is_consistent(Head::empty(), three, &[]));
        assert!(!is_consistent(Head { root: three.root, ..Head::empty() }, three, &[]));
        assert!(!is_consistent(three, Head::empty(), &[]));
    }

    proptest! {
        #[test]
        fn a_planned_inclusion_proof_leads_to_the_root(size in 1u64..400, pick: prop::sample::Index) {
            let leaves = leaves(size);
            let index = pick.index(leaves.len()) as u64;
            let proof = read(&leaves, &plan::inclusion(index, size).expect("in range"));
            let leaf = Leaf(leaves[index as usize]);
            let root = head(&leaves).root;
            prop_assert_eq!(root_from_inclusion(leaf, index, size, &proof), Some(root));
            if size > 1 {
                let other = (index + 1) % size;
                prop_assert_ne!(root_from_inclusion(leaf, other, size, &proof), Some(root));
            }
        }

        #[test]
        fn a_planned_consistency_proof_holds_and_no_changed_one_does(
            new in 1u64..400, pick: prop::sample::Index, bit in 0usize..256
        ) {
            let leaves = leaves(new);
            let old = pick.index(leaves.len()) as u64 + 1;
            let (before, after) = (head(&leaves[..old as usize]), head(&leaves));
            let mut proof = read(&leaves, &plan::consistency(old, new).expect("in range"));
            prop_assert!(is_consistent(before, after, &proof));
            if let Some(first) = proof.first_mut() {
                first.0[bit / 8] ^= 1 << (bit % 8);
                prop_assert!(!is_consistent(before, after, &proof));
            }
        }
    }
}
