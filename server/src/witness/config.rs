//! What a witness is told before it starts: a TOML file of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use domain::cloud::PerCloud;
use domain::epoch::{EpochKeys, Genesis};
use domain::key::PublicKey;
use domain::log::Hash;
use domain::quorum::Mode;
use serde::Deserialize;

use crate::config::{Log, Peer};

/// Everything one witness is told before it starts. `docs/operations.md` is the reference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// The deployment's name, as the clouds have it.
    pub deployment: String,
    /// What FINAL means there.
    #[serde(default = "default_mode")]
    pub mode: Mode,
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// The key, and the heads that were signed. A relative path starts at the configuration file.
    #[serde(default = "default_data")]
    pub data: PathBuf,
    /// The hash of what the deployment began with, as in the clouds' configurations.
    #[serde(default)]
    pub genesis: Option<Hash>,
    /// The three clouds, as `ternion keygen` prints them.
    pub peers: PerCloud<Peer>,
    #[serde(default)]
    pub log: Log,
}

fn default_mode() -> Mode {
    Mode::Witness
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 3003))
}

fn default_data() -> PathBuf {
    PathBuf::from("ternion-witness")
}

/// The witness's configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WitnessConfigError {
    #[error("the configuration {} cannot be read: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("{}: {cause}", path.display())]
    Wrong { path: PathBuf, cause: toml::de::Error },
}

impl WitnessConfig {
    /// # Errors
    /// The file cannot be read, or a setting is unknown, missing or malformed.
    pub fn load(path: &Path) -> Result<Self, WitnessConfigError> {
        let text = std::fs::read_to_string(path);
        let text =
            text.map_err(|cause| WitnessConfigError::Unreadable { path: path.to_owned(), cause })?;
        let config: WitnessConfig = toml::from_str(&text)
            .map_err(|cause| WitnessConfigError::Wrong { path: path.to_owned(), cause })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Ok(WitnessConfig { data: folder.join(&config.data), ..config })
    }

    pub(super) fn key_folder(&self) -> PathBuf {
        self.data.join("keys")
    }

    /// What the deployment began with, with this witness in it.
    pub(super) fn genesis_with(&self, key: PublicKey) -> Genesis {
        let keys = |peer: &Peer| EpochKeys { log: peer.log_key, cosigner: peer.cosigner_key };
        Genesis {
            deployment: self.deployment.clone(),
            mode: self.mode,
            clouds: self.peers.map(|_, peer| keys(peer)),
            witness: Some(key),
        }
    }
}
