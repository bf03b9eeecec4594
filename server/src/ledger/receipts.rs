//! Receipts and checkpoints: what an outsider is handed.

use std::sync::Arc;

use domain::event::Slot;
use domain::log::proof::root_from_inclusion;
use domain::log::{Hash, LogId, plan};
use domain::quorum::QUORUM;
use domain::receipt::{RECEIPT_FORMAT, Receipt, ReceiptEvent};
use sqlx::PgPool;

use super::board::Board;
use super::read::Record;
use super::signing::{SignedHead, Signing};
use super::store::Store;
use super::{columns, tree};
use crate::keys::Roster;

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
    pub(super) roster: Arc<Roster>,
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
        let mut keys = vec![self.roster.log_key(log)];
        keys.extend(signed.lines.keys().map(|cloud| self.roster.cosigner_key(*cloud)));
        Ok(Receipt {
            format: RECEIPT_FORMAT.to_owned(),
            event: receipt_event(record)?,
            slot,
            proof,
            checkpoint: self.signing.note(&signed),
            keys,
        })
    }

    /// The smallest head above the entry under which the quorum stands.
    async fn certificate(
        &self,
        log: LogId,
        sequence: u64,
    ) -> Result<Option<SignedHead>, sqlx::Error> {
        if let Some(recent) = self.board.recent_certificate(log, sequence, QUORUM) {
            return Ok(Some(recent));
        }
        let size: Option<i64> = sqlx::query_scalar(CERTIFIED_SIZE)
            .bind(columns::origin(log))
            .bind(columns::epoch(log))
            .bind(columns::size(sequence))
            .fetch_one(&self.pool)
            .await?;
        let Some(size) = size.and_then(|size| u64::try_from(size).ok()) else { return Ok(None) };
        Store::new(self.pool.clone(), log).signed_of_size(size).await
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
        let newest = self.board.newest_certificate(log, QUORUM);
        newest.or_else(|| self.board.stored_head(log)).map(|signed| self.signing.note(&signed))
    }
}

/// A head counts when the origin's own signatures stand under it too.
const CERTIFIED_SIZE: &str = "
SELECT min(first.size)
FROM unnest(ARRAY[1, 2, 3]::smallint[]) AS signer (code),
     LATERAL (SELECT theirs.size FROM ledger_signature AS theirs
              JOIN ledger_signature AS origins
                ON origins.origin = theirs.origin AND origins.epoch = theirs.epoch
               AND origins.signer = theirs.origin AND origins.size = theirs.size
              WHERE theirs.origin = $1 AND theirs.epoch = $2 AND theirs.signer = signer.code
                AND theirs.size > $3
              ORDER BY theirs.size LIMIT 1) AS first
WHERE signer.code <> $1";

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
