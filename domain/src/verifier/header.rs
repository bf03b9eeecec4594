//! A block's header as people write one down.

use serde::Deserialize;

use crate::anchor::Malformed;
use crate::anchor::bitcoin::{HEADER_BYTES, Header};

/// The bytes are no header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    #[error("its text is neither hex nor JSON with \"header_hex\"")]
    Form,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("it says that its hash is {stated}, and has {computed}")]
    Hash { stated: String, computed: String },
}

/// As block explorers and bundles write one down.
#[derive(Deserialize)]
struct HeaderFile {
    header_hex: String,
    height: Option<u64>,
    hash: Option<String>,
}

/// The 80 bytes, their hex digits, or `{"height": …, "header_hex": …, "hash": …}`; and the height if
/// it is said.
///
/// # Errors
/// None of these, or a hash that is not the header's.
pub fn parse_header(bytes: &[u8]) -> Result<(Header, Option<u64>), HeaderFault> {
    if bytes.len() == HEADER_BYTES {
        return Ok((Header::parse(bytes)?, None));
    }
    if let Ok(header) = hex::decode(bytes.trim_ascii()) {
        return Ok((Header::parse(&header)?, None));
    }
    let file: HeaderFile = serde_json::from_slice(bytes).map_err(|_| HeaderFault::Form)?;
    let header = hex::decode(&file.header_hex).map_err(|_| HeaderFault::Form)?;
    let header = Header::parse(&header)?;
    let computed = header.hash().to_string();
    match file.hash {
        Some(stated) if stated != computed => Err(HeaderFault::Hash { stated, computed }),
        _ => Ok((header, file.height)),
    }
}
