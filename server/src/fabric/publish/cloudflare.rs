//! Cloudflare's DNS records over its HTTP API.

use std::net::IpAddr;

use async_trait::async_trait;
use domain::cloud::PerCloud;
use domain::fabric::publish::Invalid;
use domain::fabric::publish::cloudflare::{self, Answer, DnsRecord, PageInfo, batch, marked};
use domain::fabric::publish::difference::{Entry as _, Step};
use domain::fabric::publish::plan::Target;
use domain::fabric::publish::route53::Fence;
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::Value;

use super::provider::{Fault, Found, Provider, Record};
use super::setup::{ANSWER_BYTES_MAX, answer, unreachable};
use crate::config::Secret;

/// One zone.
#[derive(Debug)]
pub struct Cloudflare {
    pub(super) client: Client,
    pub(super) base: Url,
    pub(super) zone_id: String,
    pub(super) token: Secret,
    /// The name that clients resolve.
    pub(super) service: String,
    pub(super) ttl_s: u32,
    pub(super) proxied: bool,
}

const PAGES_MAX: u64 = 10;

impl Cloudflare {
    async fn call(
        &self,
        method: Method,
        path: &str,
        query: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(Value, Option<PageInfo>), Fault> {
        let mut url = self.base.clone();
        url.set_path(path);
        url.set_query(query);
        let mut call = self.client.request(method, url).bearer_auth(self.token.expose());
        if let Some(body) = body {
            call = call.json(body);
        }
        let response = call.send().await.map_err(|cause| unreachable(self.name(), &cause))?;
        let (status, wait_ms, text) = answer(self.name(), response, ANSWER_BYTES_MAX).await?;
        let why = match cloudflare::read(text.as_bytes()) {
            Answer::Taken { result, page } if status.is_success() => return Ok((result, page)),
            Answer::Refused(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                format!("Cloudflare answers {status}: {}", faults.join("; "))
            }
            _ => format!("Cloudflare answers {status}, and nothing that can be read"),
        };
        let passing = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        Err(if passing { Fault::Passing { why, wait_ms } } else { Fault::Refused(why) })
    }
}

#[async_trait]
impl Provider for Cloudflare {
    fn name(&self) -> &'static str {
        "cloudflare"
    }

    fn place(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        format!("zone {} at {host}", self.zone_id)
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
        let mut found = Found::default();
        for page in 1..=PAGES_MAX {
            let query = format!("name={}&page={page}&per_page=100", self.service);
            let (result, info) = self.call(Method::GET, &path, Some(&query), None).await?;
            for item in result.as_array().into_iter().flatten() {
                let record: Result<DnsRecord, _> = serde_json::from_value(item.clone());
                // Other types, and records of other people, are none of ours.
                let Some(record) = record.ok().filter(DnsRecord::is_ours) else { continue };
                if let Some(token) = record.token().filter(|token| Some(*token) > found.token) {
                    found.token = Some(token);
                }
                let record = without_token(record);
                let id = item["id"].as_str().unwrap_or_default().to_owned();
                found.ids.insert(record.key(), id);
                found.records.push(Record::Cloudflare(record));
            }
            if info.is_none_or(|info| info.page >= info.total_pages) {
                break;
            }
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
            let why = "another cloud has written meanwhile".to_owned();
            return Err(Fault::Passing { why, wait_ms: None });
        }
        let there: Vec<DnsRecord> = now.records.iter().filter_map(own).cloned().collect();
        let own = marked(steps.iter().filter_map(step_of).collect(), &there);
        let batch = batch(&own, &now.ids, fence.token);
        if batch.steps > 0 {
            let path = format!("{}/batch", cloudflare::records_path(&self.zone_id));
            self.call(Method::POST, &path, None, Some(&batch.body)).await?;
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

const fn own(record: &Record) -> Option<&DnsRecord> {
    match record {
        Record::Cloudflare(record) => Some(record),
        Record::Route53(_) => None,
    }
}

fn step_of(step: &Step<Record>) -> Option<Step<DnsRecord>> {
    let own = |record| own(record).cloned();
    Some(match step {
        Step::Create(to) => Step::Create(own(to)?),
        Step::Change { from, to } => Step::Change { from: own(from)?, to: own(to)? },
        Step::Delete(from) => Step::Delete(own(from)?),
    })
}
