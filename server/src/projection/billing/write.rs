//! Entries on their way into the tables. A row that is the same already is not written.

use std::collections::BTreeSet;

use domain::billing::charge::UnpricedUsage;
use domain::billing::{Entry, Period, What};
use domain::event::TenantId;
use domain::json::canonical;
use serde::Serialize;
use sqlx::PgConnection;

use super::DayColumns;

/// Columns of entries.
#[derive(Debug, Default)]
struct Columns {
    of: DayColumns,
    kinds: Vec<&'static str>,
    keys: Vec<String>,
    debits: Vec<String>,
    credits: Vec<String>,
    amounts: Vec<String>,
    tiers: Vec<Option<String>>,
    requests: Vec<i64>,
    failed: Vec<i64>,
    bodies: Vec<String>,
}

impl Columns {
    fn of(entries: &[Entry]) -> Self {
        let of = DayColumns::of(entries.iter().map(|entry| (&entry.tenant_id, entry.day)));
        let mut columns = Columns { of, ..Columns::default() };
        for entry in entries {
            let (tier, requests, failed) = match &entry.what {
                What::Charge { tier, quantity, .. } => {
                    (Some(tier.clone()), quantity.requests, quantity.failed)
                }
                What::Overage(overage) => (Some(overage.tier.clone()), 0, 0),
                _ => (None, 0, 0),
            };
            columns.kinds.push(entry.what.name());
            columns.keys.push(entry.key());
            columns.debits.push(entry.debit().to_string());
            columns.credits.push(entry.credit().to_string());
            columns.amounts.push(entry.amount_usd().to_string());
            columns.tiers.push(tier);
            columns.requests.push(requests);
            columns.failed.push(failed);
            columns.bodies.push(text(entry));
        }
        columns
    }
}

/// RFC 8785 text: the row that audit snapshots hash.
fn text(row: &impl Serialize) -> String {
    // Rows have string keys, integers and decimals in strings only, so they always serialize.
    let value = serde_json::to_value(row).unwrap_or_default();
    String::from_utf8(canonical(&value)).unwrap_or_default()
}

/// Writes entries, whole.
pub(super) async fn put(
    connection: &mut PgConnection,
    entries: &[Entry],
) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(entries);
    sqlx::query(
        "INSERT INTO billing_entry AS old (period, tenant_id, day, kind, key, debit, credit, \
         amount_usd, tier, requests, failed, body) \
         SELECT period, tenant_id, day, kind, key, debit, credit, amount::numeric, tier, \
         requests, failed, body FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], \
         $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], \
         $11::bigint[], $12::text[]) AS new (period, tenant_id, day, kind, key, debit, credit, \
         amount, tier, requests, failed, body) \
         ON CONFLICT (period, tenant_id, day, kind, key) DO UPDATE SET debit = excluded.debit, \
         credit = excluded.credit, amount_usd = excluded.amount_usd, tier = excluded.tier, \
         requests = excluded.requests, failed = excluded.failed, body = excluded.body \
         WHERE old.body <> excluded.body",
    )
    .bind(columns.of.periods)
    .bind(columns.of.tenants)
    .bind(columns.of.days)
    .bind(columns.kinds)
    .bind(columns.keys)
    .bind(columns.debits)
    .bind(columns.credits)
    .bind(columns.amounts)
    .bind(columns.tiers)
    .bind(columns.requests)
    .bind(columns.failed)
    .bind(columns.bodies)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes entries away.
pub(super) async fn delete(
    connection: &mut PgConnection,
    entries: &[Entry],
) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(entries);
    sqlx::query(
        "DELETE FROM billing_entry WHERE (period, tenant_id, day, kind, key) IN \
         (SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::text[]))",
    )
    .bind(columns.of.periods)
    .bind(columns.of.tenants)
    .bind(columns.of.days)
    .bind(columns.kinds)
    .bind(columns.keys)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes away what followed from a month's being closed, there and in the next.
pub(super) async fn delete_month(
    connection: &mut PgConnection,
    period: Period,
    tenants: &BTreeSet<TenantId>,
) -> Result<(), sqlx::Error> {
    let tenants: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
    sqlx::query(
        "DELETE FROM billing_entry WHERE tenant_id = ANY($2) AND \
         (period = $1 AND kind IN ('penalty', 'rounding', 'carriedOut') \
          OR period = $3 AND kind = 'carriedIn' AND key = $1)",
    )
    .bind(period.to_string())
    .bind(tenants)
    .bind(period.next().to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// The charges of these days are these.
pub(super) async fn replace_charges(
    connection: &mut PgConnection,
    days: &DayColumns,
    entries: &[Entry],
) -> Result<(), sqlx::Error> {
    let new = DayColumns::of(entries.iter().map(|entry| (&entry.tenant_id, entry.day)));
    sqlx::query(
        "DELETE FROM billing_entry AS old \
         USING unnest($1::text[], $2::text[], $3::date[]) AS of (period, tenant_id, day) \
         WHERE old.period = of.period AND old.tenant_id = of.tenant_id AND old.day = of.day \
         AND old.kind = 'charge' AND (old.tenant_id, old.day, old.key) NOT IN \
         (SELECT * FROM unnest($4::text[], $5::date[], $6::text[]))",
    )
    .bind(&days.periods)
    .bind(&days.tenants)
    .bind(&days.days)
    .bind(new.tenants)
    .bind(new.days)
    .bind(entries.iter().map(Entry::key).collect::<Vec<_>>())
    .execute(&mut *connection)
    .await?;
    put(connection, entries).await
}

/// What tokens beyond caps cost in these tenants' month is this.
pub(super) async fn replace_overage(
    connection: &mut PgConnection,
    period: Period,
    tenants: &BTreeSet<&TenantId>,
    entries: &[Entry],
) -> Result<(), sqlx::Error> {
    let new = DayColumns::of(entries.iter().map(|entry| (&entry.tenant_id, entry.day)));
    sqlx::query(
        "DELETE FROM billing_entry WHERE period = $1 AND tenant_id = ANY($2) AND kind = 'overage' \
         AND (tenant_id, day, key) NOT IN \
         (SELECT * FROM unnest($3::text[], $4::date[], $5::text[]))",
    )
    .bind(period.to_string())
    .bind(tenants.iter().map(|tenant| tenant.as_str()).collect::<Vec<_>>())
    .bind(new.tenants)
    .bind(new.days)
    .bind(entries.iter().map(Entry::key).collect::<Vec<_>>())
    .execute(&mut *connection)
    .await?;
    put(connection, entries).await
}

/// The usage of these days that is not priced is this.
pub(super) async fn replace_unpriced(
    connection: &mut PgConnection,
    days: &DayColumns,
    unpriced: &[UnpricedUsage],
) -> Result<(), sqlx::Error> {
    let new = DayColumns::of(unpriced.iter().map(|usage| (&usage.tenant_id, usage.day)));
    let keys: Vec<String> = unpriced.iter().map(UnpricedUsage::key).collect();
    sqlx::query(
        "DELETE FROM billing_unpriced AS old \
         USING unnest($1::text[], $2::text[], $3::date[]) AS of (period, tenant_id, day) \
         WHERE old.period = of.period AND old.tenant_id = of.tenant_id AND old.day = of.day \
         AND (old.tenant_id, old.day, old.key) NOT IN \
         (SELECT * FROM unnest($4::text[], $5::date[], $6::text[]))",
    )
    .bind(&days.periods)
    .bind(&days.tenants)
    .bind(&days.days)
    .bind(&new.tenants)
    .bind(&new.days)
    .bind(&keys)
    .execute(&mut *connection)
    .await?;
    if unpriced.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO billing_unpriced AS old \
         (period, tenant_id, day, key, tier, requests, failed, body) \
         SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::text[], \
         $6::bigint[], $7::bigint[], $8::text[]) \
         ON CONFLICT (period, tenant_id, day, key) DO UPDATE SET requests = excluded.requests, \
         failed = excluded.failed, body = excluded.body WHERE old.body <> excluded.body",
    )
    .bind(new.periods)
    .bind(new.tenants)
    .bind(new.days)
    .bind(keys)
    .bind(unpriced.iter().map(|usage| usage.tier.as_str()).collect::<Vec<_>>())
    .bind(unpriced.iter().map(|usage| usage.quantity.requests).collect::<Vec<_>>())
    .bind(unpriced.iter().map(|usage| usage.quantity.failed).collect::<Vec<_>>())
    .bind(unpriced.iter().map(text).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
