//! Keys that never enter this program: another process signs, started by us or behind a socket.
//!
//! This is where a cloud's key management fits. One request a line, one answer a line, JSON:
//!
//! ```text
//! {"key":"log/2","make":true}            → {"publicKey":"<base64 of 32 bytes>"}
//! {"key":"log/2","message":"<base64>"}   → {"signature":"<base64 of 64 bytes>"}
//!                                        → {"error":"why not"}
//! ```
//! Every signature is verified under the pinned public key before anybody sees it, so a signer
//! that is broken or replaced harms nobody. What fails is tried anew with a fresh process or
//! connection; a node whose signer stays away stops, rather than going on without its word.

mod line;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::key::{PublicKey, Sign, Signature, WeakKey};
use serde::{Deserialize, Serialize};

use line::Line;

/// One answer takes at most this long: a key management service far away, on a bad day.
const ANSWER_WAIT: Duration = Duration::from_secs(3);
/// With the waits between them some thirteen seconds: a signer that is restarted is back by then.
const TRIES_MAX: u32 = 4;
const RETRY_WAIT: Duration = Duration::from_millis(250);
/// Signed once at the start, to see that the signer has the key that is pinned.
const CHECKED: &[u8] = b"ternion/signer-check/v1\n";

/// How the signer is reached. Its output on standard error goes where ours goes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// A program and its arguments, kept running.
    Command(Vec<String>),
    /// A Unix socket.
    Socket(PathBuf),
}

/// The signer gave nothing that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    #[error("the signer {reach} does not run: {cause}")]
    Away { reach: Reach, cause: std::io::Error },
    #[error("the signer {reach} gave no answer within {ANSWER_WAIT:?}")]
    Silent { reach: Reach },
    #[error("the signer {reach} cannot be understood: {what}")]
    Unreadable { reach: Reach, what: String },
    #[error("the signer {reach} refuses: {what}")]
    Refused { reach: Reach, what: String },
    #[error("what the signer {reach} signed for {key} does not hold under the pinned public key")]
    Wrong { reach: Reach, key: String },
    #[error("the signer {reach} gave a key for {key} that must not be used: {weak}")]
    Weak { reach: Reach, key: String, weak: WeakKey },
}

impl fmt::Display for Reach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Arguments may hold secrets.
            Reach::Command(argv) => out.write_str(argv.first().map_or("", String::as_str)),
            Reach::Socket(path) => write!(out, "{}", path.display()),
        }
    }
}

/// One signer, shared by all keys that it holds.
#[derive(Debug)]
pub struct External {
    reach: Reach,
    line: Mutex<Option<Line>>,
}

#[derive(Serialize)]
struct Request<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    make: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    signature: Option<Signature>,
    public_key: Option<String>,
    error: Option<String>,
}

impl External {
    #[must_use]
    pub fn new(reach: Reach) -> Arc<Self> {
        Arc::new(External { reach, line: Mutex::default() })
    }

    /// Has the signer make a key of this name, unless it has one, and tell its public half.
    ///
    /// # Errors
    /// It does not answer, or with a key that must not be used.
    pub fn make(&self, key: &str) -> Result<PublicKey, ExternalError> {
        let public = |answer: Answer| {
            let text =
                answer.public_key.ok_or_else(|| self.unreadable(&"no publicKey in its answer"))?;
            let bytes = BASE64.decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            bytes.ok_or_else(|| self.unreadable(&"publicKey is not 32 bytes in base64"))
        };
        let request = Request { key, message: None, make: true };
        let bytes = beside_others(|| self.ask(&request, public))?;
        let weak =
            |weak| ExternalError::Weak { reach: self.reach.clone(), key: key.to_owned(), weak };
        PublicKey::from_bytes(&bytes).map_err(weak)
    }

    /// A signature that holds under `pinned`.
    fn sign(
        &self,
        key: &str,
        pinned: &PublicKey,
        message: &[u8],
    ) -> Result<Signature, ExternalError> {
        let request = Request { key, message: Some(BASE64.encode(message)), make: false };
        self.ask(&request, |answer| {
            let signature =
                answer.signature.ok_or_else(|| self.unreadable(&"no signature in its answer"))?;
            if pinned.verify(message, &signature) {
                return Ok(signature);
            }
            Err(ExternalError::Wrong { reach: self.reach.clone(), key: key.to_owned() })
        })
    }

    /// One question and its answer. After anything unusual the line is hung up: what comes late
    /// must not be taken for the answer to another question.
    fn ask<T>(
        &self,
        request: &Request<'_>,
        accept: impl FnOnce(Answer) -> Result<T, ExternalError>,
    ) -> Result<T, ExternalError> {
        let text = serde_json::to_string(request).map_err(|cause| self.unreadable(&cause))?;
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = match line.take() {
            Some(open) => open,
            None => Line::open(&self.reach)?,
        };
        let answer = open.exchange(&self.reach, &text, ANSWER_WAIT)?;
        let answer: Answer =
            serde_json::from_str(&answer).map_err(|cause| self.unreadable(&cause))?;
        if let Some(what) = answer.error {
            *line = Some(open); // a plain no to this question
            return Err(ExternalError::Refused { reach: self.reach.clone(), what });
        }
        let accepted = accept(answer)?;
        *line = Some(open);
        Ok(accepted)
    }

    fn unreadable(&self, what: &dyn fmt::Display) -> ExternalError {
        ExternalError::Unreadable { reach: self.reach.clone(), what: what.to_string() }
    }
}

/// One key of a signer, by its name there and its pinned public half.
#[derive(Debug)]
pub(super) struct ExternalKey {
    pub(super) signer: Arc<External>,
    pub(super) name: String,
    pub(super) pinned: PublicKey,
}

impl ExternalKey {
    /// Tried at once, so that a node does not begin what it cannot sign.
    pub(super) fn open(
        signer: &Arc<External>,
        name: String,
        pinned: PublicKey,
    ) -> Result<Self, ExternalError> {
        beside_others(|| signer.sign(&name, &pinned, CHECKED))?;
        Ok(ExternalKey { signer: Arc::clone(signer), name, pinned })
    }

    /// Each try has a process or connection of its own, if the last one broke it.
    fn persist(&self, message: &[u8]) -> Result<Signature, ExternalError> {
        let mut tried = 1;
        loop {
            match self.signer.sign(&self.name, &self.pinned, message) {
                Ok(signature) => return Ok(signature),
                Err(cause) if tried >= TRIES_MAX => return Err(cause),
                Err(cause) => {
                    tracing::warn!(key = self.name, tried, %cause, "a signature is tried again");
                }
            }
            std::thread::sleep(RETRY_WAIT);
            tried += 1;
        }
    }
}

impl Sign for ExternalKey {
    fn public(&self) -> PublicKey {
        self.pinned
    }

    /// # Panics
    /// The signer stays away. A part of a node that panics stops the node, and nothing was said yet
    /// of what would have been signed: it is as after a crash.
    fn sign(&self, message: &[u8]) -> Signature {
        let signed = beside_others(|| self.persist(message));
        signed.unwrap_or_else(|cause| panic!("this cloud cannot sign: {cause}"))
    }
}

/// Waiting for another process must not hold up what else this thread would do.
fn beside_others<T>(wait: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
    if matches!(flavor, Ok(RuntimeFlavor::MultiThread)) {
        tokio::task::block_in_place(wait)
    } else {
        wait()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real process: `sh` with a script that answers as told.
    fn signer(script: &str) -> Arc<External> {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        External::new(Reach::Command(argv))
    }

    /// The signature of RFC 8032's first test vector, over the empty message.
    const PUBLIC: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const SIGNATURE: &str =
        "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==";

    fn pinned() -> PublicKey {
        super::super::text::parse(PUBLIC).expect("a public key")
    }

    #[test]
    fn a_signature_that_holds_is_given_and_one_for_something_else_is_not() {
        let script =
            format!("while read -r line; do echo '{{\"signature\":\"{SIGNATURE}\"}}'; done");
        let signer = signer(&script);
        assert!(signer.sign("log/1", &pinned(), b"").is_ok());
        assert!(matches!(signer.sign("log/1", &pinned(), b"x"), Err(ExternalError::Wrong { .. })));
        assert!(signer.sign("log/1", &pinned(), b"").is_ok(), "another process is asked");
    }

    #[test]
    fn a_process_that_dies_after_each_answer_is_started_again() {
        let script = format!("read -r line; echo '{{\"signature\":\"{SIGNATURE}\"}}'");
        let signer = signer(&script);
        let key = ExternalKey { signer, name: "log/1".to_owned(), pinned: pinned() };
        for _ in 0..3 {
            assert!(key.persist(b"").is_ok());
        }
    }

    #[test]
    fn a_process_that_says_nothing_is_given_up_in_time() {
        let before = std::time::Instant::now();
        let outcome = signer("sleep 60").sign("log/1", &pinned(), b"");
        assert!(matches!(outcome, Err(ExternalError::Silent { .. })), "{outcome:?}");
        assert!(before.elapsed() < ANSWER_WAIT * 3);
    }

    #[test]
    fn what_a_signer_refuses_and_what_cannot_be_read_is_told_without_its_arguments() {
        let refuses = signer("read -r line; echo '{\"error\":\"no such key\"}'; secret=1");
        let told = refuses.make("log/1").expect_err("refused").to_string();
        assert!(told.contains("no such key") && !told.contains("secret"), "{told}");
        let babbles = signer("read -r line; echo hello");
        assert!(matches!(babbles.make("log/1"), Err(ExternalError::Unreadable { .. })));
        let missing = External::new(Reach::Command(vec!["/nowhere/signer".to_owned()]));
        assert!(matches!(missing.make("log/1"), Err(ExternalError::Away { .. })));
    }

    #[test]
    fn a_signer_behind_a_socket_is_asked_over_it() {
        use std::io::{BufRead as _, Write as _};
        let path = std::env::temp_dir().join(format!("ternion-signer-{}", uuid::Uuid::now_v7()));
        let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        let serving = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a caller");
            let mut lines = std::io::BufReader::new(stream.try_clone().expect("a stream")).lines();
            let request = lines.next().expect("a line").expect("readable");
            writeln!(&stream, "{{\"publicKey\":\"{PUBLIC}\"}}").expect("written");
            request
        });
        let made = External::new(Reach::Socket(path.clone())).make("cosigner/3");
        assert_eq!(made.expect("made"), pinned());
        assert_eq!(serving.join().expect("served"), "{\"key\":\"cosigner/3\",\"make\":true}");
        drop(std::fs::remove_file(path));
    }
}
