//! What a witness is asked and what it signs (C2SP [tlog-witness]): only a head that extends the
//! one it signed last. It holds no entries.
//!
//! [tlog-witness]: https://c2sp.org/tlog-witness

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::log::proof::{PROOF_HASHES_MAX, is_consistent};
use crate::log::{Hash, Head};
use crate::note::NOTE_BYTES_MAX;

/// Where a witness takes submissions, below its address.
pub const ADD_CHECKPOINT_PATH: &str = "/add-checkpoint";
/// The type of a refusal's body that says which size the witness signed last.
pub const SIZE_TYPE: &str = "text/x.tlog.size";
/// A line of base64 of 32 bytes, with its end.
const PROOF_LINE_BYTES: usize = 45;
/// The longest submission: its first line, a proof, a blank line, a note.
pub const SUBMISSION_BYTES_MAX: usize = 32 + PROOF_HASHES_MAX * PROOF_LINE_BYTES + NOTE_BYTES_MAX;

/// The body of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The size that the witness is believed to have signed last; 0 if none.
    pub old_size: u64,
    /// From there to the note's head.
    pub proof: Vec<Hash>,
    /// A signed note around a checkpoint, not checked yet.
    pub note: String,
}

/// The body is not a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("longer than {SUBMISSION_BYTES_MAX} bytes")]
    TooLong,
    #[error("the first line is not of the form \"old <size>\"")]
    OldSize,
    #[error("no blank line between the proof and the note")]
    NoNote,
    #[error(
        "a line of the proof is not 32 bytes in base64, or there are more than {PROOF_HASHES_MAX}"
    )]
    Proof,
}

impl Submission {
    /// # Errors
    /// What is wrong with the form; nothing is verified here.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        if body.len() > SUBMISSION_BYTES_MAX {
            return Err(Malformed::TooLong);
        }
        let (head, note) = body.split_once("\n\n").ok_or(Malformed::NoNote)?;
        let mut lines = head.split('\n');
        let old =
            lines.next().and_then(|line| line.strip_prefix("old ")).ok_or(Malformed::OldSize)?;
        let old_size: u64 = old.parse().map_err(|_| Malformed::OldSize)?;
        if old_size.to_string() != old {
            return Err(Malformed::OldSize);
        }
        let proof: Option<Vec<Hash>> = lines.map(read_hash).collect();
        let proof = proof.filter(|proof| proof.len() <= PROOF_HASHES_MAX);
        let proof = proof.ok_or(Malformed::Proof)?;
        Ok(Submission { old_size, proof, note: note.to_owned() })
    }
}

fn read_hash(line: &str) -> Option<Hash> {
    BASE64.decode(line).ok().and_then(|bytes| Hash::from_slice(&bytes))
}

impl fmt::Display for Submission {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "old {}", self.old_size)?;
        for hash in &self.proof {
            writeln!(out, "{}", BASE64.encode(hash.0))?;
        }
        write!(out, "\n{}", self.note)
    }
}

/// Why a witness does not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the old size is greater than the checkpoint's")]
    Shrinks,
    /// The asker is out of date, or the log has two histories.
    #[error("the last checkpoint signed here has {signed} entries")]
    Conflict { signed: u64 },
    #[error("the proof does not lead from the signed tree to the checkpoint's")]
    Proof,
}

/// Does `new` extend what was `signed` last, which the asker believes to be of `old_size`?
///
/// # Errors
/// Why it must not be signed.
pub fn judge(signed: Head, old_size: u64, proof: &[Hash], new: Head) -> Result<(), Refusal> {
    if old_size > new.size {
        return Err(Refusal::Shrinks);
    }
    let forks = old_size == new.size && signed.root != new.root;
    if old_size != signed.size || forks {
        return Err(Refusal::Conflict { signed: signed.size });
    }
    if is_consistent(signed, new, proof) { Ok(()) } else { Err(Refusal::Proof) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Appender, Leaf, plan};

    fn tree(leaves: &[Leaf]) -> Appender {
        let mut tree = Appender::default();
        leaves.iter().for_each(|leaf| tree.append(*leaf, |_| {}));
        tree
    }

    /// The head of a tree of `size` leaves, and how to read its nodes.
    fn grown(size: u8, salt: u8) -> (Head, impl Fn(plan::Node) -> Option<Hash>) {
        let leaves: Vec<Leaf> = (0..size).map(|at| Leaf::of(&[salt, at])).collect();
        let head = tree(&leaves).head();
        let read = move |node: plan::Node| {
            let (first, count) = (node.first_leaf(), node.leaf_count());
            let range = usize::try_from(first).ok()?..usize::try_from(first + count).ok()?;
            Some(tree(leaves.get(range)?).head().root)
        };
        (head, read)
    }

    fn proof(old: u8, new: u8, salt: u8) -> Vec<Hash> {
        let (_, read) = grown(new, salt);
        plan::consistency(old.into(), new.into())
            .and_then(|plan| plan.assemble(read))
            .unwrap_or_default()
    }

    fn head(size: u8, salt: u8) -> Head {
        grown(size, salt).0
    }

    #[test]
    fn a_submission_reads_back() {
        let note = "log\n3\nroot\n\n— log AAAA\n".to_owned();
        let submission = Submission { old_size: 3, proof: proof(3, 9, 0), note };
        assert_eq!(Submission::parse(&submission.to_string()), Ok(submission));
        let first = Submission { old_size: 0, proof: vec![], note: "x\n".to_owned() };
        assert_eq!(first.to_string(), "old 0\n\nx\n");
        assert_eq!(Submission::parse("old 0\n\nx\n"), Ok(first));
    }

    #[test]
    fn other_forms_are_refused() {
        let too_many =
            format!("old 1\n{}\nnote\n", format!("{}\n", BASE64.encode([0; 32])).repeat(64));
        for (body, why) in [
            ("", Malformed::NoNote),
            ("old 1\nnote", Malformed::NoNote),
            ("old 01\n\nnote", Malformed::OldSize),
            ("old +1\n\nnote", Malformed::OldSize),
            ("size 1\n\nnote", Malformed::OldSize),
            ("old 18446744073709551616\n\nnote", Malformed::OldSize),
            ("old 1\nAAAA\n\nnote", Malformed::Proof),
            (&too_many, Malformed::Proof),
            (&"x".repeat(SUBMISSION_BYTES_MAX + 1), Malformed::TooLong),
        ] {
            assert_eq!(Submission::parse(body), Err(why), "{body:.40}");
        }
    }

    #[test]
    fn only_what_extends_the_last_signed_head_is_signed() {
        let signed = head(5, 0);
        assert_eq!(judge(Head::empty(), 0, &[], signed), Ok(()));
        assert_eq!(judge(signed, 5, &proof(5, 11, 0), head(11, 0)), Ok(()));
        assert_eq!(judge(signed, 5, &[], signed), Ok(()), "the same once more");
        assert_eq!(judge(signed, 5, &proof(5, 11, 1), head(11, 1)), Err(Refusal::Proof));
        assert_eq!(judge(signed, 5, &[], head(11, 0)), Err(Refusal::Proof));
        assert_eq!(judge(signed, 0, &[], head(11, 0)), Err(Refusal::Conflict { signed: 5 }));
        assert_eq!(judge(signed, 5, &[], head(5, 1)), Err(Refusal::Conflict { signed: 5 }));
        assert_eq!(
            judge(signed, 3, &proof(3, 4, 0), head(4, 0)),
            Err(Refusal::Conflict { signed: 5 })
        );
        assert_eq!(judge(signed, 5, &[], head(4, 0)), Err(Refusal::Shrinks));
    }
}
