//! Public keys as configuration and people write them: base64 of the 32 bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::key::PublicKey;
use serde::{Deserialize, Deserializer, Serializer};

#[must_use]
pub fn of(key: PublicKey) -> String {
    BASE64.encode(key.to_bytes())
}

/// # Errors
/// The text is not 32 bytes in base64, or the key is a weak one.
pub fn parse(text: &str) -> Result<PublicKey, String> {
    let bytes = BASE64.decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let bytes = bytes.ok_or("a public key is 32 bytes in base64, as `ternion keygen` prints it")?;
    PublicKey::from_bytes(&bytes).map_err(|weak| format!("this key must not be used: {weak}"))
}

/// For `#[serde(with = "…")]`.
///
/// # Errors
/// Only the serializer's own.
pub fn serialize<S: Serializer>(key: &PublicKey, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&of(*key))
}

/// For `#[serde(with = "…")]`.
///
/// # Errors
/// As [`parse`].
pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<PublicKey, D::Error> {
    parse(&String::deserialize(input)?).map_err(serde::de::Error::custom)
}
