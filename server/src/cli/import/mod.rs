//! `ternion import`: files of the world as events.
//!
//! The id of an event is made from the file's digest and the row, and its time is left to the
//! cloud: a second run sends the same events, and the cloud answers "recorded before". So an
//! import that broke off is resumed by running it again, and nothing has to be remembered here.

mod latency;
mod prices;
mod progress;
mod samples;
mod send;
mod tenants;
mod usage;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Outcome;
use super::client::Client;
use super::csv::{CsvError, Record, Table};
use send::{Sender, Tally};

const NO_DAY: &str = "its name ends with no day; say which with --as-of 2026-11-12";

/// Problems shown in full; the rest is counted.
const PROBLEMS_SHOWN_MAX: usize = 10;

/// Send the rows of a file as events, and wait until all are FINAL
///
/// To resume an import that broke off, run it again: rows that are recorded already are
/// recognized by their ids and change nothing. Exit code 1 if any row was refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion import usage requests.csv --tenants tenants.csv --to \
                  http://127.0.0.1:3000 --token demo-ingest")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Latency(LatencyArguments),
    Prices(PriceArguments),
    Samples(SampleArguments),
    Tenants(TenantArguments),
    Usage(UsageArguments),
}

/// Tenants: a CSV file with the columns tenant_id, tier, cloud, region
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion import tenants tenants.csv --to http://127.0.0.1:3000 \
                  --token demo-admin")]
struct TenantArguments {
    #[command(flatten)]
    source: Source,
}

/// Round trips between regions, for where clients are sent
///
/// A CSV file with the columns src, dst, avg_rtt_ms; a matrix of Azure regions (CSV, first column
/// Source); or a matrix of AWS regions (JSON, as cloudping.co has it).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion import latency cross_cloud_rtt.csv --to \
                  http://127.0.0.1:3000 --token demo-admin")]
struct LatencyArguments {
    #[command(flatten)]
    source: Source,
}

/// What providers take: a price map (JSON, as LiteLLM has it), or a history of prices (CSV)
///
/// A CSV file has the columns model, litellm_provider, as_of, input_usd_per_token,
/// output_usd_per_token. Each day's prices are kept. Entries without a price are skipped: what uses
/// them is then listed as unpriced, and never counted as cost 0.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion import prices prices_2026-11-12.json --to \
                  http://127.0.0.1:3000 --token demo-admin")]
struct PriceArguments {
    #[command(flatten)]
    source: Source,
    /// The day of a map; without it the end of the file's name must say so: prices_2026-11-12.json
    #[arg(long, value_name = "DAY", value_parser = prices::day)]
    as_of: Option<domain::clock::Timestamp>,
}

/// How long providers' requests took, for what-ifs where none of ours stated it
///
/// A CSV file with the columns provider and latency_ms, or provider and end_to_end_latency_s (as
/// LLMPerf has it), and perhaps region and error_code. Failed requests are skipped. The samples of a
/// provider become one event, with their source and day.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion import samples llmperf_latency.csv --as-of 2023-12-01 \
                  --source ray-project/llmperf-leaderboard --to http://127.0.0.1:3000 --token \
                  demo-admin")]
struct SampleArguments {
    #[command(flatten)]
    source: Source,
    /// Who recorded them, and where they are to be had; without it the file's name
    #[arg(long = "source", value_name = "TEXT")]
    recorded_by: Option<String>,
    /// The day of the samples; without it the end of the file's name must say so
    #[arg(long, value_name = "DAY", value_parser = prices::day)]
    as_of: Option<domain::clock::Timestamp>,
    /// The region that they were recorded in; without it they stand for the provider wherever no
    /// others do
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// What the file calls a provider, and what usage calls it
    #[arg(long, value_name = "NAME=PROVIDER", value_delimiter = ',')]
    map: Vec<samples::Renaming>,
}

/// Usage: a CSV file with the columns timestamp, context_tokens, generated_tokens, tenant_id
///
/// The file names neither provider nor model: they follow from the tenant's cloud and `--map`.
/// The row's timestamp becomes `requestedAt`; the event itself is of now.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion import usage requests.csv --tenants tenants.csv --map \
                  gcp=vertex/gemini-2.5-pro --to http://127.0.0.1:3000 --token demo-ingest")]
struct UsageArguments {
    #[command(flatten)]
    source: Source,
    /// What the tenants of a cloud use; clouds that are left out keep their default
    #[arg(long, value_name = "CLOUD=PROVIDER/MODEL", value_delimiter = ',')]
    map: Vec<usage::Mapping>,
    /// The tenants file, for each tenant's cloud and region; without it the cloud is asked, which
    /// needs a token that may read tenants
    #[arg(long, value_name = "FILE")]
    tenants: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Source {
    /// A CSV file whose first line names the columns
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The cloud to send to. Always the same one for one file: it is the one that knows what it
    /// has recorded
    #[arg(long, value_name = "URL")]
    to: String,
    /// A bearer token
    #[arg(long, env = "TERNION_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// A row as it is posted, and where it came from.
#[derive(Clone, Debug)]
struct Row {
    /// Line in the file; the first is 1.
    line: usize,
    event: Value,
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error("{} cannot be read: {cause}", path.display())]
    File { path: PathBuf, cause: std::io::Error },
    #[error("{}, line {line}: {reason}", path.display())]
    Line { path: PathBuf, line: usize, reason: String },
    #[error("{}: {reason}", path.display())]
    Whole { path: PathBuf, reason: String },
}

impl ImportError {
    fn within(path: &Path, error: CsvError) -> Self {
        ImportError::Line { path: path.to_owned(), line: error.line, reason: error.reason }
    }
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        match self.what {
            What::Latency(arguments) => arguments.run().await,
            What::Prices(arguments) => arguments.run().await,
            What::Samples(arguments) => arguments.run().await,
            What::Tenants(arguments) => {
                let source = arguments.source;
                let (table, ids) = source.read()?;
                let rows = rows_of(&source.file, &table, |record| tenants::event(record, &ids))?;
                source.send(rows).await
            }
            What::Usage(arguments) => arguments.run().await,
        }
    }
}

impl LatencyArguments {
    async fn run(self) -> Outcome {
        let path = &self.source.file;
        let text = read(path)?;
        let ids = RowIds::of(text.as_bytes());
        let rows = if path.extension().is_some_and(|ending| ending == "json") {
            let whole = |reason| ImportError::Whole { path: path.clone(), reason };
            latency::of_json(&text, &ids).map_err(whole)?
        } else {
            latency::of_csv(&text, path, &ids)?
        };
        self.source.send(rows).await
    }
}

impl PriceArguments {
    async fn run(self) -> Outcome {
        let path = &self.source.file;
        let text = read(path)?;
        let ids = RowIds::of(text.as_bytes());
        let prices = if path.extension().is_some_and(|ending| ending == "csv") {
            prices::of_history(&text, path, &ids)?
        } else {
            let whole = |reason| ImportError::Whole { path: path.clone(), reason };
            let as_of = self.as_of.or_else(|| prices::day_of(path));
            let as_of = as_of.ok_or_else(|| whole(NO_DAY.to_owned()))?;
            prices::of_map(&text, as_of, &ids).map_err(whole)?
        };
        if prices.skipped > 0 {
            eprintln!("{} entries have no price and are skipped", prices.skipped);
        }
        self.source.send(prices.rows).await
    }
}

impl SampleArguments {
    async fn run(self) -> Outcome {
        let path = &self.source.file;
        let whole =
            |reason: &str| ImportError::Whole { path: path.clone(), reason: reason.to_owned() };
        let as_of = self.as_of.or_else(|| prices::day_of(path)).ok_or_else(|| whole(NO_DAY))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let source = self.recorded_by.clone().or(name).unwrap_or_default();
        let region = self.region.as_deref();
        let about = samples::About { source, as_of, region, map: &self.map };
        let samples = samples::of_csv(&read(path)?, path, &about)?;
        if samples.failed > 0 {
            eprintln!("{} requests failed and are skipped", samples.failed);
        }
        self.source.send(samples.rows).await
    }
}

impl UsageArguments {
    async fn run(self) -> Outcome {
        let models = usage::Models::new(&self.map);
        let (table, ids) = self.source.read()?;
        let homes = match &self.tenants {
            Some(path) => tenants::homes_of_file(&read(path)?, path)?,
            None => tenants::homes_of_cloud(&self.source.client()?).await?,
        };
        let event = |record: &Record<'_>| usage::event(record, &ids, &homes, &models);
        let rows = rows_of(&self.source.file, &table, event)?;
        self.source.send(rows).await
    }
}

impl Source {
    fn client(&self) -> Result<Client, super::client::ClientError> {
        Client::new(&self.to, self.token.as_deref())
    }

    fn read(&self) -> Result<(Table, RowIds), ImportError> {
        let text = read(&self.file)?;
        let ids = RowIds::of(text.as_bytes());
        let table = Table::parse(&text).map_err(|error| ImportError::within(&self.file, error))?;
        Ok((table, ids))
    }

    async fn send(&self, rows: Vec<Row>) -> Outcome {
        let tally = Sender::new(self.client()?, rows.len()).run(rows).await?;
        report(&tally);
        Ok(if tally.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn read(path: &Path) -> Result<String, ImportError> {
    std::fs::read_to_string(path)
        .map_err(|cause| ImportError::File { path: path.to_owned(), cause })
}

/// Every row is understood before the first is sent: a wrong file then does nothing.
fn rows_of(
    path: &Path,
    table: &Table,
    event: impl Fn(&Record<'_>) -> Result<Value, String>,
) -> Result<Vec<Row>, ImportError> {
    table
        .records()
        .map(|record| match event(&record) {
            Ok(event) => Ok(Row { line: record.line(), event }),
            Err(reason) => {
                Err(ImportError::Line { path: path.to_owned(), line: record.line(), reason })
            }
        })
        .collect()
}

fn report(tally: &Tally) {
    for problem in tally.problems.iter().take(PROBLEMS_SHOWN_MAX) {
        eprintln!("line {}: {}", problem.line, problem.reason);
    }
    if tally.problems.len() > PROBLEMS_SHOWN_MAX {
        eprintln!("… and {} more", tally.problems.len() - PROBLEMS_SHOWN_MAX);
    }
    println!(
        "sent {}, accepted {}, repeated {}, refused {}, final {}, in {:.1} s",
        tally.sent,
        tally.accepted,
        tally.repeated,
        tally.refused,
        tally.final_count,
        tally.elapsed.as_secs_f64()
    );
}

/// Ids that depend on nothing but the file's bytes and the row.
#[derive(Clone, Copy, Debug)]
struct RowIds {
    digest: [u8; 32],
}

impl RowIds {
    fn of(file: &[u8]) -> Self {
        RowIds { digest: Sha256::digest(file).into() }
    }

    /// UUID version 8: the first bits of SHA-256(label ‖ digest of the file ‖ line).
    fn event_id(&self, line: usize) -> Uuid {
        let mut hasher = Sha256::new();
        hasher.update(b"ternion/import/v1\n");
        hasher.update(self.digest);
        hasher.update((line as u64).to_be_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(first).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rows_id_is_the_same_every_time_and_no_other_rows() {
        let ids = RowIds::of(b"a,b\n1,2\n");
        assert_eq!(ids.event_id(2), RowIds::of(b"a,b\n1,2\n").event_id(2));
        assert_ne!(ids.event_id(2), ids.event_id(3));
        assert_ne!(ids.event_id(2), RowIds::of(b"a,b\n1,3\n").event_id(2));
        assert_eq!(ids.event_id(2).get_version_num(), 8);
    }
}
