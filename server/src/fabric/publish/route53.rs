//! Amazon Route 53 over its HTTP API, signed.

use std::net::IpAddr;

use async_trait::async_trait;
use domain::cloud::PerCloud;
use domain::fabric::publish::Invalid;
use domain::fabric::publish::difference::Step;
use domain::fabric::publish::plan::Target;
use domain::fabric::publish::route53::{
    self, Change, Fence, RecordSet, Settings, batches, change_request,
};
use domain::fabric::publish::signature::{self, Credentials, Request, Scope};
use reqwest::{Client, Method, StatusCode, Url};

use super::provider::{Fault, Found, Provider, Record};
use super::setup::{ANSWER_BYTES_MAX, answer, unreachable};

/// One zone of an account.
#[derive(Debug)]
pub struct Route53 {
    pub(super) client: Client,
    pub(super) base: Url,
    pub(super) zone_id: String,
    pub(super) credentials: Credentials,
    pub(super) settings: Settings,
}

/// Pages of a name's records: three clouds, two types, and what others have there.
const PAGES_MAX: usize = 10;

impl Route53 {
    fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: String,
    ) -> Result<String, Fault> {
        let host = self.host();
        let request =
            Request { method: method.as_str(), host: &host, path, query, body: body.as_bytes() };
        let scope = Scope { region: route53::REGION, service: route53::SERVICE };
        let signed = signature::sign(&request, &self.credentials, scope, crate::now());
        let mut url = self.base.clone();
        url.set_path(path);
        let query = signature::query(query);
        url.set_query((!query.is_empty()).then_some(query.as_str()));
        let mut call = self
            .client
            .request(method, url)
            .header("x-amz-date", signed.amz_date)
            .header("authorization", signed.authorization)
            .body(body);
        if let Some(token) = signed.security_token {
            call = call.header("x-amz-security-token", token);
        }
        let response = call.send().await.map_err(|cause| unreachable(self.name(), &cause))?;
        let (status, wait_ms, text) = answer(self.name(), response, ANSWER_BYTES_MAX).await?;
        if status.is_success() { Ok(text) } else { Err(refused(status, wait_ms, &text)) }
    }

    /// The records of the service's name, and the fence beside it.
    async fn list(&self, name: &str) -> Result<Found, Fault> {
        let mut found = Found::default();
        let mut start = (format!("{name}."), None::<String>, None::<String>);
        for _ in 0..PAGES_MAX {
            let path = route53::list_path(&self.zone_id);
            let mut query = vec![("name", start.0.as_str()), ("maxitems", "100")];
            query.extend(start.1.as_deref().map(|kind| ("type", kind)));
            query.extend(start.2.as_deref().map(|identifier| ("identifier", identifier)));
            let text = self.call(Method::GET, &path, &query, String::new()).await?;
            let page = route53::page(&text).map_err(|error| Fault::Refused(error.to_string()))?;
            let service = &self.settings.name;
            let ours = page.records.into_iter().filter(|record| record.name == *service);
            found.records.extend(ours.filter(is_a_cloud).map(Record::Route53));
            if let Some((_, fence)) = page.fences.into_iter().find(|(beside, _)| beside == service)
            {
                (found.token, found.writer) = (Some(fence.token), Some(fence.writer));
            }
            match page.next {
                // Names come in order: what is later is none of ours.
                Some((next, kind, identifier)) if next.trim_end_matches('.') == name => {
                    start = (next, Some(kind), identifier);
                }
                _ => break,
            }
        }
        Ok(found)
    }
}

/// Records of other programs under the same name have other identifiers.
fn is_a_cloud(record: &RecordSet) -> bool {
    record.identifier.parse::<domain::cloud::Cloud>().is_ok()
}

/// By AWS's list of common errors: no such key, not signed by its secret, not allowed.
const KEY_CODES: [&str; 4] =
    ["InvalidClientTokenId", "SignatureDoesNotMatch", "AccessDenied", "AccessDeniedException"];
const KEY_HINT: &str = ". Mend fabric.route53.access_key_id, the secret in fabric.route53.secret_file, or \
                        what the key may do, then restart this node: they are read as the node starts";

fn refused(status: StatusCode, wait_ms: Option<u64>, text: &str) -> Fault {
    let fault = route53::fault(text);
    let code = if fault.code.is_empty() { status.to_string() } else { fault.code.clone() };
    let hint = if KEY_CODES.contains(&fault.code.as_str()) { KEY_HINT } else { "" };
    let why = format!("Route 53 answers {code}: {}{hint}", fault.message);
    if fault.is_passing() || status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        return Fault::Passing { why, wait_ms };
    }
    Fault::Refused(why)
}

#[async_trait]
impl Provider for Route53 {
    fn name(&self) -> &'static str {
        "route53"
    }

    fn place(&self) -> String {
        format!("zone {} at {}", self.zone_id, self.host())
    }

    fn deals_by_weight(&self) -> bool {
        self.settings.policy == route53::Policy::Weighted
    }

    fn wanted(
        &self,
        targets: &[Target],
        addresses: &PerCloud<Vec<IpAddr>>,
    ) -> Result<Vec<Record>, Invalid> {
        let records = route53::wanted(&self.settings, targets, addresses)?;
        Ok(records.into_iter().map(Record::Route53).collect())
    }

    async fn read(&self) -> Result<Found, Fault> {
        let service = self.settings.name.clone();
        let mut found = self.list(&service).await?;
        let fence = self.list(&Fence::name(&service)).await?;
        (found.token, found.writer) = (fence.token, fence.writer);
        Ok(found)
    }

    async fn apply(
        &self,
        steps: &[Step<Record>],
        found: &Found,
        fence: Fence,
    ) -> Result<(), Fault> {
        let own = steps.iter().filter_map(|step| step.other(own).as_ref().map(Change::of));
        let stood = found.token.zip(found.writer);
        let mut stood = stood.map(|(token, writer)| Fence { writer, token });
        let comment = format!("ternion {} token {}", fence.writer, fence.token);
        for mut batch in batches(own.collect()) {
            // First: a batch of whoever wrote before is refused for this one.
            batch.insert(0, Change::Fence { from: stood.take(), to: fence.clone() });
            let body = change_request(&comment, &self.settings.name, &batch);
            let path = route53::change_path(&self.zone_id);
            let text = self.call(Method::POST, &path, &[], body).await?;
            route53::change_status(&text).map_err(|error| Fault::Refused(error.to_string()))?;
            stood = Some(fence.clone());
        }
        Ok(())
    }
}

fn own(record: &Record) -> Option<RecordSet> {
    match record {
        Record::Route53(record) => Some(record.clone()),
        Record::Cloudflare(_) | Record::Balancer(_) => None,
    }
}
