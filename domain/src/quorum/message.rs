//! What goes into the machine and what comes out of it.

use super::Signer;
use crate::log::{Appender, Hash, Head, Leaf, Tile};

/// What the driver tells the machine. Signatures are verified before they get here.
#[derive(Clone, Debug)]
pub enum Input {
    /// We are the origin: these leaves come next.
    Propose(Vec<Leaf>),
    /// Somebody sent us leaves `start..` of another cloud's log, and the head after the last of
    /// them, signed by that log's origin.
    Offer { start: u64, leaves: Vec<Leaf>, head: Head },
    /// The staged range, its head and our signature are durable.
    Stored,
    /// Surely nothing of the staged range is durable, nor ever will be. A driver that cannot know
    /// (the connection broke during COMMIT) must not say so: it reads what is stored and goes on
    /// with [`Replica::resume`](super::Replica::resume). Else an origin could fill one place
    /// twice, which is what a forger does.
    StoreFailed,
    /// `by` signed `head`, which the origin signed too.
    Signed { by: Signer, head: Head },
    /// The answer to [`Effect::CompareRoot`], however late: our root at `head.size`.
    OurRoot { by: Signer, head: Head, ours: Hash },
    /// An epoch record ends this log at that head: nothing beyond it is taken any more.
    Close(Head),
    /// There is evidence against this log: we sign no more of it.
    Freeze,
    /// This database is, or is no longer, an old copy of our own log.
    Recover(bool),
}

/// What the driver must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Store this in one transaction, by conditional update on `from.size`, then answer
    /// [`Input::Stored`] or [`Input::StoreFailed`]. One range at a time.
    Store(Staged),
    /// Our signature on this head may leave the house. Also the answer to a repeated offer.
    Release(Head),
    /// The offer or proposal was not taken.
    Refuse(Refusal),
    /// Compute our root at `head.size`, which is not beyond what we hold, and answer
    /// [`Input::OurRoot`]. If that fails, say nothing: the head will be announced again.
    CompareRoot { by: Signer, head: Head },
    /// Everything below this size is final.
    Final(u64),
    /// Everything below this size is signed by all three clouds.
    Replicated(u64),
    /// `by` stands by another root than ours for one size, and the origin signed both: evidence.
    /// That head counts for nothing. Whether to go on with the log is the driver's decision,
    /// since it must outlive a restart.
    Conflict { by: Signer, theirs: Head, ours: Hash },
}

/// A range that is to become durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    pub from: Head,
    pub to: Head,
    /// Of the offered leaves, how many we already hold.
    pub skipped: usize,
    /// Tiles that the range fills.
    pub tiles: Vec<Tile>,
    pub(super) appender: Appender,
}

/// Why an offer or proposal was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a range is being stored; offer it again after that")]
    Busy,
    #[error("the range starts at {start}, but only {have} leaves are stored here")]
    Gap { have: u64, start: u64 },
    #[error("the range ends at {end}, the signed head at {signed}")]
    SizeMismatch { end: u64, signed: u64 },
    #[error("the leaves lead to another root than the signed one")]
    RootMismatch { computed: Hash },
    #[error("only the origin proposes leaves of its log, and it takes none from others")]
    NotTheOrigin,
    #[error("a range without leaves")]
    Empty,
    #[error("the log has no places left; begin a new epoch")]
    Full,
    #[error("the log was closed with {size} leaves; the next epoch goes on")]
    Closed { size: u64 },
    #[error("there is evidence against this log: nothing more of it is signed here")]
    Frozen,
    #[error("this database is an old copy of the log: its origin takes entries back first")]
    Recovering,
}
