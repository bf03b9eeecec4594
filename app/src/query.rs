//! Filters and questions, and the URL they live in. Reading is lenient: an address that a person
//! edited shows what it can.

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::finality::Finality;
use leptos_router::params::ParamsMap;

use crate::backend::{EventQuery, EventRow, FabricQuery};
use crate::format::url_value;

impl EventQuery {
    /// From the page's query string.
    pub(crate) fn from_url(params: &ParamsMap) -> Self {
        let text = |name: &str| {
            params.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        EventQuery {
            tenant: text("tenant"),
            status: text("status").and_then(|word| Finality::from_word(&word)),
            origin: text("origin").and_then(|name| name.parse::<Cloud>().ok()),
            kind: text("kind"),
            q: text("q"),
            from: text("from").and_then(|time| read_time(&time)),
            to: text("to").and_then(|time| read_time(&time)),
            cursor: text("cursor"),
            limit: text("limit").and_then(|limit| limit.parse().ok()),
        }
    }

    /// The filters as query parameters, in a fixed order, without the place in the list.
    fn filters(&self) -> Vec<(&'static str, String)> {
        [
            ("tenant", self.tenant.clone()),
            ("status", self.status.map(|status| status.word().to_owned())),
            ("origin", self.origin.map(|origin| origin.name().to_owned())),
            ("kind", self.kind.clone()),
            ("from", self.from.map(|at| at.to_string())),
            ("to", self.to.map(|at| at.to_string())),
            ("q", self.q.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }

    pub(crate) fn is_filtered(&self) -> bool {
        !self.filters().is_empty()
    }

    /// The ledger page at the same filters and another place.
    pub(crate) fn page_url(&self, cursor: Option<&str>) -> String {
        let mut pairs = self.filters();
        if let Some(cursor) = cursor {
            pairs.push(("cursor", cursor.to_owned()));
        }
        with_query("/ledger", &pairs)
    }

    /// The download of exactly the filtered set.
    pub(crate) fn export_url(&self, format: &str) -> String {
        let mut pairs = vec![("format", format.to_owned())];
        pairs.extend(self.filters());
        with_query("/v1/events/export", &pairs)
    }

    /// Would this row be on the first page? Only for announcing new rows: the list itself always
    /// comes from the server.
    pub(crate) fn admits(&self, row: &EventRow) -> bool {
        self.tenant.as_ref().is_none_or(|tenant| *tenant == row.tenant_id)
            && self.status.is_none_or(|status| status == row.status)
            && self.origin.is_none_or(|origin| origin == row.origin)
            && self.kind.as_ref().is_none_or(|kind| row.kind.as_ref() == Some(kind))
            && self.from.is_none_or(|from| row.accepted_at >= from)
            && self.to.is_none_or(|to| row.accepted_at <= to)
            && self.q.is_none()
    }
}

impl FabricQuery {
    /// From the page's query string. A time that is none is said to be none.
    pub(crate) fn from_url(params: &ParamsMap) -> Self {
        let text = |name: &str| {
            params.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let at = text("at");
        let read = at.as_deref().and_then(read_time);
        FabricQuery {
            region: text("region"),
            subnet: text("subnet"),
            at: read,
            bad_at: at.filter(|_| read.is_none()),
        }
    }
}

pub(crate) fn with_query(path: &str, pairs: &[(&str, String)]) -> String {
    let query: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", url_value(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// RFC 3339, or what `<input type="datetime-local">` gives (`2026-11-22T12:41`), read as UTC.
fn read_time(text: &str) -> Option<Timestamp> {
    let spellings = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")];
    spellings.iter().find_map(|spelling| spelling.parse().ok())
}

/// The value that `<input type="datetime-local">` shows for a UTC instant: no seconds where there
/// are none, since the field is as wide as what it holds.
pub(crate) fn input_time(at: Timestamp) -> String {
    let text = at.to_string();
    let text = text.trim_end_matches('Z').trim_end_matches(".000");
    text.strip_suffix(":00").unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&'static str, &str)]) -> ParamsMap {
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    #[test]
    fn a_form_without_webassembly_gives_the_same_query_as_a_clean_address() {
        let form = params(&[("tenant", " acme "), ("status", ""), ("from", "2026-11-22T12:41")]);
        let query = EventQuery::from_url(&form);
        assert_eq!(query.tenant.as_deref(), Some("acme"));
        assert_eq!(query.status, None);
        assert_eq!(query.page_url(None), "/ledger?tenant=acme&from=2026-11-22T12%3A41%3A00.000Z");
        assert_eq!(input_time(query.from.expect("read")), "2026-11-22T12:41");
        let to_the_second = "2026-11-22T12:41:07Z".parse().expect("valid");
        assert_eq!(input_time(to_the_second), "2026-11-22T12:41:07");
    }

    #[test]
    fn a_question_to_the_fabric_reads_what_a_form_gives() {
        let form = params(&[("region", "eu"), ("subnet", ""), ("at", "2026-11-26T08:00")]);
        let query = FabricQuery::from_url(&form);
        assert_eq!((query.region.as_deref(), query.subnet), (Some("eu"), None));
        assert_eq!(query.at.map(input_time).as_deref(), Some("2026-11-26T08:00"));
        let query = FabricQuery::from_url(&params(&[("at", "yesterday")]));
        assert_eq!((query.at, query.bad_at.as_deref()), (None, Some("yesterday")));
    }

    #[test]
    fn an_export_carries_the_filters_and_not_the_place() {
        let query = EventQuery::from_url(&params(&[("status", "final"), ("cursor", "x")]));
        assert_eq!(query.export_url("csv"), "/v1/events/export?format=csv&status=FINAL");
        assert!(query.is_filtered());
        assert!(!EventQuery::default().is_filtered());
    }
}
