//! What the demonstration begins with: its users, and the tiers, prices and tenants of its story,
//! told in events like everything else.

use std::sync::Arc;
use std::time::Duration;

use domain::catalog::Known;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::Config;
use crate::demo::story;
use crate::identity::{Principal, Recorder, demonstration};
use crate::problem::Problem;

/// Between attempts, while the database is not ready.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// Records the demonstration's beginning, once: each decision has an id made from its content, so
/// that a restart repeats nothing.
pub(super) async fn tell(config: Config, recorder: Arc<dyn Recorder>, stop: CancellationToken) {
    let mut decisions = demonstration::user_puts();
    if config.story {
        decisions.extend(story::tiers());
        decisions.extend(story::prices());
        decisions.extend(story::costs());
        decisions.extend(story::tenants());
    }
    for decision in decisions {
        while let Err(problem) = record(recorder.as_ref(), &decision).await {
            tracing::warn!(code = problem.code, detail = problem.detail, "the story waits");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RETRY_WAIT) => {}
            }
        }
    }
}

async fn record(recorder: &dyn Recorder, decision: &Known) -> Result<Uuid, Problem> {
    let id = event_id(decision);
    recorder.record(decision.clone(), &Principal::platform(), Some(id)).await
}

fn event_id(decision: &Known) -> Uuid {
    let mut hasher = Sha256::new();
    hasher.update(b"ternion/demonstration/v1\n");
    hasher.update(domain::json::canonical(&decision.to_payload()));
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
