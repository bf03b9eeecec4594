//! Anchors in Postgres: each change is one transaction, and is refused if it was made to a state
//! that is no longer the stored one.

use domain::anchor::Publisher;
use domain::anchor::state::{Anchor, Attempt};
use domain::clock::Timestamp;
use domain::log::Hash;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};
use time::OffsetDateTime;
use uuid::Uuid;

/// What one page may hold.
pub const ANCHORS_PAGE_MAX: u32 = 1_000;

const COLUMNS: &str = "id, subject, period, publisher, state, chain, queued_at, recorded, changes";

#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) pool: PgPool,
}

/// One anchor as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: Uuid,
    pub subject: Hash,
    /// What it is the hash of, for people.
    pub period: String,
    pub publisher: Publisher,
    pub anchor: Anchor,
    /// Certificates that the proof needs beside it, PEM.
    pub chain: Option<Vec<u8>>,
    pub queued_at: Timestamp,
    /// How many of the things that people are told stand in the ledger.
    pub recorded: u32,
    pub(super) changes: i64,
}

/// Why a change is not stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum SaveError {
    #[error("the database cannot be reached: {0}")]
    Database(#[from] sqlx::Error),
    #[error("another task has changed the anchor")]
    Overtaken,
}

impl Store {
    /// The new anchor, or the one that is there.
    pub(super) async fn add(&self, new: &Stored) -> Result<Stored, sqlx::Error> {
        let inserted = sqlx::query(
            "INSERT INTO anchor (id, subject, period, publisher, state, stage, due_at, cost, \
             queued_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8) ON CONFLICT DO NOTHING",
        )
        .bind(new.id)
        .bind(new.subject.0.to_vec())
        .bind(&new.period)
        .bind(new.publisher.name())
        .bind(sqlx::types::Json(&new.anchor))
        .bind(new.anchor.stage().name())
        .bind(new.anchor.due_at().to_datetime())
        .bind(new.queued_at.to_datetime())
        .execute(&self.pool)
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(new.clone());
        }
        let known = self.get(new.id).await?;
        known.ok_or(sqlx::Error::RowNotFound)
    }

    pub(super) async fn get(&self, id: Uuid) -> Result<Option<Stored>, sqlx::Error> {
        let row =
            sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM anchor WHERE id = $1")))
                .bind(id)
                .fetch_optional(&self.pool)
                .await?;
        row.as_ref().map(read).transpose()
    }

    /// The newest first, below `before` if given.
    pub(super) async fn page(
        &self,
        before: Option<(Timestamp, Uuid)>,
        limit: u32,
    ) -> Result<Vec<Stored>, sqlx::Error> {
        let (at, id) = before.unzip();
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM anchor \
             WHERE $1::timestamptz IS NULL OR (queued_at, id) < ($1, $2) \
             ORDER BY queued_at DESC, id DESC LIMIT $3"
        )))
        .bind(at.map(Timestamp::to_datetime))
        .bind(id)
        .bind(i64::from(limit.min(ANCHORS_PAGE_MAX)))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Everything of a publisher with which something is still to be done.
    pub(super) async fn open(&self, publisher: Publisher) -> Result<Vec<Stored>, sqlx::Error> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM anchor WHERE publisher = $1 \
             AND (stage <> 'final' OR recorded < (state->>'told')::bigint) \
             ORDER BY due_at, id LIMIT {ANCHORS_PAGE_MAX}"
        )))
        .bind(publisher.name())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    /// What others of this publisher cost, or may cost, since then; in the smallest unit.
    pub(super) async fn spent_since(
        &self,
        publisher: Publisher,
        since: Timestamp,
        but: Uuid,
    ) -> Result<u64, sqlx::Error> {
        let text: String = sqlx::query_scalar(
            "SELECT coalesce(sum(cost), 0)::text FROM anchor \
             WHERE publisher = $1 AND cost_at >= $2 AND id <> $3",
        )
        .bind(publisher.name())
        .bind(since.to_datetime())
        .bind(but)
        .fetch_one(&self.pool)
        .await?;
        Ok(text.parse().unwrap_or(u64::MAX))
    }

    /// Writes a changed anchor, and counts the change in it.
    pub(super) async fn save(&self, stored: &mut Stored) -> Result<(), SaveError> {
        let mut transaction = self.pool.begin().await?;
        let anchor = &stored.anchor;
        let newest = anchor.attempts().last();
        let changed = sqlx::query(
            "UPDATE anchor SET state = $3, stage = $4, due_at = $5, cost = $6, cost_at = $7, \
             chain = $8, recorded = $9, changes = changes + 1 WHERE id = $1 AND changes = $2",
        )
        .bind(stored.id)
        .bind(stored.changes)
        .bind(sqlx::types::Json(anchor))
        .bind(anchor.stage().name())
        .bind(anchor.due_at().to_datetime())
        .bind(i64::try_from(anchor.cost()).unwrap_or(i64::MAX))
        .bind(newest.map(|newest| newest.made_at.to_datetime()))
        .bind(&stored.chain)
        .bind(i64::from(stored.recorded))
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() != 1 {
            return Err(SaveError::Overtaken);
        }
        for attempt in anchor.attempts() {
            keep(&mut transaction, stored.id, attempt).await?;
        }
        transaction.commit().await?;
        stored.changes += 1;
        Ok(())
    }
}

async fn keep(
    connection: &mut PgConnection,
    anchor: Uuid,
    attempt: &Attempt,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO anchor_attempt (anchor, number, name, bytes, made_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(anchor)
    .bind(i64::try_from(attempt.number).unwrap_or(i64::MAX))
    .bind(&attempt.name)
    .bind(&attempt.bytes)
    .bind(attempt.made_at.to_datetime())
    .execute(connection)
    .await?;
    Ok(())
}

fn read(row: &PgRow) -> Result<Stored, sqlx::Error> {
    let unreadable = |column: &str| sqlx::Error::Decode(format!("anchor.{column}").into());
    let subject: Vec<u8> = row.try_get("subject")?;
    let publisher: String = row.try_get("publisher")?;
    let sqlx::types::Json(anchor) = row.try_get::<sqlx::types::Json<Anchor>, _>("state")?;
    let queued_at: OffsetDateTime = row.try_get("queued_at")?;
    let recorded: i64 = row.try_get("recorded")?;
    Ok(Stored {
        id: row.try_get("id")?,
        subject: Hash::from_slice(&subject).ok_or_else(|| unreadable("subject"))?,
        period: row.try_get("period")?,
        publisher: publisher.parse().map_err(|_| unreadable("publisher"))?,
        anchor,
        chain: row.try_get("chain")?,
        queued_at: Timestamp::from_datetime(queued_at),
        recorded: u32::try_from(recorded).map_err(|_| unreadable("recorded"))?,
        changes: row.try_get("changes")?,
    })
}
