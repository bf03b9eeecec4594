//! Checking a receipt on this computer: the domain's verification, and on whose word it rests.

use domain::event::Slot;
use domain::log::Hash;
use domain::policy::Policy;
use domain::receipt::{self, Receipt, Step, StepState, Verdict, Verification};
use sha2::{Digest, Sha256};

/// Whose keys a receipt is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// Only those that the receipt brings along.
    Receipt,
    /// The policy file that this server hands out: its word, no more.
    Server(String),
    /// The reader's own policy file: its name and text.
    Own { name: String, text: String },
}

/// A receipt that could be read, and what it is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subject {
    pub(crate) receipt: Receipt,
}

impl Subject {
    /// # Errors
    /// A sentence for the reader.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        Receipt::parse(text.as_bytes())
            .map(|receipt| Subject { receipt })
            .map_err(|error| format!("This file cannot be read as a receipt: {error}."))
    }

    pub(crate) const fn slot(&self) -> Slot {
        self.receipt.slot
    }

    /// Every step, computed here and now.
    ///
    /// # Errors
    /// The policy file cannot be read.
    pub(crate) fn check(&self, keys: &KeySource) -> Result<Verification, String> {
        let policy = match keys {
            KeySource::Receipt => None,
            KeySource::Server(text) | KeySource::Own { text, .. } => Some(read_policy(text)?),
        };
        let checked = receipt::verify(&self.receipt, policy.as_ref());
        Ok(match keys {
            KeySource::Server(text) => on_the_servers_word(checked, text),
            KeySource::Receipt | KeySource::Own { .. } => checked,
        })
    }
}

/// # Errors
/// A sentence with the line that breaks the format.
pub(crate) fn read_policy(text: &str) -> Result<Policy, String> {
    Policy::parse(text).map_err(|error| format!("This policy file cannot be read: {error}."))
}

/// What people compare by eye or over the phone.
pub(crate) fn fingerprint(policy: &str) -> String {
    Hash(Sha256::digest(policy.as_bytes()).into()).to_string()
}

/// The keys came from the server that also brought the receipt. All mathematics holds, and yet
/// nobody but the server vouched for the keys: the last step must not look like the others.
fn on_the_servers_word(mut checked: Verification, policy: &str) -> Verification {
    if let Some(last) = checked.steps.last_mut()
        && last.state == StepState::Valid
    {
        last.state = StepState::Unidentified;
        last.method = "policy file from this server".to_owned();
        last.inputs.insert(0, ("fingerprint, SHA-256".to_owned(), fingerprint(policy)));
        last.result = "on this server's word: compare the fingerprint with the one you hold, \
                       or drop your own policy file below"
            .to_owned();
    }
    if checked.verdict == Verdict::Valid {
        checked.verdict = Verdict::SelfConsistent;
        checked.sentence = "Everything that can be computed holds. Whose keys these are rests on \
                            this server's word until you bring your own policy file."
            .to_owned();
    }
    checked
}

/// How many steps rest on mathematics alone.
pub(crate) fn needs_nobodys_word(steps: &[Step]) -> usize {
    steps.iter().filter(|step| step.state == StepState::Valid).count()
}
