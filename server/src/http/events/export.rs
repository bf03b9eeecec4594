//! `GET /v1/events/export`: exactly the filtered set as a file, however long it is.

use std::sync::Arc;

use app::backend::EventQuery;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::cloud::Cloud;
use futures::stream;

use super::list::Filters;
use super::view::Summary;
use crate::http::Shared;
use crate::http::ask::Asked;
use crate::http::csv;
use crate::identity::Principal;
use crate::problem::Problem;

/// Rows read at a time: all that an export holds in memory.
const ROWS: u32 = 1_000;
const HEAD: &str = "eventId,tenantId,kind,status,originCloud,epoch,sequence,signedGcp,signedAws,\
                    signedAzure,hash,createdAt,acceptedAt,timeToFinalMs\r\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    Lines,
}

impl Format {
    fn read(name: Option<&str>) -> Result<Self, Problem> {
        match name.unwrap_or("csv") {
            "csv" => Ok(Format::Csv),
            "json" => Ok(Format::Json),
            "ndjson" => Ok(Format::Lines),
            other => Err(Problem::malformed(format!(
                "The format \"{other}\" is not written here; use csv, json or ndjson."
            ))),
        }
    }

    const fn media(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Json => "application/json",
            Format::Lines => "application/x-ndjson",
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Lines => "ndjson",
        }
    }

    /// A page of rows; `first` and `last` say where in the file it stands.
    fn write(self, rows: &[Summary], first: bool, last: bool) -> String {
        match self {
            Format::Csv => {
                let head = if first { HEAD } else { "" };
                head.to_owned() + &rows.iter().map(csv_line).collect::<String>()
            }
            Format::Lines => rows.iter().map(|row| json_text(row) + "\n").collect(),
            Format::Json => {
                let comma = if first || rows.is_empty() { "" } else { ",\n" };
                let rows: Vec<String> = rows.iter().map(json_text).collect();
                let open = if first { "[\n" } else { "" };
                let close = if last { "\n]\n" } else { "" };
                format!("{open}{comma}{}{close}", rows.join(",\n"))
            }
        }
    }
}

pub(super) async fn export(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(filters): Asked<Filters>,
) -> Result<Response, Problem> {
    principal.require(Action::ExportLedger)?;
    let format = Format::read(filters.format.as_deref())?;
    let query = filters.query()?;
    let name = file_name(&shared, &query, format);
    // The first page is read before the status is sent: a wrong cursor must still be a problem.
    let first = Reading { shared, format, query: Some(query), first: true }.page().await?;
    let rest = stream::try_unfold(first.1, |reading| async move {
        if reading.query.is_none() {
            return Ok(None);
        }
        // Past the first page an error can only cut the connection, so that nobody takes half a
        // file for a whole one.
        let next = reading.page().await;
        next.map(Some).map_err(|problem| std::io::Error::other(problem.detail))
    });
    let start = stream::once(std::future::ready(Ok(first.0)));
    let headers = [
        (header::CONTENT_TYPE, format.media().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let body = Body::from_stream(futures::StreamExt::chain(start, rest));
    Ok((headers, body).into_response())
}

/// Where an export is.
struct Reading {
    shared: Shared,
    format: Format,
    /// The next page, if there is one.
    query: Option<EventQuery>,
    first: bool,
}

impl Reading {
    async fn page(self) -> Result<(Bytes, Reading), Problem> {
        let Reading { shared, format, query, first } = self;
        let query = EventQuery { limit: Some(ROWS), ..query.unwrap_or_default() };
        let page = shared.console.events(&query).await?;
        let rows: Vec<Summary> = page.items.into_iter().map(Summary::from).collect();
        let text = format.write(&rows, first, page.next_cursor.is_none());
        let next = page.next_cursor.map(|cursor| EventQuery { cursor: Some(cursor), ..query });
        let shared = Arc::clone(&shared);
        Ok((Bytes::from(text), Reading { shared, format, query: next, first: false }))
    }
}

/// `ternion-gcp-events-FINAL-20261124T024106Z.csv`: what, from where, as of when.
fn file_name(shared: &Shared, query: &EventQuery, format: Format) -> String {
    let at = csv::stamp();
    let status = query.status.map_or_else(String::new, |status| format!("-{}", status.word()));
    format!("ternion-{}-events{status}-{at}.{}", shared.ledger.cloud(), format.suffix())
}

fn json_text(row: &Summary) -> String {
    // Texts, numbers and lists of them: always serializable.
    serde_json::to_string(row).unwrap_or_default()
}

fn csv_line(row: &Summary) -> String {
    let signed = |cloud: Cloud| row.signed.get(cloud).to_string();
    let cells = [
        row.event_id.clone(),
        row.tenant_id.clone(),
        row.kind.clone().unwrap_or_default(),
        row.status.word().to_owned(),
        row.origin_cloud.to_string(),
        row.slot.epoch.to_string(),
        row.slot.sequence.to_string(),
        signed(Cloud::Gcp),
        signed(Cloud::Aws),
        signed(Cloud::Azure),
        row.hash.clone(),
        row.created_at.to_string(),
        row.accepted_at.to_string(),
        row.time_to_final_ms.map(|ms| ms.to_string()).unwrap_or_default(),
    ];
    cells.map(|cell| csv::cell(&cell)).join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::Slot;
    use domain::finality::{Finality, Signed};

    fn row(kind: &str) -> Summary {
        Summary {
            event_id: "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b".into(),
            tenant_id: "acme".into(),
            kind: Some(kind.into()),
            status: Finality::Pending,
            hash: "00".into(),
            origin_cloud: Cloud::Gcp,
            slot: Slot { origin: Cloud::Gcp, epoch: 1, sequence: 204 },
            signed: Signed::only(Cloud::Gcp),
            quorum_reached: false,
            replicated: false,
            created_at: domain::clock::Timestamp::from_unix_ms(0),
            accepted_at: domain::clock::Timestamp::from_unix_ms(0),
            time_to_final_ms: None,
        }
    }

    #[test]
    fn a_kind_is_no_formula_and_stays_in_its_column() {
        let line = csv_line(&row("=cmd|' /C calc'!A0"));
        assert!(
            line.contains(",'=cmd|' /C calc'!A0,PENDING,gcp,1,204,true,false,false,"),
            "{line}"
        );
        assert_eq!(line.split(',').count(), HEAD.split(',').count());
    }

    #[test]
    fn pages_of_a_json_export_are_one_array() {
        let rows = [row("a"), row("b")];
        let whole = [
            Format::Json.write(&rows, true, false),
            Format::Json.write(&rows, false, false),
            Format::Json.write(&[], false, true),
        ];
        let read: serde_json::Value = serde_json::from_str(&whole.concat()).expect("an array");
        assert_eq!(read.as_array().map(Vec::len), Some(4));
        let empty = Format::Json.write(&[], true, true);
        assert_eq!(serde_json::from_str::<Vec<()>>(&empty).expect("an array"), []);
    }
}
