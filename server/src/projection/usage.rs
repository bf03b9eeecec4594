//! Metered usage, in pages.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::clock::Timestamp;
use domain::event::TenantId;
use domain::usage::{UsageKey, UsageSum};
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};
use time::OffsetDateTime;

use super::Projection;

/// Most rows of one page.
pub const USAGE_PAGE_MAX: u32 = 1_000;

/// Which usage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    pub tenant: Option<TenantId>,
    pub provider: Option<String>,
    pub model: Option<String>,
    /// Where the inference ran.
    pub region: Option<String>,
    /// Hours that begin at or after.
    pub from: Option<Timestamp>,
    /// Hours that begin before.
    pub to: Option<Timestamp>,
}

/// One row: what was used in one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageRow {
    #[serde(flatten)]
    pub key: UsageKey,
    #[serde(flatten)]
    pub sum: UsageSum,
}

/// A place in the order of rows: the key of the last one. Its text form is opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageCursor(UsageKey);

/// Rows by tenant, then hour, provider, model, region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsagePage {
    pub items: Vec<UsageRow>,
    pub next: Option<UsageCursor>,
}

/// The text is not a cursor that this program made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a cursor; use the one that the last page gave")]
pub struct BadUsageCursor(pub String);

impl fmt::Display for UsageCursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(&self.0).map_err(|_| fmt::Error)?;
        out.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl FromStr for UsageCursor {
    type Err = BadUsageCursor;

    fn from_str(text: &str) -> Result<Self, BadUsageCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let key = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        key.map(UsageCursor).ok_or_else(|| BadUsageCursor(text.to_owned()))
    }
}

impl Projection {
    /// A page of usage rows.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn usage_page(
        &self,
        filter: &UsageFilter,
        cursor: Option<&UsageCursor>,
        limit: u32,
    ) -> Result<UsagePage, sqlx::Error> {
        let limit = limit.clamp(1, USAGE_PAGE_MAX);
        let mut query = select(filter, cursor);
        // One more than asked for tells whether there is a next page.
        query.push(" ORDER BY tenant_id, hour, provider, model, region LIMIT ");
        query.push_bind(i64::from(limit) + 1);
        let rows = query.build().fetch_all(&self.pool).await?;
        let more = rows.len() > limit as usize;
        let items = rows.iter().take(limit as usize).map(read).collect::<Result<Vec<_>, _>>()?;
        let next = items.last().filter(|_| more).map(|row| UsageCursor(row.key.clone()));
        Ok(UsagePage { items, next })
    }

    /// Tokens of these tenants by UTC day, in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tokens_by_day(
        &self,
        tenants: &[&str],
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Vec<(TenantId, Timestamp, u64)>, sqlx::Error> {
        let rows: Vec<(String, OffsetDateTime, i64)> = sqlx::query_as(
            "SELECT tenant_id, date_trunc('day', hour, 'UTC') AS day, \
               sum(input_tokens + output_tokens)::bigint FROM usage_hour \
             WHERE tenant_id = ANY($1) AND ($2::timestamptz IS NULL OR hour >= $2) \
               AND ($3::timestamptz IS NULL OR hour < $3) GROUP BY 1, 2 ORDER BY 1, 2",
        )
        .bind(tenants)
        .bind(from.map(Timestamp::to_datetime))
        .bind(to.map(Timestamp::to_datetime))
        .fetch_all(&self.pool)
        .await?;
        let day = |(tenant, day, tokens): (String, OffsetDateTime, i64)| {
            let tenant =
                TenantId::try_from(tenant).map_err(|error| sqlx::Error::Decode(error.into()))?;
            Ok((tenant, Timestamp::from_datetime(day), u64::try_from(tokens).unwrap_or(0)))
        };
        rows.into_iter().map(day).collect()
    }
}

fn select(filter: &UsageFilter, cursor: Option<&UsageCursor>) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT * FROM usage_hour WHERE true");
    if let Some(tenant) = &filter.tenant {
        query.push(" AND tenant_id = ").push_bind(tenant.to_string());
    }
    if let Some(provider) = &filter.provider {
        query.push(" AND provider = ").push_bind(provider.clone());
    }
    if let Some(model) = &filter.model {
        query.push(" AND model = ").push_bind(model.clone());
    }
    if let Some(region) = &filter.region {
        query.push(" AND region = ").push_bind(region.clone());
    }
    if let Some(from) = filter.from {
        query.push(" AND hour >= ").push_bind(from.to_datetime());
    }
    if let Some(to) = filter.to {
        query.push(" AND hour < ").push_bind(to.to_datetime());
    }
    if let Some(UsageCursor(key)) = cursor {
        query.push(" AND (tenant_id, hour, provider, model, region) > (");
        query.push_bind(key.tenant_id.to_string()).push(", ");
        query.push_bind(key.hour.to_datetime()).push(", ");
        query.push_bind(key.provider.clone()).push(", ");
        query.push_bind(key.model.clone()).push(", ");
        query.push_bind(key.region.clone()).push(")");
    }
    query
}

pub(super) fn read(row: &PgRow) -> Result<UsageRow, sqlx::Error> {
    let tenant: String = row.try_get("tenant_id")?;
    let key = UsageKey {
        tenant_id: TenantId::try_from(tenant).map_err(|error| sqlx::Error::Decode(error.into()))?,
        provider: row.try_get("provider")?,
        model: row.try_get("model")?,
        region: row.try_get("region")?,
        hour: Timestamp::from_datetime(row.try_get::<OffsetDateTime, _>("hour")?),
    };
    let sum = UsageSum {
        requests: row.try_get("requests")?,
        failed: row.try_get("failed")?,
        input_tokens: row.try_get("input_tokens")?,
        output_tokens: row.try_get("output_tokens")?,
        cached_tokens: row.try_get("cached_tokens")?,
        timed: row.try_get("timed")?,
        latency_us: row.try_get("latency_us")?,
    };
    Ok(UsageRow { key, sum })
}
