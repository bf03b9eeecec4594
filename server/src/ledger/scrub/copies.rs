//! Other clouds' copies. What they say is verified by whoever asks, never here.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::cloud::Cloud;
use domain::event::Envelope;
use domain::log::{Hash, LogId, TILE_WIDTH, TilePath};

use super::super::entry::WireEntry;
use super::super::refused;
use super::super::wire::{
    COPY_ENTRIES_MAX, COPY_PATH, CopyAnswer, CopyQuestion, decode_answer, encode,
};
use crate::peer::Channel;

/// Where other copies can be had; nowhere, when a database is checked by itself.
#[derive(Clone, Debug)]
pub(super) struct Copies(pub(super) Option<Arc<Channel>>);

impl Copies {
    /// The clouds to ask: the log's origin first.
    pub(super) fn holders(&self, log: LogId) -> Vec<Cloud> {
        let Some(channel) = &self.0 else { return Vec::new() };
        let mut peers = channel.me.peers().to_vec();
        peers.sort_by_key(|cloud| *cloud != log.origin);
        peers
    }

    async fn ask(&self, from: Cloud, question: &CopyQuestion) -> Option<CopyAnswer> {
        let channel = self.0.as_ref()?;
        let answer = channel.call(from, COPY_PATH, encode(question)).await;
        match answer.and_then(|body| decode_answer(from, &body)) {
            Ok(answer) => Some(answer),
            Err(cause) => {
                tracing::debug!(%from, %cause, "a copy could not be asked for");
                None
            }
        }
    }

    /// The first hashes of a tile.
    pub(super) async fn hashes(
        &self,
        from: Cloud,
        log: LogId,
        path: TilePath,
        width: usize,
    ) -> Option<Vec<Hash>> {
        let TilePath { level, index } = path;
        let width16 = u16::try_from(width).ok()?;
        let question = CopyQuestion::Hashes { log, level, index, width: width16 };
        match self.ask(from, &question).await? {
            CopyAnswer::Hashes(hashes) if hashes.len() == width => {
                Some(hashes.into_iter().map(Hash).collect())
            }
            _ => None,
        }
    }

    /// The roots of the first `count` blocks.
    pub(super) async fn block_roots(
        &self,
        from: Cloud,
        log: LogId,
        count: u64,
    ) -> Option<Vec<Hash>> {
        let mut roots = Vec::new();
        while (roots.len() as u64) < count {
            let index = roots.len() as u64 / TILE_WIDTH as u64;
            let width = usize::try_from(count - roots.len() as u64).ok()?.min(TILE_WIDTH);
            roots.extend(self.hashes(from, log, TilePath { level: 1, index }, width).await?);
        }
        Some(roots)
    }

    /// A copy's entry is not what was signed: holds it. `hash`: it leads to another leaf.
    pub(super) fn refuse(
        &self,
        from: Cloud,
        log: LogId,
        sequence: u64,
        entry: &Envelope,
        hash: bool,
    ) {
        if let Some(channel) = &self.0 {
            let entry = WireEntry::of(entry);
            channel.quarantine.hold(refused::entry(from, log, sequence, entry, hash));
        }
    }

    /// Those of the entries that it holds.
    pub(super) async fn entries(
        &self,
        from: Cloud,
        log: LogId,
        sequences: &[u64],
    ) -> BTreeMap<u64, Envelope> {
        let mut held = BTreeMap::new();
        for some in sequences.chunks(COPY_ENTRIES_MAX) {
            let question = CopyQuestion::Entries { log, sequences: some.to_vec() };
            if let Some(CopyAnswer::Entries(entries)) = self.ask(from, &question).await {
                let read =
                    |(at, entry): (u64, WireEntry)| Some((at, entry.read(log.origin, 0).ok()?));
                held.extend(entries.into_iter().filter_map(read));
            }
        }
        held
    }
}
