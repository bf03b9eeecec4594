//! The shapes that cross the wire, as JSON Schemas with examples.

mod held;

use domain::evidence::{EVIDENCE_FORMAT, Kind};
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use super::{
    anchors, billing, catalog, economics, fabric, keys, kinds, lab, optimizer, reference, snapshots,
};
use crate::problem::{FieldProblem, Problem};

const EVENT_ID: &str = "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b";
const HASH: &str = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab";
const TIME: &str = "2026-11-22T12:41:06.902Z";

/// By name.
pub(super) fn all() -> Map<String, Value> {
    let mut schemas = Map::new();
    let mut add = |name: &str, schema: Value| drop(schemas.insert(name.to_owned(), schema));
    add("Problem", serde_json::to_value(Problem::schema()).unwrap_or_default());
    add("FieldProblem", serde_json::to_value(FieldProblem::schema()).unwrap_or_default());
    let parts = submissions().into_iter().chain(events()).chain(others());
    let parts = parts
        .chain(catalog::schemas())
        .chain(lab::schemas())
        .chain(held::all())
        .chain(keys::schemas())
        .chain(snapshots::schemas())
        .chain(anchors::schemas())
        .chain(optimizer::schemas());
    for (name, schema) in
        parts.chain(billing::schemas()).chain(economics::schemas()).chain(fabric::schemas())
    {
        add(name, schema);
    }
    for kind in kinds::all() {
        add(&format!("kind.{}", kind.name), kind.schema);
    }
    schemas
}

pub(super) fn example(schema: &str) -> Option<Value> {
    let payload = json!({ "kind": "hello" });
    match schema {
        "EventOrEvents" | "NewEvent" => {
            Some(json!({ "tenantId": "acme-labs", "payload": payload }))
        }
        "CloudEvent" => Some(json!({
            "specversion": "1.0", "id": EVENT_ID, "source": "/meter/7", "type": "hello",
            "subject": "acme-labs", "time": TIME, "data": {}
        })),
        "LabDamage" => Some(json!({ "what": "payload" })),
        "LabDelay" => Some(json!({ "ms": 300 })),
        "ReleaseHeld" => Some(json!({ "reason": "The meter confirms this reading" })),
        "RejectHeld" => Some(json!({ "reason": "Forged" })),
        _ => economics::example(schema)
            .or_else(|| catalog::example(schema))
            .or_else(|| keys::example(schema))
            .or_else(|| snapshots::example(schema))
            .or_else(|| anchors::example(schema))
            .or_else(|| billing::example(schema))
            .or_else(|| fabric::example(schema))
            .or_else(|| optimizer::example(schema)),
    }
}

pub(super) fn problem_example(status: u16) -> Value {
    let (code, title, detail) = match status {
        400 => (
            "malformed",
            "Malformed request",
            "The body is not JSON: expected value at line 1 column 6.",
        ),
        401 => {
            ("unauthenticated", "Sign in first", "Send a bearer token in the Authorization header.")
        }
        403 => ("forbidden", "Not permitted", "The role ingest may not change tenants; admin may."),
        404 => ("not_found", "Not found", "There is nothing at this address; see /docs."),
        409 => (
            "not_final",
            "Not final yet",
            "No second cloud has signed for it yet. Ask again in a moment.",
        ),
        412 => (
            "changed_meanwhile",
            "Changed meanwhile",
            "The tier \"pro\" was changed since: the event 0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b is in force. Read it again.",
        ),
        413 => ("too_large", "Too large", "The body is larger than this cloud takes."),
        415 => ("unsupported_media_type", "Unsupported media type", "Use application/json."),
        422 => ("unknown_tenant", "Unknown tenant", "The tenant \"acme\" is not known here."),
        502 => ("lab_unavailable", "The fault lab does not answer", "It ends with `ternion demo`."),
        _ => (
            "busy",
            "Too busy just now",
            "Nothing was recorded; send it again, or to another cloud.",
        ),
    };
    json!({
        "status": status, "code": code, "title": title, "detail": detail,
        "requestId": "0192f4c1-8b11-7d02-9f6e-55aa01b7c3d4"
    })
}

/// Properties of which all but `optional` are always there.
pub(super) fn shape(properties: Value, optional: &[&str]) -> Value {
    let names = properties.as_object().into_iter().flat_map(Map::keys);
    let required: Vec<&String> = names.filter(|name| !optional.contains(&name.as_str())).collect();
    let required = json!(required);
    let mut shape = json!({ "type": "object", "required": required });
    shape["properties"] = properties;
    shape
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(super) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub(super) fn cloud() -> Value {
    json!({ "type": "string", "enum": ["gcp", "aws", "azure"] })
}

pub(super) fn hash() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$", "examples": [HASH] })
}

pub(super) fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid", "examples": [EVENT_ID] })
}

/// What is granted.
pub(super) fn resource() -> Value {
    let families = domain::grant::Family::ALL.map(domain::grant::Family::name).join("|");
    let most = domain::grant::RESOURCE_NAME_CHARS_MAX;
    json!({
        "type": "string", "pattern": format!("^({families})/[A-Za-z0-9._:/-]{{1,{most}}}$"),
        "examples": ["lease/anchor-publisher"]
    })
}

pub(super) fn flag() -> Value {
    json!({ "type": "boolean" })
}

pub(super) fn or_null(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

pub(super) fn list(of: &str) -> Value {
    json!({ "type": "array", "items": reference(of) })
}

pub(super) fn page(of: &str) -> Value {
    shape(json!({ "items": list(of), "nextCursor": or_null(&text()) }), &[])
}

fn submissions() -> Vec<(&'static str, Value)> {
    let mut event = shape(
        json!({
            "tenantId": text(), "payload": { "type": "object" }, "eventId": uuid(),
            "region": text(), "createdAt": time()
        }),
        &["eventId", "region", "createdAt"],
    );
    event["additionalProperties"] = false.into();
    let cloud_event = shape(
        json!({
            "specversion": { "type": "string", "const": "1.0" }, "id": uuid(), "source": text(), "type": text(),
            "subject": text(), "time": time(), "datacontenttype": text(),
            "data": { "type": "object" }, "region": text()
        }),
        &["time", "datacontenttype", "data", "region"],
    );
    vec![
        ("NewEvent", event),
        ("EventOrEvents", json!({ "oneOf": [reference("NewEvent"), list("NewEvent")] })),
        ("CloudEvent", cloud_event),
        ("CloudEvents", list("CloudEvent")),
    ]
}

/// What the views of an event have in common.
fn event_fields() -> Value {
    json!({
        "eventId": uuid(), "tenantId": text(), "status": reference("Status"), "hash": hash(),
        "originCloud": cloud(), "slot": reference("Slot"), "createdAt": time(),
        "signed": reference("Signed"), "quorumReached": flag(), "replicated": flag()
    })
}

fn event_with(more: &Value, optional: &[&str]) -> Value {
    let mut properties = event_fields();
    for (name, schema) in more.as_object().into_iter().flatten() {
        properties[name] = schema.clone();
    }
    shape(properties, optional)
}

fn events() -> Vec<(&'static str, Value)> {
    let status =
        json!({ "type": "string", "enum": ["PENDING", "FINAL", "QUARANTINED", "DISPUTED"] });
    let recorded = json!({
        "repeat": flag(), "links": { "type": "object" }, "httpStatus": count(),
        "confirmations": reference("Confirmations"), "receipt": reference("Receipt"),
        "warnings": list("Caution")
    });
    let summary = json!({
        "kind": or_null(&text()), "acceptedAt": time(), "timeToFinalMs": or_null(&count())
    });
    let whole = json!({
        "logicalClock": text(), "region": text(), "payload": { "type": "object" },
        "signature": text(), "salt": text(), "payloadHash": hash(), "kind": or_null(&text()),
        "slots": list("Slot"), "links": { "type": "object" }
    });
    let refused = shape(json!({ "httpStatus": count(), "problem": reference("Problem") }), &[]);
    let results = json!({
        "type": "array", "items": { "oneOf": [reference("Recorded"), reference("RefusedItem")] }
    });
    let confirmations = json!({
        "gcp": flag(), "aws": flag(), "azure": flag(), "hash": hash(), "quorumReached": flag(),
        "status": reference("Status"), "replicated": flag()
    });
    let mut pages = page("EventSummary");
    pages["properties"]["previousCursor"] = or_null(&text());
    vec![
        ("Status", status),
        ("Slot", shape(json!({ "origin": cloud(), "epoch": count(), "sequence": count() }), &[])),
        ("Signed", shape(json!({ "gcp": flag(), "aws": flag(), "azure": flag() }), &[])),
        ("Caution", shape(json!({ "code": text(), "detail": text() }), &[])),
        (
            "Recorded",
            event_with(&recorded, &["httpStatus", "confirmations", "receipt", "warnings"]),
        ),
        ("RefusedItem", refused),
        ("RecordedOrResults", json!({ "oneOf": [reference("Recorded"), results] })),
        ("EventSummary", event_with(&summary, &[])),
        ("EventPage", pages),
        ("Event", event_with(&whole, &["payload", "salt"])),
        ("Confirmations", shape(confirmations, &[])),
        ("Receipt", receipt()),
    ]
}

fn receipt() -> Value {
    let event = shape(
        json!({
            "eventId": uuid(), "tenantId": text(), "logicalClock": text(), "region": text(),
            "createdAt": time(), "originCloud": cloud(), "payload": { "type": "object" },
            "salt": text(), "payloadHash": hash(), "hash": hash(), "signature": text()
        }),
        &["payload", "salt"],
    );
    let hashes = json!({ "type": "array", "items": hash() });
    let keys = json!({ "type": "array", "items": text() });
    shape(
        json!({
            "format": { "type": "string", "const": domain::receipt::RECEIPT_FORMAT }, "event": event,
            "slot": reference("Slot"), "proof": hashes, "checkpoint": text(), "keys": keys
        }),
        &[],
    )
}

fn evidence_kind() -> Value {
    json!({ "type": "string", "enum": Kind::ALL.map(Kind::name) })
}

fn evidence_row() -> Value {
    let log = shape(json!({ "origin": cloud(), "epoch": count() }), &[]);
    let role = json!({ "type": "string", "enum": ["log", "cosigner"] });
    shape(
        json!({
            "id": hash(), "kind": evidence_kind(), "cloud": cloud(), "role": role, "key": text(),
            "log": log, "sizes": { "type": "array", "items": count(), "minItems": 2, "maxItems": 2 },
            "foundAt": time(), "source": or_null(&cloud()), "inUse": flag(), "sentence": text()
        }),
        &[],
    )
}

/// Two signed heads of one log, or a signed head and an entry under it.
fn evidence() -> Value {
    let hashes = json!({ "type": "array", "items": hash() });
    let base64 = json!({ "type": "string", "contentEncoding": "base64" });
    let prefix = shape(json!({ "root": hash(), "proof": hashes }), &[]);
    let payload = shape(json!({ "salt": base64, "bytes": base64 }), &[]);
    let format = json!({ "type": "string", "const": EVIDENCE_FORMAT });
    let fork = shape(
        json!({
            "format": format, "kind": { "type": "string", "enum": ["equivocation", "double_cosignature"] },
            "key": text(), "first": text(), "second": text(), "prefix": prefix
        }),
        &["prefix"],
    );
    let entry = shape(
        json!({
            "format": format, "kind": { "type": "string", "const": "bad_entry" }, "key": text(),
            "checkpoint": text(), "index": count(), "proof": hashes, "entry": base64,
            "metadata": base64, "payload": payload
        }),
        &["metadata", "payload"],
    );
    json!({ "oneOf": [fork, entry] })
}

fn others() -> Vec<(&'static str, Value)> {
    let sizes = shape(json!({ "gcp": count(), "aws": count(), "azure": count() }), &[]);
    let log = json!({
        "origin": cloud(), "epoch": count(), "name": text(), "size": count(), "root": hash(),
        "finalSize": count(), "replicatedSize": count(), "signed": sizes, "key": text(),
        "checkpoint": text()
    });
    let decision = shape(json!({ "eventId": uuid(), "slot": reference("Slot") }), &[]);
    let tenant = json!({
        "tenantId": text(), "name": text(), "tier": text(), "cloud": cloud(), "region": text(),
        "active": flag(), "decision": decision
    });
    let usage = json!({
        "tenantId": text(), "provider": text(), "model": text(), "region": text(), "hour": time(),
        "requests": count(), "failed": count(), "inputTokens": count(), "outputTokens": count(),
        "cachedTokens": count(), "timed": count(), "latencyUs": count()
    });
    let health = json!({
        "status": { "type": "string", "enum": ["healthy", "degraded", "unhealthy"] },
        "load": { "type": "number", "minimum": 0, "maximum": 1 },
        "latency": { "type": "number", "minimum": 0, "description": "As latencyP95Ms" },
        "latencyP95Ms": {
            "type": "number", "minimum": 0,
            "description": "Milliseconds that 95 of 100 of this node's last 512 requests took at most"
        },
        "cloud": cloud(), "region": text(), "mode": { "type": "string", "enum": ["normal", "degraded", "critical"] },
        "clouds": { "type": "object" }, "pending": count(), "events": count(), "version": text(),
        "uptimeS": count(), "reason": text()
    });
    let anything = json!({ "type": "array", "items": { "type": "object" } });
    let scrub = json!({
        "logs": anything, "found": count(), "repaired": count(), "open": anything, "findings": anything,
        "acknowledged": shape(json!({ "by": text(), "until": time(), "at": time() }), &[])
    });
    let seen = json!({ "until": time() });
    let grant = json!({
        "resource": resource(), "version": count(), "value": { "type": "object" },
        "valueHash": hash(), "ballot": text(), "signed": reference("Signed"),
        "certificate": text(), "eventId": uuid(), "learntAt": time()
    });
    vec![
        ("Grant", shape(grant, &[])),
        ("GrantPage", page("Grant")),
        ("EvidenceRow", evidence_row()),
        ("EvidencePage", page("EvidenceRow")),
        ("Evidence", evidence()),
        ("Scrub", shape(scrub, &["acknowledged"])),
        ("ScrubSeen", shape(seen, &[])),
        ("Log", shape(log, &[])),
        ("Logs", page("Log")),
        ("TenantInForce", shape(tenant, &[])),
        ("TenantPage", page("TenantInForce")),
        ("UsageRow", shape(usage, &[])),
        ("UsagePage", page("UsageRow")),
        ("Health", shape(health, &["reason"])),
        ("List", shape(json!({ "items": anything, "nextCursor": { "type": "null" } }), &[])),
    ]
}
