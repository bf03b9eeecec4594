//! The roots of a log's blocks, and the leaves after them, that fold to the cosigned root.

use domain::log::{Hash, Head, TILE_WIDTH, TilePath};
use domain::scrub::{block_root, leaves_by_hash, leaves_of, root_over};

use super::{BLOCK, Pass, stored};

/// Trusted: it folds to a cosigned root.
#[derive(Clone, Debug)]
pub(super) struct Skeleton {
    pub(super) blocks: Vec<Hash>,
    pub(super) tail: Vec<Hash>,
}

/// What may be right, in parts: any blocks may go with any tail.
#[derive(Debug, Default)]
struct Candidates {
    blocks: Vec<Vec<Hash>>,
    tails: Vec<Vec<Hash>>,
}

impl Candidates {
    fn choose(&self, root: Hash) -> Option<Skeleton> {
        let mut pairs =
            self.blocks.iter().flat_map(|blocks| self.tails.iter().map(move |tail| (blocks, tail)));
        pairs
            .find(|(blocks, tail)| root_over(blocks, tail) == Some(root))
            .map(|(blocks, tail)| Skeleton { blocks: blocks.clone(), tail: tail.clone() })
    }
}

impl Pass<'_> {
    /// From our own tiles; else with the help of other copies; else from the rows themselves.
    pub(super) async fn skeleton(&self, head: Head) -> Result<Option<Skeleton>, sqlx::Error> {
        let (count, first) = (head.size / BLOCK, head.size / BLOCK * BLOCK);
        let width = usize::try_from(head.size - first).unwrap_or_default(); // below 256
        let rows = stored::rows(self.pool, self.log, first, head.size).await?;
        let mut known = Candidates::default();
        known.blocks.extend(stored::block_roots(self.pool, self.log, count).await?);
        known.tails.extend(leaves_of(self.log, first, width, &rows));
        known.tails.extend(leaves_by_hash(self.log, first, width, &rows));
        if let Some(skeleton) = known.choose(head.root) {
            return Ok(Some(skeleton));
        }
        for from in self.copies.holders(self.log) {
            known.blocks.extend(self.copies.block_roots(from, self.log, count).await);
            let path = TilePath { level: 0, index: count };
            if width > 0 {
                known.tails.extend(self.copies.hashes(from, self.log, path, width).await);
            }
            if let Some(skeleton) = known.choose(head.root) {
                return Ok(Some(skeleton));
            }
        }
        known.blocks.extend(self.blocks_of_rows(count).await?);
        Ok(known.choose(head.root))
    }

    async fn blocks_of_rows(&self, count: u64) -> Result<Option<Vec<Hash>>, sqlx::Error> {
        let mut blocks = Vec::new();
        for index in 0..count {
            let (first, end) = (index * BLOCK, (index + 1) * BLOCK);
            let rows = stored::rows(self.pool, self.log, first, end).await?;
            let leaves = leaves_of(self.log, first, TILE_WIDTH, &rows);
            let Some(root) = leaves.and_then(|leaves| block_root(&leaves)) else { return Ok(None) };
            blocks.push(root);
            self.pace(rows.len()).await;
        }
        Ok(Some(blocks))
    }
}
