//! Signatures: Wycheproof, the vectors of RFC 8032, and crafted ones that verifiers disagree on.

use domain::key::{PublicKey, Signature, SigningKey, WeakKey};
use serde::Deserialize;

use crate::fixtures;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wycheproof {
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    public_key: Key,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
struct Key {
    pk: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    tc_id: u32,
    comment: String,
    msg: String,
    sig: String,
    result: String,
}

#[derive(Deserialize)]
struct Rfc8032 {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    seed: String,
    public: String,
    message: String,
    signature: String,
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    bytes(text).try_into().expect("as many bytes")
}

/// A key that is no key verifies nothing, and neither does a signature of another length.
fn verifies(key: &str, message: &str, signature: &str) -> bool {
    let key = bytes(key).try_into().ok().and_then(|key| PublicKey::from_bytes(&key).ok());
    let signature = bytes(signature).try_into().ok().map(Signature);
    key.zip(signature).is_some_and(|(key, signature)| key.verify(&bytes(message), &signature))
}

#[test]
fn signatures_are_valid_exactly_when_wycheproof_says_so() {
    let Some(folder) = fixtures::folder("ed25519") else { return };
    let mut checked = 0;
    for file in fixtures::files(&folder, "json") {
        let Ok(set) = serde_json::from_slice::<Wycheproof>(&fixtures::read(&file)) else {
            continue;
        };
        for group in set.test_groups {
            for case in group.tests {
                let valid = verifies(&group.public_key.pk, &case.msg, &case.sig);
                assert_eq!(valid, case.result == "valid", "{} {}", case.tc_id, case.comment);
                checked += 1;
            }
        }
    }
    assert!(checked > 0, "{} holds no Wycheproof vectors", folder.display());
}

#[test]
fn keys_and_signatures_are_those_of_rfc_8032() {
    let Some(folder) = fixtures::folder("ed25519") else { return };
    let mut checked = 0;
    for file in fixtures::files(&folder, "json") {
        let Ok(set) = serde_json::from_slice::<Rfc8032>(&fixtures::read(&file)) else {
            continue;
        };
        for vector in set.vectors {
            let key = SigningKey::from_seed(array(&vector.seed));
            assert_eq!(key.public().to_bytes(), array(&vector.public), "{}", vector.name);
            let signature = key.sign(&bytes(&vector.message));
            assert_eq!(signature.0, array(&vector.signature), "{}", vector.name);
            assert!(verifies(&vector.public, &vector.message, &vector.signature));
            checked += 1;
        }
    }
    assert!(checked > 0, "{} holds no vectors of RFC 8032", folder.display());
}

/// Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs" (2020), table 1: public keys of
/// small order, under which one signature holds for many messages.
#[test]
fn no_key_of_small_order_is_taken() {
    for key in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    ] {
        assert_eq!(PublicKey::from_bytes(&array(key)), Err(WeakKey::SmallOrder), "{key}");
    }
    let no_point = "0200000000000000000000000000000000000000000000000000000000000000";
    assert_eq!(PublicKey::from_bytes(&array(no_point)), Err(WeakKey::NotAPoint));
}

/// S and S + L (the order of the group) are the same number to a careless verifier: whoever sees
/// a signature could make a second one.
#[test]
fn a_malleable_signature_is_refused() {
    let key = SigningKey::from_seed([11; 32]);
    let signature = key.sign(b"message");
    assert!(key.public().verify(b"message", &signature));
    let order: [u8; 32] = array("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut raised = signature;
    let mut carry = 0u16;
    for (byte, add) in raised.0[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_ne!(raised, signature);
    assert!(!key.public().verify(b"message", &raised));
}
