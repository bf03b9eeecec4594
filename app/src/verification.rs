//! Checking a receipt or evidence on this computer: the domain's verification, and on whose word
//! it rests.

use domain::evidence::Evidence;
use domain::json;
use domain::log::Hash;
use domain::policy::Policy;
use domain::receipt::{self, Receipt, Step, StepState, Verdict, Verification};
use sha2::{Digest, Sha256};

/// Whose keys a file is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// Only those that the file brings along.
    Enclosed,
    /// The policy file that this server hands out: its word, no more.
    Server(String),
    /// The reader's own policy file: its name and text.
    Own { name: String, text: String },
}

/// A file that could be read, and can be checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Subject {
    Receipt(Box<Receipt>),
    Evidence(Box<Evidence>),
}

/// Of this and later versions, which say for themselves what they cannot read.
const EVIDENCE_FORMATS: &str = "ternion/evidence/";

impl Subject {
    /// A receipt, or evidence if it says that it is.
    ///
    /// # Errors
    /// A sentence for the reader.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let value = json::parse_strict(text.as_bytes()).unwrap_or_default();
        let format = value.get("format").and_then(serde_json::Value::as_str);
        if format.is_some_and(|format| format.starts_with(EVIDENCE_FORMATS)) {
            return Evidence::parse(text.as_bytes())
                .map(|evidence| Subject::Evidence(Box::new(evidence)))
                .map_err(|error| format!("This file cannot be read as evidence: {error}."));
        }
        Receipt::parse(text.as_bytes())
            .map(|receipt| Subject::Receipt(Box::new(receipt)))
            .map_err(|error| format!("This file cannot be read as a receipt: {error}."))
    }

    /// What the reader would call it.
    pub(crate) const fn noun(&self) -> &'static str {
        match self {
            Subject::Receipt(_) => "receipt",
            Subject::Evidence(_) => "evidence",
        }
    }

    /// Every step, computed here and now.
    ///
    /// # Errors
    /// The policy file cannot be read.
    pub(crate) fn check(&self, keys: &KeySource) -> Result<Verification, String> {
        let policy = match keys {
            KeySource::Enclosed => None,
            KeySource::Server(text) | KeySource::Own { text, .. } => Some(read_policy(text)?),
        };
        let checked = match self {
            Subject::Receipt(receipt) => receipt::verify(receipt, policy.as_ref()),
            Subject::Evidence(evidence) => evidence.verify(policy.as_ref()),
        };
        Ok(match keys {
            KeySource::Server(text) => on_the_servers_word(checked, text),
            KeySource::Enclosed | KeySource::Own { .. } => checked,
        })
    }
}

/// SHA-256 of a manifest's text, in hex: the snapshot's hash.
pub(crate) fn manifest_hash(manifest: &str) -> String {
    Hash(Sha256::digest(manifest).into()).to_string()
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

/// The keys came from the server that also brought the file. All mathematics holds, and yet
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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::cloud::Cloud;
    use domain::evidence::Fork;
    use domain::key::{NoteAlgorithm, NoteKey, SigningKey};
    use domain::log::{Checkpoint, Head, LogId};
    use domain::note::{Note, SignatureLine};

    /// Two roots of one size, signed by one key; and the policy file that names it.
    fn evidence() -> (Evidence, String) {
        let key = SigningKey::from_seed([7; 32]);
        let log = LogId { origin: Cloud::Aws, epoch: 1 }.name("d.example");
        let name = NoteKey::new(&log, NoteAlgorithm::Ed25519, key.public()).expect("a name");
        let note = |root: u8| {
            let head = Head { size: 3, root: Hash([root; 32]) };
            let text = Checkpoint { origin: log.clone(), head }.to_string();
            let line = SignatureLine::sign(&text, &name, &key);
            Note { text, signatures: vec![line] }.to_string()
        };
        let fork = Fork { key: name.clone(), first: note(1), second: note(2), prefix: None };
        (Evidence::Equivocation(fork), format!("log {name}\nquorum none\n"))
    }

    #[test]
    fn evidence_is_recognised_and_rests_on_the_word_of_whoever_names_its_key() {
        let (evidence, policy) = evidence();
        let subject = Subject::read(&evidence.to_value().to_string()).expect("evidence");
        assert_eq!((subject.noun(), &subject), ("evidence", &Subject::Evidence(evidence.into())));
        let own = KeySource::Own { name: "mine".to_owned(), text: policy.clone() };
        for (keys, verdict) in [
            (KeySource::Enclosed, Verdict::SelfConsistent),
            (KeySource::Server(policy), Verdict::SelfConsistent),
            (own, Verdict::Valid),
        ] {
            let checked = subject.check(&keys).expect("a policy");
            assert_eq!(checked.verdict, verdict, "{keys:?}");
        }
    }

    #[test]
    fn a_file_that_is_neither_is_named_by_what_it_claims_to_be() {
        let read = |text: &str| Subject::read(text).expect_err("unreadable");
        assert!(read("{}").starts_with("This file cannot be read as a receipt: "));
        let later = r#"{"format":"ternion/evidence/v2"}"#;
        assert!(read(later).starts_with("This file cannot be read as evidence: the format is"));
    }
}
