//! What a body holds: one event or many, in which form.

use axum::http::{HeaderMap, StatusCode, header};
use domain::json::parse_strict;
use serde_json::Value;

use crate::http::ask::json;
use crate::problem::Problem;

/// Most events of one request: ten group commits. More belongs into several requests, each with
/// its own answer.
pub(super) const EVENTS_MAX: usize = 10_000;

/// The values of a body, not yet checked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Items {
    pub form: Form,
    /// An array or lines: answered by an array, even for one.
    pub many: bool,
    pub values: Vec<Value>,
}

/// How one event is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Our own fields.
    Plain,
    /// CloudEvents 1.0, JSON format.
    CloudEvent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    Json,
    Lines,
    CloudEvent,
    CloudEvents,
}

/// Takes a body apart.
pub(super) fn items(headers: &HeaderMap, body: &[u8]) -> Result<Items, Problem> {
    let media = media(headers)?;
    let items = match media {
        Media::Json => match json(body)? {
            Value::Array(values) => Items { form: Form::Plain, many: true, values },
            value => Items { form: Form::Plain, many: false, values: vec![value] },
        },
        Media::Lines => Items { form: Form::Plain, many: true, values: lines(body)? },
        Media::CloudEvent => {
            Items { form: Form::CloudEvent, many: false, values: vec![json(body)?] }
        }
        Media::CloudEvents => match json(body)? {
            Value::Array(values) => Items { form: Form::CloudEvent, many: true, values },
            _ => return Err(Problem::invalid("A batch of CloudEvents is a JSON array.")),
        },
    };
    if items.values.len() > EVENTS_MAX {
        let detail = format!(
            "The body holds {} events; one request may hold {EVENTS_MAX}. Nothing was recorded.",
            items.values.len()
        );
        return Err(Problem::too_large(detail));
    }
    Ok(items)
}

fn media(headers: &HeaderMap) -> Result<Media, Problem> {
    let text = headers.get(header::CONTENT_TYPE).and_then(|text| text.to_str().ok());
    let essence = text.and_then(|text| text.split(';').next()).map(str::trim).unwrap_or_default();
    match essence.to_ascii_lowercase().as_str() {
        "" | "application/json" => Ok(Media::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Media::Lines),
        "application/cloudevents+json" => Ok(Media::CloudEvent),
        "application/cloudevents-batch+json" => Ok(Media::CloudEvents),
        other => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Unsupported media type",
            format!(
                "The content type \"{other}\" is not read here. Use application/json, \
                 application/x-ndjson, application/cloudevents+json or \
                 application/cloudevents-batch+json."
            ),
        )),
    }
}

/// One JSON text a line; empty lines are skipped. Any bad line refuses the whole body, before
/// anything is recorded.
fn lines(body: &[u8]) -> Result<Vec<Value>, Problem> {
    let numbered = body.split(|byte| *byte == b'\n').enumerate();
    let filled = numbered.filter(|(_, line)| !line.trim_ascii().is_empty());
    let read = |(at, line): (usize, &[u8])| {
        parse_strict(line).map_err(|error| {
            Problem::malformed(format!(
                "The body is not NDJSON: {} at line {} column {}.",
                error.reason,
                at + error.line,
                error.column
            ))
        })
    };
    filled.map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(kind: &'static str, body: &str) -> Result<Items, Problem> {
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static(kind));
        items(&HeaderMap::from_iter([kind]), body.as_bytes())
    }

    #[test]
    fn the_content_type_decides_how_a_body_is_read() {
        let one = read("application/json; charset=utf-8", "{}").expect("an object");
        assert_eq!((one.form, one.many, one.values.len()), (Form::Plain, false, 1));
        let many = read("application/json", "[{},{}]").expect("an array");
        assert_eq!((many.many, many.values.len()), (true, 2));
        let lines = read("application/x-ndjson", "{}\r\n\n{\"a\":1}\n").expect("lines");
        assert_eq!((lines.many, lines.values.len()), (true, 2));
        let cloud = read("application/cloudevents+json", "{}").expect("a CloudEvent");
        assert_eq!((cloud.form, cloud.many), (Form::CloudEvent, false));
        let batch = read("application/cloudevents-batch+json", "[{}]").expect("a batch");
        assert_eq!((batch.form, batch.many), (Form::CloudEvent, true));
    }

    #[test]
    fn a_refusal_names_the_place_or_the_type() {
        let problem = read("application/json", "{\"a\":1,\n\"a\":2}").expect_err("twice");
        assert_eq!(problem.status, 400);
        assert!(problem.detail.contains("appears twice at line 2 column"), "{}", problem.detail);
        let problem = read("application/x-ndjson", "{}\n{\"a\":}\n").expect_err("second line");
        assert!(problem.detail.contains("at line 2 column 6"), "{}", problem.detail);
        assert_eq!(read("text/xml", "<a/>").expect_err("no JSON").status, 415);
        assert_eq!(
            read("application/cloudevents-batch+json", "{}").expect_err("no batch").status,
            422
        );
    }

    #[test]
    fn more_events_than_a_request_may_hold_are_refused_whole() {
        let body = "{}\n".repeat(EVENTS_MAX + 1);
        assert_eq!(read("application/x-ndjson", &body).expect_err("too many").status, 413);
    }
}
