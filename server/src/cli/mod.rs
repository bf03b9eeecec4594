//! The command line: one file a command, and nothing but the command line in it.

mod bench;
mod client;
mod config;
mod csv;
mod database;
mod demo;
mod doctor;
mod epoch;
mod fabric;
mod fsck;
mod import;
mod keygen;
mod leash;
mod migrate;
mod openapi;
mod rebuild;
mod serve;
mod simulate;
mod token;
mod user;
mod verify;
mod witness;

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigError};

/// What a command ends with: an exit code, or a message for stderr and exit code 1.
pub type Outcome = Result<ExitCode, Box<dyn std::error::Error + Send + Sync>>;

/// A quorum ledger over three clouds, and the control room around it.
#[derive(Debug, Parser)]
#[command(name = "ternion", version, arg_required_else_help = true, disable_help_subcommand = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(bench::Arguments),
    Config(config::Arguments),
    Demo(demo::Arguments),
    Doctor(doctor::Arguments),
    Epoch(epoch::Arguments),
    Fabric(fabric::Arguments),
    Fsck(fsck::Arguments),
    Import(import::Arguments),
    Keygen(keygen::Arguments),
    Leash(leash::Arguments),
    Migrate(migrate::Arguments),
    Openapi(openapi::Arguments),
    Rebuild(rebuild::Arguments),
    Serve(serve::Arguments),
    Simulate(simulate::Arguments),
    Token(token::Arguments),
    User(user::Arguments),
    Verify(verify::Arguments),
    Witness(witness::Arguments),
}

impl Command {
    fn run(self) -> Outcome {
        match self {
            Command::Bench(arguments) => run_async(arguments.run()),
            Command::Config(arguments) => arguments.run(),
            Command::Demo(arguments) => run_async(arguments.run()),
            Command::Doctor(arguments) => run_async(arguments.run()),
            Command::Epoch(arguments) => run_async(arguments.run()),
            Command::Fabric(arguments) => run_async(arguments.run()),
            Command::Fsck(arguments) => run_async(arguments.run()),
            Command::Import(arguments) => run_async(arguments.run()),
            Command::Keygen(arguments) => arguments.run(),
            Command::Leash(arguments) => run_async(arguments.run()),
            Command::Migrate(arguments) => run_async(arguments.run()),
            Command::Openapi(arguments) => arguments.run(),
            Command::Rebuild(arguments) => run_async(arguments.run()),
            Command::Serve(arguments) => run_async(arguments.run()),
            Command::Simulate(arguments) => arguments.run(),
            Command::Token(arguments) => run_async(arguments.run()),
            Command::User(arguments) => run_async(arguments.run()),
            Command::Verify(arguments) => arguments.run(),
            Command::Witness(arguments) => run_async(arguments.run()),
        }
    }
}

/// Where the configuration of one cloud comes from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ConfigArguments {
    /// The configuration file (TOML); the environment (TERNION_*) goes over it
    #[arg(long, value_name = "FILE", env = "TERNION_CONFIG")]
    pub config: Option<PathBuf>,
    /// A setting that goes over file and environment; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}

impl ConfigArguments {
    pub(crate) fn load(&self) -> Result<Config, ConfigError> {
        Config::load(self.config.as_deref(), &self.settings)
    }
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    // Both providers of rustls may be linked in; ours is chosen once, before any connection.
    // An error means that it is chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match CommandLine::parse().command.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ternion: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Threads that run tasks. Waiting is asynchronous and hashing short, so more than a few only
/// contend; fewer than two would let one long computation hold up everything.
fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8))
}

fn run_async(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_threads())
        .enable_all()
        .build()?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_has_no_contradictions() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_command_explains_itself_with_an_example() {
        for command in CommandLine::command().get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            assert!(help.contains("ternion "), "{} has no example", command.get_name());
        }
    }
}
