//! What a cloud writes to stderr: all of it into its log file, warnings also to ours.

use std::path::PathBuf;

use domain::cloud::Cloud;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStderr;

use crate::logging::{BoundedLog, Tail};

pub(super) async fn follow(cloud: Cloud, stderr: ChildStderr, path: PathBuf, tail: Tail) {
    let mut lines = BufReader::new(stderr).split(b'\n');
    let mut file = BoundedLog::open(path);
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).into_owned();
        if [" WARN ", " ERROR "].iter().any(|level| line.contains(level)) {
            eprintln!("{cloud:<5} | {line}");
        }
        file.line(&line);
        tail.push(line);
    }
}
