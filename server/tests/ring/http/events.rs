//! Recording events and finding them again.

use axum::http::Method;
use domain::policy::Policy;
use domain::receipt::{Receipt, Verdict, verify};
use serde_json::{Value, json};
use uuid::Uuid;

use super::house::{House, asking};

const SENDER: &str = "demo-ingest";
const READER: &str = "demo-auditor";

fn event(id: Uuid, number: u32) -> Value {
    json!({"tenantId": "platform", "eventId": id, "payload": {"number": number}})
}

fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().expect("errors");
    errors.iter().filter_map(|error| error["field"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_recorded_once_becomes_final_and_is_proven_by_its_receipt() {
    let house = House::open().await;
    let id = Uuid::now_v7();
    let path = "/v1/events?wait=final&timeoutMs=30000&receipt=true";
    let first = house.post(path, SENDER, &event(id, 1)).await;
    let recorded = first.expect(201);
    assert_eq!(first.header("location"), format!("/v1/events/{id}"));
    assert_eq!(recorded["status"], "FINAL", "{recorded}");
    assert_eq!(
        (&recorded["originCloud"], &recorded["quorumReached"]),
        (&json!("gcp"), &json!(true))
    );
    assert_eq!(recorded["slot"]["origin"], "gcp");
    assert_eq!(recorded["hash"].as_str().map(str::len), Some(64));
    assert_eq!(recorded["confirmations"]["aws"], true);
    // An ingest token may not read payloads, so its receipt carries none.
    assert_eq!(recorded["receipt"]["event"].get("payload"), None);
    let again = house.post("/v1/events", SENDER, &event(id, 1)).await.expect(200);
    assert_eq!((&again["repeat"], &again["slot"]), (&json!(true), &recorded["slot"]));
    let other = house.post("/v1/events", SENDER, &event(id, 2)).await.problem(409, "conflict");
    assert_eq!((&other["slot"], fields(&other)), (&recorded["slot"], vec!["/eventId"]));
    let whole = house.get(&format!("/v1/events/{id}"), READER).await.expect(200);
    for field in [
        "eventId",
        "tenantId",
        "logicalClock",
        "region",
        "payload",
        "createdAt",
        "originCloud",
        "hash",
        "signature",
        "salt",
        "slot",
        "slots",
        "status",
    ] {
        assert!(!whole[field].is_null(), "{field} in {whole}");
    }
    let view = house.get(&format!("/v1/events/{id}/confirmations"), SENDER).await.expect(200);
    let expected = json!({
        "gcp": true, "aws": true, "azure": false, "hash": recorded["hash"],
        "quorumReached": true, "status": "FINAL", "replicated": false
    });
    assert_eq!(view, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_holds_under_the_policy_file_and_comes_in_two_forms() {
    let house = House::open().await;
    let id = Uuid::now_v7();
    let path = "/v1/events?wait=final&timeoutMs=30000";
    house.post(path, SENDER, &event(id, 1)).await.expect(201);
    let path = format!("/v1/events/{id}/receipt");
    let receipt = Receipt::parse(&house.get(&path, READER).await.body).expect("a receipt");
    let policy = Policy::parse(&house.get("/v1/policy-file", "").await.text()).expect("a policy");
    assert_eq!(verify(&receipt, Some(&policy)).verdict, Verdict::Valid);
    let request = asking(Method::GET, &path, READER);
    let request = request.header("accept", "text/plain").body(axum::body::Body::empty());
    let text = house.send(request.expect("a request")).await.text();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_answers_each_item_in_order_with_its_own_status() {
    let house = House::open().await;
    let id = Uuid::now_v7();
    let batch = json!([
        event(id, 1),
        {"tenantId": "nobody", "payload": {}},
        {"tenantId": "platform", "payload": [], "colour": "red"},
        event(id, 1),
        event(id, 2),
        {"tenantId": "platform", "payload": {"kind": "tenant.put"}},
    ]);
    let results = house.post("/v1/events", SENDER, &batch).await.expect(200);
    let statuses: Vec<u64> = results
        .as_array()
        .expect("an array")
        .iter()
        .filter_map(|r| r["httpStatus"].as_u64())
        .collect();
    assert_eq!(statuses, [201, 422, 422, 200, 409, 422], "{results}");
    assert_eq!(results[1]["problem"]["code"], "unknown_tenant");
    assert_eq!(fields(&results[2]["problem"]), ["/2/colour", "/2/payload"]);
    assert_eq!(house.post("/v1/events", SENDER, &json!([])).await.expect(200), json!([]));
    let lines = format!("{}\n{}\n", event(Uuid::now_v7(), 1), event(Uuid::now_v7(), 2));
    let lines =
        house.post_as("/v1/events", SENDER, "application/x-ndjson", lines).await.expect(200);
    assert_eq!(lines.as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn cloud_events_are_recorded_under_their_own_id() {
    let house = House::open().await;
    let id = Uuid::now_v7();
    let cloud_event = json!({
        "specversion": "1.0", "id": id, "source": "/meter/7", "type": "hello",
        "subject": "platform", "data": {"a": 1}
    });
    let media = "application/cloudevents+json";
    let one = house.post_as("/v1/events", SENDER, media, cloud_event.to_string()).await.expect(201);
    assert_eq!(one["eventId"], json!(id));
    let media = "application/cloudevents-batch+json; charset=utf-8";
    let batch = json!([cloud_event]).to_string();
    let batch = house.post_as("/v1/events", SENDER, media, batch).await.expect(200);
    assert_eq!(batch[0]["httpStatus"], 200);
    let whole = house.get(&format!("/v1/events/{id}"), READER).await.expect(200);
    assert_eq!(whole["payload"], json!({"a": 1, "kind": "hello"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_or_is_wrong_is_refused_by_place_and_name() {
    let house = House::open().await;
    let send =
        |body: &str| house.post_as("/v1/events", SENDER, "application/json", body.to_owned());
    let cut = send("{\"tenantId\":").await.problem(400, "malformed");
    assert!(cut["detail"].as_str().is_some_and(|text| text.contains("line 1 column")), "{cut}");
    let twice = send("{\"payload\":{\"a\":1,\"a\":2}}").await.problem(400, "malformed");
    assert!(twice["detail"].as_str().is_some_and(|text| text.contains("appears twice")), "{twice}");
    send("{\"payload\":{\"a\":9007199254740993}}").await.problem(400, "malformed");
    let wrong =
        json!({"tenantId": 7, "payload": {}, "eventId": "x", "createdAt": "2001-01-01T00:00:00Z"});
    let wrong = send(&wrong.to_string()).await.problem(422, "invalid");
    assert_eq!(fields(&wrong), ["/tenantId", "/eventId", "/createdAt"]);
    house
        .post_as("/v1/events", SENDER, "text/csv", "a,b".to_owned())
        .await
        .problem(415, "unsupported_media_type");
    house.post("/v1/events", READER, &event(Uuid::now_v7(), 1)).await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_an_admin_adds_can_send_once_the_decision_is_final() {
    let house = House::open().await;
    let tenant = json!({
        "tenantId": "acme-labs", "name": "Acme", "tier": "gold", "cloud": "aws", "region": "us-east-1"
    });
    let path = "/v1/tenants?wait=final&timeoutMs=30000";
    house.post(path, SENDER, &tenant).await.problem(403, "forbidden");
    let decision = house.post(path, "demo-admin", &tenant).await.expect(201);
    let known = house.get("/v1/tenants/acme-labs", READER).await.expect(200);
    assert_eq!((&known["name"], &known["active"]), (&json!("Acme"), &json!(true)));
    assert_eq!(known["decision"]["eventId"], decision["eventId"]);
    let listed = house.get("/v1/tenants?limit=1", READER).await.expect(200);
    assert_eq!(listed["items"][0]["tenantId"], "acme-labs");
    let usage = json!({"tenantId": "acme-labs", "payload": {
        "kind": "usage", "provider": "vertex", "model": "m", "region": "eu", "inputTokens": 5,
        "outputTokens": 7, "requestedAt": "2026-11-22T12:00:00Z"
    }});
    let used =
        house.post("/v1/events?wait=final&timeoutMs=30000", SENDER, &usage).await.expect(201);
    let slot = serde_json::from_value(used["slot"].clone()).expect("a slot");
    house.gcp.projection.until_projected(slot).await;
    let rows = house.get("/v1/usage?tenant=acme-labs&region=eu", READER).await.expect(200);
    assert_eq!(rows["items"][0]["outputTokens"], 7, "{rows}");
    let none = house.get("/v1/usage?tenant=acme-labs&region=us", READER).await.expect(200);
    assert_eq!(none["items"], json!([]));
    let path = format!("/v1/events/{}", decision["eventId"].as_str().expect("an id"));
    let decided = house.get(&path, READER).await.expect(200);
    assert_eq!(decided["payload"]["decidedBy"], "admin@ternion.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_and_an_export_holds_the_whole_filtered_set() {
    let house = House::open().await;
    let events: Vec<Value> = (0..5).map(|n| event(Uuid::now_v7(), n)).collect();
    house.post("/v1/events?wait=final&timeoutMs=30000", SENDER, &json!(events)).await.expect(200);
    let kind = json!({"tenantId": "platform", "payload": {"kind": "=cmd"}});
    house.post("/v1/events", SENDER, &kind).await.expect(201);
    let mut seen = Vec::new();
    let mut path = "/v1/events?limit=4".to_owned();
    loop {
        let page = house.get(&path, READER).await.expect(200);
        let items = page["items"].as_array().expect("items");
        seen.extend(items.iter().map(|item| item["eventId"].as_str().expect("an id").to_owned()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/v1/events?limit=4&cursor={cursor}");
    }
    // Five of ours, the kind, and the demonstration's six users.
    assert_eq!(seen.len(), 12);
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len());
    let file = house.get("/v1/events/export?format=csv", READER).await;
    assert!(
        file.header("content-disposition")
            .starts_with("attachment; filename=\"ternion-gcp-events-")
    );
    let text = file.text();
    assert_eq!(text.lines().count(), 13, "{text}");
    assert!(text.contains(",'=cmd,"), "{text}");
    let json = house.get("/v1/events/export?format=json&kind=user.put", READER).await.expect(200);
    assert_eq!(json.as_array().map(Vec::len), Some(6));
    house.get("/v1/events/export", SENDER).await.problem(403, "forbidden");
}
