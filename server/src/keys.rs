//! A cloud's three private keys, and the deployment's public ones.

mod file;
pub mod text;

use domain::cloud::{Cloud, PerCloud};
use domain::key::{NoteAlgorithm, NoteKey, PublicKey, SigningKey};
use domain::log::LogId;
use domain::policy::Policy;
use domain::quorum::QUORUM;

pub use file::KeyError;

use crate::config::{Config, Peer};

/// One cloud's public keys: one key a role, so that a signature made for one purpose can never
/// be replayed for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudPublicKeys {
    pub log: PublicKey,
    pub cosigner: PublicKey,
    pub transport: PublicKey,
}

/// One cloud's private keys.
#[derive(Clone, Debug)]
pub struct CloudKeys {
    pub log: SigningKey,
    pub cosigner: SigningKey,
    pub transport: SigningKey,
}

impl CloudKeys {
    #[must_use]
    pub fn public(&self) -> CloudPublicKeys {
        CloudPublicKeys {
            log: self.log.public(),
            cosigner: self.cosigner.public(),
            transport: self.transport.public(),
        }
    }
}

/// The deployment's name and everybody's public keys, as pinned in each cloud's configuration.
#[derive(Clone, Debug)]
pub struct Roster {
    pub deployment: String,
    pub keys: PerCloud<CloudPublicKeys>,
}

/// A cloud's public keys are not in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    #[error(
        "peers.{0} is missing: a quorum needs to know all three clouds. Run `ternion keygen` \
         there and copy the table that it prints into this cloud's configuration"
    )]
    Missing(Cloud),
    #[error(
        "peers.{0} has a key of another cloud or role: every cloud has three keys of its own, or \
         one stolen key would speak for two"
    )]
    Shared(Cloud),
}

impl From<&Peer> for CloudPublicKeys {
    fn from(peer: &Peer) -> Self {
        CloudPublicKeys {
            log: peer.log_key,
            cosigner: peer.cosigner_key,
            transport: peer.transport_key,
        }
    }
}

impl Roster {
    /// The peers' keys as pinned in the configuration, and this cloud's own.
    ///
    /// # Errors
    /// A peer is not configured, or a key occurs twice.
    pub fn of(config: &Config, own: &CloudKeys) -> Result<Self, RosterError> {
        let public = |cloud: Cloud| match config.peers.get(cloud) {
            Some(peer) => Ok(CloudPublicKeys::from(peer)),
            None if cloud == config.cloud => Ok(own.public()),
            None => Err(RosterError::Missing(cloud)),
        };
        let keys = PerCloud {
            gcp: public(Cloud::Gcp)?,
            aws: public(Cloud::Aws)?,
            azure: public(Cloud::Azure)?,
        };
        let mut seen = std::collections::HashSet::new();
        // This cloud's own first, so that an error names the peer.
        for cloud in [config.cloud].into_iter().chain(config.cloud.peers()) {
            let CloudPublicKeys { log, cosigner, transport } = keys.get(cloud);
            if ![log, cosigner, transport].into_iter().all(|key| seen.insert(*key)) {
                return Err(RosterError::Shared(cloud));
            }
        }
        Ok(Roster { deployment: config.deployment.clone(), keys })
    }

    #[must_use]
    pub const fn get(&self, cloud: Cloud) -> &CloudPublicKeys {
        self.keys.get(cloud)
    }

    /// The name under which a cloud cosigns: `<deployment>/<cloud>/cosigner`.
    #[must_use]
    pub fn cosigner_name(&self, cloud: Cloud) -> String {
        format!("{}/{cloud}/cosigner", self.deployment)
    }

    /// The key that signs checkpoints of `log`, named after the log.
    ///
    /// # Panics
    /// Never: configuration refuses deployment names that a note cannot carry.
    #[must_use]
    pub fn log_key(&self, log: LogId) -> NoteKey {
        note_key(&log.name(&self.deployment), NoteAlgorithm::Ed25519, self.get(log.origin).log)
    }

    /// The key with which `cloud` cosigns checkpoints of any log.
    ///
    /// # Panics
    /// Never: configuration refuses deployment names that a note cannot carry.
    #[must_use]
    pub fn cosigner_key(&self, cloud: Cloud) -> NoteKey {
        let name = self.cosigner_name(cloud);
        note_key(&name, NoteAlgorithm::CosignatureV1, self.get(cloud).cosigner)
    }

    /// The C2SP policy of the deployment: the logs, and two of the three clouds' cosignatures.
    #[must_use]
    pub fn policy(&self, epochs: &PerCloud<u32>) -> Policy {
        let logs = Cloud::ALL
            .map(|origin| self.log_key(LogId { origin, epoch: *epochs.get(origin) }))
            .to_vec();
        let witnesses =
            Cloud::ALL.map(|cloud| (cloud.name().to_owned(), self.cosigner_key(cloud))).to_vec();
        Policy::of_clouds(logs, witnesses, QUORUM)
    }
}

#[expect(
    clippy::expect_used,
    reason = "configuration admits only deployment names a note can carry"
)]
fn note_key(name: &str, algorithm: NoteAlgorithm, key: PublicKey) -> NoteKey {
    NoteKey::new(name, algorithm, key).expect("a deployment name without spaces or '+'")
}
