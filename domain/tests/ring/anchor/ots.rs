//! OpenTimestamps' own examples, held to what the reference implementation says of them.

use std::collections::BTreeMap;
use std::path::Path;

use domain::anchor::bitcoin::{Header, KnownHeader, Network, Sha256d};
use domain::anchor::ots::{Attestation, FileHash, Proof, verify};
use domain::anchor::{Defect, Source};
use domain::receipt::{StepState, Verdict, Verification};
use serde::Deserialize;

use super::{headers, own_node};
use crate::fixtures;

#[derive(Deserialize)]
struct Expected {
    ok: bool,
    file_digest: Option<String>,
    #[serde(default)]
    attestations: Vec<ExpectedAttestation>,
}

#[derive(Deserialize)]
struct ExpectedAttestation {
    r#type: String,
    height: Option<u64>,
    merkle_root_display: Option<String>,
    uri: Option<String>,
    tag: Option<String>,
}

impl ExpectedAttestation {
    fn text(&self) -> String {
        let height = self.height.map(|height| height.to_string());
        let said = height.or(self.uri.clone()).or(self.tag.clone()).unwrap_or_default();
        format!("{} {said} {}", self.r#type, self.merkle_root_display.as_deref().unwrap_or(""))
    }
}

fn text(attestation: &Attestation, message: &[u8]) -> String {
    let root = || Sha256d(message.try_into().expect("32 bytes"));
    match attestation {
        Attestation::Bitcoin { height } => {
            format!("BitcoinBlockHeaderAttestation {height} {}", root())
        }
        Attestation::Litecoin { .. } => "LitecoinBlockHeaderAttestation 06869a0d73d71b45 ".into(),
        Attestation::Ethereum { .. } => "EthereumBlockHeaderAttestation 30fe8087b5c7ead7 ".into(),
        Attestation::Pending { calendar } => format!("PendingAttestation {calendar} "),
        Attestation::Unknown { tag, .. } => format!("UnknownAttestation {} ", hex::encode(tag)),
    }
}

fn expected(folder: &Path) -> BTreeMap<String, Expected> {
    let all: BTreeMap<String, Expected> = fixtures::read_json(&folder.join("expected.json"));
    assert!(!all.is_empty(), "{} expects nothing", folder.display());
    all
}

fn proof(folder: &Path, name: &str) -> Proof {
    Proof::parse(&fixtures::read(&folder.join(name))).expect("a proof")
}

fn digest(folder: &Path, name: &str) -> Vec<u8> {
    FileHash::Sha256.digest(&fixtures::read(&folder.join(name)))
}

#[test]
fn every_proof_says_what_the_reference_implementation_says_of_it() {
    let Some(folder) = fixtures::folder("ots") else { return };
    for (name, expected) in expected(&folder) {
        let bytes = fixtures::read(&folder.join(&name));
        let parsed = Proof::parse(&bytes);
        assert_eq!(parsed.is_ok(), expected.ok, "{name}: {parsed:?}");
        let Ok(proof) = parsed else { continue };
        assert_eq!(Some(hex::encode(proof.digest())), expected.file_digest, "{name}");
        let mut said: Vec<_> =
            proof.paths().iter().map(|path| text(path.attestation, &path.message)).collect();
        let mut wanted: Vec<_> =
            expected.attestations.iter().map(ExpectedAttestation::text).collect();
        said.sort();
        wanted.sort();
        assert_eq!(said, wanted, "{name}");
        assert_eq!(proof.to_bytes(), bytes, "{name} is written as it was read");
    }
}

#[test]
fn a_version_that_does_not_exist_yet_is_refused_where_it_stands() {
    let Some(folder) = fixtures::folder("ots") else { return };
    let error = Proof::parse(&fixtures::read(&folder.join("invalid/bad-major-version.ots")))
        .expect_err("a version from the future");
    assert_eq!((error.at, &error.what), (31, &Defect::Version(1151)));
    assert_eq!(error.to_string(), "byte 31: version 1151 is not supported");
}

/// The verdict on each example with its file and with every header that there is. The reference's
/// roots say which it must be.
#[test]
fn each_example_has_the_verdict_that_its_block_gives_it() {
    let Some(folder) = fixtures::folder("ots") else { return };
    let headers = headers(&folder);
    let mut found = BTreeMap::new();
    for (name, expected) in expected(&folder).into_iter().filter(|(_, expected)| expected.ok) {
        let stamped = digest(&folder, name.trim_end_matches(".ots"));
        let checked = verify(&proof(&folder, &name), Some(&stamped), &headers, Network::Mainnet);
        let agreeing = expected.attestations.iter().filter_map(|one| {
            let known = headers.iter().find(|known| known.height == one.height)?;
            Some(one.merkle_root_display == Some(known.header.merkle_root.to_string()))
        });
        let agreeing: Vec<bool> = agreeing.collect();
        let wanted = match (agreeing.contains(&false), agreeing.contains(&true)) {
            (true, _) => Verdict::Invalid,
            (_, true) => Verdict::Valid,
            _ => Verdict::SelfConsistent,
        };
        assert_eq!(checked.verdict, wanted, "{name}: {}", checked.sentence);
        found.insert(name, checked.verdict);
    }
    assert_eq!(found.get("hello-world.txt.ots"), Some(&Verdict::Valid));
    assert_eq!(found.get("bad-stamp.txt.ots"), Some(&Verdict::Invalid));
    assert_eq!(found.get("unknown-notary.txt.ots"), Some(&Verdict::SelfConsistent));
}

/// Changes the digest in question, or the headers at hand.
type Change = fn(&mut Vec<u8>, &mut Vec<KnownHeader>);

/// Checks the finished example, with one thing changed.
fn hello(change: Change) -> Option<Verification> {
    let folder = fixtures::folder("ots")?;
    let (mut stamped, mut headers) = (digest(&folder, "hello-world.txt"), headers(&folder));
    change(&mut stamped, &mut headers);
    let proof = proof(&folder, "hello-world.txt.ots");
    let stamped = (!stamped.is_empty()).then_some(stamped);
    Some(verify(&proof, stamped.as_deref(), &headers, Network::Mainnet))
}

fn failed(checked: &Verification) -> Vec<&str> {
    let steps = checked.steps.iter().filter(|step| step.state == StepState::Invalid);
    steps.map(|step| step.title.as_str()).collect()
}

#[test]
fn the_finished_example_is_valid_and_its_sentence_names_block_and_time() {
    let Some(checked) = hello(|_, _| ()) else { return };
    assert_eq!(checked.verdict, Verdict::Valid);
    assert!(checked.steps.iter().all(|step| step.state == StepState::Valid));
    for part in ["block 358391", "892881a8c", "mainnet", "2015-05-28T15:41:18"] {
        assert!(checked.sentence.contains(part), "{}", checked.sentence);
    }
    let inputs = checked.steps.iter().flat_map(|step| &step.inputs);
    let on_the_way = inputs.filter(|(name, _)| name == "transaction on the way");
    assert_eq!(on_the_way.count(), 1, "the transaction is recognised");
}

#[test]
fn what_is_missing_is_named_and_the_verdict_is_not_green() {
    let cases: [(&str, Change); 3] = [
        ("no file was given", |stamped, _| stamped.clear()),
        ("bring the header of block 358391", |_, headers| headers.clear()),
        ("the block came with the proof", |_, headers| headers[0].source = Source::Proof),
    ];
    for (said, change) in cases {
        let Some(checked) = hello(change) else { return };
        assert_eq!(checked.verdict, Verdict::SelfConsistent, "{said}");
        assert!(checked.sentence.contains(said), "{}", checked.sentence);
    }
}

#[test]
fn another_file_another_block_and_no_work_are_each_found() {
    let cases: [(&str, Change); 4] = [
        ("The file's digest is the one that was stamped", |stamped, _| stamped[0] ^= 1),
        ("That root stands in the header of block 358391", |_, headers| {
            headers[0].header.merkle_root.0[0] ^= 1;
        }),
        // A header without a height is taken for the one that the proof leads to.
        ("That root stands in the header of block 358391", |_, headers| {
            headers[0].height = None;
            headers[0].header.merkle_root.0[0] ^= 1;
        }),
        ("The work that the header states was done for it", |_, headers| {
            headers[0].header.nonce ^= 1;
        }),
    ];
    for (step, change) in cases {
        let Some(checked) = hello(change) else { return };
        assert_eq!((checked.verdict, failed(&checked)), (Verdict::Invalid, vec![step]));
    }
    let Some(checked) = hello(|_, headers| headers[0].height = None) else { return };
    assert_eq!(checked.verdict, Verdict::Valid);
    assert!(!checked.sentence.contains("358391"), "only the proof says so: {}", checked.sentence);
    let Some(checked) = hello(|_, headers| headers[0].height = Some(358_392)) else { return };
    assert_eq!(checked.verdict, Verdict::SelfConsistent, "the header of another block");
}

/// A header that anybody can make in two tries, with the root that the proof leads to.
fn made_up(root: Sha256d, time_unix_s: u32) -> Header {
    let mut header = Header {
        version: 4,
        previous: Sha256d([7; 32]),
        merkle_root: root,
        time_unix_s,
        bits: 0x207f_ffff,
        nonce: 0,
    };
    while !header.has_work(Network::Regtest) {
        header.nonce += 1;
    }
    header
}

#[test]
fn an_easy_header_is_no_block_of_the_main_chain() {
    let Some(folder) = fixtures::folder("ots") else { return };
    let (proof, stamped) = (proof(&folder, "bad-stamp.txt.ots"), digest(&folder, "bad-stamp.txt"));
    let root = Sha256d(proof.paths()[0].message.as_slice().try_into().expect("32 bytes"));
    let header = made_up(root, 1_432_827_678);
    let known = [KnownHeader { header, height: Some(358_391), source: own_node() }];
    let check = |network| verify(&proof, Some(&stamped), &known, network).verdict;
    assert_eq!(check(Network::Regtest), Verdict::Valid);
    assert_eq!(check(Network::Testnet), Verdict::Invalid);
    assert_eq!(check(Network::Mainnet), Verdict::Invalid);
}
