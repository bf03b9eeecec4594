//! How the rows of a snapshot are written and hashed.
//!
//! A section is a text: one row a line, each an RFC 8785 object, each ended by a line feed, in the
//! order that its kind states. Its SHA-256 is what `sha256sum` gives for that text. It falls into
//! parts that follow each other: entries by their log, everything else by its month. A part's hash
//! is that of its own lines, so that whoever differs knows where.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Period;
use crate::billing;
use crate::clock::LogicalClock;
use crate::event::{EventId, Slot};
use crate::json;
use crate::log::{Hash, LogId};
use crate::usage::{UsageKey, UsageSum};

/// What a snapshot is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SectionName {
    /// The entries since the snapshot before, by log and place.
    Events,
    /// Metered usage of all time, as of the cut.
    Usage,
    /// The billing ledger of all time, as of the cut.
    Ledger,
}

impl SectionName {
    pub const ALL: [SectionName; 3] =
        [SectionName::Events, SectionName::Usage, SectionName::Ledger];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SectionName::Events => "events",
            SectionName::Usage => "usage",
            SectionName::Ledger => "ledger",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<SectionName> {
        SectionName::ALL.into_iter().find(|section| section.name() == name)
    }
}

impl fmt::Display for SectionName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// One row: where it belongs, what it is called, and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// A log such as `gcp/1`, or a month such as `2026-10`.
    pub part: String,
    pub id: String,
    /// Without its line feed.
    pub line: Vec<u8>,
}

impl Row {
    /// An entry of a log. `hash` is the event's: it covers all nine fields, and no row tells what
    /// is in them. Order: by log (clouds in their own order, then epochs), then by sequence.
    #[must_use]
    pub fn of_event(slot: Slot, event_id: EventId, clock: LogicalClock, hash: Hash) -> Row {
        let log = LogId { origin: slot.origin, epoch: slot.epoch };
        let line = serde_json::json!({
            "eventId": event_id, "hash": hash, "logicalClock": clock.to_string(),
            "slot": slot.to_string(),
        });
        Row { part: log.to_string(), id: slot.to_string(), line: json::canonical(&line) }
    }

    /// Metered usage. Order: by month, then by tenant, hour, provider, model and region, texts by
    /// their bytes.
    #[must_use]
    pub fn of_usage(key: &UsageKey, sum: &UsageSum) -> Row {
        let UsageKey { tenant_id, provider, model, region, hour } = key;
        let line = serde_json::json!({
            "tenantId": tenant_id, "provider": provider, "model": model, "region": region,
            "hour": hour, "requests": sum.requests, "failed": sum.failed,
            "inputTokens": sum.input_tokens, "outputTokens": sum.output_tokens,
            "cachedTokens": sum.cached_tokens, "timed": sum.timed, "latencyUs": sum.latency_us,
        });
        let id = format!("{tenant_id} {hour} {provider} {model} {region}");
        Row { part: Period::month_of(*hour).to_string(), id, line: json::canonical(&line) }
    }

    /// A row of the billing ledger, whose text is its line. Order: by month; within it the entries
    /// by tenant, day, kind and key, then the usage that no price applied to.
    #[must_use]
    pub fn of_billing(month: billing::Period, text: String) -> Row {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Head {
            tenant_id: String,
            day: String,
            kind: String,
        }
        let Head { tenant_id, day, kind } = serde_json::from_str(&text).unwrap_or_default();
        let id = format!("{tenant_id} {day} {kind}").trim().to_owned();
        Row { part: month.to_string(), id, line: text.into_bytes() }
    }
}

/// What a manifest says of a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Section {
    pub rows: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    pub sha256: Hash,
    pub parts: Vec<Part>,
}

/// What a manifest says of a log's or a month's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    pub name: String,
    pub rows: u64,
    pub sha256: Hash,
}

/// Hashes a section's rows as they come, in constant memory.
#[derive(Clone, Debug, Default)]
pub struct SectionHasher {
    rows: u64,
    first: Option<String>,
    last: Option<String>,
    whole: Sha256,
    parts: Vec<Part>,
    open: Option<OpenPart>,
}

#[derive(Clone, Debug)]
struct OpenPart {
    name: String,
    rows: u64,
    hash: Sha256,
}

impl OpenPart {
    fn close(self) -> Part {
        Part { name: self.name, rows: self.rows, sha256: Hash(self.hash.finalize().into()) }
    }
}

impl SectionHasher {
    /// The next row in order.
    pub fn push(&mut self, row: Row) {
        if self.open.as_ref().is_none_or(|open| open.name != row.part) {
            let new = OpenPart { name: row.part, rows: 0, hash: Sha256::new() };
            self.parts.extend(self.open.replace(new).map(OpenPart::close));
        }
        if let Some(open) = &mut self.open {
            open.rows += 1;
            open.hash.update(&row.line);
            open.hash.update(b"\n");
        }
        self.rows += 1;
        self.whole.update(&row.line);
        self.whole.update(b"\n");
        if self.first.is_none() {
            self.first = Some(row.id.clone());
        }
        self.last = Some(row.id);
    }

    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The hash of the rows so far: at equal counts two that differ have parted before.
    #[must_use]
    pub fn so_far(&self) -> Hash {
        Hash(self.whole.clone().finalize().into())
    }

    #[must_use]
    pub fn finish(mut self) -> Section {
        self.parts.extend(self.open.take().map(OpenPart::close));
        let sha256 = Hash(self.whole.finalize().into());
        let SectionHasher { rows, first, last, parts, .. } = self;
        Section { rows, first, last, sha256, parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TenantId;

    fn usage(hour: &str, requests: i64) -> Row {
        let key = UsageKey {
            tenant_id: TenantId::platform(),
            provider: "vertex".into(),
            model: "m".into(),
            region: "eu".into(),
            hour: hour.parse().expect("an hour"),
        };
        Row::of_usage(&key, &UsageSum { requests, ..UsageSum::default() })
    }

    fn section(rows: impl IntoIterator<Item = Row>) -> Section {
        let mut hasher = SectionHasher::default();
        rows.into_iter().for_each(|row| hasher.push(row));
        hasher.finish()
    }

    #[test]
    fn a_sections_hash_is_that_of_its_lines() {
        let rows = [usage("2026-09-30T23:00:00Z", 1), usage("2026-10-01T00:00:00Z", 2)];
        let text: Vec<u8> = rows.iter().flat_map(|row| [&row.line[..], b"\n"].concat()).collect();
        let section = section(rows.clone());
        assert_eq!(section.sha256, Hash(Sha256::digest(&text).into()));
        assert_eq!(section.rows, 2);
        assert_eq!(section.first.as_deref(), Some(rows[0].id.as_str()));
        let names: Vec<&str> = section.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["2026-09", "2026-10"]);
        let october = [&rows[1].line[..], b"\n"].concat();
        assert_eq!(section.parts[1].sha256, Hash(Sha256::digest(&october).into()));
        let written = r#""hour":"2026-10-01T00:00:00.000Z","inputTokens":0"#;
        assert!(String::from_utf8_lossy(&rows[1].line).contains(written));
    }

    #[test]
    fn an_empty_section_has_the_hash_of_nothing() {
        let empty = section([]);
        assert_eq!((empty.rows, empty.first, empty.parts.len()), (0, None, 0));
        assert!(empty.sha256.to_string().starts_with("e3b0c442"));
    }

    #[test]
    fn another_row_changes_its_part_and_no_other() {
        let one = section([usage("2026-09-30T23:00:00Z", 1), usage("2026-10-01T00:00:00Z", 2)]);
        let two = section([usage("2026-09-30T23:00:00Z", 1), usage("2026-10-01T00:00:00Z", 3)]);
        assert_ne!(one.sha256, two.sha256);
        assert_eq!(one.parts[0], two.parts[0]);
        assert_ne!(one.parts[1], two.parts[1]);
    }
}
