//! Reading the ledger: pages, single events, ranges of a log.

use std::fmt;
use std::str::FromStr;

use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::{Cloud, PerCloud};
use domain::event::{Event, EventId, Slot, TenantId};
use domain::finality::Finality;
use domain::key::Signature;
use domain::log::{Hash, LogId};
use sqlx::{PgPool, Postgres, QueryBuilder, Row as _};

use super::columns::{self, RECORD_COLUMNS};
use super::watermark::Watermarks;

/// Most rows of one page.
pub const PAGE_ROWS_MAX: u32 = 1_000;
/// A hash prefix is looked for among this many of the newest events: hashes are indexed whole,
/// since an index that orders them would make every insert touch a random page.
const PREFIX_ROWS_MAX: i64 = 50_000;
/// Most answers to a hash prefix.
const PREFIX_HITS_MAX: i64 = 20;

/// One stored event, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub slot: Slot,
    pub event: Event,
    pub hash: Hash,
    pub signature: Signature,
    /// The payload's `kind`, as indexed.
    pub kind: Option<String>,
}

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub tenant: Option<TenantId>,
    pub origin: Option<Cloud>,
    pub status: Option<Finality>,
    pub kind: Option<String>,
    /// Accepted at or after, by the origin's logical clock.
    pub from: Option<Timestamp>,
    /// Accepted before.
    pub to: Option<Timestamp>,
}

/// A place in the order of all events: by logical clock, then origin, newest first. Its text
/// form is opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCursor {
    pub logical_clock: i64,
    pub origin: Cloud,
    /// Towards newer events instead of older ones.
    pub newer: bool,
}

/// The text is not a cursor that this program made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a cursor; use the one that the last page gave")]
pub struct BadCursor(pub String);

impl fmt::Display for EventCursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.newer { 'n' } else { 'o' };
        write!(out, "{way}{:x}-{}", self.logical_clock, self.origin)
    }
}

impl FromStr for EventCursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let read = || {
            let newer = match text.get(..1)? {
                "n" => true,
                "o" => false,
                _ => return None,
            };
            let (clock, origin) = text.get(1..)?.split_once('-')?;
            let logical_clock = i64::from_str_radix(clock, 16).ok()?;
            Some(EventCursor { logical_clock, origin: origin.parse().ok()?, newer })
        };
        read().ok_or_else(|| BadCursor(text.to_owned()))
    }
}

/// A page of events, newest first.
#[derive(Clone, Debug, Default)]
pub struct RecordPage {
    pub items: Vec<Record>,
    /// Towards older events, if there are any.
    pub next: Option<EventCursor>,
    /// Towards newer events, if there are any.
    pub previous: Option<EventCursor>,
}

/// When one cloud's signature first covered a slot, as learnt here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covering {
    pub tree_size: u64,
    pub learnt_at: Timestamp,
}

impl Record {
    /// This record's place in the order of all events.
    #[must_use]
    pub fn cursor(&self, newer: bool) -> EventCursor {
        let logical_clock = self.event.logical_clock.packed();
        EventCursor { logical_clock, origin: self.slot.origin, newer }
    }
}

/// A page in the order of the logical clock.
pub(super) async fn list(
    pool: &PgPool,
    marks: &Watermarks,
    filter: &EventFilter,
    cursor: Option<EventCursor>,
    limit: u32,
) -> Result<RecordPage, sqlx::Error> {
    let limit = limit.clamp(1, PAGE_ROWS_MAX);
    let newer = cursor.is_some_and(|cursor| cursor.newer);
    let mut query = page_query(marks, filter, cursor);
    query.push(if newer {
        " ORDER BY logical_clock, origin LIMIT "
    } else {
        " ORDER BY logical_clock DESC, origin DESC LIMIT "
    });
    query.push_bind(i64::from(limit) + 1);
    let rows = query.build().fetch_all(pool).await?;
    let mut items = rows.iter().map(columns::record).collect::<Result<Vec<_>, _>>()?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    if newer {
        items.reverse();
    }
    let older_exist = if newer { cursor.is_some() } else { more };
    let newer_exist = if newer { more } else { cursor.is_some() };
    Ok(RecordPage {
        next: items.last().filter(|_| older_exist).map(|record| record.cursor(false)),
        previous: items.first().filter(|_| newer_exist).map(|record| record.cursor(true)),
        items,
    })
}

fn page_query(
    marks: &Watermarks,
    filter: &EventFilter,
    cursor: Option<EventCursor>,
) -> QueryBuilder<Postgres> {
    let mut query =
        QueryBuilder::new(format!("SELECT {RECORD_COLUMNS} FROM ledger_event WHERE true"));
    if let Some(tenant) = &filter.tenant {
        query.push(" AND tenant_id = ").push_bind(tenant.as_str().to_owned());
    }
    if let Some(origin) = filter.origin {
        query.push(" AND origin = ").push_bind(i16::from(origin.code()));
    }
    if let Some(kind) = &filter.kind {
        query.push(" AND kind = ").push_bind(kind.clone());
    }
    if let Some(from) = filter.from {
        query.push(" AND logical_clock >= ").push_bind(first_reading(from));
    }
    if let Some(to) = filter.to {
        query.push(" AND logical_clock < ").push_bind(first_reading(to));
    }
    push_status(&mut query, marks, filter.status);
    push_superseded(&mut query, marks);
    if let Some(cursor) = cursor {
        query.push(if cursor.newer {
            " AND (logical_clock, origin) > ("
        } else {
            " AND (logical_clock, origin) < ("
        });
        query.push_bind(cursor.logical_clock).push(", ");
        query.push_bind(i16::from(cursor.origin.code())).push(")");
    }
    query
}

/// Finality is a watermark per log, so a status is a bound on the sequence.
fn push_status(query: &mut QueryBuilder<Postgres>, marks: &Watermarks, status: Option<Finality>) {
    let Some(status) = status else { return };
    query.push(" AND (false");
    for view in marks.views() {
        let (from, to) = match status {
            Finality::Final => (0, view.final_size),
            Finality::Pending => (view.final_size, u64::MAX),
            Finality::Disputed => view.disputed.unwrap_or_default(),
            // Held events are listed by the quarantine, not by the logs.
            Finality::Quarantined => continue,
        };
        push_log(query, " OR (", view.log);
        query.push(" AND sequence >= ").push_bind(columns::size(from));
        query.push(" AND sequence < ").push_bind(columns::size(to)).push(")");
    }
    query.push(")");
}

/// What stands beyond the closing of an ended log was recorded again in the next one.
fn push_superseded(query: &mut QueryBuilder<Postgres>, marks: &Watermarks) {
    for view in marks.views() {
        let Some(closing) = view.closing.filter(|closing| closing.size < view.head.size) else {
            continue;
        };
        push_log(query, " AND NOT (", view.log);
        query.push(" AND sequence >= ").push_bind(columns::size(closing.size)).push(")");
    }
}

fn push_log(query: &mut QueryBuilder<Postgres>, before: &str, log: LogId) {
    query.push(before).push("origin = ").push_bind(columns::origin(log));
    query.push(" AND epoch = ").push_bind(columns::epoch(log));
}

fn first_reading(at: Timestamp) -> i64 {
    let ms = u64::try_from(at.unix_ms()).unwrap_or(0);
    LogicalClock { ms, counter: 0 }.packed()
}

pub(super) async fn find(pool: &PgPool, event_id: EventId) -> Result<Vec<Record>, sqlx::Error> {
    let sql = format!(
        "SELECT {RECORD_COLUMNS} FROM ledger_event WHERE event_id = $1 \
         ORDER BY logical_clock, origin"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(event_id.0).fetch_all(pool).await?;
    rows.iter().map(columns::record).collect()
}

pub(super) async fn by_hash(pool: &PgPool, prefix: &[u8]) -> Result<Vec<Record>, sqlx::Error> {
    let whole = prefix.len() == 32;
    let sql = if whole {
        format!("SELECT {RECORD_COLUMNS} FROM ledger_event WHERE hash = $1 LIMIT $2")
    } else {
        format!(
            "SELECT * FROM (SELECT {RECORD_COLUMNS} FROM ledger_event \
                            ORDER BY logical_clock DESC, origin DESC LIMIT {PREFIX_ROWS_MAX}) AS newest \
             WHERE substring(hash for {}) = $1 LIMIT $2",
            prefix.len()
        )
    };
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(prefix)
        .bind(PREFIX_HITS_MAX)
        .fetch_all(pool)
        .await?;
    rows.iter().map(columns::record).collect()
}

const COVERINGS: &str = "
SELECT slot.n, signer.code AS signer, first.size, first.learnt_at
FROM unnest($1::smallint[], $2::integer[], $3::bigint[])
         WITH ORDINALITY AS slot (origin, epoch, sequence, n),
     unnest(ARRAY[1, 2, 3]::smallint[]) AS signer (code),
     LATERAL (SELECT size, learnt_at FROM ledger_signature
              WHERE origin = slot.origin AND epoch = slot.epoch AND signer = signer.code
                AND size > slot.sequence
              ORDER BY size LIMIT 1) AS first";

pub(super) async fn coverings(
    pool: &PgPool,
    slots: &[Slot],
) -> Result<Vec<PerCloud<Option<Covering>>>, sqlx::Error> {
    let epoch = |slot: &Slot| i32::try_from(slot.epoch).unwrap_or(i32::MAX);
    let rows = sqlx::query(COVERINGS)
        .bind(slots.iter().map(|slot| i16::from(slot.origin.code())).collect::<Vec<_>>())
        .bind(slots.iter().map(epoch).collect::<Vec<_>>())
        .bind(slots.iter().map(|slot| columns::size(slot.sequence)).collect::<Vec<_>>())
        .fetch_all(pool)
        .await?;
    let mut found = vec![PerCloud::default(); slots.len()];
    for row in &rows {
        let at = usize::try_from(row.try_get::<i64, _>("n")? - 1).unwrap_or(usize::MAX);
        let covering = Covering {
            tree_size: columns::read_size(row, "size")?,
            learnt_at: columns::read_time(row, "learnt_at")?,
        };
        if let Some(slot) = found.get_mut(at) {
            *slot.get_mut(columns::read_cloud(row, "signer")?) = Some(covering);
        }
    }
    Ok(found)
}

/// The newest reading of one cloud's clock that is recorded here.
pub(super) async fn newest_clock(
    pool: &PgPool,
    origin: Cloud,
) -> Result<LogicalClock, sqlx::Error> {
    let sql = "SELECT logical_clock FROM ledger_event WHERE origin = $1 \
               ORDER BY epoch DESC, sequence DESC LIMIT 1";
    let code = i16::from(origin.code());
    let newest: Option<i64> = sqlx::query_scalar(sql).bind(code).fetch_optional(pool).await?;
    Ok(newest.map(LogicalClock::from_packed).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        for newer in [true, false] {
            let cursor = EventCursor { logical_clock: 0x1234, origin: Cloud::Aws, newer };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for bad in ["", "o", "x12-gcp", "o12", "o12-", "o12-oracle", "ozz-gcp", "é1-gcp"] {
            assert!(bad.parse::<EventCursor>().is_err(), "{bad}");
        }
    }
}
