//! What a parser says of a value that does not fit, in our words. Every body, query and form that is
//! refused passes through here, so that nobody is told the names of our types.

/// What a parser says before what it expected.
const DIFFERENT: [&str; 3] = ["invalid type: ", "invalid value: ", "invalid length "];

/// Said after the name of the field: `must be one of: low, high`. What our own types say of a value is
/// left as it is.
pub(in crate::http) fn plain_words(reason: &str) -> String {
    let reason = without_place(reason);
    if reason.starts_with("missing field") {
        return "is missing".to_owned();
    }
    if reason.starts_with("unknown field") {
        let known = known(reason);
        let these = known.map_or_else(String::new, |known| format!("; these are: {known}"));
        return format!("is not known here{these}");
    }
    if reason.starts_with("unknown variant") {
        let one_of = |known| format!("must be one of: {known}");
        return known(reason).map_or_else(|| "is not known here".to_owned(), one_of);
    }
    let expected = reason.rsplit_once(", expected ").map(|(_, expected)| expected);
    let is_different = DIFFERENT.iter().any(|start| reason.starts_with(start));
    match expected.filter(|_| is_different) {
        Some(expected) => format!("must be {}", kind(expected)),
        None => of_text(reason).unwrap_or(reason).to_owned(),
    }
}

/// The field that a parser names in what it says, where nothing else does.
pub(super) fn named(reason: &str) -> Option<&str> {
    let mut starts = ["missing field `", "unknown field `"].into_iter();
    starts.find_map(|start| reason.strip_prefix(start)?.split('`').next())
}

/// Where in a text the parser was: the field's name says more.
fn without_place(reason: &str) -> &str {
    reason.rfind(" at line ").map_or(reason, |at| &reason[..at])
}

/// `a, b, c` of ``expected one of `a`, `b`, `c` `` and of ``expected `a` or `b` ``.
fn known(reason: &str) -> Option<String> {
    let (_, known) = reason.split_once(", expected ")?;
    Some(known.trim_start_matches("one of ").replace("` or `", ", ").replace('`', ""))
}

/// What was expected, as people call it.
fn kind(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a Decimal type representing a fixed-point number" => "a decimal number, such as 1.08",
        "a string" | "a borrowed string" | "str" => "text",
        "a boolean" => "true or false",
        "a map" => "an object",
        "a sequence" => "a list",
        "string or map" => "one of the names that are known here",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("tuple struct ") => "a list",
        _ if expected.contains("enum ") => "one of the names that are known here",
        other => other,
    }
}

/// What the standard library and others say of a text that is no such value.
fn of_text(reason: &str) -> Option<&'static str> {
    if reason.starts_with("UUID parsing failed") {
        return Some("must be a UUID");
    }
    Some(match reason {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "must be a whole number"
        }
        "number too large to fit in target type" => "is too large",
        "number too small to fit in target type" => "is too small",
        "invalid float literal" | "cannot parse float from empty string" => "must be a number",
        "provided string was not `true` or `false`" => "must be true or false",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;
    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};
    use uuid::Uuid;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors matter")]
    struct One {
        count: u32,
    }

    fn said<T: DeserializeOwned + std::fmt::Debug>(value: Value) -> String {
        plain_words(&serde_json::from_value::<T>(value).expect_err("it does not fit").to_string())
    }

    #[test]
    fn what_a_parser_says_is_told_without_its_words() {
        assert_eq!(said::<One>(json!({})), "is missing");
        assert_eq!(said::<One>(json!({ "x": 1 })), "is not known here; these are: count");
        let class = said::<domain::pricing::book::Risk>(json!("medium"));
        assert_eq!(class, "must be one of: low, high");
        for wrong in [json!("x"), json!(-4), json!(1.5), Value::Null] {
            assert_eq!(said::<u32>(wrong.clone()), "must be a whole number, 0 or more", "{wrong}");
        }
        assert_eq!(said::<One>(json!(7)), "must be an object");
        assert_eq!(said::<Vec<u32>>(json!({})), "must be a list");
        assert_eq!(said::<bool>(json!("yes")), "must be true or false");
        assert_eq!(said::<String>(json!(7)), "must be text");
        assert_eq!(said::<f64>(json!("x")), "must be a number");
        assert_eq!(said::<Uuid>(json!("x")), "must be a UUID");
        assert_eq!(said::<Decimal>(json!(true)), "must be a decimal number, such as 1.08");
    }

    #[test]
    fn places_in_a_text_are_left_out_and_our_own_words_stay() {
        assert_eq!(plain_words("missing field `version` at line 1 column 2"), "is missing");
        assert_eq!(named("missing field `version` at line 1 column 2"), Some("version"));
        assert_eq!(plain_words("invalid digit found in string"), "must be a whole number");
        assert_eq!(plain_words("\"x\" is no cloud"), "\"x\" is no cloud");
        assert_eq!(named("\"x\" is no cloud"), None);
        let told =
            plain_words("unknown variant `medium`, expected `low` or `high` at line 3 column 9");
        assert_eq!(told, "must be one of: low, high");
        assert_eq!(plain_words("unknown field `x`, there are no fields"), "is not known here");
    }
}
