//! What an outcome makes of an anchor.

use super::{
    ATTEMPTS_MAX, Anchor, Attempt, Mark, Outcome, PAUSE_MS_MAX, PAUSE_MS_MIN, Proven, Refusal,
    RefusalKind, Rules, Sighting, Stage, TRACE_MAX, Trouble, short,
};
use crate::clock::Timestamp;

fn after(now: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(now.unix_ms().saturating_add(ms))
}

impl Anchor {
    /// Takes in what came of the act that [`Anchor::next`] gave. Store the anchor before the next.
    pub fn apply(&mut self, outcome: Outcome, now: Timestamp, rules: &Rules) {
        if self.is_final() {
            return;
        }
        if !matches!(outcome, Outcome::Away(_)) {
            self.trouble = None;
        }
        self.raises = false;
        match outcome {
            Outcome::Made(attempt) => self.made(attempt, now, rules),
            Outcome::NotRaised(why) => self.not_raised(&why, now, rules),
            Outcome::Learnt(attempts) => self.learnt(attempts, now, rules),
            Outcome::Sent(receipt) => self.handed_over(receipt, now, rules),
            Outcome::Seen(sighting) => self.seen(sighting, now, rules),
            Outcome::Away(words) => self.away(&words, now),
            Outcome::Refused(refusal) => {
                // What a node does not take may have been taken before: the chain is asked next.
                self.sent |= self.claimed;
                self.fail(refusal, now, rules);
            }
        }
    }

    fn made(&mut self, attempt: Attempt, now: Timestamp, rules: &Rules) {
        if self.attempts.len() >= ATTEMPTS_MAX {
            let words = format!("{ATTEMPTS_MAX} transactions were made, and none was taken");
            return self.fail(Refusal::new(RefusalKind::Exhausted, words), now, rules);
        }
        self.mark(now, format_args!("made {}", attempt.name));
        if matches!(self.stage, Stage::Failed { .. }) {
            self.stage = Stage::Queued;
        }
        self.attempts.push(attempt);
        self.claimed = !rules.is_claimed;
        self.sent = false;
        self.raise_at = None;
        self.due_at = now;
    }

    fn not_raised(&mut self, why: &str, now: Timestamp, rules: &Rules) {
        self.mark(now, format_args!("the fee stays: {why}"));
        self.raise_at = rules.raise_after_ms.map(|ms| after(now, ms));
        self.due_at = now;
    }

    /// The clouds' choice stands, whatever was made here and never sent.
    fn learnt(&mut self, chosen: Vec<Attempt>, now: Timestamp, rules: &Rules) {
        let mut is_news = false;
        for attempt in chosen {
            let unclaimed = self.attempts.last().filter(|newest| newest.number == attempt.number);
            if unclaimed.is_some() && !self.claimed {
                self.attempts.pop();
            } else if attempt.number < self.next_number() {
                continue;
            }
            self.mark(now, format_args!("the clouds chose {}", attempt.name));
            self.attempts.push(attempt);
            self.claimed = true;
            self.sent = false;
            is_news = true;
        }
        self.due_at = if is_news { now } else { after(now, rules.look_every_ms) };
    }

    fn handed_over(&mut self, receipt: Option<Vec<u8>>, now: Timestamp, rules: &Rules) {
        let name = self.attempts.last().map_or_else(String::new, |newest| newest.name.clone());
        self.mark(now, format_args!("sent {name}"));
        self.sent = true;
        self.receipt = receipt.unwrap_or_else(|| std::mem::take(&mut self.receipt));
        self.waiting_since.get_or_insert(now);
        self.raise_at = None;
        self.waits(now, rules);
        // What is answered at once can be looked at at once.
        self.due_at = now;
    }

    fn seen(&mut self, sighting: Sighting, now: Timestamp, rules: &Rules) {
        self.due_at = after(now, rules.look_every_ms);
        match sighting {
            Sighting::Included { attempt, proven, confirmations, cost } => {
                self.cost = cost;
                self.included(&attempt, proven, confirmations, now, rules);
            }
            Sighting::Waiting => {
                self.out_of_block("it waits again", now);
                self.waits(now, rules);
            }
            Sighting::Grown(receipt) => {
                self.mark(now, "the proof has grown");
                self.receipt = receipt;
                self.waits(now, rules);
            }
            Sighting::Missing => {
                let was_in_block = self.out_of_block("the node has lost it", now);
                self.mark(now, "the node does not know it: sent again");
                self.sent = false;
                if was_in_block {
                    self.due_at = now;
                }
                self.is_overdue(now, rules);
            }
            Sighting::Displaced { by, for_good } => {
                self.out_of_block("its place is taken", now);
                self.displaced_by(&by, for_good, now);
            }
        }
    }

    fn included(
        &mut self,
        attempt: &str,
        proven: Proven,
        confirmations: u64,
        now: Timestamp,
        rules: &Rules,
    ) {
        let (place, proof) = proven.into_parts();
        match &self.stage {
            Stage::InBlock { place: before, .. } if *before == place => {}
            Stage::InBlock { place: before, .. } => {
                let before = before.name.clone();
                let name = place.name.clone();
                self.mark(
                    now,
                    format_args!("reorganised: {attempt} is in {name}, not in {before}"),
                );
            }
            _ => {
                let name = place.name.clone();
                self.mark(now, format_args!("{attempt} is in {name}"));
            }
        }
        self.proof = proof;
        self.waiting_since = None;
        self.raise_at = None;
        if confirmations < rules.confirmations {
            self.stage = Stage::InBlock { place, confirmations };
            return;
        }
        self.mark(now, format_args!("final, {confirmations} deep"));
        self.stage = Stage::Final { place };
        self.told += 1;
    }

    /// It is in no block of the chain. True if it was.
    fn out_of_block(&mut self, how: &str, now: Timestamp) -> bool {
        self.proof.clear();
        self.cost = None;
        self.waiting_since.get_or_insert(now);
        let Stage::InBlock { place, .. } = &self.stage else { return false };
        let name = place.name.clone();
        self.mark(now, format_args!("reorganised: {name} is not in the chain; {how}"));
        self.stage = Stage::Submitted;
        true
    }

    /// The publisher has it.
    fn waits(&mut self, now: Timestamp, rules: &Rules) {
        let raise_at = self.raise_at.or_else(|| rules.raise_after_ms.map(|ms| after(now, ms)));
        self.raises = raise_at.is_some_and(|at| now >= at);
        self.raise_at = raise_at;
        if !self.is_overdue(now, rules) {
            self.stage = Stage::Submitted;
        }
    }

    /// Tells once that it takes too long.
    fn is_overdue(&mut self, now: Timestamp, rules: &Rules) -> bool {
        let since = self.waiting_since.unwrap_or(now);
        let is_overdue = now.unix_ms().saturating_sub(since.unix_ms()) >= rules.late_after_ms;
        if is_overdue {
            let due_at = self.due_at;
            let words = format!("it waits since {since}; it is still looked for");
            self.fail(Refusal::new(RefusalKind::Late, words), now, rules);
            self.due_at = due_at;
        }
        is_overdue
    }

    fn displaced_by(&mut self, by: &str, for_good: bool, now: Timestamp) {
        self.raise_at = None;
        if !for_good {
            return self.mark(now, format_args!("its place is taken by {by}, not for good yet"));
        }
        self.mark(now, format_args!("its place went to {by} for good: a new one is made"));
        self.displaced = self.attempts.last().map_or(0, |newest| newest.number);
        self.stage = Stage::Queued;
        self.due_at = now;
    }

    fn away(&mut self, words: &str, now: Timestamp) {
        let before = self.trouble.take();
        let (since, times) = before.map_or((now, 0), |before| (before.since, before.times));
        if times == 0 {
            self.mark(now, format_args!("no answer: {}", short(words)));
        }
        let pause = PAUSE_MS_MIN.saturating_mul(1 << times.min(20)).min(PAUSE_MS_MAX);
        self.due_at = after(now, pause);
        self.trouble = Some(Trouble { words: short(words), since, times: times + 1 });
    }

    /// Told once for each reason in a row.
    fn fail(&mut self, refusal: Refusal, now: Timestamp, rules: &Rules) {
        let is_known = match &self.stage {
            Stage::Failed { refusal: before } => before.kind == refusal.kind,
            _ => false,
        };
        if !is_known {
            self.mark(now, format_args!("failed: {refusal}"));
            self.told += 1;
        }
        self.stage = Stage::Failed { refusal };
        self.due_at = after(now, rules.retry_ms);
    }

    /// The same twice in a row says nothing new.
    fn mark(&mut self, at: Timestamp, what: impl std::fmt::Display) {
        let what = short(what);
        if self.trace.last().is_some_and(|last| last.what == what) {
            return;
        }
        if self.trace.len() >= TRACE_MAX {
            self.trace.remove(0);
        }
        self.trace.push(Mark { at, what });
    }
}
