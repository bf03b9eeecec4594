//! Event ids that clouds accepted with different contents: held without effect, until a decision
//! chooses.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::clock::Timestamp;
use domain::event::{EventId, Slot, TenantId};
use domain::log::Hash;
use domain::quarantine::State;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Row as _};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Projection;
use super::effect::Held;
use super::entry::{Entry, signed32, signed64};

/// Most conflicts of one page.
pub const CONFLICTS_PAGE_MAX: u32 = 1_000;

/// An id that is, or was, in conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub event_id: EventId,
    pub tenant_id: TenantId,
    /// When contents that differ from the first were accepted.
    pub since: Timestamp,
    /// What was decided; until then nothing counts.
    pub resolved: Option<Resolved>,
}

/// The decision that stands about a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The decision's event.
    pub decision: EventId,
    /// What counts; nothing ever does without.
    pub chosen: Option<Chosen>,
}

/// The contents that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub slot: Slot,
    /// SHA-256 of the payload.
    pub payload: Hash,
}

impl Conflict {
    /// Is an entry with this payload without effect?
    #[must_use]
    pub fn holds(&self, payload: &[u8]) -> bool {
        let chosen = self.resolved.as_ref().and_then(|resolved| resolved.chosen);
        chosen.is_none_or(|chosen| chosen.payload != digest(payload))
    }
}

fn digest(payload: &[u8]) -> Hash {
    Hash(Sha256::digest(payload).into())
}

/// Which conflicts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConflictFilter {
    pub tenant: Option<TenantId>,
    /// One that waits for a decision, one whose contents were chosen, or one of which nothing
    /// counts.
    pub state: Option<State>,
}

/// A place in the order of conflicts: what is older comes after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictBefore {
    pub since: Timestamp,
    /// Of several of one moment; none: all of that moment come before it.
    pub id: Option<(EventId, TenantId)>,
}

/// How many there are, in memory.
#[derive(Debug, Default)]
pub(super) struct Counts {
    all: AtomicU64,
    open: AtomicU64,
}

impl Counts {
    pub(super) fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) async fn read(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let (all, open): (i64, i64) = sqlx::query_as(
            "SELECT count(*), count(*) FILTER (WHERE ruling_id IS NULL) FROM projection_conflict",
        )
        .fetch_one(pool)
        .await?;
        self.all.store(all.unsigned_abs(), Ordering::Relaxed);
        self.open.store(open.unsigned_abs(), Ordering::Relaxed);
        Ok(())
    }
}

/// Writes conflicts as they stand now.
pub(super) async fn put(connection: &mut PgConnection, held: &[Held]) -> Result<(), sqlx::Error> {
    for one in held {
        let ms = i64::try_from(one.since.ms).unwrap_or(i64::MAX);
        let chosen = one.chosen.as_ref();
        let slot = chosen.map(|entry| entry.slot);
        sqlx::query(
            "INSERT INTO projection_conflict (tenant_id, event_id, since, ruling_id, \
             chosen_origin, chosen_epoch, chosen_sequence, chosen_payload) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (tenant_id, event_id) DO UPDATE SET since = excluded.since, \
             ruling_id = excluded.ruling_id, chosen_origin = excluded.chosen_origin, \
             chosen_epoch = excluded.chosen_epoch, chosen_sequence = excluded.chosen_sequence, \
             chosen_payload = excluded.chosen_payload",
        )
        .bind(one.tenant_id.as_str())
        .bind(one.event_id.0)
        .bind(Timestamp::from_unix_ms(ms).to_datetime())
        .bind(one.ruling.map(|decision| decision.0))
        .bind(slot.map(|slot| i16::from(slot.origin.code())))
        .bind(slot.map(|slot| signed32(slot.epoch)))
        .bind(slot.map(|slot| signed64(slot.sequence)))
        .bind(chosen.map(|Entry { payload, .. }| digest(payload).0.to_vec()))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

const COLUMNS: &str = "tenant_id, event_id, since, ruling_id, chosen_origin AS origin, \
     chosen_epoch AS epoch, chosen_sequence AS sequence, chosen_payload";

fn read(row: &PgRow) -> Result<Conflict, sqlx::Error> {
    let tenant: String = row.try_get("tenant_id")?;
    let payload: Option<Vec<u8>> = row.try_get("chosen_payload")?;
    let chosen = match payload.and_then(|payload| Hash::from_slice(&payload)) {
        Some(payload) => Some(Chosen { slot: super::entry::slot(row)?, payload }),
        None => None,
    };
    let decision: Option<Uuid> = row.try_get("ruling_id")?;
    Ok(Conflict {
        event_id: EventId(row.try_get("event_id")?),
        tenant_id: TenantId::try_from(tenant).map_err(|error| sqlx::Error::Decode(error.into()))?,
        since: Timestamp::from_datetime(row.try_get::<OffsetDateTime, _>("since")?),
        resolved: decision.map(|decision| Resolved { decision: EventId(decision), chosen }),
    })
}

impl Projection {
    /// Those of these events whose id is, or was, in conflict.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn contested(
        &self,
        events: &[(TenantId, EventId)],
    ) -> Result<HashMap<(TenantId, EventId), Conflict>, sqlx::Error> {
        if events.is_empty() || self.conflicts.all.load(Ordering::Relaxed) == 0 {
            return Ok(HashMap::new());
        }
        let ids: Vec<Uuid> = events.iter().map(|(_, id)| id.0).collect();
        let sql = format!("SELECT {COLUMNS} FROM projection_conflict WHERE event_id = ANY($1)");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(&self.pool).await?;
        let named = |row| {
            read(row).map(|conflict| ((conflict.tenant_id.clone(), conflict.event_id), conflict))
        };
        rows.iter().map(named).collect()
    }

    /// The conflict about this event's id, if there is or was one.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn conflict(
        &self,
        tenant: &TenantId,
        event: EventId,
    ) -> Result<Option<Conflict>, sqlx::Error> {
        let id = (tenant.clone(), event);
        Ok(self.contested(std::slice::from_ref(&id)).await?.remove(&id))
    }

    /// Conflicts, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn conflicts(
        &self,
        filter: &ConflictFilter,
        before: Option<&ConflictBefore>,
        limit: u32,
    ) -> Result<Vec<Conflict>, sqlx::Error> {
        let mut query =
            QueryBuilder::new(format!("SELECT {COLUMNS} FROM projection_conflict WHERE true"));
        narrow(&mut query, filter);
        if let Some(ConflictBefore { since, id }) = before {
            let (event, tenant) = match id {
                Some((event, tenant)) => (event.0, tenant.as_str()),
                None => (Uuid::nil(), ""),
            };
            query.push(" AND (since, event_id, tenant_id) < (").push_bind(since.to_datetime());
            query.push(", ").push_bind(event);
            query.push(", ").push_bind(tenant.to_owned()).push(")");
        }
        query.push(" ORDER BY since DESC, event_id DESC, tenant_id DESC LIMIT ");
        query.push_bind(i64::from(limit.clamp(1, CONFLICTS_PAGE_MAX)));
        let rows = query.build().fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }
}

fn narrow(query: &mut QueryBuilder<Postgres>, filter: &ConflictFilter) {
    if let Some(tenant) = &filter.tenant {
        query.push(" AND tenant_id = ").push_bind(tenant.as_str().to_owned());
    }
    query.push(match filter.state {
        None => "",
        Some(State::Held) => " AND ruling_id IS NULL",
        Some(State::Released) => " AND chosen_payload IS NOT NULL",
        Some(State::Rejected) => " AND ruling_id IS NOT NULL AND chosen_payload IS NULL",
    });
}
