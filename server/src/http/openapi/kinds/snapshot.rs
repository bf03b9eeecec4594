//! The kind by which a cloud says what a snapshot comes to.

use domain::catalog::{Known, SnapshotAttest};
use domain::snapshot::section::SectionHasher;
use domain::snapshot::{LogPart, MANIFEST_FORMAT, Manifest};
use serde_json::json;

use super::super::reference;
use super::{Kind, object};

pub(super) fn attest() -> Kind {
    Kind {
        name: "snapshot.attest",
        says: "What the cloud in whose log it stands came to, from its own database. Recorded by the \
               clouds themselves.",
        schema: object(
            "snapshot.attest",
            &["hash", "manifest"],
            json!({
                "hash": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                "manifest": reference("Manifest")
            }),
        ),
        example: Known::SnapshotAttest(Box::new(SnapshotAttest::of(empty()))).to_payload(),
    }
}

/// Of a deployment in which nothing has happened.
fn empty() -> Manifest {
    let nothing = || SectionHasher::default().finish();
    let root = domain::log::Head::empty().root;
    Manifest {
        format: MANIFEST_FORMAT.to_owned(),
        deployment: "demo.ternion.example".to_owned(),
        number: 1,
        period: domain::snapshot::Period::month_of(domain::clock::Timestamp::from_unix_ms(0)),
        previous: None,
        cut: vec![LogPart { log: "gcp/1".to_owned(), from: 0, size: 0, root }],
        events: nothing(),
        usage: nothing(),
        ledger: nothing(),
    }
}
