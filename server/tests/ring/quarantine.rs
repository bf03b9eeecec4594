//! What is refused is held: from a cloud that does not keep the rules, and from two that recorded
//! one id.

use std::collections::BTreeSet;
use std::time::Duration;

use app::backend::HeldQuery;
use axum::body::Bytes;
use domain::access::Role;
use domain::cloud::Cloud;
use domain::event::Slot;
use domain::key::{NoteAlgorithm, NoteKey, Signature};
use domain::note::{Note, SignatureLine};
use domain::quarantine::{Form, HeldId, Reason, SOURCE_BYTES_MAX, SOURCE_ITEMS_MAX, Source, State};
use serde_json::{Value, json};
use server::console::Act;
use server::ledger::Accepted;
use server::projection;
use server::quarantine::{About, Input, Item, ItemFilter, Quarantine};
use uuid::Uuid;

use crate::clouds::{Clouds, PATIENCE, RunningCloud};
use crate::forger::{Answer, Forger, WireRange, message, wire};

async fn items(quarantine: &Quarantine) -> Vec<Item> {
    quarantine.items(&ItemFilter::default(), None, 1_000).await.expect("readable")
}

/// Waits until as many inputs as that have arrived, kept or not.
async fn until_counted(quarantine: &Quarantine, wanted: u64) {
    let counted = async {
        loop {
            let counts = quarantine.counts().await.expect("readable");
            let inputs: u64 = counts.iter().map(|counted| counted.inputs).sum();
            assert!(inputs <= wanted, "more is held than was sent: {counts:?}");
            if inputs == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.expect("written down in time");
}

fn note(number: u64) -> Value {
    json!({"kind": "note", "number": number})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_range_is_held_with_its_bytes_and_the_honest_one_is_taken() {
    let gcp = Clouds::prepare().await.start(Cloud::Gcp).await;
    let aws = Forger::of(Cloud::Aws);
    let entries: Vec<_> = (0..3).map(|n| aws.entry(100 + u128::from(n), &note(n))).collect();
    let honest = aws.range(&entries);
    let mut forged = honest.clone();
    forged.entries[1] = wire(&aws.entry(101, &note(1_000_000)));
    for _ in 0..2 {
        let answer = aws.append(&gcp, &forged).await;
        let reason = "The leaves lead to another root than the signed one.".to_owned();
        assert_eq!(answer, Answer::Refused { reason });
    }
    until_counted(&gcp.quarantine, 2).await;
    let held = items(&gcp.quarantine).await;
    assert_eq!(held.len(), 1, "the same again counts up");
    let item = &held[0];
    assert_eq!((item.reason, item.form, item.count), (Reason::RootMismatch, Form::Range, 2));
    assert_eq!((&item.source, item.state()), (&Source::Peer(Cloud::Aws), State::Held));
    assert_eq!(item.about.place.as_deref(), Some("aws/1/0"));
    let (_, bytes) = gcp.quarantine.item(item.id).await.expect("readable").expect("held");
    assert_eq!(bytes, postcard::to_stdvec(&forged).expect("plain data"));
    assert!(matches!(aws.append(&gcp, &honest).await, Answer::Confirmed { .. }));
    assert!(matches!(aws.append(&gcp, &honest).await, Answer::Confirmed { .. }));
    until_counted(&gcp.quarantine, 2).await;
    let detail = gcp.screens(Role::Auditor).held(item.id.to_string()).await.expect("shown");
    let numbers: Vec<_> = detail.came.iter().map(|came| came.payload.as_deref()).collect();
    assert_eq!(numbers[1], Some(r#"{"kind":"note","number":1000000}"#));
    assert!(detail.stands[1].payload.as_deref().is_some_and(|it| it.contains("\"number\":1}")));
    assert_ne!(detail.came[1].hash, detail.stands[1].hash);
    assert_eq!(detail.came[0].hash, detail.stands[0].hash);
    assert!(detail.note.is_some_and(|note| note.lines.iter().all(|line| line.holds)));
    assert_eq!(gcp.console.live_state().quarantined, 1);
}

/// A note under the log's name with a key that no verifier may accept.
fn weakly_signed(aws: &Forger, text: &str) -> String {
    use base64::Engine as _;
    let identity: [u8; 32] = std::array::from_fn(|at| u8::from(at == 0));
    let name = aws.log().name(crate::clouds::DEPLOYMENT);
    let mut line = NoteKey::id_of(&name, NoteAlgorithm::Ed25519, &identity).to_vec();
    line.extend([0; 64]);
    let encoded = base64::engine::general_purpose::STANDARD.encode(line);
    let line = SignatureLine::parse(&format!("— {name} {encoded}")).expect("a line");
    Note { text: text.to_owned(), signatures: vec![line] }.to_string()
}

/// Ranges that break one thing each, and why they are held.
fn broken_ranges(aws: &Forger) -> Vec<(WireRange, Reason)> {
    let entries: Vec<_> = (0..3).map(|n| aws.entry(100 + u128::from(n), &note(n))).collect();
    let honest = aws.range(&entries);
    let text = aws.checkpoint(aws.head(&entries));
    let with_note = |note: String| WireRange { note, ..honest.clone() };
    let stranger = domain::key::SigningKey::from_seed([99; 32]);
    let mut short = honest.clone();
    short.entries.pop();
    let mut spaced = honest.clone();
    spaced.entries[0].payload = b"{ }".to_vec();
    let mut unsigned = honest.clone();
    unsigned.entries[2].signature.pop();
    let changed = honest.note.replace("\n3\n", "\n4\n");
    vec![
        (with_note(changed), Reason::BadSignature),
        (
            with_note(aws.note_by(&text, &Forger::of(Cloud::Azure).keys.log)),
            Reason::ForeignSignature,
        ),
        (with_note(aws.note_by(&text, &stranger)), Reason::UnknownKey),
        (with_note(weakly_signed(aws, &text)), Reason::WeakKey),
        (with_note("no note at all".to_owned()), Reason::Malformed),
        (short, Reason::SizeMismatch),
        (spaced, Reason::RuleBroken),
        (unsigned, Reason::BadSignature),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_break_the_rules_is_held_under_its_own_name() {
    let gcp = Clouds::prepare().await.start(Cloud::Gcp).await;
    let aws = Forger::of(Cloud::Aws);
    let mut expected = Vec::new();
    for (range, reason) in broken_ranges(&aws) {
        let answer = aws.append(&gcp, &range).await;
        assert!(matches!(answer, Answer::Refused { .. }), "{reason}: {answer:?}");
        expected.push((Source::Peer(Cloud::Aws), reason));
    }
    let mut of_a_later_epoch = aws.range(&[aws.entry(1, &note(1))]);
    of_a_later_epoch.log.epoch = 7;
    let answer = aws.append(&gcp, &of_a_later_epoch).await;
    assert_eq!(answer, Answer::Unknown, "it may be heard of before its range comes again");
    let (status, _) = aws.send(&gcp, "/peer/v1/append", b"gibberish".to_vec()).await;
    assert_eq!(status, 400);
    expected.push((Source::Peer(Cloud::Aws), Reason::Malformed));
    let path = "/peer/v1/heads";
    let signed = message(Cloud::Aws, Cloud::Gcp, path, b"hello");
    let by_azure = Forger::of(Cloud::Azure).keys.transport.sign(&signed);
    for (signature, reason) in
        [(by_azure, Reason::ForeignSignature), (Signature([3; 64]), Reason::BadSignature)]
    {
        let (status, _) = aws.send_signed(&gcp, path, b"hello".to_vec(), signature).await;
        assert_eq!(status, 401);
        expected.push((Source::Unproven(Cloud::Aws), reason));
    }
    until_counted(&gcp.quarantine, expected.len() as u64).await;
    let mut held: Vec<_> =
        items(&gcp.quarantine).await.into_iter().map(|item| (item.source, item.reason)).collect();
    held.sort();
    expected.sort();
    assert_eq!(held, expected);
    assert_eq!(gcp.ledger.watermarks().borrow().stored(), 0, "nothing of it was recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_history_of_a_log_is_held_with_the_signature_that_proves_it() {
    let gcp = Clouds::prepare().await.start(Cloud::Gcp).await;
    let aws = Forger::of(Cloud::Aws);
    let (one, other) = (aws.entry(1, &note(1)), aws.entry(2, &note(2)));
    let first = aws.append(&gcp, &aws.range(&[one])).await;
    assert!(matches!(first, Answer::Confirmed { .. }), "{first:?}");
    let second = aws.range(&[other]);
    assert_eq!(aws.append(&gcp, &second).await, Answer::Busy, "nothing is confirmed");
    until_counted(&gcp.quarantine, 1).await;
    let held = items(&gcp.quarantine).await;
    assert_eq!((held[0].reason, held[0].form), (Reason::SlotConflict, Form::Note));
    let detail = gcp.screens(Role::Controller).held(held[0].id.to_string()).await.expect("shown");
    let note = detail.note.expect("a note");
    assert_eq!((note.lines.len(), note.text), (2, second.note));
    assert!(note.lines.iter().all(|line| line.holds));
    assert!(note.ours.is_some_and(|ours| ours.starts_with("Here stand 1 entries of aws/1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_different_inputs_from_one_source_stays_bounded_and_is_counted_whole() {
    const INPUTS: u64 = 10_000;
    let gcp = Clouds::prepare().await.start(Cloud::Gcp).await;
    let input = |source: Source, number: u64| Input {
        source,
        reason: Reason::BadSignature,
        detail: "It does not hold.".to_owned(),
        form: Form::Message,
        bytes: Bytes::from(number.to_be_bytes().repeat(1_000)),
        about: About::place(&"/peer/v1/append"),
    };
    for number in 0..INPUTS {
        gcp.quarantine.hold(input(Source::Unproven(Cloud::Aws), number));
        if number % 16 == 0 {
            // So that the writer has its turn: a flood comes over a network.
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }
    until_counted(&gcp.quarantine, INPUTS).await;
    let held = items(&gcp.quarantine).await;
    let bytes: u64 = held.iter().map(|item| item.kept).sum();
    assert!(held.len() <= SOURCE_ITEMS_MAX as usize && bytes <= SOURCE_BYTES_MAX);
    let counts = gcp.quarantine.counts().await.expect("readable");
    assert_eq!(counts[0].inputs, INPUTS);
    assert_eq!(counts[0].not_kept, INPUTS - held.len() as u64);
    // Who floods takes nothing from the others.
    gcp.quarantine.hold(input(Source::Peer(Cloud::Aws), 0));
    until_counted(&gcp.quarantine, INPUTS + 1).await;
    let of_peer = ItemFilter { source: Some(Source::Peer(Cloud::Aws)), ..ItemFilter::default() };
    assert_eq!(gcp.quarantine.items(&of_peer, None, 10).await.expect("readable").len(), 1);
    let page = gcp.screens(Role::Auditor).quarantine(HeldQuery::default()).await.expect("a page");
    assert_eq!((page.beyond.len(), page.beyond[0].inputs), (1, INPUTS));
}

fn usage(tokens: u64) -> Value {
    json!({"kind": "usage", "provider": "vertex", "model": "m", "region": "eu",
        "inputTokens": tokens, "outputTokens": 1, "requestedAt": "2026-11-22T12:00:00Z"})
}

/// Records different contents under one id at two clouds, as in a partition.
async fn conflicting(one: &RunningCloud, other: &RunningCloud, id: Uuid) -> [Accepted; 2] {
    let (first, second) = (usage(10), usage(11));
    let both = tokio::join!(one.submit(Some(id), &first), other.submit(Some(id), &second));
    both.into()
}

async fn input_tokens(cloud: &RunningCloud) -> Vec<i64> {
    let page = cloud.projection.usage_page(&projection::UsageFilter::default(), None, 10).await;
    page.expect("usage").items.iter().map(|row| row.sum.input_tokens).collect()
}

/// Decides as an admin at that cloud does.
async fn resolve(at: &RunningCloud, id: &HeldId, slot: Option<Slot>) -> Accepted {
    let act = match slot {
        Some(slot) => Act::Release { choice: Some(slot.to_string()) },
        None => Act::Reject,
    };
    let plan = at.console.plan(id, &act, "compared with the meter").await.expect("it is open");
    at.submit(None, &plan.decision.expect("a decision")["payload"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolved_conflict_counts_once_on_three_clouds_and_after_a_rebuild() {
    let mut clouds = Clouds::prepare().await;
    let all = [
        clouds.start(Cloud::Gcp).await,
        clouds.start(Cloud::Aws).await,
        clouds.start(Cloud::Azure).await,
    ];
    let [gcp, aws, azure] = &all;
    let id = Uuid::from_u128(77);
    let slots = conflicting(gcp, aws, id).await;
    let held: HeldId = format!("{id}~platform").parse().expect("a name");
    for cloud in &all {
        for accepted in &slots {
            cloud.until_projected(accepted).await;
        }
        assert_eq!(input_tokens(cloud).await, [0; 0], "nothing counts yet");
        assert_eq!(cloud.projection.conflict_count(), 1);
    }
    let shown = azure.screens(Role::Admin).held(held.to_string()).await.expect("shown");
    assert_eq!((shown.came.len(), shown.row.local), (2, false));
    let decision = resolve(azure, &held, Some(slots[1].slot)).await;
    // Decided once more at another cloud before it can know of the first.
    let late = json!({"kind": "conflict.resolve", "tenantId": "platform", "eventId": id,
        "slot": slots[0].slot, "reason": "too late"});
    let late = gcp.submit(None, &late).await;
    for cloud in &all {
        cloud.until_projected(&decision).await;
        cloud.until_projected(&late).await;
        assert_eq!(input_tokens(cloud).await, [11], "the contents at aws, once");
        assert_eq!(cloud.projection.conflict_count(), 0);
        let detail = cloud.screens(Role::Auditor).held(held.to_string()).await.expect("shown");
        let decided = detail.decision.expect("decided");
        assert_eq!((detail.row.state, decided.is_final), (State::Released, true));
        assert_eq!(decided.event_id, decision.event_id.to_string());
        let chosen: Vec<_> = detail.came.iter().filter(|came| came.chosen).collect();
        assert_eq!((chosen.len(), &chosen[0].title), (1, &slots[1].slot.to_string()));
        let event = cloud.screens(Role::Auditor).event(id.to_string()).await.expect("the event");
        assert_eq!(event.row.status, domain::finality::Finality::Final);
        assert_eq!(event.row.origin, Cloud::Aws);
    }
    let refused = gcp.console.plan(&held, &Act::Reject, "again").await.expect_err("decided");
    assert_eq!((refused.status, refused.code), (409, "already_decided"));
    let before = gcp.projection.digests().await.expect("digests");
    for cloud in [aws, azure] {
        assert_eq!(cloud.projection.digests().await.expect("digests"), before);
    }
    projection::rebuild(&gcp.database.pool, |_| ()).await.expect("rebuilt");
    assert_eq!(gcp.projection.digests().await.expect("digests"), before);
    assert_eq!(input_tokens(gcp).await, [11]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_conflict_is_closed_and_nothing_of_it_counts() {
    let mut clouds = Clouds::prepare().await;
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let id = Uuid::from_u128(78);
    let slots = conflicting(&gcp, &aws, id).await;
    for accepted in &slots {
        gcp.until_projected(accepted).await;
    }
    let held: HeldId = format!("{id}~platform").parse().expect("a name");
    let elsewhere = Act::Release { choice: Some("azure/1/5".to_owned()) };
    let refused = gcp.console.plan(&held, &elsewhere, "x").await.expect_err("no such place");
    assert_eq!(refused.errors[0].field, "/slot");
    let decision = resolve(&gcp, &held, None).await;
    gcp.until_projected(&decision).await;
    assert_eq!((input_tokens(&gcp).await, gcp.projection.conflict_count()), (vec![], 0));
    let query = HeldQuery { state: Some(State::Rejected), ..HeldQuery::default() };
    let page = gcp.screens(Role::Auditor).quarantine(query).await.expect("a page");
    let ids: BTreeSet<String> = page.items.into_iter().map(|row| row.id).collect();
    assert_eq!(ids, BTreeSet::from([held.to_string()]));
}
