//! JSON Schemas of the payloads that the product acts on. What `domain::catalog` accepts is the
//! rule; a test holds each example here against it.

mod anchor;
mod billing;
mod keys;
mod planning;
mod pricing;
mod routing;
mod snapshot;

use serde_json::{Value, json};

/// A kind, its schema and an example.
pub(super) struct Kind {
    pub name: &'static str,
    pub says: &'static str,
    pub schema: Value,
    pub example: Value,
}

fn object(kind: &str, required: &[&str], properties: Value) -> Value {
    let mut properties = properties;
    properties["kind"] = json!({ "type": "string", "const": kind });
    let required: Vec<&str> = ["kind"].into_iter().chain(required.iter().copied()).collect();
    let open = kind == "usage";
    json!({
        "type": "object", "required": required, "properties": properties,
        "additionalProperties": open
    })
}

fn text() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 200 })
}

fn tokens() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": 1_000_000_000 })
}

fn decimal() -> Value {
    json!({ "type": "string", "pattern": r"^\d+(\.\d+)?$" })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn decider() -> Value {
    json!({ "type": "string", "readOnly": true, "description": "Set by the server" })
}

pub(super) fn all() -> Vec<Kind> {
    let kinds =
        vec![usage(), tenant(), tier(), price(), user(), grant(), release(), reject(), resolve()];
    let keys = [keys::begin(), keys::agree(), keys::gone()];
    let audit = [snapshot::attest(), anchor::finished(), anchor::failed()];
    let planning = planning::all().into_iter().chain(billing::all()).chain(routing::all());
    let planning = planning.chain(pricing::all());
    kinds.into_iter().chain(keys).chain(audit).chain(planning).collect()
}

fn usage() -> Kind {
    Kind {
        name: "usage",
        says: "One inference that a tenant is charged for; metered once it is final.",
        schema: object(
            "usage",
            &["provider", "model", "region", "inputTokens", "outputTokens", "requestedAt"],
            json!({
                "provider": text(), "model": text(), "region": text(),
                "inputTokens": tokens(), "outputTokens": tokens(), "cachedTokens": tokens(),
                "latencyMs": { "type": "number", "minimum": 0, "maximum": 86_400_000 },
                "ok": { "type": "boolean" }, "requestedAt": time()
            }),
        ),
        example: json!({
            "kind": "usage", "provider": "vertex", "model": "gemini-2.5-flash",
            "region": "us-central1", "inputTokens": 812, "outputTokens": 164,
            "cachedTokens": 256, "latencyMs": 431.5, "ok": true,
            "requestedAt": "2026-11-22T12:41:06.902Z"
        }),
    }
}

fn tenant() -> Kind {
    Kind {
        name: "tenant.put",
        says: "A tenant, whole: replaces its earlier state.",
        schema: object(
            "tenant.put",
            &["tenantId", "name", "tier", "cloud", "region"],
            json!({
                "tenantId": { "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" },
                "name": text(), "tier": text(),
                "cloud": { "type": "string", "enum": ["gcp", "aws", "azure"] },
                "region": { "type": "string", "pattern": "^[a-z0-9-]{1,40}$" },
                "active": { "type": "boolean", "default": true }, "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "tenant.put", "tenantId": "acme-labs", "name": "Acme Labs", "tier": "gold",
            "cloud": "gcp", "region": "us-central1"
        }),
    }
}

fn tier() -> Kind {
    let band = json!({
        "type": "object", "required": ["minUptimePct", "credit"], "additionalProperties": false,
        "properties": { "minUptimePct": decimal(), "credit": decimal() }
    });
    let sla = json!({
        "type": "object", "required": ["bands"], "additionalProperties": false,
        "properties": {
            "bands": {
                "type": "array", "items": band,
                "description": "From the best to the worst: minUptimePct falls, the last is 0"
            },
            "latencyP99Ms": { "type": "integer", "minimum": 0 }
        }
    });
    Kind {
        name: "tier.put",
        says: "A tier with its service level: what is owed when a month's uptime falls short.",
        schema: object(
            "tier.put",
            &["tier", "name", "sla"],
            json!({ "tier": text(), "name": text(), "sla": sla, "decidedBy": decider() }),
        ),
        example: json!({
            "kind": "tier.put", "tier": "gold", "name": "Gold",
            "sla": {
                "bands": [
                    { "minUptimePct": "99.9", "credit": "0" },
                    { "minUptimePct": "99.0", "credit": "0.10" },
                    { "minUptimePct": "0", "credit": "0.25" }
                ],
                "latencyP99Ms": 2_000
            }
        }),
    }
}

fn price() -> Kind {
    Kind {
        name: "price.put",
        says: "The price of a model for a tier from a time on, in US dollars a million tokens.",
        schema: object(
            "price.put",
            &[
                "tier",
                "provider",
                "model",
                "inputUsdPerMillion",
                "outputUsdPerMillion",
                "effectiveFrom",
            ],
            json!({
                "tier": text(), "provider": text(), "model": text(),
                "inputUsdPerMillion": decimal(), "outputUsdPerMillion": decimal(),
                "cachedUsdPerMillion": decimal(), "effectiveFrom": time(), "reason": text(),
                "withdrawn": { "type": "boolean" }, "proposalId": text(), "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "price.put", "tier": "gold", "provider": "vertex", "model": "gemini-2.5-flash",
            "inputUsdPerMillion": "0.36", "outputUsdPerMillion": "3.00",
            "effectiveFrom": "2026-11-01T00:00:00Z"
        }),
    }
}

fn user() -> Kind {
    Kind {
        name: "user.put",
        says: "A person who signs in, or a program with tokens. Passwords never stand in an event.",
        schema: object(
            "user.put",
            &["login", "name", "role"],
            json!({
                "login": text(), "name": text(),
                "role": { "type": "string", "enum": ["controller", "auditor", "admin", "ingest"] },
                "active": { "type": "boolean", "default": true }, "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "user.put", "login": "ada@ternion.example", "name": "Ada Minh", "role": "admin"
        }),
    }
}

fn grant() -> Kind {
    Kind {
        name: "grant.decided",
        says: "What two of three clouds have voted for, where exactly one may win. Recorded by the \
               clouds; the proof is in /v1/grants.",
        schema: object(
            "grant.decided",
            &["resource", "version", "value"],
            json!({
                "resource": super::schemas::resource(),
                "version": { "type": "integer", "minimum": 1, "maximum": 9_007_199_254_740_992_u64 },
                "value": { "type": "object", "description": "At most 4 KiB in RFC 8785 form" }
            }),
        ),
        example: json!({
            "kind": "grant.decided", "resource": "lease/anchor-publisher", "version": 7,
            "value": { "holder": "gcp", "expiresAt": "2026-11-22T12:51:06.902Z" }
        }),
    }
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn reason() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 500 })
}

fn release() -> Kind {
    Kind {
        name: "quarantine.release",
        says: "A held input is recorded again as a new event. Made by POST \
               /v1/quarantine/{held_id}/release; the first decision about an item stands.",
        schema: object(
            "quarantine.release",
            &["itemId", "reason", "newEventId"],
            json!({
                "itemId": uuid(), "reason": reason(), "newEventId": uuid(), "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "quarantine.release", "itemId": "0192f4c1-8b11-7d02-9f6e-55aa01b7c3d4",
            "reason": "The second reading is the right one, says the meter",
            "newEventId": "0192f4c1-9c20-7e15-8a01-6f0d2c4b1e77"
        }),
    }
}

fn reject() -> Kind {
    Kind {
        name: "quarantine.reject",
        says: "A held input stays without effect for ever. Made by POST \
               /v1/quarantine/{held_id}/reject.",
        schema: object(
            "quarantine.reject",
            &["itemId", "reason"],
            json!({ "itemId": uuid(), "reason": reason(), "decidedBy": decider() }),
        ),
        example: json!({
            "kind": "quarantine.reject", "itemId": "0192f4c1-8b11-7d02-9f6e-55aa01b7c3d4",
            "reason": "Forged: no such key exists at AWS"
        }),
    }
}

fn resolve() -> Kind {
    let slot = json!({
        "type": "object", "required": ["origin", "epoch", "sequence"],
        "additionalProperties": false,
        "properties": {
            "origin": { "type": "string", "enum": ["gcp", "aws", "azure"] },
            "epoch": { "type": "integer", "minimum": 0 },
            "sequence": { "type": "integer", "minimum": 0 }
        },
        "description": "The place whose contents count; without one, nothing under this id does"
    });
    Kind {
        name: "conflict.resolve",
        says: "Which contents count of those that several clouds recorded under one id. Made by \
               POST /v1/quarantine/{held_id}/release or reject; the first resolution by clock and \
               slot stands, on every cloud.",
        schema: object(
            "conflict.resolve",
            &["tenantId", "eventId", "reason"],
            json!({
                "tenantId": { "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" },
                "eventId": uuid(), "slot": slot, "reason": reason(), "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "conflict.resolve", "tenantId": "acme-labs",
            "eventId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b",
            "slot": { "origin": "gcp", "epoch": 1, "sequence": 204 },
            "reason": "The retry at AWS carried a stale token count"
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::catalog::Known;

    #[test]
    fn every_example_is_accepted_and_every_required_field_is_required() {
        for kind in all() {
            let read = Known::read(&kind.example);
            assert!(matches!(read, Ok(Some(_))), "{}: {read:?}", kind.name);
            let required = kind.schema["required"].as_array().expect("a list");
            for field in required.iter().filter_map(Value::as_str).filter(|name| *name != "kind") {
                let mut without = kind.example.clone();
                without.as_object_mut().expect("an object").remove(field);
                assert!(Known::read(&without).is_err(), "{} without {field}", kind.name);
            }
        }
    }

    #[test]
    fn every_field_of_an_example_is_in_its_schema() {
        for kind in all() {
            for field in kind.example.as_object().expect("an object").keys() {
                assert!(kind.schema["properties"][field].is_object(), "{} {field}", kind.name);
            }
        }
    }
}
