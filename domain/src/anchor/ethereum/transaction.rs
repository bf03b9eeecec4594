//! Transactions as they stand in a block. Those of type 2 (EIP-1559), which anchors are, are read;
//! of the others only the type is known, since a trie holds them as bytes.

use crate::anchor::bytes::{Defect, Malformed};
use crate::anchor::ethereum::{Keccak256, rlp};

/// More than any node takes from the network.
pub const TRANSACTION_BYTES_MAX: usize = 1024 * 1024;

/// Types so far: legacy (no prefix), access list, fees (EIP-1559), blobs, set code.
const TYPE_MAX: u8 = 4;
const FEES: u8 = 2;
/// The first byte of a list longer than 55 bytes is above it: a legacy transaction.
const LIST: u8 = 0xc0;

/// One transaction, as it was encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    raw: Vec<u8>,
    kind: u8,
    call: Option<Call>,
}

/// What a transaction of type 2 does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub chain_id: u64,
    /// The sender's count of transactions before it: of two with one nonce, one can be taken.
    pub nonce: u64,
    /// Wei a unit of gas, where 64 bits hold it: the tip, and the most with the tip.
    pub tip: Option<u64>,
    pub fee: Option<u64>,
    /// `None` where it makes a contract.
    pub to: Option<[u8; 20]>,
    pub data: Vec<u8>,
}

impl Transaction {
    /// Reads a raw transaction as in `eth_getRawTransactionByHash`, without blobs.
    ///
    /// # Errors
    /// Not canonical RLP, an unknown type, or not the fields of type 2. No signature is checked:
    /// that the block's root commits to it says that the chain's rules found it valid.
    pub fn parse(raw: &[u8]) -> Result<Self, Malformed> {
        let (kind, list) = match raw.split_first() {
            None => return Err(Defect::Truncated(1).at(0)),
            Some((first, _)) if *first >= LIST => (0, raw),
            Some((kind @ 1..=TYPE_MAX, list)) => (*kind, list),
            Some(_) => return Err(Defect::Transaction("of a type that is not known").at(0)),
        };
        let fields = rlp::list(list, TRANSACTION_BYTES_MAX)?;
        let call = (kind == FEES).then(|| {
            Call::read(&fields).ok_or(Defect::Transaction("not the fields of type 2").at(1))
        });
        Ok(Transaction { raw: raw.to_vec(), kind, call: call.transpose()? })
    }

    #[must_use]
    pub fn hash(&self) -> Keccak256 {
        Keccak256::of(&self.raw)
    }

    /// 0 for legacy ones.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        self.kind
    }

    /// What it does, if it is of type 2.
    #[must_use]
    pub const fn call(&self) -> Option<&Call> {
        self.call.as_ref()
    }
}

impl Call {
    /// chain id, nonce, priority fee, fee, gas limit, to, value, data, access list, parity, r, s
    fn read(fields: &[rlp::Item<'_>]) -> Option<Call> {
        let [chain_id, nonce, tip, fee, _, to, _, data, rlp::Item::List(_), _, _, _] = fields
        else {
            return None;
        };
        Some(Call {
            chain_id: chain_id.number()?,
            nonce: nonce.number()?,
            tip: tip.number(),
            fee: fee.number(),
            to: if to.bytes()?.is_empty() { None } else { Some(to.array()?) },
            data: data.bytes()?.to_vec(),
        })
    }
}
