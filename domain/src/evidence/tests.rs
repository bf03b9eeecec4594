//! The form of records.

use serde_json::json;

use super::*;
use crate::key::{NoteAlgorithm, SigningKey};

fn fork() -> Fork {
    let key = SigningKey::from_seed([1; 32]).public();
    Fork {
        key: NoteKey::new("d.example/gcp/1", NoteAlgorithm::Ed25519, key).expect("a name"),
        first: "first".to_owned(),
        second: "second".to_owned(),
        prefix: Some(Prefix { root: Hash([7; 32]), proof: vec![Hash([8; 32])] }),
    }
}

#[test]
fn a_record_reads_back_and_has_one_id() {
    for evidence in [Evidence::Equivocation(fork()), Evidence::DoubleCosignature(fork())] {
        let text = serde_json::to_string_pretty(&evidence.to_value()).expect("JSON");
        let again = Evidence::parse(text.as_bytes()).expect("reads back");
        assert_eq!(again, evidence);
        assert_eq!(again.id(), evidence.id());
        assert_eq!(Kind::from_name(evidence.kind().name()), Some(evidence.kind()));
        assert_eq!(evidence.to_value()["kind"], evidence.kind().name());
    }
    assert_ne!(Evidence::Equivocation(fork()).id(), Evidence::DoubleCosignature(fork()).id());
}

#[test]
fn another_format_kind_or_field_is_not_read() {
    let good = Evidence::Equivocation(fork()).to_value();
    let read = |edit: fn(&mut Value)| {
        let mut value = good.clone();
        edit(&mut value);
        Evidence::parse(value.to_string().as_bytes()).map(|evidence| evidence.kind())
    };
    assert_eq!(read(|_| {}), Ok(Kind::Equivocation));
    let later = "ternion/evidence/v2";
    assert_eq!(
        read(|value| value["format"] = json!("ternion/evidence/v2")),
        Err(EvidenceError::Format(later.to_owned()))
    );
    for edit in [
        |value: &mut Value| drop(value.as_object_mut().map(|object| object.remove("format"))),
        |value: &mut Value| value["kind"] = json!("heresy"),
        |value: &mut Value| value["more"] = json!(1),
        |value: &mut Value| value["prefix"]["more"] = json!(1),
        |value: &mut Value| value["key"] = json!("x"),
        |value: &mut Value| *value = json!([]),
    ] {
        assert!(matches!(read(edit), Err(EvidenceError::Shape(_))));
    }
}

#[test]
fn what_is_too_long_is_not_even_looked_at() {
    let long = vec![b' '; EVIDENCE_BYTES_MAX + 1];
    assert_eq!(Evidence::parse(&long), Err(EvidenceError::TooLong));
}
