//! Checking a bundle: every file, each step under the name of its file.
//!
//! Nothing here trusts the bundle: what it brings along for convenience (keys, authorities, block
//! headers) is used where the verifier holds nothing, and then the step says on whose word it rests.

mod agreement;
mod anchors;

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{
    Bundle, GUIDE_FILE, MANIFEST_FILE, POLICY_FILE, SCRIPT, SCRIPT_FILE, SNAPSHOT_FILE, SUMS_FILE,
    SnapshotFile,
};
use crate::clock::Timestamp;
use crate::cloud::Cloud;
use crate::log::Hash;
use crate::receipt::{Step, StepState, Verdict, Verification, step};
use crate::snapshot::Manifest;
use crate::verifier::{Held, Stamped};

/// What is being checked, with what is held, and what came of it so far.
struct Check<'a> {
    bundle: &'a Bundle,
    held: &'a Held,
    /// SHA-256 of the manifest's bytes as they are.
    hash: Hash,
    steps: Vec<Step>,
    /// What the verifier would have to bring.
    missing: Vec<String>,
    agreed: Vec<Cloud>,
    /// Times by which the hash existed, by proofs that hold and rest on nobody's word.
    times: Vec<(Timestamp, String)>,
}

pub(super) fn verify(bundle: &Bundle, held: &Held, stamped: Option<&Stamped>) -> Verification {
    let manifest_bytes = bundle.file(MANIFEST_FILE).unwrap_or_default();
    let mut check = Check {
        bundle,
        held,
        hash: Hash(Sha256::digest(manifest_bytes).into()),
        steps: Vec::new(),
        missing: Vec::new(),
        agreed: Vec::new(),
        times: Vec::new(),
    };
    check.sums();
    let manifest = check.manifest(manifest_bytes);
    let snapshot = check.snapshot(manifest.as_ref());
    if let Some(stamped) = stamped {
        check.is_yours(stamped);
    }
    check.attestations(manifest.as_ref());
    check.agreement(snapshot.as_ref());
    check.anchors(snapshot.as_ref());
    check.texts();
    check.verdict(manifest.as_ref())
}

impl Check<'_> {
    fn add(&mut self, file: &str, step: Step) {
        self.steps.push(Step { file: Some(file.to_owned()), ..step });
    }

    fn add_all(&mut self, file: &str, steps: Vec<Step>) {
        steps.into_iter().for_each(|step| self.add(file, step));
    }

    /// A file that cannot be read as what it must be.
    fn unreadable(&mut self, file: &str, cause: &dyn fmt::Display) {
        let title = "It can be read";
        self.add(file, step(title, "its format", Vec::new(), cause.to_string(), false));
    }

    /// Every file is listed with its SHA-256, and every listed file is there.
    fn sums(&mut self) {
        let title = "Every file is as it was packed";
        let method = "SHA-256 of each file, as sha256sum -c does it";
        let Some(listed) = self.bundle.file(SUMS_FILE) else {
            return self.unreadable(SUMS_FILE, &"it is missing");
        };
        let (listed, found) = (String::from_utf8_lossy(listed), self.bundle.sums());
        if listed == found {
            let result = format!("{} files, each as listed", found.lines().count());
            return self.add(SUMS_FILE, step(title, method, Vec::new(), result, true));
        }
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<String>>();
        let (listed, found) = (lines(&listed), lines(&found));
        let differing = listed.symmetric_difference(&found);
        let named: BTreeSet<String> = differing.map(|line| named(self.bundle, line)).collect();
        let named = if named.is_empty() { BTreeSet::from([SUMS_FILE.to_owned()]) } else { named };
        for name in named {
            let computed = self.bundle.file(&name).map(|bytes| hex::encode(Sha256::digest(bytes)));
            let said = listed.iter().find(|line| line.ends_with(&format!("  {name}")));
            let inputs = vec![("listed", said.cloned().unwrap_or_else(|| "not listed".to_owned()))];
            let result = match computed {
                _ if name == SUMS_FILE => "it is no list of sums as sha256sum writes it".to_owned(),
                Some(computed) => computed,
                None => "the file is missing".to_owned(),
            };
            self.add(&name, step("It is as it was packed", method, inputs, result, false));
        }
    }

    fn manifest(&mut self, bytes: &[u8]) -> Option<Manifest> {
        let title = "The manifest gives the snapshot's hash";
        let method = "SHA-256 of the file; it is written as RFC 8785 has it";
        let read = crate::json::parse_strict(bytes).map_err(|cause| cause.to_string());
        let read = read.and_then(|value| {
            serde_json::from_value::<Manifest>(value).map_err(|cause| cause.to_string())
        });
        match read {
            Err(cause) => {
                self.unreadable(MANIFEST_FILE, &cause);
                None
            }
            Ok(manifest) => {
                let is_canonical = manifest.bytes() == bytes;
                let length = ("bytes", bytes.len().to_string());
                let result = if is_canonical {
                    self.hash.to_string()
                } else {
                    "it is not written as RFC 8785 has it".to_owned()
                };
                self.add(MANIFEST_FILE, step(title, method, vec![length], result, is_canonical));
                Some(manifest)
            }
        }
    }

    fn snapshot(&mut self, manifest: Option<&Manifest>) -> Option<SnapshotFile> {
        let read = SnapshotFile::parse(self.bundle.file(SNAPSHOT_FILE).unwrap_or_default());
        let snapshot = match read {
            Ok(snapshot) => snapshot,
            Err(cause) => {
                self.unreadable(SNAPSHOT_FILE, &cause);
                return None;
            }
        };
        let said = format!(
            "{} no. {}, {}, {}",
            snapshot.deployment, snapshot.number, snapshot.period, snapshot.hash
        );
        let found = manifest.map_or_else(String::new, |it| {
            format!("{} no. {}, {}, {}", it.deployment, it.number, it.period, self.hash)
        });
        let holds = said == found;
        let inputs = vec![("said here", said)];
        let title = "It names the manifest's snapshot and hash";
        let done = step(title, "compared with the manifest", inputs, found, holds);
        self.add(SNAPSHOT_FILE, done);
        Some(snapshot)
    }

    /// The verifier has the hash from elsewhere: a chain, a letter, a colleague.
    fn is_yours(&mut self, stamped: &Stamped) {
        let yours = stamped.sha256();
        let inputs = vec![("your hash", hex::encode(&yours))];
        let title = "It is the hash that you hold";
        let holds = yours == self.hash.0;
        let done = step(title, "compared byte by byte", inputs, self.hash.to_string(), holds);
        self.add(MANIFEST_FILE, done);
    }

    /// Texts prove nothing; a script that somebody else wrote should not be run unread.
    fn texts(&mut self) {
        let title = "It is the script of this version";
        let method = "compared byte by byte";
        let is_ours = self.bundle.file(SCRIPT_FILE) == Some(SCRIPT.as_bytes());
        let result = if is_ours { "it is" } else { "it is another: read it before you run it" };
        let done = step(title, method, Vec::new(), result.to_owned(), true);
        let state = if is_ours { StepState::Valid } else { StepState::NotChecked };
        self.add(SCRIPT_FILE, Step { state, ..done });
        for name in [SCRIPT_FILE, GUIDE_FILE, POLICY_FILE] {
            if self.bundle.file(name).is_none() {
                self.unreadable(name, &"it is missing");
            }
        }
    }

    fn verdict(self, manifest: Option<&Manifest>) -> Verification {
        let names: Vec<&str> = self.agreed.iter().map(|cloud| cloud.title()).collect();
        let period = manifest.map_or_else(String::new, |it| it.period.to_string());
        let what = format!("snapshot {period} ({})", self.hash);
        let when = self.times.iter().min().map_or_else(
            || "no proof by others stands on what you hold, so when it was rests on the clouds' word"
                .to_owned(),
            |(at, by)| format!("it existed no later than {at} by {by}"),
        );
        let valid = format!(
            "Valid: {} attest {what} under your policy file; {when}. It says nothing of the truth \
             or completeness of what was recorded.",
            names.join(", ")
        );
        let open = format!(
            "Self-consistent: {} attest {what}, and everything that can be computed holds, but {}.",
            names.join(", "),
            self.missing.join("; ")
        );
        let done = Verification::of(self.steps, &open, &valid);
        debug_assert!(done.verdict != Verdict::SelfConsistent || !self.missing.is_empty());
        done
    }
}

/// The file of a line of sums; the list itself where the line is none, or names no file.
fn named(bundle: &Bundle, line: &str) -> String {
    let is_sum = |sum: &str| sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    let split = line.split_once("  ").filter(|(sum, name)| {
        is_sum(sum) && (bundle.files.contains_key(*name) || name.chars().all(is_plain))
    });
    split.map_or(SUMS_FILE, |(_, name)| name).to_owned()
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/')
}
