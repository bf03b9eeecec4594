//! Audit snapshots: taking one, what each cloud came to, and deriving it again.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::{Action, Role};
use domain::cloud::Cloud;
use domain::snapshot::agreement::Standing;
use domain::snapshot::{BadCut, Period};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::ask::{Asked, Named, Whole, json as read_json, shape};
use crate::grant::GrantError;
use crate::http::back::read_form;
use crate::identity::{Principal, query_value};
use crate::problem::Problem;
use crate::snapshot::{Progress, Recheck, RecheckState, Snapshot, SnapshotError};

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/snapshots", get(list).post(take))
        .route("/v1/snapshots/{period}", get(one))
        .route("/v1/snapshots/{period}/manifest", get(manifest))
        .route("/v1/snapshots/{period}/difference", get(difference))
        .route("/v1/snapshots/{period}/recheck", post(recheck))
        .route("/anchors/act", post(act))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    period: Period,
}

async fn take(
    State(shared): State<Shared>,
    principal: Principal,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::TakeSnapshot)?;
    let Wish { period } = shape(read_json(&body)?)?;
    let known = shared.snapshots.of_period(period).await.map_err(refused)?;
    let status = if known.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    shared.snapshots.take(period).await.map_err(refused)?;
    let taken = found(&shared, period).await?;
    Ok((status, Json(shown(&shared, &principal, &taken))).into_response())
}

async fn list(State(shared): State<Shared>, principal: Principal) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadLedger)?;
    let snapshots = shared.snapshots.list().await.map_err(refused)?;
    let items: Vec<Value> = snapshots.iter().map(|it| shown(&shared, &principal, it)).collect();
    let next_due = shared.snapshots.next_due();
    Ok(Json(json!({ "items": items, "nextCursor": null, "nextDue": next_due })))
}

async fn one(
    State(shared): State<Shared>,
    principal: Principal,
    Named(period): Named<String>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadLedger)?;
    let snapshot = found(&shared, read_period(&period)?).await?;
    Ok(Json(shown(&shared, &principal, &snapshot)))
}

/// The very bytes that the snapshot's hash is over.
async fn manifest(
    State(shared): State<Shared>,
    principal: Principal,
    Named(period): Named<String>,
) -> Result<Response, Problem> {
    principal.require(Action::ReadLedger)?;
    let snapshot = found(&shared, read_period(&period)?).await?;
    let own = snapshot.own.ok_or_else(|| {
        Problem::not_found("This cloud has not derived this snapshot yet; see its progress.")
    })?;
    let name = format!("inline; filename=\"manifest-{}.json\"", snapshot.plan.period);
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::ETAG, format!("\"{}\"", own.hash)),
    ];
    Ok((headers, own.manifest.bytes()).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    cloud: Cloud,
}

/// The first row in which another cloud came to something else.
async fn difference(
    State(shared): State<Shared>,
    principal: Principal,
    Named(period): Named<String>,
    Asked(With { cloud }): Asked<With>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadPayload)?;
    let snapshot = found(&shared, read_period(&period)?).await?;
    let said = snapshot.said.iter().find(|(by, _)| *by == cloud);
    let place = said.and_then(|(_, said)| said.difference.as_ref());
    let number = snapshot.number;
    let row = shared.snapshots.first_difference(number, cloud).await.map_err(refused)?;
    Ok(Json(json!({ "cloud": cloud, "differsIn": place, "firstRow": row })))
}

/// Derives it again from the first entry of every log; the snapshot says how far that is.
async fn recheck(
    State(shared): State<Shared>,
    principal: Principal,
    Named(period): Named<String>,
) -> Result<Response, Problem> {
    principal.require(Action::TakeSnapshot)?;
    let snapshot = found(&shared, read_period(&period)?).await?;
    let began = shared.snapshots.begin_recheck(snapshot.number);
    let body = Json(shown(&shared, &principal, &snapshot));
    let running = "Another snapshot is being derived again; one at a time.";
    if began {
        Ok((StatusCode::ACCEPTED, body).into_response())
    } else {
        Err(Problem::conflict(running))
    }
}

/// What the forms of the pages Anchors send, with and without scripts.
#[derive(Debug, Deserialize)]
struct Wanted {
    act: Verb,
    period: Period,
    /// It was the tamper drill's button: back to the drill.
    drill: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Take,
    Recheck,
}

/// Leads to the snapshot's page, or back with what was wrong.
async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    form: Result<Form<Wanted>, FormRejection>,
) -> Result<Redirect, Problem> {
    principal.require(Action::TakeSnapshot)?;
    let Wanted { act, period, drill } = read_form(form)?;
    let done = match act {
        Verb::Take => shared.snapshots.take(period).await.map(drop).map_err(refused),
        Verb::Recheck => found(&shared, period).await.map(|snapshot| {
            // One that runs already is as good.
            let _began = shared.snapshots.begin_recheck(snapshot.number);
        }),
    };
    match done {
        Ok(()) => {
            let drill = if drill.is_some() { "?drill=on" } else { "" };
            Ok(Redirect::to(&format!("/anchors/{period}{drill}")))
        }
        Err(problem) if problem.status < 500 || problem.code == "busy" => {
            Ok(Redirect::to(&format!("/anchors?problem={}", query_value(problem.code))))
        }
        Err(problem) => Err(problem),
    }
}

pub(super) fn read_period(text: &str) -> Result<Period, Problem> {
    text.parse().map_err(|cause: domain::snapshot::BadPeriod| Problem::not_found(cause.to_string()))
}

pub(super) async fn found(shared: &Shared, period: Period) -> Result<Snapshot, Problem> {
    let snapshot = shared.snapshots.of_period(period).await.map_err(refused)?;
    snapshot.ok_or_else(|| {
        Problem::not_found(format!(
            "There is no snapshot of {period}; POST /v1/snapshots takes one."
        ))
    })
}

fn shown(shared: &Shared, principal: &Principal, snapshot: &Snapshot) -> Value {
    let Snapshot { number, plan, own, said, standing } = snapshot;
    let state = match standing {
        Standing::Agreed { .. } => "agreed",
        Standing::Disagreed => "disagreed",
        Standing::Waiting if own.is_none() => "deriving",
        Standing::Waiting => "waiting",
    };
    let said: Vec<Value> = said
        .iter()
        .map(|(cloud, said)| {
            json!({
                "cloud": cloud, "hash": said.hash, "at": said.at, "eventId": said.event_id,
                "differsIn": said.difference,
            })
        })
        .collect();
    let own_hash = own.as_ref().map(|own| own.hash);
    let outvoted = match standing {
        Standing::Agreed { others, .. } => others.as_slice(),
        Standing::Waiting | Standing::Disagreed => &[],
    };
    let recheck = shared.snapshots.last_recheck().filter(|last| last.number == *number);
    json!({
        "number": number, "period": plan.period, "cut": plan.cut, "entries": plan.cut.entries(),
        "state": state, "hash": standing.agreed().or(own_hash), "agreed": standing.agreed(),
        "outvoted": outvoted,
        "own": own.as_ref().map(|own| json!({ "hash": own.hash, "derivedAt": own.derived_at })),
        "attestations": said, "progress": progress(&shared.snapshots.progress(), *number),
        "recheck": recheck.map(|it| recheck_shown(&it, own_hash, principal.role)),
    })
}

fn progress(progress: &Progress, of: u64) -> Value {
    match progress {
        Progress::Waiting { number } if *number == of => json!({ "step": "waiting" }),
        Progress::Entries { number, done, total } if *number == of => {
            json!({ "step": "entries", "done": done, "total": total })
        }
        Progress::Rows { number, section, done } if *number == of => {
            json!({ "step": "rows", "section": section, "done": done })
        }
        Progress::Failed { number, why } if *number == of => {
            json!({ "step": "failed", "why": why })
        }
        _ => Value::Null,
    }
}

/// Rows are for those who may read payloads; how many they are, for everybody.
fn recheck_shown(recheck: &Recheck, own: Option<domain::log::Hash>, role: Role) -> Value {
    let Recheck { number, began, state } = recheck;
    match state {
        RecheckState::Running(far) => {
            json!({ "state": "running", "began": began, "progress": progress(far, *number) })
        }
        RecheckState::Done { at, found } => json!({
            "state": "done", "began": began, "at": at, "hash": found.manifest.hash(),
            "equal": Some(found.manifest.hash()) == own, "differsIn": found.difference,
            "entries": if role.may(Action::ReadPayload) { json!(found.entries) } else { json!([]) },
            "tables": if role.may(Action::ReadPayload) {
                json!(found.tables)
            } else {
                json!({ "rows": found.tables.rows, "first": [], "notMended": found.tables.not_mended })
            },
        }),
        RecheckState::Failed { at, why } => {
            json!({ "state": "failed", "began": began, "at": at, "why": why })
        }
    }
}

pub(super) fn refused(cause: SnapshotError) -> Problem {
    let detail = cause.to_string();
    match cause {
        SnapshotError::Cut(BadCut::TooEarly { period }) => Problem::invalid(format!(
            "{period} is not over yet. For its state now, take a snapshot of a day, such as today's."
        ))
        .field("/period", detail),
        SnapshotError::Database(cause) | SnapshotError::Grant(GrantError::Database(cause)) => {
            cause.into()
        }
        SnapshotError::Unknown { .. } | SnapshotError::Moved { .. } => Problem::not_found(detail),
        SnapshotError::Grant(_) | SnapshotError::Crowded | SnapshotError::Peer(_) => {
            Problem::busy(detail)
        }
        cause => Problem::fault(cause),
    }
}
