//! Real blocks of a test network: their roots and hashes rebuilt, their transactions proven.

use std::path::Path;

use domain::anchor::Source;
use domain::anchor::ethereum::rlp::{encode_bytes, encode_list, encode_number};
use domain::anchor::ethereum::{
    Header, Inclusion, Keccak256, KnownBlock, Transaction, trie, verify,
};
use domain::receipt::{StepState, Verdict};
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{flips, own_node};
use crate::fixtures;

const HOODI: u64 = 560_048;

struct Block {
    hash: Keccak256,
    transactions: Vec<Vec<u8>>,
    header: Vec<u8>,
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().and_then(|text| text.strip_prefix("0x")).expect("0x and hex");
    hex::decode(text).expect("hex")
}

fn number(value: &Value) -> Vec<u8> {
    let text = value.as_str().and_then(|text| text.strip_prefix("0x")).expect("0x and hex");
    encode_number(u64::from_str_radix(text, 16).expect("a number"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn withdrawals_root(payload: &Value) -> Keccak256 {
    let encode = |one: &Value| {
        encode_list(&[
            number(&one["index"]),
            number(&one["validatorIndex"]),
            encode_bytes(&unhex(&one["address"])),
            number(&one["amount"]),
        ])
    };
    trie::root(&list(&payload["withdrawals"]).iter().map(encode).collect::<Vec<_>>())
}

/// EIP-7685: the hash of the hashes of the requests that are not empty.
fn requests_hash(requests: &[Value]) -> [u8; 32] {
    let requests = requests.iter().map(unhex).filter(|request| request.len() > 1);
    let hashes: Vec<u8> = requests.flat_map(Sha256::digest).collect();
    Sha256::digest(hashes).into()
}

/// The header of a block since Prague, from what a consensus client hands over.
fn header(payload: &Value, sidecar: &Value, transactions_root: Keccak256) -> Vec<u8> {
    const NO_OMMERS: &str = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
    let bytes = |name: &str| encode_bytes(&unhex(&payload[name]));
    let number = |name: &str| number(&payload[name]);
    encode_list(&[
        bytes("parentHash"),
        encode_bytes(&unhex(&Value::from(NO_OMMERS))),
        bytes("feeRecipient"),
        bytes("stateRoot"),
        encode_bytes(&transactions_root.0),
        bytes("receiptsRoot"),
        bytes("logsBloom"),
        encode_number(0),
        number("blockNumber"),
        number("gasLimit"),
        number("gasUsed"),
        number("timestamp"),
        bytes("extraData"),
        bytes("prevRandao"),
        encode_bytes(&[0; 8]),
        number("baseFeePerGas"),
        encode_bytes(&withdrawals_root(payload).0),
        number("blobGasUsed"),
        number("excessBlobGas"),
        encode_bytes(&unhex(&sidecar["cancun"]["fields"]["parent_beacon_block_root"])),
        encode_bytes(&requests_hash(list(&sidecar["prague"]["fields"]["requests"]))),
    ])
}

fn read(file: &Path) -> Block {
    let whole: Value = fixtures::read_json(file);
    let (payload, sidecar) = (&whole["newPayload"]["payload"], &whole["newPayload"]["sidecar"]);
    let transactions: Vec<_> = list(&payload["transactions"]).iter().map(unhex).collect();
    let header = header(payload, sidecar, trie::root(&transactions));
    let hash = Keccak256(unhex(&payload["blockHash"]).try_into().expect("32 bytes"));
    Block { hash, transactions, header }
}

fn blocks() -> Vec<Block> {
    let Some(folder) = fixtures::folder("ethereum") else { return Vec::new() };
    let files = fixtures::files(&folder, "json");
    assert!(!files.is_empty(), "{} holds no blocks", folder.display());
    files.iter().map(|file| read(file)).collect()
}

impl Block {
    fn inclusion(&self, index: u64) -> Inclusion {
        Inclusion {
            transaction: self.transactions[index as usize].clone(),
            index,
            proof: trie::prove(&self.transactions, index).expect("in the block"),
            header: self.header.clone(),
        }
    }

    fn known(&self) -> KnownBlock {
        KnownBlock { hash: self.hash, source: own_node() }
    }

    /// Place and calldata of every transaction of type 2.
    fn calls(&self) -> Vec<(u64, Vec<u8>)> {
        let calls = (0..).zip(&self.transactions).filter_map(|(index, raw)| {
            let transaction = Transaction::parse(raw).expect("a transaction");
            Some((index, transaction.call()?.data.clone()))
        });
        calls.collect()
    }
}

#[test]
fn the_header_rebuilt_from_all_transactions_has_the_hash_of_the_block() {
    for block in blocks() {
        let header = Header::parse(&block.header).expect("a header");
        assert_eq!(header.hash(), block.hash);
        assert_eq!(header.transactions_root, trie::root(&block.transactions));
    }
}

#[test]
fn a_transaction_less_or_changed_gives_another_root() {
    for block in blocks() {
        let root = trie::root(&block.transactions);
        assert_ne!(trie::root(&block.transactions[1..]), root);
        let mut changed = block.transactions.clone();
        changed[0][5] ^= 1;
        assert_ne!(trie::root(&changed), root);
        changed = block.transactions.clone();
        changed.swap(0, 1);
        assert_ne!(trie::root(&changed), root);
    }
}

#[test]
fn every_transaction_is_proven_at_its_place_and_nowhere_else() {
    for block in blocks() {
        let root = trie::root(&block.transactions);
        let count = block.transactions.len() as u64;
        for (index, raw) in (0..).zip(&block.transactions) {
            let proof = trie::prove(&block.transactions, index).expect("in the block");
            assert_eq!(trie::proven(root, index, &proof), Ok(raw.as_slice()));
            assert!(trie::proven(root, (index + 1) % count, &proof) != Ok(raw.as_slice()));
        }
    }
}

#[test]
fn an_anchor_is_valid_with_a_block_of_ones_own_and_self_consistent_without() {
    for block in blocks() {
        let calls = block.calls();
        assert!(calls.iter().any(|(_, data)| data.len() >= 32), "calldata like an anchor's");
        for (index, data) in calls {
            let inclusion = block.inclusion(index);
            let check = |known: Option<&KnownBlock>| verify(&inclusion, &data, HOODI, known);
            let checked = check(Some(&block.known()));
            assert_eq!(checked.verdict, Verdict::Valid, "{index}: {}", checked.sentence);
            assert!(checked.steps.iter().all(|step| step.state == StepState::Valid));
            assert_eq!(check(None).verdict, Verdict::SelfConsistent);
            let enclosed = KnownBlock { source: Source::Proof, ..block.known() };
            assert_eq!(check(Some(&enclosed)).verdict, Verdict::SelfConsistent);
            let other = KnownBlock { hash: Keccak256([1; 32]), ..block.known() };
            assert_eq!(check(Some(&other)).verdict, Verdict::Invalid);
            let elsewhere = verify(&inclusion, &data, 1, Some(&block.known()));
            assert_eq!(elsewhere.verdict, Verdict::Invalid, "not the main network");
            let more = [data.as_slice(), b"."].concat();
            assert_eq!(verify(&inclusion, &more, HOODI, None).verdict, Verdict::Invalid);
        }
    }
}

#[test]
fn transactions_of_other_types_are_part_of_the_root_and_carry_no_anchor() {
    for block in blocks() {
        for (index, raw) in (0..).zip(&block.transactions) {
            let transaction = Transaction::parse(raw).expect("a transaction");
            assert_eq!(transaction.kind() == 2, transaction.call().is_some());
            if transaction.call().is_none() {
                let checked = verify(&block.inclusion(index), &[], HOODI, Some(&block.known()));
                assert_eq!(checked.verdict, Verdict::Invalid);
            }
        }
    }
}

#[test]
fn no_changed_bit_of_an_anchor_leaves_it_valid_and_no_part_can_be_cut_off() {
    let Some(block) = blocks().pop() else { return };
    let (index, data) = block.calls().into_iter().min_by_key(|(_, data)| data.len()).expect("one");
    let (genuine, known) = (block.inclusion(index), block.known());
    let is_valid =
        |changed: &Inclusion| verify(changed, &data, HOODI, Some(&known)).verdict == Verdict::Valid;
    assert!(is_valid(&genuine));
    for (at, changed) in flips(&genuine.transaction) {
        let changed = Inclusion { transaction: changed, ..genuine.clone() };
        assert!(!is_valid(&changed), "byte {at} of the transaction");
    }
    for (at, changed) in flips(&genuine.header) {
        assert!(
            !is_valid(&Inclusion { header: changed, ..genuine.clone() }),
            "byte {at} of the header"
        );
    }
    for (place, node) in genuine.proof.iter().enumerate() {
        for (at, changed) in flips(node) {
            let mut proof = genuine.proof.clone();
            proof[place] = changed;
            assert!(
                !is_valid(&Inclusion { proof, ..genuine.clone() }),
                "byte {at} of node {place}"
            );
        }
    }
    for length in 0..genuine.header.len() {
        let header = genuine.header[..length].to_vec();
        assert!(!is_valid(&Inclusion { header, ..genuine.clone() }), "header cut at {length}");
    }
    for length in 0..genuine.transaction.len() {
        let transaction = genuine.transaction[..length].to_vec();
        assert!(!is_valid(&Inclusion { transaction, ..genuine.clone() }), "cut at {length}");
    }
}

proptest! {
    #[test]
    fn bytes_that_are_nothing_of_ethereum_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0_u8..6
    ) {
        let _ = Header::parse(&bytes);
        let raw = [&[kind], bytes.as_slice()].concat();
        prop_assert!(Transaction::parse(&raw).is_err() || (1..=4).contains(&kind));
        let inclusion = Inclusion {
            transaction: raw, index: 0, proof: vec![bytes.clone()], header: bytes,
        };
        prop_assert_eq!(verify(&inclusion, &[], HOODI, None).verdict, Verdict::Invalid);
    }
}
