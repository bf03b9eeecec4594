//! The voter: what a cloud answers to proposers, and why it never votes twice.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use super::ballot::Ballot;
use super::name::GrantId;
use super::value::Value;
use super::vote::{Choice, Proposal, Statement, Vote, choice};
use crate::cloud::Cloud;

/// What a proposer asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<V> {
    /// Promise me this ballot.
    Prepare { ballot: Ballot },
    /// Accept this value under it; these promises allow it.
    Propose { ballot: Ballot, value: Value, promises: Vec<V> },
}

impl<V> Request<V> {
    #[must_use]
    pub const fn ballot(&self) -> Ballot {
        match self {
            Request::Prepare { ballot } | Request::Propose { ballot, .. } => *ballot,
        }
    }
}

/// What the driver must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<V> {
    /// Make this vote durable as the next after those the acceptor was made of, an accept with its
    /// value. Only then sign it out. If another vote came first, ask again what to do.
    Store(Vote),
    /// This vote is stored: give it again.
    Repeat(V),
    Refuse(Refusal),
}

/// Why no vote is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Refusal {
    #[error("ballot {promised} is promised")]
    Overtaken { promised: Ballot },
    #[error("the version before is not known to be decided here")]
    TooEarly,
    #[error("the ballot belongs to another cloud")]
    NotYours,
    #[error("the promises do not allow this value")]
    Unfounded,
    #[error("another value was accepted under this ballot")]
    TwoValues,
    #[error("the value breaks a rule of what is granted")]
    Unfit,
}

/// One cloud's votes on one grant. It has no state but what is stored: make it of the newest
/// stored votes, and make a new one after each that is stored. So a crash changes nothing.
///
/// `V` is a vote as it is stored: [`Vote`] itself, or with its signature.
#[derive(Clone, Debug)]
pub struct Acceptor<V> {
    pub me: Cloud,
    pub grant: GrantId,
    /// The newest promise.
    pub promise: Option<V>,
    /// The newest accept.
    pub accept: Option<V>,
    /// Is [`GrantId::predecessor`] known to be decided?
    pub predecessor_decided: bool,
}

impl<V: Borrow<Vote> + Clone> Acceptor<V> {
    /// Answers one request of `from`.
    #[must_use]
    pub fn step(&self, from: Cloud, request: &Request<V>) -> Effect<V> {
        if request.ballot().cloud() != from {
            return Effect::Refuse(Refusal::NotYours);
        }
        if self.grant.predecessor().is_some() && !self.predecessor_decided {
            return Effect::Refuse(Refusal::TooEarly);
        }
        match request {
            Request::Prepare { ballot } => self.prepare(from, *ballot),
            Request::Propose { ballot, value, promises } => self.propose(*ballot, value, promises),
        }
    }

    fn prepare(&self, from: Cloud, ballot: Ballot) -> Effect<V> {
        if let Some(promised) = self.highest().filter(|highest| *highest >= ballot) {
            let repeated = self.promise.as_ref().filter(|vote| ballot_of(*vote) == ballot);
            return match repeated {
                // A ballot of our own is reserved once: who finds it taken is another attempt.
                Some(vote) if from != self.me => Effect::Repeat(vote.clone()),
                _ => Effect::Refuse(Refusal::Overtaken { promised }),
            };
        }
        let last = self.accept.as_ref().and_then(|vote| vote.borrow().accepted());
        self.store(ballot, Statement::Promise { last })
    }

    fn propose(&self, ballot: Ballot, value: &Value, promises: &[V]) -> Effect<V> {
        if let Some(promised) = self.highest().filter(|highest| *highest > ballot) {
            return Effect::Refuse(Refusal::Overtaken { promised });
        }
        let value = value.hash();
        let same_ballot = self.accept.as_ref().filter(|vote| ballot_of(*vote) == ballot);
        if let Some(vote) = same_ballot {
            return if vote.borrow().accepted() == Some(Proposal { ballot, value }) {
                Effect::Repeat(vote.clone())
            } else {
                Effect::Refuse(Refusal::TwoValues)
            };
        }
        match choice(&self.grant, ballot, promises) {
            Some(Choice::Free) => self.store(ballot, Statement::Accept { value }),
            Some(Choice::Bound(bound)) if bound == value => {
                self.store(ballot, Statement::Accept { value })
            }
            _ => Effect::Refuse(Refusal::Unfounded),
        }
    }

    fn store(&self, ballot: Ballot, statement: Statement) -> Effect<V> {
        Effect::Store(Vote { grant: self.grant.clone(), by: self.me, ballot, statement })
    }

    /// Nothing below this ballot is voted for.
    fn highest(&self) -> Option<Ballot> {
        self.promise.iter().chain(&self.accept).map(ballot_of).max()
    }
}

fn ballot_of<V: Borrow<Vote>>(vote: &V) -> Ballot {
    vote.borrow().ballot
}

#[cfg(test)]
mod tests {
    use super::super::vote::tests::{ballot, grant, promise};
    use super::*;
    use serde_json::json;

    const ME: Cloud = Cloud::Aws;

    fn acceptor() -> Acceptor<Vote> {
        let predecessor_decided = true;
        Acceptor { me: ME, grant: grant(), promise: None, accept: None, predecessor_decided }
    }

    fn value(number: u64) -> Value {
        Value::from_json(&json!({ "number": number })).expect("a value")
    }

    fn prepare(at: &str) -> Request<Vote> {
        Request::Prepare { ballot: ballot(at) }
    }

    fn propose(at: &str, number: u64) -> Request<Vote> {
        let promises = vec![promise(Cloud::Gcp, at, None), promise(Cloud::Azure, at, None)];
        Request::Propose { ballot: ballot(at), value: value(number), promises }
    }

    /// Asks, and stores what is to be stored.
    fn ask(acceptor: &mut Acceptor<Vote>, request: &Request<Vote>) -> Effect<Vote> {
        let effect = acceptor.step(request.ballot().cloud(), request);
        if let Effect::Store(vote) = &effect {
            match vote.statement {
                Statement::Promise { .. } => acceptor.promise = Some(vote.clone()),
                Statement::Accept { .. } => acceptor.accept = Some(vote.clone()),
            }
        }
        effect
    }

    fn overtaken(at: &str) -> Effect<Vote> {
        Effect::Refuse(Refusal::Overtaken { promised: ballot(at) })
    }

    #[test]
    fn nothing_below_a_promise_is_voted_for() {
        let mut acceptor = acceptor();
        assert!(matches!(ask(&mut acceptor, &prepare("3.gcp")), Effect::Store(_)));
        assert_eq!(ask(&mut acceptor, &prepare("2.azure")), overtaken("3.gcp"));
        assert_eq!(ask(&mut acceptor, &propose("2.azure", 1)), overtaken("3.gcp"));
        assert!(matches!(ask(&mut acceptor, &propose("3.gcp", 1)), Effect::Store(_)));
    }

    #[test]
    fn a_promise_tells_what_was_accepted_and_a_repeat_gives_the_same_vote() {
        let mut acceptor = acceptor();
        ask(&mut acceptor, &propose("2.gcp", 1));
        let Effect::Store(vote) = ask(&mut acceptor, &prepare("3.azure")) else {
            panic!("refused")
        };
        let last = Proposal { ballot: ballot("2.gcp"), value: value(1).hash() };
        assert_eq!(vote.statement, Statement::Promise { last: Some(last) });
        assert_eq!(ask(&mut acceptor, &prepare("3.azure")), Effect::Repeat(vote));
    }

    #[test]
    fn one_value_is_accepted_under_one_ballot() {
        let mut acceptor = acceptor();
        let Effect::Store(vote) = ask(&mut acceptor, &propose("2.gcp", 1)) else {
            panic!("refused")
        };
        assert_eq!(ask(&mut acceptor, &propose("2.gcp", 1)), Effect::Repeat(vote));
        let second = ask(&mut acceptor, &propose("2.gcp", 2));
        assert_eq!(second, Effect::Refuse(Refusal::TwoValues));
    }

    #[test]
    fn an_own_ballot_is_reserved_once() {
        let mut acceptor = acceptor();
        assert!(matches!(ask(&mut acceptor, &prepare("2.aws")), Effect::Store(_)));
        assert_eq!(ask(&mut acceptor, &prepare("2.aws")), overtaken("2.aws"));
    }

    #[test]
    fn another_clouds_ballot_is_refused() {
        let refused = acceptor().step(Cloud::Azure, &prepare("2.gcp"));
        assert_eq!(refused, Effect::Refuse(Refusal::NotYours));
    }

    #[test]
    fn a_version_waits_for_the_one_before_where_the_resource_asks_for_it() {
        let mut acceptor = Acceptor { predecessor_decided: false, ..acceptor() };
        assert_eq!(ask(&mut acceptor, &prepare("1.gcp")), Effect::Refuse(Refusal::TooEarly));
        acceptor.grant.resource = "approval/7".parse().expect("a resource");
        assert!(matches!(ask(&mut acceptor, &prepare("1.gcp")), Effect::Store(_)));
    }

    #[test]
    fn a_value_that_the_promises_do_not_allow_is_refused() {
        let at = "4.gcp";
        let bound = Some(("3.azure", 9));
        let promises = vec![promise(Cloud::Gcp, at, None), promise(Cloud::Azure, at, bound)];
        let request = Request::Propose { ballot: ballot(at), value: value(1), promises };
        let refused = acceptor().step(Cloud::Gcp, &request);
        assert_eq!(refused, Effect::Refuse(Refusal::Unfounded));
    }
}
