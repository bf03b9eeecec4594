//! What people are told stands in the ledger: that an anchor is final, or why it is not.

use std::sync::Arc;

use domain::anchor::state::{Place, Refusal, Stage};
use domain::catalog::{AnchorFailed, AnchorFinal, Known};
use domain::event::{EventId, Payload, TenantId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::store::Stored;
use crate::ledger::{Ledger, Submission, SubmitError};

const EVENT_LABEL: &[u8] = b"ternion/anchor-event/v1\n";

/// Records for one cloud.
#[derive(Debug)]
pub(super) struct Teller {
    pub(super) ledger: Arc<Ledger>,
}

impl Teller {
    /// True if there is nothing more to do. Safe to repeat: the same thing is one event.
    pub(super) async fn tell(&self, stored: &Stored) -> bool {
        let Some(known) = event(stored) else { return true };
        let Ok(payload) = Payload::from_value(&known.to_payload()) else { return true };
        let submission = Submission {
            tenant_id: TenantId::platform(),
            payload,
            event_id: Some(self.event_id(stored)),
            region: None,
            created_at: None,
        };
        match self.ledger.submit(vec![submission]).await.pop() {
            Some(Ok(_)) => true,
            // The same was told before in other words: before a crash, for example.
            Some(Err(SubmitError::Conflict { .. })) => true,
            Some(Err(cause)) => {
                tracing::debug!(%cause, anchor = %stored.id, "an anchor waits to be recorded");
                false
            }
            None => false,
        }
    }

    /// Each cloud says what it has read back itself.
    fn event_id(&self, stored: &Stored) -> EventId {
        let mut hasher = Sha256::new();
        hasher.update(EVENT_LABEL);
        let (cloud, told) = (self.ledger.cloud(), stored.anchor.told());
        hasher.update(format!("{}\n{cloud}\n{told}\n", stored.id));
        let digest: [u8; 32] = hasher.finalize().into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        EventId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// The id of an anchor: the same at every cloud, so that links between them hold.
pub(super) fn id_of(subject: domain::log::Hash, publisher: domain::anchor::Publisher) -> Uuid {
    let mut hasher = Sha256::new();
    hasher.update(b"ternion/anchor/v1\n");
    hasher.update(format!("{subject}\n{publisher}\n"));
    let digest: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn event(stored: &Stored) -> Option<Known> {
    match stored.anchor.stage() {
        Stage::Final { place } => Some(Known::AnchorFinal(told_final(stored, place))),
        Stage::Failed { refusal } => Some(Known::AnchorFailed(told_failed(stored, refusal))),
        _ => None,
    }
}

fn told_final(stored: &Stored, place: &Place) -> AnchorFinal {
    AnchorFinal {
        hash: stored.subject,
        period: stored.period.clone(),
        publisher: stored.publisher,
        place: place.name.clone(),
        height: place.height,
        time: place.time,
    }
}

fn told_failed(stored: &Stored, refusal: &Refusal) -> AnchorFailed {
    // Control characters of a node's message have no place in the ledger.
    let reason =
        refusal.words.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    AnchorFailed {
        hash: stored.subject,
        period: stored.period.clone(),
        publisher: stored.publisher,
        reason,
    }
}
