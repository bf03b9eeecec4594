//! What this process says of itself: to stderr, as lines for people or as JSON, or to a file.

mod bounded;
mod late;
mod tail;

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use bounded::BoundedLog;
pub use late::LateLog;
pub use tail::Tail;

use crate::config::{Log, LogFormat};

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    #[error("log.filter is not a filter such as \"info,server::ledger=debug\": {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("{0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends everything that `tracing` hears to stderr. Once a process.
///
/// # Errors
/// The filter cannot be read, or logging is set up already.
pub fn start(log: &Log) -> Result<(), LoggingError> {
    let filter = EnvFilter::try_new(&log.filter)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    // Who read our lines may be gone. To say so on the same stream would end the task that spoke.
    let lines = lines.log_internal_errors(false);
    match log.format {
        LogFormat::Human => lines.with_ansi(stderr().is_terminal()).finish().try_init()?,
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// Sends everything that `tracing` hears to a file whose place is told later. Once a process.
///
/// # Errors
/// As [`start`].
pub fn start_late(filter: &str) -> Result<LateLog, LoggingError> {
    let log = LateLog::default();
    let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::try_new(filter)?);
    lines.with_ansi(false).with_writer(log.clone()).finish().try_init()?;
    Ok(log)
}
