//! The one typed configuration: a TOML file, then the environment (`TERNION_*`), then flags.
//!
//! Later layers win, setting by setting. Unknown keys are refused, with their position and the
//! key that was probably meant. `docs/operations.md` is the reference.

mod anchor;
mod check;
mod fabric;
mod layer;
mod print;
mod secret;
mod setting;
#[cfg(test)]
mod tests;
mod webhook;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::cloud::{Cloud, PerCloud};
use domain::event::Region;
use domain::key::PublicKey;
use domain::log::Hash;
use domain::quorum::Mode;
use serde::{Deserialize, Serialize};

pub use anchor::{Anchor, AnchorAuthority, AnchorBitcoin, AnchorEthereum};
pub use fabric::{
    BalancerMonitor, Endpoint, Fabric, FabricCloudflare, FabricCloudflareBalancer, FabricRoute53,
    MonitorScheme, Route53Policy,
};
pub use layer::{ConfigError, Layers, Source, Sources};
pub use print::effective;
pub use secret::Secret;
pub use setting::{Kind, SETTINGS, Setting};
pub use webhook::Webhook;

use crate::keys::{self, External};

/// Everything one cloud is told before it starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The deployment's name, such as `demo.ternion.example`: the prefix of key and log names.
    pub deployment: String,
    pub cloud: Cloud,
    /// Where this node runs; recorded in events that name no region.
    pub region: Region,
    /// Addresses for people, programs and the other clouds.
    #[serde(default = "default_listen")]
    pub listen: Vec<SocketAddr>,
    /// Addresses of the DNS authority; none: it does not run.
    #[serde(default)]
    pub dns_listen: Vec<SocketAddr>,
    /// Where others reach this cloud, such as `https://gcp.ternion.example`.
    pub url: String,
    /// Keys, and the embedded database. A relative path starts at the configuration file.
    #[serde(default = "default_data")]
    pub data: PathBuf,
    /// Absent: the program runs a Postgres of its own in `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_url: Option<Secret>,
    /// What FINAL means: `2of3`, `unanimous` or `witness`. The same in all three clouds.
    #[serde(default)]
    pub mode: Mode,
    /// The hash of what the deployment began with, as `ternion doctor` prints it: a mistake in a
    /// key or in the mode is then found at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesis: Option<Hash>,
    /// The fourth cosigner, where the mode wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
    /// Sample users with public passwords and the fault lab. Only on loopback addresses.
    #[serde(default)]
    pub demonstration: bool,
    /// Tell the demonstration's sample story.
    #[serde(default)]
    pub story: bool,
    /// Where the demonstration's supervisor answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lab_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lab_secret: Option<Secret>,
    /// Who holds the log and cosigner keys, if not files: see [`keys::external`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<keys::external::Reach>,
    /// The other two clouds and their pinned public keys.
    #[serde(default, deserialize_with = "peers")]
    pub peers: PerCloud<Option<Peer>>,
    /// Where hashes of snapshots are published; nothing: nowhere outside.
    #[serde(default)]
    pub anchor: Anchor,
    /// Where clients are sent.
    #[serde(default)]
    pub fabric: Fabric,
    /// Who is told what needs people; only in the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhook: Vec<Webhook>,
    #[serde(default)]
    pub postgres: Postgres,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub log: Log,
}

/// Another cloud: where it is, and the keys by which it is known. `ternion keygen` prints this
/// table for the cloud it runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    pub url: String,
    /// Where this cloud's messages to it go, if not to `url`: a private connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_url: Option<String>,
    pub region: Region,
    #[serde(with = "keys::text")]
    pub log_key: PublicKey,
    #[serde(with = "keys::text")]
    pub cosigner_key: PublicKey,
    #[serde(with = "keys::text")]
    pub transport_key: PublicKey,
}

/// The fourth cosigner (`ternion witness`): where it is, and the key by which it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    pub url: String,
    #[serde(with = "keys::text")]
    pub key: PublicKey,
}

/// The connection to Postgres, and the embedded server where there is one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Postgres {
    /// Most connections of this node, the ledger's writers' among them.
    pub connections: u32,
    /// Longest wait for a connection: a stopped database shall be answered with 503 quickly.
    pub acquire_ms: u64,
    /// Longest statement of a request.
    pub statement_ms: u64,
    /// Folder with `postgres` and `initdb`; absent: the newest version found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bin: Option<PathBuf>,
    /// The account that the embedded server runs under when this program is root.
    pub account: String,
    /// Memory for the embedded server's page cache.
    pub shared_buffers_mb: u32,
    /// Above this much write-ahead log the embedded server writes a checkpoint.
    pub wal_max_mb: u32,
}

impl Default for Postgres {
    fn default() -> Self {
        Postgres {
            connections: 20,
            acquire_ms: 2_000,
            statement_ms: 15_000,
            bin: None,
            account: "postgres".to_owned(),
            shared_buffers_mb: 128,
            wal_max_mb: 512,
        }
    }
}

/// A limit on everything that others can make this node do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest request body: a full batch of events of ordinary size.
    pub body_bytes: usize,
    /// Events that wait to be written; beyond it, intake answers 503. At a thousand a second the
    /// default is the longest wait worth having.
    pub intake_events: usize,
    /// Most events of one group commit.
    pub batch_events: usize,
    /// How long an event waits for others to be committed with; 0: not at all. Whatever arrives
    /// while the disk is busy goes together anyway.
    pub batch_ms: u64,
    /// Requests in progress; beyond it, 503.
    pub requests: usize,
    /// Requests that wait for finality; they are not counted as in progress. Beyond it, 503.
    pub waiters: usize,
    /// Open `/v1/stream` connections; beyond it, 503.
    pub streams: usize,
    /// Longest `?wait=final`.
    pub wait_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: 8 * 1024 * 1024,
            intake_events: 10_000,
            batch_events: 1_000,
            batch_ms: 0,
            requests: 512,
            // Some kilobytes and a connection each; while finality stands still many gather.
            waiters: 2_048,
            streams: 256,
            wait_ms: 30_000,
        }
    }
}

/// What is logged, and in which form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub format: LogFormat,
    /// As of `tracing_subscriber::EnvFilter`, such as `info,server::ledger=debug`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Log { format: LogFormat::Human, filter: "info".to_owned() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for a terminal.
    Human,
    /// One object a line, for log collectors.
    Json,
}

impl Config {
    /// Reads `file`, then this process's environment, then `flags` of the form `key=value`.
    ///
    /// # Errors
    /// The file cannot be read, or a setting is unknown, malformed or breaks a rule; the message
    /// says where it stands.
    pub fn load(file: Option<&Path>, flags: &[String]) -> Result<Config, ConfigError> {
        Ok(Layers::of_process(file, flags)?.build()?.0)
    }

    /// Where each cloud's node is reached from here, this one included.
    #[must_use]
    pub fn urls(&self) -> PerCloud<Option<String>> {
        PerCloud::from_fn(|cloud| match self.peers.get(cloud) {
            Some(peer) => Some(peer.link_url.as_ref().unwrap_or(&peer.url).clone()),
            None if cloud == self.cloud => Some(self.url.clone()),
            None => None,
        })
    }

    /// Who signs for this cloud, if not files.
    #[must_use]
    pub fn external_signer(&self) -> Option<Arc<External>> {
        self.signer.clone().map(External::new)
    }

    /// Where this cloud's private keys are.
    #[must_use]
    pub fn key_folder(&self) -> PathBuf {
        self.data.join("keys")
    }
}

fn default_listen() -> Vec<SocketAddr> {
    vec![SocketAddr::from(([127, 0, 0, 1], 3000))]
}

fn default_data() -> PathBuf {
    PathBuf::from("data")
}

/// As `PerCloud`, and strict about names: a peer under a misspelt cloud must not go unnoticed.
fn peers<'de, D: serde::Deserializer<'de>>(input: D) -> Result<PerCloud<Option<Peer>>, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Peers {
        gcp: Option<Peer>,
        aws: Option<Peer>,
        azure: Option<Peer>,
    }
    let Peers { gcp, aws, azure } = Peers::deserialize(input)?;
    Ok(PerCloud { gcp, aws, azure })
}
