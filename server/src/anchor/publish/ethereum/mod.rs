//! Ethereum, by JSON-RPC: a transaction of type 2 from an account to itself, whose calldata is the
//! tag and the hash.
//!
//! Known limit. Where somebody else uses the account and their transaction vanishes from the chain
//! for ever, its nonce is a gap and ours waits behind it until the next anchor fills it. Use the
//! account for nothing else.

mod account;
mod block;
mod fee;
mod look;
mod number;

use std::path::Path;

use async_trait::async_trait;
use domain::anchor::ethereum::{Keccak256, Transaction};
use domain::anchor::explorer::{ExplorerPage, pages_of_ethereum};
use domain::anchor::state::{Anchor, Attempt, RefusalKind, Rules, Sighting};
use domain::anchor::{Publisher, commitment};
use domain::log::Hash;
use serde_json::{Value, json};

pub use account::{Account, AccountError};

use super::{Endpoint, Fault, Publish, Rpc, RpcError, Wish};
use account::Draft;
use fee::{Fees, Market, ether, gas_of};
use number::{amount, quantity};

/// A block comes every twelve seconds.
const LOOK_EVERY_MS: i64 = 15_000;
/// About ten blocks without room for it.
const RAISE_AFTER_MS: i64 = 120_000;
const LATE_AFTER_MS: i64 = 6 * 3_600_000;
const RETRY_MS: i64 = 600_000;

/// What it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EthereumLimits {
    pub chain_id: u64,
    /// Wei a unit of gas.
    pub fee_max: u64,
    /// Wei a month.
    pub month_max: u64,
    pub confirmations: u64,
    pub dry_run: bool,
}

/// One account on one network.
#[derive(Debug)]
pub struct Ethereum {
    rpc: Rpc,
    account: Account,
    limits: EthereumLimits,
}

impl Ethereum {
    /// # Errors
    /// The key file cannot be used.
    pub fn new(
        endpoint: Endpoint,
        key_file: &Path,
        limits: EthereumLimits,
    ) -> Result<Self, AccountError> {
        Ok(Ethereum { rpc: Rpc::new(endpoint), account: Account::read(key_file)?, limits })
    }

    /// Who pays.
    #[must_use]
    pub fn address(&self) -> String {
        self.account.address()
    }

    /// Before anything else: a transaction for one network is worth something on no other, and
    /// proves nothing there.
    async fn is_on_its_chain(&self) -> Result<(), Fault> {
        let found: Value = self.rpc.call("eth_chainId", json!([])).await?;
        let wanted = self.limits.chain_id;
        match quantity(&found) {
            Some(found) if found == wanted => Ok(()),
            Some(found) => {
                let words = format!(
                    "the node at {} is on chain {found}, and anchor.ethereum.chain_id is {wanted}",
                    self.rpc.at()
                );
                Err(Fault::refused(RefusalKind::WrongChain, words))
            }
            None => Err(self.unread("eth_chainId")),
        }
    }

    fn unread(&self, what: &str) -> Fault {
        Fault::Away(format!("{}: {what} cannot be read", self.rpc.at()))
    }

    async fn count(&self, at: &str) -> Result<u64, Fault> {
        let params = json!([self.account.address(), at]);
        let found: Value = self.rpc.call("eth_getTransactionCount", params).await?;
        quantity(&found).ok_or_else(|| self.unread("eth_getTransactionCount"))
    }

    async fn balance(&self) -> Result<u128, Fault> {
        let params = json!([self.account.address(), "latest"]);
        let found: Value = self.rpc.call("eth_getBalance", params).await?;
        amount(&found).ok_or_else(|| self.unread("eth_getBalance"))
    }

    /// The place of what is replaced, or the first that nobody has taken.
    async fn nonce(&self, wish: &Wish<'_>) -> Result<u64, Fault> {
        if let Some(replaced) = wish.replaces.last() {
            return nonce_of(replaced).ok_or_else(|| self.unread("the stored transaction"));
        }
        let taken: Vec<u64> = wish.others.iter().filter_map(nonce_of).collect();
        let mut nonce = self.count("pending").await?;
        while taken.contains(&nonce) {
            nonce += 1;
        }
        Ok(nonce)
    }

    fn within_budget(&self, cost_max: u64, left: Option<u64>) -> Result<(), Fault> {
        match left {
            Some(left) if cost_max > left => {
                let words = format!(
                    "it may cost {} ETH, and {} ETH of this month's \
                     anchor.ethereum.max_spend_eth_per_month are left",
                    ether(cost_max),
                    ether(left)
                );
                Err(Fault::refused(RefusalKind::SpendingLimit, words))
            }
            _ => Ok(()),
        }
    }

    async fn is_funded(&self, cost_max: u64) -> Result<(), Fault> {
        let balance = self.balance().await?;
        if balance >= u128::from(cost_max) {
            return Ok(());
        }
        let has = u64::try_from(balance).map(ether).unwrap_or_default();
        let address = self.account.address();
        let needed = ether(cost_max);
        let words =
            format!("{address} has {has} ETH and it may cost {needed} ETH: send some there");
        Err(Fault::refused(RefusalKind::InsufficientFunds, words))
    }
}

fn nonce_of(attempt: &Attempt) -> Option<u64> {
    Some(Transaction::parse(&attempt.bytes).ok()?.call()?.nonce)
}

fn fees_of(attempt: &Attempt) -> Option<Fees> {
    let transaction = Transaction::parse(&attempt.bytes).ok()?;
    let call = transaction.call()?;
    Some(Fees { tip: call.tip?, fee: call.fee? })
}

/// Nodes answer so to what they have, had, or have something better than.
fn is_known_or_too_late(message: &str) -> bool {
    const SO: [&str; 5] =
        ["already known", "known transaction", "already imported", "nonce too low", "underpriced"];
    SO.iter().any(|words| message.contains(words))
}

#[async_trait]
impl Publish for Ethereum {
    fn publisher(&self) -> Publisher {
        Publisher::Ethereum
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
        format!("chain {} by the node at {}{dry}", self.limits.chain_id, self.rpc.at())
    }

    fn budget(&self) -> Option<u64> {
        Some(self.limits.month_max)
    }

    fn explorers(&self, height: u64) -> Vec<ExplorerPage> {
        pages_of_ethereum(self.limits.chain_id, height)
    }

    async fn make(&self, wish: Wish<'_>) -> Result<Attempt, Fault> {
        self.is_on_its_chain().await?;
        let market = Market::ask(&self.rpc).await?;
        let before = wish.replaces.last().and_then(fees_of);
        let fees = market.offer(before, self.limits.fee_max)?;
        let data = commitment(wish.subject);
        let gas = gas_of(&data);
        let cost_max = gas.saturating_mul(fees.fee);
        self.within_budget(cost_max, wish.left)?;
        self.is_funded(cost_max).await?;
        let (chain_id, nonce) = (self.limits.chain_id, self.nonce(&wish).await?);
        let draft = Draft { chain_id, nonce, tip: fees.tip, fee: fees.fee, gas, data: &data };
        let bytes = self.account.sign(&draft);
        let name = Keccak256::of(&bytes).to_string();
        if self.limits.dry_run {
            let words = format!(
                "dry run: {name}, for at most {} ETH, was signed and not sent",
                ether(cost_max)
            );
            return Err(Fault::refused(RefusalKind::DryRun, words));
        }
        Ok(Attempt { number: wish.number, name, bytes, cost_max, made_at: wish.now })
    }

    async fn send(&self, _subject: Hash, attempt: &Attempt) -> Result<Option<Vec<u8>>, Fault> {
        self.is_on_its_chain().await?;
        let raw = format!("0x{}", hex::encode(&attempt.bytes));
        let sent: Result<Value, RpcError> =
            self.rpc.call("eth_sendRawTransaction", json!([raw])).await;
        let error = match sent {
            Ok(_) => return Ok(None),
            Err(error) => error,
        };
        match error.node_message() {
            None => Err(error.into()),
            Some(message) if is_known_or_too_late(&message) => Ok(None),
            Some(message) if message.contains("insufficient funds") => {
                let words = format!("{}: {message}", self.account.address());
                Err(Fault::refused(RefusalKind::InsufficientFunds, words))
            }
            Some(_) => Err(Fault::refused(RefusalKind::Refused, error)),
        }
    }

    async fn look(&self, subject: Hash, anchor: &Anchor) -> Result<Sighting, Fault> {
        self.is_on_its_chain().await?;
        self.find(subject, anchor).await
    }

    async fn check(&self) -> Result<String, Fault> {
        self.is_on_its_chain().await?;
        let balance = self.balance().await?;
        let has = u64::try_from(balance).map_or_else(|_| "more than 18".to_owned(), ether);
        Ok(format!("{}; {} has {has} ETH", self.place(), self.account.address()))
    }
}
