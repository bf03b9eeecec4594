//! What of a log entry has effects, read from the ledger's rows. Reads only: the ledger writes.

use domain::clock::LogicalClock;
use domain::cloud::Cloud;
use domain::event::{EventId, Slot, TenantId};
use domain::log::LogId;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::ProjectionError;

/// One entry of a log, without its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub slot: Slot,
    pub tenant_id: TenantId,
    pub event_id: EventId,
    pub logical_clock: LogicalClock,
    /// RFC 8785 bytes.
    pub payload: Vec<u8>,
}

impl Entry {
    /// The order in which decisions supersede each other: the same on every cloud.
    pub fn order(&self) -> (LogicalClock, Slot) {
        (self.logical_clock, self.slot)
    }
}

/// Entries `start..end` of a log, but for disputed ones.
///
/// # Errors
/// The database cannot be read, or an entry is missing or not readable.
pub(super) async fn range(
    connection: &mut PgConnection,
    log: LogId,
    start: u64,
    end: u64,
) -> Result<Vec<Entry>, ProjectionError> {
    let rows = sqlx::query(
        "SELECT origin, epoch, sequence, tenant_id, event_id, logical_clock, payload \
         FROM ledger_event \
         WHERE origin = $1 AND epoch = $2 AND sequence >= $3 AND sequence < $4 \
         ORDER BY sequence",
    )
    .bind(i16::from(log.origin.code()))
    .bind(signed32(log.epoch))
    .bind(signed64(start))
    .bind(signed64(end))
    .fetch_all(&mut *connection)
    .await?;
    let entries = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for (sequence, at) in (start..end).enumerate() {
        if entries.get(sequence).is_none_or(|entry| entry.slot.sequence != at) {
            let slot = Slot { origin: log.origin, epoch: log.epoch, sequence: at };
            return Err(ProjectionError::Damaged { slot, what: "is missing" });
        }
    }
    let disputed = disputed(connection, log).await?;
    let counts = |entry: &Entry| !disputed.is_some_and(|range| is_within(entry, range));
    Ok(entries.into_iter().filter(counts).collect())
}

fn is_within(entry: &Entry, (from, to): (u64, u64)) -> bool {
    (from..to).contains(&entry.slot.sequence)
}

/// Entries of a log that were certified on two branches: held without effect.
async fn disputed(
    connection: &mut PgConnection,
    log: LogId,
) -> Result<Option<(u64, u64)>, sqlx::Error> {
    let range: Option<(Option<i64>, Option<i64>)> = sqlx::query_as(
        "SELECT disputed_from, disputed_to FROM ledger_log WHERE origin = $1 AND epoch = $2",
    )
    .bind(i16::from(log.origin.code()))
    .bind(signed32(log.epoch))
    .fetch_optional(connection)
    .await?;
    let (from, to) = range.unwrap_or_default();
    Ok(from.zip(to).map(|(from, to)| (from.unsigned_abs(), to.unsigned_abs())))
}

/// Entries with one of these ids that were projected before entry `start` of `log`.
///
/// # Errors
/// The database cannot be read, or an entry is not readable.
pub(super) async fn projected(
    connection: &mut PgConnection,
    ids: &[Uuid],
    log: LogId,
    start: u64,
) -> Result<Vec<Entry>, ProjectionError> {
    let rows = sqlx::query(
        "SELECT e.origin, e.epoch, e.sequence, e.tenant_id, e.event_id, e.logical_clock, e.payload \
         FROM ledger_event e JOIN projection_position p USING (origin, epoch) \
         LEFT JOIN ledger_log l USING (origin, epoch) \
         WHERE (e.sequence >= l.disputed_from AND e.sequence < l.disputed_to) IS NOT TRUE AND e.event_id = ANY($1) AND e.sequence < p.size \
         AND NOT (e.origin = $2 AND e.epoch = $3 AND e.sequence >= $4)",
    )
    .bind(ids)
    .bind(i16::from(log.origin.code()))
    .bind(signed32(log.epoch))
    .bind(signed64(start))
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &PgRow) -> Result<Entry, ProjectionError> {
    let slot = slot(row)?;
    let tenant_id = TenantId::try_from(row.try_get::<String, _>("tenant_id")?)
        .map_err(|_| ProjectionError::Damaged { slot, what: "has no readable tenant" })?;
    Ok(Entry {
        slot,
        tenant_id,
        event_id: EventId(row.try_get("event_id")?),
        logical_clock: LogicalClock::from_packed(row.try_get("logical_clock")?),
        payload: row.try_get("payload")?,
    })
}

/// The place that a row of any of these tables names.
pub(super) fn slot(row: &PgRow) -> Result<Slot, sqlx::Error> {
    let code: i16 = row.try_get("origin")?;
    let origin = u8::try_from(code).ok().and_then(Cloud::from_code);
    let origin = origin.ok_or_else(|| sqlx::Error::Decode(format!("{code} is no cloud").into()))?;
    let epoch = row.try_get::<i32, _>("epoch")?.unsigned_abs();
    let sequence = row.try_get::<i64, _>("sequence")?.unsigned_abs();
    Ok(Slot { origin, epoch, sequence })
}

/// Epochs are counted by operators: never near 2^31.
pub(super) fn signed32(epoch: u32) -> i32 {
    i32::try_from(epoch).unwrap_or(i32::MAX)
}

/// Sizes of logs: never near 2^63.
pub(super) fn signed64(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
