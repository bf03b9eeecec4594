//! Real blocks: their work, their trees, what their transactions carry, and proofs made of them.

use domain::anchor::bitcoin::{Block, Branch, Header, KnownHeader, Network, Sha256d, Transaction};
use domain::anchor::ots::{Proof, Uncomposable, compose, verify};
use domain::log::Hash;
use domain::receipt::Verdict;
use proptest::prelude::*;
use serde::Deserialize;

use super::{flips, own_node};
use crate::fixtures;

/// One transaction of a block with an OP_RETURN output, and its way to the root.
#[derive(Deserialize)]
struct OpReturn {
    block_hash: String,
    header_hex: String,
    tx_index: u32,
    n_tx: usize,
    txid: String,
    tx_no_witness_hex: String,
    op_return_scripts: Vec<String>,
    branch_internal: Vec<String>,
    merkle_root_display: String,
}

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text.trim()).expect("hex")
}

/// The real blocks, with the network that each is from.
fn blocks() -> Vec<(Network, Block)> {
    let Some(folder) = fixtures::folder("bitcoin") else { return Vec::new() };
    let raw = fixtures::files(&folder, "raw").into_iter();
    let testnet = raw.map(|file| (Network::Testnet, fixtures::read(&file)));
    let text = fixtures::files(&folder, "txt").into_iter().map(|file| fixtures::read(&file));
    let lines = text.flat_map(|text| {
        let lines = String::from_utf8(text).expect("text");
        lines.lines().map(|line| (Network::Regtest, unhex(line))).collect::<Vec<_>>()
    });
    let all: Vec<_> = testnet.chain(lines).collect();
    assert!(!all.is_empty(), "{} holds no blocks", folder.display());
    all.into_iter()
        .map(|(network, bytes)| (network, Block::parse(&bytes).expect("a block")))
        .collect()
}

fn op_returns() -> Vec<OpReturn> {
    let Some(folder) = fixtures::folder("bitcoin") else { return Vec::new() };
    let files = fixtures::files(&folder, "json");
    let all: Vec<OpReturn> =
        files.iter().flat_map(|file| fixtures::read_json::<Vec<_>>(file)).collect();
    assert!(!all.is_empty(), "{} holds no proofs", folder.display());
    all
}

#[test]
fn every_block_has_its_work_on_its_network_and_on_no_harder_one() {
    for (network, block) in blocks() {
        let hash = block.header.hash();
        assert!(block.header.has_work(network), "{hash}");
        assert!(
            !block.header.has_work(Network::Mainnet),
            "{hash} is from {network}, in 2016 or later"
        );
        assert_eq!(Header::parse(&block.header.to_bytes()).as_ref(), Ok(&block.header));
    }
}

#[test]
fn each_block_of_the_chain_names_the_one_before() {
    let chain: Vec<_> =
        blocks().into_iter().filter(|(network, _)| *network == Network::Regtest).collect();
    for pair in chain.windows(2) {
        assert_eq!(pair[1].1.header.previous, pair[0].1.header.hash());
    }
}

#[test]
fn every_transaction_leads_to_the_root_in_its_header_by_its_own_branch_only() {
    for (_, block) in blocks() {
        let ids = block.transaction_ids();
        for (index, id) in (0..).zip(&ids) {
            let branch = Branch::of(&ids, index).expect("in the block");
            assert_eq!(branch.root(*id), Some(block.header.merkle_root), "{id}");
            let other = Sha256d::of(&id.0);
            assert_ne!(branch.root(other), Some(block.header.merkle_root), "{id}");
        }
    }
}

#[test]
fn the_published_branches_and_op_return_outputs_are_found_in_the_block() {
    let blocks = blocks();
    for case in op_returns() {
        let transaction = Transaction::parse(&unhex(&case.tx_no_witness_hex)).expect("one");
        assert_eq!(transaction.id().to_string(), case.txid);
        let scripts = transaction.outputs().iter().filter(|output| output.is_op_return());
        let scripts: Vec<_> = scripts.map(|output| hex::encode(&output.script)).collect();
        assert_eq!(scripts, case.op_return_scripts, "{}", case.txid);
        let header = Header::parse(&unhex(&case.header_hex)).expect("a header");
        assert_eq!(header.hash().to_string(), case.block_hash);
        assert_eq!(header.merkle_root.to_string(), case.merkle_root_display);
        let sibling = |text: &String| Sha256d(unhex(text).try_into().expect("32 bytes"));
        let siblings = case.branch_internal.iter().map(sibling).collect();
        let branch = Branch { index: case.tx_index, siblings };
        assert_eq!(branch.root(transaction.id()), Some(header.merkle_root), "{}", case.txid);
        let whole = blocks.iter().find(|(_, block)| block.header == header);
        let ids = whole.expect("the block is there as well").1.transaction_ids();
        assert_eq!(ids.len(), case.n_tx);
        assert_eq!(Branch::of(&ids, case.tx_index), Some(branch), "{}", case.txid);
    }
}

/// Every output that carries a 32-byte hash: what a transaction commits its block's witnesses with.
fn carried(transaction: &Transaction) -> Option<Hash> {
    const WITNESSES: &[u8] = b"\xaa\x21\xa9\xed";
    let data = transaction.outputs().iter().filter_map(|output| output.carried());
    data.filter_map(|data| Hash::from_slice(data.strip_prefix(WITNESSES)?)).next()
}

#[test]
fn a_proof_made_of_a_block_is_a_standard_one_that_its_header_confirms() {
    let mut composed = 0;
    for (height, (network, block)) in (1..).zip(blocks()) {
        let ids = block.transaction_ids();
        for (index, transaction) in (0..).zip(&block.transactions) {
            let Some(digest) = carried(transaction) else { continue };
            let branch = Branch::of(&ids, index).expect("in the block");
            let proof = compose(digest, transaction, &branch, height).expect("it carries it");
            let read = Proof::parse(&proof.to_bytes()).expect("a standard proof");
            assert_eq!(read, proof);
            let known = |height| KnownHeader {
                header: block.header,
                height: Some(height),
                source: own_node(),
            };
            let check = |digest: &[u8], height| {
                verify(&read, Some(digest), &[known(height)], network).verdict
            };
            assert_eq!(check(&digest.0, height), Verdict::Valid, "{}", transaction.id());
            assert_eq!(check(&[0; 32], height), Verdict::Invalid);
            assert_eq!(check(&digest.0, height + 1), Verdict::SelfConsistent);
            composed += 1;
        }
    }
    assert!(composed > 0 || fixtures::folder("bitcoin").is_none(), "no block carries a hash");
}

#[test]
fn there_is_no_proof_of_what_a_transaction_does_not_carry() {
    let Some((_, block)) = blocks().pop() else { return };
    let branch = Branch::of(&block.transaction_ids(), 0).expect("in the block");
    let transaction = &block.transactions[0];
    let other = Hash([9; 32]);
    assert_eq!(compose(other, transaction, &branch, 1), Err(Uncomposable::NotInTransaction));
    let digest = carried(transaction).expect("witnesses");
    let misplaced = Branch { index: 1, siblings: Vec::new() };
    assert_eq!(compose(digest, transaction, &misplaced, 1), Err(Uncomposable::Branch));
}

#[test]
fn no_block_can_be_cut_off_and_no_changed_bit_keeps_its_root() {
    let Some(folder) = fixtures::folder("bitcoin") else { return };
    for file in fixtures::files(&folder, "raw") {
        let bytes = fixtures::read(&file);
        for length in 0..bytes.len() {
            assert!(Block::parse(&bytes[..length]).is_err(), "cut at {length}");
        }
        let genuine = Block::parse(&bytes).expect("a block");
        for (at, changed) in flips(&bytes) {
            let Ok(block) = Block::parse(&changed) else { continue };
            let ids = block.transaction_ids();
            let root = Branch::of(&ids, 0).and_then(|branch| branch.root(*ids.first()?));
            let holds =
                root == Some(block.header.merkle_root) && block.header.has_work(Network::Testnet);
            // Witnesses are under no id; the block commits to them in another way.
            assert!(!holds || ids == genuine.transaction_ids(), "byte {at}");
            assert!(at >= 80 || !holds, "byte {at} of the header");
        }
    }
}

#[test]
fn a_lone_transaction_of_64_bytes_is_refused_since_it_could_be_two_hashes() {
    let mut bytes = vec![1, 0, 0, 0, 1];
    bytes.extend([7; 36]);
    bytes.extend([0, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0x6a, 2, 5, 6, 0, 0, 0, 0]);
    assert_eq!(bytes.len(), 64);
    assert!(Transaction::parse(&bytes).is_err());
    bytes[55] = 5;
    bytes.insert(59, 0);
    assert!(Transaction::parse(&bytes).is_ok());
}

proptest! {
    #[test]
    fn bytes_that_are_no_block_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Block::parse(&bytes);
        let _ = Header::parse(&bytes);
        if let Ok(transaction) = Transaction::parse(&bytes) {
            prop_assert!(transaction.stripped().len() <= bytes.len());
        }
    }
}
