//! Sessions in Postgres: a store for tower-sessions, local to this cloud.
//!
//! The cookie's value is not stored, only its SHA-256. Updating never brings back a session that
//! was deleted meanwhile: signing out everywhere is final.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::clock::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use time::{Duration, OffsetDateTime};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result, SessionStore};
use tower_sessions::{Expiry, Session, SessionManagerLayer, session};

use super::Settings;

/// A browser left alone is signed out: OWASP advises hours for work of low risk, minutes for
/// high; the riskiest acts ask for the password again anyway.
const INACTIVITY: Duration = Duration::hours(2);
/// Even a busy browser signs in once a working day.
const LIFETIME: Duration = Duration::hours(12);
/// Writing each request's time would be a write a request.
const TOUCH: Duration = Duration::minutes(1);

const LOGIN: &str = "login";
const SEEN_MS: &str = "seenMs";

#[derive(Clone, Debug)]
pub(super) struct PostgresSessions {
    pub(super) pool: PgPool,
}

#[derive(FromRow)]
struct Row {
    data: Json<HashMap<String, serde_json::Value>>,
    expires_at: OffsetDateTime,
}

/// What the database knows instead of the cookie's value.
fn key(id: &Id) -> String {
    hex::encode(Sha256::digest(id.to_string()))
}

fn login_of(record: &Record) -> Option<&str> {
    record.data.get(LOGIN)?.as_str()
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn backend(cause: sqlx::Error) -> Error {
    Error::Backend(cause.to_string())
}

#[async_trait]
impl SessionStore for PostgresSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            let statement = "INSERT INTO identity_session (id, login, data, created_at, expires_at)
                VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
            let now = OffsetDateTime::now_utc();
            let insert = sqlx::query(statement)
                .bind(key(&record.id))
                .bind(login_of(record))
                .bind(Json(&record.data))
                .bind(now)
                .bind(record.expiry_date.min(now + LIFETIME));
            if insert.execute(&self.pool).await.map_err(backend)?.rows_affected() == 1 {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let statement = "UPDATE identity_session SET login = $2, data = $3,
            expires_at = least($4, created_at + make_interval(secs => $5)) WHERE id = $1";
        let update = sqlx::query(statement)
            .bind(key(&record.id))
            .bind(login_of(record))
            .bind(Json(&record.data))
            .bind(record.expiry_date)
            .bind(LIFETIME.as_seconds_f64());
        update.execute(&self.pool).await.map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let statement =
            "SELECT data, expires_at FROM identity_session WHERE id = $1 AND expires_at > $2";
        let select = sqlx::query_as(statement).bind(key(id)).bind(OffsetDateTime::now_utc());
        let row: Option<Row> = select.fetch_optional(&self.pool).await.map_err(backend)?;
        Ok(row.map(|row| Record { id: *id, data: row.data.0, expiry_date: row.expires_at }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let delete = sqlx::query("DELETE FROM identity_session WHERE id = $1").bind(key(id));
        delete.execute(&self.pool).await.map_err(backend)?;
        Ok(())
    }
}

impl PostgresSessions {
    /// The middleware that finds a request's session by its cookie.
    pub(super) fn layer(&self, settings: &Settings) -> SessionManagerLayer<PostgresSessions> {
        SessionManagerLayer::new(self.clone())
            .with_name(settings.cookie_name())
            .with_secure(settings.secure_cookies)
            .with_http_only(true)
            .with_same_site(SameSite::Lax)
            .with_path("/")
            .with_expiry(Expiry::OnInactivity(INACTIVITY))
    }

    /// Signs somebody out of every browser at this cloud; says of how many.
    pub(super) async fn delete_all(&self, login: &str) -> sqlx::Result<u64> {
        let delete = sqlx::query("DELETE FROM identity_session WHERE login = $1").bind(login);
        Ok(delete.execute(&self.pool).await?.rows_affected())
    }

    pub(super) async fn sweep(&self) -> sqlx::Result<u64> {
        let delete = sqlx::query("DELETE FROM identity_session WHERE expires_at <= $1");
        Ok(delete.bind(OffsetDateTime::now_utc()).execute(&self.pool).await?.rows_affected())
    }
}

/// Begins a session under a new id: one that was planted in the browser before is worth nothing.
pub(super) async fn begin(
    session: &Session,
    login: &str,
) -> std::result::Result<(), session::Error> {
    session.clear().await;
    session.cycle_id().await?;
    session.insert(LOGIN, login).await?;
    session.insert(SEEN_MS, crate::now().unix_ms()).await?;
    // Now, not after the handler: a database that is away must lead to an answer that says so.
    session.save().await
}

/// Whose session it is.
pub(super) async fn login(
    session: &Session,
) -> std::result::Result<Option<String>, session::Error> {
    session.get(LOGIN).await
}

/// Puts the end of the session off, with at most one write a minute.
pub(super) async fn touch(
    session: &Session,
    now: Timestamp,
) -> std::result::Result<(), session::Error> {
    let seen_ms: Option<i64> = session.get(SEEN_MS).await?;
    let since_ms = now.unix_ms() - seen_ms.unwrap_or(0);
    if since_ms >= TOUCH.whole_seconds() * 1_000 {
        session.insert(SEEN_MS, now.unix_ms()).await?;
    }
    Ok(())
}
