//! What the fuzz targets begin with: one small good input or more for each, made anew here and
//! kept in `domain/fuzz/seeds`.

use std::path::Path;

use domain::anchor::{bitcoin, ethereum, ots};
use domain::bundle::Bundle;
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::epoch::{Approval, EPOCH_FORMAT, EpochRecord, Reason, SignedEpoch};
use domain::event::TenantId;
use domain::evidence::against_signers_of;
use domain::grant::{Ballot, Family, GrantId, Proposal, Resource, Statement, Vote};
use domain::key::SigningKey;
use domain::log::{Hash, Head, Leaf};
use domain::pricing::trail::Trail;
use domain::quorum::Mode;
use ethereum::rlp::{encode_bytes, encode_list, encode_number};
use serde_json::json;

use super::targets::genesis;
use crate::evidence::house;
use crate::{fixtures, receipt};

/// Target, name of the file, content.
pub type Seed = (&'static str, &'static str, Vec<u8>);

pub fn all() -> Vec<Seed> {
    [notes(), shapes(), texts(), proofs(), bitcoins(), ethereums(), time_stamps(), bundles()]
        .concat()
}

fn notes() -> Vec<Seed> {
    let note = house::note(house::head_of(&house::branch(1, 3, 2)), &[Cloud::Aws]);
    let vote = a_vote().text(house::DEPLOYMENT);
    let signed = |text: &str| format!("{text}\n{}\n", note.signatures[1]);
    vec![
        ("note", "checkpoint", note.to_string().into_bytes()),
        ("note", "vote", signed(&vote).into_bytes()),
        ("checkpoint", "plain", note.text.clone().into_bytes()),
        ("vkey", "cosigner", house::cosigner("demo.example", Cloud::Aws).name.to_string().into()),
        ("vkey", "log", house::log_signer("demo.example", house::LOG).name.to_string().into()),
        ("policy", "clouds", house::policy().to_string().into_bytes()),
        ("grant", "vote", vote.into_bytes()),
    ]
}

fn a_vote() -> Vote {
    let resource = Resource::new(Family::ALL[0], "1").expect("a name");
    let version = 3u64.try_into().expect("a version");
    let ballot = Ballot::after(None, Cloud::Aws).expect("a ballot");
    let statement = Statement::Promise { last: Some(Proposal { ballot, value: Hash([3; 32]) }) };
    let later = Ballot::after(Some(ballot), Cloud::Gcp).expect("a ballot");
    Vote { grant: GrantId { resource, version }, by: Cloud::Aws, ballot: later, statement }
}

fn shapes() -> Vec<Seed> {
    let (one, other) = (house::branch(1, 3, 2), house::branch(2, 3, 4));
    let signed = [house::note(house::head_of(&one), &[]), house::note(house::head_of(&other), &[])];
    let prefix = house::prefix(&other, 5);
    let forks = against_signers_of(&signed[0], &signed[1], Some(&prefix), &house::policy());
    let fork = forks.expect("a fork").remove(0);
    let receipt = serde_json::to_vec(&receipt::receipt()).expect("JSON");
    let tenant = TenantId::platform();
    let trail = Trail::new(tenant, Timestamp::from_unix_ms(0), vec![receipt::receipt()]);
    let trail = serde_json::to_vec(&trail).expect("JSON");
    let usage = json!({ "kind": "usage", "inputTokens": 374, "latencyMs": 611.4 });
    let usage = usage.to_string().into_bytes();
    let lease = json!({ "holder": "aws", "until": "2026-11-22T12:41:06.902Z" });
    vec![
        ("evidence", "fork", fork.canonical()),
        ("receipt", "final", receipt.clone()),
        ("trail", "one", trail),
        ("json", "receipt", receipt),
        ("catalog", "usage", usage.clone()),
        ("envelope", "payload", usage),
        ("grant", "lease", lease.to_string().into_bytes()),
        ("epoch", "genesis", serde_json::to_vec(&genesis()).expect("JSON")),
        ("epoch", "record", serde_json::to_vec(&a_record()).expect("JSON")),
    ]
}

fn a_record() -> SignedEpoch {
    let key = |seed: u8| SigningKey::from_seed([seed; 32]);
    let mut keys = *genesis().clouds.get(Cloud::Gcp);
    (keys.log, keys.cosigner) = (key(51).public(), key(52).public());
    let record = EpochRecord {
        format: EPOCH_FORMAT.to_owned(),
        genesis: genesis().hash(),
        origin: Cloud::Gcp,
        epoch: 2,
        mode: Mode::Witness,
        keys,
        closing: Head::empty(),
        cosigned: Vec::new(),
        reason: Reason::Rotation,
        gone: None,
        stated_at: Timestamp::from_unix_ms(1_763_815_266_902),
    };
    let by = [Cloud::Gcp, Cloud::Aws];
    let approve = |by: Cloud| -> Approval { record.approve(by, 1, &key(by.code())) };
    SignedEpoch { approvals: by.map(approve).to_vec(), record }
}

fn texts() -> Vec<Seed> {
    let text = |name, text: &str| ("envelope", name, text.as_bytes().to_vec());
    vec![
        text("clock", "1763815266902.4"),
        text("held", "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b~acme-labs"),
        text("slot", "gcp/3/6"),
        text("source", "client:mara"),
        text("time", "2026-11-22T12:41:06.902Z"),
    ]
}

/// Two sizes and hashes, as the target `proof` reads them.
fn proofs() -> Vec<Seed> {
    let leaves = house::branch(1, 0, 11);
    let bytes = |old: u64, new: u64, hashes: &[Hash]| {
        let sizes = [old.to_le_bytes(), new.to_le_bytes()].concat();
        [sizes, hashes.iter().flat_map(|hash| hash.0).collect()].concat()
    };
    let prefix = house::prefix(&leaves, 6);
    let root = house::head_of(&leaves).root;
    let consistent = [&[prefix.root, root][..], &prefix.proof].concat();
    let edge: Vec<Hash> = leaves.iter().map(|Leaf(hash)| *hash).collect();
    vec![
        ("proof", "consistency", bytes(6, 11, &consistent)),
        ("proof", "edge", bytes(3, 11, &edge)),
    ]
}

/// A transaction that carries a hash, alone in its block, and the OpenTimestamps proof of it.
fn bitcoins() -> Vec<Seed> {
    let digest = Hash([7; 32]);
    let input = [&[0; 32][..], &[0xff; 4], &[0], &[0xff; 4]].concat();
    let output = [&[0; 8][..], &[34, 0x6a, 32], &digest.0].concat();
    let raw = [&[2, 0, 0, 0][..], &[1], &input, &[1], &output, &[0; 4]].concat();
    let transaction = bitcoin::Transaction::parse(&raw).expect("a transaction");
    let id = transaction.id();
    let branch = bitcoin::Branch::of(&[id], 0).expect("a branch");
    let proof = ots::compose(digest, &transaction, &branch, 900_000).expect("a proof");
    let header = bitcoin::Header {
        version: 2,
        previous: bitcoin::Sha256d([5; 32]),
        merkle_root: id,
        time_unix_s: 1_763_815_266,
        bits: 0x1d00_ffff,
        nonce: 9,
    };
    let block = [&header.to_bytes()[..], &[1], &raw].concat();
    vec![
        ("bitcoin", "transaction", raw),
        ("bitcoin", "header", header.to_bytes().to_vec()),
        ("bitcoin", "block", block),
        ("ots", "bitcoin", proof.to_bytes()),
    ]
}

fn ethereums() -> Vec<Seed> {
    let number = encode_number;
    let call = [number(1), number(0), number(2), number(30), number(21_000)];
    let to = [encode_bytes(&[6; 20]), number(0), encode_bytes(&[7; 32]), encode_list(&[])];
    let signed = [number(1), encode_bytes(&[8; 32]), encode_bytes(&[9; 32])];
    let fields = [&call[..], &to, &signed].concat();
    let transaction = [vec![2], encode_list(&fields)].concat();
    let values = [transaction.clone(), transaction.clone()];
    let proof = ethereum::trie::prove(&values, 1).expect("a proof");
    let nodes: Vec<Vec<u8>> = proof.iter().map(|node| encode_bytes(node)).collect();
    let hash = encode_bytes(&[4; 32]);
    let mut header = vec![hash.clone(), hash.clone(), encode_bytes(&[3; 20])];
    header.extend([hash.clone(), hash.clone(), hash.clone(), encode_bytes(&[0; 256])]);
    header.extend([number(0), number(21_000_000), number(30_000_000), number(21_000)]);
    header.extend([number(1_763_815_266), encode_bytes(b"extra"), hash, encode_bytes(&[0; 8])]);
    vec![
        ("ethereum", "transaction", transaction),
        ("ethereum", "header", encode_list(&header)),
        ("ethereum", "trie", encode_list(&nodes)),
    ]
}

/// As few files as a bundle can have: the others change with every word of `VERIFY.md`.
fn bundles() -> Vec<Seed> {
    let whole = crate::bundle::story::contents().bundle();
    let few = whole.files.into_iter().filter(|(name, _)| {
        ["manifest.json", "snapshot.json", "attestations/gcp/signature"].contains(&name.as_str())
    });
    let packed = Bundle { files: few.collect() }.pack().expect("memory");
    vec![("bundle", "few-files", packed)]
}

/// Two of our test vectors; the property tests take all of them.
fn time_stamps() -> Vec<Seed> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/rfc3161/valid-p256");
    vec![
        ("rfc3161", "answer", fixtures::read(&vectors.join("resp.tsr"))),
        ("rfc3161", "root", fixtures::read(&vectors.join("root.der"))),
    ]
}
