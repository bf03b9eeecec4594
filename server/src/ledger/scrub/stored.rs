//! Reading what stands in the database, in a form that no edit of it can make unreadable.

use domain::log::{Hash, Head, LogId};
use domain::quorum::Signer;
use domain::scrub::StoredRow;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};

use super::super::columns;

const ROWS: &str = "
SELECT sequence, event_id, tenant_id, logical_clock, region, payload, salt, hash, signature, kind,
       CASE WHEN isfinite(created_at) THEN (extract(epoch FROM created_at) * 1000000)::bigint END
       AS created_at_us
FROM ledger_event
WHERE origin = $1 AND epoch = $2 AND sequence >= $3 AND sequence < $4 ORDER BY sequence";

/// Rows `start..end`.
pub(super) async fn rows(
    pool: &PgPool,
    log: LogId,
    start: u64,
    end: u64,
) -> Result<Vec<StoredRow>, sqlx::Error> {
    let rows = sqlx::query(ROWS)
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .bind(columns::size(start))
        .bind(columns::size(end))
        .fetch_all(pool)
        .await?;
    rows.iter().map(row).collect()
}

fn row(row: &PgRow) -> Result<StoredRow, sqlx::Error> {
    Ok(StoredRow {
        sequence: columns::read_size(row, "sequence")?,
        event_id: row.try_get("event_id")?,
        tenant_id: row.try_get("tenant_id")?,
        logical_clock: row.try_get("logical_clock")?,
        region: row.try_get("region")?,
        created_at_us: row.try_get("created_at_us")?,
        payload: row.try_get("payload")?,
        salt: row.try_get("salt")?,
        hash: row.try_get("hash")?,
        signature: row.try_get("signature")?,
        kind: row.try_get("kind")?,
    })
}

/// The rows that no head covers. One statement, so that an append is seen whole or not at all.
pub(super) async fn rows_beyond(pool: &PgPool, log: LogId) -> Result<Vec<u64>, sqlx::Error> {
    let sql = "SELECT sequence FROM ledger_event AS event WHERE origin = $1 AND epoch = $2 \
               AND sequence >= (SELECT size FROM ledger_log WHERE origin = $1 AND epoch = $2) \
               ORDER BY sequence LIMIT 256";
    let found: Vec<i64> = sqlx::query_scalar(sql)
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .fetch_all(pool)
        .await?;
    Ok(found.into_iter().filter_map(|sequence| u64::try_from(sequence).ok()).collect())
}

/// A tile as it stands.
#[derive(Clone, Debug)]
pub(super) struct StoredTile {
    pub(super) hashes: Vec<u8>,
    pub(super) root: Vec<u8>,
}

/// Tiles of one level, `start..end`.
pub(super) async fn tiles(
    pool: &PgPool,
    log: LogId,
    level: u8,
    start: u64,
    end: u64,
) -> Result<Vec<StoredTile>, sqlx::Error> {
    let sql = "SELECT hashes, root FROM ledger_tile WHERE origin = $1 AND epoch = $2 \
               AND level = $3 AND index >= $4 AND index < $5 ORDER BY index";
    let rows = sqlx::query(sql)
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .bind(i16::from(level))
        .bind(columns::size(start))
        .bind(columns::size(end))
        .fetch_all(pool)
        .await?;
    let tile =
        |row: &PgRow| Ok(StoredTile { hashes: row.try_get("hashes")?, root: row.try_get("root")? });
    rows.iter().map(tile).collect()
}

/// The roots of the first `count` tiles of level 0. `None`: one is missing or has another length.
pub(super) async fn block_roots(
    pool: &PgPool,
    log: LogId,
    count: u64,
) -> Result<Option<Vec<Hash>>, sqlx::Error> {
    let sql = "SELECT root FROM ledger_tile WHERE origin = $1 AND epoch = $2 AND level = 0 \
               AND index < $3 ORDER BY index";
    let roots: Vec<Vec<u8>> = sqlx::query_scalar(sql)
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .bind(columns::size(count))
        .fetch_all(pool)
        .await?;
    let roots: Option<Vec<Hash>> = roots.iter().map(|root| Hash::from_slice(root)).collect();
    Ok(roots.filter(|roots| roots.len() as u64 == count))
}

/// The stored head, whatever it says. `None`: its row is missing.
pub(super) async fn head(pool: &PgPool, log: LogId) -> Result<Option<(i64, Vec<u8>)>, sqlx::Error> {
    sqlx::query_as("SELECT size, root FROM ledger_log WHERE origin = $1 AND epoch = $2")
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .fetch_optional(pool)
        .await
}

/// One signature as it stands.
#[derive(Clone, Debug)]
pub(super) struct StoredSignature {
    pub(super) signer: Signer,
    pub(super) size: u64,
    pub(super) root: Vec<u8>,
    pub(super) lines: String,
}

impl StoredSignature {
    pub(super) fn head(&self) -> Option<Head> {
        Some(Head { size: self.size, root: Hash::from_slice(&self.root)? })
    }
}

/// Signatures after the head and signer that were read last, in order.
pub(super) async fn signatures(
    pool: &PgPool,
    log: LogId,
    after: (u64, u8),
    limit: i64,
) -> Result<Vec<StoredSignature>, sqlx::Error> {
    let sql = "SELECT signer, size, root, lines FROM ledger_signature \
               WHERE origin = $1 AND epoch = $2 AND (size, signer) > ($3, $4) \
               ORDER BY size, signer LIMIT $5";
    let rows = sqlx::query(sql)
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .bind(columns::size(after.0))
        .bind(i16::from(after.1))
        .bind(limit)
        .fetch_all(pool)
        .await?;
    let signature = |row: &PgRow| {
        Ok(StoredSignature {
            signer: columns::read_signer(row, "signer")?,
            size: columns::read_size(row, "size")?,
            root: row.try_get("root")?,
            lines: row.try_get("lines")?,
        })
    };
    rows.iter().map(signature).collect()
}

/// The largest sizes under which at least `signers` signatures stand, the origin's among them.
pub(super) async fn signed_sizes(
    pool: &PgPool,
    log: LogId,
    signers: usize,
    limit: i64,
) -> Result<Vec<u64>, sqlx::Error> {
    let sql = "SELECT size FROM (SELECT size, signer FROM ledger_signature \
                 WHERE origin = $1 AND epoch = $2 ORDER BY size DESC LIMIT 3 * $4) AS newest \
               GROUP BY size HAVING count(*) >= $3 AND bool_or(signer = $1) \
               ORDER BY size DESC LIMIT $4";
    let sizes: Vec<i64> = sqlx::query_scalar(sql)
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .bind(i64::try_from(signers).unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(pool)
        .await?;
    Ok(sizes.into_iter().filter_map(|size| u64::try_from(size).ok()).collect())
}
