//! What the end of a path says about its message.

use std::fmt;

use crate::anchor::bytes::{Defect, Malformed, Reader};
use crate::anchor::ots::varint;

/// The reference implementation's limit on what an attestation carries.
const PAYLOAD_BYTES_MAX: usize = 8192;
/// The reference implementation's limit on a calendar's address.
const ADDRESS_BYTES_MAX: usize = 1000;

const BITCOIN: [u8; 8] = [0x05, 0x88, 0x96, 0x0d, 0x73, 0xd7, 0x19, 0x01];
const LITECOIN: [u8; 8] = [0x06, 0x86, 0x9a, 0x0d, 0x73, 0xd7, 0x1b, 0x45];
const ETHEREUM: [u8; 8] = [0x30, 0xfe, 0x80, 0x87, 0xb5, 0xc7, 0xea, 0xd7];
const PENDING: [u8; 8] = [0x83, 0xdf, 0xe3, 0x0d, 0x2e, 0xf9, 0x0c, 0x8e];

/// A claim about a message. Only the first can be checked here, and only beside a block header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attestation {
    /// The message is the Merkle root in the header of this block.
    Bitcoin { height: u64 },
    /// The same, for Litecoin.
    Litecoin { height: u64 },
    /// The message is the transactions root in the header of this block.
    Ethereum { height: u64 },
    /// A calendar promises to know more later.
    Pending { calendar: String },
    /// Of a kind that this program does not know: kept, and never counted.
    Unknown { tag: [u8; 8], payload: Vec<u8> },
}

impl Attestation {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let tag = reader.array()?;
        let payload = varint::read_bytes(reader, 0, PAYLOAD_BYTES_MAX)?;
        let start = reader.at() - payload.len();
        Self::from_payload(tag, payload)
            .map_err(|inner| Malformed { at: start + inner.at, what: inner.what })
    }

    fn from_payload(tag: [u8; 8], payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(payload, PAYLOAD_BYTES_MAX)?;
        let attestation = match tag {
            BITCOIN => Attestation::Bitcoin { height: varint::read(&mut reader)? },
            LITECOIN => Attestation::Litecoin { height: varint::read(&mut reader)? },
            ETHEREUM => Attestation::Ethereum { height: varint::read(&mut reader)? },
            PENDING => Attestation::Pending { calendar: read_address(&mut reader)? },
            _ => return Ok(Attestation::Unknown { tag, payload: payload.to_vec() }),
        };
        reader.finish().map(|()| attestation)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut payload = Vec::new();
        match self {
            Attestation::Bitcoin { height }
            | Attestation::Litecoin { height }
            | Attestation::Ethereum { height } => varint::write(&mut payload, *height),
            Attestation::Pending { calendar } => {
                varint::write_bytes(&mut payload, calendar.as_bytes());
            }
            Attestation::Unknown { payload: bytes, .. } => payload.extend_from_slice(bytes),
        }
        out.extend_from_slice(&self.tag());
        varint::write_bytes(out, &payload);
    }

    const fn tag(&self) -> [u8; 8] {
        match self {
            Attestation::Bitcoin { .. } => BITCOIN,
            Attestation::Litecoin { .. } => LITECOIN,
            Attestation::Ethereum { .. } => ETHEREUM,
            Attestation::Pending { .. } => PENDING,
            Attestation::Unknown { tag, .. } => *tag,
        }
    }
}

/// The reference's alphabet for addresses: nothing that could carry a query, a login or an escape.
fn read_address(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let bytes = varint::read_bytes(reader, 0, ADDRESS_BYTES_MAX)?;
    let start = reader.at() - bytes.len();
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/:".contains(byte);
    if let Some(at) = bytes.iter().position(|byte| !is_allowed(byte)) {
        return Err(Defect::Address(bytes[at]).at(start + at));
    }
    Ok(bytes.iter().map(|&byte| char::from(byte)).collect())
}

impl fmt::Display for Attestation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attestation::Bitcoin { height } => write!(out, "Bitcoin block {height}"),
            Attestation::Litecoin { height } => write!(out, "Litecoin block {height}"),
            Attestation::Ethereum { height } => write!(out, "Ethereum block {height}"),
            Attestation::Pending { calendar } => write!(out, "promise of {calendar}"),
            Attestation::Unknown { tag, .. } => write!(out, "unknown kind {}", hex::encode(tag)),
        }
    }
}
