//! The account that pays: its key, its address, and signed transactions of type 2 (EIP-1559).

use std::fmt;
use std::path::Path;

use domain::anchor::ethereum::Keccak256;
use domain::anchor::ethereum::rlp::{encode_bytes, encode_list, encode_number};
use k256::ecdsa::SigningKey;

use crate::keys;

const TYPE_FEES: u8 = 2;

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error(transparent)]
    File(#[from] keys::KeyError),
    #[error("the key file must hold 64 hex digits, with or without 0x: a secp256k1 private key")]
    Form,
}

/// A key that signs. Shows its address only.
#[derive(Clone)]
pub struct Account {
    key: SigningKey,
    address: [u8; 20],
}

/// A transaction that carries data to its own sender and moves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Draft<'a> {
    pub(super) chain_id: u64,
    pub(super) nonce: u64,
    /// Wei a unit of gas.
    pub(super) tip: u64,
    pub(super) fee: u64,
    pub(super) gas: u64,
    pub(super) data: &'a [u8],
}

impl Account {
    /// Reads a key that only this program's account can read.
    ///
    /// # Errors
    /// The file is missing, open to others, or holds no key.
    pub fn read(path: &Path) -> Result<Self, AccountError> {
        let text = keys::read_private(path)?;
        let text = text.trim();
        let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text));
        let bytes = bytes.map_err(|_| AccountError::Form)?;
        let key = SigningKey::from_slice(&bytes).map_err(|_| AccountError::Form)?;
        Ok(Account { address: address(&key), key })
    }

    /// As Ethereum's programs write it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("0x{}", hex::encode(self.address))
    }

    /// The raw transaction. The same draft gives the same bytes: the signature is deterministic
    /// (RFC 6979).
    pub(super) fn sign(&self, draft: &Draft<'_>) -> Vec<u8> {
        let unsigned = self.fields(draft);
        let hash = Keccak256::of(&typed(&unsigned)).0;
        let (signature, recovery) = self.key.sign_prehash_recoverable(&hash);
        let (r, s) = signature.split_bytes();
        let parity = encode_number(u64::from(recovery.is_y_odd()));
        let mut signed = unsigned;
        signed.extend([parity, encode_bytes(shortest(&r)), encode_bytes(shortest(&s))]);
        typed(&signed)
    }

    fn fields(&self, draft: &Draft<'_>) -> Vec<Vec<u8>> {
        vec![
            encode_number(draft.chain_id),
            encode_number(draft.nonce),
            encode_number(draft.tip),
            encode_number(draft.fee),
            encode_number(draft.gas),
            encode_bytes(&self.address),
            encode_number(0),
            encode_bytes(draft.data),
            encode_list(&[]),
        ]
    }
}

fn typed(fields: &[Vec<u8>]) -> Vec<u8> {
    [&[TYPE_FEES], encode_list(fields).as_slice()].concat()
}

fn shortest(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// The last twenty bytes of the hash of the public key.
fn address(key: &SigningKey) -> [u8; 20] {
    let point = key.verifying_key().to_sec1_point(false);
    let hash = Keccak256::of(&point.as_bytes()[1..]).0;
    let mut address = [0; 20];
    address.copy_from_slice(&hash[12..]);
    address
}

impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Account({})", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::anchor::ethereum::Transaction;

    fn account(hex_digits: &str) -> Account {
        let key = SigningKey::from_slice(&hex::decode(hex_digits).expect("hex")).expect("a key");
        Account { address: address(&key), key }
    }

    /// The first account of every development node (mnemonic "test test … junk"), and EIP-155's.
    #[test]
    fn a_key_has_the_address_that_others_compute() {
        let first = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
        let expected = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
        assert_eq!(account(first).address(), expected);
        let expected = "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f";
        assert_eq!(account(&"46".repeat(32)).address(), expected);
    }

    #[test]
    fn a_signed_draft_reads_back_and_is_the_same_each_time() {
        let account = account(&"46".repeat(32));
        let draft = Draft { chain_id: 1, nonce: 9, tip: 2, fee: 30, gas: 22_600, data: b"x" };
        let raw = account.sign(&draft);
        assert_eq!(account.sign(&draft), raw);
        let read = Transaction::parse(&raw).expect("a transaction");
        let call = read.call().expect("of type 2");
        assert_eq!((call.chain_id, call.nonce, call.tip, call.fee), (1, 9, Some(2), Some(30)));
        assert_eq!((call.data.as_slice(), call.to), (&b"x"[..], Some(account.address)));
    }

    #[test]
    fn the_key_is_not_in_debug() {
        assert!(!format!("{:?}", account(&"46".repeat(32))).contains("4646"));
    }
}
