//! One event as a client wrote it: every field checked, every mistake named at once.

use domain::catalog::{DECIDED_BY, Known, is_decision, kind_of};
use domain::clock::Timestamp;
use domain::event::{EventId, FieldError, Payload, Region, TenantId};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::media::Form;
use crate::http::ask::plain_words;
use crate::ledger::Submission;
use crate::problem::{FieldProblem, Problem};

/// A client's clock may be ahead by this much.
const AHEAD_MS_MAX: i64 = 5 * 60 * 1_000;
/// A month that is closed by its snapshot must stay closed.
const BEHIND_MS_MAX: i64 = 31 * 24 * 60 * 60 * 1_000;

const FIELDS: [&str; 5] = ["tenantId", "payload", "eventId", "region", "createdAt"];
/// CloudEvents 1.0 attributes that are understood; extensions are not, so that nothing is lost
/// silently.
const CLOUD_EVENT_FIELDS: [&str; 9] =
    ["specversion", "id", "source", "type", "subject", "time", "data", "datacontenttype", "region"];

/// The event's own fields, whatever form they came in.
struct Fields {
    tenant_id: Option<Value>,
    payload: Option<Value>,
    event_id: Option<Value>,
    region: Option<Value>,
    created_at: Option<Value>,
}

/// Where these fields stand in the client's form.
struct Names {
    tenant_id: &'static str,
    payload: &'static str,
    event_id: &'static str,
    created_at: &'static str,
}

const PLAIN: Names = Names {
    tenant_id: "/tenantId",
    payload: "/payload",
    event_id: "/eventId",
    created_at: "/createdAt",
};
const CLOUD_EVENT: Names =
    Names { tenant_id: "/subject", payload: "/data", event_id: "/id", created_at: "/time" };

/// Reads one event. `decided_by` is who sends it: the name under which a decision is recorded.
pub(super) fn read(
    value: Value,
    form: Form,
    decided_by: &str,
    now: Timestamp,
) -> Result<Submission, Problem> {
    let Value::Object(object) = value else {
        return Err(Problem::invalid("An event is a JSON object.").field("", "must be an object"));
    };
    let mut errors = Vec::new();
    let (fields, names) = match form {
        Form::Plain => (plain(object, &mut errors), PLAIN),
        Form::CloudEvent => (cloud_event(object, &mut errors), CLOUD_EVENT),
    };
    let submission = submission(fields, &names, decided_by, now, &mut errors);
    match submission {
        Some(submission) if errors.is_empty() => Ok(submission),
        _ => {
            let detail = "Some fields are not what they must be; `errors` names each.";
            Err(Problem { errors, ..Problem::invalid(detail) })
        }
    }
}

/// An event in the form in which a client sends it: what it gave, in canonical form.
pub(super) fn write(submission: &Submission) -> Vec<u8> {
    let Submission { tenant_id, payload, event_id, region, created_at } = submission;
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| drop(event.insert(name.to_owned(), value));
    put("tenantId", tenant_id.as_str().into());
    // A payload's bytes are canonical JSON.
    put("payload", serde_json::from_slice(payload.bytes()).unwrap_or_default());
    event_id.iter().for_each(|id| put("eventId", id.to_string().into()));
    region.iter().for_each(|region| put("region", region.as_str().into()));
    created_at.iter().for_each(|at| put("createdAt", at.to_string().into()));
    domain::json::canonical(&Value::Object(event))
}

fn plain(mut object: Map<String, Value>, errors: &mut Vec<FieldProblem>) -> Fields {
    refuse_unknown(&object, &FIELDS, errors);
    Fields {
        tenant_id: object.remove("tenantId"),
        payload: object.remove("payload"),
        event_id: given(object.remove("eventId")),
        region: given(object.remove("region")),
        created_at: given(object.remove("createdAt")),
    }
}

/// `id` becomes the event's id, `subject` the tenant, `type` the payload's kind.
fn cloud_event(mut object: Map<String, Value>, errors: &mut Vec<FieldProblem>) -> Fields {
    refuse_unknown(&object, &CLOUD_EVENT_FIELDS, errors);
    if object.get("specversion").and_then(Value::as_str) != Some("1.0") {
        wrong(errors, "/specversion", "must be \"1.0\"");
    }
    if object.get("source").and_then(Value::as_str).is_none_or(str::is_empty) {
        wrong(errors, "/source", "must be a URI reference");
    }
    if !object.contains_key("id") {
        wrong(errors, "/id", "is missing");
    }
    let kind = object.remove("type");
    if kind.as_ref().and_then(Value::as_str).is_none_or(str::is_empty) {
        wrong(errors, "/type", "must be a text, and becomes the payload's kind");
    }
    let mut payload = object.remove("data").unwrap_or_else(|| Value::Object(Map::new()));
    if let (Value::Object(data), Some(kind)) = (&mut payload, kind) {
        match data.get("kind") {
            Some(own) if *own != kind => wrong(errors, "/data/kind", "must equal /type"),
            _ => drop(data.insert("kind".to_owned(), kind)),
        }
    }
    Fields {
        tenant_id: object.remove("subject"),
        payload: Some(payload),
        event_id: object.remove("id"),
        region: given(object.remove("region")),
        created_at: given(object.remove("time")),
    }
}

/// A field that may be absent may as well be null.
fn given(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !value.is_null())
}

fn refuse_unknown(object: &Map<String, Value>, known: &[&str], errors: &mut Vec<FieldProblem>) {
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        let reason = format!("is not a field of an event; these are: {}", known.join(", "));
        wrong(errors, format!("/{}", pointer(name)), reason);
    }
}

/// As RFC 6901 escapes a name.
fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn wrong(errors: &mut Vec<FieldProblem>, field: impl Into<String>, reason: impl Into<String>) {
    errors.push(FieldProblem { field: field.into(), reason: reason.into() });
}

fn submission(
    fields: Fields,
    names: &Names,
    decided_by: &str,
    now: Timestamp,
    errors: &mut Vec<FieldProblem>,
) -> Option<Submission> {
    let payload = match fields.payload {
        Some(value) => payload(value, names.payload, decided_by, errors),
        None => {
            wrong(errors, names.payload, "is missing");
            None
        }
    };
    if fields.tenant_id.is_none() {
        wrong(errors, names.tenant_id, "is missing");
    }
    let tenant_id = text(fields.tenant_id, names.tenant_id, errors)
        .and_then(|text| kept(TenantId::try_from(text), names.tenant_id, errors));
    let event_id = text(fields.event_id, names.event_id, errors)
        .and_then(|text| kept(event_id(&text), names.event_id, errors));
    let region = text(fields.region, "/region", errors)
        .and_then(|text| kept(Region::try_from(text), "/region", errors));
    let created_at = text(fields.created_at, names.created_at, errors)
        .and_then(|text| kept(created_at(&text, now), names.created_at, errors));
    Some(Submission { tenant_id: tenant_id?, payload: payload?, event_id, region, created_at })
}

fn text(value: Option<Value>, field: &str, errors: &mut Vec<FieldProblem>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text),
        other => {
            wrong(errors, field, format!("must be a text, not {}", type_name(&other)));
            None
        }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn kept<T, E: ToString>(
    read: Result<T, E>,
    field: &str,
    errors: &mut Vec<FieldProblem>,
) -> Option<T> {
    read.map_err(|error| wrong(errors, field, error.to_string())).ok()
}

fn event_id(text: &str) -> Result<EventId, FieldError> {
    // Only the usual spelling: braces and urn: forms would be one id with several names.
    let id = Uuid::parse_str(text).ok().filter(|id| id.to_string().eq_ignore_ascii_case(text));
    id.map(EventId).ok_or(FieldError::EventId)
}

fn created_at(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let at: Timestamp =
        text.parse().map_err(|error: domain::clock::BadTimestamp| error.to_string())?;
    let ahead_ms = at.unix_ms() - now.unix_ms();
    if ahead_ms > AHEAD_MS_MAX {
        return Err(format!(
            "is {} s ahead of this cloud's clock; the limit is 5 min",
            ahead_ms / 1_000
        ));
    }
    if -ahead_ms > BEHIND_MS_MAX {
        return Err(
            "is more than 31 days ago; give the time of the work itself in the payload".to_owned()
        );
    }
    Ok(at)
}

/// Decisions carry the name of who sends them, never one that the sender chose.
fn payload(
    mut value: Value,
    field: &str,
    decided_by: &str,
    errors: &mut Vec<FieldProblem>,
) -> Option<Payload> {
    if kind_of(&value).is_some_and(is_decision) {
        if value.get(DECIDED_BY).is_some_and(|given| given.as_str() != Some(decided_by)) {
            wrong(errors, format!("{field}/{DECIDED_BY}"), "is set by the server; leave it out");
        }
        value[DECIDED_BY] = Value::from(decided_by);
    }
    if let Some(kind) = value.get("kind").filter(|kind| !kind.is_string()) {
        let reason = format!("must be a text, not {}", type_name(kind));
        wrong(errors, format!("{field}/kind"), reason);
    }
    if let Err(error) = Known::read(&value) {
        // Without a field, what a parser was given is all that tells which value it speaks of.
        let reason = if error.field.is_empty() { error.reason } else { plain_words(&error.reason) };
        wrong(errors, format!("{field}{}", error.field), reason);
    }
    kept(Payload::from_value(&value), field, errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW_MS: i64 = 1_795_000_000_000;

    fn read_plain(value: Value) -> Result<Submission, Problem> {
        read(value, Form::Plain, "ada", Timestamp::from_unix_ms(NOW_MS))
    }

    fn fields(problem: &Problem) -> Vec<&str> {
        problem.errors.iter().map(|error| error.field.as_str()).collect()
    }

    #[test]
    fn the_least_event_is_a_tenant_and_an_object() {
        let read = read_plain(json!({"tenantId": "acme", "payload": {}, "region": null}));
        let submission = read.expect("an event");
        assert_eq!(submission.tenant_id.as_str(), "acme");
        assert_eq!(submission.payload.bytes(), b"{}");
        assert!(submission.event_id.is_none() && submission.region.is_none());
    }

    #[test]
    fn a_written_event_reads_back_as_the_client_sent_it() {
        let event = json!({"createdAt": Timestamp::from_unix_ms(NOW_MS).to_string(),
            "eventId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b", "payload": {"b": 1, "a": [2]},
            "region": "eu", "tenantId": "acme"});
        let written = write(&read_plain(event.clone()).expect("an event"));
        assert_eq!(written, domain::json::canonical(&event));
        let least = json!({"payload": {}, "tenantId": "acme"});
        let written = write(&read_plain(least.clone()).expect("an event"));
        assert_eq!(written, domain::json::canonical(&least));
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let problem = read_plain(json!({
            "tenantId": 7, "payload": [], "eventId": "x", "region": "US", "createdAt": "soon", "to/do": 1
        }))
        .expect_err("all wrong");
        assert_eq!(problem.status, 422);
        let mut named = fields(&problem);
        named.sort_unstable();
        assert_eq!(
            named,
            ["/createdAt", "/eventId", "/payload", "/region", "/tenantId", "/to~1do"]
        );
        let missing = read_plain(json!({})).expect_err("nothing there");
        assert_eq!(fields(&missing), ["/payload", "/tenantId"]);
    }

    #[test]
    fn a_time_out_of_the_window_is_refused() {
        let at = |ms: i64| {
            let created_at = Timestamp::from_unix_ms(NOW_MS + ms).to_string();
            read_plain(json!({"tenantId": "acme", "payload": {}, "createdAt": created_at}))
        };
        assert!(at(AHEAD_MS_MAX).is_ok() && at(-BEHIND_MS_MAX).is_ok());
        assert_eq!(fields(&at(AHEAD_MS_MAX + 1).expect_err("ahead")), ["/createdAt"]);
        assert_eq!(fields(&at(-BEHIND_MS_MAX - 1).expect_err("behind")), ["/createdAt"]);
    }

    #[test]
    fn a_known_kind_is_checked_and_a_decision_carries_its_senders_name() {
        let usage = json!({"tenantId": "acme", "payload": {"kind": "usage", "provider": "vertex"}});
        assert_eq!(fields(&read_plain(usage).expect_err("incomplete")), ["/payload/model"]);
        let user = json!({"kind": "user.put", "login": "bob", "name": "Bob", "role": "auditor"});
        let read =
            read_plain(json!({"tenantId": "platform", "payload": user})).expect("a decision");
        let text = String::from_utf8_lossy(read.payload.bytes()).into_owned();
        assert!(text.contains(r#""decidedBy":"ada""#), "{text}");
        let mut forged = user;
        forged["decidedBy"] = "eve".into();
        let problem = read_plain(json!({"tenantId": "platform", "payload": forged}));
        assert_eq!(fields(&problem.expect_err("another's name")), ["/payload/decidedBy"]);
    }

    #[test]
    fn a_cloud_event_is_read_by_its_own_names() {
        let now = Timestamp::from_unix_ms(NOW_MS);
        let id = "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b";
        let event = json!({
            "specversion": "1.0", "id": id, "source": "/meter", "type": "hello", "subject": "acme",
            "time": now.to_string(), "datacontenttype": "application/json", "data": {"a": 1}
        });
        let read_event = |event: Value| read(event, Form::CloudEvent, "ada", now);
        let submission = read_event(event.clone()).expect("a CloudEvent");
        assert_eq!(submission.event_id.map(|id| id.to_string()).as_deref(), Some(id));
        assert_eq!(submission.payload.kind(), Some("hello"));
        assert_eq!(submission.created_at, Some(now));
        let mut other = event;
        other["id"] = "A234".into();
        other["specversion"] = "0.3".into();
        other["traceparent"] = "00".into();
        let problem = read_event(other).expect_err("three mistakes");
        assert_eq!(fields(&problem), ["/traceparent", "/specversion", "/id"]);
    }
}
