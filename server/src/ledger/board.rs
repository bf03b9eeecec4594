//! What every part of the ledger looks at: heads, signatures, watermarks.
//!
//! One board a node. The drivers write to it, everybody else reads.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use domain::cloud::{CLOUD_COUNT, Cloud, PerCloud};
use domain::log::{Hash, LogId};
use domain::quorum::{QUORUM, signed_by_at_least};
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
    logs: PerCloud<Mutex<LogBoard>>,
    pub(super) journal: Journal,
    pub(super) figures: FigureBook,
    /// To the scribe, who makes signatures durable.
    pub(super) scribe: mpsc::UnboundedSender<SignedHead>,
}

#[derive(Debug, Default)]
struct LogBoard {
    /// As the driver's machine counts: signatures that it has heard, written down or not.
    counted: Option<LogView>,
    /// For each cloud, the largest size under which its signature is written down here.
    written: PerCloud<u64>,
    /// Verified heads by size, with the signatures known under each.
    recent: BTreeMap<u64, SignedHead>,
    /// What we hold, with the origin's signature and ours.
    stored: Option<SignedHead>,
    /// The largest head that each cloud has signed, as far as we know.
    newest: PerCloud<Option<SignedHead>>,
}

impl Board {
    /// With what is durable of each log.
    pub(super) fn new(
        me: Cloud,
        views: PerCloud<LogView>,
        scribe: mpsc::UnboundedSender<SignedHead>,
    ) -> Self {
        let logs = views
            .map(|_, view| Mutex::new(LogBoard { written: view.signed, ..LogBoard::default() }));
        Board {
            me,
            watermarks: watch::Sender::new(Watermarks(views)),
            logs,
            journal: Journal::default(),
            figures: FigureBook::default(),
            scribe,
        }
    }

    fn with<T>(&self, log: LogId, act: impl FnOnce(&mut LogBoard) -> T) -> T {
        // A panic while holding the lock leaves at worst a head unlisted.
        act(&mut self.logs.get(log.origin).lock().unwrap_or_else(PoisonError::into_inner))
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
            if log.origin == self.me {
                self.figures.signed(&view.signed, view.final_size);
            }
            let known = marks.0.get_mut(log.origin);
            let changed = *known != view;
            *known = view;
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

    /// The newest heads that clouds other than the origin and ourselves have signed.
    pub(super) fn newest_of_others(&self, log: LogId, me: Cloud) -> Vec<SignedHead> {
        self.with(log, |board| {
            let others =
                Cloud::ALL.into_iter().filter(|cloud| *cloud != me && *cloud != log.origin);
            others.filter_map(|cloud| board.newest.get(cloud).clone()).collect()
        })
    }

    /// Our root at that size, if it is a recent checkpoint.
    pub(super) fn recent_root(&self, log: LogId, size: u64) -> Option<Hash> {
        self.with(log, |board| board.recent.get(&size).map(|signed| signed.head.root))
    }

    /// The smallest recent head above `sequence` under which at least `signers` clouds stand.
    pub(super) fn recent_certificate(
        &self,
        log: LogId,
        sequence: u64,
        signers: usize,
    ) -> Option<SignedHead> {
        self.with(log, |board| {
            let mut above = board.recent.range(sequence.saturating_add(1)..);
            above.find(|(_, signed)| signed.lines.len() >= signers).map(|(_, head)| head.clone())
        })
    }

    /// The largest recent head under which at least `signers` clouds stand.
    pub(super) fn newest_certificate(&self, log: LogId, signers: usize) -> Option<SignedHead> {
        self.with(log, |board| {
            let mut newest_first = board.recent.values().rev();
            newest_first.find(|signed| signed.lines.len() >= signers).cloned()
        })
    }
}

impl LogBoard {
    fn note_written(&mut self, signed: &SignedHead) {
        for cloud in signed.lines.keys() {
            let size = self.written.get_mut(*cloud);
            *size = (*size).max(signed.head.size);
        }
    }

    /// What a restart would come to.
    fn durable_view(&self) -> Option<LogView> {
        let view = self.counted?;
        let signed = view.signed.map(|cloud, size| (*size).min(*self.written.get(cloud)));
        Some(LogView {
            final_size: signed_by_at_least(QUORUM, &signed),
            replicated_size: signed_by_at_least(CLOUD_COUNT, &signed),
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
        for (cloud, lines) in &signed.lines {
            known.lines.entry(*cloud).or_insert_with(|| lines.clone());
        }
        let (news, known) = (known.lines.len() > before, known.clone());
        for cloud in signed.lines.keys() {
            let newest = self.newest.get_mut(*cloud);
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
