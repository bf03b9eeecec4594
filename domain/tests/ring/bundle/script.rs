//! `verify.sh`, run as an auditor runs it, on bundles that were forged with `openssl` itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::bundle::Bundle;
use domain::cloud::Cloud;
use sha2::{Digest as _, Sha256};

use super::{bundle, with, with_sums};
use crate::evidence::house;

/// Of the fixed beginning of an Ed25519 key in DER, before its 32 bytes.
const DER_HEAD_BYTES: usize = 12;

/// A folder that goes with the test.
struct Desk(PathBuf);

impl Desk {
    /// `None` where `openssl` is missing or older than the script asks for.
    fn new(name: &str) -> Option<Self> {
        let version = Command::new("openssl").arg("version").output().ok();
        let version = version.map(|ran| String::from_utf8_lossy(&ran.stdout).into_owned());
        if version.is_none_or(|text| !text.starts_with("OpenSSL 3")) {
            eprintln!("SKIPPED: openssl 3 is not installed");
            return None;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bundle-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Some(Desk(folder))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(&path, bytes).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    }

    fn openssl(&self, arguments: &[&str]) {
        let ran = Command::new("openssl").args(arguments).current_dir(&self.0).output();
        let ran = ran.expect("openssl runs");
        assert!(ran.status.success(), "{arguments:?}: {ran:?}");
    }

    /// How the script ends for this bundle with the auditor's own policy file, and what it prints.
    fn verify(&self, bundle: &Bundle, ots: &str) -> (i32, String) {
        self.verify_with(bundle, ots, &[])
    }

    fn verify_with(&self, bundle: &Bundle, ots: &str, more: &[&str]) -> (i32, String) {
        let audit = self.0.join("audit");
        let _ = fs::remove_dir_all(&audit);
        for (name, bytes) in &bundle.files {
            self.put(&format!("audit/{name}"), bytes);
        }
        let policy = self.put("own.policy", house::policy().to_string().as_bytes());
        let mut script = Command::new("sh");
        script.arg(audit.join("verify.sh")).args(["-p", &policy]).args(more).env("OTS", ots);
        let ran = script.output().expect("sh runs");
        let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        (ran.status.code().expect("it ends by itself"), said)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const NO_OTS: &str = "no-such-program";

#[test]
fn as_packed_nothing_is_wrong_and_what_has_no_place_is_open() {
    let Some(desk) = Desk::new("as-packed") else { return };
    let (code, text) = desk.verify(&bundle(), NO_OTS);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("no part of a bundle;"), "{text}");
    assert!(text.contains("open   VERIFY.md: its words, and those of verify.sh"), "{text}");
    let more = with("keys/other.pem", "anything");
    let (code, text) = desk.verify(&more, NO_OTS);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("open   keys/other.pem: no part of a bundle; nothing is"), "{text}");
}

#[test]
fn asked_strictly_the_exit_code_says_that_something_rests_on_the_bundles_word() {
    let Some(desk) = Desk::new("strict") else { return };
    let (code, text) = desk.verify_with(&bundle(), NO_OTS, &["-s"]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("open   authority.pem:") && !text.contains("open   keys:"), "{text}");
    assert!(text.trim_end().ends_with("(1 of them): that is no proof to you yet."), "{text}");
    let own = desk.put("own.pem", &bundle().files["authority.pem"]);
    let (code, text) = desk.verify_with(&bundle(), NO_OTS, &["-s", "-a", &own]);
    assert_eq!(code, 0, "{text}");
}

/// The 32 bytes of the key that signed for the cloud.
fn key_of(cloud: Cloud) -> Vec<u8> {
    let pem = String::from_utf8(bundle().files[&format!("keys/{cloud}.pem")].clone());
    let pem = pem.expect("text");
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = BASE64.decode(body).expect("base64");
    der[DER_HEAD_BYTES..].to_vec()
}

#[test]
fn a_key_that_only_ends_like_an_ed25519_key_of_the_policy_signs_for_nobody() {
    let Some(desk) = Desk::new("keys") else { return };
    // A public exponent is odd.
    let is_odd = |cloud: &Cloud| key_of(*cloud)[31] & 1 == 1;
    let cloud = Cloud::ALL.into_iter().find(is_odd).expect("a key that could be an exponent");
    let exponent = format!("rsa_keygen_pubexp:0x{}", hex::encode(key_of(cloud)));
    let bits = "rsa_keygen_bits:2048";
    let make = ["genpkey", "-algorithm", "RSA", "-pkeyopt", bits, "-pkeyopt", &exponent];
    desk.openssl(&[&make[..], &["-out", "rsa.pem"]].concat());
    desk.openssl(&["pkey", "-in", "rsa.pem", "-pubout", "-out", "rsa.pub"]);
    let folder = format!("attestations/{cloud}");
    let metadata = &bundle().files[&format!("{folder}/metadata.json")];
    let event = Sha256::digest([b"ternion/event/v1\n", &metadata[..]].concat());
    desk.put("message", &[b"ternion/event-signature/v1\n", &event[..]].concat());
    let sign = ["pkeyutl", "-sign", "-rawin", "-inkey", "rsa.pem", "-in", "message"];
    desk.openssl(&[&sign[..], &["-out", "signature"]].concat());
    let read = |name: &str| fs::read(desk.0.join(name)).expect("a file");
    let mut forged = with(&format!("keys/{cloud}.pem"), read("rsa.pub"));
    forged.files.insert(format!("{folder}/signature"), read("signature"));
    let (code, text) = desk.verify(&with_sums(forged), NO_OTS);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(&format!("WRONG  keys/{cloud}.pem: it is no Ed25519 key")), "{text}");
}

#[test]
fn a_key_that_no_line_of_the_policy_has_signs_for_nobody() {
    let Some(desk) = Desk::new("other-key") else { return };
    let aws = bundle().files["keys/aws.pem"].clone();
    let (code, text) = desk.verify(&with("keys/gcp.pem", aws), NO_OTS);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("WRONG  keys/gcp.pem: ternion.policy does not name it"), "{text}");
    let mut other = bundle().files["attestations/gcp/signature"].clone();
    other[0] ^= 1;
    let (code, text) = desk.verify(&with("attestations/gcp/signature", other), NO_OTS);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("WRONG  attestations/gcp/signature: it is no Ed25519"), "{text}");
}

/// What the client prints is written out here, since a proof's calendars decide about parts of it.
#[test]
fn of_what_ots_prints_only_its_own_sentence_and_its_exit_status_count() {
    let Some(desk) = Desk::new("ots") else { return };
    let success = "Success! Bitcoin block 206 attests existence as of 2026-11-01 UTC";
    let promise = "Calendar https://a.example/Success! Bitcoin block 1: Pending confirmation in \
                   Bitcoin blockchain";
    for (said, status, holds) in [
        (success, 0, true),
        (success, 1, false),
        (promise, 0, false),
        (promise, 1, false),
        ("Success! Litecoin block 1 attests existence", 0, false),
    ] {
        let ots = desk.put("ots.sh", format!("echo '{said}' >&2\nexit {status}\n").as_bytes());
        let (code, text) = desk.verify(&bundle(), &format!("sh {ots}"));
        assert_eq!(code, 0, "{text}");
        assert_eq!(text.contains("holds  root.ots: "), holds, "{said}, {status}: {text}");
        assert_eq!(text.contains("before a block of Bitcoin"), holds, "{said}, {status}: {text}");
        assert_eq!(text.contains("open   root.ots: "), !holds, "{said}, {status}: {text}");
    }
}
