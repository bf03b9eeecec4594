//! `ternion leash`: a program of others that must not outlive whoever started it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Outcome;
use super::serve::{cancel_on_signal, cancel_with_parent};

/// What it is given to write down what it holds.
const STOP_MAX: Duration = Duration::from_secs(15);

/// Run a program until standard input ends, then interrupt it. The demonstration keeps the nodes of
/// its development chains so
#[derive(Debug, clap::Args)]
#[command(hide = true, after_help = "Example: ternion leash /usr/bin/litecoind -- -regtest")]
pub(super) struct Arguments {
    program: PathBuf,
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        let stop = CancellationToken::new();
        cancel_on_signal(stop.clone())?;
        cancel_with_parent(stop.clone());
        let mut command = Command::new(&self.program);
        // A group of its own: a terminal's Ctrl-C reaches it through us alone.
        command.args(&self.arguments).stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        let mut child = command.spawn()?;
        tokio::select! {
            status = child.wait() => return Ok(code(status?)),
            () = stop.cancelled() => {}
        }
        // It is not reaped while we hold it, so the id is still its own.
        if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
            kill(Pid::from_raw(pid), Signal::SIGINT)?;
        }
        match timeout(STOP_MAX, child.wait()).await {
            Ok(status) => Ok(code(status?)),
            Err(_) => {
                child.kill().await?;
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

fn code(status: std::process::ExitStatus) -> ExitCode {
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
