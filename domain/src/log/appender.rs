//! Growing a tree, one leaf at a time, in memory that does not grow with it.

use crate::log::tile::{TILE_HEIGHT, TILE_WIDTH, Tile, TilePath};
use crate::log::{Hash, Head, Leaf, empty_root, node_hash};

/// The right edge of a tree: what is needed to append, and nothing else. Cloning it is cheap
/// (at most 8 KiB a tile level), so a writer appends to a clone and keeps it only after COMMIT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appender {
    size: u64,
    /// Roots of the complete subtrees that cover the tree, largest first, with their heights.
    peaks: Vec<(u8, Hash)>,
    /// For each tile level, the hashes of the tile that is not yet full.
    open_tiles: Vec<Vec<Hash>>,
}

impl Appender {
    /// Continues a tree from the hashes of its unfilled tiles, lowest level first.
    ///
    /// Returns `None` if a tile is full or overfull, or if there are more leaves than a log can
    /// have: the caller read the wrong rows.
    #[must_use]
    pub fn resume(open_tiles: Vec<Vec<Hash>>) -> Option<Self> {
        let mut appender = Appender::default();
        for (level, tile) in open_tiles.iter().enumerate() {
            if tile.len() >= TILE_WIDTH {
                return None;
            }
            let height = u32::from(TILE_HEIGHT).checked_mul(u32::try_from(level).ok()?)?;
            if !tile.is_empty() {
                let leaves_per_hash = 1u64.checked_shl(height)?;
                let leaves = leaves_per_hash.checked_mul(u64::try_from(tile.len()).ok()?)?;
                appender.size = appender.size.checked_add(leaves)?;
            }
        }
        for (level, tile) in open_tiles.iter().enumerate().rev() {
            let base = u8::try_from(level).ok()?.checked_mul(TILE_HEIGHT)?;
            appender.push_peaks_of(tile, base);
        }
        appender.open_tiles = open_tiles;
        Some(appender)
    }

    /// Splits a partial tile into its complete subtrees and stacks their roots.
    fn push_peaks_of(&mut self, tile: &[Hash], base: u8) {
        let mut rest = tile;
        for height in (0..TILE_HEIGHT).rev() {
            let width = 1 << height;
            if rest.len() & width != 0 {
                let (subtree, after) = rest.split_at(width);
                self.peaks.push((base + height, fold_complete(subtree)));
                rest = after;
            }
        }
    }

    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf, and hands every tile that it fills to `filled`.
    pub fn append(&mut self, leaf: Leaf, mut filled: impl FnMut(Tile)) {
        let index = self.size;
        self.size += 1;
        self.push_hash(0, leaf.0);
        let (mut height, mut hash) = (0, leaf.0);
        while let Some(&(left_height, left)) = self.peaks.last()
            && left_height == height
        {
            self.peaks.pop();
            hash = node_hash(left, hash);
            height += 1;
            if height % TILE_HEIGHT == 0 {
                filled(self.close_tile(height, index, hash));
            }
        }
        self.peaks.push((height, hash));
    }

    fn push_hash(&mut self, level: usize, hash: Hash) {
        if self.open_tiles.len() == level {
            self.open_tiles.push(Vec::with_capacity(TILE_WIDTH));
        }
        self.open_tiles[level].push(hash);
    }

    /// The node at `height` is complete, so the tile below it is full.
    fn close_tile(&mut self, height: u8, leaf_index: u64, root: Hash) -> Tile {
        let level = height / TILE_HEIGHT - 1;
        let hashes = std::mem::take(&mut self.open_tiles[usize::from(level)]);
        self.push_hash(usize::from(level) + 1, root);
        Tile { path: TilePath { level, index: leaf_index >> height }, hashes, root }
    }

    /// The size and root of the tree as it stands.
    #[must_use]
    pub fn head(&self) -> Head {
        let root = self
            .peaks
            .iter()
            .rev()
            .map(|&(_, hash)| hash)
            .reduce(|right, left| node_hash(left, right))
            .unwrap_or_else(empty_root);
        Head { size: self.size, root }
    }
}

/// The root of a complete subtree whose lowest hashes are given; their number is a power of two.
pub(crate) fn fold_complete(hashes: &[Hash]) -> Hash {
    debug_assert!(hashes.len().is_power_of_two(), "a complete subtree");
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| node_hash(pair[0], pair[1])).collect();
    }
    row[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::plan;

    fn leaf(n: u64) -> Leaf {
        Leaf::of(&n.to_be_bytes())
    }

    /// RFC 6962, section 2.1, read literally.
    fn root_by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [only] => *only,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(split);
                node_hash(root_by_definition(left), root_by_definition(right))
            }
        }
    }

    #[test]
    fn every_prefix_has_the_root_of_the_definition() {
        let mut appender = Appender::default();
        let mut leaves = Vec::new();
        for n in 0..600 {
            assert_eq!(appender.head().root, root_by_definition(&leaves), "size {n}");
            appender.append(leaf(n), |_| {});
            leaves.push(leaf(n).0);
        }
    }

    #[test]
    fn tiles_come_out_full_and_in_order_and_a_resumed_appender_is_the_same() {
        let mut appender = Appender::default();
        let mut tiles = Vec::new();
        for n in 0..(TILE_WIDTH as u64 * TILE_WIDTH as u64 + 300) {
            appender.append(leaf(n), |tile| tiles.push(tile));
            if n % 9973 == 0 || n > 65_500 {
                let again = Appender::resume(appender.open_tiles.clone());
                assert_eq!(again.as_ref(), Some(&appender), "size {}", n + 1);
            }
        }
        let lowest: Vec<u64> =
            tiles.iter().filter(|tile| tile.path.level == 0).map(|tile| tile.path.index).collect();
        assert_eq!(lowest, (0..257).collect::<Vec<_>>());
        let upper: Vec<_> = tiles.iter().filter(|tile| tile.path.level == 1).collect();
        assert_eq!(upper.len(), 1);
        for tile in &tiles {
            assert_eq!(tile.hashes.len(), TILE_WIDTH);
            assert_eq!(fold_complete(&tile.hashes), tile.root);
        }
        assert_eq!(upper[0].hashes[3], tiles[3].root);
    }

    #[test]
    fn a_full_tile_is_no_right_edge() {
        assert_eq!(Appender::resume(vec![vec![empty_root(); TILE_WIDTH]]), None);
    }

    #[test]
    fn the_largest_log_resumes_and_a_larger_one_does_not() {
        let almost_full = vec![empty_root(); TILE_WIDTH - 1];
        let largest = Appender::resume(vec![almost_full.clone(); 8]).expect("2^64 - 1 leaves");
        assert_eq!(largest.size(), u64::MAX);
        let mut beyond = vec![Vec::new(); 8];
        beyond.push(vec![empty_root()]);
        assert_eq!(Appender::resume(beyond), None);
        assert_eq!(Appender::resume(vec![vec![empty_root()]; 40]), None);
    }

    #[test]
    fn the_planned_root_is_the_appended_root() {
        let mut appender = Appender::default();
        let leaves: Vec<Hash> = (0..777).map(|n| leaf(n).0).collect();
        for (at, hash) in leaves.iter().enumerate() {
            appender.append(Leaf(*hash), |_| {});
            let planned = plan::root(at as u64 + 1).assemble(|node| {
                let start = usize::try_from(node.first_leaf()).ok()?;
                let width = usize::try_from(node.leaf_count()).ok()?;
                leaves.get(start..start + width).map(fold_complete)
            });
            assert_eq!(planned, Some(vec![appender.head().root]));
        }
    }
}
