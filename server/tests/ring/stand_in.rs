//! A stand-in for a cloud, for the client's side only: it answers as the contract says, refuses
//! as often as it is told to, and remembers what it was sent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// The only token it knows.
pub const TOKEN: &str = "stand-in";
/// The tenant that it does not know.
pub const GHOST: &str = "ghost";

#[derive(Debug, Default)]
pub struct StandIn {
    /// By event id, in the order of acceptance.
    pub recorded: Mutex<Vec<(String, Value)>>,
    /// Requests, and then items, that are refused with 503 before any is taken.
    pub busy_requests: AtomicU32,
    pub busy_items: AtomicU32,
    /// Questions about finality that are answered PENDING.
    pub pending_answers: AtomicU32,
    pub asked_for_finality: AtomicU32,
}

pub struct Running {
    pub cloud: Arc<StandIn>,
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StandIn {
    pub async fn start(self) -> Running {
        let cloud = Arc::new(self);
        let router = Router::new()
            .route("/livez", get(|| async { "ok" }))
            .route("/v1/events", post(events))
            .route("/v1/events/{id}/confirmations", get(confirmations))
            .with_state(Arc::clone(&cloud));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let serve = async move { axum::serve(listener, router).await.expect("serves") };
        Running { cloud, url, task: tokio::spawn(serve) }
    }

    pub fn events(&self) -> HashMap<String, Value> {
        self.recorded.lock().expect("no panic").iter().cloned().collect()
    }

    fn take(&self, event: &Value) -> Value {
        if one_of(&self.busy_items) {
            return json!({"httpStatus": 503, "problem": problem(503, "Busy", "try again")});
        }
        if event["tenantId"] == GHOST {
            let problem = problem(422, "Unknown tenant", "The tenant is not known here.");
            return json!({"httpStatus": 422, "problem": problem});
        }
        let mut recorded = self.recorded.lock().expect("no panic");
        let id =
            event["eventId"].as_str().map_or_else(|| recorded.len().to_string(), str::to_owned);
        let known = recorded.iter().position(|(other, _)| *other == id);
        let sequence = known.unwrap_or(recorded.len());
        if known.is_none() {
            recorded.push((id.clone(), event.clone()));
        }
        json!({
            "httpStatus": if known.is_some() { 200 } else { 201 },
            "eventId": id, "status": "FINAL", "originCloud": "gcp",
            "slot": {"origin": "gcp", "epoch": 1, "sequence": sequence},
        })
    }
}

/// Takes one off, if there is any left.
fn one_of(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

fn problem(status: u16, title: &str, detail: &str) -> Value {
    json!({"status": status, "code": "x", "title": title, "detail": detail, "requestId": "r-1"})
}

fn refuse(status: StatusCode, title: &str) -> Response {
    let body = Json(problem(status.as_u16(), title, "as told"));
    (status, [("retry-after", "0")], body).into_response()
}

async fn events(
    State(cloud): State<Arc<StandIn>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if headers.get("authorization").is_none_or(|value| value != &format!("Bearer {TOKEN}")) {
        return refuse(StatusCode::UNAUTHORIZED, "Sign in first");
    }
    if one_of(&cloud.busy_requests) {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "Busy");
    }
    match body {
        Value::Array(events) => {
            Json(events.iter().map(|event| cloud.take(event)).collect::<Value>()).into_response()
        }
        event => (StatusCode::CREATED, Json(cloud.take(&event))).into_response(),
    }
}

async fn confirmations(State(cloud): State<Arc<StandIn>>, Path(id): Path<String>) -> Response {
    cloud.asked_for_finality.fetch_add(1, Ordering::SeqCst);
    if !cloud.events().contains_key(&id) {
        return refuse(StatusCode::NOT_FOUND, "Not found");
    }
    let status = if one_of(&cloud.pending_answers) { "PENDING" } else { "FINAL" };
    Json(json!({"status": status, "quorumReached": status == "FINAL"})).into_response()
}
