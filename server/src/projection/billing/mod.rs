//! The billing ledger, derived from what else is projected.
//!
//! Entries are not added up event by event: a chunk only marks which days and months of which
//! tenants it touched (`mark`), and what is marked is derived anew from the metered hours, the
//! versions of prices, tenants and tiers, tenants' own prices and caps (`own`), and the billing decisions
//! (`days`, `overage`, `months`, in this order). So the
//! tables are a function of those, whatever came first. It is done once the projection has caught
//! up, or at once where a chunk decides something: many chunks of one rush share the work.
//!
//! `write` is the SQL that entries go through; `read` and `balances` answer questions, `corrected` what
//! another price would make of what is there.

mod balances;
mod corrected;
mod days;
mod mark;
mod months;
mod overage;
mod own;
mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use domain::billing::{Day, Period};
use domain::event::TenantId;
use sqlx::PgConnection;

pub use balances::{AccountBalance, Closing, TenantBalance, UnpricedModel};
pub use corrected::Corrections;
pub use read::{
    BILLING_PAGE_MAX, BadBillingCursor, BillingCursor, BillingFilter, BillingPage, BillingRow, rows,
};

use super::ProjectionError;
pub(super) use mark::{Touched, mark};

/// Days that are derived together: some thousand rows to read and to write.
const DAYS_AT_ONCE: i64 = 2_000;

/// Tenants of months that are to be derived.
#[derive(Debug, Default)]
struct Months(BTreeMap<Period, Touch>);

#[derive(Debug, Default)]
struct Touch {
    /// Something of the month changed: it matters if the month is closed.
    changed: BTreeSet<TenantId>,
    /// The month as a whole is to be looked at, closed or not.
    whole: BTreeSet<TenantId>,
}

/// Derives what is marked, until nothing is.
pub(super) async fn settle(connection: &mut PgConnection) -> Result<(), ProjectionError> {
    let mut months = Months::default();
    let mut last = None;
    loop {
        let dirty = dirty_after(connection, last.as_ref()).await?;
        let Some(end) = dirty.last().cloned() else { break };
        days::derive(connection, &months.take(dirty)).await?;
        last = Some(end);
    }
    if last.is_some() {
        // Nobody else marks meanwhile: the caller holds the lock of these tables' writers.
        sqlx::query("DELETE FROM billing_dirty").execute(&mut *connection).await?;
    }
    overage::derive(connection, &months).await?;
    months::derive(connection, months).await
}

impl Months {
    fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.0.values().flat_map(|touch| touch.changed.iter().chain(&touch.whole))
    }

    /// Notes whose months are touched, and gives the days to be derived.
    fn take(&mut self, dirty: Vec<Dirty>) -> Vec<(TenantId, Day)> {
        let mut days = Vec::new();
        for (period, tenant, number) in dirty {
            let touch = self.0.entry(period).or_default();
            if number == 0 {
                touch.whole.insert(tenant);
            } else {
                touch.changed.insert(tenant.clone());
                days.push((tenant, period.day(number)));
            }
        }
        days
    }
}

/// Month, tenant, and day of the month; 0: the month as a whole.
type Dirty = (Period, TenantId, u8);

/// What is marked, in the order of its key, after `last`.
async fn dirty_after(
    connection: &mut PgConnection,
    last: Option<&Dirty>,
) -> Result<Vec<Dirty>, sqlx::Error> {
    let rows: Vec<(String, String, i16)> = sqlx::query_as(
        "SELECT period, tenant_id, day FROM billing_dirty \
         WHERE (period, tenant_id, day) > ($1, $2, $3) \
         ORDER BY period, tenant_id, day LIMIT $4",
    )
    .bind(last.map_or_else(String::new, |(period, ..)| period.to_string()))
    .bind(last.map_or("", |(_, tenant, _)| tenant.as_str()))
    .bind(last.map_or(0, |(.., day)| i16::from(*day)))
    .bind(DAYS_AT_ONCE)
    .fetch_all(connection)
    .await?;
    let dirty = |(period, tenant, day): (String, String, i16)| {
        Ok((decoded(period.parse())?, named(tenant)?, decoded(u8::try_from(day))?))
    };
    rows.into_iter().map(dirty).collect()
}

/// What stands in our own tables and does not read was written by somebody else.
fn decoded<T, E: std::error::Error + Send + Sync + 'static>(
    read: Result<T, E>,
) -> Result<T, sqlx::Error> {
    read.map_err(|error| sqlx::Error::Decode(error.into()))
}

fn named(tenant: String) -> Result<TenantId, sqlx::Error> {
    decoded(TenantId::try_from(tenant))
}

/// Columns of a tenant's days.
#[derive(Debug, Default)]
struct DayColumns {
    periods: Vec<String>,
    tenants: Vec<String>,
    days: Vec<time::Date>,
}

impl DayColumns {
    fn of<'a>(days: impl IntoIterator<Item = (&'a TenantId, Day)>) -> Self {
        let mut columns = DayColumns::default();
        for (tenant, day) in days {
            columns.periods.push(day.period().to_string());
            columns.tenants.push(tenant.to_string());
            columns.days.push(day.date());
        }
        columns
    }
}
