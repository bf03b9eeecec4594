//! Canonical bytes, against the vectors of RFC 8785's author.

use domain::json;

use crate::fixtures;

#[test]
fn canonical_bytes_are_those_of_the_vectors() {
    let Some(folder) = fixtures::folder("jcs") else { return };
    let inputs = fixtures::files(&folder.join("input"), "json");
    assert!(!inputs.is_empty(), "{} holds no vectors", folder.display());
    for input in inputs {
        let name = input.file_name().expect("a file");
        let expected = fixtures::read(&folder.join("output").join(name));
        let text = fixtures::read(&input);
        let value: serde_json::Value = fixtures::read_json(&input);
        assert_eq!(json::canonical(&value), expected, "{}", input.display());
        // Stricter than RFC 8785 about integers; what it takes, it must not change.
        match json::parse_strict(&text) {
            Ok(strict) => assert_eq!(strict, value, "{}", input.display()),
            Err(error) => assert!(error.reason.contains("beyond 2^53"), "{error}"),
        }
    }
}

#[test]
fn the_bytes_written_out_in_hexadecimal_are_the_same() {
    let Some(folder) = fixtures::folder("jcs") else { return };
    for file in fixtures::files(&folder.join("outhex"), "txt") {
        let text = String::from_utf8(fixtures::read(&file)).expect("text");
        let expected = hex::decode(text.split_whitespace().collect::<String>()).expect("hex");
        let name = file.with_extension("json");
        let input = folder.join("input").join(name.file_name().expect("a file"));
        let value: serde_json::Value = fixtures::read_json(&input);
        assert_eq!(json::canonical(&value), expected, "{}", file.display());
    }
}
