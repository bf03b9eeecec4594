//! Kinds about prices: what the optimizer says, proposals, and what becomes of them.

use serde_json::{Value, json};

use super::{Kind, decider, object, reason, text, time, uuid};

const PROPOSAL: &str = "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b";
const HASH: &str = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab";

pub(super) fn all() -> Vec<Kind> {
    let proposals = [open(), approve(), reject(), modify(), apply(), stale()];
    let others = [delegate(), withdraw(), switch(), recommend(), run(), foresight()];
    proposals.into_iter().chain(others).collect()
}

fn version() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn hash() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

fn edition() -> Value {
    json!({
        "type": "object", "additionalProperties": false,
        "required": [
            "content", "baseVersion", "policyVersion", "facts", "expiresAt", "reason"
        ],
        "properties": {
            "content": {
                "type": "object",
                "description": "what: controls, with tenantId and controls; or policy, with policy"
            },
            "baseVersion": version(), "policyVersion": version(), "rule": text(),
            "facts": { "type": "object", "additionalProperties": { "type": "string" } },
            "expiresAt": time(), "reason": reason()
        }
    })
}

fn an_edition() -> Value {
    json!({
        "content": {
            "what": "controls", "tenantId": "acme-labs", "controls": { "priceOfList": "1.08" }
        },
        "baseVersion": 0, "policyVersion": 0, "rule": "everybody",
        "facts": { "margin": "0.3333", "costOfList": "0.6667" },
        "expiresAt": "2026-12-03T12:41:06.902Z", "reason": "The margin is below its band"
    })
}

fn open() -> Kind {
    Kind {
        name: "proposal.open",
        says: "Something is proposed: a tenant's controls, or a policy. Recorded by POST /v1/proposals, \
               PUT /v1/policy, a rollback, or the optimizer.",
        schema: object(
            "proposal.open",
            &["proposalId", "grounds", "edition"],
            json!({
                "proposalId": uuid(),
                "grounds": { "type": "string", "enum": [
                    "person", "engine", "automatic", "rollback", "shortfall", "foresight"
                ] },
                "edition": edition(), "decidedBy": decider(),
                "foresight": {
                    "type": "object",
                    "description": "On grounds of foresight: run, shock, request (a body of \
                                    POST /v1/economics/simulate), priceMapAsOf, the figures now, \
                                    stressed and after, and of a price guarded: target, price, \
                                    trail and binding rule of the guardrails"
                }
            }),
        ),
        example: json!({
            "kind": "proposal.open", "proposalId": PROPOSAL, "grounds": "engine",
            "edition": an_edition()
        }),
    }
}

fn about(kind: &'static str, says: &'static str, more: &Value, example: &Value) -> Kind {
    let mut properties = json!({ "proposalId": uuid(), "version": version(), "hash": hash(), "decidedBy": decider() });
    let mut whole = json!({ "kind": kind, "proposalId": PROPOSAL, "version": 1, "hash": HASH });
    let mut required = vec!["proposalId", "version", "hash"];
    for (name, schema) in more.as_object().into_iter().flatten() {
        properties[name] = schema.clone();
    }
    for (name, value) in example.as_object().into_iter().flatten() {
        whole[name] = value.clone();
    }
    for name in ["reason", "edition", "resultVersion", "changed"] {
        if more.get(name).is_some() {
            required.push(name);
        }
    }
    Kind { name: kind, says, schema: object(kind, &required, properties), example: whole }
}

fn approve() -> Kind {
    let says = "A person agrees to a version. Recorded by POST /v1/approvals/{id}/approve.";
    let more = json!({ "onBehalfOf": text() });
    about("proposal.approve", says, &more, &json!({ "decidedBy": "admin@ternion.example" }))
}

fn reject() -> Kind {
    let says = "A person refuses a proposal, for good. Recorded by POST /v1/approvals/{id}/reject.";
    let example =
        json!({ "reason": "Not before the renewal", "decidedBy": "admin@ternion.example" });
    about("proposal.reject", says, &json!({ "reason": reason() }), &example)
}

fn modify() -> Kind {
    let says = "A person makes another version of the one that they saw; its approvals are void.";
    let example = json!({ "edition": an_edition(), "decidedBy": "admin@ternion.example" });
    about("proposal.modify", says, &json!({ "edition": edition() }), &example)
}

fn apply() -> Kind {
    let says = "A version is in force from this event on. Recorded by the cloud that the grant of the \
                version was decided for; without the approvals that it needs it has no effect.";
    about(
        "proposal.apply",
        says,
        &json!({ "resultVersion": version() }),
        &json!({ "resultVersion": 1 }),
    )
}

fn stale() -> Kind {
    let drift = json!({
        "type": "object", "required": ["fact"], "additionalProperties": false,
        "properties": { "fact": text(), "then": {}, "now": {} }
    });
    let example = json!({ "changed": [{ "fact": "margin", "then": "0.3333", "now": "0.41" }] });
    let more = json!({ "changed": { "type": "array", "items": drift } });
    about("proposal.stale", "The facts changed, and nothing was executed.", &more, &example)
}

fn delegate() -> Kind {
    Kind {
        name: "approval.delegate",
        says: "Whoever decided this is away for at most 90 days, and another person approves in their \
               stead. Recorded by POST /v1/approvals/delegations.",
        schema: object(
            "approval.delegate",
            &["to", "from", "until", "reason"],
            json!({
                "to": text(), "from": time(), "until": time(), "reason": reason(),
                "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "approval.delegate", "to": "controller@ternion.example",
            "from": "2026-12-21T00:00:00.000Z", "until": "2027-01-04T00:00:00.000Z",
            "reason": "On leave", "decidedBy": "admin@ternion.example"
        }),
    }
}

fn withdraw() -> Kind {
    Kind {
        name: "approval.withdraw",
        says: "Who gave a delegation takes it back; what was approved before stays approved. Recorded by \
               POST /v1/approvals/delegations/{id}/withdraw.",
        schema: object(
            "approval.withdraw",
            &["delegationId", "reason"],
            json!({ "delegationId": uuid(), "reason": reason(), "decidedBy": decider() }),
        ),
        example: json!({
            "kind": "approval.withdraw", "delegationId": PROPOSAL, "reason": "Back earlier",
            "decidedBy": "admin@ternion.example"
        }),
    }
}

fn switch() -> Kind {
    Kind {
        name: "policy.switch",
        says: "Automatic prices are switched, for all or for a tenant, or everything is stopped. \
               Recorded by PUT /v1/controller-state.",
        schema: object(
            "policy.switch",
            &["switch", "on", "reason"],
            json!({
                "switch": { "type": "string", "enum": ["autoPricing", "killSwitch"] },
                "tenantId": text(), "on": { "type": "boolean" }, "reason": reason(),
                "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "policy.switch", "switch": "killSwitch", "on": true,
            "reason": "Prices look wrong"
        }),
    }
}

fn recommend() -> Kind {
    let figures = json!({
        "tier": "enterprise", "days": 30, "requests": 40, "tokensK": "2500", "revenueUsd": "3",
        "listUsd": "3", "costUsd": "2", "penaltyRate": "0"
    });
    Kind {
        name: "optimizer.recommend",
        says: "What a run of the optimizer says of a tenant: figures, the rules that fired, what could be \
               done with its worth, the price within bounds with its clamp trail, and its backtest.",
        schema: object(
            "optimizer.recommend",
            &["run", "tenantId", "policyVersion", "advice"],
            json!({
                "run": version(), "tenantId": text(), "policyVersion": version(),
                "advice": { "type": "object" }, "proposalId": uuid()
            }),
        ),
        example: json!({
            "kind": "optimizer.recommend", "run": 7, "tenantId": "acme-labs", "policyVersion": 0,
            "advice": {
                "rule": "everybody", "figures": figures, "margin": "0.3333",
                "watch": { "band": "low", "asked": null }, "fired": "suggest_tier_upgrade"
            }
        }),
    }
}

fn foresight() -> Kind {
    let level = json!({ "belowFloor": 0.02, "p50": 0.41 });
    let required = [
        "run",
        "by",
        "policyVersion",
        "usageFrom",
        "usageTo",
        "priceMapAsOf",
        "seed",
        "draws",
        "floor",
        "tenants",
        "scenarios",
        "opened",
    ];
    Kind {
        name: "foresight.run",
        says: "What each standing stress would do: the portfolio's probability to be below its floor now \
               and under it, who falls, which thresholds it breaks and which are broken already, what is proposed against \
               it, and why no traffic is (unmoved).",
        schema: object(
            "foresight.run",
            &required,
            json!({
                "run": version(), "by": { "type": "string", "enum": ["gcp", "aws", "azure"] },
                "policyVersion": version(), "usageFrom": time(), "usageTo": time(),
                "priceMapAsOf": time(), "seed": text(), "draws": version(),
                "floor": { "type": "string" }, "tenants": version(),
                "scenarios": { "type": "array", "items": { "type": "object" } },
                "unasked": version(), "opened": version()
            }),
        ),
        example: json!({
            "kind": "foresight.run", "run": 3, "by": "aws", "policyVersion": 0,
            "usageFrom": "2026-10-27T12:00:00.000Z", "usageTo": "2026-11-26T12:00:00.000Z",
            "priceMapAsOf": "2026-11-12T00:00:00.000Z", "seed": "1", "draws": 2000,
            "floor": "0.35", "tenants": 4, "opened": 1,
            "scenarios": [{
                "shock": { "name": "OpenAI raises cost 30 %", "changes": { "cost": { "azure": "0.3" } } },
                "now": level, "stressed": { "belowFloor": 0.61, "p50": 0.31 },
                "underWater": 1, "fell": 1,
                "tenants": [{
                    "tenantId": "acme-labs", "floor": "0.35", "now": level,
                    "stressed": { "belowFloor": 0.87, "p50": 0.27 }, "exact": true,
                    "proposalId": PROPOSAL
                }],
                "broken": [{ "threshold": "portfolio", "is": 0.61, "max": "0.25" }]
            }]
        }),
    }
}

fn run() -> Kind {
    let counts = ["tenants", "below", "above", "recommended", "opened", "unpriced"];
    let mut properties = json!({
        "run": version(), "by": { "type": "string", "enum": ["gcp", "aws", "azure"] },
        "usageFrom": time(), "usageTo": time(), "policyVersion": version()
    });
    let mut example = json!({
        "kind": "optimizer.run", "run": 7, "by": "gcp", "usageFrom": "2026-10-27T12:00:00.000Z",
        "usageTo": "2026-11-26T12:41:06.902Z", "policyVersion": 0
    });
    for name in counts {
        properties[name] = version();
        example[name] = json!(1);
    }
    let required = ["run", "by", "usageFrom", "usageTo", "policyVersion"];
    let required: Vec<&str> = required.into_iter().chain(counts).collect();
    Kind {
        name: "optimizer.run",
        says: "A run of the optimizer, done by the cloud that the clouds decided on.",
        schema: object("optimizer.run", &required, properties),
        example,
    }
}
