//! `GET /v1/quarantine`: pages of what is held, and all of it as a file.

use std::sync::Arc;

use app::backend::{HeldPage, HeldQuery, HeldRow};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::quarantine::{Reason, Source, State as HeldState};
use futures::{StreamExt as _, stream};
use serde::Deserialize;

use super::super::Shared;
use super::super::ask::Asked;
use crate::identity::Principal;
use crate::problem::Problem;
use crate::quarantine::ITEMS_PAGE_MAX;

/// The filters, as in the address of the page. An empty one is none: forms send them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    state: Option<String>,
    reason: Option<String>,
    source: Option<String>,
    tenant: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

impl Filters {
    /// What they mean; a value that nothing held can have is refused by name.
    fn query(self) -> Result<HeldQuery, Problem> {
        let state = |text: &str| {
            HeldState::from_name(text).ok_or("must be held, released or rejected".to_owned())
        };
        let reason = |text: &str| text.parse::<Reason>().map_err(|error| error.to_string());
        let source = |text: &str| text.parse::<Source>().map_err(|error| error.to_string());
        let limit = |text: &str| match text.parse::<u32>() {
            Ok(limit) if (1..=ITEMS_PAGE_MAX).contains(&limit) => Ok(limit),
            _ => Err(format!("must be 1 to {ITEMS_PAGE_MAX}")),
        };
        Ok(HeldQuery {
            state: read("state", self.state, state)?,
            reason: read("reason", self.reason, reason)?,
            source: read("source", self.source, source)?,
            tenant: filled(self.tenant),
            cursor: filled(self.cursor),
            limit: read("limit", self.limit, limit)?,
        })
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn read<T>(
    name: &str,
    text: Option<String>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Problem> {
    let Some(text) = filled(text) else { return Ok(None) };
    let value = parse(&text).map_err(|reason| {
        Problem::malformed(format!("The query parameter {name}={text} is wrong: {reason}."))
            .field(name, reason)
    })?;
    Ok(Some(value))
}

pub(super) async fn list(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(filters): Asked<Filters>,
) -> Result<Json<HeldPage>, Problem> {
    principal.require(Action::ReadLedger)?;
    Ok(Json(shared.console.held_page(&filters.query()?).await?))
}

/// The filtered set as one JSON array, a page at a time.
pub(super) async fn export(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(filters): Asked<Filters>,
) -> Result<Response, Problem> {
    principal.require(Action::ExportLedger)?;
    let query = HeldQuery { limit: Some(ITEMS_PAGE_MAX), ..filters.query()? };
    let name = format!("ternion-{}-quarantine.json", shared.ledger.cloud());
    // The first page is read before the status is sent: a wrong cursor must still be a problem.
    let (first, next) = page(&shared, query, true).await?;
    let rest = stream::try_unfold(next, move |next| {
        let shared = Arc::clone(&shared);
        async move {
            let Some(query) = next else { return Ok(None) };
            // By now an error can only cut the connection: half a file must not pass for a whole.
            let read = page(&shared, query, false).await;
            read.map(Some).map_err(|problem| std::io::Error::other(problem.detail))
        }
    });
    let first = stream::once(std::future::ready(Ok(first)));
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(first.chain(rest))).into_response())
}

/// A page of the file, and what to ask for the next.
async fn page(
    shared: &Shared,
    query: HeldQuery,
    first: bool,
) -> Result<(Bytes, Option<HeldQuery>), Problem> {
    let page = shared.console.held_page(&query).await?;
    let text = write(&page.items, first, page.next_cursor.is_none());
    let next = page.next_cursor.map(|cursor| HeldQuery { cursor: Some(cursor), ..query });
    Ok((text.into(), next))
}

fn write(rows: &[HeldRow], first: bool, last: bool) -> String {
    // Texts, numbers and times: always serializable.
    let lines: Vec<String> =
        rows.iter().map(|row| serde_json::to_string(row).unwrap_or_default()).collect();
    let open = if first { "[\n" } else { ",\n" };
    let close = if last { "\n]\n" } else { "" };
    format!("{open}{}{close}", lines.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_and_wrong_ones_named() {
        let filters = Filters {
            state: Some("held".into()),
            reason: Some("root_mismatch".into()),
            source: Some("client:ingest".into()),
            tenant: Some(" ".into()),
            ..Filters::default()
        };
        let query = filters.query().expect("all good");
        assert_eq!(query.reason, Some(Reason::RootMismatch));
        assert_eq!(query.source, Some(Source::Client("ingest".to_owned())));
        assert_eq!((query.tenant, query.limit), (None, None));
        for filters in [
            Filters { state: Some("lost".into()), ..Filters::default() },
            Filters { reason: Some("bad_luck".into()), ..Filters::default() },
            Filters { source: Some("ibm".into()), ..Filters::default() },
            Filters { limit: Some("0".into()), ..Filters::default() },
        ] {
            assert_eq!(filters.query().expect_err("wrong").status, 400);
        }
    }

    #[test]
    fn an_export_of_nothing_is_an_empty_array() {
        let read = serde_json::from_str::<Vec<HeldRow>>(&write(&[], true, true));
        assert_eq!(read.expect("an array"), []);
    }
}
