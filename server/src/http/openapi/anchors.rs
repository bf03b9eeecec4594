//! Anchors: what can be asked and done about them, and the shapes.

use domain::anchor::Publisher;
use serde_json::{Value, json};

use super::operations::{Access, BASE, JSON, Operation};
use super::reference;
use super::schemas::{count, flag, hash, list, or_null, shape, text, time, uuid};

const AUDITORS: Access = Access::Role("auditors and admins");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/anchors",
        id: "listAnchors",
        tag: "audit",
        summary: "Which hashes are published where, the newest first, and where this cloud publishes",
        takes: &["cursor", "limit"],
        answers: &[(200, "No publishers: nothing is anchored outside", "Anchors", JSON)],
        problems: &[400, 401, 403],
        ..BASE
    },
    Operation {
        path: "/v1/anchors/{anchor_id}",
        id: "getAnchor",
        tag: "audit",
        summary: "How far one is, and what happened on its way",
        answers: &[(200, "As of now", "Anchor", JSON)],
        problems: &[401, 403, 404],
        ..BASE
    },
    Operation {
        path: "/v1/anchors/{anchor_id}/proof",
        id: "getAnchorProof",
        tag: "audit",
        summary: "A file of its proof: an .ots, a .tsr, or the way through an Ethereum block",
        takes: &["file"],
        answers: &[(200, "The file", "", "application/octet-stream")],
        problems: &[400, 401, 403, 404],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/snapshots/{period}/anchors",
        id: "anchorSnapshot",
        tag: "audit",
        summary: "Publishes an agreed snapshot where this cloud is configured to. Safe to repeat",
        access: AUDITORS,
        bodies: &[(JSON, "AnchorWish")],
        answers: &[(201, "Queued, or what it has become since", "Anchor", JSON)],
        problems: &[400, 401, 403, 404, 409, 422],
        ..BASE
    },
];

/// By name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let place = shape(json!({ "publisher": publisher(), "place": text() }), &[]);
    let anchors = json!({
        "items": list("Anchor"), "nextCursor": or_null(&text()),
        "publishers": { "type": "array", "items": place }
    });
    vec![
        ("Anchors", shape(anchors, &[])),
        ("Anchor", shape(anchor(), &["trace", "files"])),
        (
            "AnchorPlace",
            shape(
                json!({ "name": text(), "height": count(), "time": time(), "header": text() }),
                &["height", "header"],
            ),
        ),
        ("AnchorWish", shape(json!({ "publisher": publisher() }), &[])),
    ]
}

pub(super) fn example(schema: &str) -> Option<Value> {
    (schema == "AnchorWish").then(|| json!({ "publisher": "rfc3161" }))
}

fn publisher() -> Value {
    json!({ "type": "string", "enum": Publisher::ALL.map(Publisher::name) })
}

fn anchor() -> Value {
    let states = ["queued", "submitted", "inBlock", "final", "failed"];
    let mark = shape(json!({ "at": time(), "what": text() }), &[]);
    json!({
        "id": uuid(), "hash": hash(), "period": text(), "publisher": publisher(),
        "state": { "type": "string", "enum": states }, "anchored": flag(),
        "anchoredAt": or_null(&time()), "place": or_null(&reference("AnchorPlace")),
        "confirmations": or_null(&count()), "problem": or_null(&text()), "queuedAt": time(),
        "dueAt": time(), "trace": { "type": "array", "items": mark },
        "files": { "type": "array", "items": text() }
    })
}
