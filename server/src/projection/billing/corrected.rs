//! What a price for a time that is past would make of the charges since, before anybody records it.

use std::collections::{BTreeMap, BTreeSet};

use domain::billing::corrected::{Corrected, compare};
use domain::billing::{Day, Period};
use domain::catalog::PricePut;
use domain::clock::Timestamp;
use domain::event::TenantId;
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{days, months, named};
use crate::projection::Projection;

/// Tenants' days that are looked at, as many at once as where charges are derived: two years of a
/// hundred tenants, or two months of a thousand. Whoever corrects more is told that it is more.
const DAYS_MAX: usize = 73_000;
const DAYS_AT_ONCE: usize = 2_000;

/// What would be corrected, by tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corrections {
    pub tenants: BTreeMap<TenantId, Corrected>,
    /// Of the months that are touched, those that are closed.
    pub closed: BTreeSet<Period>,
    /// False: there is more than was looked at.
    pub whole: bool,
}

impl Projection {
    /// What charges a price would correct: of usage from its beginning on, until another one's.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn corrections(
        &self,
        price: &PricePut,
        until: Option<Timestamp>,
    ) -> Result<Corrections, sqlx::Error> {
        let mut touched = touched(&self.pool, price, until).await?;
        let whole = touched.len() <= DAYS_MAX;
        touched.truncate(DAYS_MAX);
        let mut tenants = BTreeMap::new();
        for days in touched.chunks(DAYS_AT_ONCE) {
            // Given back in between: there may be many, and others need it.
            let mut connection = self.pool.acquire().await?;
            let (was, is) = days::with_price(&mut connection, days, price).await?;
            compare(&was, &is, &mut tenants);
        }
        let months: BTreeSet<Period> =
            tenants.values().flat_map(|one: &Corrected| one.months.iter().copied()).collect();
        let mut connection = self.pool.acquire().await?;
        let closed = months::closed(&mut connection).await?;
        Ok(Corrections { tenants, closed: months.intersection(&closed).copied().collect(), whole })
    }

    /// Has anybody ever used that model?
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn is_used(&self, provider: &str, model: &str) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM usage_hour WHERE provider = $1 AND model = $2)",
        )
        .bind(provider)
        .bind(model)
        .fetch_one(&self.pool)
        .await
    }
}

/// Days with usage of the model since, of tenants that ever were of the tier.
async fn touched(
    pool: &PgPool,
    price: &PricePut,
    until: Option<Timestamp>,
) -> Result<Vec<(TenantId, Day)>, sqlx::Error> {
    let rows: Vec<(String, OffsetDateTime)> = sqlx::query_as(
        "SELECT DISTINCT u.tenant_id, date_trunc('day', u.hour, 'UTC') FROM usage_hour u \
         WHERE u.provider = $1 AND u.model = $2 AND u.hour >= $3 \
           AND ($4::timestamptz IS NULL OR u.hour < $4) \
           AND EXISTS (SELECT FROM projection_version v WHERE v.entity = 'tenant' \
                       AND v.key = u.tenant_id AND v.body ->> 'tier' = $5) \
         ORDER BY 1, 2 LIMIT $6",
    )
    .bind(&price.provider)
    .bind(&price.model)
    .bind(price.effective_from.to_datetime())
    .bind(until.map(Timestamp::to_datetime))
    .bind(&price.tier)
    // One more tells whether that is all.
    .bind(i64::try_from(DAYS_MAX).unwrap_or(i64::MAX).saturating_add(1))
    .fetch_all(pool)
    .await?;
    let day = |(tenant, start): (String, OffsetDateTime)| {
        Ok((named(tenant)?, Day::of(Timestamp::from_datetime(start))))
    };
    rows.into_iter().map(day).collect()
}
