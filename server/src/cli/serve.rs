//! `ternion serve`: one cloud.

use std::io::Read as _;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{ConfigArguments, Outcome};
use crate::config::Layers;
use crate::{logging, node};

/// Run one cloud until SIGTERM or Ctrl-C, then finish what is in progress
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion serve --config gcp.toml")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Stop when standard input ends: the parent process holds the other side
    #[arg(long)]
    exit_with_parent: bool,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        let layers = Layers::of_process(self.config.config.as_deref(), &self.config.settings)?;
        let (config, _) = layers.build()?;
        logging::start(&config.log)?;
        for suspicion in layers.suspicious_variables() {
            tracing::warn!("{suspicion}");
        }
        let stop = CancellationToken::new();
        cancel_on_signal(stop.clone())?;
        if self.exit_with_parent {
            cancel_with_parent(stop.clone());
        }
        node::run(config, stop).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// On SIGTERM (a supervisor) or SIGINT (Ctrl-C).
pub(super) fn cancel_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "stopping");
        stop.cancel();
    });
    Ok(())
}

/// A parent that was killed cannot stop its children; its end of a pipe closes all the same.
pub(super) fn cancel_with_parent(stop: CancellationToken) {
    // A thread of its own: reading standard input cannot be cancelled.
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        while matches!(input.read(&mut [0; 64]), Ok(1..)) {}
        // First, since the parent read our lines, too.
        stop.cancel();
        tracing::warn!("the parent process is gone; stopping");
    });
}
