//! The providers that the configuration names, and how they are called.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::publish::Invalid;
use domain::fabric::publish::cloudflare::balancer::write::Place;
use domain::fabric::publish::cloudflare::balancer::{self, Monitor, health_monitor};
use domain::fabric::publish::cloudflare::is_id;
use domain::fabric::publish::plan::Target;
use domain::fabric::publish::route53::{Policy, Settings};
use domain::fabric::publish::signature::Credentials;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode, Url};

use super::cloudflare::{Api, Cloudflare, CloudflareBalancer};
use super::provider::{Fault, Provider};
use super::route53::Route53;
use super::{OnDrift, Publisher};
use crate::config::{
    BalancerMonitor, Config, Fabric, FabricCloudflare, FabricCloudflareBalancer, FabricRoute53,
    Route53Policy, Secret,
};
use crate::outside::{self, AddressError};

/// A provider that takes longer has other troubles.
const CALL_WAIT: Duration = Duration::from_secs(15);
/// A page of records has some kilobytes.
pub(super) const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Why a provider cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("{setting} \"{path}\" cannot be read: {cause}")]
    File { setting: &'static str, path: String, cause: std::io::Error },
    #[error("{setting} \"{path}\" is empty")]
    Empty { setting: &'static str, path: String },
    #[error("{0} is not an address such as https://api.example.com")]
    Address(&'static str),
    #[error("{0} must begin with https://, as it is not on this machine")]
    Unprotected(&'static str),
    #[error("{0} is not an id of 32 hex digits")]
    Id(&'static str),
    #[error("what it would be sent is refused there: {0}")]
    Invalid(#[from] Invalid),
    #[error("TLS cannot be set up on this machine: {0}")]
    Client(#[from] reqwest::Error),
}

/// Every provider that is configured. None: nothing is published outside.
///
/// # Errors
/// A file with a secret cannot be read, or an address cannot be used.
pub fn publishers(config: &Config) -> Result<Vec<Arc<Publisher>>, PublishError> {
    let (fabric, name) = (&config.fabric, config.service_name());
    let mut publishers = Vec::new();
    let mut add = |provider: Arc<dyn Provider>, on_drift: OnDrift, dry_run: bool| {
        check(&*provider, &fabric.addresses())?;
        publishers.push(Arc::new(Publisher::new(provider, on_drift, dry_run)));
        Ok::<(), PublishError>(())
    };
    if let Some(own) = &fabric.route53 {
        add(Arc::new(route53(own, fabric, &name)?), own.on_drift, own.dry_run)?;
    }
    if let Some(own) = &fabric.cloudflare {
        add(Arc::new(cloudflare(own, &name)?), own.on_drift, own.dry_run)?;
    }
    if let Some(own) = &fabric.cloudflare_balancer {
        add(Arc::new(cloudflare_balancer(own, &name)?), own.on_drift, own.dry_run)?;
    }
    Ok(publishers)
}

/// Whoever serves, there are records for it: a setting that is missing is told now, and not when its
/// cloud comes to serve.
fn check(provider: &dyn Provider, addresses: &PerCloud<Vec<IpAddr>>) -> Result<(), PublishError> {
    for first in Cloud::ALL {
        let order = std::iter::once(first).chain(first.peers());
        let target = |cloud: Cloud| Target {
            cloud,
            addresses: addresses.get(cloud).clone(),
            share: None,
            room: None,
        };
        let targets = order.map(target).filter(|target| !target.addresses.is_empty());
        provider.wanted(&targets.collect::<Vec<_>>(), addresses)?;
    }
    Ok(())
}

/// Route 53, as configured. `name`: what clients resolve.
///
/// # Errors
/// A file with a secret cannot be read, or the address cannot be used.
pub fn route53(own: &FabricRoute53, fabric: &Fabric, name: &str) -> Result<Route53, PublishError> {
    let token = own.session_token_file.as_deref();
    let token = token.map(|path| secret("fabric.route53.session_token_file", path)).transpose()?;
    let key = secret("fabric.route53.secret_file", &own.secret_file)?;
    let endpoint = PerCloud::from_fn(|cloud| fabric.endpoint(cloud).cloned().unwrap_or_default());
    let (base, client) = reach("fabric.route53.url", &own.url)?;
    Ok(Route53 {
        client,
        base,
        zone_id: own.zone_id.trim_start_matches("/hostedzone/").to_owned(),
        credentials: Credentials {
            access_key_id: own.access_key_id.clone(),
            secret_access_key: key.expose().to_owned(),
            session_token: token.map(|token| token.expose().to_owned()),
        },
        settings: Settings {
            name: name.to_owned(),
            ttl_s: own.ttl_s,
            policy: match own.policy {
                Route53Policy::Weighted => Policy::Weighted,
                Route53Policy::Latency => Policy::Latency,
                Route53Policy::Failover => Policy::Failover,
            },
            weights: endpoint.map(|_, it| it.weight.unwrap_or(100)),
            // The nearest of AWS's to each cloud, which people name.
            regions: endpoint.map(|_, it| it.aws_region.clone()),
            health_checks: endpoint.map(|_, it| it.health_check.clone()),
        },
    })
}

/// Cloudflare, as configured. `name`: what clients resolve.
///
/// # Errors
/// The file with the token cannot be read, or the address or zone cannot be used.
pub fn cloudflare(own: &FabricCloudflare, name: &str) -> Result<Cloudflare, PublishError> {
    let (base, client) = reach("fabric.cloudflare.url", &own.url)?;
    let token = secret("fabric.cloudflare.token_file", &own.token_file)?;
    Ok(Cloudflare {
        api: Api { client, base, token, publisher: "cloudflare" },
        zone_id: id("fabric.cloudflare.zone_id", &own.zone_id)?,
        service: name.to_owned(),
        ttl_s: own.ttl_s,
        proxied: own.proxied,
    })
}

/// A load balancer at Cloudflare, as configured. `name`: what clients resolve.
///
/// # Errors
/// The file with the token cannot be read, or the address, account or zone cannot be used.
pub fn cloudflare_balancer(
    own: &FabricCloudflareBalancer,
    name: &str,
) -> Result<CloudflareBalancer, PublishError> {
    let (base, client) = reach("fabric.cloudflare_balancer.url", &own.url)?;
    let token = secret("fabric.cloudflare_balancer.token_file", &own.token_file)?;
    Ok(CloudflareBalancer {
        api: Api { client, base, token, publisher: "cloudflare-balancer" },
        place: Place {
            account_id: id("fabric.cloudflare_balancer.account_id", &own.account_id)?,
            zone_id: id("fabric.cloudflare_balancer.zone_id", &own.zone_id)?,
            service: name.to_owned(),
        },
        settings: balancer::Settings {
            service: name.to_owned(),
            ttl_s: own.ttl_s,
            proxied: own.proxied,
            monitor: own.monitor.enabled.then(|| monitor(&own.monitor, name)),
        },
    })
}

fn monitor(own: &BalancerMonitor, name: &str) -> Monitor {
    Monitor {
        interval: own.interval_s,
        timeout: Some(own.timeout_s),
        retries: own.retries,
        consecutive_down: own.consecutive_down,
        consecutive_up: own.consecutive_up,
        ..health_monitor(name, own.scheme.name(), own.port())
    }
}

fn id(setting: &'static str, text: &str) -> Result<String, PublishError> {
    if is_id(text) { Ok(text.to_owned()) } else { Err(PublishError::Id(setting)) }
}

fn reach(setting: &'static str, text: &str) -> Result<(Url, Client), PublishError> {
    let url = outside::address(text).map_err(|error| match error {
        AddressError::Malformed => PublishError::Address(setting),
        AddressError::Unprotected => PublishError::Unprotected(setting),
    })?;
    let client = outside::client(&url, CALL_WAIT)?;
    Ok((url, client))
}

fn secret(setting: &'static str, path: &Path) -> Result<Secret, PublishError> {
    let shown = || path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|cause| PublishError::File {
        setting,
        path: shown(),
        cause,
    })?;
    let text = text.trim();
    if text.is_empty() {
        return Err(PublishError::Empty { setting, path: shown() });
    }
    Ok(Secret::new(text.to_owned()))
}

/// What a failed call may say: no address, no header.
pub(super) fn unreachable(provider: &str, cause: &reqwest::Error) -> Fault {
    let how = if cause.is_timeout() { "gave no answer in time" } else { "cannot be reached" };
    Fault::Passing { why: format!("{provider} {how}"), wait_ms: None }
}

/// Status, how long we are asked to wait, and the body.
pub(super) async fn answer(
    provider: &str,
    mut response: Response,
    bytes_max: usize,
) -> Result<(StatusCode, Option<u64>, String), Fault> {
    let status = response.status();
    let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let wait_ms = wait.and_then(|text| text.parse::<u64>().ok()).map(|s| s.saturating_mul(1_000));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|cause| unreachable(provider, &cause))? {
        body.extend_from_slice(&chunk);
        if body.len() > bytes_max {
            return Err(Fault::Refused(format!(
                "{provider} answers with more than {bytes_max} bytes"
            )));
        }
    }
    Ok((status, wait_ms, String::from_utf8_lossy(&body).into_owned()))
}
