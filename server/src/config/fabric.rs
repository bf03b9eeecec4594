//! Where clients are sent: the name that is answered, and where each cloud takes its clients.

mod balancer;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::capacity::Capacity;
use domain::fabric::network::Network;
use domain::fabric::score::Policy;
use serde::{Deserialize, Serialize};

use super::Config;
use crate::fabric::OnDrift;

pub use balancer::{BalancerMonitor, FabricCloudflareBalancer, MonitorScheme};

/// The setting that breaks a rule, and which.
type Broken = (&'static str, String);

/// DNS names end at 253 characters.
const NAME_CHARS_MAX: usize = 253;
const LABEL_CHARS_MAX: usize = 63;

/// The same in all three clouds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fabric {
    /// The name that clients resolve, such as `api.example.com`. Absent: `api.` and the deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The zone that is answered for. Absent: the name without its first label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    pub policy: Policy,
    /// Client regions by address, such as `198.51.100.0/24=aws:eu-west-1`.
    pub networks: Vec<String>,
    /// Requests a second that are expected from a client region at its busiest, such as
    /// `aws:eu-west-1=240`. Plans of capacity rest on it.
    pub demand: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcp: Option<Endpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<Endpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure: Option<Endpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route53: Option<FabricRoute53>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloudflare: Option<FabricCloudflare>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloudflare_balancer: Option<FabricCloudflareBalancer>,
}

/// Records at Amazon Route 53 that follow the selection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FabricRoute53 {
    pub zone_id: String,
    pub access_key_id: String,
    /// Holds the secret access key alone; readable by this account alone.
    pub secret_file: PathBuf,
    /// Of temporary credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token_file: Option<PathBuf>,
    #[serde(default = "route53_url")]
    pub url: String,
    #[serde(default)]
    pub policy: Route53Policy,
    #[serde(default = "route53_ttl_s")]
    pub ttl_s: u32,
    #[serde(default)]
    pub on_drift: OnDrift,
    /// Everything but writing.
    #[serde(default)]
    pub dry_run: bool,
}

/// How Route 53 chooses among the clouds' records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Route53Policy {
    #[default]
    Weighted,
    Latency,
    Failover,
}

/// DNS records at Cloudflare that follow the selection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FabricCloudflare {
    pub zone_id: String,
    /// Holds an API token that may edit the zone's records; readable by this account alone.
    pub token_file: PathBuf,
    #[serde(default = "cloudflare_url")]
    pub url: String,
    #[serde(default = "cloudflare_ttl_s")]
    pub ttl_s: u32,
    /// Clients go through Cloudflare.
    #[serde(default)]
    pub proxied: bool,
    #[serde(default)]
    pub on_drift: OnDrift,
    /// Everything but writing.
    #[serde(default)]
    pub dry_run: bool,
}

fn route53_url() -> String {
    "https://route53.amazonaws.com".to_owned()
}

const fn route53_ttl_s() -> u32 {
    30
}

fn cloudflare_url() -> String {
    "https://api.cloudflare.com".to_owned()
}

/// The shortest that Cloudflare takes.
const fn cloudflare_ttl_s() -> u32 {
    60
}

/// Where a cloud takes its clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoint {
    /// What DNS answers.
    pub addresses: Vec<IpAddr>,
    /// What is probed, the same way that clients go. Absent: the cloud's `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The cloud's place in recorded round trips, such as `aws:eu-west-1`. Absent: its name and its
    /// region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Requests a second that it can take. Absent: it takes part in no plan of capacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// Its share at Route 53, 0 to 255. Absent: 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u8>,
    /// The AWS region whose latency stands for it at Route 53, such as `us-east-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_region: Option<String>,
    /// The id of Route 53's health check of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<String>,
}

impl Fabric {
    /// Relative paths start at the configuration's folder.
    pub(super) fn start_at(&mut self, folder: &Path) {
        let route53 = self.route53.as_mut().map(|own| {
            [Some(&mut own.secret_file), own.session_token_file.as_mut()].into_iter().flatten()
        });
        let cloudflare = self.cloudflare.as_mut().map(|own| &mut own.token_file);
        let balancer = self.cloudflare_balancer.as_mut().map(|own| &mut own.token_file);
        for path in route53.into_iter().flatten().chain(cloudflare).chain(balancer) {
            *path = folder.join(&*path);
        }
    }

    #[must_use]
    pub const fn endpoint(&self, cloud: Cloud) -> Option<&Endpoint> {
        match cloud {
            Cloud::Gcp => self.gcp.as_ref(),
            Cloud::Aws => self.aws.as_ref(),
            Cloud::Azure => self.azure.as_ref(),
        }
    }

    /// What DNS answers for each cloud.
    #[must_use]
    pub fn addresses(&self) -> PerCloud<Vec<IpAddr>> {
        PerCloud::from_fn(|cloud| {
            self.endpoint(cloud).map(|endpoint| endpoint.addresses.clone()).unwrap_or_default()
        })
    }

    /// What is expected of each region, as far as it reads.
    #[must_use]
    pub fn demand(&self) -> BTreeMap<String, f64> {
        self.demand.iter().filter_map(|text| expected(text)).collect()
    }

    /// What each cloud can take.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        PerCloud::from_fn(|cloud| self.endpoint(cloud)?.capacity.map(f64::from))
    }

    /// Networks with their regions, as far as they read.
    #[must_use]
    pub fn networks(&self) -> Vec<(Network, String)> {
        self.networks.iter().filter_map(|text| network(text)).collect()
    }
}

impl Config {
    /// The name that clients resolve, in lower case.
    #[must_use]
    pub fn service_name(&self) -> String {
        let name = self.fabric.name.clone();
        name.unwrap_or_else(|| format!("api.{}", self.deployment)).to_ascii_lowercase()
    }

    /// The zone that this deployment answers for, in lower case.
    #[must_use]
    pub fn zone(&self) -> String {
        let name = self.service_name();
        let parent = || name.split_once('.').map_or(name.clone(), |(_, parent)| parent.to_owned());
        self.fabric.zone.clone().unwrap_or_else(parent).to_ascii_lowercase()
    }

    /// Where each cloud is probed: where its clients go.
    #[must_use]
    pub fn endpoints(&self) -> PerCloud<Option<String>> {
        PerCloud::from_fn(|cloud| {
            let own = self.fabric.endpoint(cloud).and_then(|endpoint| endpoint.url.clone());
            let public = || match self.peers.get(cloud) {
                Some(peer) => Some(peer.url.clone()),
                None => (cloud == self.cloud).then(|| self.url.clone()),
            };
            own.or_else(public)
        })
    }

    /// Each cloud's place in recorded round trips.
    #[must_use]
    pub fn sites(&self) -> PerCloud<Option<String>> {
        PerCloud::from_fn(|cloud| {
            let own = self.fabric.endpoint(cloud).and_then(|endpoint| endpoint.site.clone());
            let region = || match self.peers.get(cloud) {
                Some(peer) => Some(peer.region.as_str()),
                None => (cloud == self.cloud).then(|| self.region.as_str()),
            };
            own.or_else(|| region().map(|region| format!("{cloud}:{region}")))
        })
    }
}

pub(super) fn rules(config: &Config) -> Result<(), Broken> {
    for (setting, name) in [("fabric.name", config.service_name()), ("fabric.zone", config.zone())]
    {
        if !is_name(&name) {
            return Err((
                setting,
                format!("\"{name}\" is no DNS name such as \"api.example.com\""),
            ));
        }
    }
    let (name, zone) = (config.service_name(), config.zone());
    if name != zone && !name.ends_with(&format!(".{zone}")) {
        return Err(("fabric.zone", format!("\"{zone}\" is not above \"{name}\"")));
    }
    if let Some(wrong) = config.fabric.networks.iter().find(|text| network(text).is_none()) {
        let what =
            format!("\"{wrong}\" must be a network and a region, such as 198.51.100.0/24=eu");
        return Err(("fabric.networks", what));
    }
    if let Some(wrong) = config.fabric.demand.iter().find(|text| expected(text).is_none()) {
        let what = format!(
            "\"{wrong}\" must be a region and requests a second, such as aws:eu-west-1=240"
        );
        return Err(("fabric.demand", what));
    }
    balancer::rules(&config.fabric)
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fits = |label: &str| (1..=LABEL_CHARS_MAX).contains(&label.len());
    name.len() <= NAME_CHARS_MAX
        && name.split('.').all(|label| fits(label) && label.bytes().all(allowed))
}

fn network(text: &str) -> Option<(Network, String)> {
    let (network, region) = text.split_once('=')?;
    (!region.is_empty()).then_some(())?;
    Some((network.trim().parse().ok()?, region.trim().to_owned()))
}

fn expected(text: &str) -> Option<(String, f64)> {
    let (region, per_s) = text.rsplit_once('=')?;
    let per_s: u32 = per_s.trim().parse().ok()?;
    (!region.trim().is_empty()).then(|| (region.trim().to_owned(), f64::from(per_s)))
}
