//! The demonstration's fault lab: what can be done there, and what it answers.

use serde_json::{Value, json};

use super::operations::{ADMINS, BASE, CURIOUS, JSON, Operation};
use super::reference;
use super::schemas::{cloud, count, flag, hash, or_null, shape, text, time, uuid};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/lab/v1/state",
        id: "readLab",
        tag: "lab",
        summary: "Processes, links, what each cloud says, and what was done",
        access: CURIOUS,
        answers: &[(200, "As the supervisor sees it", "LabState", JSON)],
        problems: &[401, 403, 404, 502],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/lab/v1/clouds/{cloud}/{act}",
        id: "actOnCloud",
        tag: "lab",
        summary: "stop, start or pause its process; forge or equivocate in its name. Equivocating takes \
                  {to} for who is shown the second history",
        access: ADMINS,
        answers: &[(
            200,
            "The state; or what each peer answered; or both histories",
            "LabOutcome",
            JSON,
        )],
        problems: &[400, 401, 403, 404, 409, 422, 502],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/lab/v1/clouds/{cloud}/corrupt",
        id: "corruptCloud",
        tag: "lab",
        summary: "Changes stored rows behind the program's back; its scrub finds and repairs them",
        access: ADMINS,
        bodies: &[(JSON, "LabDamage")],
        answers: &[(200, "What was changed", "LabCorruption", JSON)],
        problems: &[400, 401, 403, 404, 409, 422, 502],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/lab/v1/links/{from}/{to}/{act}",
        id: "actOnLink",
        tag: "lab",
        summary: "cut or heal it. Cutting takes {blackHole: true}: connections stay and nothing passes",
        access: ADMINS,
        takes: &["oneWay"],
        answers: &[(200, "Done", "LabState", JSON)],
        problems: &[400, 401, 403, 404, 422, 502],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/lab/v1/links/{from}/{to}/delay",
        id: "delayLink",
        tag: "lab",
        summary: "Adds a latency to each way; heal takes it away",
        access: ADMINS,
        takes: &["oneWay"],
        bodies: &[(JSON, "LabDelay")],
        answers: &[(200, "Done", "LabState", JSON)],
        problems: &[400, 401, 403, 404, 422, 502],
    },
    Operation {
        method: "post",
        path: "/lab/v1/traffic",
        id: "switchTraffic",
        tag: "lab",
        summary: "Turns the sample traffic on or off",
        access: ADMINS,
        bodies: &[(JSON, "LabTraffic")],
        answers: &[(200, "Done", "LabState", JSON)],
        problems: &[400, 401, 403, 404, 422, 502],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/lab/act",
        id: "submitLabForm",
        tag: "lab",
        summary: "Any of these: the forms of the page",
        access: ADMINS,
        bodies: &[("application/x-www-form-urlencoded", "LabForm")],
        answers: &[(303, "Done; back to the page", "", "text/html")],
        problems: &[400, 401, 403, 404, 409, 422, 502],
        ..BASE
    },
];

fn choice(of: &[&str]) -> Value {
    json!({ "type": "string", "enum": of })
}

fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn strict(mut shape: Value) -> Value {
    shape["additionalProperties"] = false.into();
    shape
}

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let what = || choice(&["payload", "hash", "row", "tail", "usage"]);
    let verdict = || choice(&["refused", "taken", "noAnswer"]);
    let damage = shape(json!({ "what": what(), "eventId": or_null(&uuid()) }), &["eventId"]);
    let delay =
        json!({ "ms": { "type": "integer", "minimum": 1, "maximum": app::backend::DELAY_MS_MAX } });
    let form = json!({
        "act": choice(&["stop", "start", "pause", "cut", "heal", "delay", "corrupt", "forge", "equivocate"]),
        "cloud": cloud(), "link": text(), "oneWay": text(), "how": choice(&["blackHole"]),
        "ms": count(), "what": what(), "eventId": text(), "fault": text()
    });
    let all_but_act = ["cloud", "link", "oneWay", "how", "ms", "what", "eventId", "fault"];
    let repair =
        shape(json!({ "at": time(), "afterMs": count(), "sentences": list(&text()) }), &[]);
    let corruption = json!({
        "cloud": cloud(), "what": what(), "place": text(), "eventId": text(), "rows": count(),
        "before": text(), "after": text(), "repair": or_null(&repair)
    });
    let attempt = json!({
        "trick": choice(&["madeUpKeys", "changedPayload"]), "to": cloud(), "verdict": verdict(),
        "answer": text()
    });
    let forgery = json!({ "cloud": cloud(), "attempts": list(&shape(attempt, &[])) });
    let branch = shape(json!({ "root": hash(), "eventId": uuid(), "note": text() }), &[]);
    let equivocation = json!({
        "cloud": cloud(), "log": text(), "size": count(), "place": text(), "honest": branch,
        "other": branch, "to": cloud(), "verdict": verdict(), "answer": text()
    });
    let link = json!({
        "from": cloud(), "to": cloud(), "state": choice(&["open", "cut", "blackHole"]),
        "delayMs": count(), "since": time()
    });
    let anything = json!({ "type": "object" });
    let state = json!({
        "clouds": anything, "links": list(&shape(link, &[])), "traffic": flag(), "acts": list(&anything)
    });
    let outcome = ["LabState", "LabForgery", "LabEquivocation"].map(reference);
    vec![
        ("LabDamage", strict(damage)),
        ("LabDelay", strict(shape(delay, &[]))),
        ("LabTraffic", strict(shape(json!({ "on": flag() }), &[]))),
        ("LabForm", shape(form, &all_but_act)),
        ("LabCorruption", shape(corruption, &[])),
        ("LabForgery", shape(forgery, &[])),
        ("LabEquivocation", shape(equivocation, &[])),
        ("LabState", shape(state, &[])),
        ("LabOutcome", json!({ "oneOf": outcome })),
    ]
}
