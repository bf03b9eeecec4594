//! A cloud's word on the snapshot, as files: the receipt of its event, and the same in the pieces
//! that `sha256sum` and `openssl` can put together.

use crate::cloud::Cloud;
use crate::event::signature_is_valid;
use crate::json;
use crate::key::{NoteAlgorithm, PublicKey};
use crate::receipt::Receipt;

/// Where a cloud's files are.
pub(super) fn folder(cloud: Cloud) -> String {
    format!("attestations/{cloud}/")
}

/// The whole receipt, which `ternion verify` checks by itself too.
pub(super) fn receipt_file(cloud: Cloud) -> String {
    folder(cloud) + "receipt.json"
}

/// The key that signed the event.
pub(super) fn key_file(cloud: Cloud) -> String {
    format!("keys/{cloud}.pem")
}

/// The key among those that the receipt lists under which its event was signed.
pub(super) fn event_key(receipt: &Receipt) -> Option<PublicKey> {
    let signs = |key: &&crate::key::NoteKey| {
        key.algorithm() == NoteAlgorithm::Ed25519
            && signature_is_valid(receipt.event.hash, &receipt.event.signature, key.key())
    };
    receipt.keys.iter().find(signs).map(|key| *key.key())
}

/// Every file of a cloud's attestation. All of it follows from the receipt.
pub(super) fn files(cloud: Cloud, receipt: &Receipt) -> Vec<(String, Vec<u8>)> {
    let folder = folder(cloud);
    // Texts, numbers and lists of them always serialize.
    let value = serde_json::to_value(receipt).unwrap_or_default();
    let salt = receipt.event.salt.as_ref().and_then(|salt| hex::decode(salt).ok());
    let key = event_key(receipt).map(PublicKey::to_pem);
    let mut files = vec![
        (receipt_file(cloud), json::canonical(&value)),
        (folder.clone() + "receipt.tlog-proof", receipt.to_tlog_proof().into_bytes()),
        (folder.clone() + "metadata.json", receipt.metadata().into_bytes()),
        (folder.clone() + "signature", receipt.event.signature.0.to_vec()),
    ];
    files.extend(salt.map(|salt| (folder + "salt", salt)));
    files.extend(key.map(|pem| (key_file(cloud), pem.into_bytes())));
    files
}
