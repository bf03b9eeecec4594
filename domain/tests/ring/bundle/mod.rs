//! An audit bundle is valid as it was packed; with anything in it changed, the file is named.

mod forged;
mod script;
pub mod story;
mod walk;

use std::collections::BTreeSet;

use domain::anchor::Publisher;
use domain::anchor::ots::Proof;
use domain::bundle::{Bundle, SUMS_FILE, SnapshotFile};
use domain::cloud::Cloud;
use domain::policy::Policy;
use domain::receipt::{StepState, Verdict, Verification};
use domain::verifier::{Finding, Held, Places, Stamped, Unreadable};
use serde_json::{Value, json};

use crate::evidence::house;
use story::{contents, held, manifest};

fn bundle() -> Bundle {
    contents().bundle()
}

/// The files of the steps that do not hold.
fn wrong(checked: &Verification) -> BTreeSet<&str> {
    let steps = checked.steps.iter().filter(|step| step.state == StepState::Invalid);
    steps.map(|step| step.file.as_deref().expect("each step names its file")).collect()
}

/// As somebody changes it who knows what sums are.
fn with_sums(mut bundle: Bundle) -> Bundle {
    bundle.files.remove(SUMS_FILE);
    let sums = bundle.sums().into_bytes();
    bundle.files.insert(SUMS_FILE.to_owned(), sums);
    bundle
}

fn with(name: &str, bytes: impl Into<Vec<u8>>) -> Bundle {
    let mut changed = bundle();
    changed.files.insert(name.to_owned(), bytes.into());
    with_sums(changed)
}

#[test]
fn a_bundle_is_valid_with_what_an_auditor_brings_and_says_when_it_existed() {
    let packed = bundle().pack().expect("memory");
    let checked = held().check(&packed, None).expect("a bundle");
    assert_eq!(wrong(&checked), BTreeSet::new(), "{}", checked.sentence);
    assert_eq!(checked.verdict, Verdict::Valid, "{}", checked.sentence);
    let hash = manifest().hash();
    let said =
        format!("Valid: Google Cloud, AWS, Azure attest snapshot 2026-10 ({hash}) under your");
    assert!(checked.sentence.starts_with(&said), "{}", checked.sentence);
    assert!(checked.sentence.contains("it existed no later than"), "{}", checked.sentence);
    let yours = Stamped::Digest(hash.0.to_vec());
    assert_eq!(held().check(&packed, Some(&yours)).expect("a bundle").verdict, Verdict::Valid);
    let other = held().check(&packed, Some(&Stamped::Digest(vec![0; 32]))).expect("a bundle");
    assert_eq!(wrong(&other), BTreeSet::from(["manifest.json"]));
}

#[test]
fn the_same_contents_are_the_same_bytes() {
    assert_eq!(bundle(), bundle());
    let names: Vec<String> = bundle().files.into_keys().collect();
    assert_eq!(names.len(), 30, "{names:?}");
}

#[test]
fn with_nothing_of_ones_own_everything_computes_and_each_word_is_named() {
    let bare = Held { network: held().network, chain: held().chain, ..Held::default() };
    let checked = bundle().verify(&bare, None);
    assert_eq!(wrong(&checked), BTreeSet::new(), "{}", checked.sentence);
    assert_eq!(checked.verdict, Verdict::SelfConsistent);
    for word in ["policy file", "Bitcoin's chain", "Ethereum's chain", "time-stamping authority"] {
        assert!(checked.sentence.contains(word), "{word}: {}", checked.sentence);
    }
    for (without, word) in [
        (Held { policy: None, ..held() }, "policy file"),
        (Held { headers: Vec::new(), ..held() }, "Bitcoin's chain"),
        (Held { block: None, ..held() }, "Ethereum's chain"),
        (Held { authorities: Vec::new(), ..held() }, "time-stamping authority"),
    ] {
        let checked = bundle().verify(&without, None);
        assert_eq!(checked.verdict, Verdict::SelfConsistent, "{word}");
        assert!(checked.sentence.contains(word), "{word}: {}", checked.sentence);
    }
}

#[test]
fn each_file_that_is_changed_missing_or_added_is_named_and_refused() {
    for name in bundle().files.keys() {
        for held in
            [held(), Held { network: held().network, chain: story::CHAIN, ..Held::default() }]
        {
            let mut changed = bundle();
            let bytes = changed.files.get_mut(name).expect("this file");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            let checked = changed.verify(&held, None);
            assert_eq!(checked.verdict, Verdict::Invalid, "{name}: {}", checked.sentence);
            if name == SUMS_FILE {
                assert!(!wrong(&checked).is_empty());
            } else {
                assert!(wrong(&checked).contains(name.as_str()), "{name}: {:?}", wrong(&checked));
                assert!(checked.sentence.contains(name), "{}", checked.sentence);
            }
            changed.files.remove(name);
            let checked = changed.verify(&held, None);
            assert!(wrong(&checked).contains(name.as_str()), "{name}: {}", checked.sentence);
        }
    }
    let mut more = bundle();
    more.files.insert("attestations/gcp/more".to_owned(), b"1".to_vec());
    assert_eq!(wrong(&more.verify(&held(), None)), BTreeSet::from(["attestations/gcp/more"]));
}

/// The stamp brings the authority's certificate along; the verifier's own counts, not that copy.
fn is_in_the_copy_of_the_authority(changed: &[u8]) -> bool {
    let (stamp, authority) = (&bundle().files["root.tsr"], story::authorities().remove(0));
    let length = authority.der().len();
    let copy = stamp.windows(length).position(|window| window == authority.der());
    let at = stamp.iter().zip(changed).position(|(one, other)| one != other);
    copy.zip(at).is_some_and(|(copy, at)| (copy..copy + length).contains(&at))
}

/// White space means nothing, nor does a promise of a calendar.
fn means_the_same(name: &str, changed: &Bundle) -> bool {
    let way = |bundle: &Bundle| {
        let proof = Proof::parse(&bundle.files["root.ots"]).expect("a proof");
        proof.way_to(&held().headers[0].header, None).expect("a way")
    };
    match name {
        "ethereum.json" | "bitcoin.json" => {
            let read = |bundle: &Bundle| serde_json::from_slice::<Value>(&bundle.files[name]).ok();
            read(changed) == read(&bundle())
        }
        "root.ots" => way(changed) == way(&bundle()),
        "root.tsr" => is_in_the_copy_of_the_authority(&changed.files[name]),
        _ => false,
    }
}

/// Sums say nothing of who wrote them: whoever changes a file can write them anew.
#[test]
fn a_changed_proof_is_refused_though_the_sums_were_written_anew() {
    let proves = |name: &&String| {
        // Texts and conveniences, which prove nothing by themselves.
        !["SHA256SUMS", "VERIFY.md", "verify.sh", "authority.pem"].contains(&name.as_str())
    };
    for name in bundle().files.keys().filter(proves) {
        let length = bundle().files[name].len();
        for at in (0..length).step_by(length / 40 + 1) {
            let mut bytes = bundle().files[name].clone();
            bytes[at] ^= 1;
            let changed = with(name, bytes);
            let checked = changed.verify(&held(), None);
            if checked.verdict == Verdict::Valid && means_the_same(name, &changed) {
                continue;
            }
            assert_eq!(checked.verdict, Verdict::Invalid, "{name}, byte {at}");
        }
    }
}

#[test]
fn two_clouds_are_enough_and_one_is_not() {
    let mut two = contents();
    two.attestations.remove(&Cloud::Azure);
    two.differing = vec![Cloud::Azure];
    let checked = two.bundle().verify(&held(), None);
    assert_eq!(checked.verdict, Verdict::Valid, "{}", checked.sentence);
    let guide = String::from_utf8(two.bundle().files["VERIFY.md"].clone()).expect("text");
    assert!(guide.contains("**Azure attested another hash**"), "{guide}");
    two.attestations.remove(&Cloud::Aws);
    let checked = two.bundle().verify(&held(), None);
    assert_eq!(wrong(&checked), BTreeSet::from(["snapshot.json"]), "{}", checked.sentence);
}

#[test]
fn no_cloud_attests_for_another_and_no_other_event_is_an_attestation() {
    let refused = |cloud: Cloud, receipt| {
        let mut contents = contents();
        contents.attestations.insert(cloud, receipt);
        let bundle = contents.bundle();
        let checked = bundle.verify(&held(), None);
        wrong(&checked).contains(format!("attestations/{cloud}/receipt.json").as_str())
    };
    assert!(!refused(Cloud::Aws, story::attestation(Cloud::Aws)));
    assert!(refused(Cloud::Aws, story::attestation(Cloud::Gcp)));
    let mut payload = story::attestation(Cloud::Aws).event.payload.expect("a payload");
    payload["manifest"]["number"] = json!(2);
    assert!(refused(Cloud::Aws, story::receipt(Cloud::Aws, &payload)));
    assert!(refused(Cloud::Aws, story::receipt(Cloud::Aws, &json!({ "kind": "usage" }))));
}

#[test]
fn another_deployments_keys_are_refused_under_ones_own_policy_file() {
    let theirs = Held { policy: Some(house::policy_of("other.example")), ..held() };
    let checked = bundle().verify(&theirs, None);
    let receipts = Cloud::ALL.map(|cloud| format!("attestations/{cloud}/receipt.json"));
    for receipt in &receipts {
        assert!(wrong(&checked).contains(receipt.as_str()), "{}", checked.sentence);
    }
    let weaker = house::policy().to_string().replace("quorum clouds", "quorum none");
    let enclosed = with("ternion.policy", weaker.clone());
    assert!(Policy::parse(&weaker).is_ok());
    assert_eq!(enclosed.verify(&held(), None).verdict, Verdict::Valid, "one's own counts");
}

#[test]
fn what_snapshot_json_says_of_anchors_is_what_their_proofs_say() {
    let said = |change: &dyn Fn(&mut SnapshotFile)| {
        let mut snapshot = SnapshotFile::parse(&bundle().files["snapshot.json"]).expect("one");
        change(&mut snapshot);
        with("snapshot.json", snapshot.to_bytes()).verify(&held(), None)
    };
    assert_eq!(said(&|_| {}).verdict, Verdict::Valid);
    let earlier = "2026-10-01T00:00:00Z".parse().expect("a time");
    for (what, checked) in [
        ("period", said(&|it| it.period = "2026-09".parse().expect("a month"))),
        ("anchored", said(&|it| it.anchored = false)),
        ("earlier", said(&|it| it.anchored_at = Some(earlier))),
        ("an anchor", said(&|it| it.anchors[0].anchored_at = Some(earlier))),
        ("a place", said(&|it| it.anchors[1].place = Some("00".repeat(32)))),
        ("a promise as final", said(&|it| it.anchors[2].anchored = true)),
        ("passed over", said(&|it| drop(it.anchors.remove(3)))),
        ("clouds", said(&|it| it.agreed_by = vec![Cloud::Gcp, Cloud::Aws])),
        ("differing", said(&|it| it.differing = vec![Cloud::Gcp])),
    ] {
        assert_eq!(wrong(&checked), BTreeSet::from(["snapshot.json"]), "{what}");
    }
}

#[test]
fn what_is_absent_is_said_with_its_reason() {
    let mut none = contents();
    none.anchors.clear();
    let bundle = none.bundle();
    let snapshot = SnapshotFile::parse(&bundle.files["snapshot.json"]).expect("one");
    assert!(!snapshot.anchored && snapshot.anchored_at.is_none() && snapshot.anchors.is_empty());
    let guide = String::from_utf8(bundle.files["VERIFY.md"].clone()).expect("text");
    assert!(
        guide.contains("| `root.tsq` `root.tsr` `authority.pem` | absent: this cloud does not")
    );
    let checked = bundle.verify(&held(), None);
    assert_eq!(checked.verdict, Verdict::Valid);
    assert!(checked.sentence.contains("rests on the clouds' word"), "{}", checked.sentence);
    let mut late = contents();
    late.anchors.get_mut(&Publisher::Ethereum).expect("one").proof = None;
    late.anchors.get_mut(&Publisher::Ethereum).expect("one").standing = "queued".to_owned();
    let guide = String::from_utf8(late.bundle().files["VERIFY.md"].clone()).expect("text");
    assert!(guide.contains("| `ethereum.json` | absent: queued |"), "{guide}");
}

#[test]
fn the_blocks_that_a_file_leads_to_are_named_by_number() {
    let whole = Places::of(&bundle().pack().expect("memory"));
    assert_eq!(whole.bitcoin, BTreeSet::from([206]));
    let block = held().block.expect("known").hash;
    let mined = whole.ethereum.clone().expect("anchored there");
    assert_eq!((mined.chain, mined.number, mined.block), (story::CHAIN, 21, block));
    let of = |name: &str| Places::of(&bundle().files[name]);
    assert_eq!(of("root.ots"), Places { ethereum: None, ..whole.clone() });
    assert_eq!(of("ethereum.json"), Places { bitcoin: BTreeSet::new(), ..whole });
    for name in ["root.tsr", "manifest.json", "attestations/aws/receipt.json"] {
        assert!(of(name).is_empty(), "{name}");
    }
}

#[test]
fn one_way_in_knows_every_form_and_says_what_it_does_not_know() {
    let file = |name: &str| bundle().files[name].clone();
    let hash = Stamped::Digest(manifest().hash().0.to_vec());
    for name in ["root.tsr", "ethereum.json", "root.ots", "attestations/aws/receipt.json"] {
        let checked = held().check(&file(name), Some(&hash));
        assert_eq!(Finding::of(&checked), Finding::Valid, "{name}: {checked:?}");
    }
    let proof = held().check(&file("attestations/aws/receipt.tlog-proof"), None);
    assert_eq!(Finding::of(&proof), Finding::Valid);
    let part = held().check(&file("snapshot.json"), None);
    assert!(matches!(part, Err(Unreadable::OtherForm(_))), "{part:?}");
    let none = held().check(b"PK\x03\x04", None);
    assert!(matches!(none, Err(Unreadable::Bundle(_))), "{none:?}");
}
