//! Who is blamed: what a key's name says about its holder and its part in a log.

use crate::cloud::Cloud;
use crate::evidence::Kind;
use crate::key::{KeyRole, NoteAlgorithm, NoteKey};
use crate::log::LogId;
use crate::policy::Policy;

/// A cloud, by one of its keys, in one log. A claim of names until a policy vouches for the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accused {
    pub cloud: Cloud,
    /// [`KeyRole::Log`] or [`KeyRole::Cosigner`].
    pub role: KeyRole,
    pub log: LogId,
}

impl Accused {
    /// Reads the names of a log and of a key: `<deployment>/<cloud>/<epoch>` signs the log of that
    /// name, `<deployment>/<cloud>/…` cosigns logs of that deployment. `None`: neither.
    pub(super) fn of_names(log_name: &str, key: &NoteKey) -> Option<Self> {
        let (deployment, log) = LogId::of_name(log_name)?;
        match key.algorithm() {
            NoteAlgorithm::Ed25519 => (key.name() == log_name).then_some(Accused {
                cloud: log.origin,
                role: KeyRole::Log,
                log,
            }),
            NoteAlgorithm::CosignatureV1 => {
                let within = key.name().strip_prefix(deployment)?.strip_prefix('/')?;
                let cloud = within.split('/').next()?.parse().ok()?;
                Some(Accused { cloud, role: KeyRole::Cosigner, log })
            }
        }
    }

    /// Can this key be blamed for that? Only an origin writes its log, and only others confirm it.
    pub(super) fn fits(&self, kind: Kind) -> bool {
        let is_origin = self.cloud == self.log.origin;
        match kind {
            Kind::Equivocation | Kind::BadEntry => is_origin,
            Kind::DoubleCosignature => !is_origin,
        }
    }

    /// `gcp's log key`.
    #[must_use]
    pub fn whose_key(&self) -> String {
        format!("{}'s {} key", self.cloud, self.role.name())
    }
}

/// Does the policy name this very key, in this role?
pub(super) fn is_named(policy: &Policy, key: &NoteKey) -> bool {
    match key.algorithm() {
        NoteAlgorithm::Ed25519 => policy.logs().contains(key),
        NoteAlgorithm::CosignatureV1 => policy.witnesses().any(|(_, known)| known == key),
    }
}
