//! Reading queries, paths and bodies, with refusals in our own words.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use domain::json::parse_strict;
use serde::de::DeserializeOwned;
use serde_json::Value;

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
    serde_json::from_value(value).map_err(|error| {
        let text = error.to_string();
        // serde names the field in backquotes.
        let field = text.split('`').nth(1).map_or_else(String::new, |name| format!("/{name}"));
        Problem::invalid(format!("The body is not what is expected here: {text}."))
            .field(field, text)
    })
}
