//! This cloud's word on what it came to: an event in its own log, said once.

use domain::catalog::{Known, SnapshotAttest};
use domain::event::{EventId, Payload, TenantId};
use sha2::{Digest as _, Sha256};

use super::Snapshots;
use super::store::Derived;
use crate::ledger::Submission;

const LABEL: &[u8] = b"ternion/snapshot-attest/v1\n";

impl Snapshots {
    /// Records the word unless it stands already. Nothing is lost if that fails: it is tried again
    /// with every look.
    pub(super) async fn attest(&self, own: &Derived) {
        let number = own.manifest.number;
        let catalog = self.projection.catalog();
        let stands = catalog.attestations(number).get(&self.me).map(|said| said.value.hash);
        if stands == Some(own.hash) {
            return;
        }
        let said = Known::SnapshotAttest(Box::new(SnapshotAttest::of(own.manifest.clone())));
        let payload = match Payload::from_value(&said.to_payload()) {
            Ok(payload) => payload,
            Err(cause) => {
                return tracing::error!(number, %cause, "a snapshot's manifest is no payload");
            }
        };
        let submission = Submission {
            tenant_id: TenantId::platform(),
            payload,
            event_id: Some(self.event_id(own)),
            region: None,
            created_at: None,
        };
        match self.ledger.submit(vec![submission]).await.pop() {
            Some(Ok(_)) | None => {}
            Some(Err(cause)) => tracing::debug!(number, %cause, "a snapshot is not attested yet"),
        }
    }

    /// The same for the same word: said twice, it is recorded once.
    fn event_id(&self, own: &Derived) -> EventId {
        let mut hasher = Sha256::new();
        hasher.update(LABEL);
        hasher.update(format!("{}\n{}\n{}", self.me, own.manifest.number, own.hash));
        let digest: [u8; 32] = hasher.finalize().into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        EventId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}
