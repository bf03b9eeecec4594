//! Votes with their signatures, and the proof that something was decided.
//!
//! Votes are signed notes (C2SP signed-note) under the cosigner keys, in the form of a cosignature:
//! these keys stand in the deployment's policy file with "two of three", which is exactly what
//! decides a grant, and they are the ones that outlive replaced transport keys. The signed text
//! begins with `<deployment>/grant-…`, and no checkpoint reads like it.

use std::borrow::Borrow;

use super::QUORUM;
use super::ballot::Ballot;
use super::name::GrantId;
use super::value::Value;
use super::vote::{Statement, Vote};
use crate::cloud::{Cloud, PerCloud};
use crate::epoch::Register;
use crate::key::{NoteKey, Sign};
use crate::note::{Note, SignatureLine};
use crate::policy::Policy;

/// Who may vote: the deployment's name, and each cloud's cosigner keys that are not in doubt,
/// newest first. A decision that was made under a key that was replaced since still stands.
#[derive(Clone, Debug)]
pub struct Voters {
    deployment: String,
    keys: PerCloud<Vec<NoteKey>>,
}

/// A vote and the note that its cloud signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedVote {
    vote: Vote,
    note: Note,
}

impl Borrow<Vote> for SignedVote {
    fn borrow(&self) -> &Vote {
        &self.vote
    }
}

impl SignedVote {
    #[must_use]
    pub const fn vote(&self) -> &Vote {
        &self.vote
    }

    /// The signed note.
    #[must_use]
    pub fn note(&self) -> String {
        self.note.to_string()
    }
}

/// What was decided, with its proof: at least two clouds' accepts of one proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    grant: GrantId,
    ballot: Ballot,
    value: Value,
    note: Note,
    signers: PerCloud<bool>,
}

impl Decision {
    #[must_use]
    pub const fn grant(&self) -> &GrantId {
        &self.grant
    }

    /// The ballot under which it was decided. Another proof of the same decision may stand under
    /// another one.
    #[must_use]
    pub const fn ballot(&self) -> Ballot {
        self.ballot
    }

    /// The winner.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// The signed note of the accepts. It verifies under the deployment's policy file.
    #[must_use]
    pub fn note(&self) -> String {
        self.note.to_string()
    }

    /// Whose accepts it carries.
    #[must_use]
    pub const fn signers(&self) -> &PerCloud<bool> {
        &self.signers
    }

    /// The votes that it consists of: to look for contradictions.
    #[must_use]
    pub fn votes(&self) -> Vec<Vote> {
        let statement = Statement::Accept { value: self.value.hash() };
        let signed = self.signers.iter().filter(|(_, signed)| **signed);
        let vote = |by| Vote { grant: self.grant.clone(), by, ballot: self.ballot, statement };
        signed.map(|(by, _)| vote(by)).collect()
    }
}

/// The note does not prove the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDecision {
    #[error("it is not the signed note of a vote of this deployment")]
    Form,
    #[error("the votes are for another value")]
    Value,
    #[error("fewer than {QUORUM} clouds have signed it")]
    Quorum,
}

impl Voters {
    #[must_use]
    pub const fn new(deployment: String, keys: PerCloud<Vec<NoteKey>>) -> Self {
        Voters { deployment, keys }
    }

    #[must_use]
    pub fn of_register(register: &Register) -> Self {
        let keys = PerCloud::from_fn(|cloud| {
            let mut keys = register.seat_keys(cloud.into());
            keys.reverse();
            keys
        });
        Voters::new(register.deployment().to_owned(), keys)
    }

    /// From the file that an outsider brings, in which cosigner keys are named
    /// `<deployment>/<cloud>/cosigner`. `None` unless each cloud has one.
    #[must_use]
    pub fn of_policy(policy: &Policy) -> Option<Self> {
        let (_, first) =
            policy.witnesses().find(|(_, key)| key.name().ends_with("/gcp/cosigner"))?;
        let deployment = first.name().strip_suffix("/gcp/cosigner")?.to_owned();
        let keys = PerCloud::from_fn(|cloud| {
            let name = format!("{deployment}/{cloud}/cosigner");
            let named = policy.witnesses().filter(|(_, key)| key.name() == name);
            let mut keys: Vec<NoteKey> = named.map(|(_, key)| key.clone()).collect();
            keys.reverse();
            keys
        });
        let complete = keys.iter().all(|(_, keys)| !keys.is_empty());
        complete.then_some(Voters { deployment, keys })
    }

    /// The cloud's valid line under a note.
    fn line(&self, by: Cloud, note: &Note) -> Option<SignatureLine> {
        let holds = |key: &&NoteKey| note.check(key).is_valid();
        let key = self.keys.get(by).iter().find(holds)?;
        note.line_of(key).cloned()
    }

    /// Signs a vote of `vote.by` with one of its keys. Until it is durable nobody may see it.
    #[must_use]
    pub fn sign(&self, vote: Vote, unix_s: u64, key: &dyn Sign) -> SignedVote {
        let text = vote.text(&self.deployment);
        let named = self.keys.get(vote.by).iter().find(|named| *named.key() == key.public());
        let line = named.map(|named| SignatureLine::cosign(&text, unix_s, named, key));
        SignedVote { vote, note: Note { text, signatures: line.into_iter().collect() } }
    }

    /// Reads and verifies a vote of another cloud. `None` unless it is one, on this grant, with
    /// the cloud's valid signature and no other line.
    #[must_use]
    pub fn read_vote(&self, grant: &GrantId, by: Cloud, note: &str) -> Option<SignedVote> {
        let note = Note::parse(note).ok()?;
        let [_] = note.signatures.as_slice() else { return None };
        let vote = Vote::parse(&note.text, &self.deployment, by)?;
        let holds = vote.grant == *grant && self.line(by, &note).is_some();
        holds.then_some(SignedVote { vote, note })
    }

    /// Reads a vote that `by` stored itself: by its text alone, since its own key may have been
    /// replaced since, and what it has voted binds it none the less.
    #[must_use]
    pub fn own_vote(&self, by: Cloud, note: &str) -> Option<SignedVote> {
        let note = Note::parse(note).ok()?;
        let vote = Vote::parse(&note.text, &self.deployment, by)?;
        Some(SignedVote { vote, note })
    }

    /// The votes in notes of any clouds; what is none, or does not hold, is left out.
    #[must_use]
    pub fn read_votes<N: AsRef<str>>(&self, grant: &GrantId, notes: &[N]) -> Vec<SignedVote> {
        let read = |note: &N| {
            Cloud::ALL.into_iter().find_map(|by| self.read_vote(grant, by, note.as_ref()))
        };
        notes.iter().filter_map(read).collect()
    }

    /// The decision that these accepts prove.
    ///
    /// # Errors
    /// They are not those of a quorum for this value under one ballot.
    pub fn decision(&self, value: Value, accepts: &[SignedVote]) -> Result<Decision, BadDecision> {
        let first = accepts.first().ok_or(BadDecision::Quorum)?;
        let same = accepts.iter().filter(|accept| accept.note.text == first.note.text);
        let signatures = same.flat_map(|accept| accept.note.signatures.clone()).collect();
        let note = Note { text: first.note.text.clone(), signatures };
        self.verified(value, note)
    }

    /// Reads and verifies a decision that somebody else tells.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read_decision(&self, value: Value, note: &str) -> Result<Decision, BadDecision> {
        self.verified(value, Note::parse(note).map_err(|_| BadDecision::Form)?)
    }

    /// Reads a decision that was verified when it was stored here: by its text alone, since keys
    /// may have been replaced since.
    ///
    /// # Errors
    /// The row is not one that was stored.
    pub fn stored_decision(&self, value: Value, note: &str) -> Result<Decision, BadDecision> {
        let note = Note::parse(note).map_err(|_| BadDecision::Form)?;
        let named = |key: &NoteKey| note.signatures.iter().any(|line| line.name == key.name());
        let signers = self.keys.map(|_, keys| keys.first().is_some_and(named));
        self.with_signers(value, note, signers)
    }

    fn verified(&self, value: Value, mut note: Note) -> Result<Decision, BadDecision> {
        // Lines that do not hold, and second ones of one cloud, are nobody's.
        let lines = PerCloud::from_fn(|cloud| self.line(cloud, &note));
        let signers = lines.map(|_, line| line.is_some());
        note.signatures = Cloud::ALL.into_iter().filter_map(|by| lines.get(by).clone()).collect();
        self.with_signers(value, note, signers)
    }

    fn with_signers(
        &self,
        value: Value,
        note: Note,
        signers: PerCloud<bool>,
    ) -> Result<Decision, BadDecision> {
        // Any cloud will do: the text does not name one.
        let vote =
            Vote::parse(&note.text, &self.deployment, Cloud::Gcp).ok_or(BadDecision::Form)?;
        let Statement::Accept { value: voted } = vote.statement else {
            return Err(BadDecision::Form);
        };
        if voted != value.hash() {
            return Err(BadDecision::Value);
        }
        if signers.iter().filter(|(_, signed)| **signed).count() < QUORUM {
            return Err(BadDecision::Quorum);
        }
        Ok(Decision { grant: vote.grant, ballot: vote.ballot, value, note, signers })
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::{Contradiction, first_contradiction};
    use super::super::vote::Proposal;
    use super::super::vote::tests::{ballot, grant, promise};
    use super::*;
    use crate::key::{NoteAlgorithm, SigningKey};
    use crate::log::LogId;
    use crate::policy::Seat;
    use serde_json::json;

    const DEPLOYMENT: &str = "ring.example";

    fn key(cloud: Cloud) -> SigningKey {
        SigningKey::from_seed([cloud.code(); 32])
    }

    fn voters() -> Voters {
        let keys = PerCloud::from_fn(|cloud| {
            let name = format!("{DEPLOYMENT}/{cloud}/cosigner");
            let key = NoteKey::new(&name, NoteAlgorithm::CosignatureV1, key(cloud).public());
            vec![key.expect("a name")]
        });
        Voters::new(DEPLOYMENT.to_owned(), keys)
    }

    fn value() -> Value {
        Value::from_json(&json!({ "price": "0.36" })).expect("a value")
    }

    fn accept(by: Cloud, at: &str) -> SignedVote {
        let statement = Statement::Accept { value: value().hash() };
        let vote = Vote { grant: grant(), by, ballot: ballot(at), statement };
        voters().sign(vote, 1_763_815_266, &key(by))
    }

    #[test]
    fn a_stranger_with_the_policy_file_alone_verifies_a_decision() {
        let accepts = [accept(Cloud::Gcp, "3.aws"), accept(Cloud::Azure, "3.aws")];
        let decision = voters().decision(value(), &accepts).expect("two accepts");
        assert_eq!(*decision.signers(), PerCloud { gcp: true, aws: false, azure: true });
        let seats = Cloud::ALL
            .map(|cloud| Seat { name: cloud.to_string(), keys: voters().keys.get(cloud).clone() });
        let log = LogId { origin: Cloud::Gcp, epoch: 1 }.name(DEPLOYMENT);
        let log =
            NoteKey::new(&log, NoteAlgorithm::Ed25519, SigningKey::from_seed([9; 32]).public());
        let policy = Policy::of_seats(vec![log.expect("a name")], seats.to_vec(), QUORUM);
        let file = Policy::parse(&policy.to_string()).expect("a policy file");
        let stranger = Voters::of_policy(&file).expect("three clouds");
        assert_eq!(stranger.read_decision(value(), &decision.note()), Ok(decision.clone()));
        assert!(file.quorum_signed(&Note::parse(&decision.note()).expect("a note")));
        assert_eq!(stranger.stored_decision(value(), &decision.note()), Ok(decision));
    }

    #[test]
    fn one_cloud_or_one_twice_or_accepts_of_two_ballots_decide_nothing() {
        let decide = |accepts: &[SignedVote]| voters().decision(value(), accepts);
        let (one, other) = (accept(Cloud::Gcp, "3.aws"), accept(Cloud::Azure, "4.aws"));
        assert_eq!(decide(&[]), Err(BadDecision::Quorum));
        assert_eq!(decide(std::slice::from_ref(&one)), Err(BadDecision::Quorum));
        assert_eq!(decide(&[one.clone(), one.clone()]), Err(BadDecision::Quorum));
        assert_eq!(decide(&[one, other]), Err(BadDecision::Quorum));
    }

    #[test]
    fn a_decision_holds_for_its_value_and_its_text_only() {
        let accepts = [accept(Cloud::Gcp, "3.aws"), accept(Cloud::Azure, "3.aws")];
        let note = voters().decision(value(), &accepts).expect("two accepts").note();
        let other = Value::from_json(&json!({ "price": "0.37" })).expect("a value");
        assert_eq!(voters().read_decision(other, &note), Err(BadDecision::Value));
        let moved = note.replace("\n7\n", "\n8\n");
        assert_eq!(voters().read_decision(value(), &moved), Err(BadDecision::Quorum));
        let elsewhere = Voters { deployment: "other.example".to_owned(), ..voters() };
        assert_eq!(elsewhere.read_decision(value(), &note), Err(BadDecision::Form));
    }

    #[test]
    fn promises_are_no_decision() {
        let last = Proposal { ballot: ballot("1.gcp"), value: value().hash() };
        let promise = |by| {
            let statement = Statement::Promise { last: Some(last) };
            voters().sign(Vote { statement, ..promise(by, "3.aws", None) }, 1, &key(by))
        };
        let both = [promise(Cloud::Gcp), promise(Cloud::Azure)];
        assert_eq!(voters().decision(value(), &both), Err(BadDecision::Form));
    }

    #[test]
    fn two_signed_votes_of_one_cloud_convict_it_before_whoever_has_its_key() {
        let other = Value::from_json(&json!({ "price": "0.37" })).expect("a value");
        let statement = Statement::Accept { value: other.hash() };
        let honest = accept(Cloud::Aws, "3.gcp");
        let (first, by) = (accept(Cloud::Gcp, "3.gcp"), Cloud::Gcp);
        let vote = Vote { grant: grant(), by, ballot: ballot("3.gcp"), statement };
        let second = voters().sign(vote, 1_763_815_267, &key(by));
        let notes = [honest.note(), first.note(), second.note()];
        let votes = voters().read_votes(&grant(), &notes);
        let (one, two, found) = first_contradiction(&votes).expect("evidence");
        assert_eq!((one, two), (&first, &second));
        assert_eq!(found, Contradiction::TwoValues(ballot("3.gcp")));
        // A signature cannot be moved to another's name.
        let framed = second.note().replace("/gcp/cosigner", "/aws/cosigner");
        assert_eq!(voters().read_votes(&grant(), &[framed]), []);
    }

    #[test]
    fn a_vote_is_read_only_as_its_own_clouds_on_its_own_grant() {
        let vote = accept(Cloud::Gcp, "3.aws");
        let read = |by, grant: &GrantId| voters().read_vote(grant, by, &vote.note());
        assert_eq!(read(Cloud::Gcp, &grant()), Some(vote.clone()));
        assert_eq!(read(Cloud::Aws, &grant()), None);
        let other = GrantId { version: 8.try_into().expect("a version"), ..grant() };
        assert_eq!(read(Cloud::Gcp, &other), None);
        assert_eq!(voters().read_votes(&grant(), &[vote.note(), "x".to_owned()]), [vote]);
    }
}
