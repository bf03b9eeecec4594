//! The stored tree: every complete subtree's hash, from which roots and proofs are read.

use domain::log::plan::{self, Plan};
use domain::log::{Hash, Leaf, node_hash};

/// Hashes of complete subtrees by height. Those of height 0 are in no tile: they are the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    pub fn of(leaves: &[Leaf]) -> Self {
        let mut tree = Tree::default();
        leaves.iter().for_each(|leaf| tree.append(*leaf));
        tree
    }

    pub fn append(&mut self, leaf: Leaf) {
        let mut hash = leaf.0;
        for height in 0.. {
            if self.levels.len() == height {
                self.levels.push(Vec::new());
            }
            let level = &mut self.levels[height];
            level.push(hash);
            match level[..] {
                [.., left, right] if level.len().is_multiple_of(2) => hash = node_hash(left, right),
                _ => return,
            }
        }
    }

    pub fn root_at(&self, size: u64) -> Option<Hash> {
        self.read(&plan::root(size))?.pop()
    }

    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        self.read(&plan::consistency(old, new)?)
    }

    fn read(&self, plan: &Plan) -> Option<Vec<Hash>> {
        plan.assemble(|node| {
            let level = self.levels.get(usize::from(node.height))?;
            level.get(usize::try_from(node.index).ok()?).copied()
        })
    }

    /// The stored hash of the `pick`-th inner node, to be spoiled.
    pub fn inner_node(&mut self, pick: usize) -> Option<&mut Hash> {
        self.levels.iter_mut().skip(1).flatten().nth(pick)
    }

    pub fn inner_nodes(&self) -> usize {
        self.levels.iter().skip(1).map(Vec::len).sum()
    }
}
