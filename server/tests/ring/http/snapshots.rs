//! Audit snapshots over HTTP: who may take them, and what is told of them.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::house::House;
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
