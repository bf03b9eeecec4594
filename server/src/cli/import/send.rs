//! Sending rows in batches, several at a time, until each is recorded or refused; then waiting
//! until what was recorded is FINAL.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use domain::cloud::Cloud;
use domain::event::Slot;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Row;
use super::progress::Progress;
use crate::cli::client::{Client, ClientError, Refusal, is_passing, pause};

/// Rows of one request.
const BATCH_ROWS: usize = 500;
/// Enough that the cloud always has a batch to store while others travel.
const IN_FLIGHT_MAX: usize = 4;
/// Tries of rows that the cloud refuses for now.
const TRIES_MAX: u32 = 10;
/// Between two questions whether the last event is FINAL.
const POLL_EVERY: Duration = Duration::from_millis(200);
/// With one cloud out of reach finality goes on; with two it does not, and this is said.
const FINAL_WAIT_MAX: Duration = Duration::from_secs(120);

/// What became of the rows.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) sent: usize,
    pub(super) accepted: usize,
    pub(super) repeated: usize,
    pub(super) refused: usize,
    pub(super) final_count: usize,
    pub(super) problems: Vec<RowProblem>,
    pub(super) elapsed: Duration,
    /// The highest recorded slot of each log: a log is final up to a place, so when its last
    /// event is FINAL, all are.
    last: BTreeMap<(Cloud, u32), (Slot, Uuid)>,
}

#[derive(Debug)]
pub(super) struct RowProblem {
    pub(super) line: usize,
    pub(super) reason: String,
}

/// The import broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error(
        "the import broke off: {0}\nRun the same command again to go on; rows that are recorded are not recorded twice"
    )]
    Client(#[from] ClientError),
    #[error("{0} gave {1} answers to {2} events")]
    Count(String, usize, usize),
    #[error("a sending task ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error("event {0} is recorded but not FINAL after {wait} s: is a second cloud up?", wait = FINAL_WAIT_MAX.as_secs())]
    NotFinal(Uuid),
}

/// One item of a batch's answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    http_status: u16,
    event_id: Option<Uuid>,
    slot: Option<Slot>,
    problem: Option<Refusal>,
}

/// `GET /v1/events/{id}/confirmations`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Confirmations {
    status: String,
}

#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    progress: Progress,
    tally: Tally,
}

impl Sender {
    pub(super) fn new(client: Client, rows: usize) -> Self {
        Sender { client, progress: Progress::new(rows), tally: Tally::default() }
    }

    pub(super) async fn run(mut self, rows: Vec<Row>) -> Result<Tally, SendError> {
        let start = Instant::now();
        let outcome = self.send_all(rows).await;
        self.progress.end();
        outcome?;
        self.tally.problems.sort_by_key(|problem| problem.line);
        self.tally.elapsed = start.elapsed();
        Ok(self.tally)
    }

    async fn send_all(&mut self, rows: Vec<Row>) -> Result<(), SendError> {
        let mut batches = rows.chunks(BATCH_ROWS).map(<[Row]>::to_vec);
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < IN_FLIGHT_MAX
                && let Some(batch) = batches.next()
            {
                let client = self.client.clone();
                tasks.spawn(async move { record(&client, batch).await });
            }
            let Some(joined) = tasks.join_next().await else { break };
            let answers = joined??;
            self.progress.add(answers.len());
            answers.into_iter().for_each(|(row, item)| self.tally.count(row.line, item));
        }
        self.progress.say("recorded; waiting for FINAL");
        self.until_final().await
    }

    async fn until_final(&mut self) -> Result<(), SendError> {
        for (_, id) in self.tally.last.values() {
            until_one_is_final(&self.client, *id).await?;
        }
        self.tally.final_count = self.tally.accepted + self.tally.repeated;
        Ok(())
    }
}

async fn until_one_is_final(client: &Client, id: Uuid) -> Result<(), SendError> {
    let path = format!("/v1/events/{id}/confirmations");
    let start = Instant::now();
    while start.elapsed() < FINAL_WAIT_MAX {
        let body = client.get(&path).await?;
        let confirmations: Confirmations = client.parse(&path, &body)?;
        // What is held in quarantine is signed by the clouds as well; it will not change by itself.
        if confirmations.status != "PENDING" {
            return Ok(());
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
    Err(SendError::NotFinal(id))
}

/// Posts a batch until every row has a lasting answer.
async fn record(client: &Client, rows: Vec<Row>) -> Result<Vec<(Row, Item)>, SendError> {
    let mut answered = Vec::with_capacity(rows.len());
    let mut open = rows;
    let mut tried = 1;
    loop {
        let items = post(client, &open).await?;
        let pairs = open.into_iter().zip(items);
        let again = |item: &Item| tried < TRIES_MAX && is_passing(item.http_status);
        let (passing, lasting): (Vec<_>, Vec<_>) = pairs.partition(|(_, item)| again(item));
        answered.extend(lasting);
        if passing.is_empty() {
            return Ok(answered);
        }
        open = passing.into_iter().map(|(row, _)| row).collect();
        tokio::time::sleep(pause(tried)).await;
        tried += 1;
    }
}

async fn post(client: &Client, rows: &[Row]) -> Result<Vec<Item>, SendError> {
    const PATH: &str = "/v1/events";
    let events: Vec<&Value> = rows.iter().map(|row| &row.event).collect();
    let body = serde_json::to_vec(&events).map_err(|cause| ClientError::Malformed {
        url: client.url(PATH),
        cause: cause.to_string(),
    })?;
    let answer = client.post(PATH, Bytes::from(body)).await?;
    let items: Vec<Item> = client.parse(PATH, &answer)?;
    if items.len() != rows.len() {
        return Err(SendError::Count(client.url(PATH), items.len(), rows.len()));
    }
    Ok(items)
}

impl Tally {
    fn count(&mut self, line: usize, item: Item) {
        self.sent += 1;
        match item.http_status {
            201 | 202 => self.accepted += 1,
            200 => self.repeated += 1,
            status => {
                self.refused += 1;
                let problem = item.problem.unwrap_or_default();
                let reason = Refusal { status, ..problem }.to_string();
                self.problems.push(RowProblem { line, reason });
            }
        }
        // A refusal may name the slot of another event; only what is ours is waited for.
        if let (200..=202, Some(slot), Some(id)) = (item.http_status, item.slot, item.event_id) {
            let last = self.last.entry((slot.origin, slot.epoch)).or_insert((slot, id));
            if slot.sequence > last.0.sequence {
                *last = (slot, id);
            }
        }
    }
}
