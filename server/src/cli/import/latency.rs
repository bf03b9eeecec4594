//! Measured round trips, as `routing.latency` decisions.
//!
//! Three forms are read: CSV rows of two regions and their mean (`src`, `dst`, `avg_rtt_ms`), as
//! Skyplane published them; Microsoft's matrix of Azure regions (CSV); and cloudping.co's matrix of
//! AWS regions (JSON).

use std::collections::BTreeMap;
use std::path::Path;

use domain::catalog::{Known, RoutingLatency};
use domain::event::PLATFORM_TENANT;
use serde::Deserialize;
use serde_json::json;

use super::{ImportError, Row, RowIds};
use crate::cli::csv::{Record, Table};

/// The first column of the matrix of Azure regions.
const MATRIX: &str = "Source";

/// cloudping.co's form: from, to, milliseconds.
#[derive(Deserialize)]
struct Matrix {
    data: BTreeMap<String, BTreeMap<String, f64>>,
}

pub(super) fn of_csv(text: &str, path: &Path, ids: &RowIds) -> Result<Vec<Row>, ImportError> {
    let table = Table::parse(text).map_err(|error| ImportError::within(path, error))?;
    let columns = table.columns();
    let is_matrix = columns.first() == Some(&MATRIX);
    let mut rows = Vec::new();
    for record in table.records() {
        let line = record.line();
        let trips = if is_matrix { across(&record, &columns) } else { pair(&record) };
        let wrong = |reason| ImportError::Line { path: path.to_owned(), line, reason };
        for trip in trips.map_err(wrong)? {
            rows.push(row(rows.len() + 1, line, ids, trip));
        }
    }
    Ok(rows)
}

pub(super) fn of_json(text: &str, ids: &RowIds) -> Result<Vec<Row>, String> {
    let matrix: Matrix = serde_json::from_str(text)
        .map_err(|error| format!("is no matrix of round trips: {error}"))?;
    let aws = |region: &str| format!("aws:{region}");
    let trips = matrix
        .data
        .iter()
        .flat_map(|(from, row)| row.iter().map(move |(to, rtt_ms)| (aws(from), aws(to), *rtt_ms)));
    let trip =
        |(at, (from, to, rtt_ms))| row(at + 1, at + 1, ids, RoutingLatency { from, to, rtt_ms });
    Ok(trips.enumerate().map(trip).collect())
}

fn pair(record: &Record<'_>) -> Result<Vec<RoutingLatency>, String> {
    Ok(vec![RoutingLatency {
        from: record.get("src")?.to_owned(),
        to: record.get("dst")?.to_owned(),
        rtt_ms: milliseconds("avg_rtt_ms", record.get("avg_rtt_ms")?)?,
    }])
}

/// A row of the matrix; the diagonal is empty.
fn across(record: &Record<'_>, columns: &[&str]) -> Result<Vec<RoutingLatency>, String> {
    let from = azure(record.get(MATRIX)?);
    let mut trips = Vec::new();
    for column in columns.iter().skip(1) {
        let cell = record.get(column)?;
        if !cell.is_empty() {
            let (from, to) = (from.clone(), azure(column));
            trips.push(RoutingLatency { from, to, rtt_ms: milliseconds(column, cell)? });
        }
    }
    Ok(trips)
}

/// "East US" is the region `eastus`.
fn azure(name: &str) -> String {
    format!("azure:{}", name.replace(' ', "").to_ascii_lowercase())
}

fn milliseconds(column: &str, text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{column} is \"{text}\", which is no number of milliseconds"))
}

fn row(number: usize, line: usize, ids: &RowIds, trip: RoutingLatency) -> Row {
    let event = json!({
        "eventId": ids.event_id(number),
        "tenantId": PLATFORM_TENANT,
        "payload": Known::RoutingLatency(trip).to_payload(),
    });
    Row { line, event }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From, to and milliseconds of each row.
    fn trips(rows: &[Row]) -> Vec<(String, String, f64)> {
        let trip = |row: &Row| {
            let payload = &row.event["payload"];
            let text = |name: &str| payload[name].as_str().expect("a text").to_owned();
            (text("from"), text("to"), payload["rttMs"].as_f64().expect("a number"))
        };
        rows.iter().map(trip).collect()
    }

    #[test]
    fn all_three_forms_read_and_their_rows_have_ids_of_their_own() {
        let (path, ids) = (Path::new("rtt.csv"), RowIds::of(b"x"));
        let pairs = "src,dst,min_rtt_ms,avg_rtt_ms\naws:eu-west-1,gcp:us-east4-a,80,81.5\n";
        let pairs = of_csv(pairs, path, &ids).expect("it reads");
        assert_eq!(trips(&pairs), [("aws:eu-west-1".into(), "gcp:us-east4-a".into(), 81.5)]);
        let matrix = "Source,East US,West US 2\nEast US,,66\nWest US 2,67,\n";
        let matrix = of_csv(matrix, path, &ids).expect("it reads");
        let (east, west) = ("azure:eastus".to_owned(), "azure:westus2".to_owned());
        assert_eq!(trips(&matrix), [(east.clone(), west.clone(), 66.0), (west, east, 67.0)]);
        assert_ne!(matrix[0].event["eventId"], matrix[1].event["eventId"]);
        let json = r#"{"metadata":{},"data":{"us-east-1":{"eu-west-1":68.5}}}"#;
        let json = of_json(json, &ids).expect("it reads");
        assert_eq!(trips(&json), [("aws:us-east-1".into(), "aws:eu-west-1".into(), 68.5)]);
    }

    #[test]
    fn a_wrong_number_is_named_by_its_line() {
        let text = "src,dst,avg_rtt_ms\na,b,1\na,c,fast\n";
        let error = of_csv(text, Path::new("rtt.csv"), &RowIds::of(b"x")).expect_err("no number");
        assert!(error.to_string().contains("line 3"), "{error}");
    }
}
