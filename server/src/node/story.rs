//! What the demonstration begins with: its users, and the tiers, prices and tenants of its story,
//! told in events like everything else.

use std::sync::Arc;
use std::time::Duration;

use domain::catalog::Known;
use domain::event::{EventId, Payload, TenantId};
use domain::snapshot::Period;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::Config;
use crate::demo::story;
use crate::identity::{Principal, Recorder, demonstration};
use crate::ledger::{Ledger, Submission, SubmitError};
use crate::problem::Problem;
use crate::snapshot::Snapshots;

/// Small beside the batches that the ledger takes.
const USAGE_AT_ONCE: usize = 100;
/// Between attempts, while the database is not ready.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// Records the demonstration's beginning, once: each decision has an id made from its content, so
/// that a restart repeats nothing.
pub(super) async fn tell(
    config: Config,
    recorder: Arc<dyn Recorder>,
    ledger: Arc<Ledger>,
    snapshots: Arc<Snapshots>,
    stop: CancellationToken,
) {
    let mut decisions = demonstration::user_puts();
    let mut usage = Vec::new();
    if config.story {
        let now = crate::now();
        decisions.extend(story::tiers());
        decisions.extend(story::prices());
        decisions.extend(story::costs());
        decisions.extend(story::tenants());
        decisions.extend(story::credits(now));
        decisions.extend(story::round_trips());
        usage = story::usage_of_last_month(now);
    }
    for decision in decisions {
        while let Err(problem) = record(recorder.as_ref(), &decision).await {
            tracing::warn!(code = problem.code, detail = problem.detail, "the story waits");
            if waits(&stop).await.is_err() {
                return;
            }
        }
    }
    for batch in usage.chunks(USAGE_AT_ONCE) {
        while let Err(error) = meter(&ledger, batch).await {
            tracing::warn!(%error, "the story waits");
            if waits(&stop).await.is_err() {
                return;
            }
        }
    }
    if config.story {
        anchor_last_month(&ledger, &snapshots, &stop).await;
    }
}

/// Has the clouds take the snapshot of the story's month, once all of it is final. The schedule
/// takes none of a month in which nothing was recorded yet.
async fn anchor_last_month(ledger: &Ledger, snapshots: &Snapshots, stop: &CancellationToken) {
    while ledger.watermarks().borrow().pending() > 0 {
        if waits(stop).await.is_err() {
            return;
        }
    }
    while let Err(cause) = snapshots.take(Period::last_month(crate::now())).await {
        tracing::debug!(%cause, "the story's month waits for its snapshot");
        if waits(stop).await.is_err() {
            return;
        }
    }
}

/// An error: the program stops meanwhile.
async fn waits(stop: &CancellationToken) -> Result<(), ()> {
    tokio::select! {
        () = stop.cancelled() => Err(()),
        () = tokio::time::sleep(RETRY_WAIT) => Ok(()),
    }
}

/// Records usage of the sample tenants.
async fn meter(ledger: &Ledger, usage: &[(TenantId, Known)]) -> Result<(), SubmitError> {
    let submission = |(tenant_id, known): &(TenantId, Known)| {
        let payload = Payload::from_value(&known.to_payload()).ok()?;
        let event_id = Some(EventId(usage_id(tenant_id, known)));
        let tenant_id = tenant_id.clone();
        Some(Submission { tenant_id, payload, event_id, region: None, created_at: None })
    };
    let answers = ledger.submit(usage.iter().filter_map(submission).collect()).await;
    answers.into_iter().try_for_each(|answer| answer.map(drop))
}

fn usage_id(tenant: &TenantId, known: &Known) -> Uuid {
    id_of(&[tenant.as_str().as_bytes(), b"\n", &domain::json::canonical(&known.to_payload())])
}

async fn record(recorder: &dyn Recorder, decision: &Known) -> Result<Uuid, Problem> {
    let id = event_id(decision);
    recorder.record(decision.clone(), &Principal::platform(), Some(id)).await
}

fn event_id(decision: &Known) -> Uuid {
    id_of(&[&domain::json::canonical(&decision.to_payload())])
}

fn id_of(parts: &[&[u8]]) -> Uuid {
    let mut hasher = Sha256::new();
    hasher.update(b"ternion/demonstration/v1\n");
    parts.iter().for_each(|part| hasher.update(part));
    let digest: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decision_of_the_story_has_an_id_of_its_own_that_never_changes() {
        let ids: std::collections::BTreeSet<Uuid> =
            story::tenants().iter().chain(&story::tiers()).map(event_id).collect();
        assert_eq!(ids.len(), story::tenants().len() + story::tiers().len());
        assert_eq!(event_id(&story::tiers()[0]), event_id(&story::tiers()[0].clone()));
    }
}
