//! Whose keys a receipt is checked with: the verifier's, or else those that came with it.

use crate::cloud::Cloud;
use crate::key::{NoteAlgorithm, NoteKey};
use crate::log::Checkpoint;
use crate::note::Note;
use crate::policy::Policy;
use crate::receipt::Receipt;

/// Two clouds are needed where there is no policy to say otherwise.
const DEFAULT_QUORUM: usize = 2;

/// The key of the log, and those of the cosigners by name.
pub(super) struct Keys<'a> {
    pub(super) policy: Option<&'a Policy>,
    /// As the receipt lists them.
    pub(super) listed: &'a [NoteKey],
    pub(super) log: Option<&'a NoteKey>,
    /// Those of every epoch of the log's origin, the log's own first: an event that was taken over
    /// from an epoch that ended bears that epoch's signature.
    pub(super) events: Vec<&'a NoteKey>,
    pub(super) cosigners: Vec<(String, &'a NoteKey)>,
}

impl<'a> Keys<'a> {
    /// The log's key is the one whose name is the checkpoint's first line: a policy may know logs
    /// of several deployments and epochs.
    pub(super) fn new(
        receipt: &'a Receipt,
        checkpoint: Option<&Checkpoint>,
        policy: Option<&'a Policy>,
    ) -> Self {
        let name = checkpoint.map(|checkpoint| checkpoint.origin.as_str());
        let is_log =
            |key: &&NoteKey| key.algorithm() == NoteAlgorithm::Ed25519 && Some(key.name()) == name;
        let logs = policy.map_or(receipt.keys.as_slice(), Policy::logs);
        let cosigners = match policy {
            Some(policy) => policy.witnesses().map(|(name, key)| (name.to_owned(), key)).collect(),
            None => listed_cosigners(&receipt.keys),
        };
        let log = logs.iter().find(is_log);
        let is_of_origin = |key: &&NoteKey| {
            key.algorithm() == NoteAlgorithm::Ed25519
                && name.is_some_and(|name| without_epoch(key.name()) == without_epoch(name))
                && Some(*key) != log
        };
        let events = log.into_iter().chain(logs.iter().filter(is_of_origin)).collect();
        Keys { policy, listed: &receipt.keys, log, events, cosigners }
    }

    /// The names of those that signed.
    pub(super) fn signed(&self, note: &Note) -> Vec<&str> {
        self.cosigners
            .iter()
            .filter(|(_, key)| note.check(key).is_valid())
            .map(|(name, _)| name.as_str())
            .collect()
    }

    pub(super) fn quorum_signed(&self, note: &Note) -> bool {
        match self.policy {
            Some(policy) => policy.quorum_signed(note),
            None => self.signed(note).len() >= DEFAULT_QUORUM,
        }
    }

    pub(super) fn quorum_rule(&self) -> String {
        self.policy.map_or_else(
            || format!("{DEFAULT_QUORUM} of the cosigners that the receipt lists"),
            Policy::quorum_sentence,
        )
    }
}

/// `<deployment>/<cloud>` of `<deployment>/<cloud>/<epoch>`.
fn without_epoch(log: &str) -> Option<&str> {
    log.rsplit_once('/').map(|(origin, _)| origin)
}

/// Each key once, however often and under whatever names it is listed: one signer is one vote.
fn listed_cosigners(listed: &[NoteKey]) -> Vec<(String, &NoteKey)> {
    let mut cosigners: Vec<(String, &NoteKey)> = Vec::new();
    for key in listed.iter().filter(|key| key.algorithm() == NoteAlgorithm::CosignatureV1) {
        if cosigners.iter().all(|(_, known)| known.key() != key.key()) {
            let cloud = cloud_of(key.name());
            let name = cloud.map_or_else(|| key.name().to_owned(), |cloud| cloud.to_string());
            cosigners.push((name, key));
        }
    }
    cosigners
}

/// The cloud named by a key such as `demo.ternion.example/aws`.
pub(super) fn cloud_of(name: &str) -> Option<Cloud> {
    name.rsplit('/').find_map(|part| part.parse().ok())
}
