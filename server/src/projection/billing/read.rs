//! Entries in pages, and all rows of a month as a stream.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::billing::{Account, Day, Entry, Period};
use domain::event::TenantId;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row as _};

use super::decoded;
use crate::projection::Projection;

/// Most entries of one page.
pub const BILLING_PAGE_MAX: u32 = 1_000;

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BillingFilter {
    pub tenant: Option<TenantId>,
    pub period: Option<Period>,
    /// With a posting on this account.
    pub account: Option<Account>,
}

/// A place in the order of entries: the last one's. Its text form is opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingCursor {
    period: Period,
    tenant: TenantId,
    day: Day,
    kind: String,
    key: String,
}

/// Entries by month, tenant, day, kind and key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BillingPage {
    pub items: Vec<Entry>,
    pub next: Option<BillingCursor>,
}

/// The text is not a cursor that this program made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a cursor; use the one that the last page gave")]
pub struct BadBillingCursor(pub String);

impl BillingCursor {
    fn of(entry: &Entry) -> Self {
        BillingCursor {
            period: entry.period,
            tenant: entry.tenant_id.clone(),
            day: entry.day,
            kind: entry.what.name().to_owned(),
            key: entry.key(),
        }
    }
}

impl fmt::Display for BillingCursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(self).map_err(|_| fmt::Error)?;
        out.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl FromStr for BillingCursor {
    type Err = BadBillingCursor;

    fn from_str(text: &str) -> Result<Self, BadBillingCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let cursor = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        cursor.ok_or_else(|| BadBillingCursor(text.to_owned()))
    }
}

impl Projection {
    /// A page of entries.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn billing_page(
        &self,
        filter: &BillingFilter,
        cursor: Option<&BillingCursor>,
        limit: u32,
    ) -> Result<BillingPage, sqlx::Error> {
        let limit = limit.clamp(1, BILLING_PAGE_MAX);
        let mut query = select(filter, cursor);
        // One more than asked for tells whether there is a next page.
        query.push(" ORDER BY period, tenant_id, day, kind, key LIMIT ");
        query.push_bind(i64::from(limit) + 1);
        let rows = query.build().fetch_all(&self.pool).await?;
        let more = rows.len() > limit as usize;
        let items = rows.iter().take(limit as usize).map(read).collect::<Result<Vec<_>, _>>()?;
        let next = items.last().filter(|_| more).map(BillingCursor::of);
        Ok(BillingPage { items, next })
    }
}

fn select(filter: &BillingFilter, cursor: Option<&BillingCursor>) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT body FROM billing_entry WHERE true");
    if let Some(tenant) = &filter.tenant {
        query.push(" AND tenant_id = ").push_bind(tenant.to_string());
    }
    if let Some(period) = filter.period {
        query.push(" AND period = ").push_bind(period.to_string());
    }
    if let Some(account) = &filter.account {
        // A tenant's own accounts occur in its entries only.
        if let Account::Receivable(tenant) | Account::Carried(tenant) = account {
            query.push(" AND tenant_id = ").push_bind(tenant.to_string());
        }
        query.push(" AND ").push_bind(account.to_string()).push(" IN (debit, credit)");
    }
    if let Some(BillingCursor { period, tenant, day, kind, key }) = cursor {
        query.push(" AND (period, tenant_id, day, kind, key) > (");
        query.push_bind(period.to_string()).push(", ");
        query.push_bind(tenant.to_string()).push(", ");
        query.push_bind(day.date()).push(", ");
        query.push_bind(kind.clone()).push(", ");
        query.push_bind(key.clone()).push(")");
    }
    query
}

fn read(row: &PgRow) -> Result<Entry, sqlx::Error> {
    decoded(serde_json::from_str(row.try_get("body")?))
}

/// One row of a month's books, as audit snapshots hash it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillingRow {
    /// RFC 8785 text of a [`domain::billing::Entry`].
    Entry(String),
    /// RFC 8785 text of a [`domain::billing::charge::UnpricedUsage`].
    Unpriced(String),
}

impl BillingRow {
    /// The row, without the line feed that follows it in a section's bytes.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            BillingRow::Entry(text) | BillingRow::Unpriced(text) => text,
        }
    }
}

/// All rows of a month: its entries by (tenant, day, kind, key), then its unpriced usage by
/// (tenant, day, key), texts by their bytes. The rows stream from the database as they are taken.
/// On a connection, so that the caller says of which moment they are.
pub fn rows(
    connection: &mut PgConnection,
    period: Period,
) -> BoxStream<'_, Result<BillingRow, sqlx::Error>> {
    let rows = sqlx::query_as::<_, (bool, String)>(
        "(SELECT true, body FROM billing_entry WHERE period = $1 \
          ORDER BY tenant_id, day, kind, key) \
         UNION ALL \
         (SELECT false, body FROM billing_unpriced WHERE period = $1 \
          ORDER BY tenant_id, day, key)",
    );
    let row = |(is_entry, text)| {
        if is_entry { BillingRow::Entry(text) } else { BillingRow::Unpriced(text) }
    };
    rows.bind(period.to_string()).fetch(connection).map_ok(row).boxed()
}
