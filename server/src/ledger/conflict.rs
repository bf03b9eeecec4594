//! Two roots that one origin signed for one size: the log is frozen here, what both branches made
//! final is disputed, and what proves it is handed to whoever keeps evidence.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::cloud::Cloud;
use domain::evidence::BadEntry;
use domain::log::{Hash, LogId, TILE_WIDTH, TilePath, plan};
use tokio::sync::mpsc;

use super::driver::{Conflict, Control};
use super::logs::Logs;
use super::signing::SignedHead;
use super::store::Store;
use super::tree;
use super::wire::{COPY_PATH, CopyAnswer, CopyQuestion, RANGE_ENTRIES_MAX, decode_answer, encode};

/// Disputes of which it is remembered that they were logged.
const SAID_MAX: usize = 1_024;
/// Tiles of another branch that are compared, from the end of what is known to agree: 256 entries
/// each. Beyond it the dispute begins where agreement was last seen.
const TILES_COMPARED_MAX: u64 = 64;

/// Two signed notes of one log that do not belong to one history.
#[derive(Clone, Debug)]
pub struct ForkFound {
    pub log: LogId,
    /// In the order of their sizes.
    pub smaller: String,
    pub larger: String,
    /// For different sizes: what the larger tree has at the smaller size, and the consistency
    /// proof from there.
    pub prefix: Option<(Hash, Vec<Hash>)>,
}

/// What is to be kept as evidence.
#[derive(Clone, Debug)]
pub enum Found {
    Fork(ForkFound),
    /// The log is to be frozen once this is kept: until then the range comes again, and with it this.
    BadEntry(LogId, Box<BadEntry>),
}

/// Judges every conflict that a driver reports, as long as the node runs.
pub(super) async fn judge(logs: Arc<Logs>, mut conflicts: mpsc::Receiver<Conflict>) {
    // Peers tell the same again every second: said once.
    let mut said = BTreeSet::new();
    while let Some(conflict) = conflicts.recv().await {
        let log = conflict.theirs.log;
        let disputed = disputed(&logs, &conflict.theirs).await;
        if said.len() > SAID_MAX {
            said.clear();
        }
        if said.insert((log, disputed)) {
            tracing::error!(
                %log, ours = %conflict.ours, theirs = %conflict.theirs.head.root, ?disputed,
                "the log is frozen here: its origin signed two histories"
            );
        }
        freeze(&logs, log, disputed).await;
        match shown(&logs, &conflict).await {
            // A full queue loses nothing: it is found again.
            Ok(Some(fork)) => drop(logs.found.try_send(Found::Fork(fork))),
            Ok(None) => tracing::warn!(%log, "our own head beside the other is not signed yet"),
            Err(cause) => tracing::warn!(%log, %cause, "the evidence could not be put together"),
        }
    }
}

/// There is evidence against the log.
pub(super) async fn freeze(logs: &Logs, log: LogId, disputed: Option<(u64, u64)>) {
    if let Some(doors) = logs.doors(log) {
        // The driver ends only with the node.
        drop(doors.control.send(Control::Freeze(disputed)).await);
    }
}

/// Entries that are final here and that enough signers made final on the other branch.
async fn disputed(logs: &Logs, theirs: &SignedHead) -> Option<(u64, u64)> {
    let view = *logs.board.watermarks.borrow().view(theirs.log)?;
    if !theirs.is_certified(view.mode) {
        return None;
    }
    let end = view.final_size.min(theirs.head.size);
    let others = theirs.lines.keys().filter_map(|signer| signer.cloud());
    let other =
        others.filter(|cloud| *cloud != theirs.log.origin).find(|by| *by != logs.setup.cloud)?;
    // As far as it signed what stands here, too, the branches are one.
    let agreed = *view.signed.clouds.get(other);
    let from = fork_point(logs, theirs.log, other, agreed, end).await;
    (from < end).then_some((from, end))
}

/// The first place at which that cloud's copy differs from ours; where it cannot be asked, the end
/// of what is known to agree.
async fn fork_point(logs: &Logs, log: LogId, other: Cloud, agreed: u64, end: u64) -> u64 {
    let width = TILE_WIDTH as u64;
    for index in (agreed / width..end.div_ceil(width)).take(TILES_COMPARED_MAX as usize) {
        let path = TilePath { level: 0, index };
        let count = (end - index * width).min(width) as usize;
        let ours = tree::tile_hashes(&logs.setup.pool, log, path, count).await.ok().flatten();
        let theirs = hashes_of(logs, other, log, index, count).await;
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return agreed };
        if let Some(at) = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs) {
            return (index * width + at as u64).max(agreed);
        }
    }
    agreed
}

async fn hashes_of(
    logs: &Logs,
    of: Cloud,
    log: LogId,
    index: u64,
    count: usize,
) -> Option<Vec<Hash>> {
    let width = u16::try_from(count).ok()?;
    let question = encode(&CopyQuestion::Hashes { log, level: 0, index, width });
    let answer = logs.setup.channel.call(of, COPY_PATH, question).await.ok()?;
    match decode_answer(of, &answer).ok()? {
        CopyAnswer::Hashes(hashes) => Some(hashes.into_iter().map(Hash).collect()),
        CopyAnswer::Entries(_) | CopyAnswer::Nothing => None,
    }
}

/// Their note beside one of ours, with what shows that they do not belong together.
async fn shown(logs: &Logs, conflict: &Conflict) -> Result<Option<ForkFound>, sqlx::Error> {
    let (log, size) = (conflict.theirs.log, conflict.theirs.head.size);
    let store = Store::new(logs.setup.pool.clone(), log);
    // The next head at or above theirs: no payload fits, so that it is the very next one.
    let next = store.cut_after(size.saturating_sub(1), RANGE_ENTRIES_MAX, 0).await?;
    let Some(ours) = next else { return Ok(None) };
    // With whoever else signed it.
    let ours = store.signed_of_size(ours.head.size).await?.unwrap_or(ours);
    let prefix = if ours.head.size == size {
        None
    } else {
        let Some(plan) = plan::consistency(size, ours.head.size) else { return Ok(None) };
        let proof = tree::assemble(&logs.setup.pool, log, ours.head.size, &plan).await?;
        let Some(proof) = proof else { return Ok(None) };
        Some((conflict.ours, proof))
    };
    let (smaller, larger) = (logs.signing.note(&conflict.theirs), logs.signing.note(&ours));
    Ok(Some(ForkFound { log, smaller, larger, prefix }))
}
