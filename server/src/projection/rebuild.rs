//! Deriving everything again from the logs.

use domain::cloud::Cloud;
use domain::log::LogId;
use sqlx::PgPool;

use super::ProjectionError;
use super::apply::{Applied, CHUNK_ENTRIES, apply, begin};

/// How far a rebuild is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// A log and the size up to which it was projected.
#[derive(Clone, Copy, Debug)]
struct Goal {
    log: LogId,
    size: u64,
}

/// Empties the projections and replays the logs up to where they were projected before: entries
/// that were FINAL then are FINAL for ever. Interrupted, a running node goes on where it stopped;
/// while it runs, a node on the same database answers from what is there so far.
///
/// # Errors
/// The database cannot be reached, or an entry is missing or damaged.
pub async fn rebuild(
    pool: &PgPool,
    mut progress: impl FnMut(Progress),
) -> Result<u64, ProjectionError> {
    let goals = empty(pool).await?;
    let total = goals.iter().map(|goal| goal.size).sum();
    let mut done = 0;
    for goal in goals {
        let mut from = 0;
        while from < goal.size {
            let to = goal.size.min(from + CHUNK_ENTRIES);
            if apply(pool, goal.log, from, to).await? == Applied::Elsewhere {
                // A node on this database follows too; the rest of this log is its work.
                from = position(pool, goal.log).await?;
                continue;
            }
            progress(Progress { done: done + to, total });
            from = to;
        }
        done += goal.size;
    }
    Ok(total)
}

async fn empty(pool: &PgPool) -> Result<Vec<Goal>, ProjectionError> {
    let mut transaction = begin(pool).await?;
    let rows: Vec<(i16, i32, i64)> = sqlx::query_as(
        "SELECT origin, epoch, size FROM projection_position ORDER BY origin, epoch",
    )
    .fetch_all(&mut *transaction)
    .await?;
    sqlx::query("TRUNCATE projection_version, usage_hour, projection_conflict")
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "UPDATE projection_position p SET size = 0, (left_out_from, left_out_to) = \
         (SELECT disputed_from, disputed_to FROM ledger_log l \
          WHERE l.origin = p.origin AND l.epoch = p.epoch)",
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let goal = |(origin, epoch, size): (i16, i32, i64)| {
        let origin = u8::try_from(origin).ok().and_then(Cloud::from_code)?;
        let log = LogId { origin, epoch: epoch.unsigned_abs() };
        Some(Goal { log, size: size.unsigned_abs() })
    };
    Ok(rows.into_iter().filter_map(goal).collect())
}

async fn position(pool: &PgPool, log: LogId) -> Result<u64, sqlx::Error> {
    let size: i64 =
        sqlx::query_scalar("SELECT size FROM projection_position WHERE origin = $1 AND epoch = $2")
            .bind(i16::from(log.origin.code()))
            .bind(super::entry::signed32(log.epoch))
            .fetch_one(pool)
            .await?;
    Ok(size.unsigned_abs())
}
