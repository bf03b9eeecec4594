//! The billing ledger: what can be asked and done about it, and the shapes.

use serde_json::{Value, json};

use super::operations::{ADMINS, BASE, CURIOUS, JSON, Operation};
use super::reference;
use super::schemas::{count, flag, list, or_null, page, shape, text, time, uuid};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/ledger",
        id: "listBillingEntries",
        tag: "billing",
        summary: "Entries of the billing ledger, each one amount on two accounts, by month, tenant, \
                  day, kind",
        access: CURIOUS,
        takes: &["tenant", "period", "account", "cursor", "limit"],
        answers: &[(200, "A page", "BillingPage", JSON)],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        path: "/v1/ledger/balances",
        id: "readBillingBalances",
        tag: "billing",
        summary: "What each tenant owes for a month, or for all; the trial balance; usage without a \
                  price, which no amount contains",
        access: CURIOUS,
        takes: &["period", "tenant", "cursor", "limit"],
        answers: &[(200, "Tenants in pages, the rest whole", "BillingBalances", JSON)],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        path: "/v1/ledger/export",
        id: "exportBilling",
        tag: "billing",
        summary: "Exactly the filtered entries as a file: format csv, or ndjson with the rows that \
                  snapshots hash",
        access: CURIOUS,
        takes: &["tenant", "period", "account", "format"],
        answers: &[(200, "The file", "", "text/csv")],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/ledger/credits",
        id: "creditTenant",
        tag: "billing",
        summary: "Waives an amount, with a reason; with {eventId} a repeat waives nothing more",
        access: ADMINS,
        takes: &["wait", "timeoutMs"],
        bodies: &[(JSON, "NewCredit")],
        answers: &[
            (200, "A repeat", "BillingDecided", JSON),
            (201, "Recorded", "BillingDecided", JSON),
            (202, "Recorded; the wait for FINAL ran out", "BillingDecided", JSON),
        ],
        problems: &[400, 401, 403, 409, 413, 422, 503],
    },
    Operation {
        method: "post",
        path: "/v1/ledger/close",
        id: "closeMonth",
        tag: "billing",
        summary: "Closes a month that is over: SLA penalties are owed, invoices stand, and what is \
                  found later goes to the next month",
        access: ADMINS,
        takes: &["wait", "timeoutMs"],
        bodies: &[(JSON, "CloseMonth")],
        answers: &[
            (201, "Recorded, with what is invoiced", "MonthClosed", JSON),
            (202, "Recorded; the wait for FINAL ran out", "MonthClosed", JSON),
        ],
        problems: &[400, 401, 403, 409, 413, 422, 503],
    },
    Operation {
        method: "post",
        path: "/billing/act",
        id: "actOnBilling",
        tag: "billing",
        summary: "Credits or closes: the forms of the page Billing",
        access: ADMINS,
        bodies: &[("application/x-www-form-urlencoded", "BillingAct")],
        answers: &[(303, "Back to the page, which says what was wrong", "", "text/html")],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
];

/// By name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let decided = json!({ "decision": reference("Recorded") });
    let close = shape(json!({ "period": month() }), &[]);
    let invoice = shape(json!({ "tenantId": text(), "amountUsd": usd() }), &[]);
    let closed = json!({
        "period": month(), "invoices": { "type": "array", "items": invoice },
        "decisions": list("Recorded")
    });
    let credit = json!({
        "tenantId": text(), "amountUsd": usd(), "reason": text(), "period": month(),
        "eventId": uuid()
    });
    let act = json!({
        "act": { "type": "string", "enum": ["credit", "close"] }, "period": month(),
        "tenant": text(), "amount": usd(), "reason": text(), "confirmed": text()
    });
    vec![
        ("BillingEntry", entry()),
        ("BillingPage", page("BillingEntry")),
        ("BillingBalances", balances()),
        ("TenantBalance", tenant()),
        ("NewCredit", shape(credit, &["period", "eventId"])),
        ("BillingDecided", shape(decided, &[])),
        ("CloseMonth", close),
        ("MonthClosed", shape(closed, &[])),
        ("BillingAct", shape(act, &["period", "tenant", "amount", "reason", "confirmed"])),
    ]
}

pub(super) fn example(schema: &str) -> Option<Value> {
    match schema {
        "NewCredit" => Some(json!({
            "tenantId": "acme-labs", "amountUsd": "25.00", "reason": "The outage of 5 October",
            "period": "2026-10"
        })),
        "CloseMonth" => Some(json!({ "period": "2026-10" })),
        _ => None,
    }
}

pub(super) fn month() -> Value {
    json!({ "type": "string", "pattern": r"^\d{4}-\d{2}$", "examples": ["2026-10"] })
}

fn usd() -> Value {
    json!({ "type": "string", "pattern": r"^-?\d+(\.\d+)?$", "description": "US dollars" })
}

/// The fields of every kind of entry, and those that only some have.
fn entry() -> Value {
    let posting = shape(
        json!({ "account": text(), "debitUsd": usd(), "creditUsd": usd() }),
        &["debitUsd", "creditUsd"],
    );
    let kinds = ["charge", "overage", "credit", "penalty", "rounding", "carriedOut", "carriedIn"];
    let own = json!({
        "type": "object", "description": "The tenant's own share of the list price",
        "properties": { "ofList": usd(), "since": time(), "eventId": uuid() }
    });
    let price = json!({
        "inputUsdPerMillion": usd(), "outputUsdPerMillion": usd(), "cachedUsdPerMillion": usd(),
        "effectiveFrom": time(), "eventId": uuid(), "own": own
    });
    let quantity = json!({
        "requests": count(), "failed": count(), "inputTokens": count(), "outputTokens": count(),
        "cachedTokens": count()
    });
    let some = [
        "provider",
        "model",
        "region",
        "tier",
        "price",
        "quantity",
        "own",
        "tokens",
        "beyondTokens",
        "monthTokens",
        "tokenCap",
        "overageOfList",
        "eventId",
        "reason",
        "decidedBy",
        "requests",
        "failed",
        "share",
        "chargesUsd",
        "exactUsd",
        "to",
        "from",
    ];
    shape(
        json!({
            "period": month(), "tenantId": text(), "day": { "type": "string", "format": "date" },
            "kind": { "type": "string", "enum": kinds },
            "postings": { "type": "array", "items": posting, "minItems": 2, "maxItems": 2 },
            "provider": text(), "model": text(), "region": text(), "tier": text(),
            "price": shape(price, &["cachedUsdPerMillion", "own"]), "quantity": shape(quantity, &[]),
            "own": own, "tokens": count(), "beyondTokens": count(), "monthTokens": count(),
            "tokenCap": count(), "overageOfList": usd(),
            "eventId": uuid(), "reason": text(), "decidedBy": text(), "requests": count(),
            "failed": count(), "share": usd(), "chargesUsd": usd(), "exactUsd": usd(),
            "to": month(), "from": month()
        }),
        &some,
    )
}

fn tenant() -> Value {
    shape(
        json!({
            "tenantId": text(), "chargesUsd": usd(), "overageUsd": usd(), "creditsUsd": usd(),
            "penaltiesUsd": usd(), "roundingUsd": usd(), "carriedUsd": usd(), "netUsd": usd(),
            "unpricedRequests": count()
        }),
        &[],
    )
}

fn balances() -> Value {
    let account = shape(json!({ "account": text(), "debitUsd": usd(), "creditUsd": usd() }), &[]);
    let reasons = ["noPrice", "unknownTenant", "tooLarge"];
    let unpriced = json!({
        "tenantId": text(), "provider": text(), "model": text(), "tier": text(),
        "reason": { "type": "string", "enum": reasons }, "requests": count(),
        "inputTokens": usd(), "outputTokens": usd()
    });
    let closing = json!({ "eventId": uuid(), "at": time(), "decidedBy": or_null(&text()) });
    shape(
        json!({
            "period": or_null(&month()), "closing": or_null(&shape(closing, &[])),
            "items": list("TenantBalance"), "nextCursor": or_null(&text()),
            "accounts": { "type": "array", "items": account }, "debitUsd": usd(),
            "creditUsd": usd(), "balanced": flag(),
            "unpriced": { "type": "array", "items": shape(unpriced, &[]) }
        }),
        &[],
    )
}
