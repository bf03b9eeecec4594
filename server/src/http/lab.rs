//! The fault lab over HTTP: the form of its page, and the supervisor's own interface passed on.

use std::collections::BTreeMap;

use app::backend::LabOrder;
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::access::Action;
use reqwest::Method;

use super::Shared;
use super::ask::Whole;
use crate::http::back::read_form;
use crate::identity::{Principal, query_value};
use crate::lab::{self, Lab};
use crate::problem::Problem;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/lab/act", post(act))
        .route("/lab/v1/state", get(pass_on))
        .route("/lab/v1/traffic", post(pass_on))
        .route("/lab/v1/clouds/{cloud}/{act}", post(pass_on))
        .route("/lab/v1/clouds/{cloud}/corrupt", post(pass_on))
        .route("/lab/v1/links/{from}/{to}/{act}", post(pass_on))
        .route("/lab/v1/links/{from}/{to}/delay", post(pass_on))
}

/// The lab, for those who may do that there.
fn open<'a>(shared: &'a Shared, principal: &Principal, action: Action) -> Result<&'a Lab, Problem> {
    let lab = shared.lab.as_ref().ok_or_else(lab::absent)?;
    principal.require(action)?;
    Ok(lab)
}

/// The forms of the page, for browsers without scripts.
async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    form: Result<Form<BTreeMap<String, String>>, FormRejection>,
) -> Result<Response, Problem> {
    let lab = open(&shared, &principal, Action::OperateFaultLab)?;
    let fields = read_form(form)?;
    let order = LabOrder::from_fields(&fields).map_err(Problem::invalid)?;
    lab.act(&order, &principal.login).await?;
    // Back to the story that was being told.
    let fault = fields.get("fault").map(|fault| format!("?fault={}", query_value(fault)));
    Ok(Redirect::to(&format!("/lab{}", fault.unwrap_or_default())).into_response())
}

async fn pass_on(
    State(shared): State<Shared>,
    principal: Principal,
    request: Request,
) -> Result<Response, Problem> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let action = if reads { Action::WatchFaultLab } else { Action::OperateFaultLab };
    let lab = open(&shared, &principal, action)?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let method = request.method().clone();
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
