//! The last batches of our own log, in memory: what peers that keep up are sent, without a read
//! from the database.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use domain::event::Envelope;

use super::signing::SignedHead;

/// Memory kept. A peer further behind is served from the database.
const JOURNAL_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What an entry takes beside its payload: fields, hash, signature, allocations.
const ENTRY_OVERHEAD_BYTES: usize = 512;

/// One stored batch, with the head after it.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) start: u64,
    pub(super) entries: Arc<Vec<Envelope>>,
    pub(super) signed: SignedHead,
    bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Journal(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    batches: VecDeque<Batch>,
    bytes: usize,
}

impl Journal {
    pub(super) fn push(&self, start: u64, entries: Arc<Vec<Envelope>>, signed: SignedHead) {
        let size = |entry: &Envelope| entry.event().payload.bytes().len() + ENTRY_OVERHEAD_BYTES;
        let bytes = entries.iter().map(size).sum();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += bytes;
        kept.batches.push_back(Batch { start, entries, signed, bytes });
        while kept.bytes > JOURNAL_BYTES_MAX && kept.batches.len() > 1 {
            let dropped = kept.batches.pop_front().map_or(0, |batch| batch.bytes);
            kept.bytes -= dropped;
        }
    }

    /// A new log begins: what the last one held is in the database.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }

    /// The batches from `start` on, as many as fit. Empty if the journal does not reach back.
    pub(super) fn from(&self, start: u64, entries_max: usize, bytes_max: usize) -> Vec<Batch> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(first) = kept.batches.binary_search_by_key(&start, |batch| batch.start) else {
            return Vec::new();
        };
        let (mut entries, mut bytes) = (0, 0);
        let fits = |batch: &&Batch| {
            let first = entries == 0;
            entries += batch.entries.len();
            bytes += batch.bytes;
            first || (entries <= entries_max && bytes <= bytes_max)
        };
        kept.batches.range(first..).take_while(fits).cloned().collect()
    }
}
