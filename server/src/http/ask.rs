//! Reading queries, paths and bodies, with refusals in our own words.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use domain::json::parse_strict;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::problem::Problem;

/// The query. Unknown and malformed parameters are refused by name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let Query(asked) = query.map_err(|cause| {
            Problem::malformed(format!("The query cannot be read: {}", inner(&cause)))
        })?;
        Ok(Asked(asked))
    }
}

/// The parameters of the path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        let Path(named) = path.map_err(|cause| {
            Problem::malformed(format!("The address cannot be read: {}", cause.body_text()))
        })?;
        Ok(Named(named))
    }
}

/// The message of the innermost cause: the outer ones repeat that something failed.
fn inner(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), inner)
}

/// The whole body, within the limit.
#[derive(Clone, Debug)]
pub(super) struct Whole(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Bytes::from_request(request, state).await.map(Whole).map_err(|cause| unread(&cause))
    }
}

fn unread(cause: &BytesRejection) -> Problem {
    if cause.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::too_large(
            "The body is larger than this cloud takes. Send fewer events at a time, or put large \
             things elsewhere and record their hash.",
        );
    }
    Problem::malformed(format!("The body did not arrive whole: {}", cause.body_text()))
}

/// Reads one strict JSON text.
pub(super) fn json(text: &[u8]) -> Result<Value, Problem> {
    parse_strict(text)
        .map_err(|error| Problem::malformed(format!("The body is not JSON: {error}.")))
}

/// Takes a JSON value apart into a known shape.
pub(super) fn shape<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let text = error.inner().to_string();
        let field = pointer(error.path(), &text);
        Problem::invalid(format!("The body is not what is expected here: {text}."))
            .field(field, text)
    })
}

/// Where in the body it is. A field that is missing, or too many, is not on the way there: the text
/// names it.
fn pointer(path: &serde_path_to_error::Path, text: &str) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push_str(&format!("/{key}"));
            }
            Segment::Unknown => {}
        }
    }
    let named = ["missing field `", "unknown field `"].into_iter();
    let named = named.filter_map(|start| text.strip_prefix(start)?.split('`').next()).next();
    if let Some(name) = named.filter(|name| !pointer.ends_with(&format!("/{name}"))) {
        pointer.push_str(&format!("/{name}"));
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its errors matter")]
        count: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its errors matter")]
        inner: Vec<Inner>,
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_place() {
        for (body, field) in [
            (json!({"inner": [{"count": 1}, {"count": -4}]}), "/inner/1/count"),
            (json!({"inner": [{"count": "x"}]}), "/inner/0/count"),
            (json!({"inner": [{}]}), "/inner/0/count"),
            (json!({"inner": [{"count": 1, "more": 2}]}), "/inner/0/more"),
            (json!({"inner": 7}), "/inner"),
            (json!({}), "/inner"),
            (json!({"inner": [], "more": 1}), "/more"),
            (json!([]), ""),
        ] {
            let problem = shape::<Outer>(body.clone()).expect_err("it does not fit");
            assert_eq!(problem.errors[0].field, field, "{body}");
        }
    }
}
