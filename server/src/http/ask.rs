//! Reading queries, paths and bodies, with refusals in our own words.

mod words;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use domain::json::parse_strict;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::problem::{FieldProblem, Problem};
use words::named;
pub(super) use words::plain_words;

/// The query. Unknown and malformed parameters are refused by name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let Query(asked) = query.map_err(|cause| {
            let wrong = wrong_parameters::<T>(parts.uri.query().unwrap_or_default());
            of_query(wrong).unwrap_or_else(|| {
                Problem::malformed(format!("The query cannot be read: {}.", in_words(&cause)))
            })
        })?;
        Ok(Asked(asked))
    }
}

/// Every parameter that alone cannot be read, and why.
fn wrong_parameters<T: DeserializeOwned>(query: &str) -> Vec<FieldProblem> {
    let wrong = |pair: &str| {
        let name = pair.split('=').next()?;
        let alone = format!("/?{pair}").parse().ok()?;
        let reason = inner(&Query::<T>::try_from_uri(&alone).err()?);
        let said = reason.strip_prefix(&format!("{name}: ")).unwrap_or(&reason);
        // What else is needed says nothing of this one.
        (!said.contains("missing field"))
            .then(|| FieldProblem { field: name.to_owned(), reason: plain_words(said) })
    };
    query.split('&').filter_map(wrong).collect()
}

/// Names every wrong parameter. `None`: there is none.
pub(super) fn of_query(wrong: Vec<FieldProblem>) -> Option<Problem> {
    if wrong.is_empty() {
        return None;
    }
    let told: Vec<String> =
        wrong.iter().map(|one| format!("{} {}", one.field, one.reason)).collect();
    let detail = format!("The query cannot be read: {}.", told.join("; "));
    Some(Problem { errors: wrong, ..Problem::malformed(detail) })
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

/// The field and what is wrong with it, as the innermost cause has them: of a query, or of a form.
pub(super) fn in_words(error: &dyn std::error::Error) -> String {
    let reason = inner(error);
    if let Some(name) = named(&reason) {
        return format!("{name} {}", plain_words(&reason));
    }
    let is_name = |text: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric());
    match reason.split_once(": ").filter(|(name, _)| is_name(name)) {
        Some((name, reason)) => format!("{name} {}", plain_words(reason)),
        None => plain_words(&reason),
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

/// Takes a JSON value apart into a known shape. Every wrong field of an object is named.
pub(super) fn shape<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    shape_of(value, &[])
}

/// The same of a shape that lacks nothing of `required`: serde alone names but the first missing one.
pub(super) fn shape_of<T: DeserializeOwned>(value: Value, required: &[&str]) -> Result<T, Problem> {
    read::<T>(&value).map_err(|first| {
        let mut errors = wrong_fields::<T>(value, required);
        if errors.is_empty() {
            errors.push(first);
        }
        let told: Vec<String> = errors.iter().map(|it| told(&it.field, &it.reason)).collect();
        let detail = format!("The body is not what is expected here: {}.", told.join("; "));
        Problem { errors, ..Problem::invalid(detail) }
    })
}

/// `/version is missing`; of the whole body, `it must be a list`.
pub(super) fn told(field: &str, reason: &str) -> String {
    let field = if field.is_empty() { "it" } else { field };
    // What our own types say of a value is a sentence of its own.
    let goes_on = ["is ", "has ", "must "].iter().any(|start| reason.starts_with(start));
    if goes_on { format!("{field} {reason}") } else { format!("{field}: {reason}") }
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, FieldProblem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let reason = error.inner().to_string();
        FieldProblem { field: pointer(error.path(), &reason), reason: plain_words(&reason) }
    })
}

/// Each field of the object read alone: what is wrong with it shows before what is missing beside it.
/// Then what is missing.
fn wrong_fields<T: DeserializeOwned>(value: Value, required: &[&str]) -> Vec<FieldProblem> {
    let Value::Object(object) = value else { return Vec::new() };
    let alone = |(name, value): (&String, &Value)| {
        let one = Value::Object([(name.clone(), value.clone())].into_iter().collect());
        let error = read::<T>(&one).err()?;
        let own = format!("/{name}");
        (error.field == own || error.field.starts_with(&format!("{own}/"))).then_some(error)
    };
    let missing = |name: &&&str| !object.contains_key(**name);
    let lacks =
        |name: &&str| FieldProblem { field: format!("/{name}"), reason: "is missing".to_owned() };
    let mut errors: Vec<FieldProblem> = object.iter().filter_map(alone).collect();
    errors.extend(required.iter().filter(missing).map(lacks));
    let is_there = |field: &str| object.keys().any(|name| field == format!("/{name}"));
    if required.is_empty()
        && let Err(first) = read::<T>(&Value::Object(object.clone()))
        && !errors.contains(&first)
        && !is_there(&first.field)
    {
        errors.push(first);
    }
    errors
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
    if let Some(name) = named(text).filter(|name| !pointer.ends_with(&format!("/{name}"))) {
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
            assert_eq!(problem.errors.len(), 1, "{body}: {:?}", problem.errors);
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors matter")]
    struct Several {
        count: u32,
        name: String,
        more: Option<bool>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Choosing {
        #[expect(dead_code, reason = "only its errors matter")]
        class: domain::pricing::book::Risk,
    }

    fn fields(problem: &Problem) -> Vec<&str> {
        problem.errors.iter().map(|error| error.field.as_str()).collect()
    }

    #[test]
    fn every_wrong_field_of_a_body_is_named_and_every_missing_one() {
        let body = json!({"count": "x", "more": 1, "frob": 2});
        let problem = shape_of::<Several>(body, &["count", "name"]).expect_err("wrong");
        assert_eq!(fields(&problem), ["/count", "/frob", "/more", "/name"]);
        let problem = shape_of::<Several>(json!({}), &["count", "name"]).expect_err("empty");
        assert_eq!(fields(&problem), ["/count", "/name"]);
        let detail = "The body is not what is expected here: /count is missing; /name is missing.";
        assert_eq!(problem.detail, detail);
        let nothing = shape_of::<Several>(json!([]), &["count", "name"]).expect_err("a list");
        assert_eq!(fields(&nothing), [""]);
        let number = shape::<Vec<u32>>(json!({})).expect_err("an object");
        assert_eq!(number.detail, "The body is not what is expected here: it must be a list.");
        assert!(shape_of::<Several>(json!({"count": 1, "name": "a"}), &["count", "name"]).is_ok());
    }

    #[test]
    fn every_wrong_parameter_of_a_query_is_named() {
        let wrong = wrong_parameters::<Several>("count=abc&frob=1&name=x&more=maybe");
        let problem = of_query(wrong).expect("three are wrong");
        assert_eq!(fields(&problem), ["count", "frob", "more"]);
        assert!(problem.detail.contains(" count must be a whole number;"), "{problem:?}");
        assert!(problem.detail.contains("frob is not known here; these are: count, name, more"));
        assert!(of_query(wrong_parameters::<Several>("count=1")).is_none(), "name is only missing");
        let wrong = wrong_parameters::<Choosing>("class=medium");
        assert_eq!(wrong[0].reason, "must be one of: low, high");
    }
}
