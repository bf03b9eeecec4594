//! The screens' questions, answered by real clouds.

use std::time::Duration;

use app::backend::{Condition, EventQuery, Theme};
use domain::access::Role;
use domain::catalog::{Known, UserPut};
use domain::cloud::Cloud;
use domain::finality::Finality;
use domain::receipt::{Receipt, Verdict};
use serde_json::json;
use server::console::LedgerRecorder;
use server::identity::{Principal, Recorder};
use uuid::Uuid;

use crate::clouds::Clouds;

fn query(q: &str) -> EventQuery {
    EventQuery { q: Some(q.to_owned()), ..EventQuery::default() }
}

#[tokio::test]
async fn a_final_event_is_found_in_every_way_and_its_receipt_proves_it() {
    let mut clouds = Clouds::prepare().await;
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let accepted = gcp.submit(None, &json!({"kind": "note", "text": "hello"})).await;
    aws.until_projected(&accepted).await;
    gcp.until_projected(&accepted).await;
    let screens = gcp.screens(Role::Auditor);
    let id = accepted.event_id.to_string();
    let detail = screens.event(id.clone()).await.expect("the event");
    assert_eq!(detail.row.status, Finality::Final);
    assert_eq!(detail.payload.as_deref(), Some(r#"{"kind":"note","text":"hello"}"#));
    let finalisers: Vec<Cloud> =
        detail.signatures.iter().filter(|line| line.made_final).map(|line| line.cloud).collect();
    assert_eq!(finalisers, [Cloud::Aws]);
    assert!(detail.row.time_to_final_ms.is_some_and(|ms| (0..30_000).contains(&ms)));
    let receipt = Receipt::parse(detail.receipt.expect("final").as_bytes()).expect("a receipt");
    let policy = domain::policy::Policy::parse(&detail.policy).expect("a policy");
    let checked = domain::receipt::verify(&receipt, Some(&policy));
    assert_eq!(checked.verdict, Verdict::Valid, "{}", checked.sentence);
    for text in [&id, &detail.row.hash, &detail.row.hash[..9], "gcp/1/0", "0", "platform"] {
        let page = screens.events(query(text)).await.expect("a page");
        assert_eq!(
            page.items.first().map(|row| row.event_id.as_str()),
            Some(id.as_str()),
            "{text}"
        );
    }
    let none = screens.events(query("ffffffffffff")).await.expect("a page");
    assert!(none.items.is_empty());
    let hits = screens.search(detail.row.hash[..12].to_owned()).await.expect("hits");
    assert_eq!(hits[0].link, format!("/ledger/{id}"));
}

#[tokio::test]
async fn who_may_not_read_payloads_gets_neither_payload_nor_salt() {
    let mut clouds = Clouds::prepare().await;
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let accepted = aws.submit(None, &json!({"guess": 7})).await;
    gcp.until_projected(&accepted).await;
    let detail = gcp.screens(Role::Ingest).event(accepted.event_id.to_string()).await;
    let detail = detail.expect("the event");
    assert_eq!(detail.payload, None);
    let receipt = detail.receipt.expect("final");
    assert!(!receipt.contains("guess") && !receipt.contains("salt\""), "{receipt}");
    let stranger = gcp.console.for_viewer(None, Theme::System, Some("request-2".to_owned()));
    let refused = stranger.overview().await.expect_err("strangers see nothing");
    assert_eq!((refused.status, refused.request_id.as_deref()), (401, Some("request-2")));
    assert_eq!(stranger.session().await.state, None);
    let lab = gcp.screens(Role::Ingest).lab().await.expect_err("programs watch nothing");
    assert_eq!(lab.status, 403);
    let lab = gcp.screens(Role::Admin).lab().await.expect_err("no demonstration");
    assert_eq!(lab.status, 404);
}

#[tokio::test]
async fn one_id_with_two_contents_is_held_and_a_person_is_told() {
    let mut clouds = Clouds::prepare().await;
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let id = Uuid::from_u128(77);
    let usage = |tokens: u64| {
        json!({"kind": "usage", "provider": "vertex", "model": "m", "region": "eu",
            "inputTokens": tokens, "outputTokens": 1, "requestedAt": "2026-11-22T12:00:00Z"})
    };
    // Both clouds are asked at once, before either has heard of the other's.
    let (one, two) = (usage(1), usage(2));
    let (one, two) = tokio::join!(gcp.submit(Some(id), &one), aws.submit(Some(id), &two));
    for cloud in [&gcp, &aws] {
        cloud.until_projected(&one).await;
        cloud.until_projected(&two).await;
    }
    let screens = gcp.screens(Role::Controller);
    let held = EventQuery { status: Some(Finality::Quarantined), ..EventQuery::default() };
    let page = screens.events(held).await.expect("the quarantine");
    assert_eq!(page.items.len(), 2);
    assert!(page.items.iter().all(|row| row.status == Finality::Quarantined));
    let r#final = EventQuery { status: Some(Finality::Final), ..EventQuery::default() };
    assert!(screens.events(r#final).await.expect("a page").items.is_empty());
    let detail = screens.event(id.to_string()).await.expect("the event");
    assert_eq!(detail.other_slots.len(), 1);
    assert!(
        detail.held_because.is_some_and(|why| why.contains("gcp/1/0") && why.contains("aws/1/0"))
    );
    let overview = screens.overview().await.expect("the first page");
    assert_eq!(overview.state.quarantined, 1);
    let told =
        overview.attention.iter().any(|item| item.sentence == "1 event id stands in quarantine.");
    assert!(told, "{:?}", overview.attention);
    let (here, there) = (gcp.projection.digests().await, aws.projection.digests().await);
    assert_eq!(here.expect("digests"), there.expect("digests"));
}

#[tokio::test]
async fn a_silent_cloud_is_down_and_without_a_second_one_events_stay_pending() {
    let mut clouds = Clouds::prepare().await;
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let first = gcp.submit(None, &json!({"n": 1})).await;
    gcp.until_projected(&first).await;
    let condition = |cloud: Cloud| gcp.console.live_state().clouds.get(cloud).condition;
    assert_eq!(condition(Cloud::Gcp), Condition::Up);
    for _ in 0..100 {
        if condition(Cloud::Aws) == Condition::Up {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(condition(Cloud::Aws), Condition::Up);
    aws.stop().await;
    for _ in 0..100 {
        if condition(Cloud::Aws) == Condition::Down {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(condition(Cloud::Aws), Condition::Down);
    let second = gcp.submit(None, &json!({"n": 2})).await;
    let screens = gcp.screens(Role::Admin);
    let detail = screens.event(second.event_id.to_string()).await.expect("the event");
    assert_eq!((detail.row.status, detail.receipt), (Finality::Pending, None));
    let overview = screens.overview().await.expect("the first page");
    assert_eq!((overview.state.pending, overview.state.clouds_up), (1, 1));
    assert!(overview.attention[0].sentence.contains("nothing new becomes final"));
    assert!(overview.attention.iter().any(|item| item.sentence.starts_with("AWS is down since")));
    let pending = EventQuery { status: Some(Finality::Pending), ..EventQuery::default() };
    let page = screens.events(pending).await.expect("a page");
    assert_eq!(page.items.len(), 1);
}

#[tokio::test]
async fn a_recorded_decision_comes_into_force_once_and_names_who_made_it() {
    let mut clouds = Clouds::prepare().await;
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let recorder = LedgerRecorder::new(gcp.ledger.clone());
    let user = UserPut {
        login: "ada@ternion.example".to_owned(),
        name: "Ada".to_owned(),
        role: Role::Admin,
        active: true,
    };
    let id = Uuid::from_u128(5);
    for _ in 0..2 {
        let decision = Known::UserPut(user.clone());
        let recorded = recorder.record(decision, &Principal::platform(), Some(id)).await;
        assert_eq!(recorded.expect("recorded"), id);
    }
    let record = gcp.ledger.find(domain::event::EventId(id)).await.expect("read").remove(0);
    for cloud in [&gcp, &aws] {
        let projected = cloud.projection.until_projected(record.slot);
        tokio::time::timeout(Duration::from_secs(30), projected).await.expect("in time");
        let catalog = cloud.projection.catalog();
        assert_eq!(catalog.user(&user.login).map(|user| &user.value), Some(&user));
    }
    let payload: serde_json::Value =
        serde_json::from_slice(record.event.payload.bytes()).expect("JSON");
    assert_eq!(payload["decidedBy"], "platform");
    assert_eq!(gcp.ledger.watermarks().borrow().stored(), 1);
}
