//! Proofs by others in `ternion verify`: OpenTimestamps and RFC 3161, and what is held beside them.

use std::fs;
use std::path::{Path, PathBuf};

use domain::anchor::bitcoin::{HEADER_BYTES, Header, KnownHeader, Network};
use domain::anchor::ethereum::{Keccak256, KnownBlock, ProofFile, verify};
use domain::anchor::ots::FileHash;
use domain::anchor::rfc3161::{self, Certificate, Request, TimeStamp};
use domain::anchor::{Malformed, Source, commitment, ots};
use domain::log::Hash;
use domain::receipt::{Verdict, Verification};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

use super::Unreadable;

/// What was stamped is read into memory. Whoever has more can hash it elsewhere.
const DATA_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// A bundle of every authority that browsers trust takes a quarter of it.
const AUTHORITIES_BYTES_MAX: u64 = 1024 * 1024;
const HEADER_FILE_BYTES_MAX: u64 = 64 * 1024;

/// For proofs by others (.ots, .tsr, ethereum.json)
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Proofs by others (.ots, .tsr, ethereum.json)")]
#[group(skip)]
pub(super) struct Arguments {
    /// The file that was stamped; for x.ots it is x unless another is named
    #[arg(long, value_name = "FILE", conflicts_with = "digest")]
    data: Option<PathBuf>,
    /// The digest of what was stamped, instead of the file
    #[arg(long, value_name = "HEX", value_parser = Digest::parse)]
    digest: Option<Digest>,
    /// A block's header from a node or explorer of yours: 160 hex digits, or a file with them, with
    /// the 80 bytes, or with {"height": …, "header_hex": …}. May be repeated
    #[arg(long, value_name = "HEX|FILE")]
    bitcoin_header: Vec<String>,
    /// Which chain the block must be from: mainnet, testnet or regtest
    #[arg(long, value_name = "NETWORK", default_value_t = Network::Mainnet)]
    bitcoin_network: Network,
    /// The hash of the block of an Ethereum proof, from a node or explorer of yours
    #[arg(long, value_name = "HEX", value_parser = Digest::parse_block)]
    ethereum_block: Option<Digest>,
    /// Which chain an Ethereum proof must be from: 1 is the main network
    #[arg(long, value_name = "ID", default_value_t = 1)]
    ethereum_chain: u64,
    /// Certificates of time-stamping authorities that you trust (PEM or DER). May be repeated
    #[arg(long, value_name = "FILE")]
    tsa_ca: Vec<PathBuf>,
    /// The request (.tsq) that a time stamp must answer
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Digest(Vec<u8>);

impl Digest {
    fn parse(text: &str) -> Result<Self, hex::FromHexError> {
        hex::decode(text).map(Digest)
    }

    fn parse_block(text: &str) -> Result<Self, String> {
        let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text));
        let bytes = bytes.ok().filter(|bytes| bytes.len() == 32);
        bytes.map(Digest).ok_or_else(|| "a block's hash is 64 hex digits".to_owned())
    }
}

/// What the verifier holds beside a proof, read and understood.
#[derive(Debug)]
pub(super) struct Held {
    data: Option<PathBuf>,
    digest: Option<Vec<u8>>,
    headers: Vec<KnownHeader>,
    network: Network,
    block: Option<KnownBlock>,
    chain: u64,
    authorities: Vec<Certificate>,
    request: Option<Request>,
}

/// Something beside a proof cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeldError {
    #[error("{} cannot be read: {cause}", path.display())]
    Io { path: PathBuf, cause: std::io::Error },
    #[error("{} is larger than {max} bytes{advice}", path.display())]
    TooLarge { path: PathBuf, max: u64, advice: &'static str },
    #[error("the block header {name}: {cause}")]
    Header { name: String, cause: HeaderFault },
    #[error("{}, certificate {number}: {cause}", path.display())]
    Certificate { path: PathBuf, number: usize, cause: String },
    #[error("{} holds no certificate", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} is not a time-stamp request: {cause}", path.display())]
    Request { path: PathBuf, cause: Malformed },
}

#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderFault {
    #[error("neither {} hex digits nor a file that can be read", HEADER_BYTES * 2)]
    Neither,
    #[error("its text is neither hex nor JSON with \"header_hex\"")]
    Form,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("it says that its hash is {stated}, and has {computed}")]
    Hash { stated: String, computed: String },
}

impl Arguments {
    pub(super) fn load(self) -> Result<Held, HeldError> {
        let headers = self.bitcoin_header.iter().map(|given| read_header(given));
        let authorities = self.tsa_ca.iter().map(|path| read_authorities(path));
        let request = self.request.as_deref().map(read_request).transpose()?;
        Ok(Held {
            data: self.data,
            digest: self.digest.map(|digest| digest.0),
            headers: headers.collect::<Result<_, _>>()?,
            network: self.bitcoin_network,
            block: self.ethereum_block.and_then(|hash| known_block(&hash)),
            chain: self.ethereum_chain,
            authorities: authorities.collect::<Result<Vec<_>, _>>()?.concat(),
            request,
        })
    }
}

impl Held {
    /// The verdict on a file of one of these forms; `None` if it is of another.
    pub(super) fn check(
        &self,
        path: &Path,
        bytes: &[u8],
    ) -> Option<Result<Verification, Unreadable>> {
        if bytes.starts_with(b"\x00OpenTimestamps\x00") {
            return Some(self.check_ots(path, bytes));
        }
        is_der(bytes).then(|| self.check_time_stamp(bytes))
    }

    /// For the hash of `--data` or `--digest`; without either for the one in the file, which the
    /// first step then says.
    pub(super) fn check_ethereum(&self, file: &ProofFile) -> Result<Verification, Unreadable> {
        let given = self.digest(self.data.as_deref(), |data| FileHash::Sha256.digest(data))?;
        let hash = given.as_deref().and_then(Hash::from_slice);
        let calldata = match (&given, hash) {
            (None, _) => commitment(file.hash).to_vec(),
            (Some(_), Some(hash)) => commitment(hash).to_vec(),
            // What has not the length of a SHA-256 was never anchored.
            (Some(other), None) => other.clone(),
        };
        let checked = verify(&file.inclusion(), &calldata, self.chain, self.block.as_ref());
        Ok(if given.is_some() { checked } else { of_some_hash(checked) })
    }

    fn check_ots(&self, path: &Path, bytes: &[u8]) -> Result<Verification, Unreadable> {
        let proof = ots::Proof::parse(bytes).map_err(Unreadable::OpenTimestamps)?;
        let beside = || {
            let is_named_so = path.extension().is_some_and(|extension| extension == "ots");
            Some(path.with_extension("")).filter(|file| is_named_so && file.is_file())
        };
        let data = self.data.clone().or_else(beside);
        let digest = self.digest(data.as_deref(), |data| proof.hash().digest(data))?;
        Ok(ots::verify(&proof, digest.as_deref(), &self.headers, self.network))
    }

    fn check_time_stamp(&self, bytes: &[u8]) -> Result<Verification, Unreadable> {
        let stamp = TimeStamp::parse(bytes).map_err(Unreadable::TimeStamp)?;
        let digest = self.digest(self.data.as_deref(), |data| stamp.hash().digest(data))?;
        let request = self.request.as_ref();
        Ok(rfc3161::verify(&stamp, digest.as_deref(), request, &self.authorities))
    }

    /// As given, or else of the data.
    fn digest(
        &self,
        data: Option<&Path>,
        hash: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Result<Option<Vec<u8>>, HeldError> {
        if self.digest.is_some() {
            return Ok(self.digest.clone());
        }
        let advice = ": hash it and give --digest";
        data.map(|path| read(path, DATA_BYTES_MAX, advice).map(|data| hash(&data))).transpose()
    }
}

fn known_block(hash: &Digest) -> Option<KnownBlock> {
    let hash = Keccak256(hash.0.as_slice().try_into().ok()?);
    Some(KnownBlock { hash, source: Source::Verifier("given by its hash".to_owned()) })
}

/// A proof of a hash that nobody has compared with anything.
fn of_some_hash(mut checked: Verification) -> Verification {
    if checked.verdict == Verdict::Valid {
        checked.verdict = Verdict::SelfConsistent;
        checked.sentence = "Self-consistent: what was computed holds, but no file was given to \
                            compare with: bring it (--data), or its hash (--digest)."
            .to_owned();
    }
    checked
}

/// An ASN.1 SEQUENCE that is all of the file, or a large one: text never begins so.
fn is_der(bytes: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    match bytes {
        [SEQUENCE, 0x81..=0x84, ..] => true,
        [SEQUENCE, length, rest @ ..] => usize::from(*length) == rest.len(),
        _ => false,
    }
}

fn read(path: &Path, max: u64, advice: &'static str) -> Result<Vec<u8>, HeldError> {
    let io = |cause| HeldError::Io { path: path.to_owned(), cause };
    if fs::metadata(path).map_err(io)?.len() > max {
        return Err(HeldError::TooLarge { path: path.to_owned(), max, advice });
    }
    fs::read(path).map_err(io)
}

/// A header as block explorers and this project's fixtures write one down.
#[derive(Deserialize)]
struct HeaderFile {
    header_hex: String,
    height: Option<u64>,
    hash: Option<String>,
}

fn read_header(given: &str) -> Result<KnownHeader, HeldError> {
    let fail = |cause| HeldError::Header { name: given.to_owned(), cause };
    let source = |name: &str| Source::Verifier(name.to_owned());
    if given.len() == HEADER_BYTES * 2
        && let Ok(bytes) = hex::decode(given)
    {
        let header = Header::parse(&bytes).map_err(|cause| fail(cause.into()))?;
        return Ok(KnownHeader { header, height: None, source: source("given in hex") });
    }
    let path = Path::new(given);
    if !path.is_file() {
        return Err(fail(HeaderFault::Neither));
    }
    let bytes = read(path, HEADER_FILE_BYTES_MAX, "")?;
    let (header, height) = parse_header(&bytes).map_err(fail)?;
    Ok(KnownHeader { header, height, source: source(given) })
}

fn parse_header(bytes: &[u8]) -> Result<(Header, Option<u64>), HeaderFault> {
    if bytes.len() == HEADER_BYTES {
        return Ok((Header::parse(bytes)?, None));
    }
    if let Ok(header) = hex::decode(bytes.trim_ascii()) {
        return Ok((Header::parse(&header)?, None));
    }
    let file: HeaderFile = serde_json::from_slice(bytes).map_err(|_| HeaderFault::Form)?;
    let header = hex::decode(&file.header_hex).map_err(|_| HeaderFault::Form)?;
    let header = Header::parse(&header)?;
    let computed = header.hash().to_string();
    match file.hash {
        Some(stated) if stated != computed => Err(HeaderFault::Hash { stated, computed }),
        _ => Ok((header, file.height)),
    }
}

fn read_authorities(path: &Path) -> Result<Vec<Certificate>, HeldError> {
    let bytes = read(path, AUTHORITIES_BYTES_MAX, "")?;
    let fail = |number, cause| HeldError::Certificate { path: path.to_owned(), number, cause };
    if is_der(&bytes) {
        let certificate = Certificate::parse(&bytes).map_err(|cause| fail(1, cause.to_string()))?;
        return Ok(vec![certificate]);
    }
    let parse = |(number, der): (usize, Result<CertificateDer<'_>, _>)| {
        let der =
            der.map_err(|cause: rustls::pki_types::pem::Error| fail(number, cause.to_string()))?;
        Certificate::parse(&der).map_err(|cause| fail(number, cause.to_string()))
    };
    let found: Vec<_> =
        (1..).zip(CertificateDer::pem_slice_iter(&bytes)).map(parse).collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Err(HeldError::NoCertificate { path: path.to_owned() });
    }
    Ok(found)
}

fn read_request(path: &Path) -> Result<Request, HeldError> {
    let bytes = read(path, HEADER_FILE_BYTES_MAX, "")?;
    Request::parse(&bytes).map_err(|cause| HeldError::Request { path: path.to_owned(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_sequence_is_taken_for_der() {
        assert!(is_der(&[0x30, 0x82, 1, 2]));
        assert!(is_der(&[0x30, 1, 5]));
        assert!(!is_der(b"0123"));
        assert!(!is_der(b"{}"));
        assert!(!is_der(b""));
    }
}
