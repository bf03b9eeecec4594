//! `ternion rebuild`: everything that is derived from the logs, derived again.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use super::{ConfigArguments, Outcome};
use crate::logging;
use crate::postgres::Database;
use crate::projection;

/// Derive tenants, prices, users, usage and the billing ledger again from the logs. A node beside it answers from what
/// was there before until this is done; restart it then
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion rebuild --config gcp.toml")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        let config = self.config.load()?;
        logging::start(&config.log)?;
        let database = Database::open(&config).await?;
        let bar = ProgressBar::new(0).with_style(style()?);
        let rebuilt = projection::rebuild(&database.pool, |progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        })
        .await;
        bar.finish_and_clear();
        database.close().await;
        println!("{} entries replayed", rebuilt?);
        Ok(ExitCode::SUCCESS)
    }
}

fn style() -> Result<ProgressStyle, indicatif::style::TemplateError> {
    ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} entries, {eta} left")
}
