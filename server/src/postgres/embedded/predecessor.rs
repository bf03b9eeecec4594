//! What a killed predecessor left: a server still running on our cluster, or only its files.
//!
//! We hold the lock, so no living ternion uses this cluster. A running server is known as ours by
//! its working folder, which Postgres makes its data folder; a process id alone proves nothing,
//! since ids are used again.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::EmbeddedError;
use super::folder::Folder;
use super::place::{Place, SOCKET_NAME};

/// Where Postgres notes its process, in the cluster.
const PID_FILE: &str = "postmaster.pid";
/// A fast shutdown writes a checkpoint; on a slow disk that takes a while.
const FAST_MAX: Duration = Duration::from_secs(30);
/// An immediate shutdown only ends processes.
const IMMEDIATE_MAX: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// Stops a server that runs on this cluster and removes what a dead one left.
pub(super) fn stop(place: &Place) -> Result<(), EmbeddedError> {
    let cluster = place.cluster();
    let file = cluster.join(PID_FILE);
    let Some(pid) = recorded_pid(&file)? else { return Ok(()) };
    if runs_in(pid, &cluster) {
        tracing::warn!(%pid, "a killed predecessor left its Postgres running; stopping it");
        stop_process(pid, &cluster)?;
    }
    // The socket's own lock file names the same process, by an id that may be another's by now.
    let socket_lock = format!("{SOCKET_NAME}.lock");
    let remove_stale = || {
        let socket = Folder::open(&place.socket)?;
        socket.remove(SOCKET_NAME)?;
        socket.remove(&socket_lock)
    };
    place.open_cluster()?.remove(PID_FILE).map_err(|cause| EmbeddedError::io(&file, cause))?;
    remove_stale().map_err(|cause| EmbeddedError::io(&place.socket, cause))
}

/// The first line of `postmaster.pid`. An empty or torn file names nobody.
fn recorded_pid(file: &Path) -> Result<Option<Pid>, EmbeddedError> {
    match fs::read_to_string(file) {
        Ok(text) => {
            let pid = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok());
            // A file without a process id is still in the way.
            Ok(Some(Pid::from_raw(pid.filter(|pid| *pid > 0).unwrap_or(i32::MAX))))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(EmbeddedError::io(file, cause)),
    }
}

/// Whether process `pid` is a server of this cluster. Without `/proc`, Postgres's own check of
/// its lock file stands.
fn runs_in(pid: Pid, cluster: &Path) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    let named =
        fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == "postgres");
    let at_home = fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == cluster);
    named && at_home
}

fn stop_process(pid: Pid, cluster: &Path) -> Result<(), EmbeddedError> {
    for (signal, limit) in [(Signal::SIGINT, FAST_MAX), (Signal::SIGQUIT, IMMEDIATE_MAX)] {
        if !runs_in(pid, cluster) {
            return Ok(());
        }
        // Fails only when it has just ended.
        let _ = kill(pid, signal);
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if !runs_in(pid, cluster) {
                return Ok(());
            }
            thread::sleep(POLL);
        }
    }
    Err(EmbeddedError::Stubborn { cluster: cluster.to_owned(), pid: pid.as_raw() })
}
