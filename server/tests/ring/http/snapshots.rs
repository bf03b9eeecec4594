//! Audit snapshots over HTTP: who may take them, and what is told of them.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use domain::bundle::{Bundle, Covering, Walk};
use domain::policy::Policy;
use domain::receipt::{Receipt, Verdict};
use domain::snapshot::Period;
use domain::verifier::Held;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::house::{House, asking};
use crate::clouds::PATIENCE;

const READER: &str = "demo-auditor";

async fn until_agreed(house: &House, period: &str) -> Value {
    let agreed = async {
        loop {
            let seen = house.get(&format!("/v1/snapshots/{period}"), READER).await.expect(200);
            if seen["state"] == "agreed" && !seen["own"].is_null() {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, agreed).await.expect("two clouds agree")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_taken_once_agreed_and_its_hash_is_that_of_its_manifest() {
    let house = House::open().await;
    let wish = json!({ "period": "2026-10" });
    house.post("/v1/snapshots", "", &wish).await.problem(401, "unauthenticated");
    house.post("/v1/snapshots", "demo-controller", &wish).await.problem(403, "forbidden");
    for (wrong, field) in [
        (json!({ "period": "October" }), "/period"),
        (json!({ "period": "2199-10" }), "/period"),
        (json!({ "period": "2026-10", "cut": {} }), "/cut"),
    ] {
        let problem = house.post("/v1/snapshots", READER, &wrong).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    house.get("/v1/snapshots/2026-10", READER).await.problem(404, "not_found");
    house.post("/v1/snapshots", READER, &wish).await.expect(201);
    let agreed = until_agreed(&house, "2026-10").await;
    house.post("/v1/snapshots", READER, &wish).await.expect(200);
    assert_eq!(agreed["attestations"].as_array().map(Vec::len), Some(2), "{agreed}");
    let manifest = house.get("/v1/snapshots/2026-10/manifest", READER).await;
    assert_eq!(agreed["hash"], hex::encode(Sha256::digest(&manifest.body)));
    let listed = house.get("/v1/snapshots", READER).await.expect(200);
    assert_eq!(listed["items"][0]["hash"], agreed["hash"]);
    let path = "/v1/snapshots/2026-10/difference?cloud=aws";
    let difference = house.get(path, READER).await.expect(200);
    assert_eq!(difference["firstRow"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_derived_again_and_compared() {
    let house = House::open().await;
    house.post("/v1/snapshots", READER, &json!({ "period": "2026-10" })).await.expect(201);
    until_agreed(&house, "2026-10").await;
    house.post("/v1/snapshots/2026-10/recheck", READER, &json!({})).await.expect(202);
    let done = async {
        loop {
            let seen = house.get("/v1/snapshots/2026-10", READER).await.expect(200);
            if seen["recheck"]["state"] != "running" {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let done = tokio::time::timeout(PATIENCE, done).await.expect("it ends");
    assert_eq!(done["recheck"]["equal"], true, "{done}");
    assert_eq!(done["recheck"]["hash"], done["hash"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_led_to_the_snapshot_that_covers_it_and_one_that_none_covers_is_told_so() {
    let house = House::open().await;
    let event = json!({ "tenantId": "platform", "payload": { "kind": "hello" } });
    let record = async || {
        let path = "/v1/events?wait=final&timeoutMs=10000";
        let recorded = house.post(path, "demo-ingest", &event).await.expect(201);
        recorded["eventId"].as_str().expect("an id").to_owned()
    };
    let first = record().await;
    let covering = format!("/v1/events/{first}/covering");
    house.get(&covering, "").await.problem(401, "unauthenticated");
    let problem = house.get(&covering, READER).await.problem(404, "not_covered");
    assert_eq!(problem["title"], "Not covered by a snapshot yet");
    let today = Period::day_of(server::now()).to_string();
    house.post("/v1/snapshots", READER, &json!({ "period": today })).await.expect(201);
    until_agreed(&house, &today).await;
    let later = record().await;
    let path = format!("/v1/events/{later}/covering");
    house.get(&path, READER).await.problem(404, "not_covered");

    let told = house.get(&covering, READER).await;
    let covering = Covering::parse(&told.body).expect("a covering");
    assert_eq!(covering.period.to_string(), today);
    let receipt = house.get(&format!("/v1/events/{first}/receipt"), READER).await;
    let receipt = Receipt::parse(&receipt.body).expect("a receipt");
    let bundle = house.get(&format!("/v1/snapshots/{today}/bundle"), READER).await;
    let bundle = Bundle::unpack(&bundle.body).expect("a bundle");
    let policy = house.get("/v1/policy-file", READER).await;
    let policy = Policy::parse(&String::from_utf8_lossy(&policy.body)).expect("a policy");
    let held = Held { policy: Some(policy), ..Held::default() };
    let walk = Walk { receipt: &receipt, covering: &covering, bundle: &bundle };
    let walked = walk.verify(&held, None);
    assert_eq!(walked.whole.verdict, Verdict::Valid, "{}", walked.whole.sentence);
    let short = Covering { size: covering.size - 1, ..covering.clone() };
    let walked = Walk { covering: &short, ..walk }.verify(&held, None);
    assert_eq!(walked.whole.verdict, Verdict::Invalid);
}

async fn check(house: &House, query: &str, body: Vec<u8>) -> Value {
    let path = format!("/v1/verify{query}");
    let request = asking(Method::POST, &path, READER).body(Body::from(body));
    house.send(request.expect("a request")).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreed_snapshot_is_taken_home_and_checked_without_keeping_anything() {
    let house = House::open().await;
    let path = "/v1/snapshots/2026-10/bundle";
    house.get(path, "").await.problem(401, "unauthenticated");
    house.get(path, READER).await.problem(404, "not_found");
    house.post("/v1/snapshots", READER, &json!({ "period": "2026-10" })).await.expect(201);
    let early = house.get(path, READER).await;
    if early.status != 200 {
        let problem = early.problem(409, "conflict");
        assert!(problem["detail"].as_str().is_some_and(|it| it.contains("bundle")), "{problem}");
    }
    let agreed = until_agreed(&house, "2026-10").await;
    let bundle = house.get(path, READER).await;
    assert_eq!(bundle.status, 200);
    assert_eq!(bundle.header("content-type"), "application/zip");
    let name = "attachment; filename=\"audit-2026-10.zip\"";
    assert_eq!(bundle.header("content-disposition"), name);
    assert_eq!(house.get(path, READER).await.body, bundle.body, "the same content, the same bytes");

    let page = house.get("/v1/snapshots/2026-10/certificate.pdf", READER).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "application/pdf"));
    let has = |text: &str| page.body.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(page.body.starts_with(b"%PDF-1.7") && has("/Count 1"), "one page");
    assert!(has(agreed["hash"].as_str().expect("a hash")) && has("Snapshot 2026-10"));
    let again = house.get("/v1/snapshots/2026-10/certificate.pdf", READER).await;
    assert_eq!(again.body, page.body, "the same content, the same bytes");
    let kept = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("certificate.pdf");
    std::fs::write(kept, &page.body).expect("to look at");

    let told = check(&house, "?name=audit.zip", bundle.body.clone()).await;
    assert_eq!((&told["verdict"], &told["exitCode"]), (&json!("selfConsistent"), &json!(3)));
    assert_eq!(told["file"], "audit.zip");
    let told = check(&house, "?policy=deployment", bundle.body.clone()).await;
    assert_eq!((&told["verdict"], &told["exitCode"]), (&json!("selfConsistent"), &json!(3)));
    let sentence = told["sentence"].as_str().expect("a sentence");
    assert!(sentence.ends_with("whose keys these are rests on its word."), "{sentence}");
    let digest = agreed["hash"].as_str().expect("a hash").to_owned();
    let other = check(&house, &format!("?digest={}", "00".repeat(32)), bundle.body.clone()).await;
    assert_eq!(other["verdict"], "invalid", "{}", other["sentence"]);
    let same = check(&house, &format!("?digest={digest}"), bundle.body.clone()).await;
    assert_eq!(same["verdict"], "selfConsistent", "{}", same["sentence"]);
    let known = check(&house, "", digest.into_bytes()).await;
    assert_eq!(known["verdict"], "selfConsistent");
    let unknown = asking(Method::POST, "/v1/verify", READER).body(Body::from("00".repeat(32)));
    house.send(unknown.expect("a request")).await.problem(404, "not_found");
    let half = bundle.body[..bundle.body.len() / 2].to_vec();
    let told = check(&house, "", half).await;
    assert_eq!((&told["verdict"], &told["exitCode"]), (&json!("unreadable"), &json!(2)));
    let request = asking(Method::POST, "/v1/verify?policy=mine", READER).body(Body::empty());
    house.send(request.expect("a request")).await.problem(400, "malformed");
}
