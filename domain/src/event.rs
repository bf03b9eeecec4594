//! The envelope of an event: its nine fields, canonical bytes, hash and signature.
//!
//! ```text
//! payloadHash = SHA-256("ternion/payload/v1\n" ‖ salt ‖ RFC 8785(payload))
//! hash        = SHA-256("ternion/event/v1\n" ‖ RFC 8785({createdAt, eventId, logicalClock,
//!                       originCloud, payloadHash, region, tenantId}))
//! signature   = Ed25519(origin's log key, "ternion/event-signature/v1\n" ‖ hash)
//! leaf        = SHA-256(0x00 ‖ slot ‖ hash)
//! ```
//!
//! The salt keeps a small payload from being guessed from its hash, and lets payload and salt be
//! erased while every proof stays valid.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::{LogicalClock, Timestamp};
use crate::cloud::Cloud;
use crate::json;
use crate::key::{PublicKey, Signature, SigningKey};
use crate::log::{Hash, Leaf};

const PAYLOAD_LABEL: &[u8] = b"ternion/payload/v1\n";
const EVENT_LABEL: &[u8] = b"ternion/event/v1\n";
const SIGNATURE_LABEL: &[u8] = b"ternion/event-signature/v1\n";

/// Longest tenant id. It stands in every row, leaf preimage and index.
pub const TENANT_ID_CHARS_MAX: usize = 64;
/// Longest region name; the clouds' own are under 30 characters.
pub const REGION_CHARS_MAX: usize = 40;
/// Largest payload in canonical form. Larger things belong in an object store, with their hash
/// in the event.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// The id of an event, chosen by the client or made at intake (UUID version 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A field breaks a rule of the envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    #[error(
        "must be 1 to {TENANT_ID_CHARS_MAX} characters of a-z, A-Z, 0-9, '.', '_', '-', starting with a letter or digit"
    )]
    TenantId,
    #[error("must be 1 to {REGION_CHARS_MAX} characters of a-z, 0-9 and '-'")]
    Region,
    #[error("must be a JSON object")]
    PayloadNotObject,
    #[error("is {0} bytes in canonical form; the limit is {PAYLOAD_BYTES_MAX}")]
    PayloadTooLarge(usize),
    #[error("is not a UUID such as 0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b")]
    EventId,
}

/// Which tenant an event belongs to. ASCII without characters that JSON escapes, so that the
/// canonical metadata can be written without an escaper.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

/// The tenant of the platform's own decisions; it exists in every deployment.
pub const PLATFORM_TENANT: &str = "platform";

impl TenantId {
    #[must_use]
    pub fn platform() -> Self {
        TenantId(PLATFORM_TENANT.to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TenantId {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if starts && text.len() <= TENANT_ID_CHARS_MAX && text.bytes().all(allowed) {
            Ok(TenantId(text))
        } else {
            Err(FieldError::TenantId)
        }
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> String {
        tenant.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Where the work that an event records was done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Region {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=REGION_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Region(text))
        } else {
            Err(FieldError::Region)
        }
    }
}

impl From<Region> for String {
    fn from(region: Region) -> String {
        region.0
    }
}

/// The RFC 8785 bytes of a payload: an object, within the size limit.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    bytes: Vec<u8>,
    kind: Option<String>,
}

impl Payload {
    /// # Errors
    /// The value is not an object, or too large.
    pub fn from_value(value: &serde_json::Value) -> Result<Self, FieldError> {
        if !value.is_object() {
            return Err(FieldError::PayloadNotObject);
        }
        let bytes = json::canonical(value);
        if bytes.len() > PAYLOAD_BYTES_MAX {
            return Err(FieldError::PayloadTooLarge(bytes.len()));
        }
        Ok(Payload { bytes, kind: kind_of(value) })
    }

    /// Accepts bytes only if they are already canonical: the check that every cloud makes of
    /// what another cloud sends.
    #[must_use]
    pub fn from_canonical(bytes: Vec<u8>) -> Option<Self> {
        let value = json::parse_strict(&bytes).ok()?;
        let fits = value.is_object() && bytes.len() <= PAYLOAD_BYTES_MAX;
        let kind = kind_of(&value);
        (fits && json::canonical(&value) == bytes).then_some(Payload { bytes, kind })
    }

    /// Takes bytes that the caller does not yet trust, such as those of a database row, without
    /// a check. Only for hashing them.
    #[must_use]
    pub const fn unchecked(bytes: Vec<u8>) -> Self {
        Payload { bytes, kind: None }
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The payload's `kind`, if it names one.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Payload({} bytes)", self.bytes.len())
    }
}

fn kind_of(payload: &serde_json::Value) -> Option<String> {
    crate::catalog::kind_of(payload).map(str::to_owned)
}

/// Sixteen random bytes that are hashed with the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Salt(pub [u8; 16]);

/// A place in a log: one cloud's n-th entry of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    pub origin: Cloud,
    pub epoch: u32,
    pub sequence: u64,
}

impl Slot {
    /// Thirteen bytes: the cloud's code, epoch and sequence, big-endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 13] {
        let mut bytes = [0; 13];
        bytes[0] = self.origin.code();
        bytes[1..5].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[5..].copy_from_slice(&self.sequence.to_be_bytes());
        bytes
    }

    /// Reads `gcp/1/204`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Slot> {
        let mut parts = text.split('/');
        let slot = Slot {
            origin: parts.next()?.parse().ok()?,
            epoch: parts.next()?.parse().ok()?,
            sequence: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(slot)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}", self.origin, self.epoch, self.sequence)
    }
}

/// Everything that is hashed and signed, before it is. The payload is in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub event_id: EventId,
    pub tenant_id: TenantId,
    pub logical_clock: LogicalClock,
    pub region: Region,
    pub created_at: Timestamp,
    pub origin_cloud: Cloud,
    pub payload: Payload,
    pub salt: Salt,
}

impl Event {
    /// The event's hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        metadata_hash(&self.metadata(self.payload_hash()))
    }

    /// The salted hash of the payload; it stands in for the payload in the metadata.
    #[must_use]
    pub fn payload_hash(&self) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(PAYLOAD_LABEL);
        hasher.update(self.salt.0);
        hasher.update(self.payload.bytes());
        Hash(hasher.finalize().into())
    }

    /// The RFC 8785 text of the metadata. Written out by hand: the keys are in order, and no
    /// value needs escaping (tested against the general writer).
    #[must_use]
    pub fn metadata(&self, payload_hash: Hash) -> String {
        format!(
            concat!(
                r#"{{"createdAt":"{}","eventId":"{}","logicalClock":"{}","originCloud":"{}","#,
                r#""payloadHash":"{}","region":"{}","tenantId":"{}"}}"#
            ),
            self.created_at,
            self.event_id,
            self.logical_clock,
            self.origin_cloud,
            payload_hash,
            self.region.as_str(),
            self.tenant_id,
        )
    }

    /// Hashes and signs: what the origin does at intake.
    #[must_use]
    pub fn sign(self, key: &SigningKey) -> Envelope {
        let hash = self.hash();
        let signature = key.sign(&signed_message(hash));
        Envelope { event: self, hash, signature }
    }
}

/// The event hash of a canonical metadata text.
#[must_use]
pub fn metadata_hash(metadata: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(EVENT_LABEL);
    hasher.update(metadata);
    Hash(hasher.finalize().into())
}

fn signed_message(hash: Hash) -> [u8; SIGNATURE_LABEL.len() + 32] {
    let mut message = [0; SIGNATURE_LABEL.len() + 32];
    message[..SIGNATURE_LABEL.len()].copy_from_slice(SIGNATURE_LABEL);
    message[SIGNATURE_LABEL.len()..].copy_from_slice(&hash.0);
    message
}

/// Does `signature` stand for `hash` under the origin's key? Strict verification (RFC 8032
/// with the cofactor pitfalls closed), so that every honest cloud gives the same answer.
#[must_use]
pub fn signature_is_valid(hash: Hash, signature: &Signature, key: &PublicKey) -> bool {
    key.verify(&signed_message(hash), signature)
}

/// An event with its hash and its origin's signature. The hash is this program's own
/// computation, never a received one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    event: Event,
    hash: Hash,
    signature: Signature,
}

impl Envelope {
    /// Takes a received event and signature, and computes the hash.
    #[must_use]
    pub fn received(event: Event, signature: Signature) -> Self {
        let hash = event.hash();
        Envelope { event, hash, signature }
    }

    #[must_use]
    pub const fn event(&self) -> &Event {
        &self.event
    }

    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    #[must_use]
    pub const fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The leaf that this event is at that place of its origin's log.
    #[must_use]
    pub fn leaf(&self, epoch: u32, sequence: u64) -> Leaf {
        leaf(Slot { origin: self.event.origin_cloud, epoch, sequence }, self.hash)
    }
}

/// The log entry of a slot: 45 bytes, `slot ‖ event hash`.
#[must_use]
pub fn entry_bytes(slot: Slot, hash: Hash) -> [u8; 45] {
    let mut entry = [0; 45];
    entry[..13].copy_from_slice(&slot.to_bytes());
    entry[13..].copy_from_slice(&hash.0);
    entry
}

/// SHA-256(0x00 ‖ slot ‖ event hash).
#[must_use]
pub fn leaf(slot: Slot, hash: Hash) -> Leaf {
    Leaf::of(&entry_bytes(slot, hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(payload: &str) -> Event {
        Event {
            event_id: EventId(Uuid::from_u128(7)),
            tenant_id: TenantId::try_from("acme-labs".to_owned()).expect("valid"),
            logical_clock: LogicalClock { ms: 1_763_815_266_902, counter: 4 },
            region: Region::try_from("us-central1".to_owned()).expect("valid"),
            created_at: Timestamp::from_unix_ms(1_763_815_266_902),
            origin_cloud: Cloud::Gcp,
            payload: Payload::from_canonical(payload.as_bytes().to_vec()).expect("canonical"),
            salt: Salt([9; 16]),
        }
    }

    #[test]
    fn metadata_is_what_the_general_canonical_writer_gives() {
        let event = sample("{}");
        let text = event.metadata(event.payload_hash());
        let value = json::parse_strict(text.as_bytes()).expect("JSON");
        assert_eq!(json::canonical(&value), text.as_bytes());
        assert_eq!(value.as_object().map(serde_json::Map::len), Some(7));
    }

    #[test]
    fn every_field_changes_the_hash() {
        let base = sample(r#"{"a":1}"#);
        let mut others = vec![sample(r#"{"a":2}"#)];
        let mut change = |edit: fn(&mut Event)| {
            let mut event = base.clone();
            edit(&mut event);
            others.push(event);
        };
        change(|event| event.event_id = EventId(Uuid::from_u128(8)));
        change(|event| event.tenant_id = TenantId::platform());
        change(|event| event.logical_clock.counter += 1);
        change(|event| event.region = Region::try_from("eu".to_owned()).expect("valid"));
        change(|event| event.created_at = Timestamp::from_unix_ms(0));
        change(|event| event.origin_cloud = Cloud::Aws);
        change(|event| event.salt = Salt([8; 16]));
        for other in others {
            assert_ne!(other.hash(), base.hash(), "{other:?}");
        }
    }

    #[test]
    fn a_signature_holds_for_its_hash_and_key_only() {
        let key = SigningKey::from_seed([1; 32]);
        let envelope = sample("{}").sign(&key);
        let valid =
            |hash, key: &SigningKey| signature_is_valid(hash, envelope.signature(), &key.public());
        assert!(valid(envelope.hash(), &key));
        assert!(!valid(Hash([0; 32]), &key));
        assert!(!valid(envelope.hash(), &SigningKey::from_seed([2; 32])));
    }

    #[test]
    fn names_with_characters_that_need_escaping_are_refused() {
        for bad in ["", "a b", "a\"b", "-a", "é", &"x".repeat(TENANT_ID_CHARS_MAX + 1)] {
            assert!(TenantId::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        for bad in ["", "US", "a_b", &"x".repeat(REGION_CHARS_MAX + 1)] {
            assert!(Region::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_canonical_payload_bytes_are_taken_from_a_peer() {
        for bad in ["{ }", "[]", r#"{"b":1,"a":2}"#, r#"{"a":1.0}"#, ""] {
            assert_eq!(Payload::from_canonical(bad.as_bytes().to_vec()), None, "{bad}");
        }
        assert!(Payload::from_canonical(br#"{"a":2,"b":1}"#.to_vec()).is_some());
    }

    proptest! {
        #[test]
        fn a_slot_reads_back(epoch: u32, sequence: u64, which in 0usize..3) {
            let slot = Slot { origin: Cloud::ALL[which], epoch, sequence };
            prop_assert_eq!(Slot::parse(&slot.to_string()), Some(slot));
        }
    }
}
