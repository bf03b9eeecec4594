//! Checking evidence: every step, the verdict, and what may be believed after it.

use crate::cloud::Cloud;
use crate::evidence::accused::{Accused, is_named};
use crate::evidence::{BadEntry, Evidence, Fork, Kind};
use crate::key::{KeyRole, NoteKey};
use crate::log::{Hash, LogId};
use crate::note::Note;
use crate::policy::Policy;
use crate::receipt::{Step, StepState, Verdict, Verification, line_result, step};

impl Evidence {
    /// Checks every step. Never fails: what is wrong is in the steps.
    ///
    /// Valid means proven: whoever held the blamed key signed what no honest holder signs, and the
    /// policy says whose key it is. Without a policy that last thing is open.
    #[must_use]
    pub fn verify(&self, policy: Option<&Policy>) -> Verification {
        let accused = self.accused();
        let mut steps = match self {
            Evidence::Equivocation(fork) | Evidence::DoubleCosignature(fork) => {
                fork.steps(accused.as_ref())
            }
            Evidence::BadEntry(bad) => bad.steps(accused.as_ref()),
        };
        steps.push(self.part(accused.as_ref()));
        steps.push(self.identity(accused.as_ref(), policy));
        let deed = self.deed();
        let proven = accused.as_ref().map_or_else(String::new, |accused| {
            format!("Proven: {} signed {deed}.", accused.whose_key())
        });
        let open = format!(
            "Self-consistent: whoever holds this key signed {deed}, but nobody has said whose key \
             it is. Bring the deployment's policy file to know."
        );
        Verification::of(steps, &open, &proven)
    }

    /// The record with what it proves, if it is valid under this policy.
    ///
    /// # Errors
    /// The steps, at least one of which does not hold.
    pub fn prove(self, policy: &Policy) -> Result<Proven, Verification> {
        let checked = self.verify(Some(policy));
        match self.accused() {
            Some(accused) if checked.verdict == Verdict::Valid => {
                Ok(Proven { evidence: self, accused, sentence: checked.sentence })
            }
            _ => Err(checked),
        }
    }

    /// Whom the names blame, true or not.
    #[must_use]
    pub fn accused(&self) -> Option<Accused> {
        let log_name = match self {
            Evidence::Equivocation(fork) | Evidence::DoubleCosignature(fork) => fork.log_name(),
            Evidence::BadEntry(bad) => bad.log_name(),
        };
        Accused::of_names(&log_name?, self.key())
    }

    /// What was signed, in words that follow "signed".
    fn deed(&self) -> String {
        let log = self.accused().map_or_else(String::new, |accused| accused.log.to_string());
        match self {
            Evidence::Equivocation(_) | Evidence::DoubleCosignature(_) => {
                format!("two different histories of {log}")
            }
            Evidence::BadEntry(bad) => {
                let why = bad.fault().map_or_else(String::new, |fault| format!(": {fault}"));
                format!("a root over entry {log}/{}, which breaks the log's rules{why}", bad.index)
            }
        }
    }

    /// Does the key have the part in this log that the record blames it for?
    fn part(&self, accused: Option<&Accused>) -> Step {
        let (title, needs) = match self.kind() {
            Kind::Equivocation | Kind::BadEntry => (
                "The key is one of the log's origin",
                "the log's own, or its origin's cosigner key",
            ),
            Kind::DoubleCosignature => (
                "The key is a cosigner's who does not write this log",
                "the cosigner key of another cloud of the deployment",
            ),
        };
        let result = accused.map_or_else(
            || "the key's name is neither the log's nor a cosigner's of its deployment".to_owned(),
            |accused| format!("{}, in the log {}", accused.whose_key(), accused.log),
        );
        let fits = accused.is_some_and(|accused| accused.fits(self.kind()));
        step(title, needs, vec![("key", self.key().to_string())], result, fits)
    }

    fn identity(&self, accused: Option<&Accused>, policy: Option<&Policy>) -> Step {
        let who = accused.map_or("the cloud", |accused| accused.cloud.title());
        let title = format!("This key belongs to {who}");
        let key = ("key", self.key().to_string());
        let Some(policy) = policy else {
            let method = "nobody's word but the record's";
            let result = "no policy file was given: compare this key with one you hold".to_owned();
            let open = step(&title, method, vec![key], result, true);
            return Step { state: StepState::Unidentified, ..open };
        };
        let named = is_named(policy, self.key());
        let result = if named {
            "named in your policy file"
        } else {
            "not named in your policy file: another deployment's, an invented key, or one that \
             was replaced before the file was made"
        };
        let inputs = vec![key, ("policy file", policy.to_string())];
        step(&title, "your policy file", inputs, result.to_owned(), named)
    }

    pub(super) fn is_proven(&self, policy: &Policy) -> bool {
        self.verify(Some(policy)).verdict == Verdict::Valid
    }
}

/// Did the blamed key sign this note?
pub(super) fn signed(what: &str, text: &str, key: &NoteKey, accused: Option<&Accused>) -> Step {
    let who = accused.map_or_else(|| "The key".to_owned(), Accused::whose_key);
    let method = match accused.map(|accused| accused.role) {
        Some(KeyRole::Cosigner) => {
            "Ed25519, strict, over the timestamped checkpoint (C2SP cosignature/v1)"
        }
        _ => "Ed25519, strict, over the checkpoint (C2SP signed note)",
    };
    let title = format!("{who} signed {what}");
    let done = match Note::parse(text) {
        Err(error) => {
            step(&title, method, Vec::new(), format!("not a signed note: {error}"), false)
        }
        Ok(note) => {
            let verdict = note.check(key);
            let inputs = vec![("key", key.to_string()), ("signed text", note.text)];
            step(&title, method, inputs, line_result(verdict), verdict.is_valid())
        }
    };
    Step { cloud: accused.map(|accused| accused.cloud), ..done }
}

/// Evidence that was valid under a policy of the one who asked. Made by [`Evidence::prove`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    evidence: Evidence,
    accused: Accused,
    sentence: String,
}

impl Proven {
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The cloud that is to blame.
    #[must_use]
    pub const fn cloud(&self) -> Cloud {
        self.accused.cloud
    }

    #[must_use]
    pub const fn role(&self) -> KeyRole {
        self.accused.role
    }

    #[must_use]
    pub const fn log(&self) -> LogId {
        self.accused.log
    }

    /// `Proven: gcp's log key signed two different histories of gcp/1.`
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    #[must_use]
    pub fn id(&self) -> Hash {
        self.evidence.id()
    }

    /// Two tree sizes, the smaller first; of a bad entry its index and the tree's size.
    #[must_use]
    pub fn places(&self) -> (u64, u64) {
        let places = match &self.evidence {
            Evidence::Equivocation(fork) | Evidence::DoubleCosignature(fork) => Fork::sizes(fork),
            Evidence::BadEntry(bad) => BadEntry::place(bad),
        };
        places.unwrap_or_default() // what is proven could be read
    }
}
