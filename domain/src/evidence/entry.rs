//! A signed root over an entry that breaks the log's rules.

use serde::{Deserialize, Serialize};

use crate::clock::{LogicalClock, Timestamp};
use crate::cloud::Cloud;
use crate::event::{
    Event, EventId, Payload, Region, Salt, Slot, TenantId, entry_bytes, metadata_hash, payload_hash,
};
use crate::evidence::accused::Accused;
use crate::evidence::bytes::Bytes;
use crate::evidence::fork::{read, text_of};
use crate::evidence::verify::signed;
use crate::json;
use crate::key::NoteKey;
use crate::log::proof::root_from_inclusion;
use crate::log::{Hash, Leaf, LogId};
use crate::note::Note;
use crate::receipt::{Step, step};

/// An entry, as deep as it takes to see what is wrong with it: the leaf's bytes hash to a leaf
/// under the signed root, the metadata to the event hash in those bytes, the payload to the
/// payload hash in the metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BadEntry {
    /// The key that is blamed.
    pub key: NoteKey,
    /// C2SP signed note.
    pub checkpoint: String,
    /// The entry's place in the log.
    pub index: u64,
    /// Sibling hashes from the leaf to the root.
    pub proof: Vec<Hash>,
    /// What the leaf is the hash of; slot and event hash, if it is as it should be.
    pub entry: Bytes,
    /// What the event hash is over, without its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Bytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<ShownPayload>,
}

/// What the payload hash is over, without its label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownPayload {
    /// 16 bytes.
    pub salt: Bytes,
    pub bytes: Bytes,
}

/// The log rule that an entry breaks. These are fixed for ever, and what an honest origin signs
/// satisfies them at any load and after any crash. Unknown tenants, schemas, clocks and repeats
/// are no log rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it is not the slot of its place and an event hash")]
    Entry,
    #[error("its hash is not over the canonical metadata of an event")]
    Metadata,
    #[error("the event names another origin than the log's")]
    Origin,
    #[error("its payload is not a JSON object in canonical form within the limit")]
    Payload,
}

/// Metadata as they are hashed: [`Event::metadata`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Metadata {
    created_at: Timestamp,
    event_id: EventId,
    logical_clock: LogicalClock,
    origin_cloud: Cloud,
    payload_hash: Hash,
    region: Region,
    tenant_id: TenantId,
}

impl Metadata {
    /// `None` unless these are the bytes that an origin would have hashed.
    fn read(bytes: &[u8]) -> Option<Self> {
        let value = json::parse_strict(bytes).ok()?;
        let read: Metadata = serde_json::from_value(value).ok()?;
        let event = Event {
            event_id: read.event_id,
            tenant_id: read.tenant_id.clone(),
            logical_clock: read.logical_clock,
            region: read.region.clone(),
            created_at: read.created_at,
            origin_cloud: read.origin_cloud,
            payload: Payload::unchecked(Vec::new()),
            salt: Salt([0; 16]),
        };
        (event.metadata(read.payload_hash).as_bytes() == bytes).then_some(read)
    }
}

impl BadEntry {
    /// All there is to show of an event that stands at a place of its origin's log. The payload
    /// may be anything ([`Payload::unchecked`]).
    #[must_use]
    pub fn of_event(
        key: &NoteKey,
        checkpoint: &Note,
        slot: Slot,
        event: &Event,
        proof: Vec<Hash>,
    ) -> Self {
        let line = checkpoint.line_of(key).into_iter().cloned().collect();
        let note = Note { text: checkpoint.text.clone(), signatures: line };
        let metadata = event.metadata(event.payload_hash());
        let payload = Bytes(event.payload.bytes().to_vec());
        BadEntry {
            key: key.clone(),
            checkpoint: note.to_string(),
            index: slot.sequence,
            proof,
            entry: Bytes(entry_bytes(slot, metadata_hash(&metadata)).to_vec()),
            metadata: Some(Bytes(metadata.into_bytes())),
            payload: Some(ShownPayload { salt: Bytes(event.salt.0.to_vec()), bytes: payload }),
        }
    }

    pub(super) fn log_name(&self) -> Option<String> {
        read(&self.checkpoint).map(|(_, checkpoint)| checkpoint.origin)
    }

    fn log(&self) -> Option<LogId> {
        LogId::of_name(&self.log_name()?).map(|(_, log)| log)
    }

    /// The entry's index and the tree's size.
    #[must_use]
    pub fn place(&self) -> Option<(u64, u64)> {
        read(&self.checkpoint).map(|(_, checkpoint)| (self.index, checkpoint.head.size))
    }

    /// The event hash, if the entry is what it should be at its place.
    fn event_hash(&self) -> Option<Hash> {
        let log = self.log()?;
        let slot = Slot { origin: log.origin, epoch: log.epoch, sequence: self.index };
        Hash::from_slice(self.entry.0.strip_prefix(&slot.to_bytes())?)
    }

    /// The first rule that what is shown breaks. Whether it is under a signed root is not asked.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        if self.event_hash().is_none() {
            return Some(Fault::Entry);
        }
        let Some(metadata) = Metadata::read(&self.metadata.as_ref()?.0) else {
            return Some(Fault::Metadata);
        };
        if Some(metadata.origin_cloud) != self.log().map(|log| log.origin) {
            return Some(Fault::Origin);
        }
        let payload = self.payload.as_ref()?;
        Payload::from_canonical(payload.bytes.0.clone()).is_none().then_some(Fault::Payload)
    }

    pub(super) fn steps(&self, accused: Option<&Accused>) -> Vec<Step> {
        let mut steps = vec![self.root()];
        steps.extend(self.metadata.as_ref().map(|metadata| self.metadata_step(metadata)));
        steps.extend(self.payload.as_ref().map(|payload| self.payload_step(payload)));
        steps.push(self.rule());
        steps.push(signed("that root", &self.checkpoint, &self.key, accused));
        steps
    }

    fn root(&self) -> Step {
        let head = read(&self.checkpoint).map(|(_, checkpoint)| checkpoint.head);
        let size = head.map_or(0, |head| head.size);
        let leaf = Leaf::of(&self.entry.0);
        let root = root_from_inclusion(leaf, self.index, size, &self.proof);
        let siblings = self.proof.iter().map(Hash::to_string).collect::<Vec<_>>().join("\n");
        step(
            &format!("{} sibling hashes lead from the entry to the root", self.proof.len()),
            "RFC 6962 inclusion proof; leaf = SHA-256(0x00 ‖ entry)",
            vec![
                ("entry", hex::encode(&self.entry.0)),
                ("index", self.index.to_string()),
                ("siblings", siblings),
                ("checkpoint", text_of(&self.checkpoint)),
            ],
            root.map_or_else(
                || "the proof does not fit this place".to_owned(),
                |root| root.to_string(),
            ),
            root.is_some() && root == head.map(|head| head.root),
        )
    }

    fn metadata_step(&self, metadata: &Bytes) -> Step {
        let computed = metadata_hash(&metadata.0);
        step(
            "The metadata give the event hash in the entry",
            "SHA-256(\"ternion/event/v1\\n\" ‖ metadata)",
            vec![("metadata", shown(&metadata.0)), ("entry", hex::encode(&self.entry.0))],
            computed.to_string(),
            self.event_hash() == Some(computed),
        )
    }

    fn payload_step(&self, payload: &ShownPayload) -> Step {
        let title = "The payload gives the payload hash in the metadata";
        let method = "SHA-256(\"ternion/payload/v1\\n\" ‖ salt ‖ payload)";
        let inputs =
            vec![("salt", hex::encode(&payload.salt.0)), ("payload", shown(&payload.bytes.0))];
        let Ok(salt) = <[u8; 16]>::try_from(payload.salt.0.as_slice()) else {
            return step(title, method, inputs, "the salt is not 16 bytes".to_owned(), false);
        };
        let computed = payload_hash(Salt(salt), &payload.bytes.0);
        let stated = self.metadata.as_ref().and_then(|bytes| Metadata::read(&bytes.0));
        let ok = stated.is_some_and(|stated| stated.payload_hash == computed);
        step(title, method, inputs, computed.to_string(), ok)
    }

    fn rule(&self) -> Step {
        let fault = self.fault();
        let result = fault.map_or_else(
            || "it breaks none that this record shows".to_owned(),
            |fault| fault.to_string(),
        );
        let entry = ("entry", hex::encode(&self.entry.0));
        let method = "log rules: slot, canonical metadata, origin, canonical payload";
        step("The entry breaks a rule of the log", method, vec![entry], result, fault.is_some())
    }
}

/// As text where it is text.
fn shown(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| hex::encode(bytes), str::to_owned)
}
