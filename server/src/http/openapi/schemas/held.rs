//! The shapes of the quarantine.

use domain::quarantine::{Form, Reason, State};
use serde_json::{Value, json};

use super::super::reference;
use super::{count, flag, hash, list, or_null, page, shape, text, time, uuid};

/// By name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let mut pages = page("HeldRow");
    pages["properties"]["beyond"] = list("HeldCount");
    pages["properties"]["at"] = time();
    let counted = json!({
        "source": text(), "reason": reason(), "inputs": count(), "notKept": count(),
        "lastAt": time()
    });
    vec![
        ("HeldRow", shape(row(), &[])),
        ("HeldCount", shape(counted, &[])),
        ("HeldPage", pages),
        ("Held", shape(detail(), &["bytes"])),
        ("HeldContent", shape(content(), &[])),
        ("Decided", decided()),
        ("ReleaseHeld", release()),
        ("RejectHeld", shape(json!({ "reason": text() }), &[])),
        ("HeldAct", act()),
    ]
}

fn reason() -> Value {
    json!({ "type": "string", "enum": Reason::ALL.map(Reason::code) })
}

fn state() -> Value {
    json!({ "type": "string", "enum": State::ALL.map(State::name) })
}

fn row() -> Value {
    json!({
        "id": text(), "state": state(), "reason": reason(), "source": text(),
        "form": { "type": "string", "enum": Form::ALL.map(Form::name) }, "detail": text(),
        "place": or_null(&text()), "tenantId": or_null(&text()), "eventId": or_null(&uuid()),
        "firstAt": time(), "lastAt": time(), "count": count(), "length": or_null(&count()),
        "local": flag()
    })
}

fn content() -> Value {
    json!({
        "title": text(), "eventId": or_null(&uuid()), "tenantId": or_null(&text()),
        "kind": or_null(&text()), "region": or_null(&text()), "logicalClock": or_null(&text()),
        "createdAt": or_null(&time()), "hash": or_null(&hash()),
        "signatureHolds": or_null(&flag()), "payload": or_null(&text()), "recorded": flag(),
        "chosen": flag()
    })
}

fn detail() -> Value {
    let line =
        shape(json!({ "name": text(), "keyId": text(), "verdict": text(), "holds": flag() }), &[]);
    let note = shape(
        json!({
            "text": text(), "lines": { "type": "array", "items": line }, "ours": or_null(&text())
        }),
        &[],
    );
    let decision = shape(
        json!({
            "state": state(), "isFinal": flag(), "by": or_null(&text()), "reason": text(),
            "at": time(), "eventId": uuid(), "newEventId": or_null(&uuid())
        }),
        &[],
    );
    let choice = shape(json!({ "value": text(), "title": text() }), &[]);
    let release = json!({
        "oneOf": [
            shape(json!({
                "possible": { "type": "string", "const": "yes" }, "choices": { "type": "array", "items": choice }
            }), &[]),
            shape(json!({ "possible": { "type": "string", "const": "no" }, "why": text() }), &[])
        ]
    });
    json!({
        "row": reference("HeldRow"), "sha256": or_null(&hash()), "kept": or_null(&count()),
        "hex": or_null(&text()), "came": list("HeldContent"), "more": count(),
        "note": or_null(&note), "stands": list("HeldContent"), "decision": or_null(&decision),
        "release": release, "bytes": text()
    })
}

fn decided() -> Value {
    let recorded = json!({ "decision": reference("Recorded"), "event": reference("Recorded") });
    shape(recorded, &["decision", "event"])
}

fn release() -> Value {
    let mut wish = shape(
        json!({ "reason": text(), "slot": reference("Slot"), "entry": count() }),
        &["slot", "entry"],
    );
    wish["properties"]["slot"] = json!({
        "allOf": [reference("Slot")],
        "description": "For an id in conflict: the place whose contents count"
    });
    wish["properties"]["entry"]["description"] =
        "For a range: the number of the entry, counted from 0".into();
    wish
}

fn act() -> Value {
    shape(
        json!({
            "id": text(), "act": { "type": "string", "enum": ["release", "reject"] },
            "reason": text(), "choice": text(), "confirmed": { "type": "string" }
        }),
        &["choice", "confirmed"],
    )
}
