//! Reading the chain: where a transaction is, and the proof that it is there.

use domain::anchor::Source;
use domain::anchor::ethereum::{HexBytes, Keccak256, KnownBlock, PROOF_FORMAT, ProofFile, trie};
use domain::anchor::state::{Anchor, Attempt, Proven, RefusalKind, Sighting};
use domain::log::Hash;
use serde_json::{Value, json};

use super::block::Block;
use super::number::{hash, quantity, to_quantity};
use super::{Ethereum, Fault, nonce_of};

impl Ethereum {
    pub(super) async fn find(&self, subject: Hash, anchor: &Anchor) -> Result<Sighting, Fault> {
        if let Some(found) = self.find_in_blocks(subject, anchor).await? {
            return Ok(found);
        }
        for attempt in anchor.open_attempts().iter().rev() {
            let known: Value =
                self.rpc.call("eth_getTransactionByHash", json!([attempt.name])).await?;
            if !known.is_null() {
                return Ok(Sighting::Waiting);
            }
        }
        let Some(nonce) = anchor.open_attempts().last().and_then(nonce_of) else {
            return Ok(Sighting::Missing);
        };
        if self.count("latest").await? <= nonce {
            return Ok(Sighting::Missing);
        }
        // It may have been ours, in the block that came just now.
        if let Some(found) = self.find_in_blocks(subject, anchor).await? {
            return Ok(found);
        }
        let by = format!("another transaction of {} with nonce {nonce}", self.account.address());
        Ok(Sighting::Displaced { by, for_good: self.is_spent_for_good(nonce).await? })
    }

    async fn find_in_blocks(
        &self,
        subject: Hash,
        anchor: &Anchor,
    ) -> Result<Option<Sighting>, Fault> {
        for attempt in anchor.attempts().iter().rev() {
            let params = json!([attempt.name]);
            let receipt: Value = self.rpc.call("eth_getTransactionReceipt", params).await?;
            let Some(block) = hash(&receipt["blockHash"]).map(Keccak256) else { continue };
            let Some(confirmations) = self.depth(&receipt, block).await? else { continue };
            let proven = match self.proven_before(subject, anchor, attempt, block) {
                Some(proven) => proven,
                None => self.prove(subject, attempt, block, receipt.clone()).await?,
            };
            let cost = cost(&receipt);
            let attempt = attempt.name.clone();
            return Ok(Some(Sighting::Included { attempt, proven, confirmations, cost }));
        }
        Ok(None)
    }

    /// Blocks from this one to the tip, both counted. `None`: it is not in the chain.
    async fn depth(&self, receipt: &Value, block: Keccak256) -> Result<Option<u64>, Fault> {
        let Some(height) = quantity(&receipt["blockNumber"]) else { return Ok(None) };
        let tip: Value = self.rpc.call("eth_blockNumber", json!([])).await?;
        let tip = quantity(&tip).ok_or_else(|| self.unread("eth_blockNumber"))?;
        let params = json!([to_quantity(height), false]);
        let there: Value = self.rpc.call("eth_getBlockByNumber", params).await?;
        let is_there = hash(&there["hash"]) == Some(block.0);
        Ok(is_there.then(|| tip.saturating_sub(height) + 1))
    }

    fn known(&self, block: Keccak256) -> KnownBlock {
        KnownBlock {
            hash: block,
            source: Source::Verifier(format!("the node at {}", self.rpc.at())),
        }
    }

    /// What was proven at an earlier look, verified again: a block takes megabytes to fetch.
    fn proven_before(
        &self,
        subject: Hash,
        anchor: &Anchor,
        attempt: &Attempt,
        block: Keccak256,
    ) -> Option<Proven> {
        let file = ProofFile::parse(anchor.proof()?).ok()?;
        let chain_id = self.limits.chain_id;
        (file.transaction == attempt.bytes)
            .then(|| Proven::on_ethereum(&file, subject, chain_id, &self.known(block)).ok())
            .flatten()
    }

    async fn prove(
        &self,
        subject: Hash,
        attempt: &Attempt,
        block: Keccak256,
        receipt: Value,
    ) -> Result<Proven, Fault> {
        let params = json!([block.to_string(), true]);
        let json: Value = self.rpc.call("eth_getBlockByHash", params).await?;
        let unproven = |fault: &dyn std::fmt::Display| {
            Fault::refused(RefusalKind::Unproven, format_args!("block {block}: {fault}"))
        };
        let rebuilt = Block::rebuild(&json).map_err(|fault| unproven(&fault))?;
        let index = rebuilt.transactions.iter().position(|raw| *raw == attempt.bytes);
        let index = index.ok_or_else(|| unproven(&"our transaction is not in it"))? as u64;
        let proof = trie::prove(&rebuilt.transactions, index).unwrap_or_default();
        let file = ProofFile {
            format: PROOF_FORMAT.to_owned(),
            hash: subject,
            chain_id: self.limits.chain_id,
            transaction: attempt.bytes.clone(),
            index,
            proof: proof.into_iter().map(HexBytes).collect(),
            header: rebuilt.header,
            receipt,
        };
        Ok(Proven::on_ethereum(&file, subject, self.limits.chain_id, &self.known(block))?)
    }

    /// The place is taken in a block as deep as what is called final.
    async fn is_spent_for_good(&self, nonce: u64) -> Result<bool, Fault> {
        let tip: Value = self.rpc.call("eth_blockNumber", json!([])).await?;
        let tip = quantity(&tip).ok_or_else(|| self.unread("eth_blockNumber"))?;
        let Some(deep) = (tip + 1).checked_sub(self.limits.confirmations) else { return Ok(false) };
        Ok(self.count(&to_quantity(deep)).await? > nonce)
    }
}

/// What was paid, in wei, by the receipt.
fn cost(receipt: &Value) -> Option<u64> {
    let (gas, price) = (quantity(&receipt["gasUsed"])?, quantity(&receipt["effectiveGasPrice"])?);
    gas.checked_mul(price)
}
