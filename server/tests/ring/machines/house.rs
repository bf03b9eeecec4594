//! Three machines: configurations, processes, and a program that asks them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use domain::cloud::{Cloud, PerCloud};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use uuid::Uuid;

use super::wires::{Wires, address, run};
use crate::command::ternion;

/// Starting three Postgres clusters on a busy machine of two cores, and coming back after faults.
const PATIENCE: Duration = Duration::from_secs(120);
/// A small disk is soon full: a cluster is 40 MB, and its write-ahead log some more.
const DISK_MB: u32 = 220;
/// Enough to be in the middle of a commit at any time.
const CLIENTS: usize = 8;
const FILLER: &str = "filler";

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Final,
    /// Durable at one cloud.
    Accepted,
    Refused,
}

pub(super) struct Machines {
    folder: PathBuf,
    running: PerCloud<Option<Child>>,
    token: String,
    acknowledged: Vec<String>,
    wires: Wires,
}

impl Machines {
    /// `None` where namespaces are not permitted.
    pub(super) fn start() -> Option<Self> {
        let wires = Wires::lay()?;
        // Postgres' account must be able to enter it.
        let folder = PathBuf::from(format!("/var/tmp/ternion-{}", Uuid::new_v4().simple()));
        for cloud in Cloud::ALL {
            let data = folder.join(cloud.name());
            fs::create_dir_all(&data).expect("a folder");
            let size = format!("size={DISK_MB}m");
            let mount = ["mount", "-t", "tmpfs", "-o", &size, "ternion", text(&data)];
            assert!(run(&mount), "a disk of its own");
        }
        let (running, token) = (PerCloud::default(), String::new());
        let mut machines = Machines { folder, running, token, acknowledged: Vec::new(), wires };
        machines.configure();
        for cloud in Cloud::ALL {
            machines.start_again(cloud);
        }
        machines.make_token();
        Some(machines)
    }

    fn file(&self, cloud: Cloud) -> PathBuf {
        self.folder.join(format!("{cloud}.toml"))
    }

    fn log(&self, cloud: Cloud) -> PathBuf {
        self.folder.join(format!("{cloud}.log"))
    }

    /// As the three operators do it: each makes keys and carries the table to the others.
    fn configure(&self) {
        let own = |cloud: Cloud| {
            let data = self.folder.join(cloud.name()).join("data");
            let (first, second) = (cloud.peers()[0], cloud.peers()[1]);
            format!(
                "deployment = \"machines.test\"\ncloud = \"{cloud}\"\nregion = \"lab\"\n\
                 listen = [\"127.0.0.1:3000\", \"{}:3000\", \"{}:3000\"]\n\
                 url = \"http://{}:3000\"\ndata = \"{}\"\n[postgres]\nshared_buffers_mb = 32\n\
                 wal_max_mb = 64\n",
                address(cloud, first),
                address(cloud, second),
                address(cloud, first),
                data.display()
            )
        };
        let tables = PerCloud::from_fn(|cloud| {
            fs::write(self.file(cloud), own(cloud)).expect("a file");
            let made = ternion(&["keygen", "--config", text(&self.file(cloud))]);
            assert_eq!(made.code, 0, "{}", made.err);
            made.out
        });
        for cloud in Cloud::ALL {
            let mut whole = own(cloud);
            for peer in cloud.peers() {
                // The address of the peer on our own wire to it.
                let here = format!("url = \"http://{}:3000\"", address(peer, cloud));
                let lines = tables.get(peer).lines();
                let lines =
                    lines.map(|line| if line.starts_with("url") { here.as_str() } else { line });
                whole.push_str(&lines.collect::<Vec<_>>().join("\n"));
                whole.push('\n');
            }
            fs::write(self.file(cloud), whole).expect("a file");
        }
    }

    pub(super) fn start_again(&mut self, cloud: Cloud) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log(cloud));
        let child = Command::new("ip")
            .args(["netns", "exec", self.wires.name(cloud), env!("CARGO_BIN_EXE_ternion")])
            .args(["serve", "--config", text(&self.file(cloud))])
            .stdout(Stdio::null())
            .stderr(log.expect("a log"))
            .spawn();
        *self.running.get_mut(cloud) = Some(child.expect("it starts"));
        self.until_answers(cloud);
    }

    fn make_token(&mut self) {
        let file = self.file(Cloud::Gcp);
        let configured = ["--config", text(&file)];
        let as_whom = ["--name", "A program", "--role", "ingest", "program"];
        let added = ternion(&[&["user", "add"], &configured[..], &as_whom[..]].concat());
        assert_eq!(added.code, 0, "{}", added.err);
        let made = ternion(&[&["token", "create"], &configured[..], &["program"][..]].concat());
        assert_eq!(made.code, 0, "{}", made.err);
        let words = made.out.split_whitespace();
        let token = words.max_by_key(|word| word.len()).expect("a token");
        self.token = token.to_owned();
        self.until("the token works everywhere", |machines| {
            Cloud::ALL.into_iter().all(|cloud| machines.record_one(cloud).1 == Sent::Final)
        });
    }

    /// What is answered there: the status and the body.
    fn ask(&self, cloud: Cloud, path: &str, body: Option<&str>) -> Option<(u16, String)> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.wires.name(cloud), "curl", "-s", "-m", "15"]);
        command.args(["-w", "\n%{http_code}", &format!("http://127.0.0.1:3000{path}")]);
        if let Some(body) = body {
            let bearer = format!("authorization: Bearer {}", self.token);
            command.args(["-H", &bearer, "-H", "content-type: application/json", "-d", body]);
        }
        let output = command.output().expect("curl runs");
        let answer = String::from_utf8(output.stdout).ok()?;
        let (body, status) = answer.rsplit_once('\n')?;
        Some((status.parse().ok()?, body.to_owned()))
    }

    /// Sends one event and waits a little for FINAL; its id, and what became of it.
    fn record_one(&self, cloud: Cloud) -> (String, Sent) {
        let id = Uuid::now_v7().to_string();
        let padding = "x".repeat(2_000);
        let event = json!({
            "tenantId": "platform", "eventId": id, "payload": { "padding": padding }
        });
        let path = "/v1/events?wait=final&timeoutMs=3000";
        let sent = match self.ask(cloud, path, Some(&event.to_string())) {
            Some((201, _)) => Sent::Final,
            Some((202, _)) => Sent::Accepted,
            _ => Sent::Refused,
        };
        (id, sent)
    }

    pub(super) fn record(&mut self, cloud: Cloud, count: usize) -> Vec<Sent> {
        let mut all = Vec::new();
        // At once, so that one wait for finality serves them all.
        let results: Vec<(String, Sent)> = std::thread::scope(|scope| {
            let this = &*self;
            let sending: Vec<_> =
                (0..count).map(|_| scope.spawn(move || this.record_one(cloud))).collect();
            sending.into_iter().map(|one| one.join().expect("sent")).collect()
        });
        for (id, sent) in results {
            if sent != Sent::Refused {
                self.acknowledged.push(id);
            }
            all.push(sent);
        }
        all
    }

    /// Every one of them is FINAL within the wait.
    pub(super) fn record_final(&mut self, cloud: Cloud, count: usize) {
        let sent = self.record(cloud, count);
        assert!(sent.iter().all(|sent| *sent == Sent::Final), "{cloud}: {sent:?}{}", self.logs());
    }

    /// Sends from eight programs at a time while something is done.
    pub(super) fn record_while(
        &mut self,
        cloud: Cloud,
        count: usize,
        act: impl FnOnce(&Machines),
    ) -> Vec<Sent> {
        let (sent, results) = mpsc::channel();
        std::thread::scope(|scope| {
            let this = &*self;
            for _ in 0..CLIENTS {
                let sent = sent.clone();
                scope.spawn(move || {
                    for _ in 0..count / CLIENTS {
                        sent.send(this.record_one(cloud)).expect("somebody listens");
                    }
                });
            }
            drop(sent);
            std::thread::sleep(Duration::from_millis(500));
            act(this);
        });
        let mut all = Vec::new();
        for (id, sent) in results {
            if sent != Sent::Refused {
                self.acknowledged.push(id);
            }
            all.push(sent);
        }
        all
    }

    pub(super) fn record_until_refused(&mut self, cloud: Cloud) -> Vec<Sent> {
        let mut all = Vec::new();
        let until = Instant::now() + PATIENCE;
        while all.last() != Some(&Sent::Refused) {
            assert!(Instant::now() < until, "the disk is never full");
            all.extend(self.record(cloud, 20));
            // The last one is a witness of the disk, not of the order of twenty threads.
            all.sort_by_key(|sent| *sent == Sent::Refused);
        }
        all
    }

    fn until(&self, what: &str, is_so: impl Fn(&Machines) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < until, "never: {what}{}", self.logs());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    pub(super) fn until_answers(&self, cloud: Cloud) {
        self.until(&format!("{cloud} is ready"), |machines| {
            machines.ask(cloud, "/readyz", None).is_some_and(|(status, _)| status == 200)
        });
    }

    /// Each log at one cloud: its size, final size, and root.
    fn view(&self, cloud: Cloud) -> BTreeMap<String, (u64, u64, String)> {
        let (_, body) = self.ask(cloud, "/v1/logs", None).unwrap_or_default();
        let logs: Value = serde_json::from_str(&body).unwrap_or_default();
        let log = |item: &Value| {
            let sizes = (item["size"].as_u64()?, item["finalSize"].as_u64()?);
            Some((
                item["origin"].as_str()?.to_owned(),
                (sizes.0, sizes.1, item["root"].to_string()),
            ))
        };
        logs["items"].as_array().into_iter().flatten().filter_map(log).collect()
    }

    pub(super) fn final_size(&self, at: Cloud, origin: Cloud) -> u64 {
        self.view(at).get(origin.name()).map_or(0, |(_, size, _)| *size)
    }

    /// Waits until all clouds hold the same, all of it final, and nothing acknowledged is missing.
    pub(super) fn until_equal(&self) {
        self.until("equal and final", |machines| {
            let views = Cloud::ALL.map(|cloud| machines.view(cloud));
            let settled = views[0].values().all(|(size, final_size, _)| size == final_size);
            settled && views[0].len() == 3 && views.windows(2).all(|pair| pair[0] == pair[1])
        });
        let stored: u64 = self.view(Cloud::Gcp).values().map(|(size, ..)| *size).sum();
        assert!(stored >= self.acknowledged.len() as u64, "{stored} are stored");
        for id in &self.acknowledged {
            // A repeat of what is recorded answers 200, or 409 for its other content: never 201.
            let event = json!({ "tenantId": "platform", "eventId": id, "payload": {} });
            let (status, _) =
                self.ask(Cloud::Azure, "/v1/events", Some(&event.to_string())).expect("an answer");
            assert_eq!(status, 409, "{id} was acknowledged and is gone");
        }
    }

    pub(super) fn pull(&self, a: Cloud, b: Cloud) {
        self.wires.pull(a, b);
    }

    pub(super) fn plug(&self, a: Cloud, b: Cloud) {
        self.wires.plug(a, b);
    }

    pub(super) fn silence(&self, of: Cloud, to: Cloud) {
        self.wires.silence(of, to);
    }

    pub(super) fn unsilence(&self, of: Cloud, to: Cloud) {
        self.wires.unsilence(of, to);
    }

    fn signal(&self, cloud: Cloud, signal: Signal) {
        let child = self.running.get(cloud).as_ref().expect("it runs");
        kill(Pid::from_raw(child.id().cast_signed()), signal).expect("a signal");
    }

    pub(super) fn freeze(&self, cloud: Cloud) {
        self.signal(cloud, Signal::SIGSTOP);
    }

    pub(super) fn thaw(&self, cloud: Cloud) {
        self.signal(cloud, Signal::SIGCONT);
    }

    /// The cloud's process, without a word.
    pub(super) fn kill(&mut self, cloud: Cloud) {
        self.signal(cloud, Signal::SIGKILL);
        let mut child = self.running.get_mut(cloud).take().expect("it runs");
        child.wait().expect("it ends");
    }

    /// The process id of the cloud's Postgres.
    pub(super) fn database(&self, cloud: Cloud) -> i32 {
        let folder = self.folder.join(cloud.name()).join("data/postgres/cluster");
        let file = fs::read_to_string(folder.join("postmaster.pid")).expect("it runs");
        file.lines().next().and_then(|line| line.parse().ok()).expect("a process id")
    }

    /// The cloud's Postgres, without a word; the cloud starts it again.
    pub(super) fn kill_database(&self, cloud: Cloud) {
        kill(Pid::from_raw(self.database(cloud)), Signal::SIGKILL).expect("a signal");
    }

    pub(super) fn fill_disk(&self, cloud: Cloud) {
        let filler = self.folder.join(cloud.name()).join(FILLER);
        let mut file = fs::File::create(filler).expect("a file");
        let block = vec![0; 1 << 20];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
    }

    pub(super) fn free_disk(&self, cloud: Cloud) {
        fs::remove_file(self.folder.join(cloud.name()).join(FILLER)).expect("removed");
    }

    /// What the clouds said last, for whoever reads a failure.
    fn logs(&self) -> String {
        let tail = |cloud: Cloud| {
            let text = fs::read_to_string(self.log(cloud)).unwrap_or_default();
            let told = text.lines().filter(|line| !line.contains(" status=201 "));
            let lines: Vec<&str> = told.collect();
            format!("\n--- {cloud}\n{}", lines[lines.len().saturating_sub(15)..].join("\n"))
        };
        Cloud::ALL.map(tail).concat()
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for cloud in Cloud::ALL {
            if let Some(mut child) = self.running.get_mut(cloud).take() {
                let pid = Pid::from_raw(child.id().cast_signed());
                let _ = kill(pid, Signal::SIGCONT);
                let _ = kill(pid, Signal::SIGTERM); // it stops its Postgres
                drop(child.wait());
            }
            run(&["umount", text(&self.folder.join(cloud.name()))]);
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
