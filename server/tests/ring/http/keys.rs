//! Keys over HTTP: who may change them, what is told of it, and what the answers say to do.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, header};
use domain::cloud::Cloud;
use domain::epoch::Reason;
use serde_json::{Value, json};

use super::house::{House, asking};
use super::pages;
use crate::clouds::PATIENCE;

const READER: &str = "demo-auditor";
const ADMIN: &str = "demo-admin";

/// Waits until what this cloud says of keys is so; gives it.
async fn until(house: &House, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let seen = async {
        loop {
            let keys = house.get("/v1/keys", READER).await.expect(200);
            if is_so(&keys) {
                return keys;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let seen = tokio::time::timeout(PATIENCE, seen).await;
    seen.unwrap_or_else(|_| panic!("never so: {what}"))
}

/// The payload of the decision that an answer tells of.
async fn decision(house: &House, decided: &Value) -> Value {
    let id = decided["decision"]["eventId"].as_str().expect("an event");
    house.get(&format!("/v1/events/{id}"), READER).await.expect(200)["payload"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_by_an_admin_with_a_reason_that_is_recorded() {
    let house = House::open().await;
    house.get("/v1/keys", "").await.problem(401, "unauthenticated");
    let before = house.get("/v1/keys", READER).await.expect(200);
    let first = &before["clouds"]["gcp"]["epochs"][0];
    assert_eq!((&first["state"], &first["since"]), (&json!("current"), &Value::Null));
    assert_eq!(first["logKey"]["fingerprint"].as_str().map(str::len), Some(64));
    let wish = json!({"reason": "rotation", "comment": "yearly", "epoch": 2});
    house.post("/v1/epochs", READER, &wish).await.problem(403, "forbidden");
    for (wrong, field) in [
        (json!({"reason": "rotation", "comment": " "}), "/comment"),
        (json!({"reason": "restored", "comment": "x"}), "/reason"),
        (json!({"reason": "rotation"}), "/comment"),
        (json!({"reason": "rotation", "comment": "x", "now": true}), "/now"),
    ] {
        let problem = house.post("/v1/epochs", ADMIN, &wrong).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let decided = house.post("/v1/epochs", ADMIN, &wish).await.expect(201);
    assert_eq!((&decided["origin"], &decided["epoch"]), (&json!("gcp"), &json!(2)));
    let told = decision(&house, &decided).await;
    assert_eq!(told["kind"], "key.begin");
    assert_eq!((&told["comment"], &told["reason"]), (&json!("yearly"), &json!("rotation")));
    assert_eq!(told["decidedBy"], "admin@ternion.example");
    let after = until(&house, "approved", |keys| {
        keys["clouds"]["gcp"]["epochs"][0]["state"] == "current"
            && keys["clouds"]["gcp"]["epochs"][0]["epoch"] == 2
    })
    .await;
    let epochs = &after["clouds"]["gcp"]["epochs"];
    assert_eq!(epochs[0]["approvedBy"], json!(["gcp", "aws"]));
    assert_eq!(epochs[1]["state"], "closed");
    assert_ne!(epochs[0]["logKey"]["fingerprint"], epochs[1]["logKey"]["fingerprint"]);
    // The very same request again begins no third one.
    house.post("/v1/epochs", ADMIN, &wish).await.problem(409, "epoch_begun");
    let aside = json!({"tenantId": "platform", "payload": {"kind": "key.gone", "cloud": "aws",
        "reason": "aside"}});
    house.post("/v1/events", ADMIN, &aside).await.problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_that_waits_says_what_each_other_cloud_answers() {
    let house = House::open().await;
    let wish = json!({"reason": "keyStolen", "comment": "a laptop is missing"});
    let decided = house.post("/v1/epochs", ADMIN, &wish).await.expect(201);
    assert!(decided["next"].as_str().is_some_and(|next| next.contains("must agree")));
    let waiting = until(&house, "both were asked", |keys| {
        keys["clouds"]["gcp"]["epochs"][0]["answers"].as_array().map(Vec::len) == Some(2)
    })
    .await;
    let epoch = &waiting["clouds"]["gcp"]["epochs"][0];
    assert_eq!(epoch["state"], "waiting");
    let answers = &epoch["answers"];
    assert_eq!((&answers[0]["cloud"], &answers[0]["answer"]), (&json!("aws"), &json!("waits")));
    assert_eq!((&answers[1]["cloud"], &answers[1]["answer"]), (&json!("azure"), &json!("silent")));
    assert_eq!(waiting["clouds"]["gcp"]["epochs"][1]["state"], "revoked");
    let again = house.post("/v1/epochs", ADMIN, &wish).await.problem(409, "epoch_waits");
    assert!(again["detail"].as_str().is_some_and(|detail| detail.contains("/v1/keys")));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_clouds_stolen_key_waits_for_an_admin_who_agrees_once() {
    let house = House::open().await;
    let aws = house.aws.as_ref().expect("it runs");
    aws.ledger.begin_epoch(Reason::KeyStolen).await.expect("begun");
    let asked = until(&house, "asked", |keys| keys["requests"][0]["record"].is_string()).await;
    let request = &asked["requests"][0];
    assert_eq!((&request["origin"], &request["reason"]), (&json!("aws"), &json!("keyStolen")));
    assert_eq!(request["agreed"], false);
    let path = format!("/v1/epochs/{}/agree", request["record"].as_str().expect("a hash"));
    let reason = json!({"reason": "Ada told us so by telephone"});
    house.post(&path, READER, &reason).await.problem(403, "forbidden");
    house.post(&path, ADMIN, &json!({"reason": ""})).await.problem(422, "invalid");
    let other = format!("/v1/epochs/{}/agree", "0".repeat(64));
    house.post(&other, ADMIN, &reason).await.problem(404, "not_found");
    house.post("/v1/epochs/xyz/agree", ADMIN, &reason).await.problem(400, "malformed");
    let decided = house.post(&path, ADMIN, &reason).await.expect(201);
    let told = decision(&house, &decided).await;
    assert_eq!((&told["kind"], &told["origin"]), (&json!("key.agree"), &json!("aws")));
    assert_eq!(told["record"], request["record"]);
    house.post(&path, ADMIN, &reason).await.problem(409, "already_decided");
    // The other cloud's people have not agreed: it does not count yet.
    assert_eq!(house.gcp.ledger.register().newest_approved(Cloud::Aws).epoch, 1);
    let still = house.get("/v1/keys", READER).await.expect(200);
    assert_eq!(still["requests"][0]["agreed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_declared_gone_for_whom_nobody_waits() {
    let house = House::open().await;
    let wish = |cloud: &str| json!({"cloud": cloud, "reason": "the account was closed"});
    house.post("/v1/epochs/gone", ADMIN, &wish("gcp")).await.problem(422, "invalid");
    house.post("/v1/epochs/gone", ADMIN, &wish("azure")).await.problem(409, "not_recovering");
    house.post("/v1/epochs/gone", READER, &wish("azure")).await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_cloud_goes_on_without_a_peer_that_two_admins_declare_gone() {
    let house = House::that_was_put_back().await;
    until(&house, "it waits", |keys| keys["recovering"] == true).await;
    let wish = |cloud: &str| json!({"cloud": cloud, "reason": "the account was closed"});
    let begin = json!({"reason": "rotation", "comment": "now"});
    house.post("/v1/epochs", ADMIN, &begin).await.problem(503, "busy");
    let answers = async {
        while house.gcp.ledger.figures().clouds.aws.reachable != Some(true) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, answers).await.expect("aws answers");
    house.post("/v1/epochs/gone", ADMIN, &wish("aws")).await.problem(409, "cloud_answers");
    let first = house.post("/v1/epochs/gone", ADMIN, &wish("azure")).await.expect(202);
    assert_eq!(first["declaredBy"], json!(["admin@ternion.example"]));
    house.post("/v1/epochs/gone", ADMIN, &wish("azure")).await.problem(409, "same_person");
    let waits = house.get("/v1/keys", READER).await.expect(200);
    assert_eq!((&waits["recovering"], &waits["gone"][0]["cloud"]), (&json!(true), &json!("azure")));
    house.post("/v1/epochs/gone", "demo-admin2", &wish("azure")).await.expect(201);
    let after = until(&house, "it goes on", |keys| keys["recovering"] == false).await;
    let gone = &after["clouds"]["gcp"]["epochs"][0]["gone"];
    assert_eq!(gone["declaredBy"], json!(["admin2@ternion.example", "admin@ternion.example"]));
    // What was said while nothing could be recorded is recorded now, by both.
    let told = async {
        loop {
            let page = house.get("/v1/events?kind=key.gone", READER).await.expect(200);
            if page["items"].as_array().map(Vec::len) == Some(2) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("both are recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_of_the_page_rotate_keys_and_lead_back_to_it() {
    let house = House::open().await;
    let send = async |body: &str| {
        let media = "application/x-www-form-urlencoded";
        let request = asking(Method::POST, "/keys/act", ADMIN).header(header::CONTENT_TYPE, media);
        house.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    };
    for (body, leads_to) in [
        ("act=begin&why=rotation&epoch=2&reason=yearly", "?problem=not_confirmed"),
        ("act=begin&why=rotation&epoch=2&reason=&confirmed=yes", "?problem=invalid"),
        ("act=begin&why=rotation&epoch=3&reason=x&confirmed=yes", "?problem=epoch_begun"),
        ("act=gone&cloud=aws&reason=x&confirmed=yes", "?problem=not_recovering"),
        ("act=begin&why=rotation&epoch=2&reason=yearly&confirmed=yes", ""),
    ] {
        let answer = send(body).await;
        assert_eq!(answer.status, 303, "{body}: {}", answer.text());
        assert_eq!(pages::leads_to(&answer), format!("/ledger/keys{leads_to}"), "{body}");
    }
    until(&house, "begun", |keys| keys["clouds"]["gcp"]["epochs"][0]["epoch"] == 2).await;
}
