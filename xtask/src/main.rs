//! The build tool: `cargo xtask VERB`. The Makefile's targets are one line each and end here.
//!
//! One file a subject: [`setup`] installs what is missing, [`bundle`] makes the browser's half,
//! [`build`] the program, and [`run`], [`test`], [`check`] and [`bench`] use it.

mod bench;
mod build;
mod bundle;
mod check;
mod place;
mod problem;
mod process;
mod run;
mod setup;
mod tally;
mod test;

use std::env;
use std::process::ExitCode;

use problem::{Outcome, Problem};

const USAGE: &str = "\
cargo xtask VERB

  setup                      install what is missing here to run and test
  bundle [--release|--dev]   the browser's half, into target/site (release unless told)
  build                      bundle, then target/release/ternion
  run [-- ARGS]              set up, build, then `ternion demo ARGS`
  test [RING…]               every test; rings: domain, server, browser (--nextest: run by nextest)
  check                      formatting, clippy, tidy, cargo deny
  bench [NAME…]              benchmarks, one JSON object a line, into target/bench";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            if !problem.is_told() {
                eprintln!("\nxtask: {problem}");
            }
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Outcome {
    let Some((verb, rest)) = arguments.split_first() else {
        println!("{USAGE}");
        return Ok(());
    };
    match verb.as_str() {
        "setup" => setup::everything(),
        "bundle" => bundle::verb(rest),
        "build" => build::verb(),
        "run" => run::verb(rest),
        "test" => test::verb(rest),
        "check" => check::verb(),
        "bench" => bench::verb(rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(Problem::new(format!("no verb `{other}`")).fix(USAGE)),
    }
}
