//! Bitcoin, by the RPC of Bitcoin Core 0.21 and later: a transaction of the node's wallet with an
//! OP_RETURN output that holds the tag and the hash, and its proof as a standard `.ots` file.
//!
//! The wallet chooses the inputs and signs; it is never asked to send. A higher fee is a second
//! transaction of the same inputs with less change (BIP 125), so that one of the two counts.

mod look;
mod make;
mod money;
mod node;

use async_trait::async_trait;
use domain::anchor::Publisher;
use domain::anchor::bitcoin::{Network, Transaction};
use domain::anchor::explorer::{ExplorerPage, pages_of_bitcoin};
use domain::anchor::state::{Anchor, Attempt, RefusalKind, Rules, Sighting};
use domain::log::Hash;
use serde_json::{Value, json};

pub use node::BitcoinNode;

use super::{Fault, Publish, RpcError, Wish};
use money::bitcoin;

/// A block comes every ten minutes.
const LOOK_EVERY_MS: i64 = 60_000;
/// Half a dozen blocks without it.
const RAISE_AFTER_MS: i64 = 3_600_000;
const LATE_AFTER_MS: i64 = 24 * 3_600_000;
const RETRY_MS: i64 = 600_000;

/// What it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitcoinLimits {
    /// Satoshi a virtual byte.
    pub rate_max: u64,
    /// Satoshi a month.
    pub month_max: u64,
    pub confirmations: u64,
    pub dry_run: bool,
}

/// One wallet of one node.
#[derive(Debug)]
pub struct Bitcoin {
    node: BitcoinNode,
    limits: BitcoinLimits,
}

impl Bitcoin {
    #[must_use]
    pub const fn new(node: BitcoinNode, limits: BitcoinLimits) -> Self {
        Bitcoin { node, limits }
    }

    fn network(&self) -> Network {
        self.node.network()
    }
}

fn parse(attempt: &Attempt) -> Option<Transaction> {
    Transaction::parse(&attempt.bytes).ok()
}

/// Nodes answer so to what they have, had, have something better than, or whose inputs are gone:
/// what became of it is then seen.
fn is_known_or_too_late(message: &str) -> bool {
    const SO: [&str; 8] = [
        "already in block chain",
        "already in utxo set",
        "txn-already-in-mempool",
        "txn-already-known",
        "txn-mempool-conflict",
        "missingorspent",
        "missing inputs",
        "insufficient fee",
    ];
    SO.iter().any(|words| message.contains(words))
}

#[async_trait]
impl Publish for Bitcoin {
    fn publisher(&self) -> Publisher {
        Publisher::Bitcoin
    }

    fn rules(&self) -> Rules {
        Rules {
            confirmations: self.limits.confirmations,
            look_every_ms: LOOK_EVERY_MS,
            raise_after_ms: Some(RAISE_AFTER_MS),
            late_after_ms: LATE_AFTER_MS,
            retry_ms: RETRY_MS,
            is_claimed: true,
        }
    }

    fn place(&self) -> String {
        let dry = if self.limits.dry_run { ", dry run" } else { "" };
        format!("{} by the node at {}{dry}", self.network(), self.node.at())
    }

    fn budget(&self) -> Option<u64> {
        Some(self.limits.month_max)
    }

    fn explorers(&self, height: u64) -> Vec<ExplorerPage> {
        pages_of_bitcoin(self.network(), height)
    }

    async fn make(&self, wish: Wish<'_>) -> Result<Attempt, Fault> {
        self.node.is_on_its_chain().await?;
        let made = match wish.replaces.last() {
            None => self.fund(&wish).await?,
            Some(before) => self.raise(&wish, before).await?,
        };
        if self.limits.dry_run {
            let words = format!(
                "dry run: {}, for {} BTC, was signed and not sent",
                made.name,
                bitcoin(made.cost_max)
            );
            return Err(Fault::refused(RefusalKind::DryRun, words));
        }
        Ok(made)
    }

    async fn send(&self, _subject: Hash, attempt: &Attempt) -> Result<Option<Vec<u8>>, Fault> {
        self.node.is_on_its_chain().await?;
        let raw = json!([hex::encode(&attempt.bytes)]);
        let sent: Result<Value, RpcError> = self.node.rpc().call("sendrawtransaction", raw).await;
        let error = match sent {
            Ok(_) => return Ok(None),
            Err(error) => error,
        };
        match error.node_message() {
            None => Err(error.into()),
            Some(message) if is_known_or_too_late(&message) => Ok(None),
            Some(_) => Err(Fault::refused(RefusalKind::Refused, error)),
        }
    }

    async fn look(&self, subject: Hash, anchor: &Anchor) -> Result<Sighting, Fault> {
        self.node.is_on_its_chain().await?;
        self.find(subject, anchor).await
    }

    async fn check(&self) -> Result<String, Fault> {
        self.node.is_on_its_chain().await?;
        let has = self.balance().await?;
        Ok(format!("{}; the wallet has {} BTC", self.place(), bitcoin(has)))
    }
}
