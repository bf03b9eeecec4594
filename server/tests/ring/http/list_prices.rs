//! List prices: what one would change, what is odd about it, and recording it all the same.

use serde_json::{Value, json};

use super::house::House;
use super::pages::{cookie_of, html, leads_to, submit};

const READER: &str = "demo-auditor";
const ADMIN: &str = "demo-admin";
const PREVIEW: &str = "/v1/prices/preview";

/// An hour of the last days, and the time before which a price counts for it.
fn used_at() -> (String, String) {
    let now = time::OffsetDateTime::now_utc();
    let text = |days: i64, at: &str| format!("{}T{at}Z", (now - time::Duration::days(days)).date());
    (text(2, "12:00:00"), text(3, "00:00:00"))
}

async fn decided(house: &House, payloads: Vec<Value>) {
    let event = |payload| json!({ "tenantId": "platform", "payload": payload });
    house.record(ADMIN, Value::from(payloads.into_iter().map(event).collect::<Vec<_>>())).await;
}

fn price(tier: &str, model: &str, input: &str, output: &str, from: &str) -> Value {
    json!({ "kind": "price.put", "tier": tier, "provider": "vertex", "model": model,
        "inputUsdPerMillion": input, "outputUsdPerMillion": output, "effectiveFrom": from })
}

/// A tenant of pro that used a million tokens of input and as many of output, one that used nothing, and
/// what the provider takes: a margin of half.
async fn business() -> House {
    let house = House::open().await;
    let tenant = |id: &str| {
        json!({ "kind": "tenant.put", "tenantId": id, "name": id, "tier": "pro",
            "cloud": "gcp", "region": "eu" })
    };
    let rates = json!({ "inputUsdPerToken": "0.000001", "outputUsdPerToken": "0.000002" });
    let decisions = vec![
        json!({ "kind": "tier.put", "tier": "pro", "name": "Pro", "sla": { "bands": [] } }),
        tenant("acme"),
        tenant("idle"),
        price("pro", "m", "2", "4", "2026-01-01T00:00:00Z"),
        json!({ "kind": "cost.put", "provider": "vertex", "model": "m",
            "asOf": "2026-01-01T00:00:00Z", "price": { "rates": rates } }),
    ];
    decided(&house, decisions).await;
    let (at, _) = used_at();
    let usage = json!([{ "tenantId": "acme", "payload": { "kind": "usage", "provider": "vertex",
        "model": "m", "region": "eu", "inputTokens": 1_000_000, "outputTokens": 1_000_000,
        "requestedAt": at } }]);
    house.record("demo-ingest", usage).await;
    house
}

fn codes(answer: &Value) -> Vec<&str> {
    let warnings = answer["warnings"].as_array().into_iter().flatten();
    warnings.filter_map(|warning| warning["code"].as_str()).collect()
}

fn query(input: &str, output: &str, from: &str) -> String {
    format!("{PREVIEW}?tier=pro&provider=vertex&model=m&input={input}&output={output}&from={from}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_whose_bill_and_margin_a_list_price_moves() {
    let house = business().await;
    let soon = house.get(&query("1", "3.4", "2126-01-01T00:00"), READER).await.expect(200);
    assert_eq!(soon["changes"][0]["change"], "-0.5");
    assert_eq!(soon["changes"][1]["change"], "-0.15");
    let tenants = soon["tenants"].as_array().expect("tenants");
    assert_eq!((tenants.len(), &tenants[1]["requests"]), (2, &json!(0)), "idle is listed: {soon}");
    assert_eq!(soon["tenantsLookedAt"], true);
    let acme = &tenants[0];
    assert_eq!((&acme["beforeUsd"], &acme["afterUsd"]), (&json!("6"), &json!("4.4")));
    assert_eq!(acme["marginBefore"], "0.5");
    // (4.4 − 3) / 4.4 is below the floor of 0.35.
    assert_eq!((&acme["marginAfter"], &acme["fallsBelowFloor"]), (&json!("0.3182"), &json!(true)));
    let far_and_odd = ["beyondStep", "beyondPeriod", "manyPersons", "farDate", "belowFloor"];
    assert_eq!(codes(&soon), far_and_odd);
    assert_eq!(soon["persons"], 2);
    assert_eq!(soon["corrections"]["items"], json!([]), "nothing of the past");
    let little = house.get(&query("2.1", "4.1", "2126-01-01T00:00"), READER).await.expect(200);
    assert_eq!(codes(&little), ["farDate"], "{little}");
    // A preview records nothing, and says every field that is wrong.
    let listed = house.get("/v1/prices", READER).await.expect(200);
    let of_pro =
        listed["items"].as_array().expect("a list").iter().filter(|it| it["tier"] == "pro");
    assert_eq!(of_pro.count(), 1);
    let wrong = house.get(&query("0%2C36", "", "soon"), READER).await.problem(422, "invalid");
    let fields: Vec<&Value> =
        wrong["errors"].as_array().expect("errors").iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["/input", "/output", "/from"], "{wrong}");
    house.get(&query("1", "2", ""), "demo-ingest").await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_optimizer_its_endpoint_a_proposal_the_preview_and_scenarios_have_one_margin() {
    let house = business().await;
    let bands =
        json!([{ "minUptimePct": "99", "credit": "0" }, { "minUptimePct": "0", "credit": "0.1" }]);
    let promise =
        json!({ "kind": "tier.put", "tier": "pro", "name": "Pro", "sla": { "bands": bands } });
    decided(&house, vec![promise]).await;
    let (at, _) = used_at();
    let failed = json!([{ "tenantId": "acme", "payload": { "kind": "usage", "provider": "vertex",
        "model": "m", "region": "eu", "inputTokens": 0, "outputTokens": 0, "ok": false,
        "requestedAt": at } }]);
    house.record("demo-ingest", failed).await;

    // (6 − 3) / 6, and one of two requests failed: a tenth is given back.
    let margin = house.get("/v1/tenants/acme/margin", READER).await.expect(200);
    assert_eq!(
        (&margin["margin"], &margin["figures"]["penaltyRate"]),
        (&json!("0.4"), &json!("0.1"))
    );
    let soon = house.get(&query("1", "3.4", "2126-01-01T00:00"), READER).await.expect(200);
    let acme = &soon["tenants"][0];
    assert_eq!(
        (&acme["marginBefore"], &acme["marginToday"]),
        (&margin["margin"], &margin["margin"])
    );
    // (4.4 − 3) / 4.4 less the same tenth: the rate stays, and its dollars move with the bill.
    assert_eq!(acme["marginAfter"], "0.2182");
    assert_eq!(soon["windowTo"], margin["to"], "both end with the last whole hour");
    let wish = json!({ "tenantId": "acme", "priceOfList": "1.08", "reason": "the margin is thin" });
    let proposal = house.post("/v1/proposals?wait=final", ADMIN, &wish).await.expect(201);
    assert_eq!(proposal["facts"]["margin"], margin["margin"], "{proposal}");

    // People read the same, in percent; where the model expects other penalties it says so.
    let cookie = cookie_of(&house, "admin").await;
    let optimizer = html(&house, "/optimizer", &cookie).await;
    assert!(optimizer.contains("40.0 %"), "{optimizer}");
    let link = optimizer.split("href=\"").find(|part| part.starts_with("/scenarios?"));
    let link = link.and_then(|part| part.split('"').next()).expect("a link").replace("&amp;", "&");
    let scenarios = html(&house, &link, &cookie).await;
    for part in ["Recorded margin 40.0 %", "acme: recorded margin 40.0 %", "so its baseline is"] {
        assert!(scenarios.contains(part), "{part} in {scenarios}");
    }
    assert!(!scenarios.contains("differ from these"), "the link has the same days: {link}");
    let all = html(&house, "/scenarios", &cookie).await;
    assert!(all.contains("their margins differ from these"), "all usage is other days: {all}");

    // Where another price begins before, both margins are told.
    decided(&house, vec![price("pro", "m", "2.2", "4.4", "2125-01-01T00:00:00Z")]).await;
    let later = house.get(&query("1", "3.4", "2126-01-01T00:00"), READER).await.expect(200);
    let acme = &later["tenants"][0];
    // (6.6 − 3) / 6.6 less a tenth.
    assert_eq!((&acme["marginToday"], &acme["marginBefore"]), (&json!("0.4"), &json!("0.4455")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_for_the_past_says_how_many_charges_it_corrects_and_by_what_sum() {
    let house = business().await;
    let (_, since) = used_at();
    let found = house.get(&query("2", "4.2", &since), READER).await.expect(200);
    let corrections = &found["corrections"];
    assert_eq!(
        corrections["items"],
        json!([{ "tenantId": "acme", "charges": 1, "daysFirst": 0, "beforeUsd": "6",
            "afterUsd": "6.2" }])
    );
    assert_eq!((&corrections["whole"], &corrections["closedMonths"]), (&json!(true), &json!([])));
    assert_eq!(codes(&found), ["corrects"], "{found}");
    let text = found["warnings"][0]["detail"].as_str().expect("a sentence");
    assert!(text.contains("1 daily charge of 1 tenant, by +$0.20 in all"), "{text}");

    // The API records it, and says the same; the charge is what was said.
    let mut put = price("pro", "m", "2", "4.2", &since);
    put.as_object_mut().expect("an object").remove("kind");
    let told = house.post("/v1/prices?wait=final&timeoutMs=30000", ADMIN, &put).await.expect(201);
    assert_eq!(codes(&told), ["corrects"], "{told}");
    let slot = serde_json::from_value(told["slot"].clone()).expect("a slot");
    house.gcp.projection.until_projected(slot).await;
    let charged = house.get("/v1/ledger?tenant=acme&account=revenue", READER).await.expect(200);
    assert_eq!(charged["items"][0]["postings"][1]["creditUsd"], "6.2", "{charged}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_records_what_is_odd_and_says_so() {
    let house = business().await;
    let put = |model: &str, input: &str, output: &str| {
        let mut put = price("pro", model, input, output, "2126-01-01T00:00:00Z");
        put.as_object_mut().expect("an object").remove("kind");
        put
    };
    for (body, odd) in [
        (put("m", "2.1", "4.1"), vec!["farDate"]),
        (put("unheard-of", "2", "4"), vec!["unknownModel", "farDate"]),
        (put("m", "2.25", "4"), vec!["beyondStep", "farDate"]),
    ] {
        let told = house.post("/v1/prices?wait=final&timeoutMs=30000", ADMIN, &body).await;
        let told = told.expect(201);
        assert_eq!(codes(&told), odd, "{body}: {told}");
    }
    // An event of the kind is taken as ever.
    let past = price("pro", "m2", "2", "4", "2020-01-01T00:00:00Z");
    decided(&house, vec![past]).await;
    let listed = house.get("/v1/prices", READER).await.expect(200);
    assert!(listed["items"].as_array().expect("a list").iter().any(|it| it["model"] == "m2"));
}

/// Where the form of a preview leads, with these fields.
async fn act(house: &House, cookie: &str, form: &str) -> String {
    let answer = submit(house, "/tenants/price/act", cookie, form).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    leads_to(&answer)
}

fn seen(page: &str) -> &str {
    let at = "name=\"seen\" value=\"";
    page.split(at).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_keeps_what_was_typed_and_asks_what_is_odd_to_be_read() {
    let house = business().await;
    let cookie = cookie_of(&house, "admin").await;
    let page = "/optimizer/tiers/price";
    let wrong = format!("{page}?tier=nowhere&provider=vertex&model=m&input=2&output=4");
    let shown = html(&house, &wrong, &cookie).await;
    assert!(shown.contains("It has neither terms nor prices."), "{shown}");
    let wrong = format!("{page}?tier=pro&provider=vertex&model=m&input=0%2C36&output=4&from=soon");
    let shown = html(&house, &wrong, &cookie).await;
    for part in
        ["value=\"0,36\"", "value=\"soon\"", "aria-invalid=\"true\"", "a point may be meant"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(!shown.contains("What it would change"), "{shown}");

    let typed = "tier=pro&provider=vertex&model=m&input=2.4&output=4&cached=";
    let from = "from=2126-01-01T00%3A00";
    let preview = html(&house, &format!("{page}?{typed}&{from}"), &cookie).await;
    for part in ["+20 %", "Whom it affects", "idle", "Propose the price", "$6.40"] {
        assert!(preview.contains(part), "{part} in {preview}");
    }
    let seen = seen(&preview).to_owned();
    let form = format!("{typed}&{from}&seen={seen}");
    let unread = act(&house, &cookie, &form).await;
    assert!(unread.contains("input=2.4") && unread.ends_with("&problem=confirm"), "{unread}");
    let told = html(&house, &unread, &cookie).await;
    assert!(told.contains("then tick the box"), "{told}");
    let read = format!("{form}&confirm=yes&warned=beyondStep+beyondPeriod+manyPersons+farDate");
    assert!(act(&house, &cookie, &read).await.ends_with("&problem=reason"));
    let read = format!("{read}&reason=dearer+to+us");
    let stale = read.replace(&seen, "0190a0d0-0000-7000-8000-000000000001");
    assert!(act(&house, &cookie, &stale).await.ends_with("&problem=changed_meanwhile"));
    let proposed = act(&house, &cookie, &read).await;
    assert!(proposed.starts_with("/approvals/"), "{proposed}");
    assert!(act(&house, &cookie, &read).await.ends_with("&problem=already_open"));
    let shown = html(&house, &proposed, &cookie).await;
    for part in ["$2.00", "$2.40", "+20 %", "dearer to us", "Bills for it of 1 tenant"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let held = house.get(&query("2.4", "4", "2126-04-01T00:00"), READER).await.expect(200);
    assert_eq!(held["current"]["price"]["inputUsdPerMillion"], "2", "it waits: {held}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_to_come_is_withdrawn_by_the_one_before_it() {
    let house = business().await;
    let cookie = cookie_of(&house, "admin").await;
    decided(&house, vec![price("pro", "m", "2.2", "4.4", "2126-01-01T00:00:00Z")]).await;
    let tiers = html(&house, "/optimizer/tiers", &cookie).await;
    let link = tiers.split("href=\"").find(|part| part.contains("withdraw=yes"));
    let link = link.and_then(|part| part.split('"').next()).expect("a link");
    let link = link.replace("&amp;", "&");
    let page = html(&house, &link, &cookie).await;
    for part in ["Withdraw a price to come", "$2.20", "$2.00", "Withdraw the price"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("once more"), "it moves nothing that counts: {page}");
    let (_, typed) = link.split_once('?').expect("a query");
    let done = act(&house, &cookie, &format!("{typed}&seen={}", seen(&page))).await;
    assert!(done.ends_with("&problem=reason"), "{done}");
    let form = format!("{typed}&seen={}&reason=too+early", seen(&page));
    assert_eq!(act(&house, &cookie, &form).await, "/optimizer/tiers");
    let tiers = html(&house, "/optimizer/tiers", &cookie).await;
    for part in ["withdrawn: goes on as before", "“too early”"] {
        assert!(tiers.contains(part), "{part} in {tiers}");
    }
    assert!(!tiers.contains("withdraw=yes"), "once is enough: {tiers}");
    let listed = house.get("/v1/prices", READER).await.expect(200);
    let mut items = listed["items"].as_array().expect("a list").iter();
    let to_come = items.find(|it| it["effectiveFrom"] == "2126-01-01T00:00:00.000Z");
    assert_eq!(to_come.expect("it stays")["inputUsdPerMillion"], "2", "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_says_nothing_is_told_all_that_is_missing() {
    let house = House::open().await;
    let told = house.post("/v1/prices", "demo-admin", &json!({})).await.expect(422);
    let fields = told["errors"].as_array().expect("errors").len();
    assert_eq!(fields, 6, "{told}");
}
