//! Reading what is held.

use domain::catalog::{DECIDED_BY, Known};
use domain::clock::{LogicalClock, Timestamp};
use domain::event::{EventId, TenantId};
use domain::log::Hash;
use domain::quarantine::{Form, Reason, Source, State};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row as _};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{About, Quarantine};

/// Most items of one page.
pub const ITEMS_PAGE_MAX: u32 = 1_000;
/// Counts of one answer, the newest; each source has a few reasons.
const COUNTS_MAX: i64 = 1_000;

/// Which held inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemFilter {
    pub state: Option<State>,
    pub reason: Option<Reason>,
    pub source: Option<Source>,
    pub tenant: Option<TenantId>,
}

/// A place in the order of arrival: what is older comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    pub at: Timestamp,
    pub id: Uuid,
}

/// One held input, without its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub id: Uuid,
    pub source: Source,
    pub reason: Reason,
    pub detail: String,
    pub form: Form,
    pub about: About,
    /// Of the whole input.
    pub sha256: Hash,
    /// Bytes of the whole input, and how many of them are kept.
    pub length: u64,
    pub kept: u64,
    /// How often the very same came.
    pub count: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// What a FINAL event has decided about it.
    pub ruling: Option<Ruling>,
}

/// A decision about a held input, as its event says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    pub state: State,
    /// The decision's event.
    pub event_id: EventId,
    pub by: Option<String>,
    pub reason: String,
    pub at: Timestamp,
    /// What a released input became.
    pub new_event_id: Option<EventId>,
}

impl Item {
    #[must_use]
    pub fn state(&self) -> State {
        self.ruling.as_ref().map_or(State::Held, |ruling| ruling.state)
    }
}

/// All inputs of one source and reason, kept or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub source: Source,
    pub reason: Reason,
    pub inputs: u64,
    /// Beyond the source's share, or more than the queue could take: only counted.
    pub not_kept: u64,
    pub last_at: Timestamp,
}

const COLUMNS: &str = "id, source, reason, detail, form, place, tenant_id, event_id, sha256, \
     length, octet_length(bytes) AS kept, count, first_at, last_at, ruling_id, ruling_clock, \
     ruling";

impl Quarantine {
    /// Held inputs, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn items(
        &self,
        filter: &ItemFilter,
        before: Option<Before>,
        limit: u32,
    ) -> Result<Vec<Item>, sqlx::Error> {
        let mut query =
            QueryBuilder::new(format!("SELECT {COLUMNS} FROM quarantine_current WHERE true"));
        narrow(&mut query, filter);
        if let Some(Before { at, id }) = before {
            query.push(" AND (first_at, id) < (").push_bind(at.to_datetime());
            query.push(", ").push_bind(id).push(")");
        }
        query.push(" ORDER BY first_at DESC, id DESC LIMIT ");
        query.push_bind(i64::from(limit.clamp(1, ITEMS_PAGE_MAX)));
        let rows = query.build().fetch_all(&self.pool).await?;
        rows.iter().map(item).collect()
    }

    /// One held input with what is kept of its bytes.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn item(&self, id: Uuid) -> Result<Option<(Item, Vec<u8>)>, sqlx::Error> {
        let sql = format!("SELECT {COLUMNS}, bytes FROM quarantine_current WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await?;
        row.map(|row| Ok((item(&row)?, row.try_get("bytes")?))).transpose()
    }

    /// How much came from whom, kept or not; the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn counts(&self) -> Result<Vec<Counted>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT source, reason, inputs, not_kept, last_at FROM quarantine_count \
             ORDER BY last_at DESC, source, reason LIMIT $1",
        )
        .bind(COUNTS_MAX)
        .fetch_all(&self.pool)
        .await?;
        let counted = |row: &PgRow| {
            Ok(Counted {
                source: read(row, "source")?,
                reason: read(row, "reason")?,
                inputs: number(row, "inputs")?,
                not_kept: number(row, "not_kept")?,
                last_at: moment(row, "last_at")?,
            })
        };
        rows.iter().map(counted).collect()
    }
}

fn narrow(query: &mut QueryBuilder<Postgres>, filter: &ItemFilter) {
    if let Some(state) = filter.state {
        query.push(" AND state = ").push_bind(state.name());
    }
    if let Some(reason) = filter.reason {
        query.push(" AND reason = ").push_bind(reason.code());
    }
    if let Some(source) = &filter.source {
        query.push(" AND source = ").push_bind(source.to_string());
    }
    if let Some(tenant) = &filter.tenant {
        query.push(" AND tenant_id = ").push_bind(tenant.as_str().to_owned());
    }
}

fn item(row: &PgRow) -> Result<Item, sqlx::Error> {
    let form: String = row.try_get("form")?;
    let sha256: Vec<u8> = row.try_get("sha256")?;
    let tenant: Option<String> = row.try_get("tenant_id")?;
    Ok(Item {
        id: row.try_get("id")?,
        source: read(row, "source")?,
        reason: read(row, "reason")?,
        detail: row.try_get("detail")?,
        form: Form::from_name(&form).ok_or_else(|| unreadable("form"))?,
        about: About {
            place: row.try_get("place")?,
            tenant_id: tenant.and_then(|tenant| TenantId::try_from(tenant).ok()),
            event_id: row.try_get::<Option<Uuid>, _>("event_id")?.map(EventId),
        },
        sha256: Hash::from_slice(&sha256).ok_or_else(|| unreadable("sha256"))?,
        length: number(row, "length")?,
        kept: u64::from(row.try_get::<i32, _>("kept")?.unsigned_abs()),
        count: number(row, "count")?,
        first_at: moment(row, "first_at")?,
        last_at: moment(row, "last_at")?,
        ruling: ruling(row)?,
    })
}

fn ruling(row: &PgRow) -> Result<Option<Ruling>, sqlx::Error> {
    let Some(event_id) = row.try_get::<Option<Uuid>, _>("ruling_id")? else { return Ok(None) };
    let (body, clock): (Value, i64) = (row.try_get("ruling")?, row.try_get("ruling_clock")?);
    let (state, reason, new_event_id) = match Known::read(&body) {
        Ok(Some(Known::QuarantineRelease(release))) => {
            (State::Released, release.reason, Some(release.new_event_id))
        }
        Ok(Some(Known::QuarantineReject(reject))) => (State::Rejected, reject.reason, None),
        _ => return Err(unreadable("ruling")),
    };
    let ms = LogicalClock::from_packed(clock).ms;
    Ok(Some(Ruling {
        state,
        event_id: EventId(event_id),
        by: body.get(DECIDED_BY).and_then(Value::as_str).map(str::to_owned),
        reason,
        at: Timestamp::from_unix_ms(i64::try_from(ms).unwrap_or(i64::MAX)),
        new_event_id,
    }))
}

fn read<T: std::str::FromStr>(row: &PgRow, column: &str) -> Result<T, sqlx::Error> {
    row.try_get::<String, _>(column)?.parse().map_err(|_| unreadable(column))
}

fn number(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    Ok(row.try_get::<i64, _>(column)?.unsigned_abs())
}

fn moment(row: &PgRow, column: &str) -> Result<Timestamp, sqlx::Error> {
    Ok(Timestamp::from_datetime(row.try_get::<OffsetDateTime, _>(column)?))
}

fn unreadable(column: &str) -> sqlx::Error {
    let source = "holds what this program never writes".into();
    sqlx::Error::ColumnDecode { index: column.to_owned(), source }
}
