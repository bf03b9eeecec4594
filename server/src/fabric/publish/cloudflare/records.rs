//! Cloudflare's DNS records.

use std::net::IpAddr;

use async_trait::async_trait;
use domain::cloud::PerCloud;
use domain::fabric::publish::Invalid;
use domain::fabric::publish::cloudflare::{self, DnsRecord, batch, marked};
use domain::fabric::publish::difference::{Entry as _, Step};
use domain::fabric::publish::plan::Target;
use domain::fabric::publish::route53::Fence;
use reqwest::Method;

use super::super::provider::{Fault, Found, Provider, Record};
use super::{Api, overtaken};

/// One zone.
#[derive(Debug)]
pub struct Cloudflare {
    pub(in super::super) api: Api,
    pub(in super::super) zone_id: String,
    /// The name that clients resolve.
    pub(in super::super) service: String,
    pub(in super::super) ttl_s: u32,
    pub(in super::super) proxied: bool,
}

#[async_trait]
impl Provider for Cloudflare {
    fn name(&self) -> &'static str {
        self.api.publisher
    }

    fn place(&self) -> String {
        format!("zone {} at {}", self.zone_id, self.api.host())
    }

    fn deals_by_weight(&self) -> bool {
        false
    }

    fn wanted(
        &self,
        targets: &[Target],
        _addresses: &PerCloud<Vec<IpAddr>>,
    ) -> Result<Vec<Record>, Invalid> {
        let records = cloudflare::wanted(&self.service, self.ttl_s, self.proxied, targets)?;
        Ok(records.into_iter().map(Record::Cloudflare).collect())
    }

    async fn read(&self) -> Result<Found, Fault> {
        let path = cloudflare::records_path(&self.zone_id);
        let query = format!("name={}&per_page=100&", self.service);
        let mut found = Found::default();
        for item in self.api.list(&path, &query).await? {
            let id = item["id"].as_str().unwrap_or_default().to_owned();
            let record: Result<DnsRecord, _> = serde_json::from_value(item);
            // Other types, and records of other people, are none of ours.
            let Some(record) = record.ok().filter(DnsRecord::is_ours) else { continue };
            if let Some(token) = record.token().filter(|token| Some(*token) > found.token) {
                found.token = Some(token);
            }
            let record = without_token(record);
            found.ids.insert(record.key(), id);
            found.records.push(Record::Cloudflare(record));
        }
        Ok(found)
    }

    async fn apply(
        &self,
        steps: &[Step<Record>],
        found: &Found,
        fence: Fence,
    ) -> Result<(), Fault> {
        // The best that can be had here: nobody wrote a higher token until just now.
        let now = self.read().await?;
        if now.token > found.token || now.token > Some(fence.token) {
            return Err(overtaken());
        }
        let there: Vec<DnsRecord> = now.records.iter().filter_map(own).collect();
        let own = marked(steps.iter().filter_map(|step| step.other(own)).collect(), &there);
        let batch = batch(&own, &now.ids, fence.token);
        if batch.steps > 0 {
            let path = format!("{}/batch", cloudflare::records_path(&self.zone_id));
            self.api.call(Method::POST, &path, None, Some(&batch.body)).await?;
        }
        Ok(())
    }
}

/// What a record is does not depend on who wrote it.
fn without_token(mut record: DnsRecord) -> DnsRecord {
    let words = record.comment.split_whitespace().filter(|word| !word.starts_with("token="));
    record.comment = words.collect::<Vec<_>>().join(" ");
    record
}

fn own(record: &Record) -> Option<DnsRecord> {
    match record {
        Record::Cloudflare(record) => Some(record.clone()),
        Record::Route53(_) | Record::Balancer(_) => None,
    }
}
