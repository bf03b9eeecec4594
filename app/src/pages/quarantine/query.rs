//! The quarantine's filters and the URL they live in. Reading is lenient: an address that a person
//! edited shows what it can.

use domain::quarantine::State;
use leptos_router::params::ParamsMap;

use crate::backend::HeldQuery;
use crate::query::with_query;

impl HeldQuery {
    pub(super) fn from_url(params: &ParamsMap) -> Self {
        let text = |name: &str| {
            params.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        HeldQuery {
            state: text("state").and_then(|name| State::from_name(&name)),
            reason: text("reason").and_then(|code| code.parse().ok()),
            source: text("source").and_then(|source| source.parse().ok()),
            tenant: text("tenant"),
            cursor: text("cursor"),
            limit: text("limit").and_then(|limit| limit.parse().ok()),
        }
    }

    fn filters(&self) -> Vec<(&'static str, String)> {
        [
            ("state", self.state.map(|state| state.name().to_owned())),
            ("reason", self.reason.map(|reason| reason.code().to_owned())),
            ("source", self.source.as_ref().map(ToString::to_string)),
            ("tenant", self.tenant.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }

    pub(super) fn is_filtered(&self) -> bool {
        !self.filters().is_empty()
    }

    /// The page at the same filters and another place.
    pub(super) fn page_url(&self, cursor: Option<&str>) -> String {
        let mut pairs = self.filters();
        pairs.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        with_query("/ledger/quarantine", &pairs)
    }

    /// The download of exactly the filtered set.
    pub(super) fn export_url(&self) -> String {
        with_query("/v1/quarantine/export", &self.filters())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::quarantine::{Reason, Source};

    #[test]
    fn filters_live_in_the_address_and_what_nobody_can_mean_is_left_out() {
        let pairs =
            [("state", "held"), ("reason", "weak_key"), ("source", "client:a@b"), ("x", "y")];
        let params: ParamsMap =
            pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let query = HeldQuery::from_url(&params);
        assert_eq!(query.reason, Some(Reason::WeakKey));
        assert_eq!(query.source, Some(Source::Client("a@b".to_owned())));
        assert_eq!(
            query.page_url(Some("7~x")),
            "/ledger/quarantine?state=held&reason=weak_key&source=client%3Aa%40b&cursor=7~x"
        );
        assert!(query.export_url().starts_with("/v1/quarantine/export?state=held&"));
        let odd: ParamsMap = [("state", "lost".to_owned())].into_iter().collect();
        assert!(!HeldQuery::from_url(&odd).is_filtered());
    }
}
