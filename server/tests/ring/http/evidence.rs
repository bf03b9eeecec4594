//! Evidence as programs fetch it.

use domain::cloud::Cloud;
use domain::evidence::Evidence;

use super::house::House;
use crate::evidence::{bad_entry, fork};

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_paged_and_each_record_is_what_verifies() {
    let house = House::open().await;
    house.get("/v1/evidence", "").await.problem(401, "unauthenticated");
    let none = house.get("/v1/evidence", "demo-auditor").await.expect(200);
    assert_eq!(none, serde_json::json!({ "items": [], "nextCursor": null }));
    for size in 1..4 {
        house.gcp.evidences.record(fork(size), Some(Cloud::Azure)).await.expect("proven");
    }
    let page = house.get("/v1/evidence?limit=2", "demo-auditor").await.expect(200);
    let row = &page["items"][0];
    assert_eq!((&row["kind"], &row["cloud"]), (&"equivocation".into(), &"aws".into()));
    assert_eq!((&row["sizes"][0], &row["source"]), (&3.into(), &"azure".into()));
    let cursor = page["nextCursor"].as_str().expect("more");
    let rest =
        house.get(&format!("/v1/evidence?cursor={cursor}"), "demo-auditor").await.expect(200);
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(1));
    let path = format!("/v1/evidence/{}", row["id"].as_str().expect("an id"));
    let record = house.get(&path, "demo-auditor").await;
    assert_eq!(record.header("content-type"), "application/json");
    assert_eq!(Evidence::parse(&record.body), Ok(fork(3)));
    for (path, status, code) in [
        ("/v1/evidence?limit=0", 400, "malformed"),
        ("/v1/evidence?limit=101", 400, "malformed"),
        ("/v1/evidence?cursor=x", 400, "malformed"),
        ("/v1/evidence?what=x", 400, "malformed"),
        ("/v1/evidence/xyz", 400, "malformed"),
        (&format!("/v1/evidence/{}", "0".repeat(64)), 404, "not_found"),
    ] {
        house.get(path, "demo-auditor").await.problem(status, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entrys_payload_is_for_those_who_read_payloads() {
    let house = House::open().await;
    house.gcp.evidences.record(bad_entry(), None).await.expect("proven");
    let path = format!("/v1/evidence/{}", bad_entry().id());
    house.get(&path, "demo-ingest").await.problem(403, "forbidden");
    let page = house.get("/v1/evidence", "demo-ingest").await.expect(200);
    assert_eq!(page["items"][0]["kind"], "bad_entry");
    house.get(&path, "demo-admin").await.expect(200);
}
