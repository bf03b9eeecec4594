//! `ternion openapi`: the description of the HTTP face.

use std::process::ExitCode;

use super::Outcome;

/// Print the OpenAPI document of the HTTP face, as a running cloud serves it at /openapi.json
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion openapi > openapi.json")]
pub(super) struct Arguments {}

impl Arguments {
    pub fn run(&self) -> Outcome {
        println!("{:#}", crate::http::openapi::document());
        Ok(ExitCode::SUCCESS)
    }
}
