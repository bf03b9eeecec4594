//! A block rebuilt from a node's JSON: the RLP of its header and of every transaction, so that the
//! proof is computed here and not believed. What does not hash to what the node says is refused.

use domain::anchor::ethereum::rlp::{encode_bytes, encode_list};
use domain::anchor::ethereum::{Header, Keccak256, trie};
use serde_json::Value;

use super::number::{bytes, hash, number_bytes, quantity};

/// A block cannot be rebuilt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BlockFault {
    #[error("the block lacks the field {0}, or it is malformed")]
    Field(&'static str),
    #[error(
        "the header does not hash to the block's hash: it may have fields of an upgrade that this \
         version does not know"
    )]
    Header,
    #[error("transaction {0} does not hash to its hash, or is of a type that is not known")]
    Transaction(usize),
    #[error("the transactions do not have the header's root")]
    Root,
}

/// A header whose hash is the block's, and transactions whose root is the header's.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) header: Vec<u8>,
    pub(super) transactions: Vec<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Shape {
    Bytes,
    Number,
}
use Shape::{Bytes, Number};

/// Of every header …
const FIRST: [(&str, Shape); 15] = [
    ("parentHash", Bytes),
    ("sha3Uncles", Bytes),
    ("miner", Bytes),
    ("stateRoot", Bytes),
    ("transactionsRoot", Bytes),
    ("receiptsRoot", Bytes),
    ("logsBloom", Bytes),
    ("difficulty", Number),
    ("number", Number),
    ("gasLimit", Number),
    ("gasUsed", Number),
    ("timestamp", Number),
    ("extraData", Bytes),
    ("mixHash", Bytes),
    ("nonce", Bytes),
];
/// … and those that upgrades appended, in order (London, Shanghai, Cancun, Prague).
const LATER: [(&str, Shape); 6] = [
    ("baseFeePerGas", Number),
    ("withdrawalsRoot", Bytes),
    ("blobGasUsed", Number),
    ("excessBlobGas", Number),
    ("parentBeaconBlockRoot", Bytes),
    ("requestsHash", Bytes),
];

impl Block {
    /// From `eth_getBlockByHash` with whole transactions.
    pub(super) fn rebuild(block: &Value) -> Result<Self, BlockFault> {
        let header = header(block)?;
        let stated = hash(&block["hash"]).map(Keccak256).ok_or(BlockFault::Field("hash"))?;
        let parsed = Header::parse(&header).map_err(|_| BlockFault::Header)?;
        if parsed.hash() != stated {
            return Err(BlockFault::Header);
        }
        let list = block["transactions"].as_array().ok_or(BlockFault::Field("transactions"))?;
        let transactions = list.iter().enumerate().map(|(at, one)| {
            let raw = transaction(one).ok_or(BlockFault::Transaction(at))?;
            let is_it = hash(&one["hash"]) == Some(Keccak256::of(&raw).0);
            if is_it { Ok(raw) } else { Err(BlockFault::Transaction(at)) }
        });
        let transactions = transactions.collect::<Result<Vec<_>, _>>()?;
        if trie::root(&transactions) != parsed.transactions_root {
            return Err(BlockFault::Root);
        }
        Ok(Block { header, transactions })
    }
}

fn header(block: &Value) -> Result<Vec<u8>, BlockFault> {
    let mut fields = Vec::new();
    for (name, shape) in FIRST {
        fields.push(field(block, name, shape).ok_or(BlockFault::Field(name))?);
    }
    // The first that is missing is the first that this network does not have yet.
    fields.extend(LATER.iter().map_while(|(name, shape)| field(block, name, *shape)));
    Ok(encode_list(&fields))
}

fn field(of: &Value, name: &str, shape: Shape) -> Option<Vec<u8>> {
    let value = of.get(name)?;
    let content = match shape {
        Bytes => bytes(value)?,
        Number => number_bytes(value)?,
    };
    Some(encode_bytes(&content))
}

/// The raw form of any transaction that a block may hold (EIP-2718 and the types since).
fn transaction(of: &Value) -> Option<Vec<u8>> {
    let kind = of.get("type").map_or(Some(0), quantity)?;
    let number = |name: &str| field(of, name, Number);
    let data = || Some([to(of)?, number("value")?, field(of, "input", Bytes)?]);
    let signature = || Some([parity(of)?, number("r")?, number("s")?]);
    let mut fields = Vec::new();
    match kind {
        0 => fields.extend([number("nonce")?, number("gasPrice")?, number("gas")?]),
        1 => fields.extend([
            number("chainId")?,
            number("nonce")?,
            number("gasPrice")?,
            number("gas")?,
        ]),
        2..=4 => fields.extend([
            number("chainId")?,
            number("nonce")?,
            number("maxPriorityFeePerGas")?,
            number("maxFeePerGas")?,
            number("gas")?,
        ]),
        _ => return None,
    }
    fields.extend(data()?);
    if kind == 0 {
        // Its v holds more than the parity: the network too.
        fields.extend([number("v")?, number("r")?, number("s")?]);
        return Some(encode_list(&fields));
    }
    fields.push(access_list(of.get("accessList")?)?);
    if kind == 3 {
        fields.push(number("maxFeePerBlobGas")?);
        fields.push(list(of.get("blobVersionedHashes")?, |one| Some(encode_bytes(&bytes(one)?)))?);
    }
    if kind == 4 {
        fields.push(list(of.get("authorizationList")?, authorization)?);
    }
    fields.extend(signature()?);
    let kind = u8::try_from(kind).ok()?;
    Some([&[kind], encode_list(&fields).as_slice()].concat())
}

/// Empty where the transaction makes a contract.
fn to(of: &Value) -> Option<Vec<u8>> {
    match of.get("to") {
        None | Some(Value::Null) => Some(encode_bytes(&[])),
        Some(address) => Some(encode_bytes(&bytes(address)?)),
    }
}

/// Older nodes call it `v`.
fn parity(of: &Value) -> Option<Vec<u8>> {
    field(of, "yParity", Number).or_else(|| field(of, "v", Number))
}

fn list(of: &Value, encode: impl Fn(&Value) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let items = of.as_array()?.iter().map(encode).collect::<Option<Vec<_>>>()?;
    Some(encode_list(&items))
}

fn access_list(of: &Value) -> Option<Vec<u8>> {
    list(of, |entry| {
        let keys = list(entry.get("storageKeys")?, |key| Some(encode_bytes(&bytes(key)?)))?;
        Some(encode_list(&[field(entry, "address", Bytes)?, keys]))
    })
}

/// EIP-7702.
fn authorization(of: &Value) -> Option<Vec<u8>> {
    Some(encode_list(&[
        field(of, "chainId", Number)?,
        field(of, "address", Bytes)?,
        field(of, "nonce", Number)?,
        parity(of)?,
        field(of, "r", Number)?,
        field(of, "s", Number)?,
    ]))
}
