//! Debian's and Ubuntu's packages, where we may install them.

use std::process::Command;
use std::sync::OnceLock;

use crate::problem::{Outcome, Problem};
use crate::process::{answer, command, run, succeeds, which};

/// Installs packages, or says which ones someone else must install.
pub(crate) fn install(packages: &[&str]) -> Outcome {
    let by_hand = |reason: &str| {
        let names = packages.join(" ");
        let fix = format!(
            "install {names} (Debian's names) with your system's packages, then run this again"
        );
        Problem::new(format!("cannot install {names} here: {reason}")).fix(fix)
    };
    if which("apt-get").is_none() {
        return Err(by_hand("this system has no apt-get"));
    }
    if !may_install() {
        return Err(by_hand("this needs root, or sudo without a password"));
    }
    refresh()?;
    let mut apt = as_root("apt-get");
    apt.args(["install", "--yes", "--no-install-recommends", "-qq"]).args(packages);
    run(&mut apt).map_err(|problem| by_hand(&problem.to_string()))
}

/// A command run as root: by ourselves if we are, else through sudo.
pub(crate) fn as_root(program: &str) -> Command {
    let mut elevated = if is_root() {
        command("env")
    } else {
        let mut sudo = command("sudo");
        sudo.args(["-n", "env"]);
        sudo
    };
    // No questions: a configuration file that is already there stays.
    elevated.args(["DEBIAN_FRONTEND=noninteractive", "UCF_FORCE_CONFFOLD=1", program]);
    elevated
}

fn is_root() -> bool {
    answer(command("id").arg("-u")).as_deref() == Some("0")
}

fn may_install() -> bool {
    is_root() || succeeds(command("sudo").args(["-n", "true"]))
}

/// A fresh image has no package lists at all, and old lists name files that are gone.
fn refresh() -> Outcome {
    static DONE: OnceLock<()> = OnceLock::new();
    if DONE.set(()).is_err() {
        return Ok(());
    }
    run(as_root("apt-get").args(["update", "-qq"]))
}
