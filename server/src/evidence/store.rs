//! The SQL of `migrations/0005_evidence.sql`.

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::evidence::Proven;
use domain::log::Hash;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};

use super::Recorded;

/// Most records of one page: each is verified again when it is read, two signatures apiece.
pub const EVIDENCE_PAGE_MAX: u32 = 100;

/// Whoever signs two histories can go on for ever, and each pair of heads is another record. So
/// many prove the same deed of one key as well as thousands.
pub const RECORDS_PER_KEY_MAX: u32 = 16;

/// A row as it stands. Nothing is verified.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: i64,
    pub(super) record: String,
    pub(super) found_at: Timestamp,
    pub(super) source: Option<Cloud>,
}

const PUT: &str = "
INSERT INTO evidence (id, kind, cloud, key, origin, epoch, first_size, second_size, record,
                      found_at, source)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
WHERE (SELECT count(*) FROM evidence
       WHERE key = $4 AND kind = $2 AND origin = $5 AND epoch = $6) < $12
ON CONFLICT (id) DO NOTHING";

/// Two writers at once may store one more than the limit: no harm.
pub(super) async fn put(
    pool: &PgPool,
    proven: &Proven,
    source: Option<Cloud>,
) -> Result<Recorded, sqlx::Error> {
    let (evidence, log, id) = (proven.evidence(), proven.log(), proven.id());
    let (first, second) = proven.places();
    let record = String::from_utf8_lossy(&evidence.canonical()).into_owned();
    let stored = sqlx::query(PUT)
        .bind(id.0.as_slice())
        .bind(evidence.kind().name())
        .bind(i16::from(proven.cloud().code()))
        .bind(evidence.key().to_string())
        .bind(i16::from(log.origin.code()))
        .bind(i32::try_from(log.epoch).unwrap_or(i32::MAX))
        .bind(i64::try_from(first).unwrap_or(i64::MAX))
        .bind(i64::try_from(second).unwrap_or(i64::MAX))
        .bind(record)
        .bind(crate::now().to_datetime())
        .bind(source.map(|cloud| i16::from(cloud.code())))
        .bind(i64::from(RECORDS_PER_KEY_MAX))
        .execute(pool)
        .await?;
    if stored.rows_affected() > 0 {
        return Ok(Recorded::New(id));
    }
    Ok(if one(pool, id).await?.is_some() { Recorded::Known(id) } else { Recorded::Enough })
}

pub(super) async fn page(
    pool: &PgPool,
    below: Option<i64>,
    limit: u32,
) -> Result<Vec<Row>, sqlx::Error> {
    let sql = "SELECT number, record, found_at, source FROM evidence \
               WHERE $1::bigint IS NULL OR number < $1 ORDER BY number DESC LIMIT $2";
    let rows = sqlx::query(sql)
        .bind(below)
        .bind(i64::from(limit.clamp(1, EVIDENCE_PAGE_MAX)))
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn one(pool: &PgPool, id: Hash) -> Result<Option<Row>, sqlx::Error> {
    let sql = "SELECT number, record, found_at, source FROM evidence WHERE id = $1";
    let row = sqlx::query(sql).bind(id.0.as_slice()).fetch_optional(pool).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &PgRow) -> Result<Row, sqlx::Error> {
    let source: Option<i16> = row.try_get("source")?;
    let cloud = |code: i16| u8::try_from(code).ok().and_then(Cloud::from_code);
    Ok(Row {
        number: row.try_get("number")?,
        record: row.try_get("record")?,
        found_at: Timestamp::from_datetime(row.try_get("found_at")?),
        source: source.and_then(cloud),
    })
}
