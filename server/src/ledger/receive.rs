//! What a node makes of what its peers say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::Bytes;
use domain::clock::HybridClock;
use domain::cloud::{Cloud, PerCloud};
use domain::log::{Hash, Head, LogId, TilePath};
use domain::quarantine::blame::Blame;
use tokio::sync::oneshot;

use super::board::Board;
use super::conflict::Found;
use super::driver::Offered;
use super::entry::{BrokenRule, PAYLOAD};
use super::logs::{LogDoors, Logs};
use super::ranges::{read_entries, wire_entry};
use super::signing::{SignedHead, Signing};
use super::wire::{
    COPY_ENTRIES_MAX, CopyAnswer, CopyQuestion, EntriesAnswer, EntriesQuestion, Heads, RangeAnswer,
    WireHead, WireRange,
};
use super::{Watermarks, bad_entry, refused, tree};
use crate::quarantine::Quarantine;

/// Logs that one message of heads may tell of: three that go on, and some that have ended.
const TOLD_MAX: usize = 32;

/// A range that is never to be taken.
struct Unfit {
    blame: Blame,
    /// The place in it of an entry with a bad payload.
    payload_at: Option<usize>,
}

impl From<Blame> for Unfit {
    fn from(blame: Blame) -> Self {
        Unfit { blame, payload_at: None }
    }
}

impl From<BrokenRule> for Unfit {
    fn from(bad: BrokenRule) -> Self {
        let payload_at = (bad.field == PAYLOAD).then_some(bad.at);
        Unfit { blame: bad.into(), payload_at }
    }
}

#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) me: Cloud,
    signing: Arc<Signing>,
    board: Arc<Board>,
    clock: Arc<Mutex<HybridClock>>,
    quarantine: Arc<Quarantine>,
    logs: Arc<Logs>,
    /// For each log, the largest size that each cloud said, verified, that it holds.
    claims: Mutex<BTreeMap<LogId, PerCloud<u64>>>,
    /// When each peer last told its heads.
    told_at: Mutex<PerCloud<Option<Instant>>>,
}

impl Receiver {
    pub(super) fn new(logs: Arc<Logs>, clock: Arc<Mutex<HybridClock>>) -> Self {
        Receiver {
            me: logs.setup.cloud,
            signing: Arc::clone(&logs.signing),
            board: Arc::clone(&logs.board),
            clock,
            quarantine: Arc::clone(&logs.setup.channel.quarantine),
            logs,
            claims: Mutex::default(),
            told_at: Mutex::default(),
        }
    }

    pub(super) const fn board(&self) -> &Arc<Board> {
        &self.board
    }

    pub(super) fn doors(&self, log: LogId) -> Option<LogDoors> {
        self.logs.doors(log)
    }

    pub(super) fn signing(&self) -> &Signing {
        &self.signing
    }

    /// Takes a range of another cloud's log, from whomever it comes: the origin signed it. One
    /// that is never to be taken is held, as `again` gives it once more.
    pub(super) async fn take_range(
        &self,
        from: Cloud,
        range: WireRange,
        again: impl FnOnce() -> Option<WireRange>,
    ) -> RangeAnswer {
        match self.judge_range(from, range).await {
            Ok(answer) => answer,
            Err(Unfit { blame, payload_at }) => {
                let reason = blame.detail.clone();
                if let Some(range) = again() {
                    if let Some(at) = payload_at {
                        self.accuse(&range, at).await;
                    }
                    self.quarantine.hold(refused::range(from, range, blame));
                }
                RangeAnswer::Refused { reason }
            }
        }
    }

    /// A bad payload under a signed head is evidence against the log's origin, where its entries
    /// lead to that head.
    async fn accuse(&self, range: &WireRange, at: usize) {
        let is_frozen = |marks: &Watermarks| marks.view(range.log).is_some_and(|view| view.frozen);
        if is_frozen(&self.board.watermarks.borrow()) {
            return; // there is evidence already
        }
        match bad_entry::prove(&self.logs.setup.pool, &self.signing, range, at).await {
            Ok(Some(entry)) => {
                // A full queue loses nothing: the range comes again.
                drop(self.logs.found.try_send(Found::BadEntry(range.log, Box::new(entry))));
            }
            Ok(None) => {}
            Err(cause) => tracing::warn!(log = %range.log, %cause, "evidence cannot be made"),
        }
    }

    async fn judge_range(&self, from: Cloud, range: WireRange) -> Result<RangeAnswer, Unfit> {
        let log = range.log;
        let blame_note = || self.signing.blame(log, &range.note);
        let Some(doors) = self.doors(log) else { return Ok(RangeAnswer::Unknown) };
        let signed = self.signing.verify(log, &range.note).ok_or_else(blame_note)?;
        let entries = read_entries(log.origin, range.entries)?;
        if let Some(latest) = entries.iter().map(|entry| entry.event().logical_clock).max() {
            let wall_ms = u64::try_from(crate::now().unix_ms()).unwrap_or(0);
            let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
            if !clock.observe(latest, wall_ms) {
                tracing::warn!(%log, %latest, "this origin's clock runs ahead of ours");
            }
        }
        let (reply, answer) = oneshot::channel();
        let offered = Offered { start: range.start, entries, signed, reply };
        if doors.offers.send(offered).await.is_err() {
            return Ok(RangeAnswer::Busy);
        }
        let answer = answer.await.unwrap_or(Ok(RangeAnswer::Busy));
        for note in &range.others {
            self.hear_note(from, log, note).await;
        }
        Ok(answer.map_err(refused::blame)?)
    }

    /// Verifies a note and hands its signatures to the log's driver. `None`: not a note that
    /// counts. One about a log that we know is held then.
    pub(super) async fn hear_note(&self, from: Cloud, log: LogId, note: &str) -> Option<Head> {
        let doors = self.doors(log)?;
        let Some(signed) = self.signing.verify(log, note) else {
            self.quarantine.hold(refused::note(from, log, note, self.signing.blame(log, note)));
            return None;
        };
        let head = signed.head;
        self.claim(&signed);
        // The driver ends only with the node.
        doors.heard.send(signed).await.ok()?;
        Some(head)
    }

    fn claim(&self, signed: &SignedHead) {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let of_log = claims.entry(signed.log).or_default();
        for cloud in signed.lines.keys().filter_map(|signer| signer.cloud()) {
            let size = of_log.get_mut(cloud);
            *size = (*size).max(signed.head.size);
        }
    }

    /// A cloud that holds more of this log than we do, the origin if it can be, and what we hold.
    pub(super) fn ahead_of_us(&self, log: LogId) -> Option<(Cloud, u64)> {
        let ours = self.board.watermarks.borrow().view(log)?.head.size;
        let claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let of_log = claims.get(&log)?;
        let ahead = |cloud: &Cloud| *cloud != self.me && *of_log.get(*cloud) > ours;
        let origin_first = std::iter::once(log.origin).chain(Cloud::ALL);
        origin_first.into_iter().find(ahead).map(|cloud| (cloud, ours))
    }

    /// That cloud does not serve what it claims: ask another, until it claims again.
    pub(super) fn forget_ahead(&self, log: LogId, cloud: Cloud) {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        *claims.entry(log).or_default().get_mut(cloud) = 0;
    }

    /// Has that peer told its heads after `moment`?
    pub(super) fn has_told_since(&self, peer: Cloud, moment: Instant) -> bool {
        let told_at = self.told_at.lock().unwrap_or_else(PoisonError::into_inner);
        told_at.get(peer).is_some_and(|at| at > moment)
    }

    /// What we hold, for the peers.
    pub(super) fn heads(&self) -> Heads {
        let logs = self.logs.told().into_iter().take(TOLD_MAX).map(|log| self.wire_head(log));
        let epochs = self.logs.epochs_known();
        Heads { load: self.board.figures.own_load(), logs: logs.collect(), epochs }
    }

    fn wire_head(&self, log: LogId) -> WireHead {
        let closing = self.board.watermarks.borrow().view(log).and_then(|view| view.closing);
        // What lies beyond a closing counts nowhere any more, whoever signed it.
        let counts = |signed: &SignedHead| closing.is_none_or(|end| signed.head.size <= end.size);
        let stored = self.board.stored_head(log).filter(counts);
        let at_its_end = || self.board.recent_head(log, closing?.size);
        let others = self.board.newest_of_others(log, self.me);
        let note = |signed: &SignedHead| self.signing.note(signed);
        WireHead {
            log,
            note: stored.or_else(at_its_end).as_ref().map(note).unwrap_or_default(),
            others: others.iter().filter(|signed| counts(signed)).map(note).collect(),
        }
    }

    pub(super) async fn hear_heads(&self, from: Cloud, heads: Heads) {
        self.board.figures.heard(from, heads.load.filter(|load| (0.0..=1.0).contains(load)));
        for head in heads.logs.into_iter().take(TOLD_MAX) {
            for note in std::iter::once(&head.note).chain(head.others.iter().take(3)) {
                if !note.is_empty() {
                    self.hear_note(from, head.log, note).await;
                }
            }
        }
        let mut told_at = self.told_at.lock().unwrap_or_else(PoisonError::into_inner);
        *told_at.get_mut(from) = Some(Instant::now());
    }

    /// A message that its sender signed and that does not read.
    pub(super) fn hear_nonsense(&self, from: Cloud, path: &str, body: Bytes, cause: &str) {
        self.quarantine.hold(refused::nonsense(from, path, body, cause));
    }

    pub(super) async fn answer_entries(
        &self,
        question: &EntriesQuestion,
    ) -> Result<EntriesAnswer, sqlx::Error> {
        let Some(doors) = self.doors(question.log) else { return Ok(EntriesAnswer::Nothing) };
        let range = doors.ranges.after(question.start).await?;
        Ok(range.map_or(EntriesAnswer::Nothing, EntriesAnswer::Range))
    }

    /// Serves what stands here, verified or not: whoever asks believes none of it unseen.
    pub(super) async fn answer_copy(
        &self,
        question: CopyQuestion,
    ) -> Result<CopyAnswer, sqlx::Error> {
        match question {
            CopyQuestion::Hashes { log, level, index, width } => {
                let Some(doors) = self.doors(log) else { return Ok(CopyAnswer::Nothing) };
                let (pool, path) = (doors.ranges.store.pool(), TilePath { level, index });
                let hashes = tree::tile_hashes(pool, log, path, usize::from(width)).await?;
                let bytes = |hashes: Vec<Hash>| hashes.into_iter().map(|hash| hash.0).collect();
                Ok(hashes.map_or(CopyAnswer::Nothing, |hashes| CopyAnswer::Hashes(bytes(hashes))))
            }
            CopyQuestion::Entries { log, sequences } => {
                let Some(doors) = self.doors(log) else { return Ok(CopyAnswer::Nothing) };
                let mut held = Vec::new();
                for sequence in sequences.into_iter().take(COPY_ENTRIES_MAX) {
                    // One that cannot be read here must not keep the others from whoever asks.
                    let found = doors.ranges.store.range(sequence, sequence.saturating_add(1));
                    let found = found.await.unwrap_or_default().pop();
                    held.extend(found.map(|record| (sequence, wire_entry(record))));
                }
                Ok(CopyAnswer::Entries(held))
            }
        }
    }
}
