//! anvil: an Ethereum chain of one's own that mines, forgets and reorganises on demand.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use server::anchor::publish::{Endpoint, Ethereum, EthereumLimits, Publish};

use crate::clouds::TempFolder;
use crate::process::{Node, Process, free_port, on_path, program, skipped};

pub const CHAIN: u64 = 31_337;
/// Four blocks are enough of a wait where blocks come when they are asked for.
pub const CONFIRMATIONS: u64 = 4;
const GWEI: u64 = 1_000_000_000;
pub const ETHER: u64 = 1_000_000_000 * GWEI;

/// A chain, and an account with ten thousand coins that are worth nothing.
pub struct Anvil {
    pub node: Node,
    folder: TempFolder,
    port: u16,
    process: Option<Process>,
}

pub fn binary() -> Option<PathBuf> {
    let packages = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/nodes/node_modules");
    let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let package = packages.join(format!("@foundry-rs/anvil-{os}-{machine}/bin/anvil"));
    program(&[vec![package], on_path("anvil")].concat())
}

impl Anvil {
    /// `None` where it is not installed: then the test checks nothing, and says so.
    pub fn start() -> Option<Self> {
        if binary().is_none() {
            skipped("anvil");
            return None;
        }
        let port = free_port();
        let node = Node::new(format!("http://127.0.0.1:{port}"), None);
        let mut anvil = Anvil { node, folder: TempFolder::new(), port, process: None };
        anvil.up();
        let key = format!("0x{}\n", hex::encode([0x5a; 32]));
        let path = anvil.key_file();
        std::fs::write(&path, key).expect("a key file");
        set_mode(&path, 0o600);
        anvil.fund(10 * u128::from(ETHER));
        Some(anvil)
    }

    fn up(&mut self) {
        let binary = binary().expect("found before");
        let port = self.port.to_string();
        let mut command = Command::new(binary);
        command.args(["--port", &port, "--chain-id", &CHAIN.to_string(), "--no-mining"]);
        let mut process = Process::start(&mut command, &self.folder.0.join("anvil.log"));
        process.until("anvil answers", || self.node.try_ask("eth_chainId", &json!([])).is_ok());
        self.process = Some(process);
    }

    pub fn key_file(&self) -> PathBuf {
        self.folder.0.join("key")
    }

    pub fn limits() -> EthereumLimits {
        EthereumLimits {
            chain_id: CHAIN,
            fee_max: 50 * GWEI,
            month_max: ETHER,
            confirmations: CONFIRMATIONS,
            dry_run: false,
        }
    }

    pub fn client(&self, limits: EthereumLimits) -> Arc<dyn Publish> {
        Arc::new(self.ethereum(limits))
    }

    fn ethereum(&self, limits: EthereumLimits) -> Ethereum {
        self.by(&self.node.url, limits)
    }

    /// The client, by another way to the node.
    pub fn by(&self, url: &str, limits: EthereumLimits) -> Ethereum {
        let endpoint = Endpoint::new(url).expect("an address");
        Ethereum::new(endpoint, &self.key_file(), limits).expect("a key")
    }

    pub fn address(&self) -> String {
        self.ethereum(Anvil::limits()).address()
    }

    pub fn fund(&self, wei: u128) {
        self.node.ask("anvil_setBalance", json!([self.address(), format!("0x{wei:x}")]));
    }

    pub fn mine(&self, blocks: u64) {
        for _ in 0..blocks {
            self.node.ask("evm_mine", json!([]));
        }
    }

    /// The newest blocks give way to as many empty ones, and what was in them is forgotten.
    pub fn reorganise(&self, depth: u64) {
        self.node.ask("anvil_reorg", json!([depth, []]));
    }

    pub fn drop_transaction(&self, name: &str) {
        self.node.ask("anvil_dropTransaction", json!([name]));
    }

    /// Everything that waits for a block.
    pub fn waiting(&self) -> Vec<Value> {
        let block = self.node.ask("eth_getBlockByNumber", json!(["pending", true]));
        block["transactions"].as_array().cloned().unwrap_or_default()
    }

    /// Calldata of every transaction of the account in the chain.
    pub fn taken(&self) -> Vec<Value> {
        let tip = self.node.ask("eth_blockNumber", json!([]));
        let tip = u64::from_str_radix(&tip.as_str().expect("hex")[2..], 16).expect("a number");
        let address = self.address();
        let blocks = (0..=tip).map(|height| {
            self.node.ask("eth_getBlockByNumber", json!([format!("0x{height:x}"), true]))
        });
        let all: Vec<Value> = blocks
            .flat_map(|block| block["transactions"].as_array().cloned().unwrap_or_default())
            .collect();
        all.into_iter().filter(|one| one["from"] == address.as_str()).collect()
    }

    /// Somebody else with the same key.
    pub fn take_nonce(&self, nonce: u64, gwei: u64) {
        let address = self.address();
        self.node.ask("anvil_impersonateAccount", json!([address]));
        let fee = format!("0x{:x}", gwei * GWEI);
        self.node.ask(
            "eth_sendTransaction",
            json!([{ "from": address, "to": address, "nonce": format!("0x{nonce:x}"),
                "maxFeePerGas": fee, "maxPriorityFeePerGas": fee, "data": "0x00" }]),
        );
    }
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}
