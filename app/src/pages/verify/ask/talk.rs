//! What a node or explorer is asked for a block, and what its answers mean. Only the block's number is
//! ever sent.

use domain::anchor::bitcoin::Header;
use domain::anchor::ethereum::Keccak256;
use serde_json::{Value, json};

use super::address::{Address, Speaks};
use crate::encoding;

/// One request to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) url: String,
    /// Posted as JSON.
    pub(super) body: Option<String>,
}

impl Request {
    fn get(at: &Address, path: &str) -> Self {
        Request { url: format!("{}{path}", at.base), body: None }
    }
}

/// A block in somebody's chain, and how many blocks stand on it, itself included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told<Block> {
    pub(super) block: Block,
    pub(super) deep: u64,
}

/// What an Ethereum node says of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mined {
    pub(super) chain: u64,
    pub(super) hash: Keccak256,
}

/// The header at this height.
///
/// # Errors
/// A sentence: it did not answer, or not as such a program answers.
pub(super) async fn bitcoin(
    at: &Address,
    height: u64,
    ask: &impl AsyncFn(Request) -> Result<String, String>,
) -> Result<Told<Header>, String> {
    let (by_height, tip) = match at.speaks {
        Speaks::CoreRest => (format!("/blockhashbyheight/{height}.hex"), "/chaininfo.json"),
        Speaks::Esplora | Speaks::JsonRpc => {
            (format!("/block-height/{height}"), "/blocks/tip/height")
        }
    };
    let hash = ask(Request::get(at, &by_height)).await?;
    let hash = hash.trim();
    if hash.len() != 64 || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(format!("it named no block of the height {height}"));
    }
    let header = match at.speaks {
        Speaks::CoreRest => format!("/headers/1/{hash}.hex"),
        Speaks::Esplora | Speaks::JsonRpc => format!("/block/{hash}/header"),
    };
    let header = read_header(&ask(Request::get(at, &header)).await?, hash)?;
    let tip = read_tip(&ask(Request::get(at, tip)).await?)
        .ok_or("it did not say how long its chain is")?;
    let deep = (tip + 1).checked_sub(height).ok_or("its chain ends below this block")?;
    Ok(Told { block: header, deep })
}

fn read_header(text: &str, hash: &str) -> Result<Header, String> {
    let (header, _) = domain::verifier::parse_header(text.trim().as_bytes())
        .map_err(|cause| format!("what it gave is no header: {cause}"))?;
    let found = header.hash().to_string();
    if found == hash.to_ascii_lowercase() {
        Ok(header)
    } else {
        Err(format!("the header that it gave has the hash {found}, and not the one that it named"))
    }
}

/// A number, or Core's answer about its chain.
fn read_tip(text: &str) -> Option<u64> {
    let told: Value = encoding::read(text.trim()).ok()?;
    told.as_u64().or_else(|| told["blocks"].as_u64())
}

/// The block of this number.
///
/// # Errors
/// A sentence: it did not answer, or not as such a node answers.
pub(super) async fn ethereum(
    at: &Address,
    number: u64,
    ask: &impl AsyncFn(Request) -> Result<String, String>,
) -> Result<Told<Mined>, String> {
    let call = async |method: &str, arguments: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": arguments });
        let answer = ask(Request { url: at.base.clone(), body: Some(body.to_string()) }).await?;
        let answer: Value =
            encoding::read(&answer).map_err(|_| format!("its answer to {method} is not JSON"))?;
        match answer.get("result") {
            Some(result) if !result.is_null() => Ok(result.clone()),
            _ => Err(format!("it has no answer to {method}")),
        }
    };
    let chain =
        quantity(&call("eth_chainId", json!([])).await?).ok_or("it did not name its network")?;
    let block = call("eth_getBlockByNumber", json!([format!("0x{number:x}"), false])).await;
    let block = block.map_err(|_| format!("its chain has no block {number}"))?;
    let hash = block["hash"].as_str().and_then(|text| hex_of(text.strip_prefix("0x")?));
    let hash = hash.ok_or("it named no block")?;
    let tip = quantity(&call("eth_blockNumber", json!([])).await?);
    let deep = tip.and_then(|tip| (tip + 1).checked_sub(number));
    let deep = deep.ok_or("it did not say how long its chain is")?;
    Ok(Told { block: Mined { chain, hash: Keccak256(hash) }, deep })
}

fn quantity(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

fn hex_of(digits: &str) -> Option<[u8; 32]> {
    super::super::beside::hex_of(digits)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const HEADER: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";
    const HASH: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";

    /// Nothing here waits for anything.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it waits"),
        }
    }

    fn at(base: &str, speaks: Speaks) -> Address {
        Address { base: base.to_owned(), speaks }
    }

    #[test]
    fn an_explorer_and_a_node_are_asked_for_the_number_alone() {
        let core = async |request: Request| match request.url.strip_prefix("https://node/rest") {
            Some("/blockhashbyheight/0.hex") => Ok(format!("{HASH}\n")),
            Some(path) if path == format!("/headers/1/{HASH}.hex") => Ok(HEADER.to_owned()),
            Some("/chaininfo.json") => Ok("{\"blocks\":5}".to_owned()),
            other => Err(format!("{other:?}")),
        };
        let told =
            now(bitcoin(&at("https://node/rest", Speaks::CoreRest), 0, &core)).expect("told");
        assert_eq!((told.block.hash().to_string().as_str(), told.deep), (HASH, 6));
        let explorer = async |request: Request| match request.url.strip_prefix("https://e/api") {
            Some("/block-height/0") => Ok(HASH.to_owned()),
            Some(path) if path == format!("/block/{HASH}/header") => Ok(HEADER.to_owned()),
            Some("/blocks/tip/height") => Ok("0".to_owned()),
            other => Err(format!("{other:?}")),
        };
        let told = now(bitcoin(&at("https://e/api", Speaks::Esplora), 0, &explorer)).expect("told");
        assert_eq!(told.deep, 1);
    }

    #[test]
    fn a_header_with_another_hash_than_it_was_named_by_is_refused() {
        let liar = async |request: Request| {
            let is_header = request.url.ends_with("header");
            Ok(if is_header { HEADER.to_owned() } else { "0".repeat(64) })
        };
        let told = now(bitcoin(&at("https://e", Speaks::Esplora), 0, &liar));
        assert!(told.expect_err("refused").contains(HASH));
        let empty = async |_: Request| Ok("<html>".to_owned());
        assert!(now(bitcoin(&at("https://e", Speaks::Esplora), 7, &empty)).is_err());
    }

    #[test]
    fn a_node_of_ethereum_names_its_network_its_block_and_its_length() {
        let node = async |request: Request| {
            let body = request.body.expect("posted");
            let result = match &body {
                it if it.contains("eth_chainId") => json!("0x7a69"),
                it if it.contains("0x15") => json!({ "hash": format!("0x{}", "ab".repeat(32)) }),
                it if it.contains("eth_blockNumber") => json!("0x18"),
                _ => Value::Null,
            };
            Ok(json!({ "result": result }).to_string())
        };
        let node_at = at("https://n", Speaks::JsonRpc);
        let told = now(ethereum(&node_at, 21, &node)).expect("told");
        assert_eq!((told.block.chain, told.block.hash.0[0], told.deep), (31_337, 0xab, 4));
        assert!(now(ethereum(&node_at, 7, &node)).expect_err("none").contains("no block 7"));
    }
}
