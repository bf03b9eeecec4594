//! litecoind: Bitcoin Core's node, wallet and RPC (0.21) on a chain of one's own.
//!
//! Its proof of work is another hash function. So that its blocks are Bitcoin's too, those are kept
//! whose double SHA-256 is below the target, which on such a chain is every second one.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use domain::anchor::bitcoin::Network;
use serde_json::{Value, json};
use server::anchor::publish::{Bitcoin, BitcoinLimits, BitcoinNode, Endpoint, Login, Publish, Rpc};

use crate::clouds::TempFolder;
use crate::process::{Node, Process, free_port, on_path, program, skipped};

pub const CONFIRMATIONS: u64 = 3;
/// A coin of a block can be spent a hundred blocks later.
const MATURITY: u64 = 100;
/// Coins that can be spent.
const COINS: u64 = 3;

pub fn is_installed() -> bool {
    program(&on_path("litecoind")).is_some()
}

pub struct Litecoin {
    port: u16,
    folder: TempFolder,
    process: Option<Process>,
}

impl Litecoin {
    /// A wallet with three coins. `None` where it is not installed.
    pub fn start() -> Option<Self> {
        if !is_installed() {
            skipped("litecoind");
            return None;
        }
        let mut litecoin = Litecoin { port: free_port(), folder: TempFolder::new(), process: None };
        litecoin.up();
        litecoin.ask("createwallet", json!(["anchors"]));
        let address = litecoin.ask("getnewaddress", json!([]));
        litecoin.ask("generatetoaddress", json!([MATURITY + COINS, address]));
        Some(litecoin)
    }

    fn up(&mut self) {
        let mut command = Command::new("litecoind");
        command.arg(format!("-datadir={}", self.folder.0.display()));
        command.arg(format!("-rpcport={}", self.port));
        command.args(["-regtest", "-server", "-listen=0", "-dnsseed=0", "-connect=0"]);
        // What it has not mined is gone when it stops, and its wallet sends nothing by itself.
        command.args(["-persistmempool=0", "-walletbroadcast=0"]);
        // As in Bitcoin Core, where it is the default.
        command.arg("-mempoolreplacement=1");
        let mut process = Process::start(&mut command, &self.folder.0.join("node.log"));
        process.until("litecoind answers", || {
            self.node().is_some_and(|node| node.try_ask("getblockcount", &json!([])).is_ok())
        });
        self.process = Some(process);
    }

    /// Stops it as its operator would, and starts it again: with another cookie.
    pub fn restart(&mut self) {
        self.ask("stop", json!([]));
        let process = self.process.as_mut().expect("it runs");
        process.until_ended();
        self.up();
        self.ask("loadwallet", json!(["anchors"]));
    }

    pub fn cookie_file(&self) -> PathBuf {
        self.folder.0.join("regtest/.cookie")
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// As the reference program is told of it.
    pub fn url_with_login(&self) -> String {
        let login = std::fs::read_to_string(self.cookie_file()).expect("a cookie");
        format!("http://{login}@127.0.0.1:{}", self.port)
    }

    fn node(&self) -> Option<Node> {
        let login = std::fs::read_to_string(self.cookie_file()).ok()?;
        Some(Node::new(self.url(), Some(login)))
    }

    pub fn ask(&self, method: &str, params: Value) -> Value {
        self.node().expect("a cookie").ask(method, params)
    }

    pub fn limits() -> BitcoinLimits {
        BitcoinLimits {
            rate_max: 50,
            month_max: 1_000_000,
            confirmations: CONFIRMATIONS,
            dry_run: false,
        }
    }

    pub fn bitcoin_node(&self, network: Network) -> BitcoinNode {
        let login = Some(Login::Cookie(self.cookie_file()));
        let endpoint = Endpoint::new(&self.url()).expect("an address").with_login(login);
        BitcoinNode::new(Rpc::new(endpoint), network)
    }

    pub fn client(&self, limits: BitcoinLimits) -> Arc<dyn Publish> {
        Arc::new(Bitcoin::new(self.bitcoin_node(Network::Regtest), limits))
    }

    /// Blocks with whatever waits, each also one of Bitcoin's.
    pub fn mine(&self, blocks: u64) {
        self.mine_by(blocks, |address| {
            self.ask("generatetoaddress", json!([1, address]))[0].clone()
        });
    }

    /// Blocks with nothing in them.
    pub fn mine_empty(&self, blocks: u64) {
        self.mine_by(blocks, |address| {
            self.ask("generateblock", json!([address, []]))["hash"].clone()
        });
    }

    fn mine_by(&self, blocks: u64, mine: impl Fn(&Value) -> Value) {
        for _ in 0..blocks {
            loop {
                // Another address each time: otherwise it would be the same block.
                let hash = mine(&self.ask("getnewaddress", json!([])));
                if hash.as_str().expect("a hash").starts_with(|digit: char| digit < '8') {
                    break;
                }
                self.ask("invalidateblock", json!([hash]));
            }
        }
    }

    /// The newest blocks give way to a longer branch of empty ones. What was in them waits again.
    pub fn reorganise(&self, depth: u64) {
        let tip = self.ask("getblockcount", json!([])).as_u64().expect("a number");
        let first = self.ask("getblockhash", json!([tip + 1 - depth]));
        self.ask("invalidateblock", json!([first]));
        self.mine_empty(depth + 1);
    }

    pub fn waiting(&self) -> Vec<String> {
        let ids = self.ask("getrawmempool", json!([]));
        ids.as_array()
            .expect("a list")
            .iter()
            .map(|id| id.as_str().expect("an id").to_owned())
            .collect()
    }

    /// Somebody spends the first coin of a transaction otherwise, and offers more for it.
    pub fn spend_its_coin(&self, raw: &[u8]) {
        let decoded = self.ask("decoderawtransaction", json!([hex::encode(raw)]));
        let input = &decoded["vin"][0];
        let coin = self.ask("gettxout", json!([input["txid"], input["vout"], false]));
        let value = coin["value"].as_f64().expect("an amount");
        let to = self.ask("getnewaddress", json!([]));
        let paid = format!("{:.8}", value - 0.01);
        let raw = self.ask(
            "createrawtransaction",
            json!([[{ "txid": input["txid"], "vout": input["vout"] }], { to.as_str().expect("text"): paid }]),
        );
        let signed = self.ask("signrawtransactionwithwallet", json!([raw]));
        self.ask("sendrawtransaction", json!([signed["hex"], 0]));
    }

    /// The wallet can spend nothing.
    pub fn empty_the_wallet(&self) {
        let coins = self.ask("listunspent", json!([1]));
        let locked: Vec<Value> = coins
            .as_array()
            .expect("a list")
            .iter()
            .map(|coin| json!({ "txid": coin["txid"], "vout": coin["vout"] }))
            .collect();
        self.ask("lockunspent", json!([false, locked]));
    }

    pub fn fill_the_wallet(&self) {
        self.ask("lockunspent", json!([true]));
    }

    /// Transactions in the chain with this data.
    pub fn taken(&self, data: &[u8]) -> usize {
        let tip = self.ask("getblockcount", json!([])).as_u64().expect("a number");
        let script = hex::encode(data);
        (MATURITY..=tip)
            .map(|height| {
                let hash = self.ask("getblockhash", json!([height]));
                let block = self.ask("getblock", json!([hash, 2]));
                let all = block["tx"].as_array().expect("a list");
                all.iter()
                    .flat_map(|one| one["vout"].as_array().expect("a list"))
                    .filter(|out| {
                        out["scriptPubKey"]["hex"]
                            .as_str()
                            .is_some_and(|hex| hex.ends_with(&script))
                    })
                    .count()
            })
            .sum()
    }
}
