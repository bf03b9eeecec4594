//! How long requests that did not fail took, counted by provider, region and hour.

use std::collections::BTreeMap;

use domain::clock::Timestamp;
use domain::usage::{Bucket, Latencies, LatencyKey};
use sqlx::{PgConnection, Row as _};
use time::OffsetDateTime;

use super::Projection;

/// A provider in a region.
type Place = (String, String);

struct Columns<'a> {
    hours: Vec<OffsetDateTime>,
    providers: Vec<&'a str>,
    regions: Vec<&'a str>,
    from_us: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn of(keys: impl Iterator<Item = &'a LatencyKey>) -> Self {
        let keys: Vec<&LatencyKey> = keys.collect();
        Columns {
            hours: keys.iter().map(|key| key.hour.to_datetime()).collect(),
            providers: keys.iter().map(|key| key.provider.as_str()).collect(),
            regions: keys.iter().map(|key| key.region.as_str()).collect(),
            from_us: keys.iter().map(|key| key.bucket.from_us().cast_signed()).collect(),
        }
    }
}

/// Adds differences. A count from which everything was taken back goes: on a cloud that learnt of the
/// twins together it was never there.
pub(super) async fn add(
    connection: &mut PgConnection,
    counts: &[(&LatencyKey, i64)],
) -> Result<(), sqlx::Error> {
    if counts.is_empty() {
        return Ok(());
    }
    let keys = Columns::of(counts.iter().map(|(key, _)| *key));
    sqlx::query(
        "INSERT INTO usage_latency AS old (hour, provider, region, from_us, requests) \
         SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::bigint[], \
         $5::bigint[]) \
         ON CONFLICT (hour, provider, region, from_us) \
         DO UPDATE SET requests = old.requests + excluded.requests",
    )
    .bind(keys.hours)
    .bind(keys.providers)
    .bind(keys.regions)
    .bind(keys.from_us)
    .bind(counts.iter().map(|(_, requests)| *requests).collect::<Vec<_>>())
    .execute(&mut *connection)
    .await?;
    drop_empty(connection, counts).await
}

async fn drop_empty(
    connection: &mut PgConnection,
    counts: &[(&LatencyKey, i64)],
) -> Result<(), sqlx::Error> {
    let taken_back = counts.iter().filter(|(_, requests)| *requests < 0).map(|(key, _)| *key);
    let keys = Columns::of(taken_back);
    if keys.hours.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "DELETE FROM usage_latency WHERE requests = 0 AND (hour, provider, region, from_us) IN \
         (SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::bigint[]))",
    )
    .bind(keys.hours)
    .bind(keys.providers)
    .bind(keys.regions)
    .bind(keys.from_us)
    .execute(connection)
    .await?;
    Ok(())
}

impl Projection {
    /// How long requests took, by provider and region, of hours that begin at or after `from` and
    /// before `to`.
    ///
    /// # Errors
    /// The database cannot be read, or a row of it is no count of latencies.
    pub async fn latencies(
        &self,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<BTreeMap<Place, Latencies>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT provider, region, from_us, sum(requests)::bigint AS requests \
             FROM usage_latency \
             WHERE ($1::timestamptz IS NULL OR hour >= $1) AND ($2::timestamptz IS NULL OR hour < $2) \
             GROUP BY provider, region, from_us",
        )
        .bind(from.map(Timestamp::to_datetime))
        .bind(to.map(Timestamp::to_datetime))
        .fetch_all(&self.pool)
        .await?;
        let mut places = BTreeMap::<Place, Latencies>::new();
        for row in rows {
            let place = (row.try_get("provider")?, row.try_get("region")?);
            let (bucket, requests) = count(row.try_get("from_us")?, row.try_get("requests")?)?;
            places.entry(place).or_default().add(bucket, requests);
        }
        Ok(places)
    }
}

/// What no metering wrote is refused and not made to fit: promises are judged by these counts.
fn count(from_us: i64, requests: i64) -> Result<(Bucket, u64), sqlx::Error> {
    let bucket = u64::try_from(from_us).ok().and_then(Bucket::named);
    bucket.zip(u64::try_from(requests).ok()).ok_or_else(|| {
        let what = format!("usage_latency has {requests} requests in a bucket from {from_us} µs");
        sqlx::Error::Decode(what.into())
    })
}
