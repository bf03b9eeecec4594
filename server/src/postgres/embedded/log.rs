//! The server's output: a file of bounded size beside the cluster, its last lines in memory, and
//! what is grave in our own log.

use std::path::PathBuf;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

use crate::logging::{BoundedLog, Tail};

/// Copies the server's output until it ends.
pub(super) async fn follow(output: impl AsyncRead + Unpin, path: PathBuf, tail: Tail) {
    let mut lines = BufReader::new(output).split(b'\n');
    let mut file = BoundedLog::open(path);
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).into_owned();
        // FATAL only ends one session, and every refused connection is one.
        if line.contains("PANIC:") {
            tracing::error!(target: "postgres", "{line}");
        }
        file.line(&line);
        tail.push(line);
    }
}
