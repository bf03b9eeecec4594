//! What the entries of a month add up to: by tenant, by account, and what is missing from them.

use domain::billing::Period;
use domain::billing::charge::Unpriced;
use domain::clock::{LogicalClock, Timestamp};
use domain::event::{EventId, TenantId};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};

use super::{decoded, named};
use crate::projection::Projection;

/// What a tenant's entries of a month come to. US dollars;
/// `net = charges + overage − credits − penalties + rounding + carried`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantBalance {
    pub tenant_id: TenantId,
    pub charges_usd: Decimal,
    /// What tokens beyond the cap cost more than the charges say; negative: less.
    pub overage_usd: Decimal,
    pub credits_usd: Decimal,
    pub penalties_usd: Decimal,
    pub rounding_usd: Decimal,
    /// What came from the months before, less what went to the next.
    pub carried_usd: Decimal,
    /// What the tenant owes; negative: what we owe the tenant.
    pub net_usd: Decimal,
    /// Requests that no price applied to. They are not in any of these amounts.
    pub unpriced_requests: i64,
}

/// One account, those of tenants together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountBalance {
    /// `receivable` and `carried` stand for those of all tenants.
    pub account: String,
    pub debit_usd: Decimal,
    pub credit_usd: Decimal,
}

/// Usage that no price applied to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnpricedModel {
    pub tenant_id: TenantId,
    pub provider: String,
    pub model: String,
    pub tier: String,
    pub reason: Unpriced,
    pub requests: i64,
    pub input_tokens: Decimal,
    pub output_tokens: Decimal,
}

/// The decision that closed a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Closing {
    pub event_id: EventId,
    /// By the clock of the cloud that recorded it.
    pub at: Timestamp,
    /// A login.
    pub decided_by: Option<String>,
}

/// Most models of one answer about unpriced usage: nobody reads more, and each tells the same.
const UNPRICED_MAX: i64 = 200;

fn dollars(row: &PgRow, column: &str) -> Result<Decimal, sqlx::Error> {
    let text: String = row.try_get(column)?;
    Ok(decoded(text.parse::<Decimal>())?.normalize())
}

impl Projection {
    /// Balances of a month, or of all, by tenant after `cursor`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tenant_balances(
        &self,
        period: Option<Period>,
        tenant: Option<&TenantId>,
        cursor: Option<&TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantBalance>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT tenant_id, \
               coalesce(sum(amount) FILTER (WHERE kind = 'charge'), 0)::text AS charges, \
               coalesce(sum(amount) FILTER (WHERE kind = 'overage'), 0)::text AS overage, \
               coalesce(-sum(amount) FILTER (WHERE kind = 'credit'), 0)::text AS credits, \
               coalesce(-sum(amount) FILTER (WHERE kind = 'penalty'), 0)::text AS penalties, \
               coalesce(sum(amount) FILTER (WHERE kind = 'rounding'), 0)::text AS rounding, \
               coalesce(sum(amount) FILTER (WHERE kind LIKE 'carried%'), 0)::text AS carried, \
               sum(amount)::text AS net, sum(unpriced)::bigint AS unpriced \
             FROM (SELECT tenant_id, kind, 0 AS unpriced, \
                     CASE WHEN starts_with(debit, 'receivable:') THEN amount_usd \
                          ELSE -amount_usd END AS amount \
                   FROM billing_entry WHERE ($1::text IS NULL OR period = $1) \
                     AND ($2::text IS NULL OR tenant_id = $2) AND tenant_id > $3 \
                   UNION ALL SELECT tenant_id, '', requests, 0 FROM billing_unpriced \
                   WHERE ($1::text IS NULL OR period = $1) \
                     AND ($2::text IS NULL OR tenant_id = $2) AND tenant_id > $3) AS line \
             GROUP BY tenant_id ORDER BY tenant_id LIMIT $4",
        )
        .bind(period.map(|period| period.to_string()))
        .bind(tenant.map(TenantId::as_str))
        .bind(cursor.map_or("", TenantId::as_str))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &PgRow| {
            Ok(TenantBalance {
                tenant_id: named(row.try_get("tenant_id")?)?,
                charges_usd: dollars(row, "charges")?,
                overage_usd: dollars(row, "overage")?,
                credits_usd: dollars(row, "credits")?,
                penalties_usd: dollars(row, "penalties")?,
                rounding_usd: dollars(row, "rounding")?,
                carried_usd: dollars(row, "carried")?,
                net_usd: dollars(row, "net")?,
                unpriced_requests: row.try_get("unpriced")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// The trial balance of a month, or of all: both sides of every account.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn account_balances(
        &self,
        period: Option<Period>,
    ) -> Result<Vec<AccountBalance>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT account, sum(debit)::text AS debit, sum(credit)::text AS credit FROM ( \
               SELECT split_part(debit, ':', 1) AS account, amount_usd AS debit, 0 AS credit \
               FROM billing_entry WHERE $1::text IS NULL OR period = $1 \
               UNION ALL SELECT split_part(credit, ':', 1), 0, amount_usd \
               FROM billing_entry WHERE $1::text IS NULL OR period = $1) AS posting \
             GROUP BY account ORDER BY account",
        )
        .bind(period.map(|period| period.to_string()))
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &PgRow| {
            Ok(AccountBalance {
                account: row.try_get("account")?,
                debit_usd: dollars(row, "debit")?,
                credit_usd: dollars(row, "credit")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Usage of a month, or of all, that is not charged, the most requests first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn unpriced(
        &self,
        period: Option<Period>,
        tenant: Option<&TenantId>,
    ) -> Result<Vec<UnpricedModel>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT tenant_id, body ->> 'provider' AS provider, body ->> 'model' AS model, tier, \
               body ->> 'reason' AS reason, sum(requests)::bigint AS requests, \
               sum((body -> 'quantity' ->> 'inputTokens')::numeric)::text AS input, \
               sum((body -> 'quantity' ->> 'outputTokens')::numeric)::text AS output \
             FROM (SELECT tenant_id, tier, requests, body::jsonb FROM billing_unpriced \
                   WHERE ($1::text IS NULL OR period = $1) \
                     AND ($2::text IS NULL OR tenant_id = $2)) AS usage \
             GROUP BY 1, 2, 3, 4, 5 ORDER BY requests DESC, 1, 2, 3, 4, 5 LIMIT $3",
        )
        .bind(period.map(|period| period.to_string()))
        .bind(tenant.map(TenantId::as_str))
        .bind(UNPRICED_MAX)
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &PgRow| {
            let reason = Value::String(row.try_get("reason")?);
            Ok(UnpricedModel {
                tenant_id: named(row.try_get("tenant_id")?)?,
                provider: row.try_get("provider")?,
                model: row.try_get("model")?,
                tier: row.try_get("tier")?,
                reason: decoded(serde_json::from_value(reason))?,
                requests: row.try_get("requests")?,
                input_tokens: dollars(row, "input")?,
                output_tokens: dollars(row, "output")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// The decision that closed a month first; none: the month is open.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn closing(&self, period: Period) -> Result<Option<Closing>, sqlx::Error> {
        #[derive(FromRow)]
        struct Found {
            event_id: uuid::Uuid,
            logical_clock: i64,
            decided_by: Option<String>,
        }
        let found: Option<Found> = sqlx::query_as(
            "SELECT event_id, logical_clock, body ->> 'decidedBy' AS decided_by \
             FROM projection_version WHERE entity = 'closing' AND key = $1 \
             ORDER BY logical_clock, origin, epoch, sequence LIMIT 1",
        )
        .bind(period.to_string())
        .fetch_optional(&self.pool)
        .await?;
        let closing = |found: Found| {
            let ms = LogicalClock::from_packed(found.logical_clock).ms;
            Closing {
                event_id: EventId(found.event_id),
                at: Timestamp::from_unix_ms(i64::try_from(ms).unwrap_or(i64::MAX)),
                decided_by: found.decided_by,
            }
        };
        Ok(found.map(closing))
    }

    /// The months that have rows, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn billing_periods(&self) -> Result<Vec<Period>, sqlx::Error> {
        // From one month to the next by the key, without reading the rows between.
        let texts: Vec<String> = sqlx::query_scalar(
            "WITH RECURSIVE month AS ( \
               SELECT greatest((SELECT max(period) FROM billing_entry), \
                               (SELECT max(period) FROM billing_unpriced)) AS period \
               UNION ALL \
               SELECT greatest( \
                 (SELECT max(period) FROM billing_entry e WHERE e.period < month.period), \
                 (SELECT max(period) FROM billing_unpriced u WHERE u.period < month.period)) \
               FROM month WHERE month.period IS NOT NULL) \
             SELECT period FROM month WHERE period IS NOT NULL",
        )
        .fetch_all(&self.pool)
        .await?;
        texts.into_iter().map(|text| decoded(text.parse())).collect()
    }
}
