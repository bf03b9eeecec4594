//! Users as the FINAL events say, and those that wait to be recorded.

use domain::catalog::{Known, UserPut};
use serde_json::Value;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

/// Somebody by login, active or not. E-mail addresses are looked up without regard to case; an
/// exact match goes first.
pub(super) async fn find(pool: &PgPool, login: &str) -> sqlx::Result<Option<UserPut>> {
    let statement = "SELECT body FROM projection_current
        WHERE entity = 'user' AND lower(key) = lower($1) ORDER BY (key = $1) DESC, key LIMIT 1";
    let body: Option<Json<Value>> =
        sqlx::query_scalar(statement).bind(login).fetch_optional(pool).await?;
    Ok(body.and_then(|Json(body)| read(&body)))
}

/// Everybody, by login.
pub(super) async fn all(pool: &PgPool) -> sqlx::Result<Vec<UserPut>> {
    let statement = "SELECT body FROM projection_current WHERE entity = 'user' ORDER BY key";
    let bodies: Vec<Json<Value>> = sqlx::query_scalar(statement).fetch_all(pool).await?;
    Ok(bodies.into_iter().filter_map(|Json(body)| read(&body)).collect())
}

/// The whole payload of a decision: its `kind` and who decided it stand beside the user.
fn read(body: &Value) -> Option<UserPut> {
    match Known::read(body) {
        Ok(Some(Known::UserPut(user))) => Some(user),
        Ok(_) => None,
        Err(cause) => {
            tracing::error!(%cause, "a projected user cannot be read");
            None
        }
    }
}

/// A user that waits to be recorded in the ledger, under the id its event will have.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pending {
    pub(super) event_id: Uuid,
    pub(super) user: UserPut,
}

/// Leaves a user for the running node to record.
pub(super) async fn leave(pool: &PgPool, user: &UserPut) -> sqlx::Result<Uuid> {
    let event_id = Uuid::now_v7();
    let statement =
        "INSERT INTO identity_pending_user (event_id, body, created_at) VALUES ($1, $2, $3)";
    let insert =
        sqlx::query(statement).bind(event_id).bind(Json(user)).bind(crate::now().to_datetime());
    insert.execute(pool).await?;
    Ok(event_id)
}

/// Users that wait, oldest first.
pub(super) async fn pending(pool: &PgPool) -> sqlx::Result<Vec<Pending>> {
    let statement = "SELECT event_id, body FROM identity_pending_user ORDER BY created_at";
    let rows: Vec<(Uuid, Json<UserPut>)> = sqlx::query_as(statement).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(event_id, Json(user))| Pending { event_id, user }).collect())
}

/// Forgets those whose event has arrived in the projection.
pub(super) async fn settle_projected(pool: &PgPool) -> sqlx::Result<()> {
    let statement = "DELETE FROM identity_pending_user waiting WHERE EXISTS
        (SELECT FROM projection_version known
            WHERE known.entity = 'user' AND known.event_id = waiting.event_id)";
    sqlx::query(statement).execute(pool).await?;
    Ok(())
}

/// Forgets one that the ledger will never take.
pub(super) async fn give_up(pool: &PgPool, event_id: Uuid) -> sqlx::Result<()> {
    let delete = sqlx::query("DELETE FROM identity_pending_user WHERE event_id = $1");
    delete.bind(event_id).execute(pool).await?;
    Ok(())
}
