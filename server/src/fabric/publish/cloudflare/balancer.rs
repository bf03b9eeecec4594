//! Cloudflare's load balancer of a name, with a pool for each cloud and the monitor of those.
//!
//! Cloudflare has no batch here, and no condition on a write. So whoever writes first puts its token
//! on the balancer, and looks there again before each call: a slow writer of before is at most one
//! call late. What stopped half-way is read at the next look, by whomever, and gone on with.

use std::collections::BTreeMap;
use std::net::IpAddr;

use async_trait::async_trait;
use domain::cloud::PerCloud;
use domain::fabric::publish::Invalid;
use domain::fabric::publish::cloudflare::balancer::write::{Call, Place, Verb};
use domain::fabric::publish::cloudflare::balancer::{
    self, Lists, Part, Settings, in_order, there, token,
};
use domain::fabric::publish::difference::Step;
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

    fn wanted(
        &self,
        targets: &[Target],
        addresses: &PerCloud<Vec<IpAddr>>,
    ) -> Result<Vec<Record>, Invalid> {
        let parts = balancer::wanted(&self.settings, targets, addresses)?;
        Ok(parts.into_iter().map(Record::Balancer).collect())
    }

    async fn read(&self) -> Result<Found, Fault> {
        let lists = Lists {
            monitors: self.api.list(&self.place.monitors(), "").await?,
            pools: self.api.list(&self.place.pools(), "").await?,
            balancers: self.api.list(&self.place.balancers(), "").await?,
        };
        let there = there(&self.place.service, &lists);
        let there = there.map_err(|cause| Fault::Refused(cause.to_string()))?;
        let records = there.parts.into_iter().map(Record::Balancer).collect();
        Ok(Found { records, ids: there.ids, token: there.token, writer: None })
    }

    async fn apply(
        &self,
        steps: &[Step<Record>],
        found: &Found,
        fence: Fence,
    ) -> Result<(), Fault> {
        let now = self.read().await?;
        if now.token > found.token || now.token > Some(fence.token) {
            return Err(overtaken());
        }
        let mut ids = now.ids;
        if let Some(stamp) = self.place.stamp(&ids, fence.token).filter(|_| !steps.is_empty()) {
            self.send(&stamp).await?;
        }
        let mut without = Vec::new();
        for step in in_order(steps.iter().filter_map(|step| step.other(own)).collect()) {
            self.is_not_overtaken(&ids, fence.token).await?;
            without.extend(self.take(&step, &mut ids, fence.token).await?);
        }
        if without.is_empty() {
            return Ok(());
        }
        let why = format!(
            "the balancer goes on without {}: somebody has deleted it, and it is left alone",
            without.join(", ")
        );
        Err(Fault::Refused(why))
    }
}

impl CloudflareBalancer {
    /// Which pools the balancer has to go on without.
    async fn take(
        &self,
        step: &Step<Part>,
        ids: &mut BTreeMap<String, String>,
        token: u64,
    ) -> Result<Vec<String>, Fault> {
        let call = self.place.call(step, ids, token);
        let Some(call) = call.map_err(|cause| Fault::Refused(cause.to_string()))? else {
            return Ok(Vec::new());
        };
        let result = self.send(&call).await?;
        match call.verb {
            Verb::Post => {
                let id = result["id"].as_str().unwrap_or_default().to_owned();
                ids.insert(step.key(), id);
            }
            Verb::Delete => drop(ids.remove(&step.key())),
            Verb::Patch | Verb::Put => {}
        }
        Ok(call.without)
    }

    /// As good as it can be had here.
    async fn is_not_overtaken(
        &self,
        ids: &BTreeMap<String, String>,
        own: u64,
    ) -> Result<(), Fault> {
        let stands = match self.place.balancer(ids) {
            Some(path) => token(&self.api.call(Method::GET, &path, None, None).await?.0),
            // A first writer has nothing to put its token on before the pools are there.
            None => self.read().await?.token,
        };
        if stands > Some(own) { Err(overtaken()) } else { Ok(()) }
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

fn own(record: &Record) -> Option<Part> {
    match record {
        Record::Balancer(part) => Some(part.clone()),
        Record::Route53(_) | Record::Cloudflare(_) => None,
    }
}
