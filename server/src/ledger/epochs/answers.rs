//! What the others answer while a new epoch of ours waits, and that something has changed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::cloud::{Cloud, PerCloud};

/// What a peer last said when it was asked to approve our new epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerWord {
    Approves,
    /// Something is missing, such as the word of one of its people.
    Waits(String),
    Refuses(String),
    /// It cannot be reached.
    Silent(String),
}

/// For whoever watches: nothing here decides anything.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Answers {
    words: Mutex<PerCloud<Option<PeerWord>>>,
    changes: AtomicU64,
}

impl Answers {
    /// Is it another word than before?
    pub(super) fn note(&self, peer: Cloud, word: PeerWord) -> bool {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let news = words.get(peer).as_ref() != Some(&word);
        if news {
            *words.get_mut(peer) = Some(word);
            self.changed();
        }
        news
    }

    /// There is nothing more to ask.
    pub(super) fn clear(&self) {
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) = PerCloud::default();
        self.changed();
    }

    pub(in crate::ledger) fn all(&self) -> PerCloud<Option<PeerWord>> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Another number: something about epochs is otherwise than before.
    pub(in crate::ledger) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }
}
