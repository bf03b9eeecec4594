//! How busy this node is: what it reports to the others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use tokio_util::sync::CancellationToken;

use crate::ledger::Ledger;

/// As often as clouds exchange heads.
const EVERY: Duration = Duration::from_secs(1);

/// Reports the load every second until `stop`: the share of the processors that this process
/// uses, or the fill of its intake queue, whichever is greater. Postgres is not counted: it is
/// other processes, often on another machine; a slow one shows in the queue.
pub async fn run(ledger: Arc<Ledger>, stop: CancellationToken) {
    let mut meter = Meter::start(cpu_us(), Instant::now());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let busy = meter.share(cpu_us(), Instant::now(), processors);
        ledger.report_load(busy.max(ledger.queue_fill()).clamp(0.0, 1.0));
    }
}

/// Processor time of this process so far, microseconds.
fn cpu_us() -> i64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| {
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
    })
}

/// Turns readings of processor time into shares.
struct Meter {
    cpu_us: i64,
    at: Instant,
}

impl Meter {
    const fn start(cpu_us: i64, at: Instant) -> Self {
        Meter { cpu_us, at }
    }

    /// The share of all processors since the last reading.
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    fn share(&mut self, cpu_us: i64, at: Instant, processors: usize) -> f64 {
        let passed_us = at.saturating_duration_since(self.at).as_secs_f64() * 1e6;
        let used_us = (cpu_us - self.cpu_us).max(0) as f64;
        *self = Meter { cpu_us, at };
        if passed_us > 0.0 { used_us / (passed_us * processors as f64) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_busy_thread_of_two_processors_is_half_the_load() {
        let start = Instant::now();
        let mut meter = Meter::start(5_000_000, start);
        let later = start + Duration::from_secs(1);
        let half = meter.share(6_000_000, later, 2);
        assert!((half - 0.5).abs() < 1e-9, "{half}");
        let idle = meter.share(6_000_000, later + Duration::from_secs(1), 2);
        assert!(idle.abs() < 1e-9, "{idle}");
    }

    #[test]
    fn this_process_has_used_some_time() {
        assert!(cpu_us() > 0);
    }
}
