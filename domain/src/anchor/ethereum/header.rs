//! A block's header: its hash is the hash of its encoding, which names the transactions' root.

use crate::anchor::bytes::{Defect, Malformed};
use crate::anchor::ethereum::{Keccak256, rlp};
use crate::clock::Timestamp;

/// Headers take about six hundred bytes, 256 of them the bloom filter.
pub const HEADER_BYTES_MAX: usize = 4096;

/// Fields of every header since the first block. Later upgrades appended to them.
const FIELDS_MIN: usize = 15;
const TRANSACTIONS_ROOT: usize = 4;
const NUMBER: usize = 8;
const TIMESTAMP: usize = 11;

/// One header, as it was encoded, and the fields that an anchor needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    bytes: Vec<u8>,
    /// The root of the trie of this block's transactions.
    pub transactions_root: Keccak256,
    pub number: u64,
    pub timestamp_unix_s: u64,
}

impl Header {
    /// Reads the RLP of a header.
    ///
    /// # Errors
    /// Not canonical RLP, or not the fields of a header.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let fields = rlp::list(bytes, HEADER_BYTES_MAX)?;
        let field = |at: usize| fields.get(at).copied().filter(|_| fields.len() >= FIELDS_MIN);
        let header = || {
            Some(Header {
                bytes: bytes.to_vec(),
                transactions_root: Keccak256(field(TRANSACTIONS_ROOT)?.array()?),
                number: field(NUMBER)?.number()?,
                timestamp_unix_s: field(TIMESTAMP)?.number()?,
            })
        };
        header().ok_or(Defect::Rlp("not the fields of a header").at(0))
    }

    /// The block's hash.
    #[must_use]
    pub fn hash(&self) -> Keccak256 {
        Keccak256::of(&self.bytes)
    }

    #[must_use]
    pub fn time(&self) -> Timestamp {
        let ms = i64::try_from(self.timestamp_unix_s.saturating_mul(1000));
        Timestamp::from_unix_ms(ms.unwrap_or(i64::MAX))
    }
}
