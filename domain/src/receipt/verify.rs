//! Checking a receipt: every step, and the verdict.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::log::Checkpoint;
use crate::note::Note;
use crate::policy::Policy;
use crate::receipt::keys::Keys;
use crate::receipt::{Receipt, later, steps};

/// What one step of a verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Computed here, and it holds.
    Valid,
    /// Computed here, and it does not hold.
    Invalid,
    /// Holds, but rests on somebody's word: the keys came with the receipt.
    Unidentified,
    /// Could not be computed from what the receipt contains.
    NotChecked,
}

/// One step: what went in, what came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// A sentence such as "The payload gives the payload hash".
    pub title: String,
    /// The formula or method.
    pub method: String,
    /// Named inputs.
    pub inputs: Vec<(String, String)>,
    pub result: String,
    pub state: StepState,
    /// The cloud whose signature this step checks.
    pub cloud: Option<Cloud>,
    /// The file of a bundle that the step is about, or the part of a file that has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl Step {
    /// The title, and in which file where there are several.
    fn named(&self) -> String {
        self.file
            .as_ref()
            .map_or_else(|| self.title.clone(), |file| format!("{file}: {}", self.title))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Every step holds under the verifier's own policy.
    Valid,
    /// Every step holds, under keys that nobody has vouched for.
    SelfConsistent,
    /// At least one step fails.
    Invalid,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    pub steps: Vec<Step>,
    pub verdict: Verdict,
    /// The verdict in one sentence.
    pub sentence: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Verdict::Valid => "valid",
            Verdict::SelfConsistent => "self-consistent",
            Verdict::Invalid => "invalid",
        })
    }
}

/// Checks every step. Never fails: what is wrong is in the steps.
#[must_use]
pub fn verify(receipt: &Receipt, policy: Option<&Policy>) -> Verification {
    let note = Note::parse(&receipt.checkpoint).ok();
    let checkpoint = note.as_ref().and_then(|note| Checkpoint::parse(&note.text).ok());
    let keys = Keys::new(receipt, checkpoint.as_ref(), policy);
    let mut steps = vec![
        steps::payload(receipt),
        steps::event_hash(receipt),
        steps::event_signature(receipt, &keys),
        steps::leaf(receipt, checkpoint.as_ref()),
        steps::root(receipt, checkpoint.as_ref()),
    ];
    if let Some(note) = &note {
        steps.push(steps::log_signature(receipt, note, &keys));
        steps.extend(steps::cosignatures(note, &keys));
        steps.push(steps::quorum(note, &keys));
    }
    steps.push(steps::identity(&keys));
    let found = Verification::of(steps, SELF_CONSISTENT, VALID);
    match policy {
        Some(policy) if found.verdict == Verdict::Invalid && holds_by_its_own_keys(receipt) => {
            let later = later::sentence(receipt, checkpoint.as_ref(), policy);
            Verification { sentence: later.unwrap_or(found.sentence), ..found }
        }
        _ => found,
    }
}

/// Nothing is wrong with it but whose the keys are.
fn holds_by_its_own_keys(receipt: &Receipt) -> bool {
    verify(receipt, None).verdict == Verdict::SelfConsistent
}

const SELF_CONSISTENT: &str = "Self-consistent: every step holds, but the signers are not \
    identified. Bring the deployment's policy file to know whose keys these are.";
const VALID: &str =
    "Valid: final under your policy file. Any change to the event would break a step.";

impl Verification {
    /// The verdict that follows from the steps. The sentences for what holds are the caller's,
    /// who knows what was checked.
    #[must_use]
    pub fn of(steps: Vec<Step>, self_consistent: &str, valid: &str) -> Self {
        let failed: Vec<String> =
            steps.iter().filter(|step| step.state == StepState::Invalid).map(Step::named).collect();
        let unidentified = steps.iter().any(|step| step.state == StepState::Unidentified);
        let (verdict, sentence) = if !failed.is_empty() {
            (Verdict::Invalid, format!("Invalid: this does not hold: {}.", failed.join("; ")))
        } else if unidentified {
            (Verdict::SelfConsistent, self_consistent.to_owned())
        } else {
            (Verdict::Valid, valid.to_owned())
        };
        Verification { steps, verdict, sentence }
    }
}
