//! A time-stamping authority (RFC 3161): signs a hash and the time, by HTTP.

use async_trait::async_trait;
use domain::anchor::rfc3161::{Certificate, NONCE_BYTES, Request, TIME_STAMP_BYTES_MAX};
use domain::anchor::state::{Anchor, Attempt, Proven, RefusalKind, Rules, Sighting};
use domain::anchor::{Defect, Publisher};
use domain::log::Hash;
use reqwest::Method;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::endpoint::{Endpoint, Question};
use super::{Fault, Publish, Wish};

/// It answers at once or not at all.
const LOOK_EVERY_MS: i64 = 60_000;
const LATE_AFTER_MS: i64 = 24 * 3_600_000;
const RETRY_MS: i64 = 600_000;

/// The file does not hold certificates.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("it holds no certificate in PEM")]
    Empty,
    #[error("certificate {number}: {cause}")]
    Certificate { number: usize, cause: String },
}

/// One authority, and the certificates by which it is known.
#[derive(Debug)]
pub struct Authority {
    endpoint: Endpoint,
    roots: Vec<Certificate>,
    pem: Vec<u8>,
}

impl Authority {
    /// # Errors
    /// `pem` holds no certificate, or one that cannot be read.
    pub fn new(endpoint: Endpoint, pem: Vec<u8>) -> Result<Self, AuthorityError> {
        let mut roots = Vec::new();
        for (at, read) in CertificateDer::pem_slice_iter(&pem).enumerate() {
            let fault = |cause: String| AuthorityError::Certificate { number: at + 1, cause };
            let der = read.map_err(|cause| fault(cause.to_string()))?;
            roots.push(Certificate::parse(&der).map_err(|cause| fault(cause.to_string()))?);
        }
        if roots.is_empty() {
            return Err(AuthorityError::Empty);
        }
        Ok(Authority { endpoint, roots, pem })
    }

    /// Verified, as of the stamp's own time.
    fn proven(&self, stamp: &[u8], subject: Hash, request: &[u8]) -> Result<Proven, Fault> {
        let request = Request::parse(request);
        let request = request.map_err(|fault| Fault::refused(RefusalKind::Unproven, fault))?;
        Ok(Proven::by_authority(stamp, subject, &request, &self.roots)?)
    }
}

/// An authority that says no is another matter than a stamp that does not hold.
fn kind_of(stamp: &[u8]) -> RefusalKind {
    use domain::anchor::rfc3161::TimeStamp;
    match TimeStamp::parse(stamp) {
        Err(fault) if matches!(fault.what, Defect::Refused(_)) => RefusalKind::Refused,
        _ => RefusalKind::Unproven,
    }
}

#[async_trait]
impl Publish for Authority {
    fn publisher(&self) -> Publisher {
        Publisher::Rfc3161
    }

    fn rules(&self) -> Rules {
        Rules {
            confirmations: 1,
            look_every_ms: LOOK_EVERY_MS,
            raise_after_ms: None,
            late_after_ms: LATE_AFTER_MS,
            retry_ms: RETRY_MS,
            is_claimed: false,
        }
    }

    fn place(&self) -> String {
        let subjects: Vec<String> = self.roots.iter().map(Certificate::subject).collect();
        format!("{}, vouched for by {}", self.endpoint, subjects.join(" or "))
    }

    async fn make(&self, wish: Wish<'_>) -> Result<Attempt, Fault> {
        let mut number = [0; NONCE_BYTES];
        getrandom::fill(&mut number).map_err(|cause| Fault::Away(cause.to_string()))?;
        Ok(Attempt {
            number: wish.number,
            name: hex::encode(number),
            bytes: Request::to_der(wish.subject, number),
            cost_max: 0,
            made_at: wish.now,
        })
    }

    async fn send(&self, subject: Hash, attempt: &Attempt) -> Result<Option<Vec<u8>>, Fault> {
        let question = Question {
            method: Method::POST,
            path: "",
            content_type: "application/timestamp-query",
            accept: "application/timestamp-reply",
            body: attempt.bytes.clone(),
            answer_bytes_max: TIME_STAMP_BYTES_MAX,
        };
        let stamp = self.endpoint.fetch(question).await?;
        // At once: a stamp that does not hold is asked for again, not kept.
        match self.proven(&stamp, subject, &attempt.bytes) {
            Ok(_) => Ok(Some(stamp)),
            Err(fault) => {
                let words = format!("{}: {fault}", self.endpoint);
                Err(Fault::refused(kind_of(&stamp), words))
            }
        }
    }

    async fn look(&self, subject: Hash, anchor: &Anchor) -> Result<Sighting, Fault> {
        let Some((stamp, attempt)) = anchor.receipt().zip(anchor.attempts().last()) else {
            return Ok(Sighting::Missing);
        };
        let proven = self.proven(stamp, subject, &attempt.bytes)?;
        let attempt = attempt.name.clone();
        Ok(Sighting::Included { attempt, proven, confirmations: 1, cost: None })
    }

    fn chain(&self) -> Option<Vec<u8>> {
        Some(self.pem.clone())
    }

    async fn check(&self) -> Result<String, Fault> {
        let now = crate::now();
        let subject = Hash([0; 32]);
        let wish = Wish { subject, number: 1, replaces: &[], others: &[], left: None, now };
        let attempt = self.make(wish).await?;
        self.send(subject, &attempt).await?;
        Ok(format!("{}; a stamp holds", self.place()))
    }
}
