//! Verifiers of passwords and tokens: outside the log, equal on all clouds.
//!
//! They travel over the peers' channel: a cloud asks another for what changed since a cursor and
//! merges it. Of two states of one credential the greater (revoked, version, digest) wins on every
//! cloud, so the order of arrival does not matter and a revocation is never undone.
//!
//! Known and not solved here: a credential has no quorum. A cloud whose database is in an enemy's
//! hands can hand out a verifier of its own making, and be signed in with at the other clouds.
//! Decisions made that way still stand in the logs under the stolen login.

use domain::catalog::NAME_CHARS_MAX;
use domain::clock::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{FromRow, PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

/// Most credentials in one message between clouds: some 400 kB.
pub const CREDENTIALS_MAX: usize = 1_000;
/// Longest verifier: an Argon2id PHC string has about 100 bytes.
const VERIFIER_BYTES_MAX: usize = 256;
/// Held while positions are given out. An arbitrary number that only this file uses.
const POSITION_LOCK: i64 = 0x7465_726e_6372_6564;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum CredentialKind {
    Password,
    Token,
}

/// What proves a login, as clouds tell each other. It opens nothing by itself, but it lets guess
/// at weak passwords: never log it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    pub kind: CredentialKind,
    /// The login of a password; the public id of a token.
    pub id: String,
    pub login: String,
    /// Argon2id in PHC form, or the SHA-256 of a token in hex. Empty: no password any more.
    pub verifier: String,
    /// What the owner calls a token.
    pub label: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked: bool,
    /// Milliseconds of the changing cloud's clock, or one more than the version it replaces.
    pub version: i64,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Credential")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("login", &self.login)
            .field("revoked", &self.revoked)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// How far a peer has read one cloud's credentials. `default()` for the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cursor {
    /// The database that counted; another one starts again.
    store: Uuid,
    position: i64,
}

/// What changed since a cursor. Fewer than [`CREDENTIALS_MAX`]: that was all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    pub credentials: Vec<Credential>,
    /// Where the next question starts.
    pub cursor: Cursor,
}

#[derive(FromRow)]
struct Row {
    kind: CredentialKind,
    id: String,
    login: String,
    verifier: String,
    label: String,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    revoked: bool,
    version: i64,
    position: i64,
}

impl From<Row> for Credential {
    fn from(row: Row) -> Self {
        Credential {
            kind: row.kind,
            id: row.id,
            login: row.login,
            verifier: row.verifier,
            label: row.label,
            created_at: Timestamp::from_datetime(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_datetime),
            revoked: row.revoked,
            version: row.version,
        }
    }
}

impl Credential {
    /// Orders states that claim the same version, alike on every cloud.
    fn digest(&self) -> [u8; 32] {
        // These fields always serialize: strings, numbers and booleans.
        let text = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(text).into()
    }

    /// A peer may be newer or broken: what it says must fit our tables and screens.
    fn is_sound(&self) -> bool {
        let is_name = |text: &str| {
            text.chars().count() <= NAME_CHARS_MAX && !text.chars().any(char::is_control)
        };
        is_name(&self.id)
            && is_name(&self.login)
            && is_name(&self.label)
            && self.verifier.len() <= VERIFIER_BYTES_MAX
            && self.verifier.is_ascii()
            && (0..i64::MAX).contains(&self.version)
    }
}

/// What changed at this cloud since `cursor`, oldest first, at most [`CREDENTIALS_MAX`].
pub(super) async fn since(pool: &PgPool, cursor: Cursor) -> sqlx::Result<Changes> {
    let store = sqlx::query_scalar("SELECT id FROM identity_store").fetch_one(pool).await?;
    let position = if cursor.store == store { cursor.position } else { 0 };
    let statement =
        "SELECT * FROM identity_credential WHERE position > $1 ORDER BY position LIMIT $2";
    let limit = i64::try_from(CREDENTIALS_MAX).unwrap_or(i64::MAX);
    let rows: Vec<Row> =
        sqlx::query_as(statement).bind(position).bind(limit).fetch_all(pool).await?;
    let position = rows.last().map_or(position, |row| row.position);
    let credentials = rows.into_iter().map(Credential::from).collect();
    Ok(Changes { credentials, cursor: Cursor { store, position } })
}

/// Takes over what is greater than what stands here; says how many.
pub(super) async fn merge(pool: &PgPool, credentials: &[Credential]) -> sqlx::Result<u64> {
    let mut transaction = pool.begin().await?;
    lock_positions(&mut transaction).await?;
    let mut taken = 0;
    for credential in credentials {
        if credential.is_sound() {
            taken += put(&mut transaction, credential).await?;
        } else {
            tracing::warn!(?credential, "a peer's credential was refused: it fits no table here");
        }
    }
    transaction.commit().await?;
    Ok(taken)
}

/// Records a change made here, as the newest.
pub(super) async fn change(pool: &PgPool, mut credential: Credential) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    lock_positions(&mut transaction).await?;
    let statement = "SELECT version FROM identity_credential WHERE kind = $1 AND id = $2";
    let known: Option<i64> = sqlx::query_scalar(statement)
        .bind(credential.kind)
        .bind(&credential.id)
        .fetch_optional(&mut *transaction)
        .await?;
    let now = crate::now().unix_ms();
    credential.version = known.map_or(now, |version| now.max(version.saturating_add(1)));
    put(&mut transaction, &credential).await?;
    transaction.commit().await
}

async fn lock_positions(connection: &mut PgConnection) -> sqlx::Result<()> {
    let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(POSITION_LOCK);
    lock.execute(connection).await?;
    Ok(())
}

async fn put(connection: &mut PgConnection, credential: &Credential) -> sqlx::Result<u64> {
    let statement = "INSERT INTO identity_credential AS known (kind, id, login, verifier, label,
            created_at, expires_at, revoked, version, digest, position)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, nextval('identity_position'))
        ON CONFLICT (kind, id) DO UPDATE SET login = excluded.login, verifier = excluded.verifier,
            label = excluded.label, created_at = excluded.created_at,
            expires_at = excluded.expires_at, revoked = excluded.revoked,
            version = excluded.version, digest = excluded.digest, position = excluded.position
        WHERE (excluded.revoked, excluded.version, excluded.digest)
            > (known.revoked, known.version, known.digest)";
    let insert = sqlx::query(statement)
        .bind(credential.kind)
        .bind(&credential.id)
        .bind(&credential.login)
        .bind(&credential.verifier)
        .bind(&credential.label)
        .bind(credential.created_at.to_datetime())
        .bind(credential.expires_at.map(Timestamp::to_datetime))
        .bind(credential.revoked)
        .bind(credential.version)
        .bind(credential.digest().as_slice());
    Ok(insert.execute(connection).await?.rows_affected())
}

/// Sets somebody's password by its verifier; an empty one takes the password away.
pub(super) async fn set_password(pool: &PgPool, login: &str, verifier: String) -> sqlx::Result<()> {
    let password = Credential {
        kind: CredentialKind::Password,
        id: login.to_owned(),
        login: login.to_owned(),
        verifier,
        label: String::new(),
        created_at: crate::now(),
        expires_at: None,
        revoked: false,
        version: 0,
    };
    change(pool, password).await
}

/// The verifier of somebody's password.
pub(super) async fn password(pool: &PgPool, login: &str) -> sqlx::Result<Option<String>> {
    let statement = "SELECT verifier FROM identity_credential
        WHERE kind = 'password' AND id = $1 AND NOT revoked AND verifier <> ''";
    sqlx::query_scalar(statement).bind(login).fetch_optional(pool).await
}

/// All tokens, newest first.
pub(super) async fn tokens(pool: &PgPool) -> sqlx::Result<Vec<Credential>> {
    let statement = "SELECT * FROM identity_credential WHERE kind = 'token'
        ORDER BY created_at DESC, id";
    let rows: Vec<Row> = sqlx::query_as(statement).fetch_all(pool).await?;
    Ok(rows.into_iter().map(Credential::from).collect())
}

/// The token with this verifier, if it holds now.
pub(super) async fn token(pool: &PgPool, verifier: &str) -> sqlx::Result<Option<Credential>> {
    let statement = "SELECT * FROM identity_credential WHERE kind = 'token' AND verifier = $1
        AND NOT revoked AND (expires_at IS NULL OR expires_at > $2)";
    let query = sqlx::query_as(statement).bind(verifier).bind(crate::now().to_datetime());
    let row: Option<Row> = query.fetch_optional(pool).await?;
    Ok(row.map(Credential::from))
}
