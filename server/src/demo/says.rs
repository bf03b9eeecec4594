//! What the demonstration prints: short lines for the person who started it. Everything else stands
//! in the log files of its folder.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use domain::cloud::Cloud;

/// In the folder of each cloud, of the witness, and of the whole.
pub(super) const LOG_NAME: &str = "ternion.log";

/// To standard output. Whoever read it may be gone; that is no reason to stop three clouds.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A process that ended by itself: how, its last word, and where the rest of its words are.
pub(super) struct Crash<'a> {
    pub cloud: Cloud,
    /// `exit status: 1`
    pub status: &'a str,
    /// Its last lines, the newest last.
    pub lines: &'a str,
    pub log: &'a Path,
    pub again_in: Duration,
}

impl Crash<'_> {
    pub fn line(&self) -> String {
        let Crash { cloud, status, lines, log, again_in } = self;
        let word = last_word(lines).map_or_else(String::new, |word| format!(": {word}"));
        format!(
            "{cloud} crashed ({status}){word}; starts again in {} s; log: {}",
            again_in.as_secs(),
            log.display()
        )
    }
}

/// The last line that tells of an error; if none does, the last.
fn last_word(lines: &str) -> Option<&str> {
    let is_error = |line: &&str| line.contains(" ERROR ") || line.starts_with("ternion: ");
    let error = lines.lines().rfind(is_error);
    error.or_else(|| lines.lines().next_back()).map(str::trim).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crash(lines: &str) -> String {
        Crash {
            cloud: Cloud::Azure,
            status: "exit status: 1",
            lines,
            log: Path::new("/data/azure/ternion.log"),
            again_in: Duration::from_secs(2),
        }
        .line()
    }

    #[test]
    fn a_crash_is_one_line_with_the_last_error_and_the_log() {
        assert_eq!(
            crash("a INFO b\n2026 ERROR the disk is full\nc INFO d"),
            "azure crashed (exit status: 1): 2026 ERROR the disk is full; starts again in 2 s; \
             log: /data/azure/ternion.log"
        );
        assert!(crash("one\ntwo").contains("1): two; starts"), "the last line if none is an error");
        assert!(crash("").contains("(exit status: 1); starts"));
    }
}
