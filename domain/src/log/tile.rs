//! C2SP tlog-tiles: 256 hashes of one tree level, stored and served together.

use std::fmt;

use crate::log::appender::fold_complete;
use crate::log::plan::Node;
use crate::log::{Hash, node_hash};

/// Tree levels in a tile (fixed by C2SP tlog-tiles).
pub const TILE_HEIGHT: u8 = 8;
/// Hashes in a full tile.
pub const TILE_WIDTH: usize = 1 << TILE_HEIGHT;

/// Which tile: its level (0 holds leaf hashes) and its place in that level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TilePath {
    pub level: u8,
    pub index: u64,
}

impl TilePath {
    /// How many hashes this tile holds in a tree of `size` leaves.
    #[must_use]
    pub fn width_at(self, size: u64) -> usize {
        let shift = u32::from(self.level) * u32::from(TILE_HEIGHT);
        let hashes_in_level = size.checked_shr(shift).unwrap_or(0);
        let before = self.index.saturating_mul(TILE_WIDTH as u64);
        usize::try_from(hashes_in_level.saturating_sub(before))
            .unwrap_or(TILE_WIDTH)
            .min(TILE_WIDTH)
    }

    /// The tile whose hashes yield `node`.
    #[must_use]
    pub fn of(node: Node) -> TilePath {
        let level = node.height / TILE_HEIGHT;
        let within = u32::from(node.height % TILE_HEIGHT);
        TilePath { level, index: (node.index << within) / TILE_WIDTH as u64 }
    }

    /// `x001/x234/067`, as C2SP spells large indices.
    #[must_use]
    pub fn index_text(self) -> String {
        let mut text = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            text = format!("x{:03}/{text}", rest % 1000);
            rest /= 1000;
        }
        text
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "tile/{}/{}", self.level, self.index_text())
    }
}

/// A full tile and the root over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    pub path: TilePath,
    pub hashes: Vec<Hash>,
    /// The node above: an entry of the tile one level up.
    pub root: Hash,
}

/// The hash of `node`, from the hashes of the tile that [`TilePath::of`] names. `None` if the
/// tile is too short for it.
#[must_use]
pub fn node_from_tile(node: Node, hashes: &[Hash]) -> Option<Hash> {
    let within = node.height % TILE_HEIGHT;
    let width = 1usize << within;
    let first = usize::try_from((node.index << within) % TILE_WIDTH as u64).ok()?;
    match hashes.get(first..first + width)? {
        [one] => Some(*one),
        [left, right] => Some(node_hash(*left, *right)),
        many => Some(fold_complete(many)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_indices_are_spelt_as_the_specification_does() {
        let path = |index| TilePath { level: 0, index }.to_string();
        assert_eq!(path(7), "tile/0/007");
        assert_eq!(path(1_234_067), "tile/0/x001/x234/067");
    }

    #[test]
    fn widths_follow_the_tree_size() {
        let tile = |level, index| TilePath { level, index };
        assert_eq!(tile(0, 0).width_at(70_000), 256);
        assert_eq!(tile(0, 273).width_at(70_000), 112);
        assert_eq!(tile(0, 274).width_at(70_000), 0);
        assert_eq!(tile(1, 0).width_at(70_000), 256);
        assert_eq!(tile(1, 1).width_at(70_000), 17);
        assert_eq!(tile(2, 0).width_at(70_000), 1);
    }
}
