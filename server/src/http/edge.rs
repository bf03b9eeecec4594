//! What happens to every request at the edge: an id, one log line, one set of metrics, and
//! errors in one shape.

use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::Shared;
use crate::identity::MaybePrincipal;
use crate::problem::Problem;

/// In and out: a caller's own id is kept, so that logs of several programs can be joined.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A caller's id that is longer would only fill the log.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// What a framework says about a request that it refused fits well into this.
const REASON_BYTES_MAX: usize = 1_024;
/// Beside the longest `?wait=final`: no other request takes nearly as long.
const GRACE: Duration = Duration::from_secs(15);

/// The id of the request at hand; it stands in its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Who was let in, for the log line.
#[derive(Clone, Debug)]
struct Who(String);

/// Outermost: names the request, and says afterwards how it went.
pub(super) async fn attend(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let speaks_problem = speaks_problem(request.uri().path());
    let mut response = next.run(request).await;
    if speaks_problem {
        response = in_one_shape(response, &id).await;
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let line = Line { id, method: method.to_string(), route, took: started.elapsed() };
    line.write(&response);
    line.measure(response.status());
    if line.is_ordinary() {
        shared.recent.add(line.took);
    }
    response
}

fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_plain = |text: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (1..=REQUEST_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain)
    };
    given.filter(is_plain).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// Server functions and peers have their own forms of errors.
fn speaks_problem(path: &str) -> bool {
    !path.starts_with("/api/") && !path.starts_with("/peer/")
}

/// What the log says of one request: never a query or a body, since these may hold secrets.
struct Line {
    id: String,
    method: String,
    /// The route's pattern; absent for pages and unknown paths.
    route: Option<String>,
    took: Duration,
}

impl Line {
    fn route(&self) -> &str {
        self.route.as_deref().unwrap_or("page")
    }

    /// A metric's labels must be few; a client may invent any method.
    fn known_method(&self) -> &'static str {
        const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        METHODS.into_iter().find(|known| *known == self.method).unwrap_or("other")
    }

    /// Machines ask these every second.
    fn is_chatter(&self) -> bool {
        let route = self.route();
        route.starts_with("/peer/")
            || matches!(route, "/health" | "/livez" | "/readyz" | "/metrics")
    }

    /// Its time says something about this node, not about how long the caller chose to wait.
    fn is_ordinary(&self) -> bool {
        !self.is_chatter() && self.route() != "/v1/stream" && self.route() != "/v1/events"
    }

    fn write(&self, response: &Response) {
        let status = response.status().as_u16();
        let who = response.extensions().get::<Who>().map(|Who(login)| login.as_str());
        let (request_id, method, route) = (&self.id, &self.method, self.route());
        let ms = self.took.as_millis();
        if self.is_chatter() {
            tracing::debug!(request_id, method, route, status, ms, who, "request");
        } else {
            tracing::info!(request_id, method, route, status, ms, who, "request");
        }
    }

    fn measure(&self, status: StatusCode) {
        let route = self.route().to_owned();
        metrics::counter!(
            "ternion_http_requests_total",
            "method" => self.known_method(), "route" => route.clone(), "status" => status.as_str().to_owned()
        )
        .increment(1);
        metrics::histogram!("ternion_http_request_seconds", "route" => route)
            .record(self.took.as_secs_f64());
    }
}

/// Gives every error the one shape, whoever made it, with the request's id in it.
async fn in_one_shape(mut response: Response, id: &str) -> Response {
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if is_bare_error(&response) => {
            let status = response.status();
            let allow = response.headers().get(header::ALLOW).cloned();
            let reason = to_bytes(std::mem::take(response.body_mut()), REASON_BYTES_MAX).await;
            let reason = String::from_utf8_lossy(&reason.unwrap_or_default()).into_owned();
            bare(status, allow.as_ref(), &reason)
        }
        None => return response,
    };
    let problem = Problem { request_id: Some(id.to_owned()), ..problem };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    let kind = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    *response.body_mut() = Body::from(body);
    response
}

/// An error that no handler of ours made: axum's own refusals and those of layers.
fn is_bare_error(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_ours = kind.is_some_and(|kind| kind.starts_with("text/html") || kind.contains("json"));
    (status.is_client_error() || status.is_server_error()) && !is_ours
}

fn bare(status: StatusCode, allow: Option<&HeaderValue>, reason: &str) -> Problem {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            let allow = allow.and_then(|allow| allow.to_str().ok()).unwrap_or("other methods");
            let detail = format!("This address takes {allow} only.");
            Problem::new(status, "method_not_allowed", "Method not allowed", detail)
        }
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("The body is over the limit."),
        StatusCode::REQUEST_TIMEOUT => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "This took too long",
            "Whether it was done is not known. Sending the same event id again tells.",
        ),
        StatusCode::NOT_FOUND => Problem::not_found("There is nothing at this address; see /docs."),
        status if status.is_server_error() => Problem::fault(reason),
        status => Problem::new(status, "refused", "Refused", reason.to_owned()),
    }
}

/// Inside the guard: keeps who was let in for the log line.
pub(super) async fn note_who(who: MaybePrincipal, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let MaybePrincipal(Some(principal)) = who {
        response.extensions_mut().insert(Who(principal.login));
    }
    response
}

/// Takes no more requests at a time than configured: a late refusal helps nobody.
pub(super) async fn admit(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let Ok(_place) = shared.places.try_acquire() else {
        metrics::counter!("ternion_http_refused_total").increment(1);
        let detail = "This cloud serves as many requests as it can. Try again, or another cloud.";
        return Problem::busy(detail).into_response();
    };
    next.run(request).await
}

/// Ends what hangs. A stream's body is not counted: its answer begins at once.
pub(super) async fn end_in_time(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let longest = Duration::from_millis(shared.limits.wait_ms) + GRACE;
    match tokio::time::timeout(longest, next.run(request)).await {
        Ok(response) => response,
        Err(_) => bare(StatusCode::REQUEST_TIMEOUT, None, "").retry_after(1).into_response(),
    }
}

/// The answer to a request whose handler panicked.
#[expect(clippy::needless_pass_by_value, reason = "the shape that CatchPanicLayer wants")]
pub(super) fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("no message");
    Problem::fault(format!("a handler panicked: {text}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(id: &'static str) -> String {
        request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(id))]))
    }

    #[test]
    fn a_callers_id_is_kept_if_it_can_stand_in_a_log_line() {
        assert_eq!(given("trace-7.a_b"), "trace-7.a_b");
        assert_ne!(given("a b"), "a b");
        assert_ne!(given(""), "");
        assert!(Uuid::parse_str(&request_id(&HeaderMap::new())).is_ok());
    }

    #[tokio::test]
    async fn the_frameworks_own_refusals_become_problems() {
        let refusal =
            (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET,HEAD")]).into_response();
        let response = in_one_shape(refusal, "r-1").await;
        assert_eq!(response.headers()[header::ALLOW], "GET,HEAD");
        let body = to_bytes(response.into_body(), 1_000).await.expect("a body");
        let problem: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(problem["code"], "method_not_allowed");
        assert_eq!(problem["requestId"], "r-1");
        assert_eq!(problem["detail"], "This address takes GET,HEAD only.");
    }

    #[tokio::test]
    async fn what_is_no_error_or_is_a_page_passes_as_it_is() {
        let page = (StatusCode::NOT_FOUND, axum::response::Html("<p>gone")).into_response();
        let body = to_bytes(in_one_shape(page, "r").await.into_body(), 100).await.expect("a body");
        assert_eq!(&body[..], b"<p>gone");
    }
}
