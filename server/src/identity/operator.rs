//! What the command line does to a database directly, whether or not a node runs on it.
//!
//! Whoever may write to a cloud's database is its operator; nobody else is asked here.

use domain::catalog::{Known, UserPut};
use domain::clock::Timestamp;
use sqlx::PgPool;
use uuid::Uuid;

use super::credential::{self, Credential};
use super::password::{self, PasswordError};
use super::session::PostgresSessions;
use super::token::{self, NewToken};
use super::user;

/// Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("this user cannot be recorded: {0}")]
    User(#[from] domain::catalog::KindError),
    #[error("there is no user \"{0}\"; `ternion user list` shows them all")]
    UnknownUser(String),
    #[error("there is no token with the id \"{0}\"; `ternion token list` shows them all")]
    UnknownToken(String),
}

/// Hands on one database.
#[derive(Clone, Debug)]
pub struct Operator {
    pool: PgPool,
}

impl Operator {
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Operator { pool }
    }

    /// Leaves a new or changed user for the running node, which records it in the ledger under
    /// the id that is given back. It exists once that event is FINAL.
    ///
    /// # Errors
    /// The user breaks a rule, or the database cannot be reached.
    pub async fn put_user(&self, user: &UserPut) -> Result<Uuid, OperatorError> {
        Known::read(&Known::UserPut(user.clone()).to_payload())?;
        Ok(user::leave(&self.pool, user).await?)
    }

    /// Leaves a user's deactivation for the running node, and signs them out of this cloud.
    ///
    /// # Errors
    /// There is no such user, or the database cannot be reached.
    pub async fn deactivate(&self, login: &str) -> Result<Uuid, OperatorError> {
        let user = self.known(login).await?;
        let event_id = self.put_user(&UserPut { active: false, ..user.clone() }).await?;
        PostgresSessions { pool: self.pool.clone() }.delete_all(&user.login).await?;
        Ok(event_id)
    }

    /// Everybody, recorded or waiting (`true`) to be.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn users(&self) -> Result<Vec<(UserPut, bool)>, OperatorError> {
        let recorded = user::all(&self.pool).await?.into_iter().map(|user| (user, false));
        let waiting = user::pending(&self.pool).await?;
        Ok(recorded.chain(waiting.into_iter().map(|waiting| (waiting.user, true))).collect())
    }

    /// Sets a password and ends the user's sessions at this cloud; the other clouds follow over
    /// the peers' channel.
    ///
    /// # Errors
    /// No such user, recorded or waiting; or the password is too short or too long.
    pub async fn set_password(&self, login: &str, password: &str) -> Result<(), OperatorError> {
        let user = self.known(login).await?;
        let verifier = password::hash(password)?;
        credential::set_password(&self.pool, &user.login, verifier).await?;
        PostgresSessions { pool: self.pool.clone() }.delete_all(&user.login).await?;
        Ok(())
    }

    /// Makes a token that acts as `login`. Its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// No such user, recorded or waiting; or the database cannot be reached.
    pub async fn create_token(
        &self,
        login: &str,
        label: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<NewToken, OperatorError> {
        let user = self.known(login).await?;
        let (token, kept) =
            token::generate(&user.login, label, expires_at).map_err(PasswordError::NoRandomness)?;
        credential::change(&self.pool, kept).await?;
        Ok(token)
    }

    /// All tokens, revoked ones too, newest first.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn tokens(&self) -> Result<Vec<Credential>, OperatorError> {
        Ok(credential::tokens(&self.pool).await?)
    }

    /// Takes a token back for ever, here at once, at the other clouds as soon as they hear of it.
    ///
    /// # Errors
    /// There is no token with this id, or the database cannot be reached.
    pub async fn revoke_token(&self, id: &str) -> Result<(), OperatorError> {
        let known = self.tokens().await?.into_iter().find(|token| token.id == id);
        let token = known.ok_or_else(|| OperatorError::UnknownToken(id.to_owned()))?;
        Ok(credential::change(&self.pool, Credential { revoked: true, ..token }).await?)
    }

    async fn known(&self, login: &str) -> Result<UserPut, OperatorError> {
        if let Some(user) = user::find(&self.pool, login).await? {
            return Ok(user);
        }
        let waiting = user::pending(&self.pool).await?.into_iter().map(|waiting| waiting.user);
        let newest = waiting.rev().find(|user| user.login.eq_ignore_ascii_case(login));
        newest.ok_or_else(|| OperatorError::UnknownUser(login.to_owned()))
    }
}
