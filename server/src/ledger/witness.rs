//! Asks the witness for its signature, in the mode that counts it.
//!
//! A head goes to the witness when one signature is missing to make it final: then all signers
//! stand under one head, and its receipt needs no other. The origin asks at once. Whoever else holds
//! the log asks when the origin has not, so that a withholding origin starves nobody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::log::{LogId, plan};
use domain::quorum::{Mode, Signer};
use domain::witness::{ADD_CHECKPOINT_PATH, Submission};
use reqwest::{Response, StatusCode};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::logs::Logs;
use super::signing::SignedHead;
use super::tree;
use super::watermark::LogView;
use crate::witness::ADD_EPOCH_PATH;

/// A head that its origin has not had signed by now is brought by others.
const PATIENCE_WITH_ORIGIN: Duration = Duration::from_secs(2);
/// How often it is looked for heads that wait, beside whenever a watermark moves.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longest wait for an answer: a signature and one file written.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// A witness that does not answer is asked again after this.
const RETRY_WAIT: Duration = Duration::from_secs(1);
/// A note of a handful of lines, or a refusal's sentence.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
enum Unsigned {
    #[error("it does not answer: {0}")]
    Away(#[from] reqwest::Error),
    #[error("our own tree cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    #[error("it answers {status}: {said}")]
    Refused { status: StatusCode, said: String },
    #[error("it answers with no signature of its own")]
    NoSignature,
    #[error("it has signed another history of this log")]
    Forked,
    #[error("our own tree has no proof from {0} entries; the scrub says what is wrong with it")]
    NoProof(u64),
}

/// How an answered petition ended.
enum Petition {
    Signed,
    /// It has signed as much or more: its note was compared with our tree.
    Compared,
}

/// What one cloud asks of the witness.
#[derive(Debug)]
pub(super) struct Petitioner {
    logs: Arc<Logs>,
    url: String,
    /// The size that the witness signed last, where it is known to be beyond what we have seen.
    signed: BTreeMap<LogId, u64>,
    /// Since when a head of another's log waits.
    waiting: BTreeMap<LogId, (u64, Instant)>,
    /// Logs for which it did not sign just now: others do not wait for them.
    resting: BTreeMap<LogId, Instant>,
}

impl Petitioner {
    pub(super) fn new(logs: Arc<Logs>, url: String) -> Self {
        let (signed, waiting, resting) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Petitioner { logs, url, signed, waiting, resting }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.run_on() => {}
        }
    }

    async fn run_on(&mut self) {
        let mut watermarks = self.logs.board.watermarks.subscribe();
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = watermarks.changed() => if changed.is_err() { return },
                _ = ticks.tick() => {}
            }
            let marks = watermarks.borrow_and_update().clone();
            let views = marks.views().filter(|view| view.mode == Mode::Witness && !view.frozen);
            for view in views {
                if let Some(head) = self.due(view) {
                    self.petition(&head).await;
                }
            }
        }
    }

    /// The head that one signature of the witness would make final, when it is ours to bring.
    fn due(&mut self, view: &LogView) -> Option<SignedHead> {
        if self.resting.get(&view.log).is_some_and(|since| since.elapsed() < RETRY_WAIT) {
            return None;
        }
        let Some(lacks_one) = self.logs.board.newest_lacking_one(view) else {
            self.waiting.remove(&view.log);
            return None;
        };
        if view.log.origin == self.logs.setup.cloud {
            return Some(lacks_one);
        }
        let seen = (view.signed.witness, Instant::now());
        let (size, since) = self.waiting.entry(view.log).or_insert(seen);
        if *size < view.signed.witness {
            (*size, *since) = seen; // the origin does ask
        }
        (since.elapsed() > PATIENCE_WITH_ORIGIN).then_some(lacks_one)
    }

    async fn petition(&mut self, head: &SignedHead) {
        let outcome = self.ask(head).await;
        let result = match outcome {
            Ok(Petition::Signed) => "signed",
            Ok(Petition::Compared) => "compared",
            Err(_) => "unsigned",
        };
        metrics::counter!("ternion_witness_petitions_total", "result" => result).increment(1);
        if result == "signed" {
            self.resting.remove(&head.log);
        } else {
            self.resting.insert(head.log, Instant::now());
        }
        if let Err(cause) = outcome {
            tracing::warn!(log = %head.log, size = head.head.size, %cause, "the witness did not sign");
        }
    }

    /// A witness that knows less than we think, or more, says so; then once more.
    async fn ask(&mut self, head: &SignedHead) -> Result<Petition, Unsigned> {
        for _ in 0..3 {
            let answer = self.submit(head).await?;
            match answer.status() {
                StatusCode::OK => {
                    self.take(head, answer).await?;
                    return Ok(Petition::Signed);
                }
                StatusCode::CONFLICT => {
                    let said = text_of(answer).await?;
                    let Ok(size) = said.trim().parse::<u64>() else {
                        return Err(Unsigned::Refused { status: StatusCode::CONFLICT, said });
                    };
                    if size >= head.head.size {
                        self.compare(head.log).await?;
                        return Ok(Petition::Compared);
                    }
                    self.signed.insert(head.log, size);
                }
                StatusCode::NOT_FOUND => self.tell_epochs().await?,
                StatusCode::UNPROCESSABLE_ENTITY => {
                    self.compare(head.log).await?;
                    return Err(Unsigned::Forked);
                }
                status => return Err(Unsigned::Refused { status, said: text_of(answer).await? }),
            }
        }
        Err(Unsigned::NoSignature)
    }

    async fn submit(&self, head: &SignedHead) -> Result<Response, Unsigned> {
        let (log, new) = (head.log, head.head.size);
        let seen =
            self.logs.board.watermarks.borrow().view(log).map_or(0, |view| view.signed.witness);
        let old_size = self.signed.get(&log).copied().unwrap_or(seen).min(new);
        let proof = match plan::consistency(old_size, new).filter(|_| old_size < new) {
            Some(plan) => {
                let proof = tree::assemble(&self.logs.setup.pool, log, new, &plan).await?;
                proof.ok_or(Unsigned::NoProof(old_size))?
            }
            None => Vec::new(), // the first head, or the same once more
        };
        let note = self.logs.signing.note(head);
        let submission = Submission { old_size, proof, note };
        self.post(ADD_CHECKPOINT_PATH, submission.to_string()).await
    }

    async fn post(&self, path: &str, body: String) -> Result<Response, Unsigned> {
        let client = &self.logs.setup.channel.client;
        let request = client.post(format!("{}{path}", self.url)).timeout(ANSWER_WAIT);
        let request = request.header(reqwest::header::CONTENT_TYPE, content_type(path));
        Ok(request.body(body).send().await?)
    }

    /// The signature counts as soon as it is verified, here and through our heads at the peers.
    async fn take(&mut self, head: &SignedHead, answer: Response) -> Result<(), Unsigned> {
        let lines = text_of(answer).await?;
        let note = format!("{}{lines}", self.logs.signing.note(head));
        self.hear(head.log, &note).await?;
        self.signed.remove(&head.log);
        Ok(())
    }

    /// The witness has signed a head that we have not seen with its signature: the same history, or
    /// the proof of another.
    async fn compare(&mut self, log: LogId) -> Result<(), Unsigned> {
        let client = &self.logs.setup.channel.client;
        let path = format!("{}/v1/logs/{}/{}/checkpoint", self.url, log.origin, log.epoch);
        let answer = client.get(path).timeout(ANSWER_WAIT).send().await?;
        let note = text_of(answer).await?;
        self.hear(log, &note).await?;
        self.signed.remove(&log);
        Ok(())
    }

    async fn hear(&self, log: LogId, note: &str) -> Result<(), Unsigned> {
        let signed = self.logs.signing.verify(log, note);
        let signed = signed.filter(|signed| signed.lines.contains_key(&Signer::Witness));
        let signed = signed.ok_or(Unsigned::NoSignature)?;
        if let Some(doors) = self.logs.doors(log) {
            // The driver ends only with the node.
            drop(doors.heard.send(signed).await);
        }
        Ok(())
    }

    /// Tells every epoch record that we know.
    async fn tell_epochs(&self) -> Result<(), Unsigned> {
        let register = self.logs.register.load_full();
        for signed in register.records() {
            let Ok(body) = serde_json::to_string(signed) else { continue };
            let answer = self.post(ADD_EPOCH_PATH, body).await?;
            let status = answer.status();
            if !status.is_success() {
                return Err(Unsigned::Refused { status, said: text_of(answer).await? });
            }
        }
        Ok(())
    }
}

fn content_type(path: &str) -> &'static str {
    if path == ADD_EPOCH_PATH { "application/json" } else { "text/plain; charset=utf-8" }
}

/// As much of a body as an honest witness sends.
async fn text_of(mut answer: Response) -> Result<String, Unsigned> {
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        text.extend_from_slice(&chunk);
        if text.len() > ANSWER_BYTES_MAX {
            text.truncate(ANSWER_BYTES_MAX);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}
