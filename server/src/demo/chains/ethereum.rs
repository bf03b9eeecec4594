//! anvil: a chain of Ethereum's kind, in one process, kept in one file.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use domain::cloud::{Cloud, PerCloud};
use serde_json::{Value, json};

use super::CONFIRMATIONS;
use super::keeper::Program;
use super::miner::Mined;
use crate::anchor::publish::{Endpoint, EthereumLimits, RpcError};
use crate::anchor::publish::{Ethereum as Client, Rpc};

/// What anvil calls its chain.
const CHAIN: u64 = 31_337;
/// Ten coins that are worth nothing: more than a lifetime of anchors costs here.
const COINS_WEI: u128 = 10_000_000_000_000_000_000;
/// A machine that is switched off forgets no more than this.
const STATE_SECONDS: &str = "15";

#[derive(Clone, Debug)]
pub(super) struct Ethereum {
    program: PathBuf,
    folder: PathBuf,
    at: SocketAddr,
    rpc: Rpc,
    addresses: PerCloud<String>,
}

impl Ethereum {
    pub(super) fn prepare(program: PathBuf, folder: PathBuf, at: SocketAddr) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let endpoint = || Endpoint::new(&format!("http://{at}")).map_err(io::Error::other);
        let mut addresses = PerCloud::default();
        for cloud in Cloud::ALL {
            let key = key_file(&folder, cloud);
            make_key(&key)?;
            let limits = EthereumLimits {
                chain_id: CHAIN,
                fee_max: 0,
                month_max: 0,
                confirmations: CONFIRMATIONS,
                dry_run: true,
            };
            let client = Client::new(endpoint()?, &key, limits).map_err(io::Error::other)?;
            *addresses.get_mut(cloud) = client.address();
        }
        Ok(Ethereum { program, folder, at, rpc: Rpc::new(endpoint()?), addresses })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.at
    }

    pub(super) fn program(&self) -> Program {
        let state = self.folder.join("state.json");
        let (port, chain) = (self.at.port().to_string(), CHAIN.to_string());
        let arguments = ["--port", &port, "--chain-id", &chain, "--no-mining", "--silent"];
        let mut arguments: Vec<_> = arguments.iter().map(Into::into).collect();
        arguments.extend(["--state-interval".into(), STATE_SECONDS.into()]);
        arguments.extend(["--state".into(), state.into()]);
        Program { path: self.program.clone(), arguments, log: self.folder.join("node.log") }
    }

    pub(super) fn table(&self, cloud: Cloud) -> String {
        format!(
            "\n[anchor.ethereum]\nurl = \"http://{}\"\nchain_id = {CHAIN}\nkey_file = \"{}\"\n\
             max_fee_gwei = \"50\"\nmax_spend_eth_per_month = \"1\"\n\
             confirmations = {CONFIRMATIONS}\n",
            self.at,
            key_file(&self.folder, cloud).display()
        )
    }
}

fn key_file(folder: &Path, cloud: Cloud) -> PathBuf {
    folder.join(format!("{cloud}.key"))
}

/// A random number is a key, but for a handful that nobody will ever draw.
fn make_key(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "0x{}", hex::encode(key))
}

impl Mined for Ethereum {
    async fn fund(&self) -> Result<(), RpcError> {
        for (_, address) in self.addresses.iter() {
            let coins = json!([address, format!("0x{COINS_WEI:x}")]);
            let _: Value = self.rpc.call("anvil_setBalance", coins).await?;
        }
        Ok(())
    }

    async fn has_waiting(&self) -> Result<bool, RpcError> {
        let pool: Value = self.rpc.call("txpool_status", json!([])).await?;
        Ok(pool["pending"] != json!("0x0"))
    }

    async fn mine_one(&self) -> Result<(), RpcError> {
        let _: Value = self.rpc.call("evm_mine", json!([])).await?;
        Ok(())
    }
}
