//! What is held, in Postgres: each input once, and within its source's share.

use std::collections::HashMap;

use domain::clock::Timestamp;
use domain::quarantine::{Reason, SOURCE_BYTES_MAX, SOURCE_ITEMS_MAX, Source};
use sqlx::{PgConnection, PgPool, Row as _};
use uuid::Uuid;

use super::Arrived;
use super::writer::Batch;

/// What came of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    /// Inputs that were only counted.
    pub(super) not_kept: u64,
}

/// What one source has to look after, undecided.
#[derive(Clone, Copy, Debug)]
struct Share {
    items: u64,
    bytes: u64,
}

impl Share {
    /// Takes the place for one more, if there is one.
    fn take(&mut self, bytes: u64) -> bool {
        let after = Share { items: self.items + 1, bytes: self.bytes + bytes };
        let fits = after.items <= u64::from(SOURCE_ITEMS_MAX) && after.bytes <= SOURCE_BYTES_MAX;
        if fits {
            *self = after;
        }
        fits
    }
}

/// Inputs of one source and reason.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    inputs: u64,
    not_kept: u64,
}

type Tallies = HashMap<(Source, Reason), Tally>;

/// Writes a batch down in one transaction. One whose outcome is unknown is repeated: a count may
/// then be too high, but nothing is missing.
pub(super) async fn write(pool: &PgPool, batch: &Batch) -> Result<Written, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let mut shares: HashMap<Source, Share> = HashMap::new();
    let mut tallies = Tallies::new();
    for arrived in &batch.arrived {
        let is_kept = is_known(&mut transaction, arrived).await?
            || keep(&mut transaction, &mut shares, arrived).await?;
        let tally = tallies.entry((arrived.source.clone(), arrived.reason)).or_default();
        tally.inputs += 1;
        tally.not_kept += u64::from(!is_kept);
    }
    for (of, inputs) in &batch.missed {
        let tally = tallies.entry(of.clone()).or_default();
        tally.inputs += inputs;
        tally.not_kept += inputs;
    }
    count(&mut transaction, &tallies, crate::now()).await?;
    transaction.commit().await?;
    Ok(Written { not_kept: tallies.values().map(|tally| tally.not_kept).sum() })
}

/// The same again: counts up what is held, or was decided about, already.
async fn is_known(connection: &mut PgConnection, arrived: &Arrived) -> Result<bool, sqlx::Error> {
    let known = sqlx::query(
        "UPDATE quarantine_item SET count = count + 1, last_at = greatest(last_at, $4) \
         WHERE source = $1 AND reason = $2 AND sha256 = $3",
    )
    .bind(arrived.source.to_string())
    .bind(arrived.reason.code())
    .bind(arrived.sha256.0.to_vec())
    .bind(arrived.at.to_datetime())
    .execute(connection)
    .await?;
    Ok(known.rows_affected() > 0)
}

async fn keep(
    connection: &mut PgConnection,
    shares: &mut HashMap<Source, Share>,
    arrived: &Arrived,
) -> Result<bool, sqlx::Error> {
    let mut share = match shares.get(&arrived.source) {
        Some(share) => *share,
        None => share_of(connection, &arrived.source).await?,
    };
    let fits = share.take(arrived.bytes.len() as u64);
    shares.insert(arrived.source.clone(), share);
    if fits {
        insert(connection, arrived).await?;
        // Here and not where it was refused: a flood must not fill the log either.
        let Arrived { source, reason, detail, .. } = arrived;
        tracing::warn!(%source, %reason, detail, "an input was refused and is held");
    }
    Ok(fits)
}

async fn share_of(connection: &mut PgConnection, source: &Source) -> Result<Share, sqlx::Error> {
    let row = sqlx::query(
        "SELECT count(*) AS items, coalesce(sum(octet_length(bytes)), 0)::bigint AS bytes \
         FROM quarantine_current WHERE source = $1 AND state = 'held'",
    )
    .bind(source.to_string())
    .fetch_one(connection)
    .await?;
    let read = |column: &str| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
    Ok(Share { items: read("items")?, bytes: read("bytes")? })
}

async fn insert(connection: &mut PgConnection, arrived: &Arrived) -> Result<(), sqlx::Error> {
    let about = &arrived.about;
    sqlx::query(
        "INSERT INTO quarantine_item (source, reason, sha256, id, form, detail, place, tenant_id, \
         event_id, bytes, length, count, first_at, last_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12)",
    )
    .bind(arrived.source.to_string())
    .bind(arrived.reason.code())
    .bind(arrived.sha256.0.to_vec())
    .bind(Uuid::now_v7())
    .bind(arrived.form.name())
    .bind(&arrived.detail)
    .bind(&about.place)
    .bind(about.tenant_id.as_ref().map(domain::event::TenantId::as_str))
    .bind(about.event_id.map(|id| id.0))
    .bind(&arrived.bytes[..])
    .bind(signed(arrived.length))
    .bind(arrived.at.to_datetime())
    .execute(connection)
    .await?;
    Ok(())
}

async fn count(
    connection: &mut PgConnection,
    tallies: &Tallies,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let of = |pick: fn(&Tally) -> u64| -> Vec<i64> {
        tallies.values().map(|tally| signed(pick(tally))).collect()
    };
    sqlx::query(
        "INSERT INTO quarantine_count AS old (source, reason, inputs, not_kept, last_at) \
         SELECT source, reason, inputs, not_kept, $5 \
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) \
              AS new (source, reason, inputs, not_kept) \
         ON CONFLICT (source, reason) DO UPDATE SET inputs = old.inputs + excluded.inputs, \
         not_kept = old.not_kept + excluded.not_kept, last_at = excluded.last_at",
    )
    .bind(tallies.keys().map(|(source, _)| source.to_string()).collect::<Vec<_>>())
    .bind(tallies.keys().map(|(_, reason)| reason.code()).collect::<Vec<_>>())
    .bind(of(|tally| tally.inputs))
    .bind(of(|tally| tally.not_kept))
    .bind(at.to_datetime())
    .execute(connection)
    .await?;
    Ok(())
}

/// Inputs that nobody has decided about.
pub(super) async fn held(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let held: i64 =
        sqlx::query_scalar("SELECT count(*) FROM quarantine_current WHERE state = 'held'")
            .fetch_one(pool)
            .await?;
    Ok(held.unsigned_abs())
}

/// Counts and lengths: never near 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_ends_by_number_or_by_bytes_whichever_comes_first() {
        let mut by_number = Share { items: u64::from(SOURCE_ITEMS_MAX) - 1, bytes: 0 };
        assert!(by_number.take(1));
        assert!(!by_number.take(1));
        let mut by_bytes = Share { items: 0, bytes: SOURCE_BYTES_MAX - 10 };
        assert!(!by_bytes.take(11));
        assert!(by_bytes.take(10), "what did not fit has taken no place");
        assert!(!by_bytes.take(1));
    }
}
