//! Requests as the vendors' own SDKs sent them: ours are the same, JSON by value, XML by the byte.

use std::path::PathBuf;

use domain::clock::Timestamp;
use domain::fabric::publish::Kind;
use domain::fabric::publish::cloudflare::{
    self, Balancer, DnsRecord, LocationStrategy, Monitor, Origin, Pool,
};
use domain::fabric::publish::route53::{self, Change, RecordSet, Routing, change_request};
use domain::fabric::publish::signature::{Credentials, Request, Scope, sign};
use serde::Serialize;
use serde_json::Value;

struct Golden(Value);

impl Golden {
    fn all() -> Vec<(String, Golden)> {
        let data = std::env::var("TERNION_DATA").unwrap_or_else(|_| {
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data").to_owned()
        });
        let folder = PathBuf::from(data).join("fabric/wire");
        let Ok(entries) = std::fs::read_dir(&folder) else {
            println!("skipped: no recorded requests in {}", folder.display());
            return Vec::new();
        };
        let mut found: Vec<(String, Golden)> = entries
            .map(|entry| {
                let path = entry.expect("a file").path();
                let text = std::fs::read_to_string(&path).expect("it reads");
                let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
                (name, Golden(serde_json::from_str(&text).expect("JSON")))
            })
            .collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }

    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().expect("a text")
    }

    fn is_json(&self, name: &str, body: impl Serialize) -> bool {
        let ours = serde_json::to_value(body).expect("it is written");
        println!("{name}: {}", if ours == self.0["body"] { "equal" } else { "different" });
        ours == self.0["body"]
    }
}

fn record(cloud: &str, last: u8, routing: Routing, health_check: Option<&str>) -> Change {
    let record = RecordSet {
        name: "api.example.com".to_owned(),
        kind: Kind::A,
        identifier: cloud.to_owned(),
        ttl_s: 30,
        values: vec![core::net::IpAddr::from([203, 0, 113, last])],
        routing,
        health_check: health_check.map(str::to_owned),
    };
    Change::Upsert(record.checked().expect("allowed"))
}

fn origin() -> Origin {
    Origin {
        name: "gcp-1".to_owned(),
        address: "203.0.113.1".to_owned(),
        enabled: true,
        weight: 1.0,
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn pool() -> Pool {
    Pool {
        name: text("gcp"),
        origins: vec![origin()],
        enabled: true,
        latitude: Some(41.26),
        longitude: Some(-95.86),
        minimum_origins: 1,
        monitor: Some(text("f1aba936b94213e5b8dca0c0dbf1f9cc")),
    }
}

fn balancer() -> Balancer {
    Balancer {
        default_pools: vec![text("p1"), text("p2"), text("p3")],
        fallback_pool: text("p1"),
        name: text("api.example.com"),
        location_strategy: Some(LocationStrategy {
            prefer_ecs: text("always"),
            mode: text("resolver_ip"),
        }),
        proxied: false,
        steering_policy: text("dynamic_latency"),
        random_steering: None,
        enabled: None,
        ttl: Some(30),
    }
}

fn monitor() -> Monitor {
    Monitor {
        consecutive_down: 2,
        consecutive_up: 3,
        expected_codes: text("200"),
        header: std::collections::BTreeMap::new(),
        interval: 60,
        method: text("GET"),
        path: text("/health"),
        port: 443,
        retries: 2,
        timeout: None,
        kind: text("https"),
    }
}

fn dns_record() -> DnsRecord {
    DnsRecord {
        name: text("api.example.com"),
        ttl: 60,
        kind: text("A"),
        comment: text("glb"),
        content: text("203.0.113.1"),
        proxied: false,
    }
}

/// Numbers by value: `1.0` is `1`.
fn as_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => serde_json::json!(number.as_f64()),
        Value::Array(items) => items.iter().map(as_numbers).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), as_numbers(value))).collect()
        }
        other => other.clone(),
    }
}

/// Where each is sent.
fn path(name: &str) -> Option<String> {
    let (zone, account) = ("023e105f4ecef8ad9ca31a8372d0c354", "023e105f4ecef8ad9ca31a8372d0c353");
    Some(match name {
        "cf-dns-create" => cloudflare::records_path(zone),
        "cf-lb-create" => cloudflare::balancers_path(zone),
        "cf-monitor-create" => cloudflare::account_path(account, "monitors"),
        "cf-pool-create" => cloudflare::account_path(account, "pools"),
        "r53-latency-upsert" | "r53-weighted-upsert" => route53::change_path("Z111"),
        _ => return None,
    })
}

fn is_equal(name: &str, golden: &Golden) -> Option<bool> {
    if path(name)? != golden.text("path") {
        return Some(false);
    }
    let key = "11111111-1111-1111-1111-111111111111";
    let region = || Routing::Latency { region: text("us-east-1") };
    let service = "api.example.com";
    Some(match name {
        "cf-dns-create" => golden.is_json(name, dns_record().checked().expect("allowed")),
        "cf-lb-create" => golden.is_json(name, balancer().checked().expect("allowed")),
        "cf-monitor-create" => golden.is_json(name, monitor().checked().expect("allowed")),
        "cf-pool-create" => {
            let ours = serde_json::to_value(pool().checked().expect("allowed")).expect("JSON");
            as_numbers(&ours) == as_numbers(&golden.0["body"])
        }
        "r53-latency-upsert" => {
            let changes = [record("aws", 2, region(), None)];
            change_request("latency", service, &changes) == golden.text("body")
        }
        "r53-weighted-upsert" => {
            let weighted = |weight| Routing::Weighted { weight };
            let changes =
                [record("gcp", 1, weighted(70), Some(key)), record("aws", 2, weighted(30), None)];
            change_request("weights", service, &changes) == golden.text("body")
        }
        _ => return None,
    })
}

#[test]
fn recorded_requests_are_made_the_same() {
    let all = Golden::all();
    let mut equal = 0;
    for (name, golden) in &all {
        match is_equal(name, golden) {
            Some(true) => equal += 1,
            Some(false) => panic!("{name} is made differently"),
            None => println!("skipped: nobody knows how to make {name}"),
        }
    }
    println!("recorded requests: {equal} of {} equal", all.len());
}

/// The signatures were made by botocore 1.43.11 over the recorded bodies, at a fixed time.
#[test]
fn recorded_requests_are_signed_the_same() {
    let expected = [
        (
            "r53-weighted-upsert",
            None,
            "fe518dcf15ce1c78650cdd0aed7a7a5ae4221551b709ff7de16f93c885bbed01",
        ),
        (
            "r53-latency-upsert",
            Some("TOKEN//=="),
            "f28e61be25908b9c2bb289dcb2da028f7ba8bd2acba237198c2c4bc4f124b471",
        ),
    ];
    let at: Timestamp = "2026-11-22T09:30:05Z".parse().expect("a time");
    for (name, golden) in Golden::all() {
        let Some((_, token, signature)) = expected.iter().find(|one| one.0 == name) else {
            continue;
        };
        let credentials = Credentials {
            access_key_id: text("AKIDEXAMPLE"),
            secret_access_key: text("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: token.map(str::to_owned),
        };
        let request = Request {
            method: golden.text("method"),
            host: "route53.amazonaws.com",
            path: golden.text("path"),
            query: &[],
            body: golden.text("body").as_bytes(),
        };
        let scope = Scope { region: route53::REGION, service: route53::SERVICE };
        let signed = sign(&request, &credentials, scope, at);
        assert!(signed.authorization.ends_with(signature), "{name}: {}", signed.authorization);
        if token.is_none() {
            // The recorder left the form and took the signature out.
            let form = signed.authorization.replace(signature, "<sig>");
            assert_eq!(form, golden.text("auth"));
        }
    }
}
