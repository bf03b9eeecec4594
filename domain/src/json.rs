//! Strict I-JSON in, RFC 8785 (JCS) bytes out.
//!
//! What is hashed must have exactly one spelling and one meaning everywhere, so this refuses
//! what other parsers would silently repair: duplicate keys, and integers that a double cannot
//! hold.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Integers beyond this lose digits in any JSON reader that uses doubles (RFC 7493, section 2.2).
pub const INTEGER_MAX: u64 = 1 << 53;

/// Nesting beyond this is refused: readers recurse.
pub const DEPTH_MAX: usize = 64;

/// Why a text is not acceptable JSON. Line and column count from 1, as editors do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at line {line} column {column}")]
pub struct JsonError {
    pub reason: String,
    pub line: usize,
    pub column: usize,
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let full = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        JsonError {
            reason: full.strip_suffix(&place).unwrap_or(&full).to_owned(),
            line: error.line(),
            column: error.column(),
        }
    }
}

/// Reads one JSON text, strictly.
///
/// # Errors
/// Syntax, duplicate keys, integers beyond 2^53, nesting beyond [`DEPTH_MAX`], or anything after
/// the value; with the position.
pub fn parse_strict(text: &[u8]) -> Result<Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict { depth: 0 }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Deserializes a [`Value`] and refuses what I-JSON refuses.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Strict, E> {
        if self.depth >= DEPTH_MAX {
            return Err(E::custom(format_args!("more than {DEPTH_MAX} levels of nesting")));
        }
        Ok(Strict { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

fn too_large<E: serde::de::Error>(number: impl fmt::Display) -> E {
    E::custom(format_args!(
        "the integer {number} is beyond 2^53, where JSON readers lose digits; send it as a string"
    ))
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() > INTEGER_MAX {
            return Err(too_large(value));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        if value > INTEGER_MAX {
            return Err(too_large(value));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        // A whole double beyond 2^53 would be spelt as such an integer in canonical form.
        #[expect(clippy::cast_precision_loss, reason = "2^53 is exact in a double")]
        if value.fract() == 0.0 && value.abs() > INTEGER_MAX as f64 {
            return Err(too_large(value));
        }
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key \"{key}\" appears twice")));
            }
            let value = entries.next_value_seed(inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// Why a value that was built, not read, would be refused by [`parse_strict`] once it is written.
#[must_use]
pub fn refusal_of(value: &Value) -> Option<String> {
    refusal_within(value, Strict { depth: 0 }).err().map(|error| JsonError::from(error).reason)
}

fn refusal_within(value: &Value, strict: Strict) -> Result<(), serde_json::Error> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => refusal_of_number(number, strict),
        Value::Array(items) => {
            let inner = strict.deeper()?;
            items.iter().try_for_each(|item| refusal_within(item, inner))
        }
        Value::Object(entries) => {
            let inner = strict.deeper()?;
            entries.values().try_for_each(|item| refusal_within(item, inner))
        }
    }
}

fn refusal_of_number(number: &Number, strict: Strict) -> Result<(), serde_json::Error> {
    if let Some(value) = number.as_u64() {
        strict.visit_u64(value)?;
    } else if let Some(value) = number.as_i64() {
        strict.visit_i64(value)?;
    } else if let Some(value) = number.as_f64() {
        strict.visit_f64(value)?;
    }
    Ok(())
}

/// The RFC 8785 bytes of a value: sorted keys, one spelling for each number and string.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_canonical(item, out);
            }
            out.push(b']');
        }
        Value::Object(entries) => write_object(entries, out),
    }
}

fn write_object(entries: &Map<String, Value>, out: &mut Vec<u8>) {
    let mut sorted: Vec<(&String, &Value)> = entries.iter().collect();
    // RFC 8785 sorts by UTF-16 code units, which differs from UTF-8 order beyond the basic plane.
    sorted.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
    out.push(b'{');
    for (at, (key, value)) in sorted.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(key, out);
        out.push(b':');
        write_canonical(value, out);
    }
    out.push(b'}');
}

fn write_number(number: &Number, out: &mut Vec<u8>) {
    // ECMAScript's Number::toString; every Number here fits a double or is an exact integer.
    let double = number.as_f64().unwrap_or(0.0); // always Some without arbitrary precision
    out.extend_from_slice(ryu_js::Buffer::new().format(double).as_bytes());
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            0x08 => b"\\b",
            0x09 => b"\\t",
            0x0a => b"\\n",
            0x0c => b"\\f",
            0x0d => b"\\r",
            0x00..=0x1f => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
        if escape.is_empty() {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.extend_from_slice(escape);
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical_text(text: &str) -> Result<String, JsonError> {
        parse_strict(text.as_bytes())
            .map(|value| String::from_utf8(canonical(&value)).expect("canonical JSON is UTF-8"))
    }

    #[test]
    fn keys_are_sorted_and_numbers_have_one_spelling() {
        assert_eq!(
            canonical_text(r#"{"b":1.0,"a":[-0,1e2,0.10,1e-7],"é":"\u20ac\u000f\n/"}"#),
            Ok(r#"{"a":[0,100,0.1,1e-7],"b":1,"é":"€\u000f\n/"}"#.to_owned())
        );
    }

    #[test]
    fn a_duplicate_key_is_refused_with_its_position() {
        let error = canonical_text("{\"a\":1,\n\"a\":2}").expect_err("duplicate");
        assert_eq!(error.reason, "the key \"a\" appears twice");
        assert_eq!(error.line, 2);
    }

    #[test]
    fn an_integer_beyond_two_to_the_53_is_refused_however_it_is_spelt() {
        for text in ["9007199254740993", "-9007199254740993", "99999999999999999999", "1e17"] {
            let error = canonical_text(text).expect_err(text);
            assert!(error.reason.contains("beyond 2^53"), "{error}");
        }
        assert_eq!(canonical_text("9007199254740992"), Ok("9007199254740992".to_owned()));
    }

    #[test]
    fn syntax_errors_and_trailing_text_name_their_position() {
        let error = canonical_text("{\"a\":}").expect_err("syntax");
        assert_eq!((error.line, error.column), (1, 6));
        assert!(canonical_text("1 2").is_err());
        assert!(canonical_text("").is_err());
        assert!(canonical_text("\"\\ud800\"").is_err());
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = "[".repeat(DEPTH_MAX + 1) + &"]".repeat(DEPTH_MAX + 1);
        assert!(canonical_text(&deep).expect_err("too deep").reason.contains("nesting"));
        let fits = "[".repeat(DEPTH_MAX) + &"]".repeat(DEPTH_MAX);
        assert!(canonical_text(&fits).is_ok());
    }
}
