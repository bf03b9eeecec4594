//! Audit snapshots: what can be asked and done about them, and the shapes.

use serde_json::{Value, json};

use super::operations::{Access, BASE, CURIOUS, JSON, Operation};
use super::reference;
use super::schemas::{cloud, count, flag, hash, list, or_null, shape, text, time, uuid};

const AUDITORS: Access = Access::Role("auditors and admins");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/snapshots",
        id: "listSnapshots",
        tag: "audit",
        summary: "Every snapshot, the newest first, and when the next is due",
        answers: &[(200, "As this cloud sees them", "Snapshots", JSON)],
        problems: &[401, 403],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/snapshots",
        id: "takeSnapshot",
        tag: "audit",
        summary: "Has the clouds cut a snapshot of a month that is over, or of today's state; every \
                  cloud then derives it by itself. Safe to repeat",
        access: AUDITORS,
        bodies: &[(JSON, "TakeSnapshot")],
        answers: &[
            (201, "Decided; it is being derived", "Snapshot", JSON),
            (200, "That period has one already", "Snapshot", JSON),
        ],
        problems: &[400, 401, 403, 422, 503],
        ..BASE
    },
    Operation {
        path: "/v1/snapshots/{period}",
        id: "getSnapshot",
        tag: "audit",
        summary: "What each cloud came to, and whether two agree",
        answers: &[(200, "As this cloud sees it", "Snapshot", JSON)],
        problems: &[401, 403, 404],
        ..BASE
    },
    Operation {
        path: "/v1/snapshots/{period}/manifest",
        id: "getManifest",
        tag: "audit",
        summary: "The bytes that the snapshot's hash is over: SHA-256 of the answer's body is the hash",
        answers: &[(200, "RFC 8785", "Manifest", JSON)],
        problems: &[401, 403, 404],
        ..BASE
    },
    Operation {
        path: "/v1/snapshots/{period}/bundle",
        id: "getBundle",
        tag: "audit",
        summary: "Everything that an auditor takes home, as audit-<period>.zip: the manifest, what each \
                  cloud signed, keys, proofs by others, and how to check them. Only of an agreed \
                  snapshot; it grows as proofs come",
        answers: &[(200, "A zip archive", "", "application/zip")],
        problems: &[401, 403, 404, 409],
        ..BASE
    },
    Operation {
        path: "/v1/snapshots/{period}/certificate.pdf",
        id: "getCertificate",
        tag: "audit",
        summary: "A page to hand out: the hash, what it covers, who attests it, where it is anchored, \
                  and how to verify it. A summary, which proves nothing by itself",
        answers: &[(200, "One page, A4", "", "application/pdf")],
        problems: &[401, 403, 404, 409],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/verify",
        id: "verifyFile",
        tag: "audit",
        summary: "Checks a bundle, a receipt, evidence, an .ots, a .tsr or an ethereum.json, as ternion \
                  verify --json does it; of a bare hash it tells what this cloud knows. Nothing is kept",
        takes: &[
            "name",
            "policy",
            "digest",
            "bitcoinHeader",
            "bitcoinNetwork",
            "ethereumBlock",
            "ethereumChain",
        ],
        bodies: &[("application/octet-stream", "VerifiedFile")],
        answers: &[(200, "Every step, and the verdict", "Verification", JSON)],
        problems: &[400, 401, 403, 404, 413],
        ..BASE
    },
    Operation {
        path: "/v1/snapshots/{period}/difference",
        id: "getDifference",
        tag: "audit",
        summary: "The first row in which another cloud came to something else",
        access: CURIOUS,
        takes: &["cloud"],
        answers: &[(200, "Null where they agree", "SnapshotDifference", JSON)],
        problems: &[400, 401, 403, 404, 503],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/snapshots/{period}/recheck",
        id: "recheckSnapshot",
        tag: "audit",
        summary: "Derives it again from the first entry of every log; the snapshot says how far that is",
        access: AUDITORS,
        answers: &[(202, "Begun", "Snapshot", JSON)],
        problems: &[401, 403, 404, 409],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/anchors/act",
        id: "actOnSnapshots",
        tag: "audit",
        summary: "Takes a snapshot or derives one again: the forms of the pages Anchors",
        access: AUDITORS,
        bodies: &[("application/x-www-form-urlencoded", "SnapshotAct")],
        answers: &[(303, "To the snapshot's page, or back with what was wrong", "", "text/html")],
        problems: &[400, 401, 403, 404, 503],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/anchors/drill",
        id: "drillTampering",
        tag: "lab",
        summary: "The tamper drill: changes one metered row in this cloud's database by SQL, and takes a \
                  snapshot of the newest day that has none",
        access: Access::Role("admins, in the demonstration"),
        answers: &[(303, "To the snapshot's page, which goes through it", "", "text/html")],
        problems: &[401, 403, 404, 409, 503],
        ..BASE
    },
];

/// By name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let snapshots = json!({
        "items": list("Snapshot"), "nextCursor": or_null(&text()), "nextDue": time()
    });
    let difference = json!({
        "cloud": cloud(), "differsIn": or_null(&place()), "firstRow": or_null(&first_row())
    });
    vec![
        ("Snapshots", shape(snapshots, &[])),
        ("Snapshot", shape(snapshot(), &[])),
        ("Attestation", shape(attestation(), &[])),
        ("Manifest", shape(manifest(), &["previous"])),
        ("SnapshotSection", shape(section(), &["first", "last"])),
        ("SnapshotDifference", shape(difference, &[])),
        ("SnapshotAct", shape(act(), &["drill"])),
        ("VerifiedFile", json!({ "type": "string", "format": "binary" })),
        ("Verification", shape(verification(), &[])),
        ("VerificationStep", shape(verification_step(), &["file"])),
        ("TakeSnapshot", shape(json!({ "period": period() }), &[])),
        ("Covering", shape(covering(), &[])),
    ]
}

fn covering() -> Value {
    json!({
        "format": { "type": "string", "const": domain::bundle::COVERING_FORMAT },
        "number": count(), "period": period(), "log": text(), "size": count(),
        "proof": { "type": "array", "items": hash() }
    })
}

pub(super) fn example(schema: &str) -> Option<Value> {
    (schema == "TakeSnapshot").then(|| json!({ "period": "2026-10" }))
}

fn verification() -> Value {
    let verdicts = ["valid", "selfConsistent", "invalid", "unreadable"];
    json!({
        "file": text(), "verdict": { "type": "string", "enum": verdicts },
        "exitCode": { "type": "integer", "minimum": 0, "maximum": 3 }, "sentence": text(),
        "steps": list("VerificationStep")
    })
}

fn verification_step() -> Value {
    let states = ["valid", "invalid", "unidentified", "notchecked"];
    let pair = json!({ "type": "array", "items": text(), "minItems": 2, "maxItems": 2 });
    json!({
        "title": text(), "method": text(), "inputs": { "type": "array", "items": pair },
        "result": text(), "state": { "type": "string", "enum": states },
        "cloud": or_null(&cloud()), "file": text()
    })
}

fn act() -> Value {
    let drill = json!({ "type": "string", "description": "Back to the tamper drill" });
    json!({
        "act": { "type": "string", "enum": ["take", "recheck"] }, "period": period(), "drill": drill
    })
}

fn period() -> Value {
    json!({
        "type": "string", "pattern": r"^\d{4}-\d{2}(-\d{2})?$",
        "description": "A month that is over, or a day", "examples": ["2026-10", "2026-11-25"]
    })
}

fn snapshot() -> Value {
    let states = ["deriving", "waiting", "agreed", "disagreed"];
    let own = shape(json!({ "hash": hash(), "derivedAt": time() }), &[]);
    json!({
        "number": count(), "period": period(), "cut": sizes(), "entries": count(),
        "state": { "type": "string", "enum": states }, "hash": or_null(&hash()),
        "agreed": or_null(&hash()), "own": or_null(&own), "attestations": list("Attestation"),
        "outvoted": { "type": "array", "items": cloud() },
        "progress": or_null(&progress()), "recheck": or_null(&recheck())
    })
}

/// Log to entries.
fn sizes() -> Value {
    json!({ "type": "object", "additionalProperties": count() })
}

fn attestation() -> Value {
    json!({
        "cloud": cloud(), "hash": hash(), "at": time(), "eventId": uuid(),
        "differsIn": or_null(&place())
    })
}

fn place() -> Value {
    let places = ["head", "root", "rows"];
    shape(
        json!({
            "in": { "type": "string", "enum": places }, "log": text(), "section": section_name(),
            "part": text()
        }),
        &["log", "section", "part"],
    )
}

fn section_name() -> Value {
    json!({ "type": "string", "enum": ["events", "usage", "ledger"] })
}

fn progress() -> Value {
    let steps = ["waiting", "entries", "rows", "failed"];
    shape(
        json!({
            "step": { "type": "string", "enum": steps }, "done": count(), "total": count(),
            "section": section_name(), "why": text()
        }),
        &["done", "total", "section", "why"],
    )
}

fn recheck() -> Value {
    let states = ["running", "done", "failed"];
    shape(
        json!({
            "state": { "type": "string", "enum": states }, "began": time(), "at": time(),
            "hash": hash(), "equal": flag(), "differsIn": or_null(&place()), "why": text(),
            "progress": or_null(&progress()), "entries": { "type": "array", "items": {} },
            "tables": tables()
        }),
        &["at", "hash", "equal", "differsIn", "why", "progress", "entries", "tables"],
    )
}

fn tables() -> Value {
    let anything = json!({});
    let field = shape(json!({ "field": text(), "stood": anything, "derived": anything }), &[]);
    let is = json!({ "type": "string", "enum": ["missing", "invented", "changed"] });
    let row = shape(
        json!({
            "table": text(), "row": text(), "is": is,
            "fields": { "type": "array", "items": field }
        }),
        &["fields"],
    );
    shape(
        json!({
            "rows": count(), "first": { "type": "array", "items": row },
            "notMended": or_null(&text())
        }),
        &[],
    )
}

fn first_row() -> Value {
    let line = or_null(&text());
    shape(
        json!({
            "cloud": cloud(), "section": section_name(), "part": text(), "row": count(),
            "ours": line, "theirs": line
        }),
        &[],
    )
}

fn manifest() -> Value {
    let previous = shape(json!({ "number": count(), "hash": hash() }), &[]);
    let log = json!({ "log": text(), "from": count(), "size": count(), "root": hash() });
    let section = || reference("SnapshotSection");
    json!({
        "format": text(), "deployment": text(), "number": count(), "period": period(),
        "previous": previous, "cut": { "type": "array", "items": shape(log, &[]) },
        "events": section(), "usage": section(), "ledger": section()
    })
}

fn section() -> Value {
    let part = json!({ "name": text(), "rows": count(), "sha256": hash() });
    json!({
        "rows": count(), "first": text(), "last": text(), "sha256": hash(),
        "parts": { "type": "array", "items": shape(part, &[]) }
    })
}
