//! What becomes of one hash on its way to a publisher: a state machine without I/O.
//!
//! ```text
//! queued ─► submitted ─► in block ─► final          Make → (stored) → Claim → (stored) → Send → Look …
//!    ▲          ▲  │         │
//!    │          │  └◄────────┘ reorganised
//!    └──────────┴── displaced: another transaction took the nonce or the inputs
//! failed (reason, due again) ◄─► any of them but final
//! ```
//! [`Anchor::next`] says what to do, [`Anchor::apply`] takes in what came of it. Whoever drives it
//! stores the anchor after every `apply` and before the next act. From that order follows what must
//! hold whatever crashes: a transaction that was sent is stored, so what is sent after a crash is
//! the same bytes. Time is an argument.
//!
//! All transactions of one anchor compete for one nonce or one set of inputs, so that one of them
//! counts at most. Only when a stranger's transaction has taken that place for good is a new place
//! taken.

mod apply;
mod next;
mod proven;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::anchor::ethereum::HexBytes;
use crate::clock::Timestamp;

pub use proven::{Proven, Unproven};

/// Raising a fee more often than this does not help. Each costs a decision of the clouds.
pub const ATTEMPTS_MAX: usize = 16;
/// What happened longest ago is forgotten beyond this; each is a line.
pub const TRACE_MAX: usize = 100;
/// First pause after a call that came to nothing; it doubles …
pub const PAUSE_MS_MIN: i64 = 5_000;
/// … up to this: a node that is back is noticed within ten minutes.
pub const PAUSE_MS_MAX: i64 = 600_000;
/// Most characters of a reason. Nodes send pages.
pub const REASON_CHARS_MAX: usize = 400;

/// What a publisher asks for. Times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Blocks that must stand on the transaction, its own counted, before it is called final.
    pub confirmations: u64,
    /// Between looks.
    pub look_every_ms: i64,
    /// A transaction that waits for longer is offered a higher fee. `None`: there is no fee.
    pub raise_after_ms: Option<i64>,
    /// Whatever waits for longer is told as failed, and looked for all the same.
    pub late_after_ms: i64,
    /// After a refusal that only people can remedy.
    pub retry_ms: i64,
    /// Must the clouds choose one transaction before it is sent?
    pub is_claimed: bool,
}

/// A transaction that was signed, or a request that was made, and is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attempt {
    /// From 1, over the life of the anchor.
    pub number: u64,
    /// As others call it: a transaction's id.
    pub name: String,
    /// Sent again as they are, whatever happens.
    #[serde(with = "hex::serde")]
    pub bytes: Vec<u8>,
    /// The most that it can cost, in the chain's smallest unit (wei, satoshi).
    pub cost_max: u64,
    pub made_at: Timestamp,
}

/// Where a hash stands: in a block, or under an authority's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The block's hash, or the stamp's serial number, as others show it.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// The block's or the authority's time.
    pub time: Timestamp,
    /// Of a block of Bitcoin: its header, so that whoever has no node can follow the proof to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HexBytes>,
}

/// Why nothing is sent. Each is for people to remedy, and tried again in case they have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    pub kind: RefusalKind,
    pub words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RefusalKind {
    /// The node is on another chain than the configuration says.
    WrongChain,
    InsufficientFunds,
    /// The month's limit is reached.
    SpendingLimit,
    /// The network asks for more than the configuration allows.
    FeeTooHigh,
    /// Everything but sending was done.
    DryRun,
    /// The publisher took long enough to be told.
    Late,
    /// The publisher answers what does not hold.
    Unproven,
    /// The node refuses the transaction, the authority the request.
    Refused,
    /// Too many attempts.
    Exhausted,
}

impl Refusal {
    #[must_use]
    pub fn new(kind: RefusalKind, words: impl fmt::Display) -> Self {
        Refusal { kind, words: short(words) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.words)
    }
}

fn short(words: impl fmt::Display) -> String {
    words.to_string().chars().take(REASON_CHARS_MAX).collect()
}

/// How far an anchor is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "stage")]
pub enum Stage {
    /// Nothing was sent yet.
    Queued,
    /// Sent, and in no block; or promised by calendars.
    Submitted,
    /// Read back from a block and compared; blocks above it are still few.
    InBlock { place: Place, confirmations: u64 },
    /// Read back, compared, and as deep as the rules ask.
    Final { place: Place },
    /// Told to people; tried again when due.
    Failed { refusal: Refusal },
}

impl Stage {
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Stage::Queued => "queued",
            Stage::Submitted => "submitted",
            Stage::InBlock { .. } => "inBlock",
            Stage::Final { .. } => "final",
            Stage::Failed { .. } => "failed",
        }
    }
}

/// The publisher does not answer: nobody's fault yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    pub words: String,
    pub since: Timestamp,
    pub times: u32,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    pub at: Timestamp,
    pub what: String,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act<'a> {
    /// Nothing before that time.
    Wait(Timestamp),
    /// Sign a transaction, or make a request, and send nothing. When it raises, it is for the place
    /// of the attempts so far, at a higher fee.
    Make { number: u64, raising: bool },
    /// See whether another cloud has published it. This one may not.
    Learn,
    /// Have the clouds choose this attempt, or learn which one they chose.
    Claim(&'a Attempt),
    /// Hand it over. It may have been handed over before.
    Send(&'a Attempt),
    /// Read the chain.
    Look,
    /// It is final.
    Nothing,
}

/// What came of an act.
#[derive(Clone, Debug)]
pub enum Outcome {
    Made(Attempt),
    /// A higher fee is not worth it, or not allowed; what was sent may still be taken.
    NotRaised(String),
    /// Attempts that the clouds chose, in order. Empty: none is known.
    Learnt(Vec<Attempt>),
    /// Handed over; with what came back, if that is part of the proof.
    Sent(Option<Vec<u8>>),
    Seen(Sighting),
    /// No answer, or none that can be read.
    Away(String),
    Refused(Refusal),
}

/// What is found of the attempts of one anchor.
#[derive(Clone, Debug)]
pub enum Sighting {
    /// The node does not know the newest one: it was dropped, or never arrived.
    Missing,
    /// It waits for a block.
    Waiting,
    /// Calendars gave more of the proof; its end is still missing.
    Grown(Vec<u8>),
    /// None of them can be taken any more: the nonce or an input went to another transaction.
    /// `for_good`: as deep as the rules ask.
    Displaced { by: String, for_good: bool },
    /// In a block, compared, with so many blocks from it to the tip.
    Included { attempt: String, proven: Proven, confirmations: u64, cost: Option<u64> },
}

/// One hash on its way to one publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Anchor {
    stage: Stage,
    /// Oldest first. They are never forgotten: any may turn up in a block.
    attempts: Vec<Attempt>,
    /// The newest was chosen by the clouds.
    claimed: bool,
    /// The newest was handed over and has not been missed since.
    sent: bool,
    /// Attempts up to this number lost their place to a stranger's transaction for good.
    displaced: u64,
    /// What the publisher gave back so far.
    #[serde(with = "hex::serde")]
    receipt: Vec<u8>,
    /// Nothing is done before.
    due_at: Timestamp,
    /// Since when it waits to be taken.
    waiting_since: Option<Timestamp>,
    /// When a higher fee is thought of next.
    raise_at: Option<Timestamp>,
    /// It was due, and the last look found the transaction waiting still.
    raises: bool,
    trouble: Option<Trouble>,
    #[serde(with = "hex::serde")]
    proof: Vec<u8>,
    /// What it cost, once it is in a block.
    cost: Option<u64>,
    trace: Vec<Mark>,
    /// How often something happened that people are told: final, or failed for a new reason.
    told: u32,
}

impl Anchor {
    #[must_use]
    pub fn queued(now: Timestamp) -> Self {
        Anchor {
            stage: Stage::Queued,
            attempts: Vec::new(),
            claimed: false,
            sent: false,
            displaced: 0,
            receipt: Vec::new(),
            due_at: now,
            waiting_since: None,
            raise_at: None,
            raises: false,
            trouble: None,
            proof: Vec::new(),
            cost: None,
            trace: vec![Mark { at: now, what: "queued".to_owned() }],
            told: 0,
        }
    }

    #[must_use]
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self.stage, Stage::Final { .. })
    }

    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Those whose place is not lost for good.
    #[must_use]
    pub fn open_attempts(&self) -> &[Attempt] {
        let lost = self.attempts.iter().take_while(|one| one.number <= self.displaced).count();
        &self.attempts[lost..]
    }

    /// What the publisher gave back so far.
    #[must_use]
    pub fn receipt(&self) -> Option<&[u8]> {
        Some(self.receipt.as_slice()).filter(|receipt| !receipt.is_empty())
    }

    /// The proof as it was read back; `None` before it is in a block.
    #[must_use]
    pub fn proof(&self) -> Option<&[u8]> {
        Some(self.proof.as_slice()).filter(|proof| !proof.is_empty())
    }

    /// Paid, or else the most that may come to be paid: what counts against a limit.
    #[must_use]
    pub fn cost(&self) -> u64 {
        let most = || self.attempts.iter().map(|attempt| attempt.cost_max).max().unwrap_or(0);
        self.cost.unwrap_or_else(most)
    }

    #[must_use]
    pub const fn due_at(&self) -> Timestamp {
        self.due_at
    }

    #[must_use]
    pub const fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    #[must_use]
    pub fn trace(&self) -> &[Mark] {
        &self.trace
    }

    /// Counts what people are told.
    #[must_use]
    pub const fn told(&self) -> u32 {
        self.told
    }

    /// Somebody asks for it now: whatever was waited for is over.
    pub fn hurry(&mut self, now: Timestamp) {
        self.due_at = self.due_at.min(now);
    }
}
