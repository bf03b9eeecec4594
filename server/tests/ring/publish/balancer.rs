//! Cloudflare's load balancers: a pool a cloud, one monitor, and the balancer of the name.

use std::sync::Arc;

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::publish::difference::steps;
use domain::fabric::publish::plan::Target;
use domain::fabric::publish::route53::Fence;
use serde_json::{Value, json};
use server::config::FabricCloudflareBalancer;
use server::fabric::publish::{Fault, Found, Provider, Record, cloudflare_balancer};
use server::fabric::{OnDrift, Publisher};

use super::account::{ACCOUNT, LISTS};
use super::stand_in::{Cloudflare, TOKEN, ZONE};
use super::{SERVICE, addresses, file, serving, until, with_room};
use crate::clouds::{Clouds, TempFolder};

fn to_balancer(folder: &TempFolder, url: &str, more: &Value) -> Arc<dyn Provider> {
    let mut settings = json!({
        "account_id": ACCOUNT, "zone_id": ZONE, "token_file": file(folder, "token", TOKEN), "url": url
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        settings[name] = value.clone();
    }
    let settings: FabricCloudflareBalancer = serde_json::from_value(settings).expect("settings");
    Arc::new(cloudflare_balancer(&settings, SERVICE).expect("a provider"))
}

fn wanted(provider: &Arc<dyn Provider>, targets: &[Target]) -> Vec<Record> {
    provider.wanted(targets, &addresses()).expect("allowed")
}

/// Looks, writes what is left to be written, and says what was there before.
async fn step(
    provider: &Arc<dyn Provider>,
    targets: &[Target],
    token: u64,
) -> Result<Found, Fault> {
    let found = provider.read().await?;
    let steps = steps(&found.records, &wanted(provider, targets));
    let fence = Fence { writer: targets[0].cloud, token };
    provider.apply(&steps, &found, fence).await.map(|()| found)
}

/// All of it is there, and nobody has more to come.
async fn is_in_step(provider: &Arc<dyn Provider>, targets: &[Target]) -> bool {
    let found = provider.read().await.expect("it answers");
    steps(&found.records, &wanted(provider, targets)).is_empty() && !found.under_way
}

fn is_overtaken(outcome: &Result<(), Fault>) -> bool {
    matches!(outcome, Err(Fault::Passing { why, .. }) if why.contains("another cloud"))
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_and_the_balancer_follow_who_may_serve_and_others_pools_are_left_alone() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let (cloudflare, none) = (running.cloudflare.clone(), json!({}));
    let others =
        json!({ "name": "api-example-com-standby", "description": "by hand", "origins": [] });
    let id = cloudflare.zone().account.insert("pools", others.clone());
    let provider = to_balancer(&folder, &running.url, &none);
    assert_eq!(step(&provider, &serving(&Cloud::ALL), 1).await.expect("taken"), Found::default());
    let writes = |from: usize| cloudflare.zone().account.writes[from..].join(", ");
    assert_eq!(
        writes(0),
        "POST monitors, POST pools, POST pools, POST pools, POST load_balancers, PATCH monitors"
    );
    assert_eq!(cloudflare.zone().account.shown(), "gcp aws azure, else gcp");
    assert!(is_in_step(&provider, &serving(&Cloud::ALL)).await);
    // Gcp is lost: aws serves. The balancer turns away before the pool is switched off.
    let left = serving(&[Cloud::Aws, Cloud::Azure]);
    step(&provider, &left, 2).await.expect("taken");
    assert_eq!(
        writes(6),
        "PATCH load_balancers, PATCH load_balancers, PATCH pools, PATCH load_balancers"
    );
    assert_eq!(cloudflare.zone().account.shown(), "aws azure, else aws");
    assert_eq!(cloudflare.zone().account.disabled(), ["api-example-com-gcp"]);
    // Aws is lost as gcp comes back: what is to serve is switched on first.
    step(&provider, &serving(&[Cloud::Gcp]), 3).await.expect("taken");
    assert_eq!(cloudflare.zone().account.shown(), "gcp, else gcp");
    // People decide on shares.
    let share = |(cloud, share): (Cloud, f64)| Target {
        share: Some(share),
        ..serving(&[cloud])[0].clone()
    };
    let shared: Vec<Target> =
        [(Cloud::Gcp, 0.7), (Cloud::Aws, 0.3)].into_iter().map(share).collect();
    step(&provider, &shared, 4).await.expect("taken");
    assert!(is_in_step(&provider, &shared).await);
    let steering = cloudflare.zone().account.list("load_balancers")[0].clone();
    assert_eq!(steering["steering_policy"], "random");
    let weights = steering["random_steering"]["pool_weights"].as_object().expect("weights").clone();
    assert_eq!(weights.values().filter_map(Value::as_f64).sum::<f64>(), 1.0);
    let found = provider.read().await.expect("it answers");
    assert_eq!(found.token, Some(4));
    let zone = cloudflare.zone();
    assert_eq!(zone.account.silences, 0, "clients had an answer at every moment");
    let mut kept = zone.account.items["pools"][&id].clone();
    kept.as_object_mut().expect("a pool").remove("id");
    assert_eq!(kept, others, "a pool of others is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_serving_cloud_has_no_room_for_is_dealt_to_the_next_until_it_has() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let provider = to_balancer(&folder, &running.url, &json!({}));
    // Of everything, gcp is planned to take 80 % of a half.
    let tight = PerCloud { gcp: Some(0.5), aws: Some(1.0), azure: Some(1.0) };
    let tight = with_room(&Cloud::ALL, &tight);
    step(&provider, &tight, 1).await.expect("taken");
    assert!(is_in_step(&provider, &tight).await);
    let account = running.cloudflare.clone();
    let steering = || account.zone().account.list("load_balancers")[0].clone();
    assert_eq!(steering()["steering_policy"], "random");
    let weights = steering()["random_steering"]["pool_weights"].as_object().expect("some").clone();
    let mut weights: Vec<f64> = weights.values().filter_map(Value::as_f64).collect();
    weights.sort_by(f64::total_cmp);
    assert_eq!(weights, [0.0, 0.4, 0.6]);
    let roomy = serving(&Cloud::ALL);
    step(&provider, &roomy, 2).await.expect("taken");
    assert!(is_in_step(&provider, &roomy).await);
    assert_eq!(steering()["steering_policy"], "off");
    assert_eq!(account.zone().account.silences, 0, "clients had an answer at every moment");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stopped_half_way_is_gone_on_with_and_nothing_is_made_twice() {
    let folder = TempFolder::new();
    for stores_then in [false, true] {
        for breaks_after in 0..11 {
            let running = Cloudflare::start().await;
            let provider = to_balancer(&folder, &running.url, &json!({}));
            let what = format!("after {breaks_after}, stored: {stores_then}");
            {
                let account = &mut running.cloudflare.zone().account;
                (account.breaks_after, account.stores_then) = (Some(breaks_after), stores_then);
            }
            // Six writes make it, five more follow who may serve; one of them breaks.
            let mut faults = 0;
            let orders = [&Cloud::ALL[..], &[Cloud::Aws]];
            for (token, order) in (1_u64..).zip(orders) {
                while !is_in_step(&provider, &serving(order)).await {
                    let outcome = step(&provider, &serving(order), token).await;
                    assert!(!matches!(outcome, Err(Fault::Refused(_))), "{what}: {outcome:?}");
                    faults += usize::from(outcome.is_err());
                }
            }
            assert_eq!(faults, 1, "{what}");
            let zone = running.cloudflare.zone();
            let counts = LISTS.map(|list| zone.account.list(list).len());
            assert_eq!(counts, [1, 3, 1], "{what}");
            assert_eq!(zone.account.silences, 0, "{what}");
            assert_eq!(zone.account.shown(), "aws, else aws", "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_of_before_stops_at_once_or_in_the_middle() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let provider = to_balancer(&folder, &running.url, &json!({}));
    let before = step(&provider, &serving(&Cloud::ALL), 5).await.expect("taken");
    let written = running.cloudflare.zone().account.writes.len();
    // It read before the other wrote.
    let lost = steps(&before.records, &wanted(&provider, &serving(&[Cloud::Aws])));
    let late = provider.apply(&lost, &before, Fence { writer: Cloud::Aws, token: 4 }).await;
    assert!(is_overtaken(&late), "{late:?}");
    // It read after that, under an older token: whoever holds it asks before.
    let late = step(&provider, &serving(&[Cloud::Aws]), 4).await.map(|_| ());
    assert!(is_overtaken(&late), "{late:?}");
    assert_eq!(running.cloudflare.zone().account.writes.len(), written, "nothing was done");
    // It was slow: the other writes between its token and its first change.
    running.cloudflare.zone().account.overtaken_after = Some((1, 9));
    let slow = step(&provider, &serving(&[Cloud::Aws]), 6).await.map(|_| ());
    assert!(is_overtaken(&slow), "{slow:?}");
    assert_eq!(running.cloudflare.zone().account.shown(), "gcp aws azure, else gcp");
    assert_eq!(running.cloudflare.zone().account.disabled(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_comes_after_another_writer_s_last_call_stops_its_own_writer() {
    let folder = TempFolder::new();
    // The other has left its token on a pool as well, or on the balancer alone.
    let others = [&[Cloud::Aws, Cloud::Azure][..], &[Cloud::Aws, Cloud::Gcp, Cloud::Azure]];
    for (other, shown) in others.into_iter().zip(["aws azure, else aws", "aws gcp azure, else aws"])
    {
        let running = Cloudflare::start().await;
        let cloudflare = running.cloudflare.clone();
        let provider = to_balancer(&folder, &running.url, &json!({}));
        step(&provider, &serving(&Cloud::ALL), 5).await.expect("taken");
        let before = cloudflare.zone().account.items.clone();
        step(&provider, &serving(other), 9).await.expect("taken");
        // The slow one reads what was there before that, and its token comes after it.
        {
            let account = &mut cloudflare.zone().account;
            account.meanwhile = Some(std::mem::replace(&mut account.items, before));
        }
        let written = cloudflare.zone().account.writes.len();
        let slow = step(&provider, &serving(&[Cloud::Gcp]), 8).await.map(|_| ());
        assert!(is_overtaken(&slow), "{slow:?}");
        assert_eq!(cloudflare.zone().account.writes[written..], ["PATCH load_balancers"]);
        assert_eq!(cloudflare.zone().account.shown(), shown);
        // What it has left says that somebody is not done: the next one ends it.
        assert!(provider.read().await.expect("it answers").under_way);
        step(&provider, &serving(other), 10).await.expect("taken");
        assert!(is_in_step(&provider, &serving(other)).await);
        assert_eq!(provider.read().await.expect("it answers").token, Some(10));
        assert_eq!(cloudflare.zone().account.shown(), shown);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_between_two_calls_is_told_that_more_is_to_come() {
    let folder = TempFolder::new();
    for breaks_after in 1..6 {
        let running = Cloudflare::start().await;
        let provider = to_balancer(&folder, &running.url, &json!({}));
        running.cloudflare.zone().account.breaks_after = Some(breaks_after);
        step(&provider, &serving(&Cloud::ALL), 1).await.expect_err("it stops half-way");
        let found = provider.read().await.expect("it answers");
        assert_eq!((found.token, found.under_way), (Some(1), true), "after {breaks_after}");
        step(&provider, &serving(&Cloud::ALL), 2).await.expect("taken");
        assert!(is_in_step(&provider, &serving(&Cloud::ALL)).await, "after {breaks_after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_on_says_that_a_balancer_is_half_written_and_leaves_it_so() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let provider = to_balancer(&folder, &running.url, &json!({}));
    running.cloudflare.zone().account.breaks_after = Some(2);
    step(&provider, &serving(&Cloud::ALL), 1).await.expect_err("it stops half-way");
    let written = running.cloudflare.zone().account.writes.len();
    let looks_on = Arc::new(Publisher::new(provider, OnDrift::Report, true));
    let mut clouds = Clouds::prepare().await;
    clouds.addresses_of_clients = addresses();
    clouds.records.gcp = vec![Arc::clone(&looks_on)];
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    until("it is said", || looks_on.standing().half_written).await;
    let told = looks_on.told();
    assert_eq!((&told["halfWritten"], &told["problem"]), (&json!(true), &json!(null)), "{told}");
    assert_eq!(running.cloudflare.zone().account.writes.len(), written);
    gcp.stop().await;
    aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_and_has_no_id_in_the_answer_is_looked_for_and_not_named() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let provider = to_balancer(&folder, &running.url, &json!({}));
    running.cloudflare.zone().account.hides_id = true;
    let fault = step(&provider, &serving(&Cloud::ALL), 1).await.expect_err("no id");
    assert!(
        matches!(&fault, Fault::Passing { why, .. } if why.contains("monitor ternion")),
        "{fault:?}"
    );
    assert_eq!(running.cloudflare.zone().account.writes, ["POST monitors"]);
    step(&provider, &serving(&Cloud::ALL), 1).await.expect("taken");
    assert!(is_in_step(&provider, &serving(&Cloud::ALL)).await);
    let counts = LISTS.map(|list| running.cloudflare.zone().account.list(list).len());
    assert_eq!(counts, [1, 3, 1], "nothing was made twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_too_many_calls_and_names_that_are_taken_are_told_apart() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let wrong = file(&folder, "wrong", "another-secret");
    let wrong = to_balancer(&folder, &running.url, &json!({ "token_file": wrong }));
    let fault = wrong.read().await.expect_err("refused");
    assert!(matches!(&fault, Fault::Refused(why) if why.contains("9109")), "{fault}");
    let provider = to_balancer(&folder, &running.url, &json!({}));
    running.cloudflare.zone().throttled = 1;
    let fault = provider.read().await.expect_err("throttled");
    assert!(matches!(&fault, Fault::Passing { wait_ms: Some(1_000), .. }), "{fault:?}");
    let by_hand = json!({ "name": SERVICE, "description": "by hand" });
    let id = running.cloudflare.zone().account.insert("load_balancers", by_hand);
    let fault = provider.read().await.expect_err("it is somebody's");
    assert!(matches!(&fault, Fault::Refused(why) if why.contains("not made here")), "{fault}");
    running.cloudflare.zone().account.items.get_mut("load_balancers").expect("one").remove(&id);
    assert_eq!(provider.read().await, Ok(Found::default()));
    for text in [format!("{fault:?} {provider:?} {wrong:?}"), provider.place()] {
        assert!(!text.contains(TOKEN) && !text.contains("another-secret"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_is_not_wanted_any_more_is_let_go_of_and_one_too_many_too() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let all = serving(&Cloud::ALL);
    let probing = to_balancer(&folder, &running.url, &json!({ "monitor": { "interval_s": 15 } }));
    step(&probing, &all, 1).await.expect("taken");
    // Two clouds made one each at the same moment.
    let twice = running.cloudflare.zone().account.list("monitors")[0].clone();
    assert_eq!(twice["interval"], 15);
    running.cloudflare.zone().account.insert("monitors", twice);
    step(&probing, &all, 2).await.expect("taken");
    assert_eq!(running.cloudflare.zone().account.list("monitors").len(), 1);
    // What people have set in a pool stays, though it is written whole.
    let set = json!({
        "latitude": 41.26, "longitude": -95.86, "check_regions": ["WEU"],
        "notification_email": "ops@example.com", "load_shedding": { "default_percent": 5 }
    });
    let told = json!({ "created_on": "2026-11-01T00:00:00Z", "disabled_at": null });
    for (name, value) in [&set, &told].into_iter().filter_map(Value::as_object).flatten() {
        let account = &mut running.cloudflare.zone().account;
        account.find("pools", "api-example-com-gcp").expect("a pool")[name] = value.clone();
    }
    let bare = json!({ "monitor": { "enabled": false }, "proxied": true });
    let bare = to_balancer(&folder, &running.url, &bare);
    step(&bare, &all, 3).await.expect("taken");
    assert!(is_in_step(&bare, &all).await);
    let mut zone = running.cloudflare.zone();
    let gcp = zone.account.find("pools", "api-example-com-gcp").expect("a pool").clone();
    for (name, value) in set.as_object().expect("fields") {
        assert_eq!(&gcp[name], value, "{name}");
    }
    assert_eq!(zone.account.list("monitors").len(), 0);
    assert!(zone.account.list("pools").iter().all(|pool| pool.get("monitor").is_none()));
    assert_eq!(zone.account.list("load_balancers")[0]["proxied"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clouds_drive_one_balancer_and_a_drained_cloud_is_left_out() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    running.cloudflare.zone().throttled = 2;
    let publisher = |on_drift, dry_run| {
        let provider = to_balancer(&folder, &running.url, &json!({}));
        Arc::new(Publisher::new(provider, on_drift, dry_run))
    };
    let (gcp_s, aws_s) = (publisher(OnDrift::Report, false), publisher(OnDrift::Report, false));
    let looks_on = publisher(OnDrift::Apply, true);
    let mut clouds = Clouds::prepare().await;
    clouds.addresses_of_clients = addresses();
    clouds.records.gcp = vec![Arc::clone(&gcp_s), looks_on];
    clouds.records.aws = vec![Arc::clone(&aws_s)];
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let cloudflare = running.cloudflare.clone();
    until("a balancer of all three", || {
        let shown = cloudflare.zone().account.shown();
        ["gcp", "aws", "azure"].iter().all(|cloud| shown.contains(cloud))
    })
    .await;
    until("both have seen it", || {
        [&gcp_s, &aws_s].iter().all(|one| {
            let standing = one.standing();
            standing.waiting.is_empty() && standing.writer.is_some() && standing.problem.is_none()
        })
    })
    .await;
    let counts = LISTS.map(|list| cloudflare.zone().account.list(list).len());
    assert_eq!(counts, [1, 3, 1], "nothing was made twice");
    let mut written = 0;
    // Somebody switches a pool off in the browser, once more where the order changed in that moment and
    // the clouds wrote it anew: on a busy machine probes come late.
    let aws_pool = "api-example-com-aws";
    let by_hand = |value: bool| {
        let account = &mut cloudflare.zone().account;
        let enabled = &mut account.find("pools", aws_pool).expect("a pool")["enabled"];
        let changes = *enabled != json!(value);
        *enabled = json!(value);
        changes.then_some(account.writes.len())
    };
    until("both show the edit", || {
        written = by_hand(false).unwrap_or(written);
        [&gcp_s, &aws_s].iter().all(|one| one.standing().drift.len() == 1)
    })
    .await;
    assert!(gcp_s.standing().drift[0].contains("aws disabled"), "{:?}", gcp_s.standing());
    assert_eq!(cloudflare.zone().account.writes.len(), written, "it is left alone");
    by_hand(true);
    // The one that serves is drained: another serves, and its pool is switched off.
    let shown = cloudflare.zone().account.shown();
    let served = shown.split(' ').next().expect("it serves").to_owned();
    let drain = json!({
        "kind": "routing.drain", "cloud": served, "drained": true, "reason": "a new kernel"
    });
    let drained = gcp.submit(None, &drain).await;
    gcp.until_projected(&drained).await;
    until("the order has changed", || {
        let zone = cloudflare.zone();
        !zone.account.shown().contains(&served)
            && zone.account.disabled() == [format!("api-example-com-{served}")]
    })
    .await;
    assert_eq!(cloudflare.zone().account.silences, 0);
    gcp.stop().await;
    aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_a_balancer_are_written_over_where_that_is_the_policy() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let provider = to_balancer(&folder, &running.url, &json!({}));
    let publisher = Arc::new(Publisher::new(provider, OnDrift::Apply, false));
    let mut clouds = Clouds::prepare().await;
    clouds.addresses_of_clients = addresses();
    clouds.records.gcp = vec![Arc::clone(&publisher)];
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let cloudflare = running.cloudflare.clone();
    until("it is there", || !cloudflare.zone().account.shown().is_empty()).await;
    until("it was read back", || publisher.standing().writer.is_some()).await;
    let set = |field: &str, value: Value| {
        let account = &mut cloudflare.zone().account;
        account.find("load_balancers", SERVICE).expect("it is there")[field] = value;
    };
    set("enabled", json!(false));
    set("session_affinity", json!("cookie"));
    until("it is written over", || {
        let zone = cloudflare.zone();
        zone.account.list("load_balancers")[0]["enabled"] == json!(true)
    })
    .await;
    let kept = cloudflare.zone().account.list("load_balancers")[0]["session_affinity"].clone();
    assert_eq!(kept, "cookie", "what is not ours to set stays");
    gcp.stop().await;
    aws.stop().await;
}
