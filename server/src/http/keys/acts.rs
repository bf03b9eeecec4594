//! The three acts about keys. Each is checked, recorded as an event, and done, in this order: what
//! was done and by whom must not be found out only afterwards.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use domain::catalog::{KeyAgree, KeyBegin, KeyGone, Known};
use domain::cloud::Cloud;
use domain::epoch::Reason;
use domain::event::TenantId;
use domain::log::{Hash, LogId};
use serde_json::json;

use super::{Begin, KeyDecided, at_once};
use crate::http::events::record::{record_one, recorded};
use crate::http::events::view::Recorded;
use crate::http::{Services, Shared};
use crate::identity::Principal;
use crate::ledger::BeginError;
use crate::problem::Problem;

/// Between attempts to record what was said while this cloud recorded nothing.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// Ends an epoch of this cloud's own log and begins the next.
pub(super) async fn begin(
    shared: &Services,
    principal: &Principal,
    wanted: &Begin,
) -> Result<KeyDecided, Problem> {
    let Begin { reason, comment, epoch } = wanted;
    let next = shared.ledger.next_epoch(*reason).map_err(not_begun)?;
    if epoch.is_some_and(|epoch| epoch != next.epoch) {
        return Err(begun_already(LogId { epoch: next.epoch - 1, ..next }));
    }
    let (origin, epoch) = (next.origin, next.epoch);
    let told = KeyBegin { origin, epoch, reason: *reason, comment: comment.trim().to_owned() };
    let decision = Some(record(shared, principal, &Known::KeyBegin(told)).await?);
    shared.ledger.begin_this_epoch(next, *reason).await.map_err(not_begun)?;
    let (epoch, status) = (Some(epoch), StatusCode::CREATED);
    let (next, declared_by) = (follows(*reason).to_owned(), Vec::new());
    Ok(KeyDecided { origin, epoch, declared_by, next, decision, status })
}

/// What an epoch that has begun waits for.
const fn follows(reason: Reason) -> &'static str {
    if reason.needs_old_key() {
        "One other cloud approves it by itself, within a second if it can be reached."
    } else {
        "An admin at each of the other two clouds must agree. Until both have, what this cloud \
         records stays PENDING."
    }
}

/// Agrees, for this cloud, to a new epoch of another one.
pub(super) async fn agree(
    shared: &Services,
    principal: &Principal,
    hash: Hash,
    reason: &str,
) -> Result<KeyDecided, Problem> {
    let requests = shared.ledger.epoch_requests();
    let request = requests.into_iter().find(|request| request.hash == hash);
    let request = request.ok_or_else(|| no_request(hash))?;
    if request.agreed {
        return Err(agreed_already());
    }
    let (origin, epoch) = (request.record.origin, request.record.epoch);
    let told = KeyAgree { origin, epoch, record: hash, reason: reason.trim().to_owned() };
    let decision = Some(record(shared, principal, &Known::KeyAgree(told)).await?);
    shared.ledger.agree_to_epoch(hash).ok_or_else(|| no_request(hash))?;
    let next = "This cloud approves it when it is asked next, and holds the old log exactly up to \
                the closing. It counts once both other clouds have.";
    Ok(KeyDecided {
        origin,
        epoch: Some(epoch),
        declared_by: Vec::new(),
        next: next.to_owned(),
        decision,
        status: StatusCode::CREATED,
    })
}

/// Says that a cloud is gone for good, so that a restored log need not wait for it.
pub(super) async fn declare_gone(
    shared: &Shared,
    principal: &Principal,
    cloud: Cloud,
    reason: &str,
) -> Result<KeyDecided, Problem> {
    may_be_gone(shared, principal, cloud)?;
    let told = Known::KeyGone(KeyGone { cloud, reason: reason.trim().to_owned() });
    readable(&told)?;
    let declared_by = shared.ledger.declare_gone(cloud, &principal.login);
    // A cloud that takes its log back records nothing yet, and takes nothing back before it is told.
    let decision = match record(shared, principal, &told).await {
        Ok(decision) => Some(decision),
        Err(problem) if problem.status >= 500 => {
            record_later(Arc::clone(shared), principal.clone(), told);
            None
        }
        Err(problem) => return Err(problem),
    };
    let enough = declared_by.len() > 1;
    let next = if enough {
        "Two admins have said so: this cloud goes on without it, and the epoch record names both."
    } else {
        "A second admin must say the same; until then this cloud waits for it."
    };
    Ok(KeyDecided {
        origin: cloud,
        epoch: None,
        declared_by,
        next: next.to_owned(),
        decision,
        status: if enough { StatusCode::CREATED } else { StatusCode::ACCEPTED },
    })
}

fn may_be_gone(shared: &Services, principal: &Principal, cloud: Cloud) -> Result<(), Problem> {
    let title = cloud.title();
    if cloud == shared.ledger.cloud() {
        let problem = Problem::invalid("A cloud cannot say that it is gone itself.");
        return Err(problem.field("/cloud", "must be another cloud"));
    }
    if !shared.ledger.is_recovering() {
        let detail = "This cloud takes nothing back from others just now, so it waits for none of \
                      them. There is nothing to declare; a cloud that is down stops nobody.";
        return Err(conflict("not_recovering", "Nobody is waited for", detail));
    }
    if shared.ledger.figures().clouds.get(cloud).reachable == Some(true) {
        let detail = format!("{title} answers, so it is not gone. This cloud asks it by itself.");
        return Err(conflict("cloud_answers", "That cloud is there", detail));
    }
    if shared.ledger.declared_gone().get(cloud).contains(&principal.login) {
        let detail = format!("You have said so of {title}. It takes a second, different admin.");
        return Err(conflict("same_person", "It takes two people", detail));
    }
    Ok(())
}

/// Goes on until it is recorded, or the node stops: the record of the epoch names both anyway.
fn record_later(shared: Shared, principal: Principal, told: Known) {
    tokio::spawn(async move {
        let stop = shared.stop.clone();
        let until_recorded = async {
            while record(&shared, &principal, &told).await.is_err_and(|error| error.status >= 500) {
                tokio::time::sleep(RETRY_WAIT).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = until_recorded => {}
        }
    });
}

/// The decision as an event of the platform, by who made it.
async fn record(
    shared: &Services,
    principal: &Principal,
    decision: &Known,
) -> Result<Recorded, Problem> {
    readable(decision)?;
    let event = json!({ "tenantId": TenantId::platform(), "payload": decision.to_payload() });
    let (tenant, accepted) = record_one(shared, principal, event).await?;
    Ok(recorded(shared, tenant, accepted, at_once(), principal).await)
}

/// What people write must read as a decision. The fields are named as they were sent.
fn readable(decision: &Known) -> Result<(), Problem> {
    let read = Known::read(&decision.to_payload());
    read.map(drop)
        .map_err(|error| Problem::invalid("Say why, in one line.").field(error.field, error.reason))
}

fn conflict(code: &'static str, title: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, title, detail)
}

fn begun_already(current: LogId) -> Problem {
    let detail = format!(
        "{current} is the epoch of this cloud's log now. Read GET /v1/keys before you begin another."
    );
    conflict("epoch_begun", "It has begun already", detail)
}

fn agreed_already() -> Problem {
    let detail = "Somebody here has agreed to it. It counts once both other clouds have approved.";
    conflict("already_decided", "Agreed already", detail)
}

fn no_request(hash: Hash) -> Problem {
    Problem::not_found(format!(
        "No request {hash} waits at this cloud: it counts by now, or another record has taken its \
         place. GET /v1/keys lists what waits."
    ))
}

fn not_begun(cause: BeginError) -> Problem {
    match cause {
        BeginError::Unfinished(log) => {
            let detail = format!(
                "{log} still waits for its approvals, and a cloud begins one epoch at a time. \
                 GET /v1/keys says what the other clouds answer."
            );
            conflict("epoch_waits", "An epoch waits already", detail)
        }
        BeginError::Begun(current) => begun_already(current),
        BeginError::Recovering | BeginError::Stopping | BeginError::Database(_) => Problem::busy(
            "This cloud is starting, stopping, or taking its log back from the others. No epoch \
             was begun; ask again in a moment.",
        )
        .internal(cause),
        BeginError::Keys(_) | BeginError::Record(_) => Problem::fault(cause),
    }
}
