//! What follows from months that are closed, and what closing one would state.

use std::collections::{BTreeMap, BTreeSet};

use domain::billing::charge::History;
use domain::billing::month::{Month, TierMonth};
use domain::billing::{Entry, Period};
use domain::catalog::{BillingClose, Invoice, Known, SlaBand};
use domain::clock::LogicalClock;
use domain::event::TenantId;
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{PgConnection, Row as _};

use super::{Months, decoded, named, write};
use crate::projection::{Projection, ProjectionError};

/// What was invoiced for a closed month; tenants that are not named were invoiced nothing.
type Invoices = BTreeMap<TenantId, Decimal>;

/// Derives months from the earliest on: what one carries is part of the next.
pub(super) async fn derive(
    connection: &mut PgConnection,
    mut months: Months,
) -> Result<(), ProjectionError> {
    let closed = closed(connection).await?;
    while let Some((period, touch)) = months.0.pop_first() {
        let is_closed = closed.contains(&period);
        let mut tenants = touch.whole;
        if is_closed {
            tenants.extend(touch.changed);
        }
        if tenants.is_empty() {
            continue;
        }
        derive_one(connection, period, &tenants, is_closed).await?;
        if period.next() > period {
            months.0.entry(period.next()).or_default().changed.extend(tenants);
        }
    }
    Ok(())
}

async fn derive_one(
    connection: &mut PgConnection,
    period: Period,
    tenants: &BTreeSet<TenantId>,
    is_closed: bool,
) -> Result<(), ProjectionError> {
    write::delete_month(connection, period, tenants).await?;
    if !is_closed {
        return Ok(());
    }
    let invoices = invoices(connection, period).await?;
    let mut months = months(connection, period, Some(tenants)).await?;
    let mut entries: Vec<Entry> = Vec::new();
    for tenant in tenants {
        let month = months.remove(tenant).unwrap_or_else(|| nothing(tenant.clone(), period));
        let settled = month.settle();
        let invoiced = invoices.get(tenant).copied().unwrap_or_default();
        entries.extend(month.carry(&settled, invoiced).into_iter().flatten());
        entries.extend(settled.penalties);
        entries.extend(settled.rounding);
    }
    write::put(connection, &entries).await?;
    Ok(())
}

const fn nothing(tenant_id: TenantId, period: Period) -> Month {
    Month { tenant_id, period, tiers: BTreeMap::new(), other_usd: Decimal::ZERO }
}

pub(super) async fn closed(connection: &mut PgConnection) -> Result<BTreeSet<Period>, sqlx::Error> {
    let keys: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT key FROM projection_version WHERE entity = 'closing'")
            .fetch_all(connection)
            .await?;
    keys.into_iter().map(|key| decoded(key.parse())).collect()
}

/// Of these months those whose first closing, by clock and slot, invoiced nothing for tokens beyond caps,
/// since there were no entries for that yet. They stay as they were invoiced.
pub(super) async fn closed_without_overage(
    connection: &mut PgConnection,
    periods: impl Iterator<Item = &Period>,
) -> Result<BTreeSet<Period>, sqlx::Error> {
    let keys: Vec<String> = periods.map(Period::to_string).collect();
    // A closing names every tenant: what it says of overage is all that is read of it.
    let first: Vec<(String, bool)> = sqlx::query_as(
        "SELECT DISTINCT ON (key) key, coalesce((body -> 'overage')::boolean, false) \
         FROM projection_version WHERE entity = 'closing' AND key = ANY($1) \
         ORDER BY key, logical_clock, origin, epoch, sequence",
    )
    .bind(keys)
    .fetch_all(connection)
    .await?;
    let without = first.into_iter().filter(|(_, overage)| !overage);
    without.map(|(key, _)| decoded(key.parse())).collect()
}

/// Of the invoices to one tenant the first by clock and slot.
async fn invoices(connection: &mut PgConnection, period: Period) -> Result<Invoices, sqlx::Error> {
    let bodies: Vec<Value> = sqlx::query_scalar(
        "SELECT body FROM projection_version WHERE entity = 'closing' AND key = $1 \
         ORDER BY logical_clock, origin, epoch, sequence",
    )
    .bind(period.to_string())
    .fetch_all(connection)
    .await?;
    let mut invoices = Invoices::new();
    for body in &bodies {
        let Ok(Some(Known::BillingClose(close))) = Known::read(body) else { continue };
        for Invoice { tenant_id, amount_usd } in close.invoices {
            invoices.entry(tenant_id).or_insert(amount_usd);
        }
    }
    Ok(invoices)
}

/// What the months of these tenants, or of all, consist of, as far as it does not follow from their
/// being closed.
async fn months(
    connection: &mut PgConnection,
    period: Period,
    tenants: Option<&BTreeSet<TenantId>>,
) -> Result<BTreeMap<TenantId, Month>, sqlx::Error> {
    let tenants = tenants.map(|tenants| tenants.iter().map(TenantId::as_str).collect::<Vec<_>>());
    let rows = sqlx::query(
        "SELECT tenant_id, tier, sum(requests)::bigint AS requests, sum(failed)::bigint AS failed, \
         sum(charge)::text AS charges, sum(other)::text AS other FROM ( \
           SELECT tenant_id, tier, requests, failed, \
             CASE WHEN kind NOT IN ('charge', 'overage') THEN 0 \
                  WHEN debit = 'revenue' THEN -amount_usd ELSE amount_usd END AS charge, \
             CASE WHEN kind IN ('charge', 'overage') THEN 0 \
                  WHEN debit = 'receivable:' || tenant_id THEN amount_usd \
                  ELSE -amount_usd END AS other \
           FROM billing_entry WHERE period = $1 AND ($2::text[] IS NULL OR tenant_id = ANY($2)) \
           UNION ALL SELECT tenant_id, tier, requests, failed, 0, 0 FROM billing_unpriced \
           WHERE period = $1 AND ($2::text[] IS NULL OR tenant_id = ANY($2)) \
         ) AS line GROUP BY tenant_id, tier",
    )
    .bind(period.to_string())
    .bind(tenants)
    .fetch_all(&mut *connection)
    .await?;
    let terms = terms(connection, period).await?;
    let mut months = BTreeMap::new();
    for row in &rows {
        let tenant = named(row.try_get("tenant_id")?)?;
        let month = months.entry(tenant.clone()).or_insert_with(|| nothing(tenant, period));
        let dollars = |column: &str| decoded(row.try_get::<String, _>(column)?.parse::<Decimal>());
        let Some(tier) = row.try_get::<Option<String>, _>("tier")? else {
            month.other_usd += dollars("other")?;
            continue;
        };
        let bands = terms.get(&tier).cloned().unwrap_or_default();
        let tier_month = TierMonth {
            requests: row.try_get("requests")?,
            failed: row.try_get("failed")?,
            charges_usd: dollars("charges")?,
            bands,
        };
        month.tiers.insert(tier, tier_month);
    }
    Ok(months)
}

/// The terms of each tier when the month began.
async fn terms(
    connection: &mut PgConnection,
    period: Period,
) -> Result<BTreeMap<String, Vec<SlaBand>>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT key, logical_clock, body FROM projection_version WHERE entity = 'tier' \
         ORDER BY logical_clock, origin, epoch, sequence",
    )
    .fetch_all(connection)
    .await?;
    let mut histories: BTreeMap<String, History<Vec<SlaBand>>> = BTreeMap::new();
    for row in &rows {
        let clock = LogicalClock::from_packed(row.try_get("logical_clock")?);
        let body: Value = row.try_get("body")?;
        if let Ok(Some(Known::TierPut(tier))) = Known::read(&body) {
            histories.entry(tier.tier).or_default().push(clock, tier.sla.bands);
        }
    }
    let at_start = |(tier, history): (String, History<Vec<SlaBand>>)| {
        history.at(period.start()).cloned().map(|bands| (tier, bands))
    };
    Ok(histories.into_iter().filter_map(at_start).collect())
}

impl Projection {
    /// What closing a month would state: the invoices as this cloud derives them now, in as many
    /// decisions as it takes.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn closings(&self, period: Period) -> Result<Vec<BillingClose>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let months = months(&mut connection, period, None).await?;
        let invoice = |(tenant_id, month): (TenantId, Month)| Invoice {
            tenant_id,
            amount_usd: month.settle().invoice_usd,
        };
        let invoices: Vec<Invoice> = months.into_iter().map(invoice).collect();
        let parts = invoices.chunks(domain::catalog::INVOICES_MAX);
        let close =
            |part: &[Invoice]| BillingClose { period, invoices: part.to_vec(), overage: true };
        Ok(parts.map(close).collect())
    }
}
