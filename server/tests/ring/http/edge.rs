//! What holds for every request.

use axum::body::Body;
use axum::http::Method;
use domain::cloud::Cloud;
use serde_json::json;
use server::config::Limits;

use super::house::{House, asking};
use crate::clouds::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem_with_the_requests_id() {
    let house = House::open().await;
    house.get("/v1/nothing", "demo-admin").await.problem(404, "not_found");
    house.get("/v1/events", "").await.problem(401, "unauthenticated");
    house.get("/v1/events", "wrong").await.problem(401, "unauthenticated");
    house.get("/v1/events?limit=0", "demo-admin").await.problem(400, "malformed");
    let unknown = house.get("/v1/events?colour=red", "demo-admin").await;
    let unknown = unknown.problem(400, "malformed");
    assert!(unknown["detail"].as_str().is_some_and(|text| text.contains("colour")), "{unknown}");
    house.get("/v1/events/not-a-uuid", "demo-admin").await.problem(400, "malformed");
    let delete = asking(Method::DELETE, "/v1/events", "demo-admin").body(Body::empty());
    let delete = house.send(delete.expect("a request")).await;
    delete.problem(405, "method_not_allowed");
    assert!(delete.header("allow").contains("GET") && delete.header("allow").contains("POST"));
    let named = asking(Method::GET, "/v1/nothing", "").header("x-request-id", "trace-7");
    let named = house.send(named.body(Body::empty()).expect("a request")).await;
    assert_eq!(named.problem(404, "not_found")["requestId"], "trace-7");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_and_nothing_is_recorded() {
    let house = House::with(Limits { body_bytes: 2_000, ..Limits::default() }).await;
    let event = json!({"tenantId": "platform", "payload": {"text": "x".repeat(3_000)}});
    house.post("/v1/events", "demo-ingest", &event).await.problem(413, "too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_configured_are_turned_away_with_a_time_to_return() {
    let house = House::with(Limits { requests: 0, ..Limits::default() }).await;
    let refused = house.get("/v1/events", "demo-admin").await;
    refused.problem(503, "busy");
    assert_eq!(refused.header("retry-after"), "1");
    // Probes are answered all the same.
    house.get("/health", "").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_finality_takes_no_place_and_waiting_has_its_own_bound() {
    let limits = Limits { requests: 1, waiters: 1, ..Limits::default() };
    let mut house = House::with(limits).await;
    house.is_left_alone().await;
    let path = "/v1/events?wait=final&timeoutMs=30000";
    let event = json!({"tenantId": "platform", "payload": {"n": 1}});
    let size = || house.gcp.ledger.watermarks().borrow().stored();
    let before = size();
    let others = async {
        let mut marks = house.gcp.ledger.watermarks();
        marks.wait_for(|marks| marks.stored() > before).await.expect("it runs");
        // Between being stored and beginning to wait it holds the one place.
        let read = loop {
            let read = house.get("/v1/events", "demo-admin").await;
            if read.status != 503 {
                break read;
            }
            tokio::task::yield_now().await;
        };
        read.expect(200);
        let refused = house.post(path, "demo-ingest", &event).await;
        refused.problem(503, "busy");
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(size(), before + 1, "nothing was recorded for who may not wait");
        house.post("/v1/events", "demo-ingest", &event).await.expect(201);
        house.stop.cancel();
    };
    let (waited, ()) = tokio::join!(house.post(path, "demo-ingest", &event), others);
    assert_eq!(waited.expect(202)["status"], "PENDING");
    house.get("/v1/events", "demo-admin").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_how_this_cloud_is_and_what_it_sees_of_the_others() {
    let house = House::open().await;
    let health = house.get("/health", "").await.expect(200);
    assert_eq!(health["status"], "healthy", "{health}");
    assert!(health["load"].as_f64().is_some_and(|load| (0.0..=1.0).contains(&load)), "{health}");
    assert!(health["latency"].is_number() && health["pending"].is_number(), "{health}");
    assert_eq!((&health["cloud"], &health["mode"]), (&json!("gcp"), &json!("degraded")));
    assert_eq!(house.get("/livez", "").await.text(), "alive\n");
    assert_eq!(house.get("/readyz", "").await.text(), "ready\n");
    house.stop.cancel();
    assert_eq!(house.get("/health", "").await.expect(503)["status"], "unhealthy");
    house.get("/readyz", "").await.problem(503, "not_ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_when_this_cloud_can_record_nothing() {
    let house = House::open().await;
    let ledger = &house.gcp.ledger;
    ledger.freeze(ledger.log_id(Cloud::Gcp)).await;
    let mut marks = ledger.watermarks();
    let frozen = marks.wait_for(|marks| marks.log(Cloud::Gcp).frozen);
    drop(tokio::time::timeout(PATIENCE, frozen).await.expect("frozen"));
    let health = house.get("/health", "").await.expect(200);
    assert_eq!(health["status"], "degraded", "{health}");
    assert!(
        health["reason"].as_str().is_some_and(|reason| reason.contains("new keys")),
        "{health}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_of_the_face_is_open_to_anybody() {
    let house = House::open().await;
    let document = house.get("/openapi.json", "").await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    let docs = house.get("/docs", "").await;
    assert_eq!(docs.status, 200);
    assert!(docs.text().contains("POST /v1/events"));
    assert_eq!(house.get("/metrics", "").await.status, 200);
}
