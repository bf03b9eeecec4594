//! The fabric: what can be asked and done about where clients are sent, and the shapes.

use serde_json::{Value, json};

use super::operations::{ADMINS, Access, BASE, JSON, Operation};
use super::schemas::{cloud, count, flag, or_null, shape, text, time, uuid};

const PLANNERS: Access = Access::Role("controllers and admins");
const SHARES_PROPOSED: &[(u16, &str, &str, &str)] = &[
    (201, "Recorded as a proposal", "SharesProposed", JSON),
    (202, "Recorded; the wait for FINAL ran out", "SharesProposed", JSON),
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/fabric/state",
        id: "readFabric",
        tag: "fabric",
        summary: "Votes, verdicts, scores, round trips and the last switches, as this cloud sees them",
        answers: &[(200, "As of this cloud's last evaluation", "FabricState", JSON)],
        problems: &[401, 403, 503],
        ..BASE
    },
    Operation {
        path: "/v1/fabric/explain",
        id: "explainAnswer",
        tag: "fabric",
        summary: "Which cloud a client is sent to, and why; with at, as it was recorded then",
        takes: &["name", "region", "subnet", "at"],
        answers: &[(200, "The answer and what spoke for it", "FabricReason", JSON)],
        problems: &[400, 401, 403, 404, 503],
        ..BASE
    },
    Operation {
        path: "/v1/fabric/select",
        id: "selectCloud",
        tag: "fabric",
        summary: "Where to send a request from a region; one that is unknown is served as any other",
        takes: &["region", "key"],
        answers: &[(200, "The cloud, and for how many seconds", "FabricSelection", JSON)],
        problems: &[400, 401, 403],
        ..BASE
    },
    Operation {
        path: "/v1/fabric/preview",
        id: "previewDrain",
        tag: "fabric",
        summary: "Where clients would go, were a cloud drained or put back; nothing is recorded",
        takes: &["cloud", "drained"],
        answers: &[(
            200,
            "The regions that would move, and who would serve each",
            "DrainPreview",
            JSON,
        )],
        problems: &[400, 401, 403],
        ..BASE
    },
    Operation {
        path: "/v1/fabric/shares/preview",
        id: "previewShares",
        tag: "fabric",
        summary: "What shares of the traffic would come to; nothing is recorded",
        takes: &["gcp", "aws", "azure"],
        answers: &[(200, "As far as they could be kept, with warnings", "SharesPreview", JSON)],
        problems: &[400, 401, 403, 422],
        ..BASE
    },
    Operation {
        path: "/v1/fabric/publishers",
        id: "listPublishers",
        tag: "fabric",
        summary: "How each provider of DNS stands: what is to be written, and what was edited by hand",
        takes: &["fresh"],
        answers: &[(200, "Each provider that is configured here", "Publishers", JSON)],
        problems: &[400, 401, 403],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/fabric/drain",
        id: "drainCloud",
        tag: "fabric",
        summary: "Takes a cloud out of service, or puts it back, on every cloud once it is final",
        access: ADMINS,
        takes: &["wait", "timeoutMs", "receipt"],
        bodies: &[(JSON, "DrainOrder")],
        answers: &[
            (201, "Recorded", "Recorded", JSON),
            (202, "Recorded; the wait for FINAL ran out", "Recorded", JSON),
        ],
        problems: &[400, 401, 403, 413, 422, 503],
    },
    Operation {
        method: "post",
        path: "/v1/fabric/shares",
        id: "proposeShares",
        tag: "fabric",
        summary: "Proposes shares of the traffic; a second person approves them as a proposal",
        access: PLANNERS,
        takes: &["wait", "timeoutMs", "receipt"],
        bodies: &[(JSON, "SharesOrder")],
        answers: SHARES_PROPOSED,
        problems: &[400, 401, 403, 409, 413, 422, 503],
    },
    Operation {
        method: "post",
        path: "/v1/fabric/shares/rollback",
        id: "takeSharesBack",
        tag: "fabric",
        summary: "Puts the shares of before in force again",
        access: ADMINS,
        takes: &["wait", "timeoutMs", "receipt"],
        bodies: &[(JSON, "SharesBack")],
        answers: SHARES_PROPOSED,
        problems: &[400, 401, 403, 409, 413, 422, 503],
    },
    Operation {
        method: "post",
        path: "/fabric/act",
        id: "actOnFabric",
        tag: "fabric",
        summary: "Drains a cloud or ends its drain: the forms of the page Fabric",
        access: ADMINS,
        bodies: &[("application/x-www-form-urlencoded", "FabricAct")],
        answers: &[(303, "Back to the page, which says what was wrong", "", "text/html")],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
];

fn mode() -> Value {
    json!({
        "type": "string", "enum": ["normal", "degraded", "critical", "panic", "fail_static"],
        "description": "fail_static: this cloud hears no majority and changes nothing"
    })
}

fn seen() -> Value {
    json!({ "type": "string", "enum": ["unknown", "up", "down"] })
}

fn number() -> Value {
    json!({ "type": "number" })
}

fn per_cloud(of: &Value) -> Value {
    json!({
        "type": "object", "required": ["gcp", "aws", "azure"],
        "properties": { "gcp": of, "aws": of, "azure": of }
    })
}

/// By name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let verbs = ["drain", "restore", "share", "unshare"];
    let verb = json!({ "type": "string", "enum": verbs });
    let act = json!({
        "act": verb, "cloud": cloud(), "reason": text(), "gcp": text(), "aws": text(), "azure": text(),
        "version": count()
    });
    let order = json!({ "cloud": cloud(), "drained": flag(), "reason": text() });
    let mut schemas = vec![
        ("FabricState", of_state()),
        ("DrainOrder", shape(order, &[])),
        ("Publishers", shape(json!({ "items": publishers() }), &[])),
        ("FabricAct", shape(act, &["cloud", "reason", "gcp", "aws", "azure", "version"])),
    ];
    schemas.extend(of_answers());
    schemas.extend(of_shares());
    schemas
}

fn of_state() -> Value {
    let observer = shape(
        json!({
            "counts": flag(), "ageMs": count(), "sees": per_cloud(&seen()),
            "failures": per_cloud(&count()), "rttMs": per_cloud(&or_null(&number()))
        }),
        &[],
    );
    let state = json!({
        "cloud": cloud(), "at": time(), "mode": mode(), "name": text(), "zone": text(),
        "policy": { "type": "string", "enum": ["basic", "balanced"] }, "ttlS": count(),
        "bound": { "type": "object", "description": "Longest time at a dead cloud, in seconds" },
        "observers": per_cloud(&or_null(&observer)),
        "clouds": per_cloud(&json!({ "type": "object" })),
        "regions": objects(),
        "shares": {
            "type": "object",
            "description": "Shares of the traffic: version, as decided, as far as they can be kept, \
                            whose share asks for more than it takes, since when and by which proposal, \
                            the last changes (version, at, eventId, proposalId, before, after, \
                            proposedBy, approvedBy, reason), and the proposal that waits"
        },
        "version": count(), "switches": objects(),
        "capacity": or_null(&json!({
            "type": "object",
            "description": "Who would take how many requests a second, and what finds no place; \
                            null where no capacity or no demand is configured"
        }))
    });
    shape(state, &[])
}

/// What is said to who asks where clients go, or would go.
fn of_answers() -> Vec<(&'static str, Value)> {
    let selection = json!({
        "cloud": cloud(), "endpoint": or_null(&text()), "ttl": count(), "region": text(),
        "mode": mode(), "reason": text(), "shares": or_null(&json!({ "type": "object" })),
        "spill": or_null(&json!({
            "type": "object",
            "description": "Shares of a region for which not everybody has the room"
        }))
    });
    let reason = json!({
        "name": text(), "region": text(), "cloud": cloud(), "mode": mode(), "at": time(),
        "recorded": flag(), "scope": or_null(&count()),
        "dealt": {
            "type": "object",
            "description": "Where shares deal the client's network: network, cloud whose share it \
                            falls into, and the shares"
        }
    });
    let preview = json!({
        "cloud": cloud(), "drained": flag(), "at": time(), "moves": objects(),
        "picks": { "type": "object", "additionalProperties": cloud() },
        "spills": { "type": "object", "description": "By region for which not everybody has room" },
        "shares": or_null(&json!({ "type": "object" })),
        "sharesNow": or_null(&json!({ "type": "object" })),
        "networksMoved": or_null(&json!({
            "type": "number",
            "description": "0 to 1; null where shares do not deal networks both now and then"
        })),
        "warnings": over()
    });
    vec![
        ("FabricSelection", shape(selection, &[])),
        ("FabricReason", shape(reason, &["dealt"])),
        ("DrainPreview", shape(preview, &[])),
    ]
}

fn of_shares() -> Vec<(&'static str, Value)> {
    let shares = json!({
        "type": "object", "additionalProperties": { "type": "string", "examples": ["0.5"] },
        "description": "By cloud, summing to 1; empty: distance and load decide"
    });
    let preview = json!({
        "at": time(), "shares": shares, "kept": or_null(&json!({ "type": "object" })),
        "spills": { "type": "object", "description": "By region for which not everybody has room" },
        "warnings": over()
    });
    vec![
        ("SharesOrder", shape(json!({ "shares": shares, "reason": text() }), &[])),
        ("SharesBack", shape(json!({ "reason": text(), "version": count() }), &["version"])),
        (
            "SharesProposed",
            shape(
                json!({ "proposalId": uuid(), "warnings": over(), "decision": { "type": "object" } }),
                &["warnings"],
            ),
        ),
        ("SharesPreview", shape(preview, &[])),
    ]
}

/// Clouds whose share asks for more than they take. People decide: it keeps nobody from proposing.
pub(super) fn over() -> Value {
    let one = shape(
        json!({
            "code": { "type": "string", "enum": ["over_capacity"] }, "cloud": cloud(),
            "askedPerS": number(), "takesPerS": number(), "capacityPerS": number(), "detail": text()
        }),
        &[],
    );
    json!({ "type": "array", "items": one })
}

fn publishers() -> Value {
    let lines = json!({ "type": "array", "items": text() });
    let writer = shape(json!({ "token": count(), "cloud": or_null(&cloud()) }), &[]);
    let item = shape(
        json!({
            "publisher": { "type": "string", "enum": ["route53", "cloudflare", "cloudflare-balancer"] },
            "place": text(),
            "onDrift": { "type": "string", "enum": ["report", "apply"] }, "dryRun": flag(),
            "dealsByWeight": flag(),
            "readAt": or_null(&time()), "wroteAt": or_null(&time()), "writer": or_null(&writer),
            "waiting": lines, "drift": lines, "halfWritten": flag(), "problem": or_null(&text()),
            "refused": flag(), "nextTryAt": or_null(&time())
        }),
        &[],
    );
    json!({ "type": "array", "items": item })
}

fn objects() -> Value {
    json!({ "type": "array", "items": { "type": "object" } })
}

pub(super) fn example(schema: &str) -> Option<Value> {
    (schema == "DrainOrder").then(
        || json!({ "cloud": "azure", "drained": true, "reason": "A new kernel on every machine" }),
    )
}
