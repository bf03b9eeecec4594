//! The HTTP client of the commands that talk to a cloud: retries, and problems shown to people.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;

/// Tries of one request. With the waits below they span about a minute: longer than a cloud
/// needs to start again, short enough that a person still looks.
const TRIES_MAX: u32 = 10;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(10);
/// A server that asks for more is not worth waiting for with a person at the terminal.
const RETRY_AFTER_S_MAX: u64 = 60;
/// Longer than any long poll that the commands ask for.
const ANSWER_WAIT: Duration = Duration::from_secs(90);
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// Most characters of an answer that is no problem document.
const BODY_CHARS_MAX: usize = 300;

/// One cloud, as a program with a token sees it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    /// It has answered once. A cloud that did and refuses connections now is starting again; one
    /// that never did is not there, or its address is wrong.
    answered: Arc<AtomicBool>,
}

/// What the cloud, or the way to it, had against a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("the token has characters that an HTTP header cannot carry")]
    Token,
    #[error("\"{0}\" is not an address of the form http://host:port")]
    Address(String),
    #[error("{url} cannot be reached: {cause}")]
    Unreachable { url: String, cause: String },
    #[error(
        "{url} cannot be reached: nothing listens there (connection refused). Is the cloud running, \
         and is this its address?"
    )]
    NothingThere { url: String },
    #[error("{url} answered {problem}")]
    Refused { url: String, problem: Refusal },
    #[error("the answer of {url} cannot be read: {cause}")]
    Malformed { url: String, cause: String },
}

/// A refusal as RFC 9457 describes it, with what a person needs of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: String,
    pub title: String,
    pub detail: String,
    pub request_id: Option<String>,
    pub errors: Vec<FieldRefusal>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct FieldRefusal {
    pub field: String,
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}: {}", self.status, self.title, self.detail)?;
        for error in &self.errors {
            write!(out, "; {} {}", error.field, error.reason)?;
        }
        match &self.request_id {
            Some(id) => write!(out, " (request {id})"),
            None => Ok(()),
        }
    }
}

/// Refused for now: the same request may succeed later, and nothing was recorded by this one.
pub(super) const fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

impl Client {
    /// # Errors
    /// The address or the token is not usable.
    pub(super) fn new(base: &str, token: Option<&str>) -> Result<Self, ClientError> {
        let base = base.trim_end_matches('/').to_owned();
        let usable = reqwest::Url::parse(&base).is_ok_and(|url| url.has_host());
        if !usable {
            return Err(ClientError::Address(base));
        }
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let value = HeaderValue::from_str(&format!("Bearer {token}"));
            let mut value = value.map_err(|_| ClientError::Token)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT_WAIT)
            .timeout(ANSWER_WAIT)
            .tcp_nodelay(true)
            .build()
            .map_err(|cause| ClientError::Unreachable {
                url: base.clone(),
                cause: reason(&cause),
            })?;
        Ok(Client { http, base, answered: Arc::default() })
    }

    /// Asks, and asks again while the refusal is a passing one.
    ///
    /// # Errors
    /// A lasting refusal, or the last of too many passing ones.
    pub(super) async fn get(&self, path: &str) -> Result<Bytes, ClientError> {
        self.persist(Method::GET, path, None).await
    }

    /// Posts JSON, and again while the refusal is a passing one: what is posted must be harmless
    /// to post twice, as events with an id are.
    ///
    /// # Errors
    /// A lasting refusal, or the last of too many passing ones.
    pub(super) async fn post(&self, path: &str, body: Bytes) -> Result<Bytes, ClientError> {
        self.persist(Method::POST, path, Some(body)).await
    }

    /// One try, without a repeat: for measuring.
    ///
    /// # Errors
    /// Any refusal.
    pub(super) async fn post_once(&self, path: &str, body: Bytes) -> Result<Bytes, ClientError> {
        let response = self.call(Method::POST, path, Some(body)).await?;
        self.read(path, response).await
    }

    async fn persist(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Bytes, ClientError> {
        let mut tried = 1;
        loop {
            let (error, asked) = match self.call(method.clone(), path, body.clone()).await {
                Ok(response) => {
                    let asked = retry_after(&response);
                    match self.read(path, response).await {
                        Ok(body) => return Ok(body),
                        Err(error) => (error, asked),
                    }
                }
                Err(error) => (error, None),
            };
            if tried >= TRIES_MAX || !Self::may_pass(&error) {
                return Err(error);
            }
            if tried == 1 {
                eprintln!("ternion: {error}; trying again, for up to {} s", patience_s());
            }
            tokio::time::sleep(asked.unwrap_or_else(|| pause(tried))).await;
            tried += 1;
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Response, ClientError> {
        let mut request = self.http.request(method, self.url(path));
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let response = request.send().await.map_err(|cause| self.unreached(&cause))?;
        self.answered.store(true, Ordering::Relaxed);
        Ok(response)
    }

    fn unreached(&self, cause: &reqwest::Error) -> ClientError {
        let url = self.base.clone();
        if is_refused(cause) && !self.answered.load(Ordering::Relaxed) {
            return ClientError::NothingThere { url };
        }
        ClientError::Unreachable { url, cause: reason(cause) }
    }

    /// Could the same request succeed soon?
    fn may_pass(error: &ClientError) -> bool {
        match error {
            ClientError::Unreachable { .. } => true,
            ClientError::Refused { problem, .. } => is_passing(problem.status),
            _ => false,
        }
    }

    async fn read(&self, path: &str, response: Response) -> Result<Bytes, ClientError> {
        let status = response.status();
        let body = response.bytes().await.map_err(|cause| ClientError::Unreachable {
            url: self.base.clone(),
            cause: reason(&cause),
        })?;
        if status.is_success() {
            return Ok(body);
        }
        Err(ClientError::Refused { url: self.url(path), problem: refusal(status, &body) })
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Reads an answer's JSON.
    ///
    /// # Errors
    /// It is not of the expected shape.
    pub(super) fn parse<'a, T: Deserialize<'a>>(
        &self,
        path: &str,
        body: &'a [u8],
    ) -> Result<T, ClientError> {
        serde_json::from_slice(body).map_err(|cause| ClientError::Malformed {
            url: self.url(path),
            cause: cause.to_string(),
        })
    }
}

/// What all waits of one request come to, unless the server asks for others.
fn patience_s() -> u64 {
    (1..TRIES_MAX).map(pause).sum::<Duration>().as_secs()
}

/// Doubles from [`FIRST_WAIT`] to [`WAIT_MAX`].
pub(super) fn pause(tried: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << tried.saturating_sub(1).min(10)).min(WAIT_MAX)
}

/// `Retry-After` in seconds; its other form, a date, none of our clouds sends.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: u64 = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(RETRY_AFTER_S_MAX)))
}

fn refusal(status: StatusCode, body: &[u8]) -> Refusal {
    let read: Option<Refusal> = serde_json::from_slice(body).ok();
    let problem = read.filter(|problem| !problem.title.is_empty()).unwrap_or_else(|| Refusal {
        title: status.canonical_reason().unwrap_or("without a reason").to_owned(),
        detail: String::from_utf8_lossy(body).chars().take(BODY_CHARS_MAX).collect(),
        ..Refusal::default()
    });
    Refusal { status: status.as_u16(), ..problem }
}

/// Did the machine answer that nothing listens at that port?
fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::ConnectionRefused
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The innermost cause: "connection refused" tells more than "error sending request".
pub(super) fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        assert_eq!(pause(1), FIRST_WAIT);
        assert_eq!(pause(2), FIRST_WAIT * 2);
        assert_eq!(pause(40), WAIT_MAX);
        assert_eq!(patience_s(), 45);
    }

    #[tokio::test]
    async fn a_port_where_nothing_listens_is_told_at_once() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", free.local_addr().expect("an address"));
        drop(free);
        let client = Client::new(&url, None).expect("an address");
        let asked = tokio::time::timeout(FIRST_WAIT, client.get("/health")).await;
        let error = asked.expect("without a second try").expect_err("nothing is there");
        assert!(error.to_string().contains("nothing listens there"), "{error}");
        client.answered.store(true, Ordering::Relaxed);
        let asked = tokio::time::timeout(FIRST_WAIT * 2, client.get("/health")).await;
        assert!(asked.is_err(), "one that has answered may be starting again");
    }

    #[test]
    fn an_answer_that_is_no_problem_document_is_still_shown() {
        let problem = refusal(StatusCode::BAD_GATEWAY, b"upstream gone");
        assert_eq!(problem.to_string(), "502 Bad Gateway: upstream gone");
    }

    #[test]
    fn a_problem_names_its_fields_and_request() {
        let body = br#"{"status":422,"code":"invalid","title":"Invalid request","detail":"no",
            "requestId":"r1","errors":[{"field":"/payload/model","reason":"is missing"}]}"#;
        let shown = refusal(StatusCode::UNPROCESSABLE_ENTITY, body).to_string();
        assert_eq!(shown, "422 Invalid request: no; /payload/model is missing (request r1)");
    }
}
