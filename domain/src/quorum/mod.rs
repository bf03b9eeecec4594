//! When is an event final? The quorum rule, as a state machine without I/O.
//!
//! One [`Replica`] is one cloud's view of one log. The driver feeds it [`Input`]s and performs
//! its [`Effect`]s; time, disk and network are the driver's. The same machine runs under tokio
//! in production and under a scripted simulator in tests.
//!
//! What it guarantees, whatever the driver delivers, drops, repeats or reorders:
//! * it asks to store a range only if the range continues the stored tree and leads to the root
//!   that the origin signed;
//! * it lets its own signature out only after the range is stored;
//! * [`Replica::final_size`] never goes back, and covers only leaves that are stored here and
//!   that two clouds have signed on one root;
//! * two roots signed for one size are reported as [`Effect::Conflict`], never papered over, and
//!   the one that is not ours is never counted.

mod heads;
mod message;
mod replica;

pub use message::{Effect, Input, Refusal, Staged};
pub use replica::Replica;

use crate::cloud::{Cloud, PerCloud};

/// How many clouds must have signed before an event is final.
pub const QUORUM: usize = 2;

/// The size up to which at least `quorum` clouds have signed, given what each has signed.
///
/// Every size a cloud has signed is a checkpoint that the origin signed too, so the n-th largest
/// size is one root under which n signatures stand.
#[must_use]
pub fn signed_by_at_least(quorum: usize, signed: &PerCloud<u64>) -> u64 {
    let mut sizes: Vec<u64> = signed.iter().map(|(_, size)| *size).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    quorum.checked_sub(1).and_then(|at| sizes.get(at)).copied().unwrap_or(0)
}

/// Which clouds have signed for the leaf at `sequence`.
#[must_use]
pub fn signers_of(sequence: u64, signed: &PerCloud<u64>) -> PerCloud<bool> {
    signed.map(|_: Cloud, size| *size > sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_largest_signed_size_is_final_and_the_smallest_is_replicated() {
        let signed = PerCloud { gcp: 9, aws: 4, azure: 7 };
        assert_eq!(signed_by_at_least(QUORUM, &signed), 7);
        assert_eq!(signed_by_at_least(3, &signed), 4);
        assert_eq!(signed_by_at_least(4, &signed), 0);
        assert_eq!(signed_by_at_least(0, &signed), 0);
        assert_eq!(signers_of(7, &signed), PerCloud { gcp: true, aws: false, azure: false });
    }
}
