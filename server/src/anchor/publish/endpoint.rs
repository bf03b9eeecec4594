//! One address that is called: bounded answers, a deadline, and errors that show no secret.
//!
//! Addresses of nodes often hold keys. Nothing of an address but scheme, host and port is shown,
//! and whatever an answer repeats of it is taken out.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, StatusCode, Url};

use crate::outside::{self, AddressError};

/// A node that takes longer has other troubles.
const CALL_WAIT: Duration = Duration::from_secs(20);
/// Most characters of an answer that are worth a line.
const EXCERPT_CHARS_MAX: usize = 200;
/// Shorter parts of an address ("v1", "rpc") are no keys, and would take words out of sentences.
const SECRET_CHARS_MIN: usize = 8;

/// The address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("it is not an address such as https://node.example.com")]
    Address,
    #[error("it must begin with https://, as it is not on this machine")]
    Unprotected,
    #[error("TLS cannot be set up on this machine: {0}")]
    Client(reqwest::Error),
}

/// A call came to nothing. Shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("{at} gave no answer in {} s", CALL_WAIT.as_secs())]
    Late { at: String },
    #[error("{at} cannot be reached: {cause}")]
    Unreachable { at: String, cause: String },
    #[error("{at} answers with more than {max} bytes")]
    TooLarge { at: String, max: usize },
    #[error("{at}: the file with the login cannot be read: {cause}")]
    Login { at: String, cause: String },
    #[error("{at} answers {status}: {said}")]
    Status { at: String, status: u16, said: String },
}

/// What was answered, whatever the status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) method: Method,
    /// Below the address.
    pub(super) path: &'a str,
    pub(super) content_type: &'a str,
    pub(super) accept: &'a str,
    pub(super) body: Vec<u8>,
    pub(super) answer_bytes_max: usize,
}

/// How we say who we are (HTTP Basic).
#[derive(Clone)]
pub enum Login {
    /// A file that holds `user:password`, and others whenever the node starts anew.
    Cookie(PathBuf),
    /// `user:password`
    Password(String),
}

impl Login {
    #[must_use]
    pub fn password(user: &str, password: &str) -> Self {
        Login::Password(format!("{user}:{password}"))
    }

    fn header(&self) -> std::io::Result<String> {
        let both = match self {
            Login::Cookie(path) => std::fs::read_to_string(path)?,
            Login::Password(both) => both.clone(),
        };
        Ok(format!("Basic {}", BASE64.encode(both.trim())))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Login::Cookie(path) => write!(out, "Cookie({})", path.display()),
            Login::Password(_) => out.write_str("Password"),
        }
    }
}

/// One address. Its `Debug` and `Display` show scheme, host and port.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    login: Option<Login>,
    client: reqwest::Client,
    secrets: Vec<String>,
}

impl Endpoint {
    /// # Errors
    /// Not http or https; or http to another machine.
    pub fn new(address: &str) -> Result<Self, EndpointError> {
        let url = outside::address(address).map_err(|error| match error {
            AddressError::Malformed => EndpointError::Address,
            AddressError::Unprotected => EndpointError::Unprotected,
        })?;
        let client = outside::client(&url, CALL_WAIT).map_err(EndpointError::Client)?;
        let secrets = secrets(&url);
        Ok(Endpoint { url, login: None, client, secrets })
    }

    #[must_use]
    pub fn with_login(mut self, login: Option<Login>) -> Self {
        if let Some(Login::Password(both)) = &login {
            let password = both.split_once(':').map_or("", |(_, password)| password);
            self.secrets.push(password.to_owned());
            self.secrets.retain(|secret| !secret.is_empty());
        }
        self.login = login;
        self
    }

    /// Asks, and reads no more of the answer than is allowed.
    pub(super) async fn ask(&self, question: Question<'_>) -> Result<Answer, CallError> {
        let mut request = self.client.request(question.method, self.below(question.path));
        request = request.header(ACCEPT, question.accept);
        if !question.content_type.is_empty() {
            request = request.header(CONTENT_TYPE, question.content_type).body(question.body);
        }
        if let Some(login) = &self.login {
            let fault = |cause: std::io::Error| CallError::Login {
                at: self.to_string(),
                cause: cause.to_string(),
            };
            request = request.header(AUTHORIZATION, login.header().map_err(fault)?);
        }
        let mut response = request.send().await.map_err(|cause| self.unreachable(cause))?;
        let (status, max) = (response.status(), question.answer_bytes_max);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|cause| self.unreachable(cause))? {
            if body.len() + chunk.len() > max {
                return Err(CallError::TooLarge { at: self.to_string(), max });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body })
    }

    /// The same, where anything but 200 is an error.
    pub(super) async fn fetch(&self, question: Question<'_>) -> Result<Vec<u8>, CallError> {
        let answer = self.ask(question).await?;
        if answer.status == StatusCode::OK {
            return Ok(answer.body);
        }
        Err(self.refusal(&answer))
    }

    pub(super) fn refusal(&self, answer: &Answer) -> CallError {
        let said = self.hide(&String::from_utf8_lossy(&answer.body));
        CallError::Status { at: self.to_string(), status: answer.status.as_u16(), said }
    }

    /// A text of others, short and without what is secret of this address.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, "(hidden)");
        }
        let printable = text.chars().filter(|letter| !letter.is_control());
        printable.take(EXCERPT_CHARS_MAX).collect()
    }

    fn below(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        if !path.is_empty() {
            let base = self.url.path().trim_end_matches('/');
            url.set_path(&format!("{base}/{path}"));
        }
        url
    }

    fn unreachable(&self, cause: reqwest::Error) -> CallError {
        let at = self.to_string();
        if cause.is_timeout() {
            return CallError::Late { at };
        }
        // reqwest's own words hold the address.
        let cause = cause.without_url();
        let mut words = cause.to_string();
        let mut source = std::error::Error::source(&cause);
        while let Some(deeper) = source {
            words = deeper.to_string();
            source = deeper.source();
        }
        CallError::Unreachable { at, cause: self.hide(&words) }
    }
}

/// Whatever of an address may be a key: its path, query and login, and their parts.
fn secrets(url: &Url) -> Vec<String> {
    let query = url.query().unwrap_or_default();
    let parts = url.path().split('/').chain(query.split(['&', '=']));
    let whole = [url.path(), query, url.password().unwrap_or_default(), url.username()];
    let mut secrets: Vec<String> = whole.into_iter().chain(parts).map(str::to_owned).collect();
    secrets.retain(|secret| secret.chars().count() >= SECRET_CHARS_MIN);
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.url.scheme(), self.url.host_str().unwrap_or_default())?;
        self.url.port().map_or(Ok(()), |port| write!(out, ":{port}"))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_in_an_address_is_shown_nowhere() {
        let endpoint = Endpoint::new(
            "https://user:hunter2hunter2@node.example.com/v3/0123456789abcdef?apikey=fedcba9876543210",
        );
        let endpoint =
            endpoint.expect("an address").with_login(Some(Login::password("u", "topsecret1")));
        assert_eq!(endpoint.to_string(), "https://node.example.com");
        assert_eq!(format!("{endpoint:?}"), "Endpoint(https://node.example.com)");
        let said = "project 0123456789abcdef of fedcba9876543210 hunter2hunter2 topsecret1\n";
        assert_eq!(endpoint.hide(said), "project (hidden) of (hidden) (hidden) (hidden)");
    }

    #[tokio::test]
    async fn an_error_of_the_connection_does_not_name_the_path() {
        let endpoint = Endpoint::new("http://127.0.0.1:1/0123456789abcdef").expect("an address");
        let question = Question {
            method: Method::GET,
            path: "",
            content_type: "",
            accept: "*/*",
            body: Vec::new(),
            answer_bytes_max: 10,
        };
        let error = endpoint.ask(question).await.expect_err("nobody is there").to_string();
        assert!(error.starts_with("http://127.0.0.1:1 cannot be reached"), "{error}");
        assert!(!error.contains("0123456789abcdef"), "{error}");
    }
}
