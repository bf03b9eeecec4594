//! `ternion demo`: three clouds on this machine.

use std::path::PathBuf;
use std::process::ExitCode;

use domain::quorum::Mode;
use tokio_util::sync::CancellationToken;

use super::Outcome;
use crate::config::{Log, LogFormat};
use crate::{demo, logging};

/// Run three clouds on 127.0.0.1, each a process of its own with its own Postgres and keys
///
/// Sample tenants, users and live traffic are part of it. Everything is kept in the data folder,
/// so the next start goes on where this one ended; delete the folder to begin anew.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion demo --port-base 4000 --no-traffic")]
pub(super) struct Arguments {
    /// Where keys and databases are kept [default: $XDG_DATA_HOME/ternion/demo; as root
    /// /var/lib/ternion/demo]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// gcp listens here, aws and azure on the next two; the fault lab nine further
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    port_base: u16,
    /// DNS of gcp, aws and azure: this port and the next two
    #[arg(long, value_name = "PORT", default_value_t = 5300)]
    dns_port_base: u16,
    /// What FINAL means: 2of3, unanimous (all three sign) or witness (three of the clouds and a
    /// fourth signer); for the life of the data folder
    #[arg(long, value_name = "MODE", default_value_t = Mode::default())]
    mode: Mode,
    /// Without the sample story: no tenants, tiers and prices
    #[arg(long)]
    empty: bool,
    /// Without development chains, even if their nodes (anvil, litecoind) are installed
    #[arg(long)]
    no_chains: bool,
    /// Without generated events; they can be turned on later in the fault lab
    #[arg(long)]
    no_traffic: bool,
    /// Print everything that the clouds and their supervisor log, which otherwise stands in the file
    /// ternion.log of the data folder and of each cloud's folder in it
    #[arg(long)]
    verbose: bool,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        let filter = std::env::var("TERNION_LOG_FILTER").unwrap_or_else(|_| "info".to_owned());
        let log = if self.verbose {
            logging::start(&Log { format: LogFormat::Human, filter })?;
            None
        } else {
            Some(logging::start_late(&filter)?)
        };
        let stop = CancellationToken::new();
        super::serve::cancel_on_signal(stop.clone())?;
        let options = demo::Options {
            data: self.data.map_or_else(demo::default_folder, Ok)?,
            port_base: self.port_base,
            dns_port_base: self.dns_port_base,
            mode: self.mode,
            story: !self.empty,
            traffic: !self.no_traffic && !self.empty,
            chains: !self.no_chains,
            log,
        };
        demo::run(options, stop).await?;
        Ok(ExitCode::SUCCESS)
    }
}
