//! `ternion config`: what this cloud would run with, and why.

use std::process::ExitCode;

use super::{ConfigArguments, Outcome};
use crate::config::{Layers, effective};

/// Print the effective configuration, each value with its source; secrets are hidden
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion config --config gcp.toml --set limits.requests=64")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
}

impl Arguments {
    pub fn run(self) -> Outcome {
        let layers = Layers::of_process(self.config.config.as_deref(), &self.config.settings)?;
        for suspicion in layers.suspicious_variables() {
            eprintln!("ternion: {suspicion}");
        }
        let (config, sources) = layers.build()?;
        print!("{}", effective(&config, &sources)?);
        Ok(ExitCode::SUCCESS)
    }
}
