//! From the outbox to one receiver: signed, tried again until it is taken or too old.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{DAY_MS, Timestamp};
use domain::webhook::wait_ms;
use reqwest::header::CONTENT_TYPE;
use tokio_util::sync::CancellationToken;

use super::store::{self, Message, Outcome};
use super::{Receiver, Webhooks};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After the database could not be reached.
const RETRY: Duration = Duration::from_secs(2);
/// Sent in a row before the queue is looked at again.
const BATCH: i64 = 20;
/// A message that nobody took for so long since it was written down is given up: whoever decides has seen
/// it here.
const DEAD_AFTER_DAYS: i64 = 3;

impl Webhooks {
    pub(super) async fn deliver(self: Arc<Self>, place: usize, stop: CancellationToken) {
        let Some(receiver) = self.receivers.get(place) else { return };
        let mut pause = LOOK_EVERY;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = match self.deliver_what_is_due(receiver, &stop).await {
                Ok(()) => LOOK_EVERY,
                Err(cause) => {
                    tracing::warn!(%cause, receiver = receiver.name, "messages outside wait");
                    RETRY
                }
            };
        }
    }

    async fn deliver_what_is_due(
        &self,
        receiver: &Receiver,
        stop: &CancellationToken,
    ) -> Result<(), sqlx::Error> {
        for message in store::due(&self.pool, &receiver.name, crate::now(), BATCH).await? {
            let sent = tokio::select! {
                // Its row stands: it is sent again after the start.
                () = stop.cancelled() => return Ok(()),
                sent = send(receiver, &message) => sent,
            };
            let now = crate::now();
            let outcome = outcome(&message, sent, now);
            let word = match &outcome {
                Outcome::Delivered => "delivered",
                Outcome::Later(..) => "failed",
                Outcome::Dead(_) => "dead",
            };
            metrics::counter!("ternion_webhook_attempts_total", "outcome" => word).increment(1);
            if let Outcome::Dead(problem) = &outcome {
                tracing::warn!(
                    receiver = receiver.name,
                    id = message.id,
                    problem,
                    "a message is given up"
                );
            }
            store::settle(&self.pool, &receiver.name, &message.id, &outcome, now).await?;
        }
        Ok(())
    }
}

fn outcome(message: &Message, sent: Result<(), String>, now: Timestamp) -> Outcome {
    let Err(problem) = sent else { return Outcome::Delivered };
    let age_ms = now.unix_ms().saturating_sub(message.written_at.unix_ms());
    if age_ms >= DEAD_AFTER_DAYS * DAY_MS {
        return Outcome::Dead(problem);
    }
    let wait = wait_ms(message.attempts.saturating_add(1), dice());
    let wait = i64::try_from(wait).unwrap_or(i64::MAX);
    Outcome::Later(Timestamp::from_unix_ms(now.unix_ms().saturating_add(wait)), problem)
}

/// Without entropy all wait alike.
fn dice() -> u64 {
    getrandom::u64().unwrap_or(0)
}

/// Why it was not taken, in words without the address, which may hold a secret.
async fn send(receiver: &Receiver, message: &Message) -> Result<(), String> {
    let at_s = crate::now().unix_ms().div_euclid(1_000);
    let request = receiver
        .client
        .post(receiver.url.clone())
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", at_s)
        .header("webhook-signature", receiver.secret.signature(&message.id, at_s, &message.body))
        .body(message.body.clone());
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("it answered {}", answer.status())),
        Err(cause) if cause.is_timeout() => Err("it did not answer in time".to_owned()),
        Err(cause) if cause.is_connect() => Err("it cannot be reached".to_owned()),
        Err(cause) => Err(format!("it cannot be asked: {}", cause.without_url())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_takes_is_tried_later_and_given_up_after_three_days() {
        let now = Timestamp::from_unix_ms(10 * DAY_MS);
        let message = |days: i64, attempts| Message {
            id: "x".to_owned(),
            kind: "proposal.applied".to_owned(),
            body: "{}".to_owned(),
            // Learnt late: how long ago it happened does not count.
            happened_at: Timestamp::from_unix_ms(0),
            written_at: Timestamp::from_unix_ms(now.unix_ms() - days * DAY_MS),
            attempts,
        };
        let failed = || Err("it answered 500".to_owned());
        assert_eq!(outcome(&message(9, 40), Ok(()), now), Outcome::Delivered);
        let Outcome::Later(at, _) = outcome(&message(0, 0), failed(), now) else {
            panic!("it is tried again")
        };
        assert!((2_500..=5_000).contains(&(at.unix_ms() - now.unix_ms())));
        let dead = Outcome::Dead("it answered 500".to_owned());
        assert_eq!(outcome(&message(3, 40), failed(), now), dead);
    }
}
