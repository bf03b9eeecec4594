//! A block's header: eighty bytes that name the block before, its transactions and its work.

use crate::anchor::bitcoin::{Network, Sha256d, Target};
use crate::anchor::bytes::{Malformed, Reader};
use crate::clock::Timestamp;

pub const HEADER_BYTES: usize = 80;

/// One header. It proves that work was done for it, not that it is in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub version: u32,
    /// The block before this one.
    pub previous: Sha256d,
    /// The root of the tree of its transactions' ids.
    pub merkle_root: Sha256d,
    /// Seconds since 1970 by the miner's clock, which the rules let be off by two hours.
    pub time_unix_s: u32,
    /// The target that its hash must not exceed, in Bitcoin's short form.
    pub bits: u32,
    pub nonce: u32,
}

impl Header {
    /// Reads exactly eighty bytes.
    ///
    /// # Errors
    /// Too few, or too many.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, HEADER_BYTES)?;
        let header = Header::read(&mut reader)?;
        reader.finish().map(|()| header)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Header {
            version: reader.u32_le()?,
            previous: Sha256d(reader.array()?),
            merkle_root: Sha256d(reader.array()?),
            time_unix_s: reader.u32_le()?,
            bits: reader.u32_le()?,
            nonce: reader.u32_le()?,
        })
    }

    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&self.version.to_le_bytes());
        bytes[4..36].copy_from_slice(&self.previous.0);
        bytes[36..68].copy_from_slice(&self.merkle_root.0);
        bytes[68..72].copy_from_slice(&self.time_unix_s.to_le_bytes());
        bytes[72..76].copy_from_slice(&self.bits.to_le_bytes());
        bytes[76..].copy_from_slice(&self.nonce.to_le_bytes());
        bytes
    }

    /// The block's name.
    #[must_use]
    pub fn hash(&self) -> Sha256d {
        Sha256d::of(&self.to_bytes())
    }

    #[must_use]
    pub fn time(&self) -> Timestamp {
        Timestamp::from_unix_ms(i64::from(self.time_unix_s) * 1000)
    }

    /// Was the work done that the header states, and is that as much as the network asks for?
    #[must_use]
    pub fn has_work(&self, network: Network) -> bool {
        Target::from_bits(self.bits).is_some_and(|target| {
            target <= network.easiest(self.time_unix_s) && target.admits(self.hash())
        })
    }
}
