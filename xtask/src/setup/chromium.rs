//! A real Chromium for the browser tests; never Playwright's own download.

use std::env;
use std::path::PathBuf;

use super::{Need, apt};
use crate::process::{is_program, which};

pub(crate) const BROWSER: Need = Need {
    what: "Chromium",
    why: "test the screens in a real browser",
    met: || find().is_some(),
    meet: || apt::install(&["chromium"]),
};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// `CHROMIUM` if it names a program, else the first of the usual names on PATH.
pub(crate) fn find() -> Option<PathBuf> {
    let chosen = env::var_os("CHROMIUM").map(PathBuf::from).filter(|file| is_program(file));
    chosen.or_else(|| NAMES.iter().find_map(|name| which(name)))
}
