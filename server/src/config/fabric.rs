//! Where clients are sent: the name that is answered, and where each cloud takes its clients.

use std::collections::BTreeMap;
use std::net::IpAddr;

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::capacity::Capacity;
use domain::fabric::network::Network;
use domain::fabric::score::Policy;
use serde::{Deserialize, Serialize};

use super::Config;

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
}

impl Fabric {
    const fn endpoint(&self, cloud: Cloud) -> Option<&Endpoint> {
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
    Ok(())
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
