//! This cloud as a voter: what it answers to proposers, itself among them.

use domain::cloud::Cloud;
use domain::grant::{
    AcceptorEffect, Decision, GrantId, Refusal, Request, SignedVote, Statement, Value, Vote,
};

use super::{GrantError, Grants};

/// Votes of one cloud on one grant that may come at one time: each loses its turn to another at
/// most once, but for repeats.
const TURNS_MAX: usize = 16;

/// What a voter answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// A vote, and the value that a promise names as accepted before.
    Voted {
        vote: SignedVote,
        accepted: Option<Value>,
    },
    /// What is decided is told, not voted on.
    Decided(Decision),
    Refused(Refusal),
}

impl Grants {
    /// Votes, or says why not. A vote is durable before this returns.
    pub(super) async fn vote(
        &self,
        from: Cloud,
        grant: &GrantId,
        request: &Request<SignedVote>,
    ) -> Result<Answer, GrantError> {
        // An old copy of this database has forgotten votes.
        if !self.ledger.is_open() || self.may_have_forgotten().is_some() {
            return Err(GrantError::Closed);
        }
        if self.lossy_epoch().is_some() && self.store.is_left(grant).await? {
            return Err(GrantError::Left(grant.clone()));
        }
        for _ in 0..TURNS_MAX {
            let standing = self.store.standing(grant).await?;
            if let Some(decision) = standing.decision {
                return Ok(Answer::Decided(decision));
            }
            let accepted = standing.accepted;
            // What was accepted here once is accepted again, whatever became known since: it may be
            // what a majority chose, and then nothing else is ever decided.
            let is_repeated = matches!(
                request,
                Request::Propose { value, .. } if accepted.as_ref() == Some(value)
            );
            if !is_repeated && let Some(refusal) = self.judged(grant, request).await? {
                count("refused");
                return Ok(Answer::Refused(refusal));
            }
            match standing.acceptor.step(from, request) {
                AcceptorEffect::Store(vote) => {
                    if let Some(vote) = self.cast(standing.cast, vote, request).await? {
                        return Ok(voted(vote, accepted));
                    }
                }
                AcceptorEffect::Repeat(vote) => {
                    count("repeat");
                    return Ok(voted(vote, accepted));
                }
                AcceptorEffect::Refuse(refusal) => {
                    count("refused");
                    tracing::debug!(%grant, %from, ballot = %request.ballot(), %refusal, "no vote");
                    return Ok(Answer::Refused(refusal));
                }
            }
        }
        Err(GrantError::Crowded(grant.clone()))
    }

    /// `None`: another vote came first.
    async fn cast(
        &self,
        cast: i64,
        vote: Vote,
        request: &Request<SignedVote>,
    ) -> Result<Option<SignedVote>, GrantError> {
        let own = self.ledger.register().newest_approved(self.me);
        // Without its keys, while its new epoch waits, it has no word.
        let pair = self.keys.pair(own.epoch).ok_or(GrantError::Closed)?;
        let signed = self.voters().sign(vote, unix_s(), &pair.cosigner);
        let accept = match request {
            Request::Prepare { .. } => None,
            Request::Propose { value, promises, .. } => Some((value, promises.as_slice())),
        };
        if !self.store.cast(cast, &signed, accept).await? {
            return Ok(None);
        }
        let vote = signed.vote();
        count(if accept.is_some() { "accept" } else { "promise" });
        tracing::debug!(grant = %vote.grant, ballot = %vote.ballot, accept = accept.is_some(), "voted");
        Ok(Some(signed))
    }
}

/// Only a promise says what was accepted before it.
fn voted(vote: SignedVote, accepted: Option<Value>) -> Answer {
    let is_promise = matches!(vote.vote().statement, Statement::Promise { last: Some(_) });
    Answer::Voted { vote, accepted: accepted.filter(|_| is_promise) }
}

fn unix_s() -> u64 {
    u64::try_from(crate::now().unix_ms() / 1000).unwrap_or(0)
}

fn count(vote: &'static str) {
    metrics::counter!("ternion_grant_votes_total", "vote" => vote).increment(1);
}
