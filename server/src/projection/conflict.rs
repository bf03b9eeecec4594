//! Event ids that clouds accepted with different contents: held without effect.

use std::collections::HashSet;

use domain::event::{EventId, TenantId};
use sqlx::PgPool;
use uuid::Uuid;

use super::Projection;

/// Most conflicts of one page.
pub const CONFLICTS_PAGE_MAX: u32 = 1_000;

/// An id that is in conflict.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Conflict {
    pub event_id: EventId,
    pub tenant_id: TenantId,
}

pub(super) async fn count(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM projection_conflict").fetch_one(pool).await?;
    Ok(count.unsigned_abs())
}

impl Projection {
    /// Which of these events are held because their id is in conflict.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn quarantined(
        &self,
        events: &[(TenantId, EventId)],
    ) -> Result<HashSet<(TenantId, EventId)>, sqlx::Error> {
        if events.is_empty() || self.conflict_count() == 0 {
            return Ok(HashSet::new());
        }
        let ids: Vec<Uuid> = events.iter().map(|(_, id)| id.0).collect();
        let rows: Vec<(String, Uuid)> = sqlx::query_as(
            "SELECT tenant_id, event_id FROM projection_conflict WHERE event_id = ANY($1)",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        let held = rows
            .into_iter()
            .filter_map(|(tenant, id)| Some((TenantId::try_from(tenant).ok()?, EventId(id))));
        Ok(held.collect())
    }

    /// Is this event held because its id is in conflict?
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn is_quarantined(
        &self,
        tenant: &TenantId,
        event: EventId,
    ) -> Result<bool, sqlx::Error> {
        Ok(!self.quarantined(&[(tenant.clone(), event)]).await?.is_empty())
    }

    /// Conflicts, the greatest id first (version 7 ids: the newest), below `cursor`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn conflicts(
        &self,
        tenant: Option<&TenantId>,
        cursor: Option<&Conflict>,
        limit: u32,
    ) -> Result<Vec<Conflict>, sqlx::Error> {
        let rows: Vec<(String, Uuid)> = sqlx::query_as(
            "SELECT tenant_id, event_id FROM projection_conflict \
             WHERE ($1::text IS NULL OR tenant_id = $1) \
             AND ($2::uuid IS NULL OR (event_id, tenant_id) < ($2, $3)) \
             ORDER BY event_id DESC, tenant_id DESC LIMIT $4",
        )
        .bind(tenant.map(TenantId::as_str))
        .bind(cursor.map(|conflict| conflict.event_id.0))
        .bind(cursor.map(|conflict| conflict.tenant_id.as_str()))
        .bind(i64::from(limit.clamp(1, CONFLICTS_PAGE_MAX)))
        .fetch_all(&self.pool)
        .await?;
        let read = |(tenant, id): (String, Uuid)| {
            let tenant_id = TenantId::try_from(tenant).ok()?;
            Some(Conflict { event_id: EventId(id), tenant_id })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }
}
