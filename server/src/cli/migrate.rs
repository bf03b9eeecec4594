//! `ternion migrate`: the database's tables brought up to date, and nothing else.

use std::process::ExitCode;

use super::{ConfigArguments, Outcome};
use crate::logging;
use crate::postgres::Database;

/// Bring the database's tables up to date; `serve` does the same at its start
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion migrate --config gcp.toml")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        let config = self.config.load()?;
        logging::start(&config.log)?;
        let database = Database::open(&config).await?;
        let version: Option<i64> =
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
                .fetch_one(&database.pool)
                .await?;
        database.close().await;
        println!("the tables are at version {}", version.unwrap_or(0));
        Ok(ExitCode::SUCCESS)
    }
}
