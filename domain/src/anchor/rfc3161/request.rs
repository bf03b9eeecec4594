//! The request that a time stamp answers (`.tsq`).

use x509_cert::der::{Reader as _, Tag};

use crate::anchor::bytes::{Defect, Malformed};
use crate::anchor::rfc3161::der;
use crate::anchor::rfc3161::info::{self, Imprint};
use crate::log::Hash;

const VERSION: u8 = 1;
/// A digest, a number, and little else.
pub const REQUEST_BYTES_MAX: usize = 4096;

/// What was asked for: a digest to stamp, and a number that the answer must repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(super) imprint: Imprint,
    pub(super) nonce: Option<Vec<u8>>,
}

/// `TimeStampReq` for SHA-256, with certificates: all before the digest …
const HEAD: [u8; 24] = [
    0x30, 0x44, // SEQUENCE of 68 bytes
    0x02, 0x01, 0x01, // version 1
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, // messageImprint, AlgorithmIdentifier, its name …
    0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, // … SHA-256 …
    0x05, 0x00, // … without parameters
    0x04, 0x20, // 32 bytes follow
];
/// … between digest and number, …
const NUMBER: [u8; 2] = [0x02, 0x09];
/// … and certReq: TRUE.
const TAIL: [u8; 3] = [0x01, 0x01, 0xff];
/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 8;

impl Request {
    /// A request that this digest be stamped, with the certificates of who stamps it. The number
    /// must be another each time: the answer repeats it.
    #[must_use]
    pub fn to_der(digest: Hash, number: [u8; NONCE_BYTES]) -> Vec<u8> {
        // A first byte of its own: then the number is positive, and always of one length.
        let first = [number[0] & 0x7f | 0x01];
        [HEAD.as_slice(), &digest.0, &NUMBER, &first, &number, &TAIL].concat()
    }

    /// # Errors
    /// Not DER, or not a request; and at which byte.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = der::whole(bytes, REQUEST_BYTES_MAX)?;
        let request = der::open(&mut reader, Tag::Sequence, |inside| {
            let version = inside.decode::<u8>()?;
            if version != VERSION {
                return Err(Defect::Version(version.into()).at(der::at(inside)));
            }
            let imprint = Imprint::read(inside)?;
            der::skip(inside, Tag::ObjectIdentifier)?; // the policy that was asked for
            let nonce = info::nonce(inside)?;
            der::skip(inside, Tag::Boolean)?; // whether certificates were asked for
            der::skip(inside, der::context(0))?; // extensions
            Ok(Request { imprint, nonce })
        })?;
        reader.finish()?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchor::rfc3161::HashAlgorithm;

    #[test]
    fn a_request_that_is_written_is_read() {
        for number in [[0; NONCE_BYTES], [0xff; NONCE_BYTES]] {
            let der = Request::to_der(Hash([7; 32]), number);
            let read = Request::parse(&der).expect("a request");
            assert_eq!(read.imprint.hash, HashAlgorithm::Sha256);
            assert_eq!(read.imprint.digest, [7; 32]);
            assert!(read.nonce.is_some_and(|nonce| nonce.ends_with(&number)));
        }
    }
}
