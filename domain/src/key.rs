//! Ed25519 keys with one role each, and strict verification.
//!
//! `verify_strict` everywhere and batch verification nowhere: signatures can be crafted that
//! strict verification always refuses and batch verification accepts part of the time, which
//! would split the verdicts of honest clouds.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::Signer as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// What a key may sign. One key per role: a signature made for one purpose can then never be
/// replayed for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyRole {
    /// Signs events and checkpoints of the cloud's own log.
    Log,
    /// Cosigns checkpoints of any log: "I hold it and have re-computed it".
    Cosigner,
    /// Signs messages between clouds.
    Transport,
}

impl KeyRole {
    pub const ALL: [KeyRole; 3] = [KeyRole::Log, KeyRole::Cosigner, KeyRole::Transport];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            KeyRole::Log => "log",
            KeyRole::Cosigner => "cosigner",
            KeyRole::Transport => "transport",
        }
    }
}

/// A 64-byte Ed25519 signature. Base64 in JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Display for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signature({self})")
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        BASE64
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Signature)
            .ok_or_else(|| serde::de::Error::custom("a signature is 64 bytes in base64"))
    }
}

/// The key is one that verification must never accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    #[error("the 32 bytes are not a point of the curve")]
    NotAPoint,
    #[error("the key has small order: some signatures under it hold for any message")]
    SmallOrder,
}

/// A public key that is a point of the curve and not of small order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// # Errors
    /// The bytes are no point, or one of the weak ones.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, WeakKey> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| WeakKey::NotAPoint)?;
        if key.is_weak() {
            return Err(WeakKey::SmallOrder);
        }
        Ok(PublicKey(key))
    }

    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// As `openssl` reads it: SubjectPublicKeyInfo (RFC 8410) in PEM.
    #[must_use]
    pub fn to_pem(self) -> String {
        const PREFIX: [u8; 12] =
            [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        let der = [&PREFIX[..], &self.to_bytes()].concat();
        let body = BASE64.encode(der);
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    /// Strict Ed25519 verification.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PublicKey({})", BASE64.encode(self.to_bytes()))
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.to_bytes().cmp(&other.to_bytes())
    }
}

/// Base64 of the 32 bytes.
impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&BASE64.encode(self.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let bytes = BASE64.decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let bytes =
            bytes.ok_or_else(|| serde::de::Error::custom("a public key is 32 bytes in base64"))?;
        PublicKey::from_bytes(&bytes).map_err(serde::de::Error::custom)
    }
}

/// Who makes signatures: a private key in memory, or somebody who holds one elsewhere.
pub trait Sign {
    fn public(&self) -> PublicKey;

    /// A signature that holds under [`Sign::public`]. Whoever cannot give one does not return.
    fn sign(&self, message: &[u8]) -> Signature;
}

/// A private key. Zeroed when dropped; never printed.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The seed comes from the caller: this crate has no randomness.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl Sign for SigningKey {
    fn public(&self) -> PublicKey {
        SigningKey::public(self)
    }

    fn sign(&self, message: &[u8]) -> Signature {
        SigningKey::sign(self, message)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKey({:?})", self.public())
    }
}

/// C2SP signed-note signature types that this product uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoteAlgorithm {
    /// 0x01: plain Ed25519 over the note's text. Logs sign so.
    Ed25519,
    /// 0x04: timestamped cosignature, C2SP tlog-cosignature.
    CosignatureV1,
}

impl NoteAlgorithm {
    const fn byte(self) -> u8 {
        match self {
            NoteAlgorithm::Ed25519 => 0x01,
            NoteAlgorithm::CosignatureV1 => 0x04,
        }
    }
}

/// A public key with the name and algorithm under which it signs notes: a C2SP "vkey",
/// `<name>+<key id>+<base64(algorithm ‖ key)>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    id: [u8; 4],
    algorithm: NoteAlgorithm,
    key: PublicKey,
}

/// The text is not a usable vkey.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNoteKey {
    #[error("a vkey has the form <name>+<key id>+<base64>")]
    Form,
    #[error("a key name must not be empty or contain spaces or '+'")]
    Name,
    #[error("the key id does not belong to this name and key")]
    Id,
    #[error("only Ed25519 (0x01) and cosignature/v1 (0x04) keys are understood")]
    Algorithm,
    #[error(transparent)]
    Weak(#[from] WeakKey),
}

impl NoteKey {
    /// # Errors
    /// The name is not one a note may carry.
    pub fn new(name: &str, algorithm: NoteAlgorithm, key: PublicKey) -> Result<Self, BadNoteKey> {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return Err(BadNoteKey::Name);
        }
        let id = NoteKey::id_of(name, algorithm, &key.to_bytes());
        Ok(NoteKey { name: name.to_owned(), id, algorithm, key })
    }

    /// The key id that these bytes have under this name, whether or not they are a usable key.
    #[must_use]
    pub fn id_of(name: &str, algorithm: NoteAlgorithm, key: &[u8; 32]) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(name.as_bytes());
        hasher.update([b'\n', algorithm.byte()]);
        hasher.update(key);
        let digest: [u8; 32] = hasher.finalize().into();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Reads a vkey.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BadNoteKey> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(BadNoteKey::Form);
        };
        let material = BASE64.decode(material).map_err(|_| BadNoteKey::Form)?;
        let (&algorithm, key) = material.split_first().ok_or(BadNoteKey::Form)?;
        let algorithm = match algorithm {
            0x01 => NoteAlgorithm::Ed25519,
            0x04 => NoteAlgorithm::CosignatureV1,
            _ => return Err(BadNoteKey::Algorithm),
        };
        let key = PublicKey::from_bytes(key.try_into().map_err(|_| BadNoteKey::Form)?)?;
        let parsed = NoteKey::new(name, algorithm, key)?;
        if hex::encode(parsed.id) != id {
            return Err(BadNoteKey::Id);
        }
        Ok(parsed)
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Four bytes that, with the name, tell keys apart. Not a secure hash.
    #[must_use]
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    #[must_use]
    pub fn id_hex(&self) -> String {
        hex::encode(self.id)
    }

    #[must_use]
    pub const fn algorithm(&self) -> NoteAlgorithm {
        self.algorithm
    }

    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut material = vec![self.algorithm.byte()];
        material.extend_from_slice(&self.key.to_bytes());
        write!(out, "{}+{}+{}", self.name, self.id_hex(), BASE64.encode(material))
    }
}

impl Serialize for NoteKey {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NoteKey {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        NoteKey::parse(&String::deserialize(input)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vkey_reads_back_and_a_changed_one_is_refused() {
        let key = SigningKey::from_seed([3; 32]).public();
        let vkey = NoteKey::new("demo.example/gcp/1", NoteAlgorithm::Ed25519, key).expect("name");
        let text = vkey.to_string();
        assert_eq!(NoteKey::parse(&text), Ok(vkey));
        assert_eq!(NoteKey::parse(&text.replace("gcp", "aws")), Err(BadNoteKey::Id));
        assert_eq!(NoteKey::parse("a+b"), Err(BadNoteKey::Form));
        assert!(NoteKey::new("a b", NoteAlgorithm::Ed25519, key).is_err());
    }

    #[test]
    fn the_vkey_of_the_go_checksum_database_is_read() {
        let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
        assert_eq!(NoteKey::parse(text).expect("valid").to_string(), text);
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let mut identity = [0u8; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity), Err(WeakKey::SmallOrder));
        assert_eq!(PublicKey::from_bytes(&[0; 32]), Err(WeakKey::SmallOrder));
    }

    #[test]
    fn a_private_key_is_never_printed() {
        let seed = [7u8; 32];
        let shown = format!("{:?}", SigningKey::from_seed(seed));
        assert!(!shown.contains(&hex::encode(seed)) && !shown.contains(&BASE64.encode(seed)));
    }
}
