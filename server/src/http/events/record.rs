//! `POST /v1/events`: one event or many become durable here, and final soon.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::catalog::{Known, decides_by, is_decision, is_recorded_by_clouds};
use domain::event::{EventId, Slot, TenantId};
use domain::quarantine::{Form as Held, Reason, Source};
use domain::receipt::Receipt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::elsewhere::refuse_rulings;
use super::item;
use super::media::{Form, items};
use super::view::{Caution, Confirmations, Links, Recorded};
use crate::http::ask::{Asked, Whole};
use crate::http::place::{Place, Seat};
use crate::http::tenants::refuse_unagreed;
use crate::http::{Services, Shared};
use crate::identity::Principal;
use crate::ledger::{Accepted, BATCH_PAYLOAD_BYTES_MAX, Submission, SubmitError};
use crate::problem::{FieldProblem, Problem};
use crate::projection::Catalog;
use crate::quarantine::{About, Input};

/// Long enough for a loaded quorum, short enough for a proxy in between.
const WAIT_MS: u64 = 10_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wait {
    /// Until it is durable here.
    #[default]
    Pending,
    Final,
}

/// What a submitter wants to wait for, and to be shown.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct Wish {
    #[serde(default)]
    wait: Wait,
    timeout_ms: Option<u64>,
    #[serde(default)]
    receipt: bool,
}

impl Wish {
    /// Leave to wait, where that is wished.
    pub(in crate::http) fn seat(self, place: Place) -> Result<Option<Seat>, Problem> {
        self.waits().then(|| place.seat()).transpose()
    }

    /// To see what becomes of it, for at most so long.
    pub(in crate::http) const fn final_within(timeout_ms: u64) -> Self {
        Wish { wait: Wait::Final, timeout_ms: Some(timeout_ms), receipt: false }
    }

    /// Is its end waited for?
    pub(in crate::http) fn waits(self) -> bool {
        self.wait == Wait::Final
    }

    fn timeout(&self, longest_ms: u64) -> Duration {
        Duration::from_millis(self.timeout_ms.unwrap_or(WAIT_MS).min(longest_ms))
    }
}

/// What became of one event.
pub(in crate::http) type Outcome = Result<(TenantId, Accepted), Problem>;

pub(super) async fn record(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::SubmitEvent)?;
    let seat = wish.seat(place)?;
    let items = items(&headers, &body)?;
    drop(body);
    let many = items.many;
    let read = read_all(items.values, items.form, &principal, &shared.projection.catalog());
    let decides = read.iter().flatten().any(decides);
    let outcomes = submit(&shared, &principal, read).await;
    let until = if decides { Until::InForce } else { Until::Final };
    wait(&shared, &outcomes, until, wish, seat).await;
    if many {
        batch(&shared, outcomes, until, wish, &principal).await
    } else {
        let outcome = outcomes.into_iter().next();
        let outcome = outcome.unwrap_or_else(|| Err(Problem::fault("no answer to one event")));
        single(&shared, outcome, until, wish, (&principal, Vec::new())).await
    }
}

/// Records one decision of a signed-in person, and answers as for any event.
pub(in crate::http) async fn decide(
    shared: &Services,
    principal: &Principal,
    decision: &Known,
    wish: Wish,
    place: Place,
) -> Result<Response, Problem> {
    decide_and(shared, principal, decision, (wish, place), Vec::new(), |_| Ok(())).await
}

/// The same, with what about it is odd. `holds`: asked, where the end is waited for, of the event once it is in force here: somebody
/// else may have been first meanwhile.
pub(in crate::http) async fn decide_and(
    shared: &Services,
    principal: &Principal,
    decision: &Known,
    (wish, place): (Wish, Place),
    warnings: Vec<Caution>,
    holds: impl FnOnce(EventId) -> Result<(), Problem>,
) -> Result<Response, Problem> {
    let seat = wish.seat(place)?;
    let event = json!({ "tenantId": TenantId::platform(), "payload": decision.to_payload() });
    let outcomes = [record_one(shared, principal, event).await];
    wait(shared, &outcomes, Until::InForce, wish, seat).await;
    let [outcome] = outcomes;
    if let Ok((_, accepted)) = &outcome
        && wish.waits()
        && shared.projection.is_projected(accepted.slot)
    {
        holds(accepted.event_id)?;
    }
    single(shared, outcome, Until::InForce, wish, (principal, warnings)).await
}

/// Records one event for a signed-in person.
pub(in crate::http) async fn record_one(
    shared: &Services,
    principal: &Principal,
    event: Value,
) -> Outcome {
    record_if(shared, principal, event, |one| may_decide(one, principal)).await
}

/// The same where the caller has asked already whether they may: for somebody else, it may be.
pub(in crate::http) async fn record_in_stead(
    shared: &Services,
    principal: &Principal,
    event: Value,
) -> Outcome {
    record_if(shared, principal, event, |_| Ok(())).await
}

async fn record_if(
    shared: &Services,
    principal: &Principal,
    event: Value,
    may: impl FnOnce(&Submission) -> Result<(), Problem>,
) -> Outcome {
    let read = item::read(event, Form::Plain, &principal.login, crate::now()).and_then(|one| {
        may(&one)?;
        admit(&one, &shared.projection.catalog())?;
        Ok(one)
    });
    let outcome = submit(shared, principal, vec![read]).await.into_iter().next();
    outcome.unwrap_or_else(|| Err(Problem::fault("no answer to one event")))
}

/// What was held is asked before anything is said of it: it is recorded as if that person sent it now,
/// and by no other way than they would.
pub(in crate::http) fn would_take(
    shared: &Services,
    principal: &Principal,
    event: Value,
) -> Result<(), Problem> {
    let one = item::read(event, Form::Plain, &principal.login, crate::now())?;
    may_decide(&one, principal)?;
    refuse_rulings(&one)?;
    admit(&one, &shared.projection.catalog())
}

/// Waits, if that is wished, until what is recorded there is final and has its effects here.
pub(in crate::http) async fn until_in_force(shared: &Services, slot: Slot, wish: Wish) {
    if !wish.waits() {
        return;
    }
    let in_force = async {
        shared.ledger.until_final(slot).await;
        shared.projection.until_projected(slot).await;
    };
    tokio::select! {
        // What is not in force by then is answered as PENDING.
        _ = tokio::time::timeout(wish.timeout(shared.limits.wait_ms), in_force) => {}
        () = shared.stop.cancelled() => {}
    }
}

fn read_all(
    values: Vec<Value>,
    form: Form,
    principal: &Principal,
    catalog: &Catalog,
) -> Vec<Result<Submission, Problem>> {
    let now = crate::now();
    let read = |value| {
        let submission = item::read(value, form, &principal.login, now)?;
        may_decide(&submission, principal)?;
        admit(&submission, catalog)?;
        refuse_rulings(&submission)?;
        Ok(submission)
    };
    values.into_iter().map(read).collect()
}

/// May this sender record that?
fn may_decide(submission: &Submission, principal: &Principal) -> Result<(), Problem> {
    let decision = submission.payload.kind().filter(|kind| is_decision(kind));
    decision.map_or(Ok(()), |kind| principal.require(decides_by(kind)))
}

fn decides(submission: &Submission) -> bool {
    submission.payload.kind().is_some_and(is_decision)
}

/// May anybody record that, for that tenant?
fn admit(submission: &Submission, catalog: &Catalog) -> Result<(), Problem> {
    let decides = decides(submission);
    if submission.payload.kind().is_some_and(is_recorded_by_clouds) {
        let problem = Problem::invalid("The clouds record this kind themselves, once it is so.");
        return Err(problem.field("/payload/kind", "is not one that can be submitted"));
    }
    let tenant = &submission.tenant_id;
    if decides && *tenant != TenantId::platform() {
        let problem = Problem::invalid("Decisions belong to the tenant \"platform\".");
        return Err(problem.field("/tenantId", "must be \"platform\" for this kind"));
    }
    if decides {
        refuse_unagreed(submission.payload.bytes(), catalog, crate::now())?;
    }
    if catalog.is_active_tenant(tenant) {
        return Ok(());
    }
    let state = if catalog.tenant(tenant).is_some() { "not active" } else { "not known" };
    let detail = format!(
        "The tenant \"{tenant}\" is {state} here. An admin makes it so by POST /v1/tenants; it \
         takes effect once that decision is final."
    );
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let problem = Problem::new(status, "unknown_tenant", "Unknown tenant", detail);
    Err(problem.field("/tenantId", format!("is {state}")))
}

/// Hands the good ones to the ledger, a group commit's worth at a time; answers in order.
async fn submit(
    shared: &Services,
    principal: &Principal,
    read: Vec<Result<Submission, Problem>>,
) -> Vec<Outcome> {
    let count = read.len();
    let mut outcomes = Vec::with_capacity(count);
    let mut waiting: Vec<Submission> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    for (at, one) in read.into_iter().enumerate() {
        match one {
            Ok(submission) => {
                // Filled in below, once the ledger has answered.
                outcomes.push(Err(Problem::fault("the ledger gave no answer")));
                places.push(at);
                waiting.push(submission);
            }
            Err(problem) => outcomes.push(Err(problem)),
        }
    }
    let mut places = places.into_iter();
    while !waiting.is_empty() {
        let rest = waiting.split_off(first_call(&waiting, shared.ledger.submissions_max()));
        let tenants: Vec<TenantId> = waiting.iter().map(|one| one.tenant_id.clone()).collect();
        let answers = shared.ledger.submit(waiting).await;
        for ((tenant, answer), at) in tenants.into_iter().zip(answers).zip(&mut places) {
            let kept = answer.inspect_err(|error| hold(shared, principal, error));
            outcomes[at] = kept.map(|accepted| (tenant, accepted)).map_err(refused);
        }
        waiting = rest;
    }
    count_outcomes(&outcomes);
    outcomes
}

/// How many of these the ledger takes in one call: at least one.
fn first_call(waiting: &[Submission], submissions_max: usize) -> usize {
    let mut bytes = 0;
    let fits = |one: &&Submission| {
        bytes += one.payload.bytes().len();
        bytes <= BATCH_PAYLOAD_BYTES_MAX
    };
    waiting.iter().take(submissions_max).take_while(fits).count().max(1).min(waiting.len())
}

fn count_outcomes(outcomes: &[Outcome]) {
    let word = |outcome: &Outcome| match outcome {
        Ok((_, accepted)) if accepted.repeat => "repeat",
        Ok(_) => "accepted",
        Err(problem) if problem.status >= 500 => "failed",
        Err(_) => "refused",
    };
    for outcome in outcomes {
        metrics::counter!("ternion_intake_events_total", "outcome" => word(outcome)).increment(1);
    }
}

/// An event under an id that is taken is held: one of the two is a mistake, and which one only a
/// person can tell.
fn hold(shared: &Services, principal: &Principal, error: &SubmitError) {
    let SubmitError::Conflict { event_id, slot, refused } = error else { return };
    let place =
        slot.map_or_else(|| "earlier in the same request".to_owned(), |slot| format!("at {slot}"));
    let about = About {
        place: slot.map(|slot| slot.to_string()),
        tenant_id: Some(refused.tenant_id.clone()),
        event_id: Some(*event_id),
    };
    shared.quarantine.hold(Input {
        source: Source::Client(principal.login.clone()),
        reason: Reason::IdConflict,
        detail: format!("The id is recorded {place} with other fields."),
        form: Held::Event,
        bytes: item::write(refused).into(),
        about,
    });
}

fn refused(error: SubmitError) -> Problem {
    match error {
        SubmitError::Conflict { event_id, slot, refused: _ } => {
            let place = slot.map_or_else(
                || "earlier in this request".to_owned(),
                |slot: Slot| format!("at {slot}"),
            );
            let detail = format!(
                "The id {event_id} is recorded {place} with other fields. Send this event under a \
                 new id, or repeat the recorded one unchanged."
            );
            let problem = Problem::conflict(detail);
            Problem { slot, ..problem.field("/eventId", format!("is taken {place}")) }
        }
        SubmitError::Busy => Problem::busy(
            "The intake queue of this cloud is full. Nothing was recorded; send it again, or to \
             another cloud.",
        ),
        SubmitError::Unavailable(cause) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "database_unavailable",
            "The database cannot be reached",
            "It is not known whether this was recorded. Send the same event id again: it is \
             recorded once.",
        )
        .retry_after(2)
        .internal(cause),
        SubmitError::Frozen => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "log_frozen",
            "This cloud records nothing",
            "There is evidence against this cloud's log, and it has no new keys yet. Nothing was \
             recorded. Send it to another cloud.",
        )
        .retry_after(60),
        SubmitError::Stopping => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "This cloud is going down",
            "Nothing was recorded. Send it to another cloud.",
        )
        .retry_after(5),
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Final,
    /// Final, and its effects are here: whoever decides looks next at what came of it.
    InForce,
}

impl Until {
    fn is_reached(self, shared: &Services, recorded: &Recorded) -> bool {
        recorded.quorum_reached
            && (self == Until::Final || shared.projection.is_projected(recorded.slot))
    }

    /// 202: waited for in vain.
    fn status(self, shared: &Services, recorded: &Recorded, wish: Wish) -> StatusCode {
        let in_vain = wish.waits() && !self.is_reached(shared, recorded);
        if in_vain { StatusCode::ACCEPTED } else { http_status(recorded, wish) }
    }
}

/// With a seat: waits on it until all that was accepted is so far, or the time is up.
async fn wait(
    shared: &Services,
    outcomes: &[Outcome],
    until: Until,
    wish: Wish,
    seat: Option<Seat>,
) {
    let Some(seat) = seat else { return };
    let all = async {
        for (_, accepted) in outcomes.iter().flatten() {
            shared.ledger.until_final(accepted.slot).await;
            if until == Until::InForce {
                shared.projection.until_projected(accepted.slot).await;
            }
        }
    };
    let until_over = async {
        tokio::select! {
            // What is not final by then is answered as PENDING.
            _ = tokio::time::timeout(wish.timeout(shared.limits.wait_ms), all) => {}
            () = shared.stop.cancelled() => {}
        }
    };
    seat.wait(until_over).await;
}

async fn single(
    shared: &Services,
    outcome: Outcome,
    until: Until,
    wish: Wish,
    (principal, warnings): (&Principal, Vec<Caution>),
) -> Result<Response, Problem> {
    let (tenant, accepted) = outcome?;
    let recorded = recorded(shared, tenant, accepted, wish, principal).await;
    let recorded = Recorded { warnings, ..recorded };
    let status = until.status(shared, &recorded, wish);
    let location = HeaderValue::from_str(&recorded.links.own).map_err(Problem::fault)?;
    Ok((status, [(header::LOCATION, location)], Json(recorded)).into_response())
}

/// 200 with one result an item, in order.
async fn batch(
    shared: &Services,
    outcomes: Vec<Outcome>,
    until: Until,
    wish: Wish,
    principal: &Principal,
) -> Result<Response, Problem> {
    let mut results = Vec::with_capacity(outcomes.len());
    for (at, outcome) in outcomes.into_iter().enumerate() {
        results.push(match outcome {
            Ok((tenant, accepted)) => {
                let mut item = recorded(shared, tenant, accepted, wish, principal).await;
                item.http_status = Some(until.status(shared, &item, wish).as_u16());
                serde_json::to_value(item).map_err(Problem::fault)?
            }
            Err(problem) => {
                json!({ "httpStatus": problem.status, "problem": at_index(problem, at) })
            }
        });
    }
    Ok(Json(results).into_response())
}

/// Pointers lead into the body as it was sent.
fn at_index(problem: Problem, at: usize) -> Problem {
    let within = |error: &FieldProblem| FieldProblem {
        field: format!("/{at}{}", error.field),
        reason: error.reason.clone(),
    };
    Problem { errors: problem.errors.iter().map(within).collect(), ..problem }
}

pub(in crate::http) fn http_status(recorded: &Recorded, wish: Wish) -> StatusCode {
    match (wish.wait, recorded.repeat) {
        (Wait::Final, _) if !recorded.quorum_reached => StatusCode::ACCEPTED,
        (_, true) => StatusCode::OK,
        (_, false) => StatusCode::CREATED,
    }
}

pub(in crate::http) async fn recorded(
    shared: &Services,
    tenant_id: TenantId,
    accepted: Accepted,
    wish: Wish,
    principal: &Principal,
) -> Recorded {
    let marks = shared.ledger.watermarks().borrow().clone();
    // A new id cannot be in conflict yet.
    let held = accepted.repeat && known(is_held(shared, &tenant_id, &accepted).await);
    let proof = Confirmations::of(&marks, accepted.slot, accepted.hash, held);
    let receipt = if wish.receipt && proof.quorum_reached {
        let receipt = receipt(shared, accepted.slot, principal).await;
        known(receipt.map_err(|problem| problem.detail))
    } else {
        None
    };
    Recorded {
        event_id: accepted.event_id,
        tenant_id,
        status: proof.status,
        hash: accepted.hash,
        origin_cloud: accepted.slot.origin,
        slot: accepted.slot,
        created_at: accepted.created_at,
        signed: proof.signed,
        quorum_reached: proof.quorum_reached,
        replicated: proof.replicated,
        repeat: accepted.repeat,
        confirmations: (wish.wait == Wait::Final).then_some(proof),
        receipt,
        links: Links::of(&accepted.event_id.to_string()),
        warnings: Vec::new(),
        http_status: None,
    }
}

async fn is_held(
    shared: &Services,
    tenant: &TenantId,
    accepted: &Accepted,
) -> Result<bool, sqlx::Error> {
    if shared.projection.conflict(tenant, accepted.event_id).await?.is_none() {
        return Ok(false); // known from memory, nearly always
    }
    match shared.ledger.at(accepted.slot).await? {
        Some(record) => shared.is_held(&record).await,
        None => Ok(false),
    }
}

/// What could not be looked up is left out: the event is recorded, and the answer must say so.
fn known<T: Default, E: std::fmt::Display>(looked_up: Result<T, E>) -> T {
    looked_up.unwrap_or_else(|cause| {
        tracing::warn!(%cause, "an answer lacks a detail");
        T::default()
    })
}

async fn receipt(
    shared: &Services,
    slot: Slot,
    principal: &Principal,
) -> Result<Option<Receipt>, Problem> {
    let Some(record) = shared.ledger.at(slot).await? else { return Ok(None) };
    super::one::receipt_of(shared, &record, principal).await.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_bounded_by_the_configuration() {
        let wish = |timeout_ms| Wish { timeout_ms, ..Wish::default() };
        assert_eq!(wish(None).timeout(30_000), Duration::from_secs(10));
        assert_eq!(wish(Some(500)).timeout(30_000), Duration::from_millis(500));
        assert_eq!(wish(Some(u64::MAX)).timeout(30_000), Duration::from_secs(30));
    }

    fn submission(event_id: EventId) -> Submission {
        Submission {
            tenant_id: TenantId::platform(),
            payload: domain::event::Payload::from_value(&json!({})).expect("an object"),
            event_id: Some(event_id),
            region: None,
            created_at: None,
        }
    }

    #[test]
    fn a_conflict_names_the_slot_that_is_recorded() {
        let slot = Slot::parse("gcp/1/204");
        let event_id = EventId(uuid::Uuid::nil());
        let refused_ = Box::new(submission(event_id));
        let problem = refused(SubmitError::Conflict { event_id, slot, refused: refused_ });
        assert_eq!((problem.status, problem.slot), (409, slot));
        assert!(problem.detail.contains("at gcp/1/204"), "{}", problem.detail);
        assert_eq!(at_index(problem, 3).errors[0].field, "/3/eventId");
    }
}
