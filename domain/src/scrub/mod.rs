//! Which stored row or hash of a log is wrong, judged against a root that clouds cosigned.
//!
//! No I/O. A log is taken in blocks of 256 entries, the tiles of level 0. Once the roots of the
//! blocks (and the leaves of the last, unfilled one) are seen to fold to the cosigned root, every
//! block is judged by itself: rows must give the block's leaves from their own contents, since a
//! stored hash says nothing about the payload beside it.

mod row;

use crate::event::{Slot, leaf};
use crate::key::PublicKey;
use crate::log::{Hash, LogId, TILE_WIDTH, Tile, TilePath, fold_complete, plan};

pub use row::{Field, StoredRow};

/// What is wrong with one place of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no row.
    Missing,
    /// Payload, salt or metadata are not what was signed.
    Content {
        /// The stored hash is still the right one.
        hash_holds: bool,
        /// The place in the same block whose entry stands here.
        stands_for: Option<u64>,
    },
    /// The contents are right; this column, which follows from them, is not.
    Derived(Field),
    /// The contents are right; the origin's signature does not hold for them.
    Signature,
}

/// One wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub sequence: u64,
    pub fault: Fault,
}

/// The root over full blocks and the leaves after them. `None`: no tree has this shape.
#[must_use]
pub fn root_over(blocks: &[Hash], tail: &[Hash]) -> Option<Hash> {
    if tail.len() >= TILE_WIDTH {
        return None;
    }
    let full = blocks.len() as u64 * TILE_WIDTH as u64;
    let read = |node: plan::Node| {
        let (hashes, first, width) = if node.height >= BLOCK_HEIGHT {
            (blocks, node.first_leaf() / TILE_WIDTH as u64, node.leaf_count() / TILE_WIDTH as u64)
        } else {
            (tail, node.first_leaf().checked_sub(full)?, node.leaf_count())
        };
        let (first, width) = (usize::try_from(first).ok()?, usize::try_from(width).ok()?);
        hashes.get(first..first.checked_add(width)?).map(fold_complete)
    };
    plan::root(full + tail.len() as u64).assemble(read)?.first().copied()
}

const BLOCK_HEIGHT: u8 = crate::log::TILE_HEIGHT;

/// The root of a full block. `None` unless there are 256 leaves.
#[must_use]
pub fn block_root(leaves: &[Hash]) -> Option<Hash> {
    (leaves.len() == TILE_WIDTH).then(|| fold_complete(leaves))
}

/// Every full tile above the blocks.
#[must_use]
pub fn tiles_over(blocks: &[Hash]) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut level_below = blocks.to_vec();
    for level in 1.. {
        let full = level_below.chunks_exact(TILE_WIDTH).enumerate();
        let made: Vec<Tile> = full
            .map(|(index, hashes)| Tile {
                path: TilePath { level, index: index as u64 },
                hashes: hashes.to_vec(),
                root: fold_complete(hashes),
            })
            .collect();
        if made.is_empty() {
            break;
        }
        level_below = made.iter().map(|tile| tile.root).collect();
        tiles.extend(made);
    }
    tiles
}

/// The leaves that rows give by their contents, from `first` on. `None` unless there are `width`
/// of them without a gap, each in a form that this program writes.
#[must_use]
pub fn leaves_of(log: LogId, first: u64, width: usize, rows: &[StoredRow]) -> Option<Vec<Hash>> {
    let complete =
        rows.len() == width && (first..).zip(rows).all(|(sequence, row)| row.sequence == sequence);
    if !complete {
        return None;
    }
    rows.iter().map(|row| content_leaf(log, row, row.sequence)).collect()
}

/// As [`leaves_of`], but by the stored hashes: what is left to go by when contents are damaged.
#[must_use]
pub fn leaves_by_hash(
    log: LogId,
    first: u64,
    width: usize,
    rows: &[StoredRow],
) -> Option<Vec<Hash>> {
    let complete =
        rows.len() == width && (first..).zip(rows).all(|(sequence, row)| row.sequence == sequence);
    if !complete {
        return None;
    }
    let of = |row: &StoredRow| Some(leaf(slot(log, row.sequence), Hash::from_slice(&row.hash)?).0);
    rows.iter().map(of).collect()
}

/// Judges the rows of a block, in order of their sequence, against its leaves. An event may bear
/// the signature of any of `keys`: those of its origin's epochs.
#[must_use]
pub fn judge(
    log: LogId,
    first: u64,
    leaves: &[Hash],
    rows: &[StoredRow],
    keys: &[PublicKey],
) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for (sequence, expected) in (first..).zip(leaves) {
        let Ok(at) = rows.binary_search_by_key(&sequence, |row| row.sequence) else {
            wrong.push(Wrong { sequence, fault: Fault::Missing });
            continue;
        };
        let faults = judge_row(log, first, leaves, &rows[at], *expected, keys);
        wrong.extend(faults.into_iter().map(|fault| Wrong { sequence, fault }));
    }
    wrong
}

fn judge_row(
    log: LogId,
    first: u64,
    leaves: &[Hash],
    row: &StoredRow,
    expected: Hash,
    keys: &[PublicKey],
) -> Vec<Fault> {
    let contents = row.event(log.origin);
    let hash = contents.as_ref().map(crate::event::Event::hash);
    if hash.map(|hash| leaf(slot(log, row.sequence), hash).0) != Some(expected) {
        let by_hash = Hash::from_slice(&row.hash).map(|hash| leaf(slot(log, row.sequence), hash).0);
        let stands_for = hash.and_then(|hash| {
            let is_entry = |(at, known): &(u64, &Hash)| leaf(slot(log, *at), hash).0 == **known;
            (first..).zip(leaves).find(is_entry).map(|(at, _)| at)
        });
        return vec![Fault::Content { hash_holds: by_hash == Some(expected), stands_for }];
    }
    let mut faults = Vec::new();
    if hash.is_none_or(|hash| row.hash != hash.0) {
        faults.push(Fault::Derived(Field::Hash));
    }
    if row.kind != row.kind_of_payload() {
        faults.push(Fault::Derived(Field::Kind));
    }
    if !hash.is_some_and(|hash| row.signature_holds(hash, keys)) {
        faults.push(Fault::Signature);
    }
    faults
}

/// The leaf that a row gives at a place, by its contents.
#[must_use]
pub fn content_leaf(log: LogId, row: &StoredRow, sequence: u64) -> Option<Hash> {
    row.event(log.origin).map(|event| leaf(slot(log, sequence), event.hash()).0)
}

const fn slot(log: LogId, sequence: u64) -> Slot {
    Slot { origin: log.origin, epoch: log.epoch, sequence }
}

#[cfg(test)]
mod tests;
