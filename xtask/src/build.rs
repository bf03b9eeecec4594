//! The release build: the browser's half first, since the program embeds it.

use crate::bundle::{self, Mode};
use crate::place;
use crate::problem::Outcome;
use crate::process::{cargo, run, say};
use crate::setup;

pub(crate) fn verb() -> Outcome {
    setup::for_bundle()?;
    release()
}

pub(crate) fn release() -> Outcome {
    let weight = bundle::make(Mode::Release)?;
    say("build", "compiling the program (release)");
    run(cargo().args(["build", "--release", "--package", "server"]))?;
    say("build", format_args!("{}", place::program("release").display()));
    // Once more, below what cargo printed.
    if weight.is_over_budget() {
        say("build", format_args!("the browser's half: {weight}"));
    }
    Ok(())
}
