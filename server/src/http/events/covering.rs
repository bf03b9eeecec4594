//! The first agreed snapshot whose cut lies above an event, and the way from its leaf to the root
//! there: with the receipt and the bundle, the whole way from an event to a chain.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::Action;
use domain::bundle::{COVERING_FORMAT, Covering};
use domain::log::LogId;

use super::one::Found;
use crate::http::Shared;
use crate::http::ask::Named;
use crate::http::snapshots::refused;
use crate::identity::Principal;
use crate::problem::Problem;
use crate::snapshot::Snapshot;

pub(super) async fn covering(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Json<Covering>, Problem> {
    principal.require(Action::ReadLedger)?;
    let (_, record) = Found::of(&shared, &id).await?;
    let slot = record.slot;
    let log = LogId { origin: slot.origin, epoch: slot.epoch };
    let snapshots = shared.snapshots.list().await.map_err(refused)?;
    let covers =
        |it: &&Snapshot| it.standing.agreed().is_some() && it.plan.cut.size(log) > slot.sequence;
    // They come with the newest first, and the first that covered it proves the earliest time.
    let Some(first) = snapshots.iter().rev().find(covers) else {
        return Err(not_covered(&shared.snapshots.next_due().to_string()));
    };
    let size = first.plan.cut.size(log);
    let proof = shared.ledger.inclusion(log, slot.sequence, size).await?;
    let proof = proof.ok_or_else(|| {
        Problem::fault(format!("rows or tiles of {log} below {size} are missing"))
    })?;
    Ok(Json(Covering {
        format: COVERING_FORMAT.to_owned(),
        number: first.number,
        period: first.plan.period,
        log: log.to_string(),
        size,
        proof,
    }))
}

fn not_covered(next_due: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_covered",
        "Not covered by a snapshot yet",
        format!(
            "No snapshot that two clouds agree on reaches up to this event. The next is taken by \
             itself at {next_due}; an auditor or admin can take one of the state of now on the page \
             Anchors."
        ),
    )
}
