//! `check`: what a reviewer should never have to say.

use std::process::Command;

use crate::place;
use crate::problem::{At, Outcome, Problem};
use crate::process::{cargo, command, run, say, succeeds};
use crate::setup;

const STRICT: [&str; 3] = ["--", "--deny", "warnings"];

type Step = fn() -> Outcome;

pub(crate) fn verb() -> Outcome {
    setup::for_check()?;
    place::make_site()?;
    let steps: [(&str, Step); 5] = [
        ("formatting", || run(cargo().args(["fmt", "--all", "--check"]))),
        ("tidy", tidy),
        ("clippy", clippy),
        ("clippy for the browser", clippy_for_the_browser),
        ("dependencies", dependencies),
    ];
    // All of them, so that one run shows everything there is to mend.
    let mut failed = Vec::new();
    for (name, step) in steps {
        say("check", name);
        if let Err(problem) = step() {
            eprintln!("{problem}");
            failed.push(name);
        }
    }
    if failed.is_empty() {
        say("check", "all in order");
        return Ok(());
    }
    Err(Problem::new(format!("not in order: {}", failed.join(", ")))
        .fix("the findings are above; `cargo fmt` mends formatting"))
}

/// The product and the build tool apart, as they are tested, so that features are the same ones.
fn clippy() -> Outcome {
    let product = ["clippy", "--workspace", "--exclude", "xtask", "--all-targets"];
    run(cargo().args(product).args(STRICT))?;
    run(cargo().args(["clippy", "--package", "xtask", "--all-targets"]).args(STRICT))
}

/// In the profile of the tests' bundle, whose macros (compiled for the host) it can then share.
fn clippy_for_the_browser() -> Outcome {
    let mut clippy = cargo();
    clippy.args(["clippy", "--package", "app", "--features", "hydrate"]);
    clippy.args(["--target", "wasm32-unknown-unknown", "--profile", "wasm-dev"]);
    run(clippy.args(STRICT))
}

/// Needs nothing but the standard library, so the compiler alone makes it in a second, where cargo
/// would first build all that the server stands on.
fn tidy() -> Outcome {
    let folder = place::target().join("check");
    std::fs::create_dir_all(&folder).at(format_args!("making {}", folder.display()))?;
    let program = folder.join("tidy");
    let mut rustc = command("rustc");
    rustc.args(["--test", "--edition", "2024", "server/tests/tidy.rs", "-o"]).arg(&program);
    run(rustc.env("CARGO_MANIFEST_DIR", place::root().join("server")))?;
    let mut tidy = Command::new(program);
    run(tidy.arg("--quiet").current_dir(place::root()))
}

fn dependencies() -> Outcome {
    if !succeeds(cargo().args(["deny", "--version"])) {
        say("check", "skipped, since cargo-deny is not installed (`cargo install cargo-deny`)");
        return Ok(());
    }
    run(cargo().args(["deny", "check"]))
}
