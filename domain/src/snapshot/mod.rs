//! Audit snapshots: what the logs hold at a cut, what it adds up to, and the one hash over that.
//!
//! The clouds decide where to cut (a grant, [`Cut`]); each derives the [`Manifest`] from its own
//! database; its RFC 8785 bytes hashed with SHA-256 are the snapshot's hash. It is agreed when two
//! clouds have attested the same one ([`agreement`]). What outsiders anchor is that hash.
//!
//! [`section`] states how rows are written and hashed, so that an auditor's `sha256sum` over an
//! exported section gives what the manifest says.

pub mod agreement;
mod cut;
mod manifest;
mod period;
pub mod section;

pub use cut::{BadCut, Cut, Plan};
pub use manifest::{LogPart, MANIFEST_FORMAT, Manifest, Previous};
pub use period::{BadPeriod, Period};
