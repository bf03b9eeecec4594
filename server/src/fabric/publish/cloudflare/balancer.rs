//! Cloudflare's load balancer of a name, with a pool for each cloud and the monitor of those.
//!
//! Cloudflare has no batch here, and no condition on a write. So whoever writes first puts its token
//! on the balancer, and reads the tokens of all parts again before each call: a slow writer of before
//! is at most one call late, besides its token. Until the last call the token says `writing`: what
//! stopped half-way is read at the next look, by whomever, and gone on with.

use std::collections::BTreeMap;
use std::net::IpAddr;

use async_trait::async_trait;
use domain::cloud::PerCloud;
use domain::fabric::publish::Invalid;
use domain::fabric::publish::cloudflare::balancer::write::{Call, Place, Stamp, Verb};
use domain::fabric::publish::cloudflare::balancer::{
    self, Lists, Part, Settings, There, in_order, there,
};
use domain::fabric::publish::cloudflare::is_id;
use domain::fabric::publish::difference::{self, Entry as _, Step};
use domain::fabric::publish::plan::Target;
use domain::fabric::publish::route53::Fence;
use reqwest::Method;
use serde_json::Value;

use super::super::provider::{Fault, Found, Provider, Record};
use super::{Api, overtaken};

/// One name in one zone.
#[derive(Debug)]
pub struct CloudflareBalancer {
    pub(in super::super) api: Api,
    pub(in super::super) place: Place,
    pub(in super::super) settings: Settings,
}

#[async_trait]
impl Provider for CloudflareBalancer {
    fn name(&self) -> &'static str {
        self.api.publisher
    }

    fn place(&self) -> String {
        let Place { account_id, zone_id, .. } = &self.place;
        format!("load balancer in zone {zone_id} of account {account_id} at {}", self.api.host())
    }

    fn deals_by_weight(&self) -> bool {
        true
    }

    fn wanted(
        &self,
        targets: &[Target],
        addresses: &PerCloud<Vec<IpAddr>>,
    ) -> Result<Vec<Record>, Invalid> {
        let parts = balancer::wanted(&self.settings, targets, addresses)?;
        Ok(parts.into_iter().map(Record::Balancer).collect())
    }

    async fn read(&self) -> Result<Found, Fault> {
        let there = self.there().await?;
        Ok(Found {
            records: there.parts.into_iter().map(Record::Balancer).collect(),
            ids: there.ids,
            token: there.token,
            writer: None,
            under_way: !there.writing.is_empty(),
        })
    }

    async fn apply(
        &self,
        steps: &[Step<Record>],
        found: &Found,
        fence: Fence,
    ) -> Result<(), Fault> {
        let now = self.there().await?;
        if now.token > found.token || now.token > Some(fence.token) {
            return Err(overtaken());
        }
        let steps = in_order(steps.iter().filter_map(|step| step.other(own)).collect());
        if steps.is_empty() && now.writing.is_empty() {
            return Ok(());
        }
        let mut writer = Writer {
            to: self,
            token: fence.token,
            ids: now.ids.clone(),
            marked: now.writing.clone(),
            without: Vec::new(),
        };
        writer.begin(&now).await?;
        for step in &steps {
            writer.take(step).await?;
        }
        writer.end().await
    }
}

impl CloudflareBalancer {
    async fn there(&self) -> Result<There, Fault> {
        let lists = Lists {
            monitors: self.api.list(&self.place.monitors(), "").await?,
            pools: self.api.list(&self.place.pools(), "").await?,
            balancers: self.api.list(&self.place.balancers(), "").await?,
        };
        there(&self.place.service, &lists).map_err(|cause| Fault::Refused(cause.to_string()))
    }

    async fn send(&self, call: &Call) -> Result<Value, Fault> {
        let method = match call.verb {
            Verb::Post => Method::POST,
            Verb::Patch => Method::PATCH,
            Verb::Put => Method::PUT,
            Verb::Delete => Method::DELETE,
        };
        let (result, _) = self.api.call(method, &call.path, None, call.body.as_ref()).await?;
        Ok(result)
    }
}

/// One writer, from its token to its last call.
struct Writer<'a> {
    to: &'a CloudflareBalancer,
    token: u64,
    /// Cloudflare's ids, by key.
    ids: BTreeMap<String, String>,
    /// What says that its writer is not done.
    marked: Vec<Part>,
    /// Pools that the balancer has to go on without.
    without: Vec<String>,
}

impl Writer<'_> {
    /// Puts the token where everybody sees it. It may have come so late that it stands over that of
    /// who wrote meanwhile: then another part has the later one still, or is not as it was.
    async fn begin(&mut self, now: &There) -> Result<(), Fault> {
        let Some(balancer) = now.parts.iter().find(|part| matches!(part, Part::Balancer(_))) else {
            // A first writer has nothing to put it on: the first thing that it makes has it.
            return Ok(());
        };
        let Some(call) = self.to.place.stamp(balancer, &self.ids, self.stamp(true)) else {
            return Ok(());
        };
        self.to.send(&call).await?;
        self.mark(balancer);
        let then = self.unless_overtaken().await?;
        if difference::steps(&now.parts, &then.parts).is_empty() {
            Ok(())
        } else {
            Err(overtaken())
        }
    }

    async fn take(&mut self, step: &Step<Part>) -> Result<(), Fault> {
        let there = self.unless_overtaken().await?;
        // Something says so at every moment, and the same thing to the end.
        let says_so = self.marked.is_empty() || self.is_marked(&step.key());
        let call = self.to.place.call(step, &self.ids, &there.pools, self.stamp(says_so));
        let Some(call) = call.map_err(|cause| Fault::Refused(cause.to_string()))? else {
            return Ok(());
        };
        let result = self.to.send(&call).await?;
        match call.verb {
            Verb::Post => drop(self.ids.insert(step.key(), id_of(&result, &step.key())?)),
            Verb::Delete => drop(self.ids.remove(&step.key())),
            Verb::Patch | Verb::Put => {}
        }
        if let Step::Create(part) | Step::Change { to: part, .. } = step
            && says_so
        {
            self.mark(part);
        }
        self.without.extend(call.without);
        Ok(())
    }

    /// Nothing says any more that more is to come.
    async fn end(self) -> Result<(), Fault> {
        for part in &self.marked {
            // What was taken away meanwhile says nothing.
            let call = self.to.place.stamp(part, &self.ids, self.stamp(false));
            let Some(call) = call else { continue };
            self.unless_overtaken().await?;
            self.to.send(&call).await?;
        }
        if self.without.is_empty() {
            return Ok(());
        }
        let why = format!(
            "the balancer goes on without {}: somebody has deleted it, and it is left alone",
            self.without.join(", ")
        );
        Err(Fault::Refused(why))
    }

    /// What is there, if no part has a later token: as good as it can be had here.
    async fn unless_overtaken(&self) -> Result<There, Fault> {
        let there = self.to.there().await?;
        if there.token > Some(self.token) { Err(overtaken()) } else { Ok(there) }
    }

    const fn stamp(&self, writing: bool) -> Stamp {
        Stamp { token: self.token, writing }
    }

    fn mark(&mut self, part: &Part) {
        if !self.is_marked(&part.key()) {
            self.marked.push(part.clone());
        }
    }

    fn is_marked(&self, key: &str) -> bool {
        self.marked.iter().any(|part| part.key() == key)
    }
}

/// Without its id, what was made cannot be named by others: the next look finds it.
fn id_of(result: &Value, key: &str) -> Result<String, Fault> {
    let id = result["id"].as_str().filter(|id| is_id(id));
    id.map(str::to_owned).ok_or_else(|| Fault::Passing {
        why: format!("Cloudflare has made {key} and does not say under which id"),
        wait_ms: None,
    })
}

fn own(record: &Record) -> Option<Part> {
    match record {
        Record::Balancer(part) => Some(part.clone()),
        Record::Route53(_) | Record::Cloudflare(_) => None,
    }
}
