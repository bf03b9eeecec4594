//! Kinds about where clients are sent.

use serde_json::{Value, json};

use super::{Kind, decider, object, text};

pub(super) fn all() -> Vec<Kind> {
    vec![switch(), drain(), latency()]
}

fn cloud() -> Value {
    json!({ "type": "string", "enum": ["gcp", "aws", "azure"] })
}

fn per_cloud(of: &Value) -> Value {
    json!({
        "type": "object", "required": ["gcp", "aws", "azure"], "additionalProperties": false,
        "properties": { "gcp": of, "aws": of, "azure": of }
    })
}

fn switch() -> Kind {
    let seen = json!({ "type": "string", "enum": ["unknown", "up", "down"] });
    let view = json!({ "oneOf": [per_cloud(&seen), { "type": "null" }] });
    let standing = json!({ "load": 0.21, "damping": 0.0, "heldOut": false, "drained": false });
    let sees = json!({ "gcp": "up", "aws": "up", "azure": "down" });
    Kind {
        name: "routing.switch",
        says: "Traffic moves, or the mode changes. Recorded by the cloud that won the version, with \
               the scores and votes that it rests on; picks says who serves whom from then on.",
        schema: object(
            "routing.switch",
            &["version", "by", "mode", "down", "policy", "votes", "clouds", "moves", "picks"],
            json!({
                "version": { "type": "integer", "minimum": 1 }, "by": cloud(),
                "mode": {
                    "type": "string",
                    "enum": ["normal", "degraded", "critical", "panic", "fail_static"]
                },
                "down": { "type": "array", "items": cloud() },
                "policy": { "type": "string", "enum": ["basic", "balanced"] },
                "votes": per_cloud(&view), "clouds": per_cloud(&json!({ "type": "object" })),
                "moves": { "type": "array", "items": { "type": "object" } },
                "picks": { "type": "object", "additionalProperties": cloud() }
            }),
        ),
        example: json!({
            "kind": "routing.switch", "version": 7, "by": "gcp", "mode": "degraded",
            "down": ["azure"], "policy": "balanced",
            "votes": { "gcp": sees, "aws": sees, "azure": null },
            "clouds": { "gcp": standing, "aws": standing, "azure": standing },
            "moves": [{
                "region": "azure:francecentral", "from": "azure", "to": "aws",
                "why": "incumbentOut", "level": "rules", "scores": { "aws": 27.1, "gcp": 112.2 }
            }],
            "picks": { "azure:francecentral": "aws" }
        }),
    }
}

fn drain() -> Kind {
    Kind {
        name: "routing.drain",
        says: "A cloud is taken out of service, or put back. Its clients go elsewhere while another \
               cloud is up.",
        schema: object(
            "routing.drain",
            &["cloud", "drained", "reason"],
            json!({
                "cloud": cloud(), "drained": { "type": "boolean" },
                "reason": { "type": "string", "minLength": 1, "maxLength": 500 },
                "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "routing.drain", "cloud": "azure", "drained": true,
            "reason": "A new kernel on every machine"
        }),
    }
}

fn latency() -> Kind {
    Kind {
        name: "routing.latency",
        says: "A round trip between two regions, as somebody measured it; sent again it replaces the \
               earlier one.",
        schema: object(
            "routing.latency",
            &["from", "to", "rttMs"],
            json!({
                "from": text(), "to": text(),
                "rttMs": { "type": "number", "minimum": 0, "maximum": 60_000 },
                "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "routing.latency", "from": "aws:eu-north-1", "to": "gcp:us-central1-a",
            "rttMs": 126.556
        }),
    }
}
