//! The calls that a step takes. Cloudflare has no batch of load balancers: each is one of its own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Balancer, MONITOR, Part, Pool};
use crate::fabric::publish::cloudflare::{OURS, account_path, balancers_path};
use crate::fabric::publish::difference::Step;

/// Whose balancer, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub account_id: String,
    pub zone_id: String,
    pub service: String,
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Post,
    /// Fields that are not sent stay as they are.
    Patch,
    /// Fields that are not sent are taken away.
    Put,
    Delete,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub verb: Verb,
    pub path: String,
    pub body: Option<Value>,
    /// Pools that the balancer was to name and that are not there: it goes on without them.
    pub without: Vec<String>,
}

/// It would name something that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{key} cannot be written: {missing} is not there, and is left alone as it was edited by hand"
)]
pub struct Missing {
    pub key: String,
    pub missing: String,
}

impl Place {
    /// Where the balancers are listed.
    #[must_use]
    pub fn balancers(&self) -> String {
        balancers_path(&self.zone_id)
    }

    /// Where the monitors are listed.
    #[must_use]
    pub fn monitors(&self) -> String {
        account_path(&self.account_id, "monitors")
    }

    /// Where the pools are listed.
    #[must_use]
    pub fn pools(&self) -> String {
        account_path(&self.account_id, "pools")
    }

    /// Where the balancer is, if it is there.
    #[must_use]
    pub fn balancer(&self, ids: &BTreeMap<String, String>) -> Option<String> {
        let id = ids.get(&Part::balancer_key(&self.service))?;
        Some(format!("{}/{id}", self.balancers()))
    }

    /// Puts the token where everybody looks before they write, and changes nothing else.
    #[must_use]
    pub fn stamp(&self, ids: &BTreeMap<String, String>, token: u64) -> Option<Call> {
        let body = json!({ "description": self.description(token) });
        Some(Call {
            verb: Verb::Patch,
            path: self.balancer(ids)?,
            body: Some(body),
            without: vec![],
        })
    }

    /// The call for a step; `None`: there is nothing to be done.
    ///
    /// # Errors
    /// It would name something that is not there.
    pub fn call(
        &self,
        step: &Step<Part>,
        ids: &BTreeMap<String, String>,
        token: u64,
    ) -> Result<Option<Call>, Missing> {
        let id = ids.get(&step.key());
        let (part, verb) = match (step, id) {
            (Step::Delete(part), Some(id)) => {
                let path = format!("{}/{id}", self.list(part));
                let (verb, body) = (Verb::Delete, None);
                return Ok(Some(Call { verb, path, body, without: vec![] }));
            }
            (Step::Delete(_), None) => return Ok(None),
            (Step::Change { from, to }, Some(_)) => (to, changing(from, to)),
            (Step::Change { to, .. } | Step::Create(to), _) => (to, Verb::Post),
        };
        let (mut body, without) = body(part, verb, ids)?;
        body["description"] = json!(self.description(token));
        let list = self.list(part);
        let path = match id {
            Some(id) if verb != Verb::Post => format!("{list}/{id}"),
            _ => list,
        };
        Ok(Some(Call { verb, path, body: Some(body), without }))
    }

    /// Says whose it is, for us and for people who see it there.
    fn description(&self, token: u64) -> String {
        format!("{OURS} {} token={token}", self.service)
    }

    fn list(&self, part: &Part) -> String {
        match part {
            Part::Monitor(_) | Part::Spare(_) => self.monitors(),
            Part::Pool(_) => self.pools(),
            Part::Balancer(_) => self.balancers(),
        }
    }
}

fn body(
    part: &Part,
    verb: Verb,
    ids: &BTreeMap<String, String>,
) -> Result<(Value, Vec<String>), Missing> {
    match part {
        Part::Monitor(monitor) => Ok((json!(monitor), vec![])),
        Part::Spare(_) => Ok((json!({}), vec![])),
        Part::Pool(pool) => Ok((json!(with_monitor(pool, ids)?), vec![])),
        Part::Balancer(balancer) => {
            // A new one is enabled, and must not be told so.
            let enabled = balancer.enabled.filter(|_| verb != Verb::Post);
            with_pools(&Balancer { enabled, ..balancer.clone() }, ids)
        }
    }
}

/// What people have set besides stays; only a monitor can be let go of by writing the whole.
fn changing(from: &Part, to: &Part) -> Verb {
    let monitor = |part: &Part| matches!(part, Part::Pool(pool) if pool.monitor.is_some());
    if monitor(from) && !monitor(to) { Verb::Put } else { Verb::Patch }
}

fn with_monitor(pool: &Pool, ids: &BTreeMap<String, String>) -> Result<Pool, Missing> {
    let monitor = match pool.monitor.as_deref() {
        Some(MONITOR) => Some(ids.get(&Part::monitor_key()).cloned().ok_or_else(|| Missing {
            key: Part::pool_key(&pool.name),
            missing: Part::monitor_key(),
        })?),
        other => other.map(str::to_owned),
    };
    Ok(Pool { monitor, ..pool.clone() })
}

/// Better a balancer without one of its pools than clients that are sent where nobody serves.
fn with_pools(
    balancer: &Balancer,
    ids: &BTreeMap<String, String>,
) -> Result<(Value, Vec<String>), Missing> {
    let id = |name: &String| ids.get(&Part::pool_key(name)).cloned();
    let named = balancer.default_pools.iter().chain([&balancer.fallback_pool]);
    let without: BTreeSet<&String> = named.filter(|name| id(name).is_none()).collect();
    let pools: Vec<String> = balancer.default_pools.iter().filter_map(id).collect();
    let Some(first) = pools.first() else {
        let (key, missing) = (Part::balancer_key(&balancer.name), "each of its pools".to_owned());
        return Err(Missing { key, missing });
    };
    let fallback_pool = id(&balancer.fallback_pool).unwrap_or_else(|| first.clone());
    let mut own = Balancer { fallback_pool, default_pools: pools, ..balancer.clone() };
    if let Some(steering) = &mut own.random_steering {
        let weights = std::mem::take(&mut steering.pool_weights);
        let weights = weights.iter().filter_map(|(name, weight)| Some((id(name)?, *weight)));
        steering.pool_weights = weights.collect();
    }
    Ok((json!(own), without.into_iter().cloned().collect()))
}

#[cfg(test)]
mod tests {
    use core::net::IpAddr;

    use super::*;
    use crate::cloud::{Cloud, PerCloud};
    use crate::fabric::publish::cloudflare::balancer::{
        Lists, Settings, health_monitor, in_order, there, wanted,
    };
    use crate::fabric::publish::difference::steps;
    use crate::fabric::publish::plan::Target;

    const SERVICE: &str = "api.example.com";

    fn place() -> Place {
        Place { account_id: "a".repeat(32), zone_id: "b".repeat(32), service: SERVICE.to_owned() }
    }

    fn parts(clouds: &[(Cloud, Option<f64>)], is_probed: bool) -> Vec<Part> {
        let addresses = PerCloud::from_fn(|cloud| {
            vec![IpAddr::from([203, 0, 113, u8::try_from(cloud.index() + 1).expect("three")])]
        });
        let targets: Vec<Target> = clouds
            .iter()
            .map(|(cloud, share)| Target {
                cloud: *cloud,
                addresses: addresses.get(*cloud).clone(),
                share: *share,
            })
            .collect();
        let monitor = is_probed.then(|| health_monitor(SERVICE, "https", 443));
        let settings = Settings { service: SERVICE.to_owned(), ttl_s: 30, proxied: false, monitor };
        wanted(&settings, &targets, &addresses).expect("allowed")
    }

    /// What Cloudflare would list once all of it is taken, with ids as they are given.
    fn taken(wanted: &[Part], token: u64) -> (Lists, Vec<Call>) {
        let (mut lists, mut calls) = (Lists::default(), Vec::new());
        let mut ids = BTreeMap::new();
        for step in in_order(steps(&[], wanted)) {
            let call = place().call(&step, &ids, token).expect("all is there").expect("a call");
            let id = format!("{:032x}", ids.len() + 1);
            let mut item = call.body.clone().expect("a body");
            item["id"] = json!(id);
            ids.insert(step.key(), id);
            match &step {
                Step::Create(Part::Monitor(_)) => lists.monitors.push(item),
                Step::Create(Part::Pool(_)) => lists.pools.push(item),
                _ => lists.balancers.push(item),
            }
            calls.push(call);
        }
        (lists, calls)
    }

    #[test]
    fn names_become_ids_when_they_are_sent_and_names_again_when_they_are_read() {
        for share in [None, Some(0.5)] {
            let wanted = parts(&[(Cloud::Aws, share), (Cloud::Gcp, share)], true);
            let (lists, calls) = taken(&wanted, 7);
            let paths: Vec<&str> = calls.iter().map(|call| call.path.as_str()).collect();
            assert!(paths[0].ends_with("/monitors") && paths[1].ends_with("/pools"), "{paths:?}");
            assert!(calls.iter().all(|call| call.verb == Verb::Post && call.without.is_empty()));
            let pools = &lists.balancers[0]["default_pools"];
            let id = |cloud| {
                let name = crate::fabric::publish::cloudflare::balancer::pool_name(SERVICE, cloud);
                lists.pools.iter().find(|pool| pool["name"] == name).expect("a pool")["id"].clone()
            };
            assert_eq!(*pools, json!([id(Cloud::Aws), id(Cloud::Gcp)]));
            assert_eq!(lists.balancers[0]["fallback_pool"], id(Cloud::Aws));
            assert_eq!(lists.balancers[0].get("enabled"), None, "a new one is not told");
            assert_eq!(lists.pools[0]["monitor"], lists.monitors[0]["id"]);
            let found = there(SERVICE, &lists).expect("ours");
            assert_eq!((steps(&found.parts, &wanted), found.token), (vec![], Some(7)));
        }
    }

    #[test]
    fn a_change_leaves_the_rest_as_it_is_and_only_a_monitor_is_let_go_of_whole() {
        let (before, after) =
            (parts(&[(Cloud::Gcp, None)], true), parts(&[(Cloud::Aws, None)], false));
        let (lists, _) = taken(&before, 7);
        let found = there(SERVICE, &lists).expect("ours");
        let calls = in_order(steps(&found.parts, &after)).into_iter().map(|step| {
            let call = place().call(&step, &found.ids, 8).expect("there").expect("a call");
            let what = call.path.split('/').rev().nth(1).expect("a list").to_owned();
            (call.verb, what)
        });
        let calls: Vec<(Verb, String)> = calls.collect();
        let call = |verb, what: &str| (verb, what.to_owned());
        let pool = || call(Verb::Put, "pools");
        let balancer = call(Verb::Patch, "load_balancers");
        // Aws first, which the balancer is to name; then who may not serve; the monitor is free last.
        let expected = [pool(), balancer, pool(), pool(), call(Verb::Delete, "monitors")];
        assert_eq!(calls, expected);
        let stamp = place().stamp(&found.ids, 8).expect("it is there");
        let body = json!({ "description": "ternion api.example.com token=8" });
        assert_eq!((stamp.verb, stamp.body), (Verb::Patch, Some(body)));
        assert_eq!(place().stamp(&BTreeMap::new(), 8), None);
    }

    #[test]
    fn a_pool_that_somebody_took_away_does_not_hold_up_the_others() {
        let wanted = parts(&[(Cloud::Gcp, None), (Cloud::Aws, None)], true);
        let balancer = Step::Create(wanted.last().expect("a balancer").clone());
        let aws = Part::pool_key("api-example-com-aws");
        let ids = BTreeMap::from([(aws, "2".to_owned())]);
        let call = place().call(&balancer, &ids, 1).expect("one is left").expect("a call");
        let body = call.body.expect("a body");
        assert_eq!(body["default_pools"], json!(["2"]));
        assert_eq!(
            (&body["fallback_pool"], call.without),
            (&json!("2"), vec!["api-example-com-gcp".to_owned()])
        );
        assert!(place().call(&balancer, &BTreeMap::new(), 1).is_err());
        let pool = Step::Create(wanted[1].clone());
        let missing = place().call(&pool, &BTreeMap::new(), 1).expect_err("no monitor");
        assert_eq!(missing.missing, "monitor ternion");
    }
}
