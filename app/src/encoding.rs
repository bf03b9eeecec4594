//! How answers reach a page: JSON, read as text by a reader of our own.
//!
//! A page brings its first answers along as text, and the stream sends text. Every shape that crosses
//! the wire has code that reads it, and what that code is depends on who hands it the JSON: for
//! `serde_json` it is a quarter of the browser's bundle, for [`shape`] about half of that. A second way in,
//! such as Leptos' own encoding, which reads bytes, would make that code a second time. So whatever reads
//! JSON in a page calls [`read`].

mod shape;
mod tree;

use std::fmt::{self, Display, Formatter};
use std::future::Future;
use std::str;

use leptos::prelude::Resource;
use leptos::server::codee::{Decoder, Encoder};
use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};
use serde::Serialize;
use serde::de::{self, DeserializeOwned};

/// Nested deeper than this is nothing that a page asks for; a bound, since reading calls itself.
const DEPTH_MAX: u32 = 128;

/// A shape, of JSON text.
///
/// # Errors
/// The text is no JSON, or of another shape; says which part.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    T::deserialize(&tree::parse(text)?)
}

/// Why JSON was not read. Boxed: every function that reads hands it on.
#[derive(Debug)]
pub struct Unreadable(Box<Why>);

#[derive(Debug)]
struct Why {
    words: String,
}

impl Unreadable {
    fn new(words: impl Into<String>) -> Self {
        Self(Box::new(Why { words: words.into() }))
    }
}

impl Display for Unreadable {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.words)
    }
}

impl std::error::Error for Unreadable {}

impl de::Error for Unreadable {
    fn custom<T: Display>(words: T) -> Self {
        Self::new(words.to_string())
    }
}

/// On the wire the same as Leptos' `JsonEncoding`.
#[derive(Debug)]
pub struct JsonText;

impl ContentType for JsonText {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for JsonText {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for JsonText {
    type Error = serde_json::Error;

    fn encode(value: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_string(value).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for JsonText {
    type Error = Unreadable;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        let text =
            str::from_utf8(&bytes).map_err(|_| Unreadable::new("the answer is not UTF-8"))?;
        read(text)
    }
}

impl<T: Serialize> Encoder<T> for JsonText {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(value: &T) -> Result<String, Self::Error> {
        serde_json::to_string(value)
    }
}

impl<T: DeserializeOwned> Decoder<T> for JsonText {
    type Error = Unreadable;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, Self::Error> {
        read(text)
    }
}

/// What the server answered, or will: a resource that is read by [`read`].
pub(crate) type Answered<T> = Resource<T, JsonText>;

/// In the place of `Resource::new_blocking`.
pub(crate) fn ask<S, T, Fut>(
    question: impl Fn() -> S + Send + Sync + 'static,
    answer: impl Fn(S) -> Fut + Send + Sync + 'static,
) -> Answered<T>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    Resource::new_with_options(question, answer, true)
}

/// In the place of `Resource::new`: the document does not wait for it.
pub(crate) fn ask_later<S, T, Fut>(
    question: impl Fn() -> S + Send + Sync + 'static,
    answer: impl Fn(S) -> Fut + Send + Sync + 'static,
) -> Answered<T>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    Resource::new_with_options(question, answer, false)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rust_decimal::Decimal;
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    use super::{DEPTH_MAX, read};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Whole {
        count: u64,
        change: i32,
        rate: f64,
        name: String,
        letter: char,
        is_final: bool,
        price: Decimal,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        pair: (u8, String),
        by_number: BTreeMap<u32, Choice>,
        choices: Vec<Choice>,
        tagged: Vec<Tagged>,
        #[serde(flatten)]
        rest: Rest,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Choice {
        Word,
        One(Newtype),
        Two(u8, u8),
        Fields { a: u8 },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", rename_all = "camelCase")]
    enum Tagged {
        Plain,
        Full { many: Vec<f64> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Newtype(i64);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Rest {
        more: Option<()>,
        value: Value,
    }

    fn whole() -> Whole {
        Whole {
            count: u64::MAX,
            change: -7,
            rate: 0.1 + 0.2,
            name: "a \"b\" \\ / \u{8}\u{c}\n\r\t é € 😀 \u{1}".to_owned(),
            letter: '→',
            is_final: true,
            price: Decimal::new(1_234_567, 8),
            note: None,
            pair: (255, String::new()),
            by_number: [(5, Choice::Word), (6, Choice::Two(1, 2))].into(),
            choices: vec![Choice::One(Newtype(i64::MIN)), Choice::Fields { a: 1 }],
            tagged: vec![Tagged::Plain, Tagged::Full { many: vec![-0.5, 3.0, 1e-300] }],
            rest: Rest { more: None, value: serde_json::json!({"a": [1, -2, 0.5, null, "x"]}) },
        }
    }

    #[test]
    fn whatever_serde_json_writes_is_read_back() {
        let whole = whole();
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(read::<Whole>(&text).unwrap(), whole);
        let spread = serde_json::to_string_pretty(&whole).unwrap();
        assert_eq!(read::<Whole>(&spread).unwrap(), whole);
    }

    #[test]
    fn results_of_server_functions_are_read() {
        type Told = Result<Option<u8>, Newtype>;
        assert_eq!(read::<Told>(r#"{"Ok":null}"#).unwrap(), Ok(None));
        assert_eq!(read::<Told>(r#"{"Err":-3}"#).unwrap(), Err(Newtype(-3)));
    }

    #[test]
    fn escapes_of_two_units_are_one_letter() {
        assert_eq!(read::<String>(r#""\u00e9\ud83d\ude00\/""#).unwrap(), "é😀/");
    }

    /// Each is also what `serde_json` refuses.
    #[test]
    fn what_is_no_json_is_refused() {
        let deep = "[".repeat(DEPTH_MAX as usize + 1);
        let refused = [
            "",
            "nul",
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "1e",
            "\"",
            "\"\\x\"",
            "\"\n\"",
            "\"\\ud83d\"",
            "\"\\u12\"",
            "[1,]",
            "[1 2]",
            "[",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "1 2",
            "tru e",
            &deep,
        ];
        for text in refused {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
            assert!(read::<Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_has_another_shape_is_refused_with_what_was_expected() {
        let why = |text: &str| read::<Vec<u8>>(text).unwrap_err().to_string();
        assert_eq!(why("{}"), "a list expected, not an object");
        assert_eq!(why("[\"5\"]"), "a number expected, not the text 5");
        assert_eq!(why("[-1]"), "a whole number from 0 expected, not the number -1");
        assert!(why("[256]").contains("256"), "{}", why("[256]"));
        let missing = read::<Rest>("{\"more\":null}").unwrap_err().to_string();
        assert_eq!(missing, "missing field `value`");
        assert!(read::<(u8, u8)>("[1,2,3]").is_err());
        assert!(read::<f64>("1e999").is_err());
    }
}
