//! What a cloud writes to stderr: into its log file, and, if asked for, to ours.

use std::io::{self, Write as _};
use std::path::PathBuf;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStderr;

use crate::logging::{BoundedLog, Tail};

/// Where the lines of one process go.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Output {
    /// Before each line on our stderr.
    pub name: &'static str,
    pub log: PathBuf,
    /// Everything to our stderr, too.
    pub verbose: bool,
    pub tail: Tail,
}

impl Output {
    pub async fn follow(self, stderr: ChildStderr) {
        let mut lines = BufReader::new(stderr).split(b'\n');
        let mut file = BoundedLog::open(self.log);
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&line).into_owned();
            if self.verbose {
                // Whoever read it may be gone; that ends no cloud.
                let _ = writeln!(io::stderr(), "{:<7} | {line}", self.name);
            }
            file.line(&line);
            self.tail.push(line);
        }
    }
}
