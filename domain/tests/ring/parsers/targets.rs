//! What must hold of any bytes that a stranger may send: every parser answers, and what it takes
//! it writes again so that it reads the same.
//!
//! The fuzz targets in `domain/fuzz` and the property tests beside this file run these functions.

use std::fmt::Display;
use std::str::{self, FromStr};

use domain::access::Role;
use domain::anchor::{bitcoin, ethereum, ots, rfc3161};
use domain::bundle::Bundle;
use domain::catalog::Known;
use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::{Cloud, PerCloud};
use domain::epoch::{EpochKeys, Genesis, Register, SignedEpoch};
use domain::event::{Payload, Region, Slot, TenantId};
use domain::evidence::Evidence;
use domain::grant::{Ballot, Lease, Resource, Value, Vote};
use domain::json;
use domain::key::{NoteKey, SigningKey};
use domain::log::plan::{self, Node};
use domain::log::proof::{is_consistent, root_from_inclusion};
use domain::log::{Appender, Checkpoint, Hash, Head, Leaf, LogId, node_from_tile};
use domain::note::Note;
use domain::policy::Policy;
use domain::pricing::trail::Trail;
use domain::quarantine::{HeldId, Reason, Source};
use domain::quorum::Mode;
use domain::receipt::{Receipt, verify};
use domain::verifier::Held;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub type Target = fn(&[u8]);

/// Every target, by the name of its file in `domain/fuzz/fuzz_targets`.
pub const TARGETS: [(&str, Target); 18] = [
    ("bitcoin", bitcoin),
    ("bundle", bundle),
    ("catalog", catalog),
    ("checkpoint", checkpoint),
    ("envelope", envelope),
    ("epoch", epoch),
    ("ethereum", ethereum),
    ("evidence", evidence),
    ("grant", grant),
    ("json", json),
    ("note", note),
    ("ots", ots),
    ("policy", policy),
    ("proof", proof),
    ("receipt", receipt),
    ("rfc3161", rfc3161),
    ("trail", trail),
    ("vkey", vkey),
];

/// The deployment and the one who speaks, where a parser must be told.
const DEPLOYMENT: &str = "demo.example";

pub fn json(bytes: &[u8]) {
    let Ok(value) = json::parse_strict(bytes) else { return };
    assert_eq!(json::refusal_of(&value), None, "what is read can be signed");
    let canonical = json::canonical(&value);
    let again = json::parse_strict(&canonical).expect("what was written is read");
    assert_eq!(json::canonical(&again), canonical);
}

pub fn bundle(bytes: &[u8]) {
    let Ok(bundle) = Bundle::unpack(bytes) else { return };
    let held = Held::default();
    let checked = bundle.verify(&held, None);
    assert!(checked.steps.iter().all(|step| step.file.is_some()), "each step names its file");
    let again = Bundle::unpack(&bundle.pack().expect("memory")).expect("what was written is read");
    assert_eq!(again.verify(&held, None), checked);
}

pub fn note(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(note) = Note::parse(text) else { return };
    assert_eq!(note.to_string(), text);
    checkpoint(note.text.as_bytes());
    for cloud in Cloud::ALL {
        let _ = Vote::parse(&note.text, DEPLOYMENT, cloud);
    }
}

pub fn checkpoint(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(checkpoint) = Checkpoint::parse(text) else { return };
    assert_eq!(checkpoint.to_string(), text);
    if let Some((deployment, log)) = LogId::of_name(&checkpoint.origin) {
        assert_eq!(log.name(deployment), checkpoint.origin);
    }
}

pub fn vkey(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(key) = NoteKey::parse(text) else { return };
    assert_eq!(NoteKey::parse(&key.to_string()), Ok(key));
}

pub fn policy(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(policy) = Policy::parse(text) else { return };
    let _ = policy.quorum_sentence();
    let unsigned = Note { text: String::from("\n"), signatures: Vec::new() };
    let _ = policy.quorum_signed(&unsigned);
    let written = policy.to_string();
    let again = Policy::parse(&written).expect("what was written is read");
    assert_eq!(again.to_string(), written);
}

pub fn receipt(bytes: &[u8]) {
    let Ok(receipt) = Receipt::parse(bytes) else { return };
    let _ = verify(&receipt, None);
    let _ = receipt.to_tlog_proof();
    let written = serde_json::to_vec(&receipt).expect("JSON");
    assert_eq!(Receipt::parse(&written), Ok(receipt));
}

pub fn trail(bytes: &[u8]) {
    let Ok(trail) = Trail::parse(bytes) else { return };
    let _ = trail.verify(None);
    let written = serde_json::to_vec(&trail).expect("JSON");
    assert_eq!(Trail::parse(&written), Ok(trail));
}

pub fn evidence(bytes: &[u8]) {
    let Ok(evidence) = Evidence::parse(bytes) else { return };
    let _ = evidence.verify(None);
    assert_eq!(Evidence::parse(&evidence.canonical()), Ok(evidence));
}

/// The payload, and the fields that stand beside it as texts.
pub fn envelope(bytes: &[u8]) {
    if let Some(payload) = Payload::from_canonical(bytes.to_vec()) {
        assert_eq!(payload.bytes(), bytes);
    }
    if let Ok(value) = json::parse_strict(bytes)
        && let Ok(payload) = Payload::from_value(&value)
    {
        let again = Payload::from_canonical(payload.bytes().to_vec());
        assert_eq!(again.map(Payload::into_bytes), Some(payload.into_bytes()));
    }
    let Some(text) = text(bytes) else { return };
    if let Some(slot) = Slot::parse(text) {
        assert_eq!(slot.to_string(), text);
    }
    if let Some(hash) = Hash::from_hex(text) {
        assert_eq!(Hash::from_hex(&hash.to_string()), Some(hash));
    }
    reads_back::<Timestamp>(text);
    reads_back::<LogicalClock>(text);
    reads_back::<Cloud>(text);
    reads_back::<HeldId>(text);
    reads_back::<Reason>(text);
    reads_back::<Source>(text);
    reads_back::<Mode>(text);
    let _ = Role::from_str(text);
    let _ = TenantId::try_from(text.to_owned());
    let _ = Region::try_from(text.to_owned());
}

pub fn epoch(bytes: &[u8]) {
    if let Some(genesis) = shape::<Genesis>(bytes) {
        let register = Register::new(genesis);
        let _ = (register.policy(), register.note_keys(), register.genesis_hash());
    }
    let Some(signed) = shape::<SignedEpoch>(bytes) else { return };
    let mut register = Register::new(genesis());
    let _ = register.clone().propose(signed.clone());
    let _ = register.apply(signed);
    let _ = (register.policy(), register.every_key());
}

pub fn grant(bytes: &[u8]) {
    if let Some(value) = Value::from_canonical(bytes) {
        assert_eq!(value.bytes(), bytes);
        let _ = Lease::read(&value);
    }
    let Some(text) = text(bytes) else { return };
    reads_back::<Ballot>(text);
    reads_back::<Resource>(text);
    for by in Cloud::ALL {
        if let Some(vote) = Vote::parse(text, DEPLOYMENT, by) {
            assert_eq!(vote.text(DEPLOYMENT), text);
        }
    }
}

pub fn catalog(bytes: &[u8]) {
    let Ok(value) = json::parse_strict(bytes) else { return };
    let _ = Known::read(&value);
}

/// Two sizes, and hashes: an inclusion proof, a consistency proof, a tile, a tree's right edge.
pub fn proof(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first_chunk::<8>() else { return };
    let Some((second, rest)) = rest.split_first_chunk::<8>() else { return };
    let (old, new) = (u64::from_le_bytes(*first), u64::from_le_bytes(*second));
    let hashes: Vec<Hash> = rest.chunks_exact(32).filter_map(Hash::from_slice).collect();
    let [one, other, proof @ ..] = &hashes[..] else { return };
    let root = root_from_inclusion(Leaf(*one), old, new, proof);
    assert!(root.is_none() || old < new, "a leaf beyond the tree");
    let consistent =
        is_consistent(Head { size: old, root: *one }, Head { size: new, root: *other }, proof);
    assert!(!consistent || old <= new, "a tree shrank");
    let _ = (plan::inclusion(old, new), plan::consistency(old, new));
    let height = u8::try_from(old % 64).expect("less than 64");
    let _ = node_from_tile(Node { height, index: new }, &hashes);
    let width = usize::try_from(new % 256).expect("less than 256").max(1);
    if let Some(mut tree) = Appender::resume(hashes.chunks(width).map(<[Hash]>::to_vec).collect()) {
        let size = tree.size();
        tree.append(Leaf(*one), |_| {});
        assert_eq!(tree.head().size, size + 1);
    }
}

pub fn ots(bytes: &[u8]) {
    let Ok(proof) = ots::Proof::parse(bytes) else { return };
    assert_eq!(proof.to_bytes(), bytes);
    let _ = proof.paths();
}

pub fn bitcoin(bytes: &[u8]) {
    if let Ok(header) = bitcoin::Header::parse(bytes) {
        assert_eq!(header.to_bytes(), bytes);
        let _ = (header.hash(), header.time(), header.has_work(bitcoin::Network::Mainnet));
    }
    if let Ok(transaction) = bitcoin::Transaction::parse(bytes) {
        let _ = transaction.outputs().iter().filter_map(bitcoin::Output::carried).count();
        let again = bitcoin::Transaction::parse(transaction.stripped());
        assert_eq!(again.map(|again| again.id()), Ok(transaction.id()));
    }
    if let Ok(block) = bitcoin::Block::parse(bytes) {
        let _ = block.transaction_ids();
    }
}

pub fn ethereum(bytes: &[u8]) {
    if let Ok(header) = ethereum::Header::parse(bytes) {
        let _ = (header.hash(), header.time());
    }
    if let Ok(transaction) = ethereum::Transaction::parse(bytes) {
        let _ = (transaction.hash(), transaction.call().is_some());
    }
    let Ok(items) = ethereum::rlp::list(bytes, bytes.len()) else { return };
    let nodes: Vec<Vec<u8>> =
        items.iter().filter_map(|item| item.bytes()).map(Into::into).collect();
    if let Some(first) = nodes.first() {
        let root = ethereum::Keccak256::of(first);
        let _ = ethereum::trie::proven(root, nodes.len() as u64, &nodes);
    }
}

pub fn rfc3161(bytes: &[u8]) {
    if let Ok(stamp) = rfc3161::TimeStamp::parse(bytes) {
        let _ = (stamp.hash(), stamp.time());
        let _ = rfc3161::verify(&stamp, Some(&[0; 32]), None, &[]);
    }
    if let Ok(certificate) = rfc3161::Certificate::parse(bytes) {
        assert_eq!(certificate.der(), bytes);
        let _ = certificate.subject();
    }
    let _ = rfc3161::Request::parse(bytes);
}

/// Of a deployment whose keys everybody knows.
pub fn genesis() -> Genesis {
    let key = |seed: u8| SigningKey::from_seed([seed; 32]).public();
    let keys =
        |cloud: Cloud| EpochKeys { log: key(cloud.code()), cosigner: key(10 + cloud.code()) };
    let (deployment, clouds) = (DEPLOYMENT.to_owned(), PerCloud::from_fn(keys));
    Genesis { deployment, mode: Mode::Witness, clouds, witness: Some(key(20)) }
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

fn reads_back<T: FromStr + Display + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let written = value.to_string();
        assert!(written.parse::<T>().is_ok_and(|again| again == value), "{text:?} → {written:?}");
    }
}

fn shape<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let written = serde_json::to_vec(&value).expect("JSON");
    let again: T = serde_json::from_slice(&written).expect("what was written is read");
    assert_eq!(serde_json::to_vec(&again).expect("JSON"), written);
    Some(value)
}
