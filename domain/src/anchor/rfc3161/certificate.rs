//! X.509 certificates, as far as the chain of a time-stamping authority needs them.

use std::fmt;

use x509_cert::der::asn1::{BitStringRef, ObjectIdentifier};
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::der::oid::db::{rfc5280, rfc5912};
use x509_cert::der::{Decode as _, Reader as _, Tag};
use x509_cert::ext::pkix::{BasicConstraints, CertificatePolicies, ExtendedKeyUsage, KeyUsage};
use x509_cert::{AlgorithmIdentifier, TbsCertificate};

use crate::anchor::bytes::{Defect, Malformed};
use crate::anchor::rfc3161::algorithm::{self, SignatureFault};
use crate::anchor::rfc3161::der;
use crate::clock::Timestamp;

/// Certificates take one to three kilobytes.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

/// One certificate, and the bytes that its signature and its digest are over.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Vec<u8>,
    algorithm: AlgorithmIdentifier,
    signature: Vec<u8>,
    fields: TbsCertificate,
}

impl Certificate {
    /// Reads one certificate in DER.
    ///
    /// # Errors
    /// Not DER, or not a certificate; and at which byte. Nothing is verified here.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = der::whole(bytes, CERTIFICATE_BYTES_MAX)?;
        let certificate = der::open(&mut reader, Tag::Sequence, |inside| {
            let start = der::at(inside);
            let tbs = inside.tlv_bytes()?;
            let fields = TbsCertificate::from_der(tbs).map_err(|error| {
                let inner = Malformed::from(error);
                Malformed { at: start + inner.at, what: inner.what }
            })?;
            let algorithm: AlgorithmIdentifier = inside.decode()?;
            let signature = inside.decode::<BitStringRef<'_>>()?;
            let signature = signature.as_bytes().unwrap_or_default().to_vec();
            // The inner one is signed, the outer one is what readers look at.
            if algorithm != *fields.signature() {
                return Err(Defect::TimeStamp("a certificate names two algorithms").at(start));
            }
            Ok(Certificate { der: bytes.to_vec(), tbs: tbs.to_vec(), algorithm, signature, fields })
        })?;
        reader.finish()?;
        Ok(certificate)
    }

    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn fields(&self) -> &TbsCertificate {
        &self.fields
    }

    /// Whose it is, as an RFC 4514 name.
    #[must_use]
    pub fn subject(&self) -> String {
        self.fields.subject().to_string()
    }

    /// From when and until when it is valid.
    pub(super) fn validity(&self) -> (Timestamp, Timestamp) {
        let time = |time: x509_cert::time::Time| {
            let ms = i64::try_from(time.to_unix_duration().as_millis());
            Timestamp::from_unix_ms(ms.unwrap_or(i64::MAX))
        };
        let validity = self.fields.validity();
        (time(validity.not_before), time(validity.not_after))
    }

    /// Did the holder of `issuer` sign this one?
    pub(super) fn check_signature(&self, issuer: &Certificate) -> Result<(), SignatureFault> {
        let key = issuer.fields.subject_public_key_info();
        algorithm::check(key, self.algorithm.oid, None, &self.tbs, &self.signature)
    }

    /// May it sign certificates, with `below` authorities between it and the last one?
    pub(super) fn may_issue(&self, below: usize) -> bool {
        let may_sign = match self.fields.get_extension::<KeyUsage>() {
            Ok(None) => true,
            Ok(Some((_, usage))) => usage.key_cert_sign(),
            Err(_) => false,
        };
        let is_authority = match self.fields.get_extension::<BasicConstraints>() {
            Ok(Some((_, constraints))) => {
                let deep_enough = |max| below <= usize::from(max);
                constraints.ca && constraints.path_len_constraint.is_none_or(deep_enough)
            }
            _ => false,
        };
        may_sign && is_authority
    }

    /// RFC 3161, 2.3: for time stamps, for nothing else, and marked as critical.
    pub(super) fn is_for_time_stamps_only(&self) -> bool {
        let may_sign = match self.fields.get_extension::<KeyUsage>() {
            Ok(None) => true,
            Ok(Some((_, usage))) => usage.digital_signature() || usage.non_repudiation(),
            Err(_) => false,
        };
        let purpose = self.fields.get_extension::<ExtendedKeyUsage>();
        may_sign
            && matches!(purpose, Ok(Some((true, ExtendedKeyUsage(purposes))))
                if purposes == [rfc5280::ID_KP_TIME_STAMPING])
    }

    /// An extension that must be obeyed, and that this program does not know.
    pub(super) fn unknown_critical_extension(&self) -> Option<ObjectIdentifier> {
        let known = [
            BasicConstraints::OID,
            KeyUsage::OID,
            ExtendedKeyUsage::OID,
            // Any policy will do: which authority is trusted the verifier says by its certificate.
            CertificatePolicies::OID,
        ];
        let extensions = self.fields.extensions().map_or(&[][..], Vec::as_slice);
        let unknown = |id: &ObjectIdentifier| !known.contains(id);
        extensions.iter().filter(|one| one.critical).map(|one| one.extn_id).find(unknown)
    }

    /// The identifier that a signature may name its key by.
    pub(super) fn key_id(&self) -> Option<Vec<u8>> {
        let extensions = self.fields.extensions()?;
        let id =
            extensions.iter().find(|one| one.extn_id == rfc5912::ID_CE_SUBJECT_KEY_IDENTIFIER)?;
        let mut reader = der::whole(id.extn_value.as_bytes(), CERTIFICATE_BYTES_MAX).ok()?;
        der::contents(&mut reader, Tag::OctetString).ok().map(<[u8]>::to_vec)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Certificate({})", self.subject())
    }
}
