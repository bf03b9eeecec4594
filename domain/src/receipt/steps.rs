//! The steps of a check, each with what went in and what came out, so that a reader can repeat it.

use crate::clock::Timestamp;
use crate::event;
use crate::json;
use crate::key::NoteKey;
use crate::log::proof::root_from_inclusion;
use crate::log::{Checkpoint, Hash, LogId};
use crate::note::{LineVerdict, Note};
use crate::receipt::Receipt;
use crate::receipt::keys::{Keys, cloud_of};
use crate::receipt::verify::{Step, StepState};

/// One step that was computed, and holds or does not.
pub(crate) fn step(
    title: &str,
    method: &str,
    inputs: Vec<(&str, String)>,
    result: String,
    ok: bool,
) -> Step {
    Step {
        title: title.to_owned(),
        method: method.to_owned(),
        inputs: inputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        result,
        state: if ok { StepState::Valid } else { StepState::Invalid },
        cloud: None,
        file: None,
    }
}

pub(super) fn payload(receipt: &Receipt) -> Step {
    let title = "The payload gives the payload hash";
    let method = "SHA-256(\"ternion/payload/v1\\n\" ‖ salt ‖ RFC 8785(payload))";
    let stated = ("stated in the receipt", receipt.event.payload_hash.to_string());
    let (value, salt) = match (&receipt.event.payload, &receipt.event.salt) {
        (Some(value), Some(salt)) => (value, salt),
        (None, None) => {
            let result = "the receipt carries no payload".to_owned();
            let done = step(title, method, vec![stated], result, true);
            return Step { state: StepState::NotChecked, ..done };
        }
        // Whoever leaves out one of them could show any payload as if it were recorded.
        _ => {
            let result = "payload and salt belong together, and one is missing".to_owned();
            return step(title, method, vec![stated], result, false);
        }
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

pub(super) fn event_hash(receipt: &Receipt) -> Step {
    let metadata = receipt.metadata();
    let computed = event::metadata_hash(&metadata);
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

pub(super) fn event_signature(receipt: &Receipt, keys: &Keys<'_>) -> Step {
    let origin = receipt.event.origin_cloud;
    let title = format!("{} signed the event hash", origin.title());
    let method = "Ed25519, strict, over \"ternion/event-signature/v1\\n\" ‖ hash";
    let signature = ("signature", receipt.event.signature.to_string());
    let hash = receipt.event.hash;
    let holds =
        |key: &&NoteKey| event::signature_is_valid(hash, &receipt.event.signature, key.key());
    let made_by = keys.events.iter().copied().find(holds);
    let done = match made_by.or(keys.log) {
        None => step(&title, method, vec![signature], no_log_key(receipt), false),
        Some(key) => {
            let inputs = vec![("key", key.to_string()), ("hash", hash.to_string()), signature];
            let ok = origin == receipt.slot.origin && made_by.is_some();
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

pub(super) fn leaf(receipt: &Receipt, checkpoint: Option<&Checkpoint>) -> Step {
    let slot = receipt.slot;
    let computed = event::leaf(slot, receipt.event.hash).0;
    let log = format!("/{}", LogId { origin: slot.origin, epoch: slot.epoch });
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

pub(super) fn root(receipt: &Receipt, checkpoint: Option<&Checkpoint>) -> Step {
    let count = receipt.proof.len();
    let title = format!("{count} sibling hashes lead from the leaf to the root");
    let method = "RFC 6962 inclusion proof";
    let Some(checkpoint) = checkpoint else {
        let result = "the checkpoint cannot be read".to_owned();
        return step(&title, method, Vec::new(), result, false);
    };
    let leaf = event::leaf(receipt.slot, receipt.event.hash);
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

pub(super) fn log_signature(receipt: &Receipt, note: &Note, keys: &Keys<'_>) -> Step {
    let origin = receipt.slot.origin;
    let title = format!("{}'s log signed that root", origin.title());
    let method = "Ed25519, strict, over the checkpoint (C2SP signed note)";
    let text = ("checkpoint", note.text.clone());
    let done = match keys.log {
        None => step(&title, method, vec![text], no_log_key(receipt), false),
        Some(key) => {
            let verdict = note.check(key);
            let result = line_result(verdict);
            step(&title, method, vec![("key", key.to_string()), text], result, verdict.is_valid())
        }
    };
    Step { cloud: Some(origin), ..done }
}

pub(super) fn cosignatures(note: &Note, keys: &Keys<'_>) -> Vec<Step> {
    let method = "Ed25519, strict, over the timestamped checkpoint (C2SP cosignature/v1)";
    keys.cosigners
        .iter()
        .map(|(name, key)| {
            let verdict = note.check(key);
            let cloud = cloud_of(name).or_else(|| cloud_of(key.name()));
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

/// What one signature line was found to be.
pub(crate) fn line_result(verdict: LineVerdict) -> String {
    match verdict {
        LineVerdict::Absent => "there is no such signature".to_owned(),
        LineVerdict::Invalid => validity(false),
        LineVerdict::Valid { stated_unix_s: None } => validity(true),
        LineVerdict::Valid { stated_unix_s: Some(seconds) } => {
            let ms = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
            format!("valid, stated at {}", Timestamp::from_unix_ms(ms))
        }
    }
}

pub(super) fn quorum(note: &Note, keys: &Keys<'_>) -> Step {
    let (ok, rule, signed) = (keys.quorum_signed(note), keys.quorum_rule(), keys.signed(note));
    let title = if ok { "Enough clouds signed: final" } else { "Not enough clouds signed" };
    let result = format!(
        "{} signed",
        if signed.is_empty() { "nobody".to_owned() } else { signed.join(", ") }
    );
    step(title, "count of valid cosignatures on one root", vec![("rule", rule)], result, ok)
}

pub(super) fn identity(keys: &Keys<'_>) -> Step {
    let title = "These keys belong to the three clouds";
    if let Some(policy) = keys.policy {
        let inputs = vec![("policy file", policy.to_string())];
        return step(
            title,
            "your policy file",
            inputs,
            "named in your policy file".to_owned(),
            true,
        );
    }
    let listed = keys.listed.iter().map(NoteKey::to_string).collect::<Vec<_>>().join("\n");
    let result = "no policy file was given: compare these keys with ones you hold".to_owned();
    let method = "nobody's word but the receipt's";
    let done = step(title, method, vec![("keys", listed)], result, true);
    Step { state: StepState::Unidentified, ..done }
}
