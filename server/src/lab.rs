//! The way to the demonstration's supervisor, who starts and stops the clouds' processes.
//!
//! Whoever may operate the fault lab is asked before; what is done is logged here, once.

use std::time::Duration;

use app::backend::{LabAct, LabState};
use axum::http::StatusCode;
use domain::cloud::Cloud;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Response};

use crate::config::Secret;
use crate::problem::Problem;

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

/// Outside the demonstration there is no fault lab at all.
#[must_use]
pub fn absent() -> Problem {
    Problem::not_found("The fault lab exists in the demonstration only (`ternion demo`).")
}

/// The path of an act on one cloud's process.
#[must_use]
pub fn path_of(cloud: Cloud, act: LabAct) -> String {
    let verb = match act {
        LabAct::Stop => "stop",
        LabAct::Start => "start",
        LabAct::Pause => "pause",
    };
    format!("/lab/v1/clouds/{cloud}/{verb}")
}

impl Lab {
    /// # Errors
    /// The supervisor does not answer, or refuses.
    pub async fn state(&self) -> Result<LabState, Problem> {
        let answer = self.send(Method::GET, "/lab/v1/state", Vec::new(), "").await?;
        read(answer).await
    }

    /// # Errors
    /// The supervisor does not answer, or refuses.
    pub async fn act(&self, cloud: Cloud, act: LabAct, who: &str) -> Result<LabState, Problem> {
        let path = path_of(cloud, act);
        read(self.send(Method::POST, &path, Vec::new(), who).await?).await
    }

    /// Passes a request on; the supervisor's answer, as it is.
    ///
    /// # Errors
    /// The supervisor does not answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        who: &str,
    ) -> Result<Response, Problem> {
        if method != Method::GET {
            tracing::info!(who, act = path, "fault lab");
        }
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let request = self.client.request(method, url).bearer_auth(self.secret.expose());
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        request.timeout(ANSWER_WAIT).send().await.map_err(|cause| unavailable(&cause))
    }
}

async fn read(answer: Response) -> Result<LabState, Problem> {
    let status = answer.status();
    if !status.is_success() {
        let text = answer.text().await.unwrap_or_default();
        return Err(refused(status, &text));
    }
    answer.json().await.map_err(|cause| unavailable(&cause))
}

/// The supervisor is gone, or its answer did not arrive whole.
#[must_use]
pub fn unavailable(cause: &reqwest::Error) -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "lab_unavailable",
        "The fault lab does not answer",
        "The demonstration's supervisor cannot be reached. It ends with `ternion demo`.",
    )
    .internal(cause)
}

fn refused(status: StatusCode, text: &str) -> Problem {
    let detail =
        format!("The demonstration's supervisor answered {status}. Reload the page and try again.");
    Problem::new(StatusCode::BAD_GATEWAY, "lab_refused", "The fault lab refused", detail)
        .internal(text)
}
