//! What is proposed and decided: a small JSON object in canonical form.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::json;
use crate::log::Hash;

/// Largest value in canonical form. It travels with every vote; larger things belong in an event,
/// with its id or hash in the value.
pub const VALUE_BYTES_MAX: usize = 4 * 1024;

/// A JSON object in its RFC 8785 form. Equal values are equal bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Vec<u8>);

/// What cannot be proposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    #[error("a grant's value must be a JSON object")]
    NotObject,
    #[error("a grant's value cannot be signed: {0}")]
    NotStrict(String),
    #[error("a grant's value is {0} bytes in canonical form; the limit is {VALUE_BYTES_MAX}")]
    TooLarge(usize),
}

impl Value {
    /// # Errors
    /// Not an object, too large, or not what every cloud reads alike.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, BadValue> {
        if !value.is_object() {
            return Err(BadValue::NotObject);
        }
        if let Some(reason) = json::refusal_of(value) {
            return Err(BadValue::NotStrict(reason));
        }
        let bytes = json::canonical(value);
        if bytes.len() > VALUE_BYTES_MAX {
            return Err(BadValue::TooLarge(bytes.len()));
        }
        Ok(Value(bytes))
    }

    /// Accepts bytes only if they are canonical already: of what a peer or a row brings.
    #[must_use]
    pub fn from_canonical(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > VALUE_BYTES_MAX {
            return None;
        }
        let value = json::parse_strict(bytes).ok()?;
        Value::from_json(&value).ok().filter(|value| value.0 == bytes)
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        // The bytes were written by the canonical writer, so they always parse.
        serde_json::from_slice(&self.0).unwrap_or_default()
    }

    /// SHA-256 of the canonical bytes: what votes are about. Without a label, so that `sha256sum`
    /// gives it too; the signed text around it says what it is.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash(Sha256::digest(&self.0).into())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(out)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(input)?;
        Value::from_json(&value).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_values_are_equal_bytes_and_read_back() {
        let value = Value::from_json(&json!({ "b": 1.0, "a": "x" })).expect("an object");
        assert_eq!(value.bytes(), br#"{"a":"x","b":1}"#);
        assert_eq!(Value::from_canonical(value.bytes()), Some(value.clone()));
        assert_eq!(Value::from_json(&value.to_json()), Ok(value.clone()));
        assert_eq!(serde_json::from_value(json!({ "a": "x", "b": 1 })).ok(), Some(value));
    }

    #[test]
    fn what_is_no_small_canonical_object_is_refused() {
        assert_eq!(Value::from_json(&json!([1])), Err(BadValue::NotObject));
        assert!(matches!(
            Value::from_json(&json!({"a": 1_u64 << 54})),
            Err(BadValue::NotStrict(_))
        ));
        let long = json!({ "a": "x".repeat(VALUE_BYTES_MAX) });
        assert!(matches!(Value::from_json(&long), Err(BadValue::TooLarge(_))));
        for bad in ["{ }", "[]", r#"{"b":1,"a":2}"#, ""] {
            assert_eq!(Value::from_canonical(bad.as_bytes()), None, "{bad}");
        }
    }
}
