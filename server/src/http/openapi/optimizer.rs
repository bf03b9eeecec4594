//! Margins, recommendations, proposals, approvals, the policy, and what is applied: the shapes.

use domain::pricing::book::Risk;
use serde_json::{Value, json};

use super::fabric::over;
use super::operations::{ADMINS, Access, BASE, CURIOUS, JSON, Operation};
use super::reference;
use super::schemas::{count, flag, hash, or_null, shape, text, time, uuid};

const FORM: &str = "application/x-www-form-urlencoded";
const PROPOSERS: Access = Access::Role("controllers and admins");
const DECIDED: &[(u16, &str, &str, &str)] = &[
    (201, "Recorded, and what all final events make of it", "Proposal", JSON),
    (202, "Recorded; not final here yet, so what is shown is how it was before", "Proposal", JSON),
];
const DELEGATED: &[(u16, &str, &str, &str)] = &[
    (201, "Recorded, and what all final events make of it", "Delegation", JSON),
    (
        202,
        "Recorded; not final here yet, so what is shown is how it was before",
        "Delegation",
        JSON,
    ),
];
const RACES: &[u16] = &[400, 401, 403, 404, 409, 413, 422, 503];
const WAITS: &[&str] = &["wait", "timeoutMs"];

const fn act(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    body: &'static [(&'static str, &'static str)],
) -> Operation {
    Operation {
        method: "post",
        path,
        id,
        tag: "pricing",
        summary,
        access: ADMINS,
        takes: WAITS,
        bodies: body,
        answers: DECIDED,
        problems: RACES,
    }
}

const fn read(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    answers: &'static [(u16, &'static str, &'static str, &'static str)],
) -> Operation {
    Operation {
        path,
        id,
        tag: "pricing",
        summary,
        access: CURIOUS,
        answers,
        problems: &[400, 401, 403, 404, 503],
        ..BASE
    }
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/tenants/{tenant_id}/controls",
        id: "readControls",
        tag: "pricing",
        summary: "What the platform applies to the tenant, from final decisions only; with an ETag, and \
                  a long poll",
        takes: &["waitVersion", "timeoutMs"],
        answers: &[
            (200, "What is in force", "Controls", JSON),
            (304, "As If-None-Match says", "", JSON),
        ],
        problems: &[400, 401, 403, 404, 503],
        ..BASE
    },
    Operation {
        path: "/v1/tenants/{tenant_id}/controls/trail",
        id: "readPriceTrail",
        tag: "pricing",
        summary: "Every event that the tenant's price of now rests on, each with its receipt: a file \
                  for ternion verify",
        answers: &[(200, "The trail", "PriceTrail", JSON)],
        problems: &[401, 403, 404, 409, 503],
        ..BASE
    },
    read(
        "/v1/tenants/{tenant_id}/margin",
        "readMargin",
        "The tenant's margin over the policy's window, at today's prices",
        &[(200, "Figures and margin", "Margin", JSON)],
    ),
    read(
        "/v1/recommendations",
        "listRecommendations",
        "What the optimizer said last of each tenant, and its last run",
        &[(200, "All of them", "Recommendations", JSON)],
    ),
    Operation {
        method: "post",
        path: "/v1/optimizer/run",
        id: "runOptimizer",
        tag: "pricing",
        summary: "Runs the optimizer now, on this cloud, if no run of it or of the standing stresses \
                  is under way",
        access: ADMINS,
        takes: WAITS,
        bodies: &[],
        answers: &[(201, "What the run came to", "OptimizerRun", JSON)],
        problems: &[400, 401, 403, 409, 422, 503],
    },
    read(
        "/v1/foresight",
        "readForesight",
        "What each standing stress would do, as of the last run",
        &[(200, "The last run, and how often it runs", "Foresight", JSON)],
    ),
    Operation {
        method: "post",
        path: "/v1/foresight/run",
        id: "runForesight",
        tag: "pricing",
        summary: "Asks the standing stresses now, on this cloud, if no run of them or of the optimizer \
                  is under way; proposes what would meet them, and applies nothing",
        access: ADMINS,
        takes: WAITS,
        bodies: &[],
        answers: &[(201, "What each stress came to", "ForesightRun", JSON)],
        problems: &[400, 401, 403, 409, 422, 503],
    },
    Operation {
        method: "post",
        path: "/v1/optimizer/rehearse",
        id: "rehearseOptimizer",
        tag: "pricing",
        summary: "Plays the policy in force, or another one, day by day over the recorded usage, with \
                  autonomy on and people who answer by a seed; nothing is recorded of it",
        access: CURIOUS,
        takes: &[],
        bodies: &[(JSON, "Rehearse")],
        answers: &[(200, "What it came to", "Rehearsed", JSON)],
        problems: &[400, 401, 403, 413, 422, 503],
    },
    Operation {
        takes: &["tenant", "standing", "class", "limit"],
        ..read(
            "/v1/proposals",
            "listProposals",
            "Proposals, the newest first",
            &[(200, "A page", "ProposalPage", JSON)],
        )
    },
    Operation {
        access: PROPOSERS,
        ..act(
            "/v1/proposals",
            "propose",
            "Proposes a tenant's price, overage or limits, where what is not named stays; or a tier's list price \
             of a model",
            &[(JSON, "NewProposal")],
        )
    },
    read(
        "/v1/proposals/{proposal_id}",
        "readProposal",
        "One proposal with its facts and its history",
        &[(200, "All of it", "Proposal", JSON)],
    ),
    Operation {
        takes: &["tenant", "standing", "class", "drifted", "limit"],
        ..read(
            "/v1/approvals",
            "listApprovals",
            "Proposals that wait for people, the oldest first; drifted says of each whether its facts changed, \
             and is null for those of which nobody looked",
            &[(200, "A page, and of how many asked for nobody looked", "ApprovalPage", JSON)],
        )
    },
    Operation {
        answers: &[(200, "What became of each, in order", "BulkApproval", JSON)],
        ..act(
            "/v1/approvals/bulk",
            "approveTogether",
            "Agrees to several versions at once, each answered by itself; prices that one person approves, \
             and nothing else",
            &[(JSON, "ManySeen")],
        )
    },
    read(
        "/v1/approvals/delegations",
        "listDelegations",
        "Who approves in whose stead, now or later",
        &[(200, "All that are not over", "DelegationPage", JSON)],
    ),
    Operation {
        answers: DELEGATED,
        ..act(
            "/v1/approvals/delegations",
            "delegate",
            "Has another person approve in one's own stead for a time",
            &[(JSON, "NewDelegation")],
        )
    },
    Operation {
        answers: DELEGATED,
        ..act(
            "/v1/approvals/delegations/{delegation_id}/withdraw",
            "withdrawDelegation",
            "Takes back a delegation of one's own; what was approved before stays approved",
            &[(JSON, "Why")],
        )
    },
    act(
        "/v1/approvals/{proposal_id}/approve",
        "approve",
        "Agrees to the version that was seen; refused to its authors, and if its facts changed",
        &[(JSON, "Seen")],
    ),
    act(
        "/v1/approvals/{proposal_id}/reject",
        "rejectProposal",
        "Refuses it for good, with a reason",
        &[(JSON, "SeenWithReason")],
    ),
    Operation {
        access: PROPOSERS,
        ..act(
            "/v1/approvals/{proposal_id}/modify",
            "modifyProposal",
            "Makes another version, on the facts of now; approvals are void, and its author does not vote",
            &[(JSON, "ModifiedProposal")],
        )
    },
    act(
        "/v1/prices/{tenant_id}/rollback",
        "rollBack",
        "Takes back the last change of the tenant's controls: one person's act",
        &[(JSON, "Rollback")],
    ),
    read(
        "/v1/policy",
        "readPolicy",
        "The policy of prices in force, whole: its standard parts too",
        &[(200, "The policy and its version", "PricingPolicy", JSON)],
    ),
    Operation {
        method: "put",
        access: PROPOSERS,
        ..act(
            "/v1/policy",
            "proposePolicy",
            "Proposes another version of the policy; it takes effect once people have approved it",
            &[(JSON, "NewPolicy")],
        )
    },
    read(
        "/v1/controller-state",
        "readControllerState",
        "Whether automatic prices are on, for all and by tenant, and whether everything is stopped",
        &[(200, "The switches", "ControllerState", JSON)],
    ),
    Operation {
        method: "put",
        answers: &[(200, "The switches as they are now", "ControllerState", JSON)],
        ..act(
            "/v1/controller-state",
            "setControllerState",
            "Switches what is named; the kill switch stops every application on every cloud, and while it \
             is on, another reason is recorded beside the first",
            &[(JSON, "NewControllerState")],
        )
    },
    Operation {
        method: "post",
        path: "/optimizer/act",
        id: "actOnPrices",
        tag: "pricing",
        summary: "The forms of the pages Optimizer and Approvals",
        access: PROPOSERS,
        bodies: &[(FORM, "PricingAct")],
        answers: &[(303, "Back to the page, which says what was wrong", "", "text/html")],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/optimizer/policy/act",
        id: "actOnPolicy",
        tag: "pricing",
        summary: "Proposes another policy: the form of the page Policy",
        access: PROPOSERS,
        bodies: &[(FORM, "PolicyAct")],
        answers: &[(
            303,
            "To the proposal, or back to the page with what was typed",
            "",
            "text/html",
        )],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/approvals/together/act",
        id: "actOnSeveral",
        tag: "pricing",
        summary: "The form that approves several prices at once",
        access: ADMINS,
        bodies: &[(FORM, "SeveralApproved")],
        answers: &[(303, "Back to the page, which says what became of each", "", "text/html")],
        problems: &[400, 401, 403, 422, 503],
        ..BASE
    },
];

/// Its other fields are those of the policy, by their path, such as `rules.0.limits.stepMax`.
fn policy_act() -> Value {
    json!({
        "type": "object", "required": ["version", "reason"],
        "properties": { "version": text(), "reason": text() },
        "additionalProperties": { "type": "string" }
    })
}

fn decimal() -> Value {
    json!({ "type": "string", "pattern": r"^-?\d+(\.\d+)?$" })
}

fn object() -> Value {
    json!({ "type": "object" })
}

fn objects() -> Value {
    json!({ "type": "array", "items": object() })
}

/// What of a tenant can be proposed. Shares of the list price are decimals: 1.08 is 108 %.
fn wished() -> Value {
    json!({
        "priceOfList": decimal(), "overageOfList": decimal(), "concurrency": count(),
        "tokenCap": count()
    })
}

fn with(mut properties: Value, more: &Value) -> Value {
    for (name, schema) in more.as_object().into_iter().flatten() {
        properties[name] = schema.clone();
    }
    properties
}

/// How much it puts at stake.
pub(super) fn class() -> Value {
    json!({ "type": "string", "enum": Risk::ALL.map(Risk::name) })
}

fn proposal() -> Value {
    let properties = json!({
        "proposalId": uuid(), "state": text(), "class": class(), "grounds": text(), "version": count(),
        "hash": hash(), "content": object(), "requester": text(), "editedBy": or_null(&text()),
        "reason": text(), "baseVersion": count(), "policyVersion": count(),
        "rule": or_null(&text()), "openedAt": time(), "expiresAt": time(),
        "approvals": { "type": "array", "items": text() }, "votes": objects(), "quorum": or_null(&count()),
        "resultVersion": or_null(&count()), "changes": objects(), "facts": object(),
        "changed": objects(), "history": objects(), "decision": object(),
        "foresight": object(), "drifted": or_null(&flag()), "drift": objects(), "warnings": over(),
        "bounds": objects(), "notLookedAt": text()
    });
    let whole = ["facts", "changed", "history", "decision", "foresight", "bounds"];
    shape(properties, &[&whole[..], &["drifted", "drift", "warnings", "notLookedAt"]].concat())
}

fn delegation() -> Value {
    let properties = json!({
        "delegationId": uuid(), "person": text(), "delegate": text(), "from": time(),
        "until": time(), "reason": text(), "holds": flag(), "withdrawnAt": or_null(&time()),
        "decision": object()
    });
    let later = ["person", "delegate", "from", "until", "reason", "holds", "withdrawnAt"];
    shape(properties, &[&later[..], &["decision"]].concat())
}

/// By name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let mut all = told();
    all.extend(asked());
    all
}

/// What is answered.
fn told() -> Vec<(&'static str, Value)> {
    let controls = json!({
        "tenantId": text(), "version": count(), "since": or_null(&time()), "price": object(),
        "overage": or_null(&object()), "concurrency": or_null(&count()),
        "tokenCap": or_null(&count()), "decision": or_null(&object())
    });
    let run = json!({
        "run": count(), "by": text(), "usageFrom": time(), "usageTo": time(),
        "policyVersion": count(), "tenants": count(), "below": count(), "above": count(),
        "recommended": count(), "opened": count(), "unpriced": count(), "eventId": uuid()
    });
    let foresight = json!({ "on": flag(), "everyHours": count(), "run": or_null(&object()) });
    let trail = json!({
        "format": text(), "tenantId": text(), "at": time(),
        "receipts": { "type": "array", "items": { "$ref": "#/components/schemas/Receipt" } }
    });
    let margin = json!({
        "tenantId": text(), "from": time(), "to": time(), "margin": or_null(&decimal()),
        "figures": or_null(&object()), "unpriced": flag()
    });
    let page = json!({ "items": objects(), "nextCursor": or_null(&text()) });
    let said = with(page.clone(), &json!({ "run": or_null(&object()) }));
    let waiting = with(page.clone(), &json!({ "notLookedAt": count() }));
    let policy = json!({ "version": count(), "policy": object(), "since": or_null(&object()) });
    vec![
        ("Controls", shape(controls, &[])),
        ("PriceTrail", shape(trail, &[])),
        ("Margin", shape(margin, &[])),
        ("Recommendations", shape(said, &[])),
        ("OptimizerRun", shape(run, &[])),
        ("Foresight", shape(foresight, &[])),
        ("ForesightRun", shape(foresight_run(), &["unasked"])),
        ("Rehearsed", shape(rehearsed(), &["policyVersion"])),
        ("ProposalPage", shape(page.clone(), &[])),
        ("ApprovalPage", shape(waiting, &[])),
        ("Proposal", proposal()),
        ("BulkApproval", json!({ "type": "array", "items": object() })),
        ("Delegation", delegation()),
        ("DelegationPage", shape(page.clone(), &[])),
        ("PricingPolicy", shape(policy, &[])),
        ("ControllerState", shape(switched(), &[])),
    ]
}

fn foresight_run() -> Value {
    json!({
        "run": count(), "by": text(), "policyVersion": count(), "usageFrom": time(),
        "usageTo": time(), "priceMapAsOf": time(), "seed": text(), "draws": count(),
        "floor": decimal(), "tenants": count(), "scenarios": objects(), "unasked": count(),
        "opened": count(), "eventId": uuid()
    })
}

fn rehearsed() -> Value {
    json!({
        "from": time(), "to": time(), "policyVersion": or_null(&count()), "seed": text(),
        "days": count(), "daysMin": count(), "tenants": count(), "looks": count(), "held": count(),
        "automatic": count(), "approved": count(), "rejected": count(), "expired": count(),
        "stale": count(), "takenBack": count(),
        "broken": { "type": "array", "items": text() },
        "profitUsd": { "type": "number" }, "profitWithoutUsd": { "type": "number" }
    })
}

/// As they are set.
fn switches() -> Value {
    let of_tenant = shape(json!({ "autoPricing": flag() }), &[]);
    json!({
        "autoPricing": flag(), "killSwitch": flag(),
        "tenants": { "type": "object", "additionalProperties": of_tenant }
    })
}

/// As they are, with who said so last.
fn switched() -> Value {
    let word = or_null(&shape(
        json!({
            "since": time(), "by": or_null(&text()), "reason": text(),
            "reasonBy": or_null(&text()), "eventId": uuid()
        }),
        &[],
    ));
    let of_tenant = shape(json!({ "autoPricing": flag(), "word": word }), &[]);
    json!({
        "autoPricing": flag(), "autoPricingWord": word, "killSwitch": flag(),
        "killSwitchWord": word,
        "tenants": { "type": "object", "additionalProperties": of_tenant }
    })
}

/// A form of the pages, and its fields: each act has some of them.
fn pricing_form() -> (Value, Vec<&'static str>) {
    let acts = json!([
        "approve",
        "reject",
        "modify",
        "refresh",
        "propose",
        "rollback",
        "run",
        "foresee",
        "kill",
        "auto",
        "tenantAuto",
        "delegate",
        "withdraw"
    ]);
    let fields = [
        "proposal",
        "version",
        "hash",
        "tenant",
        "price",
        "overage",
        "concurrency",
        "cap",
        "reason",
        "password",
        "to",
        "person",
        "delegate",
        "from",
        "until",
        "delegation",
        "confirmed",
    ];
    let mut form = json!({ "act": { "type": "string", "enum": acts } });
    for field in fields {
        form[field] = text();
    }
    (form, fields.to_vec())
}

/// What is sent.
fn asked() -> Vec<(&'static str, Value)> {
    let seen = json!({ "version": count(), "hash": hash() });
    let wish = ["priceOfList", "overageOfList", "concurrency", "tokenCap"];
    let new = with(json!({ "tenantId": text(), "reason": text(), "currency": text() }), &wished());
    let of_list = shape(json!({ "listPrice": reference("Price"), "reason": text() }), &[]);
    let modified = with(with(json!({ "reason": text() }), &seen), &wished());
    let state = with(switches(), &json!({ "reason": text() }));
    let policy = json!({ "policy": object(), "version": count(), "reason": text() });
    let rehearse = json!({ "policy": object(), "days": count(), "seed": text() });
    let one = with(seen.clone(), &json!({ "proposalId": uuid() }));
    let approval = json!({ "password": text(), "onBehalfOf": text() });
    let delegation = json!({ "to": text(), "from": time(), "until": time(), "reason": text() });
    let (form, fields) = pricing_form();
    vec![
        (
            "NewProposal",
            json!({ "anyOf": [shape(new, &[&wish[..], &["currency"]].concat()), of_list] }),
        ),
        ("Seen", shape(with(seen.clone(), &approval), &["password", "onBehalfOf"])),
        (
            "ManySeen",
            json!({ "type": "array", "minItems": 1, "maxItems": 50, "items": shape(one, &[]) }),
        ),
        ("SeveralApproved", shape(json!({ "item": { "type": "array", "items": text() } }), &[])),
        ("NewDelegation", shape(delegation, &["from"])),
        ("Why", shape(json!({ "reason": text() }), &[])),
        ("SeenWithReason", shape(with(seen, &json!({ "reason": text() })), &[])),
        ("ModifiedProposal", shape(modified, &[&wish[..], &["reason"]].concat())),
        ("Rollback", shape(json!({ "reason": text(), "version": count() }), &["version"])),
        ("NewPolicy", shape(policy, &[])),
        ("Rehearse", shape(rehearse, &["policy", "days", "seed"])),
        ("NewControllerState", shape(state, &["autoPricing", "killSwitch", "tenants", "reason"])),
        ("PricingAct", shape(form, &fields)),
        ("PolicyAct", policy_act()),
    ]
}

const HASH: &str = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab";

pub(super) fn example(schema: &str) -> Option<Value> {
    Some(match schema {
        "NewProposal" => json!({
            "tenantId": "acme-labs", "priceOfList": "1.08", "reason": "The margin is below its band"
        }),
        "Seen" => json!({ "version": 1, "hash": HASH }),
        "NewDelegation" => json!({
            "to": "controller@ternion.example", "until": "2027-01-04T00:00:00Z",
            "reason": "On leave"
        }),
        "ManySeen" => json!([{
            "proposalId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b", "version": 1, "hash": HASH
        }]),
        "Why" => json!({ "reason": "Back earlier" }),
        "SeenWithReason" => {
            json!({ "version": 1, "hash": HASH, "reason": "Not before the renewal" })
        }
        "ModifiedProposal" => json!({
            "version": 1, "hash": HASH, "priceOfList": "1.05", "reason": "A smaller step will do"
        }),
        "Rollback" => json!({ "reason": "Usage fell by a third" }),
        "NewPolicy" => json!({
            "version": 0, "reason": "Smaller steps", "policy": {}
        }),
        "NewControllerState" => json!({ "killSwitch": true, "reason": "Prices look wrong" }),
        _ => return None,
    })
}
