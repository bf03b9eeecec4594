//! What Rust itself must bring: the WASM target, the formatter and the linter.

use std::path::Path;

use super::Need;
use crate::problem::{Outcome, Problem};
use crate::process::{answer, cargo, command, run, succeeds, which};

const WASM: &str = "wasm32-unknown-unknown";

pub(crate) const WASM_TARGET: Need = Need {
    what: "Rust's WASM target",
    why: "build the browser's half",
    met: has_wasm_target,
    meet: || rustup(&["target", "add", WASM]),
};

pub(crate) const LINTERS: Need = Need {
    what: "rustfmt and clippy",
    why: "check the code's form",
    met: || {
        succeeds(cargo().args(["fmt", "--version"]))
            && succeeds(cargo().args(["clippy", "--version"]))
    },
    meet: || rustup(&["component", "add", "rustfmt", "clippy"]),
};

/// Asks the compiler and not rustup: a distribution's Rust brings its targets without one.
fn has_wasm_target() -> bool {
    let sysroot = answer(command("rustc").args(["--print", "sysroot"]));
    sysroot.is_some_and(|folder| {
        Path::new(&folder).join("lib/rustlib").join(WASM).join("lib").is_dir()
    })
}

fn rustup(arguments: &[&str]) -> Outcome {
    if which("rustup").is_none() {
        let fix = format!("add `{}` with whatever installed Rust here", arguments[2..].join(" "));
        return Err(Problem::new("this Rust was not installed by rustup").fix(fix));
    }
    run(command("rustup").args(arguments))
}
