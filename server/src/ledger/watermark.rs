//! How far each log is final, as this node has verified it.

use domain::cloud::{Cloud, PerCloud};
use domain::event::Slot;
use domain::finality::{Finality, Signed};
use domain::log::{Head, LogId};
use domain::quorum::signers_of;

/// One log as this node holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogView {
    pub log: LogId,
    /// What is stored and verified here.
    pub head: Head,
    /// Every entry below this is FINAL.
    pub final_size: u64,
    /// Every entry below this is signed by all three clouds.
    pub replicated_size: u64,
    /// The largest size that each cloud has signed, checked against our own tree.
    pub signed: PerCloud<u64>,
}

/// All three logs of the current epochs, by origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks(pub PerCloud<LogView>);

impl Watermarks {
    #[must_use]
    pub const fn log(&self, origin: Cloud) -> &LogView {
        self.0.get(origin)
    }

    /// The log of the slot, if it is one of the current epochs: nothing is claimed about others.
    fn current(&self, slot: Slot) -> Option<&LogView> {
        let view = self.log(slot.origin);
        (view.log.epoch == slot.epoch).then_some(view)
    }

    /// Whose signatures cover the slot.
    #[must_use]
    pub fn signed(&self, slot: Slot) -> Signed {
        let signed = self.current(slot).map(|view| signers_of(slot.sequence, &view.signed));
        signed.unwrap_or_else(|| Signed::only(slot.origin))
    }

    #[must_use]
    pub fn is_final(&self, slot: Slot) -> bool {
        self.current(slot).is_some_and(|view| slot.sequence < view.final_size)
    }

    /// FINAL or PENDING: what signatures alone say.
    #[must_use]
    pub fn finality(&self, slot: Slot) -> Finality {
        if self.is_final(slot) { Finality::Final } else { Finality::Pending }
    }

    /// Entries stored here that are not final yet.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.0.iter().map(|(_, view)| view.head.size.saturating_sub(view.final_size)).sum()
    }

    /// Entries stored here.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.0.iter().map(|(_, view)| view.head.size).sum()
    }

    /// `12.4.9`: the final sizes in the clouds' fixed order; the id of a stream message.
    #[must_use]
    pub fn final_vector(&self) -> PerCloud<u64> {
        self.0.map(|_, view| view.final_size)
    }
}
