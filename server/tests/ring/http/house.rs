//! A cloud with its public face, and a program that asks it.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use domain::cloud::Cloud;
use domain::event::Slot;
use serde_json::Value;
use server::config::Limits;
use server::console::LedgerRecorder;
use server::http::{self, Setup, measure};
use server::identity::{Identity, Principal, Recorder, Settings, demonstration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::clouds::{Clouds, RunningCloud};

/// Larger than any answer here.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Two clouds, so that events become final, and the face of one of them.
pub(super) struct House {
    pub(super) gcp: RunningCloud,
    pub(super) aws: Option<RunningCloud>,
    face: Router,
    pub(super) stop: CancellationToken,
    _tasks: JoinSet<()>,
    /// Their folders, in which new keys are made.
    _clouds: Clouds,
}

impl House {
    /// Records events, and waits until they are in force here.
    pub(super) async fn record(&self, token: &str, events: Value) {
        let answers = self.post("/v1/events?wait=final", token, &events).await.expect(200);
        for answer in answers.as_array().expect("a list") {
            assert_eq!(answer["httpStatus"], 201, "{answer}");
            let slot: Slot = serde_json::from_value(answer["slot"].clone()).expect("a slot");
            self.gcp.projection.until_projected(slot).await;
        }
    }

    /// The demonstration's users are known, their tokens hold.
    pub(super) async fn open() -> House {
        House::with(Limits::default()).await
    }

    pub(super) async fn with(limits: Limits) -> House {
        let mut clouds = Clouds::prepare().await;
        clouds.limits = limits;
        let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
        people(&gcp, &LedgerRecorder::new(gcp.ledger.clone())).await;
        House::of(gcp, aws, clouds)
    }

    /// The same, after its database was put back from an old copy, as it remembers; one of the
    /// others does not answer.
    pub(super) async fn that_was_put_back() -> House {
        let mut clouds = Clouds::prepare().await;
        let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
        people(&gcp, &LedgerRecorder::new(gcp.ledger.clone())).await;
        gcp.stop().await;
        let remembered = serde_json::json!({"epoch": 1, "size": 1_000, "database": ""});
        let memory = clouds.folders.gcp.0.join("heads.json");
        std::fs::write(memory, remembered.to_string()).expect("a file beside the keys");
        let gcp = clouds.start(Cloud::Gcp).await;
        House::of(gcp, aws, clouds)
    }

    fn of(gcp: RunningCloud, aws: RunningCloud, clouds: Clouds) -> House {
        let limits = clouds.limits.clone();
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let recorder = Arc::new(LedgerRecorder::new(gcp.ledger.clone()));
        let settings = Settings { cloud: Cloud::Gcp, demonstration: true, secure_cookies: false };
        let identity = Identity::new(gcp.database.pool.clone(), settings, recorder);
        let setup = Setup {
            fabric: gcp.fabric.clone(),
            ledger: gcp.ledger.clone(),
            grants: gcp.grants.clone(),
            projection: gcp.projection.clone(),
            quarantine: gcp.quarantine.clone(),
            identity,
            console: gcp.console.clone(),
            evidences: gcp.evidences.clone(),
            snapshots: gcp.snapshots.clone(),
            anchors: gcp.anchors.clone(),
            economics: gcp.console.economics.clone(),
            optimizer: gcp.optimizer.clone(),
            peers: Router::new(),
            pool: gcp.database.pool.clone(),
            limits,
            lab: None,
            https: false,
            metrics: measure::local().expect("a recorder"),
            stop: stop.clone(),
        };
        let face = http::router(setup, &mut tasks).expect("a router");
        House { gcp, aws: Some(aws), face, stop, _tasks: tasks, _clouds: clouds }
    }

    /// From here on nothing becomes final.
    pub(super) async fn is_left_alone(&mut self) {
        if let Some(aws) = self.aws.take() {
            aws.stop().await;
        }
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.face.clone().oneshot(request).await.expect("a router answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.expect("a whole body");
        Answer { status, headers, body: body.to_vec() }
    }

    /// The answer as it begins, for streams.
    pub(super) async fn begin(&self, request: Request<Body>) -> axum::response::Response {
        self.face.clone().oneshot(request).await.expect("a router answers")
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(asking(Method::GET, path, token).body(Body::empty()).expect("a request")).await
    }

    pub(super) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.post_as(path, token, "application/json", body.to_string()).await
    }

    pub(super) async fn post_as(
        &self,
        path: &str,
        token: &str,
        media: &str,
        body: String,
    ) -> Answer {
        let request = asking(Method::POST, path, token).header(header::CONTENT_TYPE, media);
        self.send(request.body(Body::from(body)).expect("a request")).await
    }
}

async fn people(cloud: &RunningCloud, recorder: &LedgerRecorder) {
    demonstration::seed_credentials(&cloud.database.pool).await.expect("credentials");
    let mut last = None;
    for user in demonstration::user_puts() {
        let recorded = recorder.record(user, &Principal::platform(), None).await;
        last = Some(recorded.expect("recorded"));
    }
    let last = domain::event::EventId(last.expect("some users"));
    let slot: Slot = cloud.ledger.find(last).await.expect("readable")[0].slot;
    cloud.projection.until_projected(slot).await;
}

/// A request with a bearer token, if there is one.
pub(super) fn asking(method: Method, path: &str, token: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    if token.is_empty() {
        return request;
    }
    request.header(header::AUTHORIZATION, format!("Bearer {token}"))
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body, if the status is this one.
    pub(super) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.json()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// A problem of this status and code.
    pub(super) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["requestId"], self.header("x-request-id"), "{problem}");
        problem
    }
}
