//! `GET /v1/events`: pages of the ledger, newest first.

use std::collections::BTreeMap;

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
use crate::http::ask::{Asked, of_query};
use crate::identity::Principal;
use crate::ledger::PAGE_ROWS_MAX;
use crate::problem::{FieldProblem, Problem};

/// The filters, as in the address of the ledger's page. An empty one is none: forms send them.
#[derive(Clone, Debug, Default, Deserialize)]
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
    /// None of the above: refused together with what is wrong with those.
    #[serde(flatten)]
    unknown: BTreeMap<String, String>,
}

const FILTERS: &str = "tenant, status, origin, kind, q, from, to, cursor, limit";

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
    /// What they mean; values that no event can have, and filters that there are not, are refused by
    /// name.
    pub(super) fn query(self) -> Result<EventQuery, Problem> {
        let mut wrong = Vec::new();
        let status = read("status", self.status, &mut wrong, |text| {
            Finality::from_word(text)
                .ok_or("must be PENDING, FINAL, QUARANTINED or DISPUTED".to_owned())
        });
        let origin = read("origin", self.origin, &mut wrong, |text| {
            text.parse::<Cloud>().map_err(|error| error.to_string())
        });
        let time = |text: &str| text.parse::<Timestamp>().map_err(|error| error.to_string());
        let from = read("from", self.from, &mut wrong, time);
        let to = read("to", self.to, &mut wrong, time);
        let limit = read("limit", self.limit, &mut wrong, |text| match text.parse::<u32>() {
            Ok(limit) if (1..=PAGE_ROWS_MAX).contains(&limit) => Ok(limit),
            _ => Err(format!("must be 1 to {PAGE_ROWS_MAX}")),
        });
        wrong.extend(self.unknown.into_keys().map(|field| {
            let reason = format!("is not known here; these are: {FILTERS}");
            FieldProblem { field, reason }
        }));
        if let Some(problem) = of_query(wrong) {
            return Err(problem);
        }
        Ok(EventQuery {
            tenant: filled(self.tenant),
            status,
            origin,
            kind: filled(self.kind),
            q: filled(self.q),
            from,
            to,
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
    wrong: &mut Vec<FieldProblem>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let text = filled(text)?;
    let refused = |reason| wrong.push(FieldProblem { field: name.to_owned(), reason });
    parse(&text).map_err(refused).ok()
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
        let several = Filters {
            limit: Some("abc".into()),
            to: Some("soon".into()),
            unknown: [("frob".to_owned(), "1".to_owned())].into(),
            ..Filters::default()
        };
        let problem = several.query().expect_err("three are wrong");
        let named: Vec<&str> = problem.errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(named, ["to", "limit", "frob"]);
    }
}
