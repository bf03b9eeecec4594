//! The fault lab: breaks clouds, links and data over HTTP, for whoever knows its secret.
//!
//! The supervisor serves it, so it answers when every cloud is down. The clouds know the secret
//! and pass on what an admin asks of them.

mod watch;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use app::backend::{
    DELAY_MS_MAX, LabCorruption, LabDamage, LabEquivocation, LabForgery, LabOrder, LabOutcome,
    LabState, LabWay, ProcessState,
};
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::cloud::{Cloud, UnknownCloud};
use domain::event::EventId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::acts::Acts;
use super::corrupt::{Damage, corrupt};
use super::links::Links;
use super::malice::Malice;
use super::place::{DemoError, Place};
use super::process::{Fleet, ProcessAct};
use super::traffic::Switch;
use super::views::Views;
use crate::lab::WHO_HEADER;
use crate::problem::Problem;

/// Longest login that is kept with an act.
const WHO_CHARS_MAX: usize = 100;

#[derive(Clone, Debug)]
pub(super) struct Lab(Arc<Bench>);

/// Everything that can be broken.
#[derive(Debug)]
pub(super) struct Bench {
    pub place: Arc<Place>,
    pub fleet: Fleet,
    pub links: Links,
    pub traffic: Switch,
    pub views: Views,
    pub acts: Acts,
    pub client: reqwest::Client,
    /// Acts that look before they leap take turns.
    pub turn: Mutex<()>,
    pub end: CancellationToken,
}

impl Lab {
    pub fn new(bench: Bench) -> Self {
        Lab(Arc::new(bench))
    }

    pub fn fleet(&self) -> &Fleet {
        &self.0.fleet
    }

    async fn state(&self) -> LabState {
        let Bench { fleet, links, traffic, views, acts, .. } = &*self.0;
        let mut clouds = fleet.states();
        // Who does not run says nothing, and need not be waited for.
        let runs = |cloud| clouds.get(cloud).process == ProcessState::Running;
        let [gcp, aws, azure] = Cloud::ALL.map(|cloud| views.of(cloud, runs(cloud)));
        (clouds.gcp.view, clouds.aws.view, clouds.azure.view) = tokio::join!(gcp, aws, azure);
        LabState { clouds, links: links.states(), traffic: traffic.is_on(), acts: acts.list() }
    }

    /// Does it and writes it down.
    async fn perform(&self, order: LabOrder, who: String) -> Result<LabOutcome, Problem> {
        let outcome = match &order {
            LabOrder::Corrupt { cloud, what, event_id } => {
                return self.corrupt(*cloud, *what, event_id.as_deref(), &order, who).await;
            }
            LabOrder::Forge { cloud } => {
                let _turn = self.0.turn.lock().await;
                LabOutcome::Forged(self.inside(*cloud).await?.forge().await?)
            }
            LabOrder::Equivocate { cloud, to } => {
                let _turn = self.0.turn.lock().await;
                let to = to.unwrap_or(cloud.peers()[1]);
                LabOutcome::Equivocated(self.inside(*cloud).await?.equivocate(to).await?)
            }
            plain => {
                self.break_or_mend(plain).await;
                LabOutcome::Done
            }
        };
        self.0.acts.note(who, order, outcome.clone());
        Ok(outcome)
    }

    /// Processes and links: done at once, and never refused.
    async fn break_or_mend(&self, order: &LabOrder) {
        let Bench { fleet, links, .. } = &*self.0;
        match order {
            LabOrder::Stop { cloud } => fleet.act(*cloud, ProcessAct::Stop).await,
            LabOrder::Start { cloud } => fleet.act(*cloud, ProcessAct::Start).await,
            LabOrder::Pause { cloud } => fleet.act(*cloud, ProcessAct::Pause).await,
            LabOrder::Cut { way, black_hole } => links.cut(*way, *black_hole),
            LabOrder::Heal { way } => links.heal(*way),
            LabOrder::Delay { way, ms } => {
                links.delay(*way, Duration::from_millis(u64::from(*ms)));
            }
            LabOrder::Corrupt { .. } | LabOrder::Forge { .. } | LabOrder::Equivocate { .. } => {}
        }
    }

    async fn inside(&self, cloud: Cloud) -> Result<Malice<'_>, Problem> {
        Malice::inside(cloud, &self.0.place, &self.0.links, &self.0.client).await
    }

    async fn corrupt(
        &self,
        cloud: Cloud,
        what: LabDamage,
        event_id: Option<&str>,
        order: &LabOrder,
        who: String,
    ) -> Result<LabOutcome, Problem> {
        let _turn = self.0.turn.lock().await;
        let read = |text: &str| {
            let id = text.parse().map(EventId);
            id.map_err(|_| Problem::invalid("eventId is a UUID.").field("/eventId", "not a UUID"))
        };
        let event_id = event_id.map(read).transpose()?;
        let since = crate::now();
        let folder = self.0.place.folders.get(cloud);
        let Damage { told, places } = corrupt(folder, cloud, what, event_id).await?;
        let outcome = LabOutcome::Corrupted(told);
        let number = self.0.acts.note(who, order.clone(), outcome.clone());
        let damage = watch::Damaged { number, cloud, what, places, since };
        tokio::spawn(watch::until_repaired(Arc::clone(&self.0), damage));
        Ok(outcome)
    }
}

/// Taken before anything is started, so that a taken port is told at once.
pub(super) async fn listen(port: u16) -> Result<TcpListener, DemoError> {
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(at).await.map_err(|cause| DemoError::PortTaken { at, cause })
}

/// The lab, and beside it the time-stamping authority, which asks for no secret.
pub(super) async fn serve(
    listener: TcpListener,
    lab: Lab,
    authority: Option<Router>,
    end: CancellationToken,
) {
    let router = routes(lab).merge(authority.unwrap_or_default());
    let server = axum::serve(listener, router).with_graceful_shutdown(end.cancelled_owned());
    if let Err(error) = server.await {
        tracing::error!(%error, "the fault lab ended");
    }
}

fn routes(lab: Lab) -> Router {
    Router::new()
        .route("/lab/v1/state", get(state))
        .route("/lab/v1/clouds/{cloud}/{act}", post(act_on_cloud))
        .route("/lab/v1/links/{from}/{to}/{act}", post(act_on_link))
        .route("/lab/v1/traffic", post(traffic))
        .layer(from_fn_with_state(lab.clone(), require_secret))
        .with_state(lab)
}

async fn require_secret(State(lab): State<Lab>, request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = header.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or("");
    // Digests are compared, so that the time taken tells nothing of the secret.
    if Sha256::digest(given) != Sha256::digest(lab.0.place.lab_secret.expose()) {
        let detail = "the fault lab wants the secret that the clouds of this demonstration know";
        return Problem::unauthenticated(detail).into_response();
    }
    next.run(request).await
}

async fn state(State(lab): State<Lab>) -> Json<LabState> {
    Json(lab.state().await)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Corrupt {
    what: LabDamage,
    event_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Equivocate {
    to: Option<Cloud>,
}

async fn act_on_cloud(
    State(lab): State<Lab>,
    Path((cloud, act)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let cloud = cloud_of(&cloud)?;
    let order = match act.as_str() {
        "stop" => LabOrder::Stop { cloud },
        "start" => LabOrder::Start { cloud },
        "pause" => LabOrder::Pause { cloud },
        "corrupt" => {
            let Corrupt { what, event_id } = read(&body)?;
            LabOrder::Corrupt { cloud, what, event_id }
        }
        "forge" => LabOrder::Forge { cloud },
        "equivocate" => {
            let Equivocate { to } = read(&body)?;
            if to == Some(cloud) {
                return Err(Problem::invalid(format!("\"to\" is a cloud other than {cloud}.")));
            }
            LabOrder::Equivocate { cloud, to }
        }
        other => {
            return Err(Problem::not_found(format!(
                "\"{other}\" is not an act on a cloud; use stop, start, pause, corrupt, forge or \
                 equivocate."
            )));
        }
    };
    answer(&lab, order, &headers).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct Directions {
    one_way: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct Cut {
    black_hole: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Delay {
    ms: u32,
}

async fn act_on_link(
    State(lab): State<Lab>,
    Path((from, to, act)): Path<(String, String, String)>,
    directions: Result<Query<Directions>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let Query(Directions { one_way }) = directions.map_err(|cause| {
        Problem::malformed(format!("The query is oneWay=true or absent: {cause}"))
    })?;
    let from = cloud_of(&from)?;
    let to = if to == "all" { None } else { Some(cloud_of(&to)?) };
    if to == Some(from) {
        return Err(Problem::not_found(format!("There is no link from {from} to itself.")));
    }
    let way = LabWay { from, to, one_way };
    let order = match act.as_str() {
        "cut" => LabOrder::Cut { way, black_hole: read::<Cut>(&body)?.black_hole },
        "heal" => LabOrder::Heal { way },
        "delay" => {
            let Delay { ms } = read(&body)?;
            if !(1..=DELAY_MS_MAX).contains(&ms) {
                let why = format!("1 to {DELAY_MS_MAX}");
                return Err(Problem::invalid("This delay is out of range.").field("/ms", why));
            }
            LabOrder::Delay { way, ms }
        }
        other => {
            let detail = format!("\"{other}\" is not an act on a link; use cut, heal or delay.");
            return Err(Problem::not_found(detail));
        }
    };
    answer(&lab, order, &headers).await
}

/// What came of it; the state of everything, where there is nothing more to say.
async fn answer(lab: &Lab, order: LabOrder, headers: &HeaderMap) -> Result<Response, Problem> {
    let who = headers.get(WHO_HEADER).and_then(|value| value.to_str().ok());
    let who: String = who.unwrap_or("the supervisor").chars().take(WHO_CHARS_MAX).collect();
    Ok(match lab.perform(order, who).await? {
        LabOutcome::Done => Json(lab.state().await).into_response(),
        LabOutcome::Corrupted(told) => Json::<LabCorruption>(told).into_response(),
        LabOutcome::Forged(told) => Json::<LabForgery>(told).into_response(),
        LabOutcome::Equivocated(told) => Json::<LabEquivocation>(told).into_response(),
    })
}

fn cloud_of(name: &str) -> Result<Cloud, Problem> {
    name.parse().map_err(|cause: UnknownCloud| Problem::not_found(cause.to_string()))
}

/// No body is an empty one.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|cause| {
        let detail = format!("The body is not what is expected here: {cause}.");
        if cause.is_data() { Problem::invalid(detail) } else { Problem::malformed(detail) }
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Traffic {
    on: bool,
}

async fn traffic(State(lab): State<Lab>, body: Bytes) -> Result<Json<LabState>, Problem> {
    lab.0.traffic.set(read::<Traffic>(&body)?.on);
    Ok(Json(lab.state().await))
}
