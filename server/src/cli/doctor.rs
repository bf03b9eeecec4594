//! `ternion doctor`: what would keep this cloud from running, asked without changing anything.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

use super::client::reason;
use super::{ConfigArguments, Outcome};
use crate::anchor;
use crate::config::Config;
use crate::keys::{CloudKeys, Roster};
use crate::postgres;

/// Look for what would keep this cloud from running; changes nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion doctor --config gcp.toml")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
}

/// A peer that does not answer by then is called unreachable.
const PEER_WAIT: Duration = Duration::from_secs(3);
/// Below this a busy cloud fills its disk within hours.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// Its version, and how many connections it leaves to accounts that are no superusers.
const SERVER: &str = "SELECT version(), current_setting('max_connections')::integer \
    - current_setting('superuser_reserved_connections')::integer";

/// What was looked at, and what was found.
struct Finding {
    what: &'static str,
    found: Result<String, String>,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        let config = self.config.load()?;
        let mut findings = vec![
            finding("keys", keys(&config)),
            finding("genesis", genesis(&config)),
            finding("disk", disk(&config)),
            finding("addresses", addresses(&config).await),
            finding("database", database(&config).await),
        ];
        findings.extend(peers(&config).await);
        findings.extend(anchors(&config).await);
        for Finding { what, found } in &findings {
            match found {
                Ok(text) => println!("ok    {what}: {text}"),
                Err(text) => println!("WRONG {what}: {text}"),
            }
        }
        let healthy = findings.iter().all(|finding| finding.found.is_ok());
        Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

const fn finding(what: &'static str, found: Result<String, String>) -> Finding {
    Finding { what, found }
}

fn keys(config: &Config) -> Result<String, String> {
    let folder = config.key_folder();
    if !folder.exists() {
        return Ok(format!("none yet; made in {} at the first start", folder.display()));
    }
    roster(config)?;
    Ok(format!("three in {}, and six of the peers", folder.display()))
}

fn roster(config: &Config) -> Result<Roster, String> {
    let signer = config.external_signer();
    let keys = CloudKeys::load(&config.key_folder(), signer.as_ref());
    Roster::of(config, &keys.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
}

/// What the deployment began with, to be compared at the other clouds and pinned.
fn genesis(config: &Config) -> Result<String, String> {
    if !config.key_folder().exists() {
        return Ok("not known before there are keys; `ternion keygen` makes them".to_owned());
    }
    let genesis =
        roster(config).map_err(|_| "not known while keys are wrong".to_owned())?.genesis();
    let hash = genesis.hash();
    Ok(match config.genesis {
        Some(_) => format!("{hash}, as the configuration pins it"),
        None => format!(
            "{hash}; compare it at the other clouds, then pin it: genesis = \"{hash}\" in each \
             configuration"
        ),
    })
}

fn disk(config: &Config) -> Result<String, String> {
    let mut folders = config.data.ancestors();
    let existing = folders.find(|folder| folder.exists()).unwrap_or(std::path::Path::new("."));
    let space = nix::sys::statvfs::statvfs(existing).map_err(|error| error.to_string())?;
    #[expect(clippy::useless_conversion, reason = "the types differ between systems")]
    let free = u64::from(space.blocks_available()).saturating_mul(space.fragment_size());
    let text = format!("{} MB free at {}", free >> 20, existing.display());
    if free < FREE_BYTES_MIN { Err(text) } else { Ok(text) }
}

async fn addresses(config: &Config) -> Result<String, String> {
    let mut told = Vec::new();
    for at in &config.listen {
        told.push(match TcpListener::bind(at) {
            Ok(_) => format!("{at} free"),
            Err(error) if error.kind() == ErrorKind::AddrInUse => holder(config, *at).await?,
            Err(error) => return Err(format!("{at}: {error}")),
        });
    }
    Ok(told.join(", "))
}

/// Who holds an address that this cloud is to listen on: itself, running already, or somebody else.
async fn holder(config: &Config, at: SocketAddr) -> Result<String, String> {
    let client = reqwest::Client::builder().timeout(PEER_WAIT).no_proxy().build();
    let client = client.map_err(|error| error.to_string())?;
    let asked = async {
        let health = client.get(format!("http://{at}/health")).send().await?;
        let health: serde_json::Value = health.json().await?;
        let policy = client.get(format!("http://{at}/v1/policy-file")).send().await?.text().await?;
        Ok::<_, reqwest::Error>((health, policy))
    };
    // Any cloud of the deployment serves that policy file; only this one says that it is this one.
    let log = format!("log {}/{}/", config.deployment, config.cloud);
    match asked.await {
        Ok((health, policy)) if health["cloud"] == config.cloud.name() && policy.contains(&log) => {
            Ok(format!("{at} held by {} itself, which is running", config.cloud))
        }
        _ => Err(format!(
            "{at} is held by another program: stop that one, or choose another address in `listen`"
        )),
    }
}

async fn database(config: &Config) -> Result<String, String> {
    let Some(url) = &config.database_url else {
        let server = postgres::describe_embedded(config).map_err(|error| error.to_string())?;
        if let Some(options) = postgres::running_embedded(config).await {
            ask(&options, config.postgres.connections).await?;
        }
        return Ok(server);
    };
    let options = PgConnectOptions::from_str(url.expose()).map_err(|error| error.to_string())?;
    ask(&options, config.postgres.connections).await
}

/// The server's version, if it has room for `wanted` connections. Others that use it are not
/// counted: they come and go.
async fn ask(options: &PgConnectOptions, wanted: u32) -> Result<String, String> {
    let asking = async {
        let mut session = PgConnection::connect_with(options).await?;
        let answer: (String, i32) = sqlx::query_as(SERVER).fetch_one(&mut session).await?;
        session.close().await?;
        Ok(answer)
    };
    let (version, room) = asking.await.map_err(|error: sqlx::Error| error.to_string())?;
    if i64::from(room) < i64::from(wanted) {
        return Err(format!(
            "it takes {room} connections and postgres.connections is {wanted}: raise \
             max_connections there, or lower postgres.connections"
        ));
    }
    Ok(version)
}

async fn peers(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for cloud in config.cloud.peers() {
        let found = match config.peers.get(cloud) {
            Some(peer) => reach(&peer.url).await,
            None => Err(format!("peers.{cloud} is missing from the configuration")),
        };
        findings.push(finding(cloud.name(), found));
    }
    findings
}

/// Asks each publisher whether it could publish now. An authority is asked for a stamp.
async fn anchors(config: &Config) -> Vec<Finding> {
    let clients = match anchor::publishers(&config.anchor) {
        Ok(clients) => clients,
        Err(error) => return vec![finding("anchors", Err(error.to_string()))],
    };
    if clients.is_empty() {
        let none = "not anchored externally: no publisher is configured".to_owned();
        return vec![finding("anchors", Ok(none))];
    }
    let mut findings = Vec::new();
    for client in clients {
        let found = client.check().await.map_err(|fault| fault.to_string());
        findings.push(finding(client.publisher().name(), found));
    }
    findings
}

async fn reach(url: &str) -> Result<String, String> {
    let client = reqwest::Client::builder().timeout(PEER_WAIT).no_proxy().build();
    let client = client.map_err(|error| error.to_string())?;
    let answer = client.get(format!("{url}/livez")).send().await;
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(format!("{url} answers")),
        Ok(answer) => Err(format!("{url} answers {}", answer.status())),
        Err(error) => Err(format!("{url} cannot be reached: {}", reason(&error))),
    }
}
