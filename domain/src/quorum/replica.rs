//! One cloud's view of one log: append, confirm, count signatures.

use crate::cloud::{Cloud, PerCloud};
use crate::log::{Appender, Hash, Head, Leaf, LogId, Tile};
use crate::quorum::{QUORUM, signed_by_at_least};

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
    /// Storing failed; nothing of it is durable.
    StoreFailed,
    /// `by` signed `head`, which the origin signed too.
    Signed { by: Cloud, head: Head },
    /// The answer to [`Effect::CompareRoot`]: our root at that size.
    OurRoot { by: Cloud, head: Head, ours: Hash },
}

/// What the driver must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Store this in one transaction, by conditional update on `from.size`, then answer
    /// [`Input::Stored`] or [`Input::StoreFailed`]. One range at a time.
    Store(Staged),
    /// Our signature on this head may leave the house. Also the answer to a repeat.
    Release(Head),
    /// The offer was not taken.
    Refuse(Refusal),
    /// Compute our root at `head.size`, and answer [`Input::OurRoot`].
    CompareRoot { by: Cloud, head: Head },
    /// Everything below this size is final.
    Final(u64),
    /// Everything below this size is signed by all three clouds.
    Replicated(u64),
    /// `by` and we hold different roots for one size, both signed by the origin.
    Conflict { by: Cloud, theirs: Head, ours: Hash },
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
    appender: Appender,
}

/// Why an offer was not taken.
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
}

/// The machine. `signed` holds, for each cloud, the largest size that it has signed and that we
/// have checked against our own tree.
#[derive(Clone, Debug)]
pub struct Replica {
    log: LogId,
    me: Cloud,
    appender: Appender,
    head: Head,
    staged: Option<Staged>,
    signed: PerCloud<u64>,
    /// Signed heads beyond what we hold: checked when we get there.
    ahead: PerCloud<Option<Head>>,
    final_size: u64,
    replicated_size: u64,
}

impl Replica {
    /// Continues from what is durable: the tree, and the sizes that others are known to have
    /// signed. We have signed everything that we store, and so has the origin.
    #[must_use]
    pub fn resume(log: LogId, me: Cloud, appender: Appender, known_signed: &PerCloud<u64>) -> Self {
        let head = appender.head();
        let signed = known_signed.map(|cloud, size| {
            if cloud == me || cloud == log.origin { head.size } else { (*size).min(head.size) }
        });
        Replica {
            log,
            me,
            appender,
            head,
            staged: None,
            signed,
            ahead: PerCloud::default(),
            final_size: signed_by_at_least(QUORUM, &signed),
            replicated_size: signed_by_at_least(3, &signed),
        }
    }

    #[must_use]
    pub const fn log(&self) -> LogId {
        self.log
    }

    /// What is stored.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    #[must_use]
    pub const fn final_size(&self) -> u64 {
        self.final_size
    }

    #[must_use]
    pub const fn replicated_size(&self) -> u64 {
        self.replicated_size
    }

    #[must_use]
    pub const fn signed(&self) -> &PerCloud<u64> {
        &self.signed
    }

    /// Takes one input and says what follows from it.
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Propose(leaves) => self.propose(&leaves),
            Input::Offer { start, leaves, head } => self.offer(start, &leaves, head),
            Input::Stored => self.stored(),
            Input::StoreFailed => {
                self.staged = None;
                Vec::new()
            }
            Input::Signed { by, head } => self.signed_by(by, head),
            Input::OurRoot { by, head, ours } => self.compared(by, head, ours),
        }
    }

    fn propose(&mut self, leaves: &[Leaf]) -> Vec<Effect> {
        let refusal = if self.me != self.log.origin {
            Some(Refusal::NotTheOrigin)
        } else if leaves.is_empty() {
            Some(Refusal::Empty)
        } else if self.staged.is_some() {
            Some(Refusal::Busy)
        } else {
            None
        };
        match refusal {
            Some(refusal) => vec![Effect::Refuse(refusal)],
            None => self.stage(self.extend(leaves, 0)),
        }
    }

    fn offer(&mut self, start: u64, leaves: &[Leaf], head: Head) -> Vec<Effect> {
        match self.judge(start, leaves, head) {
            Ok(Judgement::Store(staged)) => self.stage(staged),
            Ok(Judgement::Repeat) => vec![Effect::Release(self.head)],
            Ok(Judgement::Known) => {
                vec![Effect::Release(self.head), Effect::CompareRoot { by: self.log.origin, head }]
            }
            Err(refusal) => vec![Effect::Refuse(refusal)],
        }
    }

    fn judge(&self, start: u64, leaves: &[Leaf], head: Head) -> Result<Judgement, Refusal> {
        if self.me == self.log.origin {
            return Err(Refusal::NotTheOrigin);
        }
        let end = start.saturating_add(leaves.len() as u64);
        if end != head.size {
            return Err(Refusal::SizeMismatch { end, signed: head.size });
        }
        if head == self.head {
            return Ok(Judgement::Repeat);
        }
        if head.size <= self.head.size {
            return Ok(Judgement::Known);
        }
        if start > self.head.size {
            return Err(Refusal::Gap { have: self.head.size, start });
        }
        if self.staged.is_some() {
            return Err(Refusal::Busy);
        }
        // start <= our size < end, so the difference is within the slice.
        let skipped = usize::try_from(self.head.size - start).unwrap_or(usize::MAX);
        let staged = self.extend(&leaves[skipped.min(leaves.len())..], skipped);
        if staged.to.root != head.root {
            return Err(Refusal::RootMismatch { computed: staged.to.root });
        }
        Ok(Judgement::Store(staged))
    }

    fn extend(&self, leaves: &[Leaf], skipped: usize) -> Staged {
        let mut appender = self.appender.clone();
        let mut tiles = Vec::new();
        for leaf in leaves {
            appender.append(*leaf, |tile| tiles.push(tile));
        }
        Staged { from: self.head, to: appender.head(), skipped, tiles, appender }
    }

    fn stage(&mut self, staged: Staged) -> Vec<Effect> {
        self.staged = Some(staged.clone());
        vec![Effect::Store(staged)]
    }

    fn stored(&mut self) -> Vec<Effect> {
        let Some(staged) = self.staged.take() else { return Vec::new() };
        self.appender = staged.appender;
        self.head = staged.to;
        *self.signed.get_mut(self.me) = self.head.size;
        *self.signed.get_mut(self.log.origin) = self.head.size;
        let mut effects = vec![Effect::Release(self.head)];
        for cloud in Cloud::ALL {
            if let Some(head) = self.ahead.get(cloud).filter(|head| head.size <= self.head.size) {
                *self.ahead.get_mut(cloud) = None;
                effects.extend(self.signed_by(cloud, head));
            }
        }
        effects.extend(self.recount());
        effects
    }

    fn signed_by(&mut self, by: Cloud, head: Head) -> Vec<Effect> {
        if head.size > self.head.size {
            let ahead = self.ahead.get_mut(by);
            if ahead.is_none_or(|known| head.size > known.size) {
                *ahead = Some(head);
            }
            return Vec::new();
        }
        if head.size <= *self.signed.get(by) && by != self.log.origin {
            return Vec::new(); // an older signature says nothing new
        }
        if head.size == self.head.size {
            return self.compared(by, head, self.head.root);
        }
        vec![Effect::CompareRoot { by, head }]
    }

    fn compared(&mut self, by: Cloud, head: Head, ours: Hash) -> Vec<Effect> {
        if ours != head.root {
            return vec![Effect::Conflict { by, theirs: head, ours }];
        }
        let signed = self.signed.get_mut(by);
        *signed = (*signed).max(head.size.min(self.head.size));
        self.recount()
    }

    fn recount(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        let final_size = signed_by_at_least(QUORUM, &self.signed);
        if final_size > self.final_size {
            self.final_size = final_size;
            effects.push(Effect::Final(final_size));
        }
        let replicated_size = signed_by_at_least(3, &self.signed);
        if replicated_size > self.replicated_size {
            self.replicated_size = replicated_size;
            effects.push(Effect::Replicated(replicated_size));
        }
        effects
    }
}

enum Judgement {
    Store(Staged),
    /// Exactly what we hold.
    Repeat,
    /// We hold more; whether it is the same is still to be compared.
    Known,
}
