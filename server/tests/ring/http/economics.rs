//! What would be, asked over HTTP of FINAL usage; and scenarios that are kept.

use serde_json::{Value, json};

use super::house::House;
use super::pages::leads_to;

const SIMULATE: &str = "/v1/economics/simulate";

/// Records these for the platform or a tenant, and waits until their effects are there.
async fn record(house: &House, token: &str, events: Vec<(&str, Value)>) {
    let event = |(tenant, payload)| json!({ "tenantId": tenant, "payload": payload });
    let events: Vec<Value> = events.into_iter().map(event).collect();
    house.record(token, Value::from(events)).await;
}

fn cost(provider: &str, day: &str, input: &str) -> (&'static str, Value) {
    let rates = json!({ "inputUsdPerToken": input, "outputUsdPerToken": "0.00001" });
    let payload = json!({ "kind": "cost.put", "provider": provider, "model": "m",
        "asOf": format!("{day}T00:00:00Z"), "price": { "rates": rates } });
    ("platform", payload)
}

fn price(tier: &str, provider: &str, input: &str, output: &str) -> (&'static str, Value) {
    let payload = json!({ "kind": "price.put", "tier": tier, "provider": provider, "model": "m",
        "inputUsdPerMillion": input, "outputUsdPerMillion": output,
        "effectiveFrom": "2026-01-01T00:00:00Z" });
    ("platform", payload)
}

fn tenant(id: &str, tier: &str) -> (&'static str, Value) {
    let payload = json!({ "kind": "tenant.put", "tenantId": id, "name": id, "tier": tier,
        "cloud": "gcp", "region": "eu" });
    ("platform", payload)
}

fn tier(id: &str) -> (&'static str, Value) {
    let band = |min: &str, credit: &str| json!({ "minUptimePct": min, "credit": credit });
    let bands = [band("99.9", "0"), band("99", "0.1"), band("0", "0.25")];
    let payload = json!({ "kind": "tier.put", "tier": id, "name": id,
        "sla": { "bands": bands, "latencyP99Ms": 2_000 } });
    ("platform", payload)
}

fn used<'a>(tenant: &'a str, provider: &str, model: &str) -> (&'a str, Value) {
    let payload = json!({ "kind": "usage", "provider": provider, "model": model, "region": "eu",
        "inputTokens": 40_000_000, "outputTokens": 4_000_000, "latencyMs": 900,
        "requestedAt": "2026-11-20T12:00:00Z" });
    (tenant, payload)
}

/// Two tenants that pay, one to whom everything is given, and usage of a model without a price.
async fn business() -> House {
    let house = House::open().await;
    let decisions = vec![
        tier("pro"),
        tier("gift"),
        tenant("acme", "pro"),
        tenant("bolt", "pro"),
        tenant("free", "gift"),
        price("pro", "azure", "6", "20"),
        price("pro", "vertex", "5", "20"),
        price("gift", "azure", "0", "0"),
        cost("azure", "2026-01-01", "0.0000025"),
        cost("azure", "2026-07-01", "0.0000035"),
        cost("vertex", "2026-01-01", "0.0000020"),
    ];
    record(&house, "demo-admin", decisions).await;
    let usage = vec![
        used("acme", "azure", "m"),
        used("bolt", "vertex", "m"),
        used("free", "azure", "m"),
        used("acme", "azure", "unheard-of"),
    ];
    record(&house, "demo-ingest", usage).await;
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn margins_of_final_usage_come_with_their_errors_and_what_has_no_price_is_listed() {
    let house = business().await;
    let question = json!({ "seed": "7", "draws": 2_000, "scenarios": [
        { "name": "Azure +30 %", "changes": { "cost": { "azure": "0.3" } } },
        { "name": "EU +20 %", "changes": { "latency": { "eu": "0.2" } } },
        { "name": "credits", "changes": { "latencyPenalty": { "pro": "0.1" } } },
    ] });
    let answer = house.post(SIMULATE, "demo-controller", &question).await.expect(200);
    let excluded = &answer["provenance"]["excluded"];
    assert_eq!(excluded.as_array().map(Vec::len), Some(1), "{excluded}");
    assert_eq!(
        (&excluded[0]["model"], &excluded[0]["reason"]),
        (&json!("unheard-of"), &json!("noProviderPrice"))
    );
    assert!(answer["warnings"][0].as_str().expect("a warning").contains("left out"), "{answer}");
    assert_eq!(answer["provenance"]["priceMapAsOf"], "2026-07-01T00:00:00.000Z");
    assert_eq!(answer["provenance"]["usageRows"], 4);
    let base = &answer["base"];
    // Two tenants bring in 320 and 280 dollars; all three cost 180, 120 and 180.
    assert_eq!(
        base["statement"]["revenueUsd"].as_str().and_then(|text| text.parse().ok()),
        Some(600.0)
    );
    assert_eq!(
        base["statement"]["costUsd"].as_str().and_then(|text| text.parse().ok()),
        Some(480.0)
    );
    for figure in ["p5", "p50", "p95", "mean"] {
        for of in ["profitUsd", "margin"] {
            let error = base[of][figure]["standardError"].as_f64().expect("an error");
            assert!(error > 0.0, "{of} {figure}: {error}");
        }
    }
    let free =
        base["tenants"].as_array().expect("tenants").iter().find(|t| t["tenantId"] == "free");
    assert_eq!(free.expect("it is there")["margin"], Value::Null, "without revenue no margin");
    let mean = |results: &Value| results["profitUsd"]["mean"]["value"].as_f64().expect("a mean");
    for scenario in answer["scenarios"].as_array().expect("three") {
        assert!(mean(&scenario["results"]) < mean(base), "{}", scenario["name"]);
        let bridge = &scenario["bridge"];
        let number =
            |value: &Value| value.as_str().expect("a decimal").parse::<f64>().expect("one");
        let parts: f64 = bridge["partsUsd"].as_array().expect("parts").iter().map(number).sum();
        assert!((number(&bridge["fromUsd"]) + parts - number(&bridge["toUsd"])).abs() < 1e-9);
    }
    let mut question = question;
    question["pricesAsOf"] = answer["provenance"]["pricesAsOf"].clone();
    let again = house.post(SIMULATE, "demo-auditor", &question).await.expect(200);
    assert_eq!(again, answer, "one seed, one answer");
    house.post(SIMULATE, "demo-ingest", &question).await.problem(403, "forbidden");
}

/// Requests of acme's in one hour, each with its latency or with none.
fn timed(provider: &str, hour: u32, latencies_ms: &[Option<f64>]) -> Vec<(&'static str, Value)> {
    let one = |latency_ms: &Option<f64>| {
        let mut payload = json!({ "kind": "usage", "provider": provider, "model": "m",
            "region": "eu", "inputTokens": 100_000, "outputTokens": 10_000,
            "requestedAt": format!("2026-11-20T{hour:02}:30:00Z") });
        if let Some(latency_ms) = latency_ms {
            payload["latencyMs"] = json!(latency_ms);
        }
        ("acme", payload)
    };
    latencies_ms.iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn stalls_of_metered_requests_are_owed_for_and_the_answer_says_what_was_measured() {
    let house = business().await;
    let (steady, stalled) = (Some(500.0), Some(45_000.0));
    record(&house, "demo-ingest", timed("azure", 2, &[steady; 150])).await;
    let hung: Vec<_> = [steady].repeat(147).into_iter().chain([stalled; 3]).collect();
    record(&house, "demo-ingest", timed("azure", 4, &hung)).await;
    record(&house, "demo-ingest", timed("vertex", 4, &[None])).await;
    // Refused at once, which makes nobody fast: they are in no count below.
    let refused = timed("azure", 4, &[Some(5.0); 40]).into_iter().map(|(tenant, mut payload)| {
        payload["ok"] = json!(false);
        (tenant, payload)
    });
    record(&house, "demo-ingest", refused.collect()).await;
    let asked = async |hour: u32| {
        let question = json!({ "draws": 200, "from": format!("2026-11-20T{hour:02}:00:00Z"),
            "to": format!("2026-11-20T{:02}:00:00Z", hour + 1) });
        house.post(SIMULATE, "demo-controller", &question).await.expect(200)
    };
    let (calm, hung) = (asked(2).await, asked(4).await);
    let place = |answer: &Value, provider: &str| {
        answer["provenance"]["latency"]["eu"]["providers"][provider].clone()
    };
    let azure = place(&hung, "azure");
    assert_eq!((&azure["basis"], &azure["of"]["kind"]), (&json!("measured"), &json!("requests")));
    assert_eq!((&azure["requests"], &azure["stalled"]), (&json!(150), &json!(3)), "{azure}");
    let mean_s = hung["provenance"]["latency"]["eu"]["meanS"].as_f64().expect("a mean");
    assert!((mean_s / 1.39 - 1.0).abs() < 0.033, "{mean_s}");
    let near = |value: &Value, s: f64| (value.as_f64().expect("a number") / s - 1.0).abs() < 0.033;
    assert!(near(&azure["p50S"], 0.5) && near(&azure["p99S"], 45.0), "{azure}");
    assert_eq!(place(&calm, "azure")["stalled"], 0);
    // None of vertex' stated a latency: those of the region stand for it.
    assert_eq!(place(&hung, "vertex")["of"]["kind"], "region");
    let owed = |answer: &Value| {
        let totals = &answer["base"]["byProvider"]["azure"];
        let usd =
            |name: &str| totals[name].as_str().expect("usd").parse::<f64>().expect("a number");
        usd("penaltyUsd") / usd("revenueUsd")
    };
    // One in fifty hangs: below 99 % in time in every month, which is 5 % of revenue by assumption.
    assert!((owed(&hung) - owed(&calm) - 0.05).abs() < 0.002, "{} {}", owed(&hung), owed(&calm));
    let path = "/v1/economics/inputs?from=2026-11-20T04:00:00Z&to=2026-11-20T05:00:00Z";
    let inputs = house.get(path, "demo-auditor").await.expect(200);
    assert_eq!(inputs["latencies"][0]["took"], json!([[491_520, 147], [44_040_192, 3]]));
    // What somebody recorded of vertex is better than what others' requests say.
    let put = json!({ "kind": "latency.put", "provider": "vertex", "source": "llmperf",
        "asOf": "2023-12-01T00:00:00Z", "took": [[1_048_576, 150]] });
    record(&house, "demo-admin", vec![("platform", put)]).await;
    let vertex = place(&asked(4).await, "vertex");
    assert_eq!(
        (&vertex["basis"], &vertex["of"]["source"]),
        (&json!("measured"), &json!("llmperf"))
    );
    let whole = house.gcp.projection.digests().await.expect("digests");
    server::projection::rebuild(&house.gcp.database.pool, |_| {}).await.expect("rebuilt");
    assert_eq!(house.gcp.projection.digests().await.expect("digests"), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absurd_question_is_refused_with_what_is_wrong_in_it() {
    let house = business().await;
    let named = |changes: Value| json!({ "scenarios": [{ "name": "x", "changes": changes }] });
    let six: Vec<Value> = (0..6).map(|at| json!({ "name": format!("s{at}") })).collect();
    for (question, says) in [
        (json!({ "draws": 99 }), "at least 100"),
        (json!({ "draws": 2_000_000 }), "at most 1000000"),
        (json!({ "floor": "1.5" }), "share from 0 to 1"),
        (json!({ "seed": "-1" }), "seed"),
        (json!({ "drawz": 1_000 }), "drawz"),
        (json!({ "scenarios": six }), "at most 5"),
        (json!({ "scenarios": [{ "name": "x" }, { "name": "x" }] }), "must differ"),
        (json!({ "scenarios": [{ "name": " " }] }), "1 to 200 characters"),
        (
            json!({ "from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z" }),
            "before it begins",
        ),
        (named(json!({ "cost": { "azure": "-1" } })), "above -1"),
        (named(json!({ "cost": { "azur": "0.3" } })), "no provider called"),
        (named(json!({ "latency": { "mars": "0.3" } })), "no region called"),
        (named(json!({ "price": { "gold": "0.3" } })), "no tier called"),
        (named(json!({ "tenantPrice": { "acmee": "0.3" } })), "no tenant called"),
        (named(json!({ "tenantPrice": { "acme": "-1" } })), "above -1"),
        (json!({ "assumptions": { "costSigma": -1 } }), "sigma of costs"),
        (json!({ "assumptions": { "elasticity": 99 } }), "elasticity"),
        (json!({ "assumptions": { "downtimeMedian": 0 } }), "median downtime"),
        (json!({ "assumptions": { "horizonYears": 1_000 } }), "horizon"),
    ] {
        let problem =
            house.post(SIMULATE, "demo-controller", &question).await.problem(422, "invalid");
        let detail = problem["detail"].as_str().expect("a sentence");
        assert!(detail.contains(says), "{question}: {detail}");
    }
    house
        .post_as(SIMULATE, "demo-controller", "application/json", "{".into())
        .await
        .problem(400, "malformed");
    let early = json!({ "to": "2020-01-01T00:00:00Z" });
    house.post(SIMULATE, "demo-controller", &early).await.problem(422, "no_usage");
    let unpriced = json!({ "pricesAsOf": "2020-01-01T00:00:00Z" });
    let problem =
        house.post(SIMULATE, "demo-controller", &unpriced).await.problem(422, "no_prices");
    assert!(problem["errors"][0]["reason"].as_str().is_some_and(|text| text.contains("azure/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portfolio_without_revenue_has_profits_and_no_margin() {
    let house = House::open().await;
    let decisions = vec![
        tier("gift"),
        tenant("free", "gift"),
        price("gift", "azure", "0", "0"),
        cost("azure", "2026-01-01", "0.0000025"),
    ];
    record(&house, "demo-admin", decisions).await;
    record(&house, "demo-ingest", vec![used("free", "azure", "m")]).await;
    let answer = house.post(SIMULATE, "demo-controller", &json!({})).await.expect(200);
    let base = &answer["base"];
    assert_eq!((&base["margin"], &base["statement"]["margin"]), (&Value::Null, &Value::Null));
    assert_eq!(base["breakEven"]["sentence"], "Without revenue there is no margin.");
    assert!(base["profitUsd"]["p95"]["value"].as_f64().is_some_and(|profit| profit < 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_is_kept_in_versions_and_promoted_once_by_events() {
    let house = House::open().await;
    let draft = json!({ "name": "Azure +30 %", "notes": "for the board",
        "request": { "scenarios": [{ "name": "a", "changes": { "cost": { "azure": "0.3" } } }] } });
    house.post("/v1/scenarios", "demo-auditor", &draft).await.problem(403, "forbidden");
    let path = "/v1/scenarios?wait=final";
    let saved = house.post(path, "demo-controller", &draft).await.expect(201);
    let id = saved["scenarioId"].as_str().expect("an id").to_owned();
    assert_eq!((&saved["version"], &saved["decision"]["status"]), (&json!(1), &json!("FINAL")));
    let own = format!("/v1/scenarios/{id}");
    let mut second = draft.clone();
    second["name"] = json!("Azure +40 %");
    house.post(&own, "demo-controller", &second).await.problem(422, "invalid");
    second["version"] = json!(1);
    house.post(&format!("{own}?wait=final"), "demo-admin", &second).await.expect(201);
    house.post(&own, "demo-controller", &second).await.problem(409, "conflict");
    let read = house.get(&own, "demo-auditor").await.expect(200);
    assert_eq!((&read["name"], &read["version"]), (&json!("Azure +40 %"), &json!(2)));
    assert_eq!(read["author"], "admin@ternion.example");
    let versions: Vec<_> = read["versions"]
        .as_array()
        .expect("two")
        .iter()
        .map(|version| (version["version"].as_u64(), version["author"].as_str()))
        .collect();
    assert_eq!(
        versions,
        [(Some(2), Some("admin@ternion.example")), (Some(1), Some("controller@ternion.example"))]
    );
    let promote = format!("{own}/promote?wait=final");
    let weights = |aws: &str| {
        json!({ "version": 2, "reason": "cheaper",
        "routingWeights": { "gcp": "0.6", "aws": aws } })
    };
    house.post(&promote, "demo-controller", &weights("0.5")).await.problem(422, "invalid");
    let promoted = house.post(&promote, "demo-controller", &weights("0.4")).await.expect(201);
    let event = promoted["decision"]["eventId"].as_str().expect("an event");
    let event = house.get(&format!("/v1/events/{event}"), "demo-auditor").await.expect(200);
    assert_eq!(event["payload"]["kind"], "scenario.promote");
    assert_eq!(event["payload"]["decidedBy"], "controller@ternion.example");
    // What it proposes is opened as a proposal, for a second person.
    let opened = &promoted["proposals"][0];
    assert_eq!(opened["about"], "routing", "{promoted}");
    let proposal = opened["proposalId"].as_str().expect("an id");
    let path = format!("/v1/proposals/{proposal}");
    let known = async {
        // Recorded, and final a moment later.
        while house.get(&path, "demo-auditor").await.status.as_u16() != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(crate::clouds::PATIENCE, known).await.expect("it becomes final");
    let proposal = house.get(&path, "demo-auditor").await.expect(200);
    assert_eq!(proposal["content"]["shares"]["gcp"], "0.6", "{proposal}");
    let list = house.get("/v1/scenarios", "demo-controller").await.expect(200);
    assert_eq!(list["items"][0]["promotion"]["routingWeights"]["aws"], "0.4");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenants_price_moves_that_tenant_and_is_proposed_for_it_alone() {
    let house = business().await;
    let changes = json!({ "tenantPrice": { "acme": "0.08" } });
    let request = json!({ "draws": 400, "scenarios": [{ "name": "a", "changes": changes }] });
    let answer = house.post(SIMULATE, "demo-controller", &request).await.expect(200);
    let revenue = |results: &Value, tenant: &str| {
        let all = results["tenants"].as_array().expect("a list");
        let own = all.iter().find(|it| it["tenantId"] == tenant).expect("it has usage");
        let text = own["statement"]["revenueUsd"].as_str().expect("a decimal");
        text.parse::<f64>().expect("a number")
    };
    let (base, then) = (&answer["base"], &answer["scenarios"][0]["results"]);
    assert!((revenue(then, "acme") / revenue(base, "acme") - 1.08).abs() < 1e-9, "{answer}");
    assert!((revenue(then, "bolt") - revenue(base, "bolt")).abs() < 1e-9, "of the same tier");

    let draft = json!({ "name": "Acme dearer", "request": request });
    let path = "/v1/scenarios?wait=final";
    let saved = house.post(path, "demo-controller", &draft).await.expect(201);
    let id = saved["scenarioId"].as_str().expect("an id");
    let promote = format!("/v1/scenarios/{id}/promote?wait=final");
    let proposal = |tenant: &str| json!({ "version": 1, "reason": "its margin is thin", "tenantPriceChanges": { tenant: "0.08" } });
    let unknown = house.post(&promote, "demo-controller", &proposal("acmee")).await;
    let unknown = unknown.problem(422, "invalid");
    assert_eq!(unknown["errors"][0]["field"], "/tenantPriceChanges");
    let promoted = house.post(&promote, "demo-controller", &proposal("acme")).await.expect(201);
    let opened = promoted["proposals"].as_array().expect("a list");
    assert_eq!(opened.len(), 1, "of one tenant: {promoted}");
    assert_eq!(opened[0]["about"], "acme", "{promoted}");
    assert!(opened[0]["proposalId"].is_string(), "{promoted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_that_could_not_be_asked_is_not_kept() {
    let house = House::open().await;
    let draft = |request: Value| json!({ "name": "x", "request": request });
    let post = |body: Value| {
        let house = &house;
        async move { house.post("/v1/scenarios", "demo-controller", &body).await }
    };
    let problem = post(draft(json!({ "drawz": 7 }))).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "/request/drawz");
    let twins = json!({ "scenarios": [{ "name": "x" }, { "name": "x" }] });
    post(draft(twins)).await.problem(422, "invalid");
    post(json!({ "name": "", "request": {} })).await.problem(422, "invalid");
    let event = json!({ "tenantId": "platform", "payload": { "kind": "scenario.save",
        "scenarioId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b", "version": 1, "name": "x",
        "request": {} } });
    house.post("/v1/events", "demo-ingest", &event).await.problem(403, "forbidden");
    house.post("/v1/events", "demo-admin", &event).await.problem(422, "invalid");
    let missing = "/v1/scenarios/0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b";
    house.get(missing, "demo-auditor").await.problem(404, "not_found");
    house.get("/v1/scenarios/7", "demo-auditor").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_a_cloud_gave_out_give_its_answer_elsewhere_to_the_bit() {
    use domain::economics::simulation::Simulation;
    use domain::economics::study::{self, Inputs, Request};

    let house = business().await;
    let question = json!({
        "pricesAsOf": "2026-12-01T00:00:00Z", "seed": "2026", "draws": 400,
        "scenarios": [{ "name": "all", "changes": {
            "cost": { "azure": "0.3" }, "usage": { "pro": "0.2" },
            "routing": { "azure": "0.25", "vertex": "0.75" } } }]
    });
    let answer = house.post(SIMULATE, "demo-controller", &question).await.expect(200);
    let path = "/v1/economics/inputs?pricesAsOf=2026-12-01T00:00:00Z";
    let given = house.get(path, "demo-auditor").await.expect(200);
    assert_eq!(given["sources"]["excluded"][0]["model"], "unheard-of");
    let inputs: Inputs = serde_json::from_value(given).expect("inputs");
    let request: Request = serde_json::from_value(question).expect("a request");
    let own =
        study::answer::<domain::economics::EconomicsError>(&inputs, &request, Simulation::run);
    let own = serde_json::to_value(own.expect("an answer")).expect("json");
    assert_eq!(own["scenarios"], answer["scenarios"]);
    house.get(path, "demo-ingest").await.problem(403, "forbidden");
    house
        .get("/v1/economics/inputs?to=2020-01-01T00:00:00Z", "demo-auditor")
        .await
        .problem(422, "no_usage");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_exported_with_all_tenants_and_an_absurd_address_is_refused() {
    let house = business().await;
    let csv =
        house.get("/v1/economics/export?format=csv&cost.azure=30&draws=200", "demo-auditor").await;
    let text = csv.text();
    let lines: Vec<&str> = text.lines().collect();
    // A head; the portfolio and three places, in the base and in the scenario.
    assert_eq!(lines.len(), 9, "{text}");
    assert!(lines[1].starts_with("base,(portfolio),,,,"), "{text}");
    assert!(lines[2].starts_with("base,acme,pro,azure,eu,"), "{text}");
    assert!(lines[5].starts_with("Under the levers,(portfolio),"), "{text}");
    let columns = lines[0].split(',').count();
    assert!(lines[2].split(',').count() == columns, "{text}");
    let unfit = "/v1/economics/export?format=csv&cost.opnai=30&draws=200";
    let unfit = house.get(unfit, "demo-auditor").await.text();
    assert!(unfit.contains("this window has no cost.opnai"), "{unfit}");
    let json =
        house.get("/v1/economics/export?format=json&cost.azure=30&draws=200", "demo-auditor").await;
    assert_eq!(json.expect(200)["scenarios"][0]["changes"]["cost"]["azure"], "0.3");
    let problem = house.get("/v1/economics/export?cost.azure=lots", "demo-auditor").await;
    let detail = problem.problem(422, "invalid")["detail"].as_str().expect("a sentence").to_owned();
    assert!(detail.contains("cost.azure"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_form_keeps_levers_as_a_scenario_and_promotes_what_was_kept() {
    let house = business().await;
    let send = async |fields: String| {
        let kind = "application/x-www-form-urlencoded";
        house.post_as("/scenarios/act", "demo-controller", kind, fields).await
    };
    let kept = send(String::from(
        "act=save&search=cost.azure%3D30%26price.pro%3D5&name=Dearer&notes=a%0D%0Ab",
    ))
    .await;
    let to = leads_to(&kept);
    let id = to.strip_prefix("/scenarios?open=").expect("it is open").to_owned();
    let path = format!("/v1/scenarios/{id}");
    let saved = house.get(&path, "demo-auditor").await.expect(200);
    assert_eq!(saved["request"]["scenarios"][0]["changes"]["price"]["pro"], "0.05");
    assert_eq!(saved["notes"], "a\nb");
    let again = format!("act=save&as=version&id={id}&version=1&search=cost.azure%3D40&name=Dearer");
    assert_eq!(leads_to(&send(again.clone()).await), to);
    let stale = send(again).await;
    assert!(stale.header("location").ends_with("problem=version"), "{}", stale.header("location"));
    let bare = send(format!("act=promote&id={id}&version=2&reason=why")).await;
    assert!(
        bare.header("location").contains("problem=routingWeights"),
        "{}",
        bare.header("location")
    );
    let weights = format!("act=promote&id={id}&version=2&reason=why&gcp=60&aws=40");
    assert_eq!(leads_to(&send(weights).await), to);
    let promoted = house.get(&path, "demo-auditor").await.expect(200);
    assert_eq!(promoted["promotion"]["routingWeights"]["gcp"], "0.6");
}
