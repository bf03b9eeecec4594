//! A node of Bitcoin Core, its network, and its word on which blocks are in the chain.

use async_trait::async_trait;
use domain::anchor::Source;
use domain::anchor::bitcoin::{Header, KnownHeader, Network};
use domain::anchor::state::RefusalKind;
use serde_json::{Value, json};

use super::super::blocks::Blocks;
use super::super::{Fault, Rpc, RpcError};

/// Bitcoin Core's code for "there is no such thing".
const NOT_FOUND: i64 = -5;
/// … and for a height beyond the chain.
const OUT_OF_RANGE: i64 = -8;

/// One node.
#[derive(Clone, Debug)]
pub struct BitcoinNode {
    rpc: Rpc,
    network: Network,
}

impl BitcoinNode {
    #[must_use]
    pub const fn new(rpc: Rpc, network: Network) -> Self {
        BitcoinNode { rpc, network }
    }

    pub(super) const fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    pub(super) const fn network(&self) -> Network {
        self.network
    }

    pub(super) fn at(&self) -> String {
        self.rpc.at()
    }

    pub(super) fn unread(&self, what: &str) -> Fault {
        Fault::Away(format!("{}: {what} cannot be read", self.at()))
    }

    pub(super) async fn is_on_its_chain(&self) -> Result<(), Fault> {
        let found: Value = self.rpc.call("getblockchaininfo", json!([])).await?;
        let chain = found["chain"].as_str().ok_or_else(|| self.unread("getblockchaininfo"))?;
        let wanted = match self.network {
            Network::Mainnet => &["main"][..],
            Network::Testnet => &["test", "testnet4", "signet"],
            Network::Regtest => &["regtest"],
        };
        if wanted.contains(&chain) {
            return Ok(());
        }
        let words = format!(
            "the node at {} is on the chain \"{chain}\", and anchor.bitcoin.network is \"{}\"",
            self.at(),
            self.network
        );
        Err(Fault::refused(RefusalKind::WrongChain, words))
    }

    /// The same, or `None` where the node knows no such thing.
    pub(super) async fn look_up(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Option<Value>, Fault> {
        match self.rpc.call::<Value>(method, params).await {
            Ok(Value::Null) => Ok(None),
            Ok(found) => Ok(Some(found)),
            Err(RpcError::Node { code: NOT_FOUND | OUT_OF_RANGE, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn header_of(&self, block: &str) -> Result<Option<Header>, Fault> {
        let Some(found) = self.look_up("getblockheader", json!([block, false])).await? else {
            return Ok(None);
        };
        let bytes = found.as_str().and_then(|text| hex::decode(text).ok());
        let header = bytes.and_then(|bytes| Header::parse(&bytes).ok());
        header.map(Some).ok_or_else(|| self.unread("getblockheader"))
    }

    /// The hash of the block at a height of the chain.
    pub(super) async fn hash_at(&self, height: u64) -> Result<Option<String>, Fault> {
        let found = self.look_up("getblockhash", json!([height])).await?;
        Ok(found.and_then(|found| found.as_str().map(str::to_owned)))
    }

    pub(super) fn source(&self) -> Source {
        Source::Verifier(self.name())
    }
}

#[async_trait]
impl Blocks for BitcoinNode {
    fn name(&self) -> String {
        format!("the node at {}", self.at())
    }

    async fn tip(&self) -> Result<u64, Fault> {
        self.is_on_its_chain().await?;
        let found: Value = self.rpc.call("getblockcount", json!([])).await?;
        found.as_u64().ok_or_else(|| self.unread("getblockcount"))
    }

    async fn header(&self, height: u64) -> Result<Option<KnownHeader>, Fault> {
        let Some(hash) = self.hash_at(height).await? else { return Ok(None) };
        let header = self.header_of(&hash).await?;
        let source = self.source();
        Ok(header.map(|header| KnownHeader { header, height: Some(height), source }))
    }
}
