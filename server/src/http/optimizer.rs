//! Recommendations, proposals, approvals, the policy of prices, and what the platform applies.

mod acts;
mod anew;
mod beforehand;
mod controls;
mod dates;
mod delegations;
mod foresight;
mod form;
mod list;
mod list_price;
mod policy_form;
mod promoted;
mod refused;
mod shown;
mod switch;
mod together;
mod trail;
mod wishes;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::Action;
use domain::catalog::SwitchName;
use domain::economics::draw::Seed;
use domain::event::TenantId;
use domain::log::Hash;
use domain::pricing::book::Stands;
use domain::pricing::policy::Policy;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

use super::ask::{Asked, Named, Whole, json as read_json, shape, shape_of};
use super::events::record::Wish;
use super::place::Place;
use super::{Services, Shared};
use crate::identity::{ClientAddress, Principal};
use crate::optimizer::{REHEARSED_SEED, Rehearsed, rehearsed_days};
use crate::problem::{FieldProblem, Problem};
pub(super) use acts::open_policy;
use acts::{Act, Approval, Proof, Seen};
pub(super) use dates::unfit_end;
pub(super) use list_price::open_list_price;
pub(super) use promoted::{Opened, open_promoted, open_shares, opened, take_shares_back};

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/tenants/{tenant_id}/controls", get(controls::controls))
        .route("/v1/tenants/{tenant_id}/controls/trail", get(trail::trail))
        .route("/v1/tenants/{tenant_id}/margin", get(margin))
        .route("/v1/recommendations", get(recommendations))
        .route("/v1/optimizer/run", post(run))
        .route("/v1/optimizer/rehearse", post(rehearse))
        .route("/v1/foresight", get(foresight::read))
        .route("/v1/foresight/run", post(foresight::run))
        .route("/v1/proposals", get(list::proposals).post(propose))
        .route("/v1/proposals/{proposal_id}", get(list::proposal))
        .route("/v1/approvals", get(list::approvals))
        .route("/v1/approvals/bulk", post(together::bulk))
        .route("/v1/approvals/delegations", get(delegations::list).post(delegations::give))
        .route("/v1/approvals/delegations/{delegation_id}/withdraw", post(delegations::take_back))
        .route("/v1/approvals/{proposal_id}/approve", post(approve))
        .route("/v1/approvals/{proposal_id}/reject", post(reject))
        .route("/v1/approvals/{proposal_id}/modify", post(modify))
        .route("/v1/prices/{tenant_id}/rollback", post(rollback))
        .route("/v1/policy", get(policy).put(put_policy))
        .route("/v1/controller-state", get(controller_state).put(put_controller_state))
        .route("/optimizer/act", post(form::act))
        .route("/optimizer/policy/act", post(policy_form::act))
        .route("/approvals/together/act", post(together::act))
}

fn tenant(shared: &Services, id: &str) -> Result<TenantId, Problem> {
    let unknown = || Problem::not_found(format!("No tenant \"{id}\" is known here."));
    let tenant = TenantId::try_from(id.to_owned()).map_err(|_| unknown())?;
    shared.projection.catalog().tenant(&tenant).map(|_| tenant).ok_or_else(unknown)
}

fn proposal_id(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("No proposal \"{text}\" is final here.")))
}

async fn margin(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadPricing)?;
    let tenant = tenant(&shared, &id)?;
    let catalog = shared.projection.catalog();
    let days = catalog.book().policy().1.window_days;
    let found = shared.economics.figures(Some(&tenant), days, crate::now()).await?;
    let figures = found.tenants.get(&tenant).map(|found| &found.figures);
    Ok(Json(json!({
        "tenantId": tenant, "from": found.from, "to": found.to,
        "margin": figures.and_then(domain::pricing::recommend::Figures::margin),
        "figures": figures, "unpriced": found.unpriced.contains(&tenant)
    })))
}

async fn recommendations(
    State(shared): State<Shared>,
    principal: Principal,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadPricing)?;
    let catalog = shared.projection.catalog();
    let item = |said: &crate::projection::Current<domain::catalog::OptimizerRecommend>| {
        let mut item = serde_json::to_value(&said.value).unwrap_or_default();
        item["decision"] = json!({ "eventId": said.event_id, "slot": said.slot });
        item
    };
    let items: Vec<Value> = catalog.recommendations().map(item).collect();
    let run = catalog.run().map(|run| {
        let mut value = serde_json::to_value(&run.value).unwrap_or_default();
        value["decision"] = json!({ "eventId": run.event_id, "slot": run.slot });
        value
    });
    Ok(Json(json!({ "items": items, "nextCursor": null, "run": run })))
}

async fn run(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
) -> Result<Response, Problem> {
    principal.require(Action::SetAutonomy)?;
    let seat = wish.seat(place)?;
    let report = acts::run(&shared, wish).await?;
    drop(seat);
    Ok((StatusCode::CREATED, Json(report)).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rehearse {
    /// Absent: the one in force.
    policy: Option<Policy>,
    days: Option<u32>,
    seed: Option<Seed>,
}

/// Plays a policy over the recorded usage. Nothing is recorded of it.
async fn rehearse(
    State(shared): State<Shared>,
    principal: Principal,
    Whole(body): Whole,
) -> Result<Json<Rehearsed>, Problem> {
    principal.require(Action::Simulate)?;
    let Rehearse { policy, days, seed } = shape(read_json(&body)?)?;
    let days = rehearsed_days(days)?;
    let seed = seed.unwrap_or(REHEARSED_SEED);
    Ok(Json(shared.optimizer.rehearse(policy, days, seed).await?))
}

async fn propose(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::Propose)?;
    let body = read_json(&body)?;
    if body.get(list_price::LIST_PRICE).is_some() {
        let wanted = shape_of(body, &[list_price::LIST_PRICE, "reason"])?;
        let seat = wish.seat(place)?;
        let answer = list_price::propose(&shared, &principal, wanted, wish).await;
        drop(seat);
        return answer;
    }
    let wanted: acts::Proposed = shape_of(body, &["tenantId", "reason"])?;
    let seat = wish.seat(place)?;
    let answer = acts::propose(&shared, &principal, wanted, wish).await;
    drop(seat);
    answer
}

/// No `Debug`: it may hold a password.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Word {
    version: u32,
    hash: Hash,
    reason: Option<String>,
    /// Of whoever approves in a browser what two must agree to.
    password: Option<String>,
    /// The login of whoever is away, where their delegate approves.
    on_behalf_of: Option<String>,
}

impl Word {
    fn seen(&self) -> Seen {
        Seen { version: self.version, hash: self.hash }
    }
}

async fn approve(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    place: Place,
    address: ClientAddress,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    // A delegate's right is that of whoever is away, which the act asks for.
    principal.require(Action::Propose)?;
    let word: Word = shape_of(read_json(&body)?, &["version", "hash"])?;
    let (seen, proof) = (word.seen(), Proof { address, password: word.password });
    let approval = Approval::of(&principal, word.on_behalf_of, proof);
    said(&shared, &principal, &id, (place, wish), Act::Approve(seen, approval)).await
}

async fn reject(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::Approve)?;
    let word: Word = shape_of(read_json(&body)?, &["version", "hash", "reason"])?;
    if word.on_behalf_of.is_some() {
        let problem = Problem::invalid("A delegate approves, and rejects nothing.");
        return Err(problem.field("/onBehalfOf", "must be left out"));
    }
    let act = Act::Reject(word.seen(), word.reason.unwrap_or_default());
    said(&shared, &principal, &id, (place, wish), act).await
}

async fn modify(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::Propose)?;
    let wanted: acts::Modified = shape_of(read_json(&body)?, &["version", "hash"])?;
    let seen = Seen { version: wanted.version, hash: wanted.hash };
    let act =
        if wanted.is_the_same() { Act::Refresh(seen) } else { Act::Modify(seen, wanted.into()) };
    said(&shared, &principal, &id, (place, wish), act).await
}

/// A word about a proposal. Who waits for it to be final has a place among those who may.
async fn said(
    shared: &Shared,
    principal: &Principal,
    id: &str,
    (place, wish): (Place, Wish),
    act: Act,
) -> Result<Response, Problem> {
    let seat = wish.seat(place)?;
    let answer = acts::decide(shared, principal, proposal_id(id)?, act, wish).await;
    drop(seat);
    answer
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Back {
    reason: String,
    /// The version of the tenant's controls that was seen.
    version: Option<u64>,
}

async fn rollback(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::Approve)?;
    let Back { reason, version } = shape_of(read_json(&body)?, &["reason"])?;
    let tenant = tenant(&shared, &id)?;
    let seat = wish.seat(place)?;
    let answer = acts::rollback(&shared, &principal, &tenant, version, reason, wish).await;
    drop(seat);
    answer
}

async fn policy(
    State(shared): State<Shared>,
    principal: Principal,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadPricing)?;
    let catalog = shared.projection.catalog();
    let (version, policy) = catalog.book().policy();
    let since = catalog.book().policies().last().map(|applied| {
        json!({ "at": applied.at, "eventId": applied.event_id, "proposalId": applied.proposal_id })
    });
    Ok(Json(json!({ "version": version, "policy": policy.whole(), "since": since })))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewPolicy {
    policy: Policy,
    /// The version that it was made from.
    version: u64,
    reason: String,
}

/// What every policy says.
const POLICY_FIELDS: [&str; 9] = [
    "rules",
    "quorum",
    "firstOveragePersons",
    "contractPersons",
    "policyPersons",
    "expiryDays",
    "driftMax",
    "windowDays",
    "assumptions",
];

/// Of what cannot be read, every field of the policy too, and not its first one alone.
fn new_policy(body: Value) -> Result<NewPolicy, Problem> {
    let policy = body.get("policy").cloned();
    shape_of(body, &["policy", "version", "reason"]).map_err(|problem| {
        let own = policy.map(|policy| shape_of::<Policy>(policy, &POLICY_FIELDS));
        let Some(Err(own)) = own else { return problem };
        let beside = problem.errors.into_iter().filter(|error| !error.field.starts_with("/policy"));
        let within = own.errors.into_iter().map(|error| {
            let field = format!("/policy{}", error.field);
            FieldProblem { field, ..error }
        });
        let errors: Vec<FieldProblem> = within.chain(beside).collect();
        Problem { errors, ..Problem::invalid(own.detail) }
    })
}

/// Opens a proposal: a policy takes effect once people have approved it.
async fn put_policy(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::Propose)?;
    let NewPolicy { policy, version, reason } = new_policy(read_json(&body)?)?;
    let seat = wish.seat(place)?;
    let answer = acts::propose_policy(&shared, &principal, policy, version, reason, wish).await;
    drop(seat);
    answer
}

async fn controller_state(
    State(shared): State<Shared>,
    principal: Principal,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadPricing)?;
    Ok(Json(state_now(&shared)))
}

fn state_now(shared: &Services) -> Value {
    let catalog = shared.projection.catalog();
    let book = catalog.book();
    let word = |name, tenant| book.switch(name, tenant).map(said_of);
    let tenants: BTreeMap<&TenantId, Value> = book
        .automatic_tenants()
        .map(|(tenant, on)| {
            let word = word(SwitchName::AutoPricing, Some(tenant));
            (tenant, json!({ "autoPricing": on, "word": word }))
        })
        .collect();
    json!({
        "autoPricing": book.is_on(SwitchName::AutoPricing, None),
        "autoPricingWord": word(SwitchName::AutoPricing, None),
        "killSwitch": book.is_killed(),
        "killSwitchWord": word(SwitchName::KillSwitch, None),
        "tenants": tenants
    })
}

/// Since when, who, and why, with the reason that was given last.
fn said_of(stands: Stands<'_>) -> Value {
    let Stands { since, last } = stands;
    json!({
        "since": since.at, "by": since.by, "reason": last.value.reason, "reasonBy": last.by,
        "eventId": last.event_id
    })
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewState {
    auto_pricing: Option<bool>,
    kill_switch: Option<bool>,
    #[serde(default)]
    tenants: BTreeMap<TenantId, TenantState>,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TenantState {
    auto_pricing: bool,
}

/// What is named and is otherwise than now is switched; what is not named stays.
async fn put_controller_state(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::SetAutonomy)?;
    let wanted: NewState = shape(read_json(&body)?)?;
    let seat = wish.seat(place)?;
    let reason = wanted.reason.as_deref();
    let mut switches = Vec::new();
    switches.extend(wanted.kill_switch.map(|on| (SwitchName::KillSwitch, None, on)));
    switches.extend(wanted.auto_pricing.map(|on| (SwitchName::AutoPricing, None, on)));
    for (named, state) in wanted.tenants {
        tenant(&shared, named.as_str())?;
        switches.push((SwitchName::AutoPricing, Some(named), state.auto_pricing));
    }
    for (switch, tenant, on) in switches {
        switch::switch(&shared, &principal, switch, tenant, on, reason, wish).await?;
    }
    drop(seat);
    Ok(Json(state_now(&shared)))
}
