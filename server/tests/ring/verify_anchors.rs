//! `ternion verify` on proofs by others: what the verifier holds beside them decides the verdict.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Folder, Ran, ternion};

/// The folder of published proofs; `None`, said aloud, where there is none.
fn fixtures(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    let root = std::env::var_os("TERNION_FIXTURES").map_or_else(beside, PathBuf::from);
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    // Written past the test harness, which hides what a passing test prints.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {} is missing", folder.display());
    None
}

/// Time stamps that the project made itself.
fn own_stamp(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/tests/vectors/rfc3161").join(name)
}

fn verify(arguments: &[&str]) -> Ran {
    ternion(&[&["verify"], arguments].concat())
}

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

#[test]
fn an_ots_proof_is_valid_beside_its_file_with_a_header_of_ones_own() {
    let Some(folder) = fixtures("ots") else { return };
    let (proof, header) = (at(&folder, "hello-world.txt.ots"), at(&folder, "block-358391.json"));
    let ran = verify(&["--bitcoin-header", &header, &proof]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let last = ran.out.lines().last().expect("a sentence");
    assert!(last.starts_with("Valid: the file existed before block 358391"), "{last}");
    let told: Value =
        serde_json::from_slice(&std::fs::read(&header).expect("a file")).expect("JSON");
    let hex = told["header_hex"].as_str().expect("hex");
    let digest = "03ba204e50d126e4674c005e04d82e84c21366780af1f43bd54a37816b6ab340";
    assert_eq!(verify(&["--bitcoin-header", hex, "--digest", digest, &proof]).code, 0);
    assert_eq!(verify(&["--bitcoin-header", hex, "--digest", "00", &proof]).code, 1);
    let other = at(&folder, "merkle1.txt");
    assert_eq!(verify(&["--bitcoin-header", hex, "--data", &other, &proof]).code, 1);
    let network = ["--bitcoin-network", "regtest"];
    assert_eq!(verify(&[&network[..], &["--bitcoin-header", hex, &proof]].concat()).code, 0);
}

#[test]
fn what_a_proof_lacks_is_said_and_its_exit_code_is_three() {
    let Some(folder) = fixtures("ots") else { return };
    let header = at(&folder, "block-358391.json");
    for (name, said) in [
        ("hello-world.txt.ots", "bring the header of block 358391"),
        ("different-blockchains.txt.ots", "bring the header of block 455605"),
        ("incomplete.txt.ots", "the proof names no block of Bitcoin yet"),
        ("unknown-notary.txt.ots", "the proof names no block of Bitcoin yet"),
    ] {
        let ran = verify(&[&at(&folder, name)]);
        assert_eq!(ran.code, 3, "{name}: {ran:?}");
        assert!(ran.out.contains(said), "{name}: {}", ran.out);
    }
    let alone = Folder::new();
    let proof = std::fs::read(folder.join("hello-world.txt.ots")).expect("a file");
    let ran = verify(&["--bitcoin-header", &header, &alone.write("p.ots", proof)]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("no file was given"), "{}", ran.out);
}

#[test]
fn a_false_proof_is_invalid_and_no_proof_is_unreadable() {
    let Some(folder) = fixtures("ots") else { return };
    let header = at(&folder, "block-358391.json");
    let (bad, none) =
        (at(&folder, "bad-stamp.txt.ots"), at(&folder, "invalid/bad-major-version.ots"));
    let ran = verify(&["--json", "--bitcoin-header", &header, &bad, &none]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let lines = ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<Value> = lines.collect();
    let told: Vec<_> = lines.iter().map(|line| line["exitCode"].as_u64()).collect();
    assert_eq!(told, [Some(1), Some(2)]);
    assert_eq!(lines[0]["steps"][2]["result"], "the header that was given has another root");
    let sentence = lines[1]["sentence"].as_str().expect("text");
    assert!(sentence.ends_with("byte 31: version 1151 is not supported"), "{sentence}");
}

#[test]
fn a_time_stamp_is_valid_with_its_data_and_an_authority_that_one_trusts() {
    let Some(folder) = fixtures("rfc3161") else { return };
    for name in ["rsa-leaf", "ec-chain"] {
        let file = |part: &str| at(&folder.join(name), part);
        let (data, ca, stamp) = (file("data.txt"), file("ca.crt"), file("resp.tsr"));
        let code = |arguments: &[&str]| verify(arguments).code;
        assert_eq!(code(&["--data", &data, "--tsa-ca", &ca, &stamp]), 0, "{name}");
        assert_eq!(code(&["--data", &data, "--tsa-ca", &ca, &file("token.der")]), 0, "{name}");
        assert_eq!(code(&["--request", &file("req.tsq"), "--tsa-ca", &ca, &stamp]), 0, "{name}");
        assert_eq!(code(&["--data", &file("tampered.txt"), "--tsa-ca", &ca, &stamp]), 1, "{name}");
        assert_eq!(code(&["--data", &data, &stamp]), 3, "{name}");
        assert_eq!(code(&["--tsa-ca", &ca, &stamp]), 3, "{name}");
        let cut = Folder::new();
        let bytes = std::fs::read(&stamp).expect("a file");
        let cut = cut.write("cut.tsr", &bytes[..bytes.len() - 1]);
        assert_eq!(code(&["--data", &data, "--tsa-ca", &ca, &cut]), 2, "{name}");
    }
}

#[test]
fn certificates_may_be_given_in_der_and_their_step_says_whom_one_trusts() {
    let folder = Folder::new();
    let data = folder.write("data.txt", "what was there\n");
    let check = |name: &str| {
        let case = own_stamp(name);
        verify(&["--data", &data, "--tsa-ca", &at(&case, "root.der"), &at(&case, "resp.tsr")])
    };
    let ran = check("valid-intermediate");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("[valid] The authority is vouched for"), "{}", ran.out);
    let ran = check("invalid-expired-authority");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("was valid from 2020-01-01"), "{}", ran.out);
}

#[test]
fn what_cannot_be_used_beside_a_proof_is_named_before_anything_is_checked() {
    let folder = Folder::new();
    let text = folder.write("text", "neither");
    let wrong = r#"{"header_hex":"00","hash":"00"}"#;
    for (arguments, said) in [
        (["--bitcoin-header", "zz"], "neither 160 hex digits nor a file"),
        (["--bitcoin-header", &text], "neither hex nor JSON"),
        (["--bitcoin-header", &folder.write("short.json", wrong)], "byte 0: ends here"),
        (["--tsa-ca", &text], "holds no certificate"),
        (["--tsa-ca", "/nowhere/at/all"], "cannot be read"),
        (["--request", &text], "not a time-stamp request"),
    ] {
        let ran = verify(&[&arguments[..], &[&text]].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}
