//! What a verifier holds beside the files, as the command line names it.

use std::fs;
use std::path::{Path, PathBuf};

use domain::anchor::bitcoin::{HEADER_BYTES, Header, KnownHeader, Network};
use domain::anchor::ethereum::{Keccak256, KnownBlock};
use domain::anchor::rfc3161::{BadCertificates, Certificate, Request, certificates};
use domain::anchor::{Malformed, Source};
use domain::policy::Policy;
use domain::verifier::{HeaderFault, Held, Stamped, is_ots, parse_header};

/// What was stamped is read into memory. Whoever has more can hash it elsewhere.
const DATA_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// A bundle of every authority that browsers trust takes a quarter of it.
const AUTHORITIES_BYTES_MAX: u64 = 1024 * 1024;
const HEADER_FILE_BYTES_MAX: u64 = 64 * 1024;

/// For bundles, and proofs by others (.ots, .tsr, ethereum.json)
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Bundles, and proofs by others (.ots, .tsr, ethereum.json)")]
#[group(skip)]
pub(super) struct Arguments {
    /// The file that was stamped; for x.ots it is x unless another is named
    #[arg(long, value_name = "FILE", conflicts_with = "digest")]
    data: Option<PathBuf>,
    /// The digest of what was stamped, instead of the file; of a bundle the hash that you hold
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

/// Something beside a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeldError {
    #[error("{} cannot be read: {cause}", path.display())]
    Io { path: PathBuf, cause: std::io::Error },
    #[error("{} is larger than {max} bytes{advice}", path.display())]
    TooLarge { path: PathBuf, max: u64, advice: &'static str },
    #[error("the block header {0}: neither {digits} hex digits nor a file that can be read", digits = HEADER_BYTES * 2)]
    NoHeader(String),
    #[error("the block header {name}: {cause}")]
    Header { name: String, cause: HeaderFault },
    #[error("{}: {cause}", path.display())]
    Certificates { path: PathBuf, cause: BadCertificates },
    #[error("{} is not a time-stamp request: {cause}", path.display())]
    Request { path: PathBuf, cause: Malformed },
}

impl Arguments {
    pub(super) fn load(self, policy: Option<Policy>) -> Result<(Held, Option<Stamped>), HeldError> {
        let headers = self.bitcoin_header.iter().map(|given| read_header(given));
        let authorities = self.tsa_ca.iter().map(|path| read_authorities(path));
        let request = self.request.as_deref().map(read_request).transpose()?;
        let digest = self.digest.map(|digest| Stamped::Digest(digest.0));
        let data = self.data.as_deref().map(read_data).transpose()?;
        let held = Held {
            policy,
            headers: headers.collect::<Result<_, _>>()?,
            network: self.bitcoin_network,
            block: self.ethereum_block.and_then(|hash| known_block(&hash)),
            chain: self.ethereum_chain,
            authorities: authorities.collect::<Result<Vec<_>, _>>()?.concat(),
            request,
        };
        Ok((held, digest.or(data)))
    }
}

/// For `x.ots` the file `x` beside it, if it is there.
pub(super) fn beside(path: &Path, bytes: &[u8]) -> Result<Option<Stamped>, HeldError> {
    let is_named_so = path.extension().is_some_and(|extension| extension == "ots");
    let file = Some(path.with_extension("")).filter(|file| is_named_so && file.is_file());
    file.filter(|_| is_ots(bytes)).map(|file| read_data(&file)).transpose()
}

fn read_data(path: &Path) -> Result<Stamped, HeldError> {
    read(path, DATA_BYTES_MAX, ": hash it and give --digest").map(Stamped::Data)
}

fn known_block(hash: &Digest) -> Option<KnownBlock> {
    let hash = Keccak256(hash.0.as_slice().try_into().ok()?);
    Some(KnownBlock { hash, source: Source::Verifier("given by its hash".to_owned()) })
}

fn read(path: &Path, max: u64, advice: &'static str) -> Result<Vec<u8>, HeldError> {
    let io = |cause| HeldError::Io { path: path.to_owned(), cause };
    if fs::metadata(path).map_err(io)?.len() > max {
        return Err(HeldError::TooLarge { path: path.to_owned(), max, advice });
    }
    fs::read(path).map_err(io)
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
        return Err(HeldError::NoHeader(given.to_owned()));
    }
    let bytes = read(path, HEADER_FILE_BYTES_MAX, "")?;
    let (header, height) = parse_header(&bytes).map_err(fail)?;
    Ok(KnownHeader { header, height, source: source(given) })
}

fn read_authorities(path: &Path) -> Result<Vec<Certificate>, HeldError> {
    let bytes = read(path, AUTHORITIES_BYTES_MAX, "")?;
    let fail = |cause| HeldError::Certificates { path: path.to_owned(), cause };
    certificates(&bytes).map_err(fail)
}

fn read_request(path: &Path) -> Result<Request, HeldError> {
    let bytes = read(path, HEADER_FILE_BYTES_MAX, "")?;
    Request::parse(&bytes).map_err(|cause| HeldError::Request { path: path.to_owned(), cause })
}
