//! Load balancers: pools of origins, monitors that probe them, and the balancer of a name.
//!
//! - Here: what is sent of each, with Cloudflare's limits.
//! - [`Part`]: any of them, as the difference has it. Inside, they name each other by our names.
//! - [`wanted`]: which there should be; [`there`]: which there are; [`write`]: the calls between the
//!   two, with Cloudflare's ids in place of names.

mod part;
mod read;
mod wanted;
pub mod write;

use core::ops::RangeInclusive;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::fabric::publish::{Invalid, name, within};

pub use part::{MONITOR, Part, in_order};
pub use read::{Lists, There, Unusable, there};
pub use wanted::{Settings, health_monitor, pool_name, wanted};

/// Of the DNS answers for a name that is not proxied.
pub const TTL_S: RangeInclusive<u32> = 10..=3_600;
/// The shortest is an Enterprise's; other plans are refused below 15 or 60.
pub const INTERVAL_S: RangeInclusive<u32> = 10..=3_600;
pub const TIMEOUT_S: RangeInclusive<u32> = 1..=10;
pub const RETRIES: RangeInclusive<u32> = 0..=5;
pub const CONSECUTIVE: RangeInclusive<u32> = 0..=10;

/// One address of a pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    #[serde(default)]
    pub name: String,
    pub address: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// 0 to 1.
    #[serde(default = "whole")]
    pub weight: f64,
}

/// A cloud's addresses. Its id is Cloudflare's, and not part of what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    pub name: String,
    pub origins: Vec<Origin>,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    #[serde(default = "one")]
    pub minimum_origins: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<String>,
}

const fn one() -> u32 {
    1
}

const fn yes() -> bool {
    true
}

const fn whole() -> f64 {
    1.0
}

/// Where a client is, for the balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationStrategy {
    pub prefer_ecs: String,
    pub mode: String,
}

/// How the traffic is dealt where the steering is `random`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomSteering {
    /// Of pools that have no weight of their own.
    pub default_weight: f64,
    /// 0 to 1, each beside the others.
    pub pool_weights: BTreeMap<String, f64>,
}

/// The balancer of a name. Pools are named by their ids when it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balancer {
    pub default_pools: Vec<String>,
    pub fallback_pool: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_strategy: Option<LocationStrategy>,
    #[serde(default)]
    pub proxied: bool,
    #[serde(default)]
    pub steering_policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_steering: Option<RandomSteering>,
    /// A new one is, whatever it is told: this can be changed only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Of a name that is not proxied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

/// What probes the origins of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitor {
    #[serde(default)]
    pub consecutive_down: u32,
    #[serde(default)]
    pub consecutive_up: u32,
    #[serde(default)]
    pub expected_codes: String,
    /// `Host`, by which the server's certificate is chosen and checked.
    #[serde(default, deserialize_with = "or_none", skip_serializing_if = "BTreeMap::is_empty")]
    pub header: BTreeMap<String, Vec<String>>,
    pub interval: u32,
    #[serde(default)]
    pub method: String,
    #[serde(default)]
    pub path: String,
    #[serde(default)]
    pub port: u16,
    #[serde(default)]
    pub retries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
    #[serde(rename = "type")]
    pub kind: String,
}

/// `null` is none.
fn or_none<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn one_of(field: &'static str, given: &str, allowed: &[&str]) -> Result<(), Invalid> {
    if allowed.contains(&given) {
        return Ok(());
    }
    Err(Invalid::new(field, format!("\"{given}\""), format!("one of {}", allowed.join(", "))))
}

impl Pool {
    /// # Errors
    /// The first value that Cloudflare's documentation does not allow.
    pub fn checked(self) -> Result<Self, Invalid> {
        let is_name = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if !is_name(&self.name) {
            let must = "letters, digits, - and _";
            return Err(Invalid::new("the pool's name", format!("\"{}\"", self.name), must));
        }
        if self.origins.is_empty() {
            return Err(Invalid::new("the pool's origins", "none", "one or more"));
        }
        for origin in &self.origins {
            if !(0.0..=1.0).contains(&origin.weight) {
                return Err(Invalid::new("the origin's weight", origin.weight, "0 to 1"));
            }
            if origin.address.parse::<core::net::IpAddr>().is_err() {
                name("the origin's address", &origin.address)?;
            }
        }
        let origins = u32::try_from(self.origins.len()).unwrap_or(u32::MAX);
        within("the least number of origins", self.minimum_origins, 0..=origins)?;
        let degrees =
            [("the latitude", self.latitude, 90.0), ("the longitude", self.longitude, 180.0)];
        for (field, value, most) in degrees {
            if let Some(value) = value.filter(|value| !(-most..=most).contains(value)) {
                return Err(Invalid::new(field, value, format!("-{most} to {most}")));
            }
        }
        if self.latitude.is_some() != self.longitude.is_some() {
            return Err(Invalid::new(
                "the place",
                "half of one",
                "latitude and longitude, or neither",
            ));
        }
        Ok(self)
    }
}

impl Balancer {
    /// # Errors
    /// The first value that Cloudflare's documentation does not allow.
    pub fn checked(self) -> Result<Self, Invalid> {
        const STEERING: [&str; 8] = [
            "off",
            "geo",
            "random",
            "dynamic_latency",
            "proximity",
            "least_outstanding_requests",
            "least_connections",
            "",
        ];
        name("the balancer's name", &self.name)?;
        one_of("the steering policy", &self.steering_policy, &STEERING)?;
        if let Some(LocationStrategy { prefer_ecs, mode }) = &self.location_strategy {
            one_of("prefer_ecs", prefer_ecs, &["always", "never", "proximity", "geo"])?;
            one_of("the location's mode", mode, &["pop", "resolver_ip"])?;
        }
        let steering = self.random_steering.iter();
        for weight in steering.flat_map(|steering| steering.pool_weights.values()) {
            if !(0.0..=1.0).contains(weight) {
                return Err(Invalid::new("the pool's weight", weight, "0 to 1"));
            }
        }
        if self.default_pools.is_empty() || self.fallback_pool.is_empty() {
            return Err(Invalid::new("the pools", "none", "one or more, and one to fall back to"));
        }
        match self.ttl {
            Some(ttl) if self.proxied => {
                Err(Invalid::new("the TTL", ttl, "absent where the name is proxied"))
            }
            Some(ttl) => within("the TTL", ttl, TTL_S).map(|()| self),
            None => Ok(self),
        }
    }
}

impl Monitor {
    /// # Errors
    /// The first value that Cloudflare's documentation does not allow.
    pub fn checked(self) -> Result<Self, Invalid> {
        one_of("the monitor's type", &self.kind, &["http", "https"])?;
        one_of("the method", &self.method, &["GET", "HEAD"])?;
        within("consecutive_down", self.consecutive_down, CONSECUTIVE)?;
        within("consecutive_up", self.consecutive_up, CONSECUTIVE)?;
        within("the retries", self.retries, RETRIES)?;
        within("the interval", self.interval, INTERVAL_S)?;
        if let Some(timeout) = self.timeout {
            within("the timeout", timeout, TIMEOUT_S)?;
        }
        if !self.path.starts_with('/') {
            return Err(Invalid::new(
                "the path",
                format!("\"{}\"", self.path),
                "one that begins with /",
            ));
        }
        if self.port == 0 {
            return Err(Invalid::new("the port", 0, "1 to 65535"));
        }
        Ok(self)
    }
}

impl fmt::Display for Monitor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Monitor { kind, method, path, port, interval, retries, .. } = self;
        let Monitor { consecutive_down: down, consecutive_up: up, expected_codes, .. } = self;
        let timeout = self.timeout.map(|timeout| format!(", {timeout} s each")).unwrap_or_default();
        write!(
            out,
            "monitor {method} {kind} {port} {path} every {interval} s: {expected_codes}, \
             {retries} retries, {down} down, {up} up{timeout}"
        )?;
        let mut hosts =
            self.header.iter().map(|(name, values)| format!("{name} {}", values.join(" ")));
        hosts.try_for_each(|host| write!(out, ", {host}"))
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.enabled { "enabled" } else { "disabled" };
        let origins = self.origins.iter().map(|origin| {
            let off = if origin.enabled { "" } else { " (disabled)" };
            format!("{}{}{off}", origin.address, times(origin.weight))
        });
        write!(out, "pool {} {state}: {}", self.name, origins.collect::<Vec<_>>().join(" "))?;
        if self.minimum_origins != one() {
            write!(out, ", at least {}", self.minimum_origins)?;
        }
        self.monitor.iter().try_for_each(|monitor| write!(out, ", monitor {monitor}"))
    }
}

impl fmt::Display for Balancer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Balancer { name, steering_policy, fallback_pool, .. } = self;
        let weight = |pool: &String| {
            let own = self.random_steering.as_ref()?.pool_weights.get(pool).copied();
            own.map(times)
        };
        let pools = self.default_pools.iter();
        let pools = pools.map(|pool| format!("{pool}{}", weight(pool).unwrap_or_default()));
        let pools = pools.collect::<Vec<_>>().join(" ");
        write!(out, "balancer {name} {steering_policy}")?;
        if let Some(ttl) = self.ttl {
            write!(out, " {ttl}")?;
        }
        write!(out, ": {pools}, else {fallback_pool}")?;
        let proxied = if self.proxied { " (proxied)" } else { "" };
        let off = if self.enabled == Some(false) { " (disabled)" } else { "" };
        write!(out, "{proxied}{off}")
    }
}

/// Nothing where it is whole.
fn times(weight: f64) -> String {
    if (weight - whole()).abs() < f64::EPSILON { String::new() } else { format!("×{weight}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool {
        let origin = |weight| Origin {
            name: "gcp-1".to_owned(),
            address: "203.0.113.1".to_owned(),
            enabled: true,
            weight,
        };
        Pool {
            name: "gcp".to_owned(),
            origins: vec![origin(1.0)],
            enabled: true,
            latitude: Some(41.26),
            longitude: Some(-95.86),
            minimum_origins: 1,
            monitor: None,
        }
    }

    #[test]
    fn what_cloudflare_does_not_allow_in_a_pool_is_refused() {
        assert!(pool().checked().is_ok());
        assert_eq!(pool().to_string(), "pool gcp enabled: 203.0.113.1");
        let wrong = [
            Pool { name: "g cp".to_owned(), ..pool() },
            Pool { origins: Vec::new(), ..pool() },
            Pool { latitude: Some(91.0), ..pool() },
            Pool { longitude: None, ..pool() },
            Pool { minimum_origins: 2, ..pool() },
            Pool { origins: vec![Origin { weight: 1.5, ..pool().origins[0].clone() }], ..pool() },
        ];
        for one in wrong {
            assert!(one.clone().checked().is_err(), "{one:?}");
        }
    }
}
