//! All keys that a cloud has signed with: those of its first epoch, and a pair for each later one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use domain::epoch::EpochKeys;
use domain::key::PublicKey;

use super::external::External;
use super::file::Place;
use super::{CloudKeys, KeyError, Signer};

/// The two keys of one epoch that outsiders verify.
#[derive(Clone, Debug)]
pub struct KeyPair {
    pub log: Signer,
    pub cosigner: Signer,
}

impl KeyPair {
    /// Can it sign?
    fn is_held(&self) -> bool {
        self.log.is_held() && self.cosigner.is_held()
    }

    #[must_use]
    pub fn public(&self) -> EpochKeys {
        EpochKeys { log: self.log.public(), cosigner: self.cosigner.public() }
    }
}

/// One cloud's keys by epoch.
#[derive(Debug)]
pub struct Keyring {
    folder: PathBuf,
    /// Makes and holds new keys, where one is configured.
    signer: Option<Arc<External>>,
    first: KeyPair,
    later: RwLock<BTreeMap<u32, KeyPair>>,
}

impl Keyring {
    /// The first epoch's keys, and those of later epochs in folders `epoch-2`, `epoch-3`, … within
    /// `folder`.
    ///
    /// # Errors
    /// A file is missing, malformed, weak, or open to others.
    pub fn open(
        folder: &Path,
        first: &CloudKeys,
        signer: Option<Arc<External>>,
    ) -> Result<Self, KeyError> {
        let first = KeyPair { log: first.log.clone(), cosigner: first.cosigner.clone() };
        let mut later = BTreeMap::new();
        for epoch in epochs_in(folder)? {
            let folder = folder_of(folder, epoch);
            let place = Place { folder: &folder, epoch, signer: signer.as_ref() };
            later.extend(KeyPair::load(place)?.map(|pair| (epoch, pair)));
        }
        Ok(Keyring { folder: folder.to_owned(), signer, first, later: RwLock::new(later) })
    }

    /// Where they are kept, and what this cloud remembers beside them.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The keys of an epoch, if this cloud has them.
    #[must_use]
    pub fn pair(&self, epoch: u32) -> Option<KeyPair> {
        let pair =
            if epoch == 1 { Some(self.first.clone()) } else { self.later().get(&epoch).cloned() };
        pair.filter(KeyPair::is_held)
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
        pairs.find(|pair| pair.is_held() && pair.cosigner.public() == *cosigner).cloned()
    }

    /// The keys of an epoch, made and kept if there are none yet.
    ///
    /// # Errors
    /// They cannot be made or kept.
    pub fn make(&self, epoch: u32) -> Result<KeyPair, KeyError> {
        if let Some(pair) = self.pair(epoch) {
            return Ok(pair);
        }
        let folder = folder_of(&self.folder, epoch);
        let place = Place { folder: &folder, epoch, signer: self.signer.as_ref() };
        let pair = KeyPair::make(place)?;
        let mut later = self.later.write().unwrap_or_else(PoisonError::into_inner);
        Ok(later.entry(epoch).or_insert(pair).clone())
    }

    fn later(&self) -> RwLockReadGuard<'_, BTreeMap<u32, KeyPair>> {
        // A panic while holding the lock leaves the map as it was.
        self.later.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The later epochs that have a folder, whichever are missing between them.
fn epochs_in(folder: &Path) -> Result<Vec<u32>, KeyError> {
    let error = |cause| KeyError::Io { path: folder.to_owned(), cause };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(error(cause)),
    };
    let mut epochs = Vec::new();
    for entry in entries {
        let name = entry.map_err(error)?.file_name();
        let epoch = name.to_str().and_then(|name| name.strip_prefix("epoch-")?.parse().ok());
        epochs.extend(epoch.filter(|epoch: &u32| *epoch > 1));
    }
    epochs.sort_unstable();
    Ok(epochs)
}

fn folder_of(folder: &Path, epoch: u32) -> PathBuf {
    folder.join(format!("epoch-{epoch}"))
}
