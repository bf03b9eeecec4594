//! The whole demonstration as a person starts it: three processes, three Postgres clusters, one
//! supervisor. Killed under load, stopped cloud by cloud, started again.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::cloud::Cloud;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::command::ternion_beside;

/// Starting three Postgres clusters on a busy machine of two cores.
const PATIENCE: Duration = Duration::from_secs(120);
const CLIENTS: usize = 8;
/// How many threads a process has, in `/proc/PID/stat`: counted from the field after its name.
const STAT_THREADS: usize = 17;
/// Enough to be in the middle of many batches on every cloud.
const ACKNOWLEDGED_MIN: usize = 200;

/// A running demonstration in a folder of its own; it is stopped and removed at the end.
pub struct Demonstration {
    folder: PathBuf,
    port: u16,
    supervisor: Child,
    http: reqwest::Client,
}

impl Demonstration {
    pub async fn start(folder: PathBuf, port: u16) -> Self {
        Demonstration::start_with(folder, port, &[]).await
    }

    async fn start_with(folder: PathBuf, port: u16, flags: &[&str]) -> Self {
        let flags = [&["--empty", "--no-chains"], flags].concat();
        Demonstration::start_as(folder, port, &flags, &[]).await
    }

    pub async fn start_as(
        folder: PathBuf,
        port: u16,
        flags: &[&str],
        variables: &[(&str, PathBuf)],
    ) -> Self {
        let supervisor = Command::new(env!("CARGO_BIN_EXE_ternion"))
            .args(["demo", "--no-traffic", "--data"])
            .arg(&folder)
            .args(["--port-base", &port.to_string(), "--dns-port-base", &(port + 50).to_string()])
            .args(flags)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdout(fs::File::create(folder.with_extension("out")).expect("a file"))
            .stderr(fs::File::create(folder.with_extension("err")).expect("a file"))
            .stdin(Stdio::null())
            .spawn()
            .expect("it starts");
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build();
        let demonstration =
            Demonstration { folder, port, supervisor, http: http.expect("a client") };
        for cloud in Cloud::ALL {
            demonstration.until_ready(cloud).await;
        }
        demonstration
    }

    pub fn url(&self, cloud: Cloud) -> String {
        format!("http://127.0.0.1:{}", usize::from(self.port) + cloud.index())
    }

    pub async fn until_ready(&self, cloud: Cloud) {
        let url = format!("{}/readyz", self.url(cloud));
        // Its users are events too: a token works once they are projected.
        let known = format!("{}/v1/logs", self.url(cloud));
        let ready = async {
            loop {
                let is_ready = self.get(&url).await.is_some() && self.get(&known).await.is_some();
                if is_ready {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, ready).await.is_err() {
            let (out, err) = self.printed();
            panic!("{cloud} does not get ready; printed:\n{out}\n{err}");
        }
    }

    /// The body of a successful answer.
    async fn get(&self, url: &str) -> Option<String> {
        let answer = self.http.get(url).bearer_auth("demo-admin").send().await.ok()?;
        if answer.status().is_success() { answer.text().await.ok() } else { None }
    }

    pub async fn json(&self, cloud: Cloud, path: &str) -> Option<Value> {
        let text = self.get(&format!("{}{path}", self.url(cloud))).await?;
        serde_json::from_str(&text).ok()
    }

    /// An act of the fault lab, and what it answers.
    pub async fn lab(&self, by: Cloud, act: &str, body: &Value) -> Value {
        let url = format!("{}/lab/v1/{act}", self.url(by));
        let request = self.http.post(url).bearer_auth("demo-admin").json(body);
        // Forging waits for logs to grow, on a busy machine.
        let answer = request.timeout(Duration::from_secs(40)).send().await.expect("answered");
        let status = answer.status();
        let told: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{act}: {status} {told}");
        told
    }

    /// Records an event and waits for FINAL so long.
    async fn record(&self, at: Cloud, wait_ms: u32) -> Value {
        let event = json!({ "tenantId": "platform", "payload": { "at": at, "n": 1234 } });
        let url = format!("{}/v1/events?wait=final&timeoutMs={wait_ms}", self.url(at));
        let sent = self.http.post(url).bearer_auth("demo-ingest").json(&event).send().await;
        sent.expect("answered").json().await.expect("JSON")
    }

    /// Waits until the newest act of the lab says that its damage is repaired.
    async fn until_repaired(&self, by: Cloud, place: &Value) -> Value {
        let repaired = async {
            loop {
                let state = self.json(by, "/lab/v1/state").await.expect("the lab answers");
                let acts = state["acts"].as_array().expect("a list");
                let act = acts.iter().find(|act| act["outcome"]["place"] == *place);
                let repair = act.expect("it was done")["outcome"]["repair"].clone();
                if repair.is_object() {
                    return repair;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(PATIENCE, repaired).await.expect("repaired")
    }

    /// What each log adds up to at one cloud: size, final size and root.
    async fn logs(&self, cloud: Cloud) -> Option<BTreeMap<String, (u64, u64, String)>> {
        let logs = self.json(cloud, "/v1/logs").await?;
        let log = |item: &Value| {
            let number = |name: &str| item[name].as_u64();
            let root = item["root"].as_str()?.to_owned();
            let origin = item["origin"].as_str()?.to_owned();
            Some((origin, (number("size")?, number("finalSize")?, root)))
        };
        logs["items"].as_array()?.iter().map(log).collect()
    }

    /// What it has printed, and what it has logged on the screen.
    fn printed(&self) -> (String, String) {
        let read = |end| fs::read_to_string(self.folder.with_extension(end)).expect("a file");
        (read("out"), read("err"))
    }

    async fn until_printed(&self, line: &str) {
        let printed = async {
            while !self.printed().0.lines().any(|printed| printed.starts_with(line)) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, printed).await.unwrap_or_else(|_| panic!("{line}"));
    }

    /// Waits until that cloud can prove that one of them cheated.
    async fn until_evidence(&self, cloud: Cloud) {
        let held = async {
            loop {
                let evidence = self.json(cloud, "/v1/evidence").await.unwrap_or_default();
                if evidence["items"].as_array().is_some_and(|items| !items.is_empty()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(PATIENCE, held).await.expect("the evidence reaches every cloud");
    }

    pub async fn post(&self, at: Cloud, path: &str, body: &Value) -> Value {
        self.post_as("demo-admin", at, path, body).await
    }

    pub async fn post_as(&self, token: &str, at: Cloud, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.url(at));
        let sent = self.http.post(url).bearer_auth(token).json(body).send().await;
        let answer = sent.expect("answered");
        let (status, told) = (answer.status(), answer.json().await.expect("JSON"));
        assert!(status.is_success(), "{path}: {status} {told}");
        told
    }

    /// Status and answer, whatever it says; nothing, if the connection breaks.
    pub async fn try_post(
        &self,
        token: &str,
        at: Cloud,
        path: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let url = format!("{}{path}", self.url(at));
        let answer = self.http.post(url).bearer_auth(token).json(body).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    /// Reports the cloud's key as stolen, and agrees at the other two.
    async fn replace_keys(&self, cloud: Cloud) {
        let wish = json!({ "reason": "keyStolen", "comment": "it told two stories" });
        self.post(cloud, "/v1/epochs", &wish).await;
        for peer in cloud.peers() {
            let asked = async {
                loop {
                    let keys = self.json(peer, "/v1/keys").await.unwrap_or_default();
                    if let Some(record) = keys["requests"][0]["record"].as_str() {
                        return record.to_owned();
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            };
            let record = tokio::time::timeout(PATIENCE, asked).await.expect("its people are asked");
            let reason = json!({ "reason": "we saw the evidence" });
            self.post(peer, &format!("/v1/epochs/{record}/agree"), &reason).await;
        }
    }

    /// Waits until the clouds have recorded together who serves whom, and all know it.
    pub async fn until_switched(&self) {
        let switched = async {
            for cloud in Cloud::ALL {
                while self.json(cloud, "/v1/fabric/state").await.is_none_or(|state| {
                    state["version"].as_u64().unwrap_or(0) == 0 || state["mode"] != "normal"
                }) {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        };
        tokio::time::timeout(PATIENCE, switched).await.expect("a first switch is final");
    }

    /// Waits until all three clouds hold the same logs, all of it final.
    async fn until_equal(&self) {
        let equal = async {
            loop {
                let [gcp, aws, azure] = [
                    self.logs(Cloud::Gcp).await,
                    self.logs(Cloud::Aws).await,
                    self.logs(Cloud::Azure).await,
                ];
                let settled = |logs: &BTreeMap<String, (u64, u64, String)>| {
                    logs.values().all(|(size, final_size, _)| size == final_size)
                };
                if gcp.as_ref().is_some_and(settled) && gcp == aws && gcp == azure {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(PATIENCE, equal).await.expect("the roots become equal");
    }

    /// As when the machine's out-of-memory killer comes for it: whatever it started notices by itself.
    pub fn kill_the_supervisor(&mut self) {
        let supervisor = i32::try_from(self.supervisor.id()).expect("a pid");
        let all = descendants(supervisor);
        self.supervisor.kill().expect("it ran");
        self.supervisor.wait().expect("it was ours");
        let until = Instant::now() + PATIENCE;
        while all.iter().any(|pid| runs(*pid)) {
            assert!(Instant::now() < until, "what it started goes on: {all:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills everything at once, Postgres too, as a power cut does. Returns when it is gone: until
    /// then its ports are taken.
    fn kill_everything(&mut self) {
        let supervisor = i32::try_from(self.supervisor.id()).expect("a pid");
        let all: Vec<i32> = descendants(supervisor).into_iter().chain([supervisor]).collect();
        for pid in &all {
            // One that has just ended needs no killing.
            kill(Pid::from_raw(*pid), Signal::SIGKILL).ok();
        }
        self.supervisor.wait().expect("it was ours");
        let until = Instant::now() + PATIENCE;
        while all.iter().any(|pid| runs(*pid)) {
            assert!(Instant::now() < until, "what was killed does not end: {all:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Demonstration {
    fn drop(&mut self) {
        let supervisor = i32::try_from(self.supervisor.id()).unwrap_or_default();
        if self.supervisor.try_wait().is_ok_and(|ended| ended.is_none()) {
            kill(Pid::from_raw(supervisor), Signal::SIGTERM).ok();
            drop(self.supervisor.wait());
        }
        drop(fs::remove_dir_all(&self.folder));
        for end in ["out", "err"] {
            drop(fs::remove_file(self.folder.with_extension(end)));
        }
    }
}

/// Not gone, and not only waiting for its parent to take note. A process whose first thread has ended
/// is called a zombie while its other threads still hold its ports.
fn runs(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, rest)) = stat.rsplit_once(") ") else { return false };
    let threads = rest.split(' ').nth(STAT_THREADS).and_then(|it| it.parse::<u32>().ok());
    !rest.starts_with('Z') || threads.is_some_and(|threads| threads > 1)
}

/// Every process below this one.
fn descendants(of: i32) -> Vec<i32> {
    let parents: Vec<(i32, i32)> = fs::read_dir("/proc")
        .expect("Linux")
        .filter_map(|entry| {
            let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect();
    let mut found = vec![of];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found.split_off(1)
}

/// How many places were taken.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// A data folder that the unprivileged Postgres may enter, and three ports (and the lab's) in a row.
pub fn place() -> (PathBuf, u16) {
    let folder = std::env::temp_dir().join(format!("ternion-demo-{}", Uuid::now_v7()));
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let is_free = |base: &u16| (0..10).all(|at| free(base + at));
    // Each test of this process looks from another place on, so that no two find the same.
    let own = NEXT.fetch_add(1, Ordering::Relaxed) * 100;
    let start = 21_000 + u16::try_from(std::process::id() % 100).unwrap_or(0) * 20 + own;
    let port = (start..32_000).step_by(20).find(is_free).expect("ten free ports in a row");
    (folder, port)
}

/// Between the clients and the test.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    acknowledged: AtomicUsize,
}

/// Posts events with ids of its own until it is stopped; gives the ids that were acknowledged.
async fn load(http: reqwest::Client, url: String, shared: Arc<Load>) -> Vec<Uuid> {
    let mut acknowledged = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        let id = Uuid::now_v7();
        let event = json!({ "eventId": id, "tenantId": "platform", "payload": { "n": 1 } });
        let sent = http.post(format!("{url}/v1/events")).bearer_auth("demo-ingest").json(&event);
        match sent.send().await {
            Ok(answer) if answer.status().as_u16() == 201 => {
                acknowledged.push(id);
                shared.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    acknowledged
}

/// Loads all three clouds; ends with the flag.
fn load_all(
    demonstration: &Demonstration,
    shared: &Arc<Load>,
) -> Vec<tokio::task::JoinHandle<Vec<Uuid>>> {
    let client = |at: usize| {
        let url = demonstration.url(Cloud::ALL[at % 3]);
        tokio::spawn(load(demonstration.http.clone(), url, Arc::clone(shared)))
    };
    (0..CLIENTS).map(client).collect()
}

async fn acknowledged(loads: Vec<tokio::task::JoinHandle<Vec<Uuid>>>) -> Vec<Uuid> {
    let mut all = Vec::new();
    for load in loads {
        all.extend(load.await.expect("a client"));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_and_started_again_every_acknowledged_event_is_there_and_final() {
    let (folder, port) = place();
    let mut demonstration = Demonstration::start(folder.clone(), port).await;
    let shared = Arc::new(Load::default());
    let loads = load_all(&demonstration, &shared);
    let enough = async {
        while shared.acknowledged.load(Ordering::Relaxed) < ACKNOWLEDGED_MIN {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, enough).await.expect("the clouds take events");
    demonstration.kill_everything();
    shared.stop.store(true, Ordering::Relaxed);
    let acknowledged = acknowledged(loads).await;
    let demonstration = {
        // Not dropped: the folder must stay for the second run.
        std::mem::forget(demonstration);
        Demonstration::start(folder, port).await
    };
    demonstration.until_equal().await;
    println!("{} events were acknowledged before the kill", acknowledged.len());
    for id in acknowledged {
        let path = format!("/v1/events/{id}/confirmations");
        let confirmations = demonstration.json(Cloud::Aws, &path).await;
        let confirmations = confirmations.unwrap_or_else(|| panic!("{id} is lost"));
        assert_eq!(confirmations["status"], "FINAL", "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_stopped_in_the_lab_holds_nobody_up_and_catches_up_when_it_is_back() {
    let (folder, port) = place();
    let demonstration = Demonstration::start(folder, port).await;
    demonstration.lab(Cloud::Gcp, "clouds/azure/stop", &json!({})).await;
    let answer = demonstration.record(Cloud::Aws, 10_000).await;
    assert_eq!(answer["status"], "FINAL", "{answer}");
    assert_eq!(answer["signed"]["azure"], false);
    demonstration.lab(Cloud::Gcp, "clouds/azure/start", &json!({})).await;
    demonstration.until_ready(Cloud::Azure).await;
    demonstration.until_equal().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_prints_short_lines_of_its_own_and_each_cloud_logs_into_a_file() {
    let (folder, port) = place();
    let demonstration = Demonstration::start(folder.clone(), port).await;
    // The supervisor may notice later than we that a cloud is ready; until then a start is its first.
    for cloud in Cloud::ALL {
        demonstration.until_printed(&format!("ready {cloud}")).await;
    }
    demonstration.lab(Cloud::Gcp, "clouds/azure/stop", &json!({})).await;
    demonstration.until_printed("azure stopped").await;
    demonstration.lab(Cloud::Gcp, "clouds/azure/start", &json!({})).await;
    demonstration.until_printed("azure started").await;
    let state = demonstration.json(Cloud::Gcp, "/lab/v1/state").await.expect("the lab answers");
    let aws = state["clouds"]["aws"]["pid"].as_i64().expect("it runs");
    kill(Pid::from_raw(i32::try_from(aws).expect("a pid")), Signal::SIGKILL).expect("ours");
    demonstration.until_printed("aws started").await;
    let (out, err) = demonstration.printed();
    assert_eq!(err, "", "nothing on the screen but its own lines");
    let log = folder.canonicalize().expect("it is there").join("aws/ternion.log");
    let log = log.display().to_string();
    let crash = out.lines().find(|line| line.starts_with("aws crashed (signal: 9 (SIGKILL)"));
    assert!(crash.is_some_and(|line| line.ends_with(&format!("log: {log}"))), "{out}");
    for (cloud, line) in Cloud::ALL.into_iter().zip(["ready gcp", "ready aws", "ready azure"]) {
        assert!(out.contains(&format!("{line} {}\n", demonstration.url(cloud))), "{out}");
    }
    assert!(out.contains("\nsign in at ") && out.contains("\nCtrl-C stops everything"), "{out}");
    assert!(out.lines().count() < 12, "{out}");
    for own in ["ternion.log", "gcp/ternion.log", "aws/ternion.log", "azure/ternion.log"] {
        let written = fs::metadata(folder.join(own)).map(|file| file.len());
        assert!(written.is_ok_and(|bytes| bytes > 0), "{own}");
    }
    doctor_knows_the_running_cloud(&folder).await;
}

async fn doctor_knows_the_running_cloud(folder: &Path) {
    let file = folder.join("gcp/ternion.toml").to_str().expect("UTF-8").to_owned();
    let ran = ternion_beside(vec!["doctor".to_owned(), "--config".to_owned(), file]).await;
    assert!(ran.out.contains("held by gcp itself, which is running"), "{ran:?}");
    assert!(ran.out.contains("ok    genesis: ") && ran.out.contains("then pin it"), "{ran:?}");
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_is_cut_off_finalises_nothing_and_converges_when_it_is_healed() {
    let (folder, port) = place();
    let demonstration = Demonstration::start(folder, port).await;
    demonstration.until_equal().await;
    for body in [json!({}), json!({ "blackHole": true })] {
        demonstration.lab(Cloud::Gcp, "links/azure/all/cut", &body).await;
        let alone = demonstration.record(Cloud::Azure, 1_500).await;
        assert_eq!(alone["status"], "PENDING", "{alone}");
        let together = demonstration.record(Cloud::Gcp, 20_000).await;
        assert_eq!(together["status"], "FINAL", "{together}");
        assert_eq!(together["signed"]["azure"], false);
        let state = demonstration.lab(Cloud::Azure, "links/azure/all/heal", &json!({})).await;
        assert!(state["links"].as_array().expect("six").iter().all(|link| link["state"] == "open"));
        demonstration.until_equal().await;
    }
    // What gcp cannot ask of aws, aws asks of gcp.
    demonstration.lab(Cloud::Gcp, "links/gcp/all/cut?oneWay=true", &json!({})).await;
    let slower = demonstration.record(Cloud::Gcp, 20_000).await;
    assert_eq!(slower["status"], "FINAL", "{slower}");
    demonstration.lab(Cloud::Gcp, "links/gcp/all/heal", &json!({})).await;
    demonstration.lab(Cloud::Gcp, "links/gcp/aws/delay", &json!({ "ms": 50 })).await;
    let slow = demonstration.record(Cloud::Gcp, 20_000).await;
    assert_eq!(slow["status"], "FINAL", "{slow}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_in_the_lab_is_repaired_and_what_is_forged_is_refused() {
    let (folder, port) = place();
    let demonstration = Demonstration::start(folder, port).await;
    for cloud in Cloud::ALL {
        for _ in 0..8 {
            assert_eq!(demonstration.record(cloud, 20_000).await["status"], "FINAL");
        }
    }
    demonstration.until_equal().await;
    // The clouds' first word on who serves whom is an event too: it shall not come in between.
    demonstration.until_switched().await;
    demonstration.until_equal().await;
    let before = demonstration.logs(Cloud::Aws).await;
    for what in ["payload", "hash", "row", "tail"] {
        let body = json!({ "what": what });
        let told = demonstration.lab(Cloud::Gcp, "clouds/aws/corrupt", &body).await;
        assert_ne!(told["before"], told["after"], "{told}");
        let repair = demonstration.until_repaired(Cloud::Gcp, &told["place"]).await;
        println!("{what}: repaired after {} ms: {}", repair["afterMs"], repair["sentences"]);
    }
    assert_eq!(demonstration.logs(Cloud::Aws).await, before);
    let told = demonstration.lab(Cloud::Aws, "clouds/gcp/forge", &json!({})).await;
    let attempts = told["attempts"].as_array().expect("a list");
    assert_eq!(attempts.len(), 4);
    assert!(attempts.iter().all(|attempt| attempt["verdict"] == "refused"), "{told}");
    demonstration.until_equal().await;
    let told =
        demonstration.lab(Cloud::Aws, "clouds/gcp/equivocate", &json!({ "to": "aws" })).await;
    assert_eq!(told["verdict"], "taken", "{told}");
    assert_ne!(told["honest"]["root"], told["other"]["root"]);
    // Nobody signs more of that log, its origin neither; the others go on.
    for cloud in Cloud::ALL {
        demonstration.until_evidence(cloud).await;
    }
    let frozen = demonstration.record(Cloud::Gcp, 1_500).await;
    assert_eq!((&frozen["status"], &frozen["code"]), (&json!(503), &json!("log_frozen")));
    let other = demonstration.record(Cloud::Azure, 20_000).await;
    assert_eq!(other["status"], "FINAL", "{other}");
    demonstration.replace_keys(Cloud::Gcp).await;
    let again = demonstration.record(Cloud::Gcp, 20_000).await;
    assert_eq!(again["status"], "FINAL", "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_mode_witness_a_fourth_process_signs_while_a_cloud_is_down() {
    let (folder, port) = place();
    let flags = ["--mode", "witness"];
    let mut demonstration = Demonstration::start_with(folder.clone(), port, &flags).await;
    a_cloud_stops_and_events_become_final(&demonstration).await;
    let policy = format!("{}/v1/policy-file", demonstration.url(Cloud::Gcp));
    let policy = demonstration.get(&policy).await.expect("a policy");
    assert!(policy.contains("group clouds 3 gcp aws azure witness"), "{policy}");
    demonstration.kill_everything();
    // Not dropped: the witness must remember in the second run.
    std::mem::forget(demonstration);
    let demonstration = Demonstration::start_with(folder, port, &flags).await;
    a_cloud_stops_and_events_become_final(&demonstration).await;
}

async fn a_cloud_stops_and_events_become_final(demonstration: &Demonstration) {
    demonstration.lab(Cloud::Gcp, "clouds/azure/stop", &json!({})).await;
    let recorded = demonstration.record(Cloud::Gcp, 1_000).await;
    let id = recorded["eventId"].as_str().expect("recorded").to_owned();
    let becomes_final = async {
        let path = format!("/v1/events/{id}/confirmations");
        loop {
            let seen = demonstration.json(Cloud::Gcp, &path).await.unwrap_or_default();
            if seen["status"] == "FINAL" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, becomes_final).await.expect("the witness signs");
}
