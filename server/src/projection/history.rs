//! The versions of one entity: who decided what, when.

use domain::clock::LogicalClock;
use domain::event::{EventId, Slot};
use serde_json::Value;
use sqlx::Row;

use super::entry::slot;
use super::{Entity, Projection};

/// Most versions that one answer gives; older ones stand in the ledger.
const VERSIONS_MAX: i64 = 1_000;

/// One version of an entity.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub event_id: EventId,
    pub slot: Slot,
    pub logical_clock: LogicalClock,
    /// The decision's payload.
    pub body: Value,
}

impl Projection {
    /// The versions of an entity, the one in force first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn versions(&self, entity: Entity, key: &str) -> Result<Vec<Version>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT event_id, origin, epoch, sequence, logical_clock, body \
             FROM projection_version WHERE entity = $1 AND key = $2 \
             ORDER BY logical_clock DESC, origin DESC, epoch DESC, sequence DESC LIMIT $3",
        )
        .bind(entity.name())
        .bind(key)
        .bind(VERSIONS_MAX)
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &sqlx::postgres::PgRow| {
            Ok(Version {
                event_id: EventId(row.try_get("event_id")?),
                slot: slot(row)?,
                logical_clock: LogicalClock::from_packed(row.try_get("logical_clock")?),
                body: row.try_get("body")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
