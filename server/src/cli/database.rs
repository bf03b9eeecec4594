//! Which database a command works on: a cloud's, by its configuration or by its address.

use std::str::FromStr as _;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::ConfigArguments;
use crate::config::ConfigError;
use crate::identity::Operator;
use crate::postgres::{Database, DatabaseError, running_embedded};

/// A command does one thing after another.
const CONNECTIONS: u32 = 1;

/// A cloud's database, whether or not the cloud runs
#[derive(Debug, clap::Args)]
pub(super) struct DatabaseArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// The address of the database itself, instead of a configuration
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

/// Why a command has no database.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("--database-url is not a Postgres address such as postgres://user@host/name: {0}")]
    Address(sqlx::Error),
    #[error("the database cannot be reached: {0}")]
    Unreachable(sqlx::Error),
    #[error("this database has no tables of identity: run `ternion migrate` on it first")]
    NotMigrated,
}

/// An open database; started for this command if nobody ran it.
#[derive(Debug)]
pub(super) struct Opened {
    pool: PgPool,
    started: Option<Database>,
}

impl DatabaseArguments {
    pub async fn open(&self) -> Result<Opened, OpenError> {
        if let Some(url) = &self.database_url {
            return connect(PgConnectOptions::from_str(url).map_err(OpenError::Address)?).await;
        }
        let config = self.config.load()?;
        // The embedded server of a running cloud: its owner holds the lock, we only connect.
        if let Some(options) = running_embedded(&config).await {
            return connect(options).await;
        }
        let database = Database::open(&config).await?;
        Ok(Opened { pool: database.pool.clone(), started: Some(database) })
    }
}

async fn connect(options: PgConnectOptions) -> Result<Opened, OpenError> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await;
    let pool = pool.map_err(OpenError::Unreachable)?;
    let table = "SELECT to_regclass('identity_credential') IS NOT NULL";
    let is_migrated: bool =
        sqlx::query_scalar(table).fetch_one(&pool).await.map_err(OpenError::Unreachable)?;
    if is_migrated { Ok(Opened { pool, started: None }) } else { Err(OpenError::NotMigrated) }
}

impl Opened {
    pub fn operator(&self) -> Operator {
        Operator::new(self.pool.clone())
    }

    pub async fn close(self) {
        match self.started {
            Some(database) => database.close().await,
            None => self.pool.close().await,
        }
    }
}
