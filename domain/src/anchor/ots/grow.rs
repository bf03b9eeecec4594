//! Proofs that grow: made for calendars, and joined with what calendars answer.

use sha2::{Digest as _, Sha256};

use crate::anchor::bytes::{Malformed, Reader};
use crate::anchor::ots::{
    ATTESTATIONS_MAX, Attestation, Branch, FileHash, Op, PROOF_BYTES_MAX, Proof, Timestamp,
};
use crate::log::Hash;

/// Random bytes that a digest is hashed with before calendars see it. As many as the reference
/// implementation takes.
pub const BLIND_BYTES: usize = 16;

/// What a calendar is given: neither it nor anybody who watches it learns the digest itself.
#[must_use]
pub fn blinded(digest: Hash, blind: [u8; BLIND_BYTES]) -> Hash {
    Hash(Sha256::new().chain_update(digest.0).chain_update(blind).finalize().into())
}

/// A promise that stands in a proof: who gave it, and of which message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    pub calendar: String,
    pub message: Vec<u8>,
}

impl Proof {
    /// What calendars answered to [`blinded`], each a timestamp of that message.
    ///
    /// # Errors
    /// An answer is no timestamp, or there is none.
    pub fn promised(
        digest: Hash,
        blind: [u8; BLIND_BYTES],
        answers: &[Vec<u8>],
    ) -> Result<Self, Malformed> {
        let message = blinded(digest, blind);
        let mut joined = Timestamp(Vec::new());
        for answer in answers {
            joined.join(read(answer, &message.0)?);
        }
        let hashed = Timestamp(vec![Branch::Then(Op::Sha256, joined)]);
        let timestamp = Timestamp(vec![Branch::Then(Op::Append(blind.to_vec()), hashed)]);
        let proof = Proof { hash: FileHash::Sha256, digest: digest.0.to_vec(), timestamp };
        // Whatever cannot be read again is not written.
        Proof::parse(&proof.to_bytes())
    }

    /// The promises in it, each once.
    #[must_use]
    pub fn promises(&self) -> Vec<Promise> {
        let mut promises = Vec::new();
        for path in self.paths() {
            let Attestation::Pending { calendar } = path.attestation else { continue };
            let promise = Promise { calendar: calendar.clone(), message: path.message };
            if !promises.contains(&promise) {
                promises.push(promise);
            }
        }
        promises
    }

    /// Both proofs in one file, if they are of one digest.
    #[must_use]
    pub fn joined(&self, other: &Proof) -> Option<Self> {
        if (self.hash, &self.digest) != (other.hash, &other.digest) {
            return None;
        }
        let mut joined = self.clone();
        joined.timestamp.join(other.timestamp.clone());
        Proof::parse(&joined.to_bytes()).ok()
    }

    /// The proof with what a calendar says of `message` joined to it wherever that message is
    /// reached. Nothing that was in it is lost.
    ///
    /// # Errors
    /// The answer is no timestamp of the message, or with it the proof is too large.
    pub fn grown(&self, message: &[u8], answer: &[u8]) -> Result<Self, Malformed> {
        let more = read(answer, message)?;
        let mut grown = self.clone();
        grown.timestamp.graft(&self.digest, message, &more);
        Proof::parse(&grown.to_bytes())
    }
}

/// All of `bytes`, as a timestamp of `message`.
fn read(bytes: &[u8], message: &[u8]) -> Result<Timestamp, Malformed> {
    let mut reader = Reader::new(bytes, PROOF_BYTES_MAX)?;
    let mut attestations_left = ATTESTATIONS_MAX;
    let timestamp = Timestamp::read(&mut reader, message, 0, &mut attestations_left)?;
    reader.finish().map(|()| timestamp)
}

impl Timestamp {
    /// Both of the same message. What both say is said once.
    fn join(&mut self, other: Timestamp) {
        for branch in other.0 {
            let same = self.0.iter().position(|own| match (own, &branch) {
                (Branch::Then(op, _), Branch::Then(other, _)) => op == other,
                _ => *own == branch,
            });
            match (same.and_then(|at| self.0.get_mut(at)), branch) {
                (None, branch) => self.0.push(branch),
                (Some(Branch::Then(_, then)), Branch::Then(_, more)) => then.join(more),
                (Some(_), _) => {}
            }
        }
    }

    fn graft(&mut self, message: &[u8], at: &[u8], more: &Timestamp) {
        for branch in &mut self.0 {
            if let Branch::Then(op, then) = branch
                && let Ok(next) = op.apply(message)
            {
                then.graft(&next, at, more);
            }
        }
        if message == at {
            self.join(more.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: Hash = Hash([3; 32]);
    const BLIND: [u8; BLIND_BYTES] = [9; BLIND_BYTES];

    /// A timestamp that is one attestation, as a calendar answers.
    fn answer(attestation: &Attestation) -> Vec<u8> {
        let mut bytes = vec![0x00];
        attestation.write(&mut bytes);
        bytes
    }

    fn pending(calendar: &str) -> Vec<u8> {
        answer(&Attestation::Pending { calendar: calendar.to_owned() })
    }

    #[test]
    fn what_two_calendars_promise_stands_in_one_proof_and_the_digest_is_in_neither_message() {
        let answers = [pending("https://a.test"), pending("https://b.test")];
        let proof = Proof::promised(DIGEST, BLIND, &answers).expect("two promises");
        let promises = proof.promises();
        assert_eq!(promises.len(), 2);
        assert!(promises.iter().all(|one| one.message == blinded(DIGEST, BLIND).0));
        assert_ne!(blinded(DIGEST, BLIND), DIGEST);
        assert!(Proof::promised(DIGEST, BLIND, &[]).is_err(), "no answer is no proof");
    }

    #[test]
    fn a_later_answer_is_joined_once_and_keeps_what_was_there() {
        let proof = Proof::promised(DIGEST, BLIND, &[pending("https://a.test")]).expect("one");
        let more = answer(&Attestation::Bitcoin { height: 7 });
        let message = blinded(DIGEST, BLIND).0;
        let grown = proof.grown(&message, &more).expect("it grows");
        assert_eq!(grown.paths().len(), 2);
        assert_eq!(grown.grown(&message, &more).expect("again"), grown);
        assert_eq!(grown.promises(), proof.promises());
        assert_eq!(proof.grown(&[1; 32], &more).expect("elsewhere"), proof);
        assert!(proof.grown(&message, &more[1..]).is_err());
    }
}
