//! A list price that moves bills far: proposed, agreed to by two others, in force; and the ways around.

use std::time::Duration;

use serde_json::{Value, json};

use super::house::House;

const READER: &str = "demo-auditor";
const ADMIN: &str = "demo-admin";
const PATIENCE: Duration = Duration::from_secs(60);

fn price(model: &str, input: &str, from: &str) -> Value {
    json!({ "tier": "pro", "provider": "vertex", "model": model, "inputUsdPerMillion": input,
        "outputUsdPerMillion": "4", "effectiveFrom": from })
}

fn event(mut price: Value) -> Value {
    price["kind"] = json!("price.put");
    json!({ "tenantId": "platform", "payload": price })
}

/// A tenant of a tier with a price of two dollars.
async fn business() -> House {
    let house = House::open().await;
    let decisions = [
        json!({ "kind": "tier.put", "tier": "pro", "name": "Pro", "sla": { "bands": [] } }),
        json!({ "kind": "tenant.put", "tenantId": "acme", "name": "Acme", "tier": "pro",
            "cloud": "gcp", "region": "eu" }),
    ];
    let mut events: Vec<Value> = decisions
        .into_iter()
        .map(|payload| json!({ "tenantId": "platform", "payload": payload }))
        .collect();
    events.push(event(price("m", "2", "2026-01-01T00:00:00Z")));
    house.record(ADMIN, json!(events)).await;
    house
}

async fn listed(house: &House) -> Vec<Value> {
    let all = house.get("/v1/prices", READER).await.expect(200);
    let items = all["items"].as_array().expect("a list").clone();
    items.into_iter().filter(|it| it["tier"] == "pro").collect()
}

async fn approve(house: &House, token: &str, proposal: &Value) -> super::house::Answer {
    let id = proposal["proposalId"].as_str().expect("an id");
    let seen = json!({ "version": proposal["version"], "hash": proposal["hash"] });
    house.post(&format!("/v1/approvals/{id}/approve?wait=final"), token, &seen).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_far_list_price_counts_once_two_others_have_agreed() {
    let house = business().await;
    let wish = json!({ "listPrice": price("m", "3", "2126-01-01T00:00:00Z"), "reason": "dearer" });
    let path = "/v1/proposals?wait=final";
    let proposal = house.post(path, ADMIN, &wish).await.expect(201);
    assert_eq!((&proposal["quorum"], &proposal["class"]), (&json!(2), &json!("high")));
    assert_eq!(proposal["changes"][0], json!({ "field": "input", "was": "2", "is": "3" }));
    house.post(path, "demo-admin2", &wish).await.problem(409, "already_open");
    approve(&house, ADMIN, &proposal).await.problem(403, "four_eyes");
    approve(&house, "demo-admin2", &proposal).await.expect(201);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(listed(&house).await.len(), 1, "one person is not enough");
    approve(&house, "demo-admin3", &proposal).await.expect(201);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let agreed = loop {
        let found = listed(&house).await.into_iter().find(|it| it["inputUsdPerMillion"] == "3");
        if let Some(found) = found {
            break found;
        }
        assert!(tokio::time::Instant::now() < deadline, "it does not count");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(
        (&agreed["reason"], &agreed["proposalId"]),
        (&json!("dearer"), &proposal["proposalId"])
    );
    assert_eq!(listed(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_door_lets_a_far_list_price_past_the_others() {
    let house = business().await;
    let far = price("m", "3", "2126-01-01T00:00:00Z");
    house.post("/v1/prices", ADMIN, &far).await.problem(409, "approval_needed");
    house.post("/v1/events", ADMIN, &event(far.clone())).await.problem(409, "approval_needed");
    let many = house.post("/v1/events", ADMIN, &json!([event(far.clone())])).await.expect(200);
    assert_eq!(many[0]["httpStatus"], 409, "{many}");
    let mut claimed = price("m", "2.1", "2126-01-01T00:00:00Z");
    claimed["proposalId"] = json!(uuid::Uuid::now_v7());
    house.post("/v1/events", ADMIN, &event(claimed)).await.problem(422, "invalid");
    // Small steps add up: from the second on, what counts is the price of thirty days before.
    house.record(ADMIN, json!([event(price("m", "2.28", "2126-01-01T00:00:00Z"))])).await;
    let again = price("m", "2.5", "2126-01-02T00:00:00Z");
    house.post("/v1/prices", ADMIN, &again).await.problem(409, "approval_needed");
    // A first price, and one of a tier without tenants, moves nobody's bill.
    house.record(ADMIN, json!([event(price("new", "900", "2026-01-01T00:00:00Z"))])).await;
    assert!(listed(&house).await.iter().all(|it| it["inputUsdPerMillion"] != "3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_is_not_released_past_the_others() {
    let house = business().await;
    let id = uuid::Uuid::now_v7();
    let under_id = |mut event: Value| {
        event["eventId"] = json!(id);
        event
    };
    let small = under_id(event(price("m", "2.1", "2126-01-01T00:00:00Z")));
    house.post("/v1/events?wait=final&timeoutMs=30000", ADMIN, &small).await.expect(201);
    // The same id with another, first price: it is held, and by then no first price any more.
    let other = under_id(event(price("m2", "9", "2126-01-01T00:00:00Z")));
    house.post("/v1/events", ADMIN, &other).await.problem(409, "conflict");
    house.record(ADMIN, json!([event(price("m2", "2", "2026-01-01T00:00:00Z"))])).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let held = loop {
        let page = house.get("/v1/quarantine?state=held", READER).await.expect(200);
        if let Some(held) = page["items"][0]["id"].as_str() {
            break held.to_owned();
        }
        assert!(tokio::time::Instant::now() < deadline, "it is not held");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let path = format!("/v1/quarantine/{held}/release?wait=final");
    let told = house.post(&path, ADMIN, &json!({ "reason": "it was meant" })).await;
    let told = told.problem(409, "approval_needed");
    assert!(told["detail"].as_str().is_some_and(|it| it.starts_with("It stays held")), "{told}");
    let item = house.get(&format!("/v1/quarantine/{held}"), READER).await.expect(200);
    assert_eq!(item["row"]["state"], "held", "nothing was recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_price_is_withdrawn_before_it_begins_and_not_after() {
    let house = business().await;
    let coming = price("new", "1", "2126-01-01T00:00:00Z");
    let path = "/v1/prices?wait=final&timeoutMs=30000";
    house.post(path, ADMIN, &coming).await.expect(201);
    assert_eq!(listed(&house).await.len(), 2);
    let withdrawn = |mut price: Value| {
        price["withdrawn"] = json!(true);
        price["reason"] = json!("too early");
        price
    };
    house.post(path, ADMIN, &withdrawn(coming)).await.expect(201);
    assert_eq!(listed(&house).await.len(), 1);
    let begun = withdrawn(price("m", "2", "2026-01-01T00:00:00Z"));
    house.post(path, ADMIN, &begun).await.problem(409, "has_begun");
    let nowhere = withdrawn(price("m", "2", "2126-05-01T00:00:00Z"));
    house.post(path, ADMIN, &nowhere).await.problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_time_again_and_a_tier_that_was_left_are_no_ways_around() {
    let house = business().await;
    let since = "2026-01-01T00:00:00Z";
    let path = "/v1/prices?wait=final&timeoutMs=30000";
    house.post(path, ADMIN, &price("m", "2.28", since)).await.expect(201);
    house.post(path, ADMIN, &price("m", "2.59", since)).await.problem(409, "approval_needed");
    // Nobody is in the tier any more, but its usage of then would be charged anew.
    let left = json!({ "kind": "tenant.put", "tenantId": "acme", "name": "Acme", "tier": "base",
        "cloud": "gcp", "region": "eu" });
    house.record(ADMIN, json!([{ "tenantId": "platform", "payload": left }])).await;
    house.post(path, ADMIN, &price("m", "2.59", since)).await.problem(409, "approval_needed");
    let of = "/v1/prices/versions?tier=pro&provider=vertex&model=m";
    let versions = house.get(of, READER).await.expect(200);
    assert_eq!(versions["items"].as_array().map(Vec::len), Some(2), "{versions}");
    assert_eq!(versions["items"][1]["price"]["inputUsdPerMillion"], "2", "replaced: {versions}");
}
