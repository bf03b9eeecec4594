//! All keys that a cloud has signed with: those of its first epoch, and a pair for each later one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use domain::epoch::EpochKeys;
use domain::key::{PublicKey, SigningKey};

use super::{CloudKeys, KeyError};

/// The two keys of one epoch that outsiders verify.
#[derive(Clone, Debug)]
pub struct KeyPair {
    pub log: SigningKey,
    pub cosigner: SigningKey,
}

impl KeyPair {
    #[must_use]
    pub fn public(&self) -> EpochKeys {
        EpochKeys { log: self.log.public(), cosigner: self.cosigner.public() }
    }
}

/// One cloud's keys by epoch.
#[derive(Debug)]
pub struct Keyring {
    folder: PathBuf,
    first: KeyPair,
    later: RwLock<BTreeMap<u32, KeyPair>>,
}

impl Keyring {
    /// The first epoch's keys, and those of later epochs in folders `epoch-2`, `epoch-3`, … within
    /// `folder`.
    ///
    /// # Errors
    /// A file is missing, malformed, weak, or open to others.
    pub fn open(folder: &Path, first: &CloudKeys) -> Result<Self, KeyError> {
        let first = KeyPair { log: first.log.clone(), cosigner: first.cosigner.clone() };
        let mut later = BTreeMap::new();
        for epoch in 2.. {
            let Some(pair) = KeyPair::load(&folder_of(folder, epoch))? else { break };
            later.insert(epoch, pair);
        }
        Ok(Keyring { folder: folder.to_owned(), first, later: RwLock::new(later) })
    }

    /// Where they are kept, and what this cloud remembers beside them.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The keys of an epoch, if this cloud has them.
    #[must_use]
    pub fn pair(&self, epoch: u32) -> Option<KeyPair> {
        if epoch == 1 { Some(self.first.clone()) } else { self.later().get(&epoch).cloned() }
    }

    /// The keys in force in an epoch: its own, or else the newest before it.
    #[must_use]
    pub fn pair_at(&self, epoch: u32) -> KeyPair {
        let later = self.later();
        let newest = later.range(..=epoch).next_back().map(|(_, pair)| pair);
        newest.unwrap_or(&self.first).clone()
    }

    /// The pair whose cosigner key this is the public half of.
    #[must_use]
    pub fn holder_of(&self, cosigner: &PublicKey) -> Option<KeyPair> {
        let later = self.later();
        let mut pairs = later.values().rev().chain([&self.first]);
        pairs.find(|pair| pair.cosigner.public() == *cosigner).cloned()
    }

    /// The keys of an epoch, made and kept if there are none yet.
    ///
    /// # Errors
    /// They cannot be made or kept.
    pub fn make(&self, epoch: u32) -> Result<KeyPair, KeyError> {
        if let Some(pair) = self.pair(epoch) {
            return Ok(pair);
        }
        let pair = KeyPair::make(&folder_of(&self.folder, epoch))?;
        let mut later = self.later.write().unwrap_or_else(PoisonError::into_inner);
        Ok(later.entry(epoch).or_insert(pair).clone())
    }

    fn later(&self) -> RwLockReadGuard<'_, BTreeMap<u32, KeyPair>> {
        // A panic while holding the lock leaves the map as it was.
        self.later.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn folder_of(folder: &Path, epoch: u32) -> PathBuf {
    folder.join(format!("epoch-{epoch}"))
}
