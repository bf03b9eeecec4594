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
        let text = str::from_utf8(&bytes).map_err(|_| Unreadable::new("the answer is not UTF-8"))?;
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
