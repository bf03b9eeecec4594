//! The outbox: every message, and what became of it.

use std::collections::BTreeSet;

use domain::clock::{DAY_MS, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};
use time::OffsetDateTime;

/// Messages to one receiver that wait; beyond it, new ones are dead at once and say why. More than
/// people decide in a year.
const WAITING_MAX: i64 = 10_000;
/// What was delivered or is dead is kept so long, to be looked at.
const KEPT_DAYS: i32 = 30;
/// Dead messages that a screen shows.
const DEAD_SHOWN: i64 = 5;
/// So long a dead message is something that people should see to.
const DEAD_DAYS: i64 = 7;

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) body: String,
    pub(super) happened_at: Timestamp,
    /// When this cloud learnt of it: since then it is tried. A link that was cut is no receiver that
    /// does not answer.
    pub(super) written_at: Timestamp,
    /// That failed.
    pub(super) attempts: u32,
}

/// How a receiver stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub name: String,
    pub place: String,
    pub waiting: u64,
    pub delivered: u64,
    /// Of the last days.
    pub dead: u64,
    pub delivered_at: Option<Timestamp>,
    /// Why the last attempt of a message that waits failed.
    pub problem: Option<String>,
    /// The newest first.
    pub latest_dead: Vec<Dead>,
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    pub id: String,
    pub kind: String,
    pub happened_at: Timestamp,
    pub problem: String,
}

/// Forgets receivers that are configured no more, with all that was written down for them.
pub(super) async fn forget_others(pool: &PgPool, names: &[String]) -> Result<(), sqlx::Error> {
    for forget in [
        "DELETE FROM webhook_message WHERE receiver <> ALL($1)",
        "DELETE FROM webhook_receiver WHERE name <> ALL($1)",
    ] {
        sqlx::query(forget).bind(names).execute(pool).await?;
    }
    Ok(())
}

/// Since when a receiver is told; from now on, if it is new.
pub(super) async fn since(
    pool: &PgPool,
    receiver: &str,
    now: Timestamp,
) -> Result<Timestamp, sqlx::Error> {
    let since: OffsetDateTime = sqlx::query_scalar(
        "INSERT INTO webhook_receiver (name, since) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET name = EXCLUDED.name RETURNING since",
    )
    .bind(receiver)
    .bind(now.to_datetime())
    .fetch_one(pool)
    .await?;
    Ok(Timestamp::from_datetime(since))
}

/// The ids of all messages to a receiver that are there.
pub(super) async fn known(pool: &PgPool, receiver: &str) -> Result<BTreeSet<String>, sqlx::Error> {
    let ids: Vec<String> =
        sqlx::query_scalar("SELECT message_id FROM webhook_message WHERE receiver = $1")
            .bind(receiver)
            .fetch_all(pool)
            .await?;
    Ok(ids.into_iter().collect())
}

/// Writes a message down, once.
pub(super) async fn put(
    pool: &PgPool,
    receiver: &str,
    message: &Message,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO webhook_message (receiver, message_id, kind, body, happened_at, written_at, next_at, \
           state, problem, settled_at) \
         SELECT $1, $2, $3, $4, $5, $6, $6, CASE WHEN is_full THEN 'dead' ELSE 'waiting' END, \
           CASE WHEN is_full THEN 'too many messages waited' END, CASE WHEN is_full THEN $6 END \
         FROM (SELECT count(*) >= $7 AS is_full FROM webhook_message \
               WHERE receiver = $1 AND state = 'waiting') AS queue \
         ON CONFLICT DO NOTHING",
    )
    .bind(receiver)
    .bind(&message.id)
    .bind(&message.kind)
    .bind(&message.body)
    .bind(message.happened_at.to_datetime())
    .bind(message.written_at.to_datetime())
    .bind(WAITING_MAX)
    .execute(pool)
    .await?;
    Ok(())
}

/// Those whose time has come, the oldest first.
pub(super) async fn due(
    pool: &PgPool,
    receiver: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Message>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT message_id, kind, body, happened_at, written_at, attempts FROM webhook_message \
         WHERE receiver = $1 AND state = 'waiting' AND next_at <= $2 \
         ORDER BY happened_at, message_id LIMIT $3",
    )
    .bind(receiver)
    .bind(now.to_datetime())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(message).collect()
}

fn message(row: &PgRow) -> Result<Message, sqlx::Error> {
    let attempts: i32 = row.try_get("attempts")?;
    Ok(Message {
        id: row.try_get("message_id")?,
        kind: row.try_get("kind")?,
        body: row.try_get("body")?,
        happened_at: Timestamp::from_datetime(row.try_get("happened_at")?),
        written_at: Timestamp::from_datetime(row.try_get("written_at")?),
        attempts: u32::try_from(attempts).unwrap_or(0),
    })
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    /// Again at that time.
    Later(Timestamp, String),
    Dead(String),
}

pub(super) async fn settle(
    pool: &PgPool,
    receiver: &str,
    id: &str,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (state, next, problem) = match outcome {
        Outcome::Delivered => ("delivered", now, None),
        Outcome::Later(at, problem) => ("waiting", *at, Some(problem)),
        Outcome::Dead(problem) => ("dead", now, Some(problem)),
    };
    sqlx::query(
        "UPDATE webhook_message SET state = $3, next_at = $4, problem = $5, \
           attempts = attempts + CASE WHEN $3 = 'delivered' THEN 0 ELSE 1 END, \
           settled_at = CASE WHEN $3 = 'waiting' THEN NULL ELSE $6 END \
         WHERE receiver = $1 AND message_id = $2 AND state = 'waiting'",
    )
    .bind(receiver)
    .bind(id)
    .bind(state)
    .bind(next.to_datetime())
    .bind(problem)
    .bind(now.to_datetime())
    .execute(pool)
    .await?;
    Ok(())
}

/// Forgets what was settled long ago.
pub(super) async fn prune(pool: &PgPool, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM webhook_message WHERE state <> 'waiting' AND settled_at < $1 - make_interval(days => $2)",
    )
    .bind(now.to_datetime())
    .bind(KEPT_DAYS)
    .execute(pool)
    .await?;
    Ok(())
}

pub(super) async fn standing(
    pool: &PgPool,
    receiver: &str,
    place: String,
    now: Timestamp,
) -> Result<Standing, sqlx::Error> {
    let dead_since = Timestamp::from_unix_ms(now.unix_ms() - DEAD_DAYS * DAY_MS);
    let row = sqlx::query(
        "SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, \
           count(*) FILTER (WHERE state = 'delivered') AS delivered, \
           count(*) FILTER (WHERE state = 'dead' AND settled_at >= $2) AS dead, \
           max(settled_at) FILTER (WHERE state = 'delivered') AS delivered_at, \
           (array_agg(problem ORDER BY next_at DESC) \
             FILTER (WHERE state = 'waiting' AND problem IS NOT NULL))[1] AS problem \
         FROM webhook_message WHERE receiver = $1",
    )
    .bind(receiver)
    .bind(dead_since.to_datetime())
    .fetch_one(pool)
    .await?;
    let count = |name: &str| -> Result<u64, sqlx::Error> {
        let number: i64 = row.try_get(name)?;
        Ok(u64::try_from(number).unwrap_or(0))
    };
    let delivered_at: Option<OffsetDateTime> = row.try_get("delivered_at")?;
    Ok(Standing {
        name: receiver.to_owned(),
        place,
        waiting: count("waiting")?,
        delivered: count("delivered")?,
        dead: count("dead")?,
        delivered_at: delivered_at.map(Timestamp::from_datetime),
        problem: row.try_get("problem")?,
        latest_dead: latest_dead(pool, receiver, dead_since).await?,
    })
}

async fn latest_dead(
    pool: &PgPool,
    receiver: &str,
    since: Timestamp,
) -> Result<Vec<Dead>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT message_id, kind, happened_at, coalesce(problem, '') AS problem FROM webhook_message \
         WHERE receiver = $1 AND state = 'dead' AND settled_at >= $2 \
         ORDER BY happened_at DESC LIMIT $3",
    )
    .bind(receiver)
    .bind(since.to_datetime())
    .bind(DEAD_SHOWN)
    .fetch_all(pool)
    .await?;
    let dead = rows.iter().map(|row| {
        Ok(Dead {
            id: row.try_get("message_id")?,
            kind: row.try_get("kind")?,
            happened_at: Timestamp::from_datetime(row.try_get("happened_at")?),
            problem: row.try_get("problem")?,
        })
    });
    dead.collect()
}
