//! The way to the demonstration's supervisor, who starts and stops the clouds' processes.

use std::time::Duration;

use app::backend::{LabAct, LabState};
use axum::http::StatusCode;
use domain::cloud::Cloud;

use super::Console;
use crate::config::Secret;
use crate::http::problem::Problem;

/// Stopping a cloud stops its Postgres cleanly first.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Where the supervisor answers.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Such as `http://127.0.0.1:3009`.
    pub url: String,
    pub secret: Secret,
    pub client: reqwest::Client,
}

impl Console {
    pub(super) fn lab(&self) -> Result<&Lab, Problem> {
        self.lab.as_ref().ok_or_else(|| {
            Problem::not_found("The fault lab exists in the demonstration only (`ternion demo`).")
        })
    }
}

impl Lab {
    pub(super) async fn state(&self) -> Result<LabState, Problem> {
        let url = format!("{}/lab/v1/state", self.base());
        self.answer(self.client.get(url)).await
    }

    pub(super) async fn act(&self, cloud: Cloud, act: LabAct) -> Result<LabState, Problem> {
        let verb = match act {
            LabAct::Stop => "stop",
            LabAct::Start => "start",
            LabAct::Pause => "pause",
        };
        let url = format!("{}/lab/v1/clouds/{cloud}/{verb}", self.base());
        self.answer(self.client.post(url)).await
    }

    fn base(&self) -> &str {
        self.url.trim_end_matches('/')
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<LabState, Problem> {
        let request = request.bearer_auth(self.secret.expose()).timeout(ANSWER_WAIT);
        let answer = request.send().await.map_err(|error| unavailable(&error))?;
        if !answer.status().is_success() {
            let status = answer.status();
            let text = answer.text().await.unwrap_or_default();
            return Err(refused(status.as_u16(), &text));
        }
        answer.json().await.map_err(|error| unavailable(&error))
    }
}

fn unavailable(error: &reqwest::Error) -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "lab_unavailable",
        "The fault lab does not answer",
        "The demonstration's supervisor cannot be reached. It ends with `ternion demo`.",
    )
    .internal(error)
}

fn refused(status: u16, text: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "lab_refused",
        "The fault lab refused",
        format!("The demonstration's supervisor answered {status}. Reload the page and try again."),
    )
    .internal(text)
}
