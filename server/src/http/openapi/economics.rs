//! What would be, and scenarios that are kept.

use serde_json::{Value, json};

use super::operations::{Access, BASE, CURIOUS, JSON, Operation};
use super::reference;
use super::schemas::{count, flag, or_null, shape, text, time, uuid};

const PLANNERS: Access = Access::Role("controllers and admins");
const DECIDED: &[(u16, &str, &str, &str)] = &[
    (201, "Recorded", "ScenarioDecided", JSON),
    (202, "Recorded, and not final in time", "ScenarioDecided", JSON),
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: "post",
        path: "/v1/economics/simulate",
        id: "simulate",
        tag: "economics",
        summary: "Margins and profits of final usage under up to five scenarios, beside the base, each \
                  figure with its standard error; what has no price is listed and left out. Closing \
                  the connection stops it",
        access: CURIOUS,
        bodies: &[(JSON, "Simulate")],
        answers: &[(200, "The base, and each scenario on the same draws", "Simulation", JSON)],
        problems: &[400, 401, 403, 413, 422, 503],
        ..BASE
    },
    Operation {
        path: "/v1/economics/inputs",
        id: "economicsInputs",
        tag: "economics",
        summary: "What a what-if begins with: priced usage by tenant, provider and region, promises of \
                  tiers, and where each comes from. `ternion simulate` and the browser compute from it \
                  what simulate answers, to the bit",
        access: CURIOUS,
        takes: &["from", "to", "pricesAsOf"],
        answers: &[(200, "The usage of the window, priced", "EconomicsInputs", JSON)],
        problems: &[400, 401, 403, 422, 503],
        ..BASE
    },
    Operation {
        path: "/v1/economics/export",
        id: "exportScenario",
        tag: "economics",
        summary: "The page Scenarios as a file: its address's levers, all tenants",
        access: CURIOUS,
        takes: &["format"],
        answers: &[
            (200, "A row a tenant's place", "", "text/csv"),
            (200, "The whole answer", "Simulation", JSON),
        ],
        problems: &[400, 401, 403, 422, 503],
        ..BASE
    },
    Operation {
        path: "/v1/scenarios",
        id: "listScenarios",
        tag: "economics",
        summary: "The newest version of every scenario that is kept",
        access: CURIOUS,
        answers: &[(200, "All of them", "ScenarioList", JSON)],
        problems: &[401, 403],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/scenarios",
        id: "createScenario",
        tag: "economics",
        summary: "Keeps a scenario; it is there once its event is final",
        access: PLANNERS,
        takes: &["wait", "timeoutMs"],
        bodies: &[(JSON, "ScenarioDraft")],
        answers: DECIDED,
        problems: &[400, 401, 403, 409, 413, 422, 503],
    },
    Operation {
        path: "/v1/scenarios/{scenario_id}",
        id: "readScenario",
        tag: "economics",
        summary: "A scenario with all its versions",
        access: CURIOUS,
        answers: &[(200, "The newest version, and who saved which", "Scenario", JSON)],
        problems: &[401, 403, 404, 503],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/scenarios/{scenario_id}",
        id: "replaceScenario",
        tag: "economics",
        summary: "A new version; version says which one it replaces",
        access: PLANNERS,
        takes: &["wait", "timeoutMs"],
        bodies: &[(JSON, "ScenarioDraft")],
        answers: DECIDED,
        problems: &[400, 401, 403, 404, 409, 413, 422, 503],
    },
    Operation {
        method: "post",
        path: "/v1/scenarios/{scenario_id}/promote",
        id: "promoteScenario",
        tag: "economics",
        summary: "Makes a version a proposal of routing weights and price changes; it changes nothing \
                  by itself. Each is opened as a proposal of its own: one a tenant, one for the traffic",
        access: PLANNERS,
        takes: &["wait", "timeoutMs"],
        bodies: &[(JSON, "ScenarioProposal")],
        answers: DECIDED,
        problems: &[400, 401, 403, 404, 409, 413, 422, 503],
    },
    Operation {
        method: "post",
        path: "/scenarios/act",
        id: "actOnScenario",
        tag: "economics",
        summary: "Keeps or promotes: the forms of the page Scenarios",
        access: PLANNERS,
        bodies: &[("application/x-www-form-urlencoded", "ScenarioAct")],
        answers: &[(303, "Back to the page, which says what was wrong", "", "text/html")],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
];

fn inputs() -> Value {
    let place = json!({
        "tenantId": text(), "tier": text(), "provider": text(), "region": text(),
        "tokens": decimal(), "revenueUsd": decimal(), "costUsd": decimal()
    });
    let band = shape(json!({ "minUptimePct": decimal(), "credit": decimal() }), &[]);
    let tier = json!({ "latencyP99Ms": or_null(&count()), "uptime": list(&band) });
    let took = json!({
        "type": "array", "items": list(&count()),
        "description": "Pairs of microseconds from which on, and requests: see latency.put"
    });
    let timed = json!({ "provider": text(), "region": text(), "took": took });
    let sampled = json!({
        "provider": text(), "region": or_null(&text()), "source": text(), "asOf": time(),
        "took": took
    });
    let served = json!({ "requests": count(), "failed": count() });
    let whole = json!({
        "usage": list(&shape(place, &[])), "tiers": by_name(&shape(tier, &[])),
        "latencyMeanS": by_name(&or_null(&number())), "latencies": list(&shape(timed, &[])),
        "samples": list(&shape(sampled, &[])), "served": by_name(&shape(served, &[])),
        "sources": { "type": "object" }
    });
    shape(whole, &[])
}

fn by_name(of: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": of })
}

fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn number() -> Value {
    json!({ "type": "number" })
}

/// A relative change or a share, as a decimal text.
fn decimal() -> Value {
    json!({ "type": "string", "examples": ["0.3"] })
}

fn changes() -> Value {
    json!({
        "type": "object", "additionalProperties": false,
        "description": "Relative: 0.3 is +30 %. cost by provider, latency by region, price, usage \
                        and latencyPenalty (the share owed for certain) by tier. tenantPrice: one \
                        tenant's price by its id, upon what its tier's does. routing: shares of every \
                        tenant's traffic by provider, which sum to 1",
        "properties": {
            "cost": by_name(&decimal()), "latency": by_name(&decimal()),
            "price": by_name(&decimal()), "tenantPrice": by_name(&decimal()),
            "usage": by_name(&decimal()),
            "latencyPenalty": by_name(&decimal()), "routing": by_name(&decimal())
        }
    })
}

fn question() -> Vec<(&'static str, Value)> {
    let scenario = shape(json!({ "name": text(), "changes": changes() }), &["changes"]);
    let band = shape(json!({ "minUptimePct": decimal(), "credit": decimal() }), &[]);
    let numbers = [
        "costSigma",
        "usageSigma",
        "latencySigma",
        "elasticity",
        "elasticitySigma",
        "downtimeMedian",
        "downtimeSigma",
        "latencyMeanS",
        "latencyP99OverP50",
        "horizonYears",
    ];
    let mut assumptions: Value = numbers
        .iter()
        .map(|name| ((*name).to_owned(), number()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assumptions["attainment"] = list(&band);
    assumptions["shared"] = flag();
    let simulate = json!({
        "from": or_null(&time()), "to": or_null(&time()), "pricesAsOf": or_null(&time()),
        "seed": { "type": "string", "description": "0 to 2^64 - 1; the same seed gives the same figures" },
        "draws": { "type": "integer", "minimum": 100, "maximum": 1_000_000, "default": 10_000 },
        "floor": decimal(),
        "scenarios": { "type": "array", "maxItems": domain::economics::study::SCENARIOS_MAX, "items": scenario },
        "assumptions": reference("Assumptions")
    });
    let all = ["from", "to", "pricesAsOf", "seed", "draws", "floor", "scenarios", "assumptions"];
    let optional: Vec<&str> = numbers.into_iter().chain(["attainment", "shared"]).collect();
    vec![("Simulate", shape(simulate, &all)), ("Assumptions", shape(assumptions, &optional))]
}

fn answer() -> Vec<(&'static str, Value)> {
    let figure = shape(json!({ "value": number(), "standardError": or_null(&number()) }), &[]);
    let histogram =
        shape(json!({ "low": number(), "high": number(), "counts": list(&count()) }), &[]);
    let distribution = json!({
        "p5": figure, "p50": figure, "p95": figure, "mean": figure, "belowFloor": figure,
        "histogram": histogram
    });
    let totals = json!({
        "revenueUsd": decimal(), "costUsd": decimal(), "penaltyUsd": decimal(),
        "profitUsd": decimal(), "margin": or_null(&decimal())
    });
    let groups = || by_name(&reference("Totals"));
    let exact = json!({
        "p5": number(), "p50": number(), "p95": number(), "mean": number(), "belowFloor": number()
    });
    let tenant = json!({
        "tenantId": text(), "tier": text(), "provider": text(), "region": text(),
        "margin": or_null(&shape(exact, &[])), "profitUsd": reference("Distribution"),
        "statement": reference("Totals")
    });
    let break_even = json!({ "costChange": or_null(&decimal()), "sentence": text() });
    let anything = || json!({ "type": "object" });
    let results = json!({
        "profitUsd": reference("Distribution"), "margin": or_null(&reference("Distribution")),
        "tornado": anything(), "statement": reference("Totals"), "byTier": groups(),
        "byProvider": groups(), "byRegion": groups(), "breakEven": shape(break_even, &[]),
        "tenants": list(&shape(tenant, &[]))
    });
    let compared = json!({
        "name": text(), "changes": changes(), "results": reference("SimulationResults"),
        "bridge": anything()
    });
    let excluded = json!({
        "reason": { "type": "string", "enum": ["noProviderPrice", "noTierPrice", "unknownTenant"] },
        "provider": text(), "model": text(), "tenants": list(&text()), "requests": count(),
        "inputTokens": count(), "outputTokens": count()
    });
    let place = json!({
        "basis": { "type": "string", "enum": ["measured", "fitted", "mean", "assumed"] },
        "of": or_null(&latency_of()), "requests": or_null(&count()), "stalled": count(),
        "p50S": number(), "p99S": number()
    });
    let latency = json!({
        "meanS": number(), "assumed": flag(), "providers": by_name(&shape(place, &[]))
    });
    let provenance = json!({
        "usageRows": count(), "usageFrom": or_null(&time()), "usageThrough": or_null(&time()),
        "priceMapAsOf": time(), "pricesAsOf": time(), "inexactRows": count(), "jumps": anything(),
        "latency": by_name(&shape(latency, &[])), "excluded": list(&shape(excluded, &[]))
    });
    let simulation = json!({
        "generator": text(), "seed": text(), "draws": count(), "floor": decimal(),
        "provenance": shape(provenance, &[]), "assumptions": reference("Assumptions"),
        "warnings": list(&text()), "base": reference("SimulationResults"),
        "scenarios": list(&shape(compared, &[]))
    });
    vec![
        ("Distribution", shape(distribution, &["belowFloor", "histogram"])),
        ("Totals", shape(totals, &[])),
        ("SimulationResults", shape(results, &[])),
        ("Simulation", shape(simulation, &[])),
    ]
}

/// Whose latencies stand for a place.
fn latency_of() -> Value {
    let whose = json!({
        "kind": { "type": "string", "enum": ["requests", "samples", "region"] },
        "source": text(), "asOf": time()
    });
    shape(whose, &["source", "asOf"])
}

fn act() -> Value {
    let act = json!({
        "act": { "type": "string", "enum": ["save", "promote"] },
        "search": { "type": "string", "description": "The page's query string: where levers stand" },
        "id": text(), "version": count(), "as": { "type": "string", "enum": ["new", "version"] },
        "name": text(), "notes": text(), "reason": text(), "gcp": text(), "aws": text(), "azure": text(),
        "standing": text()
    });
    let optional = [
        "search", "id", "version", "as", "name", "notes", "reason", "gcp", "aws", "azure",
        "standing",
    ];
    shape(act, &optional)
}

fn kept() -> Vec<(&'static str, Value)> {
    let decision = || shape(json!({ "eventId": uuid(), "slot": reference("Slot") }), &[]);
    let draft = json!({
        "name": text(), "notes": text(), "request": reference("Simulate"), "version": count(),
        "standing": { "type": "boolean", "default": false }
    });
    let proposal = json!({
        "version": count(), "reason": text(), "routingWeights": by_name(&decimal()),
        "priceChanges": by_name(&decimal()), "tenantPriceChanges": by_name(&decimal())
    });
    let version = json!({
        "version": count(), "name": text(), "author": or_null(&text()), "decision": decision()
    });
    let scenario = json!({
        "scenarioId": uuid(), "version": count(), "name": text(), "notes": text(),
        "request": reference("Simulate"), "standing": { "type": "boolean" },
        "author": or_null(&text()), "decision": decision(),
        "promotion": or_null(&json!({ "type": "object" })), "versions": list(&shape(version, &[]))
    });
    let items = json!({ "items": list(&reference("Scenario")), "nextCursor": { "type": "null" } });
    let opened = json!({ "type": "array", "items": { "type": "object" } });
    let decided = json!({
        "scenarioId": uuid(), "version": count(), "decision": { "type": "object" },
        "proposals": opened
    });
    vec![
        ("ScenarioAct", act()),
        ("ScenarioDraft", shape(draft, &["notes", "version", "standing"])),
        (
            "ScenarioProposal",
            shape(proposal, &["routingWeights", "priceChanges", "tenantPriceChanges"]),
        ),
        ("Scenario", shape(scenario, &["notes", "versions", "standing"])),
        ("EconomicsInputs", inputs()),
        ("ScenarioList", shape(items, &[])),
        ("ScenarioDecided", shape(decided, &["proposals"])),
    ]
}

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    [question(), answer(), kept()].concat()
}

/// Example bodies.
pub(super) fn example(schema: &str) -> Option<Value> {
    let request = || {
        json!({ "seed": "1", "scenarios": [
            { "name": "Azure raises cost 30 %", "changes": { "cost": { "azure": "0.3" } } }
        ] })
    };
    match schema {
        "Simulate" => Some(request()),
        "ScenarioDraft" => Some(json!({ "name": "Azure +30 %", "request": request() })),
        "ScenarioProposal" => Some(json!({
            "version": 1, "reason": "Azure is no longer the cheapest",
            "routingWeights": { "gcp": "0.6", "aws": "0.4" }
        })),
        _ => None,
    }
}
