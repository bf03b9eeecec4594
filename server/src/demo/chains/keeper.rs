//! A node that is a program of others: started, started again, and never left behind.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The wait before it is started again.
const RESTART_WAIT: Duration = Duration::from_secs(2);
/// It writes its chain down meanwhile.
const STOP_MAX: Duration = Duration::from_secs(20);

/// What to run.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub path: PathBuf,
    pub arguments: Vec<OsString>,
    /// Where it says what it says, anew with each start.
    pub log: PathBuf,
}

/// Runs it until `end`, and again whenever it ends by itself.
pub(super) async fn keep(program: Program, end: CancellationToken) {
    loop {
        match spawn(&program) {
            Ok(mut child) => {
                let lifeline = child.stdin.take();
                tokio::select! {
                    status = child.wait() => {
                        let log = program.log.display();
                        tracing::error!(?status, %log, "a development chain ended by itself");
                    }
                    () = end.cancelled() => {
                        drop(lifeline);
                        if timeout(STOP_MAX, child.wait()).await.is_err() {
                            tracing::warn!("a development chain did not stop in {STOP_MAX:?}");
                        }
                        return;
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "a development chain cannot be started");
            }
        }
        tokio::select! {
            () = end.cancelled() => return,
            () = sleep(RESTART_WAIT) => {}
        }
    }
}

/// On a leash: it stops when we are gone, however that came.
fn spawn(program: &Program) -> io::Result<Child> {
    let out = File::create(&program.log)?;
    let error = out.try_clone()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("leash").arg(&program.path).arg("--").args(&program.arguments);
    command.process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(out).stderr(error).spawn()
}
