//! The audit bundle: everything that an auditor takes home of one snapshot, in named files.
//!
//! [`Contents`] is what a cloud knows of an agreed snapshot, [`Contents::bundle`] writes it down, and
//! [`Bundle::verify`] checks it without asking anybody. [`verify.sh`](SCRIPT) in it does the same with
//! `sha256sum` and `openssl`, as far as these reach.
//!
//! Each file stands for one fact, so that a changed one is named:
//! ```text
//! manifest.json ──SHA-256──► the hash ◄── attestations/<cloud>/…  signed, final
//!                               ▲     ◄── root.ots, root.tsr, ethereum.json  by others
//!                         snapshot.json says so    SHA256SUMS: every file as it was packed
//! ```

mod attestation;
mod check;
mod container;
mod contents;
mod guide;
mod snapshot_file;
mod walk;

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::cloud::Cloud;
use crate::receipt::Verification;
use crate::verifier::{Held, Stamped};

pub use container::{BadBundle, FILES_MAX, UNPACKED_BYTES_MAX, is_packed};
pub use contents::{Anchored, Contents};
pub use guide::SCRIPT;
pub use snapshot_file::{AnchorEntry, BadSnapshotFile, SNAPSHOT_FORMAT, SnapshotFile};
pub use walk::{BadCovering, COVERING_FORMAT, Covering, Stretch, Walk, Walked};

/// What the snapshot is, and where it is anchored.
pub const SNAPSHOT_FILE: &str = "snapshot.json";
/// The bytes that the hash is over.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The deployment's public keys, as it tells them itself.
pub const POLICY_FILE: &str = "ternion.policy";
/// SHA-256 of every other file, as `sha256sum` writes and checks it.
pub const SUMS_FILE: &str = "SHA256SUMS";
/// How to check it by hand.
pub const GUIDE_FILE: &str = "VERIFY.md";
/// How to have it checked.
pub const SCRIPT_FILE: &str = "verify.sh";
/// OpenTimestamps: calendars' and our own transaction's way to a block of Bitcoin.
pub const OTS_FILE: &str = "root.ots";
/// The block, and the branch that leads to it.
pub const BITCOIN_FILE: &str = "bitcoin.json";
/// The calendars' block where our own transaction stands in another.
pub const CALENDARS_FILE: &str = "bitcoin-calendars.json";
pub const ETHEREUM_FILE: &str = "ethereum.json";
/// What an RFC 3161 authority was asked, what it answered, and its certificates.
pub const REQUEST_FILE: &str = "root.tsq";
pub const STAMP_FILE: &str = "root.tsr";
pub const AUTHORITY_FILE: &str = "authority.pem";

/// What others than the clouds say of the snapshot.
const BY_OTHERS: [&str; 7] = [
    OTS_FILE,
    BITCOIN_FILE,
    CALENDARS_FILE,
    ETHEREUM_FILE,
    REQUEST_FILE,
    STAMP_FILE,
    AUTHORITY_FILE,
];

/// Files by name. The names are those above, and those of each cloud's attestation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Bundle {
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    fn put(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(name.into(), bytes.into());
    }

    /// The clouds that have a folder in it.
    fn attesting(&self) -> Vec<Cloud> {
        let has = |cloud: &Cloud| {
            let folder = attestation::folder(*cloud);
            self.files.keys().any(|name| name.starts_with(&folder))
        };
        Cloud::ALL.into_iter().filter(has).collect()
    }

    /// What [`SUMS_FILE`] must hold.
    #[must_use]
    pub fn sums(&self) -> String {
        let others = self.files.iter().filter(|(name, _)| *name != SUMS_FILE);
        let line = |(name, bytes): (&String, &Vec<u8>)| {
            format!("{}  {name}\n", hex::encode(Sha256::digest(bytes)))
        };
        others.map(line).collect()
    }

    /// Checks every file, with what the verifier holds. Never fails: what is wrong is in the steps,
    /// each of which names its file. `stamped` is the hash that they hold from elsewhere.
    #[must_use]
    pub fn verify(&self, held: &Held, stamped: Option<&Stamped>) -> Verification {
        check::verify(self, held, stamped)
    }
}

/// What people call the file.
#[must_use]
pub fn file_name(period: crate::snapshot::Period) -> String {
    format!("audit-{period}.zip")
}
