//! A cloud's three private keys, and the deployment's public ones.

use domain::cloud::{Cloud, PerCloud};
use domain::key::{NoteAlgorithm, NoteKey, PublicKey, SigningKey};
use domain::log::LogId;
use domain::policy::Policy;
use domain::quorum::QUORUM;

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

impl Roster {
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

#[expect(clippy::expect_used, reason = "configuration admits only deployment names a note can carry")]
fn note_key(name: &str, algorithm: NoteAlgorithm, key: PublicKey) -> NoteKey {
    NoteKey::new(name, algorithm, key).expect("a deployment name without spaces or '+'")
}
