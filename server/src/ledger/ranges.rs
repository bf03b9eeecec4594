//! Ranges of a log under a signed checkpoint: what peers are sent, whether they are pushed to or
//! ask, and what is made of a range that arrives.

use std::sync::Arc;

use domain::cloud::Cloud;
use domain::event::Envelope;
use domain::log::LogId;

use super::board::Board;
use super::entry::{BrokenRule, WireEntry};
use super::read::Record;
use super::signing::{SignedHead, Signing};
use super::store::Store;
use super::wire::{RANGE_ENTRIES_MAX, RANGE_PAYLOAD_BYTES_MAX, WireRange};

/// Makes ranges of one log.
#[derive(Clone, Debug)]
pub(super) struct Ranges {
    pub(super) me: Cloud,
    pub(super) log: LogId,
    pub(super) store: Store,
    pub(super) signing: Arc<Signing>,
    pub(super) board: Arc<Board>,
}

impl Ranges {
    /// The next range after the first `start` entries. `None`: we hold nothing beyond, or `start`
    /// is within a batch, where nobody honest stops.
    pub(super) async fn after(&self, start: u64) -> Result<Option<WireRange>, sqlx::Error> {
        if self.log.origin == self.me
            && let Some(range) = self.recent(start)
        {
            return Ok(Some(range));
        }
        self.stored(start).await
    }

    fn recent(&self, start: u64) -> Option<WireRange> {
        let batches = self.board.journal.from(start, RANGE_ENTRIES_MAX, RANGE_PAYLOAD_BYTES_MAX);
        let signed = &batches.last()?.signed;
        if signed.log != self.log {
            return None; // the journal goes with the log that is open
        }
        let entries =
            batches.iter().flat_map(|batch| batch.entries.iter().map(WireEntry::of)).collect();
        Some(self.range(start, entries, signed))
    }

    async fn stored(&self, start: u64) -> Result<Option<WireRange>, sqlx::Error> {
        let cut = self.store.cut_after(start, RANGE_ENTRIES_MAX, RANGE_PAYLOAD_BYTES_MAX).await?;
        // The next batch goes whole, however large: intake bounds it.
        let Some(cut) = cut else { return Ok(None) };
        let records = self.store.range(start, cut.head.size).await?;
        if (records.len() as u64) < cut.head.size - start {
            tracing::error!(log = %self.log, start, "rows of the log are missing");
            return Ok(None);
        }
        let entries = records.into_iter().map(wire_entry).collect();
        Ok(Some(self.range(start, entries, &cut)))
    }

    fn range(&self, start: u64, entries: Vec<WireEntry>, signed: &SignedHead) -> WireRange {
        let others = self.board.newest_of_others(self.log, self.me);
        WireRange {
            log: self.log,
            start,
            entries,
            note: self.signing.note(signed),
            others: others.iter().map(|head| self.signing.note(head)).collect(),
        }
    }
}

/// A stored entry in the form in which clouds send it to each other.
pub(super) fn wire_entry(record: Record) -> WireEntry {
    WireEntry::of(&Envelope::received(record.event, record.signature))
}

/// Entries of a range, with the log rules that one entry can break checked.
pub(super) fn read_entries(
    origin: Cloud,
    entries: Vec<WireEntry>,
) -> Result<Vec<Envelope>, BrokenRule> {
    entries.into_iter().enumerate().map(|(at, entry)| entry.read(origin, at)).collect()
}
