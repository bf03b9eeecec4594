//! The calls that a step takes. Cloudflare has no batch of load balancers: each is one of its own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Balancer, MONITOR, Part, Pool};
use crate::fabric::publish::cloudflare::{OURS, account_path, balancers_path};
use crate::fabric::publish::difference::{Entry as _, Step};

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

/// What a description says of who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub token: u64,
    /// More calls of the same writer follow: what is there is no state that anybody wants yet.
    pub writing: bool,
}

/// What stands in a description as long as its writer is not done.
pub const WRITING: &str = "writing";

/// What Cloudflare tells of a pool and is not told, and the monitor, which is let go of.
const NOT_SENT: [&str; 6] =
    ["id", "created_on", "modified_on", "disabled_at", "healthy", "monitor"];

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

    /// Puts the stamp on a part that is there, and changes nothing else.
    #[must_use]
    pub fn stamp(&self, part: &Part, ids: &BTreeMap<String, String>, stamp: Stamp) -> Option<Call> {
        let path = format!("{}/{}", self.list(part), ids.get(&part.key())?);
        let body = json!({ "description": self.description(stamp) });
        Some(Call { verb: Verb::Patch, path, body: Some(body), without: vec![] })
    }

    /// The call for a step; `None`: there is nothing to be done. `pools`: as they are listed, by key.
    ///
    /// # Errors
    /// It would name something that is not there.
    pub fn call(
        &self,
        step: &Step<Part>,
        ids: &BTreeMap<String, String>,
        pools: &BTreeMap<String, Value>,
        stamp: Stamp,
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
        let (mut body, without) = body(part, verb, ids, pools)?;
        body["description"] = json!(self.description(stamp));
        let list = self.list(part);
        let path = match id {
            Some(id) if verb != Verb::Post => format!("{list}/{id}"),
            _ => list,
        };
        Ok(Some(Call { verb, path, body: Some(body), without }))
    }

    /// Says whose it is, for us and for people who see it there.
    fn description(&self, stamp: Stamp) -> String {
        let Stamp { token, writing } = stamp;
        let more = if writing { format!(" {WRITING}") } else { String::new() };
        format!("{OURS} {} token={token}{more}", self.service)
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
    pools: &BTreeMap<String, Value>,
) -> Result<(Value, Vec<String>), Missing> {
    match part {
        Part::Monitor(monitor) => Ok((json!(monitor), vec![])),
        Part::Spare(_) => Ok((json!({}), vec![])),
        Part::Pool(pool) => {
            let listed = pools.get(&part.key()).filter(|_| verb == Verb::Put);
            let mut whole = listed.map(kept).unwrap_or_default();
            if let Value::Object(own) = json!(with_monitor(pool, ids)?) {
                whole.extend(own);
            }
            Ok((Value::Object(whole), vec![]))
        }
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

/// All of a listed pool that a call has to send for it to stay as people have set it.
fn kept(listed: &Value) -> Map<String, Value> {
    let fields = listed.as_object().into_iter().flatten();
    // Nothing is what Cloudflare takes where nothing is sent.
    let set = fields.filter(|(name, value)| !value.is_null() && !NOT_SENT.contains(&name.as_str()));
    set.map(|(name, value)| (name.clone(), value.clone())).collect()
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
                room: None,
            })
            .collect();
        let monitor = is_probed.then(|| health_monitor(SERVICE, "https", 443));
        let settings = Settings { service: SERVICE.to_owned(), ttl_s: 30, proxied: false, monitor };
        wanted(&settings, &targets, &addresses).expect("allowed")
    }

    const fn done(token: u64) -> Stamp {
        Stamp { token, writing: false }
    }

    /// What Cloudflare would list once all of it is taken, with ids as they are given.
    fn taken(wanted: &[Part], token: u64) -> (Lists, Vec<Call>) {
        let (mut lists, mut calls) = (Lists::default(), Vec::new());
        let (mut ids, none) = (BTreeMap::new(), BTreeMap::new());
        for step in in_order(steps(&[], wanted)) {
            let call = place().call(&step, &ids, &none, done(token));
            let call = call.expect("all is there").expect("a call");
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
            let call = place().call(&step, &found.ids, &found.pools, done(8));
            let call = call.expect("there").expect("a call");
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
    }

    #[test]
    fn whoever_writes_says_so_until_the_last_call_and_changes_nothing_else_by_that() {
        let (lists, _) = taken(&parts(&[(Cloud::Gcp, None)], true), 7);
        let found = there(SERVICE, &lists).expect("ours");
        assert_eq!(found.writing, []);
        let balancer = found.parts.last().expect("a balancer");
        for (writing, description) in [(true, "token=8 writing"), (false, "token=8")] {
            let stamp = Stamp { token: 8, writing };
            let call = place().stamp(balancer, &found.ids, stamp).expect("it is there");
            let body = json!({ "description": format!("ternion api.example.com {description}") });
            let path = format!("{}/{}", place().balancers(), found.ids[&balancer.key()]);
            assert_eq!(
                (call.verb, &call.path, call.body.as_ref()),
                (Verb::Patch, &path, Some(&body))
            );
            assert_eq!(place().stamp(balancer, &BTreeMap::new(), stamp), None);
            let mut stamped = lists.clone();
            stamped.balancers[0]["description"] = body["description"].clone();
            let seen = there(SERVICE, &stamped).expect("ours");
            assert_eq!((seen.token, seen.writing.len()), (Some(8), usize::from(writing)));
            assert_eq!(seen.parts, found.parts, "what it is does not depend on who writes");
        }
    }

    #[test]
    fn a_pool_that_lets_go_of_its_monitor_keeps_what_people_have_set() {
        let (before, after) =
            (parts(&[(Cloud::Gcp, None)], true), parts(&[(Cloud::Gcp, None)], false));
        let (mut lists, _) = taken(&before, 7);
        let set = json!({
            "latitude": 41.26, "longitude": -95.86, "check_regions": ["WEU"],
            "load_shedding": { "default_percent": 5, "default_policy": "random" }
        });
        let told = json!({
            "created_on": "2026-11-01T00:00:00Z", "modified_on": "2026-11-02T00:00:00Z",
            "disabled_at": null, "notification_filter": null
        });
        for (name, value) in [&set, &told].into_iter().filter_map(Value::as_object).flatten() {
            lists.pools[0][name] = value.clone();
        }
        let found = there(SERVICE, &lists).expect("ours");
        let name = lists.pools[0]["name"].as_str().expect("a name");
        let steps = steps(&found.parts, &after);
        let step = steps.iter().find(|step| step.key() == Part::pool_key(name)).expect("a step");
        let call = place().call(step, &found.ids, &found.pools, done(8));
        let call = call.expect("there").expect("a call");
        let body = call.body.expect("a body");
        assert_eq!(call.verb, Verb::Put);
        for (name, value) in set.as_object().expect("fields") {
            assert_eq!(&body[name], value, "{name}");
        }
        for gone in ["id", "monitor", "created_on", "modified_on", "disabled_at"] {
            assert_eq!(body.get(gone), None, "{gone}");
        }
        assert_eq!(body["description"], "ternion api.example.com token=8");
        assert_eq!(body["origins"], lists.pools[0]["origins"]);
    }

    #[test]
    fn a_pool_that_somebody_took_away_does_not_hold_up_the_others() {
        let wanted = parts(&[(Cloud::Gcp, None), (Cloud::Aws, None)], true);
        let balancer = Step::Create(wanted.last().expect("a balancer").clone());
        let aws = Part::pool_key("api-example-com-aws");
        let ids = BTreeMap::from([(aws, "2".to_owned())]);
        let none = BTreeMap::new();
        let call = place().call(&balancer, &ids, &none, done(1));
        let call = call.expect("one is left").expect("a call");
        let body = call.body.expect("a body");
        assert_eq!(body["default_pools"], json!(["2"]));
        assert_eq!(
            (&body["fallback_pool"], call.without),
            (&json!("2"), vec!["api-example-com-gcp".to_owned()])
        );
        assert!(place().call(&balancer, &BTreeMap::new(), &none, done(1)).is_err());
        let pool = Step::Create(wanted[1].clone());
        let missing =
            place().call(&pool, &BTreeMap::new(), &none, done(1)).expect_err("no monitor");
        assert_eq!(missing.missing, "monitor ternion");
    }
}
