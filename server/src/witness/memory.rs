//! What a witness has signed: one file a log, whole or not at all, durable before it counts.
//!
//! A witness that forgets could sign a second history. So a folder that is locked, in which a note
//! does not bear this witness's own signature, or from which one is missing, is refused and not
//! repaired.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use domain::epoch::SignedEpoch;
use domain::key::{BadNoteKey, NoteKey};
use domain::log::{Checkpoint, Head, LogId};
use domain::note::Note;
use nix::fcntl::{Flock, FlockArg};
use serde::Serialize;
use serde::de::DeserializeOwned;

const HEADS: &str = "heads";
const EPOCHS: &str = "epochs.json";
/// The logs of which something was signed, so that a missing note is noticed.
const LOGS: &str = "logs.json";

/// What is kept cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    #[error("{}: {cause}", path.display())]
    Io { path: PathBuf, cause: io::Error },
    #[error("{} is in use by another witness", .0.display())]
    Locked(PathBuf),
    #[error(
        "{} is not what this witness has signed. Put the folder back from its newest copy. If none \
         is sure to be the newest, make a new key in an empty folder: a witness that has forgotten \
         must not sign under its old one",
        .0.display()
    )]
    Spoiled(PathBuf),
    #[error("\"{name}\" cannot be a witness's name: {cause}")]
    Name { name: String, cause: BadNoteKey },
}

impl MemoryError {
    pub(super) fn of_name(name: &str, cause: &BadNoteKey) -> Self {
        MemoryError::Name { name: name.to_owned(), cause: cause.clone() }
    }
}

#[derive(Clone, Debug)]
struct Kept {
    head: Head,
    line: String,
    note: String,
}

/// The folder, and what it holds.
#[derive(Debug)]
pub(super) struct Memory {
    folder: PathBuf,
    kept: BTreeMap<LogId, Kept>,
    epochs: Vec<SignedEpoch>,
    _lock: Flock<File>,
}

impl Memory {
    /// The memory of a key that has signed nothing yet.
    pub(super) fn begin(folder: &Path) -> Result<(), MemoryError> {
        let heads = folder.join(HEADS);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&heads);
        made.map_err(|cause| io_error(&heads, cause))?;
        write_json(&folder.join(LOGS), &Vec::<LogId>::new())
    }

    /// Reads what `folder` holds, and keeps other witnesses out of it.
    pub(super) fn open(folder: &Path, vkey: &NoteKey) -> Result<Self, MemoryError> {
        let (heads, index) = (folder.join(HEADS), folder.join(LOGS));
        let lock = lock(folder)?;
        let logs = read_json::<Vec<LogId>>(&index)?;
        let logs = logs.ok_or_else(|| MemoryError::Spoiled(folder.to_owned()))?;
        let mut kept = BTreeMap::new();
        for file in fs::read_dir(&heads).map_err(|cause| io_error(&heads, cause))? {
            let path = file.map_err(|cause| io_error(&heads, cause))?.path();
            if path.extension().is_some_and(|extension| extension == "note") {
                let (log, one) = read_note(&path, vkey)?;
                kept.insert(log, one);
            }
        }
        if let Some(missing) = logs.into_iter().find(|log| !kept.contains_key(log)) {
            return Err(MemoryError::Spoiled(heads.join(file_name(missing))));
        }
        let epochs = read_json(&folder.join(EPOCHS))?.unwrap_or_default();
        Ok(Memory { folder: folder.to_owned(), kept, epochs, _lock: lock })
    }

    /// The last head that was signed; the empty one if none.
    pub(super) fn head(&self, log: LogId) -> Head {
        self.kept.get(&log).map_or_else(Head::empty, |kept| kept.head)
    }

    pub(super) fn line(&self, log: LogId) -> Option<String> {
        self.kept.get(&log).map(|kept| kept.line.clone())
    }

    pub(super) fn note(&self, log: LogId) -> Option<String> {
        self.kept.get(&log).map(|kept| kept.note.clone())
    }

    pub(super) fn heads(&self) -> Vec<(LogId, Head)> {
        self.kept.iter().map(|(log, kept)| (*log, kept.head)).collect()
    }

    pub(super) fn epochs(&self) -> &[SignedEpoch] {
        &self.epochs
    }

    /// Writes down what is about to be signed.
    pub(super) fn keep(
        &mut self,
        log: LogId,
        head: Head,
        line: &str,
        note: &str,
    ) -> Result<(), MemoryError> {
        write_whole(&self.folder.join(HEADS).join(file_name(log)), note.as_bytes())?;
        let kept = Kept { head, line: line.to_owned(), note: note.to_owned() };
        if self.kept.insert(log, kept).is_none() {
            write_json(&self.folder.join(LOGS), &self.kept.keys().collect::<Vec<_>>())?;
        }
        Ok(())
    }

    pub(super) fn keep_epochs(&mut self, records: Vec<SignedEpoch>) -> Result<(), MemoryError> {
        write_json(&self.folder.join(EPOCHS), &records)?;
        self.epochs = records;
        Ok(())
    }
}

fn file_name(log: LogId) -> String {
    format!("{}-{}.note", log.origin, log.epoch)
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), MemoryError> {
    let text = serde_json::to_vec_pretty(value).map_err(|cause| io_error(path, cause.into()))?;
    write_whole(path, &text)
}

/// A new file takes the old one's name, and both are on the disk before this returns.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), MemoryError> {
    let write = || {
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|cause| io_error(path, cause))
}

fn read_note(path: &Path, vkey: &NoteKey) -> Result<(LogId, Kept), MemoryError> {
    let text = fs::read_to_string(path).map_err(|cause| io_error(path, cause))?;
    let read = || {
        let note = Note::parse(&text).ok()?;
        let line = note.line_of(vkey).filter(|_| note.check(vkey).is_valid())?.to_string();
        let checkpoint = Checkpoint::parse(&note.text).ok()?;
        let (_, log) = LogId::of_name(&checkpoint.origin)?;
        let kept = Kept { head: checkpoint.head, line, note: text.clone() };
        (path.file_name()? == file_name(log).as_str()).then_some((log, kept))
    };
    read().ok_or_else(|| MemoryError::Spoiled(path.to_owned()))
}

/// `None`: there is no such file.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, MemoryError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| MemoryError::Spoiled(path.to_owned())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(io_error(path, cause)),
    }
}

fn lock(folder: &Path) -> Result<Flock<File>, MemoryError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let file = file.map_err(|cause| io_error(&path, cause))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        nix::errno::Errno::EWOULDBLOCK => MemoryError::Locked(folder.to_owned()),
        errno => io_error(&path, errno.into()),
    })
}

fn io_error(path: &Path, cause: io::Error) -> MemoryError {
    MemoryError::Io { path: path.to_owned(), cause }
}
