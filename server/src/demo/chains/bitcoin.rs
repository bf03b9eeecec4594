//! litecoind: Bitcoin Core's node, wallet and RPC (0.21) on a chain of one's own, from Debian.
//!
//! Its proof of work is another hash function. So that its blocks are Bitcoin's too, those are kept
//! whose double SHA-256 is below the target, which on such a chain is every second one.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use domain::cloud::Cloud;
use serde_json::{Value, json};

use super::CONFIRMATIONS;
use super::keeper::Program;
use super::miner::Mined;
use crate::anchor::publish::{Endpoint, Login, Rpc, RpcError};

/// A coin of a block can be spent a hundred blocks later.
const MATURITY: u64 = 100;
/// Coins of each cloud: a transaction leaves its change unconfirmed until the next block.
const COINS: u64 = 5;
/// Blocks that are tried until one is Bitcoin's, too: fewer than one in a billion times it is not
/// among them.
const ATTEMPTS: usize = 30;

#[derive(Clone, Debug)]
pub(super) struct Bitcoin {
    program: PathBuf,
    folder: PathBuf,
    at: SocketAddr,
}

impl Bitcoin {
    pub(super) fn prepare(program: PathBuf, folder: PathBuf, at: SocketAddr) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Bitcoin { program, folder, at })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.at
    }

    pub(super) fn program(&self) -> Program {
        let mut data = std::ffi::OsString::from("-datadir=");
        data.push(&self.folder);
        let port = format!("-rpcport={}", self.at.port());
        // Its REST interface answers pages that ask about blocks, and knows of no wallet.
        let arguments =
            ["-regtest", "-server", "-rest", "-listen=0", "-dnsseed=0", "-connect=0", &port];
        let mut arguments: Vec<_> = arguments.iter().map(Into::into).collect();
        // Its wallets send nothing by themselves; replacing is allowed, as in Bitcoin Core.
        arguments.extend(["-walletbroadcast=0".into(), "-mempoolreplacement=1".into(), data]);
        Program { path: self.program.clone(), arguments, log: self.folder.join("node.log") }
    }

    pub(super) fn table(&self, cloud: Cloud) -> String {
        format!(
            "\n[anchor.bitcoin]\nurl = \"http://{}/wallet/{cloud}\"\ncookie_file = \"{}\"\n\
             network = \"regtest\"\nmax_fee_sat_per_vbyte = 50\n\
             max_spend_btc_per_month = \"0.01\"\nconfirmations = {CONFIRMATIONS}\n",
            self.at,
            self.cookie().display()
        )
    }

    fn cookie(&self) -> PathBuf {
        self.folder.join("regtest/.cookie")
    }

    /// By a path such as `/wallet/gcp`, or none.
    fn rpc(&self, path: &str) -> Result<Rpc, RpcError> {
        let endpoint = Endpoint::new(&format!("http://{}{path}", self.at));
        let shape = |cause: crate::anchor::publish::EndpointError| RpcError::Shape {
            method: "connect",
            cause: cause.to_string(),
        };
        let login = Some(Login::Cookie(self.cookie()));
        Ok(Rpc::new(endpoint.map_err(shape)?.with_login(login)))
    }

    /// Opens a cloud's wallet, and makes it the first time.
    async fn wallet(&self, cloud: Cloud) -> Result<Rpc, RpcError> {
        let (node, name) = (self.rpc("")?, json!([cloud.name()]));
        let open: Vec<String> = node.call("listwallets", json!([])).await?;
        if !open.iter().any(|name| name == cloud.name()) {
            let loaded: Result<Value, RpcError> = node.call("loadwallet", name.clone()).await;
            if loaded.is_err() {
                let _: Value = node.call("createwallet", name).await?;
            }
        }
        self.rpc(&format!("/wallet/{cloud}"))
    }
}

impl Mined for Bitcoin {
    async fn fund(&self) -> Result<(), RpcError> {
        let height: u64 = self.rpc("")?.call("getblockcount", json!([])).await?;
        for cloud in Cloud::ALL {
            let wallet = self.wallet(cloud).await?;
            if height == 0 {
                let address: String = wallet.call("getnewaddress", json!([])).await?;
                let _: Value = wallet.call("generatetoaddress", json!([COINS, address])).await?;
            }
        }
        if height == 0 {
            let wallet = self.wallet(Cloud::Gcp).await?;
            let address: String = wallet.call("getnewaddress", json!([])).await?;
            let _: Value = wallet.call("generatetoaddress", json!([MATURITY, address])).await?;
        }
        Ok(())
    }

    async fn has_waiting(&self) -> Result<bool, RpcError> {
        let waiting: Vec<String> = self.rpc("")?.call("getrawmempool", json!([])).await?;
        Ok(!waiting.is_empty())
    }

    async fn mine_one(&self) -> Result<(), RpcError> {
        let wallet = self.wallet(Cloud::Gcp).await?;
        for _ in 0..ATTEMPTS {
            // Another address each time: otherwise it would be the same block.
            let address: String = wallet.call("getnewaddress", json!([])).await?;
            let mined: Vec<String> = wallet.call("generatetoaddress", json!([1, address])).await?;
            if mined.iter().all(|hash| hash.starts_with(|digit: char| digit < '8')) {
                break;
            }
            let _: Value = wallet.call("invalidateblock", json!([mined[0]])).await?;
        }
        Ok(())
    }
}
