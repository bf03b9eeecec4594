//! What a cloud says about a grant: the two statements of Paxos, and the text that it signs.

use std::borrow::Borrow;

use super::QUORUM;
use super::ballot::Ballot;
use super::name::GrantId;
use crate::cloud::Cloud;
use crate::log::Hash;

/// A value under the ballot that proposed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub ballot: Ballot,
    /// [`super::Value::hash`].
    pub value: Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    /// "I shall accept nothing below this ballot, and this is the last that I have accepted."
    Promise { last: Option<Proposal> },
    /// "I accept this value under this ballot."
    Accept { value: Hash },
}

/// One statement of one cloud. Two accepts of one proposal by two clouds decide it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    pub grant: GrantId,
    pub by: Cloud,
    pub ballot: Ballot,
    pub statement: Statement,
}

const PROMISE_NAME: &str = "grant-promise/v1";
const ACCEPT_NAME: &str = "grant-accept/v1";
/// Stands where a promise names what was accepted, if nothing was.
const NOTHING: &str = "nothing";

impl Vote {
    /// What was accepted when this was said, as far as it says.
    #[must_use]
    pub const fn accepted(&self) -> Option<Proposal> {
        match self.statement {
            Statement::Promise { last } => last,
            Statement::Accept { value } => Some(Proposal { ballot: self.ballot, value }),
        }
    }

    /// The text of the signed note. Who says it stands in the signature: the accepts of one
    /// proposal have one text, under which several clouds can sign.
    ///
    /// It cannot be taken for a checkpoint, whose second line is a number: a resource has a '/'.
    #[must_use]
    pub fn text(&self, deployment: &str) -> String {
        let (name, about) = match self.statement {
            Statement::Promise { last: None } => (PROMISE_NAME, NOTHING.to_owned()),
            Statement::Promise { last: Some(Proposal { ballot, value }) } => {
                (PROMISE_NAME, format!("{ballot} {value}"))
            }
            Statement::Accept { value } => (ACCEPT_NAME, value.to_string()),
        };
        let GrantId { resource, version } = &self.grant;
        format!("{deployment}/{name}\n{resource}\n{version}\n{}\n{about}\n", self.ballot)
    }

    /// Reads a text as said by `by`. `None` unless it is exactly what [`Vote::text`] writes.
    #[must_use]
    pub fn parse(text: &str, deployment: &str, by: Cloud) -> Option<Vote> {
        let mut lines = text.lines();
        let name = lines.next()?.strip_prefix(deployment)?.strip_prefix('/')?;
        let resource = lines.next()?.parse().ok()?;
        let version = lines.next()?.parse::<u64>().ok()?.try_into().ok()?;
        let ballot = lines.next()?.parse().ok()?;
        let statement = parse_statement(name, lines.next()?)?;
        let vote = Vote { grant: GrantId { resource, version }, by, ballot, statement };
        (vote.text(deployment) == text).then_some(vote)
    }
}

fn parse_statement(name: &str, about: &str) -> Option<Statement> {
    match (name, about) {
        (PROMISE_NAME, NOTHING) => Some(Statement::Promise { last: None }),
        (PROMISE_NAME, last) => {
            let (ballot, value) = last.split_once(' ')?;
            let last = Proposal { ballot: ballot.parse().ok()?, value: Hash::from_hex(value)? };
            Some(Statement::Promise { last: Some(last) })
        }
        (ACCEPT_NAME, value) => Some(Statement::Accept { value: Hash::from_hex(value)? }),
        _ => None,
    }
}

/// What promises allow to be proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Nothing can have been decided below their ballot: any value.
    Free,
    /// This one may have been decided, so nothing else.
    Bound(Hash),
}

/// What may be proposed for `grant` under `ballot` by right of these promises. `None`: nothing,
/// since they are not the promises of a quorum for that ballot, or contradict each other.
#[must_use]
pub fn choice<V: Borrow<Vote>>(grant: &GrantId, ballot: Ballot, promises: &[V]) -> Option<Choice> {
    let mut clouds = Vec::new();
    let mut highest: Option<Proposal> = None;
    for promise in promises.iter().map(Borrow::borrow) {
        let Statement::Promise { last } = promise.statement else { return None };
        let fits = promise.grant == *grant && promise.ballot == ballot;
        if !fits || clouds.contains(&promise.by) {
            return None;
        }
        clouds.push(promise.by);
        highest = match (highest, last) {
            (_, Some(last)) if last.ballot >= ballot => return None,
            (Some(high), Some(last)) if high.ballot == last.ballot && high != last => return None,
            (Some(high), Some(last)) if high.ballot > last.ballot => Some(high),
            (high, last) => last.or(high),
        };
    }
    let choice = highest.map_or(Choice::Free, |proposal| Choice::Bound(proposal.value));
    (clouds.len() >= QUORUM).then_some(choice)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::log::Checkpoint;

    pub(in crate::grant) fn grant() -> GrantId {
        GrantId {
            resource: "price/pro".parse().expect("a resource"),
            version: 7.try_into().expect("a version"),
        }
    }

    pub(in crate::grant) fn ballot(text: &str) -> Ballot {
        text.parse().expect("a ballot")
    }

    pub(in crate::grant) fn value(byte: u8) -> Hash {
        Hash([byte; 32])
    }

    pub(in crate::grant) fn promise(by: Cloud, at: &str, last: Option<(&str, u8)>) -> Vote {
        let last = last.map(|(at, byte)| Proposal { ballot: ballot(at), value: value(byte) });
        Vote { grant: grant(), by, ballot: ballot(at), statement: Statement::Promise { last } }
    }

    pub(in crate::grant) fn accept(by: Cloud, at: &str, byte: u8) -> Vote {
        let statement = Statement::Accept { value: value(byte) };
        Vote { grant: grant(), by, ballot: ballot(at), statement }
    }

    #[test]
    fn a_vote_reads_back_and_is_no_checkpoint() {
        let deployment = "ring.example";
        for vote in [
            promise(Cloud::Aws, "3.gcp", None),
            promise(Cloud::Aws, "3.gcp", Some(("2.azure", 9))),
            accept(Cloud::Aws, "3.gcp", 9),
        ] {
            let text = vote.text(deployment);
            assert_eq!(Vote::parse(&text, deployment, Cloud::Aws), Some(vote));
            assert_eq!(Vote::parse(&text, "other.example", Cloud::Aws), None);
            assert_eq!(Vote::parse(&format!("{text}\n"), deployment, Cloud::Aws), None);
            assert_eq!(Vote::parse(&text.replace("\n7\n", "\n07\n"), deployment, Cloud::Aws), None);
            assert!(Checkpoint::parse(&text).is_err());
        }
    }

    #[test]
    fn the_highest_accepted_value_must_be_proposed_again() {
        let (gcp, aws, azure) = (Cloud::Gcp, Cloud::Aws, Cloud::Azure);
        let allowed = |promises: &[Vote]| choice(&grant(), ballot("5.gcp"), promises);
        let free = promise(gcp, "5.gcp", None);
        let old = promise(aws, "5.gcp", Some(("2.aws", 2)));
        let new = promise(azure, "5.gcp", Some(("4.aws", 4)));
        assert_eq!(allowed(&[free.clone(), promise(aws, "5.gcp", None)]), Some(Choice::Free));
        assert_eq!(allowed(&[free.clone(), old.clone()]), Some(Choice::Bound(value(2))));
        assert_eq!(allowed(&[new.clone(), old.clone()]), Some(Choice::Bound(value(4))));
        assert_eq!(allowed(&[old, free, new]), Some(Choice::Bound(value(4))));
    }

    #[test]
    fn promises_of_one_cloud_of_another_ballot_or_at_odds_allow_nothing() {
        let (gcp, aws) = (Cloud::Gcp, Cloud::Aws);
        let allowed = |promises: &[Vote]| choice(&grant(), ballot("5.gcp"), promises);
        let good = promise(gcp, "5.gcp", Some(("4.aws", 4)));
        for other in [
            promise(gcp, "5.gcp", None),
            promise(aws, "6.gcp", None),
            promise(aws, "5.gcp", Some(("4.aws", 5))),
            promise(aws, "5.gcp", Some(("5.gcp", 5))),
            accept(aws, "5.gcp", 4),
        ] {
            assert_eq!(allowed(&[good.clone(), other.clone()]), None, "{other:?}");
        }
        assert_eq!(allowed(&[good]), None);
    }
}
