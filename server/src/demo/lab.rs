//! The fault lab: stops, starts and pauses clouds over HTTP, for whoever knows its secret.
//!
//! The supervisor serves it, so it answers when every cloud is down. The clouds know the secret
//! and pass on what an admin asks of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use app::backend::{LabAct, LabState};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::cloud::Cloud;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::place::DemoError;
use super::process::Fleet;
use super::traffic::Switch;
use crate::config::Secret;
use crate::problem::Problem;

#[derive(Clone, Debug)]
pub(super) struct Lab {
    pub fleet: Arc<Fleet>,
    pub traffic: Switch,
    pub secret: Secret,
}

impl Lab {
    fn state(&self) -> Json<LabState> {
        Json(LabState { clouds: self.fleet.states(), traffic: self.traffic.is_on() })
    }
}

/// Taken before anything is started, so that a taken port is told at once.
pub(super) async fn listen(port: u16) -> Result<TcpListener, DemoError> {
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(at).await.map_err(|cause| DemoError::PortTaken { at, cause })
}

pub(super) async fn serve(listener: TcpListener, lab: Lab, end: CancellationToken) {
    let router = routes(lab);
    let server = axum::serve(listener, router).with_graceful_shutdown(end.cancelled_owned());
    if let Err(error) = server.await {
        tracing::error!(%error, "the fault lab ended");
    }
}

fn routes(lab: Lab) -> Router {
    Router::new()
        .route("/lab/v1/state", get(state))
        .route("/lab/v1/clouds/{cloud}/{act}", post(act))
        .route("/lab/v1/traffic", post(traffic))
        .layer(from_fn_with_state(lab.clone(), require_secret))
        .with_state(lab)
}

async fn require_secret(State(lab): State<Lab>, request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = header.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or("");
    // Digests are compared, so that the time taken tells nothing of the secret.
    if Sha256::digest(given) != Sha256::digest(lab.secret.expose()) {
        let detail = "the fault lab wants the secret that the clouds of this demonstration know";
        return Problem::unauthenticated(detail).into_response();
    }
    next.run(request).await
}

async fn state(State(lab): State<Lab>) -> Json<LabState> {
    lab.state()
}

async fn act(
    State(lab): State<Lab>,
    Path((cloud, act)): Path<(String, String)>,
) -> Result<Json<LabState>, Problem> {
    let cloud: Cloud = cloud
        .parse()
        .map_err(|error: domain::cloud::UnknownCloud| Problem::not_found(error.to_string()))?;
    let act = match act.as_str() {
        "stop" => LabAct::Stop,
        "start" => LabAct::Start,
        "pause" => LabAct::Pause,
        other => {
            let detail =
                format!("\"{other}\" is not an act of the fault lab; use stop, start or pause");
            return Err(Problem::not_found(detail));
        }
    };
    lab.fleet.act(cloud, act).await;
    Ok(lab.state())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Traffic {
    on: bool,
}

async fn traffic(
    State(lab): State<Lab>,
    body: Result<Json<Traffic>, JsonRejection>,
) -> Result<Json<LabState>, Problem> {
    let Json(traffic) = body.map_err(|error| Problem::malformed(error.body_text()))?;
    lab.traffic.set(traffic.on);
    Ok(lab.state())
}
