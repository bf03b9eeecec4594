//! Scenarios that are kept: each save and each promotion is an event, and takes effect everywhere
//! once it is final.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::Action;
use domain::catalog::{DECIDED_BY, Known, ScenarioPromote, ScenarioSave};
use domain::economics::study::Request;
use domain::event::{EventId, Slot, TenantId};
use domain::pricing::foresight::KEPT_MAX;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ask::{Asked, Named, Whole, json as read_json, shape};
use super::events::record::{Wish, http_status, record_one, recorded, until_in_force};
use super::optimizer::{Opened, open_promoted};
use super::{Services, Shared};
use crate::economics::absurd;
use crate::identity::Principal;
use crate::ledger::Accepted;
use crate::problem::Problem;
use crate::projection::{Catalog, Entity, Saved};

mod form;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/scenarios", get(list).post(create))
        .route("/v1/scenarios/{scenario_id}", get(one).post(replace))
        .route("/v1/scenarios/{scenario_id}/promote", post(promote))
        .route("/scenarios/act", post(form::act))
}

/// The newest version of a scenario.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Scenario<'a> {
    #[serde(flatten)]
    saved: &'a ScenarioSave,
    author: Option<&'a str>,
    decision: Decision,
    /// The last one, of this version or an earlier one.
    promotion: Option<Promotion<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Decision {
    event_id: EventId,
    slot: Slot,
}

#[derive(Debug, Serialize)]
struct Promotion<'a> {
    #[serde(flatten)]
    promoted: &'a ScenarioPromote,
    decision: Decision,
}

impl<'a> Scenario<'a> {
    fn of(saved: &'a Saved, catalog: &'a Catalog) -> Self {
        let current = &saved.current;
        let promotion = catalog.promotion(current.value.scenario_id).map(|promotion| Promotion {
            promoted: &promotion.value,
            decision: Decision { event_id: promotion.event_id, slot: promotion.slot },
        });
        Scenario {
            saved: &current.value,
            author: saved.author.as_deref(),
            decision: Decision { event_id: current.event_id, slot: current.slot },
            promotion,
        }
    }
}

async fn list(State(shared): State<Shared>, principal: Principal) -> Result<Json<Value>, Problem> {
    principal.require(Action::Simulate)?;
    let catalog = shared.projection.catalog();
    let items: Vec<_> = catalog.scenarios().map(|saved| Scenario::of(saved, &catalog)).collect();
    Ok(Json(json!({ "items": items, "nextCursor": null })))
}

async fn one(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::Simulate)?;
    let id = scenario_id(&id)?;
    let catalog = shared.projection.catalog();
    let saved = catalog.scenario(id).ok_or_else(|| unknown(id))?;
    let mut whole = serde_json::to_value(Scenario::of(saved, &catalog)).map_err(Problem::fault)?;
    let versions = shared.projection.versions(Entity::Scenario, &id.to_string()).await?;
    let version = |version: crate::projection::Version| {
        json!({
            "version": version.body["version"], "name": version.body["name"],
            "author": version.body[DECIDED_BY],
            "decision": Decision { event_id: version.event_id, slot: version.slot }
        })
    };
    whole["versions"] = versions.into_iter().map(version).collect();
    Ok(Json(whole))
}

/// What a client says of a scenario.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Draft {
    name: String,
    #[serde(default)]
    notes: String,
    /// A body of `POST /v1/economics/simulate`.
    request: Value,
    /// The version that is replaced; absent for a new scenario.
    version: Option<u32>,
    /// Is it asked on schedule?
    #[serde(default)]
    standing: bool,
}

impl Draft {
    fn into_save(self, scenario_id: Uuid, version: u32) -> Result<Known, Problem> {
        let request: Request = shape(self.request.clone()).map_err(within_request)?;
        request.check().map_err(|error| absurd(&error))?;
        let Draft { name, notes, request, standing, version: _ } = self;
        let save = ScenarioSave { scenario_id, version, name, notes, request, standing };
        Ok(Known::ScenarioSave(save))
    }
}

fn within_request(problem: Problem) -> Problem {
    let errors = problem.errors.into_iter();
    let errors = errors.map(|mut error| {
        error.field = format!("/request{}", error.field);
        error
    });
    Problem { errors: errors.collect(), ..problem }
}

async fn create(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::EditScenarios)?;
    let draft: Draft = shape(read_json(&body)?)?;
    if draft.version.is_some() {
        let problem = Problem::invalid("A new scenario replaces no version.");
        return Err(problem.field("/version", "must be left out"));
    }
    let id = Uuid::now_v7();
    may_stand(&shared.projection.catalog(), id, draft.standing)?;
    record(&shared, &principal, wish, id, 1, &draft.into_save(id, 1)?).await
}

/// A new version. It names the one that it replaces, so that nobody overwrites unseen what is final
/// here. Of two that replace one version within a moment, or at two clouds, the later clock stands.
async fn replace(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::EditScenarios)?;
    let id = scenario_id(&id)?;
    let draft: Draft = shape(read_json(&body)?)?;
    let replaced = draft.version.ok_or_else(|| {
        let problem = Problem::invalid("It is not said which version this replaces.");
        problem.field("/version", "is missing")
    })?;
    newest(&shared, id, replaced)?;
    may_stand(&shared.projection.catalog(), id, draft.standing)?;
    let version = replaced.saturating_add(1);
    record(&shared, &principal, wish, id, version, &draft.into_save(id, version)?).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Proposal {
    version: u32,
    reason: String,
    #[serde(default)]
    routing_weights: Value,
    #[serde(default)]
    price_changes: Value,
    #[serde(default)]
    tenant_price_changes: Value,
}

async fn promote(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::EditScenarios)?;
    let id = scenario_id(&id)?;
    let Proposal { version, reason, routing_weights, price_changes, tenant_price_changes } =
        shape(read_json(&body)?)?;
    newest(&shared, id, version)?;
    let or_empty = |value: Value| if value.is_null() { json!({}) } else { value };
    let promotion = ScenarioPromote {
        scenario_id: id,
        version,
        reason,
        routing_weights: shape(or_empty(routing_weights))?,
        price_changes: shape(or_empty(price_changes))?,
        tenant_price_changes: shape(or_empty(tenant_price_changes))?,
    };
    known_tenants(&shared, &promotion)?;
    let decision = Known::ScenarioPromote(promotion.clone());
    let (status, mut body) = told(&shared, &principal, wish, (id, version), &decision).await?;
    let opened = open_promoted(&shared, &principal, &promotion).await;
    body["proposals"] = opened.iter().map(Opened::told).collect();
    Ok((status, Json(body)).into_response())
}

fn scenario_id(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("No scenario \"{text}\" is known here.")))
}

fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format!("No scenario {id} is final here."))
}

/// Is this the version that is in force?
fn newest(shared: &Services, id: Uuid, version: u32) -> Result<(), Problem> {
    let catalog = shared.projection.catalog();
    let newest = catalog.scenario(id).ok_or_else(|| unknown(id))?.current.value.version;
    if newest == version {
        return Ok(());
    }
    let detail = format!("Version {newest} is in force, and not {version}. Look at it first.");
    Err(Problem::conflict(detail).field("/version", format!("is {newest} now")))
}

/// A misspelt tenant would move nobody's price, and nobody would see it.
fn known_tenants(shared: &Services, promotion: &ScenarioPromote) -> Result<(), Problem> {
    let catalog = shared.projection.catalog();
    let is_unknown = |name: &&String| {
        let id = TenantId::try_from((*name).clone()).ok();
        id.and_then(|id| catalog.tenant(&id)).is_none_or(|tenant| !tenant.value.active)
    };
    let Some(name) = promotion.tenant_price_changes.keys().find(is_unknown) else { return Ok(()) };
    let problem = Problem::invalid(format!("No active tenant is called \"{name}\"."));
    Err(problem
        .field("/tenantPriceChanges", format!("names \"{name}\", which is no active tenant")))
}

/// A run asks so many kept scenarios and no more: one that would not be asked is not marked so.
fn may_stand(catalog: &Catalog, id: Uuid, standing: bool) -> Result<(), Problem> {
    let marked = || catalog.scenarios().map(|saved| &saved.current.value).filter(|it| it.standing);
    if !standing || marked().any(|it| it.scenario_id == id) || marked().count() < KEPT_MAX {
        return Ok(());
    }
    let detail = format!(
        "{KEPT_MAX} scenarios are asked on schedule already, and no more are. Take the mark off one \
         of them first, or keep this one without it."
    );
    Err(Problem::conflict(detail).field("/standing", "is so of too many"))
}

/// Records a decision about a scenario, and waits as long as is wished.
async fn keep(
    shared: &Services,
    principal: &Principal,
    wish: Wish,
    decision: &Known,
) -> Result<(TenantId, Accepted), Problem> {
    let event = json!({ "tenantId": TenantId::platform(), "payload": decision.to_payload() });
    let (tenant, accepted) = record_one(shared, principal, event).await?;
    until_in_force(shared, accepted.slot, wish).await;
    Ok((tenant, accepted))
}

async fn record(
    shared: &Services,
    principal: &Principal,
    wish: Wish,
    id: Uuid,
    version: u32,
    decision: &Known,
) -> Result<Response, Problem> {
    let (status, body) = told(shared, principal, wish, (id, version), decision).await?;
    Ok((status, Json(body)).into_response())
}

/// Keeps it, and says what became of it.
async fn told(
    shared: &Services,
    principal: &Principal,
    wish: Wish,
    (id, version): (Uuid, u32),
    decision: &Known,
) -> Result<(StatusCode, Value), Problem> {
    let (tenant, accepted) = keep(shared, principal, wish, decision).await?;
    let decision = recorded(shared, tenant, accepted, wish, principal).await;
    let body = json!({ "scenarioId": id, "version": version, "decision": decision });
    Ok((http_status(&decision, wish), body))
}
