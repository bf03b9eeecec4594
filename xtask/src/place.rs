//! Where things are: the workspace's folders, each named once.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::problem::{At, Outcome};

/// The workspace. Cargo tells a program it runs where its package is; one started by hand is taken
/// to be at the top already.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    match package.as_deref().and_then(Path::parent) {
        Some(root) => root.to_path_buf(),
        None => PathBuf::from("."),
    }
}

/// Cargo's output folder, ours too: `CARGO_TARGET_DIR` moves both.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(elsewhere) => root().join(elsewhere),
        None => root().join("target"),
    }
}

/// What the server embeds (release) or reads (dev). Not under `CARGO_TARGET_DIR`: the server's
/// source names this folder.
pub(crate) fn site() -> PathBuf {
    root().join("target/site")
}

/// The npm packages that the bundle is made with.
pub(crate) fn bundle_packages() -> PathBuf {
    root().join("xtask/npm")
}

/// What the tests of anchors run.
pub(crate) fn nodes() -> PathBuf {
    root().join("server/tests/nodes")
}

pub(crate) fn end2end() -> PathBuf {
    root().join("end2end")
}

/// The program, as built in `profile` (`debug` or `release`).
pub(crate) fn program(profile: &str) -> PathBuf {
    target().join(profile).join("ternion")
}

/// The server's code does not compile where the folder it embeds is absent.
pub(crate) fn make_site() -> Outcome {
    let pkg = site().join("pkg");
    fs::create_dir_all(&pkg).at(format_args!("making {}", pkg.display()))
}
