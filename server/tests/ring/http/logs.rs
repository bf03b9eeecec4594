//! The logs as a monitor reads them, who believes nobody.

use domain::event::leaf;
use domain::log::{Checkpoint, Hash, Leaf};
use domain::note::Note;
use domain::policy::Policy;
use serde_json::{Value, json};

use super::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_recomputes_the_root_from_public_tiles_alone() {
    let house = House::open().await;
    let events: Vec<Value> =
        (0..300).map(|n| json!({"tenantId": "platform", "payload": {"n": n}})).collect();
    house
        .post("/v1/events?wait=final&timeoutMs=30000", "demo-ingest", &json!(events))
        .await
        .expect(200);
    let logs = house.get("/v1/logs", "").await.expect(200);
    let log = &logs["items"][0];
    assert_eq!((&log["origin"], &log["epoch"]), (&json!("gcp"), &json!(1)));
    assert_eq!((&log["size"], &log["finalSize"]), (&json!(306), &json!(306)));
    let checkpoint = house.get("/v1/logs/gcp/1/checkpoint", "").await;
    assert_eq!(checkpoint.header("content-type"), "text/plain; charset=utf-8");
    let note = Note::parse(&checkpoint.text()).expect("a signed note");
    let policy = Policy::parse(&house.get("/v1/policy-file", "").await.text()).expect("a policy");
    assert!(policy.quorum_signed(&note));
    let head = Checkpoint::parse(&note.text).expect("a checkpoint").head;
    let full = house.get("/v1/logs/gcp/1/tile/0/000", "").await;
    assert_eq!(
        (full.body.len(), full.header("cache-control")),
        (8_192, "public, max-age=31536000, immutable")
    );
    let rest = house.get(&format!("/v1/logs/gcp/1/tile/0/001.p/{}", head.size - 256), "").await;
    let bytes = [full.body, rest.body].concat();
    let mut appender = domain::log::Appender::default();
    for hash in bytes.chunks(32) {
        appender.append(Leaf(Hash::from_slice(hash).expect("32 bytes")), |_| {});
    }
    assert_eq!(appender.head().root, head.root);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_for_those_who_read_the_ledger_and_hash_to_the_leaves() {
    let house = House::open().await;
    let path = "/v1/logs/gcp/1/tile/entries/000.p/5";
    house.get(path, "").await.problem(401, "unauthenticated");
    let bundle = house.get(path, "demo-ingest").await;
    assert_eq!(bundle.body.len(), 5 * 47, "{}", bundle.text());
    let tile = house.get("/v1/logs/gcp/1/tile/0/000.p/5", "").await;
    for (at, entry) in bundle.body.chunks(47).enumerate() {
        assert_eq!(entry[..2], [0, 45]);
        assert_eq!(Leaf::of(&entry[2..]).0.0, tile.body[32 * at..32 * (at + 1)]);
    }
    let first = house.gcp.ledger.at(domain::event::Slot::parse("gcp/1/0").expect("a slot"));
    let first = first.await.expect("readable").expect("stored");
    assert_eq!(leaf(first.slot, first.hash).0.0, tile.body[..32]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_log_does_not_hold_is_not_found() {
    let house = House::open().await;
    for path in [
        "/v1/logs/gcp/1/tile/0/000",
        "/v1/logs/gcp/1/tile/0/000.p/9",
        "/v1/logs/gcp/1/tile/0/0",
        "/v1/logs/gcp/9/checkpoint",
        "/v1/logs/azure/1/checkpoint",
        "/v1/logs/ibm/1/checkpoint",
    ] {
        house.get(path, "demo-admin").await.problem(404, "not_found");
    }
}
