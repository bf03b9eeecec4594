//! Checking a bundle: every file, each step under the name of its file.
//!
//! Nothing here trusts the bundle: what it brings along for convenience (keys, authorities, block
//! headers) is used where the verifier holds nothing, and then the step says on whose word it rests.

mod agreement;
mod anchors;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{
    BY_OTHERS, Bundle, FILES_MAX, GUIDE_FILE, MANIFEST_FILE, POLICY_FILE, SCRIPT, SCRIPT_FILE,
    SNAPSHOT_FILE, SUMS_FILE, SnapshotFile, attestation,
};
use crate::clock::Timestamp;
use crate::cloud::Cloud;
use crate::log::Hash;
use crate::receipt::{Step, StepState, Verdict, Verification, step};
use crate::snapshot::Manifest;
use crate::verifier::{Held, Stamped};

/// What a bundle can have of the deployment, beside the clouds' attestations and keys.
const BY_US: [&str; 6] =
    [SNAPSHOT_FILE, MANIFEST_FILE, POLICY_FILE, SUMS_FILE, GUIDE_FILE, SCRIPT_FILE];

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
    check.strangers();
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
        let Some(listed) = Sums::parse(&listed) else {
            return self.unreadable(SUMS_FILE, &format!("it has more than {FILES_MAX} lines"));
        };
        let found = Sums::parse(&found).unwrap_or_default();
        let differing = listed.differing(&found);
        if !listed.is_list || differing.is_empty() {
            let result = "it is no list of sums as sha256sum writes it".to_owned();
            let inputs = vec![("listed", format!("{} files", listed.by_name.len()))];
            self.add(SUMS_FILE, step("It is as it was packed", method, inputs, result, false));
        }
        for name in differing {
            let or = |sum: Option<&&str>, other: &str| {
                sum.map_or_else(|| other.to_owned(), |sum| (*sum).to_owned())
            };
            let inputs = vec![("listed", or(listed.by_name.get(name), "not listed"))];
            let result = or(found.by_name.get(name), "the file is missing");
            self.add(name, step("It is as it was packed", method, inputs, result, false));
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
        let title = "Its words are no part of what is proven";
        self.unchecked(GUIDE_FILE, title, "nor are those of verify.sh: the steps are");
    }

    /// Whoever packs files anew can add some, and list them.
    fn strangers(&mut self) {
        let clouds = self.bundle.attesting();
        let is_known = |name: &str| {
            BY_US.contains(&name)
                || BY_OTHERS.contains(&name)
                || clouds.iter().any(|cloud| {
                    name.starts_with(&attestation::folder(*cloud))
                        || name == attestation::key_file(*cloud)
                })
        };
        let bundle = self.bundle;
        for name in bundle.files.keys().filter(|name| !is_known(name)) {
            let title = "It is no part of a bundle";
            self.unchecked(name, title, "nothing is said of it");
        }
    }

    fn unchecked(&mut self, file: &str, title: &str, result: &str) {
        let done = step(title, "not computed here", Vec::new(), result.to_owned(), true);
        self.add(file, Step { state: StepState::NotChecked, ..done });
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

/// A list of sums, read once: a stranger may write it as long as a bundle may be.
#[derive(Default)]
struct Sums<'a> {
    by_name: BTreeMap<&'a str, &'a str>,
    /// Each line is a sum and a name, and no name comes twice.
    is_list: bool,
}

impl<'a> Sums<'a> {
    /// `None`: more lines than a bundle has files.
    fn parse(text: &'a str) -> Option<Self> {
        if text.lines().nth(FILES_MAX).is_some() {
            return None;
        }
        let mut sums = Sums { by_name: BTreeMap::new(), is_list: true };
        for line in text.lines() {
            let split = line.split_once("  ").filter(|(sum, name)| is_sum(sum, name));
            let is_new = split.is_some_and(|(sum, name)| sums.by_name.insert(name, sum).is_none());
            sums.is_list &= is_new;
        }
        Some(sums)
    }

    /// The names of which the two say different sums, or one says none.
    fn differing(&self, other: &Sums<'a>) -> BTreeSet<&'a str> {
        let names = self.by_name.keys().chain(other.by_name.keys()).copied();
        names.filter(|name| self.by_name.get(name) != other.by_name.get(name)).collect()
    }
}

fn is_sum(sum: &str, name: &str) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    sum.len() == 64 && sum.bytes().all(is_hex) && name.chars().all(is_plain)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/')
}
