//! Bundles by somebody who knows how they are checked: nothing passes that no proof leads to.

use std::collections::BTreeSet;

use domain::anchor::Publisher;
use domain::anchor::bitcoin::{Header, Network, Sha256d};
use domain::anchor::ots::{BLOCK_FORMAT, BlockFile};
use domain::bundle::{Bundle, FILES_MAX, SUMS_FILE, SnapshotFile};
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::log::Hash;
use domain::receipt::{Step, StepState, Verdict, Verification};
use domain::verifier::Held;

use super::story::{contents, held};
use super::{bundle, with, with_sums, wrong};

fn steps_of<'a>(checked: &'a Verification, file: &'a str) -> impl Iterator<Item = &'a Step> {
    checked.steps.iter().filter(move |step| step.file.as_deref() == Some(file))
}

/// A block that was mined, early, and that has nothing to do with the snapshot.
fn other_block() -> Header {
    let mut header = held().headers[0].header;
    header.merkle_root = Sha256d([8; 32]);
    header.time_unix_s -= 60 * 60 * 24;
    header.nonce = 0;
    while !header.has_work(Network::Regtest) {
        header.nonce += 1;
    }
    header
}

#[test]
fn a_block_that_no_path_leads_to_is_none_of_the_bundles() {
    let header = other_block();
    for height in [Some(206), None] {
        let file = BlockFile {
            format: BLOCK_FORMAT.to_owned(),
            height,
            hash: header.hash().to_string(),
            header_hex: hex::encode(header.to_bytes()),
            transaction: None,
            transaction_id: None,
            branch: Vec::new(),
        };
        let mut forged = with("bitcoin.json", file.to_bytes());
        let mut said = SnapshotFile::parse(&forged.files["snapshot.json"]).expect("one");
        let time: Timestamp = header.time();
        let is_bitcoin =
            |one: &&mut domain::bundle::AnchorEntry| one.publisher == Publisher::Bitcoin;
        let entry = said.anchors.iter_mut().find(is_bitcoin).expect("anchored");
        (entry.place, entry.height) = (Some(header.hash().to_string()), height);
        (entry.anchored_at, said.anchored_at) = (Some(time), Some(time));
        forged.files.insert("snapshot.json".to_owned(), said.to_bytes());
        let forged = with_sums(forged);
        for held in [held(), Held { headers: Vec::new(), ..held() }] {
            let checked = forged.verify(&held, None);
            assert_eq!(checked.verdict, Verdict::Invalid, "{}", checked.sentence);
            assert!(wrong(&checked).contains("bitcoin.json"), "{}", checked.sentence);
        }
    }
}

#[test]
fn a_list_of_more_files_than_a_bundle_has_is_wrong_once() {
    let mut long = bundle();
    let line = |at: usize| format!("{}  file-{at}\n", "0".repeat(64));
    let lines: String = (0..=FILES_MAX).map(line).collect();
    long.files.insert(SUMS_FILE.to_owned(), lines.into_bytes());
    let checked = long.verify(&held(), None);
    assert_eq!(wrong(&checked), BTreeSet::from([SUMS_FILE]));
    assert_eq!(steps_of(&checked, SUMS_FILE).count(), 1);
}

#[test]
fn a_list_that_names_a_file_twice_is_no_list() {
    for first in [true, false] {
        let mut twice = bundle();
        let sums = twice.sums();
        let other = format!("{}  root.ots\n", "0".repeat(64));
        let text = if first { other.clone() + &sums } else { sums + &other };
        twice.files.insert(SUMS_FILE.to_owned(), text.into_bytes());
        assert!(wrong(&twice.verify(&held(), None)).contains(SUMS_FILE), "{first}");
    }
}

#[test]
fn what_a_bundle_has_no_place_for_is_said_to_prove_nothing() {
    for name in ["README.md", "keys/other.pem", "attestations/other/receipt.json", "more/root.ots"]
    {
        let checked = with(name, "anything").verify(&held(), None);
        assert_eq!(checked.verdict, Verdict::Valid, "{}", checked.sentence);
        let said: Vec<_> = steps_of(&checked, name).collect();
        assert!(
            matches!(said[..], [Step { state: StepState::NotChecked, .. }]),
            "{name}: {said:?}"
        );
        assert_eq!(said[0].title, "It is no part of a bundle");
    }
    let mut contents = contents();
    contents.attestations.remove(&Cloud::Azure);
    let mut left = contents.bundle();
    left.files.insert("keys/azure.pem".to_owned(), b"anything".to_vec());
    let checked = with_sums(left).verify(&held(), None);
    assert_eq!(steps_of(&checked, "keys/azure.pem").count(), 1, "nobody signed with it");
    let as_packed = bundle().verify(&held(), None);
    let said: Vec<_> = steps_of(&as_packed, "VERIFY.md").collect();
    assert!(matches!(said[..], [Step { state: StepState::NotChecked, .. }]), "{said:?}");
    let strange = as_packed.steps.iter().any(|step| step.title == "It is no part of a bundle");
    assert!(!strange, "everything of ours has its place");
}

#[test]
fn another_network_is_said_by_name_and_proves_nothing() {
    for (other, word) in [
        (Held { network: Network::Mainnet, ..held() }, "--bitcoin-network regtest"),
        (Held { network: Network::Testnet, ..held() }, "--bitcoin-network regtest"),
        (Held { chain: 1, ..held() }, "--ethereum-chain 31337"),
    ] {
        let checked = bundle().verify(&other, None);
        assert_eq!(checked.verdict, Verdict::SelfConsistent, "{}", checked.sentence);
        assert!(checked.sentence.contains(word), "{}", checked.sentence);
        let open = checked.steps.iter().filter(|step| step.state == StepState::Unidentified);
        assert_eq!(open.map(|step| step.result.contains(word)).collect::<Vec<_>>(), [true]);
    }
}

#[test]
fn what_else_is_wrong_with_a_proof_on_another_network_stays_wrong() {
    let mainnet = Held { network: Network::Mainnet, ..held() };
    let mut file: BlockFile =
        serde_json::from_slice(&bundle().files["bitcoin.json"]).expect("a block");
    let mut header = Header::parse(&hex::decode(&file.header_hex).expect("hex")).expect("one");
    header.nonce = 0;
    while header.has_work(Network::Regtest) {
        header.nonce += 1;
    }
    (file.header_hex, file.hash) = (hex::encode(header.to_bytes()), header.hash().to_string());
    let workless = with("bitcoin.json", file.to_bytes());
    let none = Held { headers: Vec::new(), ..mainnet };
    assert_eq!(workless.verify(&none, None).verdict, Verdict::Invalid);
    let text = String::from_utf8(bundle().files["ethereum.json"].clone()).expect("text");
    let relabelled = with("ethereum.json", text.replace("31337", "1"));
    assert_ne!(relabelled.files["ethereum.json"], bundle().files["ethereum.json"]);
    for chain in [1, 31_337] {
        let checked = relabelled.verify(&Held { chain, ..held() }, None);
        assert!(wrong(&checked).contains("ethereum.json"), "{}", checked.sentence);
    }
}

#[test]
fn a_second_proof_that_does_not_fit_is_left_out_with_its_entry_and_its_block() {
    let mut two = contents();
    two.anchors.insert(Publisher::OpenTimestamps, super::story::bitcoin(Hash([5; 32])));
    let packed: Bundle = two.bundle();
    let checked = packed.verify(&held(), None);
    assert_eq!(checked.verdict, Verdict::Valid, "{}", checked.sentence);
    assert!(!packed.files.contains_key("bitcoin-calendars.json"));
    let said = SnapshotFile::parse(&packed.files["snapshot.json"]).expect("one");
    assert!(said.anchors.iter().all(|one| one.publisher != Publisher::OpenTimestamps));
    let guide = String::from_utf8(packed.files["VERIFY.md"].clone()).expect("text");
    assert!(guide.contains("its proof is left out"), "{guide}");
    let whole = String::from_utf8(bundle().files["VERIFY.md"].clone()).expect("text");
    assert!(!whole.contains("its proof is left out"), "{whole}");
}

#[test]
fn what_is_the_packing_clouds_word_is_called_so() {
    let checked = bundle().verify(&held(), None);
    let named = |word: &str| {
        let inputs = steps_of(&checked, "snapshot.json").flat_map(|step| &step.inputs);
        inputs.filter(|input| format!("{input:?}").contains(word)).count()
    };
    assert_eq!(named("final, as the packing cloud says"), 4);
    assert_eq!(named("attested another hash, as the packing cloud says"), 1);
    let mut two = contents();
    two.attestations.remove(&Cloud::Azure);
    let guide = String::from_utf8(two.bundle().files["VERIFY.md"].clone()).expect("text");
    let said = "Azure has no attestation that is final at the packing cloud yet; two are enough.";
    assert!(guide.contains(said), "{guide}");
}
