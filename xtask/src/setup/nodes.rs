//! The programs of others that tests run for themselves: a chain of Ethereum's kind, one of Bitcoin's,
//! the reference program that checks OpenTimestamps proofs, and a server of AWS's interfaces.
//!
//! `server/tests/nodes` names versions and checksums. The tests start what they need on free ports
//! and end it; nothing is made a service.

use std::fs;
use std::path::PathBuf;

use super::node::{install_packages, is_installed};
use super::{Need, apt};
use crate::place;
use crate::problem::{At, Outcome, Problem};
use crate::process::{command, is_program, run, succeeds, which};

pub(crate) const ETHEREUM: Need = Need {
    what: "anvil, a development node of Ethereum (npm)",
    why: "anchor on a chain that reorganises on demand",
    met: || is_installed(&place::nodes()),
    meet: || install_packages(&place::nodes()),
};

/// The program itself, where the package is installed: it comes as one for each kind of machine.
pub(crate) fn anvil() -> Option<PathBuf> {
    let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let package = format!("node_modules/@foundry-rs/anvil-{os}-{machine}/bin/anvil");
    Some(place::nodes().join(package)).filter(|path| path.is_file())
}

/// Debian has no Bitcoin Core. Litecoin's node is its 0.21 with another proof of work: the same RPC,
/// wallet, transactions and headers.
pub(crate) const BITCOIN: Need = Need {
    what: "litecoind, a node of Bitcoin Core's kind",
    why: "anchor on a chain of one's own by Bitcoin Core's RPC",
    met: || which("litecoind").is_some(),
    meet: || apt::install(&["litecoind"]),
};

pub(crate) const PYTHON: Need = Need {
    what: "opentimestamps-client and moto (PyPI)",
    why: "have proofs checked by the reference program, and records kept by a server of Route 53's API",
    met: || is_program(&ots()) && is_program(&moto()) && same_as_installed(),
    meet: install_packages_of_python,
};

pub(crate) const OPENSSL: Need = Need {
    what: "openssl",
    why: "run a time-stamping authority",
    met: || which("openssl").is_some(),
    meet: || apt::install(&["openssl"]),
};

/// A folder that vanishes with `target`.
fn folder() -> PathBuf {
    place::target().join("setup/python")
}

/// The reference program of OpenTimestamps.
pub(crate) fn ots() -> PathBuf {
    folder().join("bin/ots")
}

/// A server of AWS's interfaces.
pub(crate) fn moto() -> PathBuf {
    folder().join("bin/moto_server")
}

fn wanted() -> PathBuf {
    place::nodes().join("requirements.txt")
}

fn installed() -> PathBuf {
    folder().join("installed.txt")
}

/// Installed means: from exactly this list.
fn same_as_installed() -> bool {
    matches!((fs::read(wanted()), fs::read(installed())), (Ok(one), Ok(other)) if one == other)
}

/// Debian's Python has no `venv` unless asked for.
fn python() -> Outcome<PathBuf> {
    let has_venv = |python: &PathBuf| succeeds(command(python).args(["-c", "import ensurepip"]));
    if let Some(python) = which("python3").filter(has_venv) {
        return Ok(python);
    }
    apt::install(&["python3", "python3-venv"])?;
    let system = Some(PathBuf::from("/usr/bin/python3"));
    [system, which("python3")].into_iter().flatten().find(has_venv).ok_or_else(|| {
        Problem::new("no Python here can make a virtual environment").fix("install python3-venv")
    })
}

fn install_packages_of_python() -> Outcome {
    run(command(python()?).args(["-m", "venv", "--clear"]).arg(folder()))?;
    let mut pip = command(folder().join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
    run(pip.arg("--requirement").arg(wanted()))
        .map_err(|problem| problem.fix("see that pip reaches its registry, then run this again"))?;
    fs::copy(wanted(), installed()).at("noting what was installed")?;
    Ok(())
}
