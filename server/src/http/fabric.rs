//! Where clients are sent, why, and taking a cloud out of service.

mod form;
pub(super) mod shares;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::Action;
use domain::catalog::{Known, RoutingDrain};
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use serde::Deserialize;
use serde_json::Value;

use super::Shared;
use super::ask::{Asked, Whole, json as read_json, shape_of};
use super::events::record::{Wish, decide};
use super::place::Place;
use crate::fabric::{Client, ExplainError};
use crate::identity::Principal;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/fabric/state", get(state))
        .route("/v1/fabric/explain", get(explain))
        .route("/v1/fabric/select", get(select))
        .route("/v1/fabric/preview", get(preview))
        .route("/v1/fabric/publishers", get(publishers))
        .route("/v1/fabric/drain", post(drain))
        .route("/v1/fabric/shares", post(shares::propose))
        .route("/v1/fabric/shares/preview", get(shares::preview))
        .route("/v1/fabric/shares/rollback", post(shares::take_back))
        .route("/fabric/act", post(form::act))
}

async fn state(State(shared): State<Shared>, principal: Principal) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadFabric)?;
    Ok(Json(shared.fabric.state().await?))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Question {
    name: Option<String>,
    region: Option<String>,
    subnet: Option<String>,
    at: Option<Timestamp>,
}

async fn explain(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(question): Asked<Question>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadFabric)?;
    let name = question.name.as_deref();
    let client = match (question.region, question.subnet) {
        (Some(_), Some(_)) => {
            let detail = "Ask for a region or for a subnet, not for both.";
            return Err(Problem::malformed(detail).field("subnet", "goes without region"));
        }
        (Some(region), None) => Client::Region(region),
        (None, Some(subnet)) => Client::Subnet(subnet),
        (None, None) => Client::Anyone,
    };
    let told = match question.at {
        None => shared.fabric.explain(name, &client),
        Some(at) => shared.fabric.explain_at(name, &client, at).await,
    };
    told.map(Json).map_err(refused)
}

fn refused(error: ExplainError) -> Problem {
    let detail = format!("{error}.");
    match error {
        ExplainError::Database(cause) => Problem::from(cause),
        ExplainError::Network(_) => Problem::malformed(detail).field("subnet", "is no network"),
        ExplainError::Region { .. } => {
            Problem::not_found(detail).field("region", "is not one of those that are known")
        }
        ExplainError::Name { .. } | ExplainError::TooEarly(_) => Problem::not_found(detail),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Selecting {
    region: Option<String>,
    /// What is dealt by the shares, where some are in force: a client's network, or its session.
    key: Option<String>,
}

/// Asked before every request of the platform: it must not be kept longer than it holds.
async fn select(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(asking): Asked<Selecting>,
) -> Result<Response, Problem> {
    principal.require(Action::ReadFabric)?;
    let selected = shared.fabric.select(asking.region.as_deref(), asking.key.as_deref());
    let keep = format!("private, max-age={}", selected["ttl"].as_u64().unwrap_or(0));
    Ok(([(header::CACHE_CONTROL, keep)], Json(selected)).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Looking {
    #[serde(default)]
    fresh: bool,
}

/// How each provider stands, and what would be written there. Nothing is.
async fn publishers(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(Looking { fresh }): Asked<Looking>,
) -> Result<Json<Value>, Problem> {
    // A reading spends the provider's patience, so it is for people.
    principal.require(if fresh { Action::ReadPricing } else { Action::ReadFabric })?;
    Ok(Json(serde_json::json!({ "items": shared.fabric.published(fresh).await })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhatIf {
    cloud: Cloud,
    #[serde(default = "is_so")]
    drained: bool,
}

const fn is_so() -> bool {
    true
}

/// What a drain would come to. Nothing is recorded.
async fn preview(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(WhatIf { cloud, drained }): Asked<WhatIf>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadFabric)?;
    Ok(Json(shared.fabric.previewed(cloud, drained)))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Order {
    cloud: Cloud,
    drained: bool,
    reason: String,
}

/// A decision like any other: it takes effect on every cloud once it is final.
async fn drain(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::DrainCloud)?;
    let body = read_json(&body)?;
    let Order { cloud, drained, reason } = shape_of(body, &["cloud", "drained", "reason"])?;
    let decision = Known::RoutingDrain(RoutingDrain { cloud, drained, reason });
    decide(&shared, &principal, &decision, wish, place).await
}
