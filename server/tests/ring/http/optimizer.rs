//! Prices over HTTP: proposed, approved by others, applied once on every cloud, taken back; and every
//! race that comes to nothing, with its code.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, header};
use domain::cloud::Cloud;
use domain::event::TenantId;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::house::{Answer, House, asking};
use super::pages::{cookie_of, html, leads_to, submit};
use crate::clouds::PATIENCE;

pub(super) const PROPOSALS: &str = "/v1/proposals?wait=final";
const RUN: &str = "/v1/optimizer/run?wait=final";
const CONTROLS: &str = "/v1/tenants/acme/controls";
const STATE: &str = "/v1/controller-state";

/// A tenant whose usage of yesterday cost us so much of what it brought in.
pub(super) async fn business(cost_of_list: &str) -> House {
    let house = House::open().await;
    let cost: Decimal = cost_of_list.parse().expect("a decimal");
    // Ten dollars a million tokens, both ways.
    let per_token = (cost / Decimal::from(100_000)).normalize();
    let decisions = [
        json!({ "kind": "tier.put", "tier": "pro", "name": "Pro", "sla": { "bands": [
            { "minUptimePct": "99", "credit": "0" }, { "minUptimePct": "0", "credit": "0.1" } ] } }),
        tenant(true),
        json!({ "kind": "price.put", "tier": "pro", "provider": "azure", "model": "m",
            "inputUsdPerMillion": "10", "outputUsdPerMillion": "10",
            "effectiveFrom": "2026-01-01T00:00:00Z" }),
        json!({ "kind": "cost.put", "provider": "azure", "model": "m",
            "price": { "rates": { "inputUsdPerToken": per_token, "outputUsdPerToken": per_token } },
            "asOf": "2026-01-01T00:00:00Z" }),
    ];
    let decisions = decisions.map(|payload| json!({ "tenantId": "platform", "payload": payload }));
    house.record("demo-admin", json!(decisions)).await;
    house.record("demo-ingest", json!([used(1_000_000)])).await;
    house
}

fn tenant(active: bool) -> Value {
    json!({ "kind": "tenant.put", "tenantId": "acme", "name": "Acme", "tier": "pro", "cloud": "gcp",
        "region": "eu", "active": active })
}

fn used(tokens: u64) -> Value {
    let at = server::now().unix_ms() - 24 * 3_600_000;
    json!({ "tenantId": "acme", "payload": { "kind": "usage", "provider": "azure", "model": "m",
        "region": "eu", "inputTokens": tokens, "outputTokens": 0, "latencyMs": 800.0,
        "requestedAt": domain::clock::Timestamp::from_unix_ms(at) } })
}

async fn put(house: &House, path: &str, token: &str, body: &Value) -> Answer {
    let request = asking(Method::PUT, path, token).header(header::CONTENT_TYPE, "application/json");
    house.send(request.body(Body::from(body.to_string())).expect("a request")).await
}

pub(super) async fn propose(house: &House, token: &str, price: &str) -> Value {
    let wish = json!({ "tenantId": "acme", "priceOfList": price, "reason": "the margin is thin" });
    house.post(PROPOSALS, token, &wish).await.expect(201)
}

pub(super) fn seen(proposal: &Value) -> Value {
    json!({ "version": proposal["version"], "hash": proposal["hash"] })
}

async fn decide(house: &House, act: &str, token: &str, proposal: &Value, more: Value) -> Answer {
    let id = proposal["proposalId"].as_str().expect("an id");
    let mut body = seen(proposal);
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    house.post(&format!("/v1/approvals/{id}/{act}?wait=final"), token, &body).await
}

pub(super) async fn approve(house: &House, token: &str, proposal: &Value) -> Answer {
    decide(house, "approve", token, proposal, json!({})).await
}

pub(super) async fn reject(house: &House, token: &str, proposal: &Value) {
    let no = json!({ "reason": "not now" });
    decide(house, "reject", token, proposal, no).await.expect(201);
}

pub(super) async fn controls(house: &House) -> Value {
    house.get(CONTROLS, "demo-ingest").await.expect(200)
}

/// Waits until that version of the tenant's controls is in force.
pub(super) async fn until_version(house: &House, version: u64) -> Value {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let now = controls(house).await;
        if now["version"].as_u64() >= Some(version) {
            return now;
        }
        assert!(tokio::time::Instant::now() < deadline, "{now} and not {version}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub(super) async fn state_of(house: &House, proposal: &Value) -> String {
    let id = proposal["proposalId"].as_str().expect("an id");
    let now = house.get(&format!("/v1/proposals/{id}"), "demo-auditor").await.expect(200);
    now["state"].as_str().expect("a state").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_is_applied_after_another_person_approved_it_and_is_taken_back_by_an_act() {
    let house = business("0.7").await;
    assert_eq!(controls(&house).await["price"]["ofList"], "1");
    let proposal = propose(&house, "demo-admin", "1.08").await;
    assert_eq!((&proposal["state"], &proposal["quorum"]), (&json!("pending"), &json!(1)));
    approve(&house, "demo-admin", &proposal).await.problem(403, "four_eyes");
    approve(&house, "demo-controller", &proposal).await.problem(403, "forbidden");
    let approved = approve(&house, "demo-admin2", &proposal).await.expect(201);
    assert_eq!(approved["approvals"], json!(["admin2@ternion.example"]));
    let now = until_version(&house, 1).await;
    assert_eq!((&now["price"]["ofList"], &now["version"]), (&json!("1.08"), &json!(1)));
    assert_eq!(now["price"]["models"][0]["inputUsdPerMillion"], "10.8");
    assert_eq!(state_of(&house, &proposal).await, "applied");
    approve(&house, "demo-admin2", &proposal).await.problem(409, "applied");
    let margin = house.get("/v1/tenants/acme/margin", "demo-auditor").await.expect(200);
    assert_eq!(margin["margin"], "0.3519");

    let back = json!({ "reason": "they complained", "version": 7 });
    let path = "/v1/prices/acme/rollback?wait=final";
    house.post(path, "demo-admin", &back).await.problem(409, "version_changed");
    let back = json!({ "reason": "they complained", "version": 1 });
    house.post(path, "demo-auditor", &back).await.problem(403, "forbidden");
    house.post(path, "demo-admin", &back).await.expect(201);
    let now = until_version(&house, 2).await;
    assert_eq!(now["price"]["ofList"], "1");
    let again = json!({ "reason": "again" });
    house.post(path, "demo-admin", &again).await.problem(409, "nothing_to_take_back");
    house.post(path, "demo-admin", &json!({ "reason": " " })).await.problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_controls_are_served_on_every_cloud_with_a_tag_and_a_poll() {
    let house = business("0.7").await;
    let first = house.get(CONTROLS, "demo-ingest").await;
    let tag = first.header("etag").to_owned();
    let same = asking(Method::GET, CONTROLS, "demo-ingest").header(header::IF_NONE_MATCH, &tag);
    let same = house.send(same.body(Body::empty()).expect("a request")).await;
    assert_eq!(same.status.as_u16(), 304);
    let proposal = propose(&house, "demo-admin", "1.1").await;
    let poll = format!("{CONTROLS}?waitVersion=0");
    let (polled, _) =
        tokio::join!(house.get(&poll, "demo-ingest"), approve(&house, "demo-admin2", &proposal));
    let mut polled = polled.expect(200);
    if polled["version"] == 0 {
        polled = until_version(&house, 1).await;
    }
    assert_eq!(polled["price"]["ofList"], "1.1");
    let aws = house.aws.as_ref().expect("two clouds run");
    let acme = TenantId::try_from("acme".to_owned()).expect("a tenant");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let there = aws.projection.catalog();
        let here = house.gcp.projection.catalog();
        if there.book().chain(&acme).is_some() {
            assert_eq!(there.book().chain(&acme), here.book().chain(&acme));
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "the other cloud applies it too");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    house.get("/v1/tenants/nobody/controls", "demo-ingest").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_at_once_apply_an_extreme_price_exactly_once() {
    let house = business("0.7").await;
    let proposal = propose(&house, "demo-controller", "1.3").await;
    assert_eq!(proposal["quorum"], 2);
    let (one, two, twin) = tokio::join!(
        approve(&house, "demo-admin", &proposal),
        approve(&house, "demo-admin2", &proposal),
        approve(&house, "demo-admin2", &proposal),
    );
    assert_eq!(one.status.as_u16(), 201, "{}", one.text());
    // The same person twice: one of the two counts.
    let codes = [two.status.as_u16(), twin.status.as_u16()];
    assert!(codes.contains(&201), "{codes:?}");
    until_version(&house, 1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let applied = house.get("/v1/events?kind=proposal.apply", "demo-auditor").await.expect(200);
    let ids: std::collections::BTreeSet<String> = applied["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it["eventId"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "{applied}");
    assert_eq!(controls(&house).await["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_tab_a_second_vote_a_blank_reason_and_a_closed_proposal_have_codes_of_their_own() {
    let house = business("0.7").await;
    let first = propose(&house, "demo-controller", "1.2").await;
    let twice = json!({ "tenantId": "acme", "priceOfList": "1.1", "reason": "again" });
    let open = house.post(PROPOSALS, "demo-admin", &twice).await.problem(409, "already_open");
    assert_eq!(open["proposalId"], first["proposalId"], "{open}");
    let id = first["proposalId"].as_str().expect("an id");
    assert_eq!(open["instance"], json!(format!("/v1/proposals/{id}")), "{open}");
    let detail = open["detail"].as_str().expect("text");
    assert!(detail.starts_with("controller@ternion.example opened the proposal"), "{detail}");
    approve(&house, "demo-admin", &first).await.expect(201);
    approve(&house, "demo-admin", &first).await.problem(409, "already_approved");
    let other = json!({ "priceOfList": "1.21", "reason": "a round number" });
    let second = decide(&house, "modify", "demo-admin2", &first, other).await.expect(201);
    assert_eq!((&second["version"], &second["approvals"]), (&json!(2), &json!([])));
    // The tab of before, and its editor.
    let stale = approve(&house, "demo-admin", &first).await.problem(409, "version_changed");
    assert_eq!(stale["errors"][0]["field"], "/version");
    assert_eq!(stale["title"], "The proposal was changed");
    approve(&house, "demo-admin2", &second).await.problem(403, "four_eyes");
    let mut forged = second.clone();
    forged["hash"] = json!("0".repeat(64));
    let never = approve(&house, "demo-admin", &forged).await.problem(409, "version_changed");
    assert_eq!(never["title"], "There is no such version");
    let blank = json!({ "reason": "  " });
    decide(&house, "reject", "demo-admin", &second, blank).await.problem(422, "invalid");
    decide(&house, "reject", "demo-admin", &second, json!({})).await.problem(422, "invalid");
    let no = json!({ "reason": "not before the renewal" });
    decide(&house, "reject", "demo-admin", &second, no).await.expect(201);
    let closed = approve(&house, "demo-admin", &second).await.problem(409, "rejected");
    let detail = closed["detail"].as_str().expect("text");
    assert!(detail.starts_with("admin@ternion.example rejected it already, at 20"), "{detail}");
    assert_eq!(closed["errors"][0]["reason"], "is rejected now");
    let nobody = json!({ "proposalId": Uuid::now_v7(), "version": 1, "hash": "0".repeat(64) });
    approve(&house, "demo-admin", &nobody).await.problem(404, "not_found");
    assert_eq!(controls(&house).await["version"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_price_is_told_how_it_stands_to_each_bound_of_the_policy() {
    let house = business("0.7").await;
    let proposal = propose(&house, "demo-controller", "1.2").await;
    let id = proposal["proposalId"].as_str().expect("an id");
    let shown = house.get(&format!("/v1/proposals/{id}"), "demo-auditor").await.expect(200);
    let bounds = shown["bounds"].as_array().expect("a list");
    let told: Vec<(&str, &Value)> =
        bounds.iter().filter_map(|it| Some((it["bound"].as_str()?, &it["within"]))).collect();
    assert_eq!(
        told,
        [
            ("maxStep", &json!(false)),
            ("maxCumulative", &json!(false)),
            ("cooldown", &json!(true)),
            ("floorCeiling", &json!(true)),
            ("marginFloor", &json!(true)),
            ("contractLock", &json!(true)),
        ],
        "{shown}"
    );
    assert_eq!(bounds[0]["verdict"], "beyond, so 2 persons must agree");
    assert_eq!(bounds[0]["words"], "+20 %; at most ±8 % at once");
    assert_eq!(bounds[1]["fromOfList"], "1", "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn absurd_prices_other_currencies_and_events_of_one_s_own_making_are_refused() {
    let house = business("0.7").await;
    let wish = |field: &str, value: Value| {
        let mut wish = json!({ "tenantId": "acme", "reason": "x" });
        wish[field] = value;
        wish
    };
    for (field, value) in [
        ("priceOfList", json!("0")),
        ("priceOfList", json!("-1.1")),
        ("priceOfList", json!("11")),
        ("overageOfList", json!("0")),
        ("concurrency", json!(0)),
        ("tokenCap", json!(0)),
        ("currency", json!("EUR")),
    ] {
        let problem = house
            .post(PROPOSALS, "demo-admin", &wish(field, value.clone()))
            .await
            .problem(422, "invalid");
        let fields = problem["errors"].to_string();
        assert!(fields.contains(&format!("/{field}")), "{field} {value}: {fields}");
    }
    let all =
        json!({ "tenantId": "nobody", "priceOfList": "100", "concurrency": 0, "reason": " " });
    let all = house.post(PROPOSALS, "demo-admin", &all).await.problem(422, "invalid");
    let fields: Vec<&str> = all["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["field"].as_str())
        .collect();
    assert_eq!(fields, ["/tenantId", "/priceOfList", "/concurrency", "/reason"], "{all}");
    assert!(
        all["errors"][1]["reason"].as_str().is_some_and(|it| it.ends_with("did you mean 1?")),
        "{all}"
    );
    let nothing = wish("priceOfList", json!("1"));
    house.post(PROPOSALS, "demo-admin", &nothing).await.problem(422, "invalid");
    let mut nobody = wish("priceOfList", json!("1.1"));
    nobody["tenantId"] = json!("nobody");
    house.post(PROPOSALS, "demo-admin", &nobody).await.problem(422, "invalid");
    house.post(PROPOSALS, "demo-auditor", &nothing).await.problem(403, "forbidden");
    let apply = json!({ "tenantId": "platform", "payload": { "kind": "proposal.apply",
        "proposalId": Uuid::now_v7(), "version": 1, "hash": "0".repeat(64), "resultVersion": 1 } });
    house.post("/v1/events", "demo-admin", &apply).await.problem(422, "invalid");
    let switch = json!({ "tenantId": "platform", "payload": { "kind": "policy.switch",
        "switch": "autoPricing", "on": true, "reason": "x" } });
    house.post("/v1/events", "demo-admin", &switch).await.problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_between_proposal_and_approval_stops_it_and_is_named() {
    let house = business("0.7").await;
    let proposal = propose(&house, "demo-admin", "1.1").await;
    let dearer = json!({ "tenantId": "platform", "payload": { "kind": "cost.put",
        "provider": "azure", "model": "m", "price": { "rates": {
            "inputUsdPerToken": "0.000008", "outputUsdPerToken": "0.000008" } },
        "asOf": "2026-06-01T00:00:00Z" } });
    house.record("demo-admin", json!([dearer])).await;
    let problem = approve(&house, "demo-admin2", &proposal).await.problem(409, "facts_changed");
    assert!(problem["detail"].as_str().expect("text").contains("margin was 30 % and is 20 %"));
    // Another version rests on the facts of now.
    let same = json!({ "reason": "still right" });
    let second = decide(&house, "modify", "demo-admin2", &proposal, same).await.expect(201);
    assert_eq!(second["facts"]["margin"], "0.2");
    approve(&house, "demo-admin", &second).await.problem(403, "four_eyes");
    let no = json!({ "reason": "proposed anew" });
    decide(&house, "reject", "demo-admin", &second, no).await.expect(201);

    let proposal = propose(&house, "demo-controller", "1.1").await;
    let gone = json!({ "tenantId": "platform", "payload": tenant(false) });
    house.record("demo-admin", json!([gone])).await;
    let problem = approve(&house, "demo-admin", &proposal).await.problem(409, "facts_changed");
    assert!(problem["errors"].to_string().contains("tenantActive"), "{problem}");
    let wish = json!({ "tenantId": "acme", "priceOfList": "1.2", "reason": "x" });
    let no = json!({ "reason": "gone" });
    decide(&house, "reject", "demo-admin", &proposal, no).await.expect(201);
    house.post(PROPOSALS, "demo-admin", &wish).await.problem(409, "tenant_inactive");
    assert_eq!(controls(&house).await["version"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_proposed_with_a_diff_needs_two_and_stops_what_rested_on_the_one_before() {
    let house = business("0.7").await;
    let now = house.get("/v1/policy", "demo-auditor").await.expect(200);
    assert_eq!((&now["version"], &now["policy"]["policyPersons"]), (&json!(0), &json!(2)));
    // The parts that are the standard ones are shown too.
    let parts = (&now["policy"]["watch"]["days"], &now["policy"]["foresight"]["everyHours"]);
    assert_eq!(parts, (&json!(28), &json!(6)));
    let mut policy = now["policy"].clone();
    policy["rules"][0]["limits"]["stepMax"] = json!("0.06");
    let wish = json!({ "policy": policy, "version": 0, "reason": "smaller steps" });
    let path = "/v1/policy?wait=final";
    let mut ambiguous = wish.clone();
    let twin = ambiguous["policy"]["rules"][0].clone();
    ambiguous["policy"]["rules"].as_array_mut().expect("rules").push(twin);
    put(&house, path, "demo-controller", &ambiguous).await.problem(422, "invalid");
    let mut late = wish.clone();
    late["version"] = json!(3);
    put(&house, path, "demo-controller", &late).await.problem(409, "version_changed");
    put(&house, path, "demo-auditor", &wish).await.problem(403, "forbidden");
    let waiting = propose(&house, "demo-controller", "1.1").await;
    let proposal = put(&house, path, "demo-controller", &wish).await.expect(201);
    let changes = json!([{ "field": "rules / everybody / limits / step max", "was": "0.08",
        "is": "0.06" }]);
    assert_eq!((&proposal["changes"], &proposal["quorum"]), (&changes, &json!(2)));
    approve(&house, "demo-admin", &proposal).await.expect(201);
    assert_eq!(state_of(&house, &proposal).await, "pending");
    approve(&house, "demo-admin2", &proposal).await.expect(201);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while state_of(&house, &proposal).await != "applied" {
        assert!(tokio::time::Instant::now() < deadline, "the policy is applied");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let now = house.get("/v1/policy", "demo-auditor").await.expect(200);
    assert_eq!((&now["version"], &now["policy"]), (&json!(1), &policy));
    let problem = approve(&house, "demo-admin", &waiting).await.problem(409, "facts_changed");
    assert!(problem["errors"].to_string().contains("policyVersion"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_optimizer_says_why_proposes_once_and_waits_for_people_unless_autonomy_is_on() {
    let house = business("0.67").await;
    house.post(RUN, "demo-controller", &json!({})).await.problem(403, "forbidden");
    let run = house.post(RUN, "demo-admin", &json!({})).await.expect(201);
    assert_eq!((&run["run"], &run["tenants"], &run["opened"]), (&json!(1), &json!(1), &json!(0)));
    let run = house.post(RUN, "demo-admin", &json!({})).await.expect(201);
    assert_eq!((&run["below"], &run["opened"]), (&json!(1), &json!(1)));
    let said = house.get("/v1/recommendations", "demo-auditor").await.expect(200);
    let advice = &said["items"][0]["advice"];
    assert_eq!(
        (&advice["margin"], &advice["fired"], &advice["price"]["priceOfList"]),
        (&json!("0.33"), &json!("suggest_tier_upgrade"), &json!("1.08"))
    );
    assert_eq!(advice["price"]["trail"], json!(["max_step"]));
    let queue = house.get("/v1/approvals", "demo-admin").await.expect(200);
    let proposal = queue["items"][0].clone();
    assert_eq!(
        (&proposal["grounds"], &proposal["requester"]),
        (&json!("engine"), &json!("optimizer"))
    );
    // Duplicates collapse.
    house.post(RUN, "demo-admin", &json!({})).await.expect(201);
    let queue = house.get("/v1/approvals", "demo-admin").await.expect(200);
    assert_eq!(queue["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(controls(&house).await["version"], 0);
    let no = json!({ "reason": "let it run by itself" });
    decide(&house, "reject", "demo-admin", &proposal, no).await.expect(201);
    // What people refused is not asked again at once.
    let run = house.post(RUN, "demo-admin", &json!({})).await.expect(201);
    assert_eq!(run["opened"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_holds_recommendations_and_what_people_approved_until_it_is_off() {
    let house = business("0.67").await;
    let on = json!({ "autoPricing": true, "tenants": { "acme": { "autoPricing": true } },
        "killSwitch": true, "reason": "a trial" });
    put(&house, STATE, "demo-controller", &on).await.problem(403, "forbidden");
    let state = put(&house, &format!("{STATE}?wait=final"), "demo-admin", &on).await.expect(200);
    assert_eq!((&state["killSwitch"], &state["autoPricing"]), (&json!(true), &json!(true)));
    for _ in 0..2 {
        house.post(RUN, "demo-admin", &json!({})).await.expect(201);
    }
    let said = house.get("/v1/recommendations", "demo-auditor").await.expect(200);
    assert_eq!(said["items"][0]["advice"]["price"]["binding"], "kill_switch");
    let by_hand = propose(&house, "demo-controller", "1.02").await;
    approve(&house, "demo-admin", &by_hand).await.expect(201);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(controls(&house).await["version"], 0, "nothing is applied while it is on");
    // Another reason for what is stopped is a word beside the first; the same one is none.
    let more = json!({ "killSwitch": true, "reason": "prices look wrong" });
    for _ in 0..2 {
        let path = format!("{STATE}?wait=final");
        let state = put(&house, &path, "demo-admin2", &more).await.expect(200);
        let word = &state["killSwitchWord"];
        assert_eq!(word["reason"], "prices look wrong");
        assert_ne!(word["by"], word["reasonBy"], "{word}");
    }
    let words = house.get("/v1/events?kind=policy.switch&limit=100", "demo-auditor").await;
    // Three switches of the first call, and the reason that was added.
    assert_eq!(words.expect(200)["items"].as_array().map(Vec::len), Some(4));
    let off = json!({ "killSwitch": false, "reason": "go on" });
    put(&house, &format!("{STATE}?wait=final"), "demo-admin", &off).await.expect(200);
    assert_eq!(until_version(&house, 1).await["price"]["ofList"], "1.02");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_press_stops_everything_and_every_page_says_who_did_until_a_reason_lets_it_go() {
    let house = House::open().await;
    let admin = cookie_of(&house, "admin").await;
    let act = async |form: &str| {
        leads_to(&submit(&house, "/optimizer/act", &admin, &format!("act=kill&{form}")).await)
    };
    assert_eq!(act("to=on&reason=").await, "/optimizer");
    let auditor = cookie_of(&house, "auditor").await;
    for path in ["/", "/ledger", "/optimizer"] {
        let page = html(&house, path, &auditor).await;
        assert!(page.contains("All price changes are stopped since"), "{path}: {page}");
        assert!(page.contains("No reason was given"), "{path}");
    }
    let unticked = act("to=off&reason=go").await;
    assert_eq!(unticked, "/optimizer?problem=not_confirmed");
    assert_eq!(act("to=off&confirmed=yes&reason=").await, "/optimizer?problem=reason");
    let state = house.get(STATE, "demo-auditor").await.expect(200);
    assert_eq!(state["killSwitch"], true, "neither was enough");
    assert_eq!(act("to=off&confirmed=yes&reason=It+was+a+drill").await, "/optimizer");
    let page = html(&house, "/optimizer", &auditor).await;
    assert!(!page.contains("All price changes are stopped since"), "{page}");
    assert!(page.contains("Kill switch released") && page.contains("It was a drill"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_of_a_policy_is_named_at_once() {
    let house = House::open().await;
    let mut policy = house.get("/v1/policy", "demo-auditor").await.expect(200)["policy"].clone();
    policy["policyPersons"] = json!(0);
    policy["watch"]["days"] = json!(40);
    policy["rules"][0]["limits"]["floorOfList"] = json!("2");
    let wanted = json!({ "policy": policy, "version": 0, "reason": "x" });
    let problem = put(&house, "/v1/policy", "demo-admin", &wanted).await.problem(422, "invalid");
    let fields: Vec<&str> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .filter_map(|error| error["field"].as_str())
        .collect();
    let named =
        ["/policy/policyPersons", "/policy/rules/0/limits/floorOfList", "/policy/watch/days"];
    assert_eq!(fields, named);
    assert!(problem["errors"].to_string().contains("contradicts windowDays"), "{problem}");
    // What is no policy at all is told by its fields, too.
    policy["expiryDays"] = json!("soon");
    policy["driftMax"] = json!("2");
    let wanted = json!({ "policy": policy, "version": "none", "reason": "x" });
    let problem = put(&house, "/v1/policy", "demo-admin", &wanted).await.problem(422, "invalid");
    for field in ["/policy/expiryDays", "/policy/driftMax", "/version"] {
        assert!(problem["errors"].to_string().contains(field), "{field}: {problem}");
    }
    policy = house.get("/v1/policy", "demo-auditor").await.expect(200)["policy"].clone();
    policy["lockedUntil"] = json!({ "acme": "2999-01-01T00:00:00Z" });
    let wanted = json!({ "policy": policy, "version": 0, "reason": "x" });
    let problem = put(&house, "/v1/policy", "demo-admin", &wanted).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "/policy/lockedUntil/acme");
    let page = "/optimizer/policy?ask=yes&policyPersons=0&rules.0.limits.stepMax=much";
    let page = html(&house, page, &cookie_of(&house, "admin").await).await;
    assert_eq!(page.matches("aria-invalid=\"true\"").count(), 2, "{page}");
    assert!(page.contains("2 things are to be put right"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn autonomy_moves_a_price_by_five_percent_and_then_rests() {
    let house = business("0.67").await;
    let on = json!({ "autoPricing": true, "tenants": { "acme": { "autoPricing": true } } });
    put(&house, &format!("{STATE}?wait=final"), "demo-admin", &on).await.expect(200);
    house.post(RUN, "demo-admin", &json!({})).await.expect(201);
    let run = house.post(RUN, "demo-admin", &json!({})).await.expect(201);
    assert_eq!(run["opened"], 1);
    let now = until_version(&house, 1).await;
    assert_eq!(now["price"]["ofList"], "1.05");
    let all = house.get("/v1/proposals", "demo-auditor").await.expect(200);
    let first = &all["items"][0];
    assert_eq!(
        (&first["grounds"], &first["quorum"], &first["state"]),
        (&json!("automatic"), &json!(0), &json!("applied"))
    );
    // The margin is within its band now; were it not, the cool-down would hold the price.
    let run = house.post(RUN, "demo-admin", &json!({})).await.expect(201);
    assert_eq!(run["opened"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_cloud_left_nothing_is_applied() {
    let mut house = business("0.7").await;
    let proposal = propose(&house, "demo-admin", "1.08").await;
    house.is_left_alone().await;
    let path = format!(
        "/v1/approvals/{}/approve?wait=final&timeoutMs=500",
        proposal["proposalId"].as_str().expect("an id")
    );
    let answer = house.post(&path, "demo-admin2", &seen(&proposal)).await;
    // It is not final, and the answer says so.
    let told = answer.expect(202);
    assert_eq!(
        (&told["state"], &told["decision"]["status"]),
        (&json!("pending"), &json!("PENDING"))
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(controls(&house).await["version"], 0);
    assert_eq!(house.gcp.ledger.cloud(), Cloud::Gcp);
}
