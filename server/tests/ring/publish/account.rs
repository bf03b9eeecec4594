//! Cloudflare's load balancers, pools and monitors as its documentation says, and strict: unknown
//! fields, wrong values, unknown ids, names that are taken and deletions of what is in use are refused,
//! with its own numbers. Each write may be made to fail, before or after it is stored.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::stand_in::{Cloudflare, Refusal, ZONE, page_of, refused, taken};

pub const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";
pub const LISTS: [&str; 3] = ["monitors", "pools", "load_balancers"];

/// What an account and its zone hold.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// By list, then by id.
    pub items: BTreeMap<&'static str, BTreeMap<String, Value>>,
    next_id: u64,
    /// Writes that were stored, such as `POST pools`.
    pub writes: Vec<String>,
    /// So many more writes are taken; the one after that is answered 500.
    pub breaks_after: Option<usize>,
    /// That one is stored all the same.
    pub stores_then: bool,
    /// What another cloud leaves there just before the next write is stored.
    pub meanwhile: Option<BTreeMap<&'static str, BTreeMap<String, Value>>>,
    /// The next thing that is made is answered without its id.
    pub hides_id: bool,
    /// After so many more writes, another cloud puts this token on the balancer.
    pub overtaken_after: Option<(usize, u64)>,
    /// Moments at which the balancer had no enabled pool to name.
    pub silences: u32,
}

impl Account {
    pub fn list(&self, list: &'static str) -> Vec<&Value> {
        self.items.get(list).into_iter().flat_map(BTreeMap::values).collect()
    }

    /// The one of this name, or the first.
    pub fn find(&mut self, list: &'static str, name: &str) -> Option<&mut Value> {
        self.items.get_mut(list)?.values_mut().find(|item| name.is_empty() || item["name"] == name)
    }

    /// Somebody makes it by hand.
    pub fn insert(&mut self, list: &'static str, mut item: Value) -> String {
        self.next_id += 1;
        let id = format!("{:032x}", self.next_id);
        item["id"] = json!(id);
        self.items.entry(list).or_default().insert(id.clone(), item);
        id
    }

    /// The clouds of the balancer's pools in order, such as `gcp aws, else gcp`; `off`: disabled.
    pub fn shown(&self) -> String {
        let name = |id: &Value| {
            let id = id.as_str().unwrap_or_default();
            let pool =
                self.items.get("pools").and_then(|pools| pools.get(id)).expect("it is there");
            let name = pool["name"].as_str().unwrap_or_default();
            let cloud = name.rsplit('-').next().unwrap_or_default();
            if pool["enabled"] == json!(false) {
                format!("{cloud} (off)")
            } else {
                cloud.to_owned()
            }
        };
        let Some(balancer) = self.list("load_balancers").first().copied() else {
            return String::new();
        };
        let pools = balancer["default_pools"].as_array().into_iter().flatten();
        let pools: Vec<String> = pools.map(name).collect();
        format!("{}, else {}", pools.join(" "), name(&balancer["fallback_pool"]))
    }

    /// Names of the pools that are disabled.
    pub fn disabled(&self) -> Vec<&str> {
        let off = self.list("pools").into_iter().filter(|pool| pool["enabled"] == json!(false));
        off.filter_map(|pool| pool["name"].as_str()).collect()
    }

    fn has(&self, list: &'static str, id: &Value) -> bool {
        let items = self.items.get(list);
        id.as_str().is_some_and(|id| items.is_some_and(|items| items.contains_key(id)))
    }

    fn note_silence(&mut self) {
        let serves = |balancer: &&Value| {
            let named = balancer["default_pools"].as_array().into_iter().flatten();
            named.chain([&balancer["fallback_pool"]]).any(|id| {
                let pool = self.items["pools"].get(id.as_str().unwrap_or_default());
                pool.is_some_and(|pool| pool["enabled"] != json!(false))
            })
        };
        let silent = self.list("load_balancers").iter().any(|balancer| !serves(balancer));
        self.silences += u32::from(silent);
    }

    fn overtake(&mut self) {
        let Some((left, token)) = &mut self.overtaken_after else { return };
        *left = left.saturating_sub(1);
        let (left, token) = (*left, *token);
        if left == 0 {
            self.overtaken_after = None;
            let balancer = self.find("load_balancers", "").expect("it is there");
            balancer["description"] = json!(format!("ternion api.example.com token={token}"));
        }
    }
}

pub fn routes() -> Router<Cloudflare> {
    let base = "/client/v4";
    let account = |list: &str| format!("{base}/accounts/{ACCOUNT}/load_balancers/{list}");
    let paths =
        [account("monitors"), account("pools"), format!("{base}/zones/{ZONE}/load_balancers")];
    let mut router = Router::new();
    for (list, path) in LISTS.into_iter().zip(paths) {
        let all = move |state, query| listed(list, state, query);
        let create = move |State(cloudflare): State<Cloudflare>, Json(body): Json<Value>| async move {
            written(&cloudflare, list, &Method::POST, None, body)
        };
        let one = move |State(cloudflare): State<Cloudflare>, Path(id): Path<String>| async move {
            let zone = cloudflare.zone();
            let item = zone.account.items.get(list).and_then(|items| items.get(&id));
            item.map_or_else(|| unknown(&id), |item| taken(item, None))
        };
        let change = move |State(cloudflare): State<Cloudflare>,
                           Path(id): Path<String>,
                           method: Method,
                           Json(body): Json<Value>| async move {
            written(&cloudflare, list, &method, Some(id), body)
        };
        let delete = move |State(cloudflare): State<Cloudflare>, Path(id): Path<String>| async move {
            written(&cloudflare, list, &Method::DELETE, Some(id), Value::Null)
        };
        let item = get(one).put(change).patch(change).delete(delete);
        router = router.route(&path, get(all).post(create)).route(&format!("{path}/{{id}}"), item);
    }
    router
}

async fn listed(
    list: &'static str,
    State(cloudflare): State<Cloudflare>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if query.keys().any(|name| name != "page") {
        return refused(StatusCode::BAD_REQUEST, 1002, "a parameter is not known");
    }
    let zone = cloudflare.zone();
    page_of(&zone.account.list(list), &query)
}

fn unknown(id: &str) -> Response {
    refused(StatusCode::NOT_FOUND, 1001, &format!("{id}: could not be found"))
}

fn written(
    cloudflare: &Cloudflare,
    list: &'static str,
    method: &Method,
    id: Option<String>,
    body: Value,
) -> Response {
    let mut zone = cloudflare.zone();
    let account = &mut zone.account;
    if let Some(items) = account.meanwhile.take() {
        account.items = items;
    }
    let is_known = |id: &String| account.items.get(list).is_some_and(|it| it.contains_key(id));
    if let Some(id) = id.as_ref().filter(|id| !is_known(id)) {
        return unknown(id);
    }
    let breaks = account.breaks_after == Some(0);
    account.breaks_after = account.breaks_after.and_then(|left| left.checked_sub(1));
    let broken = || refused(StatusCode::INTERNAL_SERVER_ERROR, 1000, "internal error");
    if breaks && !account.stores_then {
        return broken();
    }
    match stored(account, list, method, id, body) {
        Ok(_) if breaks => broken(),
        Ok(mut result) => {
            if *method == Method::POST && std::mem::take(&mut account.hides_id) {
                result.as_object_mut().expect("it was made").remove("id");
            }
            taken(&result, None)
        }
        Err((code, message)) => refused(StatusCode::BAD_REQUEST, code, &message),
    }
}

fn stored(
    account: &mut Account,
    list: &'static str,
    method: &Method,
    id: Option<String>,
    body: Value,
) -> Result<Value, Refusal> {
    let Some(id) = id else {
        check(account, list, method, None, &body, &body)?;
        let id = account.insert(list, body);
        return Ok(done(account, list, method, &id));
    };
    if *method == Method::DELETE {
        free(account, list, &id)?;
        account.items.entry(list).or_default().remove(&id);
        done(account, list, method, &id);
        return Ok(json!({ "id": id }));
    }
    let mut whole =
        if *method == Method::PATCH { account.items[list][&id].clone() } else { json!({}) };
    for (field, value) in body.as_object().into_iter().flatten() {
        whole[field] = value.clone();
    }
    check(account, list, method, Some(&id), &body, &whole)?;
    whole["id"] = json!(id);
    account.items.entry(list).or_default().insert(id.clone(), whole);
    Ok(done(account, list, method, &id))
}

fn done(account: &mut Account, list: &'static str, method: &Method, id: &str) -> Value {
    account.writes.push(format!("{method} {list}"));
    account.note_silence();
    account.overtake();
    account.items[list].get(id).cloned().unwrap_or_default()
}

/// What is named by another is not deleted.
fn free(account: &Account, list: &'static str, id: &str) -> Result<(), Refusal> {
    let id = json!(id);
    let names = |item: &&Value| {
        let pools = item["default_pools"].as_array().into_iter().flatten();
        pools.chain([&item["fallback_pool"], &item["monitor"]]).any(|other| *other == id)
    };
    let users = match list {
        "monitors" => account.list("pools"),
        "pools" => account.list("load_balancers"),
        _ => Vec::new(),
    };
    if users.iter().any(names) {
        let what = "This object is referenced by other objects, delete them first";
        return Err((1_005, what.to_owned()));
    }
    Ok(())
}

fn bad<T>(what: &str) -> Result<T, Refusal> {
    Err((1_002, format!("{what}: validation failed")))
}

/// `sent`: the fields of this call; `whole`: what comes of it.
fn check(
    account: &Account,
    list: &'static str,
    method: &Method,
    id: Option<&str>,
    sent: &Value,
    whole: &Value,
) -> Result<(), Refusal> {
    let Some(fields) = sent.as_object() else { return bad("no object") };
    let known: &[&str] = match list {
        "monitors" => &MONITOR,
        "pools" => &POOL,
        _ => &BALANCER,
    };
    if let Some(field) = fields.keys().find(|field| !known.contains(&field.as_str())) {
        return bad(&format!("{field} is not known"));
    }
    if list == "load_balancers" && *method == Method::POST && fields.contains_key("enabled") {
        return bad("enabled cannot be given here");
    }
    let is_other = |item: &&&Value| item["id"].as_str() != id;
    let taken = account.list(list);
    let mut taken = taken.iter().filter(is_other);
    if list != "monitors" && taken.any(|item| item["name"] == whole["name"]) {
        return Err((1_003, "value not unique".to_owned()));
    }
    match list {
        "monitors" => monitor(whole),
        "pools" => pool(account, whole),
        _ => balancer(account, whole),
    }
}

const MONITOR: [&str; 12] = [
    "type",
    "description",
    "method",
    "path",
    "header",
    "port",
    "timeout",
    "retries",
    "interval",
    "expected_codes",
    "consecutive_up",
    "consecutive_down",
];
const POOL: [&str; 11] = [
    "name",
    "description",
    "enabled",
    "origins",
    "minimum_origins",
    "monitor",
    "notification_email",
    "check_regions",
    "latitude",
    "longitude",
    "load_shedding",
];
const BALANCER: [&str; 9] = [
    "name",
    "description",
    "enabled",
    "default_pools",
    "fallback_pool",
    "proxied",
    "steering_policy",
    "random_steering",
    "ttl",
];

fn number(item: &Value, field: &str, range: RangeInclusive<u64>) -> Result<(), Refusal> {
    match item[field].as_u64() {
        Some(number) if range.contains(&number) => Ok(()),
        _ => bad(&format!("{field} is not in range [{}, {}]", range.start(), range.end())),
    }
}

fn monitor(item: &Value) -> Result<(), Refusal> {
    if !["http", "https"].contains(&item["type"].as_str().unwrap_or_default()) {
        return bad("type");
    }
    number(item, "interval", 10..=3_600)?;
    number(item, "timeout", 1..=10)?;
    number(item, "retries", 0..=5)?;
    number(item, "consecutive_up", 0..=10)?;
    number(item, "consecutive_down", 0..=10)?;
    number(item, "port", 1..=65_535)?;
    let hosts = item["header"]["Host"].as_array().map_or(0, Vec::len);
    if hosts != 1 || !item["path"].as_str().is_some_and(|path| path.starts_with('/')) {
        return bad("header or path");
    }
    Ok(())
}

fn pool(account: &Account, item: &Value) -> Result<(), Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let name = item["name"].as_str().unwrap_or_default();
    if name.is_empty() || !name.bytes().all(allowed) {
        return bad("name");
    }
    let origins = item["origins"].as_array().cloned().unwrap_or_default();
    if origins.is_empty() {
        return bad("the origin list length must be in range [1, 20]");
    }
    let mut seen: Vec<&Value> = Vec::new();
    for origin in &origins {
        let weight = origin["weight"].as_f64().unwrap_or(2.0);
        let address = origin["address"].as_str().unwrap_or_default();
        let fits = (0.0..=1.0).contains(&weight) && address.parse::<std::net::IpAddr>().is_ok();
        if !fits || seen.contains(&&origin["address"]) || !origin["enabled"].is_boolean() {
            return bad("origin");
        }
        seen.push(&origin["address"]);
    }
    number(item, "minimum_origins", 0..=20)?;
    let probed = item.get("monitor").is_some_and(|monitor| !monitor.is_null());
    if probed && !account.has("monitors", &item["monitor"]) {
        return Err((1_001, "monitor could not be found".to_owned()));
    }
    Ok(())
}

fn balancer(account: &Account, item: &Value) -> Result<(), Refusal> {
    let pools = item["default_pools"].as_array().cloned().unwrap_or_default();
    let named = pools.iter().chain([&item["fallback_pool"]]);
    if pools.is_empty() || !named.clone().all(|id| account.has("pools", id)) {
        return Err((1_001, "pool could not be found".to_owned()));
    }
    if pools.iter().enumerate().any(|(at, id)| pools[..at].contains(id)) {
        return Err((1_003, "value not unique".to_owned()));
    }
    if item["proxied"] == json!(false) {
        number(item, "ttl", 10..=3_600)?;
    } else if item["proxied"] != json!(true) {
        return bad("proxied");
    }
    match item["steering_policy"].as_str() {
        Some("off") => Ok(()),
        Some("random") => {
            let steering = &item["random_steering"];
            let tenths = steering["default_weight"].as_f64().unwrap_or(-1.0) * 10.0;
            let weights = steering["pool_weights"].as_object().cloned().unwrap_or_default();
            let is_fine = |(id, weight): (&String, &Value)| {
                let weight = weight.as_f64().unwrap_or(2.0);
                account.has("pools", &json!(id)) && (0.0..=1.0).contains(&weight)
            };
            let fits = (0.0..=10.0).contains(&tenths) && tenths.fract() == 0.0;
            if fits && weights.iter().all(is_fine) { Ok(()) } else { bad("random_steering") }
        }
        _ => bad("steering_policy"),
    }
}
