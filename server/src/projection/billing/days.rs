//! Charges of days, derived from the metered hours and what was in force in them.

use std::collections::BTreeSet;

use domain::billing::Day;
use domain::billing::charge::{Tariff, charge};
use domain::catalog::Known;
use domain::clock::LogicalClock;
use domain::event::{EventId, TenantId};
use domain::usage::{UsageKey, UsageSum};
use serde_json::Value;
use sqlx::{PgConnection, Row as _};
use time::{Duration, OffsetDateTime};

use super::super::usage::read;
use super::{DayColumns, named, write};
use crate::projection::ProjectionError;

/// Derives these days of these tenants, and writes what is different.
pub(super) async fn derive(
    connection: &mut PgConnection,
    days: &[(TenantId, Day)],
) -> Result<(), ProjectionError> {
    if days.is_empty() {
        return Ok(());
    }
    let rows = hours(connection, days).await?;
    let tariff = tariff(connection, days, &rows).await?;
    let charges = charge(&tariff, rows.iter().map(|(key, sum)| (key, sum)));
    let columns = DayColumns::of(days.iter().map(|(tenant, day)| (tenant, *day)));
    write::replace_charges(connection, &columns, &charges.entries).await?;
    write::replace_unpriced(connection, &columns, &charges.unpriced).await?;
    Ok(())
}

async fn hours(
    connection: &mut PgConnection,
    days: &[(TenantId, Day)],
) -> Result<Vec<(UsageKey, UsageSum)>, sqlx::Error> {
    let start = |(_, day): &(TenantId, Day)| day.start().to_datetime();
    // Laterally and to be planned by itself: a tenant's day is a handful of rows by the key, where
    // a join might read the tenant's years.
    let rows = sqlx::query(
        "SELECT u.* FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) \
         AS wanted (tenant_id, start, finish) CROSS JOIN LATERAL \
         (SELECT * FROM usage_hour u WHERE u.tenant_id = wanted.tenant_id \
          AND u.hour >= wanted.start AND u.hour < wanted.finish OFFSET 0) AS u",
    )
    .bind(days.iter().map(|(tenant, _)| tenant.as_str()).collect::<Vec<_>>())
    .bind(days.iter().map(start).collect::<Vec<OffsetDateTime>>())
    .bind(days.iter().map(|day| start(day).saturating_add(Duration::DAY)).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let pair = |row| read(row).map(|row| (row.key, row.sum));
    rows.iter().map(pair).collect()
}

/// Tiers of these tenants, and prices of what they used.
async fn tariff(
    connection: &mut PgConnection,
    days: &[(TenantId, Day)],
    rows: &[(UsageKey, UsageSum)],
) -> Result<Tariff, sqlx::Error> {
    let mut tariff = Tariff::default();
    let tenants: BTreeSet<&str> = days.iter().map(|(tenant, _)| tenant.as_str()).collect();
    let versions = sqlx::query(
        "SELECT key, logical_clock, body ->> 'tier' AS tier FROM projection_version \
         WHERE entity = 'tenant' AND key = ANY($1) \
         ORDER BY logical_clock, origin, epoch, sequence",
    )
    .bind(tenants.into_iter().collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await?;
    for row in &versions {
        let clock = LogicalClock::from_packed(row.try_get("logical_clock")?);
        tariff.tenant(named(row.try_get("key")?)?, clock, row.try_get("tier")?);
    }
    let used: BTreeSet<(&str, &str)> =
        rows.iter().map(|(key, _)| (key.provider.as_str(), key.model.as_str())).collect();
    let prices = sqlx::query(
        "SELECT DISTINCT ON (key) body, event_id FROM projection_version \
         WHERE entity = 'price' AND (body ->> 'provider', body ->> 'model') IN \
         (SELECT * FROM unnest($1::text[], $2::text[])) \
         ORDER BY key, logical_clock DESC, origin DESC, epoch DESC, sequence DESC",
    )
    .bind(used.iter().map(|(provider, _)| *provider).collect::<Vec<_>>())
    .bind(used.iter().map(|(_, model)| *model).collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await?;
    for row in &prices {
        let body: Value = row.try_get("body")?;
        if let Ok(Some(Known::PricePut(price))) = Known::read(&body) {
            tariff.price(price, EventId(row.try_get("event_id")?));
        }
    }
    Ok(tariff)
}
