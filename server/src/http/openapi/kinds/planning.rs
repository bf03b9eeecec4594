//! Kinds that what-ifs stand on.

use serde_json::json;

use super::{Kind, decider, decimal, object, reason, text, time, uuid};

pub(super) fn all() -> [Kind; 4] {
    [cost(), latency(), save(), promote()]
}

fn cost() -> Kind {
    let rates = json!({
        "type": "object", "required": ["inputUsdPerToken", "outputUsdPerToken"],
        "additionalProperties": false,
        "properties": {
            "inputUsdPerToken": decimal(), "outputUsdPerToken": decimal(),
            "cachedUsdPerToken": decimal()
        }
    });
    let off_peak = json!({
        "type": "object", "required": ["start", "end", "rates"], "additionalProperties": false,
        "properties": { "start": text(), "end": text(), "rates": rates }
    });
    let price = json!({
        "type": "object", "required": ["rates"], "additionalProperties": false,
        "properties": { "rates": rates, "longContext": rates, "offPeak": off_peak }
    });
    Kind {
        name: "cost.put",
        says: "What a provider takes for a model, as a price map said on a day; other days are kept.",
        schema: object(
            "cost.put",
            &["provider", "model", "price", "asOf"],
            json!({
                "provider": text(), "model": text(), "region": text(), "price": price,
                "asOf": time(), "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "cost.put", "provider": "azure", "model": "gpt-4o-mini",
            "price": { "rates": {
                "inputUsdPerToken": "0.00000015", "outputUsdPerToken": "0.0000006"
            } },
            "asOf": "2026-11-12T00:00:00Z"
        }),
    }
}

fn latency() -> Kind {
    let pair = json!({
        "type": "array", "minItems": 2, "maxItems": 2,
        "items": { "type": "integer", "minimum": 0 }
    });
    Kind {
        name: "latency.put",
        says: "How long a provider's requests were recorded to take; samples of other days are kept. \
               took holds pairs of microseconds from which on, and requests: sixteen equal steps lead \
               from 1024 µs to its double, and so on up to 2^32 µs; 0 is for all that is shorter.",
        schema: object(
            "latency.put",
            &["provider", "source", "asOf", "took"],
            json!({
                "provider": text(), "region": text(), "source": text(), "asOf": time(),
                "took": { "type": "array", "minItems": 1, "items": pair }, "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "latency.put", "provider": "azure", "source": "our own probes",
            "asOf": "2026-11-12T00:00:00Z",
            "took": [[491_520, 12], [524_288, 60], [557_056, 27], [29_360_128, 1]]
        }),
    }
}

fn save() -> Kind {
    Kind {
        name: "scenario.save",
        says: "A version of a scenario. Recorded by POST /v1/scenarios.",
        schema: object(
            "scenario.save",
            &["scenarioId", "version", "name", "request"],
            json!({
                "scenarioId": uuid(), "version": { "type": "integer", "minimum": 1 },
                "name": text(), "notes": { "type": "string", "maxLength": 4_000 },
                "request": { "type": "object" }, "decidedBy": decider(),
                "standing": { "type": "boolean", "default": false }
            }),
        ),
        example: json!({
            "kind": "scenario.save", "scenarioId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b",
            "version": 1, "name": "Azure +30 %", "request": { "scenarios": [] }
        }),
    }
}

fn promote() -> Kind {
    Kind {
        name: "scenario.promote",
        says: "A version of a scenario becomes a proposal. It changes nothing by itself.",
        schema: object(
            "scenario.promote",
            &["scenarioId", "version", "reason"],
            json!({
                "scenarioId": uuid(), "version": { "type": "integer", "minimum": 1 },
                "reason": reason(),
                "routingWeights": { "type": "object", "description": "By cloud; they sum to 1" },
                "priceChanges": { "type": "object", "description": "By tier; 0.05 is +5 %" },
                "tenantPriceChanges": {
                    "type": "object", "description": "By tenant, upon what its tier's price does"
                },
                "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "scenario.promote", "scenarioId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b",
            "version": 1, "reason": "Azure is no longer the cheapest",
            "routingWeights": { "gcp": "0.6", "aws": "0.4" }
        }),
    }
}
