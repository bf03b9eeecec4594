//! From a signer's certificate to one that the verifier trusts, as it stood at one time.

use x509_cert::der::asn1::ObjectIdentifier;

use crate::anchor::rfc3161::Certificate;
use crate::anchor::rfc3161::algorithm::SignatureFault;
use crate::clock::Timestamp;

/// Certificates of a chain. Real ones have two to five.
const CHAIN_MAX: usize = 8;
/// Signatures checked in search of a chain: authorities that cross-sign each other, and whoever
/// makes up a maze, must not keep a reader busy.
const SIGNATURES_MAX: usize = 32;

/// Why there is no chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChainFault {
    #[error("{subject} was valid from {from} to {to}, which {at} is not")]
    Time { subject: String, from: Timestamp, to: Timestamp, at: Timestamp },
    #[error(
        "{subject} must be read with the extension {extension}, which this program does not know"
    )]
    Extension { subject: String, extension: ObjectIdentifier },
    #[error("{issuer}, which issued {subject}, is not among the certificates")]
    NoIssuer { subject: String, issuer: String },
    #[error("{issuer} may not issue the certificate of {subject}")]
    NotAuthority { subject: String, issuer: String },
    #[error("the signature of {issuer} under {subject}: {fault}")]
    Signature { subject: String, issuer: String, fault: SignatureFault },
    #[error("no chain of up to {CHAIN_MAX} certificates was found")]
    TooLong,
}

/// The certificates from `signer` to one of `roots`, which the verifier trusts whatever signed
/// them. `others` came with the time stamp and are trusted for nothing.
pub(super) fn find<'a>(
    signer: &'a Certificate,
    others: &'a [Certificate],
    roots: &'a [Certificate],
    at: Timestamp,
) -> Result<Vec<&'a Certificate>, ChainFault> {
    let mut search = Search { others, roots, at, signatures_left: SIGNATURES_MAX };
    search.climb(vec![signer])
}

struct Search<'a> {
    others: &'a [Certificate],
    roots: &'a [Certificate],
    at: Timestamp,
    signatures_left: usize,
}

impl<'a> Search<'a> {
    fn climb(&mut self, chain: Vec<&'a Certificate>) -> Result<Vec<&'a Certificate>, ChainFault> {
        let Some(&last) = chain.last().filter(|_| chain.len() <= CHAIN_MAX) else {
            return Err(ChainFault::TooLong);
        };
        self.stands(last)?;
        if self.roots.contains(last) {
            return Ok(chain);
        }
        let (subject, issuer) = (last.subject(), last.fields().issuer().to_string());
        let mut fault = ChainFault::NoIssuer { subject, issuer };
        for issuer in self.roots.iter().chain(self.others) {
            if issuer.fields().subject() != last.fields().issuer() || chain.contains(&issuer) {
                continue;
            }
            let longer = [chain.as_slice(), &[issuer]].concat();
            match self.issued(last, issuer, chain.len() - 1).and_then(|()| self.climb(longer)) {
                Ok(found) => return Ok(found),
                Err(found) => fault = found,
            }
        }
        Err(fault)
    }

    /// What must be true of every certificate, the trusted one included.
    fn stands(&self, certificate: &Certificate) -> Result<(), ChainFault> {
        let subject = certificate.subject();
        let (from, to) = certificate.validity();
        // It is valid through the whole of its last second.
        if self.at < from || self.at.unix_ms() / 1000 > to.unix_ms() / 1000 {
            return Err(ChainFault::Time { subject, from, to, at: self.at });
        }
        match certificate.unknown_critical_extension() {
            Some(extension) => Err(ChainFault::Extension { subject, extension }),
            None => Ok(()),
        }
    }

    fn issued(
        &mut self,
        below: &Certificate,
        issuer: &Certificate,
        authorities_below: usize,
    ) -> Result<(), ChainFault> {
        let names = || (below.subject(), issuer.subject());
        if !issuer.may_issue(authorities_below) {
            let (subject, issuer) = names();
            return Err(ChainFault::NotAuthority { subject, issuer });
        }
        self.signatures_left = self.signatures_left.checked_sub(1).ok_or(ChainFault::TooLong)?;
        below.check_signature(issuer).map_err(|fault| {
            let (subject, issuer) = names();
            ChainFault::Signature { subject, issuer, fault }
        })
    }
}
