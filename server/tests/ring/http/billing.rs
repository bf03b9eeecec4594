//! The billing ledger over HTTP: entries, balances, a credit, a month that is closed.

use serde_json::{Value, json};

use super::house::House;

const LEDGER: &str = "/v1/ledger";
const BALANCES: &str = "/v1/ledger/balances?period=2026-08";
const CREDITS: &str = "/v1/ledger/credits?wait=final";
const CLOSE: &str = "/v1/ledger/close?wait=final";

/// A tenant that used 320 dollars' worth in August, of which one request failed, and a model that
/// nobody priced.
async fn business() -> House {
    let house = House::open().await;
    let used = |model: &str, ok: bool| {
        json!({ "tenantId": "acme", "payload": { "kind": "usage", "provider": "azure",
            "model": model, "region": "eu", "inputTokens": 20_000_000, "outputTokens": 2_000_000,
            "ok": ok, "requestedAt": "2026-08-20T12:00:00Z" } })
    };
    let decisions = [
        json!({ "kind": "tier.put", "tier": "pro", "name": "Pro", "sla": { "bands": [
            { "minUptimePct": "99", "credit": "0" }, { "minUptimePct": "0", "credit": "0.1" } ] } }),
        json!({ "kind": "tenant.put", "tenantId": "acme", "name": "Acme", "tier": "pro",
            "cloud": "gcp", "region": "eu" }),
        json!({ "kind": "price.put", "tier": "pro", "provider": "azure", "model": "m",
            "inputUsdPerMillion": "6", "outputUsdPerMillion": "20",
            "effectiveFrom": "2026-01-01T00:00:00Z" }),
    ];
    let decisions = decisions.map(|payload| json!({ "tenantId": "platform", "payload": payload }));
    house.record("demo-admin", json!(decisions)).await;
    house
        .record("demo-ingest", json!([used("m", true), used("m", false), used("new", true)]))
        .await;
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_and_balances_are_read_by_month_tenant_and_account() {
    let house = business().await;
    let all = house.get(LEDGER, "demo-auditor").await.expect(200);
    let entry = &all["items"][0];
    assert_eq!(
        (all["items"].as_array().map(Vec::len), &all["nextCursor"]),
        (Some(1), &Value::Null)
    );
    assert_eq!(
        (&entry["kind"], &entry["period"], &entry["day"], &entry["quantity"]["requests"]),
        (&json!("charge"), &json!("2026-08"), &json!("2026-08-20"), &json!(2))
    );
    let postings = json!([{ "account": "receivable:acme", "debitUsd": "320" },
                          { "account": "revenue", "creditUsd": "320" }]);
    assert_eq!(entry["postings"], postings);
    for (query, count) in [
        ("?account=revenue&period=2026-08", 1),
        ("?account=receivable:acme&tenant=acme", 1),
        ("?account=credits", 0),
        ("?period=2026-09", 0),
        ("?tenant=bolt", 0),
    ] {
        let found = house.get(&format!("{LEDGER}{query}"), "demo-controller").await.expect(200);
        assert_eq!(found["items"].as_array().map(Vec::len), Some(count), "{query}");
    }
    let balances = house.get(BALANCES, "demo-auditor").await.expect(200);
    assert_eq!((&balances["balanced"], &balances["debitUsd"]), (&json!(true), &json!("320")));
    assert_eq!(balances["items"][0]["netUsd"], "320");
    assert_eq!(balances["items"][0]["unpricedRequests"], 1);
    assert_eq!(
        (&balances["unpriced"][0]["model"], &balances["unpriced"][0]["reason"]),
        (&json!("new"), &json!("noPrice"))
    );
    let file = house.get("/v1/ledger/export?period=2026-08", "demo-auditor").await;
    assert!(
        file.text().contains("\r\n2026-08,2026-08-20,acme,charge,receivable:acme,revenue,320,")
    );
    for wrong in ["?period=august", "?account=ours", "?cursor=x", "?limit=0", "?month=2026-08"] {
        house.get(&format!("{LEDGER}{wrong}"), "demo-auditor").await.problem(400, "malformed");
    }
    house.get(LEDGER, "demo-ingest").await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_needs_an_admin_a_reason_and_a_tenant_and_a_repeat_waives_nothing_more() {
    let house = business().await;
    let mut credit = json!({ "tenantId": "acme", "amountUsd": "12.50", "reason": "an outage",
        "period": "2026-08", "eventId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b" });
    house.post(CREDITS, "demo-auditor", &credit).await.problem(403, "forbidden");
    let first = house.post(CREDITS, "demo-admin", &credit).await.expect(201);
    assert_eq!(first["decision"]["status"], "FINAL");
    house.post(CREDITS, "demo-admin", &credit).await.expect(200);
    let balances = house.get(BALANCES, "demo-auditor").await.expect(200);
    assert_eq!(balances["items"][0]["creditsUsd"], "12.5");
    assert_eq!(balances["items"][0]["netUsd"], "307.5");
    let path = "/v1/ledger?account=credits";
    let entry = house.get(path, "demo-auditor").await.expect(200)["items"][0].clone();
    assert_eq!(
        (&entry["reason"], &entry["decidedBy"]),
        (&json!("an outage"), &json!("admin@ternion.example"))
    );
    credit["amountUsd"] = json!("13");
    house.post(CREDITS, "demo-admin", &credit).await.problem(409, "conflict");
    for (field, value) in [
        ("amountUsd", json!("0")),
        ("reason", json!(" ")),
        ("tenantId", json!("nobody")),
        ("period", json!("august")),
        ("note", json!("x")),
    ] {
        let mut wrong = credit.clone();
        wrong.as_object_mut().expect("an object").remove("eventId");
        wrong[field] = value;
        let answer = house.post(CREDITS, "demo-admin", &wrong).await.expect(422);
        assert_eq!(answer["errors"][0]["field"], format!("/{field}"), "{answer}");
    }
    for (wrong, fields) in [
        (json!({ "tenantId": "acme", "amountUsd": "much" }), vec!["/amountUsd", "/reason"]),
        (
            json!({ "tenantId": "nobody", "amountUsd": "-1", "reason": " " }),
            vec!["/tenantId", "/amountUsd", "/reason"],
        ),
    ] {
        let answer = house.post(CREDITS, "demo-admin", &wrong).await.expect(422);
        let named = answer["errors"].as_array().expect("errors").iter();
        let named: Vec<_> = named.map(|error| error["field"].clone()).collect();
        assert_eq!(named, fields, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_is_over_is_closed_once_and_what_was_invoiced_stays() {
    let house = business().await;
    let august = json!({ "period": "2026-08" });
    house.post(CLOSE, "demo-controller", &august).await.problem(403, "forbidden");
    let running =
        house.post(CLOSE, "demo-admin", &json!({ "period": "9998-01" })).await.expect(422);
    assert_eq!(running["errors"][0]["reason"], "is not over");
    let empty = house.post(CLOSE, "demo-admin", &json!({ "period": "2026-01" })).await.expect(422);
    assert_eq!(empty["errors"][0]["field"], "/period");
    let closed = house.post(CLOSE, "demo-admin", &august).await.expect(201);
    // Two of three requests were good: a tenth of 320 is given back.
    assert_eq!(closed["invoices"], json!([{ "tenantId": "acme", "amountUsd": "288" }]));
    let balances = house.get(BALANCES, "demo-auditor").await.expect(200);
    assert_eq!(balances["closing"]["decidedBy"], "admin@ternion.example");
    assert_eq!(
        (&balances["items"][0]["penaltiesUsd"], &balances["items"][0]["netUsd"]),
        (&json!("32"), &json!("288"))
    );
    house.post(CLOSE, "demo-admin", &august).await.problem(409, "conflict");
    let credit =
        json!({ "tenantId": "acme", "amountUsd": "1", "reason": "x", "period": "2026-08" });
    house.post(CREDITS, "demo-admin", &credit).await.problem(409, "conflict");
    // A price for what had none, put for the past: the invoice stays, September has the rest.
    let price = json!([{ "tenantId": "platform", "payload": { "kind": "price.put", "tier": "pro",
        "provider": "azure", "model": "new", "inputUsdPerMillion": "1", "outputUsdPerMillion": "0",
        "effectiveFrom": "2026-08-01T00:00:00Z" } }]);
    house.record("demo-admin", price).await;
    let balances = house.get(BALANCES, "demo-auditor").await.expect(200);
    assert_eq!(balances["items"][0]["netUsd"], "288");
    assert_eq!(balances["unpriced"], json!([]));
    let path = "/v1/ledger/balances?period=2026-09";
    let september = house.get(path, "demo-auditor").await.expect(200);
    assert_eq!(september["items"][0]["carriedUsd"], "18", "20 dollars less a tenth");
    let forged = json!({ "tenantId": "platform", "payload": { "kind": "billing.close",
        "period": "2026-09", "invoices": [] } });
    house.post("/v1/events", "demo-admin", &forged).await.expect(422);
}
