//! `ternion verify`: receipts, evidence and proofs by others checked offline, with nothing but the
//! file and what the verifier holds.

mod anchors;
mod report;
mod tlog_proof;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use domain::anchor::Malformed;
use domain::anchor::ethereum::{PROOF_FORMAT, ProofFile, ProofFileError};
use domain::evidence::{Evidence, EvidenceError};
use domain::policy::Policy;
use domain::receipt::{Receipt, ReceiptError, Verdict, Verification, verify};

use super::Outcome;
use anchors::{Held, HeldError};
use report::Report;
use tlog_proof::TlogProof;

/// Larger than any receipt (a payload of 64 KiB, escaped, and a proof of 64 hashes) or evidence.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Check receipts and evidence offline: what clouds agreed on, when, and whether one broke the rules
///
/// Exit code: 0 valid (of evidence: the named cloud is to blame); 1 invalid; 2 a file cannot be read
/// or understood; 3 self-consistent, but something rests on the word of whoever gave the file: who
/// the signers are (no policy file), that a block is in the chain (no block header), who the
/// time-stamping authority is (no certificate), or what was stamped (no file or digest). Of several
/// files the worst counts: 1 before 2 before 3. A deployment serves its public keys as
/// `/v1/policy-file`; obtain it in a way that you trust, not together with the receipt, and so with
/// headers and certificates.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ternion verify --policy ternion.policy receipt.json\n  \
    ternion verify --policy ternion.policy evidence.json\n  \
    ternion verify --bitcoin-header block-358391.json hello-world.txt.ots\n  \
    ternion verify --data data.txt --tsa-ca ca.crt stamp.tsr")]
pub(super) struct Arguments {
    /// The public keys that count and how many of them (C2SP tlog-policy)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// One JSON object a file, a line each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    anchors: anchors::Arguments,
    /// Receipts, as JSON or as C2SP tlog-proof text; evidence, as JSON; OpenTimestamps proofs
    /// (.ots); Ethereum proofs (ethereum.json); RFC 3161 time stamps, as response (.tsr) or bare token
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What one file turned out to be. The order is that of gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    Valid,
    SelfConsistent,
    Unreadable,
    Invalid,
}

impl Finding {
    const fn exit_code(self) -> u8 {
        match self {
            Finding::Valid => 0,
            Finding::Invalid => 1,
            Finding::Unreadable => 2,
            Finding::SelfConsistent => 3,
        }
    }
}

/// The file gives nothing that could be checked.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("it is larger than {FILE_BYTES_MAX} bytes; no receipt or evidence is")]
    TooLarge,
    #[error(
        "{0}: not understood by this version, which reads finality receipts, evidence, \
             OpenTimestamps proofs, Ethereum proofs and time stamps"
    )]
    OtherForm(&'static str),
    #[error("not an OpenTimestamps proof: {0}")]
    OpenTimestamps(Malformed),
    #[error("not an RFC 3161 time stamp: {0}")]
    TimeStamp(Malformed),
    #[error(transparent)]
    Ethereum(#[from] ProofFileError),
    #[error(transparent)]
    Held(#[from] HeldError),
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error("not a tlog-proof: {0}")]
    TlogProof(#[from] tlog_proof::FormError),
}

impl Arguments {
    pub fn run(self) -> Outcome {
        let unusable = |reason: String| {
            eprintln!("ternion: {reason}");
            Ok(ExitCode::from(Finding::Unreadable.exit_code()))
        };
        let policy = match self.policy.as_deref().map(read_policy).transpose() {
            Ok(policy) => policy,
            Err(reason) => return unusable(reason),
        };
        let held = match self.anchors.load() {
            Ok(held) => held,
            Err(error) => return unusable(error.to_string()),
        };
        let mut worst = Finding::Valid;
        for file in &self.files {
            let report = Report::new(file, check(file, policy.as_ref(), &held));
            worst = worst.max(report.finding());
            if self.json { println!("{}", report.to_json()) } else { print!("{report}") }
        }
        Ok(ExitCode::from(worst.exit_code()))
    }
}

fn read_policy(path: &Path) -> Result<Policy, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|cause| format!("the policy file {shown} cannot be read: {cause}"))?;
    Policy::parse(&text).map_err(|cause| format!("the policy file {shown}, {cause}"))
}

fn check(path: &Path, policy: Option<&Policy>, held: &Held) -> Result<Verification, Unreadable> {
    if std::fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    let bytes = std::fs::read(path)?;
    if let Some(checked) = held.check(path, &bytes) {
        return checked;
    }
    let format = format_of(&bytes);
    if let Some(form) = other_form(&format) {
        return Err(Unreadable::OtherForm(form));
    }
    if format == PROOF_FORMAT {
        return held.check_ethereum(&ProofFile::parse(&bytes)?);
    }
    if format.starts_with(EVIDENCE_FORMATS) {
        return Ok(Evidence::parse(&bytes)?.verify(policy));
    }
    if bytes.starts_with(tlog_proof::HEADER.as_bytes()) {
        return Ok(TlogProof::parse(&bytes)?.verify(policy));
    }
    Ok(verify(&Receipt::parse(&bytes)?, policy))
}

/// Of this and later versions, which say for themselves what they cannot read.
const EVIDENCE_FORMATS: &str = "ternion/evidence/";

/// What a JSON file says it is; empty for everything else.
fn format_of(bytes: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    value.get("format").and_then(|format| format.as_str()).unwrap_or_default().to_owned()
}

/// Forms that have to do with this product and that this version does not check.
fn other_form(format: &str) -> Option<&'static str> {
    let named = |part| format.starts_with("ternion/") && format.contains(part);
    (named("bundle") || named("snapshot")).then_some("a snapshot bundle")
}

/// The finding that a verdict is.
const fn finding_of(verdict: Verdict) -> Finding {
    match verdict {
        Verdict::Valid => Finding::Valid,
        Verdict::SelfConsistent => Finding::SelfConsistent,
        Verdict::Invalid => Finding::Invalid,
    }
}
