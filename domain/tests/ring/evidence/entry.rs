//! Entries that break the log's rules, and honest ones that somebody calls bad.

use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::Cloud;
use domain::event::{
    Event, EventId, Payload, Region, Salt, Slot, TenantId, entry_bytes, leaf, metadata_hash,
};
use domain::evidence::{BadEntry, Bytes, Evidence, Fault};
use domain::log::{Hash, Leaf, plan};
use domain::receipt::Verdict;
use proptest::prelude::*;
use uuid::Uuid;

use super::house::{DEPLOYMENT, LOG, assemble, cosigner, head_of, log_signer, note, policy};

const INDEX: u64 = 6;

fn event(payload: &str) -> Event {
    Event {
        event_id: EventId(Uuid::from_u128(7)),
        tenant_id: TenantId::platform(),
        logical_clock: LogicalClock { ms: 1_763_815_266_902, counter: 4 },
        region: Region::try_from("us-central1".to_owned()).expect("valid"),
        created_at: Timestamp::from_unix_ms(1_763_815_266_902),
        origin_cloud: LOG.origin,
        payload: Payload::unchecked(payload.as_bytes().to_vec()),
        salt: Salt([9; 16]),
    }
}

fn slot() -> Slot {
    Slot { origin: LOG.origin, epoch: LOG.epoch, sequence: INDEX }
}

/// A log in which this leaf stands at [`INDEX`], and the record that shows the event there.
fn record(event: &Event, leaf: Leaf) -> BadEntry {
    let mut leaves: Vec<Leaf> = (0..11_u64).map(|n| Leaf::of(&n.to_be_bytes())).collect();
    leaves[usize::try_from(INDEX).expect("small")] = leaf;
    let proof = assemble(&leaves, &plan::inclusion(INDEX, 11).expect("within"));
    let signed = note(head_of(&leaves), &[Cloud::Aws]);
    BadEntry::of_event(&log_signer(DEPLOYMENT, LOG).name, &signed, slot(), event, proof)
}

fn recorded(event: &Event) -> BadEntry {
    record(event, leaf(slot(), event.hash()))
}

fn verdict(bad: &BadEntry) -> Verdict {
    Evidence::BadEntry(bad.clone()).verify(Some(&policy())).verdict
}

#[test]
fn a_signed_entry_with_a_payload_of_another_spelling_is_proven_bad() {
    for payload in [r#"{ "a":1}"#, r#"{"a":1.0}"#, "[]", "{", r#"{"a":1,"a":1}"#] {
        let bad = recorded(&event(payload));
        assert_eq!(bad.fault(), Some(Fault::Payload), "{payload}");
        let proven = Evidence::BadEntry(bad).prove(&policy()).expect("proven");
        assert_eq!((proven.cloud(), proven.places()), (Cloud::Gcp, (INDEX, 11)));
        assert_eq!(
            proven.sentence(),
            "Proven: gcp's log key signed a root over entry gcp/1/6, which breaks the log's rules: \
             its payload is not a JSON object in canonical form within the limit."
        );
    }
}

#[test]
fn an_event_of_another_origin_in_the_log_is_proven_bad() {
    let bad = recorded(&Event { origin_cloud: Cloud::Aws, ..event("{}") });
    assert_eq!((bad.fault(), verdict(&bad)), (Some(Fault::Origin), Verdict::Valid));
}

#[test]
fn metadata_of_another_spelling_are_proven_bad() {
    for change in [
        |text: String| text.replace("\":\"", "\": \""),
        |text: String| text.replace(r#""tenantId":"platform""#, r#""tenantId":"a b""#),
        |text: String| text.replace("06.902Z", "06.9020Z"),
        |text: String| text.replace("us-central1", "us-\\u0063entral1"),
        |_: String| "no event at all".to_owned(),
    ] {
        let good = event("{}");
        let text = change(good.metadata(good.payload_hash()));
        let hash = metadata_hash(&text);
        let entry = Bytes(entry_bytes(slot(), hash).to_vec());
        let metadata = Some(Bytes(text.clone().into_bytes()));
        let of = record(&good, leaf(slot(), hash));
        let bad = BadEntry { entry, metadata, payload: None, ..of };
        assert_eq!((bad.fault(), verdict(&bad)), (Some(Fault::Metadata), Verdict::Valid), "{text}");
    }
}

#[test]
fn a_leaf_that_is_no_entry_of_its_place_is_proven_bad() {
    let elsewhere = Slot { sequence: 5, ..slot() };
    let bytes = [entry_bytes(elsewhere, Hash([1; 32])).to_vec(), b"anything".to_vec(), Vec::new()];
    for entry in bytes {
        let of = record(&event("{}"), Leaf::of(&entry));
        let bad = BadEntry { entry: Bytes(entry), metadata: None, payload: None, ..of };
        assert_eq!((bad.fault(), verdict(&bad)), (Some(Fault::Entry), Verdict::Valid));
    }
}

#[test]
fn nobody_is_framed_with_bytes_that_do_not_lead_to_the_signed_root() {
    let good = recorded(&event(r#"{"a":1}"#));
    assert_eq!((good.fault(), verdict(&good)), (None, Verdict::Invalid), "an honest entry");
    let proven = recorded(&event(r#"{"a": 1}"#));
    assert_eq!(verdict(&proven), Verdict::Valid);
    let with = |from: &BadEntry, edit: fn(&mut BadEntry)| {
        let mut bad = from.clone();
        edit(&mut bad);
        bad
    };
    let exchange = |bad: &mut BadEntry| {
        bad.payload.iter_mut().for_each(|payload| payload.bytes = Bytes(b"{".to_vec()));
    };
    for (what, bad) in [
        ("another payload", with(&good, exchange)),
        ("another payload of a bad one", with(&proven, exchange)),
        (
            "another salt",
            with(&proven, |bad| {
                bad.payload.iter_mut().for_each(|payload| payload.salt = Bytes(vec![0; 16]));
            }),
        ),
        (
            "a salt that takes a byte of the payload",
            with(&good, |bad| {
                bad.payload.iter_mut().for_each(|payload| {
                    payload.salt.0.push(payload.bytes.0.remove(0));
                });
            }),
        ),
        ("no payload", with(&proven, |bad| bad.payload = None)),
        ("no metadata", with(&proven, |bad| bad.metadata = None)),
        (
            "invented metadata, and no payload to contradict them",
            with(&good, |bad| {
                bad.metadata = Some(Bytes(b"{}".to_vec()));
                bad.payload = None;
            }),
        ),
        ("other metadata", with(&good, |bad| bad.metadata = Some(Bytes(b"{}".to_vec())))),
        ("another entry", with(&good, |bad| bad.entry = Bytes(b"x".to_vec()))),
        ("another place", with(&good, |bad| bad.index = 5)),
        ("beyond the tree", with(&proven, |bad| bad.index = 11)),
        ("a truncated proof", with(&proven, |bad| bad.proof.truncate(2))),
        (
            "no signature",
            with(&proven, |bad| {
                bad.checkpoint = bad.checkpoint.replace("— ", "— x");
            }),
        ),
        (
            "a cosigner of another cloud",
            with(&proven, |bad| {
                bad.key = cosigner(DEPLOYMENT, Cloud::Aws).name;
            }),
        ),
    ] {
        assert_eq!(verdict(&bad), Verdict::Invalid, "{what}");
    }
}

#[test]
fn a_record_with_an_entry_reads_back() {
    let evidence = Evidence::BadEntry(recorded(&event("{ }")));
    assert_eq!(Evidence::parse(&evidence.canonical()), Ok(evidence));
}

proptest! {
    /// Whatever an origin takes in, its entry satisfies the rules that it could be blamed by.
    #[test]
    fn no_event_that_an_origin_takes_is_ever_bad(
        id: u128, tenant in "[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}", region in "[a-z0-9-]{1,40}",
        clock in 0i64..=i64::MAX, created_ms: i64, cloud in 0usize..3,
        text in ".{0,20}", number in prop::num::f64::NORMAL,
    ) {
        let value = serde_json::json!({ "text": text, "number": number, "inner": [{ "n": null }] });
        let Ok(payload) = Payload::from_value(&value) else { return Ok(()) };
        let event = Event {
            event_id: EventId(Uuid::from_u128(id)),
            tenant_id: TenantId::try_from(tenant).expect("valid"),
            logical_clock: LogicalClock::from_packed(clock),
            region: Region::try_from(region).expect("valid"),
            created_at: Timestamp::from_unix_ms(created_ms),
            origin_cloud: Cloud::ALL[cloud],
            payload,
            salt: Salt([3; 16]),
        };
        let bad = recorded(&event);
        let fault = (event.origin_cloud != LOG.origin).then_some(Fault::Origin);
        prop_assert_eq!(bad.fault(), fault);
        prop_assert_eq!(verdict(&bad) == Verdict::Invalid, fault.is_none());
    }
}
