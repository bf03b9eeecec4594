//! What clouds say to each other.

use domain::clock::LogicalClock;
use domain::log::{Head, Leaf, LogId};

use super::evidence::Evidence;
use super::notary::Note;

#[derive(Clone, Debug)]
pub enum Message {
    /// Leaves `start..` of a log, up to the note's head.
    Offer {
        start: u64,
        leaves: Vec<Leaf>,
        note: Note,
    },
    /// The sender's own head, with its line, or what somebody else signed.
    Signed(Note),
    /// The sender holds so many leaves, and asks for more.
    Lacks {
        log: LogId,
        size: u64,
    },
    /// The sender has just come up: what do you hold of its log? The answer repeats the number.
    Ask {
        round: u64,
    },
    Told {
        round: u64,
        log: LogId,
        size: u64,
    },
    /// A record that waits for approvals.
    Approve(Record),
    Approved(Record),
    /// Records that hold.
    Records(Vec<Record>),
    Evidence(Evidence),
}

/// What one cloud sends another, with its clock.
#[derive(Clone, Debug)]
pub struct Letter {
    pub clock: LogicalClock,
    pub message: Message,
}

/// An epoch record: ends the log before `begins` at `closing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub begins: LogId,
    pub closing: Head,
}

impl Record {
    pub const fn ends(&self) -> LogId {
        LogId { epoch: self.begins.epoch - 1, ..self.begins }
    }
}
