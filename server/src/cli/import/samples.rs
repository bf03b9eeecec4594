//! Recorded latencies of requests, as `latency.put` decisions: one for each provider and region.
//!
//! Rows name a provider and how long a request took, end to end: `latency_ms`, or
//! `end_to_end_latency_s` as LLMPerf writes it. A `region` is optional, and so is an `error_code`:
//! requests that failed say nothing about how long an answer takes.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use domain::catalog::{Known, LatencyPut};
use domain::clock::Timestamp;
use domain::event::PLATFORM_TENANT;
use domain::usage::Latencies;
use serde_json::json;

use super::{ImportError, Row, RowIds};
use crate::cli::csv::{Record, Table};

/// No request takes a day.
const SECONDS_MAX: f64 = 86_400.0;

/// `anyscale=vertex`: what the file calls a provider, and what usage calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Renaming {
    from: String,
    to: String,
}

impl FromStr for Renaming {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("\"{text}\" is not of the form bedrock-us=bedrock");
        let (from, to) = text.split_once('=').ok_or_else(form)?;
        if from.is_empty() || to.is_empty() {
            return Err(form());
        }
        Ok(Renaming { from: from.to_owned(), to: to.to_owned() })
    }
}

/// What the file does not say of its rows.
#[derive(Debug)]
pub(super) struct About<'a> {
    pub(super) source: String,
    pub(super) as_of: Timestamp,
    /// Of rows without one.
    pub(super) region: Option<&'a str>,
    pub(super) map: &'a [Renaming],
}

/// One event for each provider and region, and how many rows failed.
pub(super) struct Samples {
    pub(super) rows: Vec<Row>,
    pub(super) failed: usize,
}

/// Provider and region.
type Place = (String, Option<String>);

pub(super) fn of_csv(text: &str, path: &Path, about: &About<'_>) -> Result<Samples, ImportError> {
    let table = Table::parse(text).map_err(|error| ImportError::within(path, error))?;
    let mut places = BTreeMap::<Place, (usize, Latencies)>::new();
    let mut failed = 0;
    for record in table.records() {
        let line = record.line();
        let wrong = |reason| ImportError::Line { path: path.to_owned(), line, reason };
        if record.get("error_code").is_ok_and(|code| !code.is_empty()) {
            failed += 1;
            continue;
        }
        let us = microseconds(&record).map_err(wrong)?;
        let (_, took) = places
            .entry(place(&record, about).map_err(wrong)?)
            .or_insert((line, Latencies::default()));
        took.record_us(us);
    }
    // The same file about something else is another sample.
    let told = format!("{text}\n{about:?}");
    let ids = RowIds::of(told.as_bytes());
    let rows = places.into_iter().enumerate().map(|(at, (place, (line, took)))| {
        let ((provider, region), source) = (place, about.source.clone());
        let put = LatencyPut { provider, region, source, as_of: about.as_of, took };
        row(line, &ids, at + 1, put)
    });
    Ok(Samples { rows: rows.collect(), failed })
}

fn place(record: &Record<'_>, about: &About<'_>) -> Result<Place, String> {
    let name = record.get("provider")?;
    let renamed = about.map.iter().rev().find(|renaming| renaming.from == name);
    let provider = renamed.map_or(name, |renaming| renaming.to.as_str());
    let own = record.get("region").ok().filter(|region| !region.is_empty());
    Ok((provider.to_owned(), own.or(about.region).map(str::to_owned)))
}

fn microseconds(record: &Record<'_>) -> Result<u64, String> {
    let seconds = match record.get("latency_ms") {
        Ok(_) => record.parse::<f64>("latency_ms")? / 1e3,
        Err(_) => record.parse("end_to_end_latency_s")?,
    };
    if !(0.0..=SECONDS_MAX).contains(&seconds) {
        return Err(format!("{seconds} s is no time that a request takes"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a day in microseconds, and not negative"
    )]
    let us = (seconds * 1e6).round() as u64;
    Ok(us)
}

fn row(line: usize, ids: &RowIds, number: usize, put: LatencyPut) -> Row {
    let event = json!({
        "eventId": ids.event_id(number),
        "tenantId": PLATFORM_TENANT,
        "payload": Known::LatencyPut(put).to_payload(),
    });
    Row { line, event }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(text: &str, region: Option<&str>) -> Result<Samples, ImportError> {
        let map = ["fireworks=vertex".parse().expect("a renaming")];
        let as_of = "2023-12-01T00:00:00Z".parse().expect("a day");
        let about = About { source: "llmperf".into(), as_of, region, map: &map };
        of_csv(text, Path::new("s.csv"), &about)
    }

    #[test]
    fn rows_become_counts_of_their_provider_and_failed_requests_none() {
        let text = "provider,end_to_end_latency_s,error_code\nbedrock,2.5,\nfireworks,1.1,\n\
                    bedrock,0.0,-100\nbedrock,60.25,\n";
        let found = samples(text, Some("us-west-2")).expect("samples");
        assert_eq!((found.rows.len(), found.failed), (2, 1));
        let payload = &found.rows[0].event["payload"];
        assert_eq!(
            (&payload["provider"], &payload["region"]),
            (&json!("bedrock"), &json!("us-west-2"))
        );
        assert_eq!(payload["took"], json!([[2_490_368, 1], [58_720_256, 1]]));
        assert_eq!(found.rows[1].event["payload"]["provider"], "vertex");
        let elsewhere = samples(text, None).expect("samples");
        assert!(elsewhere.rows[0].event["payload"].get("region").is_none());
    }

    #[test]
    fn milliseconds_and_regions_of_rows_are_read_and_wrong_ones_named_by_line() {
        let text = "provider,region,latency_ms\nazure,eu,812.5\nazure,,900\nazure,eu,811\n";
        let found = samples(text, None).expect("samples");
        let regions: Vec<_> =
            found.rows.iter().map(|row| &row.event["payload"]["region"]).collect();
        assert_eq!(regions, [&serde_json::Value::Null, &json!("eu")]);
        for wrong in ["azure,eu,soon\n", "azure,eu,-1\n", "azure,eu,1e12\n"] {
            let error = samples(&format!("{text}{wrong}"), None).err().expect("wrong");
            assert!(error.to_string().contains("line 5"), "{error}");
        }
    }
}
