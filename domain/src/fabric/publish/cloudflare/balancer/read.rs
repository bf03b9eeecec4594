//! What is there of ours, of all that an account and its zone hold.

use core::net::IpAddr;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::write::WRITING;
use super::{Balancer, MONITOR, Monitor, Part, Pool, pool_name};
use crate::cloud::Cloud;
use crate::fabric::publish::cloudflare::OURS;
use crate::fabric::publish::difference::Entry as _;

/// As Cloudflare lists them, ours and others'.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lists {
    pub monitors: Vec<Value>,
    pub pools: Vec<Value>,
    pub balancers: Vec<Value>,
}

/// What is there of one service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct There {
    pub parts: Vec<Part>,
    /// Cloudflare's ids, by key.
    pub ids: BTreeMap<String, String>,
    /// Pools as they are listed, by key: with all that people have set in them.
    pub pools: BTreeMap<String, Value>,
    /// What says that its writer is not done: it writes at this moment, or has stopped half-way.
    pub writing: Vec<Part>,
    /// The highest that stands anywhere: of who wrote last.
    pub token: Option<u64>,
}

/// People must do something first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error(
        "the {what} \"{name}\" is there already, and was not made here: delete it, or have its \
         description begin with \"{OURS} {service}\" for it to be taken over"
    )]
    Foreign { what: &'static str, name: String, service: String },
    #[error("the {what} \"{name}\" cannot be read: {why}")]
    Unreadable { what: &'static str, name: String, why: String },
}

/// # Errors
/// Something has a name of ours and is not ours, or cannot be read.
pub fn there(service: &str, lists: &Lists) -> Result<There, Unusable> {
    let mut there = There::default();
    let is_ours = |item: &&Value| is_of(item, service);
    let monitors: Vec<&Value> = lists.monitors.iter().filter(is_ours).collect();
    let pools = named(service, "pool", &lists.pools, |name| {
        Cloud::ALL.iter().any(|cloud| pool_name(service, *cloud) == name)
    })?;
    let balancers = named(service, "load balancer", &lists.balancers, |name| name == service)?;
    let tokens = monitors.iter().chain(&pools).chain(&balancers).filter_map(|item| token(item));
    there.token = tokens.max();
    let kept = kept(&monitors, &pools);
    for item in monitors {
        let part = if id(item) == kept {
            Part::Monitor(monitor(read("monitor", item)?))
        } else {
            Part::Spare(id(item).to_owned())
        };
        there.add(part, item);
    }
    for item in pools {
        let part = Part::Pool(pool(read("pool", item)?, &kept));
        there.pools.insert(part.key(), item.clone());
        there.add(part, item);
    }
    for item in balancers {
        let part = Part::Balancer(balancer(read("load balancer", item)?, &there.ids));
        there.add(part, item);
    }
    Ok(there)
}

impl There {
    fn add(&mut self, part: Part, item: &Value) {
        self.ids.insert(part.key(), id(item).to_owned());
        if words(item).any(|word| word == WRITING) {
            self.writing.push(part.clone());
        }
        self.parts.push(part);
    }
}

/// The token of the grant under which this was written last.
fn token(item: &Value) -> Option<u64> {
    words(item).find_map(|word| word.strip_prefix("token=")?.parse().ok())
}

fn words(item: &Value) -> impl Iterator<Item = &str> {
    item["description"].as_str().unwrap_or_default().split_whitespace()
}

fn is_of(item: &Value, service: &str) -> bool {
    words(item).take(2).eq([OURS, service])
}

fn id(item: &Value) -> &str {
    item["id"].as_str().unwrap_or_default()
}

fn named<'a>(
    service: &str,
    what: &'static str,
    items: &'a [Value],
    is_name: impl Fn(&str) -> bool,
) -> Result<Vec<&'a Value>, Unusable> {
    let own = items.iter().filter(|item| item["name"].as_str().is_some_and(&is_name));
    own.map(|item| {
        let name = item["name"].as_str().unwrap_or_default().to_owned();
        let foreign = || Unusable::Foreign { what, name, service: service.to_owned() };
        is_of(item, service).then_some(item).ok_or_else(foreign)
    })
    .collect()
}

fn read<T: DeserializeOwned>(what: &'static str, item: &Value) -> Result<T, Unusable> {
    serde_json::from_value(item.clone()).map_err(|cause| {
        let name = item["name"].as_str().unwrap_or(id(item)).to_owned();
        Unusable::Unreadable { what, name, why: cause.to_string() }
    })
}

/// The monitor that goes on: one that a pool uses, else the first. The same one on every cloud.
fn kept(monitors: &[&Value], pools: &[&Value]) -> String {
    let mut ids: Vec<&str> = monitors.iter().map(|item| id(item)).collect();
    ids.sort_unstable();
    let is_used = |one: &&&str| pools.iter().any(|pool| pool["monitor"] == ***one);
    ids.iter().find(is_used).or(ids.first()).map(|id| (*id).to_owned()).unwrap_or_default()
}

/// Without a port Cloudflare takes the usual one.
fn monitor(mut monitor: Monitor) -> Monitor {
    if monitor.port == 0 {
        monitor.port = if monitor.kind == "http" { 80 } else { 443 };
    }
    monitor
}

/// What we do not write is not compared: it is as people want it.
fn pool(mut pool: Pool, monitor_id: &str) -> Pool {
    (pool.latitude, pool.longitude) = (None, None);
    pool.monitor = pool
        .monitor
        .filter(|id| !id.is_empty())
        .map(|id| if id == monitor_id { MONITOR.to_owned() } else { id });
    for origin in &mut pool.origins {
        if let Ok(address) = origin.address.parse::<IpAddr>() {
            origin.address = address.to_string();
        }
    }
    pool.origins.sort_by_key(|origin| (origin.address.parse::<IpAddr>().ok(), origin.name.clone()));
    pool
}

fn balancer(mut balancer: Balancer, ids: &BTreeMap<String, String>) -> Balancer {
    let names: BTreeMap<&str, &str> = ids
        .iter()
        .filter_map(|(key, id)| Some((id.as_str(), key.strip_prefix("pool ")?)))
        .collect();
    let name = |id: &str| names.get(id).map_or_else(|| id.to_owned(), |name| (*name).to_owned());
    balancer.default_pools = balancer.default_pools.iter().map(|id| name(id)).collect();
    balancer.fallback_pool = name(&balancer.fallback_pool);
    if balancer.steering_policy.is_empty() {
        "off".clone_into(&mut balancer.steering_policy);
    }
    let steers = balancer.steering_policy == "random";
    balancer.random_steering = balancer.random_steering.filter(|_| steers).map(|mut steering| {
        let weights = std::mem::take(&mut steering.pool_weights);
        steering.pool_weights = weights.iter().map(|(id, weight)| (name(id), *weight)).collect();
        steering
    });
    balancer.location_strategy = None;
    balancer.ttl = balancer.ttl.filter(|_| !balancer.proxied);
    balancer.enabled = Some(balancer.enabled.unwrap_or(true));
    balancer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SERVICE: &str = "api.example.com";

    fn monitor(id: &str, description: &str) -> Value {
        json!({
            "id": id, "description": description, "type": "https", "method": "GET", "path": "/health",
            "interval": 60, "retries": 2, "timeout": 5, "expected_codes": "200", "port": 0,
            "header": null, "follow_redirects": false, "created_on": "2014-01-01T05:20:00.12345Z"
        })
    }

    fn pool(name: &str, description: &str, monitor: &str) -> Value {
        json!({
            "id": format!("id-of-{name}"), "name": name, "description": description,
            "monitor": monitor, "check_regions": null, "latitude": 55.0, "longitude": -12.5,
            "origins": [
                { "name": "b", "address": "2001:DB8:0::1", "enabled": true, "weight": 1 },
                { "name": "a", "address": "203.0.113.1", "port": 0 }
            ]
        })
    }

    fn lists() -> Lists {
        Lists {
            monitors: vec![
                monitor("3", "ternion api.example.com token=4"),
                monitor("1", "Login page monitor"),
                monitor("2", "ternion api.example.com token=3"),
            ],
            pools: vec![
                pool("api-example-com-gcp", "ternion api.example.com token=9", "3"),
                pool("api-example-com-aws", "ternion api.example.com token=5", ""),
                pool("api-example-com-standby", "by hand", "1"),
            ],
            balancers: vec![
                json!({
                    "id": "b", "name": SERVICE, "description": "ternion api.example.com token=5",
                    "default_pools": ["id-of-api-example-com-aws", "id-of-api-example-com-standby"],
                    "fallback_pool": "id-of-api-example-com-gcp", "steering_policy": "", "ttl": 30,
                    "proxied": true, "enabled": false, "rules": [], "session_affinity": "none"
                }),
                json!({ "id": "c", "name": "www.example.com", "description": "by hand" }),
            ],
        }
    }

    #[test]
    fn ours_are_read_by_our_names_and_what_is_others_is_not_seen() {
        let found = there(SERVICE, &lists()).expect("ours");
        let lines: Vec<String> = found.parts.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "monitor GET https 443 /health every 60 s: 200, 2 retries, 0 down, 0 up, 5 s each",
                "monitor 2, one too many",
                "pool api-example-com-gcp enabled: 203.0.113.1 2001:db8::1, monitor ternion",
                "pool api-example-com-aws enabled: 203.0.113.1 2001:db8::1",
                "balancer api.example.com off: api-example-com-aws id-of-api-example-com-standby, \
                 else api-example-com-gcp (proxied) (disabled)",
            ]
        );
        assert_eq!(found.token, Some(9));
        assert_eq!(found.ids.len(), 5);
    }

    #[test]
    fn a_name_of_ours_that_others_use_is_told_and_not_taken() {
        let mut taken = lists();
        taken.pools[1]["description"] = json!("by hand");
        let told = there(SERVICE, &taken).expect_err("not ours").to_string();
        assert!(
            told.contains("pool \"api-example-com-aws\"")
                && told.contains("ternion api.example.com")
        );
        let mut taken = lists();
        taken.balancers[0]["description"] = json!("ternion other.example.com token=1");
        assert!(there(SERVICE, &taken).is_err());
        let mut broken = lists();
        broken.balancers[0]["default_pools"] = json!("none");
        assert!(matches!(there(SERVICE, &broken), Err(Unusable::Unreadable { .. })));
    }
}
