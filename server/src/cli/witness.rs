//! `ternion witness`: the fourth cosigner of a deployment in witness mode.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::{Outcome, serve};
use crate::keys::text;
use crate::logging;
use crate::witness::{self, WitnessConfig};

/// Run the fourth cosigner of a deployment in the mode "witness" until SIGTERM or Ctrl-C
///
/// It holds no data and no database: it is sent checkpoints, and signs those that extend the last
/// one it signed. Run it where none of the three clouds is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion witness --config witness.toml\n         \
                        ternion witness --config witness.toml --key-only")]
pub(super) struct Arguments {
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "TERNION_WITNESS_CONFIG")]
    config: PathBuf,
    /// Print the table that the three clouds' configurations need, and end
    #[arg(long)]
    key_only: bool,
    /// Stop when standard input ends: the parent process holds the other side
    #[arg(long)]
    exit_with_parent: bool,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        let config = WitnessConfig::load(&self.config)?;
        if self.key_only {
            let key = text::of(witness::public_key(&config)?);
            println!("[witness]\nurl = \"http://{}\"\nkey = \"{key}\"", config.listen);
            return Ok(ExitCode::SUCCESS);
        }
        logging::start(&config.log)?;
        let stop = CancellationToken::new();
        serve::cancel_on_signal(stop.clone())?;
        if self.exit_with_parent {
            serve::cancel_with_parent(stop.clone());
        }
        witness::run(&config, stop).await?;
        Ok(ExitCode::SUCCESS)
    }
}
