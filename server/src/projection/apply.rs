//! One chunk of one log, applied exactly once: its changes and the log's position move in one
//! transaction.

use std::collections::BTreeSet;

use domain::cloud::Cloud;
use domain::event::{EventId, TenantId};
use domain::log::LogId;
use domain::usage::{UsageKey, UsageSum};
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::effect::{Before, Changes, Put, changes};
use super::entry::{self, Entry, signed32, signed64};
use super::{Positions, ProjectionError, billing, conflict, latency, ruling};

/// Entries of one transaction: enough to make its cost small beside theirs, and few enough that
/// it takes tens of milliseconds.
pub(super) const CHUNK_ENTRIES: u64 = 1_000;

/// The advisory lock of the projection's writers ("proj" in ASCII). Twins stand in different
/// logs: two servers that apply one each at the same time would not see each other's.
const WRITER_LOCK: i64 = 0x7072_6f6a;

/// When the billing ledger is derived from what a chunk changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Books {
    /// With the chunk.
    Now,
    /// With one that follows soon, unless this one decides something.
    Later,
}

/// What a chunk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// The position moved to the end of the chunk.
    Moved { decisions: bool, conflicts: bool },
    /// The log does not stand where the caller thought: somebody else moved it.
    Elsewhere,
}

/// A log that was never projected stands at its beginning.
pub(super) async fn begin_log(
    executor: impl PgExecutor<'_>,
    log: LogId,
) -> Result<(), ProjectionError> {
    sqlx::query(
        "INSERT INTO projection_position (origin, epoch, size) VALUES ($1, $2, 0) \
         ON CONFLICT DO NOTHING",
    )
    .bind(i16::from(log.origin.code()))
    .bind(signed32(log.epoch))
    .execute(executor)
    .await?;
    Ok(())
}

/// How far each log has been projected.
pub(super) async fn positions(executor: impl PgExecutor<'_>) -> Result<Positions, sqlx::Error> {
    let rows: Vec<(i16, i32, i64)> =
        sqlx::query_as("SELECT origin, epoch, size FROM projection_position")
            .fetch_all(executor)
            .await?;
    let position = |(origin, epoch, size): (i16, i32, i64)| {
        let origin = u8::try_from(origin).ok().and_then(Cloud::from_code)?;
        Some((LogId { origin, epoch: epoch.unsigned_abs() }, size.unsigned_abs()))
    };
    Ok(rows.into_iter().filter_map(position).collect())
}

/// Were entries projected before they were found to be disputed?
pub(super) async fn are_unaware(executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM projection_position p JOIN ledger_log l USING (origin, epoch) \
                        WHERE p.size > l.disputed_from \
                          AND (p.left_out_from, p.left_out_to) \
                              IS DISTINCT FROM (l.disputed_from, l.disputed_to))",
    )
    .fetch_one(executor)
    .await
}

/// Was anything projected when one of the tables was not derived yet?
pub(super) async fn are_partial(executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM projection_position WHERE NOT is_whole)")
        .fetch_one(executor)
        .await
}

/// Begins a transaction that no other writer of these tables runs beside.
///
/// It does not wait for the disk at its end: a crash that loses its changes loses the position
/// with them, and the chunk is applied again from the durable log.
pub(super) async fn begin(
    pool: &PgPool,
) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock($1)")
        .bind(WRITER_LOCK)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}

/// The pool's limits are for requests. Until the end of this transaction, which reads or writes
/// everything, there are none.
pub(super) async fn take_your_time(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for limit in ["statement_timeout", "idle_in_transaction_session_timeout"] {
        sqlx::query("SELECT set_config($1, '0', true)")
            .bind(limit)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Applies entries `from..to` of a log that stands at `from`.
pub(super) async fn apply(
    pool: &PgPool,
    log: LogId,
    from: u64,
    to: u64,
    books: Books,
) -> Result<Applied, ProjectionError> {
    let mut transaction = begin(pool).await?;
    let applied = apply_within(&mut transaction, log, from, to, books).await?;
    transaction.commit().await?;
    Ok(applied)
}

/// The same within a transaction of the caller's.
pub(super) async fn apply_within(
    connection: &mut PgConnection,
    log: LogId,
    from: u64,
    to: u64,
    books: Books,
) -> Result<Applied, ProjectionError> {
    if !move_position(connection, log, from, to).await? {
        return Ok(Applied::Elsewhere);
    }
    let new = entry::range(connection, log, from, to).await?;
    let before = before(connection, &new, log, from).await?;
    let changes = changes(&before, &new);
    let applied = Applied::Moved {
        decisions: !changes.put.is_empty() || !changes.withdrawn.is_empty(),
        conflicts: !changes.held.is_empty(),
    };
    let skipped = changes.skipped;
    let decides_on_books = write(connection, changes).await?;
    if books == Books::Now || decides_on_books {
        billing::settle(connection).await?;
    }
    metrics::counter!("ternion_projection_entries_total").increment(to - from);
    metrics::counter!("ternion_projection_skipped_total").increment(skipped);
    Ok(applied)
}

/// What was projected of the ids that these entries touch.
async fn before(
    connection: &mut PgConnection,
    new: &[Entry],
    log: LogId,
    from: u64,
) -> Result<Before, ProjectionError> {
    let ids: BTreeSet<Uuid> = new.iter().map(|entry| entry.event_id.0).collect();
    let of_new: Vec<Uuid> = ids.iter().copied().collect();
    let mut entries = entry::projected(connection, &of_new, log, from).await?;
    let mut decided = ruling::targets(new.iter().chain(&entries));
    let more: BTreeSet<Uuid> = decided.iter().map(|(_, id)| id.0).collect();
    let more: Vec<Uuid> = more.difference(&ids).copied().collect();
    if !more.is_empty() {
        entries.extend(entry::projected(connection, &more, log, from).await?);
    }
    // Decisions matter only where an id has several entries, which is rare.
    decided.extend(several(&entries, new));
    let resolutions = ruling::projected(connection, &decided).await?;
    Ok(Before { entries, resolutions })
}

/// Ids with more than one entry.
fn several(before: &[Entry], new: &[Entry]) -> BTreeSet<(TenantId, EventId)> {
    let mut seen = BTreeSet::new();
    let mut again = |entry: &Entry| {
        let id = (entry.tenant_id.clone(), entry.event_id);
        if seen.insert(id.clone()) { None } else { Some(id) }
    };
    before.iter().chain(new).filter_map(&mut again).collect()
}

async fn move_position(
    connection: &mut PgConnection,
    log: LogId,
    from: u64,
    to: u64,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(
        "UPDATE projection_position SET size = $4 WHERE origin = $1 AND epoch = $2 AND size = $3",
    )
    .bind(i16::from(log.origin.code()))
    .bind(signed32(log.epoch))
    .bind(signed64(from))
    .bind(signed64(to))
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Whether a decision changes the billing ledger is the answer.
async fn write(connection: &mut PgConnection, changes: Changes) -> Result<bool, sqlx::Error> {
    let Changes { meter, put, withdrawn, held, skipped: _ } = changes;
    withdraw_versions(connection, &withdrawn).await?;
    put_versions(connection, &put).await?;
    latency::add(connection, &meter.latencies().collect::<Vec<_>>()).await?;
    let usage: Vec<(UsageKey, UsageSum)> = meter.into_rows().collect();
    add_usage(connection, &usage).await?;
    let touched = billing::Touched::of(usage.iter().map(|(key, _)| key), &put, &withdrawn);
    billing::mark(connection, &touched).await?;
    conflict::put(connection, &held).await?;
    Ok(touched.decides())
}

/// Derives what of the billing ledger waits: after a stop between two chunks, or an upgrade.
pub(super) async fn settle(pool: &PgPool) -> Result<(), ProjectionError> {
    let mut transaction = begin(pool).await?;
    billing::settle(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// Columns of the version rows that `puts` are.
struct VersionColumns {
    entities: Vec<&'static str>,
    keys: Vec<String>,
    clocks: Vec<i64>,
    origins: Vec<i16>,
    epochs: Vec<i32>,
    sequences: Vec<i64>,
}

impl VersionColumns {
    fn of(puts: &[Put]) -> Self {
        let slots = || puts.iter().map(|put| put.entry.slot);
        VersionColumns {
            entities: puts.iter().map(|put| put.entity.name()).collect(),
            keys: puts.iter().map(|put| put.key.clone()).collect(),
            clocks: puts.iter().map(|put| put.entry.logical_clock.packed()).collect(),
            origins: slots().map(|slot| i16::from(slot.origin.code())).collect(),
            epochs: slots().map(|slot| signed32(slot.epoch)).collect(),
            sequences: slots().map(|slot| signed64(slot.sequence)).collect(),
        }
    }
}

async fn put_versions(connection: &mut PgConnection, puts: &[Put]) -> Result<(), sqlx::Error> {
    if puts.is_empty() {
        return Ok(());
    }
    let columns = VersionColumns::of(puts);
    let ids: Vec<Uuid> = puts.iter().map(|put| put.entry.event_id.0).collect();
    let bodies: Vec<&serde_json::Value> = puts.iter().map(|put| &put.body).collect();
    sqlx::query(
        "INSERT INTO projection_version \
         (entity, key, logical_clock, origin, epoch, sequence, event_id, body) \
         SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::smallint[], \
         $5::integer[], $6::bigint[], $7::uuid[], $8::jsonb[])",
    )
    .bind(columns.entities)
    .bind(columns.keys)
    .bind(columns.clocks)
    .bind(columns.origins)
    .bind(columns.epochs)
    .bind(columns.sequences)
    .bind(ids)
    .bind(bodies)
    .execute(connection)
    .await?;
    Ok(())
}

async fn withdraw_versions(connection: &mut PgConnection, puts: &[Put]) -> Result<(), sqlx::Error> {
    if puts.is_empty() {
        return Ok(());
    }
    let columns = VersionColumns::of(puts);
    sqlx::query(
        "DELETE FROM projection_version \
         WHERE (entity, key, logical_clock, origin, epoch, sequence) IN \
         (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::smallint[], \
         $5::integer[], $6::bigint[]))",
    )
    .bind(columns.entities)
    .bind(columns.keys)
    .bind(columns.clocks)
    .bind(columns.origins)
    .bind(columns.epochs)
    .bind(columns.sequences)
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds differences. A row from which everything was taken back goes: on a cloud that learnt of
/// the twins together it was never there.
async fn add_usage(
    connection: &mut PgConnection,
    rows: &[(UsageKey, UsageSum)],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let sums = |pick: fn(&UsageSum) -> i64| -> Vec<i64> {
        rows.iter().map(|(_, sum)| pick(sum)).collect()
    };
    let keys = UsageColumns::of(rows.iter().map(|(key, _)| key));
    sqlx::query(
        "INSERT INTO usage_hour AS old (tenant_id, provider, model, region, hour, requests, \
         failed, input_tokens, output_tokens, cached_tokens, timed, latency_us) \
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], \
         $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], \
         $12::bigint[]) \
         ON CONFLICT (tenant_id, hour, provider, model, region) DO UPDATE SET \
         requests = old.requests + excluded.requests, failed = old.failed + excluded.failed, \
         input_tokens = old.input_tokens + excluded.input_tokens, \
         output_tokens = old.output_tokens + excluded.output_tokens, \
         cached_tokens = old.cached_tokens + excluded.cached_tokens, \
         timed = old.timed + excluded.timed, latency_us = old.latency_us + excluded.latency_us",
    )
    .bind(keys.tenants)
    .bind(keys.providers)
    .bind(keys.models)
    .bind(keys.regions)
    .bind(keys.hours)
    .bind(sums(|sum| sum.requests))
    .bind(sums(|sum| sum.failed))
    .bind(sums(|sum| sum.input_tokens))
    .bind(sums(|sum| sum.output_tokens))
    .bind(sums(|sum| sum.cached_tokens))
    .bind(sums(|sum| sum.timed))
    .bind(sums(|sum| sum.latency_us))
    .execute(&mut *connection)
    .await?;
    drop_empty_usage(connection, rows).await
}

async fn drop_empty_usage(
    connection: &mut PgConnection,
    rows: &[(UsageKey, UsageSum)],
) -> Result<(), sqlx::Error> {
    let taken_back = rows.iter().filter(|(_, sum)| sum.requests < 0).map(|(key, _)| key);
    let keys = UsageColumns::of(taken_back);
    if keys.tenants.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "DELETE FROM usage_hour WHERE requests = 0 AND \
         (tenant_id, provider, model, region, hour) IN (SELECT * FROM \
         unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]))",
    )
    .bind(keys.tenants)
    .bind(keys.providers)
    .bind(keys.models)
    .bind(keys.regions)
    .bind(keys.hours)
    .execute(connection)
    .await?;
    Ok(())
}

struct UsageColumns<'a> {
    tenants: Vec<&'a str>,
    providers: Vec<&'a str>,
    models: Vec<&'a str>,
    regions: Vec<&'a str>,
    hours: Vec<OffsetDateTime>,
}

impl<'a> UsageColumns<'a> {
    fn of(keys: impl Iterator<Item = &'a UsageKey>) -> Self {
        let keys: Vec<&UsageKey> = keys.collect();
        UsageColumns {
            tenants: keys.iter().map(|key| key.tenant_id.as_str()).collect(),
            providers: keys.iter().map(|key| key.provider.as_str()).collect(),
            models: keys.iter().map(|key| key.model.as_str()).collect(),
            regions: keys.iter().map(|key| key.region.as_str()).collect(),
            hours: keys.iter().map(|key| key.hour.to_datetime()).collect(),
        }
    }
}
