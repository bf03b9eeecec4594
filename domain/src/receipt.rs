//! The finality receipt: what an outsider needs to check one event, and the check itself.
//!
//! A receipt brings proofs, not trust. The keys that count come from the verifier's policy file;
//! without one the verdict can only be "self-consistent".

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::clock::{LogicalClock, Timestamp};
use crate::cloud::Cloud;
use crate::event::{
    Event, EventId, Payload, Region, Salt, Slot, TenantId, leaf, signature_is_valid,
};
use crate::json::{self, JsonError};
use crate::key::{NoteAlgorithm, NoteKey, Signature};
use crate::log::proof::root_from_inclusion;
use crate::log::{Checkpoint, Hash, LogId};
use crate::note::{LineVerdict, Note};
use crate::policy::Policy;

/// The `format` of receipts that this code writes and reads.
pub const RECEIPT_FORMAT: &str = "ternion/receipt/v1";

/// One event with its proof of inclusion under a cosigned checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receipt {
    pub format: String,
    pub event: ReceiptEvent,
    pub slot: Slot,
    /// Sibling hashes from the leaf to the root.
    pub proof: Vec<Hash>,
    /// C2SP signed note.
    pub checkpoint: String,
    /// The keys that made the signatures, as C2SP vkeys: a convenience, not evidence.
    pub keys: Vec<NoteKey>,
}

/// The envelope's nine fields, and the salt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptEvent {
    pub event_id: Uuid,
    pub tenant_id: TenantId,
    pub logical_clock: LogicalClock,
    pub region: Region,
    pub created_at: Timestamp,
    pub origin_cloud: Cloud,
    /// Absent when erased or withheld; `payloadHash` then stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// 32 hex digits; absent with the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    pub payload_hash: Hash,
    pub hash: Hash,
    pub signature: Signature,
}

/// The bytes are not a receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    #[error("not JSON: {0}")]
    Json(#[from] JsonError),
    #[error("not a receipt: {0}")]
    Shape(String),
    #[error("the format is \"{0}\"; this program reads \"{RECEIPT_FORMAT}\"")]
    Format(String),
}

impl Receipt {
    /// # Errors
    /// Not JSON, not a receipt, or of another format.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let value = json::parse_strict(bytes)?;
        if let Some(format) = value.get("format").and_then(Value::as_str)
            && format != RECEIPT_FORMAT
        {
            return Err(ReceiptError::Format(format.to_owned()));
        }
        serde_json::from_value(value).map_err(|error| ReceiptError::Shape(error.to_string()))
    }

    /// The C2SP tlog-proof form, which holds the same proof for other people's tools. Its
    /// `extra` carries the slot and event hash, from which a verifier makes the entry.
    #[must_use]
    pub fn to_tlog_proof(&self) -> String {
        let mut text = String::from("c2sp.org/tlog-proof@v1\n");
        let entry = crate::event::entry_bytes(self.slot, self.event.hash);
        text.push_str(&format!("extra {}\n", BASE64.encode(entry)));
        text.push_str(&format!("index {}\n", self.slot.sequence));
        for hash in &self.proof {
            text.push_str(&BASE64.encode(hash.0));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    fn to_event(&self) -> Option<Event> {
        let salt = hex::decode(self.event.salt.as_ref()?).ok()?;
        Some(Event {
            event_id: EventId(self.event.event_id),
            tenant_id: self.event.tenant_id.clone(),
            logical_clock: self.event.logical_clock,
            region: self.event.region.clone(),
            created_at: self.event.created_at,
            origin_cloud: self.event.origin_cloud,
            payload: Payload::from_value(self.event.payload.as_ref()?).ok()?,
            salt: Salt(salt.try_into().ok()?),
        })
    }

    /// The event with an empty payload: enough to write the metadata.
    fn shell(&self) -> Event {
        self.to_event().unwrap_or_else(|| Event {
            event_id: EventId(self.event.event_id),
            tenant_id: self.event.tenant_id.clone(),
            logical_clock: self.event.logical_clock,
            region: self.event.region.clone(),
            created_at: self.event.created_at,
            origin_cloud: self.event.origin_cloud,
            payload: Payload::unchecked(Vec::new()),
            salt: Salt([0; 16]),
        })
    }
}

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

/// Checks every step. Never fails: what is wrong is in the steps.
#[must_use]
pub fn verify(receipt: &Receipt, policy: Option<&Policy>) -> Verification {
    let note = Note::parse(&receipt.checkpoint).ok();
    let checkpoint = note.as_ref().and_then(|note| Checkpoint::parse(&note.text).ok());
    let keys = Keys { receipt, policy };
    let mut steps = vec![payload_step(receipt), hash_step(receipt)];
    steps.push(event_signature_step(receipt, &keys));
    steps.push(leaf_step(receipt, checkpoint.as_ref()));
    steps.push(root_step(receipt, checkpoint.as_ref()));
    if let Some(note) = &note {
        steps.push(log_signature_step(receipt, note, &keys));
        steps.extend(cosignature_steps(note, &keys));
        steps.push(quorum_step(note, &keys));
    }
    steps.push(identity_step(&keys));
    conclude(steps)
}

/// Where keys come from: the verifier's policy, or else the receipt itself.
struct Keys<'a> {
    receipt: &'a Receipt,
    policy: Option<&'a Policy>,
}

impl<'a> Keys<'a> {
    fn log(&self) -> Option<&'a NoteKey> {
        let slot = self.receipt.slot;
        let suffix = format!("/{}", LogId { origin: slot.origin, epoch: slot.epoch });
        let fits = |key: &&NoteKey| {
            key.algorithm() == NoteAlgorithm::Ed25519 && key.name().ends_with(&suffix)
        };
        match self.policy {
            Some(policy) => policy.logs().iter().find(fits),
            None => self.receipt.keys.iter().find(fits),
        }
    }

    /// Cosigners by name: those of the policy, or those that the receipt lists.
    fn cosigners(&self) -> Vec<(String, &'a NoteKey)> {
        match self.policy {
            Some(policy) => policy.witnesses().map(|(name, key)| (name.to_owned(), key)).collect(),
            None => self
                .receipt
                .keys
                .iter()
                .filter(|key| key.algorithm() == NoteAlgorithm::CosignatureV1)
                .map(|key| {
                    let cloud = cloud_of(key.name());
                    (cloud.map_or_else(|| key.name().to_owned(), |cloud| cloud.to_string()), key)
                })
                .collect(),
        }
    }
}

/// The cloud named by a key such as `demo.ternion.example/aws`.
fn cloud_of(name: &str) -> Option<Cloud> {
    name.rsplit('/').find_map(|part| part.parse().ok())
}

fn step(title: &str, method: &str, inputs: Vec<(&str, String)>, result: String, ok: bool) -> Step {
    Step {
        title: title.to_owned(),
        method: method.to_owned(),
        inputs: inputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        result,
        state: if ok { StepState::Valid } else { StepState::Invalid },
        cloud: None,
    }
}

fn payload_step(receipt: &Receipt) -> Step {
    let title = "The payload gives the payload hash";
    let method = "SHA-256(\"ternion/payload/v1\\n\" ‖ salt ‖ RFC 8785(payload))";
    let stated = ("stated in the receipt", receipt.event.payload_hash.to_string());
    let (Some(value), Some(salt)) = (&receipt.event.payload, &receipt.event.salt) else {
        let result = "the receipt carries no payload".to_owned();
        return Step {
            state: StepState::NotChecked,
            ..step(title, method, vec![stated], result, true)
        };
    };
    let Some(event) = receipt.to_event() else {
        let result = "the payload is no object within the size limit, or the salt is not 16 bytes";
        return step(title, method, vec![stated], result.to_owned(), false);
    };
    let computed = event.payload_hash();
    let canonical = String::from_utf8_lossy(&json::canonical(value)).into_owned();
    let inputs = vec![("salt", salt.clone()), ("payload, canonical", canonical), stated];
    step(title, method, inputs, computed.to_string(), computed == receipt.event.payload_hash)
}

fn hash_step(receipt: &Receipt) -> Step {
    let metadata = receipt.shell().metadata(receipt.event.payload_hash);
    let computed = crate::event::metadata_hash(&metadata);
    step(
        "Payload hash and metadata give the event hash",
        "SHA-256(\"ternion/event/v1\\n\" ‖ RFC 8785(metadata))",
        vec![
            ("metadata, canonical", metadata),
            ("stated in the receipt", receipt.event.hash.to_string()),
        ],
        computed.to_string(),
        computed == receipt.event.hash,
    )
}

fn event_signature_step(receipt: &Receipt, keys: &Keys<'_>) -> Step {
    let origin = receipt.event.origin_cloud;
    let title = format!("{} signed the event hash", origin.title());
    let method = "Ed25519, strict, over \"ternion/event-signature/v1\\n\" ‖ hash";
    let signature = ("signature", receipt.event.signature.to_string());
    let done = match keys.log() {
        None => step(&title, method, vec![signature], no_log_key(receipt), false),
        Some(key) => {
            let inputs =
                vec![("key", key.to_string()), ("hash", receipt.event.hash.to_string()), signature];
            let ok = origin == receipt.slot.origin
                && signature_is_valid(receipt.event.hash, &receipt.event.signature, key.key());
            step(&title, method, inputs, validity(ok), ok)
        }
    };
    Step { cloud: Some(origin), ..done }
}

fn no_log_key(receipt: &Receipt) -> String {
    let slot = receipt.slot;
    format!("no key of the log {}/{} is known", slot.origin, slot.epoch)
}

fn validity(ok: bool) -> String {
    (if ok { "valid" } else { "does not hold" }).to_owned()
}

fn leaf_step(receipt: &Receipt, checkpoint: Option<&Checkpoint>) -> Step {
    let slot = receipt.slot;
    let computed = leaf(slot, receipt.event.hash).0;
    let log = format!("/{}/{}", slot.origin, slot.epoch);
    let in_log = checkpoint.is_some_and(|checkpoint| checkpoint.origin.ends_with(&log));
    step(
        &format!("The hash is leaf {} of the log {}/{}", slot.sequence, slot.origin, slot.epoch),
        "SHA-256(0x00 ‖ slot ‖ event hash)",
        vec![
            ("slot", hex::encode(slot.to_bytes())),
            ("event hash", receipt.event.hash.to_string()),
            ("log of the checkpoint", checkpoint.map_or_else(String::new, |c| c.origin.clone())),
        ],
        computed.to_string(),
        in_log && receipt.event.origin_cloud == slot.origin,
    )
}

fn root_step(receipt: &Receipt, checkpoint: Option<&Checkpoint>) -> Step {
    let count = receipt.proof.len();
    let title = format!("{count} sibling hashes lead from the leaf to the root");
    let method = "RFC 6962 inclusion proof";
    let Some(checkpoint) = checkpoint else {
        let result = "the checkpoint cannot be read".to_owned();
        return step(&title, method, Vec::new(), result, false);
    };
    let leaf = leaf(receipt.slot, receipt.event.hash);
    let size = checkpoint.head.size;
    let root = root_from_inclusion(leaf, receipt.slot.sequence, size, &receipt.proof);
    let siblings = receipt.proof.iter().map(Hash::to_string).collect::<Vec<_>>().join("\n");
    step(
        &title,
        method,
        vec![
            ("leaf", leaf.0.to_string()),
            ("index", receipt.slot.sequence.to_string()),
            ("tree size", size.to_string()),
            ("siblings", siblings),
            ("root in the checkpoint", checkpoint.head.root.to_string()),
        ],
        root.map_or_else(
            || "the proof does not fit this place".to_owned(),
            |root| root.to_string(),
        ),
        root == Some(checkpoint.head.root),
    )
}

fn log_signature_step(receipt: &Receipt, note: &Note, keys: &Keys<'_>) -> Step {
    let origin = receipt.slot.origin;
    let title = format!("{}'s log signed that root", origin.title());
    let method = "Ed25519, strict, over the checkpoint (C2SP signed note)";
    let text = ("checkpoint", note.text.clone());
    let done = match keys.log() {
        None => step(&title, method, vec![text], no_log_key(receipt), false),
        Some(key) => {
            let verdict = note.check(key);
            let result = line_result(verdict);
            step(&title, method, vec![("key", key.to_string()), text], result, verdict.is_valid())
        }
    };
    Step { cloud: Some(origin), ..done }
}

fn cosignature_steps(note: &Note, keys: &Keys<'_>) -> Vec<Step> {
    let method = "Ed25519, strict, over the timestamped checkpoint (C2SP cosignature/v1)";
    keys.cosigners()
        .into_iter()
        .map(|(name, key)| {
            let verdict = note.check(key);
            let cloud = cloud_of(&name).or_else(|| cloud_of(key.name()));
            let who = cloud.map_or_else(|| name.clone(), |cloud| cloud.title().to_owned());
            let inputs = vec![("key", key.to_string()), ("checkpoint", note.text.clone())];
            let (title, state) = match verdict {
                LineVerdict::Valid { .. } => {
                    (format!("{who} signed the same root"), StepState::Valid)
                }
                LineVerdict::Absent => (format!("{who} had not signed yet"), StepState::NotChecked),
                LineVerdict::Invalid => (format!("{who}'s signature"), StepState::Invalid),
            };
            let result = line_result(verdict);
            Step { state, cloud, ..step(&title, method, inputs, result, true) }
        })
        .collect()
}

fn line_result(verdict: LineVerdict) -> String {
    match verdict {
        LineVerdict::Absent => "no signature in this receipt".to_owned(),
        LineVerdict::Invalid => validity(false),
        LineVerdict::Valid { stated_unix_s: None } => validity(true),
        LineVerdict::Valid { stated_unix_s: Some(seconds) } => {
            let ms = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
            format!("valid, stated at {}", Timestamp::from_unix_ms(ms))
        }
    }
}

/// Two clouds are needed where there is no policy to say otherwise.
const DEFAULT_QUORUM: usize = 2;

fn quorum_step(note: &Note, keys: &Keys<'_>) -> Step {
    let cosigners = keys.cosigners();
    let signed: Vec<&str> = cosigners
        .iter()
        .filter(|(_, key)| note.check(key).is_valid())
        .map(|(name, _)| name.as_str())
        .collect();
    let ok = match keys.policy {
        Some(policy) => policy.quorum_signed(note),
        None => signed.len() >= DEFAULT_QUORUM,
    };
    let rule = keys.policy.map_or_else(
        || format!("{DEFAULT_QUORUM} of the cosigners that the receipt lists"),
        Policy::quorum_sentence,
    );
    let title = if ok { "Enough clouds signed: final" } else { "Not enough clouds signed" };
    let result = format!(
        "{} signed",
        if signed.is_empty() { "nobody".to_owned() } else { signed.join(", ") }
    );
    step(title, "count of valid cosignatures on one root", vec![("rule", rule)], result, ok)
}

fn identity_step(keys: &Keys<'_>) -> Step {
    let title = "These keys belong to the three clouds";
    let list = |keys: &mut dyn Iterator<Item = String>| keys.collect::<Vec<_>>().join("\n");
    match keys.policy {
        Some(policy) => {
            let text = policy.to_string();
            let inputs = vec![("policy file", text)];
            step(title, "your policy file", inputs, "named in your policy file".to_owned(), true)
        }
        None => Step {
            state: StepState::Unidentified,
            ..step(
                title,
                "nobody's word but the receipt's",
                vec![("keys", list(&mut keys.receipt.keys.iter().map(NoteKey::to_string)))],
                "no policy file was given: compare these keys with ones you hold".to_owned(),
                true,
            )
        },
    }
}

fn conclude(steps: Vec<Step>) -> Verification {
    let failed: Vec<&str> = steps
        .iter()
        .filter(|step| step.state == StepState::Invalid)
        .map(|step| step.title.as_str())
        .collect();
    let unidentified = steps.iter().any(|step| step.state == StepState::Unidentified);
    let (verdict, sentence) = if !failed.is_empty() {
        (Verdict::Invalid, format!("Invalid: this does not hold: {}.", failed.join("; ")))
    } else if unidentified {
        let text = "Self-consistent: every step holds, but the signers are not identified. \
                    Bring the deployment's policy file to know whose keys these are.";
        (Verdict::SelfConsistent, text.to_owned())
    } else {
        let text =
            "Valid: final under your policy file. Any change to the event would break a step.";
        (Verdict::Valid, text.to_owned())
    };
    Verification { steps, verdict, sentence }
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
