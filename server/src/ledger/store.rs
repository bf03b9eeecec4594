//! The durable side of one log: one statement an append, history of signatures, ranges.
//!
//! The statement moves the head by conditional update on the old one and inserts rows, tiles and
//! signatures only if that update found its row. So an append is one round trip and one fsync,
//! two writers cannot both win, and one hash stands per slot.

use domain::event::{Envelope, EventId};
use domain::log::{Appender, Hash, Head, LogId, Tile};
use domain::quorum::{PerSigner, Signer};
use sqlx::{PgPool, Row as _};
use time::OffsetDateTime;
use uuid::Uuid;

use super::read::Record;
use super::signing::{Lines, SignedHead};
use super::{StartError, columns, tree};

/// One log in Postgres.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pool: PgPool,
    log: LogId,
}

/// What is durable of a log.
#[derive(Debug)]
pub(super) struct Durable {
    pub(super) appender: Appender,
    /// The largest size that each is known to have signed.
    pub(super) signed: PerSigner<u64>,
    /// There is evidence against the log.
    pub(super) frozen: bool,
    /// Entries that stand on two certified branches.
    pub(super) disputed: Option<(u64, u64)>,
}

/// Entries and what follows from them, to become durable together.
#[derive(Debug)]
pub(super) struct Append<'a> {
    pub(super) from: Head,
    pub(super) entries: &'a [Envelope],
    pub(super) tiles: &'a [Tile],
    /// The head after the entries, with the signatures that vouch for it.
    pub(super) signed: &'a SignedHead,
}

/// An append is not known to be durable.
#[derive(Debug, thiserror::Error)]
pub(super) enum AppendError {
    /// The head was not where the caller believed: surely not stored.
    #[error("the stored head of {0} has moved: another writer uses this database")]
    Moved(LogId),
    /// It may or may not be durable; [`Store::head`] tells.
    #[error(transparent)]
    Unknown(#[from] sqlx::Error),
}

const APPEND: &str = "
WITH moved AS (
    UPDATE ledger_log SET size = $3, root = $4
    WHERE origin = $1 AND epoch = $2 AND size = $5 AND root = $6 RETURNING 1
), events AS (
    INSERT INTO ledger_event (origin, epoch, sequence, event_id, tenant_id, logical_clock, region,
                              created_at, payload, salt, hash, signature, kind)
    SELECT $1, $2, $5 + row.ordinality - 1, row.event_id, row.tenant_id, row.logical_clock,
           row.region, row.created_at, row.payload, row.salt, row.hash, row.signature, row.kind
    FROM moved, unnest($7::uuid[], $8::text[], $9::bigint[], $10::text[], $11::timestamptz[],
                       $12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[], $16::text[])
         WITH ORDINALITY AS row (event_id, tenant_id, logical_clock, region, created_at, payload,
                                 salt, hash, signature, kind, ordinality)
), tiles AS (
    INSERT INTO ledger_tile (origin, epoch, level, index, hashes, root)
    SELECT $1, $2, row.level, row.index, row.hashes, row.root
    FROM moved, unnest($17::smallint[], $18::bigint[], $19::bytea[], $20::bytea[])
         AS row (level, index, hashes, root)
), signatures AS (
    INSERT INTO ledger_signature (origin, epoch, signer, size, root, lines, learnt_at)
    SELECT $1, $2, row.signer, $3, $4, row.lines, $23
    FROM moved, unnest($21::smallint[], $22::text[]) AS row (signer, lines)
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM moved";

/// Lengths are read from the rows; a payload that stands outside of its row is not fetched.
const CUT: &str = "
WITH fitting AS (
    SELECT $3 + count(*) AS size
    FROM (SELECT sum(octet_length(payload)) OVER (ORDER BY sequence) AS bytes FROM ledger_event
          WHERE origin = $1 AND epoch = $2 AND sequence >= $3 AND sequence < $3 + $4) AS entry
    WHERE bytes <= $5
), head AS NOT MATERIALIZED (
    SELECT size, root, lines FROM ledger_signature
    WHERE origin = $1 AND epoch = $2 AND signer = $1 AND size > $3 AND size <= $3 + $4
)
(SELECT * FROM head WHERE size <= (SELECT size FROM fitting) ORDER BY size DESC LIMIT 1)
UNION ALL (SELECT * FROM head ORDER BY size LIMIT 1)
ORDER BY size DESC LIMIT 1";

impl Store {
    pub(super) const fn new(pool: PgPool, log: LogId) -> Self {
        Store { pool, log }
    }

    pub(super) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Reads what is durable, and begins the log if it is new.
    pub(super) async fn open(&self) -> Result<Durable, StartError> {
        let sql = "INSERT INTO ledger_log (origin, epoch, size, root) VALUES ($1, $2, 0, $3) \
                   ON CONFLICT DO NOTHING";
        sqlx::query(sql)
            .bind(columns::origin(self.log))
            .bind(columns::epoch(self.log))
            .bind(Head::empty().root.0.as_slice())
            .execute(&self.pool)
            .await?;
        let head = self.head().await?;
        let damaged = |what: &str| StartError::Damaged { log: self.log, what: what.to_owned() };
        let appender = tree::appender(&self.pool, self.log, head.size)
            .await?
            .ok_or_else(|| damaged("rows or tiles of its right edge are missing"))?;
        if appender.head() != head {
            return Err(damaged("its right edge has another root"));
        }
        let signed = self.signed_sizes(head.size).await?;
        let (frozen, disputed) = self.verdict().await?;
        Ok(Durable { appender, signed, frozen, disputed })
    }

    /// The stored head. Waits for an append that is still under way.
    pub(super) async fn head(&self) -> Result<Head, sqlx::Error> {
        let sql = "SELECT size, root FROM ledger_log WHERE origin = $1 AND epoch = $2 FOR UPDATE";
        let row = sqlx::query(sql)
            .bind(columns::origin(self.log))
            .bind(columns::epoch(self.log))
            .fetch_one(&self.pool)
            .await?;
        Ok(Head {
            size: columns::read_size(&row, "size")?,
            root: columns::read_hash(&row, "root")?,
        })
    }

    /// Up to what is stored: a signature beyond it says nothing about our tree.
    async fn signed_sizes(&self, stored: u64) -> Result<PerSigner<u64>, sqlx::Error> {
        let sql = "SELECT signer, max(size) AS size FROM ledger_signature \
                   WHERE origin = $1 AND epoch = $2 AND size <= $3 GROUP BY signer";
        let rows = sqlx::query(sql)
            .bind(columns::origin(self.log))
            .bind(columns::epoch(self.log))
            .bind(columns::size(stored))
            .fetch_all(&self.pool)
            .await?;
        let mut sizes = PerSigner::default();
        for row in &rows {
            let signer = columns::read_signer(row, "signer")?;
            *sizes.get_mut(signer) = columns::read_size(row, "size")?;
        }
        Ok(sizes)
    }

    /// What evidence has been found against the log, and which entries it puts in doubt.
    async fn verdict(&self) -> Result<(bool, Option<(u64, u64)>), sqlx::Error> {
        let sql = "SELECT frozen, disputed_from, disputed_to FROM ledger_log \
                   WHERE origin = $1 AND epoch = $2";
        let row: (bool, Option<i64>, Option<i64>) = sqlx::query_as(sql)
            .bind(columns::origin(self.log))
            .bind(columns::epoch(self.log))
            .fetch_one(&self.pool)
            .await?;
        let size = |size: Option<i64>| size.and_then(|size| u64::try_from(size).ok());
        Ok((row.0, size(row.1).zip(size(row.2))))
    }

    /// There is evidence: from now on nothing more of this log is signed here, whatever restarts.
    /// The range in doubt only grows.
    pub(super) async fn freeze(&self, disputed: Option<(u64, u64)>) -> Result<(), sqlx::Error> {
        let sql = "UPDATE ledger_log SET frozen = true, \
                   disputed_from = LEAST(disputed_from, $3), \
                   disputed_to = GREATEST(disputed_to, $4) WHERE origin = $1 AND epoch = $2";
        sqlx::query(sql)
            .bind(columns::origin(self.log))
            .bind(columns::epoch(self.log))
            .bind(disputed.map(|(from, _)| columns::size(from)))
            .bind(disputed.map(|(_, to)| columns::size(to)))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Makes a range durable.
    pub(super) async fn append(&self, append: &Append<'_>) -> Result<(), AppendError> {
        let entries = append.entries;
        let events = entries.iter().map(Envelope::event);
        let (signers, lines) = signature_columns(&append.signed.lines);
        let moved: i64 = sqlx::query_scalar(APPEND)
            .bind(columns::origin(self.log))
            .bind(columns::epoch(self.log))
            .bind(columns::size(append.signed.head.size))
            .bind(append.signed.head.root.0.to_vec())
            .bind(columns::size(append.from.size))
            .bind(append.from.root.0.to_vec())
            .bind(events.clone().map(|event| event.event_id.0).collect::<Vec<Uuid>>())
            .bind(events.clone().map(|event| event.tenant_id.as_str()).collect::<Vec<_>>())
            .bind(events.clone().map(|event| event.logical_clock.packed()).collect::<Vec<_>>())
            .bind(events.clone().map(|event| event.region.as_str()).collect::<Vec<_>>())
            .bind(events.clone().map(|event| event.created_at.to_datetime()).collect::<Vec<_>>())
            .bind(events.clone().map(|event| event.payload.bytes()).collect::<Vec<_>>())
            .bind(events.clone().map(|event| event.salt.0.to_vec()).collect::<Vec<_>>())
            .bind(entries.iter().map(|entry| entry.hash().0.to_vec()).collect::<Vec<_>>())
            .bind(entries.iter().map(|entry| entry.signature().0.to_vec()).collect::<Vec<_>>())
            .bind(events.map(|event| event.payload.kind()).collect::<Vec<_>>())
            .bind(append.tiles.iter().map(|tile| i16::from(tile.path.level)).collect::<Vec<_>>())
            .bind(append.tiles.iter().map(|t| columns::size(t.path.index)).collect::<Vec<_>>())
            .bind(append.tiles.iter().map(|tile| concatenated(&tile.hashes)).collect::<Vec<_>>())
            .bind(append.tiles.iter().map(|tile| tile.root.0.to_vec()).collect::<Vec<_>>())
            .bind(signers)
            .bind(lines)
            .bind(crate::now().to_datetime())
            .fetch_one(&self.pool)
            .await?;
        if moved == 1 { Ok(()) } else { Err(AppendError::Moved(self.log)) }
    }

    /// Which of these ids are recorded already, in whichever log.
    pub(super) async fn recorded(&self, ids: &[EventId]) -> Result<Vec<Record>, sqlx::Error> {
        let sql = format!(
            "SELECT {} FROM ledger_event WHERE event_id = ANY($1) ORDER BY logical_clock, origin",
            columns::RECORD_COLUMNS
        );
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(&self.pool).await?;
        rows.iter().map(columns::record).collect()
    }

    /// Where a range after the first `start` entries ends: the largest head that the origin signed
    /// within so many entries and bytes of payload, or else the next one within the entries. No
    /// payload is read for it.
    pub(super) async fn cut_after(
        &self,
        start: u64,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Option<SignedHead>, sqlx::Error> {
        let row = sqlx::query(CUT)
            .bind(columns::origin(self.log))
            .bind(columns::epoch(self.log))
            .bind(columns::size(start))
            .bind(columns::size(entries_max as u64))
            .bind(columns::size(bytes_max as u64))
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| self.signed_head(&row)).transpose()
    }

    /// The head of that size with the signatures stored under it.
    pub(super) async fn signed_of_size(
        &self,
        size: u64,
    ) -> Result<Option<SignedHead>, sqlx::Error> {
        let sql = "SELECT signer, root, lines FROM ledger_signature \
                   WHERE origin = $1 AND epoch = $2 AND size = $3 \
                     AND signer = ANY(ARRAY[1, 2, 3, 4]::smallint[]) \
                   ORDER BY signer = origin DESC";
        let rows = sqlx::query(sql)
            .bind(columns::origin(self.log))
            .bind(columns::epoch(self.log))
            .bind(columns::size(size))
            .fetch_all(&self.pool)
            .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let head = Head { size, root: columns::read_hash(first, "root")? };
        let mut lines = Lines::new();
        for row in &rows {
            if columns::read_hash(row, "root")? == head.root {
                lines.insert(columns::read_signer(row, "signer")?, row.try_get("lines")?);
            }
        }
        Ok(Some(SignedHead { log: self.log, head, lines }))
    }

    fn signed_head(&self, row: &sqlx::postgres::PgRow) -> Result<SignedHead, sqlx::Error> {
        let head =
            Head { size: columns::read_size(row, "size")?, root: columns::read_hash(row, "root")? };
        let lines = Lines::from([(self.log.origin.into(), row.try_get("lines")?)]);
        Ok(SignedHead { log: self.log, head, lines })
    }

    /// Entries `start..end`.
    pub(super) async fn range(&self, start: u64, end: u64) -> Result<Vec<Record>, sqlx::Error> {
        let sql = format!(
            "SELECT {} FROM ledger_event WHERE origin = $1 AND epoch = $2 \
             AND sequence >= $3 AND sequence < $4 ORDER BY sequence",
            columns::RECORD_COLUMNS
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(columns::origin(self.log))
            .bind(columns::epoch(self.log))
            .bind(columns::size(start))
            .bind(columns::size(end))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(columns::record).collect()
    }
}

/// The setting is local to the statement's own transaction. When this process is killed nothing of
/// it is lost. What a crash of Postgres or of the machine loses (its last half second) is learnt
/// again from the peers' next heads, and the next append flushes it anyway.
const RECORD_SIGNATURES: &str = "
INSERT INTO ledger_signature (origin, epoch, signer, size, root, lines, learnt_at)
SELECT row.origin, row.epoch, row.signer, row.size, row.root, row.lines, row.learnt_at
FROM (SELECT set_config('synchronous_commit', 'off', true) AS mode) AS setting,
     unnest($1::smallint[], $2::integer[], $3::smallint[], $4::bigint[], $5::bytea[], $6::text[],
            $7::timestamptz[])
     AS row (origin, epoch, signer, size, root, lines, learnt_at)
WHERE setting.mode = 'off'
ON CONFLICT DO NOTHING";

/// Records signatures that arrived by themselves, with the time at which they did.
pub(super) async fn record_signatures(
    pool: &PgPool,
    signed: &[(SignedHead, OffsetDateTime)],
) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = signed
        .iter()
        .flat_map(|(signed, at)| signed.lines.iter().map(move |line| (signed, line, *at)))
        .collect();
    sqlx::query(RECORD_SIGNATURES)
        .bind(rows.iter().map(|(signed, ..)| columns::origin(signed.log)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(signed, ..)| columns::epoch(signed.log)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, (by, _), _)| i16::from(by.code())).collect::<Vec<_>>())
        .bind(rows.iter().map(|(signed, ..)| columns::size(signed.head.size)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(signed, ..)| signed.head.root.0.to_vec()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, (_, lines), _)| lines.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(.., at)| *at).collect::<Vec<_>>())
        .execute(pool)
        .await?;
    Ok(())
}

fn signature_columns(lines: &Lines) -> (Vec<i16>, Vec<&str>) {
    let code = |signer: &Signer| i16::from(signer.code());
    lines.iter().map(|(signer, lines)| (code(signer), lines.as_str())).unzip()
}

fn concatenated(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
