//! Tenants, tiers and list prices, set over the API and by the forms of their pages.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, header};
use serde_json::{Value, json};

use super::house::{Answer, House, asking};
use super::optimizer::approve;
use super::pages::{cookie_of, html, leads_to, submit};
use crate::clouds::PATIENCE;

const READER: &str = "demo-auditor";
const ADMIN: &str = "demo-admin";
const FINAL: &str = "wait=final&timeoutMs=30000";

async fn put(house: &House, path: &str, body: &Value) -> Value {
    let decision = house.post(&format!("{path}?{FINAL}"), ADMIN, body).await.expect(201);
    let slot = serde_json::from_value(decision["slot"].clone()).expect("a slot");
    house.gcp.projection.until_projected(slot).await;
    decision
}

fn acme(tier: &str) -> Value {
    json!({
        "tenantId": "acme-labs", "name": "Acme", "tier": tier, "cloud": "aws", "region": "us-east-1"
    })
}

async fn put_if(house: &House, body: &Value, name: header::HeaderName, tag: &str) -> Answer {
    let request = asking(Method::POST, &format!("/v1/tenants?{FINAL}"), ADMIN)
        .header(header::CONTENT_TYPE, "application/json")
        .header(name, tag);
    house.send(request.body(Body::from(body.to_string())).expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_a_tenant_second_is_told_and_every_version_is_kept() {
    let house = House::open().await;
    let first = put(&house, "/v1/tenants", &acme("gold")).await;
    let read = house.get("/v1/tenants/acme-labs", READER).await;
    let seen = read.header("etag").to_owned();
    assert_eq!(seen, format!("{}", first["eventId"]), "an ETag is the event's id in quotes");

    let taken = put_if(&house, &acme("gold"), header::IF_NONE_MATCH, "*").await;
    taken.problem(412, "changed_meanwhile");
    let moved = put_if(&house, &acme("silver"), header::IF_MATCH, &seen).await.expect(201);
    let slot = serde_json::from_value(moved["slot"].clone()).expect("a slot");
    house.gcp.projection.until_projected(slot).await;
    let late = put_if(&house, &acme("bronze"), header::IF_MATCH, &seen).await;
    let told = late.problem(412, "changed_meanwhile");
    assert!(told["detail"].as_str().is_some_and(|text| text.contains("Read it again")), "{told}");
    put_if(&house, &acme("gold"), header::IF_MATCH, "\"v1\"").await.problem(400, "malformed");

    let path = "/v1/tenants/acme-labs/versions";
    let versions = house.get(path, READER).await.expect(200);
    let tiers: Vec<&Value> = versions["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["tenant"]["tier"])
        .collect();
    assert_eq!(tiers, ["silver", "gold"], "{versions}");
    assert_eq!(versions["items"][1]["decision"]["eventId"], first["eventId"]);
    house.get("/v1/tenants/nobody/versions", READER).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tier_and_a_price_are_set_and_absurd_ones_refused() {
    let house = House::open().await;
    let bands = json!([{ "minUptimePct": "99.9", "credit": "0" }, { "minUptimePct": "0", "credit": "0.25" }]);
    let tier = json!({ "tier": "pro", "name": "Pro", "sla": { "bands": bands } });
    house.post("/v1/tiers", READER, &tier).await.problem(403, "forbidden");
    put(&house, "/v1/tiers", &tier).await;
    let price = json!({
        "tier": "pro", "provider": "vertex", "model": "m", "inputUsdPerMillion": "0.50",
        "outputUsdPerMillion": "4", "effectiveFrom": "2026-01-01T00:00:00Z"
    });
    put(&house, "/v1/prices", &price).await;
    let listed = house.get("/v1/prices", READER).await.expect(200);
    assert!(listed["items"].as_array().expect("a list").iter().any(|it| it["tier"] == "pro"));
    let mut rising = tier.clone();
    rising["sla"]["bands"] =
        json!([{ "minUptimePct": "0", "credit": "0" }, { "minUptimePct": "99", "credit": "0.25" }]);
    let told = house.post("/v1/tiers", ADMIN, &rising).await.problem(422, "invalid");
    assert_eq!(told["errors"][0]["field"], "/sla/bands", "{told}");
    let mut free = price.clone();
    free["inputUsdPerMillion"] = json!("-1");
    let told = house.post("/v1/prices", ADMIN, &free).await.problem(422, "invalid");
    assert_eq!(told["errors"][0]["field"], "/inputUsdPerMillion", "{told}");
}

/// Each field that an answer names as wrong, with why, by name.
fn wrongs(told: &Value) -> Vec<(&str, &str)> {
    let errors = told["errors"].as_array().into_iter().flatten();
    let mut wrongs: Vec<(&str, &str)> =
        errors.filter_map(|error| error["field"].as_str().zip(error["reason"].as_str())).collect();
    wrongs.sort_unstable();
    wrongs
}

fn fields(told: &Value) -> Vec<&str> {
    wrongs(told).into_iter().map(|(field, _)| field).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_of_a_list_price_is_named_as_the_body_calls_it() {
    let house = House::open().await;
    let price = |others: Value| {
        let mut price = json!({ "tier": "gold", "provider": "vertex", "model": "m",
            "inputUsdPerMillion": "-4", "outputUsdPerMillion": "-8",
            "effectiveFrom": "2026-01-01T00:00:00Z" });
        let others = others.as_object().cloned().unwrap_or_default();
        price.as_object_mut().expect("an object").extend(others);
        price
    };
    let (input, output) = ("/inputUsdPerMillion", "/outputUsdPerMillion");
    let unread = price(json!({ "outputUsdPerMillion": "abc", "effectiveFrom": "yesterday" }));
    let mut dateless = price(json!({ "currency": "EUR" }));
    dateless.as_object_mut().expect("an object").remove("effectiveFrom");
    for (body, named) in [
        (unread, vec!["/effectiveFrom", input, output]),
        (price(json!({})), vec![input, output]),
        (dateless, vec!["/currency", "/effectiveFrom", input, output]),
    ] {
        let told = house.post("/v1/prices", ADMIN, &body).await.problem(422, "invalid");
        assert_eq!(fields(&told), named, "{body}: {told}");
        let detail = told["detail"].as_str().expect("a sentence");
        for field in named {
            assert!(detail.contains(field), "{field} in {detail}");
        }
    }
    // Over the API a first price may come before its tier's terms, and is then no mistake.
    let sold = price(json!({ "inputUsdPerMillion": "4", "outputUsdPerMillion": "8" }));
    put(&house, "/v1/prices", &sold).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_of_a_tenant_is_named_whether_the_body_or_the_address_names_it() {
    let house = House::open().await;
    let wrong =
        json!({ "name": "", "tier": "gold", "cloud": "ibm", "region": "eu", "active": "yes" });
    let nowhere =
        json!({ "name": "", "tier": "gold", "cloud": "aws", "region": "", "active": "yes" });
    for (body, named) in
        [(wrong, ["/active", "/cloud", "/name"]), (nowhere, ["/active", "/name", "/region"])]
    {
        let told = house.post("/v1/tenants/new-x", ADMIN, &body).await.problem(422, "invalid");
        assert_eq!(fields(&told), named, "{body}: {told}");
        let mut own = body.clone();
        own["tenantId"] = json!("new-x");
        let told = house.post("/v1/tenants", ADMIN, &own).await.problem(422, "invalid");
        assert_eq!(fields(&told), named, "{own}: {told}");
        let other = house.post("/v1/tenants/another", ADMIN, &own).await.problem(422, "invalid");
        let mut all = [&named[..], &["/tenantId"]].concat();
        all.sort_unstable();
        assert_eq!(fields(&other), all, "{own}: {other}");
    }
    let told = house.post("/v1/tenants/new-x", ADMIN, &json!({})).await.problem(422, "invalid");
    assert_eq!(fields(&told), ["/cloud", "/name", "/region", "/tier"], "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_requests_beyond_its_range_is_told_the_range() {
    let house = House::open().await;
    put(&house, "/v1/tenants", &acme("gold")).await;
    let range = "must be a whole number, 1 to 1000000 requests";
    for beyond in [-1_i64, 0, 1_000_001, 99_999_999_999] {
        let wish = json!({ "tenantId": "acme-labs", "concurrency": beyond, "reason": "They grow" });
        let told = house.post("/v1/proposals", ADMIN, &wish).await.problem(422, "invalid");
        assert_eq!(wrongs(&told), [("/concurrency", range)], "{told}");
        assert_eq!(told["detail"], format!("concurrency {range}."), "{told}");
        let wish = json!({ "tenantId": "acme-labs", "concurrency": beyond, "reason": " " });
        let told = house.post("/v1/proposals", ADMIN, &wish).await.problem(422, "invalid");
        let detail = format!("2 fields are wrong: concurrency {range}; reason must not be blank.");
        assert_eq!(told["detail"], detail, "{told}");
    }
    let cookie = cookie_of(&house, "admin").await;
    for beyond in ["-1", "0", "99999999999"] {
        let form = format!(
            "form=propose&act=propose&tenant=acme-labs&concurrency={beyond}&reason=They+grow"
        );
        let refused = submit(&house, "/optimizer/act", &cookie, &form).await;
        let page = html(&house, refused.header("location"), &cookie).await;
        let words = "Must be a whole number, 1 to 1000000 requests.";
        assert!(page.contains(words), "{beyond}: {words} in {page}");
    }
}

/// Where a form leads.
async fn sent(house: &House, cookie: &str, form: &str) -> String {
    let answer = submit(house, "/tenants/act", cookie, form).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    leads_to(&answer)
}

/// Records a list price of pro from its preview, as a person does who reads all that is odd. Gives where
/// that leads.
async fn recorded(house: &House, cookie: &str, fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, text)| format!("{name}={text}")).collect();
    let typed = format!("tier=pro&provider=vertex&model=m&output=4&{}", fields.join("&"));
    let preview = html(house, &format!("/optimizer/tiers/price?{typed}"), cookie).await;
    let hidden = |name: &str| {
        let at = format!("name=\"{name}\" value=\"");
        let value = preview.split(&at).nth(1).and_then(|rest| rest.split('"').next());
        format!("{name}={}", value.unwrap_or_default().replace(' ', "+"))
    };
    let form =
        format!("{typed}&{}&{}&reason=as+agreed&confirm=yes", hidden("seen"), hidden("warned"));
    let answer = submit(house, "/tenants/price/act", cookie, &form).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    leads_to(&answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_set_a_tier_a_price_a_tenant_and_propose_its_contract() {
    let house = House::open().await;
    let cookie = cookie_of(&house, "admin").await;
    let ladder = "uptime0=99.9&credit0=0&uptime1=0&credit1=25%25&uptime2=&credit2=&latency=";
    let tier = format!("act=tier&tier=pro&name=Pro&{ladder}");
    assert_eq!(sent(&house, &cookie, &tier).await, "/optimizer/tiers");
    // There is one now, and this form has not seen it.
    let again = sent(&house, &cookie, &tier).await;
    assert_eq!(again, "/optimizer/tiers?problem=taken");
    let falls = "act=tier&tier=half&name=Half&uptime0=99&credit0=10&uptime1=0&credit1=5";
    assert_eq!(sent(&house, &cookie, falls).await, "/optimizer/tiers?problem=credits");
    let half = sent(&house, &cookie, "act=tier&tier=half&name=Half&uptime0=99&credit0=").await;
    assert_eq!(half, "/optimizer/tiers?problem=credit");
    // A ladder without its last step, and one that credits thrice the month.
    for step in ["uptime0=99&credit0=3", "uptime0=0&credit0=300"] {
        let wrong = sent(&house, &cookie, &format!("act=tier&tier=half&name=Half&{step}")).await;
        assert_eq!(wrong, "/optimizer/tiers?problem=bands");
    }
    let spaced =
        sent(&house, &cookie, "act=tier&tier=Gold+plan&name=Gold&uptime0=0&credit0=0").await;
    assert_eq!(spaced, "/optimizer/tiers?problem=tier");

    for (from, input) in [("2026-01-01T00:00", "%240.50"), ("2126-01-01T00:00", "0.52")] {
        let answer = recorded(&house, &cookie, &[("from", from), ("input", input)]).await;
        assert_eq!(answer, "/optimizer/tiers", "{from}");
    }
    let page = html(&house, "/optimizer/tiers", &cookie).await;
    for part in ["99.9 % up or more: ", "25 %", "$0.50", "to come", "0 tenants"] {
        assert!(page.contains(part), "{part} in {page}");
    }

    let tenant = "act=tenant&tenantId=acme-labs&name=Acme&cloud=aws&region=eu&active=yes";
    let nowhere = sent(&house, &cookie, &format!("{tenant}&tier=nowhere")).await;
    assert_eq!(nowhere, "/optimizer/tenants?problem=unknownTier");
    let made = sent(&house, &cookie, &format!("{tenant}&tier=pro")).await;
    assert_eq!(made, "/optimizer/tenants/acme-labs");
    let page = html(&house, &made, &cookie).await;
    for part in ["What it pays: 100 % of the list of pro", "Came as “Acme”, tier pro", "$4.00"]
    {
        assert!(page.contains(part), "{part} in {page}");
    }
    let found = html(&house, "/optimizer/tenants?q=acm&tier=pro", &cookie).await;
    assert!(found.contains("/optimizer/tenants/acme-labs"), "{found}");

    let contract = "act=contract&tenantId=acme-labs&reason=Agreed+for+a+year";
    let over = sent(&house, &cookie, &format!("{contract}&until=2020-01-01")).await;
    assert_eq!(over, "/optimizer/tenants/acme-labs?problem=until");
    let far = sent(&house, &cookie, &format!("{contract}&until=2126-06-30")).await;
    assert_eq!(far, "/optimizer/tenants/acme-labs?problem=until", "a century is a slip of a digit");
    let none = sent(&house, &cookie, &format!("{contract}&until=")).await;
    assert_eq!(none, "/optimizer/tenants/acme-labs?problem=policy", "there is no contract to end");
    let proposal = sent(&house, &cookie, &format!("{contract}&until=2031-06-30")).await;
    let id = proposal.strip_prefix("/approvals/").expect("a proposal");
    let found = house.get(&format!("/v1/proposals/{id}"), READER).await.expect(200);
    let until = &found["content"]["policy"]["lockedUntil"]["acme-labs"];
    assert_eq!(until, "2031-07-01T00:00:00.000Z", "the last day is whole: {found}");
    // Whoever only reads is told so on the page, and by the form.
    let reader = cookie_of(&house, "auditor").await;
    let page = html(&house, "/optimizer/tenants", &reader).await;
    assert!(page.contains("may not change tenants") && !page.contains("New tenant"), "{page}");
    let controller = cookie_of(&house, "controller").await;
    let tenant = format!("{tenant}&tier=pro");
    for (cookie, form) in [
        (&reader, tenant.as_str()),
        (&reader, contract),
        (&controller, &tenant),
        (&controller, &tier),
    ] {
        let refused = sent(&house, cookie, form).await;
        assert!(refused.ends_with("?problem=forbidden"), "{form}: {refused}");
    }
    let later = [("from", "2127-01-01T00:00"), ("input", "0.52")];
    let refused = recorded(&house, &controller, &later).await;
    assert!(refused.ends_with("&problem=forbidden"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_waits_for_two_other_admins_says_so_on_every_tenants_page_and_then_holds() {
    let house = House::open().await;
    for id in ["acme-labs", "bolt"] {
        let mut tenant = acme("gold");
        tenant["tenantId"] = json!(id);
        put(&house, "/v1/tenants", &tenant).await;
    }
    let cookie = cookie_of(&house, "admin").await;
    let form = "act=contract&tenantId=acme-labs&until=2031-06-30&reason=Agreed";
    let place = sent(&house, &cookie, form).await;
    let id = place.strip_prefix("/approvals/").expect("a proposal");
    let told = async |tenant: &str, parts: &[&str]| {
        let page = html(&house, &format!("/optimizer/tenants/{tenant}"), &cookie).await;
        for part in parts {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(page.contains(&place), "it leads there: {page}");
    };
    let own = "Fixing its price to the end of 2031-06-30 (UTC) waits for 2 more admins.";
    told("acme-labs", &[own, "Look at it"]).await;
    let why = "whose versions follow one another";
    told("bolt", &["A contract of acme-labs waits for 2 more admins.", why]).await;

    let proposal = house.get(&format!("/v1/proposals/{id}"), READER).await.expect(200);
    approve(&house, ADMIN, &proposal).await.problem(403, "four_eyes");
    approve(&house, "demo-admin2", &proposal).await.expect(201);
    told("bolt", &["A contract of acme-labs waits for 1 more admin."]).await;
    approve(&house, "demo-admin3", &proposal).await.expect(201);
    let holds = "A contract fixes its price to the end of 2031-06-30 (UTC)";
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !html(&house, "/optimizer/tenants/acme-labs", &cookie).await.contains(holds) {
        assert!(tokio::time::Instant::now() < deadline, "the contract is in force");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // It holds against people, too.
    let dearer = json!({ "tenantId": "acme-labs", "priceOfList": "1.05", "reason": "Thin" });
    house.post("/v1/proposals", ADMIN, &dearer).await.problem(409, "contract_fixed");
    // Another one may be proposed now.
    let bolt = html(&house, "/optimizer/tenants/bolt", &cookie).await;
    assert!(bolt.contains("Fix its price by contract…"), "{bolt}");
}
