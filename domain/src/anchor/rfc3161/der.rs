//! Reading DER by hand: open a value of a tag, read all of its inside, say where it went wrong.

use x509_cert::der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier};
use x509_cert::der::{self, Decode as _, Header, Reader as _, SliceReader, Tag, TagNumber};

use crate::anchor::bytes::{Defect, Malformed};
use crate::clock::Timestamp;

impl From<der::Error> for Malformed {
    fn from(error: der::Error) -> Self {
        let at = error.position().and_then(|at| usize::try_from(at).ok());
        Defect::Der(error.kind().to_string()).at(at.unwrap_or_default())
    }
}

/// A reader of all of `bytes`. How deep it goes is up to the types that are read, not to the bytes.
pub(super) fn whole(bytes: &[u8], bytes_max: usize) -> Result<SliceReader<'_>, Malformed> {
    if bytes.len() > bytes_max {
        return Err(Defect::TooLarge(bytes_max).at(bytes_max));
    }
    Ok(SliceReader::new(bytes)?)
}

/// Where the reader stands.
pub(super) fn at(reader: &SliceReader<'_>) -> usize {
    usize::try_from(reader.position()).unwrap_or_default()
}

/// `[number]`, around a value or instead of the tag of a structure.
pub(super) const fn context(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// `[number]` instead of the tag of a number or string.
pub(super) const fn context_primitive(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: false, number: TagNumber(number) }
}

fn header(reader: &mut SliceReader<'_>, tag: Tag) -> Result<Header, Malformed> {
    let header = Header::decode(reader)?;
    if header.tag() != tag {
        let kind = header.tag().unexpected_error(Some(tag));
        return Err(reader.error(kind).into());
    }
    Ok(header)
}

/// Opens a value and reads its inside, all of it.
pub(super) fn open<'a, T>(
    reader: &mut SliceReader<'a>,
    tag: Tag,
    inside: impl FnOnce(&mut SliceReader<'a>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let header = header(reader, tag)?;
    reader.read_nested(header.length(), inside)
}

/// The bytes of a value, unopened.
pub(super) fn contents<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> Result<&'a [u8], Malformed> {
    let header = header(reader, tag)?;
    Ok(reader.read_slice(header.length())?)
}

/// Does a value of this tag come next?
pub(super) fn next_is(reader: &SliceReader<'_>, tag: Tag) -> bool {
    Header::peek(reader).is_ok_and(|header| header.tag() == tag)
}

/// Passes over an optional value.
pub(super) fn skip(reader: &mut SliceReader<'_>, tag: Tag) -> Result<(), Malformed> {
    if next_is(reader, tag) {
        reader.tlv_bytes()?;
    }
    Ok(())
}

/// Reads one value after another until the inside ends.
pub(super) fn each<'a, T>(
    reader: &mut SliceReader<'a>,
    max: usize,
    what: &'static str,
    mut read: impl FnMut(&mut SliceReader<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let mut found = Vec::new();
    while !reader.is_finished() {
        if found.len() == max {
            return Err(Defect::TooMany { what, max }.at(at(reader)));
        }
        found.push(read(reader)?);
    }
    Ok(found)
}

/// An `AlgorithmIdentifier` that takes no parameters: they are absent or NULL.
pub(super) fn algorithm(reader: &mut SliceReader<'_>) -> Result<ObjectIdentifier, Malformed> {
    open(reader, Tag::Sequence, |inside| {
        let oid = inside.decode()?;
        if !inside.is_finished() {
            inside.decode::<der::asn1::Null>()?;
        }
        Ok(oid)
    })
}

/// A `GeneralizedTime` in UTC, which RFC 3161 allows fractions of a second; cut to milliseconds.
pub(super) fn time(reader: &mut SliceReader<'_>) -> Result<Timestamp, Malformed> {
    let start = at(reader);
    let wrong = || Defect::TimeStamp("a time is not of the form YYYYMMDDhhmmss[.f]Z").at(start);
    let text = contents(reader, Tag::GeneralizedTime)?;
    let text = text.strip_suffix(b"Z").ok_or_else(wrong)?;
    let mut parts = text.splitn(2, |byte| *byte == b'.');
    let seconds = [parts.next().unwrap_or_default(), b"Z"].concat();
    let seconds = AnyRef::new(Tag::GeneralizedTime, &seconds)?
        .decode_as::<GeneralizedTime>()
        .map_err(|_| wrong())?
        .to_unix_duration();
    let ms = parts.next().map_or(Some(0), milliseconds).ok_or_else(wrong)?;
    let unix_ms = i64::try_from(seconds.as_millis()).unwrap_or(i64::MAX).saturating_add(ms);
    Ok(Timestamp::from_unix_ms(unix_ms))
}

/// The digits behind the point; DER has some, and no zero at their end.
fn milliseconds(digits: &[u8]) -> Option<i64> {
    const DIGITS_MAX: usize = 9;
    let is_canonical = digits.last().is_some_and(|last| *last != b'0');
    let is_number = digits.len() <= DIGITS_MAX && digits.iter().all(u8::is_ascii_digit);
    let digit = |at: usize| digits.get(at).map_or(0, |digit| i64::from(digit - b'0'));
    (is_canonical && is_number).then(|| digit(0) * 100 + digit(1) * 10 + digit(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Malformed> {
        let mut bytes = vec![0x18, text.len() as u8];
        bytes.extend_from_slice(text.as_bytes());
        let mut reader = whole(&bytes, 64)?;
        time(&mut reader).map(|time| time.to_string())
    }

    #[test]
    fn a_time_has_whole_seconds_or_a_fraction_without_zeros_at_its_end() {
        assert_eq!(read("20261122095603Z").as_deref(), Ok("2026-11-22T09:56:03.000Z"));
        assert_eq!(read("20261122095603.1234Z").as_deref(), Ok("2026-11-22T09:56:03.123Z"));
        assert_eq!(read("20261122095603.05Z").as_deref(), Ok("2026-11-22T09:56:03.050Z"));
        for wrong in [
            "20261122095603",
            "20261122095603.Z",
            "20261122095603.10Z",
            "20261322095603Z",
            "202611220956Z",
            "20261122095603+0100",
            "20261122095603.1x2Z",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
