//! Transactions, as far as an anchor needs them: the id, and what OP_RETURN outputs carry.

use crate::anchor::bitcoin::Sha256d;
use crate::anchor::bytes::{Defect, Malformed, Reader};

/// Consensus allows no transaction more than a block has room for.
pub const TRANSACTION_BYTES_MAX: usize = 4_000_000;
/// Whoever shows a transaction of 64 bytes could be showing an inner node of the Merkle tree: two
/// hashes. Nobody needs one that short, so it is refused where it comes alone.
const AMBIGUOUS_BYTES: usize = 64;

const OP_RETURN: u8 = 0x6a;
const OP_PUSHDATA1: u8 = 0x4c;
const OP_PUSHDATA2: u8 = 0x4d;

/// A transaction without its witnesses, as its id is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    stripped: Vec<u8>,
    inputs: Vec<OutPoint>,
    outputs: Vec<Output>,
}

/// The output that an input spends. Of two transactions with one of them in common, one can be
/// taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutPoint {
    pub transaction: Sha256d,
    pub index: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub value_satoshi: u64,
    pub script: Vec<u8>,
}

impl Output {
    /// Nobody can spend it: the script ends before it begins.
    #[must_use]
    pub fn is_op_return(&self) -> bool {
        self.script.first() == Some(&OP_RETURN)
    }

    /// What an OP_RETURN output carries: the bytes of its one push, or nothing if it has none.
    /// `None` for every other output.
    #[must_use]
    pub fn carried(&self) -> Option<&[u8]> {
        let pushed = self.script.strip_prefix(&[OP_RETURN])?;
        let (length, data) = match pushed {
            [] => (0, pushed),
            [OP_PUSHDATA1, length, data @ ..] => (usize::from(*length), data),
            [OP_PUSHDATA2, low, high, data @ ..] => {
                (usize::from(u16::from_le_bytes([*low, *high])), data)
            }
            [length, data @ ..] if *length < OP_PUSHDATA1 => (usize::from(*length), data),
            _ => return None,
        };
        (data.len() == length).then_some(data)
    }
}

impl Transaction {
    /// Reads a transaction with or without witnesses.
    ///
    /// # Errors
    /// What is wrong with its form, and at which byte. Nothing is verified here.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, TRANSACTION_BYTES_MAX)?;
        let transaction = Transaction::read(&mut reader)?;
        reader.finish()?;
        if transaction.stripped.len() == AMBIGUOUS_BYTES {
            return Err(Defect::Transaction("64 bytes could be two hashes as well").at(0));
        }
        Ok(transaction)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut stripped = reader.take(4)?.to_vec();
        // No inputs and then a one: the mark of a transaction with witnesses (BIP 144).
        let mut marked = reader.clone();
        let has_witnesses = marked.array() == Ok([0x00, 0x01]);
        if has_witnesses {
            *reader = marked;
        }
        let body = reader.at();
        let inputs = read_inputs(reader)?;
        let outputs = read_outputs(reader)?;
        stripped.extend_from_slice(reader.since(body));
        if has_witnesses {
            read_witnesses(reader, inputs.len())?;
        }
        stripped.extend_from_slice(reader.take(4)?);
        Ok(Transaction { stripped, inputs, outputs })
    }

    #[must_use]
    pub fn id(&self) -> Sha256d {
        Sha256d::of(&self.stripped)
    }

    /// Its bytes without witnesses: what the id is the hash of.
    #[must_use]
    pub fn stripped(&self) -> &[u8] {
        &self.stripped
    }

    #[must_use]
    pub fn inputs(&self) -> &[OutPoint] {
        &self.inputs
    }

    #[must_use]
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }
}

fn read_inputs(reader: &mut Reader<'_>) -> Result<Vec<OutPoint>, Malformed> {
    let at = reader.at();
    let count = read_count(reader)?;
    if count == 0 {
        return Err(Defect::Transaction("it has no inputs").at(at));
    }
    // Each takes bytes, so that a false count ends with the bytes.
    let mut inputs = Vec::new();
    for _ in 0..count {
        let (transaction, index) = (Sha256d(reader.array()?), reader.u32_le()?);
        inputs.push(OutPoint { transaction, index });
        read_script(reader)?;
        reader.u32_le()?;
    }
    Ok(inputs)
}

fn read_outputs(reader: &mut Reader<'_>) -> Result<Vec<Output>, Malformed> {
    let count = read_count(reader)?;
    let mut outputs = Vec::new();
    for _ in 0..count {
        let value_satoshi = reader.u64_le()?;
        outputs.push(Output { value_satoshi, script: read_script(reader)?.to_vec() });
    }
    Ok(outputs)
}

fn read_witnesses(reader: &mut Reader<'_>, inputs: usize) -> Result<(), Malformed> {
    for _ in 0..inputs {
        for _ in 0..read_count(reader)? {
            read_script(reader)?;
        }
    }
    Ok(())
}

/// A script or a witness item: a length, and that many bytes.
fn read_script<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let length = read_count(reader)?;
    reader.take(length)
}

/// Bitcoin's CompactSize, in its shortest form only, as Bitcoin Core reads it.
pub(super) fn read_count(reader: &mut Reader<'_>) -> Result<u64, Malformed> {
    let at = reader.at();
    let (value, least) = match reader.byte()? {
        0xfd => (u64::from(u16::from_le_bytes(reader.array()?)), 0xfd),
        0xfe => (u64::from(reader.u32_le()?), 0x1_0000),
        0xff => (reader.u64_le()?, 0x1_0000_0000),
        byte => (u64::from(byte), 0),
    };
    if value < least {
        return Err(Defect::Number.at(at));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(script: &[u8]) -> Option<Vec<u8>> {
        let output = Output { value_satoshi: 0, script: script.to_vec() };
        output.carried().map(<[u8]>::to_vec)
    }

    #[test]
    fn an_output_carries_exactly_one_push() {
        assert_eq!(carried(&[0x6a]), Some(Vec::new()));
        assert_eq!(carried(&[0x6a, 2, 7, 8]), Some(vec![7, 8]));
        assert_eq!(carried(&[0x6a, 0x4c, 2, 7, 8]), Some(vec![7, 8]));
        assert_eq!(carried(&[0x6a, 0x4d, 2, 0, 7, 8]), Some(vec![7, 8]));
        assert_eq!(carried(&[0x6a, 2, 7]), None);
        assert_eq!(carried(&[0x6a, 1, 7, 1, 8]), None);
        assert_eq!(carried(&[0x6a, 0x51]), None);
        assert_eq!(carried(&[0x76, 2, 7, 8]), None);
    }
}
