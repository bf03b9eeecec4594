//! Putting right what was found wrong: each in one transaction with the record of what stood there.

use domain::cloud::Cloud;
use domain::log::{Head, LogId, Tile};
use domain::scrub::StoredRow;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use time::OffsetDateTime;

use super::super::columns;
use super::stored::StoredSignature;

/// What was found and what stands there now.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    pub(super) place: String,
    pub(super) field: String,
    pub(super) found: Option<Vec<u8>>,
    pub(super) replaced: Option<Vec<u8>>,
    pub(super) repaired: bool,
    pub(super) source: Option<Cloud>,
    pub(super) reason: String,
}

/// A transaction that the append-only triggers let pass.
async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT set_config('ternion.repair', 'on', true)")
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}

const RECORD: &str = "
INSERT INTO ledger_repair (at, origin, epoch, place, field, found, replaced, repaired, source, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

async fn record(
    connection: &mut PgConnection,
    log: LogId,
    evidence: &[Evidence],
) -> Result<(), sqlx::Error> {
    for one in evidence {
        sqlx::query(RECORD)
            .bind(crate::now().to_datetime())
            .bind(columns::origin(log))
            .bind(columns::epoch(log))
            .bind(&one.place)
            .bind(&one.field)
            .bind(&one.found)
            .bind(&one.replaced)
            .bind(one.repaired)
            .bind(one.source.map(|cloud| i16::from(cloud.code())))
            .bind(&one.reason)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Keeps what was found where nothing can be repaired.
pub(super) async fn keep(
    pool: &PgPool,
    log: LogId,
    evidence: &[Evidence],
) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    record(&mut transaction, log, evidence).await?;
    transaction.commit().await
}

const PUT_ROW: &str = "
INSERT INTO ledger_event (origin, epoch, sequence, event_id, tenant_id, logical_clock, region,
                          created_at, payload, salt, hash, signature, kind)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (origin, epoch, sequence) DO UPDATE
SET event_id = excluded.event_id, tenant_id = excluded.tenant_id,
    logical_clock = excluded.logical_clock, region = excluded.region,
    created_at = excluded.created_at, payload = excluded.payload, salt = excluded.salt,
    hash = excluded.hash, signature = excluded.signature, kind = excluded.kind";

/// Puts rows in their places, over what stands there.
pub(super) async fn rows(
    pool: &PgPool,
    log: LogId,
    rows: &[StoredRow],
    evidence: &[Evidence],
) -> Result<(), sqlx::Error> {
    let mut transaction = begin(pool).await?;
    for row in rows {
        let us = i128::from(row.created_at_us.unwrap_or_default());
        let created_at = OffsetDateTime::from_unix_timestamp_nanos(us * 1_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH); // verified rows have a valid time
        sqlx::query(PUT_ROW)
            .bind(columns::origin(log))
            .bind(columns::epoch(log))
            .bind(columns::size(row.sequence))
            .bind(row.event_id)
            .bind(&row.tenant_id)
            .bind(row.logical_clock)
            .bind(&row.region)
            .bind(created_at)
            .bind(&row.payload)
            .bind(&row.salt)
            .bind(&row.hash)
            .bind(&row.signature)
            .bind(&row.kind)
            .execute(&mut *transaction)
            .await?;
    }
    record(&mut transaction, log, evidence).await?;
    transaction.commit().await
}

/// Removes a row that no head covers.
pub(super) async fn remove_row(
    pool: &PgPool,
    log: LogId,
    sequence: u64,
    evidence: &[Evidence],
) -> Result<(), sqlx::Error> {
    let mut transaction = begin(pool).await?;
    // Again under the head of this moment: an append may have come to the place by now.
    sqlx::query(
        "DELETE FROM ledger_event WHERE origin = $1 AND epoch = $2 AND sequence = $3 AND $3 >= \
         (SELECT size FROM ledger_log WHERE origin = $1 AND epoch = $2 FOR UPDATE)",
    )
    .bind(columns::origin(log))
    .bind(columns::epoch(log))
    .bind(columns::size(sequence))
    .execute(&mut *transaction)
    .await?;
    record(&mut transaction, log, evidence).await?;
    transaction.commit().await
}

const PUT_TILE: &str = "
INSERT INTO ledger_tile (origin, epoch, level, index, hashes, root) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (origin, epoch, level, index) DO UPDATE
SET hashes = excluded.hashes, root = excluded.root";

pub(super) async fn tile(
    pool: &PgPool,
    log: LogId,
    tile: &Tile,
    evidence: &Evidence,
) -> Result<(), sqlx::Error> {
    let mut transaction = begin(pool).await?;
    sqlx::query(PUT_TILE)
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .bind(i16::from(tile.path.level))
        .bind(columns::size(tile.path.index))
        .bind(tile.hashes.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>())
        .bind(tile.root.0.to_vec())
        .execute(&mut *transaction)
        .await?;
    record(&mut transaction, log, std::slice::from_ref(evidence)).await?;
    transaction.commit().await
}

/// Puts the head back. Only over what was found, lest it undo an append.
pub(super) async fn head(
    pool: &PgPool,
    log: LogId,
    found: Option<&(i64, Vec<u8>)>,
    right: Head,
    evidence: &Evidence,
) -> Result<bool, sqlx::Error> {
    let mut transaction = begin(pool).await?;
    let changed = match found {
        Some((size, root)) => {
            sqlx::query(
                "UPDATE ledger_log SET size = $3, root = $4 \
                 WHERE origin = $1 AND epoch = $2 AND size = $5 AND root = $6",
            )
            .bind(columns::origin(log))
            .bind(columns::epoch(log))
            .bind(columns::size(right.size))
            .bind(right.root.0.to_vec())
            .bind(size)
            .bind(root)
            .execute(&mut *transaction)
            .await?
        }
        None => {
            sqlx::query(
                "INSERT INTO ledger_log (origin, epoch, size, root) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(columns::origin(log))
            .bind(columns::epoch(log))
            .bind(columns::size(right.size))
            .bind(right.root.0.to_vec())
            .execute(&mut *transaction)
            .await?
        }
    };
    if changed.rows_affected() == 0 {
        return Ok(false);
    }
    record(&mut transaction, log, std::slice::from_ref(evidence)).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Gives a signature its root back, or removes it if it holds for nothing.
pub(super) async fn signature(
    pool: &PgPool,
    log: LogId,
    wrong: &StoredSignature,
    right: Option<Head>,
    evidence: &Evidence,
) -> Result<(), sqlx::Error> {
    let sql = match right {
        Some(_) => {
            "UPDATE ledger_signature SET root = $5 \
             WHERE origin = $1 AND epoch = $2 AND signer = $3 AND size = $4"
        }
        None => {
            "DELETE FROM ledger_signature \
             WHERE origin = $1 AND epoch = $2 AND signer = $3 AND size = $4 AND $5::bytea IS NULL"
        }
    };
    let mut transaction = begin(pool).await?;
    sqlx::query(sql)
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .bind(i16::from(wrong.signer.code()))
        .bind(columns::size(wrong.size))
        .bind(right.map(|head| head.root.0.to_vec()))
        .execute(&mut *transaction)
        .await?;
    record(&mut transaction, log, std::slice::from_ref(evidence)).await?;
    transaction.commit().await
}
