//! What survives a crash.

use std::collections::BTreeMap;

use domain::cloud::Cloud;
use domain::log::{Appender, Head, Leaf, LogId};
use domain::quorum::{Mode, PerSigner, Replica, Signer, Staged, Standing};

use super::notary::Note;
use super::tree::Tree;

/// One log as one cloud stores it.
#[derive(Clone, Debug)]
pub struct Disk {
    pub log: LogId,
    pub rows: Vec<Leaf>,
    pub tree: Tree,
    /// The tree's right edge.
    appender: Appender,
    /// Heads that the origin and this cloud signed, smallest first.
    pub notes: Vec<Note>,
    pub signed: PerSigner<u64>,
    /// The final and the replicated size that were shown to the world.
    pub shown: (u64, u64),
    /// The size at which it was frozen.
    pub frozen: Option<u64>,
    pub closing: Option<Head>,
    /// Rows that are not what was written, with what was. No cloud looks here.
    pub spoiled_rows: BTreeMap<usize, Leaf>,
    /// Inner nodes are not what was written. No cloud looks here.
    pub spoiled_tree: bool,
}

impl Disk {
    pub fn new(log: LogId) -> Self {
        Disk {
            log,
            rows: Vec::new(),
            tree: Tree::default(),
            appender: Appender::default(),
            notes: Vec::new(),
            signed: PerSigner::default(),
            shown: (0, 0),
            frozen: None,
            closing: None,
            spoiled_rows: BTreeMap::new(),
            spoiled_tree: false,
        }
    }

    pub fn head(&self) -> Head {
        self.appender.head()
    }

    /// One transaction: conditional on the old size, as in production.
    pub fn commit(&mut self, me: Cloud, staged: &Staged, leaves: &[Leaf]) {
        assert_eq!(staged.from, self.head(), "{}: stored on another head", self.log);
        for leaf in &leaves[staged.skipped..] {
            self.rows.push(*leaf);
            self.tree.append(*leaf);
            self.appender.append(*leaf, |_| {});
        }
        assert_eq!(staged.to, self.head(), "{}: the range leads elsewhere", self.log);
        self.notes.push(Note::new(self.log, staged.to, &[self.log.origin.into(), me.into()]));
    }

    pub fn resume(&self, me: Cloud, mode: Mode, recovering: bool) -> Replica {
        let (closing, frozen) = (self.closing, self.frozen.is_some());
        let standing = Standing { mode, closing, frozen, recovering };
        Replica::resume(self.log, me, standing, self.appender.clone(), &self.signed)
    }

    /// What is stored and signed last.
    pub fn note(&self, me: Cloud) -> Note {
        let signers: [Signer; 2] = [self.log.origin.into(), me.into()];
        self.notes.last().copied().unwrap_or(Note::new(self.log, Head::empty(), &signers))
    }

    /// A range from `start` to a note at most `reach` notes further, if we hold more.
    pub fn range_from(&self, start: u64, reach: usize) -> Option<(Vec<Leaf>, Note)> {
        let next = self.notes.partition_point(|note| note.head.size <= start);
        let last = (next + reach).min(self.notes.len().checked_sub(1)?);
        let note = *self.notes.get(last).filter(|note| note.head.size > start)?;
        let (from, to) = (usize::try_from(start).ok()?, usize::try_from(note.head.size).ok()?);
        Some((self.rows.get(from..to)?.to_vec(), note))
    }

    /// What was written at that place, whatever stands there now.
    pub fn written(&self, at: usize) -> Option<Leaf> {
        self.spoiled_rows.get(&at).or_else(|| self.rows.get(at)).copied()
    }
}
