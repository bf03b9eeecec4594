//! The envelope around what an authority signed: `SignedData` of CMS (RFC 5652).

use x509_cert::der::asn1::{IntRef, ObjectIdentifier};
use x509_cert::der::oid::db::{rfc5911, rfc6268};
use x509_cert::der::{Decode as _, Header, Reader as _, SliceReader, Tag};
use x509_cert::name::Name;

use crate::anchor::bytes::{Defect, Malformed};
use crate::anchor::rfc3161::certificate::Certificate;
use crate::anchor::rfc3161::info::Info;
use crate::anchor::rfc3161::{HashAlgorithm, der};

/// A chain, and at most another that signs the same.
const CERTIFICATES_MAX: usize = 16;
const ATTRIBUTES_MAX: usize = 32;
const ALGORITHMS_MAX: usize = 8;
/// With content other than plain data, and certificates of the usual kind.
const VERSION: u8 = 3;

/// `id-ct-TSTInfo` of RFC 3161.
pub(super) const ID_CT_TST_INFO: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// The tag of a SET.
const SET: u8 = 0x31;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) info: Info,
    /// The bytes that `info` was read from.
    pub(super) content: Vec<u8>,
    /// As they came, in whatever order.
    pub(super) certificates: Vec<Certificate>,
    pub(super) signer: Signer,
}

/// Who signed, how, and what besides the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signer {
    pub(super) by: SignerId,
    pub(super) hash: HashAlgorithm,
    /// The signed attributes as they are hashed: as a SET.
    pub(super) attributes_der: Vec<u8>,
    pub(super) attributes: Attributes,
    pub(super) algorithm: ObjectIdentifier,
    pub(super) signature: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SignerId {
    Issued { issuer: Name, serial: Vec<u8> },
    Key(Vec<u8>),
}

/// The attributes that count. Others are signed too, and say nothing that is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) content_type: Option<ObjectIdentifier>,
    pub(super) message_digest: Option<Vec<u8>>,
    /// The signer's certificate by its hash: `SigningCertificate`, and `V2` with other hashes.
    pub(super) certificate_ids: Vec<CertificateId>,
}

/// A certificate's hash, and what it was made with.
pub(super) type CertificateId = (HashAlgorithm, Vec<u8>);

impl Signed {
    /// Reads a `ContentInfo`.
    pub(super) fn read(reader: &mut SliceReader<'_>) -> Result<Self, Malformed> {
        let at = der::at(reader);
        der::open(reader, Tag::Sequence, |inside| {
            if inside.decode::<ObjectIdentifier>()? != rfc5911::ID_SIGNED_DATA {
                return Err(Defect::TimeStamp("it is not signed data").at(at));
            }
            der::open(inside, der::context(0), |inside| {
                der::open(inside, Tag::Sequence, signed_data)
            })
        })
    }
}

fn signed_data(reader: &mut SliceReader<'_>) -> Result<Signed, Malformed> {
    let at = der::at(reader);
    let version = reader.decode::<u8>()?;
    if version != VERSION {
        return Err(Defect::Version(version.into()).at(at));
    }
    let hashes = der::open(reader, Tag::Set, |set| {
        der::each(set, ALGORITHMS_MAX, "hash algorithms", der::algorithm)
    })?;
    let (content, info) = der::open(reader, Tag::Sequence, content)?;
    let mut certificates = Vec::new();
    if der::next_is(reader, der::context(0)) {
        certificates = der::open(reader, der::context(0), |set| {
            der::each(set, CERTIFICATES_MAX, "certificates", certificate)
        })?;
    }
    der::skip(reader, der::context(1))?; // revocation lists
    let at = der::at(reader);
    let signer = der::open(reader, Tag::Set, |set| der::open(set, Tag::Sequence, signer))?;
    if !hashes.iter().any(|oid| HashAlgorithm::from_oid(*oid) == Some(signer.hash)) {
        return Err(Defect::TimeStamp("the signer's hash is not announced").at(at));
    }
    Ok(Signed { info, content, certificates, signer })
}

/// The content's kind, and the content itself as bytes and as what they say.
fn content(reader: &mut SliceReader<'_>) -> Result<(Vec<u8>, Info), Malformed> {
    let at = der::at(reader);
    if reader.decode::<ObjectIdentifier>()? != ID_CT_TST_INFO {
        return Err(Defect::TimeStamp("what is signed is not one").at(at));
    }
    der::open(reader, der::context(0), |inside| {
        let content = der::contents(&mut inside.clone(), Tag::OctetString)?.to_vec();
        let info = der::open(inside, Tag::OctetString, Info::read)?;
        Ok((content, info))
    })
}

fn certificate(reader: &mut SliceReader<'_>) -> Result<Certificate, Malformed> {
    let start = der::at(reader);
    if Header::peek(reader)?.tag() != Tag::Sequence {
        return Err(Defect::TimeStamp("a certificate of another kind than X.509").at(start));
    }
    let bytes = reader.tlv_bytes()?;
    Certificate::parse(bytes).map_err(|inner| Malformed { at: start + inner.at, what: inner.what })
}

/// `SignerInfo`; a time stamp has exactly one.
fn signer(reader: &mut SliceReader<'_>) -> Result<Signer, Malformed> {
    let at = der::at(reader);
    let version = reader.decode::<u8>()?;
    let by = signer_id(reader)?;
    if version != by.version() {
        return Err(Defect::Version(version.into()).at(at));
    }
    let at = der::at(reader);
    let hash = HashAlgorithm::from_oid(der::algorithm(reader)?)
        .ok_or(Defect::TimeStamp("it was hashed with something else than SHA").at(at))?;
    let mut attributes_der = reader.clone().tlv_bytes()?.to_vec();
    let attributes = der::open(reader, der::context(0), Attributes::read)?;
    // In the token the SET has a tag of its own; it is hashed with the usual one.
    if let Some(tag) = attributes_der.first_mut() {
        *tag = SET;
    }
    let algorithm = der::algorithm(reader)?;
    let signature = der::contents(reader, Tag::OctetString)?.to_vec();
    der::skip(reader, der::context(1))?; // attributes that nobody signed
    Ok(Signer { by, hash, attributes_der, attributes, algorithm, signature })
}

fn signer_id(reader: &mut SliceReader<'_>) -> Result<SignerId, Malformed> {
    let key = der::context_primitive(0);
    if der::next_is(reader, key) {
        return der::contents(reader, key).map(|id| SignerId::Key(id.to_vec()));
    }
    der::open(reader, Tag::Sequence, |inside| {
        let issuer = Name::decode(inside)?;
        let serial = inside.decode::<IntRef<'_>>()?.as_bytes().to_vec();
        Ok(SignerId::Issued { issuer, serial })
    })
}

impl SignerId {
    const fn version(&self) -> u8 {
        match self {
            SignerId::Issued { .. } => 1,
            SignerId::Key(_) => 3,
        }
    }

    pub(super) fn is(&self, certificate: &Certificate) -> bool {
        match self {
            SignerId::Issued { issuer, serial } => {
                let fields = certificate.fields();
                fields.issuer() == issuer && fields.serial_number().as_bytes() == serial
            }
            SignerId::Key(id) => certificate.key_id().as_ref() == Some(id),
        }
    }
}

impl Attributes {
    fn read(reader: &mut SliceReader<'_>) -> Result<Self, Malformed> {
        let mut attributes = Attributes::default();
        der::each(reader, ATTRIBUTES_MAX, "attributes", |reader| {
            der::open(reader, Tag::Sequence, |inside| attributes.read_one(inside))
        })?;
        Ok(attributes)
    }

    fn read_one(&mut self, reader: &mut SliceReader<'_>) -> Result<(), Malformed> {
        let at = der::at(reader);
        let oid = reader.decode::<ObjectIdentifier>()?;
        let is_repeated = der::open(reader, Tag::Set, |value| match oid {
            rfc6268::ID_CONTENT_TYPE => Ok(self.content_type.replace(value.decode()?).is_some()),
            rfc6268::ID_MESSAGE_DIGEST => {
                let digest = der::contents(value, Tag::OctetString)?.to_vec();
                Ok(self.message_digest.replace(digest).is_some())
            }
            rfc5911::ID_AA_SIGNING_CERTIFICATE => self.read_ids(value, certificate_id),
            rfc5911::ID_AA_SIGNING_CERTIFICATE_V_2 => self.read_ids(value, certificate_id_v2),
            _ => Ok(value.drain(value.remaining_len()).map(|()| false)?),
        })?;
        if is_repeated {
            return Err(Defect::TimeStamp("an attribute is there twice").at(at));
        }
        Ok(())
    }

    /// The first id is the signer's; more would be of those above it.
    fn read_ids<'a>(
        &mut self,
        reader: &mut SliceReader<'a>,
        read: fn(&mut SliceReader<'a>) -> Result<CertificateId, Malformed>,
    ) -> Result<bool, Malformed> {
        let ids = der::open(reader, Tag::Sequence, |inside| {
            let ids = der::open(inside, Tag::Sequence, |ids| {
                der::each(ids, CERTIFICATES_MAX, "certificate ids", |id| {
                    der::open(id, Tag::Sequence, read)
                })
            })?;
            der::skip(inside, Tag::Sequence)?; // policies
            Ok(ids)
        })?;
        self.certificate_ids.extend(ids.into_iter().next());
        Ok(false)
    }
}

fn certificate_id(reader: &mut SliceReader<'_>) -> Result<CertificateId, Malformed> {
    let hash = der::contents(reader, Tag::OctetString)?.to_vec();
    der::skip(reader, Tag::Sequence)?; // issuer and serial number again
    Ok((HashAlgorithm::Sha1, hash))
}

fn certificate_id_v2(reader: &mut SliceReader<'_>) -> Result<CertificateId, Malformed> {
    let at = der::at(reader);
    let mut algorithm = HashAlgorithm::Sha256;
    if der::next_is(reader, Tag::Sequence) {
        algorithm = HashAlgorithm::from_oid(der::algorithm(reader)?)
            .ok_or(Defect::TimeStamp("its certificate's hash is of no known kind").at(at))?;
    }
    let (_, hash) = certificate_id(reader)?;
    Ok((algorithm, hash))
}
