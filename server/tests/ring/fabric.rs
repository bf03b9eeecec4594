//! Where clients are sent, with three real clouds: killed, paused, drained, and asked by DNS all the
//! while.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use domain::cloud::Cloud;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{RData, RecordType};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::demonstration::{Demonstration, place};

pub const NAME: &str = "api.ternion.example.";
/// What the state says: 3 probes 2 s apart, 1 s patience, 1 s verdict, 6 s in caches.
const BOUND: Duration = Duration::from_secs(14);
const ASK_EVERY: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(90);

/// One answer of one name server.
#[derive(Clone, Copy, Debug)]
struct Answer {
    at: Instant,
    names: Option<Cloud>,
    ttl: Duration,
}

pub fn question(name: &str, kind: RecordType) -> Vec<u8> {
    let mut question = Message::new(7, MessageType::Query, OpCode::Query);
    question.add_query(Query::query(name.parse().expect("a name"), kind));
    question.to_vec().expect("it is written")
}

/// `None`: no answer within the time that a resolver gives.
pub fn ask(port: u16, question: &[u8]) -> Option<Message> {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    socket.send_to(question, ("127.0.0.1", port)).expect("sent");
    let mut answer = [0; 4_096];
    let length = socket.recv(&mut answer).ok()?;
    Some(Message::from_vec(&answer[..length]).expect("a DNS message"))
}

/// 127.0.0.11 is gcp, and so on.
pub fn named(answer: &Message) -> Option<Cloud> {
    let RData::A(address) = &answer.answers.first()?.data else { return None };
    Cloud::ALL.into_iter().find(|cloud| usize::from(address.0.octets()[3]) == 11 + cloud.index())
}

/// Asks every name server over and over until it is told to stop.
struct Asking {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<Vec<Answer>>>,
}

impl Asking {
    fn begin(dns_port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let one = |server: Cloud| {
            let stop = Arc::clone(&stop);
            let port = dns_port + u16::try_from(server.index()).expect("three");
            std::thread::spawn(move || {
                let question = question(NAME, RecordType::A);
                let mut seen = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    if let Some(answer) = ask(port, &question) {
                        let ttl = answer.answers.first().map_or(0, |record| record.ttl);
                        let ttl = Duration::from_secs(u64::from(ttl));
                        let names = named(&answer);
                        seen.push(Answer { at: Instant::now(), names, ttl });
                    }
                    std::thread::sleep(ASK_EVERY);
                }
                seen
            })
        };
        let threads = Cloud::ALL.map(one).into_iter().collect();
        Asking { stop, threads }
    }

    fn end(self) -> Vec<Answer> {
        self.stop.store(true, Ordering::Relaxed);
        let all = self.threads.into_iter().flat_map(|thread| thread.join().expect("it asked"));
        all.collect()
    }
}

pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("not so: {what}"));
}

async fn state(demonstration: &Demonstration, at: Cloud) -> Value {
    demonstration.json(at, "/v1/fabric/state").await.unwrap_or_default()
}

async fn until_mode(demonstration: &Demonstration, at: Cloud, mode: &str) {
    until(mode, async || state(demonstration, at).await["mode"] == mode).await;
}

/// Who serves clients of whom nothing is known.
async fn served_by(demonstration: &Demonstration, at: Cloud) -> Cloud {
    let selected = demonstration.json(at, "/v1/fabric/select").await.expect("an answer");
    selected["cloud"].as_str().expect("a cloud").parse().expect("a cloud")
}

/// How long after the end of `dead` a client could still be sent there, what it keeps included.
fn last_wrong(answers: &[Answer], dead: Cloud, died: Instant) -> Duration {
    let wrong = answers.iter().filter(|answer| answer.at > died && answer.names == Some(dead));
    wrong.map(|answer| answer.at + answer.ttl - died).max().unwrap_or_default()
}

pub async fn pid(demonstration: &Demonstration, of: Cloud) -> Pid {
    let state = demonstration.json(of, "/lab/v1/state").await.expect("the lab answers");
    let pid = state["clouds"][of.name()]["pid"].as_i64().expect("it runs");
    Pid::from_raw(i32::try_from(pid).expect("a pid"))
}

/// How many switches there are in the ledger, by version: exactly one each.
async fn switches(demonstration: &Demonstration, at: Cloud) -> Vec<u64> {
    let page = demonstration.json(at, "/v1/events?kind=routing.switch&limit=1000").await;
    let page = page.expect("a page");
    let mut versions = Vec::new();
    for item in page["items"].as_array().expect("a list") {
        let path = format!("/v1/events/{}", item["eventId"].as_str().expect("an id"));
        let event = demonstration.json(at, &path).await.expect("an event");
        versions.push(event["payload"]["version"].as_u64().expect("a version"));
    }
    versions.sort_unstable();
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_leave_a_killed_and_a_paused_cloud_within_the_stated_bound_and_it_is_recorded_once()
{
    let (folder, port) = place();
    let demonstration = Demonstration::start(folder, port).await;
    demonstration.until_switched().await;
    let asking = Asking::begin(port + 50);
    // Killed: it cannot say goodbye, and its supervisor is kept from starting it again.
    let killed = served_by(&demonstration, Cloud::Gcp).await;
    let observer = killed.peers()[0];
    kill(pid(&demonstration, killed).await, Signal::SIGKILL).expect("ours");
    let died = Instant::now();
    demonstration.lab(observer, &format!("clouds/{killed}/stop"), &json!({})).await;
    until_mode(&demonstration, observer, "degraded").await;
    let seen = Instant::now();
    until("recorded", async || {
        let state = state(&demonstration, observer).await;
        state["switches"][0]["down"] == json!([killed])
    })
    .await;
    let answers = asking.end();
    let wrong = last_wrong(&answers, killed, died);
    println!("SIGKILL: degraded after {:?}, last wrong answer {wrong:?}", seen - died);
    assert!(wrong > Duration::ZERO && wrong <= BOUND, "{wrong:?}");
    let recorded = state(&demonstration, observer).await["switches"][0].clone();
    assert_eq!(recorded["mode"], "degraded", "{recorded}");
    // What it said last counts until it is old, and is one vote of three.
    let last_said = &recorded["votes"][killed.name()];
    assert!(last_said.is_null() || last_said[killed.name()] == "up", "{recorded}");
    // Finality goes on with two, and the mode ends by itself.
    demonstration.lab(observer, &format!("clouds/{killed}/start"), &json!({})).await;
    for cloud in Cloud::ALL {
        until_mode(&demonstration, cloud, "normal").await;
    }
    // Paused: it accepts connections and never answers.
    let asking = Asking::begin(port + 50);
    let paused = served_by(&demonstration, Cloud::Gcp).await;
    let observer = paused.peers()[0];
    demonstration.lab(observer, &format!("clouds/{paused}/pause"), &json!({})).await;
    let died = Instant::now();
    until_mode(&demonstration, observer, "degraded").await;
    let seen = Instant::now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let answers = asking.end();
    let wrong = last_wrong(&answers, paused, died);
    println!("SIGSTOP: degraded after {:?}, last wrong answer {wrong:?}", seen - died);
    assert!(wrong > Duration::ZERO && wrong <= BOUND, "{wrong:?}");
    demonstration.lab(observer, &format!("clouds/{paused}/start"), &json!({})).await;
    until_mode(&demonstration, paused, "normal").await;
    let versions = switches(&demonstration, observer).await;
    println!("switches: {versions:?}");
    let distinct: std::collections::BTreeSet<u64> = versions.iter().copied().collect();
    assert_eq!(distinct.len(), versions.len(), "each version was recorded once: {versions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_cloud_serves_nobody_on_any_cloud_until_it_is_put_back_and_the_past_is_told() {
    let (folder, port) = place();
    let demonstration = Demonstration::start(folder, port).await;
    demonstration.until_switched().await;
    let drained = served_by(&demonstration, Cloud::Gcp).await;
    let order = |is: bool| json!({ "cloud": drained, "drained": is, "reason": "a new kernel" });
    until("known at aws", async || {
        !state(&demonstration, Cloud::Aws).await["switches"][0].is_null()
    })
    .await;
    let before = state(&demonstration, Cloud::Aws).await["at"].clone();
    let told = demonstration.post(Cloud::Azure, "/v1/fabric/drain?wait=final", &order(true)).await;
    assert_eq!(told["status"], "FINAL", "{told}");
    for cloud in Cloud::ALL {
        until("moved", async || served_by(&demonstration, cloud).await != drained).await;
        let state = state(&demonstration, cloud).await;
        let standing = &state["clouds"][drained.name()];
        assert_eq!(standing["drained"], true, "{standing}");
        assert_eq!(standing["drainReason"], "a new kernel");
        assert_eq!((&standing["down"], &state["mode"]), (&json!(false), &json!("normal")));
    }
    until("recorded", async || {
        let state = state(&demonstration, Cloud::Aws).await;
        state["switches"][0]["moves"][0]["from"] == json!(drained)
    })
    .await;
    // Then it was this cloud, and is not now.
    let past = format!("/v1/fabric/explain?at={}", before.as_str().expect("a time"));
    let past = demonstration.json(Cloud::Aws, &past).await.expect("told");
    assert_eq!((&past["cloud"], &past["recorded"]), (&json!(drained), &json!(true)));
    let now = demonstration.json(Cloud::Aws, "/v1/fabric/explain").await.expect("told");
    assert_ne!(now["cloud"], json!(drained), "{now}");
    demonstration.post(Cloud::Gcp, "/v1/fabric/drain?wait=final", &order(false)).await;
    until("put back", async || {
        let state = state(&demonstration, Cloud::Azure).await;
        state["clouds"][drained.name()]["drained"] == false
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_cut_off_from_both_decides_nothing_and_goes_on_with_its_last_answer() {
    let (folder, port) = place();
    let demonstration = Demonstration::start(folder, port).await;
    demonstration.until_switched().await;
    let before = served_by(&demonstration, Cloud::Azure).await;
    demonstration.lab(Cloud::Gcp, "links/azure/all/cut", &json!({})).await;
    until_mode(&demonstration, Cloud::Azure, "fail_static").await;
    let alone = state(&demonstration, Cloud::Azure).await;
    assert_eq!(alone["observers"]["gcp"]["counts"], false, "{}", alone["observers"]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(served_by(&demonstration, Cloud::Azure).await, before);
    let health = demonstration.json(Cloud::Azure, "/health").await.expect("healthy in itself");
    assert_eq!((&health["status"], &health["fabric"]), (&json!("healthy"), &json!("fail_static")));
    // The others still see it, the way that clients go: it stays up, and they stay normal.
    assert_eq!(state(&demonstration, Cloud::Gcp).await["mode"], "normal");
    demonstration.lab(Cloud::Gcp, "links/azure/all/heal", &json!({})).await;
    until_mode(&demonstration, Cloud::Azure, "normal").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_packets_cost_an_answer_at_most_and_tcp_answers_beside_udp() {
    let (folder, port) = place();
    let demonstration = Demonstration::start(folder, port).await;
    let (dns, honest) = (port + 50, question(NAME, RecordType::A));
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut seed: u64 = 42;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("31 bits")
    };
    for _ in 0..20_000 {
        let mut bytes = honest.clone();
        bytes.resize(1 + next() % 600, 0xc0);
        for _ in 0..next() % 12 {
            let at = next() % bytes.len();
            bytes[at] = u8::try_from(next() % 256).expect("a byte");
        }
        socket.send_to(&bytes, ("127.0.0.1", dns)).expect("sent");
    }
    // A pointer to itself, a label beyond the end, and a thousand records that are not there.
    for tail in ["c00c00010001", "3f6100", "0000010001"] {
        let mut bytes = honest[..12].to_vec();
        bytes[6..12].fill(0xff);
        bytes.extend(hex::decode(tail).expect("hex"));
        socket.send_to(&bytes, ("127.0.0.1", dns)).expect("sent");
    }
    until("answered", async || ask(dns, &honest).is_some()).await;
    let answer = by_tcp(dns, &honest);
    assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
    assert!(named(&answer).is_some() && answer.metadata.authoritative);
    // Measurements move the choice at any time, so one of several pairs of answers is alike.
    until("the same by UDP", async || {
        ask(dns, &honest).is_some_and(|by_udp| named(&by_udp) == named(&by_tcp(dns, &honest)))
    })
    .await;
    let metrics = demonstration.url(Cloud::Gcp);
    let text = reqwest::get(format!("{metrics}/metrics")).await.expect("answered").text().await;
    let text = text.expect("a text");
    assert!(!text.contains("ternion_dns_panics_total"), "the parser held");
    assert!(text.contains("ternion_dns_questions_total") && text.contains("ternion_fabric_mode"));
}

fn by_tcp(port: u16, question: &[u8]) -> Message {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let length = u16::try_from(question.len()).expect("short");
    stream.write_all(&[&length.to_be_bytes()[..], question].concat()).expect("sent");
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a length");
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).expect("an answer");
    Message::from_vec(&answer).expect("a DNS message")
}
