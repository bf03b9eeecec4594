//! The witness of the demonstration, in the mode that counts one: a process of its own.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::process::output::Output;
use super::says::{LOG_NAME, say};
use crate::logging::Tail;

/// The wait before it is started again.
const RESTART_WAIT: Duration = Duration::from_secs(1);

/// Runs it until `end`, and again whenever it ends by itself.
pub(super) async fn keep(config: PathBuf, verbose: bool, end: CancellationToken) {
    let output = Output {
        name: "witness",
        log: config.with_file_name(LOG_NAME),
        verbose,
        tail: Tail::default(),
    };
    loop {
        let ended = async {
            match spawn(&config) {
                Ok(mut child) => {
                    // Its end says that we are gone.
                    let _lifeline = child.stdin.take();
                    if let Some(stderr) = child.stderr.take() {
                        tokio::spawn(output.clone().follow(stderr));
                    }
                    let status = child.wait().await;
                    tracing::error!(?status, "the witness ended by itself");
                    say(&format!(
                        "the witness crashed; starts again; log: {}",
                        output.log.display()
                    ));
                }
                Err(error) => {
                    tracing::error!(%error, "the witness cannot be started");
                    say(&format!("the witness cannot be started: {error}"));
                }
            }
            sleep(RESTART_WAIT).await;
        };
        tokio::select! {
            () = end.cancelled() => return, // the child is killed: what it signed is durable
            () = ended => {}
        }
    }
}

fn spawn(config: &PathBuf) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("witness").arg("--config").arg(config).arg("--exit-with-parent");
    command.process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn()
}
