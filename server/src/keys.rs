//! A cloud's private keys, and the deployment's public ones.

pub mod external;
mod file;
mod ring;
mod signer;
pub mod text;

use domain::cloud::{Cloud, PerCloud};
use domain::epoch::{EpochKeys, Genesis};
use domain::key::{PublicKey, SigningKey};
use domain::log::Hash;
use domain::quorum::Mode;

pub use external::External;
pub use file::{KeyError, load_or_make_cosigner, read_private};
pub use ring::{KeyPair, Keyring};
pub use signer::Signer;

use crate::config::{Config, Peer};

/// One cloud's public keys: one key a role, so that a signature made for one purpose can never
/// be replayed for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudPublicKeys {
    pub log: PublicKey,
    pub cosigner: PublicKey,
    pub transport: PublicKey,
}

/// One cloud's keys of its first epoch. The transport key changes by configuration and signs every
/// message, so it is always a file; the others may be held elsewhere.
#[derive(Clone, Debug)]
pub struct CloudKeys {
    pub log: Signer,
    pub cosigner: Signer,
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

/// The deployment's name, its mode, and everybody's first public keys, as pinned in each cloud's
/// configuration. Later keys follow from it by epoch records ([`domain::epoch`]).
#[derive(Clone, Debug)]
pub struct Roster {
    pub deployment: String,
    pub mode: Mode,
    pub keys: PerCloud<CloudPublicKeys>,
    /// The fourth cosigner's key, where there is one.
    pub witness: Option<PublicKey>,
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
    #[error(
        "the configuration pins the genesis {pinned}, but its deployment name, mode and first \
         public keys come to {genesis}: one of them is not what the deployment began with"
    )]
    Genesis { pinned: Hash, genesis: Hash },
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
        seen.extend(config.witness.as_ref().map(|witness| witness.key));
        for cloud in [config.cloud].into_iter().chain(config.cloud.peers()) {
            let CloudPublicKeys { log, cosigner, transport } = keys.get(cloud);
            if ![log, cosigner, transport].into_iter().all(|key| seen.insert(*key)) {
                return Err(RosterError::Shared(cloud));
            }
        }
        let (deployment, mode) = (config.deployment.clone(), config.mode);
        let witness = config.witness.as_ref().map(|witness| witness.key);
        let roster = Roster { deployment, mode, keys, witness };
        let genesis = roster.genesis().hash();
        if let Some(pinned) = config.genesis.filter(|pinned| *pinned != genesis) {
            return Err(RosterError::Genesis { pinned, genesis });
        }
        Ok(roster)
    }

    #[must_use]
    pub const fn get(&self, cloud: Cloud) -> &CloudPublicKeys {
        self.keys.get(cloud)
    }

    /// What the deployment begins with.
    #[must_use]
    pub fn genesis(&self) -> Genesis {
        Genesis {
            deployment: self.deployment.clone(),
            mode: self.mode,
            clouds: self.keys.map(|_, keys| EpochKeys { log: keys.log, cosigner: keys.cosigner }),
            witness: self.witness,
        }
    }
}
