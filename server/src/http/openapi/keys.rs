//! Keys: what can be asked and done about them, and the shapes.

use domain::epoch::Reason;
use domain::key::KeyRole;
use serde_json::{Value, json};

use super::operations::{ADMINS, BASE, JSON, Operation};
use super::reference;
use super::schemas::{cloud, count, flag, hash, list, or_null, shape, text, time};

/// What a person may give as a reason: that a log was restored, clouds find by themselves.
const GIVEN: [Reason; 4] = [Reason::Rotation, Reason::KeyStolen, Reason::KeyLost, Reason::Faulty];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/keys",
        id: "listKeys",
        tag: "keys",
        summary: "Every cloud's epochs with their keys, and what waits for this cloud's people",
        answers: &[(200, "As this cloud knows it", "Keys", JSON)],
        problems: &[401, 403],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/epochs",
        id: "beginEpoch",
        tag: "keys",
        summary: "Ends this cloud's log where it stands and begins the next with new keys; with \
                  {epoch} a repeat begins no second one",
        access: ADMINS,
        bodies: &[(JSON, "BeginEpoch")],
        answers: &[(201, "Begun: what it waits for, and the decision's event", "KeyDecided", JSON)],
        problems: &[400, 401, 403, 409, 422, 503],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/epochs/{record}/agree",
        id: "agreeToEpoch",
        tag: "keys",
        summary: "Agrees, for this cloud, to another cloud's new epoch whose old key cannot speak for it",
        access: ADMINS,
        bodies: &[(JSON, "AgreeToEpoch")],
        answers: &[(201, "Agreed, and the decision's event", "KeyDecided", JSON)],
        problems: &[400, 401, 403, 404, 409, 422, 503],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/epochs/gone",
        id: "declareGone",
        tag: "keys",
        summary: "Says that a cloud is gone for good, so that a restored log need not wait for it. Two \
                  different admins must; what only that cloud held of this log is lost then",
        access: ADMINS,
        bodies: &[(JSON, "DeclareGone")],
        answers: &[
            (201, "Two have said so: this cloud goes on without it", "KeyDecided", JSON),
            (202, "Noted; a second admin must say the same", "KeyDecided", JSON),
        ],
        problems: &[400, 401, 403, 409, 422],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/keys/act",
        id: "actOnKeys",
        tag: "keys",
        summary: "Begins, agrees or declares: the forms of the page Keys",
        access: ADMINS,
        bodies: &[("application/x-www-form-urlencoded", "KeyAct")],
        answers: &[(303, "Back to the page, which says what was wrong", "", "text/html")],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
];

/// By name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let clouds = json!({
        "gcp": reference("CloudKeys"), "aws": reference("CloudKeys"), "azure": reference("CloudKeys")
    });
    let gone = json!({ "cloud": cloud(), "declaredBy": names() });
    let keys = json!({
        "at": time(), "cloud": cloud(), "genesis": hash(), "clouds": shape(clouds, &[]),
        "requests": list("KeyRequest"), "recovering": flag(), "gone": list("GoneWord")
    });
    vec![
        ("Keys", shape(keys, &[])),
        (
            "CloudKeys",
            shape(json!({ "transport": reference("KeyLine"), "epochs": list("KeyEpoch") }), &[]),
        ),
        ("KeyLine", shape(key(), &[])),
        ("KeyEpoch", shape(epoch(), &[])),
        ("KeyRequest", shape(request(), &[])),
        ("GoneWord", shape(gone, &[])),
        ("KeyDecided", shape(decided(), &["epoch", "declaredBy", "decision"])),
        ("BeginEpoch", begin()),
        ("AgreeToEpoch", shape(json!({ "reason": text() }), &[])),
        ("DeclareGone", shape(json!({ "cloud": cloud(), "reason": text() }), &[])),
        ("KeyAct", act()),
    ]
}

pub(super) fn example(schema: &str) -> Option<Value> {
    match schema {
        "BeginEpoch" => Some(json!({
            "reason": "rotation", "comment": "Yearly, as the policy says", "epoch": 2
        })),
        "AgreeToEpoch" => Some(json!({ "reason": "Ada of AWS told us so by telephone" })),
        "DeclareGone" => Some(json!({ "cloud": "aws", "reason": "The account was closed" })),
        _ => None,
    }
}

fn names() -> Value {
    json!({ "type": "array", "items": text() })
}

fn key() -> Value {
    let roles = KeyRole::ALL.map(KeyRole::name);
    json!({
        "role": { "type": "string", "enum": roles }, "publicKey": text(), "fingerprint": hash(),
        "keyId": or_null(&text())
    })
}

fn epoch() -> Value {
    let states = ["current", "waiting", "closed", "revoked"];
    let answers = ["approves", "waits", "refuses", "silent"];
    let answer = shape(
        json!({
            "cloud": cloud(), "answer": { "type": "string", "enum": answers },
            "why": or_null(&text())
        }),
        &[],
    );
    json!({
        "epoch": count(), "state": { "type": "string", "enum": states },
        "logKey": reference("KeyLine"), "cosignerKey": reference("KeyLine"),
        "since": or_null(&time()), "size": count(), "root": hash(),
        "reason": or_null(&reason(&[Reason::Restored])),
        "approvedBy": { "type": "array", "items": cloud() },
        "answers": { "type": "array", "items": answer }, "record": or_null(&hash()),
        "gone": or_null(&shape(json!({ "cloud": cloud(), "declaredBy": names() }), &[]))
    })
}

fn request() -> Value {
    json!({
        "record": hash(), "origin": cloud(), "epoch": count(), "reason": reason(&[]),
        "closingSize": count(), "closingRoot": hash(), "held": count(),
        "logKey": reference("KeyLine"), "cosignerKey": reference("KeyLine"), "statedAt": time(),
        "askedAt": time(), "agreed": flag()
    })
}

fn decided() -> Value {
    json!({
        "origin": cloud(), "epoch": count(), "declaredBy": names(), "next": text(),
        "decision": reference("Recorded")
    })
}

fn begin() -> Value {
    let mut begin =
        shape(json!({ "reason": reason(&[]), "comment": text(), "epoch": count() }), &["epoch"]);
    begin["properties"]["epoch"]["description"] =
        "The epoch that is to begin. If another one would, nothing is done".into();
    begin
}

fn act() -> Value {
    shape(
        json!({
            "act": { "type": "string", "enum": ["begin", "agree", "gone"] }, "reason": text(),
            "confirmed": text(), "why": reason(&[]), "epoch": count(), "record": hash(),
            "cloud": cloud()
        }),
        &["confirmed", "why", "epoch", "record", "cloud"],
    )
}

/// The reasons that people give, and more.
fn reason(more: &[Reason]) -> Value {
    let all: Vec<Reason> = GIVEN.into_iter().chain(more.iter().copied()).collect();
    json!({ "type": "string", "enum": all })
}
