//! Decided grants as auditors read them.

use domain::cloud::PerCloud;
use domain::grant::{Resource, Value as Wish, Version};
use domain::note::Note;
use domain::policy::Policy;
use serde_json::json;

use super::house::House;

async fn decide(house: &House, resource: &str, version: u64, number: u64) {
    let resource: Resource = resource.parse().expect("a resource");
    let wish = Wish::from_json(&json!({ "number": number })).expect("a value");
    let version = Version::new(version).expect("a version");
    house.gcp.grants.decide(&resource, version, &wish).await.expect("decided");
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_listed_newest_first_each_with_a_certificate_that_holds() {
    let house = House::open().await;
    decide(&house, "routing/pro", 1, 10).await;
    decide(&house, "approval/7", 1, 20).await;
    decide(&house, "routing/pro", 2, 30).await;
    let page = house.get("/v1/grants", "demo-auditor").await.expect(200);
    let numbers: Vec<_> = page["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| &item["value"]["number"])
        .collect();
    assert_eq!(numbers, [&json!(30), &json!(20), &json!(10)]);
    let newest = &page["items"][0];
    assert_eq!((&newest["resource"], &newest["version"]), (&json!("routing/pro"), &json!(2)));
    let signed: PerCloud<bool> = serde_json::from_value(newest["signed"].clone()).expect("clouds");
    assert_eq!(signed, PerCloud { gcp: true, aws: true, azure: false });
    let policy = Policy::parse(&house.get("/v1/policy-file", "").await.text()).expect("a policy");
    let note = newest["certificate"].as_str().expect("a note");
    assert!(policy.quorum_signed(&Note::parse(note).expect("a note")));
    assert!(note.contains(newest["valueHash"].as_str().expect("a hash")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_one_resource_follow_each_other() {
    let house = House::open().await;
    for version in 1..=3 {
        decide(&house, "routing/pro", version, version).await;
        decide(&house, "approval/7", version, version).await;
    }
    let path = "/v1/grants?resource=routing/pro&limit=2";
    let first = house.get(path, "demo-controller").await.expect(200);
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
    let cursor = first["nextCursor"].as_str().expect("there is more");
    let path = format!("{path}&cursor={cursor}");
    let second = house.get(&path, "demo-controller").await.expect(200);
    assert_eq!(second["items"][0]["version"], 1);
    assert_eq!(
        (second["items"].as_array().map(Vec::len), &second["nextCursor"]),
        (Some(1), &json!(null))
    );
    house.get("/v1/grants?resource=pro", "demo-controller").await.problem(400, "malformed");
    house.get("/v1/grants?limit=0", "demo-controller").await.problem(400, "malformed");
    house.get("/v1/grants", "demo-ingest").await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_clouds_says_what_is_decided() {
    let house = House::open().await;
    let event = json!({ "tenantId": "platform", "payload": {
        "kind": "grant.decided", "resource": "routing/pro", "version": 1, "value": {}
    }});
    let problem = house.post("/v1/events", "demo-admin", &event).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "/payload/kind");
}
