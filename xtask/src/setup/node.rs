//! Node, npm and the packages that two folders ask for.
//!
//! `xtask/npm` holds what the bundle is made with (wasm-opt and the typefaces), `end2end` what the
//! browser tests run on: `make run` never installs the second.

use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Need, apt};
use crate::place;
use crate::problem::{At, Outcome, Problem};
use crate::process::{answer, command, run, say, which};

pub(crate) const NODE: Need = Need {
    what: "Node and npm",
    why: "shrink the browser's half and fetch its typefaces",
    met: || which("npm").is_some() && program().is_some(),
    meet: install,
};

pub(crate) const BUNDLE_PACKAGES: Need = Need {
    what: "the packages of xtask/npm",
    why: "shrink the browser's half and set its type",
    met: || is_installed(&place::bundle_packages()),
    meet: || install_packages(&place::bundle_packages()),
};

pub(crate) const TEST_PACKAGES: Need = Need {
    what: "the packages of end2end",
    why: "drive the browser",
    met: || is_installed(&place::end2end()),
    meet: || install_packages(&place::end2end()),
};

/// Playwright refuses anything older.
const MAJOR_MIN: u32 = 20;
/// Debian 12 still ships Node 18; this package of npm's carries a newer one as a plain file.
const CARRIED_VERSION: &str = "22.23.3";
/// Copied beside the installed packages, so that it vanishes with them.
const INSTALLED_LOCK: &str = "node_modules/.installed-lock.json";

/// A Node that is new enough: the system's, else the one that we installed.
pub(crate) fn program() -> Option<PathBuf> {
    [which("node"), Some(carried())].into_iter().flatten().find(|node| is_new_enough(node))
}

fn is_new_enough(node: &Path) -> bool {
    let version = answer(command(node).arg("--version"));
    version.and_then(|text| major(&text)).is_some_and(|major| major >= MAJOR_MIN)
}

/// `v20.20.2` → 20.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn install() -> Outcome {
    if which("node").is_none() || which("npm").is_none() {
        apt::install(&["nodejs", "npm"])?;
    }
    if program().is_some() {
        return Ok(());
    }
    say(
        "setup",
        format_args!("the system's Node is older than {MAJOR_MIN}: adding one under target/setup"),
    );
    let package = format!("{}@{CARRIED_VERSION}", carrier());
    let mut npm = command("npm");
    npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"])
        .arg(carrier_folder())
        .arg(package);
    fs::create_dir_all(carrier_folder()).at("making target/setup/node")?;
    run(&mut npm)
}

fn carrier() -> String {
    let arch = if ARCH == "aarch64" { "arm64" } else { "x64" };
    format!("node-linux-{arch}")
}

fn carrier_folder() -> PathBuf {
    place::target().join("setup/node")
}

fn carried() -> PathBuf {
    carrier_folder().join("node_modules").join(carrier()).join("bin/node")
}

/// Installed means: from exactly this lock file.
pub(super) fn is_installed(folder: &Path) -> bool {
    let wanted = fs::read(folder.join("package-lock.json"));
    let installed = fs::read(folder.join(INSTALLED_LOCK));
    matches!((wanted, installed), (Ok(wanted), Ok(installed)) if wanted == installed)
}

pub(super) fn install_packages(folder: &Path) -> Outcome {
    // The browser comes from the system's packages: npm packages must not fetch one of their own.
    let mut npm = command("npm");
    npm.current_dir(folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
    run(&mut npm).map_err(|problem| {
        let what = format!("{} in {}", problem, folder.display());
        Problem::new(what).fix("see that npm reaches its registry, then run this again")
    })?;
    let lock = folder.join("package-lock.json");
    fs::copy(&lock, folder.join(INSTALLED_LOCK)).at(format_args!("copying {}", lock.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn a_version_has_a_major_number() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("20.20.2"), None);
    }
}
