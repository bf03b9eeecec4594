//! Cloudflare's DNS records, and its load balancers in [`account`](super::account), as its
//! documentation says, and stricter than any server that tests talk
//! to otherwise: unknown fields, wrong values and unknown ids are refused, with its own numbers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::account::{self, Account};

pub const TOKEN: &str = "a-token-that-no-log-may-hold";
pub const ZONE: &str = "023e105f4ecef8ad9ca31a8372d0c354";
/// Pages are small, so that they are turned.
const PER_PAGE_MAX: usize = 2;

#[derive(Debug, Default)]
pub struct Zone {
    /// By id.
    pub records: BTreeMap<String, Value>,
    next_id: u64,
    /// Calls that are answered 429 before any is taken.
    pub throttled: u32,
    /// Batches that were taken.
    pub batches: u32,
    pub account: Account,
}

#[derive(Clone, Debug, Default)]
pub struct Cloudflare(Arc<Mutex<Zone>>);

pub struct Running {
    pub cloudflare: Cloudflare,
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection that is kept would be answered after the stand-in is gone.
async fn once(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

impl Cloudflare {
    pub async fn start() -> Running {
        let cloudflare = Cloudflare::default();
        let records = format!("/client/v4/zones/{ZONE}/dns_records");
        let router = Router::new()
            .route(&records, get(list))
            .route(&format!("{records}/batch"), post(batch))
            .merge(account::routes())
            .fallback(|Path(path): Path<String>| async move {
                refused(StatusCode::NOT_FOUND, 7003, &path)
            })
            .layer(from_fn_with_state(cloudflare.clone(), admit))
            .layer(map_response(once))
            .with_state(cloudflare.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let serve = async move { axum::serve(listener, router).await.expect("serves") };
        Running { cloudflare, url, task: tokio::spawn(serve) }
    }

    pub fn zone(&self) -> MutexGuard<'_, Zone> {
        self.0.lock().expect("no panic")
    }

    /// Contents and comments, in order.
    pub fn contents(&self) -> Vec<String> {
        let zone = self.zone();
        let text = |record: &Value| record["content"].as_str().expect("a text").to_owned();
        let mut contents: Vec<String> = zone.records.values().map(text).collect();
        contents.sort_unstable();
        contents
    }

    /// Somebody edits the record of this address in the browser.
    pub fn edit(&self, content: &str, field: &str, value: Value) {
        let mut zone = self.zone();
        let record = zone.records.values_mut().find(|record| record["content"] == content);
        record.expect("it is there")[field] = value;
    }

    /// The TTL of the record of this address.
    pub fn ttl_of(&self, content: &str) -> Option<u64> {
        let zone = self.zone();
        let record = zone.records.values().find(|record| record["content"] == content)?;
        record["ttl"].as_u64()
    }
}

async fn admit(
    State(cloudflare): State<Cloudflare>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given != Some(&format!("Bearer {TOKEN}")) {
        return refused(StatusCode::FORBIDDEN, 9109, "Invalid access token");
    }
    let is_throttled = {
        let mut zone = cloudflare.zone();
        let is = zone.throttled > 0;
        zone.throttled = zone.throttled.saturating_sub(1);
        is
    };
    if is_throttled {
        let answer = refused(StatusCode::TOO_MANY_REQUESTS, 10_000, "Rate limited");
        return ([(header::RETRY_AFTER, "1")], answer).into_response();
    }
    next.run(request).await
}

pub fn taken(result: &Value, info: Option<Value>) -> Response {
    let mut body = json!({ "success": true, "errors": [], "messages": [], "result": result });
    if let Some(info) = info {
        body["result_info"] = info;
    }
    Json(body).into_response()
}

pub fn refused(status: StatusCode, code: u64, message: &str) -> Response {
    let errors = json!([{ "code": code, "message": message }]);
    let body = json!({ "success": false, "errors": errors, "messages": [], "result": null });
    (status, Json(body)).into_response()
}

async fn list(
    State(cloudflare): State<Cloudflare>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if let Some(unknown) =
        query.keys().find(|name| !["name", "page", "per_page"].contains(&name.as_str()))
    {
        return refused(StatusCode::BAD_REQUEST, 1004, &format!("{unknown} is not known"));
    }
    let zone = cloudflare.zone();
    let wanted = |record: &&Value| query.get("name").is_none_or(|name| record["name"] == **name);
    page_of(&zone.records.values().filter(wanted).collect::<Vec<_>>(), &query)
}

pub fn page_of(all: &[&Value], query: &BTreeMap<String, String>) -> Response {
    let number = |name: &str, other: usize| query.get(name).map_or(Ok(other), |text| text.parse());
    let (Ok(page), Ok(per_page)) = (number("page", 1), number("per_page", 100)) else {
        return refused(StatusCode::BAD_REQUEST, 1004, "no number");
    };
    let per_page = per_page.min(PER_PAGE_MAX);
    let pages = all.len().div_ceil(per_page).max(1);
    let shown: Vec<&&Value> = all.iter().skip((page - 1) * per_page).take(per_page).collect();
    let info =
        json!({ "page": page, "per_page": per_page, "total_pages": pages, "count": shown.len() });
    taken(&json!(shown), Some(info))
}

/// All or nothing.
async fn batch(State(cloudflare): State<Cloudflare>, Json(body): Json<Value>) -> Response {
    let mut zone = cloudflare.zone();
    match applied(&zone, &body) {
        Ok((records, next_id)) => {
            (zone.records, zone.next_id) = (records, next_id);
            zone.batches += 1;
            taken(&body, None)
        }
        Err((code, message)) => refused(StatusCode::BAD_REQUEST, code, &message),
    }
}

pub type Refusal = (u64, String);

fn applied(zone: &Zone, body: &Value) -> Result<(BTreeMap<String, Value>, u64), Refusal> {
    let fields = body.as_object().ok_or((9_207, "no object".to_owned()))?;
    if let Some(unknown) =
        fields.keys().find(|name| !["deletes", "puts", "posts"].contains(&name.as_str()))
    {
        return Err((9_207, format!("{unknown} is not known")));
    }
    let part = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    let (mut records, mut next_id) = (zone.records.clone(), zone.next_id);
    for delete in part("deletes") {
        let id = delete["id"].as_str().unwrap_or_default();
        records.remove(id).ok_or((81_044, format!("record {id} does not exist")))?;
    }
    for mut put in part("puts") {
        let id = put.as_object_mut().and_then(|fields| fields.remove("id"));
        let id = id.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        check(&put)?;
        if !records.contains_key(&id) {
            return Err((81_044, format!("record {id} does not exist")));
        }
        put["id"] = json!(id);
        records.insert(id, put);
    }
    for mut post in part("posts") {
        check(&post)?;
        let same = |record: &&Value| {
            ["name", "type", "content"].iter().all(|field| record[*field] == post[*field])
        };
        if records.values().any(|record| same(&record)) {
            return Err((81_058, "an identical record already exists".to_owned()));
        }
        next_id += 1;
        let id = format!("{next_id:032x}");
        post["id"] = json!(id);
        records.insert(id, post);
    }
    Ok((records, next_id))
}

/// As the documentation has it, and nothing besides.
fn check(record: &Value) -> Result<(), Refusal> {
    const FIELDS: [&str; 6] = ["name", "ttl", "type", "content", "proxied", "comment"];
    let bad = |what: &str| Err((9_005, format!("{what} is not valid")));
    let Some(fields) = record.as_object() else { return bad("the record") };
    if fields.len() != FIELDS.len() || fields.keys().any(|name| !FIELDS.contains(&name.as_str())) {
        return bad("a field");
    }
    let ttl = record["ttl"].as_u64().unwrap_or(0);
    if ttl != 1 && !(60..=86_400).contains(&ttl) {
        return bad("ttl");
    }
    let address: Option<std::net::IpAddr> =
        record["content"].as_str().and_then(|text| text.parse().ok());
    let kind = address.map(|address| if address.is_ipv4() { "A" } else { "AAAA" });
    if kind.is_none() || kind != record["type"].as_str() {
        return bad("content");
    }
    let comment = record["comment"].as_str().map_or(usize::MAX, |text| text.chars().count());
    if comment > 100 || !record["proxied"].is_boolean() || !record["name"].is_string() {
        return bad("comment, proxied or name");
    }
    Ok(())
}
