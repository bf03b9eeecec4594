//! Blocks and tiles, each against its part of the cosigned tree.

use domain::log::{Hash, Head, TILE_WIDTH, Tile, TilePath};
use domain::scrub::{StoredRow, block_root, judge, leaves_by_hash, leaves_of, tiles_over};

use super::super::draft::Draft;
use super::super::finding::Outcome;
use super::super::stored::StoredTile;
use super::skeleton::Skeleton;
use super::{BLOCK, Pass, repair, stored};

impl Pass<'_> {
    pub(super) async fn blocks(&self, skeleton: &Skeleton, head: Head) -> Result<(), sqlx::Error> {
        let mut first = 0;
        for (index, root) in (0..).zip(&skeleton.blocks) {
            self.block(index, *root).await?;
            first += BLOCK;
            self.book.progress(self.log, first, head.size);
            self.pace(TILE_WIDTH).await;
        }
        let rows = self.tail(skeleton, head).await?;
        self.book.progress(self.log, head.size, head.size);
        for right in tiles_over(&skeleton.blocks) {
            let TilePath { level, index } = right.path;
            let found = stored::tiles(self.pool, self.log, level, index, index + 1).await?.pop();
            self.tile(&right, found.as_ref()).await?;
        }
        self.pace(rows).await;
        Ok(())
    }

    /// The last full block, and what stands after it.
    pub(super) async fn newest(&self, skeleton: &Skeleton, head: Head) -> Result<(), sqlx::Error> {
        if let Some((root, before)) = skeleton.blocks.split_last() {
            self.block(before.len() as u64, *root).await?;
        }
        self.tail(skeleton, head).await.map(drop)
    }

    /// What stands after the last full block. Gives the number of rows.
    async fn tail(&self, skeleton: &Skeleton, head: Head) -> Result<usize, sqlx::Error> {
        let _turn = self.turn.lock().await;
        let first = skeleton.blocks.len() as u64 * BLOCK;
        let rows = stored::rows(self.pool, self.log, first, head.size).await?;
        self.rows(first, &skeleton.tail, &rows).await?;
        Ok(rows.len())
    }

    async fn block(&self, index: u64, root: Hash) -> Result<(), sqlx::Error> {
        let _turn = self.turn.lock().await;
        let first = index * BLOCK;
        let rows = stored::rows(self.pool, self.log, first, first + BLOCK).await?;
        let path = TilePath { level: 0, index };
        let found = stored::tiles(self.pool, self.log, 0, index, index + 1).await?.pop();
        match self.leaves(path, root, &rows, found.as_ref()).await {
            Some(leaves) => {
                self.rows(first, &leaves, &rows).await?;
                self.tile(&Tile { path, hashes: leaves, root }, found.as_ref()).await
            }
            None => {
                let text = found.as_ref().map(|tile| hex::encode(&tile.root));
                self.leave(&Draft::of(self.place(&path.to_string()), "tile", text)).await?;
                self.contradictions(first, &rows, found.as_ref()).await
            }
        }
    }

    /// The leaves under a root that is known to be right.
    async fn leaves(
        &self,
        path: TilePath,
        root: Hash,
        rows: &[StoredRow],
        found: Option<&StoredTile>,
    ) -> Option<Vec<Hash>> {
        let first = path.index * BLOCK;
        let lead = |leaves: &Vec<Hash>| block_root(leaves) == Some(root);
        let own = leaves_of(self.log, first, TILE_WIDTH, rows)
            .filter(lead)
            .or_else(|| found.and_then(hashes).filter(lead))
            .or_else(|| leaves_by_hash(self.log, first, TILE_WIDTH, rows).filter(lead));
        if own.is_some() {
            return own;
        }
        for from in self.copies.holders(self.log) {
            let theirs = self.copies.hashes(from, self.log, path, TILE_WIDTH).await;
            if let Some(leaves) = theirs.filter(lead) {
                return Some(leaves);
            }
        }
        None
    }

    async fn tile(&self, right: &Tile, found: Option<&StoredTile>) -> Result<(), sqlx::Error> {
        let bytes: Vec<u8> = right.hashes.iter().flat_map(|hash| hash.0).collect();
        let (field, text) = match found {
            None => ("tile", None),
            Some(tile) if tile.hashes != bytes => {
                let at = tile.hashes.chunks(32).zip(bytes.chunks(32)).position(|(a, b)| a != b);
                ("hashes", Some(format!("another hash at {}", at.unwrap_or_default())))
            }
            Some(tile) if tile.root != right.root.0 => ("root", Some(hex::encode(&tile.root))),
            Some(_) => return Ok(()),
        };
        let mut draft = Draft::of(self.place(&right.path.to_string()), field, text);
        draft.found_bytes = found.map(|tile| [tile.hashes.as_slice(), &tile.root].concat());
        draft.right = Some(right.root.to_string());
        draft.right_bytes = Some([bytes.as_slice(), &right.root.0].concat());
        if !self.mends {
            self.only_tell(&draft);
            return Ok(());
        }
        // The leaves are verified, wherever they came from: the tile follows from them.
        let outcome = Outcome::Repaired { source: None };
        repair::tile(self.pool, self.log, right, &draft.evidence(&outcome)).await?;
        self.tell(&draft, &outcome);
        Ok(())
    }

    /// No copy leads to the cosigned root: says so, and names what contradicts itself here.
    pub(super) async fn lost(&self, head: Head) -> Result<(), sqlx::Error> {
        let stored = stored::head(self.pool, self.log).await?.map(|(_, root)| hex::encode(root));
        let mut draft = Draft::of(self.place("tree"), "root", stored);
        draft.right = Some(head.root.to_string());
        self.leave(&draft).await?;
        let mut first = 0;
        while first < head.size {
            let end = (first + BLOCK).min(head.size);
            let rows = stored::rows(self.pool, self.log, first, end).await?;
            let index = first / BLOCK;
            let tile = stored::tiles(self.pool, self.log, 0, index, index + 1).await?.pop();
            self.contradictions(first, &rows, tile.as_ref()).await?;
            self.book.progress(self.log, end, head.size);
            self.pace(rows.len()).await;
            first = end;
        }
        Ok(())
    }

    /// Rows that do not fit their tile or, without one, their own hashes.
    async fn contradictions(
        &self,
        first: u64,
        rows: &[StoredRow],
        tile: Option<&StoredTile>,
    ) -> Result<(), sqlx::Error> {
        let by_hash = || leaves_by_hash(self.log, first, rows.len(), rows);
        let Some(leaves) = tile.and_then(hashes).or_else(by_hash) else { return Ok(()) };
        for wrong in judge(self.log, first, &leaves, rows, &self.event_keys()) {
            let row = rows.iter().find(|row| row.sequence == wrong.sequence);
            self.leave(&self.draft_alone(wrong, row)).await?;
        }
        Ok(())
    }
}

fn hashes(tile: &StoredTile) -> Option<Vec<Hash>> {
    (tile.hashes.len() == TILE_WIDTH * 32)
        .then(|| tile.hashes.chunks_exact(32).filter_map(Hash::from_slice).collect())
}
