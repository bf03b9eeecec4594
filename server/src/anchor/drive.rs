//! Drives the anchors of one publisher: does what `domain::anchor::state` says, and stores what
//! came of it before the next act.

use std::sync::Arc;
use std::time::Duration;

use domain::anchor::state::{Act, Attempt, Outcome, Sighting};
use domain::clock::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::choice::Choice;
use super::publish::{Fault, Publish, Wish};
use super::store::{SaveError, Store, Stored};
use super::tell::Teller;
use super::{Clock, figures};
use crate::grant::LeaseClaim;

/// Acts on one anchor before others have their turn.
const ACTS_MAX: usize = 12;
/// The lease is asked for this much before a transaction is due.
const LEASE_AHEAD_MS: i64 = 60_000;
/// A free one is decided within two rounds between clouds.
const LEASE_WAIT: Duration = Duration::from_secs(2);

/// One publisher's driver: the only writer of its anchors.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) client: Arc<dyn Publish>,
    pub(super) store: Store,
    pub(super) choice: Choice,
    pub(super) teller: Teller,
    pub(super) clock: Clock,
    /// Longest pause between looks at what is due: clocks may be set.
    pub(super) pause: Duration,
    pub(super) wake: Arc<Notify>,
}

impl Driver {
    /// Runs until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.run_on() => {}
        }
    }

    async fn run_on(&self) {
        let mut lease: Option<LeaseClaim> = None;
        loop {
            let soonest = match self.round(&mut lease).await {
                Ok(soonest) => soonest,
                Err(cause) => {
                    let publisher = self.client.publisher();
                    tracing::warn!(%publisher, %cause, "anchors wait for the database");
                    None
                }
            };
            let now = self.clock.now();
            let left = soonest.map_or(i64::MAX, |at| at.unix_ms().saturating_sub(now.unix_ms()));
            let left = Duration::from_millis(left.max(0).unsigned_abs());
            tokio::select! {
                () = tokio::time::sleep(left.min(self.pause)) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    /// Each anchor with which something is to be done; when the next one is due.
    async fn round(
        &self,
        lease: &mut Option<LeaseClaim>,
    ) -> Result<Option<Timestamp>, sqlx::Error> {
        let mut open = self.store.open(self.client.publisher()).await?;
        figures::show(self.client.publisher(), &open);
        self.claim(lease, &open).await;
        let mut soonest = None;
        for at in 0..open.len() {
            let others = attempts_of_others(&open, at);
            let Some(stored) = open.get_mut(at) else { continue };
            match self.advance(stored, &others, lease.as_ref()).await {
                Ok(()) => {}
                Err(SaveError::Database(cause)) => return Err(cause),
                Err(cause @ SaveError::Overtaken) => {
                    tracing::error!(anchor = %stored.id, %cause, "an anchor has two writers");
                }
            }
            let due = stored.anchor.due_at();
            if !stored.anchor.is_final() {
                soonest = Some(soonest.map_or(due, |soonest: Timestamp| soonest.min(due)));
            }
        }
        Ok(soonest)
    }

    /// Holds the lease as long as a transaction is to be made, and a little before.
    async fn claim(&self, lease: &mut Option<LeaseClaim>, open: &[Stored]) {
        let soon = self.clock.now().unix_ms().saturating_add(LEASE_AHEAD_MS);
        let soon = Timestamp::from_unix_ms(soon);
        let is_to_be_made =
            |stored: &Stored| matches!(stored.anchor.next(soon, true), Act::Make { .. });
        if !self.client.rules().is_claimed || !open.iter().any(is_to_be_made) {
            *lease = None; // it runs out by itself
            return;
        }
        if lease.is_none() {
            *lease = self.choice.claim();
        }
        if let Some(claim) = lease {
            // Where another cloud holds it, there is something to learn and nothing to wait for.
            drop(tokio::time::timeout(LEASE_WAIT, claim.until_held()).await);
        }
    }

    async fn advance(
        &self,
        stored: &mut Stored,
        others: &[Attempt],
        lease: Option<&LeaseClaim>,
    ) -> Result<(), SaveError> {
        for _ in 0..ACTS_MAX {
            if !self.told(stored).await? {
                return Ok(());
            }
            // Asked before every act: it may be lost at any time.
            let is_paid = self.client.rules().is_claimed;
            let may_make = !is_paid || lease.is_some_and(|claim| claim.token().is_some());
            let now = self.clock.now();
            let act = stored.anchor.next(now, may_make);
            if matches!(act, Act::Wait(_) | Act::Nothing) {
                return Ok(());
            }
            let outcome = self.perform(stored, act, others).await?;
            self.take_in(stored, outcome).await?;
        }
        Ok(())
    }

    /// Stores what came of an act. Nothing else is done before.
    async fn take_in(&self, stored: &mut Stored, outcome: Outcome) -> Result<(), SaveError> {
        let before = stored.anchor.stage().name();
        stored.anchor.apply(outcome, self.clock.now(), &self.client.rules());
        if stored.anchor.is_final() {
            stored.chain = self.client.chain();
        }
        self.store.save(stored).await?;
        let stage = stored.anchor.stage().name();
        if stage != before {
            let (publisher, period) = (stored.publisher, &stored.period);
            tracing::info!(%publisher, period, hash = %stored.subject, stage, "an anchor moved");
            figures::moved(publisher, stage);
        }
        Ok(())
    }

    /// Records what people are told. False: it waits, and so does the anchor.
    async fn told(&self, stored: &mut Stored) -> Result<bool, SaveError> {
        if stored.recorded >= stored.anchor.told() {
            return Ok(true);
        }
        if !self.teller.tell(stored).await {
            return Ok(false);
        }
        stored.recorded = stored.anchor.told();
        self.store.save(stored).await?;
        Ok(true)
    }

    async fn perform(
        &self,
        stored: &Stored,
        act: Act<'_>,
        others: &[Attempt],
    ) -> Result<Outcome, sqlx::Error> {
        let subject = stored.subject;
        let done = match act {
            Act::Make { number, raising } => {
                return self.make(stored, others, number, raising).await;
            }
            Act::Learn => self.choice.known(subject).await.map(Outcome::Learnt),
            Act::Claim(attempt) => self.choice.choose(subject, attempt).await.map(Outcome::Learnt),
            Act::Send(attempt) => self.client.send(subject, attempt).await.map(Outcome::Sent),
            Act::Look => self.look(stored).await,
            Act::Wait(_) | Act::Nothing => Ok(Outcome::Seen(Sighting::Waiting)),
        };
        Ok(done.unwrap_or_else(outcome_of))
    }

    async fn make(
        &self,
        stored: &Stored,
        others: &[Attempt],
        number: u64,
        raising: bool,
    ) -> Result<Outcome, sqlx::Error> {
        let subject = stored.subject;
        if self.client.rules().is_claimed && !raising {
            // Another cloud may have published it long ago.
            match self.choice.known(subject).await {
                Ok(known) if known.last().is_some_and(|last| last.number >= number) => {
                    return Ok(Outcome::Learnt(known));
                }
                Ok(_) => {}
                Err(fault) => return Ok(outcome_of(fault)),
            }
        }
        let replaces = if raising { stored.anchor.open_attempts() } else { &[] };
        let (left, now) = (self.left(stored).await?, self.clock.now());
        let wish = Wish { subject, number, replaces, others, left, now };
        Ok(match self.client.make(wish).await {
            Ok(attempt) => Outcome::Made(attempt),
            // What was sent may be taken all the same.
            Err(Fault::Refused(refusal)) if raising => Outcome::NotRaised(refusal.to_string()),
            Err(fault) => outcome_of(fault),
        })
    }

    /// Another cloud may have raised the fee meanwhile.
    async fn look(&self, stored: &Stored) -> Result<Outcome, Fault> {
        if self.client.rules().is_claimed {
            let known = self.choice.known(stored.subject).await?;
            let newest = stored.anchor.attempts().last().map_or(0, |newest| newest.number);
            if known.last().is_some_and(|attempt| attempt.number > newest) {
                return Ok(Outcome::Learnt(known));
            }
        }
        self.client.look(stored.subject, &stored.anchor).await.map(Outcome::Seen)
    }

    /// What may still be spent this month.
    async fn left(&self, stored: &Stored) -> Result<Option<u64>, sqlx::Error> {
        let Some(budget) = self.client.budget() else { return Ok(None) };
        let since = month_of(self.clock.now());
        let spent = self.store.spent_since(stored.publisher, since, stored.id).await?;
        Ok(Some(budget.saturating_sub(spent)))
    }
}

fn outcome_of(fault: Fault) -> Outcome {
    match fault {
        Fault::Away(words) => Outcome::Away(words),
        Fault::Refused(refusal) => Outcome::Refused(refusal),
    }
}

/// Transactions of all the other anchors whose place is taken.
fn attempts_of_others(open: &[Stored], but: usize) -> Vec<Attempt> {
    let others = open.iter().enumerate().filter(|(at, _)| *at != but);
    others.flat_map(|(_, stored)| stored.anchor.open_attempts().to_vec()).collect()
}

/// The first instant of the month.
fn month_of(now: Timestamp) -> Timestamp {
    let at = now.to_datetime();
    let first = at.date().replace_day(1).unwrap_or(at.date());
    Timestamp::from_datetime(first.midnight().assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_its_first_day_at_midnight() {
        let now: Timestamp = "2026-11-22T12:41:06.902Z".parse().expect("a time");
        assert_eq!(month_of(now).to_string(), "2026-11-01T00:00:00.000Z");
        assert_eq!(month_of(month_of(now)), month_of(now));
    }
}
