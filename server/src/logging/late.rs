//! A log whose place is known only after logging has begun: on stderr until then, in a bounded file
//! from then on.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use super::BoundedLog;

/// Cheap to share.
#[derive(Clone, Debug, Default)]
pub struct LateLog(Arc<OnceLock<Mutex<BoundedLog>>>);

impl LateLog {
    /// From now on everything goes into that file. Once: a second place is not taken.
    pub fn open(&self, path: PathBuf) {
        let _ = self.0.set(Mutex::new(BoundedLog::open(path)));
    }
}

/// What one event is written to, in one piece.
#[derive(Debug)]
pub struct LateWriter(LateLog);

impl<'a> MakeWriter<'a> for LateLog {
    type Writer = LateWriter;

    fn make_writer(&'a self) -> LateWriter {
        LateWriter(self.clone())
    }
}

impl Write for LateWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = self.0.0.get() else { return io::stderr().write(bytes) };
        let text = String::from_utf8_lossy(bytes);
        file.lock().unwrap_or_else(PoisonError::into_inner).line(text.trim_end_matches('\n'));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_logged_after_the_place_is_known_stands_there_line_by_line() {
        let folder = std::env::temp_dir().join(format!("ternion-late-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).expect("folder");
        let (log, path) = (LateLog::default(), folder.join("ternion.log"));
        log.open(path.clone());
        for line in ["one\n", "two\n"] {
            log.make_writer().write_all(line.as_bytes()).expect("written");
        }
        assert_eq!(fs::read_to_string(&path).expect("a file"), "one\ntwo\n");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
