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
mod mode;
mod replica;

pub use message::{Effect, Input, Refusal, Staged};
pub use mode::{Mode, PerSigner, Signer, UnknownMode};
pub use replica::{Replica, Standing, replicated_size};

use crate::cloud::{Cloud, PerCloud};

/// Which clouds have signed for the leaf at `sequence`.
#[must_use]
pub fn signers_of(sequence: u64, signed: &PerSigner<u64>) -> PerCloud<bool> {
    signed.clouds.map(|_: Cloud, size| *size > sequence)
}
