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

mod field;
mod slot;

use sha2::{Digest, Sha256};

pub use field::{
    EventId, FieldError, PAYLOAD_BYTES_MAX, PLATFORM_TENANT, Payload, REGION_CHARS_MAX, Region,
    Salt, TENANT_ID_CHARS_MAX, TenantId,
};
pub use slot::{Slot, entry_bytes, leaf};

use crate::clock::{LogicalClock, Timestamp};
use crate::cloud::Cloud;
use crate::key::{PublicKey, Sign, Signature};
use crate::log::{Hash, Leaf};

const PAYLOAD_LABEL: &[u8] = b"ternion/payload/v1\n";
const EVENT_LABEL: &[u8] = b"ternion/event/v1\n";
const SIGNATURE_LABEL: &[u8] = b"ternion/event-signature/v1\n";

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
        metadata_hash(self.metadata(self.payload_hash()))
    }

    /// The salted hash of the payload; it stands in for the payload in the metadata.
    #[must_use]
    pub fn payload_hash(&self) -> Hash {
        payload_hash(self.salt, self.payload.bytes())
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
    pub fn sign(self, key: &dyn Sign) -> Envelope {
        let hash = self.hash();
        let signature = key.sign(&signed_message(hash));
        Envelope { event: self, hash, signature }
    }
}

/// The payload hash of these bytes, whatever they are.
#[must_use]
pub fn payload_hash(salt: Salt, payload: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(PAYLOAD_LABEL);
    hasher.update(salt.0);
    hasher.update(payload);
    Hash(hasher.finalize().into())
}

/// The event hash of a canonical metadata text.
#[must_use]
pub fn metadata_hash(metadata: impl AsRef<[u8]>) -> Hash {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;
    use uuid::Uuid;

    use crate::json;

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
}
