//! The way to the demonstration's supervisor, who starts and stops the clouds' processes.
//!
//! Whoever may operate the fault lab is asked before; what is done is logged here, once.

use std::time::Duration;

use app::backend::{LabOrder, LabState, LabWay};
use axum::http::StatusCode;
use domain::cloud::Cloud;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::config::Secret;
use crate::problem::Problem;

/// Stopping a cloud stops its Postgres cleanly first; forging waits for the log to grow.
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

/// Who asked for an act: a login.
pub const WHO_HEADER: &str = "x-ternion-who";

/// The supervisor's path of an order, with its query.
#[must_use]
pub fn path_of(order: &LabOrder) -> String {
    let cloud = |cloud: &Cloud, verb: &str| format!("/lab/v1/clouds/{cloud}/{verb}");
    let link = |way: &LabWay, verb: &str| {
        let to = way.to.map_or("all", Cloud::name);
        format!("/lab/v1/links/{}/{to}/{verb}?oneWay={}", way.from, way.one_way)
    };
    match order {
        LabOrder::Stop { cloud: at } => cloud(at, "stop"),
        LabOrder::Start { cloud: at } => cloud(at, "start"),
        LabOrder::Pause { cloud: at } => cloud(at, "pause"),
        LabOrder::Cut { way, .. } => link(way, "cut"),
        LabOrder::Heal { way } => link(way, "heal"),
        LabOrder::Delay { way, .. } => link(way, "delay"),
        LabOrder::Corrupt { cloud: at, .. } => cloud(at, "corrupt"),
        LabOrder::Forge { cloud: at } => cloud(at, "forge"),
        LabOrder::Equivocate { cloud: at, .. } => cloud(at, "equivocate"),
    }
}

/// What goes along with it.
fn body_of(order: &LabOrder) -> Value {
    match order {
        LabOrder::Cut { black_hole, .. } => json!({ "blackHole": black_hole }),
        LabOrder::Delay { ms, .. } => json!({ "ms": ms }),
        LabOrder::Corrupt { what, event_id, .. } => json!({ "what": what, "eventId": event_id }),
        LabOrder::Equivocate { to, .. } => json!({ "to": to }),
        _ => json!({}),
    }
}

impl Lab {
    /// # Errors
    /// The supervisor does not answer, or refuses.
    pub async fn state(&self) -> Result<LabState, Problem> {
        let answer = self.send(Method::GET, "/lab/v1/state", Vec::new(), "").await?;
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        answer.json().await.map_err(|cause| unavailable(&cause))
    }

    /// # Errors
    /// The supervisor does not answer, or refuses.
    pub async fn act(&self, order: &LabOrder, who: &str) -> Result<(), Problem> {
        let body = body_of(order).to_string().into_bytes();
        let answer = self.send(Method::POST, &path_of(order), body, who).await?;
        if answer.status().is_success() { Ok(()) } else { Err(refused(answer).await) }
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
        let request = request.header(CONTENT_TYPE, "application/json").header(WHO_HEADER, who);
        request.body(body).timeout(ANSWER_WAIT).send().await.map_err(|cause| unavailable(&cause))
    }
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

/// The supervisor's own words, where it has some.
async fn refused(answer: Response) -> Problem {
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    let said = serde_json::from_str::<Value>(&text).ok();
    let said = said.as_ref().and_then(|problem| problem.get("detail")?.as_str());
    let detail = said.map_or_else(
        || format!("The demonstration's supervisor answered {status}. Try again."),
        str::to_owned,
    );
    // What it cannot do is not this node's fault; that it should be asked by nobody else is.
    let status = if status.is_client_error() && status != StatusCode::UNAUTHORIZED {
        status
    } else {
        StatusCode::BAD_GATEWAY
    };
    Problem::new(status, "lab_refused", "The fault lab refused", detail).internal(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_the_supervisors_path_and_body() {
        let way = LabWay { from: Cloud::Gcp, to: None, one_way: true };
        let order = LabOrder::Cut { way, black_hole: true };
        assert_eq!(path_of(&order), "/lab/v1/links/gcp/all/cut?oneWay=true");
        assert_eq!(body_of(&order), json!({ "blackHole": true }));
        let order = LabOrder::Corrupt {
            cloud: Cloud::Aws,
            what: app::backend::LabDamage::Tail,
            event_id: None,
        };
        assert_eq!(path_of(&order), "/lab/v1/clouds/aws/corrupt");
        assert_eq!(body_of(&order), json!({ "what": "tail", "eventId": null }));
    }
}
