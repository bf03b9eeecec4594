//! What one observer tells the others.

use serde::{Deserialize, Serialize};

use crate::cloud::PerCloud;
use crate::fabric::score::Status;
use crate::fabric::verdict::View;

/// What a probe that passed has read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    pub status: Status,
    /// 0 to 1.
    pub load: f64,
    /// The cloud's own 95th percentile of its requests.
    pub latency_ms: f64,
    /// From the probe's first byte to the answer's last.
    pub rtt_ms: f64,
}

/// One observer's view, whole: a report replaces the one before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub view: View,
    /// Failures that count at the moment.
    pub failures: PerCloud<u8>,
    pub readings: PerCloud<Option<Reading>>,
}
