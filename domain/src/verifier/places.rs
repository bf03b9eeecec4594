//! Which blocks a file leads to: what a verifier has to ask nodes or explorers for.

use std::collections::BTreeSet;

use crate::anchor::ethereum::{Header, Keccak256, PROOF_FORMAT, ProofFile};
use crate::anchor::ots::{Attestation, Proof};
use crate::bundle::{Bundle, ETHEREUM_FILE, OTS_FILE, is_packed};

use super::{format_of, is_ots};

/// Blocks by number: that is all that an outsider needs to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Heights in Bitcoin's chain that some path of the proof ends in.
    pub bitcoin: BTreeSet<u64>,
    pub ethereum: Option<EthereumPlace>,
}

/// A block of Ethereum's, as the proof has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EthereumPlace {
    pub chain: u64,
    pub number: u64,
    pub block: Keccak256,
    pub transaction: Keccak256,
}

impl Places {
    /// Of a bundle, an `.ots` or an `ethereum.json`; nothing of any other file.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        if is_packed(bytes) {
            let Ok(bundle) = Bundle::unpack(bytes) else { return Places::default() };
            return Places {
                bitcoin: bundle.file(OTS_FILE).map(heights).unwrap_or_default(),
                ethereum: bundle.file(ETHEREUM_FILE).and_then(on_ethereum),
            };
        }
        if is_ots(bytes) {
            return Places { bitcoin: heights(bytes), ethereum: None };
        }
        let ethereum = (format_of(bytes) == PROOF_FORMAT).then(|| on_ethereum(bytes)).flatten();
        Places { bitcoin: BTreeSet::new(), ethereum }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bitcoin.is_empty() && self.ethereum.is_none()
    }
}

fn heights(bytes: &[u8]) -> BTreeSet<u64> {
    let proof = Proof::parse(bytes).ok();
    let heights = proof.iter().flat_map(Proof::paths).filter_map(|path| match path.attestation {
        Attestation::Bitcoin { height } => Some(*height),
        _ => None,
    });
    heights.collect()
}

fn on_ethereum(bytes: &[u8]) -> Option<EthereumPlace> {
    let file = ProofFile::parse(bytes).ok()?;
    let header = Header::parse(&file.header).ok()?;
    Some(EthereumPlace {
        chain: file.chain_id,
        number: header.number,
        block: header.hash(),
        transaction: Keccak256::of(&file.transaction),
    })
}
