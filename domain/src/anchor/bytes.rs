//! Reading foreign bytes: a bounded cursor, and errors that say what was wrong and where.

use std::fmt;

/// The bytes are not what they claim to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {what}")]
pub struct Malformed {
    /// Offset from the start of what was parsed.
    pub at: usize,
    pub what: Defect,
}

/// What was found where something else must stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    #[error("ends here, {0} bytes too early")]
    Truncated(u64),
    #[error("{0} bytes follow after the end")]
    Trailing(usize),
    #[error("larger than {0} bytes, which none is")]
    TooLarge(usize),
    #[error("nested deeper than {0} levels")]
    TooDeep(usize),
    #[error("more than {max} {what}")]
    TooMany { what: &'static str, max: usize },
    #[error("does not begin as {0} does")]
    Magic(&'static str),
    #[error("version {0} is not supported")]
    Version(u64),
    #[error("a number is not in its shortest form, or too large")]
    Number,
    #[error("no operation has the tag 0x{0:02x}")]
    Operation(u8),
    #[error("no hash of a file has the tag 0x{0:02x}")]
    FileHash(u8),
    #[error("a length of {found} bytes, where {least} to {most} are allowed")]
    Length { found: u64, least: u64, most: u64 },
    #[error("the operation {operation} would make a message of more than {max} bytes")]
    Message { operation: &'static str, max: usize },
    #[error("an address of a calendar may not hold the byte 0x{0:02x}")]
    Address(u8),
    #[error("not a transaction: {0}")]
    Transaction(&'static str),
    #[error("{0}")]
    Rlp(&'static str),
    #[error("not DER: {0}")]
    Der(String),
    #[error("not a time stamp: {0}")]
    TimeStamp(&'static str),
    #[error("the authority answered with status {0} and no time stamp")]
    Refused(u8),
}

impl Defect {
    pub(super) fn at(self, at: usize) -> Malformed {
        Malformed { at, what: self }
    }
}

/// A cursor over borrowed bytes. Every read is checked against what is left.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Reader({} of {})", self.at, self.bytes.len())
    }
}

impl<'a> Reader<'a> {
    /// Refuses more than `bytes_max`, before anything is read.
    pub(super) fn new(bytes: &'a [u8], bytes_max: usize) -> Result<Self, Malformed> {
        if bytes.len() > bytes_max {
            return Err(Defect::TooLarge(bytes_max).at(bytes_max));
        }
        Ok(Reader { bytes, at: 0 })
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn fail<T>(&self, what: Defect) -> Result<T, Malformed> {
        Err(what.at(self.at))
    }

    /// Bytes not read yet.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// What was read since `start`.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// `count` may come from the bytes themselves, so it is compared before it is used.
    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], Malformed> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        match end.and_then(|end| self.bytes.get(self.at..end).map(|taken| (taken, end))) {
            Some((taken, end)) => {
                self.at = end;
                Ok(taken)
            }
            None => self.fail(Defect::Truncated(count - self.left() as u64)),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32_le(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64_le(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    /// # Errors
    /// Bytes are left.
    pub(super) fn finish(self) -> Result<(), Malformed> {
        match self.left() {
            0 => Ok(()),
            left => self.fail(Defect::Trailing(left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_from_the_bytes_is_never_believed() {
        let mut reader = Reader::new(b"abc", 3).expect("short enough");
        assert_eq!(reader.take(2), Ok(&b"ab"[..]));
        assert_eq!(reader.take(u64::MAX), Err(Defect::Truncated(u64::MAX - 1).at(2)));
        assert_eq!(reader.clone().finish(), Err(Defect::Trailing(1).at(2)));
        assert_eq!(reader.byte(), Ok(b'c'));
        assert_eq!(reader.byte(), Err(Defect::Truncated(1).at(3)));
        assert!(Reader::new(b"abc", 2).is_err());
    }
}
