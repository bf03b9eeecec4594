//! How far each log is final, as this node has verified it.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::cloud::{Cloud, PerCloud};
use domain::event::Slot;
use domain::finality::{Finality, Signed};
use domain::log::{Head, LogId};
use domain::quorum::{Mode, PerSigner, Standing, signers_of};

/// One log as this node holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogView {
    pub log: LogId,
    pub mode: Mode,
    /// What is stored and verified here.
    pub head: Head,
    /// Every entry below this is FINAL, but for disputed ones.
    pub final_size: u64,
    /// Every entry below this is signed by all three clouds.
    pub replicated_size: u64,
    /// The largest size that each has signed, checked against our own tree.
    pub signed: PerSigner<u64>,
    /// Leaves that the same cloud's earlier logs have together.
    pub before: u64,
    /// Where an epoch record has ended it.
    pub closing: Option<Head>,
    /// There is evidence against it: nothing more of it is signed here.
    pub frozen: bool,
    /// Entries that were made final on two branches: held without effect.
    pub disputed: Option<(u64, u64)>,
    /// It is our own, and this database an old copy of it.
    pub recovering: bool,
}

impl LogView {
    /// Of a log that nothing is known of yet.
    #[must_use]
    pub fn empty(log: LogId) -> Self {
        LogView {
            log,
            mode: Mode::default(),
            head: Head::empty(),
            final_size: 0,
            replicated_size: 0,
            signed: PerSigner::default(),
            before: 0,
            closing: None,
            frozen: false,
            disputed: None,
            recovering: false,
        }
    }

    #[must_use]
    pub fn is_disputed(&self, sequence: u64) -> bool {
        self.disputed.is_some_and(|(from, to)| (from..to).contains(&sequence))
    }

    /// Does its origin take entries of it from others? See [`Standing::takes_back`].
    #[must_use]
    pub const fn takes_back(&self) -> bool {
        let LogView { mode, closing, frozen, recovering, .. } = *self;
        Standing { mode, closing, frozen, recovering }.takes_back(self.head.size)
    }

    /// Nothing more can come: it is closed, and all clouds have signed for all of it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.closing.is_some_and(|closing| self.replicated_size >= closing.size)
    }

    /// Entries stored here that may still become final: beyond a closing nothing does.
    #[must_use]
    pub fn pending(&self) -> u64 {
        let end = self.closing.map_or(self.head.size, |closing| closing.size.min(self.head.size));
        end.saturating_sub(self.final_size)
    }
}

/// All logs: those in which clouds record now, and those of epochs that have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermarks {
    current: PerCloud<LogView>,
    earlier: Arc<BTreeMap<LogId, LogView>>,
}

impl Watermarks {
    #[must_use]
    pub fn new(current: PerCloud<LogView>, earlier: BTreeMap<LogId, LogView>) -> Self {
        Watermarks { current, earlier: Arc::new(earlier) }
    }

    /// The log in which that cloud records now.
    #[must_use]
    pub const fn log(&self, origin: Cloud) -> &LogView {
        self.current.get(origin)
    }

    /// The logs in which clouds record now.
    #[must_use]
    pub const fn current(&self) -> &PerCloud<LogView> {
        &self.current
    }

    /// Every log, those of ended epochs first.
    pub fn views(&self) -> impl Iterator<Item = &LogView> {
        self.earlier.values().chain(self.current.iter().map(|(_, view)| view))
    }

    #[must_use]
    pub fn view(&self, log: LogId) -> Option<&LogView> {
        let current = self.log(log.origin);
        if current.log == log { Some(current) } else { self.earlier.get(&log) }
    }

    /// Takes a view in; one of a newer epoch takes the place of the current one. True if anything
    /// changed.
    pub(super) fn put(&mut self, view: LogView) -> bool {
        let current = self.current.get_mut(view.log.origin);
        if view.log.epoch > current.log.epoch {
            let ended = std::mem::replace(current, view);
            Arc::make_mut(&mut self.earlier).insert(ended.log, ended);
            return true;
        }
        if view.log == current.log {
            return std::mem::replace(current, view) != view;
        }
        if self.earlier.get(&view.log) == Some(&view) {
            return false;
        }
        Arc::make_mut(&mut self.earlier).insert(view.log, view);
        true
    }

    fn of(&self, slot: Slot) -> Option<&LogView> {
        self.view(LogId { origin: slot.origin, epoch: slot.epoch })
    }

    /// Whose signatures cover the slot.
    #[must_use]
    pub fn signed(&self, slot: Slot) -> Signed {
        let signed = self.of(slot).map(|view| signers_of(slot.sequence, &view.signed));
        signed.unwrap_or_else(|| Signed::only(slot.origin))
    }

    #[must_use]
    pub fn is_final(&self, slot: Slot) -> bool {
        self.of(slot).is_some_and(|view| slot.sequence < view.final_size)
    }

    /// FINAL, PENDING or DISPUTED: what signatures alone say.
    #[must_use]
    pub fn finality(&self, slot: Slot) -> Finality {
        match self.of(slot) {
            Some(view) if view.is_disputed(slot.sequence) => Finality::Disputed,
            Some(view) if slot.sequence < view.final_size => Finality::Final,
            _ => Finality::Pending,
        }
    }

    /// Entries stored here that are not final yet.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.views().map(LogView::pending).sum()
    }

    /// Entries stored here.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.current.iter().map(|(_, view)| view.before + view.head.size).sum()
    }

    /// Final entries of all logs.
    #[must_use]
    pub fn finals(&self) -> u64 {
        self.final_vector().iter().map(|(_, size)| *size).sum()
    }

    /// `12.4.9`: how many final entries each cloud's logs have together, in the clouds' fixed
    /// order; the id of a stream message.
    #[must_use]
    pub fn final_vector(&self) -> PerCloud<u64> {
        self.current.map(|_, view| view.before + view.final_size)
    }

    /// The marks as they were when the final entries were these; `None` if they cannot have been,
    /// or it was in an epoch that has ended since.
    #[must_use]
    pub fn rewound(&self, heard: &PerCloud<u64>) -> Option<Watermarks> {
        let mut before = self.clone();
        for cloud in Cloud::ALL {
            let view = before.current.get_mut(cloud);
            let final_size = heard.get(cloud).checked_sub(view.before)?;
            if final_size > view.final_size {
                return None;
            }
            view.final_size = final_size;
            // What was stored then is not known: what is not final now is told again.
            view.head.size = final_size;
        }
        Some(before)
    }
}
