//! Entries that break a log's rules: evidence where their origin signed them, and nobody's guilt
//! where somebody else changed them.

use domain::cloud::Cloud;
use domain::event::{Envelope, Payload};
use domain::evidence::Kind;
use serde_json::json;
use server::evidence::Evidences;
use tokio::time::{Duration, sleep, timeout};

use crate::clouds::{Clouds, PATIENCE};
use crate::forger::{Answer, Forger, WireRange, wire};

/// Within it whatever is told would have been told.
const A_WHILE: Duration = Duration::from_secs(3);

fn entries(aws: &Forger, count: u64) -> Vec<Envelope> {
    (0..count).map(|n| aws.entry(u128::from(n) + 1, &json!({ "n": n }))).collect()
}

/// An entry whose payload no honest origin would have taken.
fn bad_entry(aws: &Forger) -> Envelope {
    let mut event = aws.entry(99, &json!({})).event().clone();
    event.payload = Payload::unchecked(b"{ \"spaced\": 1 }".to_vec());
    event.sign(&aws.keys.log)
}

/// The entries from `start` on, under a head over all of them.
fn range_from(aws: &Forger, all: &[Envelope], start: usize) -> WireRange {
    let entries = all[start..].iter().map(wire).collect();
    WireRange { start: start as u64, entries, ..aws.range(all) }
}

async fn until_accused(evidences: &Evidences) {
    let accused = async {
        while evidences.accusations().is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, accused).await.expect("the evidence arrives");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_entry_under_a_signed_root_convicts_its_origin_at_every_cloud() {
    let mut clouds = Clouds::prepare().await;
    let (gcp, azure) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Azure).await);
    let aws = Forger::of(Cloud::Aws);
    // Beyond one tile, so that the proof is made of stored tiles and of what came.
    let mut all = entries(&aws, 300);
    assert!(matches!(aws.append(&gcp, &aws.range(&all)).await, Answer::Confirmed { .. }));
    all.extend([aws.entry(98, &json!({ "still": "good" })), bad_entry(&aws)]);
    let answer = aws.append(&gcp, &range_from(&aws, &all, 300)).await;
    assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
    for cloud in [&gcp, &azure] {
        until_accused(&cloud.evidences).await;
        let accusations = cloud.evidences.accusations();
        assert_eq!((accusations[0].cloud, accusations[0].kind), (Cloud::Aws, Kind::BadEntry));
        let held = cloud.evidences.list(None, 10).await.expect("readable").items;
        assert_eq!(held[0].proven.places(), (301, 302));
        let mut marks = cloud.ledger.watermarks();
        let frozen = marks.wait_for(|marks| marks.log(Cloud::Aws).frozen);
        drop(timeout(PATIENCE, frozen).await.expect("nothing more of it is signed"));
    }
    // What stood before stays final: aws and gcp have signed for it.
    assert_eq!(gcp.ledger.watermarks().borrow().log(Cloud::Aws).final_size, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_was_changed_under_way_convicts_nobody() {
    let mut clouds = Clouds::prepare().await;
    let gcp = clouds.start(Cloud::Gcp).await;
    let (aws, azure) = (Forger::of(Cloud::Aws), Forger::of(Cloud::Azure));
    let mut range = aws.range(&entries(&aws, 3));
    range.entries[1].payload = b"{ }".to_vec();
    let answer = azure.append(&gcp, &range).await;
    assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
    sleep(A_WHILE).await;
    assert!(gcp.evidences.accusations().is_empty());
    assert!(!gcp.ledger.watermarks().borrow().log(Cloud::Aws).frozen);
    // The honest range is taken as if nothing had been.
    let honest = aws.append(&gcp, &aws.range(&entries(&aws, 3))).await;
    assert!(matches!(honest, Answer::Confirmed { .. }), "{honest:?}");
}
