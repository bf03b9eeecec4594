//! `ternion bench`: load from outside, over HTTP, as clients make it; and simulations.

mod economics;
mod fabric;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Outcome;
use super::client::{Client, ClientError};

/// The cloud gives up waiting for FINAL after this; the event then counts as an error.
const FINAL_WAIT_MS: u32 = 30_000;
/// A client that was refused rests, so that errors do not use up the load within moments.
const REST_AFTER_ERROR: Duration = Duration::from_millis(100);

/// Measure what the clouds do under load, and how long simulations take
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion bench ledger --url http://127.0.0.1:3000 --url \
                  http://127.0.0.1:3001 --clients 128 --events 12000 --size 512 --token demo-ingest")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Economics(economics::Arguments),
    Fabric(fabric::Arguments),
    Ledger(LedgerArguments),
}

/// Events until they are FINAL; prints one line of JSON
///
/// An event counts when its FINAL was seen. Latency is from sending a request to its answer.
/// There is no warm-up: the clients' connections open within the measured time.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: ternion bench ledger --url http://127.0.0.1:3000 --token demo-ingest"
)]
struct LedgerArguments {
    /// Where a cloud listens; repeat it to spread clients over several
    #[arg(long = "url", value_name = "URL", required = true, num_args = 1..)]
    urls: Vec<String>,
    /// Clients that each wait for an answer before they send again
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    clients: u64,
    /// Events in all
    #[arg(long, default_value_t = 12_000, value_parser = clap::value_parser!(u64).range(1..))]
    events: u64,
    /// Bytes of filler in each event's payload
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u64).range(0..=60_000))]
    size: u64,
    /// Events in one request
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    batch: u64,
    /// The tenant that the events belong to
    #[arg(long, default_value = domain::event::PLATFORM_TENANT)]
    tenant: String,
    /// A bearer token that may submit events
    #[arg(long, env = "TERNION_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// The line that is printed. Field names are those of the peers' benchmarks.
#[derive(Debug, PartialEq, Serialize)]
struct Line {
    peer: &'static str,
    clients: u64,
    value_bytes: u64,
    batch: u64,
    values: u64,
    errors: u64,
    secs: f64,
    final_per_s: f64,
    commit_p50_ms: f64,
    commit_p99_ms: f64,
    commit_max_ms: f64,
}

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    values: u64,
    errors: u64,
    /// One latency a request that ended FINAL.
    latencies: Vec<Duration>,
    first_error: Option<String>,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        match self.what {
            What::Economics(arguments) => arguments.run(),
            What::Fabric(arguments) => arguments.run(),
            What::Ledger(arguments) => arguments.run().await,
        }
    }
}

impl LedgerArguments {
    async fn run(self) -> Outcome {
        let clients = self
            .urls
            .iter()
            .map(|url| Client::new(url, self.token.as_deref()))
            .collect::<Result<Vec<_>, _>>()?;
        for client in &clients {
            client.get("/livez").await?;
        }
        let (seen, elapsed) = self.load(&clients).await;
        if let Some(error) = &seen.first_error {
            eprintln!(
                "ternion: {} of {} events failed; the first: {error}",
                seen.errors, self.events
            );
        }
        println!("{}", serde_json::to_string(&self.line(&seen, elapsed))?);
        Ok(if seen.values == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    async fn load(&self, clients: &[Client]) -> (Seen, Duration) {
        let left = Arc::new(AtomicU64::new(self.events));
        let body = self.body(self.batch);
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for client in clients.iter().cycle().take(usize::try_from(self.clients).unwrap_or(1)) {
            let client = client.clone();
            let work = Work { left: Arc::clone(&left), body: body.clone(), batch: self.batch };
            // The last request is smaller when the batch does not divide the events.
            let rest = self.body(self.events % self.batch);
            tasks.spawn(async move { work.until_done(&client, rest).await });
        }
        let mut seen = Seen::default();
        while let Some(joined) = tasks.join_next().await {
            if let Ok(one) = joined {
                seen.add(one);
            }
        }
        (seen, start.elapsed())
    }

    /// The same bytes for every request: the cloud gives each event its own id.
    fn body(&self, count: u64) -> Bytes {
        let filler = "x".repeat(usize::try_from(self.size).unwrap_or(0));
        let event = json!({"tenantId": self.tenant, "payload": {"filler": filler}});
        let count = usize::try_from(count).unwrap_or(0);
        let value = if self.batch == 1 { event } else { Value::from(vec![event; count]) };
        Bytes::from(value.to_string())
    }

    fn line(&self, seen: &Seen, elapsed: Duration) -> Line {
        let mut sorted = seen.latencies.clone();
        sorted.sort_unstable();
        let secs = elapsed.as_secs_f64();
        let rounded = |number: f64| (number * 1_000.0).round() / 1_000.0;
        let at = |share| rounded(nearest_rank(&sorted, share).as_secs_f64() * 1_000.0);
        Line {
            peer: "ternion",
            clients: self.clients,
            value_bytes: self.size,
            batch: self.batch,
            values: seen.values,
            errors: seen.errors,
            secs: rounded(secs),
            final_per_s: rounded(seen.values as f64 / secs.max(f64::EPSILON)),
            commit_p50_ms: at(0.5),
            commit_p99_ms: at(0.99),
            commit_max_ms: at(1.0),
        }
    }
}

/// What all clients work off together.
#[derive(Debug)]
struct Work {
    left: Arc<AtomicU64>,
    body: Bytes,
    batch: u64,
}

impl Work {
    async fn until_done(self, client: &Client, rest: Bytes) -> Seen {
        let path = format!("/v1/events?wait=final&timeoutMs={FINAL_WAIT_MS}");
        let mut seen = Seen::default();
        while let Some(count) = self.take() {
            let body = if count == self.batch { self.body.clone() } else { rest.clone() };
            let start = Instant::now();
            let answer = client.post_once(&path, body).await;
            let latency = start.elapsed();
            let outcome = answer.and_then(|body| self.final_count(client, &path, &body));
            if !seen.count(count, latency, outcome) {
                tokio::time::sleep(REST_AFTER_ERROR).await;
            }
        }
        seen
    }

    /// The next request's events; `None` when all are taken.
    fn take(&self) -> Option<u64> {
        let take = |left: u64| (left > 0).then(|| left.saturating_sub(self.batch));
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        Some(before.min(self.batch))
    }

    fn final_count(&self, client: &Client, path: &str, body: &[u8]) -> Result<u64, ClientError> {
        let is_final = |item: &Item<'_>| item.status == Some("FINAL");
        if self.batch == 1 {
            return Ok(u64::from(is_final(&client.parse(path, body)?)));
        }
        let items: Vec<Item<'_>> = client.parse(path, body)?;
        Ok(items.iter().filter(|item| is_final(item)).count() as u64)
    }
}

/// The one field of an answer that counts; the others are skipped without a copy.
#[derive(Debug, Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    status: Option<&'a str>,
}

impl Seen {
    /// True if all of the request's events became FINAL.
    fn count(&mut self, sent: u64, latency: Duration, outcome: Result<u64, ClientError>) -> bool {
        let (done, error) = match outcome {
            Ok(done) if done >= sent => (sent, None),
            Ok(done) => (done, Some("not FINAL in time, or refused".to_owned())),
            Err(error) => (0, Some(error.to_string())),
        };
        self.values += done;
        self.errors += sent - done;
        if done > 0 {
            self.latencies.push(latency);
        }
        let complete = error.is_none();
        self.first_error = self.first_error.take().or(error);
        complete
    }

    fn add(&mut self, other: Seen) {
        self.values += other.values;
        self.errors += other.errors;
        self.latencies.extend(other.latencies);
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

/// Exact: the smallest value that at least this share of the sorted values does not exceed.
fn nearest_rank(sorted: &[Duration], share: f64) -> Duration {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let ms: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(nearest_rank(&ms, 0.5), Duration::from_millis(100));
        assert_eq!(nearest_rank(&ms, 0.99), Duration::from_millis(198));
        assert_eq!(nearest_rank(&ms, 1.0), Duration::from_millis(200));
        assert_eq!(nearest_rank(&ms[..1], 0.99), Duration::from_millis(1));
        assert_eq!(nearest_rank(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn the_last_request_takes_what_is_left() {
        let left = Arc::new(AtomicU64::new(7));
        let work = Work { left, body: Bytes::new(), batch: 3 };
        assert_eq!(
            [work.take(), work.take(), work.take(), work.take()],
            [Some(3), Some(3), Some(1), None]
        );
    }
}
