//! One event as it stands in a row and in a message between clouds.

use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::Cloud;
use domain::event::{Envelope, Event, EventId, Payload, Region, Salt, TenantId};
use domain::key::Signature;
use domain::quarantine::Reason;
use domain::quarantine::blame::Blame;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event without what its log already says (the origin) and what the receiver computes for
/// itself (the hash).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireEntry {
    event_id: [u8; 16],
    tenant_id: String,
    /// [`LogicalClock::packed`].
    logical_clock: i64,
    region: String,
    created_at_ms: i64,
    payload: Vec<u8>,
    salt: [u8; 16],
    signature: Vec<u8>,
}

/// An entry's fields as they were sent, of which nothing is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub event_id: EventId,
    pub tenant_id: String,
    pub region: String,
    pub logical_clock: LogicalClock,
    pub created_at: Timestamp,
    pub payload: Vec<u8>,
}

/// The field whose bytes prove something by themselves.
pub(super) const PAYLOAD: &str = "payload";

/// An entry that breaks a log rule: no honest origin sends it.
#[derive(Debug, thiserror::Error)]
#[error("entry {at} of the range has a bad {field}")]
pub(super) struct BrokenRule {
    /// Its place in the range.
    pub(super) at: usize,
    pub(super) field: &'static str,
}

impl From<BrokenRule> for Blame {
    fn from(bad: BrokenRule) -> Blame {
        let BrokenRule { at, field } = bad;
        let reason = if field == "signature" { Reason::BadSignature } else { Reason::RuleBroken };
        Blame::new(reason, format!("Entry {at} of the range has a bad {field}."))
    }
}

impl WireEntry {
    pub(super) fn of(envelope: &Envelope) -> Self {
        let event = envelope.event();
        WireEntry {
            event_id: event.event_id.0.into_bytes(),
            tenant_id: event.tenant_id.as_str().to_owned(),
            logical_clock: event.logical_clock.packed(),
            region: event.region.as_str().to_owned(),
            created_at_ms: event.created_at.unix_ms(),
            payload: event.payload.bytes().to_vec(),
            salt: event.salt.0,
            signature: envelope.signature().0.to_vec(),
        }
    }

    /// What it says, whether or not it keeps the rules: for a person to look at.
    pub(super) fn show(&self) -> Shown {
        Shown {
            event_id: EventId(Uuid::from_bytes(self.event_id)),
            tenant_id: self.tenant_id.clone(),
            region: self.region.clone(),
            logical_clock: LogicalClock::from_packed(self.logical_clock),
            created_at: Timestamp::from_unix_ms(self.created_at_ms),
            payload: self.payload.clone(),
        }
    }

    /// The event with its payload as it came, whatever that is. `None`: it cannot be told in the
    /// form of an event, so that its hash is not known.
    pub(super) fn unchecked(&self, origin: Cloud) -> Option<Event> {
        let logical_clock = LogicalClock::from_packed(self.logical_clock);
        Some(Event {
            event_id: EventId(Uuid::from_bytes(self.event_id)),
            tenant_id: TenantId::try_from(self.tenant_id.clone()).ok()?,
            logical_clock,
            region: Region::try_from(self.region.clone()).ok()?,
            created_at: Timestamp::from_unix_ms(self.created_at_ms),
            origin_cloud: origin,
            payload: Payload::unchecked(self.payload.clone()),
            salt: Salt(self.salt),
        })
    }

    /// Checks the log rules that one entry can break, and computes the hash.
    pub(super) fn read(self, origin: Cloud, at: usize) -> Result<Envelope, BrokenRule> {
        let bad = |field| BrokenRule { at, field };
        let logical_clock = LogicalClock::from_packed(self.logical_clock);
        if logical_clock.packed() != self.logical_clock {
            return Err(bad("logicalClock"));
        }
        let signature: [u8; 64] =
            self.signature.try_into().map_err(|_: Vec<u8>| bad("signature"))?;
        let event = Event {
            event_id: EventId(Uuid::from_bytes(self.event_id)),
            tenant_id: TenantId::try_from(self.tenant_id).map_err(|_| bad("tenantId"))?,
            logical_clock,
            region: Region::try_from(self.region).map_err(|_| bad("region"))?,
            created_at: Timestamp::from_unix_ms(self.created_at_ms),
            origin_cloud: origin,
            payload: Payload::from_canonical(self.payload).ok_or_else(|| bad(PAYLOAD))?,
            salt: Salt(self.salt),
        };
        Ok(Envelope::received(event, Signature(signature)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::key::SigningKey;

    #[test]
    fn an_entry_reads_back_with_the_same_hash_and_a_broken_one_is_named() {
        let event = Event {
            event_id: EventId(Uuid::from_u128(7)),
            tenant_id: TenantId::platform(),
            logical_clock: LogicalClock { ms: 9, counter: 1 },
            region: Region::try_from("eu".to_owned()).expect("valid"),
            created_at: Timestamp::from_unix_ms(5),
            origin_cloud: Cloud::Aws,
            payload: Payload::from_canonical(br#"{"a":1}"#.to_vec()).expect("canonical"),
            salt: Salt([3; 16]),
        };
        let envelope = event.sign(&SigningKey::from_seed([1; 32]));
        let again = WireEntry::of(&envelope).read(Cloud::Aws, 0).expect("valid");
        assert_eq!(again, envelope);
        let mut wire = WireEntry::of(&envelope);
        wire.payload = b"{ }".to_vec();
        assert_eq!(wire.read(Cloud::Aws, 0).expect_err("not canonical").field, PAYLOAD);
    }
}
