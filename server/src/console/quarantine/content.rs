//! What held bytes say, and what stands in the log instead, in the form in which they are compared.

use app::backend::{Content, NoteLine, NoteView};
use domain::event::{EventId, TenantId};
use domain::log::Hash;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::ledger::{OpenedEntry, OpenedNote, Record};
use crate::projection::Conflict;

/// Bytes of a line of the preview, as `hexdump -C` has them.
const HEX_LINE_BYTES: usize = 16;
/// Lines of the preview: enough to see what it is. The whole can be downloaded.
const HEX_LINES: usize = 16;

/// An event as a client sent it.
pub(super) fn of_event(event: &Value, with_payload: bool) -> Content {
    let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    let payload = event.get("payload");
    Content {
        title: "as the client sent it".to_owned(),
        event_id: text("eventId"),
        tenant_id: text("tenantId"),
        kind: payload.and_then(domain::catalog::kind_of).map(str::to_owned),
        region: text("region"),
        created_at: text("createdAt").and_then(|at| at.parse().ok()),
        payload: payload.filter(|_| with_payload).map(canonical),
        ..Content::default()
    }
}

fn canonical(payload: &Value) -> String {
    String::from_utf8_lossy(&domain::json::canonical(payload)).into_owned()
}

/// An entry as another cloud sent it.
pub(super) fn of_entry(entry: &OpenedEntry, with_payload: bool) -> Content {
    let shown = &entry.shown;
    let payload = String::from_utf8_lossy(&shown.payload).into_owned();
    let kind = entry.event.as_ref().and_then(|event| event.payload.kind().map(str::to_owned));
    Content {
        title: entry.slot.to_string(),
        event_id: Some(shown.event_id.to_string()),
        tenant_id: Some(shown.tenant_id.clone()),
        kind,
        region: Some(shown.region.clone()),
        logical_clock: Some(shown.logical_clock.to_string()),
        created_at: Some(shown.created_at),
        hash: entry.hash.map(|hash| hash.to_string()),
        signature_holds: Some(entry.signature_holds),
        payload: with_payload.then_some(payload),
        ..Content::default()
    }
}

/// What stands in a log.
pub(super) fn of_record(
    record: &Record,
    conflict: Option<&Conflict>,
    with_payload: bool,
) -> Content {
    let event = &record.event;
    let payload = String::from_utf8_lossy(event.payload.bytes()).into_owned();
    let resolved = conflict.and_then(|conflict| conflict.resolved.as_ref());
    let is_chosen = |payload: Hash| payload == Hash(Sha256::digest(event.payload.bytes()).into());
    let chosen = resolved.and_then(|resolved| resolved.chosen);
    Content {
        title: record.slot.to_string(),
        event_id: Some(event.event_id.to_string()),
        tenant_id: Some(event.tenant_id.to_string()),
        kind: record.kind.clone(),
        region: Some(event.region.as_str().to_owned()),
        logical_clock: Some(event.logical_clock.to_string()),
        created_at: Some(event.created_at),
        hash: Some(record.hash.to_string()),
        payload: with_payload.then_some(payload),
        recorded: true,
        chosen: chosen.is_some_and(|chosen| is_chosen(chosen.payload)),
        ..Content::default()
    }
}

pub(super) fn of_note(note: OpenedNote, ours: Option<String>) -> NoteView {
    let line = |line: crate::ledger::OpenedLine| NoteLine {
        name: line.name,
        key_id: line.key_id,
        verdict: match line.holds {
            Some(true) => "holds",
            Some(false) => "does not hold",
            None => "key not pinned here",
        }
        .to_owned(),
        holds: line.holds == Some(true),
    };
    NoteView { text: note.text, lines: note.lines.into_iter().map(line).collect(), ours }
}

/// The event that a client's bytes hold, as intake reads it, without its id.
pub(super) fn event_of(bytes: &[u8]) -> Option<(Value, TenantId, Option<EventId>)> {
    let event: Value = serde_json::from_slice(bytes).ok()?;
    let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    let tenant = TenantId::try_from(text("tenantId")?).ok()?;
    let id = text("eventId").and_then(|id| uuid::Uuid::parse_str(&id).ok()).map(EventId);
    Some((event, tenant, id))
}

/// The beginning of some bytes: offset, hex, and what of it is ASCII.
pub(super) fn hex(bytes: &[u8]) -> String {
    let lines = bytes.chunks(HEX_LINE_BYTES).take(HEX_LINES).enumerate();
    let line = |(at, chunk): (usize, &[u8])| {
        let pairs: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = |byte: &u8| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        let text: String = chunk.iter().map(shown).collect();
        format!("{:08x}  {:<47}  |{text}|", at * HEX_LINE_BYTES, pairs.join(" "))
    };
    lines.map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preview_looks_like_hexdump_and_ends() {
        let lines = hex(b"an event\0of gcp, and more");
        let expected = "00000000  61 6e 20 65 76 65 6e 74 00 6f 66 20 67 63 70 2c  |an event.of gcp,|\n\
                        00000010  20 61 6e 64 20 6d 6f 72 65                       | and more|";
        assert_eq!(lines, expected);
        assert_eq!(hex(&[0; 100_000]).lines().count(), HEX_LINES);
    }

    #[test]
    fn a_clients_event_is_shown_with_its_fields_and_its_payload_only_to_readers() {
        let event = serde_json::json!({"tenantId": "acme", "payload": {"kind": "a", "b": 1},
            "eventId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b"});
        let shown = of_event(&event, true);
        assert_eq!(shown.kind.as_deref(), Some("a"));
        assert_eq!(shown.payload.as_deref(), Some(r#"{"b":1,"kind":"a"}"#));
        assert_eq!(of_event(&event, false).payload, None);
    }
}
