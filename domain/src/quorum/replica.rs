//! One cloud's view of one log: append, confirm, count signatures.

use crate::cloud::Cloud;
use crate::log::{Appender, Hash, Head, Leaf, LogId};
use crate::quorum::heads::{Ahead, Recent};
use crate::quorum::message::{Effect, Input, Refusal, Staged};
use crate::quorum::{Mode, PerSigner, Signer};

/// Offers of what we hold already, waiting for our root to be computed. The oldest goes
/// unanswered beyond that, and will be made again.
const UNANSWERED_MAX: usize = 16;

/// What is known of a log from outside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub mode: Mode,
    /// Where an epoch record has ended it.
    pub closing: Option<Head>,
    /// There is evidence against it.
    pub frozen: bool,
    /// It is our own log, and this database an old copy of it: it is taken back from the peers,
    /// and nothing is proposed.
    pub recovering: bool,
}

impl Standing {
    /// Does the log's origin take entries of its own log from others? So it does while it takes an
    /// old copy back, also after a record has ended the log: up to where that says it ends.
    #[must_use]
    pub const fn takes_back(&self, size: u64) -> bool {
        match self.closing {
            Some(closing) => size < closing.size,
            None => self.recovering,
        }
    }
}

/// The machine. `signed` holds, for each signer, the largest size that it has signed and that we
/// have checked against our own tree.
#[derive(Clone, Debug)]
pub struct Replica {
    log: LogId,
    me: Cloud,
    appender: Appender,
    head: Head,
    recent: Recent,
    standing: Standing,
    staged: Option<Staged>,
    signed: PerSigner<u64>,
    /// Signed heads beyond what we hold: checked when we get there.
    ahead: PerSigner<Ahead>,
    /// The head of each signer that was compared last, so that its repeats cost nothing.
    compared: PerSigner<Option<Compared>>,
    /// Offered heads that are answered when they have been compared.
    unanswered: Vec<Head>,
    final_size: u64,
    replicated_size: u64,
}

impl Replica {
    /// Continues from what is durable: the tree, and for each other signer the largest size that
    /// it has signed and that was compared with ours ([`Replica::signed`] as last stored).
    ///
    /// We have signed everything that we store, and so has the origin: we store only up to heads
    /// that it signed. A size beyond our tree cannot have been compared, so it counts for nothing.
    #[must_use]
    pub fn resume(
        log: LogId,
        me: Cloud,
        standing: Standing,
        appender: Appender,
        known_signed: &PerSigner<u64>,
    ) -> Self {
        let head = appender.head();
        let signed = known_signed.map(|signer, &size| {
            if signer == me || signer == log.origin {
                head.size
            } else if size <= head.size {
                size
            } else {
                0
            }
        });
        Replica {
            log,
            me,
            appender,
            head,
            recent: Recent::starting_at(head),
            standing,
            staged: None,
            final_size: standing.mode.final_size(&signed),
            replicated_size: replicated_size(&signed),
            signed,
            ahead: PerSigner::default(),
            compared: PerSigner::default(),
            unanswered: Vec::new(),
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

    /// Everything below is final. Never goes back.
    #[must_use]
    pub const fn final_size(&self) -> u64 {
        self.final_size
    }

    /// Everything below is signed by all three clouds. Never goes back.
    #[must_use]
    pub const fn replicated_size(&self) -> u64 {
        self.replicated_size
    }

    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The largest size that each has signed and that we have compared with our tree. Store it
    /// before showing what is final, so that finality does not go back over a restart.
    #[must_use]
    pub const fn signed(&self) -> &PerSigner<u64> {
        &self.signed
    }

    /// Was this head of `by` the last that was compared, and do we hold the same? So answered
    /// right after [`Input::Signed`], it says whether the signature stands for our own tree.
    #[must_use]
    pub fn agrees(&self, by: Signer, head: Head) -> bool {
        *self.compared.get(by) == Some(Compared { head, agrees: true })
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
            Input::OurRoot { by, head, ours } => self.answered(by, head, ours),
            Input::Close(head) => {
                self.standing.closing = Some(head);
                Vec::new()
            }
            Input::Freeze => {
                self.standing.frozen = true;
                Vec::new()
            }
            Input::Recover(recovering) => {
                self.standing.recovering = recovering;
                Vec::new()
            }
        }
    }

    fn propose(&mut self, leaves: &[Leaf]) -> Vec<Effect> {
        let refusal = if self.me != self.log.origin {
            Some(Refusal::NotTheOrigin)
        } else if self.standing.recovering {
            Some(Refusal::Recovering)
        } else if let Some(closing) = self.standing.closing {
            Some(Refusal::Closed { size: closing.size })
        } else if self.standing.frozen {
            Some(Refusal::Frozen)
        } else if leaves.is_empty() {
            Some(Refusal::Empty)
        } else if self.staged.is_some() {
            Some(Refusal::Busy)
        } else if end_of(self.head.size, leaves).is_none() {
            Some(Refusal::Full)
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
            Ok(Judgement::Held) => self.answer_held(head),
            Err(refusal) => vec![Effect::Refuse(refusal)],
        }
    }

    fn judge(&self, start: u64, leaves: &[Leaf], head: Head) -> Result<Judgement, Refusal> {
        if self.me == self.log.origin && !self.standing.takes_back(self.head.size) {
            return Err(Refusal::NotTheOrigin);
        }
        if leaves.is_empty() {
            return Err(Refusal::Empty);
        }
        let end = end_of(start, leaves).ok_or(Refusal::Full)?;
        if end != head.size {
            return Err(Refusal::SizeMismatch { end, signed: head.size });
        }
        if head.size <= self.head.size {
            return Ok(Judgement::Held);
        }
        if self.standing.frozen {
            return Err(Refusal::Frozen);
        }
        if let Some(Head { size, .. }) = self.standing.closing
            && head.size > size
        {
            return Err(Refusal::Closed { size });
        }
        if start > self.head.size {
            return Err(Refusal::Gap { have: self.head.size, start });
        }
        if self.staged.is_some() {
            return Err(Refusal::Busy);
        }
        // start <= our size < end, so the difference is within the slice.
        let skipped = usize::try_from(self.head.size - start).unwrap_or(usize::MAX);
        let staged = self.extend(leaves.get(skipped..).unwrap_or_default(), skipped);
        if staged.to.root != head.root {
            return Err(Refusal::RootMismatch { computed: staged.to.root });
        }
        Ok(Judgement::Store(staged))
    }

    /// We hold at least as much as was offered. Our signature is the answer, but only once we
    /// know that what was offered is what we hold.
    fn answer_held(&mut self, head: Head) -> Vec<Effect> {
        self.unanswered.retain(|known| *known != head);
        if self.unanswered.len() >= UNANSWERED_MAX {
            self.unanswered.remove(0);
        }
        self.unanswered.push(head);
        self.compare(self.log.origin.into(), head)
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
        self.recent.push(self.head);
        *self.signed.clouds.get_mut(self.me) = self.head.size;
        *self.signed.clouds.get_mut(self.log.origin) = self.head.size;
        let mut effects = vec![Effect::Release(self.head)];
        effects.extend(self.recount());
        for signer in Signer::ALL {
            for head in self.ahead.get_mut(signer).reached(self.head.size) {
                effects.extend(self.compare(signer, head));
            }
        }
        effects
    }

    fn signed_by(&mut self, by: Signer, head: Head) -> Vec<Effect> {
        if head.size > self.head.size {
            self.ahead.get_mut(by).keep(head);
            return Vec::new();
        }
        if self.compared.get(by).is_some_and(|last| last.head == head) {
            return Vec::new();
        }
        // A smaller size than it signed before adds nothing to finality, but may be evidence.
        self.compare(by, head)
    }

    /// `head` is not beyond ours.
    fn compare(&mut self, by: Signer, head: Head) -> Vec<Effect> {
        match self.recent.root_at(head.size) {
            Some(ours) => self.answered(by, head, ours),
            None => vec![Effect::CompareRoot { by, head }],
        }
    }

    fn answered(&mut self, by: Signer, head: Head, ours: Hash) -> Vec<Effect> {
        if head.size > self.head.size {
            // Nobody asked, and nobody can know our root where we have no leaves.
            return self.signed_by(by, head);
        }
        *self.compared.get_mut(by) = Some(Compared { head, agrees: ours == head.root });
        let offered = self.take_unanswered(by, head);
        if ours != head.root {
            return vec![Effect::Conflict { by, theirs: head, ours }];
        }
        let signed = self.signed.get_mut(by);
        *signed = (*signed).max(head.size);
        let mut effects = Vec::new();
        if offered {
            effects.push(Effect::Release(self.head));
        }
        effects.extend(self.recount());
        effects
    }

    fn take_unanswered(&mut self, by: Signer, head: Head) -> bool {
        let place = self.unanswered.iter().position(|known| *known == head);
        match place.filter(|_| by == self.log.origin) {
            Some(place) => {
                self.unanswered.remove(place);
                true
            }
            None => false,
        }
    }

    fn recount(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        let final_size = self.standing.mode.final_size(&self.signed);
        if final_size > self.final_size {
            self.final_size = final_size;
            effects.push(Effect::Final(final_size));
        }
        let replicated_size = replicated_size(&self.signed);
        if replicated_size > self.replicated_size {
            self.replicated_size = replicated_size;
            effects.push(Effect::Replicated(replicated_size));
        }
        effects
    }
}

/// What all three clouds have signed for: the witness holds no data.
#[must_use]
pub fn replicated_size(signed: &PerSigner<u64>) -> u64 {
    signed.clouds.iter().map(|(_, size)| *size).min().unwrap_or(0)
}

/// Where a range from `start` ends; `None` beyond the last place that a log can have.
fn end_of(start: u64, leaves: &[Leaf]) -> Option<u64> {
    start.checked_add(u64::try_from(leaves.len()).ok()?)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Compared {
    head: Head,
    agrees: bool,
}

enum Judgement {
    Store(Staged),
    /// We hold as much or more; whether it is the same is still to be compared.
    Held,
}

#[cfg(test)]
mod tests;
