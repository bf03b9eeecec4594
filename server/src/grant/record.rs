//! Every decision becomes an event of the ledger, once: recorded by the cloud under whose ballot it
//! was decided, and by any other that has not heard of the event after a while.

use std::sync::Arc;
use std::time::Duration;

use domain::catalog::{GrantDecided, Known};
use domain::clock::Timestamp;
use domain::event::{FieldError, Payload, TenantId};
use domain::grant::Decision;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{GrantError, Grants};
use crate::ledger::{Submission, SubmitError};

/// Between looks at what is not recorded yet.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The winner is given this long. It may have stopped right after it won.
const WINNER_FIRST_MS: i64 = 5_000;

impl Grants {
    /// Records what is decided until `stop`.
    pub(super) async fn record(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.to_record.notified() => {}
                _ = ticks.tick() => {}
            }
            if let Err(cause) = self.record_all().await {
                tracing::debug!(%cause, "decided grants wait to be recorded");
            }
        }
    }

    async fn record_all(&self) -> Result<(), GrantError> {
        let now_ms = crate::now().unix_ms();
        let learnt_before = Timestamp::from_unix_ms(now_ms - WINNER_FIRST_MS);
        for decision in self.store.unrecorded(learnt_before).await? {
            if self.is_recorded(&decision).await? || self.record_one(&decision).await {
                self.store.set_recorded(decision.grant()).await?;
            }
        }
        Ok(())
    }

    /// Some cloud has recorded it, and the event has arrived here.
    async fn is_recorded(&self, decision: &Decision) -> Result<bool, GrantError> {
        let Ok(payload) = payload(decision) else { return Ok(false) };
        let found = self.ledger.find(decision.grant().event_id()).await?;
        Ok(found.iter().any(|record| record.event.payload.bytes() == payload.bytes()))
    }

    /// True if there is nothing more to do here.
    async fn record_one(&self, decision: &Decision) -> bool {
        let event_id = decision.grant().event_id();
        let payload = match payload(decision) {
            Ok(payload) => payload,
            Err(cause) => {
                tracing::error!(grant = %decision.grant(), %cause, "a decided grant is no payload");
                return false;
            }
        };
        let submission = Submission {
            tenant_id: TenantId::platform(),
            payload,
            event_id: Some(event_id),
            region: None,
            created_at: None,
        };
        match self.ledger.submit(vec![submission]).await.pop() {
            Some(Ok(_)) => {
                metrics::counter!("ternion_grant_recorded_total").increment(1);
                true
            }
            // The decision holds all the same: its proof are the votes.
            Some(Err(cause @ SubmitError::Conflict { .. })) => {
                let grant = decision.grant();
                tracing::error!(%grant, %event_id, %cause, "a decided grant cannot be recorded");
                metrics::counter!("ternion_grant_unrecordable_total").increment(1);
                true
            }
            // Nothing is lost: it is tried again.
            Some(Err(_)) | None => false,
        }
    }
}

/// The same at every cloud, whichever proof it holds: so that two that record it record one event.
fn payload(decision: &Decision) -> Result<Payload, FieldError> {
    let grant = decision.grant();
    let known = Known::GrantDecided(GrantDecided {
        resource: grant.resource.clone(),
        version: grant.version,
        value: decision.value().clone(),
    });
    Payload::from_value(&known.to_payload())
}
