//! A whole block: its header and its transactions.

use crate::anchor::bitcoin::transaction::read_count;
use crate::anchor::bitcoin::{Header, Sha256d, Transaction};
use crate::anchor::bytes::{Malformed, Reader};

/// Consensus allows four million weight units, of which a byte takes at least one.
pub const BLOCK_BYTES_MAX: usize = 4_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub header: Header,
    pub transactions: Vec<Transaction>,
}

impl Block {
    /// # Errors
    /// What is wrong with its form, and at which byte. Nothing is verified here.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, BLOCK_BYTES_MAX)?;
        let header = Header::read(&mut reader)?;
        let count = read_count(&mut reader)?;
        let mut transactions = Vec::new();
        for _ in 0..count {
            transactions.push(Transaction::read(&mut reader)?);
        }
        reader.finish()?;
        Ok(Block { header, transactions })
    }

    /// The ids of all transactions, in order: what [`Branch::of`] needs.
    ///
    /// [`Branch::of`]: crate::anchor::bitcoin::Branch::of
    #[must_use]
    pub fn transaction_ids(&self) -> Vec<Sha256d> {
        self.transactions.iter().map(Transaction::id).collect()
    }
}
