//! The database of one cloud: its two pools of connections and the migrations.
//!
//! Without a `database_url` the program runs a server of its own (`embedded`).

mod embedded;

use std::str::FromStr as _;
use std::time::Duration;

use log::LevelFilter;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};

pub use embedded::{
    Embedded, EmbeddedError, describe_embedded, let_pass, running_embedded, running_in, stop_orphan,
};

use crate::config::Config;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// An idle connection is given back after this, so that a restarted proxy or a moved primary is
/// noticed without traffic.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// No connection lives longer, so that new settings of the server reach everyone.
const LIFETIME_MAX: Duration = Duration::from_secs(3600);
/// A statement that takes this long is told of in the log.
const SLOW: Duration = Duration::from_secs(1);
/// A transaction left open holds back the cleaning of dead rows for everyone.
const IDLE_IN_TRANSACTION_MS: u64 = 10_000;

/// Connections that the ledger's writers have to themselves, so that no number of slow reads makes
/// an append wait: one for each log's driver, one to look up ids before a batch, one for the
/// signatures of others.
pub const WRITERS: u32 = 5;

/// Why the database is not open.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    #[error("database_url is not a Postgres address such as postgres://user@host/name: {0}")]
    Address(sqlx::Error),
    #[error("the database cannot be reached: {0}")]
    Unreachable(sqlx::Error),
    #[error("the database's tables cannot be brought up to date: {0}")]
    Migration(#[from] MigrateError),
}

/// An open database with every migration applied.
#[derive(Debug)]
pub struct Database {
    pub pool: PgPool,
    /// [`WRITERS`] connections for the ledger's own writes, and for nothing else.
    pub writers: PgPool,
    embedded: Option<Embedded>,
}

impl Database {
    /// Connects, starting the embedded server first where the configuration names no other, and
    /// applies what is new in `migrations/`.
    ///
    /// # Errors
    /// The server does not start or cannot be reached, or a migration fails.
    pub async fn open(config: &Config) -> Result<Self, DatabaseError> {
        let Some(url) = &config.database_url else {
            let embedded = Embedded::start(config).await?;
            return match connect(config, embedded.options()).await {
                Ok((pool, writers)) => Ok(Database { pool, writers, embedded: Some(embedded) }),
                Err(error) => {
                    embedded.stop().await;
                    Err(error)
                }
            };
        };
        let options = PgConnectOptions::from_str(url.expose()).map_err(DatabaseError::Address)?;
        let (pool, writers) = connect(config, options).await?;
        Ok(Database { pool, writers, embedded: None })
    }

    /// The process of the embedded server, if there is one and it runs just now.
    #[must_use]
    pub fn embedded_pid(&self) -> Option<u32> {
        self.embedded.as_ref().and_then(Embedded::pid)
    }

    /// Waits for what is in progress, gives every connection back, and stops the embedded server.
    pub async fn close(self) {
        self.writers.close().await;
        self.pool.close().await;
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// Everybody's pool, and the writers'. Together they hold `postgres.connections` at most.
async fn connect(
    config: &Config,
    options: PgConnectOptions,
) -> Result<(PgPool, PgPool), DatabaseError> {
    let options = options.application_name(&format!("ternion/{}", config.cloud));
    // Three clusters share the demonstration's machine, and many a statement takes a second there:
    // nobody who looks at it learns anything from the text of each.
    let slow = if config.demonstration { LevelFilter::Debug } else { LevelFilter::Warn };
    let options = options.log_slow_statements(slow, SLOW);
    migrate(&options).await?;
    let limits = &config.postgres;
    let options = options.options([
        ("statement_timeout", limits.statement_ms),
        ("lock_timeout", limits.statement_ms),
        ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MS),
    ]);
    let pool = |connections: u32| {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_slow_level(slow)
            .acquire_timeout(Duration::from_millis(limits.acquire_ms))
            .idle_timeout(IDLE_MAX)
            .max_lifetime(LIFETIME_MAX)
    };
    let writers = pool(WRITERS).connect_lazy_with(options.clone());
    // The configuration's check leaves more than the writers'.
    let readers = pool(limits.connections.saturating_sub(WRITERS)).connect_with(options).await;
    Ok((readers.map_err(DatabaseError::Unreachable)?, writers))
}

/// On a connection of its own: a new index on a large table takes longer than any request may.
async fn migrate(options: &PgConnectOptions) -> Result<(), DatabaseError> {
    let mut session =
        PgConnection::connect_with(options).await.map_err(DatabaseError::Unreachable)?;
    MIGRATIONS.run(&mut session).await?;
    session.close().await.map_err(DatabaseError::Unreachable)
}
