//! RFC 3161 time stamps: what an authority signed, and who vouches for the authority.
//!
//! The structures of CMS are read by hand on top of [`der`]: authorities send their certificates
//! in any order, which the ready-made types refuse as a SET that is not sorted.
//!
//! [`der`]: x509_cert::der

mod algorithm;
mod certificate;
mod chain;
mod der;
mod info;
mod pem;
mod request;
mod signed;
mod verify;

pub use algorithm::HashAlgorithm;
pub use certificate::Certificate;
pub use pem::{BadCertificates, certificates, is_der};
pub use request::{NONCE_BYTES, Request};
pub use verify::verify;

use x509_cert::der::{Header, Reader as _, SliceReader, Tag};

use crate::anchor::bytes::{Defect, Malformed};
use crate::anchor::rfc3161::info::{Imprint, Info};
use crate::anchor::rfc3161::signed::Signed;
use crate::clock::Timestamp;

/// Real ones take one to ten kilobytes, most of it certificates.
pub const TIME_STAMP_BYTES_MAX: usize = 64 * 1024;

/// PKIStatus: granted. `grantedWithMods` (1) gives another stamp than was asked for; no authority
/// known to us uses it, and nothing signed would say what was changed.
const GRANTED: u8 = 0;

/// A time stamp: a whole response (`.tsr`), or the token in it. Nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeStamp {
    signed: Signed,
}

impl TimeStamp {
    /// # Errors
    /// Not DER, not a time stamp, or a refusal; and at which byte.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = der::whole(bytes, TIME_STAMP_BYTES_MAX)?;
        // A response begins with its status, a token with the name of its form.
        let is_response = der::open(&mut reader.clone(), Tag::Sequence, |inside| {
            let first = Header::peek(inside)?.tag();
            inside.drain(inside.remaining_len())?;
            Ok(first == Tag::Sequence)
        })?;
        let signed = if is_response { response(&mut reader) } else { Signed::read(&mut reader) }?;
        reader.finish()?;
        Ok(TimeStamp { signed })
    }

    /// How the digest of the stamped data was made.
    #[must_use]
    pub fn hash(&self) -> HashAlgorithm {
        self.imprint().hash
    }

    /// When the authority says that it saw the digest.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.info().time
    }

    /// The authority's own number for it, in hex.
    #[must_use]
    pub fn serial(&self) -> String {
        hex::encode(&self.info().serial)
    }

    fn info(&self) -> &Info {
        &self.signed.info
    }

    fn imprint(&self) -> &Imprint {
        &self.info().imprint
    }
}

/// `TimeStampResp`: a status, then the token unless the authority refused.
fn response(reader: &mut SliceReader<'_>) -> Result<Signed, Malformed> {
    der::open(reader, Tag::Sequence, |inside| {
        let status = der::open(inside, Tag::Sequence, |info| {
            let status = info.decode::<u8>()?;
            // Text and reasons, for people.
            info.drain(info.remaining_len())?;
            Ok(status)
        })?;
        if status != GRANTED {
            return Err(Defect::Refused(status).at(der::at(inside)));
        }
        Signed::read(inside)
    })
}
