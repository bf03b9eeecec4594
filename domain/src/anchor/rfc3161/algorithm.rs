//! The hashes and signatures that authorities use: RSA (PKCS #1 v1.5), ECDSA on P-256 and P-384.

use std::fmt;

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::{BoxedUint, PublicKey};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::SubjectPublicKeyInfo;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::oid::db::rfc5912;
use x509_cert::der::{Reader as _, Tag};

use crate::anchor::rfc3161::der;

/// Bits of an RSA key: less is within reach of a state, more only costs time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
const RSA_KEY_BYTES_MAX: usize = 1100;
/// Two numbers of 48 bytes, and what is around them.
const ECDSA_BYTES_MAX: usize = 110;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl HashAlgorithm {
    pub(super) fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            rfc5912::ID_SHA_1 => Some(HashAlgorithm::Sha1),
            rfc5912::ID_SHA_256 => Some(HashAlgorithm::Sha256),
            rfc5912::ID_SHA_384 => Some(HashAlgorithm::Sha384),
            rfc5912::ID_SHA_512 => Some(HashAlgorithm::Sha512),
            _ => None,
        }
    }

    #[must_use]
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            HashAlgorithm::Sha1 => Sha1::digest(bytes).to_vec(),
            HashAlgorithm::Sha256 => Sha256::digest(bytes).to_vec(),
            HashAlgorithm::Sha384 => Sha384::digest(bytes).to_vec(),
            HashAlgorithm::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    /// Two documents with one SHA-1 can be made, so it identifies none.
    pub(super) const fn is_sound(self) -> bool {
        !matches!(self, HashAlgorithm::Sha1)
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            HashAlgorithm::Sha1 => "SHA-1",
            HashAlgorithm::Sha256 => "SHA-256",
            HashAlgorithm::Sha384 => "SHA-384",
            HashAlgorithm::Sha512 => "SHA-512",
        })
    }
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SignatureFault {
    #[error("does not hold")]
    Wrong,
    #[error("the algorithm {0} is not one that this program verifies")]
    Algorithm(ObjectIdentifier),
    #[error("the signature hashes with SHA-1, which no longer identifies a document")]
    Weak,
    #[error("the key is not an RSA key of 2048 to 8192 bits, or a point of P-256 or P-384")]
    Key,
}

/// A way to sign, and what it hashes with, if its name says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Rsa(Option<HashAlgorithm>),
    Ecdsa(HashAlgorithm),
}

impl Scheme {
    fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        use HashAlgorithm::{Sha1, Sha256, Sha384, Sha512};
        Some(match oid {
            rfc5912::RSA_ENCRYPTION => Scheme::Rsa(None),
            rfc5912::SHA_1_WITH_RSA_ENCRYPTION => Scheme::Rsa(Some(Sha1)),
            rfc5912::SHA_256_WITH_RSA_ENCRYPTION => Scheme::Rsa(Some(Sha256)),
            rfc5912::SHA_384_WITH_RSA_ENCRYPTION => Scheme::Rsa(Some(Sha384)),
            rfc5912::SHA_512_WITH_RSA_ENCRYPTION => Scheme::Rsa(Some(Sha512)),
            rfc5912::ECDSA_WITH_SHA_256 => Scheme::Ecdsa(Sha256),
            rfc5912::ECDSA_WITH_SHA_384 => Scheme::Ecdsa(Sha384),
            rfc5912::ECDSA_WITH_SHA_512 => Scheme::Ecdsa(Sha512),
            _ => return None,
        })
    }
}

/// Did the holder of `key` sign `message`? `hash` is what the message says it was hashed with,
/// where the name of the algorithm may leave it open; it must not contradict that name.
pub(super) fn check(
    key: &SubjectPublicKeyInfo,
    algorithm: ObjectIdentifier,
    hash: Option<HashAlgorithm>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureFault> {
    let unknown = SignatureFault::Algorithm(algorithm);
    let scheme = Scheme::from_oid(algorithm).ok_or(unknown.clone())?;
    let named = match scheme {
        Scheme::Rsa(named) => named,
        Scheme::Ecdsa(named) => Some(named),
    };
    let hash = match (named, hash) {
        (Some(named), Some(stated)) if named != stated => return Err(SignatureFault::Wrong),
        (named, stated) => named.or(stated).ok_or(unknown)?,
    };
    if !hash.is_sound() {
        return Err(SignatureFault::Weak);
    }
    let digest = hash.digest(message);
    match scheme {
        Scheme::Rsa(_) => rsa(key, hash, &digest, signature),
        Scheme::Ecdsa(_) => ecdsa(key, &digest, signature),
    }
}

fn rsa(
    key: &SubjectPublicKeyInfo,
    hash: HashAlgorithm,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), SignatureFault> {
    let key = rsa_key(key).ok_or(SignatureFault::Key)?;
    match hash {
        HashAlgorithm::Sha1 => return Err(SignatureFault::Weak),
        HashAlgorithm::Sha256 => key.pkcs1v15_verify_prehash::<Sha256>(digest, signature),
        HashAlgorithm::Sha384 => key.pkcs1v15_verify_prehash::<Sha384>(digest, signature),
        HashAlgorithm::Sha512 => key.pkcs1v15_verify_prehash::<Sha512>(digest, signature),
    }
    .map_err(|_| SignatureFault::Wrong)
}

/// `RSAPublicKey` of PKCS #1: modulus and exponent.
fn rsa_key(key: &SubjectPublicKeyInfo) -> Option<PublicKey> {
    if key.algorithm.oid != rfc5912::RSA_ENCRYPTION {
        return None;
    }
    let (n, e) = two_numbers(key.subject_public_key.as_bytes()?, RSA_KEY_BYTES_MAX)?;
    let number = |bytes: &[u8]| {
        let bits = u32::try_from(bytes.len()).ok()?.checked_mul(8)?;
        BoxedUint::from_be_slice(bytes, bits).ok()
    };
    PublicKey::new_with_size_limits(number(n)?, number(e)?, RSA_BITS).ok()
}

/// A SEQUENCE of two unsigned numbers, without leading zeros.
fn two_numbers(bytes: &[u8], bytes_max: usize) -> Option<(&[u8], &[u8])> {
    let mut reader = der::whole(bytes, bytes_max).ok()?;
    let both = der::open(&mut reader, Tag::Sequence, |inside| {
        let (a, b) = (inside.decode::<UintRef<'_>>()?, inside.decode::<UintRef<'_>>()?);
        Ok((a.as_bytes(), b.as_bytes()))
    });
    reader.finish().ok()?;
    both.ok()
}

fn ecdsa(
    key: &SubjectPublicKeyInfo,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), SignatureFault> {
    let is_curve = |curve| {
        let named = key.algorithm.parameters.as_ref();
        key.algorithm.oid == rfc5912::ID_EC_PUBLIC_KEY
            && named.is_some_and(|named| named.decode_as() == Ok(curve))
    };
    let point = key.subject_public_key.as_bytes().ok_or(SignatureFault::Key)?;
    let numbers = two_numbers(signature, ECDSA_BYTES_MAX).ok_or(SignatureFault::Wrong)?;
    let holds = if is_curve(rfc5912::SECP_256_R_1) {
        p256(point, numbers, digest)?
    } else if is_curve(rfc5912::SECP_384_R_1) {
        p384(point, numbers, digest)?
    } else {
        return Err(SignatureFault::Key);
    };
    holds.then_some(()).ok_or(SignatureFault::Wrong)
}

fn p256(point: &[u8], (r, s): (&[u8], &[u8]), digest: &[u8]) -> Result<bool, SignatureFault> {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| SignatureFault::Key)?;
    let signature = padded::<32>(r).zip(padded::<32>(s));
    let signature = signature.and_then(|(r, s)| p256::ecdsa::Signature::from_scalars(r, s).ok());
    Ok(signature.is_some_and(|signature| key.verify_prehash(digest, &signature).is_ok()))
}

fn p384(point: &[u8], (r, s): (&[u8], &[u8]), digest: &[u8]) -> Result<bool, SignatureFault> {
    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| SignatureFault::Key)?;
    let signature = padded::<48>(r).zip(padded::<48>(s));
    let signature = signature.and_then(|(r, s)| p384::ecdsa::Signature::from_scalars(r, s).ok());
    Ok(signature.is_some_and(|signature| key.verify_prehash(digest, &signature).is_ok()))
}

/// The number in as many bytes as a scalar has.
fn padded<const N: usize>(number: &[u8]) -> Option<[u8; N]> {
    let mut scalar = [0; N];
    scalar.get_mut(N.checked_sub(number.len())?..)?.copy_from_slice(number);
    Some(scalar)
}
