//! The operations that lead from a message to the next, with the reference implementation's limits.

use std::fmt;

use ripemd::Ripemd160;
use sha1::Sha1;
use sha2::Digest as _;

use crate::anchor::bytes::{Defect, Malformed, Reader};
use crate::anchor::hash::{keccak256, sha256};
use crate::anchor::ots::varint;

/// Messages, results and arguments are at most this long, in the reference implementation too.
pub const MESSAGE_BYTES_MAX: usize = 4096;

/// One step from a message to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// message ‖ argument
    Append(Vec<u8>),
    /// argument ‖ message
    Prepend(Vec<u8>),
    /// The bytes from last to first.
    Reverse,
    /// Lower-case hex, as text.
    Hexlify,
    Sha1,
    Ripemd160,
    Sha256,
    Keccak256,
}

impl Op {
    const fn tag(&self) -> u8 {
        match self {
            Op::Sha1 => 0x02,
            Op::Ripemd160 => 0x03,
            Op::Sha256 => 0x08,
            Op::Keccak256 => 0x67,
            Op::Append(_) => 0xf0,
            Op::Prepend(_) => 0xf1,
            Op::Reverse => 0xf2,
            Op::Hexlify => 0xf3,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Op::Append(_) => "append",
            Op::Prepend(_) => "prepend",
            Op::Reverse => "reverse",
            Op::Hexlify => "hexlify",
            Op::Sha1 => "sha1",
            Op::Ripemd160 => "ripemd160",
            Op::Sha256 => "sha256",
            Op::Keccak256 => "keccak256",
        }
    }

    /// Reads the rest of an operation whose tag was read already.
    pub(super) fn read(tag: u8, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let at = reader.at();
        Ok(match tag {
            0x02 => Op::Sha1,
            0x03 => Op::Ripemd160,
            0x08 => Op::Sha256,
            0x67 => Op::Keccak256,
            0xf0 => Op::Append(varint::read_bytes(reader, 1, MESSAGE_BYTES_MAX)?.to_vec()),
            0xf1 => Op::Prepend(varint::read_bytes(reader, 1, MESSAGE_BYTES_MAX)?.to_vec()),
            0xf2 => Op::Reverse,
            0xf3 => Op::Hexlify,
            _ => return Err(Defect::Operation(tag).at(at.saturating_sub(1))),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.tag());
        if let Op::Append(argument) | Op::Prepend(argument) = self {
            varint::write_bytes(out, argument);
        }
    }

    /// The next message. No operation gives an empty one.
    ///
    /// # Errors
    /// It would be longer than [`MESSAGE_BYTES_MAX`].
    pub fn apply(&self, message: &[u8]) -> Result<Vec<u8>, Defect> {
        let result = match self {
            Op::Append(argument) => [message, argument].concat(),
            Op::Prepend(argument) => [argument, message].concat(),
            Op::Reverse => message.iter().rev().copied().collect(),
            Op::Hexlify => hex::encode(message).into_bytes(),
            Op::Sha1 => Sha1::digest(message).to_vec(),
            Op::Ripemd160 => Ripemd160::digest(message).to_vec(),
            Op::Sha256 => sha256(message).to_vec(),
            Op::Keccak256 => keccak256(message).to_vec(),
        };
        if result.len() > MESSAGE_BYTES_MAX {
            return Err(Defect::Message { operation: self.name(), max: MESSAGE_BYTES_MAX });
        }
        Ok(result)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())?;
        match self {
            Op::Append(argument) | Op::Prepend(argument) => {
                write!(out, " {}", hex::encode(argument))
            }
            _ => Ok(()),
        }
    }
}

/// The hash that a file's digest was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileHash {
    Sha1,
    Ripemd160,
    Sha256,
    Keccak256,
}

impl FileHash {
    pub(super) fn tag(self) -> u8 {
        match self {
            FileHash::Sha1 => Op::Sha1.tag(),
            FileHash::Ripemd160 => Op::Ripemd160.tag(),
            FileHash::Sha256 => Op::Sha256.tag(),
            FileHash::Keccak256 => Op::Keccak256.tag(),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let at = reader.at();
        match reader.byte()? {
            0x02 => Ok(FileHash::Sha1),
            0x03 => Ok(FileHash::Ripemd160),
            0x08 => Ok(FileHash::Sha256),
            0x67 => Ok(FileHash::Keccak256),
            tag => Err(Defect::FileHash(tag).at(at)),
        }
    }

    /// Bytes of a digest.
    #[must_use]
    pub const fn digest_bytes(self) -> usize {
        match self {
            FileHash::Sha1 | FileHash::Ripemd160 => 20,
            FileHash::Sha256 | FileHash::Keccak256 => 32,
        }
    }

    /// The digest of a whole file.
    #[must_use]
    pub fn digest(self, file: &[u8]) -> Vec<u8> {
        match self {
            FileHash::Sha1 => Sha1::digest(file).to_vec(),
            FileHash::Ripemd160 => Ripemd160::digest(file).to_vec(),
            FileHash::Sha256 => sha256(file).to_vec(),
            FileHash::Keccak256 => keccak256(file).to_vec(),
        }
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            FileHash::Sha1 => "SHA-1",
            FileHash::Ripemd160 => "RIPEMD-160",
            FileHash::Sha256 => "SHA-256",
            FileHash::Keccak256 => "Keccak-256",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of "abc" that FIPS 180, RIPEMD's authors and Keccak's reference publish.
    #[test]
    fn every_operation_gives_what_its_standard_says() {
        for (op, expected) in [
            (Op::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Op::Ripemd160, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
            (Op::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Op::Keccak256, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
            (Op::Append(b"d".to_vec()), "61626364"),
            (Op::Prepend(b"d".to_vec()), "64616263"),
            (Op::Reverse, "636261"),
            (Op::Hexlify, "363136323633"),
        ] {
            assert_eq!(op.apply(b"abc").map(hex::encode).as_deref(), Ok(expected), "{op}");
        }
    }

    #[test]
    fn no_message_grows_past_the_limit() {
        let full = vec![1; MESSAGE_BYTES_MAX];
        assert!(Op::Append(vec![1]).apply(&full).is_err());
        assert!(Op::Append(vec![1]).apply(&full[1..]).is_ok());
        assert!(Op::Hexlify.apply(&full[..MESSAGE_BYTES_MAX / 2]).is_ok());
        assert!(Op::Hexlify.apply(&full[..=MESSAGE_BYTES_MAX / 2]).is_err());
    }
}
