//! Who approves: in whose stead and until when, several at once, and what programs outside are told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use domain::webhook::Secret;
use serde_json::{Value, json};
use server::webhook::{self, Receiver, Standing};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::house::{Answer, House};
use super::optimizer::{
    PROPOSALS, approve, business, controls, propose, seen, state_of, until_version,
};
use crate::clouds::PATIENCE;

const DELEGATIONS: &str = "/v1/approvals/delegations?wait=final";
const ADMIN: &str = "admin@ternion.example";
const CONTROLLER: &str = "controller@ternion.example";
const HOUR_MS: i64 = 3_600_000;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn in_hours(hours: i64) -> Value {
    json!(domain::clock::Timestamp::from_unix_ms(server::now().unix_ms() + hours * HOUR_MS))
}

async fn delegate(house: &House, token: &str, to: &str, hours: i64) -> Answer {
    let wish = json!({ "to": to, "until": in_hours(hours), "reason": "on leave" });
    house.post(DELEGATIONS, token, &wish).await
}

async fn approve_for(house: &House, token: &str, person: &str, proposal: &Value) -> Answer {
    let id = proposal["proposalId"].as_str().expect("an id");
    let mut body = seen(proposal);
    body["onBehalfOf"] = json!(person);
    house.post(&format!("/v1/approvals/{id}/approve?wait=final"), token, &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_approves_in_the_stead_of_whoever_is_away_until_it_is_taken_back() {
    let house = business("0.7").await;
    let proposal = propose(&house, "demo-admin2", "1.08").await;
    let posing = approve_for(&house, "demo-controller", ADMIN, &proposal).await;
    posing.problem(403, "not_delegate");
    let given = delegate(&house, "demo-admin", CONTROLLER, 48).await.expect(201);
    assert_eq!((&given["person"], &given["holds"]), (&json!(ADMIN), &json!(true)));
    // By their own role they still may not.
    approve(&house, "demo-controller", &proposal).await.problem(403, "forbidden");
    let approved = approve_for(&house, "demo-controller", ADMIN, &proposal).await.expect(201);
    assert_eq!(approved["approvals"], json!([ADMIN]));
    assert_eq!(approved["votes"], json!([{ "person": ADMIN, "by": CONTROLLER }]));
    let said = approved["history"].as_array().expect("a list").iter();
    let said = said.filter(|step| step["what"] == "approved").collect::<Vec<_>>();
    assert_eq!((&said[0]["by"], &said[0]["inSteadOf"]), (&json!(CONTROLLER), &json!(ADMIN)));
    assert_eq!(until_version(&house, 1).await["price"]["ofList"], "1.08");

    // Four eyes hold through delegates: it is the admin's own proposal.
    let own = propose(&house, "demo-admin", "1.1").await;
    approve_for(&house, "demo-controller", ADMIN, &own).await.problem(403, "four_eyes");
    let theirs = propose_other(&house, "demo-controller").await;
    approve_for(&house, "demo-controller", ADMIN, &theirs).await.problem(403, "four_eyes");

    let id = given["delegationId"].as_str().expect("an id");
    let path = format!("/v1/approvals/delegations/{id}/withdraw?wait=final");
    let back = json!({ "reason": "back earlier" });
    house.post(&path, "demo-admin2", &back).await.problem(403, "forbidden");
    let withdrawn = house.post(&path, "demo-admin", &back).await.expect(201);
    assert_eq!(withdrawn["holds"], false);
    assert_eq!(withdrawn["decision"]["status"], "FINAL");
    let over = house.post(&path, "demo-admin", &back).await.problem(409, "over");
    let by = withdrawn["decision"]["eventId"].as_str().expect("an id");
    let detail = over["detail"].as_str().expect("text");
    assert!(detail.starts_with(ADMIN) && detail.contains(by), "{detail}");
    assert_eq!(over["errors"][0]["reason"], "is withdrawn now");
    let open = house.get("/v1/approvals/delegations", "demo-auditor").await.expect(200);
    assert_eq!(open["items"], json!([]));
    let late = approve_for(&house, "demo-controller", ADMIN, &theirs).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN, "{}", late.text());
}

/// A second tenant, and a price for it.
async fn propose_other(house: &House, token: &str) -> Value {
    bolt(house).await;
    propose_for(house, token, "bolt", "1.05").await
}

async fn bolt(house: &House) {
    let bolt = json!({ "kind": "tenant.put", "tenantId": "bolt", "name": "Bolt", "tier": "pro",
        "cloud": "gcp", "region": "eu", "active": true });
    house.record("demo-admin", json!([{ "tenantId": "platform", "payload": bolt }])).await;
}

async fn propose_for(house: &House, token: &str, tenant: &str, price: &str) -> Value {
    let wish = json!({ "tenantId": tenant, "priceOfList": price, "reason": "they grow" });
    house.post(PROPOSALS, token, &wish).await.expect(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegation_is_to_somebody_else_who_may_propose_for_ninety_days_at_most() {
    let house = business("0.7").await;
    for to in [ADMIN, "auditor@ternion.example", "nobody@ternion.example"] {
        let problem = delegate(&house, "demo-admin", to, 48).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], "/to", "{to}");
    }
    for hours in [-1, 24 * 91] {
        let problem = delegate(&house, "demo-admin", CONTROLLER, hours).await;
        let problem = problem.problem(422, "invalid");
        assert!(problem["errors"].to_string().contains("/until"), "{problem}");
    }
    delegate(&house, "demo-controller", ADMIN, 48).await.problem(403, "forbidden");
    // Not as an event of one's own making either.
    let event = json!({ "tenantId": "platform", "payload": { "kind": "approval.delegate",
        "to": CONTROLLER, "from": in_hours(0), "until": in_hours(4), "reason": "x" } });
    house.post("/v1/events", "demo-admin", &event).await.problem(422, "invalid");

    // Whoever may approve no longer has no vote to give.
    delegate(&house, "demo-admin", CONTROLLER, 48).await.expect(201);
    let proposal = propose(&house, "demo-admin2", "1.05").await;
    let demoted = json!({ "kind": "user.put", "login": ADMIN, "name": "A", "role": "auditor" });
    let demoted = json!([{ "tenantId": "platform", "payload": demoted }]);
    house.record("demo-admin2", demoted).await;
    let late = approve_for(&house, "demo-controller", ADMIN, &proposal).await;
    late.problem(403, "not_delegate");
    assert_eq!(controls(&house).await["version"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_of_low_risk_are_approved_at_once_and_each_is_answered_by_itself() {
    let house = business("0.7").await;
    bolt(&house).await;
    let low = propose(&house, "demo-controller", "1.05").await;
    let high = propose_for(&house, "demo-controller", "bolt", "1.3").await;
    let item = |proposal: &Value| {
        let mut item = seen(proposal);
        item["proposalId"] = proposal["proposalId"].clone();
        item
    };
    let mut stale = item(&low);
    stale["hash"] = json!("0".repeat(64));
    let mut unknown = item(&low);
    unknown["proposalId"] = json!(Uuid::now_v7());
    let path = "/v1/approvals/bulk?wait=final";
    let all = json!([stale, item(&high), unknown]);
    house.post(path, "demo-controller", &all).await.problem(403, "forbidden");
    let told = house.post(path, "demo-admin", &all).await.expect(200);
    let codes: Vec<&Value> =
        told.as_array().expect("a list").iter().map(|it| &it["problem"]["code"]).collect();
    assert_eq!(codes, ["version_changed", "not_together", "not_found"]);
    let all = json!([item(&low), item(&low)]);
    let told = house.post(path, "demo-admin", &all).await.expect(200);
    assert_eq!((&told[0]["httpStatus"], &told[1]["httpStatus"]), (&json!(201), &json!(422)));
    assert_eq!(told[1]["problem"]["errors"][0]["field"], "/1/proposalId");
    assert_eq!(until_version(&house, 1).await["price"]["ofList"], "1.05");
    assert_eq!(state_of(&house, &high).await, "pending");
    house.post(path, "demo-admin", &json!([])).await.problem(422, "invalid");
    let shapeless = house.post(path, "demo-admin", &json!({})).await.problem(422, "invalid");
    let list = json!([{ "field": "", "reason": "must be a list of 1 to 50 proposals" }]);
    assert_eq!(shapeless["errors"], list);
    let bare = house.post(path, "demo-admin", &json!([{}])).await.problem(422, "invalid");
    let fields = bare["errors"].to_string();
    for field in ["/0/proposalId", "/0/version", "/0/hash"] {
        assert!(fields.contains(field), "{field} in {fields}");
    }
    assert!(!fields.contains('`') && fields.contains("is missing"), "{fields}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_filtered_by_class_and_each_proposal_names_its_own() {
    let house = business("0.7").await;
    bolt(&house).await;
    let low = propose(&house, "demo-controller", "1.05").await;
    let high = propose_for(&house, "demo-controller", "bolt", "1.3").await;
    assert_eq!((&low["class"], &high["class"]), (&json!("low"), &json!("high")));
    for (class, there) in [("low", &low), ("high", &high)] {
        let path = format!("/v1/approvals?class={class}");
        let queue = house.get(&path, "demo-auditor").await.expect(200);
        let items = queue["items"].as_array().expect("a list");
        assert_eq!((items.len(), &items[0]["class"]), (1, &json!(class)));
        assert_eq!(items[0]["proposalId"], there["proposalId"]);
    }
    let all = house.get("/v1/approvals", "demo-auditor").await.expect(200);
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2));
    let wrong = house.get("/v1/approvals?class=medium", "demo-auditor").await;
    let wrong = wrong.problem(400, "malformed");
    assert_eq!(wrong["errors"][0]["reason"], "must be one of: low, high");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_drifted_is_marked_in_the_queue_refused_by_itself_and_approved_once_it_is_made_anew() {
    let house = business("0.7").await;
    bolt(&house).await;
    // The second has no usage: what azure takes is nothing to it.
    let drifts = propose(&house, "demo-controller", "1.05").await;
    let stays = propose_for(&house, "demo-controller", "bolt", "1.05").await;
    let queue = house.get("/v1/approvals", "demo-auditor").await.expect(200);
    let is_drifted = |queue: &Value, at: usize| queue["items"][at]["drifted"].clone();
    assert_eq!([is_drifted(&queue, 0), is_drifted(&queue, 1)], [json!(false), json!(false)]);
    dearer(&house).await;
    let queue = house.get("/v1/approvals", "demo-auditor").await.expect(200);
    assert_eq!([is_drifted(&queue, 0), is_drifted(&queue, 1)], [json!(true), json!(false)]);
    let facts: Vec<&Value> = queue["items"][0]["drift"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|drift| &drift["fact"])
        .collect();
    assert_eq!(facts, ["costOfList", "margin"]);
    for (wanted, there) in [(true, &drifts), (false, &stays)] {
        let path = format!("/v1/approvals?drifted={wanted}");
        let some = house.get(&path, "demo-auditor").await.expect(200);
        assert_eq!(some["items"].as_array().map(Vec::len), Some(1), "{some}");
        assert_eq!(some["items"][0]["proposalId"], there["proposalId"]);
        assert_eq!(some["notLookedAt"], json!(0), "{some}");
    }
    let id = drifts["proposalId"].as_str().expect("an id");
    let path = format!("/v1/proposals/{id}");
    let one = house.get(&path, "demo-auditor").await.expect(200);
    assert_eq!((&one["drifted"], &one["drift"][1]["now"]), (&json!(true), &json!("0.2")));

    let item = |proposal: &Value| {
        let mut item = seen(proposal);
        item["proposalId"] = proposal["proposalId"].clone();
        item
    };
    let bulk = "/v1/approvals/bulk?wait=final";
    let both = json!([item(&drifts), item(&stays)]);
    let told = house.post(bulk, "demo-admin", &both).await.expect(200);
    assert_eq!((&told[0]["httpStatus"], &told[1]["httpStatus"]), (&json!(409), &json!(201)));
    assert_eq!(told[0]["problem"]["code"], "facts_changed");

    let mut anew = seen(&drifts);
    anew["reason"] = json!("still right");
    let modify = format!("/v1/approvals/{id}/modify?wait=final");
    let second = house.post(&modify, "demo-controller", &anew).await.expect(201);
    assert_eq!(second["content"], drifts["content"], "the same change");
    let one = house.get(&path, "demo-auditor").await.expect(200);
    assert_eq!((&one["drifted"], &one["drift"]), (&json!(false), &json!([])));
    approve(&house, "demo-admin", &second).await.expect(201);
    assert_eq!(until_version(&house, 1).await["price"]["ofList"], "1.05");
}

/// Azure takes more for what acme uses.
pub(super) async fn dearer(house: &House) {
    let dearer = json!({ "tenantId": "platform", "payload": { "kind": "cost.put",
        "provider": "azure", "model": "m", "price": { "rates": {
            "inputUsdPerToken": "0.000008", "outputUsdPerToken": "0.000008" } },
        "asOf": "2026-06-01T00:00:00Z" } });
    house.record("demo-admin", json!([dearer])).await;
}

/// What a receiver got: id, second, signature, body.
type Got = Arc<Mutex<Vec<[String; 4]>>>;

#[derive(Clone)]
struct Listener {
    got: Got,
    /// Answers with a failure.
    broken: Arc<Mutex<bool>>,
}

async fn heard(State(listener): State<Listener>, headers: HeaderMap, body: String) -> StatusCode {
    let text = |name: &str| headers[name].to_str().expect("text").to_owned();
    let got = [text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"), body];
    listener.got.lock().expect("a lock").push(got);
    if *listener.broken.lock().expect("a lock") {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::NO_CONTENT
    }
}

/// A program on this machine that is told.
async fn listen(tasks: &mut JoinSet<()>) -> (Listener, String) {
    let listener = Listener { got: Got::default(), broken: Arc::new(Mutex::new(true)) };
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook?key=secret", socket.local_addr().expect("an address"));
    let router = Router::new().route("/hook", post(heard)).with_state(listener.clone());
    tasks.spawn(async move { axum::serve(socket, router).await.expect("serves") });
    (listener, url)
}

fn telling(house: &House, url: &str) -> webhook::Setup {
    let secret = Secret::read(SECRET).expect("a secret");
    webhook::Setup {
        me: house.gcp.ledger.cloud(),
        projection: house.gcp.projection.clone(),
        pool: house.gcp.database.pool.clone(),
        receivers: vec![Receiver::new("desk".to_owned(), url, secret).expect("a receiver")],
        url: "https://gcp.example.com".to_owned(),
    }
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_outside_is_told_signed_and_again_after_a_failure_and_a_restart() {
    let house = business("0.7").await;
    let before = propose(&house, "demo-controller", "1.2").await;
    let mut tasks = JoinSet::new();
    let (listener, url) = listen(&mut tasks).await;
    let got = || listener.got.lock().expect("a lock").clone();
    let stop = CancellationToken::new();
    let first = webhook::start(telling(&house, &url), &stop, &mut tasks);
    let standing = async |webhooks: &webhook::Webhooks| -> Standing {
        webhooks.standing(server::now()).await.expect("readable").remove(0)
    };
    // What was there before the receiver is no news.
    tokio::time::sleep(Duration::from_secs(1)).await;
    super::optimizer::reject(&house, "demo-admin", &before).await;
    until("the rejection is sent", async || !got().is_empty()).await;
    until("the failure is written down", async || standing(&first).await.problem.is_some()).await;
    let stands = standing(&first).await;
    assert_eq!((stands.waiting, stands.delivered), (1, 0));
    assert!(stands.place.starts_with("http://127.0.0.1:") && !stands.place.contains("secret"));
    stop.cancel();
    *listener.broken.lock().expect("a lock") = false;
    let failed = got().len();

    let stop = CancellationToken::new();
    let second = webhook::start(telling(&house, &url), &stop, &mut tasks);
    let price = propose(&house, "demo-controller", "1.04").await;
    approve(&house, "demo-admin", &price).await.expect(201);
    until_version(&house, 1).await;
    // The same message, under the same id, until it was taken.
    let again = || got()[failed..].iter().any(|told| told[0] == got()[0][0]);
    until("what failed is sent again", async || again()).await;
    let needed = || got()[failed..].iter().any(|told| told[0].starts_with("proposal_needs"));
    until("people are needed", async || needed()).await;
    until("both are written down", async || standing(&second).await.delivered >= 2).await;
    let all = got();
    let secret = Secret::read(SECRET).expect("a secret");
    for [id, at_s, signature, body] in &all {
        let at_s: i64 = at_s.parse().expect("a second");
        assert_eq!(*signature, secret.signature(id, at_s, body));
        assert!((server::now().unix_ms() / 1_000 - at_s).abs() < 120);
    }
    assert!(all[failed..].iter().any(|told| told[0] == all[0][0] && told[3] == all[0][3]));
    let kinds: Vec<Value> = all[failed..]
        .iter()
        .map(|told| serde_json::from_str::<Value>(&told[3]).expect("JSON")["type"].clone())
        .collect();
    assert!(kinds.contains(&json!("proposal.rejected")), "{kinds:?}");
    assert!(kinds.contains(&json!("proposal.needs_approval")), "{kinds:?}");
    let opened = json!(before["proposalId"]);
    let told_of_before = all.iter().filter(|told| told[0].starts_with("proposal_needs_approval"));
    assert!(told_of_before.clone().count() >= 1);
    assert!(told_of_before.clone().all(|told| !told[3].contains(&opened.to_string())));
    stop.cancel();

    // A receiver that is configured no more leaves nothing behind.
    let stop = CancellationToken::new();
    let nobody = webhook::Setup { receivers: Vec::new(), ..telling(&house, &url) };
    webhook::start(nobody, &stop, &mut tasks);
    until("what was written down is forgotten", async || written(&house).await == 0).await;
    stop.cancel();
}

async fn written(house: &House) -> i64 {
    let count =
        "SELECT (SELECT count(*) FROM webhook_message) + (SELECT count(*) FROM webhook_receiver)";
    sqlx::query_scalar(count).fetch_one(&house.gcp.database.pool).await.expect("readable")
}
