//! The proposer: two rounds of questions to two of three clouds, as often as it takes.

use std::borrow::Borrow;

use super::QUORUM;
use super::acceptor::{Refusal, Request};
use super::ballot::Ballot;
use super::name::GrantId;
use super::value::Value;
use super::vote::{Choice, Statement, Vote, choice};
use crate::cloud::{CLOUD_COUNT, Cloud, PerCloud};

/// What happens to a proposer.
#[derive(Clone, Debug)]
pub enum Input<V> {
    /// Begin, or begin again: nobody answered in time, or another was faster.
    Begin,
    /// A verified vote, and the value that it names as accepted, if it names one.
    Voted { vote: V, accepted: Option<Value> },
    /// A refusal of what was asked under `ballot`.
    Refused { by: Cloud, ballot: Ballot, refusal: Refusal },
}

/// What the driver must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<V> {
    /// Ask these clouds, this one's own acceptor like the others.
    Ask { whom: Vec<Cloud>, request: Request<V> },
    /// Decided, for ever; the accepts are the proof.
    Decided { value: Value, accepts: Vec<V> },
    /// Nothing comes of this ballot any more. Wait a random while, then begin again.
    Overtaken,
}

/// One attempt to have `wish` decided, or to learn and finish what others began. It may be lost at
/// any time: a new one takes up what the acceptors hold.
#[derive(Clone, Debug)]
pub struct Proposer<V> {
    me: Cloud,
    grant: GrantId,
    wish: Value,
    /// The highest ballot heard of.
    seen: Option<Ballot>,
    attempt: Option<Attempt<V>>,
}

/// What came of one ballot.
#[derive(Clone, Debug)]
struct Attempt<V> {
    ballot: Ballot,
    promises: Vec<(V, Option<Value>)>,
    /// Proposed, once two promises allowed it.
    value: Option<Value>,
    accepts: Vec<V>,
    refused: PerCloud<bool>,
}

impl<V: Borrow<Vote> + Clone> Proposer<V> {
    #[must_use]
    pub const fn new(me: Cloud, grant: GrantId, wish: Value) -> Self {
        Proposer { me, grant, wish, seen: None, attempt: None }
    }

    /// Takes one step. Answers to ballots that were given up, and repeats, change nothing.
    pub fn step(&mut self, input: Input<V>) -> Vec<Effect<V>> {
        match input {
            Input::Begin => self.begin(),
            Input::Voted { vote, accepted } => self.voted(vote, accepted),
            Input::Refused { by, ballot, refusal } => self.refused(by, ballot, refusal),
        }
    }

    /// Reserves the next ballot at home. Others hear of it only once that is durable.
    fn begin(&mut self) -> Vec<Effect<V>> {
        let Some(ballot) = Ballot::after(self.seen, self.me) else {
            return self.give_up();
        };
        self.seen = Some(ballot);
        self.attempt = Some(Attempt {
            ballot,
            promises: Vec::new(),
            value: None,
            accepts: Vec::new(),
            refused: PerCloud::default(),
        });
        vec![Effect::Ask { whom: vec![self.me], request: Request::Prepare { ballot } }]
    }

    fn give_up(&mut self) -> Vec<Effect<V>> {
        self.attempt = None;
        vec![Effect::Overtaken]
    }

    fn voted(&mut self, vote: V, accepted: Option<Value>) -> Vec<Effect<V>> {
        let Some(attempt) = &mut self.attempt else { return Vec::new() };
        let said = vote.borrow();
        if said.grant != self.grant || said.ballot != attempt.ballot {
            return Vec::new();
        }
        match said.statement {
            Statement::Promise { .. } => self.promised(vote, accepted),
            Statement::Accept { .. } => self.accepted(vote),
        }
    }

    fn promised(&mut self, vote: V, accepted: Option<Value>) -> Vec<Effect<V>> {
        let Some(attempt) = &mut self.attempt else { return Vec::new() };
        let (by, ballot) = (vote.borrow().by, attempt.ballot);
        let told = vote.borrow().accepted().map(|last| last.value);
        let known = attempt.promises.iter().any(|(known, _)| known.borrow().by == by);
        // What was accepted must come along, or it could not be proposed again.
        if known || attempt.value.is_some() || told != accepted.as_ref().map(Value::hash) {
            return Vec::new();
        }
        attempt.promises.push((vote, accepted));
        if by == self.me {
            let request = Request::Prepare { ballot };
            return vec![Effect::Ask { whom: self.me.peers().to_vec(), request }];
        }
        let Some((value, promises)) = attempt.chosen(&self.grant, &self.wish) else {
            return Vec::new();
        };
        attempt.value = Some(value.clone());
        let request = Request::Propose { ballot, value, promises };
        vec![Effect::Ask { whom: Cloud::ALL.to_vec(), request }]
    }

    fn accepted(&mut self, vote: V) -> Vec<Effect<V>> {
        let Some(attempt) = &mut self.attempt else { return Vec::new() };
        let Some(value) = attempt.value.clone() else { return Vec::new() };
        let said = vote.borrow();
        let known = attempt.accepts.iter().any(|known| known.borrow().by == said.by);
        if known || said.accepted().map(|accepted| accepted.value) != Some(value.hash()) {
            return Vec::new();
        }
        attempt.accepts.push(vote);
        if attempt.accepts.len() < QUORUM {
            return Vec::new();
        }
        let accepts = std::mem::take(&mut attempt.accepts);
        self.attempt = None;
        vec![Effect::Decided { value, accepts }]
    }

    fn refused(&mut self, by: Cloud, ballot: Ballot, refusal: Refusal) -> Vec<Effect<V>> {
        if let Refusal::Overtaken { promised } = refusal {
            self.seen = self.seen.max(Some(promised));
        }
        let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.ballot == ballot) else {
            return Vec::new();
        };
        // Our own acceptor knows of a higher ballot, and nobody else has heard of this one.
        let at_home = by == self.me && attempt.promises.is_empty();
        if at_home && matches!(refusal, Refusal::Overtaken { .. }) {
            return self.begin();
        }
        *attempt.refused.get_mut(by) = true;
        let against = attempt.refused.iter().filter(|(_, refused)| **refused).count();
        if at_home || CLOUD_COUNT - against < QUORUM { self.give_up() } else { Vec::new() }
    }
}

impl<V: Borrow<Vote> + Clone> Attempt<V> {
    /// The value to propose, with the promises that allow it, once there are two that do. A third
    /// may agree with one of two that contradict each other.
    fn chosen(&self, grant: &GrantId, wish: &Value) -> Option<(Value, Vec<V>)> {
        let (newest, earlier) = self.promises.split_last()?;
        earlier.iter().find_map(|other| {
            let promises = vec![other.0.clone(), newest.0.clone()];
            let value = match choice(grant, self.ballot, &promises)? {
                Choice::Free => wish.clone(),
                Choice::Bound(hash) => {
                    let mut told =
                        [other, newest].into_iter().filter_map(|(_, told)| told.as_ref());
                    told.find(|value| value.hash() == hash)?.clone()
                }
            };
            Some((value, promises))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::vote::tests::{ballot, grant, promise};
    use super::super::vote::{Proposal, Vote};
    use super::*;
    use serde_json::json;

    const ME: Cloud = Cloud::Gcp;

    fn value(number: u64) -> Value {
        Value::from_json(&json!({ "number": number })).expect("a value")
    }

    fn proposer() -> Proposer<Vote> {
        let mut proposer = Proposer::new(ME, grant(), value(1));
        let asked = proposer.step(Input::Begin);
        let request = Request::Prepare { ballot: ballot("1.gcp") };
        assert_eq!(asked, [Effect::Ask { whom: vec![ME], request }]);
        proposer
    }

    fn promised(proposer: &mut Proposer<Vote>, by: Cloud, at: &str) -> Vec<Effect<Vote>> {
        proposer.step(Input::Voted { vote: promise(by, at, None), accepted: None })
    }

    fn accepted(
        proposer: &mut Proposer<Vote>,
        by: Cloud,
        at: &str,
        of: &Value,
    ) -> Vec<Effect<Vote>> {
        let statement = Statement::Accept { value: of.hash() };
        let vote = Vote { grant: grant(), by, ballot: ballot(at), statement };
        proposer.step(Input::Voted { vote, accepted: None })
    }

    fn proposed(effects: &[Effect<Vote>]) -> Option<&Value> {
        match effects {
            [Effect::Ask { request: Request::Propose { value, .. }, .. }] => Some(value),
            _ => None,
        }
    }

    #[test]
    fn its_own_value_is_decided_by_two_promises_and_two_accepts() {
        let mut proposer = proposer();
        let asked = promised(&mut proposer, ME, "1.gcp");
        assert!(matches!(&asked[..], [Effect::Ask { whom, .. }] if *whom == ME.peers()));
        let asked = promised(&mut proposer, Cloud::Azure, "1.gcp");
        assert_eq!(proposed(&asked), Some(&value(1)));
        assert_eq!(promised(&mut proposer, Cloud::Aws, "1.gcp"), [], "one proposal a ballot");
        assert_eq!(accepted(&mut proposer, Cloud::Aws, "1.gcp", &value(1)), []);
        assert_eq!(accepted(&mut proposer, Cloud::Aws, "1.gcp", &value(1)), [], "a repeat");
        let decided = accepted(&mut proposer, ME, "1.gcp", &value(1));
        assert!(matches!(&decided[..], [Effect::Decided { value: won, accepts }]
                if *won == value(1) && accepts.len() == QUORUM));
    }

    #[test]
    fn what_may_have_been_decided_is_proposed_instead_of_its_own() {
        let mut proposer = proposer();
        promised(&mut proposer, ME, "1.gcp");
        proposer.step(Input::Refused {
            by: Cloud::Aws,
            ballot: ballot("1.gcp"),
            refusal: Refusal::Overtaken { promised: ballot("4.aws") },
        });
        proposer.step(Input::Begin);
        promised(&mut proposer, ME, "5.gcp");
        let last = Proposal { ballot: ballot("4.aws"), value: value(2).hash() };
        let vote = Vote {
            statement: Statement::Promise { last: Some(last) },
            ..promise(Cloud::Aws, "5.gcp", None)
        };
        let without = proposer.step(Input::Voted { vote: vote.clone(), accepted: None });
        assert_eq!(without, [], "the value itself must come along");
        let asked = proposer.step(Input::Voted { vote, accepted: Some(value(2)) });
        assert_eq!(proposed(&asked), Some(&value(2)));
    }

    #[test]
    fn a_ballot_that_is_taken_at_home_is_followed_by_the_next() {
        let mut proposer = proposer();
        let refusal = Refusal::Overtaken { promised: ballot("6.azure") };
        let asked = proposer.step(Input::Refused { by: ME, ballot: ballot("1.gcp"), refusal });
        let request = Request::Prepare { ballot: ballot("7.gcp") };
        assert_eq!(asked, [Effect::Ask { whom: vec![ME], request }]);
    }

    #[test]
    fn one_refusal_does_not_end_an_attempt_and_two_do() {
        let mut proposer = proposer();
        promised(&mut proposer, ME, "1.gcp");
        let refusal = Refusal::Overtaken { promised: ballot("2.aws") };
        let mut refuse =
            |by| proposer.step(Input::Refused { by, ballot: ballot("1.gcp"), refusal });
        assert_eq!(refuse(Cloud::Aws), []);
        assert_eq!(refuse(Cloud::Aws), []);
        assert_eq!(refuse(Cloud::Azure), [Effect::Overtaken]);
        assert_eq!(promised(&mut proposer, Cloud::Aws, "1.gcp"), [], "it is given up");
    }
}
