//! What a verifier holds, and the check of any file that somebody gives them: one way in for the
//! command line, the server and the browser.
//!
//! A file says for itself what it is, by its first bytes or its `format`. What no computation shows
//! (whose keys, whose block, which authority, which data) comes from [`Held`] and from nowhere else.

mod header;
mod places;

use std::fmt;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::anchor::bitcoin::{KnownHeader, Network};
use crate::anchor::ethereum::{self, KnownBlock, PROOF_FORMAT, ProofFile, ProofFileError};
use crate::anchor::ots::FileHash;
use crate::anchor::rfc3161::{self, Certificate, Request, TimeStamp};
use crate::anchor::{Malformed, commitment, ots};
use crate::bundle::{self, BadBundle, Bundle};
use crate::evidence::{Evidence, EvidenceError};
use crate::log::Hash;
use crate::policy::Policy;
use crate::pricing::trail::{BadTrail, TRAIL_BYTES_MAX, TRAIL_FORMATS, Trail};
use crate::receipt::tlog_proof::{self, FormError, TlogProof};
use crate::receipt::{Receipt, ReceiptError, StepState, Verdict, Verification, verify};

pub use header::{HeaderFault, parse_header};
pub use places::{EthereumPlace, Places};

/// Larger than any receipt (a payload of 64 KiB, escaped, and a proof of 64 hashes), evidence or
/// proof by others. Bundles and trails of prices have limits of their own.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// What the verifier brings. Nothing of it comes with the file.
#[derive(Clone, Debug)]
pub struct Held {
    /// Whose keys count, and how many of them.
    pub policy: Option<Policy>,
    /// Headers of Bitcoin's blocks, from a node or explorer of theirs.
    pub headers: Vec<KnownHeader>,
    /// Which chain such a block must be from.
    pub network: Network,
    /// A block of Ethereum's.
    pub block: Option<KnownBlock>,
    /// Its network: 1 is the main one.
    pub chain: u64,
    /// Time-stamping authorities that they trust.
    pub authorities: Vec<Certificate>,
    /// The request that a time stamp must answer.
    pub request: Option<Request>,
}

impl Default for Held {
    fn default() -> Self {
        Held {
            policy: None,
            headers: Vec::new(),
            network: Network::Mainnet,
            block: None,
            chain: 1,
            authorities: Vec::new(),
            request: None,
        }
    }
}

/// What was stamped, or its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stamped {
    Data(Vec<u8>),
    Digest(Vec<u8>),
}

impl Stamped {
    fn digest(&self, hash: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        match self {
            Stamped::Data(data) => hash(data),
            Stamped::Digest(digest) => digest.clone(),
        }
    }

    /// As a snapshot's hash is made.
    pub(crate) fn sha256(&self) -> Vec<u8> {
        self.digest(|data| Sha256::digest(data).to_vec())
    }
}

/// The file gives nothing that could be checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is larger than {FILE_BYTES_MAX} bytes; no receipt or evidence is")]
    TooLarge,
    #[error(
        "{0}: not understood by this version, which reads finality receipts, evidence, trails \
             of prices, audit bundles (.zip), OpenTimestamps proofs, Ethereum proofs and time stamps"
    )]
    OtherForm(&'static str),
    #[error("not an OpenTimestamps proof: {0}")]
    OpenTimestamps(Malformed),
    #[error("not an RFC 3161 time stamp: {0}")]
    TimeStamp(Malformed),
    #[error(transparent)]
    Ethereum(#[from] ProofFileError),
    #[error("not an audit bundle: {0}")]
    Bundle(#[from] BadBundle),
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error(transparent)]
    Trail(#[from] BadTrail),
    #[error("not a tlog-proof: {0}")]
    TlogProof(#[from] FormError),
}

/// What a file turned out to be. The order is that of gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    Valid,
    SelfConsistent,
    Unreadable,
    Invalid,
}

impl Finding {
    #[must_use]
    pub const fn of<E>(outcome: &Result<Verification, E>) -> Self {
        match outcome {
            Ok(Verification { verdict: Verdict::Valid, .. }) => Finding::Valid,
            Ok(Verification { verdict: Verdict::SelfConsistent, .. }) => Finding::SelfConsistent,
            Ok(Verification { verdict: Verdict::Invalid, .. }) => Finding::Invalid,
            Err(_) => Finding::Unreadable,
        }
    }

    /// What `ternion verify` ends with.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Finding::Valid => 0,
            Finding::Invalid => 1,
            Finding::Unreadable => 2,
            Finding::SelfConsistent => 3,
        }
    }
}

/// What is told of one file to a program: by `ternion verify --json` and by `POST /v1/verify`.
#[must_use]
pub fn report<E: fmt::Display>(file: &str, outcome: &Result<Verification, E>) -> Value {
    let exit_code = Finding::of(outcome).exit_code();
    match outcome {
        Ok(verification) => serde_json::json!({
            "file": file,
            "verdict": verification.verdict,
            "exitCode": exit_code,
            "sentence": verification.sentence,
            "steps": verification.steps,
        }),
        Err(error) => serde_json::json!({
            "file": file,
            "verdict": "unreadable",
            "exitCode": exit_code,
            "sentence": error.to_string(),
            "steps": [],
        }),
    }
}

/// Of this and later versions, which say for themselves what they cannot read.
const EVIDENCE_FORMATS: &str = "ternion/evidence/";

/// Is it a proof that belongs to some file, by OpenTimestamps?
#[must_use]
pub fn is_ots(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x00OpenTimestamps\x00")
}

impl Held {
    /// Checks any file that this version understands.
    ///
    /// # Errors
    /// It is none. What is wrong with one that is, is in the steps.
    pub fn check(
        &self,
        bytes: &[u8],
        stamped: Option<&Stamped>,
    ) -> Result<Verification, Unreadable> {
        if bundle::is_packed(bytes) {
            return Ok(Bundle::unpack(bytes)?.verify(self, stamped));
        }
        if bytes.len() > TRAIL_BYTES_MAX {
            return Err(Unreadable::TooLarge);
        }
        if format_of(bytes).starts_with(TRAIL_FORMATS) {
            return Ok(Trail::parse(bytes)?.verify(self.policy.as_ref()));
        }
        if bytes.len() > FILE_BYTES_MAX {
            return Err(Unreadable::TooLarge);
        }
        if is_ots(bytes) {
            return self.check_ots(bytes, stamped);
        }
        if rfc3161::is_der(bytes) {
            return self.check_time_stamp(bytes, stamped);
        }
        let format = format_of(bytes);
        if let Some(form) = other_form(&format) {
            return Err(Unreadable::OtherForm(form));
        }
        let policy = self.policy.as_ref();
        if format == PROOF_FORMAT {
            return Ok(self.check_ethereum(&ProofFile::parse(bytes)?, stamped));
        }
        if format.starts_with(EVIDENCE_FORMATS) {
            return Ok(Evidence::parse(bytes)?.verify(policy));
        }
        if bytes.starts_with(tlog_proof::HEADER.as_bytes()) {
            return Ok(TlogProof::parse(bytes)?.verify(policy));
        }
        Ok(verify(&Receipt::parse(bytes)?, policy))
    }

    fn check_ots(
        &self,
        bytes: &[u8],
        stamped: Option<&Stamped>,
    ) -> Result<Verification, Unreadable> {
        let proof = ots::Proof::parse(bytes).map_err(Unreadable::OpenTimestamps)?;
        let digest = stamped.map(|one| one.digest(|data| proof.hash().digest(data)));
        Ok(ots::verify(&proof, digest.as_deref(), &self.headers, self.network))
    }

    fn check_time_stamp(
        &self,
        bytes: &[u8],
        stamped: Option<&Stamped>,
    ) -> Result<Verification, Unreadable> {
        let stamp = TimeStamp::parse(bytes).map_err(Unreadable::TimeStamp)?;
        let digest = stamped.map(|one| one.digest(|data| stamp.hash().digest(data)));
        let request = self.request.as_ref();
        Ok(rfc3161::verify(&stamp, digest.as_deref(), request, &self.authorities))
    }

    /// For the hash that was given; without one for the one in the file, which the first step then
    /// says.
    fn check_ethereum(&self, file: &ProofFile, stamped: Option<&Stamped>) -> Verification {
        let given = stamped.map(|one| one.digest(|data| FileHash::Sha256.digest(data)));
        let hash = given.as_deref().and_then(Hash::from_slice);
        let calldata = match (&given, hash) {
            (None, _) => commitment(file.hash).to_vec(),
            (Some(_), Some(hash)) => commitment(hash).to_vec(),
            // What has not the length of a SHA-256 was never anchored.
            (Some(other), None) => other.clone(),
        };
        let inclusion = file.inclusion();
        let checked = ethereum::verify(&inclusion, &calldata, self.chain, self.block.as_ref());
        if given.is_some() { checked } else { of_some_hash(checked) }
    }
}

/// No file was given: whose hash it is rests on the proof's own word.
fn of_some_hash(mut checked: Verification) -> Verification {
    if let Some(first) = checked.steps.first_mut()
        && first.state == StepState::Valid
    {
        first.state = StepState::Unidentified;
        first.result += ": no file was given, so compare this with your file's hash";
    }
    if checked.verdict == Verdict::Valid {
        checked.verdict = Verdict::SelfConsistent;
        checked.sentence = "Self-consistent: what was computed holds, but no file was given to \
            compare with."
            .to_owned();
    }
    checked
}

/// What a JSON file says it is; empty for everything else.
fn format_of(bytes: &[u8]) -> String {
    let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    value.get("format").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Forms that have to do with this product and that no version checks by themselves.
fn other_form(format: &str) -> Option<&'static str> {
    let named = |part| format.starts_with("ternion") && format.contains(part);
    (named("bundle") || named("snapshot")).then_some("one part of an audit bundle")
}
