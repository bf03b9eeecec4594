//! How this cloud is, for load balancers, the other clouds' probes, and Prometheus.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::backend::Condition;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use domain::cloud::{Cloud, PerCloud};
use domain::quorum::Mode;
use serde::Serialize;
use sqlx::PgPool;
use tokio::sync::Mutex;

use super::{Services, Shared, measure};
use crate::identity::demonstration;
use crate::problem::Problem;

/// Probes come every two seconds from every cloud: one question to the database serves them all.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// Shorter than a probe's own patience.
const CHECK_WAIT: Duration = Duration::from_millis(800);
/// Above this share of the intake queue clients should prefer another cloud.
const QUEUE_FILL_MAX: f64 = 0.8;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/health", get(health))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
}

/// The last answer of the database, and when.
#[derive(Debug, Default)]
pub(super) struct DatabaseCheck(Mutex<Option<(Instant, bool)>>);

impl DatabaseCheck {
    async fn answers(&self, pool: &PgPool) -> bool {
        // Those who come while one asks wait for its answer.
        let mut last = self.0.lock().await;
        if let Some((at, answer)) = *last
            && at.elapsed() < CHECK_EVERY
        {
            return answer;
        }
        let question = sqlx::query("SELECT 1").execute(pool);
        let answer = matches!(tokio::time::timeout(CHECK_WAIT, question).await, Ok(Ok(_)));
        *last = Some((Instant::now(), answer));
        answer
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Healthy,
    Degraded,
    Unhealthy,
}

/// `status` is about this cloud alone, `mode` about the deployment as this cloud sees it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    status: Status,
    /// 0 to 1.
    load: f64,
    /// As `latency_p95_ms`; the name is the one that probes have always read.
    latency: f64,
    /// 95th percentile of this node's recent requests, milliseconds.
    latency_p95_ms: f64,
    cloud: Cloud,
    region: String,
    mode: &'static str,
    /// What the clouds' votes on each other come to: `normal` to `panic`; `fail_static`: this node
    /// hears no majority.
    fabric: domain::fabric::verdict::Mode,
    clouds: PerCloud<Condition>,
    pending: u64,
    events: u64,
    version: &'static str,
    uptime_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

async fn health(State(shared): State<Shared>) -> Response {
    let (status, reason) = judge(&shared).await;
    let state = shared.console.live_state();
    let me = shared.ledger.cloud();
    let latency_p95_ms = (shared.recent.p95_ms() * 1e3).round() / 1e3;
    let health = Health {
        status,
        load: state
            .clouds
            .get(me)
            .load
            .unwrap_or_else(|| shared.ledger.queue_fill())
            .clamp(0.0, 1.0),
        latency: latency_p95_ms,
        latency_p95_ms,
        cloud: me,
        region: shared.ledger.region().as_str().to_owned(),
        mode: mode(state.clouds_up, state.mode),
        fabric: shared.fabric.mode(),
        clouds: state.clouds.map(|_, cloud| cloud.condition),
        pending: state.pending,
        events: state.events,
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: shared.started.elapsed().as_secs(),
        reason,
    };
    let http = match status {
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        Status::Healthy | Status::Degraded => StatusCode::OK,
    };
    (http, [(header::CACHE_CONTROL, "no-store")], Json(health)).into_response()
}

async fn judge(shared: &Services) -> (Status, Option<&'static str>) {
    if shared.stop.is_cancelled() {
        return (Status::Unhealthy, Some("this node is stopping"));
    }
    if !shared.database.answers(&shared.pool).await {
        return (Status::Unhealthy, Some("the database does not answer"));
    }
    if shared.ledger.queue_fill() > QUEUE_FILL_MAX {
        return (Status::Degraded, Some("the intake queue is nearly full"));
    }
    let me = shared.ledger.cloud();
    if shared.ledger.watermarks().borrow().log(me).frozen {
        let reason = "there is evidence against this cloud's log: it records nothing until it has \
                      new keys (Keys)";
        return (Status::Degraded, Some(reason));
    }
    (Status::Healthy, None)
}

/// How many clouds a quorum can be made of.
const fn mode(clouds_up: u8, rule: Mode) -> &'static str {
    match clouds_up {
        up if up < rule.clouds_needed() => "critical",
        0..=2 => "degraded",
        _ => "normal",
    }
}

async fn ready(State(shared): State<Shared>) -> Response {
    match judge(&shared).await {
        (Status::Unhealthy, reason) => {
            let detail = reason.unwrap_or("not known why");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::new(status, "not_ready", "Not ready", format!("Not ready: {detail}."))
                .retry_after(2)
                .into_response()
        }
        _ if !knows_its_people(&shared) => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let detail = "Not ready: the demonstration's people are not final yet.";
            Problem::new(status, "not_ready", "Not ready", detail).retry_after(1).into_response()
        }
        _ => "ready\n".into_response(),
    }
}

/// The demonstration's sign-in page and tokens are public before anybody could have made them, so
/// it counts as ready when they work.
fn knows_its_people(shared: &Services) -> bool {
    let catalog = shared.projection.catalog();
    shared.lab.is_none() || demonstration::every_login().all(|login| catalog.user(login).is_some())
}

async fn metrics_text(State(shared): State<Arc<Services>>) -> Response {
    measure::refresh(&shared);
    shared.metrics.run_upkeep();
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, shared.metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_the_number_of_clouds_that_can_sign() {
        let by = |rule| [0, 1, 2, 3].map(|up| mode(up, rule));
        assert_eq!(by(Mode::TwoOfThree), ["critical", "critical", "degraded", "normal"]);
        assert_eq!(by(Mode::Unanimous), ["critical", "critical", "critical", "normal"]);
    }
}
