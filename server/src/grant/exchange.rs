//! Decisions travel: each is told to both peers at once, and each peer is asked, every few
//! seconds, what else it knows.

use std::sync::Arc;
use std::time::Duration;

use domain::cloud::Cloud;
use domain::grant::{Decision, Vote, first_contradiction};
use tokio::sync::broadcast;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::store::Kept;
use super::wire::{
    DECISIONS_MAX, SINCE_PATH, Since, TELL_PATH, Told, WireDecision, decode_answer, encode,
};
use super::{GrantError, Grants};

/// How late a decision may be at a cloud that missed it, while both are well.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// Questions in a row: fifty thousand decisions. The next look goes on.
const PAGES_MAX: usize = 100;

impl Grants {
    /// Tells one peer what is decided here, and learns what it knows, until `stop`.
    pub(super) async fn follow(
        self: Arc<Self>,
        peer: Cloud,
        news: broadcast::Receiver<Arc<Decision>>,
        stop: CancellationToken,
    ) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow_on(peer, news) => {}
        }
    }

    async fn follow_on(&self, peer: Cloud, mut news: broadcast::Receiver<Arc<Decision>>) {
        let mut ticks = interval(ASK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let outcome = tokio::select! {
                decided = news.recv() => match decided {
                    Ok(decision) => self.tell(peer, &decision).await,
                    // Too many at once: the peer asks for them.
                    Err(broadcast::error::RecvError::Lagged(_)) => Ok(()),
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                _ = ticks.tick() => self.learn_from(peer).await.map(drop),
            };
            if let Err(cause) = outcome {
                tracing::debug!(%peer, %cause, "grants wait");
            }
        }
    }

    async fn tell(&self, peer: Cloud, decision: &Decision) -> Result<(), GrantError> {
        let told = encode(&WireDecision::of(decision));
        self.channel.call(peer, TELL_PATH, told).await?;
        Ok(())
    }

    /// Learns what `peer` knows and this cloud does not. False: there is more.
    pub(super) async fn learn_from(&self, peer: Cloud) -> Result<bool, GrantError> {
        let mut position = self.store.heard(peer).await?;
        for _ in 0..PAGES_MAX {
            let question = encode(&Since { position });
            let body = self.channel.call(peer, SINCE_PATH, question).await?;
            let told: Told = decode_answer(peer, &body)?;
            for decision in &told.decisions {
                self.learn_wire(peer, decision).await?;
            }
            // Its database is an older one than we knew: what it learns now has low positions.
            let is_older = told.newest < position;
            let next = if is_older { 0 } else { told.position };
            if next != position {
                self.store.set_heard(peer, next).await?;
            }
            if !is_older && told.decisions.len() < DECISIONS_MAX {
                return Ok(true);
            }
            position = next;
        }
        Ok(false)
    }

    /// Keeps what a peer says is decided, if its proof holds.
    pub(super) async fn learn_wire(
        &self,
        peer: Cloud,
        told: &WireDecision,
    ) -> Result<(), GrantError> {
        match told.read(&self.voters()) {
            Ok(decision) => self.keep(decision).await.map(drop),
            Err(cause) => {
                tracing::warn!(%peer, %cause, "a peer told of a decision without proof");
                metrics::counter!("ternion_grant_unproven_total", "peer" => peer.name())
                    .increment(1);
                Ok(())
            }
        }
    }

    /// Keeps a proven decision, and gives the one that is in force here: where another was known
    /// that one stays, and the alarm is given.
    pub(super) async fn keep(&self, decision: Decision) -> Result<Decision, GrantError> {
        match self.store.keep(&decision).await? {
            Kept::New => {
                let (grant, ballot) = (decision.grant(), decision.ballot());
                tracing::info!(%grant, %ballot, value = ?decision.value(), "a grant is decided");
                self.to_record.notify_one();
                self.newest.send_modify(|count| *count += 1);
            }
            Kept::Known => {}
            Kept::Conflict(known) => {
                alarm(&known, &decision);
                return Ok(known);
            }
        }
        Ok(decision)
    }

    /// What the others are to hear at once.
    pub(super) fn announce(&self, decision: &Decision) {
        // Without receivers the node is stopping: the peers ask.
        drop(self.news.send(Arc::new(decision.clone())));
    }
}

/// Two values were decided for one grant: a cloud has voted twice.
fn alarm(known: &Decision, other: &Decision) {
    let votes: Vec<Vote> = known.votes().into_iter().chain(other.votes()).collect();
    let guilty = first_contradiction(&votes).map(|(vote, _, _)| vote.by.name());
    metrics::counter!("ternion_grant_conflicts_total").increment(1);
    tracing::error!(
        grant = %known.grant(), guilty, known = known.note(), other = other.note(),
        "two values are proven for one grant: a cloud has voted twice. The first known here stays \
         in force here; both proofs are kept (grant_decision, grant_conflict), and the promises \
         that led to them in each cloud's grant_vote"
    );
}
