//! Checking an anchor on Ethereum: calldata → transaction → transactions root → block hash.

use crate::anchor::bytes::Malformed;
use crate::anchor::ethereum::{Header, Keccak256, Transaction, trie};
use crate::anchor::source::Source;
use crate::receipt::{Step, StepState, Verification, step};

/// A transaction, and the way from it to its block's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The raw transaction, as the trie holds it.
    pub transaction: Vec<u8>,
    /// Its place in the block.
    pub index: u64,
    /// The nodes of the trie, from the root down.
    pub proof: Vec<Vec<u8>>,
    /// The RLP of the block's header.
    pub header: Vec<u8>,
}

/// What a verifier knows of the chain: the hash of a block in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownBlock {
    pub hash: Keccak256,
    pub source: Source,
}

const SELF_CONSISTENT: &str = "Self-consistent: what was computed holds, but nobody you trust has \
    said that the block is in the chain. Ask a node of yours or two explorers for its hash.";

/// Checks every step. Never fails: what is wrong is in the steps.
///
/// `data` must be all of the transaction's calldata, and `chain_id` its network: 1 is the main one.
#[must_use]
pub fn verify(
    inclusion: &Inclusion,
    data: &[u8],
    chain_id: u64,
    block: Option<&KnownBlock>,
) -> Verification {
    let transaction = Transaction::parse(&inclusion.transaction);
    let header = Header::parse(&inclusion.header);
    let steps = vec![
        carries(&transaction, data),
        is_for_the_network(&transaction, chain_id),
        is_in_the_block(inclusion, &header),
        has_its_hash(inclusion, &header),
        is_in_the_chain(&header, block),
    ];
    let valid = header.as_ref().map_or_else(|_| String::new(), |header| valid(header, chain_id));
    Verification::of(steps, SELF_CONSISTENT, &valid)
}

fn carries(transaction: &Result<Transaction, Malformed>, data: &[u8]) -> Step {
    let title = "The transaction carries the hash";
    let method = "calldata of an EIP-1559 transaction";
    let expected = ("expected calldata", hex::encode(data));
    let call = match transaction {
        Err(error) => return step(title, method, vec![expected], error.to_string(), false),
        Ok(transaction) => transaction.call(),
    };
    let Some(call) = call else {
        let result = "the transaction is not of type 2".to_owned();
        return step(title, method, vec![expected], result, false);
    };
    step(title, method, vec![expected], hex::encode(&call.data), call.data == data)
}

fn is_for_the_network(transaction: &Result<Transaction, Malformed>, chain_id: u64) -> Step {
    let call = transaction.as_ref().ok().and_then(Transaction::call);
    let found = call.map(|call| call.chain_id);
    step(
        "The transaction was made for this network",
        "the chain id that its sender signed",
        vec![("your network", chain_id.to_string())],
        found.map_or_else(|| "none".to_owned(), |id| id.to_string()),
        found == Some(chain_id),
    )
}

fn is_in_the_block(inclusion: &Inclusion, header: &Result<Header, Malformed>) -> Step {
    let title = format!("{} nodes lead from the root to the transaction", inclusion.proof.len());
    let method = "Merkle-Patricia trie, Keccak-256; key = RLP(place)";
    let nodes: Vec<String> = inclusion.proof.iter().map(hex::encode).collect();
    let inputs = vec![
        ("transaction", hex::encode(&inclusion.transaction)),
        ("place", inclusion.index.to_string()),
        ("nodes", nodes.join("\n")),
    ];
    let header = match header {
        Ok(header) => header,
        Err(error) => return step(&title, method, inputs, error.to_string(), false),
    };
    let root = header.transactions_root;
    match trie::proven(root, inclusion.index, &inclusion.proof) {
        Err(fault) => step(&title, method, inputs, fault.to_string(), false),
        Ok(value) if value != inclusion.transaction => {
            let result = "another transaction stands at this place".to_owned();
            step(&title, method, inputs, result, false)
        }
        Ok(_) => step(&title, method, inputs, root.to_string(), true),
    }
}

fn has_its_hash(inclusion: &Inclusion, header: &Result<Header, Malformed>) -> Step {
    let title = "The header gives the block's hash";
    let method = "Keccak-256(RLP(header)); the root is field 4";
    let inputs = vec![("header", hex::encode(&inclusion.header))];
    match header {
        Err(error) => step(title, method, inputs, error.to_string(), false),
        Ok(header) => step(title, method, inputs, header.hash().to_string(), true),
    }
}

fn is_in_the_chain(header: &Result<Header, Malformed>, block: Option<&KnownBlock>) -> Step {
    let title = "The block is in the chain";
    let method = "whoever gave the block's hash";
    let Ok(header) = header else {
        let done = step(title, method, Vec::new(), "there is no block".to_owned(), false);
        return Step { state: StepState::NotChecked, ..done };
    };
    let hash = header.hash().to_string();
    let inputs = vec![("number", header.number.to_string()), ("hash", hash.clone())];
    match block {
        Some(known) if known.hash != header.hash() => {
            let result = format!("the block that you know is {}", known.hash);
            step(title, method, inputs, result, false)
        }
        known => {
            let source = known.map_or(&Source::Proof, |known| &known.source);
            let done = step(title, method, inputs, source.sentence(&hash), true);
            Step { state: source.state(), ..done }
        }
    }
}

fn valid(header: &Header, chain_id: u64) -> String {
    format!(
        "Valid: the hash existed before block {} ({}) of Ethereum's chain {chain_id}, made at {}. \
         It says nothing of the truth or completeness of what was hashed.",
        header.number,
        header.hash(),
        header.time(),
    )
}
