//! Proofs of other people's making: real ones, broken ones, and bytes that are none.

mod bitcoin;
mod ethereum;
mod ots;
mod ots_bytes;
mod rfc3161;
mod state;

use std::path::Path;

use domain::anchor::Source;
use domain::anchor::bitcoin::{Header, KnownHeader};
use serde_json::Value;

use crate::fixtures;

/// What a verifier says who asked a node of their own.
fn own_node() -> Source {
    Source::Verifier("a node of the test's own".to_owned())
}

/// The headers of main-chain blocks in a folder, each with its height.
fn headers(folder: &Path) -> Vec<KnownHeader> {
    let files = fixtures::files(folder, "json");
    let read = files.iter().filter_map(|file| {
        let block: Value = fixtures::read_json(file);
        let bytes = hex::decode(block.get("header_hex")?.as_str()?).expect("hex");
        let header = Header::parse(&bytes).expect("a header");
        assert_eq!(Some(header.hash().to_string().as_str()), block["hash"].as_str());
        Some(KnownHeader { header, height: block["height"].as_u64(), source: own_node() })
    });
    read.collect()
}

/// Every way to change one bit.
fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..bytes.len() * 8).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        (bit / 8, changed)
    })
}
