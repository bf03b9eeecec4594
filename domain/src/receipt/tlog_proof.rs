//! The C2SP tlog-proof form of a receipt: no event, only its hash and slot, and the proof.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64: the 45-byte log entry, slot ‖ event hash>
//! index <decimal>
//! <base64 hash>…
//!
//! <signed checkpoint>
//! ```

use crate::log::proof::{PROOF_HASHES_MAX, root_from_inclusion};
use crate::log::{Checkpoint, Hash, Leaf};
use crate::note::{LineVerdict, Note};
use crate::policy::Policy;
use crate::receipt::{Step, StepState, Verification};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// How every such text begins.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1\n";
/// Slot (13) and event hash (32).
const ENTRY_BYTES: usize = 45;
const SELF_CONSISTENT: &str = "Self-consistent: the proof leads to the root, but no signature was \
    checked. Bring the deployment's policy file.";
const VALID: &str = "Valid: an event of this hash is final under your policy file.";

/// One entry, its proof, and the signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    entry: [u8; ENTRY_BYTES],
    index: u64,
    proof: Vec<Hash>,
    note: Note,
    checkpoint: Checkpoint,
}

/// What the text lacks to be a proof of one of our entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("it is not UTF-8 text")]
    Text,
    #[error("no blank line between the proof and the checkpoint")]
    Split,
    #[error("the line \"extra\" does not hold the 45 bytes of a log entry")]
    Extra,
    #[error("the line \"index\" is not a decimal number")]
    Index,
    #[error("a proof line is not 32 bytes in base64, or there are more than {PROOF_HASHES_MAX}")]
    Hash,
    #[error("the checkpoint: {0}")]
    Note(#[from] crate::note::NoteError),
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] crate::log::CheckpointError),
}

impl TlogProof {
    /// # Errors
    /// What the text lacks.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        let text = std::str::from_utf8(bytes).map_err(|_| FormError::Text)?;
        let body = text.strip_prefix(HEADER).ok_or(FormError::Text)?;
        let (head, checkpoint) = body.split_once("\n\n").ok_or(FormError::Split)?;
        let mut lines = head.split('\n');
        let entry = lines.next().and_then(|line| BASE64.decode(line.strip_prefix("extra ")?).ok());
        let entry = entry.and_then(|bytes| bytes.try_into().ok()).ok_or(FormError::Extra)?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")?.parse().ok());
        let proof: Option<Vec<Hash>> = lines.map(hash).collect();
        let note = Note::parse(checkpoint)?;
        Ok(TlogProof {
            entry,
            index: index.ok_or(FormError::Index)?,
            proof: proof.filter(|all| all.len() <= PROOF_HASHES_MAX).ok_or(FormError::Hash)?,
            checkpoint: Checkpoint::parse(&note.text)?,
            note,
        })
    }

    /// Checks the proof, and the signatures if a policy says whose they must be: this form
    /// carries no keys.
    #[must_use]
    pub fn verify(&self, policy: Option<&Policy>) -> Verification {
        let mut steps = vec![self.place(), self.root()];
        match policy {
            None => steps.push(unsigned()),
            Some(policy) => {
                steps.push(self.log_signature(policy));
                steps.push(self.quorum(policy));
            }
        }
        Verification::of(steps, SELF_CONSISTENT, VALID)
    }

    /// The entry names its own slot; it must be the place that the proof is for.
    fn place(&self) -> Step {
        let slot = slot_of(&self.entry);
        let named = slot.map(|slot| format!("/{}/{}", slot.origin, slot.epoch));
        let fits = slot.is_some_and(|slot| slot.sequence == self.index)
            && named.is_some_and(|name| self.checkpoint.origin.ends_with(&name));
        Step {
            title: "The entry belongs to this place of this log".to_owned(),
            method: "slot in the entry = index and name of the log".to_owned(),
            inputs: vec![
                ("entry".to_owned(), hex::encode(self.entry)),
                ("index".to_owned(), self.index.to_string()),
                ("log of the checkpoint".to_owned(), self.checkpoint.origin.clone()),
            ],
            result: format!(
                "slot {}, event hash {}",
                slot.map_or_else(|| "unknown".to_owned(), |slot| slot.to_string()),
                hex::encode(&self.entry[13..])
            ),
            state: state(fits),
            cloud: None,
            file: None,
        }
    }

    fn root(&self) -> Step {
        let leaf = Leaf::of(&self.entry);
        let head = self.checkpoint.head;
        let root = root_from_inclusion(leaf, self.index, head.size, &self.proof);
        Step {
            title: format!("{} sibling hashes lead from the leaf to the root", self.proof.len()),
            method: "RFC 6962 inclusion proof; leaf = SHA-256(0x00 ‖ entry)".to_owned(),
            inputs: vec![
                ("leaf".to_owned(), leaf.0.to_string()),
                ("tree size".to_owned(), head.size.to_string()),
                ("root in the checkpoint".to_owned(), head.root.to_string()),
            ],
            result: root.map_or_else(
                || "the proof does not fit this place".to_owned(),
                |root| root.to_string(),
            ),
            state: state(root == Some(head.root)),
            cloud: None,
            file: None,
        }
    }

    fn log_signature(&self, policy: &Policy) -> Step {
        let key = policy.log(&self.checkpoint.origin);
        let verdict = key.map_or(LineVerdict::Absent, |key| self.note.check(key));
        let result = match (key, verdict) {
            (None, _) => "your policy file has no key of this log",
            (_, LineVerdict::Absent) => "the log's signature is missing",
            (_, LineVerdict::Invalid) => "does not hold",
            (_, LineVerdict::Valid { .. }) => "valid",
        };
        Step {
            title: "The log signed that root".to_owned(),
            method: "Ed25519, strict, over the checkpoint (C2SP signed note)".to_owned(),
            inputs: vec![
                ("key".to_owned(), key.map_or_else(String::new, ToString::to_string)),
                ("checkpoint".to_owned(), self.note.text.clone()),
            ],
            result: result.to_owned(),
            state: state(matches!(verdict, LineVerdict::Valid { .. })),
            cloud: None,
            file: None,
        }
    }

    fn quorum(&self, policy: &Policy) -> Step {
        let signed: Vec<&str> = policy
            .witnesses()
            .filter(|(_, key)| matches!(self.note.check(key), LineVerdict::Valid { .. }))
            .map(|(name, _)| name)
            .collect();
        let who = if signed.is_empty() { "nobody".to_owned() } else { signed.join(", ") };
        Step {
            title: "Enough clouds signed the same root".to_owned(),
            method: "count of valid cosignatures (C2SP cosignature/v1)".to_owned(),
            inputs: vec![("rule".to_owned(), policy.quorum_sentence())],
            result: format!("{who} signed"),
            state: state(policy.quorum_signed(&self.note)),
            cloud: None,
            file: None,
        }
    }
}

fn hash(line: &str) -> Option<Hash> {
    Hash::from_slice(&BASE64.decode(line).ok()?)
}

/// The inverse of `Slot::to_bytes`.
fn slot_of(entry: &[u8; ENTRY_BYTES]) -> Option<crate::event::Slot> {
    Some(crate::event::Slot {
        origin: crate::cloud::Cloud::from_code(entry[0])?,
        epoch: u32::from_be_bytes(entry[1..5].try_into().ok()?),
        sequence: u64::from_be_bytes(entry[5..13].try_into().ok()?),
    })
}

const fn state(holds: bool) -> StepState {
    if holds { StepState::Valid } else { StepState::Invalid }
}

fn unsigned() -> Step {
    Step {
        title: "The signatures on that root".to_owned(),
        method: "this form carries no keys".to_owned(),
        inputs: Vec::new(),
        result: "give the deployment's policy file to check them".to_owned(),
        state: StepState::Unidentified,
        cloud: None,
        file: None,
    }
}
