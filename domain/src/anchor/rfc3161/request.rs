//! The request that a time stamp answers (`.tsq`).

use x509_cert::der::{Reader as _, Tag};

use crate::anchor::bytes::{Defect, Malformed};
use crate::anchor::rfc3161::der;
use crate::anchor::rfc3161::info::{self, Imprint};

const VERSION: u8 = 1;
/// A digest, a number, and little else.
pub const REQUEST_BYTES_MAX: usize = 4096;

/// What was asked for: a digest to stamp, and a number that the answer must repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(super) imprint: Imprint,
    pub(super) nonce: Option<Vec<u8>>,
}

impl Request {
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
