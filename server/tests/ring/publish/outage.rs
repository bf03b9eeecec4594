//! A provider whose API is down for a while: our own name servers move on at once, the publisher asks
//! less and less often, and what it writes in the end is the newest state alone.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use domain::cloud::Cloud;
use domain::fabric::publish::difference::steps;
use hickory_proto::rr::{RData, RecordType};
use reqwest::Client;
use serde_json::json;
use server::fabric::publish::Provider;
use server::fabric::{OnDrift, Publisher};

use super::stand_in::{Cloudflare, TOKEN};
use super::{Moto, addresses, serving, to_cloudflare, to_route53, until};
use crate::clouds::{Clouds, RunningCloud, TempFolder};
use crate::fabric::{NAME, ask, question};
use crate::process::free_port;

const BYTES_MAX: usize = 1 << 20;
/// Enough to see waits double: 1, 2 and 4 s.
const REFUSALS: usize = 4;

/// What stands before a provider, and can take it away.
#[derive(Debug, Default)]
struct Line {
    down: AtomicBool,
    /// When it was asked in vain.
    refused: Mutex<Vec<Instant>>,
    /// Changes that the provider took.
    writes: AtomicUsize,
}

impl Line {
    /// It, and its address. It ends with the test's runtime.
    async fn before(provider: String) -> (Arc<Line>, String) {
        // Fails only when a provider is installed already, which serves as well.
        drop(rustls::crypto::ring::default_provider().install_default());
        let line = Arc::new(Line::default());
        let router = Router::new().fallback(pass).with_state((Arc::clone(&line), provider));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        (line, url)
    }

    fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    fn refused(&self) -> Vec<Instant> {
        self.refused.lock().expect("no panic").clone()
    }
}

async fn pass(State((line, provider)): State<(Arc<Line>, String)>, request: Request) -> Response {
    if line.down.load(Ordering::SeqCst) {
        line.refused.lock().expect("no panic").push(Instant::now());
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let (head, body) = request.into_parts();
    let body = to_bytes(body, BYTES_MAX).await.expect("a body");
    let is_write = head.method == Method::POST;
    let mut headers = head.headers;
    headers.remove("host");
    let call = Client::new().request(head.method, format!("{provider}{}", head.uri));
    let answer = call.headers(headers).body(body).send().await.expect("it answers");
    let status = answer.status();
    if is_write && status.is_success() {
        line.writes.fetch_add(1, Ordering::SeqCst);
    }
    (status, Body::from(answer.bytes().await.expect("a body"))).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_cloudflare_s_api_is_down_dns_moves_on_and_only_the_newest_state_is_published_then() {
    let (running, folder) = (Cloudflare::start().await, TempFolder::new());
    let (line, url) = Line::before(running.url.clone()).await;
    let published = to_cloudflare(&folder, &url, TOKEN);
    outlasts(&line, published, to_cloudflare(&folder, &running.url, TOKEN)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_route_53_s_api_is_down_dns_moves_on_and_only_the_newest_state_is_published_then() {
    let folder = TempFolder::new();
    let Some(moto) = Moto::start(&folder).await else { return };
    let zone = moto.zone().await;
    let (line, url) = Line::before(moto.url.clone()).await;
    let published = to_route53(&folder, &url, &zone, "weighted");
    outlasts(&line, published, to_route53(&folder, &moto.url, &zone, "weighted")).await;
}

/// `published` goes through the line, `truth` asks the provider itself.
async fn outlasts(line: &Line, published: Arc<dyn Provider>, truth: Arc<dyn Provider>) {
    let publisher = Arc::new(Publisher::new(published, OnDrift::Report, false));
    let dns = free_port();
    let mut clouds = Clouds::prepare().await;
    clouds.addresses_of_clients = addresses();
    clouds.dns_listen.gcp = vec![SocketAddr::from(([127, 0, 0, 1], dns))];
    clouds.records.gcp = vec![Arc::clone(&publisher)];
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let is_in_step = || {
        let standing = publisher.standing();
        standing.waiting.is_empty() && standing.writer.is_some() && standing.problem.is_none()
    };
    until("all three are published, and read back", || line.writes() == 1 && is_in_step()).await;
    assert!(stands(&truth, &Cloud::ALL).await);
    assert_eq!(named_by(dns), Some(Cloud::Gcp));

    line.set_down(true);
    drain(&gcp, Cloud::Gcp).await;
    moves(dns, Cloud::Aws).await;
    drain(&gcp, Cloud::Aws).await;
    moves(dns, Cloud::Azure).await;
    until("it was asked in vain again and again", || line.refused().len() >= REFUSALS).await;
    let refused = line.refused();
    let waits = refused.windows(2).zip([1, 2, 4]);
    for (pair, least_s) in waits {
        let waited = pair[1] - pair[0];
        assert!(waited >= Duration::from_secs(least_s), "{waited:?}, not {least_s} s: {refused:?}");
    }
    let problem = publisher.standing().problem.unwrap_or_default();
    assert!(problem.contains("503"), "people are told: {problem}");
    assert_eq!(line.writes(), 1);
    assert!(stands(&truth, &Cloud::ALL).await, "nothing came through");

    line.set_down(false);
    until("it has caught up", || line.writes() > 1 && is_in_step()).await;
    assert!(stands(&truth, &[Cloud::Azure]).await, "as it is now");
    assert_eq!(line.writes(), 2, "aws alone was never published");
    assert_eq!(named_by(dns), Some(Cloud::Azure));
    gcp.stop().await;
    aws.stop().await;
}

/// What these clouds come to, and nothing else, is there.
async fn stands(truth: &Arc<dyn Provider>, clouds: &[Cloud]) -> bool {
    let found = truth.read().await.expect("it answers");
    let wanted = truth.wanted(&serving(clouds), &addresses()).expect("allowed");
    steps(&found.records, &wanted).is_empty()
}

async fn drain(at: &RunningCloud, cloud: Cloud) {
    let drain = json!({
        "kind": "routing.drain", "cloud": cloud, "drained": true, "reason": "a new kernel"
    });
    let drained = at.submit(None, &drain).await;
    at.until_projected(&drained).await;
}

/// Whom our own name server names.
fn named_by(port: u16) -> Option<Cloud> {
    let answer = ask(port, &question(NAME, RecordType::A))?;
    let RData::A(address) = &answer.answers.first()?.data else { return None };
    let address = IpAddr::V4(address.0);
    Cloud::ALL.into_iter().find(|cloud| addresses().get(*cloud).contains(&address))
}

/// While the provider is still asked in vain.
async fn moves(port: u16, to: Cloud) {
    until("our own name server moves on", || named_by(port) == Some(to)).await;
}
