//! Time stamps made by openssl: an RSA authority with its own certificate, an ECDSA one with a
//! chain that is not in the order of a SET.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::anchor::Defect;
use domain::anchor::rfc3161::{Certificate, HashAlgorithm, Request, TimeStamp, verify};
use domain::receipt::{StepState, Verdict, Verification};
use proptest::prelude::*;

use super::flips;
use crate::fixtures;

/// One authority's files.
struct Case {
    folder: PathBuf,
}

fn cases() -> Vec<Case> {
    let Some(folder) = fixtures::folder("rfc3161") else { return Vec::new() };
    let answers = fixtures::files(&folder, "tsr");
    assert!(!answers.is_empty(), "{} holds no time stamps", folder.display());
    let folders = answers.iter().filter_map(|file| file.parent());
    folders.map(|folder| Case { folder: folder.to_owned() }).collect()
}

impl Case {
    fn read(&self, name: &str) -> Vec<u8> {
        fixtures::read(&self.folder.join(name))
    }

    fn name(&self) -> String {
        self.folder.display().to_string()
    }

    fn certificate(&self, name: &str) -> Certificate {
        let text = String::from_utf8(self.read(name)).expect("PEM");
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        Certificate::parse(&BASE64.decode(body).expect("base64")).expect("a certificate")
    }

    fn stamp(&self) -> TimeStamp {
        TimeStamp::parse(&self.read("resp.tsr")).expect("a time stamp")
    }

    fn digest(&self, name: &str) -> Vec<u8> {
        self.stamp().hash().digest(&self.read(name))
    }

    /// The verdict on the genuine stamp, with this data and these roots.
    fn check(&self, data: Option<&str>, roots: &[Certificate]) -> Verification {
        let digest = data.map(|name| self.digest(name));
        verify(&self.stamp(), digest.as_deref(), None, roots)
    }
}

fn failed(checked: &Verification) -> Vec<&str> {
    let steps = checked.steps.iter().filter(|step| step.state == StepState::Invalid);
    steps.map(|step| step.title.as_str()).collect()
}

#[test]
fn a_stamp_of_this_data_by_a_trusted_authority_is_valid() {
    for case in cases() {
        let checked = case.check(Some("data.txt"), &[case.certificate("ca.crt")]);
        assert_eq!(checked.verdict, Verdict::Valid, "{}: {checked:#?}", case.name());
        assert!(checked.steps.iter().all(|step| step.state == StepState::Valid));
        for part in [&case.stamp().time().to_string(), &case.certificate("tsa.crt").subject()] {
            assert!(checked.sentence.contains(part), "{}", checked.sentence);
        }
    }
}

#[test]
fn other_data_is_not_what_was_stamped() {
    for case in cases() {
        let checked = case.check(Some("tampered.txt"), &[case.certificate("ca.crt")]);
        let step = "The data's digest is the one that was stamped";
        assert_eq!((checked.verdict, failed(&checked)), (Verdict::Invalid, vec![step]));
    }
}

#[test]
fn without_data_or_without_a_trusted_authority_the_verdict_is_not_green() {
    for case in cases() {
        let checked = case.check(None, &[case.certificate("ca.crt")]);
        assert_eq!(checked.verdict, Verdict::SelfConsistent);
        assert!(checked.sentence.contains("no data was given"), "{}", checked.sentence);
        let checked = case.check(Some("data.txt"), &[]);
        assert_eq!(checked.verdict, Verdict::SelfConsistent);
        assert!(checked.sentence.contains("no certificate"), "{}", checked.sentence);
    }
}

#[test]
fn an_authority_that_others_trust_is_not_one_that_i_trust() {
    let cases = cases();
    for (case, other) in cases.iter().zip(cases.iter().rev()).filter(|(a, b)| a.folder != b.folder)
    {
        let checked = case.check(Some("data.txt"), &[other.certificate("ca.crt")]);
        assert_eq!(checked.verdict, Verdict::Invalid, "{}", case.name());
        assert_eq!(failed(&checked).len(), 1, "{checked:#?}");
        assert!(failed(&checked)[0].starts_with("The authority is vouched for"), "{checked:#?}");
        let both = [other.certificate("ca.crt"), case.certificate("ca.crt")];
        assert_eq!(case.check(Some("data.txt"), &both).verdict, Verdict::Valid);
    }
}

#[test]
fn the_authoritys_own_certificate_may_be_trusted_directly() {
    for case in cases() {
        let checked = case.check(Some("data.txt"), &[case.certificate("tsa.crt")]);
        assert_eq!(checked.verdict, Verdict::Valid, "{checked:#?}");
    }
}

#[test]
fn the_bare_token_is_checked_as_the_response_is() {
    for case in cases() {
        let token = TimeStamp::parse(&case.read("token.der")).expect("a token");
        assert_eq!(token, case.stamp());
    }
}

#[test]
fn a_stamp_answers_its_own_request_and_no_other() {
    let cases = cases();
    for (case, other) in cases.iter().zip(cases.iter().rev()).filter(|(a, b)| a.folder != b.folder)
    {
        let roots = [case.certificate("ca.crt")];
        let request = |case: &Case| Request::parse(&case.read("req.tsq")).expect("a request");
        let check = |request: &Request| verify(&case.stamp(), None, Some(request), &roots);
        assert_eq!(check(&request(case)).verdict, Verdict::Valid);
        let checked = check(&request(other));
        assert_eq!((checked.verdict, failed(&checked).len()), (Verdict::Invalid, 2));
        let digest = case.digest("tampered.txt");
        let both = verify(&case.stamp(), Some(&digest), Some(&request(case)), &roots);
        assert_eq!(both.verdict, Verdict::Invalid, "asked for something else");
    }
}

#[test]
fn a_refusal_is_no_time_stamp_and_says_its_status() {
    let refusal = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02];
    let error = TimeStamp::parse(&refusal).expect_err("a refusal");
    assert_eq!(error.what, Defect::Refused(2));
}

/// Where bytes stand that nobody signed and that no step reads: certificates that the chain does
/// not need, because the verifier brought them.
fn spare(case: &Case, bytes: &[u8]) -> Option<std::ops::Range<usize>> {
    let brought = case.certificate("ca.crt");
    let at = bytes.windows(brought.der().len()).position(|window| window == brought.der())?;
    Some(at..at + brought.der().len())
}

#[test]
fn no_changed_bit_of_a_stamp_leaves_it_valid() {
    for case in cases() {
        let (roots, digest) = ([case.certificate("ca.crt")], case.digest("data.txt"));
        let bytes = case.read("resp.tsr");
        let spare = spare(&case, &bytes);
        // Every third bit, so that every byte is changed in two or three ways.
        for (at, changed) in flips(&bytes).step_by(3) {
            let Ok(stamp) = TimeStamp::parse(&changed) else { continue };
            let verdict = verify(&stamp, Some(&digest), None, &roots).verdict;
            let is_spare = spare.as_ref().is_some_and(|spare| spare.contains(&at));
            assert!(verdict != Verdict::Valid || is_spare, "{} byte {at}", case.name());
        }
    }
}

/// Where the key itself stands in a certificate: behind the head of a point of P-256, or of an RSA
/// modulus of 2048 bits.
fn key(certificate: &[u8]) -> std::ops::Range<usize> {
    const POINT: &[u8] = &[0x03, 0x42, 0x00, 0x04];
    const MODULUS: &[u8] = &[0x02, 0x82, 0x01, 0x01, 0x00];
    let behind = |head: &[u8], bytes: usize| {
        let at = certificate.windows(head.len()).position(|window| window == head)? + head.len();
        Some(at..at + bytes)
    };
    behind(POINT, 64).or(behind(MODULUS, 256)).expect("a key of one of the two kinds")
}

#[test]
fn a_trusted_certificate_of_the_same_name_with_another_key_does_not_vouch() {
    for case in cases() {
        let (stamp, digest) = (case.stamp(), case.digest("data.txt"));
        let genuine = case.certificate("ca.crt");
        let key = key(genuine.der());
        for (at, changed) in flips(genuine.der()).filter(|(at, _)| key.contains(at)) {
            let root = Certificate::parse(&changed).expect("the form is unchanged");
            assert_eq!(root.subject(), genuine.subject());
            let verdict = verify(&stamp, Some(&digest), None, &[root]).verdict;
            assert_eq!(verdict, Verdict::Invalid, "{} byte {at}", case.name());
        }
    }
}

#[test]
fn no_stamp_can_be_cut_off_anywhere() {
    for case in cases() {
        for name in ["resp.tsr", "token.der"] {
            let bytes = case.read(name);
            for length in 0..bytes.len() {
                assert!(TimeStamp::parse(&bytes[..length]).is_err(), "{name} cut at {length}");
            }
            assert!(TimeStamp::parse(&[&bytes[..], &[0]].concat()).is_err());
        }
        let request = case.read("req.tsq");
        for length in 0..request.len() {
            assert!(Request::parse(&request[..length]).is_err(), "request cut at {length}");
        }
    }
}

/// The project's own stamps, each made for one rule; the folder's name says what must come out.
fn own_stamps() -> Vec<(String, PathBuf)> {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let folder = std::env::var_os("TERNION_VECTORS").map_or_else(own, PathBuf::from);
    let files = fixtures::files(&folder.join("rfc3161"), "tsr");
    let named = files.into_iter().filter_map(|file| {
        let folder = file.parent()?;
        Some((folder.file_name()?.to_str()?.to_owned(), folder.to_owned()))
    });
    named.collect()
}

#[test]
fn each_rule_for_authorities_is_kept() {
    let stamps = own_stamps();
    assert!(!stamps.is_empty(), "no stamps");
    for (name, folder) in stamps {
        let root = Certificate::parse(&fixtures::read(&folder.join("root.der"))).expect("a root");
        let Ok(stamp) = TimeStamp::parse(&fixtures::read(&folder.join("resp.tsr"))) else {
            assert!(name.starts_with("unreadable-"), "{name}");
            continue;
        };
        let digest = stamp.hash().digest(b"what was there\n");
        let checked = verify(&stamp, Some(&digest), None, &[root]);
        let expected = name.split('-').next().expect("a verdict");
        assert_eq!(checked.verdict.to_string(), expected, "{name}: {checked:#?}");
        // Each was made to break one rule, and must not fail for another.
        let count = usize::from(expected == "invalid");
        assert_eq!(failed(&checked).len(), count, "{name}: {:?}", failed(&checked));
    }
}

#[test]
fn every_hash_gives_what_its_standard_says() {
    for (hash, start) in [
        (HashAlgorithm::Sha1, "a9993e36"),
        (HashAlgorithm::Sha256, "ba7816bf"),
        (HashAlgorithm::Sha384, "cb00753f"),
        (HashAlgorithm::Sha512, "ddaf35a1"),
    ] {
        assert_eq!(hex::encode(&hash.digest(b"abc")[..4]), start, "{hash}");
    }
}

proptest! {
    #[test]
    fn bytes_that_are_no_time_stamp_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(TimeStamp::parse(&bytes).is_err());
        prop_assert!(Certificate::parse(&bytes).is_err());
        prop_assert!(Request::parse(&bytes).is_err());
        let length = [0x30, 0x82, (bytes.len() >> 8) as u8, bytes.len() as u8];
        prop_assert!(TimeStamp::parse(&[&length, bytes.as_slice()].concat()).is_err());
    }
}
