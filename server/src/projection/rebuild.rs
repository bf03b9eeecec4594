//! Deriving everything again from the logs.

use domain::cloud::Cloud;
use domain::log::LogId;
use sqlx::{PgConnection, PgPool};

use super::apply::{Books, CHUNK_ENTRIES, apply_within, begin, take_your_time};
use super::{ProjectionError, billing};

/// How far a rebuild is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// A log and the size up to which it was projected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    log: LogId,
    size: u64,
}

/// Empties the projections and replays the logs up to where they were projected before: entries
/// that were FINAL then are FINAL for ever. One transaction: until it is done everybody reads what
/// was there before, and interrupted it has not been.
///
/// # Errors
/// The database cannot be reached, or an entry is missing or damaged.
pub async fn rebuild(
    pool: &PgPool,
    mut progress: impl FnMut(Progress),
) -> Result<u64, ProjectionError> {
    let mut transaction = begin(pool).await?;
    take_your_time(&mut transaction).await?;
    let goals = empty(&mut transaction).await?;
    let total = goals.iter().map(|goal| goal.size).sum();
    let mut done = 0;
    for goal in goals {
        let mut from = 0;
        while from < goal.size {
            let to = goal.size.min(from + CHUNK_ENTRIES);
            // The lock of `begin` keeps every other writer out: it is where we left it.
            apply_within(&mut transaction, goal.log, from, to, Books::Later).await?;
            progress(Progress { done: done + to, total });
            from = to;
        }
        done += goal.size;
    }
    billing::settle(&mut transaction).await?;
    transaction.commit().await?;
    Ok(total)
}

pub(super) async fn empty(connection: &mut PgConnection) -> Result<Vec<Goal>, sqlx::Error> {
    let rows: Vec<(i16, i32, i64)> = sqlx::query_as(
        "SELECT origin, epoch, size FROM projection_position ORDER BY origin, epoch",
    )
    .fetch_all(&mut *connection)
    .await?;
    // Not TRUNCATE, for which readers would have to wait.
    for table in [
        "DELETE FROM projection_version",
        "DELETE FROM usage_hour",
        "DELETE FROM usage_latency",
        "DELETE FROM projection_conflict",
        "DELETE FROM billing_entry",
        "DELETE FROM billing_unpriced",
        "DELETE FROM billing_dirty",
    ] {
        sqlx::query(table).execute(&mut *connection).await?;
    }
    sqlx::query(
        "UPDATE projection_position p SET size = 0, is_whole = true, (left_out_from, left_out_to) = \
         (SELECT disputed_from, disputed_to FROM ledger_log l \
          WHERE l.origin = p.origin AND l.epoch = p.epoch)",
    )
    .execute(&mut *connection)
    .await?;
    let goal = |(origin, epoch, size): (i16, i32, i64)| {
        let origin = u8::try_from(origin).ok().and_then(Cloud::from_code)?;
        let log = LogId { origin, epoch: epoch.unsigned_abs() };
        Some(Goal { log, size: size.unsigned_abs() })
    };
    Ok(rows.into_iter().filter_map(goal).collect())
}
