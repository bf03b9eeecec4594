//! `ternion simulate`: a what-if answered here, from inputs that a cloud gave out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use domain::economics::study::{self, Inputs, Request};
use serde::de::DeserializeOwned;

use super::Outcome;

/// Answer a what-if offline: the same bits as the cloud and the browser give
///
/// Inputs are what GET /v1/economics/inputs answers: priced usage and where it comes from. The request is
/// a body of POST /v1/economics/simulate; its window is that of the inputs. Prints the answer as JSON.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  curl -s -H 'Authorization: Bearer T' \
                  https://gcp.example.com/v1/economics/inputs -o inputs.json\n  \
                  ternion simulate --inputs inputs.json --request question.json")]
pub(super) struct Arguments {
    #[arg(long, value_name = "JSON")]
    inputs: PathBuf,
    /// Without one: the base, with the usual seed, draws and assumptions
    #[arg(long, value_name = "JSON")]
    request: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self) -> Outcome {
        let inputs: Inputs = read(&self.inputs)?;
        let request: Request = match &self.request {
            Some(file) => read(file)?,
            None => Request::default(),
        };
        let draw = |it: &_| crate::economics::run(it, |_, _| true);
        let answer = study::answer(&inputs, &request, draw)
            .map_err(|error: crate::economics::Stopped| error.to_string())?;
        println!("{}", serde_json::to_string(&answer)?);
        Ok(ExitCode::SUCCESS)
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T, String> {
    let text = std::fs::read(file)
        .map_err(|cause| format!("{} cannot be read: {cause}", file.display()))?;
    let mut reader = serde_json::Deserializer::from_slice(&text);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| format!("{}: {}: {}", file.display(), error.path(), error.inner()))
}
