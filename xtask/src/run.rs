//! `run`: everything a fresh machine needs to see three clouds at work.

use std::env;
use std::os::unix::process::CommandExt;

use crate::build;
use crate::place;
use crate::problem::{Outcome, Problem};
use crate::process::{command, line, say};
use crate::setup;

pub(crate) fn verb(arguments: &[String]) -> Outcome {
    setup::for_run()?;
    build::release()?;
    let mut demo = command(place::program("release"));
    if let Ok(here) = env::current_dir() {
        demo.current_dir(here);
    }
    // cargo takes the first `--` for itself only when it is not needed to end its own options.
    demo.arg("demo").args(arguments.iter().filter(|argument| *argument != "--"));
    if let Some(anvil) = setup::anvil() {
        demo.env("TERNION_ANVIL", anvil);
    }
    say("run", line(&demo));
    // In our place and not below us, so that a signal to `make run` reaches the demonstration.
    let error = demo.exec();
    Err(Problem::new(format!("starting {}: {error}", line(&demo))))
}
