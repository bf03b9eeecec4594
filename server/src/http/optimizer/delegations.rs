//! Who approves in whose stead: said by whoever will be away, and taken back by them.
//!
//! That the person who is away may approve is asked when the delegation is given and again with each
//! vote, at the cloud that records it, as it is of whoever approves for themself. Whether the
//! delegation holds at that moment is for all final events to say (`domain::pricing::book`).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::catalog::{ApprovalDelegate, ApprovalWithdraw, Known};
use domain::clock::{DAY_MS, Timestamp};
use domain::event::EventId;
use domain::pricing::approval::Actor;
use domain::pricing::book::Delegation;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::acts::{reason_of, record, told};
use crate::http::ask::{Asked, Named, Whole, json as read_json, shape_of};
use crate::http::events::record::Wish;
use crate::http::place::Place;
use crate::http::{Services, Shared};
use crate::identity::Principal;
use crate::ledger::Accepted;
use crate::problem::Problem;

/// Of one person that are not over: nobody has more people who could stand in.
const OPEN_MAX: usize = 10;
/// Nobody knows earlier when they will be away.
const AHEAD_DAYS_MAX: i64 = 366;

/// What somebody who will be away says.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wanted {
    pub(super) to: String,
    /// Absent: from now on.
    pub(super) from: Option<Timestamp>,
    pub(super) until: Timestamp,
    pub(super) reason: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    reason: String,
}

/// May this person approve, for themself or in the stead of whoever is away?
pub(super) fn may_approve(
    shared: &Services,
    principal: &Principal,
    on_behalf_of: Option<&Actor>,
) -> Result<(), Problem> {
    let Some(person) = on_behalf_of else { return principal.require(Action::Approve) };
    principal.require(Action::Propose)?;
    let catalog = shared.projection.catalog();
    let user = catalog.user(&person.0).map(|user| &user.value);
    if user.is_some_and(|user| user.active && user.role.may(Action::Approve)) {
        return Ok(());
    }
    let detail = format!("{person} may not approve, so nobody may in their stead.");
    Err(not_delegate(detail))
}

pub(super) fn not_delegate(detail: String) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "not_delegate", "Not in their stead", detail)
        .field("/onBehalfOf", "is nobody in whose stead you approve now")
}

/// All that is not over, the first first.
pub(super) async fn list(
    State(shared): State<Shared>,
    principal: Principal,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadPricing)?;
    let (catalog, now) = (shared.projection.catalog(), crate::now());
    let open = catalog.book().delegations().filter(|it| !it.is_over(now));
    let items: Vec<Value> = open.map(|it| shown(it, now)).collect();
    Ok(Json(json!({ "items": items, "nextCursor": null })))
}

fn shown(it: &Delegation, now: Timestamp) -> Value {
    json!({
        "delegationId": it.id, "person": it.person, "delegate": it.delegate, "from": it.from,
        "until": it.until, "reason": it.reason, "holds": it.holds_at(now),
        "withdrawnAt": it.withdrawn_at
    })
}

pub(super) async fn give(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::Approve)?;
    let wanted: Wanted = shape_of(read_json(&body)?, &["to", "until", "reason"])?;
    let seat = wish.seat(place)?;
    let accepted = delegate(&shared, &principal, wanted, wish).await;
    drop(seat);
    let accepted = accepted?;
    Ok(answered(&shared, accepted.event_id, &accepted, wish))
}

pub(super) async fn take_back(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::Approve)?;
    let Why { reason } = shape_of(read_json(&body)?, &["reason"])?;
    let id = delegation_id(&id)?;
    let seat = wish.seat(place)?;
    let accepted = withdraw(&shared, &principal, id, &reason, wish).await;
    drop(seat);
    Ok(answered(&shared, id, &accepted?, wish))
}

pub(super) fn delegation_id(text: &str) -> Result<EventId, Problem> {
    text.parse::<Uuid>().map(EventId).map_err(|_| unknown(text))
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("No delegation \"{id}\" is final here."))
}

fn answered(shared: &Services, id: EventId, accepted: &Accepted, wish: Wish) -> Response {
    let (status, decision) = told(shared, accepted, wish);
    let (catalog, now) = (shared.projection.catalog(), crate::now());
    let Some(it) = catalog.book().delegations().find(|it| it.id == id) else {
        // Recorded, and not final here yet.
        let body = json!({ "delegationId": id, "decision": decision });
        return (StatusCode::ACCEPTED, Json(body)).into_response();
    };
    let mut body = shown(it, now);
    body["decision"] = decision;
    (status, Json(body)).into_response()
}

pub(super) async fn delegate(
    shared: &Services,
    principal: &Principal,
    wanted: Wanted,
    wish: Wish,
) -> Result<Accepted, Problem> {
    let (reason, now) = (reason_of(&wanted.reason)?, crate::now());
    let (to, from, until) = (wanted.to.trim(), wanted.from.unwrap_or(now), wanted.until);
    stands_in(shared, principal, to)?;
    if until <= now {
        let problem = Problem::invalid("It would be over already.");
        return Err(problem.field("/until", "must be in the future"));
    }
    // A day as it is typed began at midnight.
    if now.unix_ms().saturating_sub(from.unix_ms()) > DAY_MS {
        let problem =
            Problem::invalid("It would begin in the past, where nobody approves any more.");
        return Err(problem.field("/from", "must be today or later"));
    }
    if from.unix_ms().saturating_sub(now.unix_ms()) > AHEAD_DAYS_MAX * DAY_MS {
        let problem = Problem::invalid("That is too far ahead.");
        return Err(problem.field("/from", format!("must be within {AHEAD_DAYS_MAX} days")));
    }
    let catalog = shared.projection.catalog();
    let own = catalog.book().delegations().filter(|it| it.person.0 == principal.login);
    if own.filter(|it| !it.is_over(now)).count() >= OPEN_MAX {
        let detail = format!("You have given {OPEN_MAX} delegations that are not over.");
        let (code, title) = ("too_many", "Too many delegations");
        return Err(Problem::new(StatusCode::CONFLICT, code, title, detail));
    }
    let what = ApprovalDelegate { to: to.to_owned(), from, until, reason };
    record(shared, principal, &Known::ApprovalDelegate(what), wish).await
}

/// Whoever stands in is another person who knows the trade: one who may propose.
fn stands_in(shared: &Services, principal: &Principal, to: &str) -> Result<(), Problem> {
    let refuse = |detail: &str, why: &str| Err(Problem::invalid(detail).field("/to", why));
    if to == principal.login {
        return refuse("Nobody stands in for themself.", "is yourself");
    }
    let catalog = shared.projection.catalog();
    match catalog.user(to).map(|user| &user.value).filter(|user| user.active) {
        None => refuse("Nobody active has that login.", "must be somebody who signs in here"),
        Some(user) if !user.role.may(Action::Propose) => {
            refuse("Only who may propose stands in.", "must be a controller or an admin")
        }
        Some(_) => Ok(()),
    }
}

pub(super) async fn withdraw(
    shared: &Services,
    principal: &Principal,
    id: EventId,
    reason: &str,
    wish: Wish,
) -> Result<Accepted, Problem> {
    let (reason, now) = (reason_of(reason)?, crate::now());
    let catalog = shared.projection.catalog();
    let given = catalog.book().delegations().find(|it| it.id == id);
    let given = given.ok_or_else(|| unknown(&id.to_string()))?;
    if given.person.0 != principal.login {
        return Err(Problem::forbidden("Only who gave a delegation takes it back.".to_owned()));
    }
    if given.is_over(now) {
        return Err(over(given));
    }
    let what = ApprovalWithdraw { delegation_id: id, reason };
    let accepted = record(shared, principal, &Known::ApprovalWithdraw(what), wish).await?;
    let catalog = shared.projection.catalog();
    let after = catalog.book().delegations().find(|it| it.id == id);
    // Said twice, here or at another cloud: the first word ended it.
    let first = |it: &&Delegation| it.withdrawn_by.is_some_and(|by| by != accepted.event_id);
    after.filter(first).map_or(Ok(accepted), |it| Err(over(it)))
}

/// It cannot be taken back any more: who ended it, or what, and when.
fn over(given: &Delegation) -> Problem {
    let Delegation { person, until, withdrawn_at, withdrawn_by, .. } = given;
    let (state, detail) = match (withdrawn_at, withdrawn_by) {
        (Some(at), Some(event)) => {
            ("withdrawn", format!("{person} took it back already, at {at}, by the event {event}."))
        }
        _ => ("ended", format!("It ended by itself at {until}.")),
    };
    Problem::new(StatusCode::CONFLICT, "over", "It is over", detail)
        .field("/state", format!("is {state} now"))
}
