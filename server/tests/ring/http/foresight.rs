//! Foresight over HTTP: who may ask, what is told, that anybody can ask the same again, and that people
//! decide.

use axum::body::Body;
use axum::http::Method;
use domain::clock::Timestamp;
use serde_json::{Value, json};

use super::house::{House, asking};

const RUN: &str = "/v1/foresight/run?wait=final";
const FORESIGHT: &str = "/v1/foresight";

/// A tenant whose usage of yesterday cost 57 % of what it brought in.
async fn business() -> House {
    let house = House::open().await;
    let decisions = [
        json!({ "kind": "tier.put", "tier": "pro", "name": "Pro", "sla": { "bands": [] } }),
        json!({ "kind": "tenant.put", "tenantId": "acme", "name": "Acme", "tier": "pro",
            "cloud": "gcp", "region": "eu" }),
        json!({ "kind": "price.put", "tier": "pro", "provider": "azure", "model": "m",
            "inputUsdPerMillion": "10", "outputUsdPerMillion": "10",
            "effectiveFrom": "2026-01-01T00:00:00Z" }),
        json!({ "kind": "cost.put", "provider": "azure", "model": "m", "price": { "rates": {
            "inputUsdPerToken": "0.0000057", "outputUsdPerToken": "0.0000057" } },
            "asOf": "2026-01-01T00:00:00Z" }),
    ];
    let decisions = decisions.map(|payload| json!({ "tenantId": "platform", "payload": payload }));
    house.record("demo-admin", json!(decisions)).await;
    let at = Timestamp::from_unix_ms(server::now().unix_ms() - 24 * 3_600_000);
    let used = json!({ "tenantId": "acme", "payload": { "kind": "usage", "provider": "azure",
        "model": "m", "region": "eu", "inputTokens": 1_000_000, "outputTokens": 0,
        "latencyMs": 800.0, "requestedAt": at } });
    house.record("demo-ingest", json!([used])).await;
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_foreseen_can_be_asked_again_by_anybody_and_is_decided_by_people() {
    let house = business().await;
    house.post(RUN, "demo-controller", &json!({})).await.problem(403, "forbidden");
    let before = house.get(FORESIGHT, "demo-auditor").await.expect(200);
    assert_eq!(before, json!({ "on": true, "everyHours": 6, "run": null }));
    let on = json!({ "autoPricing": true, "tenants": { "acme": { "autoPricing": true } } });
    let put = asking(Method::PUT, "/v1/controller-state?wait=final", "demo-admin")
        .header("content-type", "application/json")
        .body(Body::from(on.to_string()));
    house.send(put.expect("a request")).await.expect(200);

    let run = house.post(RUN, "demo-admin", &json!({})).await.expect(201);
    assert_eq!((&run["run"], &run["opened"]), (&json!(1), &json!(1)));
    let until = run["usageTo"].as_str().expect("a time");
    assert!(until.ends_with(":00:00.000Z"), "a whole hour, and not {until}");
    let told = house.get(FORESIGHT, "demo-auditor").await.expect(200);
    assert_eq!(told["run"]["scenarios"], run["scenarios"]);
    assert_eq!(told["run"]["decision"]["eventId"], run["eventId"]);
    let fallen = &told["run"]["scenarios"][0]["tenants"][0];
    assert_eq!(fallen["tenantId"], "acme");

    let id = fallen["proposalId"].as_str().expect("a proposal");
    let proposal = house.get(&format!("/v1/proposals/{id}"), "demo-auditor").await.expect(200);
    assert_eq!(
        (&proposal["grounds"], &proposal["state"], &proposal["quorum"]),
        (&json!("foresight"), &json!("pending"), &json!(1)),
        "with autonomy on, too"
    );
    let foresight = &proposal["foresight"];
    let wished = &proposal["content"]["controls"]["priceOfList"];
    assert_eq!(&foresight["guarded"]["priceOfList"], wished, "with what the guardrails did");
    let same = house.post("/v1/economics/simulate", "demo-auditor", &foresight["request"]).await;
    let same = same.expect(200);
    let margin = |results: &Value| results["tenants"][0]["margin"]["belowFloor"].as_f64();
    let close = |asked: Option<f64>, said: &Value| {
        let said = said["belowFloor"].as_f64().expect("a probability");
        asked.is_some_and(|asked| (asked - said).abs() < 1e-4)
    };
    assert!(close(margin(&same["base"]), &foresight["now"]), "{foresight}");
    assert!(close(margin(&same["scenarios"][0]["results"]), &foresight["stressed"]), "{foresight}");

    let seen = json!({ "version": proposal["version"], "hash": proposal["hash"] });
    let path = format!("/v1/approvals/{id}/approve?wait=final");
    house.post(&path, "demo-admin", &seen).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_scenario_is_asked_once_it_is_marked_and_no_stress_leaves_nothing_to_say() {
    let house = business().await;
    let request = json!({ "scenarios": [{ "name": "x", "changes": {
        "usage": { "pro": "0.5" }, "cost": { "azure": "0.4", "gone": "0.1" } } }] });
    let draft = json!({ "name": "A hard winter", "request": request, "standing": true });
    let kept = house.post("/v1/scenarios?wait=final", "demo-controller", &draft).await.expect(201);
    let run = house.post(RUN, "demo-admin", &json!({})).await.expect(201);
    let scenarios = run["scenarios"].as_array().expect("a list");
    let own = scenarios.last().expect("the kept one");
    assert_eq!(
        (&own["shock"]["name"], &own["shock"]["scenarioId"]),
        (&json!("A hard winter"), &kept["scenarioId"])
    );
    assert_eq!(own["leftOut"], json!(["cost.gone"]));
    // It hits harder than the product's own: it is what the proposal foresees.
    let id = own["tenants"][0]["proposalId"].as_str().expect("a proposal");
    let proposal = house.get(&format!("/v1/proposals/{id}"), "demo-auditor").await.expect(200);
    assert_eq!(proposal["foresight"]["shock"]["name"], "A hard winter");
    let list = house.get("/v1/scenarios", "demo-controller").await.expect(200);
    assert_eq!(list["items"][0]["standing"], true);

    // One whose assumptions are absurd says so, and the others are asked.
    let absurd = json!({ "scenarios": request["scenarios"], "assumptions": { "costSigma": -1.0 } });
    let draft = json!({ "name": "Absurd", "request": absurd, "standing": true });
    house.post("/v1/scenarios?wait=final", "demo-controller", &draft).await.expect(201);
    let run = house.post(RUN, "demo-admin", &json!({})).await.expect(201);
    let scenarios = run["scenarios"].as_array().expect("a list");
    let of = |name: &str| scenarios.iter().find(|it| it["shock"]["name"] == name).expect("asked");
    assert_eq!(of("A hard winter")["fell"], 1);
    let why = of("Absurd")["leftOut"][0].as_str().expect("a reason");
    assert!(why.contains("the sigma of costs is -1"), "{why}");

    let empty = House::open().await;
    empty.post(RUN, "demo-admin", &json!({})).await.problem(422, "no_usage");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_kept_scenarios_are_asked_and_the_eleventh_is_not_marked_so() {
    let house = House::open().await;
    let draft = |number: usize, standing: bool| {
        let name = format!("Winter {number}");
        json!({ "name": name, "request": {}, "standing": standing })
    };
    let path = "/v1/scenarios?wait=final";
    let mut last = Value::Null;
    for number in 1..=10 {
        last = house.post(path, "demo-controller", &draft(number, true)).await.expect(201);
    }
    house.post(path, "demo-controller", &draft(11, true)).await.problem(409, "conflict");
    house.post(path, "demo-controller", &draft(11, false)).await.expect(201);
    // One of the ten gets a new version, and stays one.
    let tenth = last["scenarioId"].as_str().expect("an id");
    let mut again = draft(10, true);
    again["version"] = json!(1);
    let path = format!("/v1/scenarios/{tenth}?wait=final");
    house.post(&path, "demo-controller", &again).await.expect(201);
}
