//! `ternion verify`: bundles, receipts, trails of prices, evidence and proofs by others checked offline, with
//! nothing but the file and what the verifier holds.

mod held;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use domain::bundle::UNPACKED_BYTES_MAX;
use domain::policy::Policy;
use domain::receipt::Verification;
use domain::verifier::{self, Finding, Held, Stamped};

use super::Outcome;
use held::HeldError;
use report::Report;

/// Check audit bundles, receipts and evidence offline: what clouds agreed on, when, and whether one
/// broke the rules
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
    ternion verify --policy ternion.policy --tsa-ca ca.crt audit-2026-10.zip\n  \
    ternion verify --policy ternion.policy evidence.json\n  \
    ternion verify --policy ternion.policy price-trail-acme.json\n  \
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
    held: held::Arguments,
    /// Audit bundles (.zip); receipts, as JSON or as C2SP tlog-proof text; evidence and trails of
    /// prices, as JSON;
    /// OpenTimestamps proofs (.ots); Ethereum proofs (ethereum.json); RFC 3161 time stamps, as response (.tsr) or bare token
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// The file gives nothing that could be checked.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("it is larger than {UNPACKED_BYTES_MAX} bytes; nothing that is checked here is")]
    TooLarge,
    #[error(transparent)]
    Held(#[from] HeldError),
    #[error(transparent)]
    Form(#[from] verifier::Unreadable),
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
        let (held, stamped) = match self.held.load(policy) {
            Ok(loaded) => loaded,
            Err(error) => return unusable(error.to_string()),
        };
        let mut worst = Finding::Valid;
        for file in &self.files {
            let report = Report::new(file, check(file, &held, stamped.as_ref()));
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

fn check(path: &Path, held: &Held, stamped: Option<&Stamped>) -> Result<Verification, Unreadable> {
    if std::fs::metadata(path)?.len() > UNPACKED_BYTES_MAX as u64 {
        return Err(Unreadable::TooLarge);
    }
    let bytes = std::fs::read(path)?;
    let beside = match stamped {
        Some(_) => None,
        None => held::beside(path, &bytes)?,
    };
    Ok(held.check(&bytes, stamped.or(beside.as_ref()))?)
}
