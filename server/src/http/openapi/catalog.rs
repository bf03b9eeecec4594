//! Tenants, tiers, prices and metered usage: what can be asked and set, and the shapes.

use serde_json::{Value, json};

use super::operations::{ADMINS, Access, BASE, CURIOUS, JSON, Operation};
use super::reference;
use super::schemas::{cloud, count, flag, or_null, shape, text, time};

const FORM: &str = "application/x-www-form-urlencoded";

/// Sets something whole.
const PUT: Operation = Operation {
    method: "post",
    tag: "catalog",
    access: ADMINS,
    takes: &["If-Match", "If-None-Match", "wait", "timeoutMs", "receipt"],
    answers: &[
        (201, "The decision's event", "Recorded", JSON),
        (202, "Recorded; the wait ran out before it was in force here", "Recorded", JSON),
    ],
    problems: &[400, 401, 403, 412, 422, 503],
    ..BASE
};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/tenants",
        id: "listTenants",
        tag: "catalog",
        summary: "Tenants in force, by id",
        takes: &["cursor", "limit"],
        answers: &[(200, "A page", "TenantPage", JSON)],
        problems: &[400, 401, 403],
        ..BASE
    },
    Operation {
        path: "/v1/tenants",
        id: "putTenant",
        summary: "Adds or replaces a tenant: a decision, in force everywhere once it is final",
        bodies: &[(JSON, "Tenant")],
        ..PUT
    },
    Operation {
        path: "/v1/tenants/{tenant_id}",
        id: "readTenant",
        tag: "catalog",
        summary: "One tenant in force, with an ETag",
        answers: &[(200, "The tenant", "TenantInForce", JSON)],
        problems: &[401, 403, 404],
        ..BASE
    },
    Operation {
        path: "/v1/tenants/{tenant_id}",
        id: "putNamedTenant",
        summary: "Adds or replaces this tenant; the body need not name it",
        bodies: &[(JSON, "Tenant")],
        ..PUT
    },
    Operation {
        path: "/v1/tenants/{tenant_id}/versions",
        id: "listTenantVersions",
        tag: "catalog",
        summary: "Everything that was decided about a tenant, the version in force first",
        answers: &[(200, "All of them, at most 1,000", "List", JSON)],
        problems: &[401, 403, 404],
        ..BASE
    },
    Operation {
        path: "/v1/tiers",
        id: "putTier",
        summary: "Adds or replaces a tier with its service level",
        bodies: &[(JSON, "Tier")],
        ..PUT
    },
    Operation {
        path: "/v1/prices",
        id: "putPrice",
        summary: "A tier's list price of a model from a time on; another for the same time replaces it. \
                  What is odd about it stands in the answer as warnings; what others have to agree to is \
                  refused (409 approval_needed) and proposed at /v1/proposals. While the kill switch is on no \
                  price that counts is changed (409 kill_switch)",
        bodies: &[(JSON, "Price")],
        problems: &[400, 401, 403, 409, 412, 422, 503],
        ..PUT
    },
    Operation {
        path: "/v1/prices/versions",
        id: "listPriceVersions",
        tag: "catalog",
        summary: "Everything that was recorded as a tier's list price of a model, the newest first: what \
                  was replaced or withdrawn as well, with why",
        takes: &["tier", "provider", "model"],
        answers: &[(200, "All of them, at most 1,000", "List", JSON)],
        problems: &[400, 401, 403, 404],
        ..BASE
    },
    Operation {
        path: "/v1/prices/preview",
        id: "previewPrice",
        tag: "catalog",
        summary: "What a list price would change: charges of the past, bills and margins of the tier's \
                  tenants, and what is odd about it. Nothing is recorded",
        access: CURIOUS,
        takes: &["tier", "provider", "model", "input", "output", "cached", "from"],
        answers: &[(200, "What it would change", "PricePreview", JSON)],
        problems: &[400, 401, 403, 422, 503],
        ..BASE
    },
    Operation {
        path: "/v1/tiers",
        id: "listTiers",
        tag: "catalog",
        summary: "Tiers in force, with their service levels",
        answers: &[(200, "All of them", "List", JSON)],
        problems: &[401, 403],
        ..BASE
    },
    Operation {
        path: "/v1/prices",
        id: "listPrices",
        tag: "catalog",
        summary: "Prices by tier, provider, model and the time from which they apply",
        answers: &[(200, "All of them", "List", JSON)],
        problems: &[401, 403],
        ..BASE
    },
    Operation {
        path: "/v1/usage",
        id: "listUsage",
        tag: "catalog",
        summary: "Metered usage of final events by tenant, hour, provider, model and region",
        access: CURIOUS,
        takes: &["tenant", "from", "to", "provider", "model", "region", "cursor", "limit"],
        answers: &[(200, "A page", "UsagePage", JSON)],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/tenants/act",
        id: "actOnTenants",
        tag: "catalog",
        summary: "Sets a tenant or tier, or proposes a contract: the forms of the pages Tenants and \
                  Tiers",
        access: Access::Role("admins; contracts: controllers, too"),
        bodies: &[(FORM, "TenantAct")],
        answers: &[(303, "To what it is about, which says what was wrong", "", "text/html")],
        problems: &[400, 401, 503],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/tenants/price/act",
        id: "actOnListPrice",
        tag: "catalog",
        summary: "Records a list price that was looked at: the form of its preview",
        access: ADMINS,
        bodies: &[(FORM, "PriceAct")],
        answers: &[(
            303,
            "To the tiers, or back to the preview, which says what was wrong",
            "",
            "text/html",
        )],
        problems: &[400, 401, 503],
        ..BASE
    },
];

/// By name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let decimal = || json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?$" });
    let tenant = shape(
        json!({
            "tenantId": text(), "name": text(), "tier": text(), "cloud": cloud(),
            "region": text(), "active": flag()
        }),
        &["active"],
    );
    let band = shape(json!({ "minUptimePct": decimal(), "credit": decimal() }), &[]);
    let bands = json!({
        "type": "array", "items": band,
        "description": "From the best to the worst: minUptimePct falls, the last is 0"
    });
    let latency = json!({ "type": "integer", "minimum": 0, "description": "Milliseconds" });
    let sla = shape(json!({ "bands": bands, "latencyP99Ms": latency }), &["latencyP99Ms"]);
    let tier = shape(json!({ "tier": text(), "name": text(), "sla": sla }), &[]);
    let price = shape(
        json!({
            "tier": text(), "provider": text(), "model": text(),
            "inputUsdPerMillion": decimal(), "outputUsdPerMillion": decimal(),
            "cachedUsdPerMillion": decimal(), "effectiveFrom": time(), "reason": text(),
            "withdrawn": flag(), "proposalId": text()
        }),
        &["cachedUsdPerMillion", "reason", "withdrawn", "proposalId"],
    );
    let act = json!({ "type": "string", "enum": ["tenant", "tier", "contract"] });
    let form = json!({
        "type": "object", "required": ["act"],
        "properties": { "act": act, "seen": text() },
        "additionalProperties": { "type": "string" }
    });
    vec![
        ("Tenant", tenant),
        ("Tier", tier),
        ("Price", price),
        ("TenantAct", form),
        ("PriceAct", price_act()),
        ("PricePreview", preview()),
    ]
}

fn price_act() -> Value {
    let mut fields = json!({});
    for name in ["tier", "provider", "model", "input", "output", "cached", "from"] {
        fields[name] = text();
    }
    for (name, says) in [
        ("seen", "The event that put what counts then as things are; empty: nothing does"),
        ("warned", "Codes of the notable warnings that were shown, with spaces between"),
        ("confirm", "yes: they were read"),
        ("reason", "Why it is changed; a first price needs none"),
        ("withdraw", "yes: it takes a price to come away"),
    ] {
        fields[name] = json!({ "type": "string", "description": says });
    }
    json!({ "type": "object", "properties": fields })
}

/// What a list price would change.
fn preview() -> Value {
    let usd = || json!({ "type": "string", "description": "US dollars" });
    let share = || json!({ "type": ["string", "null"], "description": "A share, such as 0.35" });
    let price = || or_null(&reference("Price"));
    let current = shape(json!({ "price": reference("Price"), "eventId": text() }), &[]);
    let change = shape(
        json!({
            "part": { "type": "string", "enum": ["input", "output", "cached"] },
            "wasUsdPerMillion": or_null(&usd()), "isUsdPerMillion": usd(), "change": share()
        }),
        &[],
    );
    let tenant = shape(
        json!({
            "tenantId": text(), "name": text(), "ofList": text(), "lockedUntil": or_null(&time()),
            "requests": count(), "beforeUsd": or_null(&usd()), "afterUsd": usd(),
            "marginToday": share(), "marginBefore": share(), "marginAfter": share(),
            "marginFloor": text(),
            "fallsBelowFloor": flag()
        }),
        &[],
    );
    let corrected = shape(
        json!({
            "tenantId": text(), "charges": count(), "daysFirst": count(), "beforeUsd": usd(),
            "afterUsd": usd()
        }),
        &[],
    );
    let corrections = shape(
        json!({
            "items": { "type": "array", "items": corrected }, "whole": flag(),
            "closedMonths": { "type": "array", "items": text() }
        }),
        &[],
    );
    let warning = shape(json!({ "code": text(), "detail": text(), "notable": flag() }), &[]);
    shape(
        json!({
            "price": reference("Price"), "current": or_null(&current), "replaces": flag(),
            "before": price(), "until": or_null(&time()), "persons": count(),
            "changes": { "type": "array", "items": change }, "windowDays": count(), "windowTo": time(),
            "tenants": { "type": "array", "items": tenant }, "tenantsLookedAt": flag(),
            "corrections": corrections,
            "warnings": { "type": "array", "items": warning }
        }),
        &[],
    )
}

pub(super) fn example(schema: &str) -> Option<Value> {
    match schema {
        "Tenant" => Some(json!({
            "tenantId": "acme-labs", "name": "Acme Labs", "tier": "gold", "cloud": "gcp",
            "region": "us-central1"
        })),
        "Tier" => Some(json!({
            "tier": "gold", "name": "Gold",
            "sla": {
                "bands": [
                    { "minUptimePct": "99.9", "credit": "0" },
                    { "minUptimePct": "0", "credit": "0.25" }
                ]
            }
        })),
        "Price" => Some(json!({
            "tier": "gold", "provider": "vertex", "model": "gemini-2.5-flash",
            "inputUsdPerMillion": "0.36", "outputUsdPerMillion": "3.00",
            "effectiveFrom": "2026-12-01T00:00:00Z"
        })),
        _ => None,
    }
}
