//! What every part of the ledger looks at: heads, signatures, watermarks.
//!
//! One board a node. The drivers write to it, everybody else reads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::cloud::Cloud;
use domain::log::{Hash, LogId};
use domain::quorum::{Mode, PerSigner, Signer, replicated_size};
use tokio::sync::{mpsc, watch};

use super::figures::FigureBook;
use super::journal::Journal;
use super::signing::SignedHead;
use super::watermark::{LogView, Watermarks};

/// Signed heads kept in memory for each log: enough for every receipt that is asked for right
/// after finality, and for peers some seconds behind. Older ones are read from the database.
const RECENT_HEADS_MAX: usize = 1_024;

#[derive(Debug)]
pub(super) struct Board {
    me: Cloud,
    pub(super) watermarks: watch::Sender<Watermarks>,
    logs: Mutex<BTreeMap<LogId, Arc<Mutex<LogBoard>>>>,
    pub(super) journal: Journal,
    pub(super) figures: FigureBook,
    /// To the scribe, who makes signatures durable.
    pub(super) scribe: mpsc::UnboundedSender<SignedHead>,
}

#[derive(Debug, Default)]
struct LogBoard {
    /// As the driver's machine counts: signatures that it has heard, written down or not.
    counted: Option<LogView>,
    /// The largest size under which each signer's signature is written down here.
    written: PerSigner<u64>,
    /// Verified heads by size, with the signatures known under each.
    recent: BTreeMap<u64, SignedHead>,
    /// What we hold, with the origin's signature and ours.
    stored: Option<SignedHead>,
    /// The largest head that each has signed, as far as we know.
    newest: PerSigner<Option<SignedHead>>,
}

impl Board {
    pub(super) fn new(
        me: Cloud,
        marks: Watermarks,
        scribe: mpsc::UnboundedSender<SignedHead>,
    ) -> Self {
        Board {
            me,
            watermarks: watch::Sender::new(marks),
            logs: Mutex::default(),
            journal: Journal::default(),
            figures: FigureBook::default(),
            scribe,
        }
    }

    fn with<T>(&self, log: LogId, act: impl FnOnce(&mut LogBoard) -> T) -> T {
        // A panic while holding a lock leaves at worst a head unlisted.
        let board = {
            let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(logs.entry(log).or_default())
        };
        act(&mut board.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A log is opened, with what is durable of it.
    pub(super) fn open(&self, view: LogView) {
        self.with(view.log, |board| board.written = view.signed);
        self.publish(view);
    }

    /// The driver's machine has come to this. Of it is shown what is written down, so that a
    /// watermark that anybody has seen does not go back over a restart.
    pub(super) fn publish(&self, view: LogView) {
        self.with(view.log, |board| board.counted = Some(view));
        self.show(view.log);
    }

    /// These signatures are written down.
    pub(super) fn written(&self, signed: &SignedHead) {
        self.with(signed.log, |board| board.note_written(signed));
        self.show(signed.log);
    }

    fn show(&self, log: LogId) {
        self.watermarks.send_if_modified(|marks| {
            // Read in here, so that of two who show at a time the later one shows all.
            let Some(view) = self.with(log, |board| board.durable_view()) else { return false };
            let changed = marks.put(view);
            if marks.log(self.me).log == log {
                self.figures.signed(&view.signed.clouds, view.final_size);
            }
            changed
        });
    }

    /// We hold this head now, and these signatures with it.
    pub(super) fn stored(&self, signed: &SignedHead) {
        self.with(signed.log, |board| {
            board.stored = Some(signed.clone());
            board.note_written(signed);
            board.merge(signed);
        });
    }

    /// What we hold of a log, with the origin's signature and ours. `None`: nothing.
    pub(super) fn stored_head(&self, log: LogId) -> Option<SignedHead> {
        self.with(log, |board| board.stored.clone())
    }

    /// Notes signatures that were found to hold for our own tree. True if any is news.
    pub(super) fn learn(&self, signed: &SignedHead) -> bool {
        self.with(signed.log, |board| board.merge(signed))
    }

    /// The newest heads that others than the origin and ourselves have signed.
    pub(super) fn newest_of_others(&self, log: LogId, me: Cloud) -> Vec<SignedHead> {
        self.with(log, |board| {
            let others =
                Signer::ALL.into_iter().filter(|signer| *signer != me && *signer != log.origin);
            others.filter_map(|signer| board.newest.get(signer).clone()).collect()
        })
    }

    /// A recent head of that size.
    pub(super) fn recent_head(&self, log: LogId, size: u64) -> Option<SignedHead> {
        self.with(log, |board| board.recent.get(&size).cloned())
    }

    /// Our root at that size, if it is a recent checkpoint.
    pub(super) fn recent_root(&self, log: LogId, size: u64) -> Option<Hash> {
        self.with(log, |board| board.recent.get(&size).map(|signed| signed.head.root))
    }

    /// The smallest recent head above `sequence` under which enough signers stand for this mode.
    pub(super) fn recent_certificate(
        &self,
        log: LogId,
        sequence: u64,
        mode: Mode,
    ) -> Option<SignedHead> {
        self.with(log, |board| {
            let mut above = board.recent.range(sequence.saturating_add(1)..);
            above.find(|(_, signed)| signed.is_certified(mode)).map(|(_, head)| head.clone())
        })
    }

    /// The largest recent head beyond what is final that the witness's signature makes final.
    pub(super) fn newest_lacking_one(&self, view: &LogView) -> Option<SignedHead> {
        let mode = view.mode;
        let lacks_one = |signed: &&SignedHead| {
            let signers = signed.lines.keys().filter(|signer| mode.counts(**signer));
            let lacks_one = signers.count() + 1 == mode.threshold();
            lacks_one && !signed.lines.contains_key(&Signer::Witness)
        };
        self.with(view.log, |board| {
            let beyond = board.recent.range(view.final_size.saturating_add(1)..).rev();
            let mut beyond = beyond.map(|(_, signed)| signed);
            beyond.find(lacks_one).cloned()
        })
    }

    /// The largest recent head under which enough signers stand for this mode.
    pub(super) fn newest_certificate(&self, log: LogId, mode: Mode) -> Option<SignedHead> {
        self.with(log, |board| {
            let mut newest_first = board.recent.values().rev();
            newest_first.find(|signed| signed.is_certified(mode)).cloned()
        })
    }
}

impl LogBoard {
    fn note_written(&mut self, signed: &SignedHead) {
        for signer in signed.lines.keys() {
            let size = self.written.get_mut(*signer);
            *size = (*size).max(signed.head.size);
        }
    }

    /// What a restart would come to.
    fn durable_view(&self) -> Option<LogView> {
        let view = self.counted?;
        let signed = view.signed.map(|signer, size| (*size).min(*self.written.get(signer)));
        Some(LogView {
            final_size: view.mode.final_size(&signed),
            replicated_size: replicated_size(&signed),
            signed,
            ..view
        })
    }

    fn merge(&mut self, signed: &SignedHead) -> bool {
        let size = signed.head.size;
        let known = self
            .recent
            .entry(size)
            .or_insert_with(|| SignedHead { lines: BTreeMap::new(), ..signed.clone() });
        let before = known.lines.len();
        for (signer, lines) in &signed.lines {
            known.lines.entry(*signer).or_insert_with(|| lines.clone());
        }
        let (news, known) = (known.lines.len() > before, known.clone());
        for signer in signed.lines.keys() {
            let newest = self.newest.get_mut(*signer);
            if newest.as_ref().is_none_or(|head| head.head.size <= size) {
                *newest = Some(known.clone());
            }
        }
        while self.recent.len() > RECENT_HEADS_MAX {
            self.recent.pop_first();
        }
        news
    }
}
