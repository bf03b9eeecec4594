//! Receipts and checkpoints: what an outsider is handed.

use std::sync::Arc;

use domain::event::{Slot, signature_is_valid};
use domain::key::NoteKey;
use domain::log::proof::root_from_inclusion;
use domain::log::{Hash, LogId, plan};
use domain::note::SignatureLine;
use domain::receipt::{RECEIPT_FORMAT, Receipt, ReceiptEvent};
use sqlx::PgPool;

use super::board::Board;
use super::read::Record;
use super::signing::{SignedHead, Signing};
use super::store::Store;
use super::{columns, tree};

/// No receipt for this event.
#[derive(Debug, thiserror::Error)]
pub enum NoReceipt {
    #[error("{0} is not final yet")]
    NotFinal(Slot),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("the stored log does not lead to its signed root: {0}")]
    Damaged(String),
}

/// Writes receipts.
#[derive(Debug)]
pub(super) struct Notary {
    pub(super) pool: PgPool,
    pub(super) board: Arc<Board>,
    pub(super) signing: Arc<Signing>,
}

impl Notary {
    pub(super) async fn receipt(&self, record: &Record) -> Result<Receipt, NoReceipt> {
        let slot = record.slot;
        let log = LogId { origin: slot.origin, epoch: slot.epoch };
        if !self.board.watermarks.borrow().is_final(slot) {
            return Err(NoReceipt::NotFinal(slot));
        }
        let signed =
            self.certificate(log, slot.sequence).await?.ok_or(NoReceipt::NotFinal(slot))?;
        let proof = self.inclusion(log, record, &signed).await?;
        let keys = self.keys_of(record, &signed);
        Ok(Receipt {
            format: RECEIPT_FORMAT.to_owned(),
            event: receipt_event(record)?,
            slot,
            proof,
            checkpoint: self.signing.note(&signed),
            keys,
        })
    }

    /// The keys of the signatures, the log's first. An event that was taken over from an earlier
    /// epoch bears that epoch's signature.
    fn keys_of(&self, record: &Record, signed: &SignedHead) -> Vec<NoteKey> {
        let verifier = &self.signing.verifier;
        let mut keys: Vec<NoteKey> = verifier.log_key(signed.log).into_iter().collect();
        let made = |key: &NoteKey| signature_is_valid(record.hash, &record.signature, key.key());
        keys.extend(
            verifier
                .event_keys(signed.log)
                .into_iter()
                .find(made)
                .filter(|key| !keys.contains(key)),
        );
        for (signer, lines) in &signed.lines {
            let cosigners = verifier.cosigners(*signer, signed.log, signed.head);
            keys.extend(cosigners.into_iter().find(|key| {
                lines.lines().any(|line| {
                    SignatureLine::parse(line).is_ok_and(|line| line.key_id == key.id())
                })
            }));
        }
        keys
    }

    /// The smallest head above the entry under which the quorum stands.
    async fn certificate(
        &self,
        log: LogId,
        sequence: u64,
    ) -> Result<Option<SignedHead>, sqlx::Error> {
        let mode = self.signing.verifier.mode(log);
        if let Some(recent) = self.board.recent_certificate(log, sequence, mode) {
            return Ok(Some(recent));
        }
        let sizes: Vec<i64> = sqlx::query_scalar(CERTIFIED_SIZES)
            .bind(columns::origin(log))
            .bind(columns::epoch(log))
            .bind(columns::size(sequence))
            .bind(i64::try_from(mode.threshold() - 1).unwrap_or(i64::MAX)) // beside the origin
            .bind(HEADS_TRIED)
            .fetch_all(&self.pool)
            .await?;
        let store = Store::new(self.pool.clone(), log);
        for size in sizes.into_iter().filter_map(|size| u64::try_from(size).ok()) {
            let signed = store.signed_of_size(size).await?;
            if let Some(signed) = signed.filter(|signed| signed.is_certified(mode)) {
                return Ok(Some(signed));
            }
        }
        let newest = self.board.newest_certificate(log, mode);
        Ok(newest.filter(|signed| signed.head.size > sequence))
    }

    async fn inclusion(
        &self,
        log: LogId,
        record: &Record,
        signed: &SignedHead,
    ) -> Result<Vec<Hash>, NoReceipt> {
        let (index, head) = (record.slot.sequence, signed.head);
        let damaged = |what: &str| NoReceipt::Damaged(format!("{}: {what}", record.slot));
        let plan = plan::inclusion(index, head.size)
            .ok_or_else(|| damaged("its checkpoint does not cover it"))?;
        let proof = tree::assemble(&self.pool, log, head.size, &plan)
            .await?
            .ok_or_else(|| damaged("rows or tiles are missing"))?;
        let leaf = domain::event::leaf(record.slot, record.hash);
        if root_from_inclusion(leaf, index, head.size, &proof) != Some(head.root) {
            return Err(damaged("its proof leads to another root than the signed one"));
        }
        Ok(proof)
    }

    /// The newest head under which the quorum stands, or else the newest one stored.
    pub(super) fn checkpoint(&self, log: LogId) -> Option<String> {
        let newest = self.board.newest_certificate(log, self.signing.verifier.mode(log));
        newest.or_else(|| self.board.stored_head(log)).map(|signed| self.signing.note(&signed))
    }
}

/// Heads above an entry, of each signer, among which one is looked for that enough have signed.
/// In the default mode the first is one; where more must sign, their heads need not coincide.
const HEADS_TRIED: i64 = 256;

/// Heads above an entry under which so many others and the origin stand, smallest first.
const CERTIFIED_SIZES: &str = "
SELECT theirs.size
FROM unnest(ARRAY[1, 2, 3, 4]::smallint[]) AS signer (code),
     LATERAL (SELECT size FROM ledger_signature
              WHERE origin = $1 AND epoch = $2 AND signer = signer.code AND size > $3
              ORDER BY size LIMIT $5) AS theirs
WHERE signer.code <> $1
  AND EXISTS (SELECT FROM ledger_signature
              WHERE origin = $1 AND epoch = $2 AND signer = $1 AND size = theirs.size)
GROUP BY theirs.size
HAVING count(*) >= $4
ORDER BY theirs.size LIMIT 8";

fn receipt_event(record: &Record) -> Result<ReceiptEvent, NoReceipt> {
    let event = &record.event;
    let payload = domain::json::parse_strict(event.payload.bytes())
        .map_err(|cause| NoReceipt::Damaged(format!("the payload of {}: {cause}", record.slot)))?;
    Ok(ReceiptEvent {
        event_id: event.event_id.0,
        tenant_id: event.tenant_id.clone(),
        logical_clock: event.logical_clock,
        region: event.region.clone(),
        created_at: event.created_at,
        origin_cloud: event.origin_cloud,
        payload: Some(payload),
        salt: Some(hex::encode(event.salt.0)),
        payload_hash: event.payload_hash(),
        hash: record.hash,
        signature: record.signature,
    })
}
