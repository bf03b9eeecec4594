//! The fields of an event that have rules of their own.

use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::json;

/// Longest tenant id. It stands in every row, leaf preimage and index.
pub const TENANT_ID_CHARS_MAX: usize = 64;
/// Longest region name; the clouds' own are under 30 characters.
pub const REGION_CHARS_MAX: usize = 40;
/// Largest payload in canonical form. Larger things belong in an object store, with their hash
/// in the event.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;
/// Longest kind that is indexed; the product's own are under 30 characters.
pub const KIND_BYTES_MAX: usize = 200;

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
    #[error("cannot be recorded: {0}")]
    PayloadNotStrict(String),
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

/// The RFC 8785 bytes of a payload: an object, within the size limit. Equal bytes are equal.
#[derive(Clone)]
pub struct Payload {
    bytes: Vec<u8>,
    /// Read when it is first asked for, unless the bytes were read anyway.
    kind: OnceLock<Option<String>>,
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Payload {}

impl Payload {
    /// Takes only what [`Payload::from_canonical`] takes again: else this cloud would sign what
    /// the others must refuse, and its log would come to a stop.
    ///
    /// # Errors
    /// The value is not an object, too large, or not what [`json::parse_strict`] reads.
    pub fn from_value(value: &serde_json::Value) -> Result<Self, FieldError> {
        if !value.is_object() {
            return Err(FieldError::PayloadNotObject);
        }
        if let Some(reason) = json::refusal_of(value) {
            return Err(FieldError::PayloadNotStrict(reason));
        }
        let bytes = json::canonical(value);
        if bytes.len() > PAYLOAD_BYTES_MAX {
            return Err(FieldError::PayloadTooLarge(bytes.len()));
        }
        Ok(Payload { bytes, kind: OnceLock::from(kind_of(value)) })
    }

    /// Accepts bytes only if they are already canonical: the check that every cloud makes of
    /// what another cloud sends.
    #[must_use]
    pub fn from_canonical(bytes: Vec<u8>) -> Option<Self> {
        let value = json::parse_strict(&bytes).ok()?;
        let fits = value.is_object() && bytes.len() <= PAYLOAD_BYTES_MAX;
        let kind = OnceLock::from(kind_of(&value));
        (fits && json::canonical(&value) == bytes).then_some(Payload { bytes, kind })
    }

    /// Takes bytes that the caller does not yet trust, such as those of a database row, without
    /// a check.
    #[must_use]
    pub const fn unchecked(bytes: Vec<u8>) -> Self {
        Payload { bytes, kind: OnceLock::new() }
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The payload's `kind`, if it names one.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        let read = || kind_of(&json::parse_strict(&self.bytes).ok()?);
        self.kind.get_or_init(read).as_deref()
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

/// What is indexed as a payload's kind. Anything else that stands there is payload and nothing
/// more: a name that no index can hold must not keep an event, or others of its batch, from being
/// recorded.
fn kind_of(payload: &serde_json::Value) -> Option<String> {
    let kind = crate::catalog::kind_of(payload)?;
    let is_name = kind.len() <= KIND_BYTES_MAX && !kind.chars().any(char::is_control);
    is_name.then(|| kind.to_owned())
}

/// Sixteen random bytes that are hashed with the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Salt(pub [u8; 16]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_no_index_can_hold_is_payload_and_nothing_more() {
        let kind = |kind: &str| {
            let value = serde_json::json!({ "kind": kind });
            Payload::from_value(&value).expect("an object").kind().map(str::to_owned)
        };
        assert_eq!(kind("usage").as_deref(), Some("usage"));
        assert_eq!(kind("a\u{0}"), None);
        assert_eq!(kind(&"k".repeat(KIND_BYTES_MAX + 1)), None);
    }

    #[test]
    fn bytes_that_were_taken_unread_have_the_kind_that_stands_in_them() {
        let bytes = br#"{"kind":"usage"}"#.to_vec();
        let unread = Payload::unchecked(bytes.clone());
        assert_eq!(unread.kind(), Some("usage"));
        assert_eq!(Payload::from_canonical(bytes), Some(unread));
        assert_eq!(Payload::unchecked(b"no JSON".to_vec()).kind(), None);
    }
    use proptest::prelude::*;

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

    #[test]
    fn a_payload_that_others_would_refuse_is_not_recorded() {
        use serde_json::json;
        let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        for bad in [json!(1_u64 << 54), json!(-(1_i64 << 54)), json!(1e30), nested(64)] {
            let refused = Payload::from_value(&json!({ "a": bad }));
            assert!(matches!(refused, Err(FieldError::PayloadNotStrict(_))), "{bad}");
        }
        assert!(Payload::from_value(&json!({ "a": nested(63) })).is_ok());
        assert_eq!(Payload::from_value(&json!([])), Err(FieldError::PayloadNotObject));
    }

    fn any_value() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (-1e9f64..1e9).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        /// Numbers most of all: a reader that is one bit off would let a cloud sign bytes that
        /// the others refuse.
        #[test]
        fn what_is_recorded_here_is_taken_by_every_peer(value in any_value()) {
            let object = serde_json::json!({ "value": value });
            if let Ok(payload) = Payload::from_value(&object) {
                prop_assert_eq!(Payload::from_canonical(payload.bytes().to_vec()), Some(payload));
            }
        }
    }
}
