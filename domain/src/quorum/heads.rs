//! Heads kept in bounded memory: signed ones that we cannot check yet, and our own latest.

use std::collections::VecDeque;

use crate::log::{Hash, Head, empty_root};

/// Signed heads beyond ours that are kept for each cloud. A cloud that is ahead of us goes on
/// signing while we catch up range by range; more than a few are never needed, since heads are
/// announced again and again.
pub(super) const AHEAD_MAX: usize = 8;

/// Our own latest heads, kept to answer at once for the sizes that others sign next. At two
/// hundred batches a second this covers more than a second, some 10 KiB a log.
pub(super) const RECENT_MAX: usize = 256;

/// Heads that one cloud signed beyond what we hold, smallest first.
///
/// Keeping only the largest would not do: a cloud that is always ahead replaces it before we get
/// there, and would never be counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Ahead(Vec<Head>);

impl Ahead {
    /// Keeps `head`. When there are too many, the last but one goes: the smallest are usable
    /// soonest, and the largest covers most.
    pub(super) fn keep(&mut self, head: Head) {
        if self.0.contains(&head) {
            return;
        }
        let place = self.0.partition_point(|known| known.size <= head.size);
        self.0.insert(place, head);
        if self.0.len() > AHEAD_MAX {
            self.0.remove(AHEAD_MAX - 1);
        }
    }

    /// Takes out the heads that a tree of `size` leaves can be compared with.
    pub(super) fn reached(&mut self, size: u64) -> Vec<Head> {
        let reached = self.0.partition_point(|known| known.size <= size);
        self.0.drain(..reached).collect()
    }
}

/// Our own heads, newest last.
#[derive(Clone, Debug)]
pub(super) struct Recent(VecDeque<Head>);

impl Recent {
    pub(super) fn starting_at(head: Head) -> Self {
        Recent(VecDeque::from([head]))
    }

    pub(super) fn push(&mut self, head: Head) {
        if self.0.len() >= RECENT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(head);
    }

    /// Our root at that size, if it is still in memory.
    pub(super) fn root_at(&self, size: u64) -> Option<Hash> {
        if size == 0 {
            return Some(empty_root());
        }
        let place = self.0.binary_search_by_key(&size, |head| head.size).ok()?;
        self.0.get(place).map(|head| head.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(size: u64, root: u8) -> Head {
        Head { size, root: Hash([root; 32]) }
    }

    #[test]
    fn the_soonest_heads_and_the_largest_are_kept() {
        let mut ahead = Ahead::default();
        for size in (10..30).rev() {
            ahead.keep(head(size, 0));
        }
        ahead.keep(head(29, 0));
        let sizes: Vec<u64> = ahead.reached(u64::MAX).iter().map(|head| head.size).collect();
        assert_eq!(sizes, [10, 11, 12, 13, 14, 15, 16, 29]);
        assert!(ahead.reached(u64::MAX).is_empty());
    }

    #[test]
    fn two_roots_of_one_size_are_both_kept() {
        let mut ahead = Ahead::default();
        ahead.keep(head(5, 1));
        ahead.keep(head(5, 2));
        ahead.keep(head(5, 1));
        ahead.keep(head(6, 1));
        assert_eq!(ahead.reached(5), [head(5, 1), head(5, 2)]);
        assert_eq!(ahead.reached(6), [head(6, 1)]);
    }

    #[test]
    fn recent_roots_are_found_by_size_until_they_are_pushed_out() {
        let mut recent = Recent::starting_at(head(3, 3));
        assert_eq!(recent.root_at(0), Some(empty_root()));
        assert_eq!(recent.root_at(3), Some(Hash([3; 32])));
        assert_eq!(recent.root_at(2), None);
        for size in 0..RECENT_MAX as u64 {
            recent.push(head(2 * size + 4, 1));
        }
        assert_eq!(recent.root_at(3), None);
        assert_eq!(recent.root_at(4), Some(Hash([1; 32])));
        assert_eq!(recent.root_at(5), None);
    }
}
