//! Published test vectors, which stand outside the repository: every file that is there.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The folder of that name under `TERNION_FIXTURES` (default: `../shared/fixtures` beside the
/// repository). A fresh clone has none: then this says so, and the test checks nothing.
pub fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TERNION_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    // Written past the test harness, which hides what a passing test prints.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: no test vectors of {name}: {} is missing; set TERNION_FIXTURES",
        folder.display()
    );
    None
}

/// Every file with that ending in the folder and the folders within it, in order of their names.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder that can be read") {
            let path = entry.expect("an entry that can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_json::from_slice(&read(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
