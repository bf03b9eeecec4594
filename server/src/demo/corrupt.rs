//! Damage to what a cloud has stored, done as an owner of its database would: by SQL, past the
//! triggers and behind the program's back.
//!
//! Only what two clouds have signed is damaged: of a pending event there is no other copy.

mod usage;

use std::path::Path;
use std::time::Duration;

use app::backend::{LabCorruption, LabDamage};
use domain::cloud::Cloud;
use domain::event::EventId;
use domain::log::LogId;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::time::sleep;

use crate::postgres;
use crate::problem::Problem;

/// A tail that is cut off: enough to be seen, and less than a reader of findings scrolls.
const TAIL_ROWS: i64 = 12;
/// All of a tail's repairs must still stand among the newest findings, of which 100 are kept.
const TAIL_ROWS_MAX: i64 = 60;
/// How often, and for how long, it is looked whether everything is final.
const LOOKS: usize = 20;
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Shown before and after the place of a change.
const AROUND_CHARS: usize = 28;

/// Damage that was done.
#[derive(Debug)]
pub(super) struct Damage {
    pub told: LabCorruption,
    /// What the scrub will name: `gcp/1/204`, `gcp/1 head`.
    pub places: Vec<String>,
}

/// Why nothing was damaged.
#[derive(Debug, thiserror::Error)]
pub(super) enum Spared {
    #[error("The database of {0} does not run. Start the cloud first.")]
    NoDatabase(Cloud),
    #[error("{0} holds no event {1}.")]
    Unknown(Cloud, EventId),
    #[error("{0} holds no final event yet. Record one, and damage it then.")]
    NothingFinal(Cloud),
    #[error(
        "{0} holds events that no second cloud has signed: damage would destroy the only copy. Heal \
         the links or wait a moment, and try again."
    )]
    OnlyCopy(Cloud),
    #[error(
        "{0} entries come after that event; at most {TAIL_ROWS_MAX} are cut off. Name a newer one."
    )]
    TooLong(i64),
    #[error(
        "{0} holds no metered usage that a snapshot stands on. Take a snapshot, and try again."
    )]
    NothingMetered(Cloud),
    #[error("the database of {0} refused: {1}")]
    Database(Cloud, sqlx::Error),
}

impl From<Spared> for Problem {
    fn from(spared: Spared) -> Self {
        match spared {
            Spared::Unknown(..) => Problem::not_found(spared.to_string()),
            Spared::TooLong(_) => Problem::invalid(spared.to_string()),
            Spared::Database(..) => Problem::fault(spared),
            _ => Problem::conflict(spared.to_string()),
        }
    }
}

/// Damages the event, or else the newest final one; of a tail, its log, or else the cloud's own.
pub(super) async fn corrupt(
    folder: &Path,
    cloud: Cloud,
    what: LabDamage,
    event_id: Option<EventId>,
) -> Result<Damage, Spared> {
    let options = postgres::running_in(folder).await.ok_or(Spared::NoDatabase(cloud))?;
    let refused = |cause| Spared::Database(cloud, cause);
    let mut session = PgConnection::connect_with(&options).await.map_err(refused)?;
    let mut done = Err(Spared::OnlyCopy(cloud));
    for _ in 0..LOOKS {
        let mut intruder = Intruder { cloud, session: &mut session };
        done = match what {
            LabDamage::Tail => intruder.cut_tail(event_id).await,
            LabDamage::Usage => intruder.change_usage().await,
            _ => intruder.change_row(what, event_id).await,
        };
        if !matches!(done, Err(Spared::OnlyCopy(_))) {
            break;
        }
        // What is being signed just now is final in a moment.
        drop(sqlx::query("ROLLBACK").execute(&mut session).await);
        sleep(LOOK_EVERY).await;
    }
    // Dropped without its COMMIT, whatever was begun is undone.
    drop(session.close().await);
    done
}

/// How many entries of each log two clouds have signed, as far as this database knows.
const FINAL: &str = "
WITH final AS (
    SELECT log.origin, log.epoch, log.size AS stored, coalesce((
        SELECT signed.size FROM (VALUES (1), (2), (3)) AS cloud (code), LATERAL (
            SELECT max(size) AS size FROM ledger_signature AS line
            WHERE line.origin = log.origin AND line.epoch = log.epoch
              AND line.signer = cloud.code AND line.size <= log.size) AS signed
        WHERE signed.size IS NOT NULL ORDER BY signed.size DESC OFFSET 1 LIMIT 1), 0) AS size
    FROM ledger_log AS log)";

/// A row to be damaged.
struct Victim {
    log: LogId,
    sequence: i64,
    event_id: EventId,
    payload: Vec<u8>,
    hash: Vec<u8>,
    is_final: bool,
}

/// Somebody with the database owner's rights.
struct Intruder<'a> {
    cloud: Cloud,
    session: &'a mut PgConnection,
}

impl Intruder<'_> {
    fn refused(&self) -> impl Fn(sqlx::Error) -> Spared + use<> {
        let cloud = self.cloud;
        move |cause| Spared::Database(cloud, cause)
    }

    async fn victim(&mut self, event_id: Option<EventId>) -> Result<Victim, Spared> {
        let (cloud, refused) = (self.cloud, self.refused());
        let columns = "SELECT event.origin, event.epoch, event.sequence, event.event_id, \
             event.payload, event.hash, event.sequence < final.size AS is_final \
             FROM ledger_event AS event JOIN final USING (origin, epoch)";
        let row = match event_id {
            Some(id) => {
                let which = "WHERE event.event_id = $1 ORDER BY is_final DESC, event.logical_clock";
                let sql = format!("{FINAL} {columns} {which} LIMIT 1");
                let found = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.0);
                let found = found.fetch_optional(&mut *self.session).await.map_err(&refused)?;
                found.ok_or(Spared::Unknown(cloud, id))?
            }
            None => {
                let which = "WHERE event.sequence < final.size ORDER BY event.logical_clock DESC";
                let sql = format!("{FINAL} {columns} {which} LIMIT 1");
                let found = sqlx::query(sqlx::AssertSqlSafe(sql));
                let found = found.fetch_optional(&mut *self.session).await.map_err(&refused)?;
                found.ok_or(Spared::NothingFinal(cloud))?
            }
        };
        let victim = Victim::read(&row).map_err(refused)?;
        if victim.is_final { Ok(victim) } else { Err(Spared::OnlyCopy(cloud)) }
    }

    async fn change_row(
        &mut self,
        what: LabDamage,
        event_id: Option<EventId>,
    ) -> Result<Damage, Spared> {
        let victim = self.victim(event_id).await?;
        let place = victim.place();
        let (sql, value, before, after) = victim.damaged(what);
        let sql = format!("{sql} WHERE origin = $1 AND epoch = $2 AND sequence = $3");
        self.owner().await?;
        let refused = self.refused();
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(i16::from(victim.log.origin.code()))
            .bind(epoch(victim.log))
            .bind(victim.sequence);
        let query = match value {
            Some(value) => query.bind(value),
            None => query,
        };
        query.execute(&mut *self.session).await.map_err(&refused)?;
        sqlx::query("COMMIT").execute(&mut *self.session).await.map_err(&refused)?;
        let told = LabCorruption {
            cloud: self.cloud,
            what,
            place: place.clone(),
            event_id: victim.event_id.to_string(),
            rows: 1,
            before,
            after,
            repair: None,
        };
        Ok(Damage { told, places: vec![place] })
    }

    /// A transaction in which no trigger fires.
    async fn owner(&mut self) -> Result<(), Spared> {
        let refused = self.refused();
        for sql in ["BEGIN", "SET LOCAL session_replication_role = replica"] {
            sqlx::query(sql).execute(&mut *self.session).await.map_err(&refused)?;
        }
        Ok(())
    }

    async fn cut_tail(&mut self, event_id: Option<EventId>) -> Result<Damage, Spared> {
        let refused = self.refused();
        let (origin, from) = match event_id {
            Some(_) => {
                let victim = self.victim(event_id).await?;
                (victim.log.origin, Some(victim.sequence))
            }
            None => (self.cloud, None),
        };
        self.owner().await?;
        // The lock keeps the log from growing until the head is set back.
        let lock = "SELECT epoch, size FROM ledger_log WHERE origin = $1 \
                    ORDER BY epoch DESC LIMIT 1 FOR UPDATE";
        let (epoch, size): (i32, i64) = sqlx::query_as(lock)
            .bind(i16::from(origin.code()))
            .fetch_one(&mut *self.session)
            .await
            .map_err(&refused)?;
        let first = from.unwrap_or((size - TAIL_ROWS).max(0));
        if size == 0 {
            return Err(Spared::NothingFinal(self.cloud));
        }
        if size - first > TAIL_ROWS_MAX {
            return Err(Spared::TooLong(size - first));
        }
        let log = LogId { origin, epoch: u32::try_from(epoch).unwrap_or_default() };
        if self.final_size(log).await? < size {
            return Err(Spared::OnlyCopy(self.cloud));
        }
        let event_id = self.delete_from(log, first).await.map_err(&refused)?;
        sqlx::query("COMMIT").execute(&mut *self.session).await.map_err(&refused)?;
        Ok(self.tail(log, first, size, event_id))
    }

    async fn final_size(&mut self, log: LogId) -> Result<i64, Spared> {
        let sql = format!("{FINAL} SELECT size FROM final WHERE origin = $1 AND epoch = $2");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(i16::from(log.origin.code()))
            .bind(epoch(log))
            .fetch_one(&mut *self.session)
            .await
            .map_err(self.refused())
    }

    /// Gives the id of the first event that is gone.
    async fn delete_from(&mut self, log: LogId, first: i64) -> Result<EventId, sqlx::Error> {
        let origin = i16::from(log.origin.code());
        let rows = "DELETE FROM ledger_event \
                    WHERE origin = $1 AND epoch = $2 AND sequence >= $3 \
                    RETURNING sequence, event_id";
        let gone: Vec<(i64, uuid::Uuid)> = sqlx::query_as(rows)
            .bind(origin)
            .bind(epoch(log))
            .bind(first)
            .fetch_all(&mut *self.session)
            .await?;
        let head = "UPDATE ledger_log SET size = $3 WHERE origin = $1 AND epoch = $2";
        sqlx::query(head)
            .bind(origin)
            .bind(epoch(log))
            .bind(first)
            .execute(&mut *self.session)
            .await?;
        Ok(EventId(gone.iter().min().map_or_else(uuid::Uuid::nil, |(_, id)| *id)))
    }

    fn tail(&self, log: LogId, first: i64, size: i64, event_id: EventId) -> Damage {
        let mut places: Vec<String> = (first..size).map(|at| format!("{log}/{at}")).collect();
        let told = LabCorruption {
            cloud: self.cloud,
            what: LabDamage::Tail,
            place: format!("{log}/{first}"),
            event_id: event_id.to_string(),
            rows: places.len() as u64,
            before: format!("{log} ended at {size}"),
            after: format!("{log} ends at {first}"),
            repair: None,
        };
        places.push(format!("{log} head"));
        Damage { told, places }
    }
}

impl Victim {
    fn read(row: &sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
        let unreadable = |column: &str| sqlx::Error::ColumnDecode {
            index: column.to_owned(),
            source: "is no cloud or epoch".into(),
        };
        let (origin, epoch): (i16, i32) = (row.try_get("origin")?, row.try_get("epoch")?);
        let origin = u8::try_from(origin).ok().and_then(Cloud::from_code);
        Ok(Victim {
            log: LogId {
                origin: origin.ok_or_else(|| unreadable("origin"))?,
                epoch: u32::try_from(epoch).map_err(|_| unreadable("epoch"))?,
            },
            sequence: row.try_get("sequence")?,
            event_id: EventId(row.try_get("event_id")?),
            payload: row.try_get("payload")?,
            hash: row.try_get("hash")?,
            is_final: row.try_get("is_final")?,
        })
    }

    fn place(&self) -> String {
        format!("{}/{}", self.log, self.sequence)
    }

    /// The statement, its value, and what a reader sees before and after.
    fn damaged(&self, what: LabDamage) -> (&'static str, Option<Vec<u8>>, String, String) {
        match what {
            LabDamage::Payload => {
                let text = String::from_utf8_lossy(&self.payload);
                let (other, at) = edited(&text);
                let told = (excerpt(&text, at), excerpt(&other, at));
                let sql = "UPDATE ledger_event SET payload = $4";
                (sql, Some(other.into_bytes()), told.0, told.1)
            }
            LabDamage::Hash => {
                let mut other = self.hash.clone();
                other.iter_mut().take(1).for_each(|byte| *byte ^= 0x01);
                let told = (hex::encode(&self.hash), hex::encode(&other));
                ("UPDATE ledger_event SET hash = $4", Some(other), told.0, told.1)
            }
            // The last two are done otherwise.
            LabDamage::Row | LabDamage::Tail | LabDamage::Usage => {
                let text = String::from_utf8_lossy(&self.payload);
                ("DELETE FROM ledger_event", None, excerpt(&text, 0), "no row".to_owned())
            }
        }
    }
}

/// A tenfold of the first whole number, as somebody would write who wants to be paid more; and
/// where the change is.
fn edited(payload: &str) -> (String, usize) {
    for (colon, _) in payload.match_indices("\":") {
        let start = colon + 2;
        let digits = payload[start..].bytes().take_while(u8::is_ascii_digit).count();
        let end = start + digits;
        let is_whole = matches!(payload.as_bytes().get(end), Some(b',' | b'}'));
        if is_whole && digits > 0 && !payload[start..].starts_with('0') {
            return (format!("{}0{}", &payload[..end], &payload[end..]), end);
        }
    }
    ("{\"edited\":\"by hand\"}".to_owned(), 0)
}

/// The text around a place.
fn excerpt(text: &str, at: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = text.get(..at).map_or(0, |head| head.chars().count());
    let (start, end) = (at.saturating_sub(AROUND_CHARS), (at + AROUND_CHARS).min(chars.len()));
    let dots = |cut: bool| if cut { "…" } else { "" };
    let middle: String = chars[start..end].iter().collect();
    format!("{}{middle}{}", dots(start > 0), dots(end < chars.len()))
}

/// Epochs count restores and rotations: far below two billion.
fn epoch(log: LogId) -> i32 {
    i32::try_from(log.epoch).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_edited_in_one_number_and_stays_json() {
        let payload = r#"{"at":0.5,"inputTokens":1204,"kind":"usage","note":"a\":7,"}"#;
        let (other, at) = edited(payload);
        assert_eq!(other, payload.replace("1204", "12040"));
        let shown = excerpt(&other, at);
        assert!(shown.contains("12040,") && shown.ends_with('…'), "{shown}");
        let (other, _) = edited(r#"{"kind":"note","zero":0}"#);
        assert_eq!(other, r#"{"edited":"by hand"}"#);
    }

    #[test]
    fn an_excerpt_is_cut_between_letters() {
        let text = "ä".repeat(100);
        assert_eq!(excerpt(&text, 100).chars().count(), 2 * AROUND_CHARS + 2);
        assert_eq!(excerpt("{}", 0), "{}");
    }
}
