//! A load balancer at Cloudflare that follows the selection, and what Cloudflare takes of it.

use core::ops::RangeInclusive;
use std::path::PathBuf;

use domain::fabric::publish::cloudflare::balancer::{
    CONSECUTIVE, INTERVAL_S, RETRIES, TIMEOUT_S, TTL_S,
};
use domain::fabric::publish::cloudflare::is_id;
use serde::{Deserialize, Serialize};

use super::{Broken, Fabric, OnDrift, cloudflare_url};

/// Pools with the clouds' addresses, a monitor of them, and the balancer of the service's name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FabricCloudflareBalancer {
    pub account_id: String,
    pub zone_id: String,
    /// Holds an API token that may edit the zone's load balancers and the account's pools and
    /// monitors; readable by this account alone.
    pub token_file: PathBuf,
    #[serde(default = "cloudflare_url")]
    pub url: String,
    /// Of the answers where the name is not proxied.
    #[serde(default = "ttl_s")]
    pub ttl_s: u32,
    /// Clients go through Cloudflare.
    #[serde(default)]
    pub proxied: bool,
    #[serde(default)]
    pub monitor: BalancerMonitor,
    #[serde(default)]
    pub on_drift: OnDrift,
    /// Everything but writing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Cloudflare's own probes of `/health` at each address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BalancerMonitor {
    /// Without it, Cloudflare follows the clouds' verdict alone.
    pub enabled: bool,
    pub scheme: MonitorScheme,
    /// Absent: the scheme's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    pub interval_s: u32,
    pub timeout_s: u32,
    pub retries: u32,
    pub consecutive_down: u32,
    pub consecutive_up: u32,
}

/// How the addresses are probed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MonitorScheme {
    Http,
    #[default]
    Https,
}

impl MonitorScheme {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MonitorScheme::Http => "http",
            MonitorScheme::Https => "https",
        }
    }
}

impl BalancerMonitor {
    #[must_use]
    pub fn port(&self) -> u16 {
        let usual = match self.scheme {
            MonitorScheme::Http => 80,
            MonitorScheme::Https => 443,
        };
        self.port.unwrap_or(usual)
    }
}

/// Cloudflare's own, but for the two counts, which it has at 0: one lost probe moves nobody.
impl Default for BalancerMonitor {
    fn default() -> Self {
        BalancerMonitor {
            enabled: true,
            scheme: MonitorScheme::default(),
            port: None,
            interval_s: 60,
            timeout_s: 5,
            retries: 2,
            consecutive_down: 2,
            consecutive_up: 2,
        }
    }
}

/// Cloudflare's own.
const fn ttl_s() -> u32 {
    30
}

pub(super) fn rules(fabric: &Fabric) -> Result<(), Broken> {
    let Some(own) = &fabric.cloudflare_balancer else { return Ok(()) };
    let ids = [
        ("fabric.cloudflare_balancer.account_id", &own.account_id),
        ("fabric.cloudflare_balancer.zone_id", &own.zone_id),
    ];
    if let Some((setting, wrong)) = ids.into_iter().find(|(_, id)| !is_id(id)) {
        return Err((setting, format!("\"{wrong}\" is not an id of 32 hex digits")));
    }
    let BalancerMonitor {
        interval_s, timeout_s, retries, consecutive_down, consecutive_up, ..
    } = own.monitor;
    within("fabric.cloudflare_balancer.ttl_s", own.ttl_s, TTL_S)?;
    within("fabric.cloudflare_balancer.monitor.interval_s", interval_s, INTERVAL_S)?;
    within("fabric.cloudflare_balancer.monitor.timeout_s", timeout_s, TIMEOUT_S)?;
    within("fabric.cloudflare_balancer.monitor.retries", retries, RETRIES)?;
    let (down, up) = (consecutive_down, consecutive_up);
    within("fabric.cloudflare_balancer.monitor.consecutive_down", down, CONSECUTIVE)?;
    within("fabric.cloudflare_balancer.monitor.consecutive_up", up, CONSECUTIVE)?;
    if own.monitor.port == Some(0) {
        let what = "0 is no port: it must be 1 to 65535".to_owned();
        return Err(("fabric.cloudflare_balancer.monitor.port", what));
    }
    let addresses = fabric.addresses();
    if addresses.iter().all(|(_, addresses)| addresses.is_empty()) {
        let what = "has nothing to send clients to: name fabric.<cloud>.addresses".to_owned();
        return Err(("fabric.cloudflare_balancer", what));
    }
    Ok(())
}

fn within(setting: &'static str, value: u32, range: RangeInclusive<u32>) -> Result<(), Broken> {
    if range.contains(&value) {
        return Ok(());
    }
    Err((setting, format!("{value} must be {} to {}", range.start(), range.end())))
}
