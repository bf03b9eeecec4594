//! What the clouds say to each other about grants, in postcard form.

use domain::cloud::{CLOUD_COUNT, Cloud};
use domain::grant::{
    BadDecision, Ballot, Decision, GrantId, Refusal, Request, SignedVote, Value, Voters,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::voting::Answer;
use crate::peer::PeerError;

pub(super) const VOTE_PATH: &str = "/peer/v1/grants/vote";
pub(super) const TELL_PATH: &str = "/peer/v1/grants/tell";
pub(super) const SINCE_PATH: &str = "/peer/v1/grants/since";
pub(super) const OPEN_PATH: &str = "/peer/v1/grants/open";

/// Most decisions of one [`Told`]: some megabytes at their largest.
pub(super) const DECISIONS_MAX: usize = 500;

/// Most grants of one answer to [`Open`].
pub(super) const OPEN_MAX: usize = 1_000;

/// A decision and its proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct WireDecision {
    value: Vec<u8>,
    note: String,
}

/// A proposer's question.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) grant: GrantId,
    request: WireRequest,
    /// What was decided before it, where the resource asks for sequence: who has not heard of it
    /// yet need not refuse.
    pub(super) before: Option<WireDecision>,
}

#[derive(Debug, Serialize, Deserialize)]
enum WireRequest {
    Prepare { ballot: Ballot },
    Propose { ballot: Ballot, value: Vec<u8>, promises: Vec<String> },
}

/// The answer to a [`Question`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum WireAnswer {
    Voted { note: String, accepted: Option<Vec<u8>> },
    Decided(WireDecision),
    Refused(Refusal),
}

/// Asks on which grants the answering cloud has voted without knowing a decision, after this one in
/// their order. The answer is a list of them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) after: Option<GrantId>,
}

/// Asks for what the answering cloud came to know after this position of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Since {
    pub(super) position: u64,
}

/// Decisions in the order in which the teller came to know them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) decisions: Vec<WireDecision>,
    /// The position of the last of them; that of the question if there is none.
    pub(super) position: u64,
    /// The teller's newest position. Before the question's: the teller's database is an old copy.
    pub(super) newest: u64,
}

impl WireDecision {
    pub(super) fn of(decision: &Decision) -> Self {
        WireDecision { value: decision.value().bytes().to_vec(), note: decision.note() }
    }

    /// Verifies it.
    pub(super) fn read(&self, voters: &Voters) -> Result<Decision, BadDecision> {
        let value = Value::from_canonical(&self.value).ok_or(BadDecision::Form)?;
        voters.read_decision(value, &self.note)
    }
}

impl Question {
    pub(super) fn of(
        grant: &GrantId,
        request: &Request<SignedVote>,
        before: Option<&Decision>,
    ) -> Self {
        let request = match request {
            Request::Prepare { ballot } => WireRequest::Prepare { ballot: *ballot },
            Request::Propose { ballot, value, promises } => WireRequest::Propose {
                ballot: *ballot,
                value: value.bytes().to_vec(),
                promises: promises.iter().map(SignedVote::note).collect(),
            },
        };
        Question { grant: grant.clone(), request, before: before.map(WireDecision::of) }
    }

    /// The request, its promises verified. `None`: no honest cloud sends it.
    pub(super) fn request(&self, voters: &Voters) -> Option<Request<SignedVote>> {
        match &self.request {
            WireRequest::Prepare { ballot } => Some(Request::Prepare { ballot: *ballot }),
            WireRequest::Propose { ballot, value, promises } => {
                let value = Value::from_canonical(value)?;
                let few = promises.len() <= CLOUD_COUNT;
                let promises = few.then(|| voters.read_votes(&self.grant, promises))?;
                Some(Request::Propose { ballot: *ballot, value, promises })
            }
        }
    }
}

impl WireAnswer {
    pub(super) fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Voted { vote, accepted } => WireAnswer::Voted {
                note: vote.note(),
                accepted: accepted.as_ref().map(|value| value.bytes().to_vec()),
            },
            Answer::Decided(decision) => WireAnswer::Decided(WireDecision::of(decision)),
            Answer::Refused(refusal) => WireAnswer::Refused(*refusal),
        }
    }

    /// The answer of `by` about `grant`, verified. `None`: no honest cloud gives it.
    pub(super) fn read(&self, voters: &Voters, grant: &GrantId, by: Cloud) -> Option<Answer> {
        match self {
            WireAnswer::Voted { note, accepted } => {
                let vote = voters.read_vote(grant, by, note)?;
                let accepted = match accepted {
                    Some(bytes) => Some(Value::from_canonical(bytes)?),
                    None => None,
                };
                Some(Answer::Voted { vote, accepted })
            }
            WireAnswer::Decided(told) => {
                let decision = told.read(voters).ok()?;
                (decision.grant() == grant).then_some(Answer::Decided(decision))
            }
            WireAnswer::Refused(refusal) => Some(Answer::Refused(*refusal)),
        }
    }
}

/// Postcard never fails on these shapes: no maps, no unsized sequences.
pub(super) fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    postcard::to_stdvec(message).unwrap_or_default()
}

pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, postcard::Error> {
    postcard::from_bytes(body)
}

pub(super) fn decode_answer<T: DeserializeOwned>(
    cloud: Cloud,
    body: &[u8],
) -> Result<T, PeerError> {
    decode(body).map_err(|cause| PeerError::Malformed { cloud, cause: cause.to_string() })
}
