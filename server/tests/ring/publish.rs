//! Records at providers: a strict stand-in for Cloudflare, moto for Route 53, and two real clouds of
//! which one writes; and what becomes of them while a provider is away.

mod account;
mod balancer;
mod outage;
mod stand_in;
mod strict;

use std::io::Write as _;
use std::net::{IpAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::publish::difference::steps;
use domain::fabric::publish::plan::Target;
use domain::fabric::publish::route53::Fence;
use serde_json::json;
use server::config::{Endpoint, Fabric, FabricCloudflare, FabricRoute53};
use server::fabric::publish::{Fault, Found, Provider, cloudflare, route53};
use server::fabric::{OnDrift, Publisher};

use crate::clouds::{Clouds, TempFolder};
use crate::process::{Process, free_port, of_python, skipped};
use stand_in::{Cloudflare, TOKEN, ZONE};

const SERVICE: &str = "api.example.com";
const PATIENCE: Duration = Duration::from_secs(60);

fn addresses() -> PerCloud<Vec<IpAddr>> {
    PerCloud::from_fn(|cloud| {
        let last = u8::try_from(cloud.index() + 1).expect("three");
        vec![IpAddr::from([203, 0, 113, last])]
    })
}

/// Who may serve, the serving one first.
fn serving(clouds: &[Cloud]) -> Vec<Target> {
    let target = |cloud: &Cloud| Target {
        cloud: *cloud,
        addresses: addresses().get(*cloud).clone(),
        share: None,
        room: None,
    };
    clouds.iter().map(target).collect()
}

fn file(folder: &TempFolder, name: &str, text: &str) -> PathBuf {
    let path = folder.0.join(name);
    let mut file = std::fs::File::create(&path).expect("a file");
    writeln!(file, "{text}").expect("written");
    path
}

fn to_cloudflare(folder: &TempFolder, url: &str, token: &str) -> Arc<dyn Provider> {
    let settings = json!({
        "zone_id": ZONE, "token_file": file(folder, "token", token), "url": url, "ttl_s": 60
    });
    let settings: FabricCloudflare = serde_json::from_value(settings).expect("settings");
    Arc::new(cloudflare(&settings, SERVICE).expect("a provider"))
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_s_records_follow_who_may_serve_in_one_batch_and_others_are_left_alone() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let by_hand = json!({
        "id": "f".repeat(32), "name": SERVICE, "ttl": 300, "type": "A", "content": "192.0.2.77",
        "proxied": false, "comment": "by hand"
    });
    running.cloudflare.zone().records.insert("f".repeat(32), by_hand);
    let provider = to_cloudflare(&folder, &running.url, TOKEN);
    let wanted =
        |clouds: &[Cloud]| provider.wanted(&serving(clouds), &addresses()).expect("allowed");
    let found = provider.read().await.expect("it answers");
    assert_eq!(found, Found::default(), "what is not ours is not seen");
    let all = wanted(&Cloud::ALL);
    let fence = |writer, token| Fence { writer, token };
    provider
        .apply(&steps(&found.records, &all), &found, fence(Cloud::Gcp, 1))
        .await
        .expect("taken");
    let found = provider.read().await.expect("it answers");
    assert_eq!((steps(&found.records, &all), found.token), (Vec::new(), Some(1)));
    // Azure is down.
    let left = wanted(&[Cloud::Gcp, Cloud::Aws]);
    let away = steps(&found.records, &left);
    assert_eq!(
        away.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["- api.example.com A 60: 203.0.113.3"]
    );
    provider.apply(&away, &found, fence(Cloud::Aws, 2)).await.expect("taken");
    let contents = running.cloudflare.contents();
    assert_eq!(contents, ["192.0.2.77", "203.0.113.1", "203.0.113.2"]);
    assert_eq!(running.cloudflare.zone().batches, 2);
    // Whoever wrote before does not write any more.
    let late = provider.apply(&steps(&left, &all), &found, fence(Cloud::Gcp, 1)).await;
    assert!(
        matches!(&late, Err(Fault::Passing { why, .. }) if why.contains("another cloud")),
        "{late:?}"
    );
    assert_eq!(running.cloudflare.zone().batches, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_and_too_many_calls_are_told_apart_and_no_secret_is_shown() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let wrong = to_cloudflare(&folder, &running.url, "another-secret");
    let fault = wrong.read().await.expect_err("refused");
    assert!(matches!(&fault, Fault::Refused(why) if why.contains("9109")), "{fault}");
    let provider = to_cloudflare(&folder, &running.url, TOKEN);
    running.cloudflare.zone().throttled = 1;
    let fault = provider.read().await.expect_err("throttled");
    assert!(matches!(&fault, Fault::Passing { wait_ms: Some(1_000), .. }), "{fault:?}");
    drop(running);
    let away = provider.read().await.expect_err("nobody is there");
    assert!(matches!(away, Fault::Passing { .. }), "{away}");
    for text in [format!("{fault:?} {away:?} {provider:?}"), provider.place()] {
        assert!(!text.contains(TOKEN) && !text.contains("another-secret"), "{text}");
    }
}

/// `moto`, a server of AWS's interfaces (PyPI), asked through what makes it [`strict`].
struct Moto {
    _process: Process,
    url: String,
}

impl Moto {
    /// `None`: it is not installed.
    async fn start(folder: &TempFolder) -> Option<Moto> {
        let Some(program) = of_python("TERNION_MOTO", "moto_server") else {
            skipped("moto");
            return None;
        };
        let port = free_port();
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        let mut process = Process::start(&mut command, &folder.0.join("moto.log"));
        process.until("moto listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Moto {
            _process: process,
            url: strict::before(format!("http://127.0.0.1:{port}")).await,
        })
    }

    /// A zone's id.
    async fn zone(&self) -> String {
        let body = "<CreateHostedZoneRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\
                    <Name>example.com.</Name><CallerReference>ring</CallerReference></CreateHostedZoneRequest>";
        let call = reqwest::Client::new().post(format!("{}/2013-04-01/hostedzone", self.url));
        // It is told which service is meant by the scope, and checks no signature.
        let scope = "X/20261122/us-east-1/route53/aws4_request";
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=x");
        let call = call.header("authorization", authorization);
        let answer = call.body(body).send().await.expect("it answers");
        let text = answer.text().await.expect("a body");
        let id = text.split("<Id>/hostedzone/").nth(1).and_then(|rest| rest.split('<').next());
        id.unwrap_or_else(|| panic!("no zone: {text}")).to_owned()
    }
}

fn to_route53(folder: &TempFolder, url: &str, zone: &str, policy: &str) -> Arc<dyn Provider> {
    let settings: FabricRoute53 = serde_json::from_value(json!({
        "zone_id": zone, "access_key_id": "AKIDEXAMPLE", "secret_file": file(folder, "secret", "a-secret"),
        "url": url, "policy": policy
    }))
    .expect("settings");
    let endpoint = |region: &str| Endpoint {
        aws_region: Some(region.to_owned()),
        health_check: Some("11111111-1111-1111-1111-111111111111".to_owned()),
        ..Endpoint::default()
    };
    let fabric = Fabric {
        gcp: Some(endpoint("us-east-2")),
        aws: Some(endpoint("us-east-1")),
        azure: Some(endpoint("eu-west-1")),
        ..Fabric::default()
    };
    Arc::new(route53(&settings, &fabric, SERVICE).expect("a provider"))
}

#[tokio::test(flavor = "multi_thread")]
async fn route_53_s_records_follow_who_may_serve_under_a_fence() {
    let folder = TempFolder::new();
    let Some(moto) = Moto::start(&folder).await else { return };
    for policy in ["weighted", "latency", "failover"] {
        let zone = moto.zone().await;
        let provider = to_route53(&folder, &moto.url, &zone, policy);
        let wanted =
            |clouds: &[Cloud]| provider.wanted(&serving(clouds), &addresses()).expect("allowed");
        let mut found = provider.read().await.expect("it answers");
        assert_eq!(found, Found::default(), "{policy}");
        let orders = [&Cloud::ALL[..], &[Cloud::Aws, Cloud::Gcp], &[Cloud::Aws], &Cloud::ALL];
        for (token, order) in (1_u64..).zip(orders) {
            let next = wanted(order);
            let fence = Fence { writer: order[0], token };
            provider.apply(&steps(&found.records, &next), &found, fence).await.expect("taken");
            let before = std::mem::replace(&mut found, provider.read().await.expect("it answers"));
            assert_eq!(steps(&found.records, &next), [], "{policy} {order:?}");
            assert_eq!((found.token, found.writer), (Some(token), Some(order[0])), "{policy}");
            if token > 1 {
                // A writer of before: the fence that it would replace stands no more.
                let stale = Fence { writer: Cloud::Gcp, token: token - 1 };
                let late = provider.apply(&steps(&found.records, &[]), &before, stale).await;
                let Err(Fault::Refused(why)) = late else { panic!("{policy}: {late:?}") };
                assert!(why.contains("InvalidChangeBatch"), "{why}");
                assert_eq!(provider.read().await.expect("it answers"), found, "nothing was done");
            }
        }
    }
}

/// The same clouds, with how much of everything each can take.
fn with_room(clouds: &[Cloud], room: &PerCloud<Option<f64>>) -> Vec<Target> {
    let mut targets = serving(clouds);
    for target in &mut targets {
        target.room = *room.get(target.cloud);
    }
    targets
}

#[tokio::test(flavor = "multi_thread")]
async fn route_53_s_weights_follow_what_each_cloud_has_room_for() {
    let folder = TempFolder::new();
    let Some(moto) = Moto::start(&folder).await else { return };
    let zone = moto.zone().await;
    let provider = to_route53(&folder, &moto.url, &zone, "weighted");
    // A third each; gcp is planned to take a fifth, so the next in order has more.
    let room = PerCloud { gcp: Some(0.25), aws: Some(1.0), azure: Some(1.0) };
    let targets = with_room(&Cloud::ALL, &room);
    let wanted = provider.wanted(&targets, &addresses()).expect("allowed");
    let found = provider.read().await.expect("it answers");
    let fence = Fence { writer: Cloud::Gcp, token: 1 };
    provider.apply(&steps(&found.records, &wanted), &found, fence).await.expect("taken");
    let there = provider.read().await.expect("it answers").records;
    let there: Vec<String> = there.iter().map(ToString::to_string).collect();
    for (cloud, weight) in [("gcp", 51), ("aws", 119), ("azure", 85)] {
        let says = format!("[{cloud}] weight {weight} ");
        assert!(there.iter().any(|line| line.contains(&says)), "{says}: {there:?}");
    }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("not so: {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clouds_keep_one_zone_in_step_with_one_writer_and_edits_by_hand_are_shown() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    running.cloudflare.zone().throttled = 2;
    let publisher = |on_drift| {
        let provider = to_cloudflare(&folder, &running.url, TOKEN);
        Arc::new(Publisher::new(provider, on_drift, false))
    };
    let (gcp_s, aws_s) = (publisher(OnDrift::Report), publisher(OnDrift::Report));
    let mut clouds = Clouds::prepare().await;
    clouds.addresses_of_clients = addresses();
    clouds.records.gcp = vec![Arc::clone(&gcp_s)];
    clouds.records.aws = vec![Arc::clone(&aws_s)];
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let cloudflare = running.cloudflare.clone();
    until("all three are published", || {
        cloudflare.contents() == ["203.0.113.1", "203.0.113.2", "203.0.113.3"]
    })
    .await;
    until("both have seen it", || {
        [&gcp_s, &aws_s].iter().all(|one| {
            let standing = one.standing();
            standing.waiting.is_empty() && standing.writer.is_some() && standing.problem.is_none()
        })
    })
    .await;
    assert_eq!(cloudflare.zone().batches, 1, "one of them wrote, and once");
    // Somebody edits a record in the browser.
    cloudflare.edit("203.0.113.2", "ttl", json!(3_600));
    until("both show the edit", || {
        [&gcp_s, &aws_s].iter().all(|one| one.standing().drift.len() == 1)
    })
    .await;
    assert!(gcp_s.standing().drift[0].contains("A 60: 203.0.113.2 → "), "{:?}", gcp_s.standing());
    assert_eq!(cloudflare.ttl_of("203.0.113.2"), Some(3_600), "it is left alone");
    assert_eq!(cloudflare.zone().batches, 1);
    cloudflare.edit("203.0.113.2", "ttl", json!(60));
    until("undone, it is forgotten", || {
        gcp_s.standing().drift.is_empty() && aws_s.standing().drift.is_empty()
    })
    .await;
    gcp.stop().await;
    aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_by_hand_are_written_over_where_that_is_the_policy() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let provider = to_cloudflare(&folder, &running.url, TOKEN);
    let publisher = Arc::new(Publisher::new(provider, OnDrift::Apply, false));
    let mut clouds = Clouds::prepare().await;
    clouds.addresses_of_clients = addresses();
    clouds.records.gcp = vec![Arc::clone(&publisher)];
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let cloudflare = running.cloudflare.clone();
    until("all three are published", || cloudflare.contents().len() == 3).await;
    until("it was read back", || publisher.standing().writer.is_some()).await;
    cloudflare.edit("203.0.113.1", "ttl", json!(7_200));
    until("it is written over", || cloudflare.ttl_of("203.0.113.1") == Some(60)).await;
    gcp.stop().await;
    aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_must_mend_what_passes_and_what_a_dry_run_would_write_are_told_apart() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let publisher = |url: &str, token: &str, dry_run| {
        let provider = to_cloudflare(&folder, url, token);
        Arc::new(Publisher::new(provider, OnDrift::Report, dry_run))
    };
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let wrong = publisher(&running.url, "another-secret", false);
    let away = publisher(&nobody, TOKEN, false);
    let looks_on = publisher(&running.url, TOKEN, true);
    let mut clouds = Clouds::prepare().await;
    clouds.addresses_of_clients = addresses();
    clouds.records.gcp = vec![Arc::clone(&wrong), Arc::clone(&away), Arc::clone(&looks_on)];
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    until("each has looked", || {
        [&wrong, &away].iter().all(|one| one.standing().next_try_at.is_some())
            && looks_on.standing().waiting.len() == 3
    })
    .await;
    let standing = wrong.standing();
    let problem = standing.problem.clone().expect("a problem");
    assert!(
        problem.contains("9109") && problem.contains("fabric.cloudflare.token_file"),
        "{problem}"
    );
    assert!(standing.refused && !problem.contains("another-secret"), "{problem}");
    let standing = away.standing();
    assert!(!standing.refused, "{standing:?}");
    assert!(standing.problem.as_ref().is_some_and(|why| why.contains("cannot be reached")));
    let told = away.told();
    assert_eq!((&told["refused"], told["nextTryAt"].is_string()), (&json!(false), true), "{told}");
    let told = looks_on.told();
    assert_eq!((&told["dryRun"], &told["problem"]), (&json!(true), &json!(null)), "{told}");
    assert_eq!((&told["wroteAt"], running.cloudflare.zone().batches), (&json!(null), 0));
    gcp.stop().await;
    aws.stop().await;
}
