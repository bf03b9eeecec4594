//! The fault lab: acts on the demonstration's processes, passed on to its supervisor.

use app::backend::LabAct;
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, post};
use domain::access::Action;
use domain::cloud::Cloud;
use serde::Deserialize;

use super::Shared;
use super::ask::Whole;
use super::problem::Problem;
use crate::console::Lab;
use crate::identity::Principal;

/// Stopping a cloud stops its Postgres cleanly first.
const ANSWER_WAIT: std::time::Duration = std::time::Duration::from_secs(30);

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/lab/act", post(act)).route("/lab/v1/{*path}", any(pass_on))
}

/// Outside the demonstration there is no fault lab at all.
fn lab(shared: &Shared) -> Result<&Lab, Problem> {
    shared.lab.as_ref().ok_or_else(|| {
        Problem::not_found("The fault lab exists in the demonstration only (`ternion demo`).")
    })
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Act {
    cloud: Cloud,
    act: LabAct,
}

/// The form of the page, for browsers without scripts.
async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    form: Result<Form<Act>, FormRejection>,
) -> Result<Response, Problem> {
    let lab = lab(&shared)?;
    principal.require(Action::OperateFaultLab)?;
    let Form(Act { cloud, act }) =
        form.map_err(|cause| Problem::malformed(format!("The form cannot be read: {cause}")))?;
    let verb = match act {
        LabAct::Stop => "stop",
        LabAct::Start => "start",
        LabAct::Pause => "pause",
    };
    let path = format!("/lab/v1/clouds/{cloud}/{verb}");
    tracing::info!(who = principal.login, act = path, "fault lab");
    let answer = ask(lab, reqwest::Method::POST, &path, Vec::new()).await?;
    if answer.status().is_success() { Ok(Redirect::to("/lab").into_response()) } else { Ok(answer) }
}

async fn pass_on(
    State(shared): State<Shared>,
    principal: Principal,
    request: Request,
) -> Result<Response, Problem> {
    let lab = lab(&shared)?;
    principal.require(Action::OperateFaultLab)?;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let Whole(body) = Whole::from_request(request, &()).await?;
    if method != reqwest::Method::GET {
        tracing::info!(who = principal.login, act = path, "fault lab");
    }
    ask(lab, method, &path, body.to_vec()).await
}

/// The supervisor's answer, as it is.
async fn ask(
    lab: &Lab,
    method: reqwest::Method,
    path: &str,
    body: Vec<u8>,
) -> Result<Response, Problem> {
    let url = format!("{}{path}", lab.url.trim_end_matches('/'));
    let request = lab.client.request(method, url).bearer_auth(lab.secret.expose());
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
    let answer = request.timeout(ANSWER_WAIT).send().await.map_err(away)?;
    let status = answer.status();
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
    let body = answer.bytes().await.map_err(away)?;
    let mut response = (status, Body::from(body)).into_response();
    if let Some(kind) = kind {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    Ok(response)
}

fn away(cause: reqwest::Error) -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "lab_unavailable",
        "The fault lab does not answer",
        "The demonstration's supervisor cannot be reached. It ends with `ternion demo`.",
    )
    .internal(cause)
}
