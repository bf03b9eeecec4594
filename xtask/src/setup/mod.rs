//! What a machine must have, and getting it where it may be got.
//!
//! A need is met or it is not, and that is looked up each time: nothing remembers that something
//! was once installed, so a second run is quick and a removed package is noticed. Downloads go
//! through rustup's `target add` and `component add`, npm, pip and apt only.

mod apt;
mod chromium;
mod node;
mod nodes;
mod postgres;
mod rust;

use crate::problem::{Outcome, Problem};
use crate::process::say;

pub(crate) use chromium::find as chromium;
pub(crate) use node::program as node;
pub(crate) use nodes::{anvil, moto, ots};

/// Something a machine has or lacks.
pub(crate) struct Need {
    what: &'static str,
    /// Completes "needed to …".
    why: &'static str,
    met: fn() -> bool,
    meet: fn() -> Outcome,
}

/// To make the browser's half for tests: no optimiser, but the typefaces.
const BUNDLE: [&Need; 3] = [&rust::WASM_TARGET, &node::NODE, &node::BUNDLE_PACKAGES];
const RUN: [&Need; 1] = [&postgres::SERVER];
const TEST: [&Need; 2] = [&chromium::BROWSER, &node::TEST_PACKAGES];
/// For the server's ring: chains and an authority to anchor on.
const ANCHOR: [&Need; 5] =
    [&node::NODE, &nodes::ETHEREUM, &nodes::BITCOIN, &nodes::PYTHON, &nodes::OPENSSL];
const CHECK: [&Need; 2] = [&rust::LINTERS, &rust::WASM_TARGET];

/// `cargo xtask setup`: all of it.
pub(crate) fn everything() -> Outcome {
    for_check()?;
    for_test()?;
    say("setup", "nothing is missing");
    Ok(())
}

pub(crate) fn for_bundle() -> Outcome {
    ensure(&BUNDLE)
}

pub(crate) fn for_run() -> Outcome {
    for_bundle()?;
    ensure(&RUN)
}

/// The Rust rings.
pub(crate) fn for_rust_test() -> Outcome {
    for_run()?;
    for need in ANCHOR.iter().filter(|need| !(need.met)()) {
        // The tests that want it say so, and check nothing.
        if let Err(problem) = get(need) {
            say("setup", format_args!("tests go on without {}: {problem}", need.what));
        }
    }
    Ok(())
}

pub(crate) fn for_test() -> Outcome {
    for_rust_test()?;
    ensure(&TEST)
}

pub(crate) fn for_check() -> Outcome {
    ensure(&CHECK)
}

fn ensure(needs: &[&Need]) -> Outcome {
    needs.iter().filter(|need| !(need.met)()).try_for_each(|need| get(need))
}

fn get(need: &Need) -> Outcome {
    say("setup", format_args!("getting {}, needed to {}", need.what, need.why));
    (need.meet)()?;
    if (need.met)() {
        return Ok(());
    }
    let what = format!("{} was installed, yet it is not found (needed to {})", need.what, need.why);
    Err(Problem::new(what).fix("see that its folder is on PATH, then run this again"))
}
