//! `test`: every ring against one build, then one line that says how it went.
//!
//! The product's Rust tests are compiled and run in one go (one profile, one set of features, so that
//! nothing is compiled twice), which also makes the very program that the browser tests drive. The
//! build tool's own tests go apart: together, the two would change each other's features.

use std::process::Command;
use std::time::Instant;

use crate::bundle::{self, Mode};
use crate::place;
use crate::problem::{Outcome, Problem};
use crate::process::{cargo, command, line, run, say, watch};
use crate::setup;
use crate::tally::{self, Tally};

const PRODUCT: [&str; 3] = ["--workspace", "--exclude", "xtask"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ring {
    /// The build tool's own.
    Tool,
    /// All of the product's Rust tests.
    Rust,
    /// The pure rules and the screens' own logic.
    Domain,
    /// What touches the world, on a real Postgres.
    Server,
    /// Real Chromium against a real demonstration.
    Browser,
}

impl Ring {
    fn name(self) -> &'static str {
        match self {
            Ring::Tool => "tool",
            Ring::Rust => "rust",
            Ring::Domain => "domain",
            Ring::Server => "server",
            Ring::Browser => "browser",
        }
    }

    fn packages(self) -> &'static [&'static str] {
        match self {
            Ring::Domain => &["--package", "domain", "--package", "app", "--features", "app/ssr"],
            Ring::Server => &["--package", "server"],
            Ring::Tool => &["--package", "xtask"],
            Ring::Rust | Ring::Browser => &PRODUCT,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runner {
    /// The same on every machine; documentation is tested too, and a test binary is one process,
    /// which its tests may share a Postgres in.
    Cargo,
    /// A process a test. On request only.
    Nextest,
}

/// How one ring ended.
struct Result {
    ring: Ring,
    tally: Tally,
    seconds: u64,
}

pub(crate) fn verb(arguments: &[String]) -> Outcome {
    let (rings, runner) = read(arguments)?;
    if rings.contains(&Ring::Browser) {
        setup::for_test()?;
    } else {
        setup::for_rust_test()?;
    }
    bundle::make(Mode::Dev)?;
    let mut results = Vec::new();
    for ring in rings {
        results.push(attempt(ring, runner).unwrap_or_else(|problem| not_run(ring, &problem)));
    }
    conclude(&results)
}

fn read(arguments: &[String]) -> Outcome<(Vec<Ring>, Runner)> {
    let mut rings = Vec::new();
    let mut runner = Runner::Cargo;
    for argument in arguments {
        match argument.as_str() {
            "domain" => rings.push(Ring::Domain),
            "server" => rings.push(Ring::Server),
            "browser" => rings.push(Ring::Browser),
            "--nextest" => runner = Runner::Nextest,
            other => {
                let problem = Problem::new(format!("test does not know `{other}`"));
                return Err(problem.fix("cargo xtask test [domain] [server] [browser] [--nextest]"));
            }
        }
    }
    if rings.is_empty() {
        rings = vec![Ring::Tool, Ring::Rust, Ring::Browser];
    }
    Ok((rings, runner))
}

fn attempt(ring: Ring, runner: Runner) -> Outcome<Result> {
    let started = Instant::now();
    let (mut tests, count): (Command, fn(&str) -> Tally) = match (ring, runner) {
        (Ring::Browser, _) => (browser()?, tally::of_playwright),
        (_, Runner::Cargo) => (rust(&["test", "--no-fail-fast"], ring), tally::of_cargo_test),
        (_, Runner::Nextest) => {
            (rust(&["nextest", "run", "--no-fail-fast"], ring), tally::of_nextest)
        }
    };
    say("test", format_args!("{}: {}", ring.name(), line(&tests)));
    let (status, printed) = watch(&mut tests)?;
    let mut tally = count(&printed);
    if !status.success() && tally.failed == 0 {
        // It did not come as far as counting, for example because it does not compile.
        tally.failed = 1;
    }
    Ok(Result { ring, tally, seconds: started.elapsed().as_secs() })
}

/// A ring that could not even begin has failed, and the rings after it are still worth running.
fn not_run(ring: Ring, problem: &Problem) -> Result {
    eprintln!("\n{}: {problem}", ring.name());
    Result { ring, tally: Tally { failed: 1, ..Tally::default() }, seconds: 0 }
}

fn rust(verb: &[&str], ring: Ring) -> Command {
    let mut tests = cargo();
    tests.args(verb).args(ring.packages());
    tests.env("TERNION_OTS", setup::ots());
    tests.env("TERNION_MOTO", setup::moto());
    tests
}

fn browser() -> Outcome<Command> {
    // As the Rust ring compiles it, which leaves nothing to do after that ring. `cargo build` would
    // leave out the tests' dependencies, hence choose other features, hence compile it all again.
    run(cargo().args(["test", "--no-run"]).args(PRODUCT))?;
    let lost = |what: &str| Problem::new(format!("{what} is gone")).fix("cargo xtask setup");
    let node = setup::node().ok_or_else(|| lost("Node"))?;
    let chromium = setup::chromium().ok_or_else(|| lost("Chromium"))?;
    let mut tests = command(node);
    tests.current_dir(place::end2end()).args(["node_modules/@playwright/test/cli.js", "test"]);
    tests.env("TERNION_BIN", place::program("debug")).env("CHROMIUM", chromium);
    Ok(tests)
}

/// The last line is the sum: who runs us reads it.
fn conclude(results: &[Result]) -> Outcome {
    let mut total = Tally::default();
    println!("\n    {:<10}{:>8}{:>8}{:>8}{:>9}", "ring", "passed", "failed", "skipped", "seconds");
    for Result { ring, tally, seconds } in results {
        let Tally { passed, failed, skipped } = tally;
        println!("    {:<10}{passed:>8}{failed:>8}{skipped:>8}{seconds:>9}", ring.name());
        total += *tally;
    }
    println!("\n{total}");
    match total.failed {
        0 => Ok(()),
        _ => Err(Problem::new("tests failed").told()),
    }
}
