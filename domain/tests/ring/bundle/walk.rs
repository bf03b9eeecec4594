//! From one event up to the chain: each link that does not fit is named.

use domain::bundle::{Bundle, COVERING_FORMAT, Contents, Covering, Stretch, Walk, Walked};
use domain::cloud::Cloud;
use domain::log::{Hash, Leaf, LogId, plan};
use domain::receipt::{Receipt, StepState, Verdict};
use domain::snapshot::Manifest;
use domain::verifier::Held;
use serde_json::json;

use super::story::{self, held};
use crate::evidence::house;

/// Leaves of gcp's log at the cut: the event's comes first, as in its receipt.
const LEAVES: u8 = 7;

fn event() -> Receipt {
    story::receipt(Cloud::Gcp, &json!({ "kind": "usage", "inputTokens": 3 }))
}

fn leaves() -> Vec<Leaf> {
    let receipt = event();
    let first = domain::event::leaf(receipt.slot, receipt.event.hash);
    std::iter::once(first).chain((1..LEAVES).map(|at| Leaf::of(&[at]))).collect()
}

/// The story's snapshot, over a log that holds the event.
fn covering_manifest() -> Manifest {
    let mut manifest = story::manifest();
    manifest.cut[0].root = house::head_of(&leaves()).root;
    manifest
}

fn bundle() -> Bundle {
    let contents = story::contents();
    let manifest = covering_manifest();
    let attestations = Cloud::ALL.map(|cloud| (cloud, story::attestation_of(cloud, &manifest)));
    let bitcoin = story::bitcoin(manifest.hash());
    let anchors = [(domain::anchor::Publisher::Bitcoin, bitcoin)].into();
    Contents { manifest, attestations: attestations.into(), anchors, ..contents }.bundle()
}

fn covering() -> Covering {
    let leaves = leaves();
    let plan = plan::inclusion(0, u64::from(LEAVES)).expect("within");
    let proof = plan.assemble(|node| {
        let first = usize::try_from(node.first_leaf()).ok()?;
        let count = usize::try_from(node.leaf_count()).ok()?;
        Some(house::head_of(leaves.get(first..first + count)?).root)
    });
    Covering {
        format: COVERING_FORMAT.to_owned(),
        number: 1,
        period: "2026-10".parse().expect("a month"),
        log: LogId { origin: Cloud::Gcp, epoch: 1 }.to_string(),
        size: u64::from(LEAVES),
        proof: proof.expect("all leaves are there"),
    }
}

fn own() -> Held {
    let hash = covering_manifest().hash();
    Held { headers: vec![story::known_header(hash)], ..held() }
}

fn walked(receipt: &Receipt, covering: &Covering, bundle: &Bundle, held: &Held) -> Walked {
    Walk { receipt, covering, bundle }.verify(held, None)
}

fn wrong(walked: &Walked, stretch: Stretch) -> usize {
    let steps = walked.stretches.iter().filter(|(it, _)| *it == stretch).flat_map(|(_, it)| it);
    steps.filter(|step| step.state == StepState::Invalid).count()
}

#[test]
fn an_event_leads_to_a_chain_step_by_step() {
    let walked = walked(&event(), &covering(), &bundle(), &own());
    assert_eq!(walked.whole.verdict, Verdict::Valid, "{}", walked.whole.sentence);
    assert!(walked.whole.sentence.contains("it existed no later than"), "{:?}", walked.whole);
    let counts = walked.stretches.iter().map(|(stretch, steps)| (*stretch, steps.len()));
    let counts: Vec<_> = counts.collect();
    assert_eq!(counts.len(), 3);
    assert!(counts.iter().all(|(_, steps)| *steps > 0), "{counts:?}");
    assert_eq!(walked.whole.steps.len(), counts.iter().map(|(_, steps)| steps).sum::<usize>());
}

#[test]
fn with_nothing_of_ones_own_the_way_is_whole_and_each_word_is_named() {
    let bare = Held { network: own().network, chain: own().chain, ..Held::default() };
    let walked = walked(&event(), &covering(), &bundle(), &bare);
    assert_eq!(walked.whole.verdict, Verdict::SelfConsistent, "{}", walked.whole.sentence);
    for word in ["leads to the snapshot", "policy file", "Bitcoin's chain"] {
        assert!(walked.whole.sentence.contains(word), "{word}: {}", walked.whole.sentence);
    }
}

#[test]
fn what_does_not_fit_is_named_where_it_parts() {
    let mut changed = event();
    changed.event.payload = Some(json!({ "kind": "usage", "inputTokens": 30 }));
    let told = walked(&changed, &covering(), &bundle(), &own());
    assert_eq!((wrong(&told, Stretch::Event), wrong(&told, Stretch::Snapshot)), (1, 0));

    let other = story::receipt(Cloud::Gcp, &json!({ "kind": "usage", "inputTokens": 30 }));
    let told = walked(&other, &covering(), &bundle(), &own());
    assert_eq!((wrong(&told, Stretch::Event), wrong(&told, Stretch::Snapshot)), (0, 1));

    let mut elsewhere = event();
    elsewhere.slot.sequence = u64::from(LEAVES);
    assert_eq!(wrong(&walked(&elsewhere, &covering(), &bundle(), &own()), Stretch::Snapshot), 2);

    for bad in [
        Covering { size: 6, ..covering() },
        Covering { log: "aws/1".to_owned(), ..covering() },
        Covering { proof: vec![Hash([0; 32]); 3], ..covering() },
        Covering { proof: vec![Hash([0; 32]); 100], ..covering() },
    ] {
        let told = walked(&event(), &bad, &bundle(), &own());
        assert_eq!(told.whole.verdict, Verdict::Invalid, "{bad:?}");
        assert!(wrong(&told, Stretch::Snapshot) > 0 && wrong(&told, Stretch::Event) == 0);
    }

    let another = story::contents().bundle();
    let told = walked(&event(), &covering(), &another, &held());
    assert_eq!(wrong(&told, Stretch::Snapshot), 1, "{}", told.whole.sentence);
}

#[test]
fn a_covering_reads_back_and_nothing_else_is_one() {
    let text = serde_json::to_vec(&covering()).expect("it serializes");
    assert_eq!(Covering::parse(&text), Ok(covering()));
    let text = String::from_utf8(text).expect("text");
    for other in [
        text.replace("covering/v1", "covering/v2"),
        text.replace("\"size\":7", "\"size\":7,\"size\":8"),
        text.replace("\"size\":7", "\"more\":7"),
        "{}".to_owned(),
        String::new(),
    ] {
        assert!(Covering::parse(other.as_bytes()).is_err(), "{other}");
    }
}
