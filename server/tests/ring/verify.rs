//! `ternion verify`: the exit code tells a script what the sentence tells a person.

use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::Cloud;
use domain::event::{Event, EventId, Payload, Region, Salt, Slot, TenantId};
use domain::evidence::{Evidence, Fork, against_signers_of};
use domain::key::{NoteAlgorithm, NoteKey, SigningKey};
use domain::log::{Checkpoint, Hash, Head, Leaf, LogId, node_hash};
use domain::note::{Note, SignatureLine};
use domain::policy::Policy;
use domain::receipt::{RECEIPT_FORMAT, Receipt, ReceiptEvent};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::command::{Folder, ternion};

const DEPLOYMENT: &str = "demo.example";
const LOG: LogId = LogId { origin: Cloud::Aws, epoch: 1 };

fn log_key() -> (SigningKey, NoteKey) {
    let key = SigningKey::from_seed([31; 32]);
    let named = NoteKey::new(&LOG.name(DEPLOYMENT), NoteAlgorithm::Ed25519, key.public());
    (key, named.expect("a name"))
}

fn cosigner(cloud: Cloud) -> (SigningKey, NoteKey) {
    let key = SigningKey::from_seed([40 + cloud.code(); 32]);
    let name = format!("{DEPLOYMENT}/{cloud}/cosigner");
    (key.clone(), NoteKey::new(&name, NoteAlgorithm::CosignatureV1, key.public()).expect("a name"))
}

fn policy() -> Policy {
    let witnesses = Cloud::ALL.map(|cloud| (cloud.to_string(), cosigner(cloud).1));
    Policy::of_clouds(vec![log_key().1], witnesses.to_vec(), 2)
}

/// The second of two entries of a log that these clouds cosigned.
fn receipt(cosigners: &[Cloud]) -> Receipt {
    let payload = json!({"kind": "usage", "inputTokens": 374});
    let event = Event {
        event_id: EventId(Uuid::from_u128(77)),
        tenant_id: TenantId::try_from("acme-labs".to_owned()).expect("valid"),
        logical_clock: LogicalClock { ms: 1_763_815_266_902, counter: 4 },
        region: Region::try_from("us-east-1".to_owned()).expect("valid"),
        created_at: Timestamp::from_unix_ms(1_763_815_266_902),
        origin_cloud: LOG.origin,
        payload: Payload::from_value(&payload).expect("an object"),
        salt: Salt([9; 16]),
    };
    let (key, name) = log_key();
    let envelope = event.clone().sign(&key);
    let sibling = Leaf::of(b"another entry").0;
    let root = node_hash(sibling, envelope.leaf(LOG.epoch, 1).0);
    let checkpoint = Checkpoint { origin: LOG.name(DEPLOYMENT), head: Head { size: 2, root } };
    let text = checkpoint.to_string();
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
            event_id: event.event_id.0,
            payload_hash: event.payload_hash(),
            tenant_id: event.tenant_id,
            logical_clock: event.logical_clock,
            region: event.region,
            created_at: event.created_at,
            origin_cloud: event.origin_cloud,
            payload: Some(payload),
            salt: Some(hex::encode(event.salt.0)),
            hash: envelope.hash(),
            signature: *envelope.signature(),
        },
        slot: Slot { origin: LOG.origin, epoch: LOG.epoch, sequence: 1 },
        proof: vec![sibling],
        checkpoint: Note { text, signatures }.to_string(),
        keys,
    }
}

fn final_receipt() -> Receipt {
    receipt(&[Cloud::Gcp, Cloud::Aws])
}

fn json_of(receipt: &Receipt) -> String {
    serde_json::to_string(receipt).expect("JSON")
}

#[test]
fn a_final_receipt_is_valid_under_the_policy_and_says_so_in_one_sentence() {
    let folder = Folder::new();
    let (file, keys) = (
        folder.write("r.json", json_of(&final_receipt())),
        folder.write("p", policy().to_string()),
    );
    let ran = ternion(&["verify", "--policy", &keys, &file]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("[valid] The payload gives the payload hash"), "{}", ran.out);
    let last = ran.out.lines().last().expect("a verdict");
    assert!(last.starts_with("Valid: final under your policy file."), "{last}");
}

#[test]
fn without_a_policy_nobody_vouches_for_the_signers() {
    let folder = Folder::new();
    let ran = ternion(&["verify", &folder.write("r.json", json_of(&final_receipt()))]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("Self-consistent"), "{}", ran.out);
}

#[test]
fn a_changed_payload_and_a_missing_quorum_are_invalid() {
    let folder = Folder::new();
    let keys = folder.write("p", policy().to_string());
    let mut changed = final_receipt();
    changed.event.payload = Some(json!({"kind": "usage", "inputTokens": 375}));
    for (wrong, step) in [
        (changed, "The payload gives the payload hash"),
        (receipt(&[Cloud::Aws]), "Not enough clouds signed"),
    ] {
        let ran = ternion(&["verify", "--policy", &keys, &folder.write("r", json_of(&wrong))]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.out.contains(&format!("[INVALID] {step}")), "{}", ran.out);
    }
}

#[test]
fn what_is_no_receipt_is_unreadable_and_named() {
    let folder = Folder::new();
    for (name, bytes, said) in [
        ("a.json", &b"{}"[..], "not a receipt"),
        ("b.ots", b"\x00OpenTimestamps\x00\x00Proof\x00", "not an OpenTimestamps proof: byte 0"),
        ("c.tsr", &[0x30, 0x82, 1, 2], "not an RFC 3161 time stamp: byte 4"),
        ("d.json", br#"{"format":"ternion/bundle/v1"}"#, "not understood by this version"),
        ("e.json", br#"{"format":"ternion/evidence/v1"}"#, "not evidence"),
        ("f.json", br#"{"format":"ternion/evidence/v9"}"#, "reads \"ternion/evidence/v1\""),
    ] {
        let ran = ternion(&["verify", &folder.write(name, bytes)]);
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
        assert!(ran.out.contains(said), "{name}: {}", ran.out);
    }
    assert_eq!(ternion(&["verify", "/nowhere/at/all"]).code, 2);
    let file = folder.write("r.json", json_of(&final_receipt()));
    let ran = ternion(&["verify", "--policy", &folder.write("p", "quorum nobody\n"), &file]);
    assert_eq!((ran.code, ran.err.contains("line 1")), (2, true), "{ran:?}");
}

#[test]
fn of_several_files_the_worst_counts_and_json_has_a_line_each() {
    let folder = Folder::new();
    let keys = folder.write("p", policy().to_string());
    let good = folder.write("good", json_of(&final_receipt()));
    let bad = folder.write("bad", json_of(&receipt(&[])));
    let none = folder.write("none", "text");
    let ran = ternion(&["verify", "--json", "--policy", &keys, &good, &bad, &none]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let lines: Vec<Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let verdicts: Vec<_> = lines.iter().map(|line| line["verdict"].as_str()).collect();
    assert_eq!(verdicts, [Some("valid"), Some("invalid"), Some("unreadable")]);
    let codes: Vec<_> = lines.iter().map(|line| line["exitCode"].as_u64()).collect();
    assert_eq!(codes, [Some(0), Some(1), Some(2)]);
}

/// Two roots of one size that the log's key signed.
fn evidence() -> Evidence {
    let (key, name) = log_key();
    let note = |root: u8| {
        let head = Head { size: 7, root: Hash([root; 32]) };
        let text = Checkpoint { origin: LOG.name(DEPLOYMENT), head }.to_string();
        let line = SignatureLine::sign(&text, &name, &key);
        Note { text, signatures: vec![line] }
    };
    against_signers_of(&note(1), &note(2), None, &policy()).expect("a fork").remove(0)
}

#[test]
fn evidence_is_valid_where_it_proves_a_cloud_of_the_policy_guilty() {
    let folder = Folder::new();
    let keys = folder.write("p", policy().to_string());
    let file = folder.write("evidence.json", evidence().canonical());
    let ran = ternion(&["verify", "--policy", &keys, &file]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("[valid] aws's log key signed the second head"), "{}", ran.out);
    let last = ran.out.lines().last();
    assert_eq!(last, Some("Proven: aws's log key signed two different histories of aws/1."));
    let ran = ternion(&["verify", &file]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let others = folder.write("others", policy().to_string().replace("log ", "# log "));
    let ran = ternion(&["verify", "--policy", &others, &file]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("[INVALID] This key belongs to AWS"), "{}", ran.out);
}

#[test]
fn evidence_that_frames_somebody_is_invalid_in_json_too() {
    let folder = Folder::new();
    let keys = folder.write("p", policy().to_string());
    let Evidence::Equivocation(fork) = evidence() else { panic!("an equivocation") };
    let framed = Evidence::Equivocation(Fork { second: fork.first.clone(), ..fork });
    let file = folder.write("framed.json", framed.canonical());
    let ran = ternion(&["verify", "--json", "--policy", &keys, &file]);
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((ran.code, &told["verdict"], &told["exitCode"]), (1, &json!("invalid"), &json!(1)));
    assert_eq!(told["steps"][1]["result"], "both are one and the same head");
}

#[test]
fn the_tlog_proof_form_is_checked_as_the_receipt_is() {
    let folder = Folder::new();
    let keys = folder.write("p", policy().to_string());
    let proof = final_receipt().to_tlog_proof();
    let code = |text: &str, policy: &[&str]| {
        let file = folder.write("proof", text);
        ternion(&[&["verify"], policy, &[&file]].concat()).code
    };
    assert_eq!(code(&proof, &["--policy", &keys]), 0);
    assert_eq!(code(&proof, &[]), 3);
    assert_eq!(code(&proof.replace("index 1", "index 0"), &["--policy", &keys]), 1);
    assert_eq!(code(&proof.replace("index 1", "index x"), &["--policy", &keys]), 2);
    let unsigned = receipt(&[Cloud::Gcp]).to_tlog_proof();
    assert_eq!(code(&unsigned, &["--policy", &keys]), 1);
    let others = policy().to_string().replace("log ", "# log ");
    let others = folder.write("others", others);
    assert_eq!(code(&proof, &["--policy", &others]), 1);
}
