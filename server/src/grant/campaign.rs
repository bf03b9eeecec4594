//! This cloud as a proposer: asks all three for votes until something is decided.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::cloud::Cloud;
use domain::grant::{
    Ballot, Decision, GrantId, Proposer, ProposerEffect, ProposerInput, Refusal, Request,
    SignedVote, Value,
};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::{sleep, timeout};

use super::voting::Answer;
use super::wire::{Question, VOTE_PATH, WireAnswer, decode_answer, encode};
use super::{GrantError, Grants};
use crate::peer::PeerError;

/// Two rounds of questions between clouds take some hundred milliseconds; a voter that hangs must
/// not hold up the next attempt for longer.
const ATTEMPT_WAIT: Duration = Duration::from_secs(3);
/// After this the caller is told that there is no quorum just now.
const DECIDE_WAIT: Duration = Duration::from_secs(15);
/// Overtaken proposers pause for a random part of this, doubling …
const PAUSE_FIRST: Duration = Duration::from_millis(40);
/// … up to this.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Who was asked, under which ballot, and what came of it.
type Asked = (Cloud, Ballot, Result<Answer, GrantError>);

impl Grants {
    /// Proposes `wish` until something is decided.
    pub(super) async fn campaign(
        &self,
        grant: &GrantId,
        wish: Value,
    ) -> Result<Decision, GrantError> {
        let before = self.before(grant).await?;
        let mut proposer = Proposer::new(self.me, grant.clone(), wish);
        let (started, mut pause) = (Instant::now(), PAUSE_FIRST);
        loop {
            let attempt = self.attempt(&mut proposer, grant, before.as_ref());
            let no_quorum = || GrantError::NoQuorum(grant.clone());
            let (outcome, cause) = match timeout(ATTEMPT_WAIT, attempt).await {
                Ok(Ok(Some(decision))) => {
                    count("decided");
                    return Ok(decision);
                }
                Ok(Ok(None)) => ("overtaken", no_quorum()),
                Ok(Err(cause)) => ("failed", cause),
                Err(_) => ("unanswered", no_quorum()),
            };
            count(outcome);
            if !cause.is_retryable() || started.elapsed() >= DECIDE_WAIT {
                return Err(cause);
            }
            tracing::debug!(%grant, outcome, %cause, "a grant is proposed again");
            sleep(random_part(pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// The decision that must stand before this one. Asks the peers if it is not known here.
    async fn before(&self, grant: &GrantId) -> Result<Option<Decision>, GrantError> {
        let Some(before) = grant.predecessor() else { return Ok(None) };
        if let Some(known) = self.store.decision(&before).await? {
            return Ok(Some(known));
        }
        for peer in self.me.peers() {
            if let Err(cause) = self.learn_from(peer).await {
                tracing::debug!(%peer, %cause, "nothing learnt of grants");
            }
        }
        let learnt = self.store.decision(&before).await?;
        learnt.map(Some).ok_or_else(|| GrantError::TooEarly(grant.clone()))
    }

    /// One ballot, or some that were taken at home. `None`: overtaken, or nobody is left to
    /// answer.
    async fn attempt(
        &self,
        proposer: &mut Proposer<SignedVote>,
        grant: &GrantId,
        before: Option<&Decision>,
    ) -> Result<Option<Decision>, GrantError> {
        let mut asked = FuturesUnordered::new();
        let mut effects = proposer.step(ProposerInput::Begin);
        loop {
            for effect in effects {
                match effect {
                    ProposerEffect::Ask { whom, request } => {
                        let request = Arc::new(request);
                        let ask = |cloud| self.ask(cloud, grant, Arc::clone(&request), before);
                        asked.extend(whom.into_iter().map(ask));
                    }
                    ProposerEffect::Decided { value, accepts } => {
                        return Ok(Some(self.voters().decision(value, &accepts)?));
                    }
                    ProposerEffect::Overtaken => return Ok(None),
                }
            }
            let Some((cloud, ballot, answer)) = asked.next().await else { return Ok(None) };
            effects = match answer {
                Ok(Answer::Voted { vote, accepted }) => {
                    proposer.step(ProposerInput::Voted { vote, accepted })
                }
                Ok(Answer::Decided(decision)) => return Ok(Some(decision)),
                Ok(Answer::Refused(refusal)) => {
                    warn_of(grant, cloud, refusal);
                    proposer.step(ProposerInput::Refused { by: cloud, ballot, refusal })
                }
                Err(cause) if cloud == self.me => return Err(cause),
                Err(cause) => {
                    tracing::debug!(%grant, %cloud, %cause, "a voter did not answer");
                    Vec::new()
                }
            };
        }
    }

    async fn ask(
        &self,
        cloud: Cloud,
        grant: &GrantId,
        request: Arc<Request<SignedVote>>,
        before: Option<&Decision>,
    ) -> Asked {
        let answer = if cloud == self.me {
            self.vote(cloud, grant, &request).await
        } else {
            let question = encode(&Question::of(grant, &request, before));
            self.ask_peer(cloud, grant, question).await
        };
        (cloud, request.ballot(), answer)
    }

    async fn ask_peer(
        &self,
        peer: Cloud,
        grant: &GrantId,
        question: Vec<u8>,
    ) -> Result<Answer, GrantError> {
        let body = self.channel.call(peer, VOTE_PATH, question).await?;
        let answer: WireAnswer = decode_answer(peer, &body)?;
        let answer = answer.read(&self.voters(), grant, peer);
        let unsound = || PeerError::Malformed {
            cloud: peer,
            cause: format!("its vote on {grant} does not hold"),
        };
        Ok(answer.ok_or_else(unsound)?)
    }
}

/// What an honest proposer is never told.
fn warn_of(grant: &GrantId, by: Cloud, refusal: Refusal) {
    if !matches!(refusal, Refusal::Overtaken { .. } | Refusal::TooEarly) {
        tracing::warn!(%grant, %by, %refusal, "a cloud finds our proposal wrong");
    }
}

/// Proposers that disturb each other must not do so at one pace.
fn random_part(of: Duration) -> Duration {
    // Without randomness the whole pause is as good: it is the clouds that differ then.
    let random = getrandom::u32().unwrap_or(u32::MAX);
    of.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

fn count(outcome: &'static str) {
    metrics::counter!("ternion_grant_attempts_total", "outcome" => outcome).increment(1);
}
