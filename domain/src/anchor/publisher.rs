//! To whom hashes are published, and what exactly stands in a transaction.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::log::Hash;

/// Who keeps a hash for us, so that nobody has to take our word for its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Publisher {
    /// Calldata of a transaction.
    Ethereum,
    /// An OP_RETURN output.
    Bitcoin,
    /// Calendars, which put many hashes under one transaction on Bitcoin.
    OpenTimestamps,
    /// An authority that signs the time.
    Rfc3161,
}

impl Publisher {
    pub const ALL: [Publisher; 4] =
        [Publisher::Ethereum, Publisher::Bitcoin, Publisher::OpenTimestamps, Publisher::Rfc3161];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Publisher::Ethereum => "ethereum",
            Publisher::Bitcoin => "bitcoin",
            Publisher::OpenTimestamps => "opentimestamps",
            Publisher::Rfc3161 => "rfc3161",
        }
    }

    /// Does publishing twice cost twice? Receipts of calendars and authorities are free, and a
    /// second one does no harm.
    #[must_use]
    pub const fn is_paid(self) -> bool {
        matches!(self, Publisher::Ethereum | Publisher::Bitcoin)
    }
}

impl fmt::Display for Publisher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The text names no publisher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a publisher: ethereum, bitcoin, opentimestamps or rfc3161")]
pub struct UnknownPublisher(pub String);

impl FromStr for Publisher {
    type Err = UnknownPublisher;

    fn from_str(text: &str) -> Result<Self, UnknownPublisher> {
        let known = Publisher::ALL.into_iter().find(|one| one.name() == text);
        known.ok_or_else(|| UnknownPublisher(text.to_owned()))
    }
}

/// Stands before the hash, so that whoever finds the transaction can tell what it is. The last byte
/// is the version of this form.
pub const TAG: [u8; 8] = *b"ternion\x01";
/// Small enough for every node that relays OP_RETURN outputs (80 bytes).
pub const COMMITMENT_BYTES: usize = TAG.len() + 32;

/// What a transaction carries: the tag, then the hash.
#[must_use]
pub fn commitment(subject: Hash) -> [u8; COMMITMENT_BYTES] {
    let mut bytes = [0; COMMITMENT_BYTES];
    bytes[..TAG.len()].copy_from_slice(&TAG);
    bytes[TAG.len()..].copy_from_slice(&subject.0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_publisher_is_read_from_its_name_and_from_nothing_else() {
        for publisher in Publisher::ALL {
            assert_eq!(publisher.name().parse(), Ok(publisher));
            let json = serde_json::to_value(publisher).expect("a name");
            assert_eq!(json, publisher.name());
        }
        assert!("Ethereum".parse::<Publisher>().is_err());
    }

    #[test]
    fn a_commitment_is_the_tag_and_the_hash() {
        let bytes = commitment(Hash([7; 32]));
        assert_eq!(&bytes[..8], b"ternion\x01");
        assert_eq!(bytes[8..], [7; 32]);
    }
}
