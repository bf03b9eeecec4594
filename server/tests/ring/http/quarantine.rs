//! The quarantine over HTTP: what a client's mistake leaves behind, and what an admin does with it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::house::{House, asking};
use super::pages::leads_to;
use crate::clouds::PATIENCE;

const SENDER: &str = "demo-ingest";
const READER: &str = "demo-auditor";
const ADMIN: &str = "demo-admin";
const FINAL: &str = "wait=final&timeoutMs=30000";

fn usage(tokens: u64) -> Value {
    json!({"kind": "usage", "provider": "vertex", "model": "m", "region": "eu",
        "inputTokens": tokens, "outputTokens": 1, "requestedAt": "2026-11-22T12:00:00Z"})
}

/// Sends two contents under one id: the second is refused, and held. Gives the held item's id.
async fn refused(house: &House, tokens: u64) -> String {
    let id = Uuid::now_v7();
    let event = |tokens| json!({"tenantId": "platform", "eventId": id, "payload": usage(tokens)});
    house.post(&format!("/v1/events?{FINAL}"), SENDER, &event(1)).await.expect(201);
    house.post("/v1/events", SENDER, &event(tokens)).await.problem(409, "conflict");
    let held = async {
        loop {
            let page = house.get("/v1/quarantine?state=held", READER).await.expect(200);
            let items = page["items"].as_array().expect("items").clone();
            if let Some(item) = items.iter().find(|item| item["eventId"] == json!(id)) {
                return item["id"].as_str().expect("an id").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, held).await.expect("held in time")
}

/// Waits until the usage page counts exactly these tokens: it follows what is FINAL.
async fn until_used(house: &House, wanted: &[i64]) {
    let counted = async {
        loop {
            let page = house.get("/v1/usage", READER).await.expect(200);
            let rows = page["items"].as_array().expect("rows");
            let tokens: Vec<_> =
                rows.iter().filter_map(|row| row["inputTokens"].as_i64()).collect();
            if tokens == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.expect("counted in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_under_a_taken_id_is_held_and_shown_beside_what_is_recorded() {
    let house = House::open().await;
    let id = refused(&house, 2).await;
    let listed = house.get("/v1/quarantine?reason=id_conflict&tenant=platform", READER).await;
    let row = &listed.expect(200)["items"][0];
    assert_eq!((&row["state"], &row["local"]), (&json!("held"), &json!(true)));
    assert_eq!(row["source"], "client:demo-ingest");
    let path = format!("/v1/quarantine/{id}");
    let item = house.get(&path, READER).await.expect(200);
    assert!(item["came"][0]["payload"].as_str().is_some_and(|it| it.contains("\"inputTokens\":2")));
    assert!(
        item["stands"][0]["payload"].as_str().is_some_and(|it| it.contains("\"inputTokens\":1"))
    );
    assert_eq!(item["release"]["possible"], "yes");
    let bytes = house.get(&format!("{path}/bytes"), READER).await;
    assert!(bytes.text().contains("\"inputTokens\":2"), "{}", bytes.text());
    let for_senders = house.get(&path, SENDER).await.expect(200);
    assert_eq!((&for_senders["bytes"], &for_senders["hex"]), (&Value::Null, &Value::Null));
    assert_eq!(for_senders["came"][0]["payload"], Value::Null);
    house.get(&format!("{path}/bytes"), SENDER).await.problem(403, "forbidden");
    let file = house.get("/v1/quarantine/export?state=held", READER).await.expect(200);
    assert_eq!(file.as_array().map(Vec::len), Some(1));
    for none in ["state=rejected", "source=aws", "reason=weak_key", "tenant=acme"] {
        let page = house.get(&format!("/v1/quarantine?{none}"), READER).await.expect(200);
        assert_eq!(page["items"], json!([]), "{none}");
    }
    house.get("/v1/quarantine?state=lost", READER).await.problem(400, "malformed");
    house.get(&format!("/v1/quarantine/{}", Uuid::nil()), READER).await.problem(404, "not_found");
    house.get("/v1/quarantine/x", READER).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_event_counts_under_a_new_id_once_the_decision_is_final() {
    let house = House::open().await;
    let id = refused(&house, 41).await;
    let path = format!("/v1/quarantine/{id}/release");
    let reason = json!({"reason": "the second reading is right"});
    house.post(&path, READER, &reason).await.problem(403, "forbidden");
    house.post(&path, ADMIN, &json!({})).await.problem(422, "invalid");
    house.post(&path, ADMIN, &json!({"reason": " "})).await.problem(422, "invalid");
    until_used(&house, &[1]).await;
    let decided = house.post(&format!("{path}?{FINAL}"), ADMIN, &reason).await.expect(201);
    assert_eq!(decided["decision"]["status"], "FINAL", "{decided}");
    let new = decided["event"]["eventId"].as_str().expect("a new event").to_owned();
    until_used(&house, &[42]).await;
    let decision = decided["decision"]["eventId"].as_str().expect("an event");
    let decision = house.get(&format!("/v1/events/{decision}"), READER).await.expect(200);
    let payload = &decision["payload"];
    assert_eq!((&payload["kind"], &payload["itemId"]), (&json!("quarantine.release"), &json!(id)));
    assert_eq!((&payload["newEventId"], &payload["reason"]), (&json!(new), &reason["reason"]));
    assert_eq!(payload["decidedBy"], "admin@ternion.example");
    let item = house.get(&format!("/v1/quarantine/{id}"), READER).await.expect(200);
    assert_eq!(
        (&item["row"]["state"], &item["decision"]["isFinal"]),
        (&json!("released"), &json!(true))
    );
    let again = house.post(&path, ADMIN, &reason).await.problem(409, "already_decided");
    assert!(again["detail"].as_str().is_some_and(|it| it.contains("admin@ternion.example")));
    house
        .post(&format!("/v1/quarantine/{id}/reject"), ADMIN, &reason)
        .await
        .problem(409, "already_decided");
    until_used(&house, &[42]).await;
    // The very same mistake again is no new one: it was decided about.
    let held = house.get("/v1/quarantine?state=held", READER).await.expect(200);
    assert_eq!(held["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_event_stays_without_effect_and_decisions_are_made_nowhere_else() {
    let house = House::open().await;
    let id = refused(&house, 5).await;
    let reason = json!({"reason": "a test of the client"});
    let path = format!("/v1/quarantine/{id}/reject?{FINAL}");
    let decided = house.post(&path, ADMIN, &reason).await.expect(201);
    assert_eq!(decided.get("event"), None);
    let item = house.get(&format!("/v1/quarantine/{id}"), READER).await.expect(200);
    assert_eq!(item["row"]["state"], "rejected");
    until_used(&house, &[1]).await;
    let kind = json!({"tenantId": "platform", "payload": {
        "kind": "quarantine.reject", "itemId": id, "reason": "again"
    }});
    let aside = house.post("/v1/events", ADMIN, &kind).await.problem(422, "invalid");
    assert_eq!(aside["errors"][0]["field"], "/payload/kind");
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_of_two_clouds_under_one_id_are_compared_and_one_is_chosen() {
    let house = House::open().await;
    let id = Uuid::from_u128(77);
    let (first, second) = (usage(10), usage(11));
    let aws = house.aws.as_ref().expect("it runs");
    let (one, two) =
        tokio::join!(house.gcp.submit(Some(id), &first), aws.submit(Some(id), &second));
    house.gcp.until_projected(&one).await;
    house.gcp.until_projected(&two).await;
    let name = format!("{id}~platform");
    let listed = house.get("/v1/quarantine?source=logs", READER).await.expect(200);
    assert_eq!(
        (&listed["items"][0]["id"], &listed["items"][0]["local"]),
        (&json!(name), &json!(false))
    );
    let path = format!("/v1/quarantine/{name}");
    let item = house.get(&path, READER).await.expect(200);
    assert_eq!(item["came"].as_array().map(Vec::len), Some(2));
    let release = format!("{path}/release?{FINAL}");
    house.post(&release, ADMIN, &json!({"reason": "x"})).await.problem(422, "invalid");
    let wish = json!({"reason": "the bill says so", "slot": two.slot});
    house.post(&release, ADMIN, &wish).await.expect(201);
    until_used(&house, &[11]).await;
    let event = house.get(&format!("/v1/events/{id}"), READER).await.expect(200);
    assert_eq!((&event["status"], &event["originCloud"]), (&json!("FINAL"), &json!("aws")));
    let held = house.get("/v1/events?status=QUARANTINED", READER).await.expect(200);
    assert_eq!(held["items"][0]["originCloud"], "gcp", "the other stays without effect");
    let item = house.get(&path, READER).await.expect(200);
    assert_eq!(item["row"]["state"], "released");
    assert_eq!(item["decision"]["by"], "admin@ternion.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_of_the_page_need_a_confirmation_and_lead_back_to_it() {
    let house = House::open().await;
    let id = refused(&house, 5).await;
    let page = format!("/ledger/quarantine/{id}");
    let send = |token: &'static str, form: String| {
        let request = asking(Method::POST, "/quarantine/act", token)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form));
        house.send(request.expect("a request"))
    };
    let unsure = send(ADMIN, format!("id={id}&act=reject&reason=no")).await;
    assert_eq!(
        (unsure.status.as_u16(), unsure.header("location")),
        (303, &*format!("{page}?problem=not_confirmed"))
    );
    let blank = send(ADMIN, format!("id={id}&act=reject&reason=+&confirmed=yes")).await;
    assert_eq!(blank.header("location"), format!("{page}?problem=invalid"));
    send(READER, format!("id={id}&act=reject&reason=no&confirmed=yes"))
        .await
        .problem(403, "forbidden");
    let done = send(ADMIN, format!("id={id}&act=reject&reason=no&confirmed=yes")).await;
    assert_eq!((done.status.as_u16(), leads_to(&done)), (303, page.clone()));
    let late = send(ADMIN, format!("id={id}&act=release&reason=yes&confirmed=yes")).await;
    assert_eq!(late.header("location"), format!("{page}?problem=already_decided"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_conflicts_from_one_login_is_kept_in_part_and_counted_whole() {
    const CALLS: usize = 10;
    const CALL: usize = 1_000;
    let house = House::open().await;
    let id = Uuid::now_v7();
    let event =
        |number: usize| json!({"tenantId": "platform", "eventId": id, "payload": {"n": number}});
    house.post("/v1/events", SENDER, &event(0)).await.expect(201);
    for call in 0..CALLS {
        let many: Vec<Value> = (0..CALL).map(|at| event(1 + call * CALL + at)).collect();
        let answers = house.post("/v1/events", SENDER, &json!(many)).await.expect(200);
        let refused = answers.as_array().expect("answers").iter();
        assert!(refused.clone().all(|answer| answer["httpStatus"] == 409), "each is answered");
    }
    let counted = async {
        loop {
            let page = house.get("/v1/quarantine?limit=1000", READER).await.expect(200);
            if page["beyond"][0]["inputs"] == json!(CALLS * CALL) {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let page = tokio::time::timeout(PATIENCE, counted).await.expect("counted in time");
    let kept = page["items"].as_array().expect("items").len();
    assert!((1..=500).contains(&kept), "{kept}");
    assert_eq!(page["beyond"][0]["notKept"], json!(CALLS * CALL - kept));
}
