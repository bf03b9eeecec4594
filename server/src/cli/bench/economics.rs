//! `ternion bench economics`: a thousand tenants by ten thousand draws, with the figures of the
//! workload's reference and the processor time they took.

mod tenants;
mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use domain::economics::draw::{GENERATOR, Seed};
use domain::economics::workload::{self, Results, Workload};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use serde_json::{Value, json};

use crate::cli::Outcome;
use crate::economics::Stopped;

/// A simulation's processor time; prints one line of JSON
///
/// From tenants in memory to all figures in memory, the median of several runs after one that is
/// not counted. The figures bear the names of the workload's reference.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: ternion bench economics --tenants tenants.csv --workload B --seed 1"
)]
pub(super) struct Arguments {
    /// Columns id, tier, provider, region, usage_k, price, cost, sigma_cost, sigma_usage, lat_p50,
    /// lat_sigma, lat_T, e0
    #[arg(long, value_name = "CSV")]
    tenants: PathBuf,
    /// A: every tenant draws for itself. B: providers, regions and tiers share their draws
    #[arg(long, default_value = "A", ignore_case = true)]
    workload: Choice,
    /// The same seed gives the same figures to the bit
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 10_000)]
    draws: usize,
    /// Runs that are counted
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Threads; by default as many as there are processors
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// In the engine that browsers run, by Node: one thread
    #[arg(long, conflicts_with = "threads")]
    wasm: bool,
}

/// Seconds by the clock and of processors.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Took {
    secs: f64,
    cpu_secs: f64,
}

/// Who shares draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Choice {
    #[value(name = "A")]
    A,
    #[value(name = "B")]
    B,
}

impl From<Choice> for Workload {
    fn from(choice: Choice) -> Workload {
        match choice {
            Choice::A => Workload::A,
            Choice::B => Workload::B,
        }
    }
}

impl Arguments {
    pub(super) fn run(self) -> Outcome {
        let text = std::fs::read_to_string(&self.tenants)
            .map_err(|cause| format!("{} cannot be read: {cause}", self.tenants.display()))?;
        let rows =
            tenants::rows(&text).map_err(|error| format!("{}, {error}", self.tenants.display()))?;
        if self.wasm {
            println!("{}", wasm::run(&rows, &self)?);
            return Ok(ExitCode::SUCCESS);
        }
        let portfolio = workload::portfolio(rows)
            .map_err(|error| format!("{}, {error}", self.tenants.display()))?;
        let threads = usize::from(self.threads.unwrap_or(0));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let which = self.workload.into();
        let simulation = || workload::simulation(&portfolio, which, Seed(self.seed), self.draws);
        let draw = |it: &_| crate::economics::run(it, |_, _| true);
        let all = || workload::results(&simulation()?, draw);
        let (all, results) = pool.install(|| median::<_, Stopped>(self.runs, all))?;
        let prepared = simulation()?;
        let exact = || Ok(workload::exact_margins(&prepared));
        let (exact, _) = median::<_, Stopped>(self.runs, exact)?;
        println!("{}", self.line(pool.current_num_threads(), all, exact, &results));
        Ok(ExitCode::SUCCESS)
    }

    fn line(&self, threads: usize, all: Took, exact: Took, results: &Results) -> Value {
        json!({
            "peer": "ternion",
            "target": "native",
            "workload": Workload::from(self.workload),
            "tenants": results.tenants,
            "draws": self.draws,
            "seed": self.seed.to_string(),
            "generator": GENERATOR,
            "threads": threads,
            "runs": self.runs,
            "cpu_secs": all.cpu_secs,
            "secs": all.secs,
            "exact_margins_cpu_secs": exact.cpu_secs,
            "results": results,
        })
    }
}

/// Once without counting, then so many times; the result is the last one's.
fn median<T, E>(runs: u32, work: impl Fn() -> Result<T, E>) -> Result<(Took, T), E> {
    let mut result = work()?;
    let mut took = Vec::new();
    for _ in 0..runs {
        let (start, cpu_start) = (Instant::now(), cpu_secs());
        result = work()?;
        let secs = start.elapsed().as_secs_f64();
        took.push(Took { secs, cpu_secs: cpu_secs() - cpu_start });
    }
    took.sort_by(|left, right| left.cpu_secs.total_cmp(&right.cpu_secs));
    Ok((took[took.len() / 2], result))
}

/// What this process has used of all processors, in its own code and the system's.
fn cpu_secs() -> f64 {
    let micros = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
    let used = getrusage(UsageWho::RUSAGE_SELF);
    used.map_or(f64::NAN, |used| micros(used.user_time()) + micros(used.system_time()))
}
