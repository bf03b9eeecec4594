//! From one event up to a chain: its receipt, the root of its log in a snapshot's manifest, and the
//! proofs by others of that manifest's hash.
//!
//! ```text
//! payload ─► hash ─► leaf ─► root ─► cosigned          the receipt
//!                      └───► root in manifest.json     the covering
//!                                 └─► hash ─► chain    the bundle
//! ```

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BY_OTHERS, Bundle, MANIFEST_FILE};
use crate::event::leaf;
use crate::json::{self, JsonError};
use crate::log::proof::root_from_inclusion;
use crate::log::{Hash, LogId};
use crate::receipt::{self, Receipt, Step, StepState, Verdict, Verification, step};
use crate::snapshot::{LogPart, Manifest, Period};
use crate::verifier::{Held, Stamped};

/// The `format` of coverings that this code writes and reads.
pub const COVERING_FORMAT: &str = "ternion/covering/v1";

/// The first agreed snapshot whose cut lies above an event, and the way from the event's leaf to
/// the root there. The receipt leads to a checkpoint of another size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Covering {
    pub format: String,
    pub number: u64,
    pub period: Period,
    /// Such as `gcp/1`.
    pub log: String,
    /// Of the log at the cut.
    pub size: u64,
    /// Sibling hashes from the leaf to the root.
    pub proof: Vec<Hash>,
}

/// The bytes are no covering.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCovering {
    #[error("not JSON: {0}")]
    Json(#[from] JsonError),
    #[error("not a covering: {0}")]
    Shape(String),
    #[error("the format is \"{0}\"; this program reads \"{COVERING_FORMAT}\"")]
    Format(String),
}

impl Covering {
    /// # Errors
    /// Not JSON, not a covering, or of another format.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadCovering> {
        let value = json::parse_strict(bytes)?;
        if let Some(format) = value.get("format").and_then(Value::as_str)
            && format != COVERING_FORMAT
        {
            return Err(BadCovering::Format(format.to_owned()));
        }
        serde_json::from_value(value).map_err(|error| BadCovering::Shape(error.to_string()))
    }
}

/// Three files that belong together, or do not.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    pub receipt: &'a Receipt,
    pub covering: &'a Covering,
    pub bundle: &'a Bundle,
}

/// A part of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// From the payload to the signatures of two clouds.
    Event,
    /// From the leaf to the snapshot's hash.
    Snapshot,
    /// From that hash to whoever is not one of the clouds.
    Others,
}

/// What came of each stretch, and of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    pub stretches: Vec<(Stretch, Vec<Step>)>,
    pub whole: Verification,
}

impl Walk<'_> {
    /// Checks every step, with what the verifier holds. Never fails: what is wrong is in the steps.
    #[must_use]
    pub fn verify(&self, held: &Held, stamped: Option<&Stamped>) -> Walked {
        let event = receipt::verify(self.receipt, held.policy.as_ref());
        let bundle = self.bundle.verify(held, stamped);
        let is_by_others =
            |step: &Step| step.file.as_deref().is_some_and(|file| BY_OTHERS.contains(&file));
        let (others, clouds): (Vec<Step>, Vec<Step>) =
            bundle.steps.iter().cloned().partition(is_by_others);
        let snapshot: Vec<Step> = self.covered().into_iter().chain(clouds).collect();
        let all = event.steps.iter().chain(&snapshot).chain(&others).cloned().collect();
        let whole = self.verdict(all, &event, &bundle);
        let stretches = vec![
            (Stretch::Event, event.steps),
            (Stretch::Snapshot, snapshot),
            (Stretch::Others, others),
        ];
        Walked { stretches, whole }
    }

    fn verdict(
        &self,
        steps: Vec<Step>,
        event: &Verification,
        bundle: &Verification,
    ) -> Verification {
        let id = self.receipt.event.event_id;
        let rest = |of: &str, known: &str| of.strip_prefix(known).unwrap_or(of).to_owned();
        let valid = format!(
            "Valid: event {id} is final under your policy file, and its log's root stands in the \
             snapshot. {}",
            rest(&bundle.sentence, "Valid: ")
        );
        let open = match bundle.verdict {
            Verdict::SelfConsistent => rest(&bundle.sentence, "Self-consistent: "),
            _ => rest(&event.sentence, "Self-consistent: "),
        };
        let open = format!("Self-consistent: event {id} leads to the snapshot. {open}");
        Verification::of(steps, &open, &valid)
    }

    /// The event stands below the cut, and its leaf leads to the root there.
    fn covered(&self) -> Vec<Step> {
        let slot = self.receipt.slot;
        let log = LogId { origin: slot.origin, epoch: slot.epoch };
        let bytes = self.bundle.file(MANIFEST_FILE).unwrap_or_default();
        let manifest: Option<Manifest> = serde_json::from_slice(bytes).ok();
        let part = manifest.as_ref().and_then(|manifest| manifest.log(log)).cloned();
        let steps = [self.below(part.as_ref()), self.leads_to(part.as_ref())];
        steps.map(|step| Step { file: Some(MANIFEST_FILE.to_owned()), ..step }).into()
    }

    fn below(&self, part: Option<&LogPart>) -> Step {
        let slot = self.receipt.slot;
        let title = format!("Snapshot {} covers the event", self.covering.period);
        let method = "the event's place is below the size at which the manifest cuts its log";
        let inputs = vec![("place", slot.to_string()), ("covering", self.covering.log.clone())];
        let Some(part) = part else {
            let result = "the manifest names no such log".to_owned();
            return step(&title, method, inputs, result, false);
        };
        let is_meant = part.log == self.covering.log && part.size == self.covering.size;
        let result = format!("{} is cut at {} entries", part.log, part.size);
        step(&title, method, inputs, result, is_meant && slot.sequence < part.size)
    }

    fn leads_to(&self, part: Option<&LogPart>) -> Step {
        let slot = self.receipt.slot;
        let leaf = leaf(slot, self.receipt.event.hash);
        let size = self.covering.size;
        let root = root_from_inclusion(leaf, slot.sequence, size, &self.covering.proof);
        let named = part.map_or_else(|| "none".to_owned(), |part| part.root.to_string());
        let proof: Vec<String> = self.covering.proof.iter().map(Hash::to_string).collect();
        let inputs = vec![
            ("leaf", leaf.0.to_string()),
            ("proof", proof.join("\n")),
            ("in the manifest", named),
        ];
        let title = "The event's leaf leads to its log's root in the manifest";
        let method = "RFC 9162, 2.1.3.2: the same leaf, in the tree as large as at the cut";
        let result = root.map_or_else(
            || "the proof has not the length that this place needs".to_owned(),
            |root| root.to_string(),
        );
        let holds = root.is_some() && root == part.map(|part| part.root);
        step(title, method, inputs, result, holds)
    }
}

impl Walked {
    /// How many steps of a stretch rest on nobody's word, and how many there are.
    #[must_use]
    pub fn sure(steps: &[Step]) -> (usize, usize) {
        (steps.iter().filter(|step| step.state == StepState::Valid).count(), steps.len())
    }
}
