//! The fault lab over HTTP: the form of its page, and the supervisor's own interface passed on.

use app::backend::LabAct;
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, post};
use domain::access::Action;
use domain::cloud::Cloud;
use reqwest::Method;
use serde::Deserialize;

use super::Shared;
use super::ask::Whole;
use crate::identity::Principal;
use crate::lab::{self, Lab};
use crate::problem::Problem;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/lab/act", post(act)).route("/lab/v1/{*path}", any(pass_on))
}

/// The lab, for those who may operate it.
fn open<'a>(shared: &'a Shared, principal: &Principal) -> Result<&'a Lab, Problem> {
    let lab = shared.lab.as_ref().ok_or_else(lab::absent)?;
    principal.require(Action::OperateFaultLab)?;
    Ok(lab)
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
    let lab = open(&shared, &principal)?;
    let Form(Act { cloud, act }) =
        form.map_err(|cause| Problem::malformed(format!("The form cannot be read: {cause}")))?;
    let path = lab::path_of(cloud, act);
    let answer = lab.send(Method::POST, &path, Vec::new(), &principal.login).await?;
    if answer.status().is_success() {
        return Ok(Redirect::to("/lab").into_response());
    }
    relay(answer).await
}

async fn pass_on(
    State(shared): State<Shared>,
    principal: Principal,
    request: Request,
) -> Result<Response, Problem> {
    let lab = open(&shared, &principal)?;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let Whole(body) = Whole::from_request(request, &()).await?;
    relay(lab.send(method, &path, body.to_vec(), &principal.login).await?).await
}

/// The supervisor's answer, as it is.
async fn relay(answer: reqwest::Response) -> Result<Response, Problem> {
    let status = answer.status();
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
    let body = answer.bytes().await.map_err(|cause| lab::unavailable(&cause))?;
    let mut response = (status, Body::from(body)).into_response();
    if let Some(kind) = kind {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    Ok(response)
}
