//! Signatures, modelled: a signature is good if it was made, and only who holds the key makes it.

use std::collections::{BTreeMap, BTreeSet};

use domain::log::{Hash, Head, LogId};
use domain::quorum::{PerSigner, Signer};

/// A head with the names under it. Anybody can write one: see [`Notary::verified`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    pub log: LogId,
    pub head: Head,
    pub lines: PerSigner<bool>,
}

impl Note {
    pub fn new(log: LogId, head: Head, signers: &[Signer]) -> Self {
        let mut lines = PerSigner::default();
        for signer in signers {
            *lines.get_mut(*signer) = true;
        }
        Note { log, head, lines }
    }

    pub fn signers(&self) -> impl Iterator<Item = Signer> + '_ {
        self.lines.iter().filter(|(_, signed)| **signed).map(|(signer, _)| signer)
    }
}

/// Every signature that was ever made, by signer, log and size.
#[derive(Debug, Default)]
pub struct Notary {
    made: BTreeMap<(u8, LogId), BTreeMap<u64, BTreeSet<Hash>>>,
}

impl Notary {
    pub fn sign(&mut self, by: Signer, log: LogId, head: Head) {
        let sizes = self.made.entry((by.code(), log)).or_default();
        sizes.entry(head.size).or_default().insert(head.root);
    }

    pub fn has_signed(&self, by: Signer, log: LogId, head: Head) -> bool {
        let roots = self.made.get(&(by.code(), log)).and_then(|sizes| sizes.get(&head.size));
        roots.is_some_and(|roots| roots.contains(&head.root))
    }

    /// The note without its bad lines. `None` unless the origin signed it: such a note says nothing.
    pub fn verified(&self, note: &Note) -> Option<Note> {
        let lines = note.lines.map(|by, line| *line && self.has_signed(by, note.log, note.head));
        lines.clouds.get(note.log.origin).then_some(Note { lines, ..*note })
    }

    /// Every head that this key signed in that log.
    pub fn heads_by(&self, by: Signer, log: LogId) -> impl Iterator<Item = Head> + '_ {
        let sizes = self.made.get(&(by.code(), log)).into_iter().flatten();
        sizes.flat_map(|(&size, roots)| roots.iter().map(move |&root| Head { size, root }))
    }
}
