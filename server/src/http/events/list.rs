//! `GET /v1/events`: pages of the ledger, newest first.

use app::backend::EventQuery;
use axum::Json;
use axum::extract::State;
use domain::access::Action;
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::finality::Finality;
use serde::{Deserialize, Serialize};

use super::view::Summary;
use crate::http::Shared;
use crate::http::ask::Asked;
use crate::identity::Principal;
use crate::ledger::PAGE_ROWS_MAX;
use crate::problem::Problem;

/// The filters, as in the address of the ledger's page. An empty one is none: forms send them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    tenant: Option<String>,
    status: Option<String>,
    origin: Option<String>,
    kind: Option<String>,
    q: Option<String>,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
    /// Of an export only.
    pub(super) format: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Summary>,
    next_cursor: Option<String>,
    previous_cursor: Option<String>,
}

pub(super) async fn list(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(filters): Asked<Filters>,
) -> Result<impl axum::response::IntoResponse, Problem> {
    principal.require(Action::ReadLedger)?;
    if filters.format.is_some() {
        return Err(Problem::malformed("\"format\" belongs to /v1/events/export."));
    }
    let page = shared.console.events(&filters.query()?).await?;
    Ok(Json(Page {
        items: page.items.into_iter().map(Summary::from).collect(),
        next_cursor: page.next_cursor,
        previous_cursor: page.previous_cursor,
    }))
}

impl Filters {
    /// What they mean; a value that no event can have is refused by name.
    pub(super) fn query(self) -> Result<EventQuery, Problem> {
        let status = read("status", self.status, |text| {
            Finality::from_word(text)
                .ok_or("must be PENDING, FINAL, QUARANTINED or DISPUTED".to_owned())
        })?;
        let origin =
            read("origin", self.origin, |text| text.parse::<Cloud>().map_err(|e| e.to_string()))?;
        let time = |text: &str| text.parse::<Timestamp>().map_err(|error| error.to_string());
        let limit = read("limit", self.limit, |text| match text.parse::<u32>() {
            Ok(limit) if (1..=PAGE_ROWS_MAX).contains(&limit) => Ok(limit),
            _ => Err(format!("must be 1 to {PAGE_ROWS_MAX}")),
        })?;
        Ok(EventQuery {
            tenant: filled(self.tenant),
            status,
            origin,
            kind: filled(self.kind),
            q: filled(self.q),
            from: read("from", self.from, time)?,
            to: read("to", self.to, time)?,
            cursor: filled(self.cursor),
            limit,
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
        Problem::malformed(format!("The query parameter {name}={text} {reason}."))
            .field(name, reason)
    })?;
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_and_wrong_ones_named() {
        let filters = Filters {
            status: Some("final".into()),
            origin: Some("aws".into()),
            tenant: Some(" ".into()),
            from: Some("2026-11-22T12:00:00Z".into()),
            limit: Some("1000".into()),
            ..Filters::default()
        };
        let query = filters.query().expect("all good");
        assert_eq!(query.status, Some(Finality::Final));
        assert_eq!(
            (query.origin, query.tenant, query.limit),
            (Some(Cloud::Aws), None, Some(1_000))
        );
        for filters in [
            Filters { status: Some("DONE".into()), ..Filters::default() },
            Filters { origin: Some("ibm".into()), ..Filters::default() },
            Filters { to: Some("soon".into()), ..Filters::default() },
            Filters { limit: Some("1001".into()), ..Filters::default() },
            Filters { limit: Some("0".into()), ..Filters::default() },
        ] {
            assert_eq!(filters.query().expect_err("wrong").status, 400);
        }
    }
}
