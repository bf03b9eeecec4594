//! Reading the chain: where a transaction is, and the proof that it is there.

use domain::anchor::bitcoin::{Branch, KnownHeader, Sha256d};
use domain::anchor::ots;
use domain::anchor::state::{Anchor, Attempt, Proven, RefusalKind, Sighting};
use domain::log::Hash;
use serde_json::{Value, json};

use super::{Bitcoin, Fault, parse};

/// Where a node of ours says that a transaction is.
#[derive(Debug)]
struct Found {
    block: String,
    height: u64,
    confirmations: u64,
    ids: Vec<Sha256d>,
}

impl Bitcoin {
    pub(super) async fn find(&self, subject: Hash, anchor: &Anchor) -> Result<Sighting, Fault> {
        for attempt in anchor.attempts().iter().rev() {
            let Some(block) = self.block_of(attempt).await? else { continue };
            let Some(found) = self.in_chain(block).await? else { continue };
            let proven = self.prove(subject, attempt, &found).await?;
            let confirmations = found.confirmations;
            let (attempt, cost) = (attempt.name.clone(), Some(attempt.cost_max));
            return Ok(Sighting::Included { attempt, proven, confirmations, cost });
        }
        for attempt in anchor.open_attempts().iter().rev() {
            let params = json!([attempt.name]);
            if self.node.look_up("getmempoolentry", params).await?.is_some() {
                return Ok(Sighting::Waiting);
            }
        }
        match anchor.open_attempts().last() {
            Some(newest) if self.lost_an_input(newest).await? => self.displaced(newest).await,
            _ => Ok(Sighting::Missing),
        }
    }

    /// The block that the wallet saw it in or, where it is no transaction of this wallet, that of
    /// an output that is unspent.
    async fn block_of(&self, attempt: &Attempt) -> Result<Option<String>, Fault> {
        let params = json!([attempt.name]);
        if let Some(known) = self.node.look_up("gettransaction", params).await? {
            let is_in_block = known["confirmations"].as_i64().is_some_and(|count| count > 0);
            let block = known["blockhash"].as_str().map(str::to_owned);
            return Ok(block.filter(|_| is_in_block));
        }
        for index in 0..parse(attempt).map_or(0, |read| read.outputs().len()) {
            let params = json!([attempt.name, index, false]);
            let Some(unspent) = self.node.look_up("gettxout", params).await? else { continue };
            let tip = unspent["bestblock"].as_str().unwrap_or_default();
            let header = self.node.look_up("getblockheader", json!([tip])).await?;
            let height = header.and_then(|header| header["height"].as_u64());
            let above = unspent["confirmations"].as_u64().and_then(|count| count.checked_sub(1));
            let Some(height) = height.zip(above).and_then(|(tip, above)| tip.checked_sub(above))
            else {
                continue;
            };
            return self.node.hash_at(height).await;
        }
        Ok(None)
    }

    /// `None` if the block has left the chain.
    async fn in_chain(&self, block: String) -> Result<Option<Found>, Fault> {
        let Some(known) = self.node.look_up("getblock", json!([block, 1])).await? else {
            return Ok(None);
        };
        let unread = || self.node.unread("getblock");
        let confirmations = known["confirmations"].as_i64().ok_or_else(unread)?;
        let height = known["height"].as_u64().ok_or_else(unread)?;
        let ids = known["tx"].as_array().ok_or_else(unread)?.iter().map(id);
        let ids = ids.collect::<Option<Vec<_>>>().ok_or_else(unread)?;
        if confirmations < 1 || self.node.hash_at(height).await?.as_ref() != Some(&block) {
            return Ok(None);
        }
        let confirmations = confirmations.unsigned_abs();
        Ok(Some(Found { block, height, confirmations, ids }))
    }

    async fn prove(
        &self,
        subject: Hash,
        attempt: &Attempt,
        found: &Found,
    ) -> Result<Proven, Fault> {
        let unproven = |fault: &dyn std::fmt::Display| {
            Fault::refused(RefusalKind::Unproven, format_args!("block {}: {fault}", found.block))
        };
        let transaction = parse(attempt).ok_or_else(|| self.node.unread("what is stored"))?;
        let place = found.ids.iter().position(|id| *id == transaction.id());
        let place = place.and_then(|place| u32::try_from(place).ok());
        let branch = place.and_then(|place| Branch::of(&found.ids, place));
        let branch = branch.ok_or_else(|| unproven(&"our transaction is not in it"))?;
        let proof = ots::compose(subject, &transaction, &branch, found.height);
        let proof = proof.map_err(|fault| unproven(&fault))?;
        let header = self.node.header_of(&found.block).await?;
        let header = header.ok_or_else(|| unproven(&"it has no header"))?;
        self.is_linked(&header.hash(), found).await?;
        let source = self.node.source();
        let known = KnownHeader { header, height: Some(found.height), source };
        Ok(Proven::on_bitcoin(&proof, subject, &[known], self.network())?)
    }

    /// The headers above it, as many as are asked for, each name the one below.
    async fn is_linked(&self, block: &Sha256d, found: &Found) -> Result<(), Fault> {
        let above = found.confirmations.min(self.limits.confirmations).saturating_sub(1);
        let mut below = *block;
        for height in found.height + 1..=found.height + above {
            let hash = self.node.hash_at(height).await?.unwrap_or_default();
            let header = self.node.header_of(&hash).await?;
            let Some(header) = header.filter(|header| header.previous == below) else {
                let words = format!("{}: the chain changed while it was read", self.node.at());
                return Err(Fault::Away(words));
            };
            below = header.hash();
        }
        Ok(())
    }

    async fn lost_an_input(&self, attempt: &Attempt) -> Result<bool, Fault> {
        let Some(transaction) = parse(attempt) else { return Ok(false) };
        for input in transaction.inputs() {
            // Among what waits, too: spent by another transaction that waits is spent.
            let params = json!([input.transaction.to_string(), input.index, true]);
            if self.node.look_up("gettxout", params).await?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The wallet counts how deep the other transaction is: below zero.
    async fn displaced(&self, newest: &Attempt) -> Result<Sighting, Fault> {
        let known = self.node.look_up("gettransaction", json!([newest.name])).await?;
        let known = known.unwrap_or_default();
        let depth = known["confirmations"].as_i64().unwrap_or(0);
        let for_good = depth < 0 && depth.unsigned_abs() >= self.limits.confirmations;
        let by = known["walletconflicts"][0].as_str();
        let by = by.unwrap_or("another transaction that spends its coins").to_owned();
        Ok(Sighting::Displaced { by, for_good })
    }
}

fn id(value: &Value) -> Option<Sha256d> {
    let mut bytes: [u8; 32] = hex::decode(value.as_str()?).ok()?.try_into().ok()?;
    bytes.reverse(); // shown from its last byte on
    Some(Sha256d(bytes))
}
