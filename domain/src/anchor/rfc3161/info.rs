//! What the authority signed: a digest, a time, and its own number for it (`TSTInfo`).

use x509_cert::der::asn1::{IntRef, ObjectIdentifier};
use x509_cert::der::{Reader as _, SliceReader, Tag};

use crate::anchor::bytes::{Defect, Malformed};
use crate::anchor::rfc3161::{HashAlgorithm, der};
use crate::clock::Timestamp;

const VERSION: u8 = 1;
/// None is in use; this many are passed over.
const EXTENSIONS_MAX: usize = 16;

/// The digest of what was stamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Imprint {
    pub(super) hash: HashAlgorithm,
    pub(super) digest: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) policy: String,
    pub(super) imprint: Imprint,
    pub(super) serial: Vec<u8>,
    pub(super) time: Timestamp,
    /// How far the time may be off, in microseconds, if the authority says so.
    pub(super) accuracy_us: Option<u64>,
    /// The number from the request, which shows that the stamp is no old one.
    pub(super) nonce: Option<Vec<u8>>,
}

impl Imprint {
    pub(super) fn read(reader: &mut SliceReader<'_>) -> Result<Self, Malformed> {
        let at = der::at(reader);
        der::open(reader, Tag::Sequence, |inside| {
            let hash = HashAlgorithm::from_oid(der::algorithm(inside)?).ok_or(
                Defect::TimeStamp("its digest is not of SHA-1, SHA-256, 384 or 512").at(at),
            )?;
            let digest = der::contents(inside, Tag::OctetString)?.to_vec();
            if digest.len() != hash.digest(&[]).len() {
                return Err(Defect::TimeStamp("its digest has not the length of its hash").at(at));
            }
            Ok(Imprint { hash, digest })
        })
    }
}

impl Info {
    pub(super) fn read(reader: &mut SliceReader<'_>) -> Result<Self, Malformed> {
        let at = der::at(reader);
        der::open(reader, Tag::Sequence, |inside| {
            let version = inside.decode::<u8>()?;
            if version != VERSION {
                return Err(Defect::Version(version.into()).at(at));
            }
            let info = Info {
                policy: inside.decode::<ObjectIdentifier>()?.to_string(),
                imprint: Imprint::read(inside)?,
                serial: inside.decode::<IntRef<'_>>()?.as_bytes().to_vec(),
                time: der::time(inside)?,
                accuracy_us: accuracy(inside)?,
                nonce: {
                    der::skip(inside, Tag::Boolean)?; // ordering
                    nonce(inside)?
                },
            };
            der::skip(inside, der::context(0))?; // the authority's own name for itself
            if der::next_is(inside, der::context(1)) {
                der::open(inside, der::context(1), no_critical_extension)?;
            }
            Ok(info)
        })
    }
}

/// An optional number at this place.
pub(super) fn nonce(reader: &mut SliceReader<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    if !der::next_is(reader, Tag::Integer) {
        return Ok(None);
    }
    Ok(Some(reader.decode::<IntRef<'_>>()?.as_bytes().to_vec()))
}

/// Seconds, milliseconds [0], microseconds [1], each of them optional.
fn accuracy(reader: &mut SliceReader<'_>) -> Result<Option<u64>, Malformed> {
    if !der::next_is(reader, Tag::Sequence) {
        return Ok(None);
    }
    der::open(reader, Tag::Sequence, |inside| {
        let mut us = 0;
        if der::next_is(inside, Tag::Integer) {
            us += u64::from(inside.decode::<u32>()?) * 1_000_000;
        }
        for (number, unit_us) in [(0, 1000), (1, 1)] {
            let tag = der::context_primitive(number);
            if der::next_is(inside, tag) {
                us += small(der::contents(inside, tag)?, der::at(inside))? * unit_us;
            }
        }
        Ok(Some(us))
    })
}

/// 1 to 999, in one byte or two.
fn small(bytes: &[u8], at: usize) -> Result<u64, Malformed> {
    match *bytes {
        [low @ 1..=0x7f] => Ok(u64::from(low)),
        [high @ 0..=3, low] => Ok(u64::from(u16::from_be_bytes([high, low]))),
        _ => Err(Defect::TimeStamp("its accuracy is not 1 to 999 thousandths").at(at)),
    }
}

/// What is critical and not understood must not be passed over.
fn no_critical_extension(reader: &mut SliceReader<'_>) -> Result<(), Malformed> {
    der::each(reader, EXTENSIONS_MAX, "extensions", |extension| {
        let at = der::at(extension);
        der::open(extension, Tag::Sequence, |inside| {
            inside.decode::<ObjectIdentifier>()?;
            if der::next_is(inside, Tag::Boolean) && inside.decode::<bool>()? {
                return Err(Defect::TimeStamp("it has a critical extension").at(at));
            }
            der::contents(inside, Tag::OctetString).map(|_| ())
        })
    })
    .map(|_| ())
}
