//! The tree of a block's transaction ids. Not RFC 6962: leaves and nodes are hashed alike, and an
//! odd one is paired with itself.

use crate::anchor::bitcoin::Sha256d;

/// A block has room for fewer than 2^17 transactions, of sixty bytes at least.
pub const BRANCH_HASHES_MAX: usize = 17;

/// The siblings on the way from one transaction to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Place in the block, from zero.
    pub index: u32,
    /// From the transaction's own sibling upward.
    pub siblings: Vec<Sha256d>,
}

fn node(left: Sha256d, right: Sha256d) -> Sha256d {
    Sha256d::of(&[left.0, right.0].concat())
}

impl Branch {
    /// The branch of one transaction, from the ids of all. `None` if there is no such place.
    #[must_use]
    pub fn of(ids: &[Sha256d], index: u32) -> Option<Self> {
        let mut place = usize::try_from(index).ok().filter(|index| *index < ids.len())?;
        let mut level = ids.to_vec();
        let mut siblings = Vec::new();
        while level.len() > 1 {
            let sibling = level.get(place ^ 1).or(level.get(place));
            siblings.push(*sibling?);
            level = level
                .chunks(2)
                .map(|pair| node(pair[0], *pair.last().unwrap_or(&pair[0])))
                .collect();
            place /= 2;
        }
        Some(Branch { index, siblings })
    }

    /// For each sibling, from below: does it stand to the left?
    pub(in crate::anchor) fn sides(&self) -> impl Iterator<Item = (Sha256d, bool)> + '_ {
        self.siblings.iter().zip(0..).map(|(sibling, level)| {
            (*sibling, self.index.checked_shr(level).is_some_and(|place| place & 1 == 1))
        })
    }

    /// The root that a transaction id leads to. `None` if the branch is too long for any block, or
    /// not long enough for its place.
    #[must_use]
    pub fn root(&self, id: Sha256d) -> Option<Sha256d> {
        let levels = u32::try_from(self.siblings.len()).ok()?;
        let fits = self.siblings.len() <= BRANCH_HASHES_MAX && self.index >> levels == 0;
        fits.then(|| {
            self.sides().fold(
                id,
                |below, (sibling, is_left)| {
                    if is_left { node(sibling, below) } else { node(below, sibling) }
                },
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(count: u32) -> Vec<Sha256d> {
        (0..count).map(|n| Sha256d::of(&n.to_le_bytes())).collect()
    }

    #[test]
    fn a_branch_that_is_too_long_or_too_short_for_its_place_leads_nowhere() {
        let id = ids(1)[0];
        assert_eq!(Branch { index: 0, siblings: Vec::new() }.root(id), Some(id));
        assert_eq!(Branch { index: 1, siblings: Vec::new() }.root(id), None);
        assert_eq!(Branch { index: 0, siblings: vec![id; 18] }.root(id), None);
        assert_eq!(Branch { index: 0, siblings: vec![id; 40] }.root(id), None);
        assert_eq!(Branch::of(&[], 0), None);
    }

    proptest! {
        #[test]
        fn every_transaction_of_a_block_leads_to_one_root(count in 1_u32..70) {
            let ids = ids(count);
            let root = Branch::of(&ids, 0).and_then(|branch| branch.root(ids[0]));
            for (index, id) in ids.iter().enumerate() {
                let branch = Branch::of(&ids, index as u32).expect("in range");
                prop_assert_eq!(branch.root(*id), root);
                prop_assert!(index == 0 || branch.root(ids[0]) != root);
            }
        }
    }
}
