//! Proofs as bytes: cut off, changed, invented, nested too deep.

use domain::anchor::Defect;
use domain::anchor::bitcoin::Network;
use domain::anchor::ots::{ATTESTATIONS_MAX, FileHash, MAGIC, PATH_OPS_MAX, Proof, verify};
use domain::receipt::Verdict;
use proptest::prelude::*;

use super::{flips, headers};
use crate::fixtures;

const PENDING: &[u8] = b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e\x02\x01a";
const SHA256: u8 = 0x08;
const FORK: u8 = 0xff;

/// A proof of some digest that goes on like this.
fn proof(rest: &[u8]) -> Vec<u8> {
    [&MAGIC[..], &[1, SHA256], &[7; 32], rest].concat()
}

#[test]
fn no_proof_can_be_cut_off_anywhere_and_still_be_one() {
    let Some(folder) = fixtures::folder("ots") else { return };
    let files = fixtures::files(&folder, "ots");
    assert!(!files.is_empty());
    for file in files {
        let bytes = fixtures::read(&file);
        for length in 0..bytes.len() {
            assert!(Proof::parse(&bytes[..length]).is_err(), "{} cut at {length}", file.display());
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(Proof::parse(&longer).is_err(), "{} with a byte more", file.display());
    }
}

#[test]
fn no_changed_bit_of_a_finished_proof_leaves_it_valid() {
    let Some(folder) = fixtures::folder("ots") else { return };
    let headers = headers(&folder);
    let stamped = FileHash::Sha256.digest(&fixtures::read(&folder.join("hello-world.txt")));
    let bytes = fixtures::read(&folder.join("hello-world.txt.ots"));
    let verdict = |bytes: &[u8]| {
        let proof = Proof::parse(bytes).ok()?;
        Some(verify(&proof, Some(&stamped), &headers, Network::Mainnet).verdict)
    };
    assert_eq!(verdict(&bytes), Some(Verdict::Valid));
    for (at, changed) in flips(&bytes) {
        let is_valid = verdict(&changed) == Some(Verdict::Valid);
        assert!(!is_valid || messages(&changed) == messages(&bytes), "byte {at}");
    }
}

/// What the digest becomes on its way. An odd transaction is paired with itself in Bitcoin's tree,
/// so at one place of the example it is the same to append and to prepend.
fn messages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let proof = Proof::parse(bytes).expect("a proof");
    let mut messages = vec![proof.digest().to_vec()];
    for op in &proof.paths()[0].ops {
        let next = messages.last().map(|message| op.apply(message).expect("short enough"));
        messages.extend(next);
    }
    messages
}

#[test]
fn a_path_is_as_long_as_the_reference_allows_and_no_longer() {
    let path = |ops: usize| proof(&[vec![SHA256; ops], PENDING.to_vec()].concat());
    let longest = Proof::parse(&path(PATH_OPS_MAX)).expect("255 operations");
    assert_eq!(longest.paths()[0].ops.len(), PATH_OPS_MAX);
    let error = Proof::parse(&path(PATH_OPS_MAX + 1)).expect_err("256 operations");
    assert_eq!(error.what, Defect::TooDeep(PATH_OPS_MAX));
}

#[test]
fn attestations_are_counted_and_forks_are_kept_in_their_order() {
    let many = |count: usize| {
        proof(&[[&[FORK], PENDING].concat().repeat(count - 1), PENDING.to_vec()].concat())
    };
    let most = many(ATTESTATIONS_MAX);
    let parsed = Proof::parse(&most).expect("as many as are read");
    assert_eq!(parsed.paths().len(), ATTESTATIONS_MAX);
    assert_eq!(parsed.to_bytes(), most);
    assert!(Proof::parse(&many(ATTESTATIONS_MAX + 1)).is_err());
}

#[test]
fn what_the_reference_refuses_is_refused_at_its_byte() {
    let start = proof(&[]).len();
    for (rest, at, what) in [
        (&[0xf4][..], 0, Defect::Operation(0xf4)),
        (&[FORK, FORK], 1, Defect::Operation(FORK)),
        (&[0xf0, 0], 1, Defect::Length { found: 0, least: 1, most: 4096 }),
        (&[0xf1, 0x81, 0x20], 1, Defect::Length { found: 4097, least: 1, most: 4096 }),
        (b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e\x02\x01?", 11, Defect::Address(b'?')),
        (b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e\x03\x01aa", 12, Defect::Trailing(1)),
        (b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x00", 10, Defect::Truncated(1)),
        (b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x02\x80\x00", 10, Defect::Number),
    ] {
        let error = Proof::parse(&proof(rest)).expect_err("nothing that the reference reads");
        assert_eq!((error.at - start, error.what), (at, what), "{rest:02x?}");
    }
    // To append is an operation, but no hash of a file; Keccak-256 is both.
    let hashed = |tag: u8| [&MAGIC[..], &[1, tag], &[7; 32], PENDING].concat();
    assert_eq!(Proof::parse(&hashed(0xf0)).expect_err("no hash").what, Defect::FileHash(0xf0));
    let keccak = Proof::parse(&hashed(0x67)).expect("a hash");
    assert_eq!((keccak.hash(), keccak.to_bytes()), (FileHash::Keccak256, hashed(0x67)));
    let long = [vec![0xf0, 0xff, 0x1f], vec![1; 4095], PENDING.to_vec()].concat();
    assert!(matches!(
        Proof::parse(&proof(&long)).expect_err("32 + 4095 bytes").what,
        Defect::Message { operation: "append", .. }
    ));
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_written_again_as_they_were(
        rest in prop::collection::vec(prop_oneof![
            any::<u8>(), Just(SHA256), Just(FORK), Just(0xf0), Just(0xf3), Just(0), Just(1)
        ], 0..120),
        end in any::<bool>()
    ) {
        let rest = if end { [rest, PENDING.to_vec()].concat() } else { rest };
        let bytes = proof(&rest);
        if let Ok(parsed) = Proof::parse(&bytes) {
            prop_assert_eq!(parsed.to_bytes(), bytes);
            let checked = verify(&parsed, Some(&[7; 32]), &[], Network::Mainnet);
            prop_assert_ne!(checked.verdict, Verdict::Valid);
        }
        let _ = Proof::parse(&rest);
    }
}
