//! A log file of bounded size, for the output of a program that we run.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// Beyond this the file becomes `….1`, and the one before goes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Lines are appended; a file that cannot be written loses them and stops nobody.
#[derive(Debug)]
pub struct BoundedLog {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

impl BoundedLog {
    #[must_use]
    pub fn open(path: PathBuf) -> Self {
        let file = open(&path).ok();
        let bytes =
            file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |data| data.len());
        BoundedLog { path, file, bytes }
    }

    pub fn line(&mut self, line: &str) {
        if self.bytes > FILE_BYTES_MAX {
            let mut older = self.path.clone().into_os_string();
            older.push(".1");
            let _ = fs::rename(&self.path, older);
            *self = BoundedLog::open(self.path.clone());
        }
        if let Some(file) = &mut self.file
            && writeln!(file, "{line}").is_ok()
        {
            self.bytes += line.len() as u64 + 1;
        }
    }
}

/// Root may write into a folder of another account's, who may have put a link there, or a second
/// name of a file of root's.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(flags.bits());
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    let is_its_own = metadata.is_file() && metadata.nlink() == 1;
    if is_its_own { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_link_is_written_through() {
        let folder = std::env::temp_dir().join(format!("ternion-log-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).expect("folder");
        let (victim, link, twin) =
            (folder.join("victim"), folder.join("link"), folder.join("twin"));
        fs::write(&victim, "precious").expect("a file");
        std::os::unix::fs::symlink(&victim, &link).expect("a link");
        fs::hard_link(&victim, &twin).expect("a second name");
        for path in [link, twin] {
            BoundedLog::open(path).line("a line");
        }
        assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn a_talkative_program_fills_two_files_and_no_more() {
        let folder = std::env::temp_dir().join(format!("ternion-log-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).expect("folder");
        let mut log = BoundedLog::open(folder.join("x.log"));
        let line = "x".repeat(64 * 1024);
        for _ in 0..200 {
            log.line(&line);
        }
        let sizes = fs::read_dir(&folder)
            .expect("folder")
            .map(|entry| entry.and_then(|entry| entry.metadata()).expect("file").len());
        let sizes: Vec<u64> = sizes.collect();
        assert_eq!(sizes.len(), 2);
        assert!(sizes.iter().all(|size| *size <= FILE_BYTES_MAX + 64 * 1024 + 1));
        fs::remove_dir_all(&folder).expect("removed");
    }
}
