//! A price is applied exactly once, whenever the cloud that takes the last approval is killed: real
//! processes, killed at moments from before the answer to long after it.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};

use crate::demonstration::{Demonstration, place};
use crate::fabric::{pid, until};

/// How long after the approval was sent its cloud is killed, in milliseconds.
const KILLED_AFTER_MS: [u64; 6] = [0, 15, 60, 200, 700, 2_500];

fn tenant(number: usize) -> String {
    format!("tenant-{number}")
}

/// Tenants that pay ten dollars a million tokens and cost seven.
async fn business(demonstration: &Demonstration) {
    let rate = "0.000007";
    let mut decisions = vec![
        json!({ "kind": "tier.put", "tier": "plus", "name": "Plus", "sla": { "bands": [
            { "minUptimePct": "0", "credit": "0" } ] } }),
        json!({ "kind": "price.put", "tier": "plus", "provider": "azure", "model": "m",
            "inputUsdPerMillion": "10", "outputUsdPerMillion": "10",
            "effectiveFrom": "2026-01-01T00:00:00Z" }),
        json!({ "kind": "cost.put", "provider": "azure", "model": "m",
            "price": { "rates": { "inputUsdPerToken": rate, "outputUsdPerToken": rate } },
            "asOf": "2026-01-01T00:00:00Z" }),
    ];
    let tenants = (0..KILLED_AFTER_MS.len()).map(tenant);
    decisions.extend(tenants.clone().map(|id| {
        json!({ "kind": "tenant.put", "tenantId": id, "name": id, "tier": "plus", "cloud": "gcp",
            "region": "eu", "active": true })
    }));
    let of = |tenant: &str, payload: Value| json!({ "tenantId": tenant, "payload": payload });
    let decided: Vec<Value> = decisions.into_iter().map(|it| of("platform", it)).collect();
    record(demonstration, "demo-admin", &json!(decided)).await;
    let yesterday = Timestamp::from_unix_ms(server::now().unix_ms() - 24 * 3_600_000);
    let used = tenants.map(|id| {
        of(
            &id,
            json!({ "kind": "usage", "provider": "azure", "model": "m", "region": "eu",
            "inputTokens": 1_000_000, "outputTokens": 0, "latencyMs": 800.0,
            "requestedAt": yesterday }),
        )
    });
    let used: Vec<Value> = used.collect();
    until_known(demonstration, "controls", |it| it["version"] == 0).await;
    record(demonstration, "demo-ingest", &json!(used)).await;
    until_known(demonstration, "margin", |it| it["margin"] == "0.3").await;
}

/// What is so of the last tenant is so of all.
async fn until_known(demonstration: &Demonstration, what: &str, is_so: fn(&Value) -> bool) {
    let path = format!("/v1/tenants/{}/{what}", tenant(KILLED_AFTER_MS.len() - 1));
    for cloud in Cloud::ALL {
        until(what, async || demonstration.json(cloud, &path).await.is_some_and(|it| is_so(&it)))
            .await;
    }
}

async fn record(demonstration: &Demonstration, token: &str, events: &Value) {
    let told = demonstration.post_as(token, Cloud::Gcp, "/v1/events?wait=final", events).await;
    for answer in told.as_array().expect("a list") {
        assert_eq!(answer["httpStatus"], 201, "{answer}");
    }
}

/// Approves until the proposal is applied: whether a broken connection took the approval with it, its
/// sender cannot know, and asks again elsewhere.
async fn until_applied(demonstration: &Demonstration, at: Cloud, id: &str, seen: &Value) {
    let (approve, of) = (format!("/v1/approvals/{id}/approve"), format!("/v1/proposals/{id}"));
    until("it is applied", async || {
        let now = demonstration.json(at, &of).await.unwrap_or_default();
        if now["state"] == "pending" {
            let told = demonstration.try_post("demo-admin", at, &approve, seen).await;
            let refusals = ["already_approved", "applied", "no_quorum"];
            if let Some((status, told)) = told.filter(|(status, _)| *status >= 400) {
                let code = told["code"].as_str().unwrap_or_default();
                assert!(status >= 500 || refusals.contains(&code), "{status} {told}");
            }
        }
        now["state"] == "applied"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_is_applied_exactly_once_whenever_the_approving_cloud_is_killed() {
    let (folder, port) = place();
    let demonstration = Demonstration::start(folder, port).await;
    business(&demonstration).await;
    for (number, after_ms) in KILLED_AFTER_MS.into_iter().enumerate() {
        let cloud = Cloud::ALL[number % Cloud::ALL.len()];
        let [peer, _] = cloud.peers();
        let wish = json!({ "tenantId": tenant(number), "priceOfList": "1.04", "reason": "thin" });
        let proposal =
            demonstration.post_as("demo-controller", peer, "/v1/proposals?wait=final", &wish).await;
        let id = proposal["proposalId"].as_str().expect("an id").to_owned();
        until("the approving cloud knows of it", async || {
            demonstration.json(cloud, &format!("/v1/proposals/{id}")).await.is_some()
        })
        .await;
        let seen = json!({ "version": proposal["version"], "hash": proposal["hash"] });
        let approve = format!("/v1/approvals/{id}/approve");
        let victim = pid(&demonstration, cloud).await;
        tokio::join!(demonstration.try_post("demo-admin", cloud, &approve, &seen), async {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            kill(victim, Signal::SIGKILL).expect("ours");
        });
        until_applied(&demonstration, peer, &id, &seen).await;
        demonstration.until_ready(cloud).await;
    }
    // Whoever finishes what another began has had time to.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut applied = BTreeMap::<String, Vec<String>>::new();
    let page = demonstration.json(Cloud::Gcp, "/v1/events?kind=proposal.apply&limit=1000").await;
    for item in page.expect("a page")["items"].as_array().expect("a list") {
        let event_id = item["eventId"].as_str().expect("an id").to_owned();
        let event = demonstration.json(Cloud::Gcp, &format!("/v1/events/{event_id}")).await;
        let of = event.expect("it is there")["payload"]["proposalId"].to_string();
        applied.entry(of).or_default().push(event_id);
    }
    println!("killed {} times; applied: {applied:?}", KILLED_AFTER_MS.len());
    assert_eq!(applied.len(), KILLED_AFTER_MS.len(), "every proposal once: {applied:?}");
    for (proposal, mut events) in applied {
        events.dedup();
        assert_eq!(events.len(), 1, "{proposal}");
    }
    for cloud in Cloud::ALL {
        for number in 0..KILLED_AFTER_MS.len() {
            let path = format!("/v1/tenants/{}/controls", tenant(number));
            until("the controls are the same everywhere", async || {
                let now = demonstration.json(cloud, &path).await.unwrap_or_default();
                now["version"] == 1 && now["price"]["ofList"] == "1.04"
            })
            .await;
        }
    }
}
