//! `GET /v1/grants`: what two of three clouds have decided, each with its proof.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use domain::access::Action;
use domain::clock::Timestamp;
use domain::cloud::PerCloud;
use domain::event::EventId;
use domain::grant::{Ballot, Resource, Value, Version};
use domain::log::Hash;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::ask::Asked;
use crate::grant::{GRANTS_PAGE_MAX, Listed};
use crate::identity::Principal;
use crate::problem::Problem;

const ITEMS: u32 = 100;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/v1/grants", get(list))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filters {
    resource: Option<Resource>,
    /// The position of the last item of the page before.
    cursor: Option<u64>,
    limit: Option<u32>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    resource: Resource,
    version: Version,
    value: Value,
    /// SHA-256 of the value in RFC 8785 form: what was voted on.
    value_hash: Hash,
    ballot: Ballot,
    signed: PerCloud<bool>,
    /// The signed note of the votes; it verifies under the policy file.
    certificate: String,
    /// The event that records it.
    event_id: EventId,
    learnt_at: Timestamp,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Grant>,
    next_cursor: Option<String>,
}

async fn list(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(filters): Asked<Filters>,
) -> Result<Json<Page>, Problem> {
    // Its value is the payload of the event that records it.
    principal.require(Action::ReadPayload)?;
    let limit = filters.limit.unwrap_or(ITEMS);
    if !(1..=GRANTS_PAGE_MAX).contains(&limit) {
        return Err(Problem::malformed(format!("limit must be 1 to {GRANTS_PAGE_MAX}.")));
    }
    // One more than asked for tells whether there is a next page.
    let of = filters.resource.as_ref();
    let mut found = shared.grants.page(of, filters.cursor, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|last| last.position.to_string());
    Ok(Json(Page { items: found.into_iter().map(Grant::from).collect(), next_cursor }))
}

impl From<Listed> for Grant {
    fn from(listed: Listed) -> Self {
        let decision = listed.decision;
        let grant = decision.grant();
        Grant {
            resource: grant.resource.clone(),
            version: grant.version,
            value: decision.value().clone(),
            value_hash: decision.value().hash(),
            ballot: decision.ballot(),
            signed: *decision.signers(),
            certificate: decision.note(),
            event_id: grant.event_id(),
            learnt_at: listed.learnt_at,
        }
    }
}
