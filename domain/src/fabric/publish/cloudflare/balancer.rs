//! Load balancers: pools of origins, monitors that probe them, and the balancer of a name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fabric::publish::difference::Entry;
use crate::fabric::publish::{Invalid, name, within};

/// One address of a pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub name: String,
    pub address: String,
    pub enabled: bool,
    /// 0 to 1.
    pub weight: f64,
}

/// A cloud's addresses. Its id is Cloudflare's, and not part of what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    pub name: String,
    pub origins: Vec<Origin>,
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

/// Where a client is, for the balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationStrategy {
    pub prefer_ecs: String,
    pub mode: String,
}

/// The balancer of a name. Pools are named by their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balancer {
    pub default_pools: Vec<String>,
    pub fallback_pool: String,
    pub name: String,
    pub location_strategy: LocationStrategy,
    pub proxied: bool,
    pub steering_policy: String,
    /// Of a name that is not proxied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

/// What probes the origins of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitor {
    pub consecutive_down: u32,
    pub consecutive_up: u32,
    pub expected_codes: String,
    pub interval: u32,
    pub method: String,
    pub path: String,
    pub port: u16,
    pub retries: u32,
    #[serde(rename = "type")]
    pub kind: String,
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
        let LocationStrategy { prefer_ecs, mode } = &self.location_strategy;
        one_of("prefer_ecs", prefer_ecs, &["always", "never", "proximity", "geo"])?;
        one_of("the location's mode", mode, &["pop", "resolver_ip"])?;
        if self.default_pools.is_empty() || self.fallback_pool.is_empty() {
            return Err(Invalid::new("the pools", "none", "one or more, and one to fall back to"));
        }
        match self.ttl {
            Some(ttl) if self.proxied => {
                Err(Invalid::new("the TTL", ttl, "absent where the name is proxied"))
            }
            Some(ttl) => within("the TTL", ttl, 10..=3_600).map(|()| self),
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
        within("consecutive_down", self.consecutive_down, 0..=10)?;
        within("consecutive_up", self.consecutive_up, 0..=10)?;
        within("the retries", self.retries, 0..=5)?;
        within("the interval", self.interval, 5..=3_600)?;
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

impl Entry for Pool {
    fn key(&self) -> String {
        self.name.clone()
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.enabled { "enabled" } else { "disabled" };
        let origins = self.origins.iter().map(|origin| {
            let off = if origin.enabled { "" } else { " (disabled)" };
            format!("{}{off}", origin.address)
        });
        write!(out, "pool {} {state}: {}", self.name, origins.collect::<Vec<_>>().join(" "))
    }
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
