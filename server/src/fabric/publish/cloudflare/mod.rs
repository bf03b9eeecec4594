//! Cloudflare over its HTTP API: DNS records of a zone, or a load balancer with its pools.

mod balancer;
mod records;

use domain::fabric::publish::cloudflare::{self, Answer, PageInfo};
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::Value;

use super::provider::Fault;
use super::setup::{ANSWER_BYTES_MAX, answer, unreachable};
use crate::config::Secret;

pub use balancer::CloudflareBalancer;
pub use records::Cloudflare;

/// Who is asked, and with which token.
#[derive(Debug)]
pub struct Api {
    pub(super) client: Client,
    pub(super) base: Url,
    pub(super) token: Secret,
    /// The publisher's name, for what is told of it.
    pub(super) publisher: &'static str,
}

/// More than an account has of anything that is asked for here.
const PAGES_MAX: u64 = 50;

impl Api {
    fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

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
        let response = call.send().await.map_err(|cause| unreachable(self.publisher, &cause))?;
        let (status, wait_ms, text) = answer(self.publisher, response, ANSWER_BYTES_MAX).await?;
        let why = match cloudflare::read(text.as_bytes()) {
            Answer::Taken { result, page } if status.is_success() => return Ok((result, page)),
            Answer::Refused(faults) => {
                let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
                let hint = is_about_token(status, &faults).then(|| self.token_hint());
                let hint = hint.unwrap_or_default();
                format!("Cloudflare answers {status}: {}{hint}", told.join("; "))
            }
            _ => format!("Cloudflare answers {status}, and nothing that can be read"),
        };
        let passing = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        Err(if passing { Fault::Passing { why, wait_ms } } else { Fault::Refused(why) })
    }

    fn token_hint(&self) -> String {
        let setting = self.publisher.replace('-', "_");
        format!(
            ". The token in fabric.{setting}.token_file is wrong, has run out, or may not do this. \
             Mend it, then restart this node: it is read as the node starts"
        )
    }

    /// Every item of a list, page by page. `query` goes before the page.
    async fn list(&self, path: &str, query: &str) -> Result<Vec<Value>, Fault> {
        let mut items = Vec::new();
        for page in 1..=PAGES_MAX {
            let query = format!("{query}page={page}");
            let (result, info) = self.call(Method::GET, path, Some(&query), None).await?;
            items.extend(result.as_array().into_iter().flatten().cloned());
            if info.is_none_or(|info| info.page >= info.total_pages) {
                return Ok(items);
            }
        }
        Err(Fault::Refused(format!("Cloudflare has more than {PAGES_MAX} pages at {path}")))
    }
}

/// Its documentation's codes: a malformed header or token, a token that is none or has run out, and one
/// that may not do it.
const TOKEN_CODES: [u64; 4] = [6003, 6111, 9109, 10_000];

fn is_about_token(status: StatusCode, faults: &[cloudflare::Fault]) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        || status == StatusCode::BAD_REQUEST
            && faults.iter().any(|fault| TOKEN_CODES.contains(&fault.code))
}

/// Who was to write is not the last any more.
fn overtaken() -> Fault {
    Fault::Passing { why: "another cloud has written meanwhile".to_owned(), wait_ms: None }
}
