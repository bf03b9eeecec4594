//! What survives a crash.

use domain::cloud::Cloud;
use domain::log::{Appender, Hash, Head, Leaf, LogId, empty_root};
use domain::quorum::{PerSigner, Replica, Staged, Standing};

/// One log as one cloud stores it.
#[derive(Debug)]
pub struct Disk {
    log: LogId,
    pub leaves: Vec<Leaf>,
    appender: Appender,
    /// The root at every size from 0 on.
    roots: Vec<Hash>,
    /// Heads that the origin signed, from the empty one on.
    pub checkpoints: Vec<Head>,
    pub signed: PerSigner<u64>,
    /// The final and the replicated size that were shown to the world.
    pub shown: (u64, u64),
}

impl Disk {
    pub fn new(log: LogId) -> Self {
        Disk {
            log,
            leaves: Vec::new(),
            appender: Appender::default(),
            roots: vec![empty_root()],
            checkpoints: vec![Head::empty()],
            signed: PerSigner::default(),
            shown: (0, 0),
        }
    }

    pub fn head(&self) -> Head {
        self.appender.head()
    }

    pub fn root_at(&self, size: u64) -> Option<Hash> {
        self.roots.get(usize::try_from(size).ok()?).copied()
    }

    /// One transaction: conditional on the old size, as in production.
    pub fn commit(&mut self, staged: &Staged, leaves: &[Leaf]) {
        assert_eq!(staged.from, self.head(), "{}: stored on another head", self.log);
        for leaf in &leaves[staged.skipped..] {
            self.leaves.push(*leaf);
            self.appender.append(*leaf, |_| {});
            self.roots.push(self.appender.head().root);
        }
        assert_eq!(staged.to, self.head(), "{}: the range leads elsewhere", self.log);
        self.checkpoints.push(staged.to);
    }

    pub fn resume(&self, me: Cloud) -> Replica {
        Replica::resume(self.log, me, Standing::default(), self.appender.clone(), &self.signed)
    }

    /// A range from `start` to a checkpoint at most `reach` checkpoints further, if we hold more.
    pub fn range_from(&self, start: u64, reach: usize) -> Option<(Vec<Leaf>, Head)> {
        let next = self.checkpoints.partition_point(|head| head.size <= start);
        let last = (next + reach).min(self.checkpoints.len() - 1);
        let head = *self.checkpoints.get(last).filter(|head| head.size > start)?;
        let (from, to) = (usize::try_from(start).ok()?, usize::try_from(head.size).ok()?);
        Some((self.leaves.get(from..to)?.to_vec(), head))
    }
}
