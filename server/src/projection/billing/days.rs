//! Charges of days, derived from the metered hours and what was in force in them.

use std::collections::BTreeSet;

use domain::billing::charge::{Charges, Tariff, charge};
use domain::billing::{Day, OwnPrice};
use domain::catalog::{Known, PricePut};
use domain::clock::{LogicalClock, Timestamp};
use domain::event::{EventId, TenantId};
use domain::usage::{UsageKey, UsageSum};
use serde_json::Value;
use sqlx::{PgConnection, Row as _};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::super::usage::read;
use super::own::own_prices;
use super::{DayColumns, decoded, named, write};
use crate::projection::ProjectionError;

/// Derives these days of these tenants, and writes what is different.
pub(super) async fn derive(
    connection: &mut PgConnection,
    days: &[(TenantId, Day)],
) -> Result<(), ProjectionError> {
    if days.is_empty() {
        return Ok(());
    }
    let (tariff, rows) = priced(connection, days, None).await?;
    let charges = charge(&tariff, rows.iter().map(|(key, sum)| (key, sum)));
    let columns = DayColumns::of(days.iter().map(|(tenant, day)| (tenant, *day)));
    write::replace_charges(connection, &columns, &charges.entries).await?;
    write::replace_unpriced(connection, &columns, &charges.unpriced).await?;
    Ok(())
}

/// What usage of a price's model on these days comes to: as things are, and with that price.
pub(super) async fn with_price(
    connection: &mut PgConnection,
    days: &[(TenantId, Day)],
    put: &PricePut,
) -> Result<(Charges, Charges), sqlx::Error> {
    let (mut tariff, rows) = priced(connection, days, Some(put.effective_from)).await?;
    let of_model =
        |(key, _): &(&UsageKey, &UsageSum)| key.provider == put.provider && key.model == put.model;
    let rows = || rows.iter().map(|(key, sum)| (key, sum)).filter(of_model);
    let was = charge(&tariff, rows());
    // No entry of it is ever written, so no decision needs to be named.
    tariff.price(put.clone(), EventId(Uuid::nil()));
    Ok((was, charge(&tariff, rows())))
}

/// Metered hours of these days, and what was in force in them. `parts`: a moment of which both sides
/// are asked, besides.
async fn priced(
    connection: &mut PgConnection,
    days: &[(TenantId, Day)],
    parts: Option<Timestamp>,
) -> Result<(Tariff, Vec<(UsageKey, UsageSum)>), sqlx::Error> {
    let own = own_prices(connection, &tenants(days)).await?;
    let rows = hours(connection, days, &own, parts).await?;
    let mut tariff = tariff(connection, days, &rows).await?;
    for (tenant, price) in own {
        tariff.own(tenant, price);
    }
    Ok((tariff, rows))
}

/// Metered hours of these days. Those of a day between which nothing begins to hold are charged
/// alike, so the database adds them up: a row of them has the first one's hour.
async fn hours(
    connection: &mut PgConnection,
    days: &[(TenantId, Day)],
    own: &[(TenantId, OwnPrice)],
    parts: Option<Timestamp>,
) -> Result<Vec<(UsageKey, UsageSum)>, sqlx::Error> {
    let begins = beginnings(connection, days, own, parts).await?;
    let start = |(_, day): &(TenantId, Day)| day.start().to_datetime();
    // Laterally and to be planned by itself: a tenant's day is a handful of rows by the key, where
    // a join might read the tenant's years.
    let rows = sqlx::query(
        "SELECT u.* FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) \
         AS wanted (tenant_id, start, finish) CROSS JOIN LATERAL \
         (SELECT tenant_id, provider, model, region, min(hour) AS hour, \
            sum(requests)::bigint AS requests, sum(failed)::bigint AS failed, \
            sum(input_tokens)::bigint AS input_tokens, \
            sum(output_tokens)::bigint AS output_tokens, \
            sum(cached_tokens)::bigint AS cached_tokens, \
            0::bigint AS timed, 0::bigint AS latency_us \
          FROM usage_hour WHERE tenant_id = wanted.tenant_id \
            AND hour >= wanted.start AND hour < wanted.finish \
          GROUP BY tenant_id, provider, model, region, width_bucket(hour, $4)) AS u",
    )
    .bind(days.iter().map(|(tenant, _)| tenant.as_str()).collect::<Vec<_>>())
    .bind(days.iter().map(start).collect::<Vec<OffsetDateTime>>())
    .bind(days.iter().map(|day| start(day).saturating_add(Duration::DAY)).collect::<Vec<_>>())
    .bind(begins)
    .fetch_all(connection)
    .await?;
    let pair = |row| read(row).map(|row| (row.key, row.sum));
    rows.iter().map(pair).collect()
}

/// When, in order, anything begins to hold that may part the hours of these days: a price of any
/// product, a version of one of these tenants, a price of its own.
async fn beginnings(
    connection: &mut PgConnection,
    days: &[(TenantId, Day)],
    own: &[(TenantId, OwnPrice)],
    parts: Option<Timestamp>,
) -> Result<Vec<OffsetDateTime>, sqlx::Error> {
    // The beginning is the last part of a price's key, in the one spelling of times.
    let prices: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT key::jsonb ->> 3 FROM projection_version WHERE entity = 'price'",
    )
    .fetch_all(&mut *connection)
    .await?;
    let clocks: Vec<i64> = sqlx::query_scalar(
        "SELECT logical_clock FROM projection_version WHERE entity = 'tenant' AND key = ANY($1)",
    )
    .bind(tenants(days))
    .fetch_all(connection)
    .await?;
    let mut begins: BTreeSet<Timestamp> = own.iter().map(|(_, own)| own.since).collect();
    begins.extend(parts);
    for price in prices {
        begins.insert(decoded(price.parse::<Timestamp>())?);
    }
    let moment = |clock: i64| {
        let ms = LogicalClock::from_packed(clock).ms;
        Timestamp::from_unix_ms(i64::try_from(ms).unwrap_or(i64::MAX))
    };
    begins.extend(clocks.into_iter().map(moment));
    let (first, last) =
        (days.iter().map(|(_, day)| *day).min(), days.iter().map(|(_, day)| *day).max());
    let within = |at: &Timestamp| {
        let day = Some(Day::of(*at));
        first <= day && day <= last
    };
    Ok(begins.into_iter().filter(within).map(Timestamp::to_datetime).collect())
}

fn tenants(days: &[(TenantId, Day)]) -> Vec<&str> {
    let tenants: BTreeSet<&str> = days.iter().map(|(tenant, _)| tenant.as_str()).collect();
    tenants.into_iter().collect()
}

/// Tiers of these tenants, and prices of what they used.
async fn tariff(
    connection: &mut PgConnection,
    days: &[(TenantId, Day)],
    rows: &[(UsageKey, UsageSum)],
) -> Result<Tariff, sqlx::Error> {
    let mut tariff = Tariff::default();
    let versions = sqlx::query(
        "SELECT key, logical_clock, body ->> 'tier' AS tier FROM projection_version \
         WHERE entity = 'tenant' AND key = ANY($1) \
         ORDER BY logical_clock, origin, epoch, sequence",
    )
    .bind(tenants(days))
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
        if let Ok(Some(Known::PricePut(price))) = Known::read(&body)
            && !price.withdrawn
        {
            tariff.price(price, EventId(row.try_get("event_id")?));
        }
    }
    Ok(tariff)
}
