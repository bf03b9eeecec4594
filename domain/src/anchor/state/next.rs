//! What is to be done now.

use super::{ATTEMPTS_MAX, Act, Anchor};
use crate::clock::Timestamp;

impl Anchor {
    /// `may_make`: this cloud is the one that publishes. Any cloud may see what was chosen through,
    /// since that is one transaction however often it is sent.
    #[must_use]
    pub fn next(&self, now: Timestamp, may_make: bool) -> Act<'_> {
        if self.is_final() {
            return Act::Nothing;
        }
        if now < self.due_at {
            return Act::Wait(self.due_at);
        }
        match self.open_attempts().last() {
            None if !may_make => Act::Learn,
            None => Act::Make { number: self.next_number(), raising: false },
            Some(newest) if !self.claimed => Act::Claim(newest),
            Some(newest) if !self.sent => Act::Send(newest),
            Some(_) if may_make && self.raises && self.attempts.len() < ATTEMPTS_MAX => {
                Act::Make { number: self.next_number(), raising: true }
            }
            Some(_) => Act::Look,
        }
    }

    pub(super) fn next_number(&self) -> u64 {
        self.attempts.last().map_or(1, |last| last.number + 1)
    }
}
