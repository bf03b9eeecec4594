//! A receipt is valid as it was made, and invalid with anything changed.

use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::Cloud;
use domain::event::{Event, EventId, Payload, Region, Salt, Slot, TenantId};
use domain::key::{NoteAlgorithm, NoteKey, SigningKey};
use domain::log::{Appender, Checkpoint, Hash, Leaf, LogId, plan};
use domain::note::{Note, SignatureLine};
use domain::policy::Policy;
use domain::receipt::{
    RECEIPT_FORMAT, Receipt, ReceiptError, ReceiptEvent, StepState, Verdict, verify,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const DEPLOYMENT: &str = "demo.example";
const LOG: LogId = LogId { origin: Cloud::Gcp, epoch: 3 };
const TREE_SIZE: u64 = 11;
const SEQUENCE: u64 = 6;

fn log_key(deployment: &str) -> (SigningKey, NoteKey) {
    let key = SigningKey::from_seed([31; 32]);
    let named = NoteKey::new(&LOG.name(deployment), NoteAlgorithm::Ed25519, key.public());
    (key, named.expect("a name"))
}

fn cosigner(cloud: Cloud) -> (SigningKey, NoteKey) {
    let key = SigningKey::from_seed([40 + cloud.code(); 32]);
    let name = format!("{DEPLOYMENT}/{cloud}");
    let named = NoteKey::new(&name, NoteAlgorithm::CosignatureV1, key.public());
    (key, named.expect("a name"))
}

fn event() -> Event {
    Event {
        event_id: EventId(Uuid::from_u128(0x0192_f4c1_7a3e_7c40_b1d2_93f0_a654_8e2b)),
        tenant_id: TenantId::try_from("acme-labs".to_owned()).expect("valid"),
        logical_clock: LogicalClock { ms: 1_763_815_266_902, counter: 4 },
        region: Region::try_from("us-central1".to_owned()).expect("valid"),
        created_at: Timestamp::from_unix_ms(1_763_815_266_902),
        origin_cloud: LOG.origin,
        payload: Payload::from_value(&payload()).expect("an object"),
        salt: Salt([9; 16]),
    }
}

fn payload() -> Value {
    json!({ "kind": "usage", "inputTokens": 374, "latencyMs": 611.4 })
}

/// Signed by the log and by these cosigners.
fn receipt_signed_by(cosigners: &[Cloud]) -> Receipt {
    let (key, name) = log_key(DEPLOYMENT);
    let envelope = event().sign(&key);
    let mut leaves: Vec<Leaf> = (0..TREE_SIZE).map(|n| Leaf::of(&n.to_be_bytes())).collect();
    leaves[usize::try_from(SEQUENCE).expect("small")] = envelope.leaf(LOG.epoch, SEQUENCE);
    let mut appender = Appender::default();
    leaves.iter().for_each(|leaf| appender.append(*leaf, |_| {}));
    let text = Checkpoint { origin: LOG.name(DEPLOYMENT), head: appender.head() }.to_string();
    let mut signatures = vec![SignatureLine::sign(&text, &name, &key)];
    let mut keys = vec![name];
    for &cloud in cosigners {
        let (key, name) = cosigner(cloud);
        signatures.push(SignatureLine::cosign(&text, 1_763_815_267, &name, &key));
        keys.push(name);
    }
    Receipt {
        format: RECEIPT_FORMAT.to_owned(),
        event: ReceiptEvent {
            event_id: event().event_id.0,
            tenant_id: event().tenant_id,
            logical_clock: event().logical_clock,
            region: event().region,
            created_at: event().created_at,
            origin_cloud: event().origin_cloud,
            payload: Some(payload()),
            salt: Some(hex::encode([9; 16])),
            payload_hash: event().payload_hash(),
            hash: envelope.hash(),
            signature: *envelope.signature(),
        },
        slot: Slot { origin: LOG.origin, epoch: LOG.epoch, sequence: SEQUENCE },
        proof: proof(&leaves),
        checkpoint: Note { text, signatures }.to_string(),
        keys,
    }
}

fn proof(leaves: &[Leaf]) -> Vec<Hash> {
    let subtree = |node: plan::Node| {
        let first = usize::try_from(node.first_leaf()).ok()?;
        let count = usize::try_from(node.leaf_count()).ok()?;
        let mut appender = Appender::default();
        leaves.get(first..first + count)?.iter().for_each(|leaf| appender.append(*leaf, |_| {}));
        Some(appender.head().root)
    };
    let plan = plan::inclusion(SEQUENCE, TREE_SIZE).expect("within the tree");
    plan.assemble(subtree).expect("all leaves are there")
}

pub fn receipt() -> Receipt {
    receipt_signed_by(&[Cloud::Gcp, Cloud::Aws])
}

fn policy() -> Policy {
    let witnesses = Cloud::ALL.map(|cloud| (cloud.to_string(), cosigner(cloud).1));
    Policy::of_clouds(vec![log_key(DEPLOYMENT).1], witnesses.to_vec(), 2)
}

fn verdict(receipt: &Receipt) -> Verdict {
    verify(receipt, Some(&policy())).verdict
}

#[test]
fn a_true_receipt_is_valid_under_the_policy_and_self_consistent_without() {
    let verification = verify(&receipt(), Some(&policy()));
    assert_eq!(verification.verdict, Verdict::Valid, "{:#?}", verification.steps);
    let verification = verify(&receipt(), None);
    assert_eq!(verification.verdict, Verdict::SelfConsistent, "{:#?}", verification.steps);
    let json = serde_json::to_vec(&receipt()).expect("JSON");
    assert_eq!(Receipt::parse(&json), Ok(receipt()));
}

#[test]
fn without_its_payload_a_receipt_still_proves_the_rest() {
    let mut withheld = receipt();
    (withheld.event.payload, withheld.event.salt) = (None, None);
    let verification = verify(&withheld, Some(&policy()));
    assert_eq!(verification.verdict, Verdict::Valid);
    assert_eq!(verification.steps[0].state, StepState::NotChecked);
}

#[test]
fn a_payload_without_its_salt_proves_nothing() {
    let mut forged = receipt();
    forged.event.payload = Some(json!({ "kind": "usage", "inputTokens": 0 }));
    forged.event.salt = None;
    assert_eq!(verdict(&forged), Verdict::Invalid);
    let mut forged = receipt();
    forged.event.payload = None;
    assert_eq!(verdict(&forged), Verdict::Invalid);
}

#[test]
fn one_cosigner_is_too_few_however_often_it_is_listed() {
    assert_eq!(verdict(&receipt_signed_by(&[])), Verdict::Invalid);
    assert_eq!(verdict(&receipt_signed_by(&[Cloud::Aws])), Verdict::Invalid);
    assert_eq!(verdict(&receipt_signed_by(&[Cloud::Aws, Cloud::Aws])), Verdict::Invalid);
    let twice = receipt_signed_by(&[Cloud::Aws, Cloud::Aws]);
    assert_eq!(verify(&twice, None).verdict, Verdict::Invalid);
    assert_eq!(verdict(&receipt_signed_by(&Cloud::ALL)), Verdict::Valid);
}

#[test]
fn one_key_under_two_names_is_one_cosigner() {
    let mut receipt = receipt_signed_by(&[Cloud::Aws]);
    let (key, _) = cosigner(Cloud::Aws);
    let alias = NoteKey::new("demo.example/azure", NoteAlgorithm::CosignatureV1, key.public());
    let alias = alias.expect("a name");
    let text = Note::parse(&receipt.checkpoint).expect("a note").text;
    let line = SignatureLine::cosign(&text, 1, &alias, &key);
    receipt.checkpoint.push_str(&line.to_string());
    receipt.keys.push(alias);
    assert_eq!(verify(&receipt, None).verdict, Verdict::Invalid);
}

#[test]
fn under_somebody_elses_policy_a_receipt_is_invalid() {
    let other = |cloud: Cloud| {
        let key = SigningKey::from_seed([80 + cloud.code(); 32]).public();
        let name = format!("{DEPLOYMENT}/{cloud}");
        let named = NoteKey::new(&name, NoteAlgorithm::CosignatureV1, key).expect("a name");
        (cloud.to_string(), named)
    };
    let own = Cloud::ALL.map(|cloud| (cloud.to_string(), cosigner(cloud).1)).to_vec();
    let log = log_key(DEPLOYMENT).1;
    let stranger = NoteKey::new(
        &LOG.name(DEPLOYMENT),
        NoteAlgorithm::Ed25519,
        SigningKey::from_seed([90; 32]).public(),
    );
    for (what, policy) in [
        (
            "other cosigners",
            Policy::of_clouds(vec![log.clone()], Cloud::ALL.map(other).to_vec(), 2),
        ),
        ("another log key", Policy::of_clouds(vec![stranger.expect("a name")], own.clone(), 2)),
        ("no log", Policy::of_clouds(Vec::new(), own.clone(), 2)),
        ("all three must sign", Policy::of_clouds(vec![log], own, 3)),
    ] {
        assert_eq!(verify(&receipt(), Some(&policy)).verdict, Verdict::Invalid, "{what}");
    }
}

#[test]
fn the_logs_key_is_found_by_the_checkpoints_name_among_other_deployments() {
    let key = SigningKey::from_seed([91; 32]).public();
    let other = NoteKey::new(&LOG.name("test.example"), NoteAlgorithm::Ed25519, key);
    let logs = vec![other.expect("a name"), log_key(DEPLOYMENT).1];
    let witnesses = Cloud::ALL.map(|cloud| (cloud.to_string(), cosigner(cloud).1)).to_vec();
    let policy = Policy::of_clouds(logs, witnesses, 2);
    assert_eq!(verify(&receipt(), Some(&policy)).verdict, Verdict::Valid);
}

#[test]
fn another_format_or_an_unknown_field_is_not_read() {
    let mut value = serde_json::to_value(receipt()).expect("JSON");
    value["format"] = json!("ternion/receipt/v2");
    let read = |value: &Value| Receipt::parse(value.to_string().as_bytes());
    assert_eq!(read(&value), Err(ReceiptError::Format("ternion/receipt/v2".to_owned())));
    for place in ["", "/event", "/slot"] {
        let mut value = serde_json::to_value(receipt()).expect("JSON");
        let object = value.pointer_mut(place).and_then(Value::as_object_mut).expect("an object");
        object.insert("more".to_owned(), json!(1));
        assert!(matches!(read(&value), Err(ReceiptError::Shape(_))), "{place}");
    }
}

/// Every place of the JSON where a value stands, but for the format, which is checked on reading,
/// and the listed keys, which a policy makes irrelevant.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            entries.iter().for_each(|(key, inner)| places(inner, &format!("{at}/{key}"), found));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, inner)| places(inner, &format!("{at}/{index}"), found));
        }
        _ if at == "/format" || at.starts_with("/keys") => {}
        _ => found.push(at.to_owned()),
    }
}

/// Another value of the same kind.
fn changed(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => (0..text.len())
            .filter(|&at| text.is_char_boundary(at))
            .flat_map(|at| ["0", "1", "x"].map(|with| replaced(text, at, with)))
            .filter(|other| other != text)
            .map(Value::from)
            .collect(),
        Value::Number(number) => {
            let number = number.as_f64().expect("a number");
            [number + 1.0, number - 1.0, number * 2.0 + 1.0, 0.5].map(Value::from).to_vec()
        }
        other => panic!("no receipt holds {other}"),
    }
}

fn replaced(text: &str, at: usize, with: &str) -> String {
    let after = text[at..].chars().next().map_or(0, char::len_utf8);
    format!("{}{with}{}", &text[..at], &text[at + after..])
}

/// Whole numbers of a receipt are written without a fraction.
fn spelt(value: &Value) -> String {
    value.to_string().replace(".0,", ",").replace(".0}", "}")
}

#[test]
fn every_change_of_every_field_is_refused_or_invalid() {
    let original = serde_json::to_value(receipt()).expect("JSON");
    let mut found = Vec::new();
    places(&original, "", &mut found);
    assert!(found.len() > 15, "{found:?}");
    let mut invalid = 0;
    for place in found {
        let value = original.pointer(&place).expect("a place");
        for change in changed(value) {
            let mut other = original.clone();
            *other.pointer_mut(&place).expect("a place") = change.clone();
            let Ok(read) = Receipt::parse(spelt(&other).as_bytes()) else { continue };
            if read == receipt() {
                continue; // another spelling of the same value
            }
            assert_eq!(verdict(&read), Verdict::Invalid, "{place}: {value} -> {change}");
            assert_eq!(verify(&read, None).verdict, Verdict::Invalid, "{place}: {change}");
            invalid += 1;
        }
    }
    assert!(invalid > 300, "only {invalid} changes were readable");
}

#[test]
fn a_proof_that_is_longer_shorter_or_in_another_order_is_invalid() {
    let mut changes = Vec::new();
    let mut with = |edit: fn(&mut Vec<Hash>)| {
        let mut receipt = receipt();
        edit(&mut receipt.proof);
        changes.push(receipt);
    };
    with(|proof| proof.truncate(3));
    with(|proof| proof.push(Hash([0; 32])));
    with(|proof| proof.insert(0, Hash([0; 32])));
    with(|proof| proof.swap(0, 1));
    with(Vec::clear);
    with(|proof| proof.resize(100, Hash([0; 32])));
    for receipt in changes {
        assert_eq!(verdict(&receipt), Verdict::Invalid, "{:?}", receipt.proof);
    }
}

/// A policy file of before an epoch began, or of before a cosigner got a new key.
#[test]
fn an_old_policy_file_says_that_it_may_be_old_and_what_to_do() {
    let witnesses = Cloud::ALL.map(|cloud| (cloud.to_string(), cosigner(cloud).1)).to_vec();
    let old_log = |deployment: &str, epoch| {
        let name = LogId { epoch, ..LOG }.name(deployment);
        let key = SigningKey::from_seed([77; 32]).public();
        NoteKey::new(&name, NoteAlgorithm::Ed25519, key).expect("a name")
    };
    let told = |receipt: &Receipt, policy: &Policy| {
        let found = verify(receipt, Some(policy));
        assert_eq!(found.verdict, Verdict::Invalid);
        found.sentence
    };
    let policy = |log| Policy::of_clouds(vec![log], witnesses.clone(), 2);
    let old = policy(old_log(DEPLOYMENT, 2));
    let sentence = told(&receipt(), &old);
    assert!(sentence.contains("of the log gcp/3, and the file knows gcp/2 at most"), "{sentence}");
    assert!(sentence.ends_with("policy file of today from somebody you trust, and check again."));
    // Changed besides: it is not the file's age.
    let mut forged = receipt();
    forged.event.payload = Some(json!({ "kind": "usage", "inputTokens": 1 }));
    assert!(told(&forged, &old).starts_with("Invalid: this does not hold: The payload"));
    // A newer file, or one of strangers, is not old.
    for other in [policy(old_log(DEPLOYMENT, 4)), policy(old_log("elsewhere.example", 2))] {
        assert!(told(&receipt(), &other).starts_with("Invalid: this does not hold"));
    }
    let replaced = |cloud: Cloud| {
        let key = SigningKey::from_seed([90 + cloud.code(); 32]).public();
        let name = cosigner(cloud).1.name().to_owned();
        let key = NoteKey::new(&name, NoteAlgorithm::CosignatureV1, key).expect("a name");
        (cloud.to_string(), key)
    };
    let before = vec![replaced(Cloud::Aws), (Cloud::Gcp.to_string(), cosigner(Cloud::Gcp).1)];
    let before = Policy::of_clouds(vec![log_key(DEPLOYMENT).1], before, 2);
    let sentence = told(&receipt(), &before);
    assert!(sentence.contains("a key of demo.example/aws signed it"), "{sentence}");
}

#[test]
fn the_listed_keys_are_no_evidence_under_a_policy() {
    let mut receipt = receipt();
    receipt.keys.clear();
    assert_eq!(verdict(&receipt), Verdict::Valid);
    assert_eq!(verify(&receipt, None).verdict, Verdict::Invalid, "nobody is known");
}

#[test]
fn the_tlog_proof_form_carries_the_same_proof() {
    let text = receipt().to_tlog_proof();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "));
    assert!(text.contains(&format!("\nindex {SEQUENCE}\n")));
    assert!(text.ends_with(&receipt().checkpoint));
    let hashes = text.split("\n\n").next().map_or(0, |proof| proof.lines().count() - 3);
    assert_eq!(hashes, receipt().proof.len());
}

proptest! {
    #[test]
    fn one_flipped_bit_of_the_checkpoint_is_noticed(at: prop::sample::Index, bit in 0u8..8) {
        let mut changed = receipt();
        let mut bytes = changed.checkpoint.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        changed.checkpoint = text;
        prop_assert_eq!(verdict(&changed), Verdict::Invalid);
    }
}
