//! Metering: FINAL usage events become rows by tenant, provider, model, region and hour, and how long
//! those that did not fail took becomes counts by provider, region and hour ([`Latencies`]).
//!
//! Sums of integers only, so that every cloud derives the same rows in whatever order it learns
//! of the events.

mod latencies;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::Usage;
use crate::clock::Timestamp;
use crate::event::TenantId;

pub use latencies::{BadLatencies, Bucket, Latencies, RELATIVE_ERROR};

/// What a usage row is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageKey {
    pub tenant_id: TenantId,
    pub provider: String,
    pub model: String,
    /// Where the inference ran.
    pub region: String,
    /// Start of the UTC hour of `requestedAt`.
    pub hour: Timestamp,
}

/// What a count of latencies is about. Neither tenant nor model: where a request runs says how long it
/// takes, and rows by tenant would be as many as requests. Failed requests are in no count: how soon a
/// provider refuses says nothing about how long an answer takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LatencyKey {
    pub provider: String,
    pub region: String,
    /// Start of the UTC hour of `requestedAt`.
    pub hour: Timestamp,
    pub bucket: Bucket,
}

/// What was used. Negative where a [`Meter`] took back more than it recorded: its rows are
/// changes to be added to what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageSum {
    pub requests: i64,
    /// Requests that said `ok: false`.
    pub failed: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cached_tokens: i64,
    /// Requests that stated a latency, failed ones too.
    pub timed: i64,
    /// Microseconds, over the timed requests.
    pub latency_us: i64,
}

impl UsageSum {
    fn of(usage: &Usage) -> Self {
        let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        UsageSum {
            requests: 1,
            failed: i64::from(usage.ok == Some(false)),
            input_tokens: count(usage.input_tokens),
            output_tokens: count(usage.output_tokens),
            cached_tokens: count(usage.cached_tokens.unwrap_or(0)),
            timed: i64::from(usage.latency_ms.is_some()),
            latency_us: usage.latency_ms.map_or(0, whole_microseconds),
        }
    }

    fn add(&mut self, other: Self, sign: i64) {
        let counted = |sum: i64, more: i64| sum.saturating_add(more.saturating_mul(sign));
        self.requests = counted(self.requests, other.requests);
        self.failed = counted(self.failed, other.failed);
        self.input_tokens = counted(self.input_tokens, other.input_tokens);
        self.output_tokens = counted(self.output_tokens, other.output_tokens);
        self.cached_tokens = counted(self.cached_tokens, other.cached_tokens);
        self.timed = counted(self.timed, other.timed);
        self.latency_us = counted(self.latency_us, other.latency_us);
    }
}

/// Half up; validated to be 0 to one day, so the cast cannot overflow.
fn whole_microseconds(ms: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "at most one day in microseconds")]
    let us = (ms * 1000.0).round() as i64;
    us
}

/// Adds up usage before it is written: one row a key instead of one an event.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    rows: BTreeMap<UsageKey, UsageSum>,
    latencies: BTreeMap<LatencyKey, i64>,
}

impl Meter {
    /// Counts an event.
    pub fn record(&mut self, tenant: &TenantId, usage: &Usage) {
        self.change(tenant, usage, 1);
    }

    /// Takes back an event that was counted before, here or in what is stored already.
    pub fn retract(&mut self, tenant: &TenantId, usage: &Usage) {
        self.change(tenant, usage, -1);
    }

    fn change(&mut self, tenant: &TenantId, usage: &Usage, sign: i64) {
        self.row(tenant, usage).add(UsageSum::of(usage), sign);
        if let Some(ms) = usage.latency_ms.filter(|_| usage.ok != Some(false)) {
            let key = LatencyKey {
                provider: usage.provider.clone(),
                region: usage.region.clone(),
                hour: usage.requested_at.hour(),
                bucket: Bucket::of_us(whole_microseconds(ms).unsigned_abs()),
            };
            let count = self.latencies.entry(key).or_default();
            *count = count.saturating_add(sign);
        }
    }

    fn row(&mut self, tenant: &TenantId, usage: &Usage) -> &mut UsageSum {
        let key = UsageKey {
            tenant_id: tenant.clone(),
            provider: usage.provider.clone(),
            model: usage.model.clone(),
            region: usage.region.clone(),
            hour: usage.requested_at.hour(),
        };
        self.rows.entry(key).or_default()
    }

    /// The counts of latencies in key order, without those in which everything was taken back.
    pub fn latencies(&self) -> impl Iterator<Item = (&LatencyKey, i64)> {
        self.latencies.iter().map(|(key, count)| (key, *count)).filter(|(_, count)| *count != 0)
    }

    /// The rows in key order, without those in which everything was taken back.
    pub fn into_rows(self) -> impl Iterator<Item = (UsageKey, UsageSum)> {
        self.rows.into_iter().filter(|(_, sum)| *sum != UsageSum::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(at: &str, ok: Option<bool>, latency_ms: Option<f64>) -> Usage {
        Usage {
            provider: "vertex".into(),
            model: "gemini-2.5-flash".into(),
            region: "us".into(),
            input_tokens: 374,
            output_tokens: 44,
            cached_tokens: None,
            latency_ms,
            ok,
            requested_at: at.parse().expect("time"),
        }
    }

    #[test]
    fn usage_is_summed_by_the_hour_of_the_request() {
        let tenant = TenantId::platform();
        let mut meter = Meter::default();
        meter.record(&tenant, &usage("2026-11-22T18:15:46.680Z", Some(true), Some(611.4)));
        meter.record(&tenant, &usage("2026-11-22T18:59:59.999Z", Some(false), None));
        meter.record(&tenant, &usage("2026-11-22T19:00:00Z", None, None));
        let timed: Vec<_> = meter.latencies().map(|(key, count)| (key.hour, count)).collect();
        let rows: Vec<_> = meter.into_rows().collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(timed, [(rows[0].0.hour, 1)], "only one of the three stated a latency");
        let first = rows[0].1;
        assert_eq!((first.requests, first.failed, first.input_tokens), (2, 1, 748));
        assert_eq!((first.timed, first.latency_us), (1, 611_400));
        assert_eq!(rows[1].0.hour.to_string(), "2026-11-22T19:00:00.000Z");
    }

    #[test]
    fn what_is_taken_back_is_a_negative_change_and_cancels_what_was_recorded() {
        let tenant = TenantId::platform();
        let failed = usage("2026-11-22T18:15:46.680Z", Some(false), Some(2.5));
        let answered = usage("2026-11-22T18:15:46.680Z", None, Some(40.0));
        let mut meter = Meter::default();
        meter.retract(&tenant, &failed);
        meter.retract(&tenant, &answered);
        let rows: Vec<_> = meter.clone().into_rows().collect();
        assert_eq!(rows.len(), 1);
        let change = rows[0].1;
        assert_eq!((change.requests, change.failed, change.timed), (-2, -1, -2));
        assert_eq!((change.input_tokens, change.output_tokens), (-748, -88));
        assert_eq!(change.latency_us, -42_500);
        let counts: Vec<_> = meter.latencies().map(|(key, count)| (key.bucket, count)).collect();
        assert_eq!(counts, [(Bucket::of_us(40_000), -1)]);
        meter.record(&tenant, &failed);
        meter.record(&tenant, &answered);
        assert_eq!((meter.latencies().count(), meter.into_rows().count()), (0, 0));
    }

    #[test]
    fn a_provider_that_refuses_at_once_is_not_fast() {
        let tenant = TenantId::platform();
        let mut meter = Meter::default();
        for (ok, ms) in [(Some(false), 5.0), (Some(true), 900.0), (None, 900.0)] {
            meter.record(&tenant, &usage("2026-11-22T18:15:46.680Z", ok, Some(ms)));
        }
        let counts: Vec<_> = meter.latencies().map(|(key, count)| (key.bucket, count)).collect();
        assert_eq!(counts, [(Bucket::of_us(900_000), 2)]);
        // What snapshots hash counts all that stated a latency.
        let sums: Vec<_> = meter.into_rows().map(|(_, sum)| (sum.timed, sum.latency_us)).collect();
        assert_eq!(sums, [(3, 1_805_000)]);
    }
}
