//! Two heads of one log: forks always prove guilt, one history never does.

use domain::cloud::Cloud;
use domain::evidence::{Evidence, Fork, Kind, NoFork, Prefix, against_signers_of};
use domain::key::KeyRole;
use domain::log::{Hash, Head, LogId};
use domain::note::{Note, SignatureLine};
use domain::receipt::{StepState, Verdict};
use proptest::prelude::*;
use serde_json::Value;

use super::house::{
    DEPLOYMENT, LOG, branch, cosigner, head_of, log_signer, note, note_of, policy, policy_of,
    prefix,
};

/// Both heads of a fork after `common` entries, the smaller first, with the larger one's beginning.
fn forked(common: u64, left: u64, right: u64) -> (Head, Head, Option<Prefix>) {
    let (smaller, larger) = (left.min(right), left.max(right));
    let (small, large) = (branch(1, common, smaller), branch(2, common, larger));
    let begins = (smaller < larger).then(|| prefix(&large, common + smaller));
    (head_of(&small), head_of(&large), begins)
}

fn verdicts(evidence: &Evidence) -> (Verdict, Verdict) {
    (evidence.verify(Some(&policy())).verdict, evidence.verify(None).verdict)
}

const PROVEN: (Verdict, Verdict) = (Verdict::Valid, Verdict::SelfConsistent);
const NOTHING: (Verdict, Verdict) = (Verdict::Invalid, Verdict::Invalid);

/// What somebody without keys can put together from two notes of one log key.
fn claim(first: &Note, second: &Note, prefix: Option<Prefix>) -> Evidence {
    let key = log_signer(DEPLOYMENT, LOG).name;
    Evidence::Equivocation(Fork {
        key,
        first: first.to_string(),
        second: second.to_string(),
        prefix,
    })
}

#[test]
fn an_origin_that_signed_two_roots_of_one_size_is_proven_guilty() {
    let (first, second, _) = forked(3, 2, 2);
    let found = against_signers_of(&note(first, &[]), &note(second, &[]), None, &policy());
    let [evidence] = &found.expect("a fork")[..] else { panic!("one key is enough") };
    assert_eq!(verdicts(evidence), PROVEN);
    let checked = evidence.verify(Some(&policy()));
    assert_eq!(checked.sentence, "Proven: gcp's log key signed two different histories of gcp/1.");
    let open = evidence.verify(None);
    assert!(open.sentence.starts_with("Self-consistent: whoever holds this key"), "{open:?}");
    assert_eq!(open.steps.last().map(|step| step.state), Some(StepState::Unidentified));
    let proven = evidence.clone().prove(&policy()).expect("proven");
    assert_eq!((proven.cloud(), proven.role(), proven.log()), (Cloud::Gcp, KeyRole::Log, LOG));
    assert_eq!((proven.places(), proven.id()), ((5, 5), evidence.id()));
}

#[test]
fn whoever_confirmed_both_histories_is_blamed_too_and_who_confirmed_one_is_not() {
    let (first, second, begins) = forked(4, 1, 6);
    let signed = [note(first, &[Cloud::Aws, Cloud::Azure]), note(second, &[Cloud::Aws])];
    let found = against_signers_of(&signed[0], &signed[1], begins.as_ref(), &policy());
    let found = found.expect("a fork");
    let blamed: Vec<_> = found
        .iter()
        .map(|evidence| {
            let proven = evidence.clone().prove(&policy()).expect("proven");
            (evidence.kind(), proven.cloud(), proven.sentence().to_owned())
        })
        .collect();
    let told =
        |whose: &str| format!("Proven: {whose} key signed two different histories of gcp/1.");
    assert_eq!(
        blamed,
        [
            (Kind::Equivocation, Cloud::Gcp, told("gcp's log")),
            (Kind::DoubleCosignature, Cloud::Aws, told("aws's cosigner")),
        ]
    );
    assert!(!found[0].to_value().to_string().contains("cosigner"), "lines of others are left out");
}

#[test]
fn the_origins_cosigner_key_is_enough_where_the_logs_own_signature_is_missing() {
    let (first, second, _) = forked(0, 1, 1);
    let without = |head| {
        let mut note = note(head, &[]);
        note.signatures.remove(0);
        note
    };
    let found = against_signers_of(&without(first), &without(second), None, &policy());
    let [evidence] = &found.expect("a fork")[..] else { panic!("one record") };
    let proven = evidence.clone().prove(&policy()).expect("proven");
    assert_eq!((evidence.kind(), proven.role()), (Kind::Equivocation, KeyRole::Cosigner));
}

#[test]
fn the_same_fork_gives_the_same_record_whoever_finds_it() {
    let (first, second, _) = forked(2, 3, 3);
    let one = against_signers_of(&note(first, &[]), &note(second, &[Cloud::Aws]), None, &policy());
    let other =
        against_signers_of(&note(second, &[]), &note(first, &[Cloud::Azure]), None, &policy());
    assert_eq!(one.expect("a fork")[0].id(), other.expect("a fork")[0].id());
}

#[test]
fn without_a_fork_or_a_signer_of_both_there_is_no_record_and_the_reason_is_named() {
    let (small, large) = (branch(1, 0, 4), branch(1, 0, 9));
    let (first, second) = (note(head_of(&small), &[]), note(head_of(&large), &[]));
    let honest = prefix(&large, 4);
    let none = |first: &Note, second: &Note, prefix| {
        against_signers_of(first, second, prefix, &policy()).expect_err("nothing to blame")
    };
    assert_eq!(none(&first, &second, Some(&honest)), NoFork::NotShown);
    assert_eq!(none(&first, &second, None), NoFork::NotShown);
    assert_eq!(none(&second, &first, Some(&honest)), NoFork::Order);
    let elsewhere = note_of(DEPLOYMENT, LogId { epoch: 2, ..LOG }, head_of(&large), &[]);
    assert_eq!(none(&first, &elsewhere, Some(&honest)), NoFork::TwoLogs);
    let text = Note { text: "no checkpoint\n".to_owned(), ..first.clone() };
    assert_eq!(none(&text, &second, None), NoFork::NotACheckpoint);
    let (left, right, _) = forked(1, 1, 1);
    let signed_by = |head, cloud| {
        let mut note = note(head, &[cloud]);
        note.signatures.drain(..2);
        note
    };
    let (aws, azure) = (signed_by(left, Cloud::Aws), signed_by(right, Cloud::Azure));
    assert_eq!(none(&aws, &azure, None), NoFork::NobodySignedBoth);
}

#[test]
fn nobody_is_framed_with_what_anybody_can_write() {
    let (first, second, begins) = forked(5, 2, 7);
    let (good, other) = (note(first, &[Cloud::Aws]), note(second, &[Cloud::Azure]));
    assert_eq!(verdicts(&claim(&good, &other, begins.clone())), PROVEN);
    let begins = begins.expect("two sizes");
    let honest = note(Head { root: begins.root, ..first }, &[]);
    let unsigned = Note { signatures: Vec::new(), ..other.clone() };
    let pasted = Note { text: other.text.clone(), ..good.clone() };
    let elsewhere = |log| note_of(DEPLOYMENT, log, second, &[]);
    let edit = |change: fn(&mut Prefix)| {
        let mut begins = begins.clone();
        change(&mut begins);
        Some(begins)
    };
    for (what, evidence) in [
        ("the same head twice", claim(&good, &good, None)),
        ("one head, signed again later", claim(&good, &signed_later(&good), None)),
        ("a head and what continues it", claim(&honest, &other, Some(begins.clone()))),
        ("two sizes without a proof", claim(&good, &other, None)),
        ("swapped heads", claim(&other, &good, Some(begins.clone()))),
        ("a truncated proof", claim(&good, &other, edit(|begins| begins.proof.truncate(2)))),
        ("an empty proof", claim(&good, &other, edit(|begins| begins.proof.clear()))),
        ("a longer proof", claim(&good, &other, edit(|begins| begins.proof.push(Hash([1; 32]))))),
        ("an invented beginning", claim(&good, &other, edit(|begins| begins.root = Hash([1; 32])))),
        ("a second head that nobody signed", claim(&good, &unsigned, Some(begins.clone()))),
        ("a signature pasted under another head", claim(&good, &pasted, Some(begins.clone()))),
        (
            "another epoch",
            claim(&good, &elsewhere(LogId { epoch: 2, ..LOG }), Some(begins.clone())),
        ),
        (
            "another cloud's log",
            claim(&good, &elsewhere(LogId { origin: Cloud::Aws, ..LOG }), Some(begins.clone())),
        ),
        (
            "another deployment's log",
            claim(&good, &note_of("other.example", LOG, second, &[]), Some(begins.clone())),
        ),
    ] {
        assert_eq!(verdicts(&evidence), NOTHING, "{what}");
        assert!(evidence.prove(&policy()).is_err(), "{what}");
    }
}

/// The same head under a cosignature of another second: no second statement.
fn signed_later(note: &Note) -> Note {
    let later = cosigner(DEPLOYMENT, Cloud::Gcp);
    let line = SignatureLine::cosign(&note.text, 1_763_999_999, &later.name, &later.key);
    let mut again = note.clone();
    again.signatures[1] = line;
    again
}

#[test]
fn a_key_is_blamed_for_its_own_part_only() {
    let (first, second, begins) = forked(5, 2, 7);
    let notes = [note(first, &[Cloud::Aws]), note(second, &[Cloud::Aws])];
    let fork = |key| Fork {
        key,
        first: notes[0].to_string(),
        second: notes[1].to_string(),
        prefix: begins.clone(),
    };
    let aws = cosigner(DEPLOYMENT, Cloud::Aws).name;
    let gcp = cosigner(DEPLOYMENT, Cloud::Gcp).name;
    assert_eq!(verdicts(&Evidence::DoubleCosignature(fork(aws.clone()))), PROVEN);
    assert_eq!(verdicts(&Evidence::Equivocation(fork(aws))), NOTHING, "aws does not write it");
    assert_eq!(verdicts(&Evidence::DoubleCosignature(fork(gcp.clone()))), NOTHING);
    assert_eq!(verdicts(&Evidence::Equivocation(fork(gcp))), PROVEN);
    let azure = cosigner(DEPLOYMENT, Cloud::Azure).name;
    assert_eq!(verdicts(&Evidence::DoubleCosignature(fork(azure))), NOTHING, "it signed neither");
    let stranger = cosigner("other.example", Cloud::Aws).name;
    assert_eq!(verdicts(&Evidence::DoubleCosignature(fork(stranger))), NOTHING);
}

#[test]
fn a_strangers_key_proves_nothing_about_the_clouds_of_the_policy() {
    let (first, second, _) = forked(5, 2, 2);
    // A deployment of the same name whose keys the stranger made, and one of another name.
    let invented = |head| {
        let text = note(head, &[]).text;
        let key = domain::key::SigningKey::from_seed([99; 32]);
        let name = domain::key::NoteKey::new(
            &LOG.name(DEPLOYMENT),
            domain::key::NoteAlgorithm::Ed25519,
            key.public(),
        );
        let line = SignatureLine::sign(&text, &name.clone().expect("a name"), &key);
        (Note { text, signatures: vec![line] }, name.expect("a name"))
    };
    let ((one, key), (two, _)) = (invented(first), invented(second));
    let evidence = Evidence::Equivocation(Fork {
        key,
        first: one.to_string(),
        second: two.to_string(),
        prefix: None,
    });
    assert_eq!(verdicts(&evidence), (Verdict::Invalid, Verdict::SelfConsistent));
    let other = "other.example";
    let notes = [note_of(other, LOG, first, &[]), note_of(other, LOG, second, &[])];
    let theirs = against_signers_of(&notes[0], &notes[1], None, &policy_of(other));
    assert_eq!(verdicts(&theirs.expect("theirs")[0]), (Verdict::Invalid, Verdict::SelfConsistent));
}

#[test]
fn every_change_of_a_record_is_refused_or_invalid() {
    let (first, second, begins) = forked(5, 2, 7);
    let evidence = claim(&note(first, &[]), &note(second, &[]), begins);
    // Only the line that counts: others may be changed without harm.
    let Evidence::Equivocation(fork) = &evidence else { panic!("an equivocation") };
    let only = |text: &str| {
        let mut note = Note::parse(text).expect("a note");
        note.signatures.truncate(1);
        note.to_string()
    };
    let evidence = Evidence::Equivocation(Fork {
        first: only(&fork.first),
        second: only(&fork.second),
        ..fork.clone()
    });
    assert_eq!(verdicts(&evidence), PROVEN);
    let mut refused = 0;
    for place in ["/key", "/first", "/second", "/prefix/root", "/prefix/proof/0", "/prefix/proof/2"]
    {
        let value = evidence.to_value();
        let text = value.pointer(place).and_then(Value::as_str).expect("a text").to_owned();
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let after = text[at..].chars().next().map_or(0, char::len_utf8);
            let changed = format!("{}0{}", &text[..at], &text[at + after..]);
            let mut value = value.clone();
            *value.pointer_mut(place).expect("a place") = Value::from(changed);
            match Evidence::parse(value.to_string().as_bytes()) {
                Ok(read) if read == evidence => {}
                Ok(read) => {
                    refused += 1;
                    assert_eq!(verdicts(&read).0, Verdict::Invalid, "{place} at {at}");
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 500, "only {refused} changes");
}

proptest! {
    #[test]
    fn a_fork_always_proves_its_signer_guilty(
        common in 0u64..40, left in 1u64..40, right in 1u64..40,
    ) {
        let (first, second, begins) = forked(common, left, right);
        let notes = [note(first, &[]), note(second, &[Cloud::Aws])];
        let found = against_signers_of(&notes[0], &notes[1], begins.as_ref(), &policy());
        let found = found.expect("a fork");
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(verdicts(&found[0]), PROVEN);
    }

    #[test]
    fn one_history_never_does_whatever_proof_is_put_beside_it(
        larger in 1u64..60, pick: prop::sample::Index, other: prop::sample::Index,
        claimed: prop::sample::Index, edit in 0usize..5, at: prop::sample::Index, bit in 0usize..256,
    ) {
        let leaves = branch(1, 0, larger);
        let size = pick.index(leaves.len()) as u64 + 1;
        let (first, second) = (head_of(&leaves[..size as usize]), head_of(&leaves));
        // Any root that stands anywhere, or an invented one; any proof of this tree, edited.
        let root_of = claimed.index(leaves.len() + 2);
        let root = match leaves.get(root_of) {
            Some(leaf) if bit % 2 == 0 => leaf.0,
            Some(_) => head_of(&leaves[..=root_of]).root,
            None => Hash([u8::try_from(bit % 256).expect("below 256"); 32]),
        };
        let mut proof = prefix(&leaves, other.index(leaves.len()) as u64 + 1).proof;
        match edit {
            0 => {}
            1 => proof.truncate(proof.len().saturating_sub(1)),
            2 => proof.push(root),
            3 => proof = prefix(&leaves, size).proof,
            _ => if let Some(hash) = (!proof.is_empty()).then(|| at.index(proof.len())) {
                proof[hash].0[bit / 8] ^= 1 << (bit % 8);
            },
        }
        let notes = [note(first, &Cloud::ALL[1..]), note(second, &Cloud::ALL[1..])];
        for prefix in [None, Some(Prefix { root, proof })] {
            prop_assert_eq!(verdicts(&claim(&notes[0], &notes[1], prefix.clone())), NOTHING);
            prop_assert!(against_signers_of(&notes[0], &notes[1], prefix.as_ref(), &policy()).is_err());
        }
    }
}
